/* The audit of random heaps against a naive model: counts are made wrong, roots are kept from the
 * lens, and what must be found follows from the model by the definition.
 *
 *   lens_audit [SEEDS [FIRST]]
 *
 * The lens reads its own process.  Each heap is small, so there can be many.
 */
#include <stdlib.h>

#include "../unit/chain/self.h"
#include "world.h"

enum { OBJECTS = 40, STEPS_MAX = 400, WRONG_MAX = 4, LEFT_OUT_IN = 8 };

/* What the model says of one object, by its number. */
struct expected {
  uint64_t count, slots, roots; /* the count that is written, who owns, who may */
  bool stand_in;                /* a root may stand for several references */
  uint32_t confidence;          /* of the least sure root */
  bool found;
};

static struct world world;
static struct expected *expected;
static cairn_object **wrong; /* objects whose count was changed */
static int64_t wrong_by[WRONG_MAX];
static bool has_opaque;
static uint64_t findings_total, doubtful_total;

static bool is_counted(uint32_t id) {
  const struct model_object *shadow = model_at(&world.model, id);
  return shadow->alive && !shadow->immortal;
}

/* ---- the model ------------------------------------------------------------------------------- */

static void expect_slots(void) {
  const struct model *model = &world.model;
  has_opaque = false;
  for (uint32_t i = 0; i < model->alive.count; i++) {
    uint32_t id = model->alive.ids[i];
    const struct model_object *holder = model_at(model, id);
    if (holder->interned) expected[id].slots++; /* of the intern table */
    expected[id].count = holder->count + (holder->interned ? 1u : 0u);
    if (holder->kind == WORLD_OPAQUE) {
      has_opaque = true;
      continue; /* nobody sees what it holds */
    }
    for (uint32_t k = 0; k < holder->edge_count; k++) {
      const struct model_edge *edge = &holder->edges[k];
      if (edge->kind == MODEL_STRONG && edge->target != 0) expected[edge->target].slots++;
    }
  }
}

static void add_count(cairn_object *object, int64_t by) { object->header += (uint64_t)by; }

static void make_wrong(void) {
  for (uint32_t i = 0; i < WRONG_MAX; i++) {
    wrong[i] = NULL;
    uint32_t id = world_pick(&world);
    int64_t by = (int64_t)world_random(&world, 6) - 2;
    if (id == 0 || !is_counted(id) || (int64_t)expected[id].count + by < 1) continue;
    wrong[i] = world_object(&world, id);
    wrong_by[i] = by;
    add_count(wrong[i], by);
    expected[id].count += (uint64_t)by;
  }
}

static void mend(void) {
  for (uint32_t i = 0; i < WRONG_MAX; i++) {
    if (wrong[i] != NULL) add_count(wrong[i], -wrong_by[i]);
  }
}

/* ---- the lens -------------------------------------------------------------------------------- */

/* Tells the lens of most roots, under kinds of all sorts. */
static void add_roots(lens *self) {
  for (uint32_t i = 0; i < world.root_count; i++) {
    if (world_random(&world, LEFT_OUT_IN) == 0) continue;
    uint32_t id = world.root_ids[i];
    lens_root root = {.slot_address = address_of(&world.roots[i]),
                      .value = address_of(world.roots[i]),
                      .kind = (uint32_t)world_random(&world, LENS_ROOT_FOREIGN + 1),
                      .confidence = (uint32_t)world_random(&world, 3),
                      .unmerged = (uint32_t)world_random(&world, 2)};
    bool in_frame = root.kind == LENS_ROOT_ARG || root.kind == LENS_ROOT_LOCAL;
    expected[id].roots++;
    if (root.confidence > expected[id].confidence) expected[id].confidence = root.confidence;
    expected[id].stand_in = expected[id].stand_in || root.kind == LENS_ROOT_REGISTER ||
                            root.kind == LENS_ROOT_WORD || (in_frame && root.unmerged == 0);
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
}

static uint32_t id_of(uint64_t address) {
  for (uint32_t i = 0; i < world.model.alive.count; i++) {
    uint32_t id = world.model.alive.ids[i];
    if (address_of(world_object(&world, id)) == address) return id;
  }
  return 0;
}

/* The account of one object, however it is come by: with the index, or by a search for its holders.
 */
static void compare_account(lens *self, uint32_t id) {
  const struct expected *one = &expected[id];
  uint32_t row = LENS_NONE;
  lens_account account;
  uint64_t address = address_of(world_object(&world, id));
  assert_int_equal(lens_snapshot_find(self, address, &row), LENS_OK);
  assert_int_equal(lens_account_object(self, row, 0, &account), LENS_OK);
  assert_int_equal(account.refcount, one->count);
  assert_int_equal(account.heap_refs + account.runtime_refs, one->slots);
  assert_int_equal(account.root_refs, one->roots);
  bool under = one->count<one->slots, over = one->count> one->slots + one->roots;
  assert_int_equal(account.verdict, under  ? LENS_UNDER_RETAINED
                                    : over ? LENS_OVER_RETAINED
                                           : LENS_BALANCED);
  int64_t least = (int64_t)one->slots, most = least + (int64_t)one->roots;
  assert_int_equal(account.surplus, under  ? (int64_t)one->count - least
                                    : over ? (int64_t)one->count - most
                                           : 0);
  bool needs_roots = one->count > one->slots && one->roots != 0;
  if (!has_opaque)
    assert_int_equal(account.exactness, needs_roots ? one->confidence : LENS_CONFIDENCE_EXACT);
}

static void compare_accounts(lens *self, uint32_t every) {
  for (uint32_t i = 0; i < world.model.alive.count; i += every) {
    if (is_counted(world.model.alive.ids[i])) compare_account(self, world.model.alive.ids[i]);
  }
}

static void compare_row(const lens_finding *row) {
  uint32_t id = id_of(row->address);
  assert_int_not_equal(id, 0);
  struct expected *one = &expected[id];
  assert_false(one->found);
  one->found = true;
  assert_int_equal(row->refcount, one->count);
  assert_int_equal(row->heap_refs + row->runtime_refs, one->slots);
  assert_int_equal(row->root_refs, one->roots);
  bool under = one->count < one->slots;
  assert_int_equal(row->verdict, under ? LENS_UNDER_RETAINED : LENS_OVER_RETAINED);
  int64_t surplus = under ? (int64_t)one->count - (int64_t)one->slots
                          : (int64_t)one->count - (int64_t)(one->slots + one->roots);
  assert_int_equal(row->surplus, surplus);
  assert_true(surplus != 0);
  uint32_t doubts =
      under ? 0
            : (has_opaque ? LENS_DOUBT_OPAQUE : 0u) | (one->stand_in ? LENS_DOUBT_STAND_IN : 0u);
  assert_int_equal(row->doubts, doubts);
}

/* Nothing that the model finds wrong is left out; the totals are those of the rows. */
static void compare_all(const lens_audit_totals *totals, const lens_finding *rows, uint64_t count) {
  lens_audit_totals sum = {0};
  for (uint64_t i = 0; i < count; i++) {
    compare_row(&rows[i]);
    bool under = rows[i].verdict == LENS_UNDER_RETAINED, sure = rows[i].doubts == 0;
    sum.over += !under && sure;
    sum.under += under && sure;
    sum.over_doubtful += !under && !sure;
    sum.under_doubtful += under && !sure;
    sum.surplus += under || !sure ? 0 : (uint64_t)rows[i].surplus;
    sum.deficit += under && sure ? (uint64_t)-rows[i].surplus : 0;
    if (i == 0) continue;
    bool before_sure = rows[i - 1].doubts == 0;
    assert_true(before_sure || !sure);
    if (before_sure == sure) assert_true(llabs(rows[i - 1].surplus) >= llabs(rows[i].surplus));
  }
  assert_int_equal(totals->over, sum.over);
  assert_int_equal(totals->under, sum.under);
  assert_int_equal(totals->over_doubtful, sum.over_doubtful);
  assert_int_equal(totals->under_doubtful, sum.under_doubtful);
  assert_int_equal(totals->surplus, sum.surplus);
  assert_int_equal(totals->deficit, sum.deficit);
  assert_int_equal(totals->freed + totals->stray, 0);
  uint64_t balanced = 0;
  for (uint32_t i = 0; i < world.model.alive.count; i++) {
    uint32_t id = world.model.alive.ids[i];
    const struct expected *one = &expected[id];
    if (!is_counted(id) || one->found) continue;
    if (one->count < one->slots || one->count > one->slots + one->roots)
      fail_msg("object %" PRIu32 " is missing: count %" PRIu64 ", %" PRIu64 " slots, %" PRIu64
               " roots",
               id, one->count, one->slots, one->roots);
    balanced++;
  }
  /* The heap's own objects are balanced as well. */
  assert_in_range(totals->balanced, balanced, balanced + world.own_objects);
  findings_total += count;
  doubtful_total += sum.over_doubtful;
}

/* The sums over all objects are those of the rows, whatever doubts there are. */
static void compare_sums(const lens *self, const lens_finding *rows, uint64_t count) {
  lens_accounts accounts;
  uint64_t over = 0, under = 0, surplus = 0, deficit = 0;
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  for (uint64_t i = 0; i < count; i++) {
    over += rows[i].surplus > 0;
    under += rows[i].surplus < 0;
    surplus += rows[i].surplus > 0 ? (uint64_t)rows[i].surplus : 0;
    deficit += rows[i].surplus < 0 ? (uint64_t)-rows[i].surplus : 0;
  }
  assert_int_equal(accounts.over, over);
  assert_int_equal(accounts.under, under);
  assert_int_equal(accounts.surplus, surplus);
  assert_int_equal(accounts.deficit, deficit);
}

static void audit(uint32_t slice_ms) {
  static lens_finding rows[4 * OBJECTS];
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  add_roots(self);
  compare_accounts(self, 4);
  const lens_audit_filter filter = {0};
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_audit(self, &filter, slice_ms, NULL);
  assert_int_equal(status, LENS_OK);
  lens_audit_totals totals;
  assert_int_equal(lens_audit_totals_get(self, &totals), LENS_OK);
  uint64_t written, total;
  assert_int_equal(lens_findings(self, 4 * OBJECTS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  assert_int_equal(total, totals.findings);
  compare_all(&totals, rows, written);
  compare_sums(self, rows, written);
  compare_accounts(self, 1);
  lens_finding worst[2];
  assert_int_equal(lens_findings(self, 2, worst, &written, &total), LENS_OK);
  assert_int_equal(written, total < 2 ? total : 2);
  assert_memory_equal(worst, rows, written * sizeof *worst);
  lens_free(self);
}

static void run(uint64_t seed) {
  const struct world_options options = {.seed = seed,
                                        .object_goal = OBJECTS,
                                        .keep_interned = true,
                                        .transparent = seed % 2 == 0,
                                        .heap_name = "audited"};
  assert_true(world_new(&world, &options));
  uint64_t steps = 20 + world_random(&world, STEPS_MAX);
  for (uint64_t i = 0; i < steps; i++) world_step(&world);
  assert_null(world_check(&world));
  expected = calloc(world.model.object_count + 1, sizeof *expected);
  wrong = calloc(WRONG_MAX, sizeof *wrong);
  assert_true(expected != NULL && wrong != NULL);
  expect_slots();
  make_wrong();
  audit((uint32_t)world_random(&world, 2));
  mend();
  free(expected);
  free(wrong);
  assert_null(world_check(&world));
  const char *problem = world_end(&world);
  if (problem != NULL) fail_msg("%s", problem);
}

static uint64_t seeds = 1500, seed = 1;

static void random_heaps_are_audited(void **state) {
  (void)state;
  for (uint64_t end = seed + seeds; seed < end; seed++) run(seed);
  assert_true(findings_total > seeds && doubtful_total > 0);
}

static int say_seed(void **state) {
  (void)state;
  print_message("up to seed %" PRIu64 ": %" PRIu64 " findings, %" PRIu64 " of them doubtful\n",
                seed, findings_total, doubtful_total);
  return 0;
}

int main(int count, char **words) {
  if (count > 1) seeds = strtoull(words[1], NULL, 0);
  if (count > 2) seed = strtoull(words[2], NULL, 0);
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(random_heaps_are_audited, say_seed)};
  return cmocka_run_group_tests_name("lens audit", tests, NULL, NULL);
}

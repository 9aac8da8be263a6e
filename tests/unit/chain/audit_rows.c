/* The audit's and the leaks' arithmetic with roots of every confidence, references that the runtime
 * itself holds, and a long list that is moving; and rows that the caller has little room for.
 *
 * The expected numbers come from what the test drew.
 */
#include "../../random.h"
#include "../runtime/nodes.h"
#include "self.h"

enum { CASES = 400, TARGETS = 12, ROOTS = 4, LONG_LIST = 3000, ROWS = 64, GUARD = 0x5a };

static uint64_t seed = 20261122;

static struct nodes *nodes;
static cairn_object *list; /* holds what is held by the heap */

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  list = cairn_list_new(nodes->heap, 0);
  return 0;
}

static int end(void **state) {
  cairn_release(list);
  return nodes_teardown(state);
}

static lens *look(void) {
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  const lens_root root = {.slot_address = 8, .value = address_of(list), .kind = LENS_ROOT_GLOBAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
  return self;
}

static const lens_finding *finding_of(const lens_finding *rows, uint64_t count,
                                      const void *object) {
  for (uint64_t i = 0; i < count; i++) {
    if (rows[i].address == address_of(object)) return &rows[i];
  }
  return NULL;
}

static uint64_t audited(lens *self, bool guessed, lens_finding *rows, lens_audit_totals *totals) {
  const lens_audit_filter filter = {.guessed = guessed};
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  assert_int_equal(lens_audit_totals_get(self, totals), LENS_OK);
  return written;
}

/* ---- guesses, and what the runtime holds ---- */

/* What a node's count is made of. */
struct made {
  struct node *node;
  uint64_t extra, slots, exact, guesses, held; /* references, slots, roots of two sorts, the
                                                  runtime's holdings */
};

static void make(struct made *made, lens *self, cairn_object **words, uint64_t *held) {
  uint64_t slot_address = 64 * (address_of(made) & 0xffff);
  for (uint64_t i = 0; i < made->exact + made->guesses; i++) {
    const lens_root root = {
        .slot_address = slot_address + 8 * i,
        .value = address_of(made->node),
        .kind = LENS_ROOT_FOREIGN,
        .confidence = i < made->exact ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_CONSERVATIVE};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
  for (uint64_t i = 0; i < made->held; i++) words[(*held)++] = &made->node->base;
}

/* Balanced, by the definition; and balanced without its guesses. */
static void compare(const struct made *made, const lens_finding *row) {
  uint64_t count = made->extra, known = made->slots + made->held, roots = made->exact;
  int64_t over = (int64_t)count - (int64_t)(known + roots + made->guesses);
  int64_t under = (int64_t)count - (int64_t)known;
  bool guessed = over <= 0 && under >= 0 && count > known + roots;
  if (over <= 0 && under >= 0 && !guessed) {
    assert_null(row);
    return;
  }
  assert_non_null(row);
  assert_int_equal(row->refcount, count);
  assert_int_equal(row->heap_refs, made->slots);
  assert_int_equal(row->runtime_refs, made->held);
  assert_int_equal(row->root_refs, roots + made->guesses);
  assert_int_equal(row->guessed_refs, made->guesses);
  assert_int_equal(row->doubts, guessed ? LENS_DOUBT_GUESSED : 0);
  assert_int_equal(row->verdict, guessed     ? LENS_BALANCED
                                 : under < 0 ? LENS_UNDER_RETAINED
                                             : LENS_OVER_RETAINED);
  assert_int_equal(row->surplus, guessed ? 0 : under < 0 ? under : over);
}

static void one_case(void) {
  static cairn_object *words[TARGETS * ROOTS];
  struct made made[TARGETS];
  lens_finding rows[ROWS];
  uint64_t held = 0, all_held = 0, guessed_rows = 0;
  for (uint64_t i = 0; i < TARGETS; i++) {
    made[i] = (struct made){.node = node_new(nodes, nodes->plain, (int64_t)i),
                            .slots = random_below(&seed, ROOTS),
                            .exact = random_below(&seed, ROOTS),
                            .guesses = random_below(&seed, ROOTS),
                            .held = random_below(&seed, 2)};
    for (uint64_t k = 0; k < made[i].slots; k++)
      assert_true(cairn_list_append(list, &made[i].node->base));
    made[i].extra = 1 + random_below(&seed, made[i].slots + made[i].exact + made[i].guesses + 3);
    all_held += made[i].held;
    made[i].node->base.header += made[i].extra - (1 + made[i].slots);
  }
  struct cairn_holding holding = {.words = words, .count = all_held};
  nodes->heap->holdings = &holding;
  nodes->heap->flux = CAIRN_FLUX_NONE;
  for (uint64_t i = 0, at = 0; i < TARGETS; i++) {
    for (uint64_t k = 0; k < made[i].held; k++) words[at++] = &made[i].node->base;
  }
  lens *self = look();
  for (uint64_t i = 0; i < TARGETS; i++) make(&made[i], self, words, &held);
  lens_audit_totals totals;
  uint64_t count = audited(self, true, rows, &totals);
  for (uint64_t i = 0; i < TARGETS; i++) compare(&made[i], finding_of(rows, count, made[i].node));
  for (uint64_t i = 0; i < count; i++) guessed_rows += rows[i].verdict == LENS_BALANCED;
  assert_int_equal(totals.guessed, guessed_rows);
  assert_int_equal(totals.unknown, 0);
  assert_int_equal(audited(self, false, rows, &totals), count - guessed_rows);
  lens_free(self);
  nodes->heap->holdings = NULL;
  for (uint64_t i = 0; i < TARGETS; i++)
    made[i].node->base.header -= made[i].extra - (1 + made[i].slots);
  cairn_list_clear(list);
  for (uint64_t i = 0; i < TARGETS; i++) cairn_release(&made[i].node->base);
}

static void every_confidence(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  for (int i = 0; i < CASES; i++) one_case();
}

/* ---- a long list that is moving ---- */

/* Its items are in flux, from the first to the last: a buffer of many kilobytes. */
static void a_long_list_moves(void **state) {
  (void)state;
  static lens_finding rows[LONG_LIST + 1];
  for (int64_t i = 0; i < LONG_LIST; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    assert_true(cairn_list_append(list, &node->base)); /* and nobody gives the maker's up */
  }
  for (int moving = 0; moving < 2; moving++) {
    if (moving == 1) {
      nodes->heap->flux = CAIRN_FLUX_RESIZE;
      nodes->heap->flux_object = list;
    }
    lens *self = look();
    const lens_audit_filter filter = {0};
    uint64_t written = 0, total = 0, doubted = 0;
    assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
    assert_int_equal(lens_findings(self, LONG_LIST + 1, rows, &written, &total), LENS_OK);
    assert_int_equal(total, LONG_LIST);
    for (uint64_t i = 0; i < written; i++) doubted += (rows[i].doubts & LENS_DOUBT_FLUX) != 0;
    assert_int_equal(doubted, moving == 1 ? LONG_LIST : 0);
    lens_free(self);
  }
  nodes->heap->flux = CAIRN_FLUX_NONE;
  nodes->heap->flux_object = NULL;
  for (int64_t i = 0; i < LONG_LIST; i++) cairn_release(cairn_list_get(list, (size_t)i));
  cairn_list_clear(list);
}

/* ---- leaks: totals of the roots, and little room ---- */

static void leaks_say_what_the_roots_were(void **state) {
  (void)state;
  const uint32_t kinds[] = {LENS_ROOT_REGISTER, LENS_ROOT_WORD,    LENS_ROOT_WORD,
                            LENS_ROOT_FOREIGN,  LENS_ROOT_FOREIGN, LENS_ROOT_FOREIGN,
                            LENS_ROOT_LOCAL};
  for (uint64_t first = 0; first < sizeof kinds / sizeof kinds[0]; first++) {
    lens *self = self_lens();
    assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
    for (uint64_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
      uint64_t at = (first + i) % (sizeof kinds / sizeof kinds[0]);
      const lens_root root = {
          .slot_address = 8 + 8 * i,
          .value = address_of(list),
          .kind = kinds[at],
          .confidence = at == 3 ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_CONSERVATIVE};
      assert_int_equal(lens_root_add(self, &root), LENS_OK);
    }
    lens_leaks_totals totals;
    assert_int_equal(lens_leaks(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
    assert_int_equal(totals.roots, 7);
    assert_int_equal(totals.guessed_roots, 6);
    assert_int_equal(totals.guessed_registers, 1);
    assert_int_equal(totals.guessed_words, 2);
    assert_int_equal(totals.guessed_foreign, 2);
    lens_free(self);
  }
}

static void rows_end_where_the_room_does(void **state) {
  (void)state;
  struct node *lost = node_new(nodes, nodes->plain, 1), *other = node_new(nodes, nodes->watched, 2);
  lens *self = look();
  lens_leak leaks[3], one;
  lens_leak_census sums[3];
  lens_finding findings[3];
  uint64_t written = 0, total = 0;
  const lens_audit_filter filter = {0};
  assert_int_equal(lens_leaks(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  for (uint64_t room = 0; room <= 2; room++) {
    memset(leaks, GUARD, sizeof leaks);
    memset(sums, GUARD, sizeof sums);
    memset(findings, GUARD, sizeof findings);
    assert_int_equal(lens_leaks_select(self, NULL, room, leaks, &written, &total), LENS_OK);
    assert_int_equal(written, room);
    assert_int_equal(total, 2);
    assert_int_equal(lens_leaks_census(self, room, sums, &written, &total), LENS_OK);
    assert_int_equal(written, room);
    assert_int_equal(total, 2);
    assert_int_equal(lens_findings(self, room, findings, &written, &total), LENS_OK);
    assert_int_equal(written, room);
    assert_int_equal(total, 2);
    for (uint64_t i = 0; i < sizeof leaks[0]; i++) /* what is behind is as it was */
      assert_int_equal(((const uint8_t *)&leaks[room])[i], GUARD);
    for (uint64_t i = 0; i < sizeof sums[0]; i++)
      assert_int_equal(((const uint8_t *)&sums[room])[i], GUARD);
    for (uint64_t i = 0; i < sizeof findings[0]; i++)
      assert_int_equal(((const uint8_t *)&findings[room])[i], GUARD);
  }
  assert_int_equal(lens_leak_get(self, 1, &one), LENS_OK);
  assert_int_equal(lens_leak_get(self, 2, &one), LENS_NOT_FOUND);
  assert_int_equal(lens_leak_get(self, UINT32_MAX, &one), LENS_NOT_FOUND);
  lens_free(self);
  cairn_release(&lost->base);
  cairn_release(&other->base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_confidence, begin, end),
      cmocka_unit_test_setup_teardown(a_long_list_moves, begin, end),
      cmocka_unit_test_setup_teardown(leaks_say_what_the_roots_were, begin, end),
      cmocka_unit_test_setup_teardown(rows_end_where_the_room_does, begin, end)};
  return cmocka_run_group_tests_name("rows of the audit and of leaks", tests, NULL, NULL);
}

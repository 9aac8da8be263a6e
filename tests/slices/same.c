/* The answers are the same wherever the work is interrupted: each question is asked of one heap in
 * one go, and by another lens whose slices end at two of three looks at the clock, by lot.  What
 * takes no slice is ended at its turns, and then answers as if nothing had been before.
 *
 * That the answers are right is for the property tests to say, on heaps too small to be interrupted
 * in every place; this one is as large as it takes.
 */
#include <stdlib.h>

#include "analysis.h"
#include "memory/slice.h"
#include "model.h"
#include "same_heap.h"
#include "self.h"

/* Of one question: so many without an end are a question that gets nowhere. */
enum { MOST_CALLS = 10000000, ROOTS = 19000 };

static lens *self;
static bool by_lot, each_turn;
static uint64_t lot = 88172645463325252u, interruptions;

bool __real_lens_slice_over(const lens_slice *slice);
bool __wrap_lens_slice_over(const lens_slice *slice);
bool __wrap_lens_slice_over(const lens_slice *slice) {
  if (each_turn) return slice == &self->turn_slice;
  if (!by_lot) return __real_lens_slice_over(slice);
  bool over = random_below(&lot, 3) != 0;
  interruptions += over;
  return over;
}

/* ---- the questions ---- */

static uint64_t sum; /* of the answers so far */

static void add(const void *rows, uint64_t bytes) {
  const unsigned char *at = rows;
  for (uint64_t i = 0; i < bytes; i++) sum = (sum ^ at[i]) * 0x100000001b3u;
}

#define RUN(call)                                                             \
  do {                                                                        \
    lens_status status_ = LENS_AGAIN;                                         \
    for (uint64_t calls_ = 0; status_ == LENS_AGAIN; calls_++) {              \
      status_ = (call);                                                       \
      if (calls_ > MOST_CALLS) fail_msg("%s gets nowhere", #call);            \
    }                                                                         \
    if (status_ != LENS_OK) print_error("%s: %s\n", #call, lens_error(self)); \
    assert_int_equal(status_, LENS_OK);                                       \
  } while (0)

/* The rows of a listing, up to so many. */
enum { ROWS = 20000 };
static uint64_t written, total;
#define ADD_ROWS(type, call)           \
  do {                                 \
    static type rows[ROWS];            \
    assert_int_equal(call, LENS_OK);   \
    assert_true(written > 0);          \
    add(&total, sizeof total);         \
    add(rows, written * sizeof *rows); \
  } while (0)

static void add_root(uint64_t slot, const void *object) {
  const lens_root root = {
      .slot_address = slot, .value = address_of(object), .kind = LENS_ROOT_GLOBAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

static uint32_t row_of(const void *object) {
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(object), &row), LENS_OK);
  return row;
}

static void add_roots(void) {
  for (uint64_t i = 0; i < ROOTS; i++) add_root(8 * (i + 1), nodes[2 * i]);
  for (uint64_t i = 0; i < ALONE; i++) add_root(8 * (ROOTS + i + 1), alone[i]);
}

static void snapshot(void) {
  lens_columns columns;
  lens_weights_shown weights;
  RUN(lens_walk(self, 1, NULL));
  RUN(lens_index(self, 1, NULL));
  RUN(lens_weights(self, 1, NULL));
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  assert_int_equal(lens_weights_get(self, &weights), LENS_OK);
  uint64_t count = columns.object_count;
  add(columns.address, count * sizeof *columns.address);
  add(columns.refcount, count * sizeof *columns.refcount);
  add(columns.out_start, (count + 1) * sizeof *columns.out_start);
  add(columns.out_target, columns.edge_count * sizeof *columns.out_target);
  add(columns.in_start, (count + 1) * sizeof *columns.in_start);
  add(columns.in_source, columns.edge_count * sizeof *columns.in_source);
  add(weights.own_bytes, count * sizeof *weights.own_bytes);
  add_roots();
}

static void cycles(void) {
  lens_components_shown components;
  RUN(lens_components(self, 1, NULL));
  assert_int_equal(lens_components_get(self, &components), LENS_OK);
  add(components.component, components.object_count * sizeof *components.component);
  RUN(lens_cycles(self, 1, NULL));
  uint32_t all = LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE, large = LENS_NONE;
  ADD_ROWS(lens_cycle, lens_cycles_select(self, all, ROWS, rows, &written, &total));
  RUN(lens_cycles_group(self, all, 1, NULL));
  ADD_ROWS(lens_cycle_group, lens_cycle_groups(self, ROWS, rows, &written, &total));
  assert_int_equal(lens_cycle_of(self, row_of(nodes[0]), &large), LENS_OK);
  RUN(lens_cycle_open(self, large, 1, NULL));
  lens_cycle_opened opened;
  assert_int_equal(lens_cycle_opened_get(self, &opened), LENS_OK);
  add(&opened, sizeof opened);
  static lens_cycle_break breaks[3 * TYPES];
  assert_int_equal(lens_cycle_breaks(self, 3 * TYPES, breaks, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++) breaks[i].name = NULL; /* it is elsewhere */
  add(breaks, written * sizeof *breaks);
}

static void retained(void) {
  RUN(lens_retained(self, 1, NULL));
  for (uint32_t i = 0; i < NODES; i += 7) {
    lens_retained_row row;
    assert_int_equal(lens_retained_object(self, row_of(nodes[i]), &row), LENS_OK);
    add(&row, sizeof row);
  }
  ADD_ROWS(lens_retained_root, lens_retained_roots(self, ROWS, rows, &written, &total));
  RUN(lens_retained_types(self, 1, NULL));
  ADD_ROWS(lens_retained_type, lens_retained_types_get(self, ROWS, rows, &written, &total));
  assert_true(written >= TYPES);
}

static void garbage(void) {
  lens_reached reached;
  RUN(lens_reach(self, NULL, 0, LENS_REACH_ROOTS | LENS_REACH_RUNTIME, 1, NULL));
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  add(&reached.object_count, 2 * sizeof reached.object_count);
  for (uint32_t local = 0; local < 2; local++) {
    lens_collected collected;
    RUN(lens_collect(self, LENS_NONE, local, 1, NULL));
    assert_int_equal(lens_collected_get(self, &collected), LENS_OK);
    add(collected.verdict, collected.object_count);
    add(collected.internal, collected.object_count * sizeof *collected.internal);
    ADD_ROWS(lens_collect_row,
             lens_collect_rows(self, LENS_COLLECT_FREED, NULL, ROWS, rows, &written, &total));
  }
  RUN(lens_leaks(self, 1, NULL));
  ADD_ROWS(lens_leak, lens_leaks_select(self, NULL, ROWS, rows, &written, &total));
  ADD_ROWS(lens_leak, lens_leaks_joint(self, ROWS, rows, &written, &total));
}

static void ways(void) {
  for (int soft = 0; soft < 2; soft++) {
    const void *asked[] = {hub, nodes[1], nodes[NODES - 1]};
    for (int i = 0; i < 3; i++) {
      lens_paths_totals totals;
      RUN(lens_paths(self, row_of(asked[i]), 50, (uint32_t)soft, 1, NULL));
      assert_int_equal(lens_paths_totals_get(self, &totals), LENS_OK);
      assert_true(totals.ways > 0);
      for (uint64_t way = 0; way < totals.ways; way++) {
        static uint32_t objects[64];
        assert_int_equal(lens_way_objects(self, way, 0, 64, objects, &written, &total), LENS_OK);
        add(objects, written * sizeof *objects);
      }
    }
  }
}

static void counts(void) {
  lens_accounts accounts;
  const lens_audit_filter filter = {.guessed = 1};
  RUN(lens_account_all(self, 1, NULL));
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  add(accounts.heap_refs, accounts.object_count * sizeof *accounts.heap_refs);
  add(accounts.root_refs, accounts.object_count * sizeof *accounts.root_refs);
  add(accounts.verdict, accounts.object_count);
  RUN(lens_audit(self, &filter, 1, NULL));
  ADD_ROWS(lens_finding, lens_findings(self, ROWS, rows, &written, &total));
  RUN(lens_pairs_read(self, 1, NULL));
  RUN(lens_pairs_learn(self, 1, NULL));
  RUN(lens_blame(self, 1, NULL));
  uint64_t silent;
  ADD_ROWS(lens_unmatched, lens_blame_rows(self, ROWS, rows, &written, &total, &silent));
}

static void moments(void) {
  lens_moment *first = NULL, *second = NULL;
  lens_diff *diff = NULL;
  lens_diff_totals totals;
  bool lots = by_lot;
  by_lot = false;
  RUN(lens_moment_take(self, 0, NULL, &first));
  by_lot = lots;
  RUN(lens_moment_take(self, 1, NULL, &second));
  assert_int_equal(lens_diff_new(first, second, NULL, 20, &diff), LENS_OK);
  RUN(lens_diff_step(diff, 1, NULL));
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  assert_int_equal(totals.kept, totals.count_a);
  assert_int_equal(totals.kept, totals.count_b);
  assert_int_equal(totals.added + totals.gone + totals.reused + totals.resized, 0);
  add(&totals, sizeof totals);
  lens_diff_free(diff);
  lens_moment_free(first);
  lens_moment_free(second);
}

/* ---- both ways ---- */

static const struct {
  const char *name;
  void (*ask)(void);
} questions[] = {{"snapshot", snapshot}, {"cycles", cycles}, {"retained", retained},
                 {"garbage", garbage},   {"ways", ways},     {"counts", counts},
                 {"moments", moments}};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void test_slices_change_nothing(void **state) {
  (void)state;
  uint64_t sums[2][QUESTIONS];
  for (int sliced = 0; sliced < 2; sliced++) {
    self = self_lens();
    for (int i = 0; i < QUESTIONS; i++) {
      sum = 0xcbf29ce484222325u;
      interruptions = 0;
      by_lot = sliced != 0;
      questions[i].ask();
      by_lot = false;
      sums[sliced][i] = sum;
      if (sliced == 0) continue;
      print_message("%s: %" PRIu64 " interruptions\n", questions[i].name, interruptions);
      assert_true(interruptions >= 10);
      if (sums[0][i] != sums[1][i]) fail_msg("%s: another answer", questions[i].name);
    }
    lens_free(self);
  }
}

/* ---- given up for another question ---- */

static const lens_audit_filter some = {.type_glob = "node 1*"}, every = {.guessed = 1};

static lens_status reach(bool other) {
  uint32_t from = other ? LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL : LENS_REACH_ROOTS;
  static uint32_t start;
  if (other) start = row_of(nodes[5]);
  return lens_reach(self, other ? &start : NULL, other, from, 1, NULL);
}
static void add_reached(void) {
  lens_reached reached;
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  add(&reached.object_count, sizeof reached.object_count);
  add(&reached.bytes, sizeof reached.bytes);
}

static lens_status collect(bool other) { return lens_collect(self, LENS_NONE, other, 1, NULL); }
static void add_collected(void) {
  lens_collected collected;
  assert_int_equal(lens_collected_get(self, &collected), LENS_OK);
  add(collected.verdict, collected.object_count);
  add(collected.internal, collected.object_count * sizeof *collected.internal);
}

static lens_status path(bool other) {
  return lens_paths(self, row_of(other ? (const void *)hub : nodes[7]), 40, other, 1, NULL);
}
static void add_ways(void) {
  lens_paths_totals totals;
  assert_int_equal(lens_paths_totals_get(self, &totals), LENS_OK);
  for (uint64_t way = 0; way < totals.ways; way++) {
    static uint32_t objects[64];
    assert_int_equal(lens_way_objects(self, way, 0, 64, objects, &written, &total), LENS_OK);
    add(objects, written * sizeof *objects);
  }
}

static lens_status audit(bool other) { return lens_audit(self, other ? &some : &every, 1, NULL); }
static void add_findings(void) {
  ADD_ROWS(lens_finding, lens_findings(self, ROWS, rows, &written, &total));
}

static lens_status group(bool other) {
  return lens_cycles_group(self, other ? LENS_CYCLES_LIVE : LENS_CYCLES_GARBAGE, 1, NULL);
}
static void add_groups(void) {
  ADD_ROWS(lens_cycle_group, lens_cycle_groups(self, ROWS, rows, &written, &total));
}

static const struct {
  const char *name;
  lens_status (*ask)(bool other);
  void (*add)(void);
  bool may_agree; /* the local collection may turn full */
} pairs[] = {{"reach", reach, add_reached, false},
             {"collect", collect, add_collected, true},
             {"paths", path, add_ways, false},
             {"audit", audit, add_findings, false},
             {"cycles_group", group, add_groups, false}};

/* Each question is asked in one go; then it is given up at each interruption, and again, for the
 * other one, which answers as if nothing had been before. */
static void test_given_up_for_another(void **state) {
  (void)state;
  self = self_lens();
  snapshot();
  for (uint64_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    uint64_t plain[2];
    for (int other = 0; other < 2; other++) {
      sum = 0;
      RUN(pairs[i].ask(other));
      pairs[i].add();
      plain[other] = sum;
    }
    assert_true(pairs[i].may_agree || plain[0] != plain[1]);
    uint64_t given_up = 0;
    for (int turn = 0; turn < 30; turn++) {
      by_lot = true;
      lens_status status = LENS_AGAIN;
      for (int calls = 0; calls <= turn && status == LENS_AGAIN; calls++)
        status = pairs[i].ask(turn % 2 == 0);
      by_lot = false;
      given_up += status == LENS_AGAIN;
      sum = 0;
      RUN(pairs[i].ask(turn % 2 != 0));
      pairs[i].add();
      if (sum != plain[turn % 2]) fail_msg("%s: another answer at turn %d", pairs[i].name, turn);
    }
    print_message("%s: given up %" PRIu64 " times\n", pairs[i].name, given_up);
    assert_true(given_up > 5);
  }
  lens_free(self);
}

static void add_leaks(void) {
  lens_leaks_totals totals;
  assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
  add(&totals, sizeof totals);
  ADD_ROWS(lens_leak, lens_leaks_select(self, NULL, ROWS, rows, &written, &total));
}

/* What is reachable is another question's meanwhile, in each phase of the search for leaks. */
static void test_another_in_between(void **state) {
  (void)state;
  self = self_lens();
  snapshot();
  sum = 0;
  RUN(lens_leaks(self, 1, NULL));
  add_leaks();
  const uint64_t plain = sum;
  uint64_t met = 0;
  for (int phase = LENS_LEAKS_REACH; phase < LENS_LEAKS_DONE; phase++) {
    lens_roots_clear(self); /* what was known is not any more */
    add_roots();
    lens_status status = LENS_AGAIN;
    by_lot = true;
    while (status == LENS_AGAIN && self->analysis->leaks.phase < phase)
      status = lens_leaks(self, 1, NULL);
    by_lot = false;
    met += self->analysis->leaks.phase == phase;
    RUN(reach(true));
    sum = 0;
    RUN(lens_leaks(self, 1, NULL));
    add_leaks();
    if (sum != plain) fail_msg("other leaks, after phase %d", phase);
  }
  assert_true(met > LENS_LEAKS_TAKE);
  lens_free(self);
}

/* ---- ended at a turn ---- */

static void turn_down(void *left, uint32_t *go_on) { *go_on = --*(int64_t *)left > 0; }

/* Every answer that is given in one go, after what it needs. */
#define ANSWER(name, type, call)                                 \
  static type name##_rows[ROWS];                                 \
  static lens_status name(void) {                                \
    type *rows = name##_rows;                                    \
    lens_status status = (call);                                 \
    if (status != LENS_OK) return status;                        \
    add(&total, sizeof total);                                   \
    add(rows, (written < ROWS ? written : ROWS) * sizeof *rows); \
    return LENS_OK;                                              \
  }

static const lens_filter by_size = {
    .refcount_max = UINT64_MAX, .size_max = UINT64_MAX, .heap = LENS_NONE, .sort = LENS_SORT_SIZE};
static uint32_t jointly_held;
ANSWER(objects_of, lens_object, lens_select(self, &by_size, ROWS, rows, &written, &total))
ANSWER(census_of, lens_type_census, lens_census(self, ROWS, rows, &written, &total))
ANSWER(counts_of, lens_count_census, lens_refcounts(self, ROWS, rows, &written, &total))
ANSWER(cycles_of, lens_cycle, lens_cycles_select(self, 3, ROWS, rows, &written, &total))
ANSWER(collected_of, lens_collect_row,
       lens_collect_rows(self, LENS_COLLECT_FREED, NULL, ROWS, rows, &written, &total))
ANSWER(leaks_of, lens_leak, lens_leaks_select(self, NULL, ROWS, rows, &written, &total))
ANSWER(leaks_by_type, lens_leak_census, lens_leaks_census(self, ROWS, rows, &written, &total))
ANSWER(holders_of, uint32_t, lens_leak_holders(self, jointly_held, ROWS, rows, &written, &total))
ANSWER(roots_of, lens_retained_root, lens_retained_roots(self, ROWS, rows, &written, &total))
ANSWER(kept_by_all, uint32_t, lens_retained_under(self, LENS_NONE, ROWS, rows, &written, &total))
ANSWER(findings_of, lens_finding, lens_findings(self, ROWS, rows, &written, &total))

/* What works in slices, and in one go where another question must not come between. */
static lens_status judged(void) { return lens_cycles(self, 0, NULL); }
static lens_status leaked(void) { return lens_leaks(self, 0, NULL); }
static lens_status audited(void) { return lens_audit(self, &every, 0, NULL); }
static lens_status retained_by(void) { return lens_retained(self, 0, NULL); }
static lens_status leak_is_joint(void) {
  lens_leak joint;
  lens_status status = lens_leaks_joint(self, 1, &joint, &written, &total);
  if (status == LENS_OK) jointly_held = joint.number;
  return status;
}

static const struct {
  const char *name;
  lens_status (*ask)(void);
  bool short_one; /* it may come to its end without a turn but the first */
} answers[] = {{"objects", objects_of, false},
               {"census", census_of, false},
               {"refcounts", counts_of, false},
               {"lens_cycles", judged, false},
               {"cycles", cycles_of, false},
               {"collected", collected_of, false},
               {"lens_leaks", leaked, true},
               {"leaks", leaks_of, false},
               {"leak census", leaks_by_type, false},
               {"joint", leak_is_joint, false},
               {"holders", holders_of, false},
               {"lens_retained", retained_by, true},
               {"roots", roots_of, false},
               {"kept", kept_by_all, false},
               {"lens_audit", audited, true},
               {"findings", findings_of, false}};
enum { ANSWERS = sizeof answers / sizeof *answers };

static void test_ended_at_a_turn(void **state) {
  (void)state;
  uint64_t plain[ANSWERS];
  for (int ending = 0; ending < 2; ending++) {
    self = self_lens();
    snapshot();
    for (int i = 0; i < ANSWERS; i++) {
      sum = 0xcbf29ce484222325u;
      uint64_t ended = 0;
      each_turn = ending != 0;
      lens_status status = LENS_CANCELLED;
      for (int64_t turns = 1; status == LENS_CANCELLED; turns++) {
        int64_t left = turns;
        lens_turn_set(self, each_turn ? turn_down : NULL, &left);
        written = total = 77;
        status = answers[i].ask();
        ended += status == LENS_CANCELLED;
        if (status == LENS_CANCELLED && (written != 77 || total != 77))
          fail_msg("%s: filled though it was ended", answers[i].name);
      }
      lens_turn_set(self, NULL, NULL);
      each_turn = false;
      if (status != LENS_OK) fail_msg("%s: %s", answers[i].name, lens_error(self));
      if (ending == 0) plain[i] = sum;
      if (ending == 0) continue;
      print_message("%s: ended %" PRIu64 " times\n", answers[i].name, ended);
      if (ended < (answers[i].short_one ? 0 : 1)) fail_msg("%s: no turn", answers[i].name);
      if (sum != plain[i]) fail_msg("%s: another answer", answers[i].name);
    }
    lens_free(self);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slices_change_nothing), cmocka_unit_test(test_given_up_for_another),
      cmocka_unit_test(test_another_in_between), cmocka_unit_test(test_ended_at_a_turn)};
  make_heap();
  be_busy();
  int failed = cmocka_run_group_tests_name("the same in slices", tests, NULL, NULL);
  (void)cairn_heap_destroy(heap, NULL);
  return failed;
}

/* Memory that runs out and memory that is not there: each allocation of the upper half fails in
 * turn, and a page of an arena can't be read.  What fails says so; the same lens works afterwards.
 */
#include "exhaust.h"
#include "garden_image.h"

static lens_status ask_cycles(lens *self) {
  lens_cycle rows[4];
  uint32_t objects[4];
  uint64_t written = 0, total = 0;
  lens_status status =
      lens_cycles_select(self, LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE, 4, rows, &written, &total);
  if (status == LENS_OK && written != 0)
    status = lens_cycle_objects(self, rows[0].cycle, 0, 4, objects, &written, &total);
  lens_cycle_slot slots[4];
  lens_cycle_break breaks[4];
  if (status == LENS_OK) status = lens_cycle_open(self, rows[0].cycle, 0, NULL);
  if (status == LENS_OK) status = lens_cycle_slots(self, 4, slots, &written, &total);
  if (status == LENS_OK) status = lens_cycle_breaks(self, 4, breaks, &written, &total);
  return status;
}

static lens_status ask_retained(lens *self) {
  lens_retained_type types[4];
  lens_retained_root roots[4];
  lens_retained_row row;
  uint32_t objects[4];
  uint64_t written = 0, total = 0;
  lens_status status = lens_retained(self, 0, NULL);
  if (status == LENS_OK) status = lens_retained_types(self, 0, NULL);
  if (status == LENS_OK) status = lens_retained_types_get(self, 4, types, &written, &total);
  if (status == LENS_OK) status = lens_retained_roots(self, 4, roots, &written, &total);
  if (status == LENS_OK) status = lens_retained_under(self, 0, 4, objects, &written, &total);
  return status == LENS_OK ? lens_retained_object(self, 0, &row) : status;
}

/* What is garbage, and why something lives. */
static lens_status ask_why(lens *self) {
  lens_collect_row collected[8];
  lens_leak leaks[8];
  lens_leak_census census[8];
  uint64_t written = 0, total = 0;
  lens_status status = lens_leaks(self, 0, NULL);
  if (status == LENS_OK) status = lens_leaks_select(self, "*", 8, leaks, &written, &total);
  if (status == LENS_OK) status = lens_leaks_census(self, 8, census, &written, &total);
  if (status == LENS_OK) status = lens_collect(self, LENS_NONE, 1, 0, NULL);
  if (status == LENS_OK)
    status = lens_collect_rows(self, LENS_COLLECT_FREED, "*", 8, collected, &written, &total);
  /* More ways than there are: variants too; then over weak slots. */
  uint32_t item = LENS_NONE;
  if (status == LENS_OK)
    status = lens_snapshot_find(self, address_of(cairn_list_get(all, 1)), &item);
  for (uint32_t soft = 0; soft < 2 && status == LENS_OK; soft++)
    status = lens_paths(self, item, 30, soft, 0, NULL);
  return status;
}

/* Every question once; the first failure ends it. */
static lens_status ask(lens *self) {
  static lens_object rows[64];
  lens_filter filter = {.refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = LENS_NONE,
                        .sort = LENS_SORT_TYPE};
  lens_type_census census[32];
  lens_count_census counts[32];
  lens_referrer holder;
  lens_region ranges[8];
  uint64_t written = 0, total = 0;
  lens_status status = lens_referrers(self, address_of(all), 0, 0, 1, &holder, &written, &total);
  if (status == LENS_OK) status = lens_walk(self, 0, NULL);
  if (status == LENS_OK) status = lens_select(self, &filter, 64, rows, &written, &total);
  if (status == LENS_OK) status = lens_census(self, 32, census, &written, &total);
  if (status == LENS_OK) status = lens_refcounts(self, 32, counts, &written, &total);
  lens_root root = {.slot_address = 0x100, .value = address_of(all), .kind = LENS_ROOT_LOCAL};
  if (status == LENS_OK) status = lens_root_add(self, &root);
  if (status == LENS_OK) status = lens_foreign_ranges(self, 8, ranges, &written, &total);
  if (status == LENS_OK) status = lens_check(self, 0, NULL);
  if (status == LENS_OK) status = lens_cycles(self, 0, NULL);
  if (status == LENS_OK) status = ask_cycles(self);
  if (status == LENS_OK) status = ask_retained(self);
  if (status == LENS_OK) status = lens_reach(self, NULL, 0, LENS_REACH_ROOTS, 0, NULL);
  lens_moment *moment = NULL;
  if (status == LENS_OK) status = lens_moment_take(self, 0, NULL, &moment);
  lens_moment_free(moment);
  if (status == LENS_OK)
    status = lens_referrers(self, address_of(cairn_list_get(all, 0)), 0, 0, 1, &holder, &written,
                            &total);
  return status == LENS_OK ? ask_why(self) : status;
}

/* What the questions must have led to. */
static void assert_answered(lens *self) {
  lens_columns columns;
  lens_accounts accounts;
  lens_reached reached;
  lens_check_totals totals;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  assert_int_equal(lens_check_totals_get(self, &totals), LENS_OK);
  assert_int_equal(accounts.balanced + accounts.immortal, columns.object_count);
  assert_int_equal(totals.problems, 0);
  lens_components_shown components;
  lens_cycles_totals cycles;
  assert_int_equal(lens_components_get(self, &components), LENS_OK);
  assert_int_equal(lens_cycles_totals_get(self, &cycles), LENS_OK);
  assert_int_equal(components.cycle_count, 1); /* the nodes hold the list that holds them */
  assert_int_equal(cycles.live_objects, 41);
  lens_retained_totals retained;
  assert_int_equal(lens_retained_totals_get(self, &retained), LENS_OK);
  assert_int_equal(retained.lost_objects, 0);
  assert_true(reached.object_count > 300);
  lens_leaks_totals leaks;
  lens_collected collected;
  lens_paths_totals paths;
  assert_int_equal(lens_leaks_totals_get(self, &leaks), LENS_OK);
  assert_int_equal(lens_collected_get(self, &collected), LENS_OK);
  assert_int_equal(lens_paths_totals_get(self, &paths), LENS_OK);
  assert_int_equal(leaks.object_count, 0);
  assert_int_equal(collected.freed_objects, 0);
  assert_true(paths.ways >= 1);
}

static void each_allocation_fails(void **state) {
  (void)state;
  assert_true(exhaust_allocations(image, ask, assert_answered) > 40);
}

static void each_read_cancels(void **state) {
  (void)state;
  assert_true(exhaust_cancel(image, ask, assert_answered) >= 1);
}

/* ---- a hole ---- */

/* Bytes of the blocks in use that a hole touches. */
static uint64_t touched_bytes(const lens *whole, uint64_t hole) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < whole->model.arena_count; i++) {
    const struct lens_arena_model *arena = &whole->model.arenas[i];
    for (uint64_t k = 0; k < arena->shown.page_count; k++) {
      const struct lens_page_model *page = &arena->pages[k];
      if (page->kind != LENS_PAGE_BLOCKS) continue;
      for (uint32_t b = 0; b < page->fresh; b++) {
        uint64_t start = arena->shown.address + k * arena->shown.page_bytes + b * page->block_bytes;
        bool touched = start < hole + LENS_GRAIN_BYTES && start + page->block_bytes > hole;
        bytes += touched ? page->block_bytes : 0;
      }
    }
  }
  return bytes;
}

/* Objects on both sides of a hole are shown; what it swallowed is counted, and the check says so.
 */
static void hide(lens *whole, uint64_t hidden_row) {
  lens_columns columns;
  assert_int_equal(lens_columns_get(whole, &columns), LENS_OK);
  uint64_t victim = columns.address[hidden_row];
  uint64_t hole = victim / LENS_GRAIN_BYTES * LENS_GRAIN_BYTES, visible = 0;
  exhaust_cut(image, hole);
  lens *self = exhaust_lens(image);
  assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < columns.object_count; i++) {
    uint64_t start = columns.address[i], end = start + columns.size_bytes[i];
    bool hidden = start < hole + LENS_GRAIN_BYTES && end > hole;
    uint32_t found = LENS_NONE;
    assert_int_equal(lens_snapshot_find(self, start, &found), hidden ? LENS_NOT_FOUND : LENS_OK);
    visible += !hidden;
  }
  assert_true(visible > columns.object_count / 2 && visible < columns.object_count);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.objects, visible);
  assert_int_equal(totals.unreadable_bytes, touched_bytes(whole, hole));
  bool named = false;
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    named = named || strstr(problem.text, "can't be read") != NULL;
  }
  assert_true(named);
  lens_free(self);
}

/* In the middle of a page, and where its used blocks end; the image is whole again afterwards. */
static void a_hole_hides_only_itself(void **state) {
  (void)state;
  lens *whole = exhaust_lens(image);
  assert_int_equal(lens_walk(whole, 0, NULL), LENS_OK);
  lens_columns columns;
  assert_int_equal(lens_columns_get(whole, &columns), LENS_OK);
  for (int last = 0; last < 2; last++) {
    hide(whole, last != 0 ? columns.object_count - 1 : columns.object_count / 2);
    image_free(image);
    image = image_of_self();
  }
  lens_free(whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails),
                                     cmocka_unit_test(each_read_cancels),
                                     cmocka_unit_test(a_hole_hides_only_itself)};
  return cmocka_run_group_tests_name("lens exhaust", tests, garden_image_begin, garden_image_end);
}

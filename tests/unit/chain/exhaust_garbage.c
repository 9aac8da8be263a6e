/* Memory that runs out, or is not there, under the questions about garbage: leaks, what is held
 * jointly, cycles and those that are alike, the slot to make weak, what the collector frees, what
 * keeps what, and the ways to an object.
 */
#include "exhaust.h"

#include "cairn/cairn.h"

enum { RINGS = 3, ROWS = 32, FILLERS = 12000 /* more than one read brings */ };

struct node {
  cairn_object base;
  cairn_object *peer, *list;
};

static cairn_heap *heap;
static cairn_type node_type;
static cairn_object *kept;        /* a list with a str, held by a root */
static struct node *lost[2];      /* two that are lost; both hold a list with a str */
static struct node *rings[RINGS]; /* one of each pair that hold each other, with a list */
static cairn_object *self_held;   /* a list in itself */
static struct image *image;

static cairn_object *list_with_text(const char *text) {
  cairn_object *list = cairn_list_new(heap, 0), *str = cairn_str_from(heap, text);
  cairn_list_append(list, str);
  cairn_release(str);
  return list;
}

static struct node *node_new(void) { return (struct node *)cairn_object_new(heap, node_type); }

static void make_rings(void) {
  for (int i = 0; i < RINGS; i++) {
    struct node *one = node_new(), *two = node_new();
    cairn_assign(&one->peer, &two->base);
    cairn_assign(&two->peer, &one->base);
    cairn_object *list = list_with_text("of a ring");
    cairn_assign(&two->list, list);
    cairn_release(list);
    cairn_release(&one->base);
    cairn_release(&two->base);
    rings[i] = one;
  }
  self_held = cairn_list_new(heap, 0);
  cairn_list_append(self_held, self_held);
  cairn_release(self_held);
}

static int begin(void **state) {
  (void)state;
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, peer),
                                          CAIRN_STRONG(struct node, list)};
  const cairn_type_spec spec = {
      .name = "node", .size_bytes = sizeof(struct node), .slots = slots, .slot_count = 2};
  heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  if (heap == NULL) return 1;
  node_type = cairn_type_define(heap, &spec);
  kept = list_with_text("kept");
  for (int i = 0; i < FILLERS; i++) {
    cairn_object *filler = cairn_str_format(heap, "what makes the heap larger, %d", i);
    cairn_list_append(kept, filler);
    cairn_release(filler);
  }
  make_rings();
  cairn_object *joint = list_with_text("in common");
  for (int i = 0; i < 2; i++) {
    lost[i] = node_new();
    cairn_assign(&lost[i]->list, joint);
  }
  cairn_release(joint);
  image = image_of_self();
  return 0;
}

static int end(void **state) {
  (void)state;
  image_free(image);
  cairn_release(kept);
  for (int i = 0; i < 2; i++) cairn_release(&lost[i]->base);
  cairn_collect(heap);
  return !cairn_heap_destroy(heap, NULL);
}

/* ---- the questions ---- */

static lens_status ask_leaks(lens *self) {
  lens_leak rows[ROWS];
  lens_leak_census census[ROWS];
  uint32_t numbers[ROWS];
  uint64_t written = 0, total = 0;
  lens_status status = lens_leaks(self, 0, NULL);
  if (status == LENS_OK) status = lens_leaks_select(self, "*", ROWS, rows, &written, &total);
  if (status == LENS_OK) status = lens_leaks_census(self, ROWS, census, &written, &total);
  if (status == LENS_OK) status = lens_leaks_joint(self, ROWS, rows, &written, &total);
  for (uint64_t i = 0; i < written && status == LENS_OK; i++)
    status = lens_leak_holders(self, rows[i].number, ROWS, numbers, &total, &total);
  return status;
}

static lens_status ask_one_cycle(lens *self, uint32_t cycle) {
  lens_cycle_slot slots[ROWS];
  lens_cycle_break breaks[ROWS];
  uint64_t written, total;
  lens_status status = lens_cycle_open(self, cycle, 0, NULL);
  if (status == LENS_OK) status = lens_cycle_slots(self, ROWS, slots, &written, &total);
  return status == LENS_OK ? lens_cycle_breaks(self, ROWS, breaks, &written, &total) : status;
}

static lens_status ask_cycles(lens *self) {
  lens_cycle_group groups[ROWS];
  lens_cycle_link links[ROWS];
  lens_cycle rows[ROWS];
  uint64_t count = 0, written, total;
  lens_status status = lens_cycles_group(self, 3, 0, NULL);
  if (status == LENS_OK) status = lens_cycle_groups(self, ROWS, groups, &count, &total);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = lens_cycle_group_links(self, groups[i].group, ROWS, links, &written, &total);
    if (status == LENS_OK)
      status = lens_cycle_group_cycles(self, groups[i].group, ROWS, rows, &written, &total);
    if (status == LENS_OK) status = ask_one_cycle(self, groups[i].cycle);
  }
  return status;
}

static lens_status ask_others(lens *self) {
  lens_collect_row rows[ROWS];
  lens_retained_type types[ROWS];
  lens_retained_root roots[ROWS];
  uint64_t written, total;
  uint32_t object = LENS_NONE;
  lens_status status = lens_collect(self, LENS_NONE, 1, 0, NULL);
  if (status == LENS_OK) status = lens_collect(self, LENS_NONE, 0, 0, NULL);
  if (status == LENS_OK)
    status = lens_collect_rows(self, LENS_COLLECT_FREED, "*", ROWS, rows, &written, &total);
  if (status == LENS_OK) status = lens_retained(self, 0, NULL);
  if (status == LENS_OK) status = lens_retained_types(self, 0, NULL);
  if (status == LENS_OK) status = lens_retained_types_get(self, ROWS, types, &written, &total);
  if (status == LENS_OK) status = lens_retained_roots(self, ROWS, roots, &written, &total);
  if (status == LENS_OK)
    status = lens_snapshot_find(self, address_of(cairn_list_get(kept, 0)), &object);
  return status == LENS_OK ? lens_paths(self, object, 4, 1, 0, NULL) : status;
}

/* Every question once; the first failure ends it.  Asked again it goes on with what is there. */
static lens_status ask(lens *self) {
  const lens_root root = {.slot_address = 8, .value = address_of(kept), .kind = LENS_ROOT_GLOBAL};
  lens_leaks_totals totals;
  lens_status status = lens_walk(self, 0, NULL);
  if (status == LENS_OK && lens_leaks_totals_get(self, &totals) != LENS_OK) {
    lens_roots_clear(self);
    status = lens_root_add(self, &root);
    if (status == LENS_OK) status = ask_leaks(self);
  }
  if (status == LENS_OK) status = ask_cycles(self);
  return status == LENS_OK ? ask_others(self) : status;
}

/* ---- the truth ---- */

static void assert_leaks(lens *self) {
  lens_leaks_totals totals;
  assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.cycles, RINGS + 1);
  assert_int_equal(totals.cycle_objects, 4 * RINGS + 1);
  assert_int_equal(totals.lost, 2);
  assert_int_equal(totals.joints, 1);
  assert_int_equal(totals.shared_objects, 2);
}

static void assert_cycles(lens *self) {
  lens_cycle_group groups[ROWS];
  lens_cycle_break breaks[ROWS];
  uint64_t written, total;
  assert_int_equal(lens_cycle_groups(self, ROWS, groups, &written, &total), LENS_OK);
  assert_int_equal(total, 2);
  for (uint64_t i = 0; i < 2; i++) {
    bool pairs = groups[i].objects_most == 2;
    assert_int_equal(groups[i].cycle_count, pairs ? RINGS : 1);
    assert_int_equal(groups[i].garbage, 1);
    assert_int_equal(groups[i].held, 0);
  }
  assert_int_equal(lens_cycle_open(self, groups[0].cycle, 0, NULL), LENS_OK);
  assert_int_equal(lens_cycle_breaks(self, ROWS, breaks, &written, &total), LENS_OK);
  assert_int_equal(breaks[0].object_count, groups[0].objects_most);
}

static void assert_answered(lens *self) {
  lens_collected collected;
  lens_retained_totals retained;
  assert_leaks(self);
  assert_cycles(self);
  assert_int_equal(lens_collected_get(self, &collected), LENS_OK);
  assert_int_equal(collected.freed_objects, 4 * RINGS + 1);
  assert_int_equal(lens_retained_totals_get(self, &retained), LENS_OK);
  assert_int_equal(retained.lost_objects, 4 * RINGS + 1 + 2 + 2);
}

/* Where a part could not be read: what is said to leak does leak, and what is cut is counted. */
static void assert_careful(lens *self) {
  lens_leak rows[ROWS];
  lens_walk_totals walked;
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_walk_totals_get(self, &walked), LENS_OK);
  assert_int_equal(lens_leaks_select(self, NULL, ROWS, rows, &written, &total), LENS_OK);
  bool whole = walked.unreadable_bytes == 0 && lens_problem_count(self) == 0;
  if (whole) assert_leaks(self);
  uint32_t alive = LENS_NONE, number;
  if (lens_snapshot_find(self, address_of(kept), &alive) == LENS_OK)
    assert_int_equal(lens_leak_of(self, alive, &number), LENS_NOT_FOUND);
}

static void each_allocation_fails(void **state) {
  (void)state;
  assert_true(exhaust_allocations(image, ask, assert_answered) > 60);
}

static void each_read_cancels(void **state) {
  (void)state;
  assert_true(exhaust_cancel(image, ask, assert_answered) >= 1);
}

static void each_read_finds_nothing(void **state) {
  (void)state;
  assert_true(exhaust_reads(image, ask, assert_careful, assert_answered) >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_fails),
                                     cmocka_unit_test(each_read_cancels),
                                     cmocka_unit_test(each_read_finds_nothing)};
  return cmocka_run_group_tests_name("lens exhaust: garbage", tests, begin, end);
}

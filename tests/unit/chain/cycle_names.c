/* Cycles of two heaps, whose types have the same names: which are alike, by which slot to part them
 * all, and which slots own what they hold.
 */
#include "small_heap.h"

struct scope {
  cairn_object base;
  cairn_object *table, *outer;
};

static cairn_type define_scope(cairn_heap *where, const char *name, bool turned) {
  cairn_slot_spec slots[] = {CAIRN_STRONG(struct scope, table), CAIRN_STRONG(struct scope, outer)};
  if (turned) {
    cairn_slot_spec first = slots[0];
    slots[0] = slots[1];
    slots[1] = first;
  }
  const cairn_type_spec spec = {
      .name = name, .size_bytes = sizeof(struct scope), .slots = slots, .slot_count = 2};
  return cairn_type_define(where, &spec);
}

/* A closure's scope has a table, and the table the closure.  Nothing outside holds them then. */
static void make_ring(cairn_heap *where, const cairn_type kinds[3]) {
  struct scope *ring[3];
  for (int i = 0; i < 3; i++) ring[i] = (struct scope *)cairn_object_new(where, kinds[i]);
  cairn_assign(&ring[0]->outer, &ring[1]->base);
  cairn_assign(&ring[1]->table, &ring[2]->base);
  cairn_assign(&ring[2]->table, &ring[0]->base);
  for (int i = 0; i < 3; i++) cairn_release(&ring[i]->base);
}

/* Rings of two heaps, whose types have the same names and their slots in another order, are alike;
 * the slot that owns what it holds is not the one to make weak. */
static void names_and_owners(void **state) {
  (void)state;
  static const char *const names[] = {"closure", "scope", "table"};
  cairn_heap *heaps[2];
  cairn_type kinds[2][3];
  for (int h = 0; h < 2; h++) {
    heaps[h] = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
    for (int i = 0; i < 3; i++) kinds[h][i] = define_scope(heaps[h], names[i], h == 1);
    for (int i = 0; i <= h; i++) make_ring(heaps[h], kinds[h]);
  }
  /* A scope that two closures share lives: what a closure holds it does not always hold alone. */
  struct scope *scope = (struct scope *)cairn_object_new(heaps[0], kinds[0][1]);
  struct scope *shared[2];
  for (int i = 0; i < 2; i++) {
    shared[i] = (struct scope *)cairn_object_new(heaps[0], kinds[0][0]);
    cairn_assign(&shared[i]->outer, &scope->base);
  }
  node_count = 0;
  look();
  lens_cycle_group group;
  lens_cycle_break breaks[8];
  lens_cycle_link links[8];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_cycles_group(self, LENS_CYCLES_GARBAGE, 0, NULL), LENS_OK);
  assert_int_equal(lens_cycle_groups(self, 1, &group, &written, &total), LENS_OK);
  assert_int_equal(total, 1);
  assert_int_equal(group.cycle_count, 3);
  assert_int_equal(group.held, 0);
  assert_int_equal(lens_cycle_group_links(self, group.group, 8, links, &written, &total), LENS_OK);
  assert_int_equal(written, 3);
  uint32_t tables = 0;
  for (int i = 0; i < 3; i++) tables += strcmp(links[i].name, "table") == 0;
  assert_int_equal(tables, 2);
  uint32_t cycle = group.cycle;
  bool before = false;
  for (int h = 0; h < 2; h++) { /* the second: a cycle of the other heap */
    assert_int_equal(lens_cycle_open(self, cycle, 0, NULL), LENS_OK);
    assert_int_equal(lens_cycle_breaks(self, 8, breaks, &written, &total), LENS_OK);
    assert_int_equal(written, 3);
    uint32_t owners = breaks[0].owner + breaks[1].owner + breaks[2].owner;
    lens_type type;
    assert_int_equal(lens_type_get(self, breaks[0].type, &type), LENS_OK);
    bool first_heap = owners == 2; /* where closures share a scope */
    if (first_heap) assert_string_equal(type.name, "closure");
    for (int i = 0; i < 3; i++) { /* of whichever heap: one slot is enough */
      uint32_t parted = 0;
      assert_int_equal(lens_cycle_group_parted(self, group.group, breaks[i].type, breaks[i].slot,
                                               breaks[i].part, &parted),
                       LENS_OK);
      assert_int_equal(parted, 1);
    }
    uint32_t parted = 2;
    assert_int_equal(
        lens_cycle_group_parted(self, group.group, breaks[0].type, type.slot_count, 0, &parted),
        LENS_BAD_ARGUMENT);
    assert_int_equal(owners, first_heap ? 2 : 3);
    static lens_cycle all[8];
    assert_int_equal(lens_cycle_group_cycles(self, group.group, 8, all, &written, &total), LENS_OK);
    assert_int_equal(written, 3);
    for (uint64_t i = 0; i < 3 && h == 0; i++) {
      lens_object a, b;
      assert_int_equal(lens_snapshot_object(self, all[i].first, &a), LENS_OK);
      assert_int_equal(lens_snapshot_object(self, breaks[0].holder, &b), LENS_OK);
      if (a.heap != b.heap) cycle = all[i].cycle;
    }
    if (h == 1) assert_true(first_heap != before);
    before = first_heap;
  }
  for (int i = 0; i < 2; i++) cairn_release(&shared[i]->base);
  cairn_release(&scope->base);
  for (int h = 0; h < 2; h++) {
    cairn_collect(heaps[h]);
    assert_true(cairn_heap_destroy(heaps[h], NULL));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_owners)};
  return cmocka_run_group_tests_name("cycle_names", tests, lens_begin, lens_end);
}

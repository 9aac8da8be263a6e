/* A cycle beyond a million objects: only the 16 slots that hold most of its references are tried,
 * and it is said how many were not; one object less, or one slot less, and all are.
 */
#include <stdlib.h>

#include "cairn/cairn.h"
#include "self.h"

enum { LARGE = 1 << 20, TRIED_MAX = 16, RARE = 7 /* references by the rarest slot */ };

struct link {
  cairn_object base;
  cairn_object *next;
};

/* A ring of `count` objects of so many types, each of which has one slot; the last type is rare. */
static lens *ring(uint64_t count, uint32_t type_count, cairn_heap **heap, cairn_object **first) {
  static const cairn_slot_spec slot[] = {CAIRN_STRONG(struct link, next)};
  cairn_type types[TRIED_MAX + 1];
  *heap = cairn_heap_new(&(cairn_heap_options){.name = "ring", .manual_collection = true});
  assert_non_null(*heap);
  for (uint32_t i = 0; i < type_count; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "link %u", i);
    const cairn_type_spec spec = {
        .name = name, .size_bytes = sizeof(struct link), .slots = slot, .slot_count = 1};
    types[i] = cairn_type_define(*heap, &spec);
  }
  struct link *last = NULL, *begin = NULL;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t type = i < RARE ? type_count - 1 : (uint32_t)(i % (type_count - 1));
    struct link *link = (struct link *)cairn_object_new(*heap, types[type]);
    assert_non_null(link);
    if (last == NULL) begin = link;
    if (last != NULL) last->next = &link->base; /* it takes over the maker's */
    last = link;
  }
  last->next = &begin->base;
  *first = &begin->base;
  return self_lens();
}

static void expect(uint64_t count, uint32_t type_count, uint64_t untried) {
  cairn_heap *heap = NULL;
  cairn_object *first = NULL;
  lens *self = ring(count, type_count, &heap, &first);
  uint32_t row = LENS_NONE, cycle = LENS_NONE;
  lens_cycle_opened opened;
  lens_cycle_break breaks[TRIED_MAX + 1];
  uint64_t written = 0, total = 0, tried = 0;
  assert_int_equal(lens_cycles(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_snapshot_find(self, address_of(first), &row), LENS_OK);
  assert_int_equal(lens_cycle_of(self, row, &cycle), LENS_OK);
  assert_int_equal(lens_cycle_open(self, cycle, 0, NULL), LENS_OK);
  assert_int_equal(lens_cycle_opened_get(self, &opened), LENS_OK);
  assert_int_equal(opened.slot_count, count);
  assert_int_equal(opened.outside_refs, 0);
  assert_int_equal(opened.break_count, type_count);
  assert_int_equal(opened.untried, untried);
  assert_int_equal(lens_cycle_breaks(self, TRIED_MAX + 1, breaks, &written, &total), LENS_OK);
  assert_int_equal(written, type_count);
  for (uint64_t i = 0; i < written; i++) {
    bool rare = breaks[i].slot_count == RARE;
    assert_int_equal(breaks[i].tried, !(rare && untried != 0));
    assert_int_equal(breaks[i].object_count, breaks[i].tried != 0 ? count : 0);
    tried += breaks[i].tried;
  }
  assert_int_equal(tried, type_count - untried);
  lens_free(self);
  (void)cairn_heap_destroy(heap, NULL);
}

static void the_rarest_is_not_tried(void **state) {
  (void)state;
  expect(LARGE + 1, TRIED_MAX + 1, 1);
}
static void sixteen_slots(void **state) {
  (void)state;
  expect(LARGE + 1, TRIED_MAX, 0);
}
static void not_too_large(void **state) {
  (void)state;
  expect(LARGE, TRIED_MAX + 1, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_rarest_is_not_tried),
                                     cmocka_unit_test(sixteen_slots),
                                     cmocka_unit_test(not_too_large)};
  return cmocka_run_group_tests_name("a large cycle", tests, NULL, NULL);
}

/* cell. */
#include "builtin_test.h"

static void a_cell_holds_one(void **state) {
  cairn_heap *heap = *state;
  cairn_object *value = int_of(heap, 1000);
  cairn_object *cell = cairn_cell_new(heap, value);
  assert_ptr_equal(cairn_cell_get(cell), value);
  assert_int_equal(cairn_refcount(value), 2);
  cairn_cell_set(cell, value);
  assert_int_equal(cairn_refcount(value), 2);
  cairn_cell_set(cell, NULL);
  assert_null(cairn_cell_get(cell));
  assert_int_equal(cairn_refcount(value), 1);
  cairn_cell_set(cell, value);
  cairn_release(value);
  cairn_release(cell);
  cairn_object *empty = cairn_cell_new(heap, NULL);
  assert_null(cairn_cell_get(empty));
  cairn_cell_set(empty, empty); /* a cycle of one: the teardown's collection frees it */
  cairn_release(empty);
}

struct look {
  cairn_object *cell;
  const cairn_object *seen;
};

static void look_at_cell(void *context) {
  struct look *look = context;
  look->seen = cairn_cell_get(look->cell);
}

/* The old value is released last: its finalizer sees the new one. */
static void the_old_value_goes_last(void **state) {
  cairn_heap *heap = *state;
  struct look look = {0};
  cairn_object *hook = hook_new(heap, look_at_cell, &look);
  look.cell = cairn_cell_new(heap, hook);
  cairn_release(hook);
  cairn_object *value = int_of(heap, 1000);
  cairn_cell_set(look.cell, value);
  assert_ptr_equal(look.seen, value);
  cairn_release(value);
  cairn_release(look.cell);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *value = int_of(heap, 1000);
  blocks_fail_after(heap, 1);
  assert_null(cairn_cell_new(heap, value));
  blocks_fail_after(heap, 0);
  assert_int_equal(cairn_refcount(value), 1);
  cairn_release(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {WITH_HEAP(a_cell_holds_one),
                                     WITH_HEAP(the_old_value_goes_last),
                                     WITH_HEAP(memory_can_be_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tuple. */
#include "builtin_test.h"

static void items_come_back(void **state) {
  cairn_heap *heap = *state;
  cairn_object *items[] = {int_of(heap, 1000), cairn_none(heap), int_of(heap, 2000)};
  cairn_object *tuple = cairn_tuple_new(heap, 3, items);
  assert_int_equal(cairn_tuple_count(tuple), 3);
  for (size_t i = 0; i < 3; i++) assert_ptr_equal(cairn_tuple_get(tuple, i), items[i]);
  assert_null(cairn_tuple_get(tuple, 3));
  assert_int_equal(cairn_refcount(items[0]), 2);
  assert_int_equal(cairn_object_size(tuple), 40);
  cairn_release(items[0]);
  cairn_release(items[2]);
  assert_int_equal(cairn_refcount(cairn_tuple_get(tuple, 0)), 1);
  cairn_release(tuple);

  cairn_object *empty = cairn_tuple_new(heap, 0, NULL);
  assert_int_equal(cairn_tuple_count(empty), 0);
  assert_null(cairn_tuple_get(empty, 0));
  cairn_release(empty);
}

static void one_object_may_fill_all(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 100000 };
  static cairn_object *items[COUNT];
  cairn_object *item = int_of(heap, 1000);
  for (int i = 0; i < COUNT; i++) items[i] = item;
  cairn_object *tuple = cairn_tuple_new(heap, COUNT, items);
  assert_int_equal(cairn_refcount(item), COUNT + 1);
  assert_whole(heap);
  cairn_release(tuple);
  assert_int_equal(cairn_refcount(item), 1);
  cairn_release(item);
}

static void nesting_dies_without_recursion(void **state) {
  cairn_heap *heap = *state;
  cairn_object *tuple = cairn_tuple_new(heap, 0, NULL);
  for (int i = 0; i < 1000000; i++) {
    cairn_object *outer = cairn_tuple_new(heap, 1, &tuple);
    cairn_release(tuple);
    tuple = outer;
  }
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  assert_true(stats.object_count > 1000000);
  cairn_release(tuple);
  cairn_heap_stats(heap, &stats);
  assert_in_range(stats.object_count, 1, 1000);
}

struct owner {
  cairn_heap *heap;
  cairn_object *item;
};

static void drop_item(void *context) {
  struct owner *owner = context;
  blocks_fail_after(owner->heap, 0);
  cairn_clear(&owner->item);
}

/* The allocation runs code that gives up the last reference of the caller's: the tuple has its own.
 */
static void items_are_held_in_time(void **state) {
  cairn_heap *heap = *state;
  struct owner owner = {heap, int_of(heap, 1234)};
  run_in_next_allocation(heap, drop_item, &owner);
  cairn_object *item = owner.item;
  cairn_object *tuple = cairn_tuple_new(heap, 1, &item);
  assert_null(owner.item);
  assert_int_equal(value_of(cairn_tuple_get(tuple, 0)), 1234);
  cairn_release(tuple);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *item = int_of(heap, 1000);
  blocks_fail_after(heap, 1);
  assert_null(cairn_tuple_new(heap, 1, &item));
  blocks_fail_after(heap, 0);
  assert_int_equal(cairn_refcount(item), 1);
  assert_null(cairn_tuple_new(heap, (size_t)INT32_MAX + 1, &item));
  cairn_release(item);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(items_come_back),
      WITH_HEAP(one_object_may_fill_all),
      WITH_HEAP(nesting_dies_without_recursion),
      WITH_HEAP(items_are_held_in_time),
      WITH_HEAP(memory_can_be_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

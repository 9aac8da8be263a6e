/* weakref: the built-in type; weak slots of other types are tested in weak.c. */
#include "builtin_test.h"

static void a_weakref_does_not_hold(void **state) {
  cairn_heap *heap = *state;
  cairn_object *target = int_of(heap, 1000);
  cairn_object *weakref = cairn_weakref_new(heap, target);
  assert_int_equal(cairn_refcount(target), 1);
  cairn_object *got = cairn_weakref_get(weakref);
  assert_ptr_equal(got, target);
  assert_int_equal(cairn_refcount(target), 2);
  cairn_release(got);
  cairn_release(target);
  assert_null(cairn_weakref_get(weakref));
  cairn_release(weakref);
}

static void many_weakrefs_to_one(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 1000 };
  cairn_object *target = cairn_list_new(heap, 0);
  cairn_object *weakrefs[COUNT];
  for (int i = 0; i < COUNT; i++) weakrefs[i] = cairn_weakref_new(heap, target);
  for (int i = 0; i < COUNT; i += 2) cairn_release(weakrefs[i]);
  cairn_release(target);
  for (int i = 1; i < COUNT; i += 2) {
    assert_null(cairn_weakref_get(weakrefs[i]));
    cairn_release(weakrefs[i]);
  }
}

static void an_empty_weakref(void **state) {
  cairn_object *weakref = cairn_weakref_new(*state, NULL);
  assert_null(cairn_weakref_get(weakref));
  cairn_release(weakref);
}

static void garbage_clears_it(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(list, list));
  cairn_object *weakref = cairn_weakref_new(heap, list);
  cairn_release(list);
  assert_int_equal(cairn_collect(heap), 1);
  assert_null(cairn_weakref_get(weakref));
  cairn_release(weakref);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *target = int_of(heap, 1000);
  blocks_fail_after(heap, 1);
  assert_null(cairn_weakref_new(heap, target));
  blocks_fail_after(heap, 0);
  cairn_fault.map_after = 1; /* the weak table has a mapping of its own */
  cairn_object *weakref = cairn_weakref_new(heap, target);
  cairn_fault.map_after = 0;
  assert_null(weakref);
  assert_int_equal(cairn_refcount(target), 1);
  weakref = cairn_weakref_new(heap, target);
  assert_non_null(weakref);
  cairn_release(target);
  cairn_release(weakref);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(a_weakref_does_not_hold), WITH_HEAP(many_weakrefs_to_one),
      WITH_HEAP(an_empty_weakref),        WITH_HEAP(garbage_clears_it),
      WITH_HEAP(memory_can_be_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

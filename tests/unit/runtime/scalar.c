/* none, bool, int, float. */
#include <math.h>

#include "builtin_test.h"

static void shared_objects_are_one(void **state) {
  cairn_heap *heap = *state;
  assert_ptr_equal(cairn_none(heap), cairn_none(heap));
  assert_ptr_equal(cairn_bool(heap, true), cairn_bool(heap, true));
  assert_ptr_not_equal(cairn_bool(heap, true), cairn_bool(heap, false));
  for (int64_t value = CAIRN_INT_SHARED_MIN; value <= CAIRN_INT_SHARED_MAX; value++) {
    cairn_object *one = cairn_int_new(heap, value);
    assert_ptr_equal(one, cairn_int_new(heap, value));
    assert_int_equal(value_of(one), value);
    assert_true(cairn_is_immortal(one));
    cairn_release(one);
    assert_true(cairn_is_immortal(one));
  }
}

static void ints_beyond_are_new(void **state) {
  cairn_heap *heap = *state;
  const int64_t values[] = {CAIRN_INT_SHARED_MIN - 1, CAIRN_INT_SHARED_MAX + 1, INT64_MIN,
                            INT64_MAX};
  for (size_t i = 0; i < 4; i++) {
    cairn_object *a = int_of(heap, values[i]);
    cairn_object *b = int_of(heap, values[i]);
    assert_ptr_not_equal(a, b);
    assert_int_equal(cairn_refcount(a), 1);
    assert_int_equal(value_of(a), values[i]);
    assert_int_equal(cairn_object_size(a), 16);
    cairn_release(a);
    cairn_release(b);
  }
}

static void values_come_back(void **state) {
  cairn_heap *heap = *state;
  const double values[] = {0.0, -0.0, 1.5, -1e308, INFINITY, NAN};
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    cairn_object *object = cairn_float_new(heap, values[i]);
    double value = 42;
    assert_true(cairn_float_get(object, &value));
    assert_memory_equal(&value, &values[i], sizeof(value));
    cairn_release(object);
  }
  bool value = false;
  assert_true(cairn_bool_get(cairn_bool(heap, true), &value));
  assert_true(value);
  assert_true(cairn_bool_get(cairn_bool(heap, false), &value));
  assert_false(value);
}

static void wrong_types_leave_the_result(void **state) {
  cairn_heap *heap = *state;
  cairn_object *number = int_of(heap, 1000);
  cairn_object *real = cairn_float_new(heap, 2);
  cairn_object *others[] = {NULL, cairn_none(heap), cairn_bool(heap, true), number, real};
  for (size_t i = 0; i < 5; i++) {
    int64_t as_int = 7;
    double as_float = 7;
    bool as_bool = false;
    assert_int_equal(cairn_int_get(others[i], &as_int), i == 3);
    assert_int_equal(cairn_float_get(others[i], &as_float), i == 4);
    assert_int_equal(cairn_bool_get(others[i], &as_bool), i == 2);
    assert_int_equal(cairn_is_none(others[i]), i == 1);
    if (i != 3) assert_int_equal(as_int, 7);
    if (i != 4) assert_true(as_float > 6.5);
    if (i != 2) assert_false(as_bool);
  }
  cairn_release(number);
  cairn_release(real);
}

static void types_have_their_names(void **state) {
  cairn_heap *heap = *state;
  assert_string_equal(cairn_object_type_name(cairn_none(heap)), "none");
  assert_string_equal(cairn_object_type_name(cairn_bool(heap, true)), "bool");
  assert_string_equal(cairn_object_type_name(cairn_int_new(heap, 5)), "int");
  assert_int_equal(cairn_type_find(heap, "float"), CAIRN_TYPE_FLOAT);
  for (cairn_type type = CAIRN_TYPE_NONE; type <= CAIRN_TYPE_BYTES; type++) {
    assert_true(cairn_type_is_acyclic(heap, type));
  }
  assert_false(cairn_type_is_acyclic(heap, CAIRN_TYPE_TUPLE));
  assert_true(cairn_type_is_acyclic(heap, CAIRN_TYPE_WEAKREF));
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  blocks_fail_after(heap, 1);
  assert_null(cairn_int_new(heap, 1000));
  assert_null(cairn_float_new(heap, 1));
  assert_non_null(cairn_int_new(heap, 10));
  assert_non_null(cairn_none(heap));
  blocks_fail_after(heap, 0);
}

static void a_heap_that_cannot_be_made_is_none(void **state) {
  (void)state;
  cairn_heap *heap = NULL;
  for (uint64_t blocks = 1; heap == NULL; blocks++) {
    cairn_fault.block_after = blocks;
    heap = cairn_heap_new(NULL);
    cairn_fault.block_after = 0;
    assert_in_range(blocks, 1, 400);
  }
  cairn_limit_refresh(heap);
  assert_whole(heap);
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(shared_objects_are_one),
      WITH_HEAP(ints_beyond_are_new),
      WITH_HEAP(values_come_back),
      WITH_HEAP(wrong_types_leave_the_result),
      WITH_HEAP(types_have_their_names),
      WITH_HEAP(memory_can_be_out),
      cmocka_unit_test(a_heap_that_cannot_be_made_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

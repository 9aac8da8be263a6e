/* Records: types made at run time. */
#include "builtin_test.h"

static const char *const names[] = {"left", "right", "weight"};

static void fields_by_number_and_name(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = cairn_record_define(heap, "node", names, 3);
  assert_int_not_equal(type, 0);
  assert_string_equal(cairn_type_name(heap, type), "node");
  cairn_object *node = cairn_record_new(heap, type);
  cairn_object *value = int_of(heap, 1000);
  for (size_t i = 0; i < 3; i++) assert_null(cairn_record_get(node, i));
  assert_true(cairn_record_set(node, 0, value));
  assert_true(cairn_record_set_named(node, "weight", value));
  assert_int_equal(cairn_refcount(value), 3);
  assert_ptr_equal(cairn_record_get_named(node, "left"), value);
  assert_ptr_equal(cairn_record_get(node, 2), value);
  assert_null(cairn_record_get(node, 1));
  assert_true(cairn_record_set(node, 0, NULL));
  assert_null(cairn_record_get_named(node, "left"));
  assert_int_equal(cairn_refcount(value), 2);

  assert_null(cairn_record_get(node, 3));
  assert_null(cairn_record_get_named(node, "lef"));
  assert_false(cairn_record_set(node, 3, value));
  assert_false(cairn_record_set_named(node, "weights", value));
  assert_int_equal(cairn_refcount(value), 2);
  cairn_release(value);
  cairn_release(node);
}

static void a_debugger_sees_the_fields(void **state) {
  cairn_heap *heap = *state;
  cairn_type index = cairn_record_define(heap, "node", names, 3);
  const struct cairn_type *type = cairn_type_at(heap, index);
  assert_int_equal(type->display, CAIRN_DISPLAY_RECORD);
  assert_int_equal(type->slot_count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    assert_string_equal(type->slots[i].name, names[i]);
    assert_int_equal(type->slots[i].offset, 8 + 8 * i);
  }
}

static void cycles_of_records_are_collected(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = cairn_record_define(heap, "node", names, 3);
  cairn_object *a = cairn_record_new(heap, type);
  cairn_object *b = cairn_record_new(heap, type);
  assert_true(cairn_record_set_named(a, "right", b));
  assert_true(cairn_record_set_named(b, "left", a));
  cairn_release(a);
  cairn_release(b);
  assert_int_equal(cairn_collect(heap), 2);
}

static void bad_names_are_refused(void **state) {
  cairn_heap *heap = *state;
  const char *const twice[] = {"a", "b", "a"};
  const char *const empty[] = {"a", ""};
  const char *const missing[] = {NULL};
  assert_int_equal(cairn_record_define(heap, "bad", twice, 3), 0);
  assert_int_equal(cairn_record_define(heap, "bad", empty, 2), 0);
  assert_int_equal(cairn_record_define(heap, "bad", missing, 1), 0);
  assert_int_equal(cairn_type_find(heap, "bad"), 0);
}

static void a_record_may_have_no_field(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = cairn_record_define(heap, "unit", NULL, 0);
  cairn_object *unit = cairn_record_new(heap, type);
  assert_null(cairn_record_get(unit, 0));
  assert_true(cairn_type_is_acyclic(heap, type));
  cairn_release(unit);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = cairn_record_define(heap, "node", names, 3);
  blocks_fail_after(heap, 1);
  assert_null(cairn_record_new(heap, type));
  blocks_fail_after(heap, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(fields_by_number_and_name),       WITH_HEAP(a_debugger_sees_the_fields),
      WITH_HEAP(cycles_of_records_are_collected), WITH_HEAP(bad_names_are_refused),
      WITH_HEAP(a_record_may_have_no_field),      WITH_HEAP(memory_can_be_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Copies into a shared heap: values, sharing, cycles, depth, and failure at each allocation. */
#include "nodes.h"

struct heaps {
  cairn_heap *own, *shared;
  uint64_t own_objects; /* of the shared heap, when nothing is in it */
};

static uint64_t count_of(cairn_heap *heap) {
  cairn_collect(heap); /* interned strs that nothing holds */
  return cairn_counts_of(heap).object_count;
}

static int setup(void **state) {
  struct heaps *heaps = calloc(1, sizeof *heaps);
  heaps->own = cairn_heap_new(NULL);
  heaps->shared = cairn_heap_new(&(cairn_heap_options){.shared = true});
  assert_true(heaps->own != NULL && heaps->shared != NULL);
  heaps->own_objects = count_of(heaps->shared);
  *state = heaps;
  return 0;
}

static int teardown(void **state) {
  struct heaps *heaps = *state;
  assert_null(cairn_heap_validate(heaps->own));
  assert_null(cairn_heap_validate(heaps->shared));
  cairn_collect_exclusive(heaps->shared);
  assert_int_equal(count_of(heaps->shared), heaps->own_objects);
  assert_true(cairn_heap_destroy(heaps->own, NULL));
  assert_true(cairn_heap_destroy(heaps->shared, NULL));
  free(heaps);
  return 0;
}

/* Appends and hands the item over. */
static cairn_object *put(cairn_object *list, cairn_object *item) {
  assert_true(item != NULL && cairn_list_append(list, item));
  cairn_release(item);
  return item;
}

/* One of each built-in type, a record, a cycle, and a text that is held three times. */
static cairn_object *garden(cairn_heap *heap) {
  static const char *const names[] = {"x", "y"};
  cairn_object *all = cairn_list_new(heap, 0);
  cairn_object *text = put(all, cairn_str_from(heap, "text"));
  put(all, cairn_none(heap));
  put(all, cairn_bool(heap, true));
  put(all, cairn_int_new(heap, 7));
  put(all, cairn_int_new(heap, 70000));
  put(all, cairn_float_new(heap, 1.5));
  put(all, cairn_bytes_new(heap, "\0\1\2", 3));
  cairn_object *pair[] = {text, all};
  cairn_object *tuple = put(all, cairn_tuple_new(heap, 2, pair));
  cairn_object *dict = put(all, cairn_dict_new(heap));
  assert_true(cairn_dict_set_text(dict, "name", text));
  cairn_object *key[] = {text, cairn_list_get(all, 4)};
  cairn_object *composed = cairn_tuple_new(heap, 2, key);
  assert_true(cairn_dict_set(dict, composed, tuple) && cairn_dict_set(dict, dict, text));
  cairn_object *set = put(all, cairn_set_new(heap));
  assert_true(cairn_set_add(set, composed) && cairn_set_add(set, text));
  cairn_release(composed);
  put(all, cairn_cell_new(heap, dict));
  cairn_object *record =
      put(all, cairn_record_new(heap, cairn_record_define(heap, "point", names, 2)));
  assert_true(cairn_record_set_named(record, "y", record));
  put(all, cairn_weakref_new(heap, dict));
  put(all, cairn_str_intern(heap, "name", 4));
  return all;
}

static void test_all_types(void **state) {
  struct heaps *heaps = *state;
  cairn_heap *shared = heaps->shared;
  cairn_object *all = garden(heaps->own);
  cairn_object *copy = cairn_share_copy(shared, all);
  assert_non_null(copy);
  assert_ptr_equal(cairn_object_heap(copy), shared);
  assert_null(cairn_heap_validate(shared)); /* nothing in it holds what is not */
  assert_int_equal(cairn_list_count(copy), cairn_list_count(all));
  for (size_t i = 0; i < 7; i++) {
    assert_true(cairn_equal(cairn_list_get(copy, i), cairn_list_get(all, i)));
    assert_ptr_equal(cairn_object_heap(cairn_list_get(copy, i)), shared);
  }
  cairn_object *text = cairn_list_get(copy, 0), *tuple = cairn_list_get(copy, 7);
  assert_ptr_equal(cairn_tuple_get(tuple, 0), text);
  assert_ptr_equal(cairn_tuple_get(tuple, 1), copy);
  cairn_object *dict = cairn_list_get(copy, 8);
  assert_int_equal(cairn_dict_count(dict), 3);
  assert_ptr_equal(cairn_dict_get_text(dict, "name"), text);
  assert_ptr_equal(cairn_dict_get(dict, dict), text);
  cairn_object *key[] = {text, cairn_list_get(copy, 4)};
  cairn_object *composed = cairn_tuple_new(shared, 2, key);
  assert_ptr_equal(cairn_dict_get(dict, composed), tuple);
  assert_true(cairn_set_has(cairn_list_get(copy, 9), composed));
  assert_true(cairn_set_has(cairn_list_get(copy, 9), text));
  cairn_release(composed);
  assert_ptr_equal(cairn_cell_get(cairn_list_get(copy, 10)), dict);
  cairn_object *record = cairn_list_get(copy, 11);
  assert_null(cairn_record_get_named(record, "x"));
  assert_ptr_equal(cairn_record_get_named(record, "y"), record);
  cairn_object *target = cairn_weakref_get(cairn_list_get(copy, 12));
  assert_ptr_equal(target, dict);
  cairn_release(target);
  cairn_object *name = cairn_str_intern(shared, "name", 4);
  assert_ptr_equal(cairn_list_get(copy, 13), name);
  cairn_release(name);
  assert_int_equal(cairn_refcount(copy), 2); /* the caller and the tuple */
  cairn_release(copy);
  cairn_release(all);
}

static void test_record_types_are_defined_once(void **state) {
  struct heaps *heaps = *state;
  static const char *const names[] = {"x", "y"}, *const others[] = {"x", "z"};
  cairn_type types[] = {cairn_record_define(heaps->own, "point", names, 2),
                        cairn_record_define(heaps->own, "point", others, 2)};
  cairn_type found[2][2];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 2; i++) {
      cairn_object *record = cairn_record_new(heaps->own, types[i]);
      cairn_object *copy = cairn_share_copy(heaps->shared, record);
      found[round][i] = cairn_type_index(copy);
      cairn_release(record);
      cairn_release(copy);
    }
  }
  assert_int_not_equal(found[0][0], found[0][1]);
  assert_memory_equal(found[0], found[1], sizeof found[0]);
}

static void test_what_is_there_is_not_copied(void **state) {
  struct heaps *heaps = *state;
  cairn_object *text = cairn_str_from(heaps->shared, "already there");
  cairn_object *list = cairn_list_new(heaps->own, 0);
  assert_true(cairn_list_append(list, text));
  cairn_object *copy = cairn_share_copy(heaps->shared, list);
  assert_ptr_equal(cairn_list_get(copy, 0), text);
  cairn_object *again = cairn_share_copy(heaps->shared, copy);
  assert_ptr_equal(again, copy);
  cairn_release(again);
  cairn_release(copy);
  cairn_release(list);
  cairn_release(text);
}

static void test_deep_nesting(void **state) {
  struct heaps *heaps = *state;
  cairn_object *outer = cairn_list_new(heaps->own, 0);
  for (int i = 0; i < 200000; i++) {
    cairn_object *next =
        i % 2 == 0 ? cairn_tuple_new(heaps->own, 1, &outer) : cairn_list_new(heaps->own, 1);
    if (i % 2 != 0) assert_true(cairn_list_append(next, outer));
    cairn_release(outer);
    outer = next;
  }
  cairn_object *copy = cairn_share_copy(heaps->shared, outer);
  assert_int_equal(count_of(heaps->shared), heaps->own_objects + 200001);
  cairn_release(copy);
  cairn_release(outer);
}

static void test_native_objects_are_refused(void **state) {
  struct heaps *heaps = *state;
  cairn_object *all = garden(heaps->own);
  put(all, cairn_object_new(heaps->own, nodes_define(heaps->own, "node", NULL)));
  assert_null(cairn_share_copy(heaps->shared, all));
  assert_int_equal(count_of(heaps->shared), heaps->own_objects);
  cairn_release(all);
}

/* Whichever block can't be had: nothing is left in the shared heap, without a collection. */
static void test_each_failure_leaves_nothing(void **state) {
  struct heaps *heaps = *state;
  cairn_object *all = garden(heaps->own);
  cairn_object *copy = NULL;
  uint64_t failures = 0;
  while (copy == NULL) {
    cairn_fault.block_after = failures + 1;
    cairn_fault_arm(heaps->shared);
    copy = cairn_share_copy(heaps->shared, all);
    cairn_fault.block_after = 0;
    if (copy == NULL) {
      assert_int_equal(count_of(heaps->shared), heaps->own_objects);
      failures++;
    }
  }
  assert_in_range(failures, 10, 100);
  cairn_release(copy);
  cairn_release(all);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_all_types),
      TEST(test_record_types_are_defined_once),
      TEST(test_what_is_there_is_not_copied),
      TEST(test_deep_nesting),
      TEST(test_native_objects_are_refused),
      TEST(test_each_failure_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

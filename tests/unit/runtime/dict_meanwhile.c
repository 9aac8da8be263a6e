/* dict, while code of the program runs in the middle of its functions: finalizers of what it drops,
 * and collections that its allocations force. */
#include "builtin.h"
#include "dict_ints.h"

struct meanwhile {
  cairn_heap *heap;
  cairn_object *dict; /* a reference of its own where it is dropped */
  int runs;
};

static void add_in_finalizer(void *context) {
  struct meanwhile *meanwhile = context;
  meanwhile->runs++;
  set_ints(meanwhile->dict, 7000 + meanwhile->runs, 1);
}

static void clear_leaves_what_finalizers_add(void **state) {
  struct meanwhile meanwhile = {.heap = *state, .dict = cairn_dict_new(*state)};
  const int64_t entries = 100;
  for (int64_t key = 0; key < entries; key++) {
    cairn_object *key_object = int_of(*state, key);
    cairn_object *hook = hook_new(*state, add_in_finalizer, &meanwhile);
    assert_true(cairn_dict_set(meanwhile.dict, key_object, hook));
    cairn_release(hook);
    cairn_release(key_object);
  }
  cairn_dict_clear(meanwhile.dict);
  assert_int_equal(meanwhile.runs, entries);
  assert_int_equal(cairn_dict_count(meanwhile.dict), entries);
  for (int64_t key = 0; key < entries; key++) {
    assert_null(get_int(meanwhile.dict, key));
    assert_non_null(get_int(meanwhile.dict, 7001 + key));
  }
  cairn_release(meanwhile.dict);
}

static void replacing_and_removing_release_last(void **state) {
  cairn_heap *heap = *state;
  struct meanwhile meanwhile = {.heap = heap, .dict = cairn_dict_new(heap)};
  cairn_object *hook = hook_new(heap, add_in_finalizer, &meanwhile);
  assert_true(cairn_dict_set_text(meanwhile.dict, "replaced", hook));
  cairn_release(hook);
  hook = hook_new(heap, add_in_finalizer, &meanwhile);
  assert_true(cairn_dict_set_text(meanwhile.dict, "removed", hook));
  cairn_release(hook);
  assert_true(cairn_dict_set_text(meanwhile.dict, "replaced", cairn_none(heap)));
  cairn_object *key = cairn_str_from(heap, "removed");
  assert_true(cairn_dict_remove(meanwhile.dict, key));
  cairn_release(key);
  assert_int_equal(meanwhile.runs, 2);
  assert_int_equal(cairn_dict_count(meanwhile.dict), 3);
  assert_true(cairn_is_none(cairn_dict_get_text(meanwhile.dict, "replaced")));
  cairn_release(meanwhile.dict);
}

static void grow_in_finalizer(void *context) {
  struct meanwhile *meanwhile = context;
  int64_t first = 10000 + 20 * meanwhile->runs++;
  for (int64_t key = first; key < first + 20; key++) set_ints(meanwhile->dict, key, key);
  assert_true(remove_int(meanwhile->dict, first));
}

/* Entries are removed in the middle of a walk, and the death of each key makes the dict grow. */
static void keys_whose_finalizers_change_the_dict(void **state) {
  cairn_heap *heap = *state;
  enum { KEYS = 30 };
  struct meanwhile meanwhile = {.heap = heap, .dict = cairn_dict_new(heap)};
  for (int i = 0; i < KEYS; i++) {
    cairn_object *hook = hook_new(heap, grow_in_finalizer, &meanwhile);
    assert_true(cairn_dict_give(meanwhile.dict, hook, cairn_none(heap)));
  }
  const cairn_type hook_type = cairn_type_find(heap, "hook");
  while (meanwhile.runs < KEYS) { /* a walk may miss some of a dict that grows */
    size_t position = 0;
    cairn_object *key = NULL;
    while (cairn_dict_next(meanwhile.dict, &position, &key, NULL)) {
      if (cairn_type_index(key) != hook_type) continue;
      assert_true(cairn_dict_remove(meanwhile.dict, key));
      assert_whole(heap);
    }
  }
  assert_int_equal(cairn_dict_count(meanwhile.dict), 19 * KEYS);
  for (int64_t key = 10000; key < 10000 + 20 * KEYS; key++) {
    assert_int_equal(cairn_dict_get_int(meanwhile.dict, key) != NULL, key % 20 != 0);
  }
  cairn_release(meanwhile.dict);
}

/* A dict of `count` entries, the next of which makes it grow. */
static cairn_object *full_dict(cairn_heap *heap, int64_t *count) {
  cairn_object *dict = cairn_dict_new(heap);
  *count = 0;
  while (*count < 4 || !cairn_table_is_full(((struct cairn_mapping *)dict)->table)) {
    set_ints(dict, 1000 + *count, *count);
    (*count)++;
  }
  return dict;
}

static void clear_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  cairn_dict_clear(meanwhile->dict);
}

static void fill_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  for (int64_t key = 0; key < 500; key++) set_ints(meanwhile->dict, 9000 + key, key);
}

static void drop_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  cairn_clear(&meanwhile->dict);
}

static void growing_reads_the_dict_again(void **state) {
  cairn_heap *heap = *state;
  int64_t count;
  struct meanwhile meanwhile = {.heap = heap, .dict = full_dict(heap, &count)};
  run_in_next_allocation(heap, clear_in_allocation, &meanwhile);
  assert_true(cairn_dict_set(meanwhile.dict, cairn_none(heap), cairn_none(heap)));
  assert_int_equal(cairn_dict_count(meanwhile.dict), 1);
  cairn_release(meanwhile.dict);

  /* The finalizer adds more than the new buffer holds, and the very key: its value is replaced. */
  meanwhile.dict = full_dict(heap, &count);
  cairn_object *key = int_of(heap, 9499);
  run_in_next_allocation(heap, fill_in_allocation, &meanwhile);
  assert_true(cairn_dict_set(meanwhile.dict, key, cairn_none(heap)));
  assert_int_equal(cairn_dict_count(meanwhile.dict), count + 500);
  assert_true(cairn_is_none(cairn_dict_get(meanwhile.dict, key)));
  assert_int_equal(cairn_refcount(key), 1);
  cairn_release(key);
  cairn_release(meanwhile.dict);
}

/* The last reference to the dict goes while its new key is made. */
static void dying_while_interning(void **state) {
  cairn_heap *heap = *state;
  struct meanwhile meanwhile = {.heap = heap, .dict = cairn_dict_new(heap)};
  cairn_object *dict = meanwhile.dict;
  cairn_object *value = int_of(heap, 9000);
  run_in_next_allocation(heap, drop_in_allocation, &meanwhile);
  assert_true(cairn_dict_set_text(dict, "new", value));
  assert_null(meanwhile.dict);
  assert_int_equal(cairn_refcount(value), 1);
  cairn_release(value);
}

/* The last reference to the dict goes while it grows: it dies when the call ends. */
static void dying_while_growing(void **state) {
  cairn_heap *heap = *state;
  int64_t count;
  struct meanwhile meanwhile = {.heap = heap, .dict = full_dict(heap, &count)};
  cairn_object *dict = meanwhile.dict;
  cairn_object *value = int_of(heap, 9000);
  run_in_next_allocation(heap, drop_in_allocation, &meanwhile);
  assert_true(cairn_dict_set(dict, value, value));
  assert_null(meanwhile.dict);
  assert_int_equal(cairn_refcount(value), 1);
  cairn_release(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(clear_leaves_what_finalizers_add),
      WITH_HEAP(replacing_and_removing_release_last),
      WITH_HEAP(keys_whose_finalizers_change_the_dict),
      WITH_HEAP(growing_reads_the_dict_again),
      WITH_HEAP(dying_while_interning),
      WITH_HEAP(dying_while_growing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

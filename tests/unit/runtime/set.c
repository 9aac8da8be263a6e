/* set. */
#include "mapping_test.h"

static bool add_int(cairn_object *set, int64_t value) {
  cairn_object *item = int_of(cairn_object_heap(set), value);
  bool added = cairn_set_add(set, item);
  cairn_release(item);
  return added;
}

static void assert_model(const cairn_object *set, const struct model *model) {
  assert_int_equal(cairn_set_count(set), model->count);
  size_t position = 0;
  cairn_object *item = NULL;
  for (size_t i = 0; i < model->count; i++) {
    assert_true(cairn_set_next(set, &position, &item));
    assert_int_equal(value_of(item), model->keys[i]);
  }
  assert_false(cairn_set_next(set, &position, &item));
}

static void edges(void **state) {
  cairn_heap *heap = *state;
  cairn_object *set = cairn_set_new(heap);
  cairn_object *item = int_of(heap, 1000);
  cairn_object *equal = int_of(heap, 1000);
  size_t position = 0;
  assert_int_equal(cairn_set_count(set), 0);
  assert_false(cairn_set_has(set, item));
  assert_false(cairn_set_remove(set, item));
  assert_false(cairn_set_next(set, &position, NULL));
  cairn_set_clear(set);
  assert_true(cairn_set_add(set, item));
  assert_true(cairn_set_add(set, equal)); /* the first one stays */
  assert_int_equal(cairn_set_count(set), 1);
  assert_int_equal(cairn_refcount(item), 2);
  assert_int_equal(cairn_refcount(equal), 1);
  assert_true(cairn_set_has(set, equal));
  assert_true(cairn_set_next(set, &position, NULL));
  assert_true(cairn_set_remove(set, equal));
  assert_int_equal(cairn_refcount(item), 1);
  assert_int_equal(cairn_set_count(set), 0);
  cairn_release(item);
  cairn_release(equal);
  cairn_release(set);
}

static void random_operations(void **state) {
  cairn_heap *heap = *state;
  uint64_t random = random_seed();
  cairn_object *set = cairn_set_new(heap);
  static struct model model;
  for (int step = 0; step < 30000; step++) {
    int64_t value = (int64_t)random_below(&random, step % 8192 < 4096 ? 30 : MODEL_MAX) + 1000;
    cairn_object *item = int_of(heap, value);
    bool there = model_find(&model, value) < model.count;
    assert_int_equal(cairn_set_has(set, item), there);
    if (random_below(&random, 2) == 0) {
      assert_true(cairn_set_add(set, item));
      model_set(&model, value, 0);
    } else {
      assert_int_equal(cairn_set_remove(set, item), there);
      (void)model_remove(&model, value);
    }
    cairn_release(item);
    if (step % 64 == 0) assert_model(set, &model);
    if (step % 4096 == 0) assert_whole(heap);
    if (random_below(&random, 5000) != 0) continue;
    cairn_set_clear(set);
    model.count = 0;
  }
  cairn_release(set);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *set = cairn_set_new(heap);
  for (int64_t value = 0; value < 200; value++) {
    size_t count = cairn_set_count(set);
    cairn_object *item = int_of(heap, 1000 + value);
    blocks_fail_after(heap, 1);
    bool added = cairn_set_add(set, item);
    blocks_fail_after(heap, 0);
    assert_int_equal(cairn_set_count(set), count + (added ? 1 : 0));
    assert_int_equal(cairn_set_has(set, item), added);
    assert_whole(heap);
    if (!added) assert_true(cairn_set_add(set, item));
    cairn_release(item);
  }
  blocks_fail_after(heap, 1);
  assert_null(cairn_set_new(heap));
  blocks_fail_after(heap, 0);
  cairn_release(set);
}

struct meanwhile {
  cairn_object *set;
  int runs;
};

static void add_in_finalizer(void *context) {
  struct meanwhile *meanwhile = context;
  assert_true(add_int(meanwhile->set, 5000 + meanwhile->runs++));
}

static void clear_leaves_what_finalizers_add(void **state) {
  cairn_heap *heap = *state;
  struct meanwhile meanwhile = {.set = cairn_set_new(heap)};
  for (int i = 0; i < 30; i++) {
    cairn_object *hook = hook_new(heap, add_in_finalizer, &meanwhile);
    assert_true(cairn_set_add(meanwhile.set, hook));
    cairn_release(hook);
  }
  cairn_set_clear(meanwhile.set);
  assert_int_equal(meanwhile.runs, 30);
  assert_int_equal(cairn_set_count(meanwhile.set), 30);
  size_t position = 0;
  cairn_object *item = NULL;
  while (cairn_set_next(meanwhile.set, &position, &item))
    assert_in_range(value_of(item), 5000, 5029);
  cairn_release(meanwhile.set);
}

static void cycles_are_collected(void **state) {
  cairn_heap *heap = *state;
  cairn_object *set = cairn_set_new(heap);
  assert_true(cairn_set_add(set, set));
  cairn_release(set);
  assert_int_equal(cairn_collect(heap), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(edges),
      WITH_HEAP(random_operations),
      WITH_HEAP(memory_can_be_out),
      WITH_HEAP(clear_leaves_what_finalizers_add),
      WITH_HEAP(cycles_are_collected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

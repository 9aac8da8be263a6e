/* list. */
#include "builtin.h"
#include "builtin_test.h"

static void append(cairn_object *list, int64_t value) {
  cairn_object *item = int_of(cairn_object_heap(list), value);
  assert_true(cairn_list_append(list, item));
  cairn_release(item);
}

static cairn_object *list_of_ints(cairn_heap *heap, int64_t first, int64_t end) {
  cairn_object *list = cairn_list_new(heap, 0);
  for (int64_t value = first; value < end; value++) append(list, value);
  return list;
}

static void assert_ints(const cairn_object *list, size_t count, const int64_t *values) {
  assert_int_equal(cairn_list_count(list), count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(value_of(cairn_list_get(list, i)), values[i]);
    assert_int_equal(cairn_refcount(cairn_list_get(list, i)), 1);
  }
  assert_null(cairn_list_get(list, count));
}

static void edges(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_object *item = int_of(heap, 1000);
  assert_int_equal(cairn_list_count(list), 0);
  assert_null(cairn_list_get(list, 0));
  assert_null(cairn_list_pop(list));
  assert_false(cairn_list_remove(list, 0));
  assert_false(cairn_list_set(list, 0, item));
  assert_false(cairn_list_insert(list, 1, item));
  assert_true(cairn_list_trim(list));
  cairn_list_clear(list);
  assert_true(cairn_list_insert(list, 0, item));
  assert_true(cairn_list_set(list, 0, item));
  assert_int_equal(cairn_refcount(item), 2);
  cairn_object *popped = cairn_list_pop(list);
  assert_ptr_equal(popped, item);
  assert_int_equal(cairn_refcount(item), 2);
  cairn_release(popped);
  cairn_release(item);
  cairn_release(list);
  list = cairn_list_new(heap, 100000);
  assert_int_equal(cairn_list_count(list), 0);
  cairn_release(list);
  assert_null(cairn_list_new(heap, (size_t)UINT32_MAX + 1));
}

/* ---- against a plain array ------------------------------------------------------------------ */

enum { MODEL_MAX = 400 };

struct model {
  int64_t values[MODEL_MAX];
  size_t count;
};

static void model_insert(struct model *model, size_t index, int64_t value) {
  memmove(model->values + index + 1, model->values + index,
          (model->count++ - index) * sizeof(int64_t));
  model->values[index] = value;
}

static void model_remove(struct model *model, size_t index) {
  model->count--;
  memmove(model->values + index, model->values + index + 1,
          (model->count - index) * sizeof(int64_t));
}

static void random_step(cairn_object *list, struct model *model, uint64_t *random) {
  cairn_heap *heap = cairn_object_heap(list);
  size_t index = model->count == 0 ? 0 : (size_t)random_below(random, model->count);
  int64_t value = 1000 + (int64_t)random_below(random, 1000000);
  bool there = index < model->count;
  bool room = model->count < MODEL_MAX;
  cairn_object *item = int_of(heap, value);
  switch (random_below(random, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (room) assert_true(cairn_list_append(list, item));
      if (room) model_insert(model, model->count, value);
      break;
    case 4:
    case 5:
    case 6:
      if (room) assert_true(cairn_list_insert(list, index, item));
      if (room) model_insert(model, index, value);
      break;
    case 7:
    case 8:
    case 9:
      assert_int_equal(cairn_list_remove(list, index), there);
      if (there) model_remove(model, index);
      break;
    case 10:
    case 11:
      cairn_release(cairn_list_pop(list));
      if (there) model_remove(model, model->count - 1);
      break;
    case 12:
    case 13:
      assert_int_equal(cairn_list_set(list, index, item), there);
      if (there) model->values[index] = value;
      break;
    case 14:
      assert_true(cairn_list_trim(list));
      break;
    default:
      if (random_below(random, 40) != 0) break;
      cairn_list_clear(list);
      model->count = 0;
  }
  cairn_release(item);
}

static void random_operations(void **state) {
  cairn_heap *heap = *state;
  uint64_t random = random_seed();
  cairn_object *list = cairn_list_new(heap, 0);
  struct model model = {.count = 0};
  for (int step = 0; step < 50000; step++) {
    random_step(list, &model, &random);
    if (step % 16 == 0) assert_ints(list, model.count, model.values);
    if (step % 4096 == 0) assert_whole(heap);
  }
  cairn_release(list);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void room_grows_and_goes_back(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = list_of_ints(heap, 0, 100000);
  cairn_stats full, trimmed, empty;
  cairn_heap_stats(heap, &full);
  while (cairn_list_count(list) > 10) cairn_release(cairn_list_pop(list));
  assert_true(cairn_list_trim(list));
  cairn_heap_stats(heap, &trimmed);
  assert_in_range(full.used_bytes - trimmed.used_bytes, 800000, 5000000);
  cairn_list_clear(list);
  assert_true(cairn_list_trim(list));
  cairn_heap_stats(heap, &empty);
  assert_int_equal(empty.buffer_count, trimmed.buffer_count - 1);
  append(list, 5000);
  assert_int_equal(value_of(cairn_list_get(list, 0)), 5000);
  cairn_release(list);
}

/* Growing, clearing and trimming are no reason to look for cycles. */
static void no_candidate_arises(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = list_of_ints(heap, 1000, 2000);
  cairn_list_clear(list);
  for (int64_t value = 0; value < 30; value++) append(list, value);
  assert_true(cairn_list_trim(list));
  cairn_object *dict = cairn_dict_new(heap);
  for (int i = 0; i < 100; i++) assert_true(cairn_dict_set(dict, cairn_int_new(heap, i), list));
  assert_true(cairn_dict_set_text(dict, "text", cairn_none(heap)));
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.candidate_count, 0);
  cairn_dict_clear(dict); /* the list loses references, and is one now */
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.candidate_count, 1);
  cairn_release(list);
  cairn_release(dict);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  blocks_fail_after(heap, 2);
  assert_null(cairn_list_new(heap, 10));
  blocks_fail_after(heap, 0);
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_object *item = int_of(heap, 1000);
  for (int i = 0; i < 200; i++) {
    size_t count = cairn_list_count(list);
    blocks_fail_after(heap, 1);
    bool added = i % 2 == 0 ? cairn_list_append(list, item) : cairn_list_insert(list, 0, item);
    blocks_fail_after(heap, 0);
    assert_int_equal(cairn_list_count(list), count + (added ? 1 : 0));
    assert_int_equal(cairn_refcount(item), 1 + cairn_list_count(list));
    assert_whole(heap);
    if (!added) assert_true(cairn_list_append(list, item));
  }
  blocks_fail_after(heap, 1);
  assert_false(cairn_list_trim(list));
  blocks_fail_after(heap, 0);
  assert_int_equal(cairn_list_count(list), 200);
  cairn_release(item);
  cairn_release(list);
}

static void reserving(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  size_t count = 1;
  assert_null(cairn_list_items(list, &count));
  assert_int_equal(count, 0);
  assert_true(cairn_list_append(list, cairn_none(heap)));
  blocks_fail_after(heap, 1);
  assert_false(cairn_list_reserve(list, 1000));
  assert_true(cairn_list_reserve(list, 1));
  blocks_fail_after(heap, 0);
  assert_true(cairn_list_reserve(list, 1000));
  blocks_fail_after(heap, 1); /* no more memory is needed */
  for (int i = 0; i < 1000; i++) assert_true(cairn_list_append(list, cairn_bool(heap, i % 2 == 0)));
  blocks_fail_after(heap, 0);
  assert_false(cairn_list_reserve(list, UINT32_MAX));
  cairn_object *const *items = cairn_list_items(list, &count);
  assert_int_equal(count, 1001);
  for (size_t i = 0; i < count; i++) assert_ptr_equal(items[i], cairn_list_get(list, i));
  cairn_release(list);
}

/* The reference changes hands, and is gone when there is no memory. */
static void giving(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_object *item = int_of(heap, 1000);
  int failures = 0;
  for (int i = 0; i < 100; i++) {
    size_t count = cairn_list_count(list);
    cairn_retain(item);
    blocks_fail_after(heap, 1);
    bool given = cairn_list_give(list, item);
    blocks_fail_after(heap, 0);
    failures += given ? 0 : 1;
    assert_int_equal(cairn_list_count(list), count + (given ? 1 : 0));
    assert_int_equal(cairn_refcount(item), 1 + cairn_list_count(list));
    if (!given) assert_true(cairn_list_give(list, cairn_retain(item)));
  }
  assert_in_range(failures, 3, 10);
  assert_false(cairn_list_give(list, NULL));
  cairn_release(item);
  cairn_release(list);

  /* No release that the collector has to look into. */
  cairn_stats stats;
  list = cairn_list_new(heap, 0);
  assert_true(cairn_list_give(list, cairn_list_new(heap, 0)));
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.candidate_count, 0);
  cairn_release(list);
}

/* ---- code that runs meanwhile --------------------------------------------------------------- */

struct meanwhile {
  cairn_heap *heap;
  cairn_object *list; /* a reference of its own where it is dropped */
  int runs;
};

static void append_in_finalizer(void *context) {
  struct meanwhile *meanwhile = context;
  meanwhile->runs++;
  append(meanwhile->list, 7000 + meanwhile->runs);
}

/* A list of objects whose finalizers call `run`. */
static cairn_object *list_of_hooks(struct meanwhile *meanwhile, void (*run)(void *), int count) {
  meanwhile->list = cairn_list_new(meanwhile->heap, 0);
  for (int i = 0; i < count; i++) {
    cairn_object *hook = hook_new(meanwhile->heap, run, meanwhile);
    assert_true(cairn_list_append(meanwhile->list, hook));
    cairn_release(hook);
  }
  return meanwhile->list;
}

static void clear_leaves_what_finalizers_append(void **state) {
  struct meanwhile meanwhile = {.heap = *state};
  cairn_object *list = list_of_hooks(&meanwhile, append_in_finalizer, 3);
  cairn_list_clear(list);
  assert_int_equal(meanwhile.runs, 3);
  assert_ints(list, 3, (const int64_t[]){7001, 7002, 7003});
  cairn_release(list);
}

static void pop_two_in_finalizer(void *context) {
  struct meanwhile *meanwhile = context;
  cairn_release(cairn_list_pop(meanwhile->list));
  cairn_release(cairn_list_pop(meanwhile->list));
  meanwhile->runs++;
}

static void clear_bears_finalizers_that_remove(void **state) {
  struct meanwhile meanwhile = {.heap = *state};
  meanwhile.list = list_of_ints(*state, 1000, 1004);
  cairn_object *hook = hook_new(*state, pop_two_in_finalizer, &meanwhile);
  assert_true(cairn_list_append(meanwhile.list, hook));
  cairn_release(hook);
  cairn_list_clear(meanwhile.list);
  assert_int_equal(meanwhile.runs, 1);
  assert_int_equal(cairn_list_count(meanwhile.list), 0);
  cairn_release(meanwhile.list);
}

static void set_and_remove_release_last(void **state) {
  struct meanwhile meanwhile = {.heap = *state};
  cairn_object *list = list_of_hooks(&meanwhile, append_in_finalizer, 3);
  assert_true(cairn_list_remove(list, 0));
  assert_int_equal(cairn_list_count(list), 3);
  cairn_object *item = int_of(*state, 6000);
  assert_true(cairn_list_set(list, 0, item));
  cairn_release(item);
  /* Now 6000, a hook, and what two finalizers appended. */
  cairn_release(cairn_list_pop(list));
  assert_true(cairn_list_remove(list, 1));
  assert_int_equal(meanwhile.runs, 3);
  assert_ints(list, 3, (const int64_t[]){6000, 7001, 7003});
  cairn_release(list);
}

static void clear_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  cairn_list_clear(meanwhile->list);
  append(meanwhile->list, 8000);
}

static void fill_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  for (int64_t value = 0; value < 50; value++) append(meanwhile->list, 8000 + value);
}

/* Makes a list that is full, and lets `run` run while it grows for one item more. */
static void append_with(struct meanwhile *meanwhile, void (*run)(void *)) {
  meanwhile->list = list_of_ints(meanwhile->heap, 1000, 1001);
  const struct cairn_list *list = (const struct cairn_list *)meanwhile->list;
  while (list->count < list->capacity) append(meanwhile->list, 2000);
  cairn_object *item = int_of(meanwhile->heap, 9000);
  run_in_next_allocation(meanwhile->heap, run, meanwhile);
  assert_true(cairn_list_append(meanwhile->list, item));
  assert_int_equal(cairn_fault.block_after, 0);
  assert_int_equal(cairn_refcount(item), 2);
  cairn_release(item);
}

static void growing_reads_the_list_again(void **state) {
  struct meanwhile meanwhile = {.heap = *state};
  append_with(&meanwhile, clear_in_allocation);
  assert_ints(meanwhile.list, 2, (const int64_t[]){8000, 9000});
  cairn_release(meanwhile.list);

  append_with(&meanwhile, fill_in_allocation);
  size_t count = cairn_list_count(meanwhile.list);
  assert_int_equal(value_of(cairn_list_get(meanwhile.list, count - 2)), 8049);
  assert_int_equal(value_of(cairn_list_get(meanwhile.list, count - 1)), 9000);
  cairn_release(meanwhile.list);
}

static void drop_in_allocation(void *context) {
  struct meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  cairn_clear(&meanwhile->list);
}

/* The last reference to the list goes while it grows: it dies when the call ends. */
static void dying_while_growing(void **state) {
  struct meanwhile meanwhile = {.heap = *state};
  meanwhile.list = cairn_list_new(*state, 0);
  cairn_object *list = meanwhile.list;
  cairn_object *item = int_of(*state, 9000);
  run_in_next_allocation(*state, drop_in_allocation, &meanwhile);
  assert_true(cairn_list_append(list, item));
  assert_null(meanwhile.list);
  assert_int_equal(cairn_refcount(item), 1);
  cairn_release(item);
}

static void a_list_that_holds_itself_is_collected(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = list_of_ints(heap, 1000, 1010);
  assert_true(cairn_list_insert(list, 3, list));
  cairn_release(list);
  assert_int_equal(cairn_collect(heap), 11);
}

static void nesting_dies_without_recursion(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  for (int i = 0; i < 1000000; i++) {
    cairn_object *outer = cairn_list_new(heap, 1);
    assert_true(cairn_list_append(outer, list));
    cairn_release(list);
    list = outer;
  }
  cairn_release(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(edges),
      WITH_HEAP(random_operations),
      WITH_HEAP(room_grows_and_goes_back),
      WITH_HEAP(no_candidate_arises),
      WITH_HEAP(memory_can_be_out),
      WITH_HEAP(reserving),
      WITH_HEAP(giving),
      WITH_HEAP(clear_leaves_what_finalizers_append),
      WITH_HEAP(clear_bears_finalizers_that_remove),
      WITH_HEAP(set_and_remove_release_last),
      WITH_HEAP(growing_reads_the_list_again),
      WITH_HEAP(dying_while_growing),
      WITH_HEAP(a_list_that_holds_itself_is_collected),
      WITH_HEAP(nesting_dies_without_recursion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Shared heaps: counts, deaths and collections of objects that all threads use. */
#include <pthread.h>

#include "shared_test.h"

enum { THREADS = 4, ROUNDS = 20000 };

/* Runs `work` in all threads at once, and waits. */
static void in_threads(void *(*work)(void *), void *context) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, work, context), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void test_state(void **state) {
  const struct pair *pair = *state;
  struct node *node = make(pair->shared, pair->node, 1);
  assert_true(has_state(node, CAIRN_STATE(SHARED)) && has_state(node, CAIRN_STATE(ACYCLIC)));
  cairn_retain(&node->base);
  assert_int_equal(cairn_refcount(&node->base), 2);
  cairn_release(&node->base);
  assert_int_equal(cairn_refcount(&node->base), 1);
  assert_false(has_state(node, CAIRN_STATE(CANDIDATE)));
  uint64_t count = count_of(pair->shared);
  cairn_release(&node->base);
  assert_int_equal(count_of(pair->shared), count - 1);
  struct node *ordinary = make(pair->plain, pair->plain_node, 2);
  assert_false(has_state(ordinary, CAIRN_STATE(SHARED) | CAIRN_STATE(ACYCLIC)));
  cairn_release(&ordinary->base);
}

static void *retain_and_release(void *context) {
  cairn_object *object = context;
  for (int i = 0; i < ROUNDS; i++) {
    cairn_retain(object);
    cairn_retain(object);
    cairn_release(object);
    cairn_release(object);
  }
  return NULL;
}

static void test_counts_of_all_threads(void **state) {
  const struct pair *pair = *state;
  struct node *node = make(pair->shared, pair->node, 1);
  in_threads(retain_and_release, node);
  assert_int_equal(cairn_refcount(&node->base), 1);
  cairn_release(&node->base);
}

static void *release_one(void *context) {
  cairn_release(context);
  return NULL;
}

static void test_last_release_in_any_thread(void **state) {
  const struct pair *pair = *state;
  uint64_t count = count_of(pair->shared);
  for (int round = 0; round < 200; round++) {
    struct node *top = make(pair->shared, pair->watched, round);
    give(&top->left, make(pair->shared, pair->node, 0));
    give(&top->right, make(pair->shared, pair->node, 0));
    for (int i = 1; i < THREADS; i++) cairn_retain(&top->base);
    in_threads(release_one, top);
    assert_int_equal(count_of(pair->shared), count);
    assert_int_equal(nodes_log_count, 1);
    assert_int_equal(nodes_log[0], round);
    nodes_log_count = 0;
  }
}

static void count_set(cairn_object *object, uint64_t count) {
  object->header = (object->header & ~CAIRN_COUNT_MASK) | count;
}

static void test_shared_count_saturates(void **state) {
  const struct pair *pair = *state;
  struct node *node = make(pair->shared, pair->node, 1);
  count_set(&node->base, 0x7ffffffe);
  cairn_retain(&node->base);
  assert_int_equal(cairn_refcount(&node->base), 0x7fffffff);
  cairn_release(&node->base);
  cairn_retain(&node->base);
  cairn_retain(&node->base);
  assert_int_equal(cairn_refcount(&node->base), 0xc0000000);
  for (int i = 0; i < 10; i++) cairn_release(&node->base);
  cairn_retain(&node->base);
  assert_int_equal(cairn_refcount(&node->base), 0xc0000000);
  count_set(&node->base, 1);
  cairn_release(&node->base);
}

static void *retain_often(void *context) {
  for (int i = 0; i < ROUNDS; i++) cairn_retain(context);
  for (int i = 0; i < 2 * ROUNDS; i++) cairn_release(context);
  return NULL;
}

/* However many threads pass the edge at once, no release brings the count back. */
static void test_racing_threads_saturate(void **state) {
  const struct pair *pair = *state;
  struct node *node = make(pair->shared, pair->node, 1);
  count_set(&node->base, 0x7fffffff - ROUNDS / 2);
  in_threads(retain_often, node);
  assert_in_range(cairn_refcount(&node->base), 0xc0000000, 0xc0000000 + THREADS);
  count_set(&node->base, 1);
  cairn_release(&node->base);
}

/* ---- what holds shared objects --------------------------------------------------------------- */

static void test_ordinary_heaps_hold(void **state) {
  const struct pair *pair = *state;
  cairn_heap *other = cairn_heap_new(NULL);
  cairn_object *text = cairn_str_from(pair->shared, "known to all");
  cairn_object *lists[2] = {cairn_list_new(pair->plain, 0), cairn_list_new(other, 0)};
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 3; j++) assert_true(cairn_list_append(lists[i], text));
  }
  assert_int_equal(cairn_refcount(text), 7);
  assert_ptr_equal(cairn_heap_validate(pair->plain), NULL);
  assert_ptr_equal(cairn_heap_validate(other), NULL);
  uint64_t count = count_of(pair->shared);
  cairn_release(text);
  cairn_release(lists[0]);
  assert_int_equal(cairn_refcount(text), 3);
  cairn_release(lists[1]);
  assert_int_equal(count_of(pair->shared), count - 1);
  assert_true(cairn_heap_destroy(other, NULL));
}

static void test_key_of_another_heap_is_found(void **state) {
  const struct pair *pair = *state;
  cairn_object *dict = cairn_dict_new(pair->plain);
  cairn_object *key = cairn_str_from(pair->shared, "key");
  cairn_object *value = cairn_int_new(pair->shared, 1000);
  assert_true(cairn_dict_set(dict, key, value));
  assert_ptr_equal(cairn_dict_get_text(dict, "key"), value);
  cairn_object *own = cairn_str_from(pair->plain, "key");
  assert_ptr_equal(cairn_dict_get(dict, own), value);
  cairn_release(own);
  cairn_release(key);
  cairn_release(value);
  cairn_release(dict);
}

static void test_collection_of_ordinary_heap(void **state) {
  const struct pair *pair = *state;
  struct node *held = make(pair->shared, pair->node, 1);
  give(&held->left, make(pair->shared, pair->node, 2));
  struct node *a = make(pair->plain, pair->plain_node, 3);
  struct node *b = make(pair->plain, pair->plain_node, 4);
  a->left = cairn_retain(&b->base);
  b->left = cairn_retain(&a->base);
  a->right = cairn_retain(&held->base);
  b->right = &held->base;
  cairn_release(&b->base);
  uint64_t header = held->base.header;
  assert_int_equal(cairn_collect(pair->plain), 0);
  assert_int_equal(held->base.header, header);
  assert_int_equal(*cairn_side_byte(&held->base), 0);
  uint64_t count = count_of(pair->shared);
  cairn_release(&a->base);
  assert_int_equal(cairn_collect(pair->plain), 2);
  assert_int_equal(count_of(pair->shared), count - 2);
}

static void test_destroyed_heap_lets_go(void **state) {
  const struct pair *pair = *state;
  cairn_heap *other = cairn_heap_new(NULL);
  cairn_object *text = cairn_str_from(pair->shared, "left");
  cairn_object *list = cairn_list_new(other, 0);
  assert_true(cairn_list_append(list, text));
  cairn_object *weakref = cairn_weakref_new(other, text);
  assert_non_null(weakref);
  assert_false(cairn_heap_destroy(other, NULL)); /* leaks the list and the weakref */
  assert_int_equal(cairn_refcount(text), 1);
  assert_false(has_state(text, CAIRN_STATE(WEAKLY)));
  cairn_release(text);
}

static void test_shared_heap_is_closed(void **state) {
  const struct pair *pair = *state;
  struct node *node = make(pair->shared, pair->node, 1);
  cairn_object *foreign = cairn_int_new(pair->plain, 1000);
  node->left = foreign;
  assert_non_null(cairn_heap_validate(pair->shared));
  node->left = NULL;
  cairn_release(foreign);
  cairn_release(&node->base);
}

static void test_validate_tells_a_stale_reference(void **state) {
  const struct pair *pair = *state;
  struct node *holder = make(pair->plain, pair->plain_node, 1);
  struct node *gone = make(pair->shared, pair->node, 2);
  holder->left = &gone->base;
  assert_ptr_equal(cairn_heap_validate(pair->plain), NULL);
  cairn_release(&gone->base);
  assert_non_null(cairn_heap_validate(pair->plain));
  holder->left = NULL;
  cairn_release(&holder->base);
}

/* ---- deaths ---------------------------------------------------------------------------------- */

static void test_long_list(void **state) {
  const struct pair *pair = *state;
  uint64_t count = count_of(pair->shared);
  struct node *head = NULL;
  for (int i = 0; i < 300000; i++) {
    struct node *node = make(pair->shared, pair->node, i);
    if (head != NULL) give(&node->left, head);
    head = node;
  }
  cairn_release(&head->base);
  assert_int_equal(count_of(pair->shared), count);
}

static cairn_object *resurrected;

static void resurrect(struct node *node) { resurrected = cairn_retain(&node->base); }

static void test_resurrection(void **state) {
  const struct pair *pair = *state;
  nodes_finalizer = resurrect;
  struct node *node = make(pair->shared, pair->watched, 1);
  cairn_release(&node->base);
  assert_ptr_equal(resurrected, node);
  assert_int_equal(cairn_refcount(resurrected), 1);
  assert_false(has_state(resurrected, CAIRN_STATE(HELD)));
  uint64_t count = count_of(pair->shared);
  cairn_release(resurrected);
  assert_int_equal(count_of(pair->shared), count - 1);
}

static void allocate_and_release(struct node *node) {
  cairn_heap *heap = cairn_object_heap(&node->base);
  cairn_object *list = cairn_list_new(heap, 4);
  assert_true(cairn_list_append(list, &node->base));
  cairn_list_clear(list);
  cairn_release(list);
}

static void *make_and_drop(void *context) {
  const struct pair *pair = context;
  for (int i = 0; i < ROUNDS / 10; i++) {
    struct node *node = make(pair->shared, pair->watched, i);
    give(&node->left, make(pair->shared, pair->watched, i));
    cairn_release(&node->base);
  }
  return NULL;
}

static void test_finalizers_use_the_heap(void **state) {
  struct pair *pair = *state;
  nodes_finalizer = allocate_and_release;
  uint64_t count = count_of(pair->shared);
  in_threads(make_and_drop, pair);
  assert_int_equal(count_of(pair->shared), count);
}

/* ---- collecting ------------------------------------------------------------------------------ */

static void test_cycles_wait_for_an_exclusive_collection(void **state) {
  const struct pair *pair = *state;
  uint64_t count = count_of(pair->shared);
  cairn_object *garbage = cairn_list_new(pair->shared, 1);
  cairn_object *held = cairn_list_new(pair->shared, 1);
  assert_true(cairn_list_append(garbage, garbage) && cairn_list_append(held, held));
  cairn_object *holder = cairn_list_new(pair->plain, 1);
  assert_true(cairn_list_append(holder, held));
  cairn_release(garbage);
  cairn_release(held);
  assert_int_equal(cairn_collect(pair->shared), 0);
  assert_int_equal(count_of(pair->shared), count + 2);
  assert_int_equal(cairn_collect_exclusive(pair->shared), 1);
  assert_int_equal(count_of(pair->shared), count + 1);
  assert_true(has_state(held, CAIRN_STATE(SHARED)) && has_state(held, CAIRN_STATE(ACYCLIC)));
  assert_ptr_equal(cairn_heap_validate(pair->shared), NULL);
  cairn_release(holder);
  assert_int_equal(cairn_collect_exclusive(pair->shared), 1);
}

static void test_collect_drops_unused_strs(void **state) {
  const struct pair *pair = *state;
  cairn_object *kept = cairn_str_intern(pair->shared, "kept", 4);
  cairn_release(cairn_str_intern(pair->shared, "unused", 6));
  assert_int_equal(cairn_collect(pair->shared), 1);
  assert_ptr_equal(cairn_str_intern(pair->shared, "kept", 4), kept);
  cairn_release(kept);
  cairn_release(kept);
  assert_int_equal(cairn_collect(pair->shared), 1);
}

/* ---- all of it from all threads -------------------------------------------------------------- */

static void *define_intern_allocate(void *context) {
  const struct pair *pair = context;
  for (int i = 0; i < ROUNDS / 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%d", i % 50);
    if (i % 40 == 0) assert_int_not_equal(nodes_define(pair->shared, name, NULL), 0);
    cairn_object *str = cairn_str_intern(pair->shared, name, strlen(name));
    cairn_object *dict = cairn_dict_new(pair->shared);
    cairn_object *list = cairn_list_new(pair->shared, 0);
    for (int j = 0; j < 20; j++) {
      cairn_object *number = cairn_int_new(pair->shared, j * 100);
      assert_true(cairn_list_insert(list, 0, number));
      assert_true(cairn_dict_set(dict, number, str));
      cairn_release(number);
    }
    assert_true(cairn_dict_set(dict, str, list));
    assert_string_equal(cairn_object_type_name(dict), "dict");
    assert_int_not_equal(cairn_type_find(pair->shared, "node"), 0);
    cairn_external_add(dict, 100);
    cairn_external_add(dict, -100);
    cairn_release(str);
    cairn_release(list);
    cairn_release(dict);
    if (i % 100 == 0) cairn_collect(pair->shared);
  }
  return NULL;
}

static void test_all_from_all_threads(void **state) {
  struct pair *pair = *state;
  in_threads(define_intern_allocate, pair);
  cairn_collect(pair->shared);
  cairn_stats stats;
  cairn_heap_stats(pair->shared, &stats);
  assert_int_equal(stats.external_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SHARED(test_state),
      WITH_SHARED(test_counts_of_all_threads),
      WITH_SHARED(test_last_release_in_any_thread),
      WITH_SHARED(test_shared_count_saturates),
      WITH_SHARED(test_racing_threads_saturate),
      WITH_SHARED(test_ordinary_heaps_hold),
      WITH_SHARED(test_key_of_another_heap_is_found),
      WITH_SHARED(test_collection_of_ordinary_heap),
      WITH_SHARED(test_destroyed_heap_lets_go),
      WITH_SHARED(test_shared_heap_is_closed),
      WITH_SHARED(test_validate_tells_a_stale_reference),
      WITH_SHARED(test_long_list),
      WITH_SHARED(test_resurrection),
      WITH_SHARED(test_finalizers_use_the_heap),
      WITH_SHARED(test_cycles_wait_for_an_exclusive_collection),
      WITH_SHARED(test_collect_drops_unused_strs),
      WITH_SHARED(test_all_from_all_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

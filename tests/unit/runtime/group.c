/* group.c: one limit over several heaps, on one and on several threads. */
#include <pthread.h>

#include "builtin_test.h"

enum { MEGABYTE = 1 << 20, THREADS = 4 };

static cairn_group_stats stats_of(const cairn_group *group) {
  cairn_group_stats stats;
  cairn_group_stats_get(group, &stats);
  return stats;
}

static bool count_group(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                        void *context) {
  (void)heap;
  (void)wanted_bytes;
  if (kind == CAIRN_LIMIT_GROUP) ++*(int *)context;
  return false;
}

static void heaps_count_together(void **state) {
  (void)state;
  cairn_group *group = cairn_group_new("tenants", 0);
  cairn_heap *heaps[3];
  uint64_t sum = 0;
  for (int i = 0; i < 3; i++) {
    heaps[i] = cairn_heap_new(&(cairn_heap_options){.group = group});
    assert_non_null(heaps[i]);
    cairn_object *list = cairn_list_new(heaps[i], (size_t)i << 20);
    assert_true(cairn_external_add(list, 1000 + i));
    sum += heaps[i]->taken_bytes;
  }
  assert_string_equal(group->name, "tenants");
  assert_int_equal(stats_of(group).taken_bytes, sum);
  assert_int_equal(stats_of(group).heap_count, 3);
  cairn_stats stats;
  cairn_heap_stats(heaps[1], &stats);
  assert_int_equal(stats.group_taken_bytes, sum);
  assert_false(cairn_group_destroy(group));
  for (int i = 0; i < 3; i++) assert_false(cairn_heap_destroy(heaps[i], NULL)); /* a leak each */
  assert_int_equal(stats_of(group).taken_bytes, 0);
  assert_true(stats_of(group).peak_bytes >= sum);
  assert_true(cairn_group_destroy(group));
}

/* The heap that asks is the one that relieves itself and whose callback is called. */
static void who_asks_is_asked(void **state) {
  (void)state;
  cairn_group *group = cairn_group_new(NULL, 40 * MEGABYTE);
  int calls[2] = {0, 0};
  cairn_heap *heaps[2];
  for (int i = 0; i < 2; i++) {
    heaps[i] = cairn_heap_new(&(cairn_heap_options){
        .group = group, .near_limit = count_group, .near_limit_context = &calls[i]});
  }
  void *buffer = cairn_buffer_new(heaps[0], 25 * MEGABYTE);
  assert_non_null(buffer);
  assert_null(cairn_buffer_new(heaps[1], 25 * MEGABYTE));
  assert_int_equal(calls[0], 0);
  assert_int_equal(calls[1], 1);
  assert_true(stats_of(group).refused_count > 0);
  assert_true(stats_of(group).taken_bytes <= 40 * MEGABYTE);
  cairn_buffer_free(buffer);
  buffer = cairn_buffer_new(heaps[1], 25 * MEGABYTE);
  assert_non_null(buffer);
  cairn_buffer_free(buffer);
  for (int i = 0; i < 2; i++) {
    assert_whole(heaps[i]);
    assert_true(cairn_heap_destroy(heaps[i], NULL));
  }
  assert_true(cairn_group_destroy(group));
}

static void heaps_join_and_leave(void **state) {
  (void)state;
  cairn_group *small = cairn_group_new("small", 12 * MEGABYTE);
  cairn_group *other = cairn_group_new("other", 0);
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_heap *second = cairn_heap_new(&(cairn_heap_options){.group = small});
  void *buffer = cairn_buffer_new(heap, 20 * MEGABYTE);
  assert_false(cairn_heap_group_set(heap, small));
  assert_null(heap->group);
  cairn_buffer_free(buffer);
  assert_true(cairn_heap_group_set(heap, small));
  assert_int_equal(stats_of(small).heap_count, 2);
  assert_null(cairn_buffer_new(heap, 20 * MEGABYTE));
  assert_true(cairn_heap_group_set(heap, other));
  assert_int_equal(stats_of(small).taken_bytes, second->taken_bytes);
  assert_int_equal(stats_of(other).taken_bytes, heap->taken_bytes);
  assert_null(cairn_heap_new(&(cairn_heap_options){.group = small, .limit_bytes = 1000}));
  assert_int_equal(stats_of(small).heap_count, 1);
  cairn_group_limit_set(small, 8 * MEGABYTE); /* another heap does not fit in */
  assert_null(cairn_heap_new(&(cairn_heap_options){.group = small}));
  assert_int_equal(stats_of(small).heap_count, 1);
  assert_int_equal(stats_of(small).taken_bytes, second->taken_bytes);
  assert_true(cairn_heap_group_set(heap, NULL));
  assert_true(cairn_group_destroy(other));
  assert_true(cairn_heap_destroy(heap, NULL));
  assert_true(cairn_heap_destroy(second, NULL));
  assert_true(cairn_group_destroy(small));
}

/* What the system refuses is not counted. */
static void failed_mappings_count_for_nothing(void **state) {
  (void)state;
  cairn_group *group = cairn_group_new(NULL, 0);
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.group = group});
  uint64_t taken = stats_of(group).taken_bytes;
  for (uint64_t n = 1; n <= 2; n++) { /* the arena; its side memory */
    cairn_fault.map_after = n;
    assert_null(cairn_buffer_new(heap, 30 * MEGABYTE));
    cairn_fault.map_after = 0;
    assert_int_equal(stats_of(group).taken_bytes, taken);
    assert_int_equal(heap->taken_bytes, taken);
  }
  assert_true(cairn_heap_destroy(heap, NULL));
  assert_true(cairn_group_destroy(group));
}

/* Bytes outside press on the heap that has them, until another one gives back. */
static void external_bytes_press_until_another_gives_back(void **state) {
  (void)state;
  cairn_group *group = cairn_group_new(NULL, 40 * MEGABYTE);
  cairn_heap *first = cairn_heap_new(&(cairn_heap_options){.group = group});
  cairn_heap *second = cairn_heap_new(&(cairn_heap_options){.group = group});
  void *buffer = cairn_buffer_new(first, 20 * MEGABYTE);
  cairn_object *image = cairn_list_new(second, 0);
  assert_true(cairn_external_add(image, 20 * MEGABYTE));
  assert_null(cairn_list_new(second, 0));
  cairn_object *list = cairn_list_new(first, 0); /* has free blocks of its own */
  assert_non_null(list);
  cairn_release(list);
  cairn_buffer_free(buffer);
  list = cairn_list_new(second, 0);
  assert_non_null(list);
  assert_int_equal(second->slow & CAIRN_SLOW_PRESSED, 0);
  cairn_release(list);
  cairn_release(image);
  assert_true(cairn_heap_destroy(first, NULL));
  assert_true(cairn_heap_destroy(second, NULL));
  assert_true(cairn_group_destroy(group));
}

/* Each thread takes and gives back as it can; the sum never passes the limit. */
static void *thread_work(void *context) {
  cairn_heap *heap = NULL;
  while (heap == NULL) heap = cairn_heap_new(&(cairn_heap_options){.group = context});
  uintptr_t got = 0;
  while (got < 100) { /* each gets its share in the end */
    void *buffers[3];
    for (int at = 0; at < 3; at++) {
      buffers[at] = cairn_buffer_new(heap, 5 * MEGABYTE);
      if (buffers[at] != NULL) got++;
    }
    for (int at = 0; at < 3; at++) cairn_buffer_free(buffers[at]);
  }
  const char *problem = cairn_heap_validate(heap);
  bool whole = cairn_heap_destroy(heap, NULL);
  return problem == NULL && whole ? context : NULL;
}

static void threads_share_a_limit(void **state) {
  (void)state;
  const uint64_t limit_bytes = 60 * MEGABYTE;
  cairn_group *group = cairn_group_new("threads", limit_bytes);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, thread_work, group), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    void *got;
    assert_int_equal(pthread_join(threads[i], &got), 0);
    assert_non_null(got);
  }
  cairn_group_stats stats = stats_of(group);
  assert_true(stats.peak_bytes <= limit_bytes);
  assert_int_equal(stats.taken_bytes, 0);
  assert_int_equal(stats.heap_count, 0);
  assert_true(cairn_group_destroy(group));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heaps_count_together),
      cmocka_unit_test(who_asks_is_asked),
      cmocka_unit_test(heaps_join_and_leave),
      cmocka_unit_test(failed_mappings_count_for_nothing),
      cmocka_unit_test(external_bytes_press_until_another_gives_back),
      cmocka_unit_test(threads_share_a_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

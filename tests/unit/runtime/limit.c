/* limit.c: the soft and the hard limit, near_limit, and what collections at the limit cost. */
#include "builtin_test.h"

enum { MEGABYTE = 1 << 20 };

static cairn_stats stats_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats;
}

/* What near_limit was called with, and what it is to do. */
struct calls {
  int count[CAIRN_LIMIT_SYSTEM + 1]; /* by kind */
  uint64_t wanted_bytes;
  void (*act)(cairn_heap *heap, struct calls *calls); /* NULL: nothing, and the answer is no */
  cairn_object *kept;
};

static bool near_limit(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                       void *context) {
  struct calls *calls = context;
  calls->count[kind]++;
  calls->wanted_bytes = wanted_bytes;
  assert_true(heap->in_near_limit);
  if (calls->act == NULL) return false;
  calls->act(heap, calls);
  return true;
}

static cairn_heap *heap_with(struct calls *calls, uint64_t soft, uint64_t hard) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.limit_bytes = hard,
                                                          .soft_limit_bytes = soft,
                                                          .near_limit = near_limit,
                                                          .near_limit_context = calls});
  assert_non_null(heap);
  return heap;
}

static void destroy(cairn_heap *heap) {
  assert_whole(heap);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* Appends strs of a kilobyte up to `bytes` in all; false when out of memory. */
static bool fill(cairn_heap *heap, cairn_object *list, size_t bytes) {
  static const char text[1000];
  for (size_t done = 0; done < bytes; done += 1024) {
    cairn_object *str = cairn_str_new(heap, text, sizeof text);
    bool appended = str != NULL && cairn_list_append(list, str);
    cairn_release(str);
    if (!appended) return false;
  }
  return true;
}

/* A list of `count` strs that holds itself, released: garbage. */
static void cycle_drop(cairn_heap *heap, size_t bytes) {
  cairn_object *list = cairn_list_new(heap, 0);
  assert_non_null(list);
  assert_true(fill(heap, list, bytes) && cairn_list_append(list, list));
  cairn_release(list);
}

/* ---- the soft limit -------------------------------------------------------------------------- */

static void soft_limit_collects_and_is_silent_when_that_helped(void **state) {
  (void)state;
  struct calls calls = {0};
  cairn_heap *heap = heap_with(&calls, 12 * MEGABYTE, 0);
  cycle_drop(heap, 6 * MEGABYTE);
  uint64_t collections = stats_of(heap).collection_count;
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(fill(heap, list, 4 * MEGABYTE));
  assert_true(stats_of(heap).collection_count > collections);
  assert_true(stats_of(heap).used_bytes < 6 * MEGABYTE);
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 0);
  assert_true(fill(heap, list, 16 * MEGABYTE)); /* now it is live that is too much */
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 1);
  cairn_release(list);
  destroy(heap);
}

static void soft_limit_is_told_once_each_time_it_is_passed(void **state) {
  (void)state;
  struct calls calls = {0};
  cairn_heap *heap = heap_with(&calls, 12 * MEGABYTE, 0);
  for (int round = 1; round <= 3; round++) {
    cairn_object *list = cairn_list_new(heap, 0);
    assert_true(fill(heap, list, 40 * MEGABYTE)); /* nothing fails */
    assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], round);
    assert_int_equal(calls.wanted_bytes, 0);
    cairn_release(list);
    assert_true(stats_of(heap).taken_bytes <= 12 * MEGABYTE);
  }
  assert_true(stats_of(heap).peak_bytes > 40 * MEGABYTE);
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(fill(heap, list, 20 * MEGABYTE));
  cairn_heap_soft_limit_set(heap, 16 * MEGABYTE); /* set anew: told again */
  assert_true(fill(heap, list, MEGABYTE));
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 5);
  cairn_release(list);
  destroy(heap);
}

static void soft_limit_does_not_collect_a_manual_heap(void **state) {
  (void)state;
  struct calls calls = {0};
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.soft_limit_bytes = 12 * MEGABYTE,
                                                          .manual_collection = true,
                                                          .near_limit = near_limit,
                                                          .near_limit_context = &calls});
  cycle_drop(heap, 20 * MEGABYTE);
  assert_int_equal(stats_of(heap).collection_count, 0);
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 1);
  destroy(heap);
}

/* The next allocation acts, though it would have found a free block. */
static void external_bytes_pass_the_soft_limit(void **state) {
  (void)state;
  struct calls calls = {0};
  cairn_heap *heap = heap_with(&calls, 12 * MEGABYTE, 0);
  cairn_object *image = cairn_list_new(heap, 0);
  assert_true(cairn_external_add(image, 12 * MEGABYTE));
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 0);
  cairn_release(cairn_list_new(heap, 0));
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 1);
  assert_int_equal(heap->slow & CAIRN_SLOW_PRESSED, 0); /* and the fast path is back */
  cairn_release(image);
  destroy(heap);
}

static void drop_kept_and_collect(cairn_heap *heap, struct calls *calls) {
  cairn_clear(&calls->kept);
  cairn_collect(heap);
  cairn_release(cairn_list_new(heap, 10));
}

static void soft_callback_may_drop_and_collect(void **state) {
  (void)state;
  struct calls calls = {.act = drop_kept_and_collect};
  cairn_heap *heap = heap_with(&calls, 12 * MEGABYTE, 0);
  calls.kept = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(calls.kept, calls.kept));
  assert_true(fill(heap, calls.kept, 14 * MEGABYTE));
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(fill(heap, list, 5 * MEGABYTE));
  assert_int_equal(calls.count[CAIRN_LIMIT_SOFT], 1);
  assert_null(calls.kept);
  assert_true(stats_of(heap).used_bytes < 8 * MEGABYTE);
  cairn_release(list);
  destroy(heap);
}

/* ---- the hard limit -------------------------------------------------------------------------- */

static void kinds_say_what_was_met(void **state) {
  (void)state;
  struct calls calls = {0};
  cairn_heap *heap = heap_with(&calls, 0, 20 * MEGABYTE);
  assert_null(cairn_buffer_new(heap, 30 * MEGABYTE));
  assert_int_equal(calls.count[CAIRN_LIMIT_HARD], 1);
  assert_true(calls.wanted_bytes >= 30 * MEGABYTE);
  cairn_heap_limit_set(heap, 0);
  cairn_fault.map_after = 1;
  assert_null(cairn_buffer_new(heap, 30 * MEGABYTE));
  cairn_fault.map_after = 0;
  assert_int_equal(calls.count[CAIRN_LIMIT_SYSTEM], 1);
  blocks_fail_after(heap, 1);
  assert_null(cairn_list_new(heap, 0));
  blocks_fail_after(heap, 0);
  assert_int_equal(calls.count[CAIRN_LIMIT_SYSTEM], 2);
  cairn_object *image = cairn_list_new(heap, 0);
  assert_true(cairn_external_add(image, 50 * MEGABYTE));
  cairn_heap_limit_set(heap, 20 * MEGABYTE);
  assert_null(cairn_list_new(heap, 0));
  assert_int_equal(calls.count[CAIRN_LIMIT_HARD], 2);
  cairn_release(image);
  destroy(heap);
}

static void drop_kept(cairn_heap *heap, struct calls *calls) {
  (void)heap;
  cairn_clear(&calls->kept);
}

/* What the callback drops is a cycle: it is collected before the last try. */
static void cycles_that_the_callback_drops_are_collected(void **state) {
  (void)state;
  struct calls calls = {.act = drop_kept};
  cairn_heap *heap = heap_with(&calls, 0, 24 * MEGABYTE);
  calls.kept = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(calls.kept, calls.kept));
  assert_true(fill(heap, calls.kept, 12 * MEGABYTE));
  void *buffer = cairn_buffer_new(heap, 10 * MEGABYTE);
  assert_non_null(buffer);
  assert_int_equal(calls.count[CAIRN_LIMIT_HARD], 1);
  cairn_buffer_free(buffer);
  destroy(heap);
}

static void raise_limit(cairn_heap *heap, struct calls *calls) {
  (void)calls;
  cairn_heap_limit_set(heap, heap->limit_bytes + 4 * MEGABYTE);
  cairn_collect(heap);
  assert_null(cairn_buffer_new(heap, (size_t)1 << 40)); /* fails without coming back here */
}

static void callback_may_raise_collect_and_allocate(void **state) {
  (void)state;
  struct calls calls = {.act = raise_limit};
  cairn_heap *heap = heap_with(&calls, 0, 8 * MEGABYTE);
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(fill(heap, list, 30 * MEGABYTE));
  assert_in_range(calls.count[CAIRN_LIMIT_HARD], 5, 12);
  assert_true(stats_of(heap).taken_bytes <= stats_of(heap).limit_bytes);
  cairn_release(list);
  destroy(heap);
}

/* ---- what failing costs ---------------------------------------------------------------------- */

/* A heap that is full of live strs. */
static cairn_heap *full_heap(cairn_object **list) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.limit_bytes = 32 * MEGABYTE});
  *list = cairn_list_new(heap, 0);
  while (fill(heap, *list, 1024)) {
  }
  return heap;
}

static void failing_again_does_not_collect_again(void **state) {
  (void)state;
  cairn_object *list;
  cairn_heap *heap = full_heap(&list);
  assert_null(cairn_buffer_new(heap, 5 * MEGABYTE));
  uint64_t collections = stats_of(heap).collection_count;
  for (int i = 0; i < 10000; i++) assert_null(cairn_buffer_new(heap, 5 * MEGABYTE));
  assert_int_equal(stats_of(heap).collection_count, collections);
  cairn_collect(heap); /* the program's own are always done */
  assert_int_equal(stats_of(heap).collection_count, collections + 1);
  cairn_release(list);
  destroy(heap);
}

/* With little done between the failures, the collections are bounded by what is done. */
static void failures_cost_what_the_program_does(void **state) {
  (void)state;
  enum { FAILURES = 20000, BLOCKS = 2 };
  cairn_object *list;
  cairn_heap *heap = full_heap(&list);
  assert_null(cairn_buffer_new(heap, 5 * MEGABYTE));
  cairn_stats before = stats_of(heap);
  assert_true(before.object_count > 20000);
  cairn_list_remove(list, 0);
  for (int i = 0; i < FAILURES; i++) {
    cairn_object *small = cairn_list_new(heap, 0); /* comes and goes */
    assert_non_null(small);
    assert_null(cairn_buffer_new(heap, 5 * MEGABYTE));
    cairn_release(small);
  }
  cairn_stats after = stats_of(heap);
  uint64_t work = FAILURES * BLOCKS;
  assert_in_range(after.collection_count - before.collection_count, 1,
                  work / (before.object_count / 32) + 1);
  cairn_release(list);
  destroy(heap);
}

/* As much garbage as is wanted was made since the last vain collection: that is found. */
static void garbage_made_since_is_found(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(
      &(cairn_heap_options){.limit_bytes = 64 * MEGABYTE, .manual_collection = true});
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(fill(heap, list, 32 * MEGABYTE));
  assert_null(cairn_buffer_new(heap, 60 * MEGABYTE)); /* in vain */
  for (int i = 0; i < 10; i++) {
    cairn_object *pair[] = {cairn_list_new(heap, 0), cairn_bytes_new(heap, NULL, 0)};
    cairn_object *large = cairn_list_new(heap, 12 * MEGABYTE / 8);
    assert_non_null(large);
    assert_true(cairn_list_append(pair[0], pair[0]) && cairn_list_append(pair[0], large));
    cairn_release(large);
    cairn_release(pair[1]);
    cairn_release(pair[0]);
  }
  cairn_release(list);
  destroy(heap);
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void statistics_are_filled_as_far_as_there_is_room(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.limit_bytes = 20 * MEGABYTE});
  cairn_collect(heap);
  cairn_stats stats = stats_of(heap);
  assert_int_equal(stats.taken_bytes,
                   stats.reserved_bytes + stats.metadata_bytes + stats.external_bytes);
  assert_true(stats.side_bytes > 0 && stats.collect_last_ns > 0);
  assert_true(stats.collect_longest_ns >= stats.collect_last_ns);
  assert_int_equal(stats.type_count, CAIRN_TYPE_FIRST_USER - 1);
  cairn_stats part;
  memset(&part, 0x5a, sizeof part);
  const size_t part_bytes = offsetof(cairn_stats, used_bytes);
  cairn_heap_stats_sized(heap, &part, part_bytes);
  assert_int_equal(part.object_count, stats.object_count);
  assert_int_equal(part.used_bytes, 0x5a5a5a5a5a5a5a5a);
  struct {
    cairn_stats known;
    uint64_t later[4];
  } longer;
  memset(&longer, 0x5a, sizeof longer);
  cairn_heap_stats_sized(heap, &longer.known, sizeof longer);
  assert_memory_equal(&longer.known, &stats, sizeof stats);
  for (size_t i = 0; i < 4; i++) assert_int_equal(longer.later[i], 0);
  destroy(heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(soft_limit_collects_and_is_silent_when_that_helped),
      cmocka_unit_test(soft_limit_is_told_once_each_time_it_is_passed),
      cmocka_unit_test(soft_limit_does_not_collect_a_manual_heap),
      cmocka_unit_test(external_bytes_pass_the_soft_limit),
      cmocka_unit_test(soft_callback_may_drop_and_collect),
      cmocka_unit_test(kinds_say_what_was_met),
      cmocka_unit_test(cycles_that_the_callback_drops_are_collected),
      cmocka_unit_test(callback_may_raise_collect_and_allocate),
      cmocka_unit_test(failing_again_does_not_collect_again),
      cmocka_unit_test(failures_cost_what_the_program_does),
      cmocka_unit_test(garbage_made_since_is_found),
      cmocka_unit_test(statistics_are_filled_as_far_as_there_is_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

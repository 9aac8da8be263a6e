/* Heaps: options, statistics, limits, walking, the leak report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "cairn/cairn.h"

static cairn_stats stats_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats;
}

/* ---- making ---------------------------------------------------------------------------------- */

static void heaps_have_names_and_ids(void **state) {
  (void)state;
  cairn_heap *a = cairn_heap_new(NULL);
  const cairn_heap_options options = {.name = "a name that is longer than fits in 31 bytes"};
  cairn_heap *b = cairn_heap_new(&options);
  assert_int_equal(b->id, a->id + 1);
  char expected[32];
  snprintf(expected, sizeof expected, "heap %llu", (unsigned long long)a->id);
  assert_string_equal(a->name, expected);
  assert_string_equal(b->name, "a name that is longer than fits");
  assert_true(cairn_heap_destroy(a, NULL));
  assert_true(cairn_heap_destroy(b, NULL));
}

static void heaps_are_apart(void **state) {
  (void)state;
  cairn_heap *a = cairn_heap_new(NULL);
  cairn_heap *b = cairn_heap_new(NULL);
  cairn_object *in_a = cairn_list_new(a, 0);
  cairn_object *in_b = cairn_list_new(b, 0);
  assert_ptr_equal(cairn_object_heap(in_a), a);
  assert_ptr_equal(cairn_object_heap(in_b), b);
  cairn_release(in_a);
  assert_true(cairn_heap_destroy(a, NULL));
  assert_int_equal(cairn_refcount(in_b), 1);
  cairn_release(in_b);
  assert_true(cairn_heap_destroy(b, NULL));
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void statistics_follow_what_happens(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_stats before = stats_of(heap);
  cairn_object *list = cairn_list_new(heap, 100);
  cairn_object *number = cairn_int_new(heap, 100000);
  cairn_stats after = stats_of(heap);
  assert_int_equal(after.object_count, before.object_count + 2);
  assert_int_equal(after.buffer_count, before.buffer_count + 1);
  assert_int_equal(after.allocation_count, before.allocation_count + 3);
  const void *items = ((const struct cairn_list *)list)->items;
  uint64_t bytes = cairn_object_size(list) + cairn_object_size(number) + cairn_buffer_size(items) +
                   sizeof(cairn_object);
  assert_int_equal(after.used_bytes, before.used_bytes + bytes);
  assert_int_equal(after.arena_count, 1);
  assert_int_equal(after.reserved_bytes, CAIRN_ARENA_BYTES);
  assert_int_equal(after.page_count, CAIRN_ARENA_PAGES);
  assert_int_equal(after.used_bytes + after.cached_bytes + CAIRN_PAGE_BYTES, after.reserved_bytes);
  cairn_release(list);
  cairn_release(number);
  after = stats_of(heap);
  assert_int_equal(after.object_count, before.object_count);
  assert_int_equal(after.buffer_count, before.buffer_count);
  assert_int_equal(after.used_bytes, before.used_bytes);
  assert_int_equal(after.free_count, before.free_count + 3);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void arenas_go_back_to_the_system(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(heap, 0);
  for (int i = 0; i < 500000; i++) {
    cairn_object *number = cairn_int_new(heap, 1000 + i);
    assert_true(cairn_list_append(list, number));
    cairn_release(number);
  }
  cairn_stats full = stats_of(heap);
  assert_true(full.arena_count >= 3);
  cairn_release(list);
  assert_true(cairn_heap_trim(heap) > 0);
  assert_int_equal(cairn_heap_trim(heap), 0);
  cairn_stats empty = stats_of(heap);
  assert_in_range(empty.arena_count, 1, 2);
  assert_true(empty.returned_bytes - full.returned_bytes >
              full.reserved_bytes - empty.reserved_bytes);
  assert_null(cairn_heap_validate(heap));
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* ---- limits ---------------------------------------------------------------------------------- */

enum { MEGABYTE = 1 << 20 };

static uint64_t taken_bytes(const cairn_heap *heap) {
  return heap->reserved_bytes + heap->metadata_bytes + heap->external_bytes;
}

/* A new str of 1000 bytes at the end of the list; false when out of memory. */
static bool grow(cairn_heap *heap, cairn_object *list) {
  static const char text[1000];
  cairn_object *str = cairn_str_new(heap, text, sizeof text);
  bool grown = str != NULL && cairn_list_append(list, str);
  cairn_release(str);
  return grown;
}

static void limit_ends_in_null_and_holds(void **state) {
  (void)state;
  const cairn_heap_options options = {.limit_bytes = 20 * MEGABYTE};
  cairn_heap *heap = cairn_heap_new(&options);
  cairn_object *list = cairn_list_new(heap, 0);
  while (grow(heap, list)) assert_true(taken_bytes(heap) <= options.limit_bytes);
  assert_true(taken_bytes(heap) <= options.limit_bytes);
  assert_true(stats_of(heap).used_bytes > options.limit_bytes / 2);
  assert_true(stats_of(heap).collection_count > 0); /* a last collection was tried */
  assert_null(cairn_heap_validate(heap));
  size_t count = cairn_list_count(list);
  cairn_list_clear(list);
  while (grow(heap, list)) {
  }
  assert_in_range(cairn_list_count(list), count / 2, 2 * count);
  cairn_heap_limit_set(heap, 0);
  assert_true(grow(heap, list));
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void limit_below_the_least_gives_no_heap(void **state) {
  (void)state;
  const cairn_heap_options tiny = {.limit_bytes = 1000};
  assert_null(cairn_heap_new(&tiny));
  const cairn_heap_options small = {.limit_bytes = MEGABYTE};
  assert_null(cairn_heap_new(&small));
}

static void limit_collects_cycles_first(void **state) {
  (void)state;
  const cairn_heap_options options = {.limit_bytes = 20 * MEGABYTE, .manual_collection = true};
  cairn_heap *heap = cairn_heap_new(&options);
  for (int i = 0; i < 100000; i++) { /* several times the limit, all garbage */
    cairn_object *list = cairn_list_new(heap, 100);
    assert_non_null(list);
    assert_true(cairn_list_append(list, list));
    cairn_release(list);
  }
  assert_true(stats_of(heap).collected_count > 0);
  assert_true(cairn_heap_destroy(heap, NULL));
}

struct near {
  cairn_object *cache;
  uint64_t raise_bytes, wanted_bytes;
  int calls;
};

static bool near_limit(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                       void *context) {
  struct near *near = context;
  near->calls++;
  near->wanted_bytes = wanted_bytes;
  if (near->cache != NULL) {
    cairn_clear(&near->cache);
    return true;
  }
  if (near->raise_bytes == 0) return false;
  cairn_heap_limit_set(heap, stats_of(heap).limit_bytes + near->raise_bytes);
  return true;
}

static void near_limit_may_release(void **state) {
  (void)state;
  struct near near = {0};
  const cairn_heap_options options = {
      .limit_bytes = 20 * MEGABYTE, .near_limit = near_limit, .near_limit_context = &near};
  cairn_heap *heap = cairn_heap_new(&options);
  near.cache = cairn_list_new(heap, 0);
  while (stats_of(heap).reserved_bytes < 15 * MEGABYTE) assert_true(grow(heap, near.cache));
  cairn_object *list = cairn_list_new(heap, 0);
  while (near.calls == 0) assert_true(grow(heap, list));
  assert_null(near.cache);
  assert_true(near.wanted_bytes > 0);
  while (grow(heap, list)) {
  }
  assert_true(near.calls > 1);
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void near_limit_may_raise_the_limit(void **state) {
  (void)state;
  struct near near = {.raise_bytes = 8 * MEGABYTE};
  const cairn_heap_options options = {
      .limit_bytes = 10 * MEGABYTE, .near_limit = near_limit, .near_limit_context = &near};
  cairn_heap *heap = cairn_heap_new(&options);
  cairn_object *list = cairn_list_new(heap, 0);
  while (near.calls < 3) assert_true(grow(heap, list));
  assert_int_equal(stats_of(heap).limit_bytes, 34 * MEGABYTE);
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static bool allocate_near_limit(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                                void *context) {
  struct near *near = context;
  (void)wanted_bytes;
  near->calls++;
  assert_true(heap->in_near_limit);
  assert_null(cairn_buffer_new(heap, 30 * MEGABYTE)); /* does not come back here */
  return false;
}

static void near_limit_does_not_nest(void **state) {
  (void)state;
  struct near near = {0};
  const cairn_heap_options options = {
      .limit_bytes = 20 * MEGABYTE, .near_limit = allocate_near_limit, .near_limit_context = &near};
  cairn_heap *heap = cairn_heap_new(&options);
  assert_null(cairn_buffer_new(heap, 30 * MEGABYTE));
  assert_int_equal(near.calls, 1);
  assert_null(cairn_buffer_new(heap, 30 * MEGABYTE));
  assert_int_equal(near.calls, 2);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* Bytes outside the heap count too, though there are free blocks. */
static void external_bytes_count_towards_the_limit(void **state) {
  (void)state;
  const cairn_heap_options options = {.limit_bytes = 20 * MEGABYTE};
  cairn_heap *heap = cairn_heap_new(&options);
  cairn_object *image = cairn_list_new(heap, 0);
  cairn_external_add(image, 18 * MEGABYTE);
  assert_int_equal(stats_of(heap).external_bytes, 18 * MEGABYTE);
  assert_null(cairn_list_new(heap, 0));
  cairn_external_add(image, -18 * MEGABYTE);
  cairn_object *list = cairn_list_new(heap, 0);
  assert_non_null(list);
  cairn_release(list);
  cairn_external_add(image, -5); /* never below nothing */
  assert_int_equal(stats_of(heap).external_bytes, 0);
  cairn_external_add(image, INT64_MAX);
  cairn_external_add(image, INT64_MAX); /* nor over the top */
  assert_int_equal(stats_of(heap).external_bytes, INT64_MAX);
  cairn_external_add(image, INT64_MIN);
  assert_int_equal(stats_of(heap).external_bytes, 0);
  cairn_release(image);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* ---- walking --------------------------------------------------------------------------------- */

struct walk {
  const cairn_object *last;
  uint64_t count, bytes;
};

static void note_object(cairn_object *object, void *context) {
  struct walk *walk = context;
  assert_true(object > walk->last);
  walk->last = object;
  walk->count++;
  walk->bytes += cairn_object_size(object);
}

static void walk_meets_each_object_in_address_order(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(heap, 0);
  char text[40000];
  memset(text, 'x', sizeof text);
  for (size_t i = 0; i < 2000; i++) {
    cairn_object *str = cairn_str_new(heap, text, i * 20);
    assert_true(cairn_list_append(list, str));
    cairn_release(str);
  }
  for (size_t i = 1; i < 2000; i += 2)
    assert_true(cairn_list_set(list, i, cairn_list_get(list, 0)));
  struct walk walk = {0};
  cairn_heap_walk(heap, note_object, &walk);
  assert_int_equal(walk.count, stats_of(heap).object_count);
  assert_true(walk.bytes < stats_of(heap).used_bytes); /* the list's buffer is no object */
  assert_null(cairn_heap_validate(heap));
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* ---- leaks ----------------------------------------------------------------------------------- */

static void leaks_are_reported_biggest_first(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(heap, 1000);
  cairn_object *number = cairn_int_new(heap, 100000);
  cairn_list_append(list, number);
  cairn_release(number);
  assert_non_null(cairn_float_new(heap, 0.5));
  assert_non_null(cairn_float_new(heap, 1.5));
  cairn_leak_report report;
  assert_false(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 4);
  assert_int_equal(report.type_count, 3);
  assert_string_equal(report.types[0].type_name, "list");
  assert_true(report.types[0].bytes >= 8000); /* its buffer too */
  assert_string_equal(report.types[1].type_name, "float");
  assert_int_equal(report.types[1].object_count, 2);
  assert_string_equal(report.types[2].type_name, "int");
  assert_int_equal(report.bytes,
                   report.types[0].bytes + report.types[1].bytes + report.types[2].bytes);
}

static void garbage_and_the_runtimes_own_are_no_leaks(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_list_append(list, list);
  cairn_release(list);
  cairn_release(cairn_str_intern(heap, "interned", 8));
  cairn_none(heap);
  cairn_int_new(heap, 7);
  cairn_leak_report report;
  assert_true(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 0);
  assert_int_equal(report.type_count, 0);
}

static void interned_str_that_someone_holds_is_a_leak(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  assert_non_null(cairn_str_intern(heap, "interned", 8));
  cairn_leak_report report;
  assert_false(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 1);
  assert_string_equal(report.types[0].type_name, "str");
}

static void saturated_object_is_a_leak(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(heap, 0);
  list->header |= CAIRN_COUNT_SATURATED;
  assert_true(cairn_is_immortal(list));
  cairn_release(list);
  cairn_leak_report report;
  assert_false(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 1);
}

static void sixteen_biggest_types_are_named(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  for (size_t i = 1; i <= 40; i++) {
    char name[48];
    snprintf(name, sizeof name, "a type with a name that is rather long %zu", i);
    const cairn_type_spec spec = {.name = name, .size_bytes = 8 * i};
    assert_non_null(cairn_object_new(heap, cairn_type_define(heap, &spec)));
  }
  cairn_leak_report report;
  assert_false(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 40);
  assert_int_equal(report.type_count, 16);
  for (size_t i = 1; i < 16; i++) assert_true(report.types[i - 1].bytes >= report.types[i].bytes);
  assert_int_equal(report.types[0].bytes, 320);
  assert_string_equal(report.types[0].type_name, "a type with a name that is rath");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heaps_have_names_and_ids),
      cmocka_unit_test(heaps_are_apart),
      cmocka_unit_test(statistics_follow_what_happens),
      cmocka_unit_test(arenas_go_back_to_the_system),
      cmocka_unit_test(limit_ends_in_null_and_holds),
      cmocka_unit_test(limit_below_the_least_gives_no_heap),
      cmocka_unit_test(limit_collects_cycles_first),
      cmocka_unit_test(near_limit_may_release),
      cmocka_unit_test(near_limit_may_raise_the_limit),
      cmocka_unit_test(near_limit_does_not_nest),
      cmocka_unit_test(external_bytes_count_towards_the_limit),
      cmocka_unit_test(walk_meets_each_object_in_address_order),
      cmocka_unit_test(leaks_are_reported_biggest_first),
      cmocka_unit_test(garbage_and_the_runtimes_own_are_no_leaks),
      cmocka_unit_test(interned_str_that_someone_holds_is_a_leak),
      cmocka_unit_test(saturated_object_is_a_leak),
      cmocka_unit_test(sixteen_biggest_types_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

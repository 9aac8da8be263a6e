/* Sorting in slices: what comes out is what qsort makes of it, however often it is broken off. */
#include "memory/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../random.h"
#include "memory/alloc.h"

struct row {
  uint64_t key;
  uint32_t value, reserved;
};

static uint64_t random_state = 88172645463325252u;

static int by_key(const void *a, const void *b) {
  const struct row *left = a, *right = b;
  if (left->key != right->key) return left->key < right->key ? -1 : 1;
  return left->value < right->value ? -1 : left->value > right->value;
}

/* A column of random rows, keys below `keys`, and a copy that qsort has sorted. */
static struct row *make(struct lens_column *column, uint64_t count, uint64_t keys) {
  struct row *wanted = malloc((count + 1) * sizeof *wanted);
  assert_non_null(wanted);
  assert_true(lens_column_reserve(column, count + 1, sizeof *wanted));
  for (uint64_t i = 0; i < count; i++)
    wanted[i] = (struct row){.key = random_below(&random_state, keys), .value = (uint32_t)i};
  memcpy(column->items, wanted, count * sizeof *wanted);
  qsort(wanted, count, sizeof *wanted, by_key);
  return wanted;
}

/* Sorts; how often the slice was over before it was done. */
static uint64_t sort(struct lens_column *column, uint64_t count, const lens_slice *slice) {
  struct lens_sorting sorting = {0};
  uint64_t slices = 0;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_sort_step(&sorting, column, count, sizeof(struct row), by_key, slice);
    slices += status == LENS_AGAIN;
    assert_true(slices <= count);
  }
  assert_int_equal(status, LENS_OK);
  assert_null(sorting.other.items);
  return slices;
}

static void sorts_as_qsort_does(void **state) {
  (void)state;
  const uint64_t counts[] = {0, 1, 2, 2047, 2048, 2049, 4096, 10000, 100001};
  const lens_slice over = {.end_ns = 0}, never = {.end_ns = UINT64_MAX};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    for (uint64_t keys = 1; keys <= 1000000; keys *= 1000) {
      for (int sliced = 0; sliced < 2; sliced++) {
        struct lens_column column = {0};
        struct row *wanted = make(&column, counts[i], keys);
        uint64_t slices = sort(&column, counts[i], sliced != 0 ? &over : &never);
        assert_int_equal(slices != 0, sliced != 0 && counts[i] > 2048);
        if (counts[i] != 0) assert_memory_equal(column.items, wanted, counts[i] * sizeof *wanted);
        lens_column_free(&column);
        free(wanted);
      }
    }
  }
}

/* Without memory for the second column nothing is lost, and it can be tried again. */
static void nothing_is_lost_without_memory(void **state) {
  (void)state;
  enum { COUNT = 5000 };
  const lens_slice never = {.end_ns = UINT64_MAX};
  struct lens_column column = {0};
  struct lens_sorting sorting = {0};
  struct row *wanted = make(&column, COUNT, 100);
  lens_alloc_fail_after(0);
  assert_int_equal(lens_sort_step(&sorting, &column, COUNT, sizeof *wanted, by_key, &never),
                   LENS_NO_MEMORY);
  lens_alloc_fail_after(-1);
  lens_sorting_free(&sorting);
  assert_int_equal(sort(&column, COUNT, &never), 0);
  assert_memory_equal(column.items, wanted, COUNT * sizeof *wanted);
  lens_column_free(&column);
  free(wanted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sorts_as_qsort_does),
      cmocka_unit_test(nothing_is_lost_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

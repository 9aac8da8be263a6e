/* Columns: what was written stays, what was not is zero, through every way of growing. */
#include "memory/column.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "memory/alloc.h"

static void fill(struct lens_column *column, uint64_t from, uint64_t to) {
  for (uint64_t i = from; i < to; i++) ((uint64_t *)column->items)[i] = i + 1;
}

static void growing_keeps_items(void **state) {
  (void)state;
  struct lens_column column = {0};
  uint64_t written = 0;
  for (uint64_t count = 1; count <= 3000000; count = count * 5 / 2 + 1) {
    assert_true(lens_column_reserve(&column, count, sizeof(uint64_t)));
    assert_true(column.bytes >= count * sizeof(uint64_t));
    const uint64_t *items = column.items;
    for (uint64_t i = 0; i < count; i++) assert_int_equal(items[i], i < written ? i + 1 : 0);
    fill(&column, written, count);
    written = count;
  }
  void *items = column.items;
  assert_true(lens_column_reserve(&column, 5, sizeof(uint64_t)));
  assert_ptr_equal(column.items, items);
  lens_column_free(&column);
  assert_null(column.items);
  assert_int_equal(column.bytes, 0);
}

/* Growth is geometric: many small steps move the items few times. */
static void growing_is_geometric(void **state) {
  (void)state;
  struct lens_column column = {0};
  uint32_t moves = 0;
  for (uint64_t count = 1; count < 200000; count++) {
    size_t before = column.bytes;
    assert_true(lens_column_reserve(&column, count, 1));
    moves += column.bytes != before;
  }
  assert_true(moves < 40);
  lens_column_free(&column);
}

static void failing_changes_nothing(void **state) {
  (void)state;
  struct lens_column column = {0};
  assert_false(lens_column_reserve(&column, UINT64_MAX / 8, 16));
  assert_true(lens_column_reserve(&column, 100, sizeof(uint64_t)));
  fill(&column, 0, 100);
  struct lens_column before = column;
  const uint64_t wanted[] = {200, 1 << 20};
  for (size_t i = 0; i < 2; i++) {
    lens_alloc_fail_after(0);
    bool grown = lens_column_reserve(&column, wanted[i], sizeof(uint64_t));
    lens_alloc_fail_after(-1);
    assert_false(grown);
    assert_memory_equal(&column, &before, sizeof column);
    assert_int_equal(((uint64_t *)column.items)[99], 100);
  }
  lens_column_free(&column);
  lens_column_free(&column);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(growing_keeps_items),
                                     cmocka_unit_test(growing_is_geometric),
                                     cmocka_unit_test(failing_changes_nothing)};
  return cmocka_run_group_tests_name("lens column", tests, NULL, NULL);
}

/* Size classes: every request and every offset, exhaustively. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "internal.h"

static void smallest_class_that_fits(void **state) {
  (void)state;
  for (size_t bytes = 1; bytes <= CAIRN_SMALL_MAX_BYTES; bytes++) {
    uint32_t size_class = cairn_size_class_of(bytes);
    assert_true(size_class < CAIRN_SIZE_CLASSES);
    assert_true(cairn_size_class_bytes(size_class) >= bytes);
    if (size_class > 0) assert_true(cairn_size_class_bytes(size_class - 1) < bytes);
  }
}

static void sizes_ascend_and_are_aligned(void **state) {
  (void)state;
  assert_int_equal(cairn_size_class_bytes(0), CAIRN_BLOCK_MIN_BYTES);
  assert_int_equal(cairn_size_class_bytes(CAIRN_SIZE_CLASSES - 1), CAIRN_SMALL_MAX_BYTES);
  for (uint32_t c = 1; c < CAIRN_SIZE_CLASSES; c++) {
    uint32_t bytes = cairn_size_class_bytes(c);
    assert_true(bytes > cairn_size_class_bytes(c - 1));
    assert_int_equal(bytes % (bytes < 128 ? 8 : 16), 0);
  }
}

/* What a request wastes in its block, and a page behind its last block. */
static void waste_is_bounded(void **state) {
  (void)state;
  for (uint32_t c = 1; c < CAIRN_SIZE_CLASSES; c++) {
    uint32_t bytes = cairn_size_class_bytes(c);
    uint32_t before = cairn_size_class_bytes(c - 1);
    assert_true((bytes - before - 1) * 100 <= bytes * 34);
    assert_true(CAIRN_PAGE_BYTES % bytes * 100 <= CAIRN_PAGE_BYTES * 3);
  }
}

static void index_is_the_quotient(void **state) {
  (void)state;
  for (uint32_t c = 0; c < CAIRN_SIZE_CLASSES; c++) {
    uint32_t bytes = cairn_size_class_bytes(c);
    for (uint32_t offset = 0; offset < CAIRN_PAGE_BYTES; offset++) {
      if (cairn_size_class_index(c, offset) != offset / bytes) {
        fail_msg("class %u (%u bytes), offset %u", c, bytes, offset);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(smallest_class_that_fits),
      cmocka_unit_test(sizes_ascend_and_are_aligned),
      cmocka_unit_test(waste_is_bounded),
      cmocka_unit_test(index_is_the_quotient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

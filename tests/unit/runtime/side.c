/* side.h: what stands beside each block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "side.h"

static int setup(void **state) {
  *state = cairn_heap_new(NULL);
  return *state == NULL ? -1 : 0;
}

/* The blocks that a test leaves are headed by 0: nothing counts them. */
static int teardown(void **state) { return cairn_heap_destroy(*state, NULL) ? 0 : -1; }

static void assert_within(const struct cairn_arena *arena, const void *place, size_t bytes) {
  uintptr_t first = (uintptr_t)arena->side;
  assert_in_range((uintptr_t)place, first, first + arena->side_bytes - bytes);
  assert_true(arena->side_bytes == CAIRN_SIDE_BYTES && (uintptr_t)place < (uintptr_t)arena);
}

/* Marks what stands beside all blocks: a place that two of them shared would be marked already. */
static void assert_places_are_own(cairn_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct cairn_arena *arena = cairn_arena_of(objects[i]);
    uint8_t *byte = cairn_side_byte(objects[i]);
    uint64_t *word = cairn_side_word(objects[i]);
    assert_within(arena, byte, sizeof *byte);
    assert_within(arena, word, sizeof *word);
    assert_int_equal(*byte, 0);
    assert_int_equal(*word, 0);
    *byte = UINT8_MAX;
    *word = UINT64_MAX;
  }
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(*cairn_side_byte(objects[i]), UINT8_MAX);
    assert_true(*cairn_side_word(objects[i]) == UINT64_MAX);
    *cairn_side_byte(objects[i]) = 0;
    *cairn_side_word(objects[i]) = 0;
  }
}

/* All blocks of some pages of several classes, in several arenas. */
static void small_blocks(void **state) {
  cairn_heap *heap = *state;
  enum { BLOCKS_MAX = 4 * CAIRN_PAGE_BLOCKS_MAX };
  static cairn_object *objects[BLOCKS_MAX];
  const size_t sizes[] = {16, 24, 40, 1792, 2512, 10912, 16384};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    size_t count = 4 * CAIRN_PAGE_BYTES / sizes[i];
    assert_non_null(cairn_pages_take(heap, CAIRN_ARENA_PAGES / 2));
    for (size_t n = 0; n < count; n++) objects[n] = cairn_block_new(heap, sizes[i]);
    assert_places_are_own(objects, count);
  }
  assert_in_range(heap->arena_count, 3, 100);
}

/* Blocks with pages of their own, and with arenas of their own. */
static void large_blocks(void **state) {
  cairn_heap *heap = *state;
  const size_t sizes[] = {20000, 100000, 3 << 20, 5 << 20, 6 << 20, 200 << 20};
  enum { COUNT = sizeof sizes / sizeof sizes[0] };
  cairn_object *objects[COUNT];
  for (size_t i = 0; i < COUNT; i++) objects[i] = cairn_block_new(heap, sizes[i]);
  assert_places_are_own(objects, COUNT);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(small_blocks), TEST(large_blocks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

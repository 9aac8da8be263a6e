/* side.h: the word beside each block, and references to objects in 32 bits. */
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

static uint32_t compressed_of(const cairn_object *object) {
  return cairn_side_compress(object, cairn_side_of(object));
}

static void assert_leads_back(const cairn_heap *heap, const cairn_object *object) {
  struct cairn_side *side = NULL;
  uint32_t compressed = compressed_of(object);
  assert_int_not_equal(compressed, 0);
  assert_ptr_equal(cairn_side_object(heap, compressed, &side), object);
  assert_ptr_equal(side, cairn_side_of(object));
}

/* Marks the words of all blocks: one that two of them shared would be marked already. */
static void assert_words_are_own(cairn_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct cairn_side *side = cairn_side_of(objects[i]);
    const struct cairn_arena *arena = cairn_arena_of(objects[i]);
    assert_in_range((uintptr_t)side, (uintptr_t)arena->side,
                    (uintptr_t)arena->side + arena->side_bytes - sizeof *side);
    assert_int_equal(side->trial, 0);
    side->trial = 1;
  }
  for (size_t i = 0; i < count; i++) cairn_side_of(objects[i])->trial = 0;
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
    for (size_t n = 0; n < count; n++) {
      objects[n] = cairn_block_new(heap, sizes[i]);
      assert_leads_back(heap, objects[n]);
    }
    assert_words_are_own(objects, count);
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
  for (size_t i = 0; i < COUNT; i++) assert_leads_back(heap, objects[i]);
  assert_words_are_own(objects, COUNT);
}

/* A list is last in, first out, and leaves clean words. */
static void lists(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 100 };
  cairn_object *objects[COUNT];
  uint32_t head = 0;
  for (size_t i = 0; i < COUNT; i++) {
    objects[i] = cairn_block_new(heap, i % 10 == 9 ? (size_t)5 << 20 : 16 + 8 * i);
    cairn_link_push(&head, objects[i], cairn_side_of(objects[i]));
  }
  for (size_t i = COUNT; i-- > 0;) {
    struct cairn_side *side = NULL;
    assert_ptr_equal(cairn_link_pop(heap, &head, &side), objects[i]);
    assert_ptr_equal(side, cairn_side_of(objects[i]));
    assert_int_equal(side->link, 0);
  }
  assert_int_equal(head, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(small_blocks), TEST(large_blocks), TEST(lists)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The heap's own check: it finds each kind of damage, and none where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "cairn/cairn.h"
#include "side.h"

static int set_up(void **state) {
  *state = cairn_heap_new(NULL);
  return *state == NULL;
}

static int tear_down(void **state) {
  assert_null(cairn_heap_validate(*state));
  assert_true(cairn_heap_destroy(*state, NULL));
  return 0;
}

/* Damages one word, expects the problem, and repairs the word. */
#define DAMAGED(heap, place, value, problem)        \
  do {                                              \
    __typeof__(place) saved_ = (place);             \
    (place) = (value);                              \
    const char *found_ = cairn_heap_validate(heap); \
    (place) = saved_;                               \
    assert_non_null(found_);                        \
    assert_string_equal(found_, problem);           \
    assert_null(cairn_heap_validate(heap));         \
  } while (0)

static void headers(void **state) {
  cairn_heap *heap = *state;
  cairn_object *number = cairn_int_new(heap, 1000);
  cairn_object *list = cairn_list_new(heap, 4);
  DAMAGED(heap, heap->magic, 0, "this is no heap");
  DAMAGED(heap, number->header, 1, "an object is neither live nor dying");
  DAMAGED(heap, number->header, number->header | CAIRN_STATE(DYING),
          "an object is neither live nor dying");
  DAMAGED(heap, number->header, number->header & ~CAIRN_COUNT_MASK, "a live object's count is 0");
  DAMAGED(heap, number->header, number->header | (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT,
          "an object's type is unknown");
  const char *told = "an object's states of a candidate contradict each other";
  DAMAGED(heap, number->header, number->header & ~CAIRN_STATE(ACYCLIC), told);
  DAMAGED(heap, list->header, list->header | CAIRN_STATE(CANDIDATE), told);
  DAMAGED(heap, number->header, 0, "the heap's block_count is wrong");
  cairn_object *buffer = (cairn_object *)(void *)((struct cairn_list *)list)->items - 1;
  DAMAGED(heap, buffer->header, buffer->header | 1, "a buffer's header is damaged");
  cairn_release(number);
  cairn_release(list);
}

static void counts(void **state) {
  cairn_heap *heap = *state;
  cairn_object *number = cairn_int_new(heap, 1000);
  cairn_object *list = cairn_list_new(heap, 4);
  cairn_list_append(list, number);
  cairn_list_append(list, number);
  assert_int_equal(cairn_refcount(number), 3);
  DAMAGED(heap, number->header, number->header - 2,
          "an object's count is below the references that the heap holds");
  /* The program's own reference is not the heap's to know. */
  cairn_release(number);
  assert_null(cairn_heap_validate(heap));
  /* The runtime's hold is one of the count. */
  DAMAGED(heap, number->header, number->header | CAIRN_STATE(HELD),
          "an object's count is below the references that the heap holds");
  cairn_release(list);
}

static void slots(void **state) {
  cairn_heap *heap = *state;
  cairn_object *cell = cairn_cell_new(heap, NULL);
  cairn_object *freed = cairn_int_new(heap, 1000);
  cairn_release(freed);
  cairn_object **slot = (cairn_object **)(void *)(cell + 1);
  cairn_object elsewhere = {0};
  DAMAGED(heap, *slot, &elsewhere, "a slot holds what is no object of the heap");
  DAMAGED(heap, *slot, (cairn_object *)(void *)((char *)cell + 8),
          "a slot holds what is no object of the heap");
  DAMAGED(heap, *slot, freed, "a slot holds a dead object");
  cairn_release(cell);
}

static void pages(void **state) {
  cairn_heap *heap = *state;
  cairn_object *a = cairn_float_new(heap, 1);
  cairn_object *b = cairn_float_new(heap, 2);
  cairn_object *c = cairn_float_new(heap, 3);
  struct cairn_page *page = cairn_page_of(a);
  struct cairn_arena *arena = cairn_arena_of(a);
  cairn_release(cairn_float_new(heap, 4));
  struct cairn_hot *row = &heap->hot_rows[page->size_class];
  DAMAGED(heap, row->pushed, row->pushed + CAIRN_HOT_BLOCKS,
          "a row of ready blocks is longer than it can be");
  DAMAGED(heap, row->blocks[0], (char *)a + 8, "a row of ready blocks leads astray");
  DAMAGED(heap, row->blocks[0], heap->runtime_slots[CAIRN_RUNTIME_SLOT_SMALL_INTS],
          "a row of ready blocks leads astray");
  DAMAGED(heap, row->blocks[0], c, "a ready block has a header");
  cairn_heap_slow_set(heap, CAIRN_SLOW_PRESSED, true); /* nothing lies ready */
  cairn_release(a);
  cairn_release(b);
  struct cairn_free_block *second = (struct cairn_free_block *)(void *)a;
  DAMAGED(heap, page->used_count, page->used_count + 1,
          "a free list is longer than its page's counters say");
  DAMAGED(heap, page->used_count, page->fresh + 1, "a page's counters are out of order");
  DAMAGED(heap, page->fresh, page->block_count + 1, "a page's counters are out of order");
  DAMAGED(heap, page->free_list, NULL, "a free list is shorter than its page's counters say");
  DAMAGED(heap, page->free_list, c, "a block in a free list has a header");
  DAMAGED(heap, page->free_list, (char *)a + 8, "a free list leads out of its page");
  DAMAGED(heap, page->free_list, &heap->magic, "a free list leads out of its page");
  DAMAGED(heap, second->next, second, "a free list is longer than its page's counters say");
  DAMAGED(heap, page->block_bytes, 24, "a page disagrees with its size class");
  DAMAGED(heap, page->size_class, CAIRN_SIZE_CLASSES, "a page disagrees with its size class");
  DAMAGED(heap, page->kind, 77, "a page is of an unknown kind");
  DAMAGED(heap, arena->page_free_count, 0, "an arena's counts of free and idle pages are wrong");
  DAMAGED(heap, arena->magic, 0, "an arena's header is damaged");
  DAMAGED(heap, heap->block_bytes, 0, "the heap's block_bytes is wrong");
  DAMAGED(heap, heap->block_count, 0, "the heap's block_count is wrong");
  DAMAGED(heap, heap->buffer_count, 99, "the heap's buffer_count is wrong");
  DAMAGED(heap, heap->arena_count, 2, "the heap's counters of arenas are wrong");
  DAMAGED(heap, heap->arenas->previous, arena, "the list of arenas is out of order");
  cairn_heap_slow_set(heap, CAIRN_SLOW_PRESSED, false);
  cairn_release(c);
}

static void large_pages(void **state) {
  cairn_heap *heap = *state;
  void *buffer = cairn_buffer_new(heap, 100000);
  struct cairn_page *page = cairn_page_of((char *)buffer - 8);
  DAMAGED(heap, page->span_pages, 1000, "a large page disagrees with its span");
  DAMAGED(heap, page->block_bytes, 5, "a large page disagrees with its span");
  DAMAGED(heap, page[1].kind, CAIRN_PAGE_FREE,
          "a large block's further pages do not lead back to its first");
  DAMAGED(heap, page[2].span_pages, 1,
          "a large block's further pages do not lead back to its first");
  cairn_buffer_free(buffer);
}

/* The trial counts are the collector's: they are as they were. */
static void trial_counts_are_left_clear(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_list_append(list, list);
  assert_null(cairn_heap_validate(heap));
  assert_int_equal(*cairn_side_word(list), 0);
  assert_int_equal(*cairn_side_word(heap->runtime_slots[CAIRN_RUNTIME_SLOT_INTERN]), 0);
  cairn_release(list);
  assert_int_equal(cairn_collect(heap), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(headers), TEST(counts),      TEST(slots),
      TEST(pages),   TEST(large_pages), TEST(trial_counts_are_left_clear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

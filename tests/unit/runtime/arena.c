/* Arenas: runs of pages, giving back, numbers, and what lies below an arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "internal.h"

enum { USABLE_PAGES = CAIRN_ARENA_PAGES - 1 };

/* A bare heap, without built-in types: only chunks and arenas. */
static int set_up(void **state) {
  *state = cairn_chunk_heap_new();
  return *state == NULL;
}

static int tear_down(void **state) {
  cairn_arena_free_all(*state);
  cairn_chunk_free_all(*state);
  return 0;
}

static void arena_is_aligned_and_described(void **state) {
  cairn_heap *heap = *state;
  struct cairn_page *page = cairn_pages_take(heap, 1);
  assert_non_null(page);
  struct cairn_arena *arena = heap->arenas;
  assert_int_equal((uintptr_t)arena % CAIRN_ARENA_BYTES, 0);
  assert_int_equal(arena->magic, CAIRN_ARENA_MAGIC);
  assert_ptr_equal(arena->heap, heap);
  assert_int_equal(arena->bytes, CAIRN_ARENA_BYTES);
  assert_int_equal(arena->page_bytes, CAIRN_PAGE_BYTES);
  assert_int_equal(1u << arena->page_shift, arena->page_bytes);
  assert_int_equal(arena->page_count, CAIRN_ARENA_PAGES);
  assert_int_equal(arena->page_free_count, USABLE_PAGES - 1);
  assert_int_equal(cairn_arena_page(arena, 0)->kind, CAIRN_PAGE_META);
  assert_int_equal(page->kind, CAIRN_PAGE_FREE);
  assert_ptr_equal(cairn_page_of(cairn_page_memory(arena, page)), page);
  assert_ptr_equal(cairn_arena_of(page), arena);
  assert_int_equal(heap->reserved_bytes, CAIRN_ARENA_BYTES);
  cairn_pages_return(heap, page, 1);
}

static void runs_are_the_lowest_that_fit(void **state) {
  cairn_heap *heap = *state;
  struct cairn_page *a = cairn_pages_take(heap, 3);
  struct cairn_page *b = cairn_pages_take(heap, 60);
  struct cairn_page *c = cairn_pages_take(heap, 10);
  assert_ptr_equal(b, a + 3);
  assert_ptr_equal(c, b + 60);
  cairn_pages_return(heap, b, 60);
  struct cairn_page *d = cairn_pages_take(heap, 70); /* not in the gap of 60 */
  assert_ptr_not_equal(cairn_arena_of(d), cairn_arena_of(a));
  struct cairn_page *e = cairn_pages_take(heap, 60);
  assert_ptr_equal(e, b);
  cairn_pages_return(heap, a, 3);
  cairn_pages_return(heap, c, 10);
  cairn_pages_return(heap, d, 70);
  cairn_pages_return(heap, e, 60);
}

static void run_over_all_usable_pages(void **state) {
  cairn_heap *heap = *state;
  struct cairn_page *all = cairn_pages_take(heap, USABLE_PAGES);
  assert_non_null(all);
  assert_int_equal(heap->page_free_count, 0);
  assert_null(heap->room_arenas);
  struct cairn_page *more = cairn_pages_take(heap, 1);
  assert_int_equal(heap->arena_count, 2);
  cairn_pages_return(heap, all, USABLE_PAGES);
  cairn_pages_return(heap, more, 1);
}

static void give_and_take_back(cairn_heap *heap, int arenas) {
  enum { MAX = 40 };
  struct cairn_page *pages[MAX];
  assert_in_range(arenas, 1, MAX);
  for (int i = 0; i < arenas; i++) pages[i] = cairn_pages_take(heap, USABLE_PAGES);
  assert_int_equal(heap->arena_count, arenas);
  for (int i = 0; i < arenas; i++) cairn_pages_return(heap, pages[i], USABLE_PAGES);
}

static void some_empty_arenas_are_kept(void **state) {
  cairn_heap *heap = *state;
  give_and_take_back(heap, 20);
  assert_int_equal(heap->arena_count, 16);
  assert_int_equal(heap->empty_arena_count, 16);
  assert_int_equal(heap->returned_bytes, 4 * (uint64_t)CAIRN_ARENA_BYTES);
  /* They are the first to be used again, and trimming gives them back. */
  struct cairn_page *page = cairn_pages_take(heap, 1);
  assert_int_equal(heap->arena_count, 16);
  assert_int_equal(heap->empty_arena_count, 15);
  cairn_arena_trim(heap);
  assert_int_equal(heap->arena_count, 1);
  assert_null(heap->empty_arenas);
  assert_int_equal(heap->reserved_bytes, CAIRN_ARENA_BYTES);
  cairn_pages_return(heap, page, 1);
}

static void one_is_kept_where_there_is_a_limit(void **state) {
  cairn_heap *heap = *state;
  heap->limit_bytes = (uint64_t)1 << 40;
  give_and_take_back(heap, 5);
  assert_int_equal(heap->arena_count, 1);
  assert_ptr_equal(heap->empty_arenas, heap->arenas);
  heap->limit_bytes = 0;
}

/* What free pages held goes back, and is as fresh memory then. */
static void trimmed_pages_are_zero(void **state) {
  cairn_heap *heap = *state;
  struct cairn_page *kept = cairn_pages_take(heap, 1);
  struct cairn_page *page = cairn_pages_take(heap, 3);
  char *memory = cairn_page_memory(cairn_arena_of(page), page);
  memset(memory, 0xee, 3 * (size_t)CAIRN_PAGE_BYTES);
  for (int i = 0; i < 3; i++) page[i].flags = 0;
  cairn_pages_return(heap, page, 3);
  uint64_t before = heap->returned_bytes;
  cairn_arena_trim(heap);
  assert_int_equal(heap->returned_bytes - before, 3 * CAIRN_PAGE_BYTES);
  for (int i = 0; i < 3 * CAIRN_PAGE_BYTES; i++) assert_int_equal(memory[i], 0);
  for (int i = 0; i < 3; i++) assert_int_equal(page[i].flags, CAIRN_PAGE_FLAG_ZERO);
  cairn_arena_trim(heap);
  assert_int_equal(heap->returned_bytes - before, 3 * CAIRN_PAGE_BYTES);
  cairn_pages_return(heap, kept, 1);
}

static void arenas_stand_in_address_order(void **state) {
  cairn_heap *heap = *state;
  struct cairn_page *pages[20];
  for (int i = 0; i < 20; i++) pages[i] = cairn_pages_take(heap, USABLE_PAGES);
  /* New arenas between old ones, in the room that some leave. */
  for (int i = 5; i < 12; i++) cairn_pages_return(heap, pages[i], USABLE_PAGES);
  for (int i = 5; i < 12; i++) assert_non_null(cairn_pages_take(heap, USABLE_PAGES));
  int count = 0;
  const struct cairn_arena *previous = NULL;
  for (const struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    assert_true(arena > previous);
    assert_ptr_equal(arena->previous, previous);
    previous = arena;
    count++;
  }
  assert_int_equal(count, 20);
}

static void numbers_are_unique_and_reused(void **state) {
  cairn_heap *heap = *state;
  heap->limit_bytes = (uint64_t)1 << 40; /* one empty arena is kept */
  enum { ARENAS = 40 };
  struct cairn_page *pages[ARENAS];
  bool seen[ARENAS + 1] = {false};
  for (int i = 0; i < ARENAS; i++) {
    pages[i] = cairn_pages_take(heap, USABLE_PAGES);
    uint32_t number = cairn_arena_of(pages[i])->number;
    assert_in_range(number, 1, ARENAS);
    assert_false(seen[number]);
    seen[number] = true;
  }
  uint32_t gone = cairn_arena_of(pages[7])->number;
  cairn_pages_return(heap, pages[3], USABLE_PAGES); /* is kept as the empty one */
  cairn_pages_return(heap, pages[7], USABLE_PAGES);
  assert_int_equal(cairn_arena_of(cairn_pages_take(heap, USABLE_PAGES))->heap->arena_count,
                   ARENAS - 1);
  struct cairn_page *fresh = cairn_pages_take(heap, USABLE_PAGES);
  assert_int_equal(cairn_arena_of(fresh)->number, gone);
}

static void huge_arena_holds_one_block(void **state) {
  cairn_heap *heap = *state;
  const size_t sizes[] = {4 << 20, (4 << 20) + 1, 60 << 20, 700 << 20, (size_t)2 << 30};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint32_t count;
    struct cairn_page *page = cairn_huge_take(heap, sizes[i], &count);
    assert_non_null(page);
    struct cairn_arena *arena = cairn_arena_of(page);
    assert_ptr_equal(page, cairn_arena_page(arena, 1));
    char *memory = cairn_page_memory(arena, page);
    assert_ptr_equal(cairn_arena_of(memory), arena);
    assert_ptr_equal(cairn_page_of(memory), page);
    assert_true((uint64_t)count * arena->page_bytes >= sizes[i]);
    assert_true((uint64_t)(count - 1) * arena->page_bytes < sizes[i]);
    assert_int_equal(arena->bytes % CAIRN_ARENA_BYTES, 0);
    assert_int_equal(arena->page_count, arena->bytes / arena->page_bytes);
    size_t table_end = CAIRN_PAGE_TABLE_OFFSET + arena->page_count * sizeof(struct cairn_page);
    assert_true(table_end <= arena->page_bytes);
    memory[0] = 1;
    memory[sizes[i] - 1] = 1;
    cairn_huge_return(heap, arena);
    assert_int_equal(heap->arena_count, 0);
    assert_int_equal(heap->page_count, 0);
    assert_int_equal(heap->page_free_count, 0);
  }
}

static void block_beyond_the_largest_fails(void **state) {
  cairn_heap *heap = *state;
  uint32_t count;
  assert_null(cairn_huge_take(heap, (size_t)1 << 40, &count));
  assert_null(cairn_huge_take(heap, SIZE_MAX - 4096, &count));
  assert_int_equal(heap->arena_count, 0);
}

/* Growing the table of numbers takes the metadata that the arena was just allowed beside. */
static void limit_is_kept_while_numbers_grow(void **state) {
  cairn_heap *heap = *state;
  const struct cairn_chunk *chunk = heap->chunks;
  assert_non_null(cairn_chunk_try(heap, chunk->bytes - chunk->used_bytes - 16));
  heap->limit_bytes = heap->metadata_bytes + CAIRN_ARENA_BYTES;
  assert_null(cairn_pages_take(heap, 1));
  assert_true(heap->reserved_bytes + heap->metadata_bytes <= heap->limit_bytes);
  heap->limit_bytes = heap->metadata_bytes + CAIRN_ARENA_BYTES;
  assert_non_null(cairn_pages_take(heap, 1));
}

/* Pages of the process's address space. */
static long mapped_pages(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld", &pages), 1);
  fclose(file);
  return pages;
}

static void failed_mapping_leaves_the_heap_as_it_was(void **state) {
  cairn_heap *heap = *state;
  assert_non_null(cairn_pages_take(heap, USABLE_PAGES));
  uint64_t reserved = heap->reserved_bytes;
  mapped_pages(); /* has stdio take its memory */
  long mapped = mapped_pages();
  for (uint64_t n = 1; n <= 2; n++) { /* the arena, the side memory below it */
    cairn_fault.map_after = n;
    assert_null(cairn_pages_take(heap, 1));
    uint32_t count;
    cairn_fault.map_after = n;
    assert_null(cairn_huge_take(heap, 8 << 20, &count));
    cairn_fault.map_after = 0;
    assert_int_equal(heap->reserved_bytes, reserved);
    assert_int_equal(heap->arena_count, 1);
  }
  assert_int_equal(mapped_pages(), mapped);
  assert_non_null(cairn_pages_take(heap, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(arena_is_aligned_and_described),     TEST(runs_are_the_lowest_that_fit),
      TEST(run_over_all_usable_pages),          TEST(some_empty_arenas_are_kept),
      TEST(one_is_kept_where_there_is_a_limit), TEST(trimmed_pages_are_zero),
      TEST(arenas_stand_in_address_order),      TEST(numbers_are_unique_and_reused),
      TEST(huge_arena_holds_one_block),         TEST(block_beyond_the_largest_fails),
      TEST(limit_is_kept_while_numbers_grow),   TEST(failed_mapping_leaves_the_heap_as_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

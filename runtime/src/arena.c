/* Arenas: large aligned segments, cut into pages; and their numbers.
 *
 * Invariants, of each ordinary arena:
 *  - page 0 is META; page_free_count == pages of kind FREE == bits set in free_pages
 *  - it is among heap->room_arenas exactly when 0 < page_free_count < page_count - 1
 *  - page_free_count == page_count - 1 (all free) only for heap->empty_arenas, or while a page of
 *    one is being handed out
 *
 * of each huge arena: page 0 is META, pages 1 .. n hold the one block, the rest is FREE for ever.
 *
 * Of the heap: arenas are linked in address order; reserved_bytes is the sum of arena.bytes;
 * page_count, page_free_count and meta_page_bytes are sums over the arenas' pages.
 *
 * A reader follows heap->arenas through arena.next at any instruction: an arena is complete before
 * one store links it, and unlinked with one store before it is unmapped.
 *
 * What this is not: it knows no blocks and no size classes (page.c).
 */
#include <string.h>

#include "side.h"
#include "tracking.h"

enum {
  NUMBER_FIRST = 1,
  HUGE_PAGE_SHIFT_FIRST = 16,
  HUGE_PAGE_SHIFT_LAST = 21, /* the block must start within CAIRN_ARENA_BYTES */
  PAGE_SHIFT = 15,
  WIDE_AFTER = 1, /* a heap with so many arenas asks for large pages of the system for more */
  KEPT_MAX = 16   /* empty arenas */
};
_Static_assert(1 << PAGE_SHIFT == CAIRN_PAGE_BYTES, "the ordinary page");
_Static_assert(CAIRN_PAGE_TABLE_OFFSET + CAIRN_ARENA_PAGES * sizeof(struct cairn_page) <=
                   CAIRN_PAGE_BYTES,
               "header and page table fit in the first page");

/* ---- numbers --------------------------------------------------------------------------------- */

static bool numbers_grow(cairn_heap *heap) {
  struct cairn_arena_numbers *numbers = &heap->numbers;
  uint32_t capacity = numbers->capacity == 0 ? 16 : numbers->capacity * 2;
  struct cairn_arena **arenas = cairn_chunk_try(heap, capacity * sizeof *arenas);
  if (arenas == NULL) return false;
  if (numbers->capacity != 0) {
    memcpy(arenas, numbers->arenas, numbers->capacity * sizeof *arenas);
  }
  numbers->arenas = arenas;
  numbers->capacity = capacity;
  return true;
}

/* The lowest free number; its row exists when this returns true. */
static bool number_find(cairn_heap *heap, uint32_t *number) {
  struct cairn_arena_numbers *numbers = &heap->numbers;
  uint32_t candidate = numbers->lowest_free;
  if (candidate < NUMBER_FIRST) candidate = NUMBER_FIRST;
  while (candidate < numbers->capacity && numbers->arenas[candidate] != NULL) candidate++;
  numbers->lowest_free = candidate;
  if (candidate >= numbers->capacity && !numbers_grow(heap)) return false;
  *number = candidate;
  return true;
}

static void number_give(cairn_heap *heap, struct cairn_arena *arena, uint32_t number) {
  heap->numbers.arenas[number] = arena;
  arena->number = number;
}

static void number_take_back(cairn_heap *heap, const struct cairn_arena *arena) {
  struct cairn_arena_numbers *numbers = &heap->numbers;
  numbers->arenas[arena->number] = NULL;
  if (arena->number < numbers->lowest_free) numbers->lowest_free = arena->number;
}

/* ---- making and freeing ---------------------------------------------------------------------- */

/* Links a complete arena behind the last one below it. */
static void arena_link(cairn_heap *heap, struct cairn_arena *arena) {
  struct cairn_arena *previous = NULL;
  struct cairn_arena *next = heap->arenas;
  while (next != NULL && next < arena) {
    previous = next;
    next = next->next;
  }
  arena->next = next;
  arena->previous = previous;
  CAIRN_ORDER();
  if (previous == NULL) {
    heap->arenas = arena;
  } else {
    previous->next = arena;
  }
  CAIRN_ORDER();
  if (next != NULL) next->previous = arena;
  heap->arena_count++;
  heap->reserved_bytes += arena->bytes;
  heap->page_count += arena->page_count;
  heap->page_free_count += arena->page_free_count;
  heap->meta_page_bytes += arena->page_bytes;
  heap->side_bytes += arena->side_bytes;
}

static void arena_unlink(cairn_heap *heap, struct cairn_arena *arena) {
  if (arena->previous == NULL) {
    heap->arenas = arena->next;
  } else {
    arena->previous->next = arena->next;
  }
  CAIRN_ORDER();
  if (arena->next != NULL) arena->next->previous = arena->previous;
  heap->arena_count--;
  heap->reserved_bytes -= arena->bytes;
  heap->returned_bytes += arena->bytes;
  heap->page_count -= arena->page_count;
  heap->page_free_count -= arena->page_free_count;
  heap->meta_page_bytes -= arena->page_bytes;
  heap->side_bytes -= arena->side_bytes;
}

/* A mapped, linked arena with nothing but its META page in use. */
static struct cairn_arena *arena_new(cairn_heap *heap, size_t bytes, uint32_t page_shift) {
  uint32_t number;
  if (!number_find(heap, &number)) return NULL;
  struct cairn_arena *arena = cairn_limit_map(heap, CAIRN_SIDE_BYTES, bytes, CAIRN_ARENA_BYTES);
  if (arena == NULL) return NULL;
  bool wide = bytes > CAIRN_ARENA_BYTES || heap->arena_count >= WIDE_AFTER;
  if (wide) cairn_system_widen(arena, bytes);
  arena->magic = CAIRN_ARENA_MAGIC;
  arena->heap = heap;
  arena->bytes = bytes;
  arena->page_bytes = 1u << page_shift;
  arena->page_shift = page_shift;
  arena->page_count = (uint32_t)(bytes >> page_shift);
  arena->page_free_count = arena->page_count - 1;
  arena->page_table_offset = CAIRN_PAGE_TABLE_OFFSET;
  arena->side = (char *)arena - CAIRN_SIDE_BYTES;
  arena->side_bytes = CAIRN_SIDE_BYTES;
  arena->side_places = cairn_side_bytes_of(arena);
  for (uint32_t i = 1; i < arena->page_count; i++) {
    cairn_arena_page(arena, i)->flags = CAIRN_PAGE_FLAG_ZERO;
  }
  cairn_arena_page(arena, 0)->span_pages = 1;
  cairn_arena_page(arena, 0)->kind = CAIRN_PAGE_META;
  if (!cairn_track_arena_begin(heap, arena)) {
    cairn_limit_unmap(heap, arena, CAIRN_SIDE_BYTES, bytes);
    return NULL;
  }
  number_give(heap, arena, number);
  arena_link(heap, arena);
  return arena;
}

static void arena_free(cairn_heap *heap, struct cairn_arena *arena) {
  arena_unlink(heap, arena);
  number_take_back(heap, arena);
  cairn_track_arena_end(arena);
  cairn_limit_unmap(heap, arena, arena->side_bytes, arena->bytes);
}

void cairn_arena_free_all(cairn_heap *heap) {
  while (heap->arenas != NULL) arena_free(heap, heap->arenas);
  heap->room_arenas = NULL;
  heap->empty_arenas = NULL;
  heap->empty_arena_count = 0;
}

/* ---- runs of pages in ordinary arenas -------------------------------------------------------- */

static void room_link(cairn_heap *heap, struct cairn_arena *arena) {
  arena->room_previous = NULL;
  arena->room_next = heap->room_arenas;
  if (arena->room_next != NULL) arena->room_next->room_previous = arena;
  heap->room_arenas = arena;
  arena->in_room = true;
}

static void room_unlink(cairn_heap *heap, struct cairn_arena *arena) {
  if (arena->room_previous == NULL) {
    heap->room_arenas = arena->room_next;
  } else {
    arena->room_previous->room_next = arena->room_next;
  }
  if (arena->room_next != NULL) arena->room_next->room_previous = arena->room_previous;
  arena->in_room = false;
}

static bool page_is_free(const struct cairn_arena *arena, uint32_t page) {
  return (arena->free_pages[page / 64] >> (page % 64) & 1) != 0;
}

static void pages_mark(struct cairn_arena *arena, uint32_t first, uint32_t count, bool is_free) {
  for (uint32_t page = first; page < first + count; page++) {
    uint64_t bit = 1ull << (page % 64);
    if (is_free) {
      arena->free_pages[page / 64] |= bit;
    } else {
      arena->free_pages[page / 64] &= ~bit;
    }
  }
}

/* The first page of the lowest run of `count` free pages; 0 (the META page): none. */
static uint32_t run_find(const struct cairn_arena *arena, uint32_t count) {
  uint32_t length = 0;
  for (uint32_t page = 1; page < CAIRN_ARENA_PAGES; page++) {
    if (page % 64 == 0 && arena->free_pages[page / 64] == 0) {
      length = 0;
      page += 63;
      continue;
    }
    length = page_is_free(arena, page) ? length + 1 : 0;
    if (length == count) return page + 1 - count;
  }
  return 0;
}

static struct cairn_page *run_take(cairn_heap *heap, struct cairn_arena *arena, uint32_t first,
                                   uint32_t count) {
  pages_mark(arena, first, count, false);
  arena->page_free_count -= count;
  heap->page_free_count -= count;
  if (arena == heap->empty_arenas) {
    heap->empty_arenas = arena->room_next;
    heap->empty_arena_count--;
  }
  bool room = arena->page_free_count != 0;
  if (room && !arena->in_room) room_link(heap, arena);
  if (!room && arena->in_room) room_unlink(heap, arena);
  return cairn_arena_page(arena, first);
}

struct cairn_page *cairn_pages_take(cairn_heap *heap, uint32_t count) {
  assert(count > 0 && count < CAIRN_ARENA_PAGES);
  for (struct cairn_arena *arena = heap->room_arenas; arena != NULL; arena = arena->room_next) {
    if (arena->page_free_count < count) continue;
    uint32_t first = run_find(arena, count);
    if (first != 0) return run_take(heap, arena, first, count);
  }
  struct cairn_arena *arena = heap->empty_arenas;
  if (arena == NULL) {
    arena = arena_new(heap, CAIRN_ARENA_BYTES, PAGE_SHIFT);
    if (arena == NULL) return NULL;
    pages_mark(arena, 1, CAIRN_ARENA_PAGES - 1, true);
  }
  return run_take(heap, arena, 1, count);
}

/* How many empty arenas the heap keeps, so that a program that drops much and makes as much again
 * does not pay for it with the system's time.  Where there is a limit, memory is dearer. */
static uint32_t kept_count(const cairn_heap *heap) {
  return cairn_heap_is_limited(heap) ? 1 : KEPT_MAX;
}

void cairn_pages_return(cairn_heap *heap, struct cairn_page *first, uint32_t count) {
  struct cairn_arena *arena = cairn_arena_of(first);
  uint32_t index = (uint32_t)(first - cairn_arena_page(arena, 0));
  pages_mark(arena, index, count, true);
  if (arena->track != NULL) cairn_track_pages_forget(arena, index, count);
  arena->page_free_count += count;
  heap->page_free_count += count;
  if (arena->page_free_count != arena->page_count - 1) {
    if (!arena->in_room) room_link(heap, arena);
    return;
  }
  if (arena->in_room) room_unlink(heap, arena);
  if (heap->empty_arena_count < kept_count(heap)) {
    arena->room_next = heap->empty_arenas;
    heap->empty_arenas = arena;
    heap->empty_arena_count++;
  } else {
    arena_free(heap, arena);
  }
}

/* Gives the memory of a run of free pages back; they are untouched then. */
static void run_discard(cairn_heap *heap, struct cairn_arena *arena, uint32_t first,
                        uint32_t count) {
  struct cairn_page *page = cairn_arena_page(arena, first);
  size_t bytes = (size_t)count * CAIRN_PAGE_BYTES;
  cairn_system_forget(cairn_page_memory(arena, page), bytes);
  for (uint32_t i = 0; i < count; i++) page[i].flags |= CAIRN_PAGE_FLAG_ZERO;
  heap->returned_bytes += bytes;
}

static bool is_discardable(struct cairn_arena *arena, uint32_t page) {
  return page < CAIRN_ARENA_PAGES && page_is_free(arena, page) &&
         (cairn_arena_page(arena, page)->flags & CAIRN_PAGE_FLAG_ZERO) == 0;
}

void cairn_arena_trim(cairn_heap *heap) {
  while (heap->empty_arenas != NULL) {
    struct cairn_arena *arena = heap->empty_arenas;
    heap->empty_arenas = arena->room_next;
    arena_free(heap, arena);
  }
  heap->empty_arena_count = 0;
  for (struct cairn_arena *arena = heap->room_arenas; arena != NULL; arena = arena->room_next) {
    for (uint32_t first = 1, end; first < CAIRN_ARENA_PAGES; first = end + 1) {
      for (end = first; is_discardable(arena, end);) end++;
      if (end != first) run_discard(heap, arena, first, end - first);
    }
  }
}

/* ---- huge arenas ----------------------------------------------------------------------------- */

struct cairn_page *cairn_huge_take(cairn_heap *heap, size_t bytes, uint32_t *count) {
  for (uint32_t shift = HUGE_PAGE_SHIFT_FIRST; shift <= HUGE_PAGE_SHIFT_LAST; shift++) {
    size_t page_bytes = (size_t)1 << shift;
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t total = page_bytes + bytes;
    total = (total + CAIRN_ARENA_BYTES - 1) & ~((size_t)CAIRN_ARENA_BYTES - 1);
    size_t table_end = CAIRN_PAGE_TABLE_OFFSET + (total >> shift) * sizeof(struct cairn_page);
    if (table_end > page_bytes) continue;
    struct cairn_arena *arena = arena_new(heap, total, shift);
    if (arena == NULL) return NULL;
    uint32_t pages = (uint32_t)((bytes + page_bytes - 1) >> shift);
    arena->page_free_count -= pages;
    heap->page_free_count -= pages;
    *count = pages;
    return cairn_arena_page(arena, 1);
  }
  return NULL;
}

void cairn_huge_return(cairn_heap *heap, struct cairn_arena *arena) { arena_free(heap, arena); }

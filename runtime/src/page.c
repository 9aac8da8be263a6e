/* Pages: blocks of one size, or one large block each; where hot.c has its blocks from.
 *
 * Invariants, of each BLOCKS page:
 *  - blocks [0, fresh) have a truthful header: 0 when free; blocks [fresh, block_count) are unused
 *  - free_list holds distinct free blocks below fresh, latest freed first
 *  - used_count == fresh - length of free_list: blocks that lie ready in heap->hot_rows count as
 * used
 *  - it is in heap->class_pages[size_class] exactly when used_count < block_count
 *  - it is idle when used_count == 0; arena->idle_pages counts those of an arena.  A class keeps
 *    one idle page, unless idle pages alone keep one arena of several from being empty
 *
 * of each LARGE page: one block at its start, span_pages - 1 LARGE_TAIL pages behind it.
 *
 * Of the heap: block_count and block_bytes are the sums of used_count over all pages.
 *
 * A page's kind is the last thing stored when it is set up and the first when it is given back, so
 * a reader sees a complete page or none.  heap->flux says `allocate` while page lists change.
 *
 * What this is not: it knows no types and no slots; what a block holds is the caller's.
 */
#include <string.h>

#include "tracking.h"

/* ---- lists of pages with room ---------------------------------------------------------------- */

static void class_link(cairn_heap *heap, struct cairn_page *page) {
  struct cairn_page **head = &heap->class_pages[page->size_class];
  page->previous = NULL;
  page->next = *head;
  if (page->next != NULL) page->next->previous = page;
  *head = page;
}

static void class_unlink(cairn_heap *heap, struct cairn_page *page) {
  if (page->previous == NULL) {
    heap->class_pages[page->size_class] = page->next;
  } else {
    page->previous->next = page->next;
  }
  if (page->next != NULL) page->next->previous = page->previous;
  page->next = NULL;
  page->previous = NULL;
}

/* ---- setting up and giving back -------------------------------------------------------------- */

/* Says that lists are being changed, unless the heap is in the middle of something larger. */
static bool flux_begin(cairn_heap *heap) {
  if (heap->flux != CAIRN_FLUX_NONE) return false;
  cairn_flux_set(heap, CAIRN_FLUX_ALLOCATE, NULL);
  CAIRN_ORDER();
  return true;
}

static void flux_end(cairn_heap *heap, bool began) {
  CAIRN_ORDER();
  if (began) cairn_flux_set(heap, CAIRN_FLUX_NONE, NULL);
}

/* A page with room for the class, from free pages.  NULL: no memory. */
static struct cairn_page *blocks_page_new(cairn_heap *heap, uint32_t size_class) {
  bool began = flux_begin(heap);
  struct cairn_page *page = cairn_pages_take(heap, 1);
  if (page != NULL) {
    page->size_class = (uint8_t)size_class;
    page->span_pages = 1;
    page->block_bytes = cairn_size_class_bytes(size_class);
    page->block_count = (uint32_t)(CAIRN_PAGE_BYTES / page->block_bytes);
    page->fresh = 0;
    page->used_count = 0;
    page->free_list = NULL;
    struct cairn_arena *arena = cairn_arena_of(page);
    *cairn_size_class_at(arena, cairn_page_memory(arena, page)) = (uint8_t)size_class;
    CAIRN_ORDER();
    page->kind = CAIRN_PAGE_BLOCKS;
    cairn_arena_of(page)->idle_pages++;
    class_link(heap, page);
  }
  flux_end(heap, began);
  return page;
}

/* Gives an idle page back to its arena, which may be unmapped then. */
static void blocks_page_return(cairn_heap *heap, struct cairn_page *page) {
  bool began = flux_begin(heap);
  assert(page->used_count == 0 && page->candidate_count == 0);
  cairn_arena_of(page)->idle_pages--;
  class_unlink(heap, page);
  page->kind = CAIRN_PAGE_FREE;
  page->flags &= ~(uint64_t)CAIRN_PAGE_FLAG_ZERO;
  CAIRN_ORDER();
  cairn_pages_return(heap, page, 1);
  flux_end(heap, began);
}

/* True when the arena needlessly holds nothing but idle pages, `returning` more being free soon. */
static bool arena_is_idle(const cairn_heap *heap, const struct cairn_arena *arena,
                          uint32_t returning) {
  return heap->arena_count > 1 &&
         arena->page_free_count + arena->idle_pages + returning == arena->page_count - 1;
}

/* Gives the idle pages of an arena back.  With the last one the arena may be unmapped. */
static void arena_clear(cairn_heap *heap, struct cairn_arena *arena) {
  struct cairn_page *page = cairn_arena_page(arena, 1);
  for (uint32_t left = arena->idle_pages; left > 0; page++) {
    if (page->kind != CAIRN_PAGE_BLOCKS) continue;
    left--;
    blocks_page_return(heap, page);
  }
}

/* The last used block of the page was freed. */
static void blocks_page_idle(cairn_heap *heap, struct cairn_page *page) {
  struct cairn_arena *arena = cairn_arena_of(page);
  arena->idle_pages++;
  if (arena_is_idle(heap, arena, 0)) {
    arena_clear(heap, arena);
  } else if (page->next != NULL || page->previous != NULL) {
    blocks_page_return(heap, page);
  }
}

void cairn_pages_trim(cairn_heap *heap) {
  for (uint32_t i = 0; i < CAIRN_SIZE_CLASSES; i++) {
    struct cairn_page *next;
    for (struct cairn_page *page = heap->class_pages[i]; page != NULL; page = next) {
      next = page->next;
      if (page->used_count == 0) blocks_page_return(heap, page);
    }
  }
  cairn_arena_trim(heap);
}

/* Makes `count` free pages one block. */
static void large_set_up(struct cairn_page *page, uint32_t count) {
  struct cairn_arena *arena = cairn_arena_of(page);
  cairn_object *block = (cairn_object *)(void *)cairn_page_memory(arena, page);
  block->header = 0;
  *cairn_size_class_at(arena, block) = CAIRN_SIZE_CLASSES;
  for (uint32_t i = 1; i < count; i++) {
    page[i].span_pages = i;
    CAIRN_ORDER();
    page[i].kind = CAIRN_PAGE_LARGE_TAIL;
  }
  page->size_class = CAIRN_SIZE_CLASSES; /* none: see cairn_hot_none */
  page->span_pages = count;
  page->block_bytes = (uint64_t)count << arena->page_shift;
  page->block_count = 1;
  page->fresh = 1;
  page->used_count = 1;
  page->free_list = NULL;
  CAIRN_ORDER();
  page->kind = CAIRN_PAGE_LARGE;
}

/* Free pages for a large block, and how many.  NULL: no memory. */
static struct cairn_page *large_take(cairn_heap *heap, size_t bytes, uint32_t *count) {
  if (bytes > (size_t)(CAIRN_ARENA_PAGES - 1) * CAIRN_PAGE_BYTES) {
    return cairn_huge_take(heap, bytes, count);
  }
  *count = (uint32_t)((bytes + CAIRN_PAGE_BYTES - 1) / CAIRN_PAGE_BYTES);
  return cairn_pages_take(heap, *count);
}

static bool pages_are_zero(const struct cairn_page *page, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if ((page[i].flags & CAIRN_PAGE_FLAG_ZERO) == 0) return false;
  }
  return true;
}

void *cairn_large_new(cairn_heap *heap, size_t bytes) {
  bool began = flux_begin(heap);
  uint32_t count;
  struct cairn_page *page = large_take(heap, bytes, &count);
  if (page != NULL) {
    large_set_up(page, count);
    heap->block_count++;
    heap->block_bytes += page->block_bytes;
    heap->aside_made_count++;
  }
  flux_end(heap, began);
  if (page == NULL) return NULL;
  char *block = cairn_page_memory(cairn_arena_of(page), page);
  if (!pages_are_zero(page, count)) memset(block, 0, bytes);
  return block;
}

void cairn_large_free(cairn_heap *heap, struct cairn_page *page) {
  bool began = flux_begin(heap);
  uint32_t count = page->span_pages;
  struct cairn_arena *arena = cairn_arena_of(page);
  heap->block_count--;
  heap->block_bytes -= page->block_bytes;
  for (uint32_t i = 0; i < count; i++) {
    page[i].kind = CAIRN_PAGE_FREE;
    page[i].flags &= ~(uint64_t)CAIRN_PAGE_FLAG_ZERO;
  }
  page->used_count = 0;
  CAIRN_ORDER();
  if (cairn_arena_is_huge(arena)) {
    cairn_huge_return(heap, arena);
  } else {
    bool idle = arena->idle_pages > 0 && arena_is_idle(heap, arena, count);
    cairn_pages_return(heap, page, count);
    if (idle) arena_clear(heap, arena);
  }
  flux_end(heap, began);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Takes `count` blocks from the page's free list, and says where it goes on. */
static struct cairn_free_block *list_take(const struct cairn_page *page, uint32_t count,
                                          void **end) {
  struct cairn_free_block *freed = page->free_list;
  for (uint32_t i = 0; i < count; i++) {
    *--end = freed;
    freed = freed->next;
  }
  return freed;
}

/* Takes `count` blocks that were never used, the lowest last; their headers are truthful then. */
static void fresh_take(const struct cairn_page *page, uint32_t count, void **end) {
  char *memory = cairn_page_memory(cairn_arena_of(page), page);
  bool zero = (page->flags & CAIRN_PAGE_FLAG_ZERO) != 0;
  for (uint32_t i = page->fresh; i < page->fresh + count; i++) {
    cairn_object *block = (cairn_object *)(void *)(memory + i * page->block_bytes);
    if (!zero) block->header = 0;
    *--end = block;
  }
}

uint32_t cairn_page_take(cairn_heap *heap, uint32_t size_class, uint32_t wanted, void **blocks) {
  struct cairn_page *page = heap->class_pages[size_class];
  if (page == NULL) page = blocks_page_new(heap, size_class);
  if (page == NULL) return 0;
  uint32_t room = page->block_count - page->used_count;
  uint32_t count = wanted < room ? wanted : room;
  uint32_t listed = page->fresh - page->used_count;
  if (listed > count) listed = count;
  struct cairn_free_block *rest = list_take(page, listed, blocks + count);
  fresh_take(page, count - listed, blocks + count - listed);
  CAIRN_ORDER();
  page->free_list = rest;
  page->fresh += count - listed;
  if (page->used_count == 0) cairn_arena_of(page)->idle_pages--;
  page->used_count += count;
  heap->block_count += count;
  heap->block_bytes += count * page->block_bytes;
  if (count == room) class_unlink(heap, page);
  return count;
}

/* Puts the first of the blocks, and those behind it that lie in the same page, into its list.
 * Returns how many. */
static size_t page_put(cairn_heap *heap, void *const *blocks, size_t count) {
  struct cairn_page *page = cairn_page_of(blocks[0]);
  struct cairn_free_block *list = page->free_list;
  size_t freed = 0;
  do {
    struct cairn_free_block *block = blocks[freed++];
    block->next = list;
    list = block;
  } while (freed < count && ((uintptr_t)blocks[freed] ^ (uintptr_t)blocks[0]) < CAIRN_PAGE_BYTES);
  bool was_full = page->used_count == page->block_count;
  /* Till they are in the list they are nowhere to be seen: in hand. */
  CAIRN_ORDER();
  page->used_count -= (uint32_t)freed;
  CAIRN_ORDER();
  page->free_list = list;
  heap->block_count -= freed;
  heap->block_bytes -= freed * page->block_bytes;
  if (was_full) class_link(heap, page);
  if (page->used_count == 0) blocks_page_idle(heap, page);
  return freed;
}

void cairn_pages_put(cairn_heap *heap, void *const *blocks, size_t count) {
  while (count > 0) {
    size_t freed = page_put(heap, blocks, count);
    blocks += freed;
    count -= freed;
  }
}

void cairn_page_empty(cairn_heap *heap, struct cairn_page *page) {
  uint32_t count = page->used_count;
  assert(page->candidate_count == 0);
  if (page->kind == CAIRN_PAGE_LARGE) {
    ((cairn_object *)(void *)cairn_page_memory(cairn_arena_of(page), page))->header = 0;
    CAIRN_ORDER();
    cairn_large_free(heap, page);
    return;
  }
  /* For a reader all blocks go at once, with the page; then an empty page comes. */
  uint32_t outer_flux = heap->flux;
  heap->flux = CAIRN_FLUX_ALLOCATE;
  CAIRN_ORDER();
  page->kind = CAIRN_PAGE_FREE;
  CAIRN_ORDER();
  page->free_list = NULL;
  page->flags &= ~(uint64_t)CAIRN_PAGE_FLAG_ZERO;
  page->fresh = 0;
  page->used_count = 0;
  heap->block_count -= count;
  heap->block_bytes -= count * page->block_bytes;
  CAIRN_ORDER();
  page->kind = CAIRN_PAGE_BLOCKS;
  CAIRN_ORDER();
  heap->flux = outer_flux;
  if (count == page->block_count) class_link(heap, page);
  blocks_page_idle(heap, page);
}

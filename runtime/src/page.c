/* Pages and blocks: the allocator that objects and buffers come from.
 *
 * Invariants, of each BLOCKS page:
 *  - blocks [0, fresh) have a truthful header: 0 when free; blocks [fresh, block_count) are unused
 *  - free_list holds distinct free blocks below fresh, latest freed first
 *  - used_count == fresh - length of free_list
 *  - it is in heap->class_pages[size_class] exactly when used_count < block_count
 *  - it is idle when used_count == 0; arena->idle_pages counts those of an arena.  A class keeps
 *    one idle page, unless idle pages alone keep one arena of several from being empty
 *
 * of each LARGE page: one block at its start, span_pages - 1 LARGE_TAIL pages behind it.
 *
 * Of the heap: used_bytes is the sum of block_bytes over blocks handed out; object_count and
 * buffer_count count what is live or dying.
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

/* Makes `count` free pages one block. */
static void large_set_up(struct cairn_page *page, uint32_t count) {
  struct cairn_arena *arena = cairn_arena_of(page);
  ((cairn_object *)(void *)cairn_page_memory(arena, page))->header = 0;
  for (uint32_t i = 1; i < count; i++) {
    page[i].span_pages = i;
    CAIRN_ORDER();
    page[i].kind = CAIRN_PAGE_LARGE_TAIL;
  }
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

/* A block with pages of its own: header 0, the rest of the first `bytes` zeroed.  NULL: no memory.
 */
static void *large_new(cairn_heap *heap, size_t bytes) {
  bool began = flux_begin(heap);
  uint32_t count;
  struct cairn_page *page = large_take(heap, bytes, &count);
  if (page != NULL) {
    large_set_up(page, count);
    heap->used_bytes += page->block_bytes;
  }
  flux_end(heap, began);
  if (page == NULL) return NULL;
  char *block = cairn_page_memory(cairn_arena_of(page), page);
  if (!pages_are_zero(page, count)) memset(block, 0, bytes);
  return block;
}

static void large_free(cairn_heap *heap, struct cairn_page *page) {
  bool began = flux_begin(heap);
  uint32_t count = page->span_pages;
  struct cairn_arena *arena = cairn_arena_of(page);
  heap->used_bytes -= page->block_bytes;
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

/* A free block of a page with room: header 0, the rest of the first `bytes` zeroed. */
static void *page_cut(cairn_heap *heap, struct cairn_page *page, size_t bytes) {
  char *block;
  bool zero = false;
  struct cairn_free_block *freed = page->free_list;
  if (freed != NULL) {
    block = (char *)freed;
    page->free_list = freed->next;
  } else {
    block = cairn_page_memory(cairn_arena_of(page), page) + page->fresh * page->block_bytes;
    zero = (page->flags & CAIRN_PAGE_FLAG_ZERO) != 0;
    if (!zero) ((cairn_object *)(void *)block)->header = 0;
    CAIRN_ORDER();
    page->fresh++;
  }
  if (page->used_count++ == 0) cairn_arena_of(page)->idle_pages--;
  heap->used_bytes += page->block_bytes;
  if (page->used_count == page->block_count) class_unlink(heap, page);
  if (!zero) memset(block + sizeof(cairn_object), 0, bytes - sizeof(cairn_object));
  return block;
}

/* One attempt, without relief. */
static void *block_try(cairn_heap *heap, size_t bytes) {
  if (bytes > CAIRN_SMALL_MAX_BYTES) return large_new(heap, bytes);
  uint32_t size_class = cairn_size_class_of(bytes);
  struct cairn_page *page = heap->class_pages[size_class];
  if (page == NULL) page = blocks_page_new(heap, size_class);
  return page == NULL ? NULL : page_cut(heap, page, bytes);
}

void cairn_heap_slow_set(cairn_heap *heap, uint32_t reason, bool on) {
  heap->slow = on ? heap->slow | reason : heap->slow & ~reason;
}

/* The slow way: a new page or a large block is needed, or heap->slow says so. */
static void *block_new_slowly(cairn_heap *heap, size_t bytes) {
  if (heap->ready && !heap->destroying) {
    cairn_limit_soft(heap);
    cairn_collect_if_due(heap);
  }
  for (unsigned attempt = 0;; attempt++) {
    bool pressed = (heap->slow & CAIRN_SLOW_PRESSED) != 0;
    void *block = pressed && !cairn_limit_press_allows(heap) ? NULL : block_try(heap, bytes);
    if (block != NULL) return block;
    if (!cairn_memory_relieve(heap, bytes, attempt)) return NULL;
  }
}

void *cairn_block_new(cairn_heap *heap, size_t bytes) {
  if (bytes < CAIRN_BLOCK_MIN_BYTES) bytes = CAIRN_BLOCK_MIN_BYTES;
  if (bytes <= CAIRN_SMALL_MAX_BYTES && heap->slow == 0) {
    struct cairn_page *page = heap->class_pages[cairn_size_class_of(bytes)];
    if (page != NULL) return page_cut(heap, page, bytes);
  }
  return block_new_slowly(heap, bytes);
}

void cairn_block_publish(cairn_heap *heap, void *block, uint64_t header) {
  CAIRN_ORDER();
  ((cairn_object *)block)->header = header;
  CAIRN_ORDER();
  if ((header & CAIRN_STATE(BUFFER)) != 0) {
    heap->buffer_count++;
  } else {
    heap->object_count++;
  }
  heap->allocation_count++;
}

/* Takes a live block out of the heap's counters. */
static void count_out(cairn_heap *heap, uint64_t header) {
  if ((header & CAIRN_STATE(BUFFER)) != 0) {
    heap->buffer_count--;
  } else {
    heap->object_count--;
  }
  heap->free_count++;
}

void cairn_block_retire(cairn_heap *heap, void *block, uint64_t header) {
  cairn_object *object = block;
  uint64_t before = object->header;
  CAIRN_ORDER();
  object->header = header;
  CAIRN_ORDER();
  count_out(heap, before);
}

void cairn_block_free(cairn_heap *heap, void *block) {
  if ((heap->slow & CAIRN_SLOW_TRACKED) != 0 && cairn_track_free(heap, block)) return;
  struct cairn_page *page = cairn_page_of(block);
  struct cairn_free_block *freed = block;
  uint64_t header = freed->header;
  CAIRN_ORDER();
  freed->header = 0;
  CAIRN_ORDER();
  if (header != 0) count_out(heap, header); /* else it is not counted: never live, or retired */
  if (page->kind == CAIRN_PAGE_LARGE) {
    large_free(heap, page);
    return;
  }
  bool was_full = page->used_count == page->block_count;
  freed->next = page->free_list;
  CAIRN_ORDER();
  page->free_list = freed;
  heap->used_bytes -= page->block_bytes;
  CAIRN_ORDER(); /* used_count runs ahead of the headers as long as another counter does */
  page->used_count--;
  if (was_full) class_link(heap, page);
  if (page->used_count == 0) blocks_page_idle(heap, page);
}

void cairn_page_empty(cairn_heap *heap, struct cairn_page *page) {
  uint32_t count = page->used_count;
  assert(page->candidate_count == 0);
  heap->object_count -= count;
  heap->free_count += count;
  if (page->kind == CAIRN_PAGE_LARGE) {
    ((cairn_object *)(void *)cairn_page_memory(cairn_arena_of(page), page))->header = 0;
    CAIRN_ORDER();
    large_free(heap, page);
    return;
  }
  page->free_list = NULL;
  page->flags &= ~(uint64_t)CAIRN_PAGE_FLAG_ZERO;
  CAIRN_ORDER();
  page->fresh = 0;
  CAIRN_ORDER();
  heap->used_bytes -= count * page->block_bytes;
  page->used_count = 0;
  if (count == page->block_count) class_link(heap, page);
  blocks_page_idle(heap, page);
}

size_t cairn_block_size(const void *block) { return cairn_page_of(block)->block_bytes; }

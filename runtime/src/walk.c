/* Walking a heap, for the program itself: all objects at once, or one by one while they change.
 *
 * A walk that goes step by step remembers the address behind which it looks on, and no object: what
 * it stood at may be gone.  Nor may it trust its arena, unless none was given back meanwhile, which
 * heap->returned_bytes tells; else it looks for the arena by the address.
 *
 * What this is not: a snapshot.  What is made in a walk is met where it lies behind, else not.
 */
#include "internal.h"

/* Calls `visit` with the live objects of one page of blocks or large page. */
static void page_walk(struct cairn_arena *arena, const struct cairn_page *page,
                      cairn_visit_fn visit, void *context) {
  char *memory = cairn_page_memory(arena, page);
  for (uint32_t i = 0; i < page->fresh; i++) {
    cairn_object *object = (cairn_object *)(void *)(memory + i * page->block_bytes);
    uint64_t state = cairn_header_load(object) & (CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER));
    if (state == CAIRN_STATE(LIVE)) visit(object, context);
  }
}

void cairn_heap_walk(cairn_heap *heap, cairn_visit_fn visit, void *context) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      const struct cairn_page *page = cairn_arena_page(arena, i);
      if (page->kind == CAIRN_PAGE_BLOCKS || page->kind == CAIRN_PAGE_LARGE) {
        page_walk(arena, page, visit, context);
      }
    }
  }
  cairn_heap_unlock(heap);
}

/* ---- step by step ---------------------------------------------------------------------------- */

/* The first live object of the page at or behind `address`, or NULL. */
static cairn_object *page_next(struct cairn_arena *arena, const struct cairn_page *page,
                               uintptr_t address) {
  uintptr_t memory = (uintptr_t)cairn_page_memory(arena, page);
  uintptr_t behind = address > memory ? address - memory : 0;
  for (uint64_t i = (behind + page->block_bytes - 1) / page->block_bytes; i < page->fresh; i++) {
    cairn_object *object = (cairn_object *)(memory + i * page->block_bytes);
    uint64_t state = cairn_header_load(object) & (CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER));
    if (state == CAIRN_STATE(LIVE)) return object;
  }
  return NULL;
}

static cairn_object *arena_next(struct cairn_arena *arena, uintptr_t address) {
  uintptr_t start = (uintptr_t)arena;
  uint64_t first = address > start ? (address - start) >> arena->page_shift : 1;
  for (uint64_t i = first == 0 ? 1 : first; i < arena->page_count; i++) {
    const struct cairn_page *page = cairn_arena_page(arena, i);
    if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
    cairn_object *object = page_next(arena, page, address);
    if (object != NULL) return object;
  }
  return NULL;
}

/* The arena that the walk is in, or the next one. */
static struct cairn_arena *arena_of_walk(const cairn_walk *walk) {
  if (walk->arena_ != NULL && walk->returned_ == walk->heap->returned_bytes) return walk->arena_;
  struct cairn_arena *arena = walk->heap->arenas;
  while (arena != NULL && (uintptr_t)arena + arena->bytes <= walk->behind_) arena = arena->next;
  return arena;
}

cairn_object *cairn_walk_next(cairn_walk *walk) {
  cairn_heap *heap = walk->heap;
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_object *object = NULL;
  struct cairn_arena *arena = arena_of_walk(walk);
  while (arena != NULL && (object = arena_next(arena, walk->behind_)) == NULL) {
    walk->behind_ = (uintptr_t)arena + arena->bytes;
    arena = arena->next;
  }
  if (object != NULL) walk->behind_ = (uintptr_t)object + 1;
  walk->arena_ = arena;
  walk->returned_ = heap->returned_bytes;
  cairn_heap_unlock(heap);
  return object;
}

void cairn_object_visit(cairn_object *object, cairn_visit_fn visit, void *context) {
  cairn_heap *heap = cairn_object_heap(object);
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_slots_visit(heap, object, visit, context);
  cairn_heap_unlock(heap);
}

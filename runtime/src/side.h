/* Side memory: the collector's word beside each block, and references to objects in 32 bits.
 *
 * A block's *position* in its arena is page number * CAIRN_PAGE_BLOCKS_MAX + its index in the page;
 * its side word is arena->side[position].  A compressed reference is the arena's number and the
 * position; the last number stands for all huge arenas, whose only block needs no more than the
 * number of the arena among those.
 *
 * Invariants: no compressed reference is 0.  Side words are address space until a collection needs
 * them, and 0 outside the collector's set and the list of parked deaths.
 *
 * What this is not: it does not map (arena.c), and knows nothing of what the words mean
 * (collect.h).
 */
#ifndef CAIRN_SIDE_H
#define CAIRN_SIDE_H

#include "internal.h"

enum {
  CAIRN_SIDE_BLOCK_BITS = 11,
  CAIRN_SIDE_PAGE_BITS = 7,
  CAIRN_SIDE_POSITION_BITS = CAIRN_SIDE_PAGE_BITS + CAIRN_SIDE_BLOCK_BITS,
  CAIRN_SIDE_HUGE = (1 << (32 - CAIRN_SIDE_POSITION_BITS)) - 1
};
_Static_assert(1 << CAIRN_SIDE_BLOCK_BITS == CAIRN_PAGE_BLOCKS_MAX, "a block's index fits");
_Static_assert(1 << CAIRN_SIDE_PAGE_BITS == CAIRN_ARENA_PAGES, "a page's index fits");

/* The side word of a block. */
static inline struct cairn_side *cairn_side_of(const cairn_object *object) {
  const struct cairn_arena *arena = cairn_arena_of(object);
  struct cairn_side *side = arena->side;
  if (cairn_arena_is_huge(arena)) return side;
  size_t offset = (uintptr_t)object - (uintptr_t)arena;
  const struct cairn_page *page = cairn_page_of(object);
  side += offset / CAIRN_PAGE_BYTES << CAIRN_SIDE_BLOCK_BITS;
  if (page->kind != CAIRN_PAGE_BLOCKS) return side;
  return side + cairn_size_class_index(page->size_class, (uint32_t)offset % CAIRN_PAGE_BYTES);
}

/* The compressed reference to the object whose side word it is. */
static inline uint32_t cairn_side_compress(const cairn_object *object,
                                           const struct cairn_side *side) {
  const struct cairn_arena *arena = cairn_arena_of(object);
  if (cairn_arena_is_huge(arena)) {
    return (uint32_t)CAIRN_SIDE_HUGE << CAIRN_SIDE_POSITION_BITS |
           (arena->number - CAIRN_SIDE_HUGE - 1);
  }
  return arena->number << CAIRN_SIDE_POSITION_BITS |
         (uint32_t)(side - (const struct cairn_side *)arena->side);
}

/* The object of a compressed reference, and its side word. */
static inline cairn_object *cairn_side_object(const cairn_heap *heap, uint32_t compressed,
                                              struct cairn_side **side) {
  uint32_t number = compressed >> CAIRN_SIDE_POSITION_BITS;
  uint32_t position = compressed & ((1u << CAIRN_SIDE_POSITION_BITS) - 1);
  if (number == CAIRN_SIDE_HUGE) {
    struct cairn_arena *arena = heap->huge_numbers.arenas[position];
    *side = arena->side;
    return (cairn_object *)(void *)((char *)arena + arena->page_bytes);
  }
  struct cairn_arena *arena = heap->numbers.arenas[number];
  *side = (struct cairn_side *)arena->side + position;
  const struct cairn_page *page = cairn_arena_page(arena, position >> CAIRN_SIDE_BLOCK_BITS);
  uint64_t offset = (position & (CAIRN_PAGE_BLOCKS_MAX - 1)) * page->block_bytes;
  return (cairn_object *)(void *)(cairn_page_memory(arena, page) + offset);
}

/* ---- lists through side.link, from a head that is 0 when the list is empty ------------------- */

static inline void cairn_link_push(uint32_t *head, const cairn_object *object,
                                   struct cairn_side *side) {
  side->link = *head;
  *head = cairn_side_compress(object, side);
}

static inline cairn_object *cairn_link_pop(const cairn_heap *heap, uint32_t *head,
                                           struct cairn_side **side) {
  cairn_object *object = cairn_side_object(heap, *head, side);
  *head = (*side)->link;
  (*side)->link = 0;
  return object;
}

#endif

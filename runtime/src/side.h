/* Side memory: what stands beside each block, out of the objects.
 *
 * An arena's side memory lies directly below it, so that the address of a block alone leads to its
 * side byte, without a look at the arena, the page or the object.  A block's *place* is its offset
 * in the arena / 16: no two blocks share one, since none is smaller.
 *
 *     arena - CAIRN_SIDE_BYTES           a part of the collector's stack (far.c)
 *     ... + CAIRN_SIDE_WORK_BYTES        a byte a place: the collector's (collect.h)
 *     ... + CAIRN_SIDE_PLACES            a word a place, for what does not fit in a byte:
 *     arena                              large trial counts, the link of a parked death
 *
 * A huge arena has the same; only the place of its one block is ever used.
 *
 * Invariants: bytes and words are address space until something is stored there, and 0 outside
 * collections (the words of parked deaths excepted, die.c).  Nothing else writes there, but for
 * the heap's own check (validate.c), which cleans up behind it.
 *
 * What this is not: it does not map (arena.c), and knows nothing of what the bytes mean.
 */
#ifndef CAIRN_SIDE_H
#define CAIRN_SIDE_H

#include "internal.h"

enum {
  CAIRN_SIDE_GRAIN_SHIFT = 4,
  CAIRN_SIDE_PLACE_BYTES = 1 << CAIRN_SIDE_GRAIN_SHIFT,
  CAIRN_SIDE_PLACES = CAIRN_ARENA_BYTES >> CAIRN_SIDE_GRAIN_SHIFT,
  CAIRN_SIDE_PAGE_PLACES = CAIRN_PAGE_BYTES >> CAIRN_SIDE_GRAIN_SHIFT,
  CAIRN_SIDE_PLACES_BYTES = CAIRN_SIDE_PLACES * (1 + sizeof(uint64_t)),
  CAIRN_SIDE_WORK_BYTES = 256 << 10,
  CAIRN_SIDE_BYTES = CAIRN_SIDE_WORK_BYTES + CAIRN_SIDE_PLACES_BYTES
};
_Static_assert((size_t)CAIRN_SIDE_BYTES < (size_t)CAIRN_ARENA_BYTES,
               "no other arena begins in between");
_Static_assert(CAIRN_BLOCK_MIN_BYTES >= 1 << CAIRN_SIDE_GRAIN_SHIFT, "a place for each block");

static inline uintptr_t cairn_side_place(const void *block) {
  return ((uintptr_t)block & ((uintptr_t)CAIRN_ARENA_BYTES - 1)) >> CAIRN_SIDE_GRAIN_SHIFT;
}

/* The side byte of a block. */
static inline uint8_t *cairn_side_byte(const void *block) {
  return (uint8_t *)cairn_arena_of(block) - CAIRN_SIDE_PLACES_BYTES + cairn_side_place(block);
}

/* The side byte of the arena's first place. */
static inline uint8_t *cairn_side_bytes_of(struct cairn_arena *arena) {
  return (uint8_t *)arena - CAIRN_SIDE_PLACES_BYTES;
}

/* CAIRN_SIDE_WORK_BYTES beside the arena, for the collector while it collects. */
static inline void *cairn_side_work(struct cairn_arena *arena) {
  return (uint8_t *)arena - CAIRN_SIDE_BYTES;
}

/* The side word of a block. */
static inline uint64_t *cairn_side_word(const void *block) {
  uint8_t *words = (uint8_t *)cairn_arena_of(block) - CAIRN_SIDE_PLACES_BYTES + CAIRN_SIDE_PLACES;
  return (uint64_t *)(void *)words + cairn_side_place(block);
}

/* The side word of the block that the side byte belongs to. */
static inline uint64_t *cairn_side_word_beside(uint8_t *side) {
  uint8_t *end = (uint8_t *)cairn_arena_of(side) + CAIRN_ARENA_BYTES; /* an arena is behind it */
  uint8_t *bytes = end - CAIRN_SIDE_PLACES_BYTES;
  return (uint64_t *)(void *)(bytes + CAIRN_SIDE_PLACES) + (side - bytes);
}

#endif

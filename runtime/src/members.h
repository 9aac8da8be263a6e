/* Walking the collector's set: the pages that members lie in, the blocks of a page with their side
 * bytes, the objects that a member holds.
 *
 * All inline: a phase of a collection is a few instructions for each object, and is as fast as its
 * walk.  What this is not: it decides nothing (detect.c, reclaim.c).
 */
#ifndef CAIRN_MEMBERS_H
#define CAIRN_MEMBERS_H

#include "collect.h"

#define CAIRN_INLINE static inline __attribute__((always_inline))

/* ---- pages ----------------------------------------------------------------------------------- */

/* One page's blocks and their side bytes. */
struct cairn_blocks {
  struct cairn_arena *arena;
  struct cairn_page *page;
  char *memory;
  uint8_t *sides; /* of the page's first place */
  size_t stride;  /* from a block to the next */
};

CAIRN_INLINE struct cairn_blocks cairn_blocks_of(struct cairn_arena *arena, uint32_t index) {
  struct cairn_page *page = cairn_arena_page(arena, index);
  char *memory = cairn_page_memory(arena, page);
  return (struct cairn_blocks){arena, page, memory, cairn_side_byte(memory),
                               (size_t)page->block_bytes};
}

CAIRN_INLINE uint8_t *cairn_blocks_side(const struct cairn_blocks *blocks, size_t offset) {
  return blocks->sides + (offset >> CAIRN_SIDE_GRAIN_SHIFT);
}

CAIRN_INLINE cairn_object *cairn_blocks_object(const struct cairn_blocks *blocks, size_t offset) {
  return (cairn_object *)(void *)(blocks->memory + offset);
}

/* How far the blocks reach that were ever used. */
CAIRN_INLINE size_t cairn_blocks_end(const struct cairn_blocks *blocks) {
  return blocks->page->fresh * blocks->stride;
}

/* The first block from `offset` on, and before `end`, that holds a member; else what is not before
 * `end`. */
CAIRN_INLINE size_t cairn_blocks_next_member(const struct cairn_blocks *blocks, size_t offset,
                                             size_t end) {
  while (offset < end && *cairn_blocks_side(blocks, offset) == CAIRN_TRIAL_NONE) {
    offset += blocks->stride;
  }
  return offset;
}

/* How many side bytes to look at for all of the page's blocks that were ever used: whole words of
 * them.  (A large block has one.) */
CAIRN_INLINE size_t cairn_blocks_places(const struct cairn_blocks *blocks) {
  enum { WORD_SHIFT = CAIRN_SIDE_GRAIN_SHIFT + 3 };
  if (blocks->page->kind != CAIRN_PAGE_BLOCKS) return 1;
  return ((cairn_blocks_end(blocks) + (1 << WORD_SHIFT) - 1) >> WORD_SHIFT) * sizeof(uint64_t);
}

/* True when a side byte of the page has one of the bits. */
CAIRN_INLINE bool cairn_blocks_have(const struct cairn_blocks *blocks, uint8_t bits) {
  if (blocks->page->kind != CAIRN_PAGE_BLOCKS) return (*blocks->sides & bits) != 0;
  uint64_t all = 0;
  size_t places = cairn_blocks_places(blocks);
  for (size_t i = 0; i < places; i += sizeof all) {
    uint64_t some;
    memcpy(&some, blocks->sides + i, sizeof some);
    all |= some;
  }
  return (all & 0x0101010101010101ull * bits) != 0;
}

/* The sum of `bytes` side bytes (at most 255 words of them), each 0 or 1. */
static inline uint32_t cairn_sides_sum(const uint8_t *sides, size_t bytes) {
  const uint64_t even = 0x00ff00ff00ff00ffull;
  uint64_t sums = 0; /* a byte each */
  for (size_t i = 0; i < bytes; i += sizeof sums) {
    uint64_t some;
    memcpy(&some, sides + i, sizeof some);
    sums += some;
  }
  sums = (sums & even) + (sums >> 8 & even);
  return (uint32_t)(sums * 0x0001000100010001ull >> 48);
}

/* How many members are left in the page when all that is kept has gone. */
static inline uint32_t cairn_blocks_garbage(const struct cairn_blocks *blocks) {
  enum { HALF = CAIRN_SIDE_PAGE_PLACES / 2 };
  if (blocks->page->kind != CAIRN_PAGE_BLOCKS) return *blocks->sides;
  size_t places = cairn_blocks_places(blocks);
  if (places <= HALF) return cairn_sides_sum(blocks->sides, places);
  return cairn_sides_sum(blocks->sides, HALF) +
         cairn_sides_sum(blocks->sides + HALF, places - HALF);
}

/* The bits of pages, lowest first: takes the next out of `bits` (which are not all 0). */
CAIRN_INLINE uint32_t cairn_bits_take_first(uint64_t bits[2]) {
  uint32_t word = bits[0] == 0;
  uint32_t bit = (uint32_t)__builtin_ctzll(bits[word]);
  bits[word] &= bits[word] - 1;
  return word * 64 + bit;
}

CAIRN_INLINE uint32_t cairn_bits_take_last(uint64_t bits[2]) {
  uint32_t word = bits[1] != 0;
  uint32_t bit = 63 - (uint32_t)__builtin_clzll(bits[word]);
  bits[word] &= ~(1ull << bit);
  return word * 64 + bit;
}

CAIRN_INLINE void cairn_bits_set(uint64_t bits[2], uint32_t index) {
  bits[index / 64] |= 1ull << index % 64;
}

/* A huge arena's one block starts on its page 1, so 128 bits are enough for it too. */
CAIRN_INLINE uint32_t cairn_page_index(const struct cairn_arena *arena, const void *block) {
  return (uint32_t)(((uintptr_t)block - (uintptr_t)arena) >> arena->page_shift);
}

CAIRN_INLINE void cairn_page_gather(const cairn_object *object) {
  struct cairn_arena *arena = cairn_arena_of(object);
  cairn_bits_set(arena->gathered, cairn_page_index(arena, object));
}

typedef void (*cairn_blocks_fn)(cairn_heap *heap, struct cairn_blocks blocks, void *context);

/* Calls `visit` for each page with members, in address order.  The arena of the page must outlive
 * the call; others may come and go in it. */
CAIRN_INLINE void cairn_each_gathered(cairn_heap *heap, cairn_blocks_fn visit, void *context) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      visit(heap, cairn_blocks_of(arena, cairn_bits_take_first(bits)), context);
    }
  }
}

/* ---- objects --------------------------------------------------------------------------------- */

/* The type that a walk met last: neighbours often have the same.  The walk has it in registers. */
struct cairn_kind {
  const struct cairn_type *type;
  uint32_t index;
  struct cairn_run run;
};

CAIRN_INLINE void cairn_kind_meet(const cairn_heap *heap, uint64_t header,
                                  struct cairn_kind *kind) {
  uint32_t index = (uint32_t)(header >> CAIRN_TYPE_SHIFT) & CAIRN_TYPE_MAX;
  if (index == kind->index) {
    assert(kind->type != NULL); /* no object is of type 0 */
    return;
  }
  const struct cairn_type *type = cairn_type_at(heap, index);
  *kind = (struct cairn_kind){type, index, type->strong_run};
}

CAIRN_INLINE cairn_word *cairn_run_words(struct cairn_run run, cairn_object *object) {
  return (cairn_word *)(void *)((char *)object + run.offset);
}

/* Calls `visit` for each object that a member of the type holds. */
CAIRN_INLINE void cairn_each_child(const struct cairn_type *type, cairn_object *object,
                                   cairn_visit_fn visit, void *context) {
  if (type->strong_run.count != CAIRN_RUN_NONE) {
    const cairn_word *word = cairn_run_words(type->strong_run, object);
    for (uint32_t i = 0; i < type->strong_run.count; i++) {
      if (word[i] != 0) visit((cairn_object *)(uintptr_t)word[i], context);
    }
    return;
  }
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  const cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor.slot, *word);
    if (child != NULL) visit(child, context);
  }
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) {
    cairn_type_traverser(type)(object, visit, context);
  }
}

#endif

/* The fast ways of a block: from the row of free blocks that its size class keeps ready, and back.
 *
 * A row is a small stack: what was freed last is handed out first, while it is still in the cache.
 * Its blocks have a header of 0 and stand in no page's list; the pages count them as handed out.
 *
 * Invariants:
 *  - heap->hot_rows[c] holds blocks of size class c alone; capacity 0: it is empty and stays so.
 *  - The row behind the last class (cairn_hot_none) has a capacity of 0 for ever: for what has no
 *    class, or none that its type knows, so that the fast ways fail by their ordinary test.
 *  - While heap->slow has one of CAIRN_SLOW_CLOSED every capacity is 0.
 *
 * Counters: a block that is popped becomes an object or a buffer, so that pushed and popped are all
 * that an allocation and a death count; cairn_counts_of has the sums.
 *
 * What this is not: the slow ways (hot.c), and pages (page.c).
 */
#ifndef CAIRN_HOT_H
#define CAIRN_HOT_H

#include "internal.h"

static inline struct cairn_hot *cairn_hot_none(cairn_heap *heap) {
  return &heap->hot_rows[CAIRN_SIZE_CLASSES];
}

static inline uint64_t cairn_hot_count(const struct cairn_hot *row) {
  return row->pushed - row->popped;
}

/* Takes the last of `count` blocks, which is not 0: a free block (header 0, the rest is whatever
 * was there). */
static inline void *cairn_hot_pop(struct cairn_hot *row, uint64_t count) {
  void *block = row->blocks[count - 1];
  row->popped++;
  return block;
}

/* The slow way to a block (hot.c): as cairn_block_new without the zeroing. */
void *cairn_block_find(cairn_heap *heap, size_t bytes);

/* Two words, stored at once. */
typedef uint64_t cairn_pair __attribute__((vector_size(16), aligned(8), may_alias));

/* Zeroes `count` pairs from `first` on and as many that end at `end`, which may overlap them. */
static inline void cairn_ends_zero(char *first, char *end, size_t count) {
  for (size_t i = 0; i < count; i++) {
    ((cairn_pair *)(void *)first)[i] = (cairn_pair){0, 0};
    ((cairn_pair *)(void *)end)[-1 - (ptrdiff_t)i] = (cairn_pair){0, 0};
  }
}

/* As cairn_block_zero, out of line, for any number of bytes. */
void cairn_large_zero(void *block, size_t bytes);

/* Zeroes a block whose header is 0; `bytes` is a multiple of 8 and at least 16. */
static inline void cairn_block_zero(void *block, size_t bytes) {
  char *first = block, *end = first + bytes;
  if (bytes <= 32) {
    cairn_ends_zero(first, end, 1);
  } else if (bytes <= 64) {
    cairn_ends_zero(first, end, 2);
  } else if (bytes <= 128) {
    cairn_ends_zero(first, end, 4);
  } else if (bytes <= 256) {
    cairn_ends_zero(first, end, 8);
  } else {
    cairn_large_zero(block, bytes);
  }
}

/* Makes an object of its zeroed block: one store. */
static inline void cairn_object_publish(cairn_object *object, uint64_t header) {
  CAIRN_ORDER();
  object->header = header;
  CAIRN_ORDER();
}

/* Makes the block live: one store; a buffer is counted then. */
static inline void cairn_block_publish(cairn_heap *heap, void *block, uint64_t header) {
  cairn_object_publish((cairn_object *)block, header);
  if ((header & CAIRN_STATE(BUFFER)) == 0) return;
  heap->buffer_count++;
  heap->buffer_made_count++;
}

/* As cairn_object_free where the row is full, or closed. */
void cairn_object_free_full(cairn_heap *heap, struct cairn_hot *row, cairn_object *object);

/* Puts a free block on top of a row with `count` blocks and room for one more. */
static inline void cairn_hot_push(struct cairn_hot *row, uint64_t count, void *block) {
  row->blocks[count] = block;
  CAIRN_ORDER();
  row->pushed++;
}

/* Makes the object, whose slots are cleared, a free block: one store.  `row` is its size class's,
 * or cairn_hot_none. */
static inline void cairn_object_free(cairn_heap *heap, struct cairn_hot *row,
                                     cairn_object *object) {
  uint64_t count = cairn_hot_count(row);
  if (CAIRN_UNLIKELY(count >= row->capacity)) {
    cairn_object_free_full(heap, row, object);
    return;
  }
  CAIRN_ORDER();
  object->header = 0;
  CAIRN_ORDER();
  cairn_hot_push(row, count, object);
}

#endif

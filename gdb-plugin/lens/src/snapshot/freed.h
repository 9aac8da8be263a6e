/* Blocks that malloc gave out and got back: what words in them say is no longer so.
 *
 * Invariant: a block is taken for freed only where glibc's own books say so, and where these agree
 * with each other: from the first chunk on each one's size leads to the next, up to the end of the
 * top chunk, which must be the end of the heap; only chunks of such a heap can be freed ones.  An
 * allocator of another kind, a version with other books, a heap in pieces or one that was
 * overwritten: nothing is taken for freed there.
 */
#ifndef LENS_FREED_H
#define LENS_FREED_H

#include "lens.h"
#include "memory/column.h"
#include "memory/slice.h"

/* A heap of malloc, one mapping: [start, top) are chunks, [top, end) was never given out or came
 * back. */
struct lens_freed_heap {
  uint64_t start, end, top, arena; /* arena: glibc's malloc_state of it; 0: not found */
  struct lens_column starts;       /* a bit for each 16 bytes: a chunk starts there */
  struct lens_column freed;        /* the same: and it is free */
};

enum lens_freed_phase {
  LENS_FREED_WALK,
  LENS_FREED_CACHES,
  LENS_FREED_STATES,
  LENS_FREED_LISTS,
  LENS_FREED_DONE
};

struct lens_freed {
  lens_region *ranges; /* foreign ones */
  uint64_t range_count, range;
  struct lens_freed_heap *heaps; /* by address */
  size_t heap_count, heap_capacity;
  uint64_t *caches; /* chunks of the size of a thread's cache */
  size_t cache_count, cache_capacity, cache;
  uint32_t phase; /* enum lens_freed_phase */
  /* In hand: a heap that is walked (its last row) and where; a list of an arena. */
  uint64_t at, size_before;
  size_t list_heap;
  uint32_t list;
  bool walking;
};

/* Looks for the blocks.  LENS_AGAIN until that is done. */
lens_status lens_freed_step(lens *self, const lens_slice *slice);
/* True when the word at `address` lies in a block that was given back. */
bool lens_freed_holds(const struct lens_freed *self, uint64_t address);
void lens_freed_free(struct lens_freed *self);

#endif

/* The check: is the heap what it says of itself?
 *
 * Two sweeps look at every block (check_blocks.c: first all are counted and buffers noted, then
 * slots and owners of buffers are followed); passes over the pages and over the counts follow
 * (check_pages.c, check.c).  Each finding is a problem with an address; nothing that is found stops
 * the check.
 *
 * An operation of the runtime has a block in its hands for some instructions: taken, not yet live.
 * Such a block is a note, not a problem, as long as there are not more than LENS_IN_HAND_MAX a
 * heap.
 */
#ifndef LENS_CHECK_H
#define LENS_CHECK_H

#include "memory/column.h"
#include "model/plan.h"
#include "model/sweep.h"

enum {
  LENS_IN_HAND_MAX = 4,
  LENS_MOVING_MAX = 64 /* while heap.flux says that blocks move between pages and ready ones */
};

/* What the sweep counted in one heap. */
struct lens_heap_tally {
  uint64_t objects, buffers, bytes, candidates; /* objects: the dying ones too */
  uint64_t in_hand;    /* blocks that are neither live nor in a free list */
  uint64_t unreadable; /* damaged or unreadable: the sums can't be trusted */
};

/* What the sweep counted in one page, and where its blocks' bits begin. */
struct lens_page_tally {
  uint64_t first_block;
  uint32_t used, seen; /* blocks with a header; blocks whose header could be read (0: no bits) */
};

enum lens_check_phase {
  LENS_CHECK_IDLE,
  LENS_CHECK_BLOCKS,
  LENS_CHECK_SLOTS,
  LENS_CHECK_OWNERS,
  LENS_CHECK_PAGES,
  LENS_CHECK_COUNTS,
  LENS_CHECK_DONE
};

struct lens_check_state {
  uint8_t phase;
  struct lens_sweep sweep;
  struct lens_plans plans;
  struct lens_heap_tally *heaps;
  struct lens_page_tally *pages;     /* by page row */
  uint64_t *arena_page_rows;         /* by arena: the row of its first page */
  struct lens_column buffers, owned; /* a bit a block, in uint64_t */
  uint64_t block_count;
  uint64_t row;         /* the next object of the snapshot */
  uint32_t arena, page; /* where the pass over the pages stands */
  struct lens_run_copy copy;
  struct lens_slots slots; /* of an object that may be as large as the heap: */
  bool iterating;
  lens_check_totals totals;
};

#define LENS_FOUND(self, severity, address, ...) \
  lens_problem_add(self, LENS_SOURCE_CHECK, severity, address, __VA_ARGS__)

/* check_blocks.c.  Each: LENS_AGAIN / LENS_OK. */
lens_status lens_check_blocks(lens *self, const lens_slice *slice);
lens_status lens_check_slots(lens *self, const lens_slice *slice);
/* Buffers that no declared slot leads to: those that no word of an object leads to either are
 * problems. */
lens_status lens_check_owners(lens *self, const lens_slice *slice);
/* check_pages.c */
lens_status lens_check_pages(lens *self, const lens_slice *slice);
lens_status lens_check_heaps(lens *self);

void lens_check_free(struct lens_check_state *self);

#endif

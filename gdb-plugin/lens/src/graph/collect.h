/* The collector's arithmetic, in progress and done (collect.c). */
#ifndef LENS_COLLECT_H
#define LENS_COLLECT_H

#include "memory/column.h"
#include "memory/slice.h"
#include "model.h"

enum lens_collect_phase {
  LENS_COLLECTING_IDLE,
  LENS_COLLECTING_CANDIDATES,
  LENS_COLLECTING_FOLLOW,
  LENS_COLLECTING_MEMBERS,
  LENS_COLLECTING_SUBTRACT,
  LENS_COLLECTING_RESTORE,
  LENS_COLLECTING_RELEASE,
  LENS_COLLECTING_FALL,
  LENS_COLLECTING_SWEEP,
  LENS_COLLECTING_DONE
};

struct lens_collector {
  uint8_t phase; /* enum lens_collect_phase */
  uint32_t heap; /* LENS_NONE: all */
  bool local;
  struct lens_column members;  /* a bit an object, in uint64_t */
  struct lens_column verdict;  /* uint8_t */
  struct lens_column internal; /* uint32_t */
  struct lens_column released; /* uint32_t */
  struct lens_column queue; /* uint32_t: the objects whose turn is to come, queue[head .. tail) */
  uint64_t row, head, tail;
  uint64_t
      edge; /* 1 + that of queue[head] to follow next, or of `row` to be counted; 0: the first */
  uint64_t sum;                          /* of row's edges so far */
  uint64_t *heap_members, *heap_objects; /* by heap; of a local collection */
  bool *heap_full;                       /* by heap: all that may be are members */
  lens_collected totals;
};

/* lens_collect in a slice of the caller's. */
lens_status lens_collect_in(lens *self, uint32_t heap, uint32_t local, const lens_slice *slice,
                            lens_progress *progress);
void lens_collector_free(struct lens_collector *self);

#endif

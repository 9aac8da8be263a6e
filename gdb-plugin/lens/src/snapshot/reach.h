/* Reachability over the index: which objects a set of starts keeps alive. */
#ifndef LENS_REACH_H
#define LENS_REACH_H

#include "memory/column.h"
#include "memory/slice.h"
#include "model.h"

struct lens_reach {
  bool started, complete;
  const uint32_t *starts; /* the question: another one begins anew */
  uint64_t start_count;
  uint32_t from;
  struct lens_column marks; /* a bit an object, in uint64_t */
  struct lens_column queue; /* uint32_t: the objects marked so far, in the order met */
  struct lens_holding_place held;
  bool flux;            /* what is in flux is marked */
  uint64_t start, root; /* the next ones to be marked */
  uint64_t row;         /* the next one whose state may make it a start */
  uint64_t tail, head;  /* queue[head .. tail) have not been followed */
  uint64_t edge;        /* 1 + that of queue[head] to follow next; 0: it has not begun */
  uint64_t bytes;
};

/* lens_reach in a slice of the caller's. */
lens_status lens_reach_in(lens *self, const uint32_t *starts, uint64_t start_count, uint32_t from,
                          const lens_slice *slice, lens_progress *progress);
void lens_reach_free(struct lens_reach *self);

#endif

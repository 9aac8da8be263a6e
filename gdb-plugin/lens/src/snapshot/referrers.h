/* Who holds one object: the answer of the last question, kept while the same is asked. */
#ifndef LENS_REFERRERS_H
#define LENS_REFERRERS_H

#include "model/plan.h"
#include "model/sweep.h"

/* An object with at least one reference to the one in question. */
struct lens_holder {
  uint64_t address;
  uint64_t slots; /* how many, of all kinds */
};

enum lens_referrers_phase {
  LENS_REFERRERS_IDLE,
  LENS_REFERRERS_SWEEP,
  LENS_REFERRERS_SORT,
  LENS_REFERRERS_DONE
};

struct lens_referrers_state {
  uint8_t phase;
  uint64_t target;
  bool soft_only; /* the index knows all holders but those of types with weak or borrowed slots */
  struct lens_sweep sweep;
  uint64_t *soft_pages; /* then: a bit a page row, the pages with objects of such types */
  struct lens_plans plans;
  struct lens_holder *holders;
  size_t holder_count, holder_capacity;
  uint64_t strong, opaque, total; /* slots */
  struct lens_run_copy copy;
};

/* Finds all holders of the block at `target`; LENS_AGAIN / LENS_OK.  The answer is in
 * analysis->referrers. */
lens_status lens_referrers_find(lens *self, uint64_t target, const lens_slice *slice);
void lens_referrers_free(struct lens_referrers_state *self);

#endif

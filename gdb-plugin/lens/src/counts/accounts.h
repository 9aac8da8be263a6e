/* The accounts of all objects: what explains each count. */
#ifndef LENS_ACCOUNTS_H
#define LENS_ACCOUNTS_H

#include "memory/column.h"
#include "model.h"

struct lens_accounts_state {
  bool started, complete;
  struct lens_column heap_refs, opaque_refs, root_refs, runtime_refs; /* uint32_t */
  struct lens_column verdict;                                         /* uint8_t */
  struct lens_holding_place held;
  uint64_t suspect, edge, root; /* the next to be counted; edge: 0, or of the suspect */
  bool counted;                 /* what is sparse is */
  uint64_t row;                 /* the next one to be judged */
  lens_accounts totals;
};

/* lens_account_all in a slice of the caller's. */
lens_status lens_account_all_in(lens *self, const lens_slice *slice, lens_progress *progress);
void lens_accounts_free(struct lens_accounts_state *self);

#endif

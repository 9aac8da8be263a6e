/* The analysis: all that the upper half of the lens keeps for one stop of the target.
 *
 * Made by the first question, freed as a whole by lens_refresh and lens_free.  Each part is the
 * business of one file; a part may use the parts above it and not those below.
 */
#ifndef LENS_ANALYSIS_H
#define LENS_ANALYSIS_H

#include "counts/accounts.h"
#include "counts/audit.h"
#include "counts/check.h"
#include "graph/alike.h"
#include "graph/collect.h"
#include "graph/cycles.h"
#include "graph/leaks.h"
#include "graph/opened.h"
#include "graph/owners.h"
#include "graph/paths.h"
#include "graph/retained.h"
#include "moments/moment.h"
#include "pairing/pairs.h"
#include "snapshot/freed.h"
#include "snapshot/index.h"
#include "snapshot/reach.h"
#include "snapshot/referrers.h"
#include "snapshot/roots.h"
#include "snapshot/snapshot.h"
#include "snapshot/weights.h"

struct lens_analysis {
  struct lens_walker walker;     /* walk.c */
  struct lens_snapshot snapshot; /* walk.c */
  struct lens_indexer indexer;   /* index.c */
  struct lens_index index;       /* edges.c, reverse.c */
  struct lens_reach reach;       /* reach.c */
  struct lens_referrers_state referrers;
  struct lens_freed freed; /* freed.c */
  struct lens_roots roots;
  struct lens_accounts_state accounts;
  struct lens_audit_state audit;
  struct lens_pairs_state pairs; /* histories.c, match.c, learn.c, blame.c */
  struct lens_check_state check;
  struct lens_weights weights;     /* weights.c */
  struct lens_cycles cycles;       /* components.c, cycles.c */
  struct lens_collector collector; /* collect.c */
  struct lens_taking taking;       /* moment_take.c */
  struct lens_alike alike;         /* alike.c */
  struct lens_owners owners;       /* owners.c */
  struct lens_opened opened;       /* opened.c, breaks.c */
  struct lens_retained retained;   /* dominators.c, retained.c, retained_types.c */
  struct lens_leaks_state leaks;   /* leaks.c */
  struct lens_paths_state paths;   /* paths*.c */
};

/* The analysis of this lens, made where there is none; NULL when out of memory. */
struct lens_analysis *lens_analysis_of(lens *self);

/* What was worked out from the roots holds no longer: they were changed. */
void lens_roots_changed(lens *self);

/* Calls `visit` with the snapshot index of each object that the runtime itself holds, through its
 * own slots or in a function that runs, once a reference.  LENS_AGAIN: the slice is over, and *at
 * says where to go on; without one turns are taken. */
typedef void (*lens_object_visit_fn)(void *context, uint32_t object);
lens_status lens_runtime_visit(lens *self, struct lens_holding_place *at, const lens_slice *slice,
                               lens_object_visit_fn visit, void *context);

static inline lens_status lens_out_of_memory(lens *self) {
  return lens_fail(self, LENS_NO_MEMORY, "out of memory");
}

static inline void lens_progress_set(lens_progress *progress, const char *phase, uint64_t done,
                                     uint64_t total) {
  if (progress != NULL) *progress = (lens_progress){phase, done, total};
}

#endif

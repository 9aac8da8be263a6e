/* The search for ways, in progress and done (paths.c, paths_soft.c, paths_variants.c).
 *
 * Invariants:
 *  - distance[i] is 1 + the steps from object i to the target, 0 where it was not met; next[i] is
 *    the object one step nearer.
 *  - queue[0 .. tail) are the objects met, by distance.
 *  - A way with a state goes from state to state by `parent`, any other from object to object by
 *    `next`.
 */
#ifndef LENS_PATHS_H
#define LENS_PATHS_H

#include "memory/column.h"
#include "model.h"

enum lens_paths_phase {
  LENS_PATHS_IDLE,
  LENS_PATHS_HELD,     /* which objects the runtime holds */
  LENS_PATHS_STARTS,   /* which objects something starts at */
  LENS_PATHS_PAIRS,    /* soft: reading who holds whom weakly */
  LENS_PATHS_COUNT,    /* soft: how often each object is held so */
  LENS_PATHS_PLACE,    /* soft: holders by target */
  LENS_PATHS_BACKWARD, /* from the target to its holders, until there are enough starts */
  LENS_PATHS_FORWARD,  /* how far each of them is from a start */
  LENS_PATHS_VARIANTS, /* other ways from the same starts */
  LENS_PATHS_DONE
};

struct lens_found_way {
  lens_way shown;
  uint32_t state; /* LENS_NONE: by `next` */
};

/* A part of a way: from an object to the target. */
struct lens_way_state {
  uint32_t object, parent; /* parent: the state one step nearer; LENS_NONE at the target */
  uint32_t steps;          /* to the target */
  uint32_t is_first;       /* every step is that of `next`: the way is known already */
};

/* A state that waits: at least `steps` long when it is a whole way. */
struct lens_waiting {
  uint64_t key; /* 2 * steps, + 1 where it is to be gone on with */
  uint32_t state;
};

struct lens_paths_state {
  uint8_t phase;
  uint32_t target;
  uint64_t wanted;
  bool soft;
  struct lens_column pairs;                   /* uint64_t: target << 32 | holder */
  struct lens_column soft_start, soft_source; /* uint32_t */
  struct lens_column held;                    /* a bit an object: the runtime holds it */
  struct lens_holding_place holding;
  struct lens_column starting; /* a bit an object: something starts there */
  uint64_t pair_count, row;
  struct lens_column distance, next, queue; /* uint32_t */
  uint64_t head, tail, level_end;
  uint64_t edge; /* 1 + the edge to the queue's head to be met next; 0: its turn has not come */
  struct lens_best *best; /* starts of the level, the surest on top */
  uint64_t best_count;
  struct lens_column from_start;               /* uint32_t: 1 + steps from the nearest start */
  struct lens_column states, waiting;          /* lens_way_state, lens_waiting */
  uint64_t state_count, waiting_count, looked; /* looked: steps of the search for variants */
  struct lens_found_way *ways;
  lens_paths_totals totals;
};

/* Phases of the other files.  LENS_AGAIN / LENS_OK. */
lens_status lens_paths_soft_step(lens *self, const lens_slice *slice);
lens_status lens_paths_variants_begin(lens *self);
lens_status lens_paths_variants_step(lens *self, const lens_slice *slice);

/* What starts at an object: calls `visit` for each. */
typedef void (*lens_start_fn)(void *context, uint32_t start, uint64_t root, uint32_t object);
void lens_starts_visit(const lens *self, uint32_t object, lens_start_fn visit, void *context);
bool lens_starts_any(const lens *self, uint32_t object);

void lens_paths_free(struct lens_paths_state *self);

#endif

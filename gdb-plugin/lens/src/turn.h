/* Turns: what is answered in one go, without slices, lets the caller end it.
 *
 * Choosing rows, adding up and other short passes keep no state from call to call, as slices would
 * have to.  They take a turn once so many rows; every 50 ms or sooner the caller's function is
 * asked whether to go on (lens_turn_set).  Where a turn ends a call the counts that it was to fill
 * are as they were; rows may be filled in part.
 */
#ifndef LENS_TURN_H
#define LENS_TURN_H

#include "memory/best.h"
#include "model.h"

enum { LENS_TURN_ROWS = 1 << 13 };

/* LENS_OK: go on.  LENS_CANCELLED: the caller wants no answer. */
lens_status lens_turn(lens *self);
/* A turn at each LENS_TURN_ROWS-th row. */
static inline lens_status lens_turn_at(lens *self, uint64_t row) {
  return row % LENS_TURN_ROWS != 0 ? LENS_OK : lens_turn(self);
}
/* lens_best_sort, with turns. */
lens_status lens_turn_sort(lens *self, struct lens_best *rows, uint64_t count);

#endif

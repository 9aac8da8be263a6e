/* Owners: declared slots by which objects hold what nobody else holds.
 *
 * A scope owns its table: whatever scope is looked at, its table has a count of 1.  A slot that
 * leads back, as from a child to its parent, holds what others hold too.  Of each type some objects
 * are looked at, spread over all of them: this is advice, and no proof.
 */
#ifndef LENS_OWNERS_H
#define LENS_OWNERS_H

#include "graph/edge_slots.h"
#include "memory/map.h"
#include "memory/slice.h"

enum lens_owners_phase { LENS_OWNERS_IDLE, LENS_OWNERS_COUNT, LENS_OWNERS_LOOK, LENS_OWNERS_DONE };

struct lens_owners {
  uint8_t phase;         /* enum lens_owners_phase */
  struct lens_map slots; /* type, slot and part -> 1: holds alone, 2: holds with others, added up */
  uint32_t *counts;      /* by flat type: objects; then those that were met */
  uint32_t *strides;     /* by flat type: each so many-th is looked at */
  uint64_t row;
  struct lens_edge_slots reading;
};

/* LENS_AGAIN / LENS_OK; needs the index. */
lens_status lens_owners_step(lens *self, const lens_slice *slice);
/* Whether the slot holds alone whatever it holds; false where it holds nothing. */
bool lens_owners_alone(const lens *self, uint32_t type, uint32_t slot, uint32_t part);
void lens_owners_free(struct lens_owners *self);

#endif

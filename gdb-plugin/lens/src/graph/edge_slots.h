/* The edges of an object with their slots: the index knows who holds whom, the bytes by which slot.
 *
 * Edges come in the index's order.  A plain object of which no slot is empty has its slots in that
 * order, and nothing is read; others are read again.  Where the bytes and the index disagree
 * (memory that changed, that is gone) the slot is not known.
 */
#ifndef LENS_EDGE_SLOTS_H
#define LENS_EDGE_SLOTS_H

#include "model/object.h"
#include "model/plan.h"

typedef struct lens_edge_slot {
  uint32_t holder, target;   /* objects of the snapshot */
  uint32_t type, slot, part; /* the declared one: flat type, row of its slots; LENS_NONE: none */
} lens_edge_slot;

/* False: out of memory; the reading ends. */
typedef bool (*lens_edge_slot_fn)(lens *self, void *context, const lens_edge_slot *edge);

/* Where a reading is; all zero at the start, but for the plans. */
struct lens_edge_slots {
  struct lens_plans plans;
  uint64_t edge;       /* the next one to be told */
  bool begun, holding; /* an object is being read; its bytes are in hand */
  struct lens_held held;
  struct lens_slots slots;
};

/* Tells all edges of one object: LENS_OK; or LENS_AGAIN when the budget, one an edge, is used up:
 * the same object again then.  Needs the index. */
lens_status lens_edge_slots_of(lens *self, struct lens_edge_slots *reading, uint32_t object,
                               uint64_t *budget, lens_edge_slot_fn visit, void *context);

void lens_edge_slots_free(struct lens_edge_slots *reading);

#endif

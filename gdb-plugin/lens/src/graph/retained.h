/* Retained sizes: what would go with each object and with its roots, summed up the tree of
 * dominators; and with all objects of each type.
 *
 * Invariants:
 *  - Rows are by number (dominators.h): an object's row is tree.number[object], that of the roots
 *    of rooted[i] tree.entry[i].
 *  - bytes[n] and objects[n] are those of n and of all below it in the tree; roots weigh nothing.
 */
#ifndef LENS_RETAINED_H
#define LENS_RETAINED_H

#include "graph/dominators.h"
#include "snapshot/roots.h"

enum lens_retained_phase {
  LENS_RETAINED_IDLE,
  LENS_RETAINED_HELD,
  LENS_RETAINED_STANDING,
  LENS_RETAINED_ROOTED,
  LENS_RETAINED_TREE,
  LENS_RETAINED_SUMS,
  LENS_RETAINED_TOTALS,
  LENS_RETAINED_DONE
};

/* By type, 64 types at a time (retained_types.c): `without[object]` has bit k where something
 * outside leads to the object without an object of type first + k. */
struct lens_by_type {
  bool started, counted, rooted, passing, complete;
  lens_retained_type *rows;         /* by flat type */
  uint32_t *chosen;                 /* flat types that have reached objects */
  uint8_t *bits;                    /* by flat type: its bit in this pass; 64: none */
  uint32_t chosen_count, first;     /* of `chosen`, in this pass */
  struct lens_column without;       /* uint64_t an object */
  struct lens_column queue, queued; /* uint32_t; a bit an object */
  uint64_t head, count, room;       /* the queue is a ring */
  uint64_t edge, at;                /* the next object, or entry, of what is being done */
};

struct lens_retained {
  uint8_t phase;
  struct lens_dominators tree;
  struct lens_column rooted; /* uint32_t: objects that roots hold, each once: the entries */
  uint64_t rooted_count, owning_count; /* the first ones may be owned by their roots */
  struct lens_holding_place held;
  struct lens_column standing;       /* a bit an object: the runtime holds it, or it is immortal */
  struct lens_column bytes, objects; /* uint64_t, uint32_t: by number */
  uint64_t at;
  bool owned; /* the objects that roots may own are gathered */
  lens_retained_totals totals;
  struct lens_by_type types;
};

/* What would go with an object; 0: nothing leads to it.  Needs LENS_RETAINED_DONE. */
static inline uint64_t lens_retained_bytes(const struct lens_retained *self, uint32_t object) {
  uint32_t number = ((const uint32_t *)self->tree.number.items)[object];
  return number == 0 ? 0 : ((const uint64_t *)self->bytes.items)[number];
}

/* lens_retained in a slice of the caller's. */
lens_status lens_retained_in(lens *self, const lens_slice *slice, lens_progress *progress);

void lens_by_type_free(struct lens_by_type *self);
void lens_retained_free(struct lens_retained *self);

#endif

/* Cycles: the components of the snapshot that have a cycle in them, what they weigh, and whether
 * anything outside leads to them.
 *
 * Invariants:
 *  - Cycle k is ring k of the components; its objects are members[rows[k].first_member ..
 *    + rows[k].object_count), ascending.
 *  - Components are of the edges alone and last as long as the snapshot; `judged` is of the roots.
 */
#ifndef LENS_CYCLES_H
#define LENS_CYCLES_H

#include "graph/components.h"
#include "snapshot/index.h"

struct lens_cycle_row {
  uint64_t first_member, object_count, bytes;
  uint32_t component;
  bool garbage;
};

struct lens_cycles {
  struct lens_components components;
  struct lens_column cycle_of; /* uint32_t a component: 1 + its cycle; 0: none */
  struct lens_column rows;     /* struct lens_cycle_row a cycle */
  struct lens_column members;  /* uint32_t */
  struct lens_column places;   /* uint32_t an object: where it stands among its cycle's members */
  uint64_t object;             /* the next one to be put among the members */
  bool complete;               /* the members are */
  bool marked;                 /* which are garbage is known */
  bool judged;                 /* and what they weigh: all is */
  uint64_t cycle, member;      /* the next ones to be weighed */
  lens_cycles_totals totals;
};

static inline struct lens_cycle_row *lens_cycle_rows(const struct lens_cycles *self) {
  return self->rows.items;
}
static inline const uint32_t *lens_cycle_members(const struct lens_cycles *self,
                                                 const struct lens_cycle_row *row) {
  return (const uint32_t *)self->members.items + row->first_member;
}

/* lens_components and lens_cycles in a slice of the caller's. */
lens_status lens_components_in(lens *self, const lens_slice *slice, lens_progress *progress);
lens_status lens_cycles_in(lens *self, const lens_slice *slice, lens_progress *progress);

/* The graph of the index. */
struct lens_graph lens_graph_of(const lens *self);

/* The cycles with that mark, or without marks those of the wanted kinds; as lens_cycles_select. */
lens_status lens_cycles_choose(lens *self, const uint32_t *marks, uint32_t mark, uint64_t capacity,
                               lens_cycle *rows, uint64_t *written, uint64_t *total);

/* The roots have changed. */
void lens_cycles_forget_roots(struct lens_cycles *self);
void lens_cycles_free(struct lens_cycles *self);

#endif

/* The leaks, in progress and done (leaks.c).
 *
 * Invariants, when done:
 *  - Garbage object i is node before[i / 64] + the set bits of garbage[i / 64] below i.
 *  - labels[components.component[node]] is 1 + the number of the row that the node belongs to.
 *
 * While labels are given, 0 is that of a component that nothing has led to so far, LENS_NONE that
 * of one that several rows have led to.
 */
#ifndef LENS_LEAKS_H
#define LENS_LEAKS_H

#include "graph/components.h"

enum lens_leaks_phase {
  LENS_LEAKS_IDLE,
  LENS_LEAKS_REACH,
  LENS_LEAKS_TAKE,       /* what was not reached */
  LENS_LEAKS_ROOTS,      /* how sure they are */
  LENS_LEAKS_NODES,      /* numbering the garbage */
  LENS_LEAKS_EDGES,      /* the graph between garbage objects */
  LENS_LEAKS_COMPONENTS, /* which of them hold each other */
  LENS_LEAKS_COUNT,      /* how many nodes each has */
  LENS_LEAKS_SORT,       /* nodes by component */
  LENS_LEAKS_LABELS,     /* which row each component belongs to */
  LENS_LEAKS_POINTED_TO, /* roots that lead to leaks all the same */
  LENS_LEAKS_DONE
};

/* The component in hand while labels are given. */
enum lens_leaks_stage { LENS_LEAKS_NEXT, LENS_LEAKS_SUM, LENS_LEAKS_PASS_ON };
struct lens_leaks_part {
  uint8_t stage;            /* enum lens_leaks_stage */
  bool begins, ring;        /* a row; its edges lead back into it */
  uint32_t component, node; /* node: the next of `sorted` */
  uint64_t edge;            /* of that node: 1 + the next to pass on to; 0: the first */
  uint64_t most;            /* the greatest surplus of one object */
  lens_leak sum;
};

struct lens_leaks_state {
  uint8_t phase;
  struct lens_column garbage; /* a bit an object, in uint64_t */
  struct lens_column before;  /* uint32_t a word of `garbage`: nodes of the words before it */
  struct lens_column objects; /* uint32_t a node: its object */
  uint64_t node_count;
  struct lens_column out_start, out_target; /* uint64_t, uint32_t: edges between nodes */
  struct lens_components components;
  struct lens_column first_of; /* uint32_t a component: its first node in `sorted` */
  struct lens_column sorted;   /* uint32_t: nodes by component */
  struct lens_column labels;   /* uint32_t a component */
  struct lens_column rows;     /* lens_leak: leaks, and what is held jointly */
  uint64_t row_count;
  uint64_t row;        /* where the phase stands */
  uint64_t edge;       /* 1 + the next of the node `row` to be looked at; 0: the first */
  uint64_t edge_count; /* between nodes, so far */
  struct lens_leaks_part part;
  lens_leaks_totals totals;
};

static inline const uint32_t *lens_leaks_component_of(const struct lens_leaks_state *self) {
  return self->components.component.items;
}

/* The node of a garbage object; LENS_NONE for others. */
static inline uint32_t lens_leaks_node_of(const struct lens_leaks_state *self, uint32_t object) {
  uint64_t word = ((const uint64_t *)self->garbage.items)[object / 64];
  uint64_t bit = 1ull << (object % 64);
  if ((word & bit) == 0) return LENS_NONE;
  return ((const uint32_t *)self->before.items)[object / 64] +
         (uint32_t)__builtin_popcountll(word & (bit - 1));
}

/* leaks_garbage.c: takes what was not reached, counts roots, numbers the words of `garbage`, then
 * links the nodes, each from `row` up to `end`. */
uint64_t lens_leaks_words(const lens *self);
lens_status lens_leaks_take_garbage(lens *self, uint64_t end);
void lens_leaks_count_roots(lens *self, uint64_t end);
lens_status lens_leaks_make_room(lens *self);
void lens_leaks_number(lens *self, uint64_t end);
lens_status lens_leaks_link(lens *self, const lens_slice *slice);

/* leaks_labels.c: once the components are known, counts the nodes of each and sorts them, from
 * `row` up to `end`; then gives the labels. */
lens_status lens_leaks_components_known(lens *self);
void lens_leaks_count(struct lens_leaks_state *self, uint64_t end);
void lens_leaks_sort(struct lens_leaks_state *self, uint64_t end);
lens_status lens_leaks_label_step(lens *self, const lens_slice *slice);

void lens_leaks_free(struct lens_leaks_state *self);

#endif

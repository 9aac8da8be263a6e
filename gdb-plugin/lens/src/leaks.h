/* The leaks, in progress and done (leaks.c).
 *
 * Invariants, when done:
 *  - Garbage object i is node before[i / 64] + the set bits of garbage[i / 64] below i.
 *  - labels[components.component[node]] is 1 + the number of the leak that the node belongs to, or
 *    LENS_NONE where several lead to it.
 */
#ifndef LENS_LEAKS_H
#define LENS_LEAKS_H

#include "components.h"

enum lens_leaks_phase {
  LENS_LEAKS_IDLE,
  LENS_LEAKS_REACH,
  LENS_LEAKS_NODES,      /* numbering the garbage */
  LENS_LEAKS_EDGES,      /* the graph between garbage objects */
  LENS_LEAKS_COMPONENTS, /* which of them hold each other */
  LENS_LEAKS_COUNT,      /* how many nodes each has */
  LENS_LEAKS_SORT,       /* nodes by component */
  LENS_LEAKS_LABELS,     /* which leak each component belongs to */
  LENS_LEAKS_DONE
};

/* The component in hand while labels are given. */
enum lens_leaks_stage { LENS_LEAKS_NEXT, LENS_LEAKS_SUM, LENS_LEAKS_PASS_ON };
struct lens_leaks_part {
  uint8_t stage; /* enum lens_leaks_stage */
  bool is_leak, ring;
  uint32_t component, node; /* node: the next of `sorted` */
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
  struct lens_column rows;     /* lens_leak */
  uint64_t leak_count;
  uint64_t row; /* where the phase stands */
  struct lens_leaks_part part;
  lens_leaks_totals totals;
};

void lens_leaks_free(struct lens_leaks_state *self);

#endif

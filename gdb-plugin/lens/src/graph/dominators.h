/* Dominators: for each node that something outside leads to, the node that all ways to it go
 * through, nearest to it; and so, what would go if that went.
 *
 * Outside are entries (slots that hold one node each, nodes of the answer themselves) and nodes
 * that stand by themselves.  Above all of them is node 0 of the answer, which is nobody.
 *
 * Semi-NCA (Georgiadis): a depth-first search numbers the nodes; semidominators follow in
 * descending order, with sets instead of compressed ways, dominators in ascending order by climbing
 * from the parent to the semidominator.  The climb goes by jump pointers: without them a long chain
 * whose end holds many nodes that are also held elsewhere would take a step per node and link.  So
 * the whole is O(edges * log nodes) at worst, and near linear in practice.
 *
 * Nodes are called by their numbers wherever that is possible: arrays are then walked in order.
 */
#ifndef LENS_DOMINATORS_H
#define LENS_DOMINATORS_H

#include "graph/holds.h"
#include "model/links.h"

/* What leads into the graph from outside.  Of the entries behind the first `owning` only those
 * count that lead to nodes that the others, and what stands by itself, do not lead to. */
struct lens_entries {
  const uint32_t *nodes; /* entry i holds nodes[i] */
  uint64_t owning, count;
  const uint64_t *standing; /* a bit a node: it stands by itself */
};

/* A numbered node in its set, and the set in the heap (dominators_semi.c). */
struct lens_forest_row {
  uint32_t up; /* towards what stands for its set; what stands for a set leads to itself */
  /* Of what stands for a set: */
  uint32_t label, child, next;
};

/* A node that is being put above its children's sets: what of their heap is still to be looked at,
 * and what came of the rest. */
struct lens_cut {
  bool begun;
  uint32_t at, above, set, rest, pairs, top;
};

/* A numbered node in the tree of dominators, with a shortcut upwards. */
struct lens_climb_row {
  uint32_t dominator, jump, depth, reserved;
};

enum lens_dominators_phase {
  LENS_DOMINATORS_IDLE,
  LENS_DOMINATORS_LINKS,
  LENS_DOMINATORS_SEARCH,
  LENS_DOMINATORS_NUMBERS,
  LENS_DOMINATORS_SEMI,
  LENS_DOMINATORS_CLIMB,
  LENS_DOMINATORS_DONE
};

struct lens_dominators {
  uint8_t phase;
  /* The answer. */
  struct lens_column number; /* uint32_t a node; 0: nothing leads to it */
  struct lens_column vertex; /* uint32_t a number: the node, or node_count + entry */
  struct lens_column
      dominator; /* uint32_t a number: the dominator's, always lower (first the parent) */
  struct lens_column entry; /* uint32_t an entry: its number; 0: it does not count */
  uint64_t count;           /* numbers 1 .. count are in use */
  /* On the way. */
  struct lens_column links, frames; /* struct lens_link; uint64_t: the words of `trail` */
  struct lens_trail trail;
  struct lens_holds holds;          /* edges that are not of the search's tree; 0: from outside */
  struct lens_column semi;          /* uint32_t a number */
  struct lens_column forest, climb; /* struct lens_forest_row, lens_climb_row */
  uint64_t node, next_entry;
  uint64_t owned;  /* numbers up to here were given from owning entries and standing nodes */
  uint64_t sorted; /* 1 + the bucket of `holds` in hand */
  uint64_t edge;   /* of the number whose semidominator is sought: those from here on were seen */
  uint32_t least;  /* of its semidominators so far */
  bool begun;      /* that number */
  struct lens_cut cut;
};

/* LENS_AGAIN / LENS_OK / LENS_NO_MEMORY; graph (its edges in are not looked at) and entries stay
 * the same until it is done. */
lens_status lens_dominators_step(struct lens_dominators *self, const struct lens_graph *graph,
                                 const struct lens_entries *entries, const lens_slice *slice);
/* How far it is, of 4 * node_count. */
uint64_t lens_dominators_progress(const struct lens_dominators *self, uint64_t node_count);
void lens_dominators_free(struct lens_dominators *self);

/* dominators_order.c: the search and what it numbers. */
lens_status lens_dominators_search(struct lens_dominators *self, const struct lens_graph *graph,
                                   const struct lens_entries *entries, const lens_slice *slice);

/* dominators_semi.c: semi[number] of all numbers. */
lens_status lens_dominators_semi(struct lens_dominators *self, const lens_slice *slice);

#endif

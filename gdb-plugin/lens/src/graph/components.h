/* Strongly connected components: which nodes of a graph reach each other.
 *
 * Tarjan's algorithm in Pearce's form, one number a node, without recursion: frames are the way
 * from the start of the pass to where it is, and `waiting` the nodes that are done but whose
 * component is still open.  Both stay within as many rows as there are nodes, reserved before the
 * pass begins.
 *
 * Components are numbered in the order in which they are closed: edges that leave a component lead
 * to one with a lower number.
 */
#ifndef LENS_COMPONENTS_H
#define LENS_COMPONENTS_H

#include "model/links.h"

/* A component with a cycle in it: several nodes, or one that leads to itself. */
struct lens_ring {
  uint64_t node_count;
  uint32_t component, reserved;
};

enum lens_components_phase {
  LENS_COMPONENTS_IDLE,
  LENS_COMPONENTS_LINKS,
  LENS_COMPONENTS_SEARCH,
  LENS_COMPONENTS_NUMBERS,
  LENS_COMPONENTS_DONE
};

struct lens_components {
  uint8_t phase;
  struct lens_column
      component;            /* uint32_t a node, LENS_NONE: not in the graph; complete when done */
  struct lens_column rings; /* struct lens_ring, by component */
  uint64_t ring_count, ring_nodes;
  uint32_t component_count;
  /* The pass. */
  struct lens_column links, frames,
      waiting;               /* struct lens_link, uint64_t (words of `trail`), uint32_t */
  struct lens_trail trail;   /* a node's mark: its number is another one's by now */
  struct lens_column selves; /* a bit a node: it leads to itself */
  uint64_t node, waiting_count;
  uint64_t closed;  /* nodes whose component is known */
  uint32_t number;  /* of the node that was entered last, among those still open */
  uint64_t closing; /* nodes that the component being closed has so far */
};

/* LENS_AGAIN / LENS_OK / LENS_NO_MEMORY; the graph stays the same until it is done. */
lens_status lens_components_step(struct lens_components *self, const struct lens_graph *graph,
                                 const lens_slice *slice);
/* How far it is, of 2 * node_count. */
uint64_t lens_components_progress(const struct lens_components *self);
void lens_components_free(struct lens_components *self);

#endif

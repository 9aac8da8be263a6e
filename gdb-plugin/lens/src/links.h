/* Links: the edges of one object as a depth-first pass wants them, a record of 16 bytes a node.
 *
 * Most objects hold at most two others: their edges stand in the record itself, beside the number
 * that the pass gives the node.  On a shuffled heap a node then costs one visit to memory, not
 * three.  Nodes with more edges are looked up in the index.
 */
#ifndef LENS_LINKS_H
#define LENS_LINKS_H

#include "column.h"
#include "model.h"
#include "slice.h"

/* A graph in rows: node i's targets are out_target[out_start[i] .. out_start[i + 1]), those that
 * lead to it in_source[in_start[i] .. in_start[i + 1]). */
struct lens_graph {
  uint64_t node_count; /* below LENS_NONE */
  const uint64_t *out_start;
  const uint32_t *out_target;
  const uint64_t *in_start; /* NULL where a pass does not need them */
  const uint32_t *in_source;
  const uint64_t *only; /* a bit a node: the others are no part of the graph; NULL: all are */
};

static inline bool lens_graph_has(const struct lens_graph *graph, uint64_t node) {
  return graph->only == NULL || (graph->only[node / 64] >> (node % 64) & 1) != 0;
}

enum { LENS_LINKS_INLINE = 2, LENS_LINKS_MANY = 3 };

struct lens_link {
  uint32_t number;    /* the pass's own; 0: not met yet */
  uint32_t count;     /* of the targets below; LENS_LINKS_MANY: they stand in the index */
  uint32_t target[2]; /* the first ones */
};

/* A node on the way from the start of the pass to where it is. */
struct lens_link_frame {
  uint32_t node, number;
  uint64_t next; /* edge to follow next: of `target`, or of the index */
};

/* Fills links[from .. to) of the nodes that are in the graph. */
static inline void lens_links_fill(const struct lens_graph *graph, struct lens_link *links,
                                   uint64_t from, uint64_t to) {
  for (uint64_t i = from; i < to; i++) {
    if (!lens_graph_has(graph, i)) continue;
    uint64_t first = graph->out_start[i], count = graph->out_start[i + 1] - first;
    struct lens_link link = {.count = LENS_LINKS_MANY};
    if (count <= LENS_LINKS_INLINE) link.count = (uint32_t)count;
    if (count > 0) link.target[0] = graph->out_target[first];
    if (count > 1) link.target[1] = graph->out_target[first + 1];
    links[i] = link;
  }
}

/* Enters a node: what it leads to is on its way into the cache. */
static inline struct lens_link_frame lens_link_enter(const struct lens_graph *graph,
                                                     const struct lens_link *links, uint32_t node,
                                                     uint32_t number) {
  const struct lens_link *link = &links[node];
  bool many = link->count == LENS_LINKS_MANY;
  __builtin_prefetch(&links[link->target[0]]);
  __builtin_prefetch(&links[link->target[1]]);
  return (struct lens_link_frame){node, number, many ? graph->out_start[node] : 0};
}

/* The frame's next target.  False: it has no more. */
static inline bool lens_link_next(const struct lens_graph *graph, const struct lens_link *links,
                                  struct lens_link_frame *frame, uint32_t *target) {
  const struct lens_link *link = &links[frame->node];
  if (link->count <= LENS_LINKS_INLINE) {
    if (frame->next >= link->count) return false;
    *target = link->target[frame->next++];
    return true;
  }
  if (frame->next >= graph->out_start[frame->node + 1]) return false;
  *target = graph->out_target[frame->next++];
  return true;
}

#endif

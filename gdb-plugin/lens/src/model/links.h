/* Links: the edges of one object as a depth-first pass wants them, a record of 16 bytes a node.
 *
 * Most objects hold at most two others: their edges stand in the record itself, beside the number
 * that the pass gives the node.  On a shuffled heap a node then costs one visit to memory, not
 * three.  Nodes with more edges are looked up in the index.
 */
#ifndef LENS_LINKS_H
#define LENS_LINKS_H

#include "memory/ahead.h"
#include "memory/column.h"
#include "memory/slice.h"
#include "model.h"

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

/* The trail from the start of a pass to where it is: a word a node, the last one on top.  A node
 * with many edges has a word more, below its own: the edge of the index that it follows next. */
struct lens_trail {
  uint64_t *words;
  uint64_t depth; /* words in use */
};

/* A word of it: the node, how many of its inline targets were followed, and a mark of the pass. */
static const uint64_t LENS_TRAIL_STEP = 1ull << 32, LENS_TRAIL_MARK = 1ull << 63;

static inline uint32_t lens_trail_node(uint64_t word) { return (uint32_t)word; }

/* The words that a trail may have at most: room that is never used costs nothing. */
static inline uint64_t lens_trail_words(uint64_t nodes) { return 2 * nodes; }

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
static inline void lens_trail_enter(struct lens_trail *trail, const struct lens_graph *graph,
                                    const struct lens_link *links, uint32_t node) {
  const struct lens_link *link = &links[node];
  lens_ahead_read(&links[link->target[0]]);
  lens_ahead_read(&links[link->target[1]]);
  if (link->count == LENS_LINKS_MANY) trail->words[trail->depth++] = graph->out_start[node];
  trail->words[trail->depth++] = node;
}

/* The next target of the last node.  False: it has no more. */
static inline bool lens_trail_next(struct lens_trail *trail, const struct lens_graph *graph,
                                   const struct lens_link *links, uint32_t *target) {
  uint64_t *word = &trail->words[trail->depth - 1];
  const struct lens_link *link = &links[lens_trail_node(*word)];
  if (link->count <= LENS_LINKS_INLINE) {
    uint64_t followed = *word >> 32 & LENS_LINKS_MANY;
    if (followed >= link->count) return false;
    *target = link->target[followed];
    *word += LENS_TRAIL_STEP;
    return true;
  }
  uint64_t *next = word - 1;
  if (*next >= graph->out_start[lens_trail_node(*word) + 1]) return false;
  *target = graph->out_target[(*next)++];
  return true;
}

/* Leaves the last node. */
static inline void lens_trail_leave(struct lens_trail *trail, const struct lens_link *links) {
  bool many = links[lens_trail_node(trail->words[trail->depth - 1])].count == LENS_LINKS_MANY;
  trail->depth -= many ? 2 : 1;
}

/* Nodes that will soon be gone on with, on the way back: what they lead to next is fetched. */
static inline void lens_trail_fetch(const struct lens_trail *trail, const struct lens_graph *graph,
                                    const struct lens_link *links) {
  enum { AHEAD = 10 };
  if (trail->depth <= 2 * AHEAD) return;
  lens_ahead_read(&links[lens_trail_node(trail->words[trail->depth - 2 * AHEAD])]);
  uint64_t word = trail->words[trail->depth - AHEAD];
  uint32_t node = lens_trail_node(word); /* or half of an edge's number */
  if (node >= graph->node_count || (word >> 32 & LENS_LINKS_MANY) != 1) return;
  if (links[node].count == LENS_LINKS_INLINE) lens_ahead_read(&links[links[node].target[1]]);
}

#endif

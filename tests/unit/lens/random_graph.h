/* Small random graphs in rows, in the shapes that heaps have, and what a naive model says of them.
 */
#ifndef TESTS_RANDOM_GRAPH_H
#define TESTS_RANDOM_GRAPH_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../random.h"
#include "model/links.h"

enum { GRAPH_NODES_MAX = 48, GRAPH_EDGES_MAX = 256 };

struct random_graph {
  struct lens_graph graph;
  uint64_t out_start[GRAPH_NODES_MAX + 1], in_start[GRAPH_NODES_MAX + 1];
  uint32_t out_target[GRAPH_EDGES_MAX], in_source[GRAPH_EDGES_MAX];
};

/* The rows that lead to each node, from those that lead away. */
static inline void graph_reverse(struct random_graph *made) {
  uint64_t at = 0, nodes = made->graph.node_count;
  for (uint64_t target = 0; target < nodes; target++) {
    made->in_start[target] = at;
    for (uint32_t source = 0; source < nodes; source++) {
      for (uint64_t e = made->out_start[source]; e < made->out_start[source + 1]; e++) {
        if (made->out_target[e] == target) made->in_source[at++] = source;
      }
    }
  }
  made->in_start[nodes] = at;
}

/* Sparse or dense, scattered or along a chain, with edges to oneself and several alike. */
static inline void graph_make(struct random_graph *made, uint64_t *seed) {
  uint64_t nodes = random_below(seed, GRAPH_NODES_MAX) + 1, edges = 0;
  uint64_t most = random_below(seed, 5), shape = random_below(seed, 4);
  for (uint64_t node = 0; node < nodes; node++) {
    made->out_start[node] = edges;
    uint64_t count = random_below(seed, most + 1);
    if (shape == 1) count += 1;
    if (shape == 2 && node == random_below(seed, nodes)) count += 9;
    for (uint64_t i = 0; i < count && edges < GRAPH_EDGES_MAX; i++) {
      uint64_t target = random_below(seed, nodes);
      if (shape == 1 && i == 0) target = node + 1 < nodes ? node + 1 : 0;
      if (shape == 3)
        target = node + random_below(seed, 5) < nodes + 2 ? (node + random_below(seed, 5)) % nodes
                                                          : node / 2;
      made->out_target[edges++] = (uint32_t)target;
    }
  }
  made->out_start[nodes] = edges;
  made->graph = (struct lens_graph){.node_count = nodes,
                                    .out_start = made->out_start,
                                    .out_target = made->out_target,
                                    .in_start = made->in_start,
                                    .in_source = made->in_source};
  graph_reverse(made);
}

/* Which nodes can be reached from `from` over nodes of the graph that are not `without` (LENS_NONE:
 * all of them). */
static inline void graph_reach(const struct random_graph *made, uint32_t from, uint32_t without,
                               bool *reached) {
  uint32_t stack[GRAPH_NODES_MAX];
  uint64_t depth = 0;
  if (from == without || reached[from] || !lens_graph_has(&made->graph, from)) return;
  reached[from] = true;
  stack[depth++] = from;
  while (depth > 0) {
    uint32_t node = stack[--depth];
    for (uint64_t e = made->out_start[node]; e < made->out_start[node + 1]; e++) {
      uint32_t target = made->out_target[e];
      if (target == without || reached[target] || !lens_graph_has(&made->graph, target)) continue;
      reached[target] = true;
      stack[depth++] = target;
    }
  }
}

#endif

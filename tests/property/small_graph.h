/* Small random heaps whose every reference the test knows, and naive answers about them.
 *
 * Objects are numbers below `count`; edges, roots and references too many are drawn from a seed and
 * made with libcairn's public functions.  The naive answers come from the drawn numbers alone.
 */
#ifndef TESTS_SMALL_GRAPH_H
#define TESTS_SMALL_GRAPH_H

#include "../random.h"
#include "cairn/cairn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { GRAPH_OBJECTS = 40, GRAPH_SLOTS = 3, GRAPH_EDGES = 6, GRAPH_NO_OBJECT = 0xffff };

struct graph_node {
  cairn_object base;
  cairn_object *slots[GRAPH_SLOTS];
  cairn_object *weak, *borrowed;
};

struct graph {
  cairn_heap *heap;
  uint64_t random;
  uint32_t count;
  cairn_object *objects[GRAPH_OBJECTS];
  bool is_list[GRAPH_OBJECTS];
  uint32_t edges[GRAPH_OBJECTS][GRAPH_EDGES], edge_count[GRAPH_OBJECTS];
  uint32_t roots[GRAPH_OBJECTS];   /* how many slots outside hold it */
  uint32_t extra[GRAPH_OBJECTS];   /* references that nobody holds */
  uint32_t soft[GRAPH_OBJECTS][2]; /* what its weak and its borrowed slot lead to; NO_OBJECT */
  bool borrowed[GRAPH_OBJECTS];    /* a slot outside points to it, and is not counted */
};

static inline uint64_t graph_random(struct graph *graph, uint64_t bound) {
  return random_below(&graph->random, bound);
}

static inline cairn_type graph_type(cairn_heap *heap) {
  static const cairn_slot_spec slots[] = {
      {.name = "first", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct graph_node, slots[0])},
      {.name = "second",
       .kind = CAIRN_SLOT_STRONG,
       .offset = offsetof(struct graph_node, slots[1])},
      {.name = "third", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct graph_node, slots[2])},
      CAIRN_WEAK(struct graph_node, weak),
      CAIRN_BORROWED(struct graph_node, borrowed)};
  const cairn_type_spec spec = {.name = "node",
                                .size_bytes = sizeof(struct graph_node),
                                .slots = slots,
                                .slot_count = GRAPH_SLOTS + 2};
  return cairn_type_define(heap, &spec);
}

static inline void graph_link(struct graph *graph, uint32_t from, uint32_t to) {
  uint32_t room = graph->is_list[from] ? GRAPH_EDGES : GRAPH_SLOTS;
  if (graph->edge_count[from] == room) return;
  if (graph->is_list[from]) {
    assert_true(cairn_list_append(graph->objects[from], graph->objects[to]));
  } else {
    struct graph_node *node = (struct graph_node *)(void *)graph->objects[from];
    cairn_assign(&node->slots[graph->edge_count[from]], graph->objects[to]);
  }
  graph->edges[from][graph->edge_count[from]++] = to;
}

/* Weak and borrowed slots of some nodes. */
static inline void graph_link_softly(struct graph *graph) {
  uint64_t odds = 1 + graph_random(graph, 8);
  for (uint32_t i = 0; i < graph->count; i++) {
    graph->soft[i][0] = graph->soft[i][1] = GRAPH_NO_OBJECT;
    struct graph_node *node = (struct graph_node *)(void *)graph->objects[i];
    if (graph->is_list[i] || graph_random(graph, odds) != 0) continue;
    uint32_t target = (uint32_t)graph_random(graph, graph->count), kind = i % 2;
    graph->soft[i][kind] = target;
    if (kind == 1) {
      node->borrowed = graph->objects[target];
    } else {
      assert_true(cairn_weak_set(&node->base, &node->weak, graph->objects[target]));
    }
  }
}

/* Draws and makes one of at most so many objects.  Density, roots and references too many differ
 * with the seed. */
static inline void graph_make(struct graph *graph, uint64_t seed, uint32_t most) {
  *graph = (struct graph){.random = seed * 0x9e3779b97f4a7c15u + 1};
  graph->heap = cairn_heap_new(&(cairn_heap_options){.name = "graph", .manual_collection = true});
  assert_non_null(graph->heap);
  cairn_type type = graph_type(graph->heap);
  for (int i = 0; i < 8; i++) (void)graph_random(graph, 2);
  graph->count = 1 + (uint32_t)graph_random(graph, most);
  for (uint32_t i = 0; i < graph->count; i++) {
    graph->is_list[i] = graph_random(graph, 4) == 0;
    graph->objects[i] =
        graph->is_list[i] ? cairn_list_new(graph->heap, 0) : cairn_object_new(graph->heap, type);
    assert_non_null(graph->objects[i]);
  }
  uint64_t links = graph_random(graph, 4 * (uint64_t)graph->count + 2);
  for (uint64_t i = 0; i < links; i++) {
    graph_link(graph, (uint32_t)graph_random(graph, graph->count),
               (uint32_t)graph_random(graph, graph->count));
  }
  graph_link_softly(graph);
  uint64_t root_odds = 1 + graph_random(graph, 12), extra_odds = 1 + graph_random(graph, 12);
  for (uint32_t i = 0; i < graph->count; i++) {
    if (graph_random(graph, root_odds + 1) == 0) graph->roots[i] = 1 + (i % 2);
    if (graph_random(graph, extra_odds + 1) == 0) graph->extra[i] = 1 + (i % 3 == 0);
    graph->borrowed[i] = graph_random(graph, 3 * extra_odds) == 0;
    for (uint32_t k = 0; k < graph->roots[i] + graph->extra[i]; k++)
      cairn_retain(graph->objects[i]);
  }
  /* What nobody holds is gone with the maker's reference; such an object gets one too many. */
  bool held[GRAPH_OBJECTS] = {false};
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; k < graph->edge_count[i]; k++) held[graph->edges[i][k]] = true;
  }
  for (uint32_t i = 0; i < graph->count; i++) {
    if (held[i] || graph->roots[i] + graph->extra[i] != 0) {
      cairn_release(graph->objects[i]);
    } else {
      graph->extra[i] = 1;
    }
  }
}

/* reach[i][k]: i leads to k, or is it. */
static inline void graph_closure(const struct graph *graph,
                                 bool reach[GRAPH_OBJECTS][GRAPH_OBJECTS]) {
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; k < graph->count; k++) reach[i][k] = i == k;
    for (uint32_t k = 0; k < graph->edge_count[i]; k++) reach[i][graph->edges[i][k]] = true;
  }
  for (uint32_t by = 0; by < graph->count; by++) {
    for (uint32_t i = 0; i < graph->count; i++) {
      for (uint32_t k = 0; k < graph->count; k++) reach[i][k] |= reach[i][by] && reach[by][k];
    }
  }
}

#endif

/* B4 and B5 for every peer in C: graphs of nodes with two references each, and what a collection of
 * them costs.
 *
 * A peer defines before it includes this file
 *
 *     typedef ... graph_node;                                  two references, nothing else
 *     static graph_node *graph_new(void);                      owned by the caller
 *     static graph_node *graph_get(const graph_node *, int);   reference 0 or 1, not owned
 *     static void graph_give(graph_node *, int, graph_node *); moves the caller's reference
 *     static void graph_set(graph_node *, int, graph_node *);  adds a reference
 *     static void graph_drop(graph_node *);                    gives up the caller's reference
 *     static uint64_t graph_collect(void);                     a full collection; objects freed
 *
 * and has set up, before graph_b4 and graph_b5 are called, that nothing is collected meanwhile.
 * What is timed is graph_collect alone.  Nodes are made in address order wherever the peer's
 * allocator hands out fresh memory so.
 */
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H

#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* ---- B4: garbage in cycles ------------------------------------------------------------------- */

/* A ring of `count` nodes that nothing outside holds. */
static void graph_ring_garbage(uint64_t count) {
  graph_node *first = graph_new();
  graph_node *last = first;
  for (uint64_t i = 1; i < count; i++) {
    graph_node *node = graph_new();
    graph_give(last, 0, node);
    last = node;
  }
  graph_set(last, 0, first);
  graph_drop(first);
}

/* Nodes that hold the next with reference 0 and the one before with reference 1. */
static void graph_list_garbage(uint64_t count) {
  graph_node *first = graph_new();
  graph_node *last = first;
  for (uint64_t i = 1; i < count; i++) {
    graph_node *node = graph_new();
    graph_set(node, 1, last);
    graph_give(last, 0, node);
    last = node;
  }
  graph_drop(first);
}

/* Makes the garbage of a case: `count` pairs or rings, or a list of `count`.  Returns how many
 * nodes. */
static uint64_t graph_make_garbage(const char *shape, uint64_t count) {
  uint64_t length = 2;
  if (strcmp(shape, "list") == 0) {
    graph_list_garbage(count);
    return count;
  }
  if (strcmp(shape, "rings10") == 0) {
    length = 10;
  } else if (strcmp(shape, "rings1000") == 0) {
    length = 1000;
  } else {
    bench_require(strcmp(shape, "pairs") == 0, "a shape of B4");
  }
  for (uint64_t i = 0; i < count; i++) graph_ring_garbage(length);
  return count * length;
}

/* The first time memory is fresh, and lies in the order in which it was asked for; later what was
 * freed is used again, in whatever order the peer hands it out. */
static void graph_b4(void) {
  const char *shape = bench_text("shape", "pairs");
  uint64_t repeat = bench_number("repeat", 2), nodes = 0, freed = 0;
  double spent_ns = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    nodes = graph_make_garbage(shape, bench_number("count", 1000000));
    double begin_ns = bench_now_ns();
    freed = graph_collect();
    double turn_ns = bench_now_ns() - begin_ns;
    bench_require(freed == nodes, "each object is freed");
    if (turn == 0) {
      bench_result("ns/object freed, the first time", turn_ns / (double)nodes, freed);
    } else {
      spent_ns += turn_ns;
    }
  }
  bench_result("ns/object freed", spent_ns / (double)(repeat * nodes), freed);
}

/* ---- B5: a collection that frees nothing ----------------------------------------------------- */

/* From the leaves up. */
static graph_node *graph_tree(uint64_t levels) {
  graph_node *left = NULL, *right = NULL;
  if (levels > 1) {
    left = graph_tree(levels - 1);
    right = graph_tree(levels - 1);
  }
  graph_node *node = graph_new();
  if (levels > 1) {
    graph_give(node, 0, left);
    graph_give(node, 1, right);
  }
  return node;
}

static uint64_t graph_tree_count(const graph_node *node) {
  return node == NULL
             ? 0
             : 1 + graph_tree_count(graph_get(node, 0)) + graph_tree_count(graph_get(node, 1));
}

/* A random order by Fisher and Yates. */
static void graph_shuffle(graph_node **nodes, uint64_t count, uint64_t *random) {
  for (uint64_t i = count - 1; i > 0; i--) {
    uint64_t j = bench_random(random) % (i + 1);
    graph_node *swapped = nodes[i];
    nodes[i] = nodes[j];
    nodes[j] = swapped;
  }
}

/* Reference 0 of all nodes is one ring, in order of address or shuffled; reference 1 leads to any
 * node.  Returns a node of it, the only one that is held from outside. */
static graph_node *graph_ring(uint64_t count, int shuffled) {
  uint64_t random = BENCH_SEED;
  graph_node **nodes = malloc(count * sizeof(*nodes));
  bench_require(nodes != NULL, "memory for the ring's order");
  for (uint64_t i = 0; i < count; i++) nodes[i] = graph_new();
  if (shuffled) graph_shuffle(nodes, count, &random);
  for (uint64_t i = 0; i < count; i++) {
    graph_set(nodes[i], 1, nodes[bench_random(&random) % count]);
  }
  for (uint64_t i = 0; i + 1 < count; i++) graph_give(nodes[i], 0, nodes[i + 1]);
  graph_node *first = nodes[0];
  graph_set(nodes[count - 1], 0, first);
  free(nodes);
  return first;
}

/* The ring's length, and the way along the random references until it bites its tail (Brent):
 * both differ wherever one reference differs that is on the way. */
static uint64_t graph_ring_check(const graph_node *first) {
  uint64_t length = 1;
  for (const graph_node *at = graph_get(first, 0); at != first; at = graph_get(at, 0)) length++;
  uint64_t power = 1, loop = 1, tail = 0;
  const graph_node *slow = first, *fast = graph_get(first, 1);
  for (; slow != fast; loop++, fast = graph_get(fast, 1)) {
    if (power != loop) continue;
    slow = fast;
    power *= 2;
    loop = 0;
  }
  slow = fast = first;
  for (uint64_t i = 0; i < loop; i++) fast = graph_get(fast, 1);
  for (; slow != fast; tail++) slow = graph_get(slow, 1), fast = graph_get(fast, 1);
  return bench_mix(bench_mix(bench_mix(0, length), loop), tail);
}

static void graph_b5(void) {
  const char *shape = bench_text("shape", "tree");
  int is_tree = strcmp(shape, "tree") == 0;
  uint64_t repeat = bench_number("repeat", 2), count = bench_number("objects", 4000000);
  bench_require(is_tree || strcmp(shape, "ring") == 0 || strcmp(shape, "shuffled") == 0,
                "a shape of B5");
  graph_node *root;
  if (is_tree) {
    uint64_t levels = bench_number("levels", 22);
    count = (1ull << levels) - 1;
    root = graph_tree(levels);
  } else {
    root = graph_ring(count, strcmp(shape, "shuffled") == 0);
  }
  double spent_ns = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double begin_ns = bench_now_ns();
    uint64_t freed = graph_collect();
    if (turn > 0) spent_ns += bench_now_ns() - begin_ns;
    bench_require(freed == 0, "nothing is freed");
  }
  uint64_t check = is_tree ? graph_tree_count(root) : graph_ring_check(root);
  graph_drop(root);
  (void)graph_collect();
  bench_result("ns/live object", spent_ns / (double)(repeat * count), check);
}

#endif

/* B2: a full binary tree is built from its leaves up, and dropped from its root; for every peer in
 * C.
 *
 * A peer has `typedef ... tree_node;`, includes this file, and then defines
 *
 *     static tree_node *tree_build(uint64_t depth);      of 2^(depth + 1) - 1 nodes
 *     static tree_node *tree_left(const tree_node *);    a leaf has NULL on both sides
 *     static tree_node *tree_right(const tree_node *);
 *     static void tree_drop(void);                       frees all below `tree_root`
 *
 * and calls trees_run.  `tree_root` is the one reference from outside: a collector that looks for
 * roots on the stack finds no other.
 *
 * The first turn is not timed: it makes the memory that the others reuse.
 */
#ifndef BENCH_TREES_H
#define BENCH_TREES_H

#include "bench.h"

static tree_node *volatile tree_root;

static tree_node *tree_build(uint64_t depth);
static tree_node *tree_left(const tree_node *node);
static tree_node *tree_right(const tree_node *node);
static void tree_drop(void);

static uint64_t tree_count(const tree_node *node) {
  return node == NULL ? 0 : 1 + tree_count(tree_left(node)) + tree_count(tree_right(node));
}

static void trees_run(void) {
  uint64_t depth = bench_number("depth", 16), repeat = bench_number("repeat", 1);
  double building_ns = 0, dropping_ns = 0;
  uint64_t nodes = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double start_ns = bench_now_ns();
    tree_root = tree_build(depth);
    double built_ns = bench_now_ns();
    nodes = tree_count(tree_root);
    double drop_ns = bench_now_ns();
    tree_drop();
    double end_ns = bench_now_ns();
    if (turn == 0) continue;
    building_ns += built_ns - start_ns;
    dropping_ns += end_ns - drop_ns;
  }
  double all = (double)(nodes * repeat);
  bench_result("ns/node", (building_ns + dropping_ns) / all, nodes);
  bench_result("ns/node build", building_ns / all, nodes);
  bench_result("ns/node drop", dropping_ns / all, nodes);
}

#endif

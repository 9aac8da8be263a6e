/* B2: a full binary tree is built from its leaves up, and dropped by plain recursion. */
#include "allocator.h"

static struct node *build(uint64_t depth) {
  if (depth == 0) return node_new(NULL, NULL);
  struct node *left = build(depth - 1);
  struct node *right = build(depth - 1);
  return node_new(left, right);
}

static uint64_t count(const struct node *node) {
  return node == NULL ? 0 : 1 + count(node->left) + count(node->right);
}

void trees(void) {
  uint64_t depth = bench_number("depth", 16), repeat = bench_number("repeat", 1);
  double building = 0, dropping = 0;
  uint64_t nodes = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double start = bench_now_ns();
    struct node *root = build(depth);
    double built = bench_now_ns();
    nodes = count(root);
    double drop = bench_now_ns();
    node_release(root);
    double end = bench_now_ns();
    if (turn == 0) continue;
    building += built - start;
    dropping += end - drop;
  }
  double all = (double)(nodes * repeat);
  bench_result("ns/node", (building + dropping) / all, nodes);
  bench_result("ns/node build", building / all, nodes);
  bench_result("ns/node drop", dropping / all, nodes);
}

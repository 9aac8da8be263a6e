/* B2: a full binary tree is built from its leaves up, and dropped by releasing its root. */
#include "peer.h"

static struct node *build(cairn_heap *heap, cairn_type type, uint64_t depth) {
  struct node *left = NULL, *right = NULL;
  if (depth > 0) {
    left = build(heap, type, depth - 1);
    right = build(heap, type, depth - 1);
  }
  struct node *node = peer_node(heap, type);
  node->left = left != NULL ? &left->base : NULL;
  node->right = right != NULL ? &right->base : NULL;
  return node;
}

static uint64_t count(const struct node *node) {
  if (node == NULL) return 0;
  return 1 + count((const struct node *)node->left) + count((const struct node *)node->right);
}

void trees(void) {
  uint64_t depth = bench_number("depth", 16), repeat = bench_number("repeat", 1);
  cairn_heap *heap = peer_heap();
  cairn_type type = peer_node_type(heap);
  double building = 0, dropping = 0;
  uint64_t nodes = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double start = bench_now_ns();
    struct node *root = build(heap, type, depth);
    double built = bench_now_ns();
    nodes = count(root);
    double drop = bench_now_ns();
    cairn_release(&root->base);
    double end = bench_now_ns();
    if (turn == 0) continue;
    building += built - start;
    dropping += end - drop;
  }
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  double all = (double)(nodes * repeat);
  bench_result("ns/node", (building + dropping) / all, nodes);
  bench_result("ns/node build", building / all, nodes);
  bench_result("ns/node drop", dropping / all, nodes);
}

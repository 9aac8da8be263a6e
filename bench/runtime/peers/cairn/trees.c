/* B2: a tree of records, dropped by releasing its root. */
#include "peer.h"

typedef struct node tree_node;
#include "trees.h"

static cairn_heap *heap;
static cairn_type type;

static struct node *build(cairn_heap *from, cairn_type kind, uint64_t depth) {
  struct node *left = NULL, *right = NULL;
  if (depth > 0) {
    left = build(from, kind, depth - 1);
    right = build(from, kind, depth - 1);
  }
  struct node *node = peer_node(from, kind);
  node->left = left != NULL ? &left->base : NULL;
  node->right = right != NULL ? &right->base : NULL;
  return node;
}

static tree_node *tree_build(uint64_t depth) { return build(heap, type, depth); }

static tree_node *tree_left(const tree_node *node) { return (tree_node *)node->left; }

static tree_node *tree_right(const tree_node *node) { return (tree_node *)node->right; }

static void tree_drop(void) { cairn_release(&tree_root->base); }

void trees(void) {
  heap = peer_heap();
  type = peer_node_type(heap);
  trees_run();
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
}

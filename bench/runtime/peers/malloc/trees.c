/* B2: a tree of plain structs, dropped by plain recursion. */
#include "allocator.h"

typedef struct node tree_node;
#include "trees.h"

static tree_node *tree_build(uint64_t depth) {
  if (depth == 0) return node_new(NULL, NULL);
  struct node *left = tree_build(depth - 1);
  struct node *right = tree_build(depth - 1);
  return node_new(left, right);
}

static tree_node *tree_left(const tree_node *node) { return node->left; }

static tree_node *tree_right(const tree_node *node) { return node->right; }

static void tree_drop(void) { node_release(tree_root); }

void trees(void) { trees_run(); }

/* B5: a full collection of a heap where all is alive, found from one word of the stack. */
#include "peer.h"

typedef struct node graph_node;

static graph_node *graph_new(void) { return GC_NEW(struct node); }

static graph_node *graph_get(const graph_node *node, int which) {
  return which == 0 ? node->left : node->right;
}

static void graph_give(graph_node *node, int which, graph_node *target) {
  *(which == 0 ? &node->left : &node->right) = target;
}

static void graph_set(graph_node *node, int which, graph_node *target) {
  graph_give(node, which, target);
}

static void graph_drop(graph_node *node) { (void)node; }

/* It does not count what it frees; the check at the end walks over all that must be left. */
static uint64_t graph_collect(void) {
  GC_enable();
  GC_gcollect();
  GC_disable();
  return 0;
}

static void graph_b4(void) __attribute__((unused));
#include "graph.h"

void live(void) {
  peer_begin();
  GC_disable();
  graph_b5();
}

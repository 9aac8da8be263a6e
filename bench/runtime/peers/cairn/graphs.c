/* B4 and B5: what a full collection costs, where all is garbage and where nothing is; X3 and X4:
 * how that grows with the heap.  The heap collects only when it is told to, as the collectors of
 * the peers do here. */
#include "peer.h"

typedef struct node graph_node;

static cairn_heap *heap;
static cairn_type type;

static cairn_object **slot(graph_node *node, int which) {
  return which == 0 ? &node->left : &node->right;
}

static graph_node *graph_new(void) { return peer_node(heap, type); }

static graph_node *graph_get(const graph_node *node, int which) {
  return (graph_node *)(which == 0 ? node->left : node->right);
}

static void graph_give(graph_node *node, int which, graph_node *target) {
  *slot(node, which) = &target->base;
}

static void graph_set(graph_node *node, int which, graph_node *target) {
  cairn_assign(slot(node, which), &target->base);
}

static void graph_drop(graph_node *node) { cairn_release(&node->base); }

static void graph_retain(graph_node *node) { cairn_retain(&node->base); }

static uint64_t graph_collect(void) { return cairn_collect(heap); }

#define GRAPH_LOCAL
static uint64_t graph_collect_local(void) { return cairn_collect_candidates(heap); }

static void graph_automatic(void) {
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  heap = peer_heap();
  type = peer_node_type(heap);
}

#include "graph.h"
#include "growth.h"
#include "pause.h"

static void run(void (*benchmark)(void)) {
  heap = peer_heap_manual();
  type = peer_node_type(heap);
  benchmark();
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
}

void garbage(void) { run(graph_b4); }

void live(void) { run(graph_b5); }

void pauses(void) { run(pause_run); }

void growth(void) { run(growth_run); }

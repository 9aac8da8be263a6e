/* B5: one full collection of a heap where nothing is garbage: a binary tree; a ring whose nodes
 * also hold one at random, in the order of addresses and shuffled.  One reference from outside. */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static struct node *make_tree(cairn_heap *heap, cairn_type type, uint64_t levels) {
  if (levels == 0) return NULL;
  struct node *left = make_tree(heap, type, levels - 1);
  struct node *right = make_tree(heap, type, levels - 1);
  struct node *node = peer_node(heap, type);
  node->left = left != NULL ? &left->base : NULL;
  node->right = right != NULL ? &right->base : NULL;
  return node;
}

static void shuffle(struct node **ring, uint64_t count, uint64_t *state) {
  for (uint64_t i = count - 1; i > 0; i--) {
    uint64_t other = bench_random(state) % (i + 1);
    struct node *node = ring[i];
    ring[i] = ring[other];
    ring[other] = node;
  }
}

static struct node *make_ring(cairn_heap *heap, cairn_type type, uint64_t count, bool shuffled) {
  struct node **ring = malloc(count * sizeof *ring);
  bench_require(ring != NULL, "memory");
  for (uint64_t i = 0; i < count; i++) ring[i] = peer_node(heap, type);
  uint64_t state = BENCH_SEED;
  if (shuffled) shuffle(ring, count, &state);
  for (uint64_t i = 0; i < count; i++) {
    ring[i]->left = cairn_retain(&ring[(i + 1) % count]->base);
    ring[i]->right = cairn_retain(&ring[bench_random(&state) % count]->base);
  }
  for (uint64_t i = 1; i < count; i++) cairn_release(&ring[i]->base);
  struct node *first = ring[0];
  free(ring);
  return first;
}

void live(void) {
  const char *shape = bench_text("shape", "tree");
  uint64_t levels = bench_number("levels", 16), objects = bench_number("objects", 1000);
  uint64_t repeat = bench_number("repeat", 1);
  cairn_heap *heap = peer_heap_manual();
  cairn_type type = peer_node_type(heap);
  struct node *root;
  if (strcmp(shape, "tree") == 0) {
    root = make_tree(heap, type, levels);
    objects = (1ull << levels) - 1;
  } else {
    root = make_ring(heap, type, objects, strcmp(shape, "shuffled") == 0);
  }
  cairn_stats before, after;
  cairn_heap_stats(heap, &before);
  bench_require(cairn_collect(heap) == 0, "nothing is freed");
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) cairn_collect(heap);
  double spent = bench_now_ns() - start;
  cairn_heap_stats(heap, &after);
  bench_require(after.object_count == before.object_count, "nothing is freed");
  bench_require(after.object_count >= objects, "all are alive");
  cairn_release(&root->base);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("ns/live object", spent / (double)(objects * repeat), objects);
}

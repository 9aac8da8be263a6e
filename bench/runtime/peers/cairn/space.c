/* B6: resident bytes of an object with two references, all of them held: each holds the one before
 * it, and the first one. */
#include "peer.h"

void space(void) {
  uint64_t objects = bench_number("objects", 1000000);
  cairn_heap *heap = peer_heap();
  cairn_type type = peer_node_type(heap);
  double before = bench_resident_bytes();
  struct node *first = peer_node(heap, type), *last = first;
  for (uint64_t i = 1; i < objects; i++) {
    struct node *node = peer_node(heap, type);
    node->left = &last->base;
    node->right = cairn_retain(&first->base);
    last = node;
  }
  double held = bench_resident_bytes() - before;
  bench_require(cairn_collect(heap) == 0, "nothing is freed");
  double collected = bench_resident_bytes() - before;
  uint64_t count = 0;
  for (struct node *node = last; node != NULL; node = (struct node *)node->left) count++;
  cairn_release(&last->base);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("bytes/object", held / (double)objects, count);
  bench_result("bytes/object after a collection", collected / (double)objects, count);
}

/* B7: a long list, dropped by the release of its head, on the default stack. */
#include "peer.h"

void long_list(void) {
  uint64_t length = bench_number("length", 1000000), repeat = bench_number("repeat", 1);
  cairn_heap *heap = peer_heap();
  cairn_type type = peer_node_type(heap);
  double spent = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    struct node *head = NULL;
    for (uint64_t i = 0; i < length; i++) {
      struct node *node = peer_node(heap, type);
      node->left = head != NULL ? &head->base : NULL;
      head = node;
    }
    double start = bench_now_ns();
    cairn_release(&head->base);
    if (turn > 0) spent += bench_now_ns() - start;
  }
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("ns/node", spent / (double)(length * repeat), length);
}

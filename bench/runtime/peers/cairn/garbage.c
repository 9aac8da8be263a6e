/* B4: cycles that nothing holds any more, and one collection that frees them all.  Only the
 * collection is timed. */
#include <string.h>

#include "peer.h"

/* A ring of `length` nodes through `right`; nothing outside holds it when this returns. */
static void make_ring(cairn_heap *heap, cairn_type type, uint64_t length) {
  struct node *first = peer_node(heap, type), *last = first;
  for (uint64_t i = 1; i < length; i++) {
    struct node *node = peer_node(heap, type);
    last->right = &node->base;
    last = node;
  }
  last->right = cairn_retain(&first->base);
  cairn_release(&first->base);
}

/* A list whose nodes hold both their neighbours. */
static void make_list(cairn_heap *heap, cairn_type type, uint64_t length) {
  struct node *first = peer_node(heap, type), *last = first;
  for (uint64_t i = 1; i < length; i++) {
    struct node *node = peer_node(heap, type);
    node->left = cairn_retain(&last->base);
    last->right = &node->base;
    last = node;
  }
  cairn_release(&first->base);
}

static uint64_t make(cairn_heap *heap, cairn_type type, const char *shape, uint64_t count) {
  if (strcmp(shape, "list") == 0) {
    make_list(heap, type, count);
    return count;
  }
  uint64_t length = strcmp(shape, "pairs") == 0 ? 2 : strcmp(shape, "rings10") == 0 ? 10 : 1000;
  for (uint64_t i = 0; i < count; i++) make_ring(heap, type, length);
  return count * length;
}

void garbage(void) {
  const char *shape = bench_text("shape", "pairs");
  uint64_t count = bench_number("count", 1000), repeat = bench_number("repeat", 1);
  cairn_heap *heap = peer_heap_manual();
  cairn_type type = peer_node_type(heap);
  uint64_t objects = 0;
  double spent = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    objects = make(heap, type, shape, count);
    double start = bench_now_ns();
    uint64_t freed = cairn_collect(heap);
    if (turn > 0) spent += bench_now_ns() - start;
    bench_require(freed == objects, "all is freed");
  }
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("ns/object freed", spent / (double)(objects * repeat), objects);
}

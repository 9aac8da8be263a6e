/* B3: retain and release of objects in turn, as a caller's code does it: the inline functions. */
#include <stdlib.h>

#include "peer.h"

static void work(cairn_object **objects, uint64_t count, uint64_t rounds) {
  for (uint64_t round = 0; round < rounds; round++) {
    for (uint64_t i = 0; i < count; i++) {
      cairn_object *object = objects[i];
      cairn_retain(object);
      cairn_release(object);
    }
  }
}

void pairs(void) {
  uint64_t count = bench_number("objects", 1000), repeat = bench_number("repeat", 1);
  uint64_t rounds = bench_number("pairs", 1000000) / count;
  cairn_heap *heap = peer_heap();
  cairn_type type = peer_node_type(heap);
  cairn_object **objects = malloc(count * sizeof *objects);
  bench_require(objects != NULL, "memory");
  for (uint64_t i = 0; i < count; i++) objects[i] = &peer_node(heap, type)->base;
  work(objects, count, rounds / 10 + 1);
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) work(objects, count, rounds);
  double spent = bench_now_ns() - start;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    sum += cairn_refcount(objects[i]);
    cairn_release(objects[i]);
  }
  free(objects);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("ns/pair", spent / (double)(rounds * count * repeat), sum);
}

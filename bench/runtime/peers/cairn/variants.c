/* X2: work of other benchmarks, done by builds of Cairn that differ in one thing: "work" names it.
 */
#include <string.h>

#include "peer.h"

/* A heap's life, with one object in it: where it is registered, and where it is not. */
static void heaps(void) {
  uint64_t repeat = bench_number("repeat", 100);
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) {
    cairn_heap *heap = peer_heap();
    cairn_release(cairn_list_new(heap, 0));
    bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  }
  bench_result("us/heap", (bench_now_ns() - start) / 1000 / (double)repeat, repeat);
}

void variants(void) {
  static const struct bench_entry works[] = {
      {"churn", churn}, {"trees", trees}, {"cycles", garbage}, {"heaps", heaps}, {NULL, NULL}};
  const char *work = bench_text("work", "churn");
  for (const struct bench_entry *entry = works; entry->name != NULL; entry++) {
    if (strcmp(entry->name, work) == 0) {
      entry->run();
      return;
    }
  }
  bench_require(0, "a work of X2");
}

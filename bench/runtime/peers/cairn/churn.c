/* B1: a table of objects of 31 types, 16 to 256 bytes; each operation releases one at random and
 * puts a new one in its place.  Automatic collection is on; the types have no references.  With
 * types whose memory is left as it comes, and with such as are zeroed. */
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

enum { LARGEST = 256 };

struct item {
  cairn_object base;
  uint64_t payload;
};

static inline struct item *make(cairn_heap *heap, const cairn_type *types, uint32_t bytes,
                                uint64_t payload) {
  struct item *item = (struct item *)cairn_object_new(heap, types[bytes / 8]);
  item->payload = payload;
  return item;
}

static uint64_t replace(cairn_heap *heap, const cairn_type *types, struct item **table,
                        const struct bench_operation *operations, uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    struct item **place = &table[operations[i].place];
    sum += (*place)->payload;
    cairn_release(&(*place)->base);
    *place = make(heap, types, operations[i].size, i + 1);
  }
  return sum;
}

static void define(cairn_heap *heap, cairn_type *types, bool uninitialized) {
  for (size_t bytes = 16; bytes <= LARGEST; bytes += 8) {
    char name[16];
    snprintf(name, sizeof name, "item%zu", bytes);
    const cairn_type_spec spec = {
        .name = name, .size_bytes = bytes, .uninitialized = uninitialized};
    types[bytes / 8] = cairn_type_define(heap, &spec);
    bench_require(types[bytes / 8] != 0, "a new type");
  }
}

static void measure(const char *figure, bool uninitialized) {
  uint64_t live = bench_number("live", 1000), repeat = bench_number("repeat", 1);
  uint64_t count = bench_number("operations", 1000000);
  struct bench_operation *operations = bench_operations(live, count);
  cairn_heap *heap = peer_heap();
  cairn_type types[LARGEST / 8 + 1];
  define(heap, types, uninitialized);
  struct item **table = malloc(live * sizeof *table);
  bench_require(table != NULL, "memory");
  for (uint64_t i = 0; i < live; i++) {
    table[i] = make(heap, types, operations[i % count].size, 0);
  }
  replace(heap, types, table, operations, count);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < repeat; turn++) {
    sum = replace(heap, types, table, operations, count);
  }
  double spent = bench_now_ns() - start;
  for (uint64_t i = 0; i < live; i++) cairn_release(&table[i]->base);
  free(table);
  free(operations);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result(figure, spent / (double)(count * repeat), sum);
}

void churn(void) {
  measure("ns/operation", true);
  measure("ns/operation, zeroed", false);
}

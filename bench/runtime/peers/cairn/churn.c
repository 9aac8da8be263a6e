/* B1: a table of objects of 31 types, 16 to 256 bytes; each operation releases one at random and
 * puts a new one in its place.  Automatic collection is on; the types have no references. */
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

enum { TYPES = 31 };

struct item {
  cairn_object base;
  uint64_t payload;
};

static struct item *make(cairn_heap *heap, const cairn_type *types, uint64_t random) {
  return (struct item *)cairn_object_new(heap, types[(random >> 32) % TYPES]);
}

static uint64_t replace(cairn_heap *heap, const cairn_type *types, struct item **table,
                        uint64_t live_count, uint64_t operations) {
  uint64_t state = BENCH_SEED, sum = 0;
  for (uint64_t operation = 1; operation <= operations; operation++) {
    uint64_t random = bench_random(&state);
    struct item **place = &table[random % live_count];
    sum += (*place)->payload;
    cairn_release(&(*place)->base);
    *place = make(heap, types, random);
    (*place)->payload = operation;
  }
  return sum;
}

static void define(cairn_heap *heap, cairn_type *types) {
  for (size_t i = 0; i < TYPES; i++) {
    char name[16];
    snprintf(name, sizeof name, "item%zu", 16 + 8 * i);
    const cairn_type_spec spec = {.name = name, .size_bytes = 16 + 8 * i};
    types[i] = cairn_type_define(heap, &spec);
    bench_require(types[i] != 0, "a new type");
  }
}

void churn(void) {
  uint64_t live_count = bench_number("live", 1000);
  uint64_t operations = bench_number("operations", 1000000), repeat = bench_number("repeat", 1);
  cairn_heap *heap = peer_heap();
  cairn_type types[TYPES];
  define(heap, types);
  struct item **table = malloc(live_count * sizeof *table);
  bench_require(table != NULL, "memory");
  uint64_t state = BENCH_SEED;
  for (uint64_t i = 0; i < live_count; i++) {
    table[i] = make(heap, types, bench_random(&state));
    table[i]->payload = 0;
  }
  replace(heap, types, table, live_count, operations);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < repeat; turn++) {
    sum = replace(heap, types, table, live_count, operations);
  }
  double spent = bench_now_ns() - start;
  for (uint64_t i = 0; i < live_count; i++) cairn_release(&table[i]->base);
  free(table);
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
  bench_result("ns/operation", spent / (double)(operations * repeat), sum);
}

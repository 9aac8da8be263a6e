/* B1: counted objects with a header of 8 bytes, count and size, 16 to 256 bytes in all; each
 * operation drops one at random and puts a new one in its place. */
#include "allocator.h"

struct item {
  uint32_t count;
  uint32_t bytes;
  uint64_t payload;
};

static inline struct item *make(uint64_t random) {
  uint32_t bytes = 16 + 8 * (uint32_t)((random >> 32) % 31);
  struct item *item = allocate(bytes);
  item->count = 1;
  item->bytes = bytes;
  return item;
}

static inline void release(struct item *item) {
  if (--item->count == 0) deallocate(item, item->bytes);
}

static uint64_t replace(struct item **table, uint64_t live, uint64_t operations) {
  uint64_t state = BENCH_SEED, sum = 0;
  for (uint64_t operation = 1; operation <= operations; operation++) {
    uint64_t random = bench_random(&state);
    struct item **place = &table[random % live];
    sum += (*place)->payload;
    release(*place);
    *place = make(random);
    (*place)->payload = operation;
  }
  return sum;
}

void churn(void) {
  uint64_t live = bench_number("live", 1000);
  uint64_t operations = bench_number("operations", 1000000), repeat = bench_number("repeat", 1);
  struct item **table = malloc(live * sizeof *table);
  bench_require(table != NULL, "memory");
  uint64_t state = BENCH_SEED;
  for (uint64_t i = 0; i < live; i++) {
    table[i] = make(bench_random(&state));
    table[i]->payload = 0;
  }
  replace(table, live, operations);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < repeat; turn++) sum = replace(table, live, operations);
  double spent = bench_now_ns() - start;
  for (uint64_t i = 0; i < live; i++) release(table[i]);
  free(table);
  bench_result("ns/operation", spent / (double)(operations * repeat), sum);
}

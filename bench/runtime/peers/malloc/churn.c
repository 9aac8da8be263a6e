/* B1: counted objects with a header of 8 bytes, 16 to 256 bytes in all; each
 * operation drops one at random and puts a new one in its place. */
#include "allocator.h"

struct item {
  uint64_t count;
  uint64_t payload;
};

static inline struct item *make(uint32_t bytes, uint64_t payload) {
  struct item *item = allocate(bytes);
  item->count = 1;
  item->payload = payload;
  return item;
}

static inline void release(struct item *item) {
  if (--item->count == 0) deallocate(item);
}

static uint64_t replace(struct item **table, const struct bench_operation *operations,
                        uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    struct item **place = &table[operations[i].place];
    sum += (*place)->payload;
    release(*place);
    *place = make(operations[i].size, i + 1);
  }
  return sum;
}

void churn(void) {
  uint64_t live = bench_number("live", 1000), repeat = bench_number("repeat", 1);
  uint64_t count = bench_number("operations", 1000000);
  struct bench_operation *operations = bench_operations(live, count);
  struct item **table = malloc(live * sizeof *table);
  bench_require(table != NULL, "memory");
  for (uint64_t i = 0; i < live; i++) table[i] = make(operations[i % count].size, 0);
  replace(table, operations, count);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < repeat; turn++) sum = replace(table, operations, count);
  double spent = bench_now_ns() - start;
  for (uint64_t i = 0; i < live; i++) release(table[i]);
  free(table);
  free(operations);
  bench_result("ns/operation", spent / (double)(count * repeat), sum);
}

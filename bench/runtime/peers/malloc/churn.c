/* B1: counted objects with a header of 8 bytes, 16 to 256 bytes in all; each
 * operation drops one at random and puts a new one in its place.  With memory as it comes, and with
 * memory that the allocator zeroes. */
#include "allocator.h"

struct item {
  uint64_t count;
  uint64_t payload;
};

static inline struct item *make(uint32_t bytes, uint64_t payload, int zeroed) {
  struct item *item = zeroed ? allocate_zeroed(bytes) : allocate(bytes);
  item->count = 1;
  item->payload = payload;
  return item;
}

static inline void release(struct item *item) {
  if (--item->count == 0) deallocate(item);
}

static inline uint64_t replace(struct item **table, const struct bench_operation *operations,
                               uint64_t count, int zeroed) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    struct item **place = &table[operations[i].place];
    sum += (*place)->payload;
    release(*place);
    *place = make(operations[i].size, i + 1, zeroed);
  }
  return sum;
}

/* One loop for each, so that neither asks which it is. */
__attribute__((noinline)) static uint64_t replace_plain(struct item **table,
                                                        const struct bench_operation *operations,
                                                        uint64_t count) {
  return replace(table, operations, count, 0);
}

__attribute__((noinline)) static uint64_t replace_zeroed(struct item **table,
                                                         const struct bench_operation *operations,
                                                         uint64_t count) {
  return replace(table, operations, count, 1);
}

static void measure(const char *figure, uint64_t live, uint64_t count, uint64_t repeat,
                    uint64_t (*turn)(struct item **, const struct bench_operation *, uint64_t)) {
  struct bench_operation *operations = bench_operations(live, count);
  struct item **table = malloc(live * sizeof *table);
  bench_require(table != NULL, "memory");
  for (uint64_t i = 0; i < live; i++) table[i] = make(operations[i % count].size, 0, 0);
  turn(table, operations, count);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t i = 0; i < repeat; i++) sum = turn(table, operations, count);
  double spent = bench_now_ns() - start;
  for (uint64_t i = 0; i < live; i++) release(table[i]);
  free(table);
  free(operations);
  bench_result(figure, spent / (double)(count * repeat), sum);
}

void churn(void) {
  uint64_t live = bench_number("live", 1000), repeat = bench_number("repeat", 1);
  uint64_t count = bench_number("operations", 1000000);
  measure("ns/operation", live, count, repeat, replace_plain);
  measure("ns/operation, zeroed", live, count, repeat, replace_zeroed);
}

/* B3: the floor and the usual alternative.  A count of one word, changed by plain instructions, or
 * (-DATOMIC) by atomic ones in the way that shared counts need: relaxed up, release down. */
#include <stdatomic.h>
#include <stdlib.h>

#include "bench.h"

#ifdef ATOMIC
const char bench_peer[] = "atomic";
typedef _Atomic uint64_t count_word;
static inline void up(count_word *count) {
  atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}
static inline int down_to_zero(count_word *count) {
  return atomic_fetch_sub_explicit(count, 1, memory_order_release) == 1;
}
#else
const char bench_peer[] = "plain";
typedef uint64_t count_word;
static inline void up(count_word *count) { ++*count; }
static inline int down_to_zero(count_word *count) { return --*count == 0; }
#endif

struct object {
  count_word count;
  struct object *left, *right;
};

static void work(struct object **objects, uint64_t count, uint64_t rounds) {
  for (uint64_t round = 0; round < rounds; round++) {
    for (uint64_t i = 0; i < count; i++) {
      struct object *object = objects[i];
      up(&object->count);
      __asm__ __volatile__("" ::: "memory"); /* or the pair would be no work at all */
      if (down_to_zero(&object->count)) free(object);
    }
  }
}

static void pairs(void) {
  uint64_t count = bench_number("objects", 1000), repeat = bench_number("repeat", 1);
  uint64_t rounds = bench_number("pairs", 1000000) / count;
  struct object **objects = malloc(count * sizeof *objects);
  bench_require(objects != NULL, "memory");
  for (uint64_t i = 0; i < count; i++) {
    objects[i] = calloc(1, sizeof **objects);
    objects[i]->count = 1;
  }
  work(objects, count, rounds / 10 + 1);
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) work(objects, count, rounds);
  double spent = bench_now_ns() - start;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    sum += objects[i]->count;
    free(objects[i]);
  }
  free(objects);
  bench_result("ns/pair", spent / (double)(rounds * count * repeat), sum);
}

const char *bench_peer_version(void) { return "gcc " __VERSION__; }
const struct bench_entry bench_table[] = {{"B3", pairs}, {NULL, NULL}};

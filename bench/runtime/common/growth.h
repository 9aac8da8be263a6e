/* X4: what an object costs, from a thousand of them to ten million.  It should be the same, but for
 * what the processor's caches no longer hold.
 *
 * A peer includes graph.h first, and defines
 *
 *     static void graph_retain(graph_node *);
 *
 * Each step goes over all objects in the order in which they were made; small heaps do it often
 * enough that 4 million objects are seen, unless "total" says else.
 */
#ifndef BENCH_GROWTH_H
#define BENCH_GROWTH_H

#include "graph.h"

enum growth_step { GROWTH_NEW, GROWTH_RETAIN, GROWTH_RELEASE, GROWTH_COLLECT, GROWTH_DROP };

/* One round of the five steps; adds what each took. */
static void growth_round(graph_node **nodes, uint64_t count, double *spent_ns) {
  double at_ns[GROWTH_DROP + 2];
  at_ns[GROWTH_NEW] = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) nodes[i] = graph_new();
  at_ns[GROWTH_RETAIN] = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) graph_retain(nodes[i]);
  at_ns[GROWTH_RELEASE] = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) graph_drop(nodes[i]);
  at_ns[GROWTH_COLLECT] = bench_now_ns();
  bench_require(graph_collect() == 0, "nothing is freed");
  at_ns[GROWTH_DROP] = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) graph_drop(nodes[i]);
  at_ns[GROWTH_DROP + 1] = bench_now_ns();
  for (int step = 0; step <= GROWTH_DROP; step++) spent_ns[step] += at_ns[step + 1] - at_ns[step];
}

static void growth_run(void) {
  static const char *const figures[] = {"ns/object allocate", "ns/object retain",
                                        "ns/object release", "ns/object collect", "ns/object drop"};
  uint64_t count = bench_number("objects", 1000);
  uint64_t rounds = bench_number("total", 4000000) / count;
  double warm_ns[GROWTH_DROP + 1] = {0}, spent_ns[GROWTH_DROP + 1] = {0};
  if (rounds == 0) rounds = 1;
  graph_node **nodes = malloc(count * sizeof(*nodes));
  bench_require(nodes != NULL, "memory for the objects' addresses");
  growth_round(nodes, count, warm_ns);
  for (uint64_t round = 0; round < rounds; round++) growth_round(nodes, count, spent_ns);
  free(nodes);
  for (int step = 0; step <= GROWTH_DROP; step++) {
    bench_result(figures[step], spent_ns[step] / (double)(rounds * count), count);
  }
}

#endif

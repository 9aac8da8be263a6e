/* X3: the longest pause, as the heap grows.
 *
 * The heap is that of a server: sessions of 100 nodes, each a ring with random references within,
 * held by a table outside.  Sessions end at random, and others begin in their place; an ended one
 * is garbage in cycles.  Measured is
 *
 *     us full       the longest of some collections of the whole heap
 *     us local      the longest of some collections that look only at what changed: ten sessions
 *                   replaced, ten others touched (only where a peer has such: GRAPH_LOCAL)
 *     us any step   the longest time that the replacement of one session took, with automatic
 *                   collection as it is by default, while twice as many objects as the heap holds
 *                   were made
 *
 * A peer includes graph.h first, and defines
 *
 *     static void graph_retain(graph_node *);
 *     static void graph_automatic(void);            from here on; called while there are no objects
 *     static uint64_t graph_collect_local(void);    with GRAPH_LOCAL
 */
#ifndef BENCH_PAUSE_H
#define BENCH_PAUSE_H

#include "graph.h"

enum { PAUSE_SESSION = 100, PAUSE_CHANGED = 10 };

struct pause {
  graph_node **sessions;
  uint64_t count, random;
};

static graph_node *pause_session_new(uint64_t *random) {
  graph_node *nodes[PAUSE_SESSION];
  for (int i = 0; i < PAUSE_SESSION; i++) nodes[i] = graph_new();
  for (int i = 0; i < PAUSE_SESSION; i++) {
    graph_set(nodes[i], 1, nodes[bench_random(random) % PAUSE_SESSION]);
  }
  graph_set(nodes[PAUSE_SESSION - 1], 0, nodes[0]);
  for (int i = 0; i + 1 < PAUSE_SESSION; i++) graph_give(nodes[i], 0, nodes[i + 1]);
  return nodes[0];
}

static void pause_replace(struct pause *pause) {
  uint64_t which = bench_random(&pause->random) % pause->count;
  graph_node *ended = pause->sessions[which];
  pause->sessions[which] = pause_session_new(&pause->random);
  graph_drop(ended);
}

static void pause_touch(struct pause *pause) {
  graph_node *session = pause->sessions[bench_random(&pause->random) % pause->count];
  graph_retain(session);
  graph_drop(session);
}

/* The longest of some collections, each after a few sessions changed. */
static double pause_longest_ns(struct pause *pause, int times, uint64_t (*collect)(void)) {
  double longest_ns = 0;
  for (int i = 0; i < times; i++) {
    for (int change = 0; change < PAUSE_CHANGED; change++) {
      pause_replace(pause);
      pause_touch(pause);
    }
    double start_ns = bench_now_ns();
    uint64_t freed = collect();
    double pause_ns = bench_now_ns() - start_ns;
    bench_require(freed == PAUSE_CHANGED * PAUSE_SESSION, "the ended sessions are freed");
    if (pause_ns > longest_ns) longest_ns = pause_ns;
  }
  return longest_ns;
}

static double pause_longest_step_ns(struct pause *pause) {
  double longest_ns = 0, last_ns = bench_now_ns();
  for (uint64_t i = 0; i < 2 * pause->count; i++) {
    pause_replace(pause);
    double now_ns = bench_now_ns();
    if (now_ns - last_ns > longest_ns) longest_ns = now_ns - last_ns;
    last_ns = now_ns;
  }
  return longest_ns;
}

static void pause_fill(struct pause *pause) {
  for (uint64_t i = 0; i < pause->count; i++) {
    pause->sessions[i] = pause_session_new(&pause->random);
  }
}

static void pause_empty(struct pause *pause) {
  for (uint64_t i = 0; i < pause->count; i++) graph_drop(pause->sessions[i]);
  bench_require(graph_collect() > 0, "the sessions are freed");
}

static void pause_run(void) {
  uint64_t objects = bench_number("objects", 10000);
  struct pause pause = {.count = objects / PAUSE_SESSION, .random = BENCH_SEED};
  bench_require(pause.count > 0, "at least one session");
  pause.sessions = malloc(pause.count * sizeof(*pause.sessions));
  bench_require(pause.sessions != NULL, "memory for the table");
  pause_fill(&pause);
  (void)graph_collect();
  bench_result("us full", pause_longest_ns(&pause, 3, graph_collect) / 1000, objects);
#ifdef GRAPH_LOCAL
  bench_result("us local", pause_longest_ns(&pause, 10, graph_collect_local) / 1000, objects);
#endif
  pause_empty(&pause);
  graph_automatic();
  pause_fill(&pause);
  bench_result("us any step", pause_longest_step_ns(&pause) / 1000, objects);
  pause_empty(&pause);
  free(pause.sessions);
}

#endif

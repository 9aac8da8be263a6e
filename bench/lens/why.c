/* Measures what is garbage and why something lives, on a core file whose pages are cached.
 *
 *   why CORE
 *
 * Everything once; one line a figure, as measure.c prints them.  The floors are the same searches
 * in plain C over the edges that the lens has found already: breadth first from the root, and
 * backwards from the object to it.  Leaks are found with the one root that reaches everything, and
 * without any: then all of the heap is garbage.
 */
#include <string.h>
#include <unistd.h>

#include "gauge.h"

enum { SLICE_MS = 50 };

struct bench {
  lens *target;
  uint64_t objects, memory_before, memory_most;
  uint32_t root;
  double longest;
};

static volatile uint64_t sink;

/* ---- the floors ---- */

static void floor_search(const struct bench *bench, bool backward) {
  lens_columns columns;
  check_status(bench->target, lens_columns_get(bench->target, &columns));
  uint8_t *met = calloc(columns.object_count, 1);
  uint32_t *queue = malloc((size_t)columns.object_count * sizeof *queue);
  uint32_t *next = malloc((size_t)columns.object_count * sizeof *next);
  if (met == NULL || queue == NULL || next == NULL) exit(1);
  /* The pages are there before the clock runs, as the lens's are not. */
  memset(queue, 0, (size_t)columns.object_count * sizeof *queue);
  memset(next, 0, (size_t)columns.object_count * sizeof *next);
  const uint64_t *starts = backward ? columns.in_start : columns.out_start;
  const uint32_t *ends = backward ? columns.in_source : columns.out_target;
  uint32_t last = (uint32_t)columns.object_count - 1;
  double began = now();
  uint64_t tail = 0;
  queue[tail++] = backward ? last : bench->root;
  met[queue[0]] = 1;
  for (uint64_t head = 0; head < tail; head++) {
    uint32_t object = queue[head];
    if (backward && object == bench->root) break;
    for (uint64_t edge = starts[object]; edge < starts[object + 1]; edge++) {
      uint32_t other = ends[edge];
      if (met[other] != 0) continue;
      met[other] = 1;
      next[other] = object;
      queue[tail++] = other;
    }
  }
  print_figure(backward ? "floor: one shortest way" : "floor: reachability", now() - began,
               bench->objects);
  sink += tail + next[bench->root];
  free(met);
  free(queue);
  free(next);
}

/* ---- the lens ---- */

static void fresh(struct bench *bench) {
  lens_refresh(bench->target);
  RUN(bench, lens_model_load(bench->target, SLICE_MS));
}

static void add_root(const struct bench *bench) {
  lens_columns columns;
  check_status(bench->target, lens_columns_get(bench->target, &columns));
  lens_root root = {
      .slot_address = 8, .value = columns.address[bench->root], .kind = LENS_ROOT_GLOBAL};
  check_status(bench->target, lens_root_add(bench->target, &root));
}

static double leaks(struct bench *bench, bool with_root) {
  lens_leak rows[20];
  uint64_t written, matched;
  fresh(bench);
  double began = now();
  RUN(bench, lens_index(bench->target, SLICE_MS, NULL));
  if (with_root) add_root(bench);
  RUN(bench, lens_leaks(bench->target, SLICE_MS, NULL));
  check_status(bench->target, lens_leaks_select(bench->target, NULL, 20, rows, &written, &matched));
  double seconds = now() - began;
  lens_leaks_totals totals;
  check_status(bench->target, lens_leaks_totals_get(bench->target, &totals));
  sink += totals.object_count + matched;
  return seconds;
}

static double collect(struct bench *bench) {
  lens_collected collected;
  fresh(bench);
  RUN(bench, lens_index(bench->target, SLICE_MS, NULL));
  double began = now();
  RUN(bench, lens_collect(bench->target, LENS_NONE, 0, SLICE_MS, NULL));
  double seconds = now() - began;
  check_status(bench->target, lens_collected_get(bench->target, &collected));
  sink += collected.kept;
  return seconds;
}

static double ways(struct bench *bench) {
  lens_paths_totals totals;
  fresh(bench);
  RUN(bench, lens_index(bench->target, SLICE_MS, NULL));
  add_root(bench);
  uint32_t last = (uint32_t)bench->objects - 1;
  double began = now();
  RUN(bench, lens_paths(bench->target, last, 1, 0, SLICE_MS, NULL));
  double seconds = now() - began;
  check_status(bench->target, lens_paths_totals_get(bench->target, &totals));
  if (totals.ways != 1) exit(1);
  return seconds;
}

int main(int argc, char **argv) {
  struct bench bench = {.target = NULL};
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORE\n", argv[0]);
    return 2;
  }
  if (lens_new_core(argv[1], NULL, &bench.target) != LENS_OK) {
    fprintf(stderr, "why: %s: %s\n", argv[1], lens_error(NULL));
    return 1;
  }
  fresh(&bench);
  RUN(&bench, lens_index(bench.target, SLICE_MS, NULL));
  lens_columns columns;
  check_status(bench.target, lens_columns_get(bench.target, &columns));
  bench.objects = columns.object_count;
  /* An object of the ring: others may be the runtime's own.  It is far from the last one. */
  bench.root = (uint32_t)(bench.objects / 2);
  floor_search(&bench, false);
  floor_search(&bench, true);
  fresh(&bench);
  bench.memory_before = anonymous_bytes();
  bench.memory_most = 0;
  bench.longest = 0;
  double with_root = leaks(&bench, true);
  uint64_t memory_with_root = bench.memory_most;
  print_figure("walk, index, reachability, leaks", with_root, bench.objects);
  print_figure("the same, all of it garbage", leaks(&bench, false), bench.objects);
  print_figure("the collector's arithmetic, indexed", collect(&bench), bench.objects);
  print_figure("one shortest way, indexed", ways(&bench), bench.objects);
  printf("why bytes an object\t%.1f\n",
         (double)(memory_with_root - bench.memory_before) / (double)bench.objects);
  printf("why bytes an object, all garbage\t%.1f\n",
         (double)(bench.memory_most - bench.memory_before) / (double)bench.objects);
  printf("why longest slice ms\t%.0f\n", bench.longest * 1e3);
  lens_free(bench.target);
  return 0;
}

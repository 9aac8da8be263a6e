/* Measures the questions of the graph on a core file whose pages are cached: components, dominators
 * and retained sizes, of objects and of types.
 *
 *   graph CORE
 *
 * Everything once; one line a figure, as measure.c prints them, and the most memory that the lens
 * held.  The index is there when a figure begins.  The floors are the same algorithms in plain C,
 * over the same rows, in arrays of one member each: Tarjan's components, and semi-NCA with a plain
 * climb.
 */
#include <string.h>

#include "gauge.h"

enum { SLICE_MS = 50 };

struct bench {
  lens *target;
  lens_columns columns;
  uint32_t start; /* the one root's object */
  uint64_t memory_most, memory_before;
  double longest; /* slice */
};

static volatile uint64_t sink;

static double run(struct bench *bench, lens_status (*step)(lens *, uint32_t, lens_progress *)) {
  double start = now();
  RUN(bench, step(bench->target, SLICE_MS, NULL));
  return now() - start;
}

static void *array(uint64_t count, size_t item_bytes) {
  void *items = calloc((size_t)count + 1, item_bytes);
  if (items == NULL) exit(1);
  return items;
}

/* ---- the floors ---- */

static void floor_components(const struct bench *bench) {
  const lens_columns *g = &bench->columns;
  uint64_t count = g->object_count, depth = 0, waiting = 0;
  uint32_t next = 0, components = 0;
  uint32_t *number = array(count, 4), *low = array(count, 4), *path = array(count, 4),
           *stack = array(count, 4);
  uint64_t *edge = array(count, 8);
  for (uint32_t first = 0; first < count; first++) {
    if (number[first] != 0) continue;
    path[depth++] = first;
    while (depth > 0) {
      uint32_t node = path[depth - 1];
      if (number[node] == 0) {
        number[node] = low[node] = ++next;
        edge[node] = g->out_start[node];
        stack[waiting++] = node;
      }
      for (; edge[node] < g->out_start[node + 1]; edge[node]++) {
        uint32_t target = g->out_target[edge[node]];
        if (number[target] == 0) break;
        if (low[target] != UINT32_MAX && low[target] < low[node]) low[node] = low[target];
      }
      if (edge[node] < g->out_start[node + 1]) {
        path[depth++] = g->out_target[edge[node]];
        continue;
      }
      depth--;
      if (low[node] == number[node]) {
        components++;
        uint32_t member;
        do {
          member = stack[--waiting];
          low[member] = UINT32_MAX;
        } while (member != node);
      } else if (low[node] < low[path[depth - 1]]) {
        low[path[depth - 1]] = low[node];
      }
    }
  }
  sink += components;
  free(number);
  free(low);
  free(path);
  free(stack);
  free(edge);
}

struct tree {
  uint32_t *number, *vertex, *parent, *semi, *label, *ancestor, *path;
};

static uint32_t floor_order(const struct bench *bench, struct tree *t) {
  const lens_columns *g = &bench->columns;
  uint64_t *edge = array(g->object_count, 8), depth = 0;
  uint32_t count = 0;
  t->path[depth++] = bench->start;
  t->number[bench->start] = ++count;
  t->vertex[count] = bench->start;
  edge[bench->start] = g->out_start[bench->start];
  while (depth > 0) {
    uint32_t node = t->path[depth - 1];
    if (edge[node] == g->out_start[node + 1]) {
      depth--;
      continue;
    }
    uint32_t target = g->out_target[edge[node]++];
    if (t->number[target] != 0) continue;
    t->number[target] = ++count;
    t->vertex[count] = target;
    t->parent[count] = t->number[node];
    edge[target] = g->out_start[target];
    t->path[depth++] = target;
  }
  free(edge);
  return count;
}

static uint32_t floor_least(struct tree *t, uint32_t node, uint32_t above) {
  uint64_t depth = 0;
  uint32_t at = node;
  while (t->ancestor[at] > above) {
    t->path[depth++] = at;
    at = t->ancestor[at];
  }
  while (depth > 0) {
    uint32_t below = t->path[--depth];
    if (t->label[at] < t->label[below]) t->label[below] = t->label[at];
    t->ancestor[below] = t->ancestor[at];
    at = below;
  }
  return t->label[node];
}

static void floor_retained(const struct bench *bench) {
  const lens_columns *g = &bench->columns;
  uint64_t count = g->object_count;
  struct tree t = {array(count, 4), array(count, 4), array(count, 4), array(count, 4),
                   array(count, 4), array(count, 4), array(count, 4)};
  uint64_t *bytes = array(count, 8);
  uint32_t last = floor_order(bench, &t);
  for (uint32_t i = last; i > 0; i--) {
    uint32_t node = t.vertex[i], semi = t.parent[i];
    for (uint64_t e = g->in_start[node]; e < g->in_start[node + 1]; e++) {
      uint32_t from = t.number[g->in_source[e]];
      if (from == 0) continue;
      uint32_t least = from <= i ? from : floor_least(&t, from, i);
      if (least < semi) semi = least;
    }
    t.semi[i] = t.label[i] = semi;
    t.ancestor[i] = t.parent[i];
  }
  for (uint32_t i = 2; i <= last; i++) {
    while (t.parent[i] > t.semi[i]) t.parent[i] = t.parent[t.parent[i]];
  }
  for (uint32_t i = last; i > 0; i--) {
    bytes[i] += g->size_bytes[t.vertex[i]];
    bytes[t.parent[i]] += bytes[i];
  }
  sink += bytes[0];
  free(t.number);
  free(t.vertex);
  free(t.parent);
  free(t.semi);
  free(t.label);
  free(t.ancestor);
  free(t.path);
  free(bytes);
}

/* ---- the whole ---- */

/* The heaps of bench/lens/heap.c have one root, which leads to all; any object does. */
static void add_root(struct bench *bench) {
  lens_root root = {
      .slot_address = 8, .value = bench->columns.address[bench->start], .kind = LENS_ROOT_GLOBAL};
  check_status(bench->target, lens_root_add(bench->target, &root));
}

int main(int argc, char **argv) {
  struct bench bench = {0};
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORE\n", argv[0]);
    return 2;
  }
  lens_status status = lens_new_core(argv[1], NULL, &bench.target);
  if (status != LENS_OK) {
    fprintf(stderr, "graph: %s: %s\n", argv[1], lens_error(NULL));
    return 1;
  }
  status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_model_load(bench.target, SLICE_MS);
  check_status(bench.target, status);
  bench.memory_before = anonymous_bytes();
  double index = run(&bench, lens_index);
  check_status(bench.target, lens_columns_get(bench.target, &bench.columns));
  bench.start = (uint32_t)(bench.columns.object_count / 2);
  double start = now();
  floor_components(&bench);
  print_figure("floor: components", now() - start, bench.columns.object_count);
  start = now();
  floor_retained(&bench);
  print_figure("floor: dominators, retained sizes", now() - start, bench.columns.object_count);

  bench.longest = 0;
  add_root(&bench);
  double components = run(&bench, lens_components), retained = run(&bench, lens_retained);
  print_figure("components", components, bench.columns.object_count);
  print_figure("dominators, retained sizes", retained, bench.columns.object_count);
  print_figure("walk, index, components, retained sizes", index + components + retained,
               bench.columns.object_count);
  lens_components_shown shown;
  lens_retained_totals totals;
  check_status(bench.target, lens_components_get(bench.target, &shown));
  check_status(bench.target, lens_retained_totals_get(bench.target, &totals));
  print_figure("retained sizes by type", run(&bench, lens_retained_types),
               bench.columns.object_count);
  printf("graph: longest slice\t%.1f\n", bench.longest * 1e3);
  printf("graph: retained objects\t%llu\n", (unsigned long long)totals.objects);
  printf("graph: bytes an object\t%.1f\n",
         (double)(bench.memory_most - bench.memory_before) / (double)bench.columns.object_count);
  lens_free(bench.target);
  return 0;
}

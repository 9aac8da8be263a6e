/* Dominators of many small graphs against their definition: a node dominates another where nothing
 * outside leads to that without it.  And of graphs in the shapes that take naive climbs for ever.
 */
#include <stdio.h>
#include <stdlib.h>

#include "graph/dominators.h"
#include "memory/alloc.h"
#include "random_graph.h"

enum { GRAPHS = 40000, ENTRIES_MAX = 6, LONG = 1000000 };

static uint64_t seed = 90210;

static void solve(struct lens_dominators *dominators, const struct lens_graph *graph,
                  const struct lens_entries *entries, uint64_t end_ns) {
  const lens_slice slice = {.end_ns = end_ns};
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_dominators_step(dominators, graph, entries, &slice);
  assert_int_equal(status, LENS_OK);
}

/* Which nodes are reached without one node or one entry (LENS_NONE: with all), from the entries
 * that count. */
static void reach_without(const struct random_graph *made, const struct lens_entries *entries,
                          const bool *counts, uint32_t node, uint64_t entry, bool *reached) {
  memset(reached, 0, GRAPH_NODES_MAX * sizeof *reached);
  for (uint64_t i = 0; i < entries->count; i++) {
    if (i != entry && counts[i]) graph_reach(made, entries->nodes[i], node, reached);
  }
  for (uint32_t i = 0; i < made->graph.node_count; i++) {
    if ((*entries->standing >> i & 1) != 0) graph_reach(made, i, node, reached);
  }
}

/* below[i][k]: without i (a node, or node_count + entry) k is not reached, though it else is. */
static void check_graph(const struct random_graph *made, const struct lens_entries *entries) {
  static bool below[GRAPH_NODES_MAX + ENTRIES_MAX][GRAPH_NODES_MAX], all[GRAPH_NODES_MAX];
  uint64_t nodes = made->graph.node_count, every = nodes + entries->count;
  bool counts[ENTRIES_MAX] = {false};
  for (uint64_t i = 0; i < entries->owning; i++) counts[i] = true;
  reach_without(made, entries, counts, LENS_NONE, UINT64_MAX, all);
  for (uint64_t i = entries->owning; i < entries->count; i++) counts[i] = !all[entries->nodes[i]];
  reach_without(made, entries, counts, LENS_NONE, UINT64_MAX, all);
  for (uint32_t i = 0; i < every; i++) {
    bool reached[GRAPH_NODES_MAX];
    reach_without(made, entries, counts, i < nodes ? i : LENS_NONE,
                  i < nodes ? UINT64_MAX : i - nodes, reached);
    for (uint32_t k = 0; k < nodes; k++) below[i][k] = all[k] && !reached[k];
  }
  struct lens_dominators found = {0};
  solve(&found, &made->graph, entries, UINT64_MAX);
  const uint32_t *numbers = found.number.items, *vertex = found.vertex.items,
                 *dominators = found.dominator.items, *entry = found.entry.items;
  uint64_t count = 0;
  for (uint32_t k = 0; k < nodes; k++) {
    assert_int_equal(numbers[k] != 0, all[k]);
    if (!all[k]) continue;
    count++;
    assert_int_equal(vertex[numbers[k]], k);
    /* Its dominators are those above it in the tree, and no others. */
    bool above[GRAPH_NODES_MAX + ENTRIES_MAX] = {false};
    above[k] = true;
    for (uint32_t at = dominators[numbers[k]]; at != 0; at = dominators[at]) {
      assert_true(dominators[at] < at);
      above[vertex[at]] = true;
    }
    for (uint32_t i = 0; i < every; i++) assert_int_equal(above[i], below[i][k]);
  }
  for (uint64_t i = 0; i < entries->count; i++) {
    assert_int_equal(entry[i] != 0, counts[i]);
    if (!counts[i]) continue;
    count++;
    assert_int_equal(vertex[entry[i]], nodes + i);
    assert_int_equal(dominators[entry[i]], 0);
  }
  assert_int_equal(found.count, count);
  lens_dominators_free(&found);
}

static void as_defined(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  static struct random_graph made;
  for (int i = 0; i < GRAPHS; i++) {
    graph_make(&made, &seed);
    uint32_t nodes[ENTRIES_MAX];
    uint64_t standing = 0, count = random_below(&seed, ENTRIES_MAX + 1);
    for (uint64_t k = 0; k < count; k++)
      nodes[k] = (uint32_t)random_below(&seed, made.graph.node_count);
    if (random_below(&seed, 3) == 0) standing |= 1ull << random_below(&seed, made.graph.node_count);
    const struct lens_entries entries = {nodes, random_below(&seed, count + 1), count, &standing};
    check_graph(&made, &entries);
  }
}

/* A graph too large for the naive model, from a list of edges in any order. */
struct large {
  struct lens_graph graph;
  uint64_t *out_start, *in_start;
  uint32_t *out_target, *in_source;
  uint64_t edge_count;
};

static void large_finish(struct large *large, uint64_t nodes, const uint32_t (*edges)[2]) {
  large->out_start = calloc(nodes + 2, sizeof(uint64_t));
  large->in_start = calloc(nodes + 2, sizeof(uint64_t));
  large->out_target = malloc(large->edge_count * sizeof(uint32_t));
  large->in_source = malloc(large->edge_count * sizeof(uint32_t));
  assert_true(large->out_start != NULL && large->in_start != NULL && large->out_target != NULL &&
              large->in_source != NULL);
  for (uint64_t i = 0; i < large->edge_count; i++) {
    large->out_start[edges[i][0] + 2]++;
    large->in_start[edges[i][1] + 2]++;
  }
  for (uint64_t i = 2; i < nodes + 2; i++) {
    large->out_start[i] += large->out_start[i - 1];
    large->in_start[i] += large->in_start[i - 1];
  }
  for (uint64_t i = 0; i < large->edge_count; i++) {
    large->out_target[large->out_start[edges[i][0] + 1]++] = edges[i][1];
    large->in_source[large->in_start[edges[i][1] + 1]++] = edges[i][0];
  }
  large->graph = (struct lens_graph){.node_count = nodes,
                                     .out_start = large->out_start,
                                     .out_target = large->out_target,
                                     .in_start = large->in_start,
                                     .in_source = large->in_source};
}

static void large_free(struct large *large) {
  free(large->out_start);
  free(large->in_start);
  free(large->out_target);
  free(large->in_source);
}

/* A chain whose end holds half of the nodes, which a registry holds too; the same as a doubly
 * linked list.  Slices that are over at once. */
static void long_climbs(void **state) {
  (void)state;
  uint32_t(*edges)[2] = malloc(4ul * LONG * sizeof *edges);
  assert_non_null(edges);
  for (int shape = 0; shape < 2; shape++) {
    struct large large = {0};
    uint32_t half = LONG / 2, registry = LONG - 1;
    for (uint32_t i = 1; i < half; i++) {
      edges[large.edge_count][0] = i - 1;
      edges[large.edge_count++][1] = i;
      if (shape == 0) continue;
      edges[large.edge_count][0] = i;
      edges[large.edge_count++][1] = i - 1;
    }
    for (uint32_t i = half; i < registry; i++) {
      edges[large.edge_count][0] = half - 1;
      edges[large.edge_count++][1] = i;
      edges[large.edge_count][0] = registry;
      edges[large.edge_count++][1] = i;
    }
    large_finish(&large, LONG, (const uint32_t(*)[2])edges);
    const uint32_t roots[] = {0, registry};
    uint64_t *standing = calloc(LONG / 64 + 1, sizeof *standing);
    assert_non_null(standing);
    const struct lens_entries entries = {roots, 2, 2, standing};
    struct lens_dominators found = {0};
    solve(&found, &large.graph, &entries, 0);
    const uint32_t *numbers = found.number.items, *dominators = found.dominator.items;
    for (uint32_t i = 1; i < half; i++) assert_int_equal(dominators[numbers[i]], numbers[i - 1]);
    for (uint32_t i = half; i < registry; i++) assert_int_equal(dominators[numbers[i]], 0);
    lens_dominators_free(&found);
    large_free(&large);
    free(standing);
  }
  free(edges);
}

static void no_memory(void **state) {
  (void)state;
  static struct random_graph made;
  const lens_slice slice = {.end_ns = UINT64_MAX};
  graph_make(&made, &seed);
  const uint32_t root = 0;
  const uint64_t standing = 0;
  const struct lens_entries entries = {&root, 1, 1, &standing};
  int64_t failing = 0;
  for (lens_status status = LENS_NO_MEMORY; status != LENS_OK; failing++) {
    struct lens_dominators found = {0};
    lens_alloc_fail_after(failing);
    status = lens_dominators_step(&found, &made.graph, &entries, &slice);
    lens_alloc_fail_after(-1);
    if (status != LENS_OK) {
      assert_int_equal(status, LENS_NO_MEMORY);
      assert_int_equal(lens_dominators_step(&found, &made.graph, &entries, &slice), LENS_OK);
    }
    lens_dominators_free(&found);
  }
  assert_true(failing > 8);
}

int main(void) {
  const char *text = getenv("CAIRN_GRAPH_SEED");
  if (text != NULL) seed = strtoull(text, NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_defined), cmocka_unit_test(long_climbs),
                                     cmocka_unit_test(no_memory)};
  return cmocka_run_group_tests_name("dominators", tests, NULL, NULL);
}

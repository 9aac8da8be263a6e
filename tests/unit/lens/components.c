/* Strongly connected components of many small graphs against their definition: two nodes are in one
 * component where each reaches the other.  And of graphs as deep as they get.
 */
#include <stdio.h>
#include <stdlib.h>

#include "graph/components.h"
#include "memory/alloc.h"
#include "random_graph.h"

enum { GRAPHS = 40000, LONG = 3000000 };

static uint64_t seed = 20261;

static void solve(struct lens_components *components, const struct lens_graph *graph,
                  uint64_t end_ns) {
  const lens_slice slice = {.end_ns = end_ns};
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_components_step(components, graph, &slice);
  assert_int_equal(status, LENS_OK);
}

static void check_graph(const struct random_graph *made) {
  static bool reached[GRAPH_NODES_MAX][GRAPH_NODES_MAX];
  memset(reached, 0, sizeof reached);
  uint64_t nodes = made->graph.node_count;
  for (uint32_t i = 0; i < nodes; i++) graph_reach(made, i, LENS_NONE, reached[i]);
  struct lens_components found = {0};
  solve(&found, &made->graph, UINT64_MAX);
  const uint32_t *component = found.component.items;
  uint64_t sizes[GRAPH_NODES_MAX] = {0}, cyclic = 0;
  bool itself[GRAPH_NODES_MAX] = {false};
  for (uint32_t i = 0; i < nodes; i++) {
    if (!lens_graph_has(&made->graph, i)) {
      assert_int_equal(component[i], LENS_NONE);
      continue;
    }
    assert_true(component[i] < found.component_count);
    sizes[component[i]]++;
    for (uint32_t k = 0; k < nodes; k++)
      assert_int_equal(component[i] == component[k], reached[i][k] && reached[k][i]);
    assert_true(reached[i][i]);
    for (uint64_t e = made->out_start[i]; e < made->out_start[i + 1]; e++) {
      if (!lens_graph_has(&made->graph, made->out_target[e])) continue;
      assert_true(component[made->out_target[e]] <= component[i]);
      if (made->out_target[e] == i) itself[component[i]] = true;
    }
  }
  const struct lens_ring *rings = found.rings.items;
  for (uint32_t i = 0; i < found.component_count; i++) {
    assert_true(sizes[i] > 0);
    if (sizes[i] == 1 && !itself[i]) continue;
    assert_true(cyclic < found.ring_count);
    assert_int_equal(rings[cyclic].component, i);
    assert_int_equal(rings[cyclic].node_count, sizes[i]);
    cyclic++;
  }
  assert_int_equal(cyclic, found.ring_count);
  lens_components_free(&found);
}

static void as_defined(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  static struct random_graph made;
  for (int i = 0; i < GRAPHS; i++) {
    graph_make(&made, &seed);
    check_graph(&made);
    uint64_t only = seed ^ seed >> 7; /* a part of it */
    made.graph.only = &only;
    check_graph(&made);
  }
}

/* One ring, one chain, one hub that holds all, in slices that are over at once. */
static void deep_and_wide(void **state) {
  (void)state;
  uint64_t *starts = malloc((LONG + 1) * sizeof *starts);
  uint32_t *targets = malloc(LONG * sizeof *targets);
  assert_true(starts != NULL && targets != NULL);
  for (int shape = 0; shape < 3; shape++) {
    uint64_t edges = 0;
    for (uint32_t i = 0; i < LONG; i++) {
      starts[i] = edges;
      if (shape == 0) targets[edges++] = (i + 1) % LONG;
      if (shape == 1 && i > 0) targets[edges++] = i - 1;
      if (shape == 2 && i == 5) {
        for (uint32_t k = 0; k < LONG; k++) targets[edges++] = k;
      }
    }
    starts[LONG] = edges;
    const struct lens_graph graph = {
        .node_count = LONG, .out_start = starts, .out_target = targets};
    struct lens_components found = {0};
    solve(&found, &graph, 0);
    assert_int_equal(found.component_count, shape == 0 ? 1 : LONG);
    assert_int_equal(found.ring_count, shape == 1 ? 0 : 1);
    lens_components_free(&found);
  }
  free(starts);
  free(targets);
}

static void no_memory(void **state) {
  (void)state;
  static struct random_graph made;
  const lens_slice slice = {.end_ns = UINT64_MAX};
  do graph_make(&made, &seed);
  while (made.out_start[made.graph.node_count] < 100);
  int64_t failing = 0;
  for (lens_status status = LENS_NO_MEMORY; status != LENS_OK; failing++) {
    struct lens_components found = {0};
    lens_alloc_fail_after(failing);
    status = lens_components_step(&found, &made.graph, &slice);
    lens_alloc_fail_after(-1);
    if (status != LENS_OK) {
      assert_int_equal(status, LENS_NO_MEMORY);
      assert_int_equal(lens_components_step(&found, &made.graph, &slice), LENS_OK);
    }
    lens_components_free(&found);
  }
  assert_true(failing > 4);
}

int main(void) {
  const char *text = getenv("CAIRN_GRAPH_SEED");
  if (text != NULL) seed = strtoull(text, NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_defined), cmocka_unit_test(deep_and_wide),
                                     cmocka_unit_test(no_memory)};
  return cmocka_run_group_tests_name("components", tests, NULL, NULL);
}

/* The lens's ways to an object against all simple ways that there are: random small heaps of this
 * process whose every reference is known.
 *
 *   property_paths [HEAPS [SEED]]
 */
#include "../unit/chain/self.h"
#include "small_graph.h"

#include <stdlib.h>

extern const char cairn_contract_root[];

enum { OBJECTS_MAX = 9, WANTED = 400, NAIVE_MAX = 20000 };

static uint64_t wanted_heaps = 10000, first_seed = 1;

/* ---- the naive answer: every simple way, from the target backwards ---- */

struct naive {
  uint32_t lengths[NAIVE_MAX]; /* of all ways, as they are met */
  uint32_t firsts[NAIVE_MAX];  /* where they start */
  uint32_t count;
  bool holds[OBJECTS_MAX][OBJECTS_MAX];
};

static uint32_t starts_of(const struct graph *graph, uint32_t object) {
  return graph->roots[object] + graph->borrowed[object];
}

static void walk(const struct graph *graph, struct naive *naive, uint32_t object, uint32_t length,
                 bool *on_way) {
  for (uint32_t i = 0; i < starts_of(graph, object); i++) {
    assert_true(naive->count < NAIVE_MAX);
    naive->lengths[naive->count] = length;
    naive->firsts[naive->count++] = object;
  }
  on_way[object] = true;
  for (uint32_t holder = 0; holder < graph->count; holder++) {
    if (naive->holds[holder][object] && !on_way[holder])
      walk(graph, naive, holder, length + 1, on_way);
  }
  on_way[object] = false;
}

static void find_all(const struct graph *graph, struct naive *naive, uint32_t target, bool soft) {
  *naive = (struct naive){.count = 0};
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; k < graph->edge_count[i]; k++) naive->holds[i][graph->edges[i][k]] = true;
    for (uint32_t k = 0; k < 2 && soft; k++) {
      if (graph->soft[i][k] != GRAPH_NO_OBJECT) naive->holds[i][graph->soft[i][k]] = true;
    }
  }
  bool on_way[OBJECTS_MAX] = {false};
  walk(graph, naive, target, 1, on_way);
}

/* ---- the lens's ---- */

static uint32_t row_of(lens *self, const struct graph *graph, uint32_t object) {
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(graph->objects[object]), &row), LENS_OK);
  return row;
}

static uint32_t object_of(lens *self, const struct graph *graph, uint32_t row) {
  for (uint32_t i = 0; i < graph->count; i++) {
    if (row_of(self, graph, i) == row) return i;
  }
  fail_msg("row %u is no object of the test", row);
  return 0;
}

static void look(lens *self, const struct graph *graph) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; k < starts_of(graph, i); k++) {
      bool owns = k < graph->roots[i];
      lens_root root = {.slot_address = 0x1000 + 64 * i + 8 * k,
                        .value = address_of(graph->objects[i]),
                        .kind = owns ? LENS_ROOT_LOCAL : LENS_ROOT_WORD,
                        .confidence = owns ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_CONSERVATIVE};
      assert_int_equal(lens_root_add(self, &root), LENS_OK);
    }
  }
}

struct tally {
  uint64_t heaps, ways, variants, cut;
};

/* A way as the lens tells it: simple, each step a reference of that kind, from its root. */
static void check_way(lens *self, const struct graph *graph, const struct naive *naive,
                      uint64_t number, uint32_t target, const lens_way *way) {
  uint32_t rows[OBJECTS_MAX], again[2];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_way_objects(self, number, 0, OBJECTS_MAX, rows, &written, &total), LENS_OK);
  assert_int_equal(written, way->objects);
  assert_int_equal(total, way->objects);
  assert_int_equal(rows[0], way->first);
  assert_int_equal(rows[written - 1], row_of(self, graph, target));
  lens_root root;
  assert_int_equal(way->start, LENS_WAY_ROOT);
  assert_int_equal(lens_root_get(self, way->root, &root), LENS_OK);
  assert_int_equal(root.object, way->first);
  for (uint64_t i = 0; i + 1 < written; i++) {
    uint32_t holder = object_of(self, graph, rows[i]), held = object_of(self, graph, rows[i + 1]);
    assert_true(naive->holds[holder][held]);
    for (uint64_t k = i + 1; k < written; k++) assert_true(rows[k] != rows[i]);
    lens_ref ref;
    assert_int_equal(lens_holding_ref(self, rows[i], rows[i + 1], &ref), LENS_OK);
    bool strong = false;
    for (uint32_t k = 0; k < graph->edge_count[holder]; k++)
      strong |= graph->edges[holder][k] == held;
    uint32_t kind = strong                           ? LENS_REF_STRONG
                    : graph->soft[holder][0] == held ? LENS_REF_WEAK
                                                     : LENS_REF_BORROWED;
    assert_int_equal(ref.kind, kind);
    assert_int_equal(ref.target, address_of(graph->objects[held]));
  }
  if (written < 2) return;
  assert_int_equal(lens_way_objects(self, number, written - 2, 2, again, &written, &total),
                   LENS_OK);
  assert_int_equal(written, 2);
  assert_int_equal(again[1], row_of(self, graph, target));
}

/* First each start once, its shortest way; then all others; lengths ascend in both parts. */
static void compare(lens *self, const struct graph *graph, uint32_t target, uint64_t wanted,
                    bool soft, struct tally *tally) {
  static struct naive naive;
  static lens_way ways[WANTED];
  find_all(graph, &naive, target, soft);
  assert_int_equal(lens_paths(self, row_of(self, graph, target), wanted, soft, 0, NULL), LENS_OK);
  lens_paths_totals totals;
  assert_int_equal(lens_paths_totals_get(self, &totals), LENS_OK);
  uint32_t counts[OBJECTS_MAX + 1] = {0}, shortest[OBJECTS_MAX], starts = 0;
  for (uint32_t i = 0; i < OBJECTS_MAX; i++) shortest[i] = UINT32_MAX;
  for (uint32_t i = 0; i < naive.count; i++) {
    uint32_t first = naive.firsts[i];
    if (shortest[first] == UINT32_MAX) starts += starts_of(graph, first);
    if (naive.lengths[i] < shortest[first]) shortest[first] = naive.lengths[i];
    counts[naive.lengths[i]]++;
  }
  uint64_t distinct = starts < wanted ? starts : wanted;
  uint64_t all = soft ? starts : naive.count;
  assert_int_equal(totals.ways, all < wanted ? all : wanted);
  assert_true(totals.complete == 0 || totals.starts == starts);
  if (totals.complete != 0 && !soft) assert_int_equal(totals.given_up, 0);
  tally->cut += totals.complete == 0;
  uint64_t last = 0;
  for (uint64_t i = 0; i < totals.ways; i++) {
    assert_int_equal(lens_way_get(self, i, &ways[i]), LENS_OK);
    assert_int_equal(ways[i].variant, i >= distinct);
    if (i == distinct) last = 0;
    assert_true(ways[i].objects >= last);
    last = ways[i].objects;
    check_way(self, graph, &naive, i, target, &ways[i]);
    uint32_t first = object_of(self, graph, ways[i].first);
    if (i < distinct) assert_int_equal(ways[i].objects, shortest[first]);
    lens_root root, before;
    assert_int_equal(lens_root_get(self, ways[i].root, &root), LENS_OK);
    if (i != 0 && i < distinct && ways[i - 1].objects == ways[i].objects) {
      assert_int_equal(lens_root_get(self, ways[i - 1].root, &before), LENS_OK);
      assert_true(before.confidence <= root.confidence); /* the surer first */
    }
    for (uint64_t k = 0; k < i && i < distinct; k++) assert_true(ways[k].root != ways[i].root);
    assert_true(counts[ways[i].objects] > 0);
    counts[ways[i].objects]--;
    tally->variants += i >= distinct;
  }
  /* Where some were left out, they are longer than those of their part that were given. */
  for (uint32_t length = 1; length < last && !soft; length++)
    assert_true(totals.ways <= distinct || counts[length] == 0);
  /* No two are the same: ways of the same root differ. */
  uint32_t one[OBJECTS_MAX], two[OBJECTS_MAX];
  for (uint64_t i = 0; i < totals.ways && i < 30; i++) {
    for (uint64_t k = 0; k < i; k++) {
      uint64_t written = 0, total = 0;
      if (ways[i].root != ways[k].root || ways[i].objects != ways[k].objects) continue;
      (void)lens_way_objects(self, i, 0, OBJECTS_MAX, one, &written, &total);
      (void)lens_way_objects(self, k, 0, OBJECTS_MAX, two, &written, &total);
      assert_memory_not_equal(one, two, written * sizeof one[0]);
    }
  }
  tally->ways += totals.ways;
}

static void small_heaps(void **state) {
  (void)state;
  lens *self = self_lens_new();
  struct tally tally = {0};
  static struct graph graph;
  for (uint64_t seed = first_seed; tally.heaps < wanted_heaps; seed++, tally.heaps++) {
    graph_make(&graph, seed, OBJECTS_MAX);
    look(self, &graph);
    uint32_t target = (uint32_t)graph_random(&graph, graph.count);
    compare(self, &graph, target, WANTED, false, &tally);
    compare(self, &graph, target, 1 + graph_random(&graph, 4), false, &tally);
    compare(self, &graph, target, WANTED, true, &tally);
    (void)cairn_heap_destroy(graph.heap, NULL);
  }
  lens_free(self);
  print_message("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " ways, %" PRIu64
                " of them variants; %" PRIu64 " searches ended early\n",
                first_seed, first_seed + wanted_heaps - 1, tally.ways, tally.variants, tally.cut);
  assert_true(tally.ways > wanted_heaps && tally.variants > wanted_heaps / 2 &&
              tally.cut > wanted_heaps / 20);
}

int main(int count, char **words) {
  if (count > 1) wanted_heaps = strtoull(words[1], NULL, 10);
  if (count > 2) first_seed = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_heaps)};
  return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}

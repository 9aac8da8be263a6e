/* The lens's leaks against naive ones, and against what the runtime reports: random small heaps of
 * this process whose every reference is known.
 *
 *   property_leaks [HEAPS [SEED]]
 */
#include "../unit/chain/self.h"
#include "small_graph.h"

#include <stdlib.h>

extern const char cairn_contract_root[];

static uint64_t wanted = 10000, first_seed = 1;

/* ---- the naive answer ---- */

struct naive {
  bool garbage[GRAPH_OBJECTS];
  uint32_t set[GRAPH_OBJECTS];     /* the lowest object of its set */
  bool is_leak[GRAPH_OBJECTS];     /* by set */
  bool held[GRAPH_OBJECTS];        /* by set: other garbage holds it */
  bool ring[GRAPH_OBJECTS];        /* by set */
  uint32_t surplus[GRAPH_OBJECTS]; /* by set */
  uint32_t leads[GRAPH_OBJECTS];   /* how many leaks lead to the object past no other leak */
  uint32_t leak_of[GRAPH_OBJECTS]; /* the last of them, a set */
  /* By set: what the leaks lead to, also when the objects of that set are taken away. */
  bool reached_without[GRAPH_OBJECTS][GRAPH_OBJECTS];
  bool is_head[GRAPH_OBJECTS]; /* by set: whatever other set goes, leaks lead to it */
};

static bool find_garbage(const struct graph *graph, struct naive *naive) {
  static bool reach[GRAPH_OBJECTS][GRAPH_OBJECTS];
  graph_closure(graph, reach);
  bool any = false;
  for (uint32_t i = 0; i < graph->count; i++) {
    bool reached = false, counted = false;
    for (uint32_t k = 0; k < graph->count; k++) {
      reached |= reach[k][i] && (graph->roots[k] != 0 || graph->borrowed[k]);
      counted |= reach[k][i] && graph->roots[k] + graph->extra[k] != 0;
    }
    naive->garbage[i] = !reached || !counted;
    any |= naive->garbage[i];
    naive->set[i] = i;
    for (uint32_t k = i; k-- > 0;) {
      if (reach[i][k] && reach[k][i]) naive->set[i] = naive->set[k];
    }
  }
  return any;
}

static void find_sets(const struct graph *graph, struct naive *naive) {
  for (uint32_t i = 0; i < graph->count; i++) {
    if (!naive->garbage[i]) continue;
    naive->surplus[naive->set[i]] += graph->extra[i];
    for (uint32_t k = 0; k < graph->edge_count[i]; k++) {
      uint32_t to = graph->edges[i][k];
      bool inside = naive->set[to] == naive->set[i];
      *(inside ? &naive->ring[naive->set[i]] : &naive->held[naive->set[to]]) = true;
    }
  }
  for (uint32_t i = 0; i < graph->count; i++)
    naive->is_leak[i] =
        naive->garbage[i] && naive->set[i] == i && (naive->surplus[i] != 0 || !naive->held[i]);
}

/* From each leak to what it leads to, past no other leak. */
static void find_owners(const struct graph *graph, struct naive *naive) {
  for (uint32_t leak = 0; leak < graph->count; leak++) {
    if (!naive->is_leak[leak]) continue;
    bool met[GRAPH_OBJECTS] = {false};
    uint32_t queue[GRAPH_OBJECTS], tail = 0;
    for (uint32_t i = 0; i < graph->count; i++) {
      if (naive->garbage[i] && naive->set[i] == leak) queue[tail++] = i;
    }
    for (uint32_t i = 0; i < tail; i++) met[queue[i]] = true;
    for (uint32_t head = 0; head < tail; head++) {
      uint32_t object = queue[head];
      naive->leads[object]++;
      naive->leak_of[object] = leak;
      for (uint32_t k = 0; k < graph->edge_count[object]; k++) {
        uint32_t to = graph->edges[object][k];
        if (met[to] || naive->is_leak[naive->set[to]]) continue;
        met[to] = true;
        queue[tail++] = to;
      }
    }
  }
}

/* What would still be led to if the objects of one set went. */
static void reach_without(const struct graph *graph, struct naive *naive, uint32_t gone) {
  bool *met = naive->reached_without[gone];
  uint32_t queue[GRAPH_OBJECTS], tail = 0;
  for (uint32_t i = 0; i < graph->count; i++) {
    met[i] = naive->garbage[i] && naive->is_leak[naive->set[i]] && naive->set[i] != gone;
    if (met[i]) queue[tail++] = i;
  }
  for (uint32_t head = 0; head < tail; head++) {
    for (uint32_t k = 0; k < graph->edge_count[queue[head]]; k++) {
      uint32_t to = graph->edges[queue[head]][k];
      if (met[to] || naive->set[to] == gone) continue;
      met[to] = true;
      queue[tail++] = to;
    }
  }
}

static void find_heads(const struct graph *graph, struct naive *naive) {
  for (uint32_t i = 0; i < graph->count; i++) {
    if (naive->garbage[i] && naive->set[i] == i) reach_without(graph, naive, i);
  }
  for (uint32_t i = 0; i < graph->count; i++) {
    naive->is_head[i] = naive->garbage[i] && naive->set[i] == i;
    for (uint32_t k = 0; k < graph->count; k++) {
      bool other = naive->garbage[k] && naive->set[k] == k && k != i;
      if (other && !naive->reached_without[k][i]) naive->is_head[i] = false;
    }
  }
}

/* The head without which nothing leads to the object. */
static uint32_t owner_of(const struct graph *graph, const struct naive *naive, uint32_t object) {
  uint32_t owner = GRAPH_NO_OBJECT;
  for (uint32_t i = 0; i < graph->count; i++) {
    if (!naive->is_head[i] || naive->reached_without[i][object]) continue;
    assert_int_equal(owner, GRAPH_NO_OBJECT);
    owner = i;
  }
  assert_int_not_equal(owner, GRAPH_NO_OBJECT);
  return owner;
}

/* ---- the lens's ---- */

static void look(lens *self, const struct graph *graph, bool with_roots) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < graph->count && with_roots; i++) {
    for (uint32_t k = 0; k < graph->roots[i]; k++) {
      lens_root root = {.slot_address = 0x1000 + 64 * i + 8 * k,
                        .value = address_of(graph->objects[i]),
                        .kind = LENS_ROOT_LOCAL};
      assert_int_equal(lens_root_add(self, &root), LENS_OK);
    }
    lens_root borrowed = {.slot_address = 0x8000 + 8 * i,
                          .value = address_of(graph->objects[i]),
                          .kind = LENS_ROOT_WORD,
                          .confidence = LENS_CONFIDENCE_CONSERVATIVE};
    if (graph->borrowed[i]) assert_int_equal(lens_root_add(self, &borrowed), LENS_OK);
  }
  assert_int_equal(lens_leaks(self, 0, NULL), LENS_OK);
}

static uint32_t row_of(lens *self, const struct graph *graph, uint32_t object) {
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(graph->objects[object]), &row), LENS_OK);
  return row;
}

/* The set's objects, what goes with it, and the bytes of their blocks. */
static lens_leak expected_leak(const struct graph *graph, const struct naive *naive,
                               uint32_t leak) {
  lens_leak wanted_leak = {.surplus = naive->surplus[leak], .held = naive->held[leak]};
  bool cycle = naive->ring[leak] && naive->surplus[leak] == 0;
  wanted_leak.kind = cycle ? LENS_LEAK_CYCLE : LENS_LEAK_LOST;
  uint32_t most = 0;
  bool chosen = false;
  for (uint32_t i = 0; i < graph->count; i++) {
    if (!naive->garbage[i]) continue;
    bool own = naive->set[i] == leak;
    bool goes = naive->leads[i] == 1 && naive->leak_of[i] == leak;
    wanted_leak.own_objects += own;
    wanted_leak.root_refs += own && graph->borrowed[i];
    wanted_leak.objects += goes;
    if (goes) wanted_leak.bytes += cairn_object_size(graph->objects[i]);
    if (!own) continue;
    bool lower = chosen && (graph->is_list[i] != graph->is_list[wanted_leak.root]
                                ? !graph->is_list[i]
                                : graph->objects[i] < graph->objects[wanted_leak.root]);
    if (chosen && graph->extra[i] <= most && !(graph->extra[i] == most && lower)) continue;
    wanted_leak.root = i;
    most = graph->extra[i];
    chosen = true;
  }
  return wanted_leak;
}

/* The bytes of a leak are its objects' own bytes. */
static uint64_t bytes_of(lens *self, const struct graph *graph, const struct naive *naive,
                         uint32_t leak, bool own_only) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < graph->count; i++) {
    if (!naive->garbage[i]) continue;
    bool goes = naive->leads[i] == 1 && naive->leak_of[i] == leak;
    if (own_only ? naive->set[i] == leak : goes)
      bytes += lens_weight_of(self, row_of(self, graph, i));
  }
  return bytes;
}

/* The set that a row of the lens is about. */
static uint32_t set_of(lens *self, const struct graph *graph, const struct naive *naive,
                       uint32_t number) {
  lens_leak row;
  assert_int_equal(lens_leak_get(self, number, &row), LENS_OK);
  uint32_t object = 0;
  while (row_of(self, graph, object) != row.root) object++;
  return naive->set[object];
}

/* Who holds the set of a row, as the rows to which the holders belong. */
static void compare_holders(lens *self, const struct graph *graph, const struct naive *naive,
                            const lens_leak *row) {
  uint32_t set = set_of(self, graph, naive, row->number), numbers[GRAPH_OBJECTS];
  bool holds[GRAPH_OBJECTS] = {false};
  uint64_t wanted_count = 0, written = 0, total = 0;
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; naive->garbage[i] && k < graph->edge_count[i]; k++) {
      if (naive->set[i] == set || naive->set[graph->edges[i][k]] != set) continue;
      bool *holder = &holds[owner_of(graph, naive, i)];
      wanted_count += !*holder;
      *holder = true;
    }
  }
  assert_int_equal(lens_leak_holders(self, row->number, GRAPH_OBJECTS, numbers, &written, &total),
                   LENS_OK);
  assert_int_equal(total, wanted_count);
  assert_int_equal(written, wanted_count);
  for (uint64_t i = 0; i < written; i++) {
    assert_true(holds[set_of(self, graph, naive, numbers[i])]);
    if (i > 0) assert_true(numbers[i] > numbers[i - 1]);
  }
  assert_int_equal(row->held, wanted_count != 0);
}

/* What is held jointly, and that each object of the garbage is in one row. */
static void compare_joint(lens *self, const struct graph *graph, const struct naive *naive) {
  static lens_leak rows[GRAPH_OBJECTS];
  uint64_t written = 0, total = 0, heads = 0, objects = 0;
  lens_leaks_totals totals;
  assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
  assert_int_equal(lens_leaks_joint(self, GRAPH_OBJECTS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  assert_int_equal(totals.joints, total);
  for (uint32_t i = 0; i < graph->count; i++) heads += naive->is_head[i] && !naive->is_leak[i];
  assert_int_equal(heads, total);
  for (uint64_t r = 0; r < written; r++) {
    uint32_t set = set_of(self, graph, naive, rows[r].number);
    assert_true(naive->is_head[set] && !naive->is_leak[set]);
    assert_int_equal(rows[r].kind, LENS_LEAK_JOINT);
    uint64_t own = 0, all = 0, bytes = 0;
    for (uint32_t i = 0; i < graph->count; i++) {
      if (!naive->garbage[i]) continue;
      uint32_t number = LENS_NONE, row = row_of(self, graph, i);
      assert_int_equal(lens_leak_of(self, row, &number), LENS_OK);
      assert_int_equal(number == rows[r].number, owner_of(graph, naive, i) == set);
      own += naive->set[i] == set;
      all += owner_of(graph, naive, i) == set;
      if (owner_of(graph, naive, i) == set) bytes += lens_weight_of(self, row);
    }
    assert_int_equal(rows[r].own_objects, own);
    assert_int_equal(rows[r].objects, all);
    assert_int_equal(rows[r].bytes, bytes);
    objects += all;
    compare_holders(self, graph, naive, &rows[r]);
  }
  assert_int_equal(objects, totals.shared_objects);
}

/* The cycles that are garbage are the rings in the garbage, whatever points there. */
static void compare_cycles(lens *self, const struct graph *graph, const struct naive *naive) {
  static lens_cycle rows[GRAPH_OBJECTS];
  uint64_t written = 0, total = 0, rings = 0;
  assert_int_equal(lens_cycles(self, 0, NULL), LENS_OK);
  assert_int_equal(
      lens_cycles_select(self, LENS_CYCLES_GARBAGE, GRAPH_OBJECTS, rows, &written, &total),
      LENS_OK);
  for (uint32_t i = 0; i < graph->count; i++)
    rings += naive->garbage[i] && naive->set[i] == i && naive->ring[i];
  assert_int_equal(total, rings);
  for (uint64_t r = 0; r < written; r++) {
    uint32_t object = 0;
    while (row_of(self, graph, object) != rows[r].first) object++;
    assert_true(naive->garbage[object] && naive->ring[naive->set[object]]);
  }
}

struct tally {
  uint64_t heaps, cycles, lost, shared, held, lost_rings, pointed_at;
};

static void compare(lens *self, const struct graph *graph, struct tally *tally) {
  static lens_leak rows[GRAPH_OBJECTS];
  static struct naive naive;
  naive = (struct naive){0};
  bool any = find_garbage(graph, &naive);
  find_sets(graph, &naive);
  find_owners(graph, &naive);
  find_heads(graph, &naive);
  uint64_t written = 0, matched = 0, leaks = 0, shared = 0, garbage = 0;
  assert_int_equal(lens_leaks_select(self, NULL, GRAPH_OBJECTS, rows, &written, &matched), LENS_OK);
  for (uint32_t i = 0; i < graph->count; i++) {
    uint32_t number = 0;
    lens_status status = lens_leak_of(self, row_of(self, graph, i), &number);
    assert_int_equal(status, naive.garbage[i] ? LENS_OK : LENS_NOT_FOUND);
    if (!naive.garbage[i]) continue;
    garbage++;
    assert_true(naive.leads[i] >= 1);
    shared += naive.leads[i] > 1;
    uint32_t set = set_of(self, graph, &naive, number);
    assert_int_equal(set, owner_of(graph, &naive, i));
    assert_int_equal(naive.is_leak[set], naive.leads[i] == 1);
    if (naive.leads[i] == 1) assert_int_equal(set, naive.leak_of[i]);
    if (!naive.is_leak[i]) continue;
    leaks++;
    lens_leak wanted_leak = expected_leak(graph, &naive, i);
    uint32_t root = row_of(self, graph, wanted_leak.root);
    const lens_leak *found = NULL;
    for (uint64_t k = 0; k < written; k++) found = rows[k].root == root ? &rows[k] : found;
    assert_non_null(found);
    assert_int_equal(found->kind, wanted_leak.kind);
    assert_int_equal(found->surplus, wanted_leak.surplus);
    assert_int_equal(found->held, wanted_leak.held);
    assert_int_equal(found->root_refs, wanted_leak.root_refs);
    assert_int_equal(found->own_objects, wanted_leak.own_objects);
    assert_int_equal(found->objects, wanted_leak.objects);
    assert_int_equal(found->own_bytes, bytes_of(self, graph, &naive, i, true));
    assert_int_equal(found->bytes, bytes_of(self, graph, &naive, i, false));
    assert_true(found->bytes >= wanted_leak.bytes);
    compare_holders(self, graph, &naive, found);
    tally->cycles += found->kind == LENS_LEAK_CYCLE;
    tally->lost += found->kind == LENS_LEAK_LOST;
    tally->lost_rings += found->kind == LENS_LEAK_LOST && naive.ring[i];
    tally->held += found->held;
    tally->pointed_at += found->root_refs != 0;
  }
  lens_leaks_totals totals;
  assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
  assert_int_equal(written, leaks);
  assert_int_equal(matched, leaks);
  assert_int_equal(totals.cycles + totals.lost, leaks);
  assert_int_equal(totals.object_count, garbage);
  assert_int_equal(totals.shared_objects, shared);
  assert_int_equal(totals.cycle_objects + totals.lost_objects + shared, garbage);
  for (uint64_t k = 1; k < written; k++)
    assert_true(rows[k - 1].bytes > rows[k].bytes ||
                (rows[k - 1].bytes == rows[k].bytes && rows[k - 1].root < rows[k].root));
  assert_int_equal(any, garbage != 0);
  tally->shared += shared;
  compare_joint(self, graph, &naive);
  compare_cycles(self, graph, &naive);
}

/* Without roots: the garbage less what a collection frees is what the runtime calls leaks when the
 * heap is destroyed. */
static void compare_with_the_report(lens *self, struct graph *graph) {
  for (uint32_t i = 0; i < graph->count; i++) {
    for (uint32_t k = 0; k < graph->roots[i]; k++) cairn_release(graph->objects[i]);
  }
  look(self, graph, false);
  lens_leaks_totals totals;
  lens_collected collected;
  assert_int_equal(lens_leaks_totals_get(self, &totals), LENS_OK);
  assert_int_equal(lens_collect(self, LENS_NONE, 0, 0, NULL), LENS_OK);
  assert_int_equal(lens_collected_get(self, &collected), LENS_OK);
  cairn_leak_report report;
  bool clean = cairn_heap_destroy(graph->heap, &report);
  assert_int_equal(report.object_count, totals.object_count - collected.freed_objects);
  assert_int_equal(report.bytes, totals.bytes - collected.freed_bytes);
  assert_int_equal(clean, report.object_count == 0);
}

static void small_heaps(void **state) {
  (void)state;
  lens *self = self_lens_new();
  struct tally tally = {0};
  static struct graph graph;
  for (uint64_t seed = first_seed; tally.heaps < wanted; seed++, tally.heaps++) {
    graph_make(&graph, seed, GRAPH_OBJECTS);
    look(self, &graph, true);
    compare(self, &graph, &tally);
    compare_with_the_report(self, &graph);
  }
  lens_free(self);
  print_message("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " cycles, %" PRIu64 " lost (%" PRIu64
                " rings, %" PRIu64 " held by others), %" PRIu64 " objects shared\n",
                first_seed, first_seed + wanted - 1, tally.cycles, tally.lost, tally.lost_rings,
                tally.held, tally.shared);
  assert_true(tally.cycles > wanted / 10 && tally.lost > wanted && tally.shared > wanted / 4);
  assert_true(tally.lost_rings > wanted / 20 && tally.held > wanted / 10);
  assert_true(tally.pointed_at > wanted / 100);
}

int main(int count, char **words) {
  if (count > 1) wanted = strtoull(words[1], NULL, 10);
  if (count > 2) first_seed = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_heaps)};
  return cmocka_run_group_tests_name("leaks", tests, NULL, NULL);
}

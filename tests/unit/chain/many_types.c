/* What would go with each type, of more types than are worked out in one search (64), against a
 * search without the type for each of them.
 *
 * Weights are the blocks': the nodes own no buffers.
 */
#include <stdlib.h>

#include "../../random.h"
#include "cairn/cairn.h"
#include "self.h"

enum { HEAPS = 40, NODES = 300, TYPES = 200, SLOTS = 3, ROWS = 512 };

struct node {
  cairn_object base;
  cairn_object *slots[SLOTS];
};

static uint64_t random_state = 20261123;

static uint32_t below(uint32_t bound) { return (uint32_t)random_below(&random_state, bound); }

struct graph {
  cairn_heap *heap;
  uint32_t type_count, type_of[NODES], edges[NODES][SLOTS], edge_count[NODES];
  struct node *nodes[NODES];
  bool root[NODES];
};

static void draw(struct graph *graph, uint32_t type_count) {
  static const cairn_slot_spec slots[] = {
      {.name = "one", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct node, slots[0])},
      {.name = "two", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct node, slots[1])},
      {.name = "three", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct node, slots[2])}};
  cairn_type types[TYPES];
  *graph = (struct graph){.type_count = type_count};
  graph->heap = cairn_heap_new(&(cairn_heap_options){.name = "types", .manual_collection = true});
  assert_non_null(graph->heap);
  for (uint32_t i = 0; i < type_count; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "type %u", i);
    const cairn_type_spec spec = {
        .name = name, .size_bytes = sizeof(struct node), .slots = slots, .slot_count = SLOTS};
    types[i] = cairn_type_define(graph->heap, &spec);
    assert_int_not_equal(types[i], 0);
  }
  for (uint32_t i = 0; i < NODES; i++) {
    graph->type_of[i] = below(type_count);
    graph->nodes[i] = (struct node *)cairn_object_new(graph->heap, types[graph->type_of[i]]);
    assert_non_null(graph->nodes[i]);
  }
  for (uint32_t i = 0; i < NODES; i++) {
    graph->root[i] = below(40) == 0; /* the maker's reference is a root's, or a leak */
    for (uint32_t k = below(SLOTS); k < SLOTS; k++) {
      uint32_t target = graph->edges[i][graph->edge_count[i]] = below(NODES);
      cairn_assign(&graph->nodes[i]->slots[graph->edge_count[i]++], &graph->nodes[target]->base);
    }
  }
}

/* What roots lead to without the objects of a type. */
static void search(const struct graph *graph, uint32_t without, bool *reached) {
  uint32_t queue[NODES], tail = 0;
  for (uint32_t i = 0; i < NODES; i++) {
    reached[i] = graph->root[i] && graph->type_of[i] != without;
    if (reached[i]) queue[tail++] = i;
  }
  for (uint32_t head = 0; head < tail; head++) {
    for (uint32_t k = 0; k < graph->edge_count[queue[head]]; k++) {
      uint32_t target = graph->edges[queue[head]][k];
      if (reached[target] || graph->type_of[target] == without) continue;
      reached[target] = true;
      queue[tail++] = target;
    }
  }
}

static lens *look(const struct graph *graph) {
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < NODES; i++) {
    const lens_root root = {.slot_address = 8 * (i + 1),
                            .value = address_of(graph->nodes[i]),
                            .kind = LENS_ROOT_GLOBAL};
    if (graph->root[i]) assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
  assert_int_equal(lens_retained_types(self, 0, NULL), LENS_OK);
  return self;
}

/* The row of a type by one of its objects. */
static const lens_retained_type *row_of(lens *self, const struct graph *graph, uint32_t node,
                                        const lens_retained_type *rows, uint64_t count) {
  lens_object object;
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(graph->nodes[node]), &row), LENS_OK);
  assert_int_equal(lens_snapshot_object(self, row, &object), LENS_OK);
  for (uint64_t i = 0; i < count; i++) {
    if (rows[i].type == object.type) return &rows[i];
  }
  return NULL;
}

static uint32_t compare(lens *self, const struct graph *graph) {
  static lens_retained_type rows[ROWS];
  bool all[NODES], rest[NODES];
  uint64_t written, total;
  uint32_t compared = 0;
  assert_int_equal(lens_retained_types_get(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  search(graph, TYPES, all);
  for (uint32_t type = 0; type < graph->type_count; type++) {
    uint64_t count = 0, gone = 0;
    uint32_t some = NODES;
    search(graph, type, rest);
    for (uint32_t i = 0; i < NODES; i++) {
      gone += all[i] && !rest[i];
      if (!all[i] || graph->type_of[i] != type) continue;
      count++;
      some = i;
    }
    if (some == NODES) continue;
    const lens_retained_type *row = row_of(self, graph, some, rows, written);
    assert_non_null(row);
    uint64_t weight = cairn_object_size(&graph->nodes[some]->base);
    assert_int_equal(row->count, count);
    assert_int_equal(row->own_bytes, count * weight);
    assert_int_equal(row->objects, gone);
    assert_int_equal(row->bytes, gone * weight);
    compared++;
  }
  return compared;
}

static void test_types(void **state) {
  (void)state;
  static struct graph graph;
  uint32_t most = 0;
  for (uint32_t heap = 0; heap < HEAPS; heap++) {
    draw(&graph, 40 + heap * (TYPES - 40) / (HEAPS - 1));
    lens *self = look(&graph);
    uint32_t compared = compare(self, &graph);
    if (compared > most) most = compared;
    lens_free(self);
    (void)cairn_heap_destroy(graph.heap, NULL);
  }
  assert_true(most > 128); /* three searches */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};
  return cmocka_run_group_tests_name("many types", tests, NULL, NULL);
}

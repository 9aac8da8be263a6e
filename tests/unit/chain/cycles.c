/* Cycles of many small heaps against what the test knows of them: components, a shortest ring, the
 * references within, what is garbage.  What would go if a slot were weak is compared with what the
 * runtime frees when the program lets go of that slot.
 */
#include <stdlib.h>

#include "cairn/cairn.h"
#include "self.h"

enum { HEAPS = 1500, NODES_MAX = 14, ITEMS = 3, SLOTS = 3, ROWS = 256 };

extern const char cairn_contract_root[];

struct node {
  cairn_object base;
  cairn_object *left, *right;
  cairn_object **items;
  uint32_t count;
  uint32_t number;
};

static uint64_t seed = 4711;
static cairn_heap *heap;
static struct node *nodes[NODES_MAX];
static uint32_t types[NODES_MAX]; /* 0 or 1 */
static uint32_t node_count;
static bool held[NODES_MAX]; /* by the program, in the end */
static bool freed[NODES_MAX];
static lens *self;
static uint32_t rows[NODES_MAX];         /* snapshot index of each node */
static bool reach[NODES_MAX][NODES_MAX]; /* over at least one reference */

static uint64_t random_below(uint64_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (seed >> 11) % below;
}

/* ---- heaps ---- */

static void note_freed(cairn_object *object) { freed[((struct node *)object)->number] = true; }

static cairn_type define(const char *name) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, left),
                                          CAIRN_STRONG_ARRAY(struct node, items, count),
                                          CAIRN_STRONG(struct node, right)};
  const cairn_type_spec spec = {.name = name,
                                .size_bytes = sizeof(struct node),
                                .slots = slots,
                                .slot_count = SLOTS,
                                .finalize = note_freed};
  return cairn_type_define(heap, &spec);
}

/* Slot 0 is `left`, 1 `items`, 2 `right`; the reference at `at` of it, or NULL where there is none.
 */
static cairn_object **place(struct node *node, uint32_t slot, uint32_t at) {
  if (slot == 1) return at < ITEMS ? &node->items[at] : NULL;
  if (at != 0) return NULL;
  return slot == 0 ? &node->left : &node->right;
}

static uint32_t number_of(const cairn_object *object) {
  return ((const struct node *)object)->number;
}

static void make_heap(void) {
  cairn_heap_options options = {.name = "cycles", .manual_collection = true};
  heap = cairn_heap_new(&options);
  assert_non_null(heap);
  const cairn_type both[] = {define("one"), define("two")};
  node_count = (uint32_t)random_below(NODES_MAX) + 1;
  for (uint32_t i = 0; i < node_count; i++) {
    types[i] = (uint32_t)random_below(2);
    nodes[i] = (struct node *)cairn_object_new(heap, both[types[i]]);
    nodes[i]->items = cairn_buffer_new(heap, ITEMS * sizeof(cairn_object *));
    memset(nodes[i]->items, 0, ITEMS * sizeof(cairn_object *));
    nodes[i]->count = ITEMS;
    nodes[i]->number = i;
    freed[i] = false;
    held[i] = random_below(4) == 0;
  }
  uint64_t sparse = random_below(5) + 2;
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        if (random_below(sparse) == 0)
          cairn_assign(place(nodes[i], slot, at), &nodes[random_below(node_count)]->base);
      }
    }
  }
}

/* Calls with each reference between nodes. */
static void each_edge(void (*visit)(uint32_t holder, uint32_t slot, uint32_t target, void *context),
                      void *context) {
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        const cairn_object *target = *place(nodes[i], slot, at);
        if (target != NULL) visit(i, slot, number_of(target), context);
      }
    }
  }
}

static void add_reach(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  (void)slot;
  (void)context;
  reach[holder][target] = true;
}

static void work_out_reach(void) {
  memset(reach, 0, sizeof reach);
  each_edge(add_reach, NULL);
  for (uint32_t k = 0; k < node_count; k++) {
    for (uint32_t i = 0; i < node_count; i++) {
      for (uint32_t j = 0; j < node_count; j++) reach[i][j] |= reach[i][k] && reach[k][j];
    }
  }
}

static bool together(uint32_t a, uint32_t b) { return a == b || (reach[a][b] && reach[b][a]); }

static bool is_live(uint32_t node) {
  for (uint32_t i = 0; i < node_count; i++) {
    if (held[i] && (i == node || reach[i][node])) return true;
  }
  return false;
}

/* ---- the lens ---- */

static void look(void) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < node_count; i++) {
    assert_int_equal(lens_snapshot_find(self, address_of(nodes[i]), &rows[i]), LENS_OK);
    lens_root root = {.slot_address = address_of(&nodes[i]),
                      .value = address_of(nodes[i]),
                      .kind = LENS_ROOT_STATIC};
    if (held[i]) assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
  assert_int_equal(lens_cycles(self, 0, NULL), LENS_OK);
}

static uint32_t node_of(uint32_t row) {
  for (uint32_t i = 0; i < node_count; i++) {
    if (rows[i] == row) return i;
  }
  return LENS_NONE;
}

/* The lowest node of each component, by address. */
static uint32_t leader_of(uint32_t node) {
  uint32_t leader = node;
  for (uint32_t i = 0; i < node_count; i++) {
    if (together(i, node) && rows[i] < rows[leader]) leader = i;
  }
  return leader;
}

static void compare_cycles(void) {
  lens_cycle found[ROWS];
  uint64_t written = 0, total = 0, wanted = 0;
  assert_int_equal(lens_cycles_select(self, LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE, ROWS, found,
                                      &written, &total),
                   LENS_OK);
  assert_int_equal(written, total);
  for (uint32_t i = 0; i < node_count; i++) wanted += reach[i][i] && leader_of(i) == i;
  assert_int_equal(total, wanted);
  for (uint64_t i = 0; i < written; i++) {
    uint32_t leader = node_of(found[i].first);
    assert_true(leader != LENS_NONE && leader_of(leader) == leader && reach[leader][leader]);
    uint32_t objects[NODES_MAX];
    uint64_t count = 0, members = 0, bytes = 0;
    assert_int_equal(
        lens_cycle_objects(self, found[i].cycle, 0, NODES_MAX, objects, &count, &members), LENS_OK);
    for (uint32_t k = 0; k < node_count; k++) {
      if (!together(k, leader)) continue;
      assert_true(members-- > 0);
      bytes += cairn_object_size(&nodes[k]->base) + cairn_buffer_size(nodes[k]->items) + 8;
    }
    assert_int_equal(members, 0);
    for (uint64_t k = 0; k < count; k++) assert_true(together(node_of(objects[k]), leader));
    assert_int_equal(found[i].object_count, count);
    assert_int_equal(found[i].bytes, bytes);
    assert_int_equal(found[i].garbage, !is_live(leader));
    if (i > 0) assert_true(found[i].bytes <= found[i - 1].bytes);
  }
}

/* ---- one cycle ---- */

struct count {
  uint32_t leader;
  uint64_t within, of_slot[2][SLOTS];
};

static void count_edge(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  struct count *count = context;
  if (!together(holder, count->leader) || !together(target, count->leader)) return;
  count->within++;
  count->of_slot[types[holder]][slot]++;
}

struct distances {
  uint32_t leader, step;
  uint32_t at[NODES_MAX]; /* references from the leader, at least one; LENS_NONE: not yet */
};

static void relax(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  (void)slot;
  struct distances *distances = context;
  if (!together(holder, distances->leader) || !together(target, distances->leader)) return;
  uint32_t from = holder == distances->leader ? 0 : distances->at[holder];
  if (from != LENS_NONE && from + 1 < distances->at[target]) distances->at[target] = from + 1;
}

static uint32_t shortest_ring(uint32_t leader) {
  struct distances distances = {.leader = leader};
  for (uint32_t i = 0; i < node_count; i++) distances.at[i] = LENS_NONE;
  for (uint32_t i = 0; i < node_count; i++) each_edge(relax, &distances);
  return distances.at[leader];
}

static void compare_slots(uint32_t leader, const lens_cycle_opened *opened) {
  struct count count = {.leader = leader};
  each_edge(count_edge, &count);
  assert_int_equal(opened->slot_count, count.within);
  assert_int_equal(opened->ring_count, shortest_ring(leader));
  lens_cycle_slot slots[ROWS];
  lens_cycle_break breaks[ROWS];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_cycle_slots(self, ROWS, slots, &written, &total), LENS_OK);
  assert_int_equal(written, count.within);
  for (uint64_t i = 0; i < written; i++) {
    struct node *holder = nodes[node_of(slots[i].holder)];
    bool found = false;
    for (uint32_t at = 0; place(holder, slots[i].ref.slot, at) != NULL; at++) {
      found |= address_of(place(holder, slots[i].ref.slot, at)) == slots[i].ref.slot_address;
    }
    assert_true(found);
    cairn_object *target = *(cairn_object **)(uintptr_t)slots[i].ref.slot_address;
    assert_int_equal(slots[i].target, rows[number_of(target)]);
    assert_int_equal(slots[i].ref.kind, LENS_REF_STRONG);
    for (uint64_t k = 0; k < i; k++)
      assert_true(slots[k].ref.slot_address != slots[i].ref.slot_address);
    if (i == 0) assert_int_equal(slots[i].holder, rows[leader]);
    if (i < opened->ring_count)
      assert_int_equal(slots[i].target, slots[(i + 1) % opened->ring_count].holder);
  }
  assert_int_equal(lens_cycle_breaks(self, ROWS, breaks, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    uint32_t holder = node_of(breaks[i].holder);
    uint64_t *of_slot = &count.of_slot[types[holder]][breaks[i].slot];
    assert_int_equal(breaks[i].slot_count, *of_slot);
    assert_int_equal(breaks[i].tried, 1);
    if (i > 0) assert_true(breaks[i].bytes <= breaks[i - 1].bytes);
    *of_slot = 0;
  }
  for (uint32_t i = 0; i < 2 * SLOTS; i++) assert_int_equal(count.of_slot[i / SLOTS][i % SLOTS], 0);
}

/* Lets go of all that leaves the cycle or enters it, of one slot, and of the program's own
 * references: what the runtime frees is what the lens said. */
static void let_go(uint32_t leader, const lens_cycle_break *weak) {
  uint32_t type = types[node_of(weak->holder)];
  bool member[NODES_MAX];
  for (uint32_t i = 0; i < node_count; i++) member[i] = together(i, leader);
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        cairn_object **reference = place(nodes[i], slot, at);
        if (*reference == NULL) continue;
        bool within = member[i] && member[number_of(*reference)];
        if (!within || (types[i] == type && slot == weak->slot)) cairn_assign(reference, NULL);
      }
    }
  }
  uint64_t bytes = 0, count = 0, sizes[NODES_MAX];
  for (uint32_t i = 0; i < node_count; i++)
    sizes[i] = cairn_object_size(&nodes[i]->base) + cairn_buffer_size(nodes[i]->items) + 8;
  for (uint32_t i = 0; i < node_count; i++) cairn_release(&nodes[i]->base);
  for (uint32_t i = 0; i < node_count; i++) {
    if (!member[i] || !freed[i]) continue;
    count++;
    bytes += sizes[i];
  }
  assert_int_equal(count, weak->object_count);
  assert_int_equal(bytes, weak->bytes);
}

/* Opens each cycle, in slices; lets go of a slot of the last one.  True: all nodes are released. */
static bool compare_each(void) {
  lens_cycle found[ROWS];
  uint64_t count = 0, total = 0, written = 0;
  assert_int_equal(lens_cycles_select(self, 3, ROWS, found, &count, &total), LENS_OK);
  uint32_t leader = 0;
  for (uint64_t i = 0; i < count; i++) {
    lens_cycle_opened opened;
    assert_int_equal(lens_cycle_open(self, found[i].cycle, 0, NULL), LENS_OK);
    assert_int_equal(lens_cycle_opened_get(self, &opened), LENS_OK);
    leader = node_of(found[i].first);
    compare_slots(leader, &opened);
    uint64_t outside = 0;
    for (uint32_t k = 0; k < node_count; k++)
      outside += together(k, leader) ? cairn_refcount(&nodes[k]->base) : 0;
    assert_int_equal(opened.outside_refs, outside - opened.slot_count);
  }
  if (count == 0) return false;
  lens_cycle_break breaks[ROWS];
  assert_int_equal(lens_cycle_breaks(self, ROWS, breaks, &written, &total), LENS_OK);
  let_go(leader, &breaks[random_below(written)]);
  return true;
}

static void as_the_program_knows(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  uint64_t cyclic = 0;
  for (uint32_t i = 0; i < HEAPS; i++) {
    make_heap();
    work_out_reach();
    look();
    compare_cycles();
    bool released = compare_each();
    cyclic += released;
    for (uint32_t k = 0; k < node_count && !released; k++) cairn_release(&nodes[k]->base);
    cairn_collect(heap);
    assert_true(cairn_heap_destroy(heap, NULL));
  }
  assert_true(cyclic > HEAPS / 4);
}

static int begin(void **state) {
  (void)state;
  const lens_reader reader = {.read = self_read};
  return lens_new(&reader, &self) != LENS_OK;
}

static int end(void **state) {
  (void)state;
  lens_free(self);
  return 0;
}

int main(void) {
  const char *text = getenv("CAIRN_CYCLES_SEED");
  if (text != NULL) seed = strtoull(text, NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_program_knows)};
  return cmocka_run_group_tests_name("cycles", tests, begin, end);
}

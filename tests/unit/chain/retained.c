/* Retained sizes of many small heaps against what can be reached without each object, each root,
 * each type; dominators by their definition.
 */
#include <stdlib.h>

#include "small_heap.h"

enum { HEAPS = 2500, ROWS = 256, KINDS = 2 };

struct sum {
  uint64_t bytes, objects;
};

static bool reached[NODES_MAX];
static uint32_t without_node, without_type; /* LENS_NONE: with all */
static bool grown;
static bool dominates[NODES_MAX + NODES_MAX]
                     [NODES_MAX]; /* node, or NODES_MAX + the node it holds */
static bool twice[NODES_MAX];     /* two roots hold it */
static bool borrowed[NODES_MAX];  /* its roots own nothing: other nodes hold all of its count */
static bool counts[NODES_MAX];    /* its roots count */

static bool may_be(uint32_t node) { return node != without_node && types[node] != without_type; }

static void pass(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  (void)slot;
  (void)context;
  if (!reached[holder] || reached[target] || !may_be(target)) return;
  reached[target] = true;
  grown = true;
}

static void reach(uint32_t node, uint32_t type, uint32_t root) {
  memset(reached, 0, sizeof reached);
  without_node = node;
  without_type = type;
  for (uint32_t i = 0; i < node_count; i++) {
    if (counts[i] && i != root && may_be(i)) reached[i] = true;
  }
  for (grown = true; grown;) {
    grown = false;
    each_edge(pass, NULL);
  }
}

static uint64_t bytes_of(uint32_t node) {
  return cairn_object_size(&nodes[node]->base) + cairn_buffer_size(nodes[node]->items) + 8;
}

/* What is reached with all, and not without something. */
static struct sum lost(const bool *all, uint32_t node, uint32_t type, uint32_t root, bool *which) {
  struct sum sum = {0};
  reach(node, type, root);
  for (uint32_t i = 0; i < node_count; i++) {
    bool gone = all[i] && !reached[i];
    if (which != NULL) which[i] = gone;
    sum.objects += gone;
    sum.bytes += gone ? bytes_of(i) : 0;
  }
  return sum;
}

static void compare_objects(const bool *all) {
  for (uint32_t i = 0; i < node_count; i++) {
    lens_retained_row row;
    assert_int_equal(lens_retained_object(self, rows[i], &row), LENS_OK);
    assert_int_equal(row.reached, all[i]);
    struct sum sum = lost(all, i, LENS_NONE, LENS_NONE, dominates[i]);
    assert_int_equal(row.bytes, sum.bytes);
    assert_int_equal(row.objects, sum.objects);
    (void)lost(all, LENS_NONE, LENS_NONE, i, dominates[NODES_MAX + i]);
    if (!counts[i]) memset(dominates[NODES_MAX + i], 0, sizeof dominates[0]);
  }
  /* The nearest dominator is below all others. */
  for (uint32_t i = 0; i < node_count; i++) {
    lens_retained_row row;
    assert_int_equal(lens_retained_object(self, rows[i], &row), LENS_OK);
    uint32_t nearest = LENS_NONE;
    for (uint32_t k = 0; k < 2 * NODES_MAX; k++) {
      uint32_t node = k % NODES_MAX;
      if (node >= node_count || k == i || !dominates[k][i]) continue;
      if (nearest == LENS_NONE || (node == k && dominates[nearest][k])) nearest = k;
    }
    if (nearest == LENS_NONE || nearest >= NODES_MAX) {
      assert_int_equal(row.dominator, LENS_NONE);
    } else {
      assert_int_equal(row.dominator, rows[nearest]);
    }
    bool by_root = nearest != LENS_NONE && nearest >= NODES_MAX;
    assert_int_equal(row.root_count, by_root ? 1 + twice[i] : 0);
    if (by_root) assert_int_equal(nearest - NODES_MAX, i);
  }
}

static void compare_roots(const bool *all) {
  lens_retained_root found[ROWS];
  uint64_t written = 0, total = 0, keeping = 0;
  assert_int_equal(lens_retained_roots(self, ROWS, found, &written, &total), LENS_OK);
  assert_int_equal(total, written);
  for (uint32_t i = 0; i < node_count; i++) {
    struct sum sum = lost(all, LENS_NONE, LENS_NONE, i, NULL);
    if (!counts[i] || sum.objects == 0) continue;
    keeping++;
    for (uint64_t k = 0; k < written; k++) {
      if (found[k].object != rows[i]) continue;
      assert_int_equal(found[k].root_count, 1 + twice[i]);
      assert_int_equal(found[k].bytes, sum.bytes);
      assert_int_equal(found[k].objects, sum.objects);
      found[k].objects = 0;
    }
  }
  assert_int_equal(written, keeping);
  for (uint64_t k = 0; k < written; k++) {
    assert_int_equal(found[k].objects, 0);
    if (k > 0) assert_true(found[k].bytes <= found[k - 1].bytes);
  }
}

static void compare_types(const bool *all) {
  lens_retained_type found[ROWS];
  uint64_t written = 0, total = 0;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_retained_types(self, 1, NULL);
  assert_int_equal(status, LENS_OK);
  assert_int_equal(lens_retained_types_get(self, ROWS, found, &written, &total), LENS_OK);
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    struct sum sum = lost(all, LENS_NONE, kind, LENS_NONE, NULL), own = {0};
    for (uint32_t i = 0; i < node_count; i++) {
      own.objects += all[i] && types[i] == kind;
      own.bytes += all[i] && types[i] == kind ? bytes_of(i) : 0;
    }
    bool met = false;
    for (uint64_t k = 0; k < written; k++) {
      lens_type type;
      assert_int_equal(lens_type_get(self, found[k].type, &type), LENS_OK);
      if (strcmp(type.name, kind == 0 ? "one" : "two") != 0) continue;
      met = true;
      assert_int_equal(found[k].bytes, sum.bytes);
      assert_int_equal(found[k].objects, sum.objects);
      assert_int_equal(found[k].count, own.objects);
      assert_int_equal(found[k].own_bytes, own.bytes);
    }
    assert_int_equal(met, own.objects != 0);
  }
}

/* Sorted by what would go; and what hangs directly on each one. */
static void compare_listings(const bool *all) {
  lens_object found[ROWS * 8];
  lens_filter filter = {.refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = LENS_NONE,
                        .sort = LENS_SORT_RETAINED};
  uint64_t written = 0, total = 0, under = 0;
  assert_int_equal(lens_select(self, &filter, ROWS * 8, found, &written, &total), LENS_OK);
  uint64_t last = UINT64_MAX;
  for (uint64_t i = 0; i < written; i++) {
    uint32_t row;
    lens_retained_row retained;
    assert_int_equal(lens_snapshot_find(self, found[i].address, &row), LENS_OK);
    assert_int_equal(lens_retained_object(self, row, &retained), LENS_OK);
    assert_true(retained.bytes <= last);
    last = retained.bytes;
  }
  for (uint32_t i = 0; i < node_count; i++) {
    uint32_t objects[ROWS];
    assert_int_equal(lens_retained_under(self, rows[i], ROWS, objects, &written, &total), LENS_OK);
    assert_int_equal(written, total);
    under += total;
    for (uint64_t k = 0; k < written; k++) {
      lens_retained_row retained;
      assert_int_equal(lens_retained_object(self, objects[k], &retained), LENS_OK);
      assert_int_equal(retained.dominator, rows[i]);
    }
  }
  for (uint32_t i = 0; i < node_count; i++) {
    lens_retained_row retained;
    assert_int_equal(lens_retained_object(self, rows[i], &retained), LENS_OK);
    under -= all[i] && retained.dominator != LENS_NONE;
  }
  assert_int_equal(under, 0);
}

static void compare_totals(const bool *all) {
  lens_retained_totals totals;
  lens_weights_shown weights;
  uint64_t objects = 0;
  assert_int_equal(lens_retained_totals_get(self, &totals), LENS_OK);
  assert_int_equal(lens_weights_get(self, &weights), LENS_OK);
  for (uint32_t i = 0; i < node_count; i++) objects += !all[i];
  assert_int_equal(totals.lost_objects, objects); /* the runtime's own are all reached */
  assert_int_equal(totals.objects + totals.lost_objects, weights.object_count);
  assert_int_equal(totals.bytes + totals.lost_bytes, weights.bytes);
}

/* Some nodes are held twice: both roots together keep them. */
static void hold_twice(void) {
  for (uint32_t i = 0; i < node_count; i++) {
    twice[i] = held[i] && random_below(&seed, 4) == 0;
    lens_root root = {.slot_address = 0x1000 + 8ull * i,
                      .value = address_of(nodes[i]),
                      .kind = LENS_ROOT_FOREIGN};
    if (twice[i]) assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
}

/* The test gives up its own reference to some nodes that others hold. */
static void borrow(void) {
  for (uint32_t i = 0; i < node_count; i++) {
    borrowed[i] = cairn_refcount(&nodes[i]->base) > 1 && random_below(&seed, 3) == 0;
    if (borrowed[i]) cairn_release(&nodes[i]->base);
  }
}

/* Borrowed roots count where nothing else leads to what they hold. */
static void choose_roots(void) {
  for (uint32_t i = 0; i < node_count; i++) counts[i] = held[i] && !borrowed[i];
  reach(LENS_NONE, LENS_NONE, LENS_NONE);
  for (uint32_t i = 0; i < node_count; i++) counts[i] |= held[i] && !reached[i];
}

static void as_can_be_reached(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  for (uint32_t i = 0; i < HEAPS; i++) {
    make_heap();
    borrow();
    look();
    hold_twice();
    choose_roots();
    lens_status status = LENS_AGAIN;
    while (status == LENS_AGAIN) status = lens_retained(self, 1, NULL);
    assert_int_equal(status, LENS_OK);
    bool all[NODES_MAX];
    reach(LENS_NONE, LENS_NONE, LENS_NONE);
    memcpy(all, reached, sizeof all);
    compare_objects(all);
    compare_roots(all);
    compare_types(all);
    compare_listings(all);
    compare_totals(all);
    for (uint32_t k = 0; k < node_count; k++) {
      if (!borrowed[k]) cairn_release(&nodes[k]->base);
    }
    cairn_collect(heap);
    assert_true(cairn_heap_destroy(heap, NULL));
  }
}

/* A root that comes later changes the answer. */
static void roots_that_change(void **state) {
  (void)state;
  lens_retained_totals before, after;
  do {
    make_heap();
    memset(held, 0, sizeof held);
    look();
    assert_int_equal(lens_retained(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_retained_totals_get(self, &before), LENS_OK);
    lens_root root = {.slot_address = 8, .value = address_of(nodes[0])};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
    assert_int_equal(lens_retained_totals_get(self, &after), LENS_BAD_ARGUMENT);
    assert_int_equal(lens_retained(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_retained_totals_get(self, &after), LENS_OK);
    assert_true(after.objects > before.objects);
    for (uint32_t k = 0; k < node_count; k++) cairn_release(&nodes[k]->base);
    cairn_collect(heap);
    assert_true(cairn_heap_destroy(heap, NULL));
  } while (node_count < 3);
}

int main(void) {
  const char *text = getenv("CAIRN_RETAINED_SEED");
  if (text != NULL) seed = strtoull(text, NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_can_be_reached),
                                     cmocka_unit_test(roots_that_change)};
  return cmocka_run_group_tests_name("retained", tests, lens_begin, lens_end);
}

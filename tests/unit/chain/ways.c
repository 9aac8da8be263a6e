/* Where ways start: roots, what the runtime itself holds, what is never freed; the surest first
 * among the shortest, wherever in the heap the object stands.
 */
#include "../runtime/nodes.h"
#include "self.h"

enum { HELD = 300, WANTED = 8 };

static struct nodes *nodes;

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  return 0;
}

static void add_root(lens *self, uint64_t slot, const struct node *node, uint32_t confidence) {
  const lens_root root = {.slot_address = slot,
                          .value = address_of(node),
                          .kind = LENS_ROOT_FOREIGN,
                          .confidence = confidence};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

static uint64_t ways_to(lens *self, const void *object, lens_way *ways) {
  uint32_t row = LENS_NONE;
  lens_paths_totals totals;
  assert_int_equal(lens_snapshot_find(self, address_of(object), &row), LENS_OK);
  assert_int_equal(lens_paths(self, row, WANTED, 0, 0, NULL), LENS_OK);
  assert_int_equal(lens_paths_totals_get(self, &totals), LENS_OK);
  for (uint64_t i = 0; i < totals.ways; i++)
    assert_int_equal(lens_way_get(self, i, &ways[i]), LENS_OK);
  return totals.ways;
}

/* Each of many objects that the runtime holds starts a way, and none that it does not hold. */
static void what_the_runtime_holds(void **state) {
  (void)state;
  struct node *made[HELD];
  cairn_object *words[HELD];
  uint64_t held = 0;
  for (uint64_t i = 0; i < HELD; i++) {
    made[i] = node_new(nodes, nodes->plain, (int64_t)i);
    if (i % 3 != 0) words[held++] = &made[i]->base;
  }
  struct cairn_holding holding = {.words = words, .count = held};
  nodes->heap->holdings = &holding;
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < HELD; i++) {
    lens_way ways[WANTED] = {0};
    uint64_t count = ways_to(self, made[i], ways);
    assert_int_equal(count, i % 3 != 0);
    if (count != 0) assert_int_equal(ways[0].start, LENS_WAY_RUNTIME);
  }
  lens_free(self);
  nodes->heap->holdings = NULL;
  for (uint64_t i = 0; i < HELD; i++) cairn_release(&made[i]->base);
}

/* A root that is sure stands before the runtime, a guess behind it; a longer way behind all. */
static void the_surest_first(void **state) {
  (void)state;
  struct node *node = node_new(nodes, nodes->plain, 1), *holder = node_new(nodes, nodes->plain, 2);
  holder->left = cairn_retain(&node->base);
  cairn_object *words[] = {&node->base};
  struct cairn_holding holding = {.words = words, .count = 1};
  nodes->heap->holdings = &holding;
  for (int turn = 0; turn < 2; turn++) { /* whichever was added first */
    lens *self = self_lens();
    assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
    add_root(self, turn == 0 ? 8 : 16, node,
             turn == 0 ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_CONSERVATIVE);
    add_root(self, turn == 0 ? 16 : 8, node,
             turn == 0 ? LENS_CONFIDENCE_CONSERVATIVE : LENS_CONFIDENCE_EXACT);
    add_root(self, 24, holder, LENS_CONFIDENCE_EXACT);
    lens_way ways[WANTED] = {0};
    lens_root root;
    assert_int_equal(ways_to(self, node, ways), 4);
    const uint32_t starts[] = {LENS_WAY_ROOT, LENS_WAY_RUNTIME, LENS_WAY_ROOT, LENS_WAY_ROOT};
    const uint64_t slots[] = {8, 0, 16, 24}, objects[] = {1, 1, 1, 2};
    for (uint64_t i = 0; i < 4; i++) {
      assert_int_equal(ways[i].start, starts[i]);
      assert_int_equal(ways[i].objects, objects[i]);
      if (starts[i] != LENS_WAY_ROOT) continue;
      assert_int_equal(lens_root_get(self, ways[i].root, &root), LENS_OK);
      assert_int_equal(root.slot_address, slots[i]);
    }
    lens_free(self);
  }
  nodes->heap->holdings = NULL;
  cairn_release(&node->base);
  cairn_release(&holder->base);
}

/* An object that is never freed lives by itself; a root that is sure says more. */
static void what_is_never_freed(void **state) {
  (void)state;
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_way ways[WANTED] = {0};
  const cairn_object *none = cairn_none(nodes->heap);
  uint64_t before = ways_to(self, none, ways);
  assert_true(before >= 1);
  bool immortal = false;
  for (uint64_t i = 0; i < before; i++) immortal |= ways[i].start == LENS_WAY_IMMORTAL;
  assert_true(immortal);
  const lens_root root = {.slot_address = 8, .value = address_of(none), .kind = LENS_ROOT_LOCAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
  assert_int_equal(ways_to(self, none, ways), before + 1);
  assert_int_equal(ways[0].start, LENS_WAY_ROOT);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_the_runtime_holds, begin, nodes_teardown),
      cmocka_unit_test_setup_teardown(the_surest_first, begin, nodes_teardown),
      cmocka_unit_test_setup_teardown(what_is_never_freed, begin, nodes_teardown)};
  return cmocka_run_group_tests_name("where ways start", tests, NULL, NULL);
}

/* due.c: when a heap collects by itself. */
#include "nodes.h"

static int setup(void **state) {
  nodes_setup(state);
  ((struct nodes *)*state)->heap->manual_collection = false;
  return 0;
}

static struct node *cycle_new(const struct nodes *nodes, cairn_type type) {
  struct node *self = node_new(nodes, type, 0);
  cairn_assign(&self->left, &self->base);
  return self;
}

static void test_garbage_is_bounded(void **state) {
  struct nodes *nodes = *state;
  uint64_t most = 0;
  for (int i = 0; i < 300000; i++) {
    cairn_release(&cycle_new(nodes, nodes->plain)->base);
    if (objects_of(nodes) > most) most = objects_of(nodes);
  }
  assert_in_range(most, 5000, 30000);
}

static void test_manual_heaps_never_collect(void **state) {
  struct nodes *nodes = *state;
  nodes->heap->manual_collection = true;
  for (int i = 0; i < 50000; i++) cairn_release(&cycle_new(nodes, nodes->plain)->base);
  assert_int_equal(nodes->heap->collection_count, 0);
  assert_int_equal(objects_of(nodes), 50000);
}

static void test_no_candidates_no_collection(void **state) {
  struct nodes *nodes = *state;
  struct node *list = NULL;
  for (int i = 0; i < 200000; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    if (list != NULL) give(&node->left, list);
    list = node;
    cairn_release(cairn_int_new(nodes->heap, 1000 + i));
  }
  assert_int_equal(nodes->heap->collection_count, 0);
  cairn_release(&list->base);
}

/* Every node is a candidate and reaches all the others; nothing is garbage.  The heap must double
 * between collections, or building it would take quadratic time. */
static void test_a_growing_live_heap_is_looked_at_rarely(void **state) {
  struct nodes *nodes = *state;
  struct node *list = NULL;
  for (int i = 0; i < 300000; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    if (list != NULL) give(&node->left, list);
    list = node;
    cairn_retain(&node->base);
    cairn_release(&node->base);
  }
  assert_in_range(nodes->heap->collection_count, 2, 20);
  cairn_release(&list->base);
}

enum { EXTERNAL_BYTES = 8 << 20 };

static void give_back(struct node *node) { cairn_external_add(&node->base, -EXTERNAL_BYTES); }

static void test_external_bytes_count(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = give_back;
  uint64_t most = 0;
  for (int i = 0; i < 3000; i++) {
    struct node *cycle = cycle_new(nodes, nodes->watched);
    cairn_external_add(&cycle->base, EXTERNAL_BYTES);
    cairn_release(&cycle->base);
    if (nodes->heap->external_bytes > most) most = nodes->heap->external_bytes;
  }
  /* Allocations alone would let 3000 of them pile up.  It is asked at every new page. */
  assert_in_range(most, 0, 1200ull * EXTERNAL_BYTES);
  cairn_collect(nodes->heap);
  assert_int_equal(nodes->heap->external_bytes, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_garbage_is_bounded),          TEST(test_manual_heaps_never_collect),
      TEST(test_no_candidates_no_collection), TEST(test_a_growing_live_heap_is_looked_at_rarely),
      TEST(test_external_bytes_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the tests of shared heaps share: a shared heap beside an ordinary one. */
#ifndef SHARED_TEST_H
#define SHARED_TEST_H

#include <stdio.h>

#include "nodes.h"

/* A shared heap and an ordinary one. */
struct pair {
  cairn_heap *shared, *plain;
  cairn_type node, watched; /* of the shared heap */
  cairn_type plain_node;
};

static inline cairn_heap *shared_new(const char *name) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = name, .shared = true});
  assert_non_null(heap);
  return heap;
}

static inline int shared_setup(void **state) {
  struct pair *pair = calloc(1, sizeof *pair);
  pair->shared = shared_new("shared");
  pair->plain = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  assert_non_null(pair->plain);
  pair->node = nodes_define(pair->shared, "node", NULL);
  pair->watched = nodes_define(pair->shared, "watched", nodes_finalize);
  pair->plain_node = nodes_define(pair->plain, "node", NULL);
  nodes_finalizer = nodes_log_finalizer;
  nodes_log_count = 0;
  *state = pair;
  return 0;
}

static inline int shared_teardown(void **state) {
  struct pair *pair = *state;
  assert_ptr_equal(cairn_heap_validate(pair->plain), NULL);
  assert_ptr_equal(cairn_heap_validate(pair->shared), NULL);
  assert_true(cairn_heap_destroy(pair->plain, NULL));
  assert_true(cairn_heap_destroy(pair->shared, NULL));
  free(pair);
  return 0;
}

static inline struct node *make(cairn_heap *heap, cairn_type type, int64_t id) {
  struct node *node = (struct node *)(void *)cairn_object_new(heap, type);
  assert_non_null(node);
  node->id = id;
  return node;
}

static inline uint64_t count_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.object_count;
}

#define WITH_SHARED(test) cmocka_unit_test_setup_teardown(test, shared_setup, shared_teardown)

#endif

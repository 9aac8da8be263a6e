/* What the tests of collections share: both kinds of collection, and garbage to be found. */
#ifndef COLLECT_TEST_H
#define COLLECT_TEST_H

#include "nodes.h"

typedef uint64_t (*collect_fn)(cairn_heap *heap);

/* Each test of what is found runs with both kinds of collection. */
static const collect_fn kinds[] = {cairn_collect, cairn_collect_candidates};
#define FOR_EACH_KIND(collect)                                    \
  for (const collect_fn *kind = kinds; kind != kinds + 2; kind++) \
    for (collect_fn collect = *kind; collect != NULL; collect = NULL)

static inline void side_is_clean(cairn_object *object, void *context) {
  (void)context;
  assert_int_equal(*cairn_side_byte(object), 0);
}

/* What holds when no collection runs. */
static inline void assert_quiet(const struct nodes *nodes) {
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  assert_int_equal(nodes->heap->flux, CAIRN_FLUX_NONE);
  assert_int_equal(nodes->heap->candidate_count, 0);
  assert_false(nodes->heap->collecting);
  assert_valid(nodes);
}

/* a <-> b, and a holds a leaf; the caller owns a. */
static inline struct node *pair_new(const struct nodes *nodes, cairn_type type, int64_t id) {
  struct node *a = node_new(nodes, type, id);
  struct node *b = node_new(nodes, type, id + 1);
  give(&a->left, b);
  b->left = cairn_retain(&a->base);
  return a;
}

#define WITH_NODES(test) cmocka_unit_test_setup_teardown(test, nodes_setup, nodes_teardown)

#endif

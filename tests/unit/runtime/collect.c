/* collect.c, detect.c, reclaim.c: what a collection finds, and how it frees it. */
#include "collect_test.h"

static void test_pair_and_self(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    struct node *pair = pair_new(nodes, nodes->plain, 1);
    give(&pair->right, node_new(nodes, nodes->plain, 3));
    struct node *self = node_new(nodes, nodes->plain, 4);
    self->left = cairn_retain(&self->base);
    self->right = cairn_retain(&self->base);
    assert_int_equal(collect(nodes->heap), 0);
    cairn_release(&self->base);
    cairn_release(&pair->base);
    assert_int_equal(objects_of(nodes), 4);
    assert_int_equal(collect(nodes->heap), 4);
    assert_int_equal(objects_of(nodes), 0);
    assert_quiet(nodes);
  }
}

static void test_what_is_held_is_kept(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    /* root -> pair; the pair's other member -> pair two; a tail behind that */
    struct node *root = node_new(nodes, nodes->plain, 0);
    struct node *pair = pair_new(nodes, nodes->plain, 1);
    struct node *two = pair_new(nodes, nodes->plain, 3);
    give(&root->left, pair);
    give(&as_node(pair->left)->right, two);
    give(&two->right, node_new(nodes, nodes->plain, 5));
    cairn_retain(&pair->base);
    cairn_release(&pair->base);
    assert_int_equal(nodes->heap->candidate_count, 1);
    assert_int_equal(collect(nodes->heap), 0);
    assert_quiet(nodes);
    cairn_clear(&root->left);
    assert_int_equal(collect(nodes->heap), 5);
    cairn_release(&root->base);
    assert_int_equal(objects_of(nodes), 0);
  }
}

static void test_garbage_that_is_held_from_within_only(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    /* A live root that garbage refers to keeps only itself. */
    struct node *root = node_new(nodes, nodes->plain, 0);
    struct node *pair = pair_new(nodes, nodes->plain, 1);
    pair->right = cairn_retain(&root->base);
    cairn_release(&pair->base);
    assert_int_equal(collect(nodes->heap), 2);
    assert_int_equal(cairn_refcount(&root->base), 1);
    cairn_release(&root->base);
  }
}

static void test_candidate_that_dies(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    struct node *node = node_new(nodes, nodes->plain, 1);
    cairn_retain(&node->base);
    cairn_release(&node->base);
    assert_int_equal(nodes->heap->candidate_count, 1);
    cairn_release(&node->base);
    assert_int_equal(nodes->heap->candidate_count, 0);
    assert_int_equal(collect(nodes->heap), 0);
    assert_quiet(nodes);
  }
}

static void test_acyclic_types_are_no_candidates(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = cairn_str_from(nodes->heap, "text");
  cairn_retain(text);
  cairn_release(text);
  assert_int_equal(nodes->heap->candidate_count, 0);
  cairn_release(text);
}

static uint64_t told_states(const cairn_object *object) {
  return object->header & (CAIRN_STATE(TELL) | CAIRN_STATE(CANDIDATE) | CAIRN_STATE(ACYCLIC));
}

/* A drop that leaves some is told once, and once more after each collection of either kind. */
static void test_a_drop_is_told_once(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    cairn_object *node = &node_new(nodes, nodes->plain, 0)->base;
    for (int turn = 0; turn < 2; turn++) {
      assert_int_equal(told_states(node), CAIRN_STATE(TELL));
      assert_int_equal(nodes->heap->candidate_count, 0);
      for (int i = 0; i < 3; i++) {
        cairn_retain(node);
        cairn_release(node);
        assert_int_equal(told_states(node), CAIRN_STATE(CANDIDATE));
        assert_int_equal(nodes->heap->candidate_count, 1);
      }
      assert_int_equal(collect(nodes->heap), 0);
    }
    cairn_release(node);
  }
  cairn_object *text = cairn_str_from(nodes->heap, "text");
  assert_int_equal(told_states(text), CAIRN_STATE(ACYCLIC));
  cairn_release(text);
}

static void test_builtin_cycles(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    cairn_object *list = cairn_list_new(nodes->heap, 0);
    cairn_object *dict = cairn_dict_new(nodes->heap);
    cairn_object *cell = cairn_cell_new(nodes->heap, dict);
    cairn_object *tuple = cairn_tuple_new(nodes->heap, 2, (cairn_object *[]){cell, list});
    assert_true(cairn_list_append(list, list));
    assert_true(cairn_list_append(list, dict));
    cairn_object *key = cairn_int_new(nodes->heap, 1000);
    assert_true(cairn_dict_set(dict, key, tuple));
    assert_true(cairn_dict_set(dict, tuple, list));
    cairn_release(key);
    cairn_release(tuple);
    cairn_release(cell);
    cairn_release(dict);
    assert_int_equal(collect(nodes->heap), 0);
    cairn_release(list);
    assert_int_equal(collect(nodes->heap), 5);
    assert_int_equal(objects_of(nodes), 0);
    assert_int_equal(buffers_of(nodes), 0);
    assert_quiet(nodes);
  }
}

/* References that only traverse and clear know. */
struct opaque {
  cairn_object base;
  cairn_object *hidden;
};

static void opaque_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  cairn_object *hidden = ((struct opaque *)(void *)object)->hidden;
  if (hidden != NULL) visit(hidden, context);
}

static void opaque_clear(cairn_object *object) {
  cairn_clear(&((struct opaque *)(void *)object)->hidden);
}

static void test_opaque_and_tagged_cycles(void **state) {
  struct nodes *nodes = *state;
  const cairn_type_spec opaque_spec = {.name = "opaque",
                                       .size_bytes = sizeof(struct opaque),
                                       .traverse = opaque_traverse,
                                       .clear = opaque_clear};
  const cairn_slot_spec tagged_slots[] = {{.name = "word",
                                           .kind = CAIRN_SLOT_STRONG,
                                           .offset = offsetof(struct opaque, hidden),
                                           .tag_mask = 7,
                                           .tag_value = 1}};
  const cairn_type_spec tagged_spec = {.name = "tagged",
                                       .size_bytes = sizeof(struct opaque),
                                       .slots = tagged_slots,
                                       .slot_count = 1};
  cairn_type opaque = cairn_type_define(nodes->heap, &opaque_spec);
  cairn_type tagged = cairn_type_define(nodes->heap, &tagged_spec);
  FOR_EACH_KIND(collect) {
    struct opaque *a = (struct opaque *)(void *)cairn_object_new(nodes->heap, opaque);
    struct opaque *b = (struct opaque *)(void *)cairn_object_new(nodes->heap, tagged);
    a->hidden = &b->base;
    uintptr_t word = (uintptr_t)cairn_retain(&a->base) | 1;
    memcpy(&b->hidden, &word, sizeof word);
    assert_int_equal(collect(nodes->heap), 0);
    cairn_release(&a->base);
    assert_int_equal(collect(nodes->heap), 2);
    assert_quiet(nodes);
  }
}

static void test_weak_references_to_garbage(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    struct node *outside = node_new(nodes, nodes->plain, 0);
    struct node *pair = pair_new(nodes, nodes->plain, 1);
    struct node *other = as_node(pair->left);
    assert_true(cairn_weak_set(&outside->base, &outside->weak, &other->base));
    assert_true(cairn_weak_set(&pair->base, &pair->weak, &other->base));
    cairn_object *weakref = cairn_weakref_new(nodes->heap, &pair->base);
    pair->right = weakref; /* garbage too */
    cairn_release(&pair->base);
    assert_int_equal(collect(nodes->heap), 3);
    assert_null(outside->weak);
    cairn_release(&outside->base);
  }
}

static void test_a_count_too_large_is_kept(void **state) {
  struct nodes *nodes = *state;
  struct node *pair = pair_new(nodes, nodes->plain, 1);
  cairn_release(&pair->base);
  pair->base.header |= CAIRN_COUNT_SATURATED;
  assert_int_equal(cairn_collect(nodes->heap), 0);
  assert_int_equal(objects_of(nodes), 2);
  pair->base.header &= ~CAIRN_COUNT_SATURATED;
  assert_int_equal(cairn_collect(nodes->heap), 2);
}

static void test_a_long_cycle(void **state) {
  struct nodes *nodes = *state;
  enum { LENGTH = 300000 };
  FOR_EACH_KIND(collect) {
    struct node *first = node_new(nodes, nodes->plain, 0);
    struct node *last = first;
    for (int64_t i = 1; i < LENGTH; i++) {
      give(&last->left, node_new(nodes, nodes->plain, i));
      last = as_node(last->left);
      last->right = cairn_retain(&first->base);
    }
    cairn_retain(&last->base);
    cairn_release(&last->base);
    assert_int_equal(collect(nodes->heap), 0);
    cairn_release(&first->base);
    assert_int_equal(collect(nodes->heap), LENGTH);
    assert_quiet(nodes);
  }
}

/* A block larger than an arena among the members: it has an arena of its own. */
static void test_a_huge_member(void **state) {
  struct nodes *nodes = *state;
  enum { COUNT = 1 << 20 };
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  cairn_object **items = calloc(COUNT, sizeof *items);
  for (size_t i = 0; i < COUNT; i++) items[i] = list;
  cairn_object *tuple = cairn_tuple_new(nodes->heap, COUNT, items);
  free(items);
  assert_true(cairn_list_append(list, tuple));
  cairn_release(tuple);
  assert_int_equal(cairn_collect(nodes->heap), 0);
  cairn_release(list);
  assert_int_equal(cairn_collect_candidates(nodes->heap), 2);
  assert_quiet(nodes);
}

/* ---- memory, the intern table, numbers ------------------------------------------------------- */

static void test_without_memory(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    struct node *pair = pair_new(nodes, nodes->watched, 1);
    struct node *watcher = node_new(nodes, nodes->plain, 0);
    assert_true(cairn_weak_set(&watcher->base, &watcher->weak, &pair->base));
    cairn_release(&pair->base);
    cairn_fault.map_after = 1;
    cairn_fault.block_after = 1;
    cairn_fault_arm(nodes->heap);
    assert_int_equal(collect(nodes->heap), 2);
    cairn_release(&watcher->base);
    cairn_fault.map_after = 0;
    cairn_fault.block_after = 0;
    nodes_log_count = 0;
  }
}

static void test_allocation_collects_before_it_fails(void **state) {
  struct nodes *nodes = *state;
  cairn_stats stats;
  cairn_heap_stats(nodes->heap, &stats);
  cairn_heap_limit_set(nodes->heap, stats.reserved_bytes + (16 << 20));
  /* Far more garbage than the limit allows at a time; nothing but the limit asks for collections.
   */
  for (int64_t i = 0; i < 1000000; i++) {
    cairn_release(&pair_new(nodes, nodes->plain, i)->base);
  }
  assert_true(nodes->heap->collection_count > 0);
  cairn_heap_limit_set(nodes->heap, 0);
  cairn_collect(nodes->heap);
  assert_int_equal(objects_of(nodes), 0);
}

static void test_full_collections_sweep_the_intern_table(void **state) {
  struct nodes *nodes = *state;
  cairn_object *kept = cairn_str_intern(nodes->heap, "kept", 4);
  cairn_object *dict = cairn_dict_new(nodes->heap);
  cairn_object *key = cairn_str_intern(nodes->heap, "key", 3);
  assert_true(cairn_dict_set(dict, key, dict));
  cairn_release(key);
  cairn_release(dict);
  assert_int_equal(cairn_collect(nodes->heap), 2); /* the dict, and then its key */
  assert_int_equal(objects_of(nodes), 1);
  cairn_release(kept);
  assert_int_equal(cairn_collect(nodes->heap), 1);
}

static void test_numbers(void **state) {
  struct nodes *nodes = *state;
  cairn_stats before, after;
  cairn_heap_stats(nodes->heap, &before);
  cairn_release(&pair_new(nodes, nodes->plain, 1)->base);
  cairn_heap_stats(nodes->heap, &after);
  assert_int_equal(after.candidate_count, 1);
  cairn_collect_candidates(nodes->heap);
  cairn_heap_stats(nodes->heap, &after);
  assert_int_equal(after.candidate_count, 0);
  assert_int_equal(after.collection_count, before.collection_count + 1);
  assert_int_equal(after.collected_count, before.collected_count + 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_NODES(test_pair_and_self),
      WITH_NODES(test_what_is_held_is_kept),
      WITH_NODES(test_garbage_that_is_held_from_within_only),
      WITH_NODES(test_candidate_that_dies),
      WITH_NODES(test_acyclic_types_are_no_candidates),
      WITH_NODES(test_a_drop_is_told_once),
      WITH_NODES(test_builtin_cycles),
      WITH_NODES(test_opaque_and_tagged_cycles),
      WITH_NODES(test_weak_references_to_garbage),
      WITH_NODES(test_a_count_too_large_is_kept),
      WITH_NODES(test_a_long_cycle),
      WITH_NODES(test_a_huge_member),
      WITH_NODES(test_without_memory),
      WITH_NODES(test_allocation_collects_before_it_fails),
      WITH_NODES(test_full_collections_sweep_the_intern_table),
      WITH_NODES(test_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

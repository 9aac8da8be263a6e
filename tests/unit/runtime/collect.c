/* collect.c, detect.c, reclaim.c: what a collection finds, and how it frees it. */
#include "nodes.h"

typedef uint64_t (*collect_fn)(cairn_heap *heap);

/* Each test of what is found runs with both kinds of collection. */
static const collect_fn kinds[] = {cairn_collect, cairn_collect_candidates};
#define FOR_EACH_KIND(collect)                                    \
  for (const collect_fn *kind = kinds; kind != kinds + 2; kind++) \
    for (collect_fn collect = *kind; collect != NULL; collect = NULL)

static void side_is_clean(cairn_object *object, void *context) {
  (void)context;
  assert_int_equal(*cairn_side_byte(object), 0);
}

/* What holds when no collection runs. */
static void assert_quiet(const struct nodes *nodes) {
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  assert_int_equal(nodes->heap->flux, CAIRN_FLUX_NONE);
  assert_int_equal(nodes->heap->candidate_count, 0);
  assert_false(nodes->heap->collecting);
  assert_valid(nodes);
}

/* a <-> b, and a holds a leaf; the caller owns a. */
static struct node *pair_new(const struct nodes *nodes, cairn_type type, int64_t id) {
  struct node *a = node_new(nodes, type, id);
  struct node *b = node_new(nodes, type, id + 1);
  give(&a->left, b);
  b->left = cairn_retain(&a->base);
  return a;
}

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

/* ---- finalizers of garbage ------------------------------------------------------------------- */

static struct nodes *current; /* for the finalizers */
static cairn_object *saved[2];
static size_t saved_count;

/* What a finalizer may rely on: the object and all it reaches is whole, held, and truly counted. */
static void look_around(struct node *node) {
  nodes_log_finalizer(node);
  assert_int_equal(current->heap->flux, CAIRN_FLUX_RECLAIM);
  struct node *other = as_node(node->left);
  assert_true(has_state(node, CAIRN_STATE(LIVE) | CAIRN_STATE(HELD)));
  assert_true(has_state(other, CAIRN_STATE(LIVE) | CAIRN_STATE(HELD)));
  assert_ptr_equal(other->left, node);
  assert_int_equal(cairn_refcount(&node->base), 2); /* the other's and the collector's */
}

static void test_finalizers_see_whole_objects(void **state) {
  struct nodes *nodes = *state;
  current = nodes;
  nodes_finalizer = look_around;
  FOR_EACH_KIND(collect) {
    nodes_log_count = 0;
    struct node *watcher = node_new(nodes, nodes->plain, 0);
    struct node *pair = pair_new(nodes, nodes->watched, 1);
    assert_true(cairn_weak_set(&watcher->base, &watcher->weak, &pair->base));
    cairn_release(&pair->base);
    assert_int_equal(collect(nodes->heap), 2);
    assert_null(watcher->weak);
    assert_int_equal(nodes_log_count, 2);
    cairn_release(&watcher->base);
    assert_quiet(nodes);
  }
}

static void save_first(struct node *node) {
  if (node->id == 1) saved[saved_count++] = cairn_retain(&node->base);
}

static void test_resurrection_keeps_all_that_is_reached(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = save_first;
  FOR_EACH_KIND(collect) {
    saved_count = 0;
    struct node *pair = pair_new(nodes, nodes->watched, 1);
    give(&pair->right, node_new(nodes, nodes->plain, 3));
    struct node *unrelated = pair_new(nodes, nodes->watched, 5);
    /* It refers to what comes back, but nothing refers to it. */
    unrelated->right = cairn_retain(&pair->base);
    cairn_release(&unrelated->base);
    cairn_release(&pair->base);
    assert_int_equal(collect(nodes->heap), 2);
    assert_int_equal(saved_count, 1);
    assert_ptr_equal(saved[0], pair);
    assert_int_equal(objects_of(nodes), 3);
    assert_int_equal(cairn_refcount(saved[0]), 2);
    assert_false(has_state(saved[0], CAIRN_STATE(HELD)));
    assert_int_equal(as_node(pair->right)->id, 3);
    assert_valid(nodes);
    cairn_clear(&saved[0]);
    assert_int_equal(collect(nodes->heap), 3);
    assert_int_equal(saved_count, 1); /* no second finalizer */
    assert_quiet(nodes);
  }
}

/* Each finalizer allocates, drops, collects and throws its own cycle away. */
static void run_wild(struct node *node) {
  nodes_log_finalizer(node);
  assert_int_equal(cairn_collect(current->heap), 0);
  assert_int_equal(cairn_collect_candidates(current->heap), 0);
  for (int i = 0; i < 100; i++) {
    struct node *made = node_new(current, current->plain, i);
    cairn_assign(&made->left, &made->base);
    if (i == 7) {
      cairn_assign(&node->right, &made->base); /* garbage holds something new */
    } else if (i == 8) {
      saved[saved_count++] = cairn_retain(&made->base);
    }
    cairn_release(&made->base);
  }
  cairn_clear(&node->left);
}

static void test_finalizers_that_run_wild(void **state) {
  struct nodes *nodes = *state;
  current = nodes;
  nodes_finalizer = run_wild;
  FOR_EACH_KIND(collect) {
    nodes_log_count = 0;
    saved_count = 0;
    cairn_release(&pair_new(nodes, nodes->watched, 1)->base);
    assert_int_equal(collect(nodes->heap), 2);
    assert_int_equal(nodes_log_count, 2);
    assert_int_equal(objects_of(nodes), 200);
    assert_valid(nodes);
    assert_int_equal(collect(nodes->heap), 198);
    for (size_t i = 0; i < 2; i++) cairn_release(saved[i]);
    assert_int_equal(collect(nodes->heap), 2);
    assert_quiet(nodes);
  }
}

static struct node *observer;
static void watch_itself(struct node *node) {
  assert_true(cairn_weak_set(&observer->base, &observer->weak, &node->base));
}

/* Runs while the garbage is being cleared. */
static void look_for_garbage(cairn_object *object) {
  nodes_log_finalizer(as_node(object));
  assert_null(observer->weak);
}

static void test_a_finalizer_watches_its_own_garbage(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = watch_itself;
  const cairn_type_spec spec = {
      .name = "acyclic", .size_bytes = sizeof(struct node), .finalize = look_for_garbage};
  cairn_type acyclic = cairn_type_define(nodes->heap, &spec);
  observer = node_new(nodes, nodes->plain, 0);
  struct node *pair = pair_new(nodes, nodes->watched, 1);
  give(&pair->right, node_new(nodes, acyclic, 2));
  cairn_release(&pair->base);
  assert_int_equal(cairn_collect(nodes->heap), 3);
  assert_int_equal(nodes_log_count, 1);
  assert_null(observer->weak);
  cairn_release(&observer->base);
}

/* What garbage alone holds may have finalizers and die while the slots are cleared. */
static void allocate(struct node *node) {
  nodes_log_finalizer(node);
  for (int i = 0; i < 10; i++) cairn_release(&node_new(current, current->plain, i)->base);
}

static void test_finalizers_behind_garbage(void **state) {
  struct nodes *nodes = *state;
  current = nodes;
  nodes_finalizer = allocate;
  const cairn_type_spec spec = {
      .name = "acyclic", .size_bytes = sizeof(struct node), .finalize = nodes_finalize};
  cairn_type acyclic = cairn_type_define(nodes->heap, &spec);
  assert_true(cairn_type_is_acyclic(nodes->heap, acyclic));
  for (int64_t i = 0; i < 20; i++) {
    struct node *pair = pair_new(nodes, nodes->plain, 2 * i);
    give(&pair->right, node_new(nodes, acyclic, i));
    cairn_release(&pair->base);
  }
  assert_int_equal(cairn_collect(nodes->heap), 60 + 200); /* with the 10 that each one drops */
  assert_int_equal(nodes_log_count, 20);
  assert_quiet(nodes);
}

static size_t million_count;
static void count(struct node *node) {
  (void)node;
  million_count++;
}

static void test_a_million_finalizers(void **state) {
  struct nodes *nodes = *state;
  enum { PAIRS = 500000 };
  nodes_finalizer = count;
  million_count = 0;
  for (int64_t i = 0; i < PAIRS; i++) cairn_release(&pair_new(nodes, nodes->watched, i)->base);
  assert_int_equal(cairn_collect(nodes->heap), 2 * PAIRS);
  assert_int_equal(million_count, 2 * PAIRS);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_pair_and_self),
      TEST(test_what_is_held_is_kept),
      TEST(test_garbage_that_is_held_from_within_only),
      TEST(test_candidate_that_dies),
      TEST(test_acyclic_types_are_no_candidates),
      TEST(test_a_drop_is_told_once),
      TEST(test_builtin_cycles),
      TEST(test_opaque_and_tagged_cycles),
      TEST(test_weak_references_to_garbage),
      TEST(test_a_count_too_large_is_kept),
      TEST(test_a_long_cycle),
      TEST(test_a_huge_member),
      TEST(test_finalizers_see_whole_objects),
      TEST(test_resurrection_keeps_all_that_is_reached),
      TEST(test_finalizers_that_run_wild),
      TEST(test_a_finalizer_watches_its_own_garbage),
      TEST(test_finalizers_behind_garbage),
      TEST(test_a_million_finalizers),
      TEST(test_without_memory),
      TEST(test_allocation_collects_before_it_fails),
      TEST(test_full_collections_sweep_the_intern_table),
      TEST(test_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

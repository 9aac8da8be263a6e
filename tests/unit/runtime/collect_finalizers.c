/* reclaim.c: finalizers of garbage, what they may rely on and what they may do. */
#include "collect_test.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_NODES(test_finalizers_see_whole_objects),
      WITH_NODES(test_resurrection_keeps_all_that_is_reached),
      WITH_NODES(test_finalizers_that_run_wild),
      WITH_NODES(test_a_finalizer_watches_its_own_garbage),
      WITH_NODES(test_finalizers_behind_garbage),
      WITH_NODES(test_a_million_finalizers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

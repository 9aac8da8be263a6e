/* die.c: what finalizers may do when a count reaches 0. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nodes.h"

static cairn_object *saved; /* a global of the program that holds a resurrected object */
static size_t run_count;

static void resurrect(struct node *node) {
  run_count++;
  saved = cairn_retain(&node->base);
}

static int setup(void **state) {
  saved = NULL;
  run_count = 0;
  return nodes_setup(state);
}

static void test_resurrected_once(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = resurrect;
  struct node *node = node_new(nodes, nodes->watched, 1);
  give(&node->left, node_new(nodes, nodes->plain, 2));
  cairn_release(&node->base);
  assert_ptr_equal(saved, node);
  assert_int_equal(cairn_refcount(saved), 1);
  assert_true(has_state(node, CAIRN_STATE(LIVE)));
  assert_true(has_state(node, CAIRN_STATE(FINALIZED)));
  assert_false(has_state(node, CAIRN_STATE(HELD)));
  assert_int_equal(as_node(node->left)->id, 2);
  assert_valid(nodes);
  cairn_clear(&saved);
  assert_null(saved);
  assert_int_equal(run_count, 1);
  assert_int_equal(objects_of(nodes), 0);
}

/* The middle of a chain comes back; what is before it dies, what is behind it lives on. */
static void test_resurrected_within_a_cascade(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = resurrect;
  for (int side = 0; side < 2; side++) {
    struct node *root = node_new(nodes, nodes->plain, 0);
    struct node *middle = node_new(nodes, nodes->watched, 1);
    give(&middle->left, node_new(nodes, nodes->plain, 2));
    give(side == 0 ? &root->left : &root->right, middle);
    give(side == 0 ? &root->right : &root->left, node_new(nodes, nodes->plain, 3));
    cairn_release(&root->base);
    assert_ptr_equal(saved, middle);
    assert_int_equal(objects_of(nodes), 2);
    assert_int_equal(cairn_refcount(saved), 1);
    assert_valid(nodes);
    cairn_clear(&saved);
    assert_int_equal(objects_of(nodes), 0);
  }
}

static void allocate_and_drop(struct node *node) {
  cairn_heap *heap = cairn_object_heap(&node->base);
  cairn_object *list = cairn_list_new(heap, 0);
  for (int64_t i = 0; i < 1000; i++) {
    cairn_object *number = cairn_int_new(heap, 1000 + i);
    assert_true(cairn_list_append(list, number));
    cairn_release(number);
  }
  assert_int_equal(heap->flux, CAIRN_FLUX_RELEASE);
  if (node->id % 2 == 0) {
    cairn_release(list);
  } else {
    cairn_release(saved);
    saved = list;
  }
}

static void test_allocates(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = allocate_and_drop;
  struct node *chain = NULL;
  for (int64_t i = 0; i < 100; i++) {
    struct node *node = node_new(nodes, nodes->watched, i);
    if (chain != NULL) give(&node->right, chain);
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(objects_of(nodes), 1001);
  cairn_clear(&saved);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(buffers_of(nodes), 0);
}

static void collect(struct node *node) {
  run_count++;
  assert_int_equal(cairn_collect(cairn_object_heap(&node->base)), 0);
  assert_int_equal(cairn_collect_candidates(cairn_object_heap(&node->base)), 0);
}

static void test_collecting_is_a_no_op(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = collect;
  struct node *cycle = node_new(nodes, nodes->plain, 1);
  cycle->left = cairn_retain(&cycle->base);
  cairn_release(&cycle->base);
  uint64_t collections = nodes->heap->collection_count;
  cairn_release(&node_new(nodes, nodes->watched, 2)->base);
  assert_int_equal(run_count, 1);
  assert_int_equal(nodes->heap->collection_count, collections);
  assert_int_equal(objects_of(nodes), 1);
  assert_int_equal(cairn_collect(nodes->heap), 1);
}

/* The finalizer gives up what the object holds before its slots are cleared. */
static void clear_own_slots(struct node *node) {
  run_count++;
  cairn_clear(&node->right);
  cairn_clear(&node->left);
}

static void test_clears_its_own_slots(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = clear_own_slots;
  struct node *root = node_new(nodes, nodes->watched, 0);
  give(&root->left, node_new(nodes, nodes->watched, 1));
  give(&root->right, node_new(nodes, nodes->watched, 2));
  give(&as_node(root->right)->left, node_new(nodes, nodes->watched, 3));
  cairn_release(&root->base);
  assert_int_equal(run_count, 4);
  assert_int_equal(objects_of(nodes), 0);
}

/* The object becomes a cycle that nothing else holds: it lives on as garbage that is a candidate.
 */
static void hold_itself(struct node *node) {
  run_count++;
  cairn_assign(&node->left, &node->base);
}

static void test_holds_itself(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = hold_itself;
  struct node *node = node_new(nodes, nodes->watched, 1);
  cairn_release(&node->base);
  assert_int_equal(objects_of(nodes), 1);
  assert_int_equal(cairn_refcount(&node->base), 1);
  assert_true(has_state(node, CAIRN_STATE(CANDIDATE)));
  assert_int_equal(cairn_collect_candidates(nodes->heap), 1);
  assert_int_equal(run_count, 1);
}

/* A weak reference that the finalizer makes to its own object does not outlive it. */
static struct node *observer;
static void watch_itself(struct node *node) {
  run_count++;
  assert_true(cairn_weak_set(&observer->base, &observer->weak, &node->base));
}

static void test_weak_references_to_the_finalized(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = watch_itself;
  observer = node_new(nodes, nodes->plain, 0);
  struct node *node = node_new(nodes, nodes->watched, 1);
  cairn_object *before = cairn_weakref_new(nodes->heap, &node->base);
  cairn_release(&node->base);
  assert_int_equal(run_count, 1);
  assert_null(observer->weak);
  assert_null(cairn_weakref_get(before));
  cairn_release(before);
  cairn_release(&observer->base);
  assert_int_equal(objects_of(nodes), 0);
}

/* A dying parent that a child still knows cannot be watched, so it cannot come back. */
static void watch_the_dying_parent(struct node *node) {
  if (node->borrowed == NULL) return;
  run_count++;
  assert_true(has_state(node->borrowed, CAIRN_STATE(DYING)));
  assert_true(cairn_weak_set(&observer->base, &observer->weak, node->borrowed));
  assert_null(observer->weak);
}

static void test_the_dying_cannot_be_watched(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = watch_the_dying_parent;
  observer = node_new(nodes, nodes->plain, 0);
  struct node *parent = node_new(nodes, nodes->plain, 1);
  struct node *child = node_new(nodes, nodes->watched, 2);
  child->borrowed = &parent->base;
  give(&parent->left, child);
  give(&parent->right, node_new(nodes, nodes->watched, 3));
  cairn_release(&parent->base);
  assert_int_equal(run_count, 1);
  cairn_release(&observer->base);
  assert_int_equal(objects_of(nodes), 0);
}

/* Deaths nested deeper than the bound are put off, watched and finalizable ones among them. */
static void release_borrowed(struct node *node) {
  run_count++;
  cairn_release(node->borrowed);
}

static void test_parked_deaths_are_complete(void **state) {
  struct nodes *nodes = *state;
  enum { LENGTH = 1000 };
  nodes_finalizer = release_borrowed;
  cairn_object *weakrefs = cairn_list_new(nodes->heap, LENGTH);
  struct node *chain = NULL;
  for (int64_t i = 0; i < LENGTH; i++) {
    /* Odd ones have no finalizer: they hold the next by a slot. */
    struct node *node = node_new(nodes, i % 2 == 0 ? nodes->watched : nodes->plain, i);
    if (chain != NULL && i % 2 == 0) node->borrowed = &chain->base;
    if (chain != NULL && i % 2 != 0) give(&node->left, chain);
    give(&node->right, node_new(nodes, nodes->plain, -i));
    cairn_object *weakref = cairn_weakref_new(nodes->heap, &node->base);
    assert_true(cairn_list_append(weakrefs, weakref));
    cairn_release(weakref);
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(run_count, LENGTH / 2);
  for (size_t i = 0; i < LENGTH; i++) {
    assert_null(cairn_weakref_get(cairn_list_get(weakrefs, i)));
  }
  cairn_release(weakrefs);
  assert_int_equal(objects_of(nodes), 0);
}

/* Two parked objects are resurrected when their turn comes.  Until then they are dying: nobody can
 * see them through a weak slot. */
static struct node *deepest[2];

static void release_and_save_the_deepest(struct node *node) {
  run_count++;
  if (node == deepest[0] || node == deepest[1]) {
    node->borrowed = saved; /* a chain of what is saved; no slot counts it */
    saved = cairn_retain(&node->base);
  } else if (node->borrowed != NULL) {
    cairn_release(node->borrowed);
  } else {
    cairn_release(&deepest[0]->base);
    cairn_release(&deepest[1]->base);
    assert_true(has_state(deepest[0], CAIRN_STATE(DYING)));
    assert_int_equal(as_node(deepest[0]->left)->id, 1);
    assert_null(observer->weak);
  }
}

static void test_parked_and_resurrected(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = release_and_save_the_deepest;
  for (int i = 0; i < 2; i++) {
    deepest[i] = node_new(nodes, nodes->watched, 0);
    give(&deepest[i]->left, node_new(nodes, nodes->plain, 1));
  }
  observer = node_new(nodes, nodes->plain, 0);
  assert_true(cairn_weak_set(&observer->base, &observer->weak, &deepest[0]->base));
  struct node *chain = NULL;
  for (int64_t i = 0; i < 32; i++) {
    struct node *node = node_new(nodes, nodes->watched, i);
    node->borrowed = chain == NULL ? NULL : &chain->base;
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(run_count, 34);
  assert_int_equal(objects_of(nodes), 5);
  for (int i = 0; i < 2; i++) {
    assert_true(has_state(deepest[i], CAIRN_STATE(LIVE)));
    assert_int_equal(*cairn_side_word(&deepest[i]->base), 0);
    cairn_release(&deepest[i]->base);
  }
  saved = NULL;
  cairn_release(&observer->base);
  assert_int_equal(objects_of(nodes), 0);
}

/* ---- memory of the program ------------------------------------------------------------------- */

struct owner {
  cairn_object base;
  cairn_object **items; /* malloc'ed */
  uint32_t count;
};

/* The slots are still whole: what they hold is released here, and then their memory goes. */
static void free_items(cairn_object *object) {
  struct owner *owner = (struct owner *)(void *)object;
  run_count++;
  for (uint32_t i = 0; i < owner->count; i++) cairn_clear(&owner->items[i]);
  cairn_object **items = owner->items;
  owner->items = NULL;
  owner->count = 0;
  free(items);
}

static void test_a_finalizer_frees_foreign_memory(void **state) {
  struct nodes *nodes = *state;
  const cairn_slot_spec slots[] = {{.name = "items",
                                    .kind = CAIRN_SLOT_STRONG,
                                    .shape = CAIRN_SHAPE_ARRAY,
                                    .flags = CAIRN_SLOT_FLAG_FOREIGN,
                                    .count_width = 4,
                                    .offset = offsetof(struct owner, items),
                                    .count_offset = offsetof(struct owner, count)}};
  const cairn_type_spec spec = {.name = "owner",
                                .size_bytes = sizeof(struct owner),
                                .slots = slots,
                                .slot_count = 1,
                                .finalize = free_items};
  cairn_type type = cairn_type_define(nodes->heap, &spec);
  for (int in_cycle = 0; in_cycle < 2; in_cycle++) {
    struct owner *owner = (struct owner *)(void *)cairn_object_new(nodes->heap, type);
    owner->items = calloc(2, sizeof(cairn_object *));
    owner->count = 2;
    give(&owner->items[0], node_new(nodes, nodes->plain, 1));
    if (in_cycle != 0) owner->items[1] = cairn_retain(&owner->base);
    cairn_release(&owner->base);
    assert_int_equal(cairn_collect(nodes->heap), in_cycle != 0 ? 2 : 0);
    assert_int_equal(objects_of(nodes), 0);
  }
  assert_int_equal(run_count, 2);
}

/* ---- a release too many ---------------------------------------------------------------------- */

/* What one release too many does: with assertions the process stops there, without them the heap
 * stays whole. */
static void assert_caught(struct nodes *nodes, void (*mistake)(struct nodes *nodes)) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == NULL) _exit(3);
    mistake(nodes);
    _exit(cairn_heap_validate(nodes->heap) == NULL ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
#ifdef NDEBUG
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
#else
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
#endif
}

static void release_the_dead(struct nodes *nodes) {
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_release(&node->base);
  cairn_release(&node->base);
}

static void release_what_a_slot_holds(struct nodes *nodes) {
  struct node *holder = node_new(nodes, nodes->plain, 1);
  give(&holder->left, node_new(nodes, nodes->plain, 2));
  cairn_release(holder->left);
  cairn_release(&holder->base);
}

static void release_itself(struct node *node) { cairn_release(&node->base); }

static void release_in_the_finalizer(struct nodes *nodes) {
  nodes_finalizer = release_itself;
  cairn_release(&node_new(nodes, nodes->watched, 1)->base);
}

static void test_a_release_too_many(void **state) {
  assert_caught(*state, release_the_dead);
  assert_caught(*state, release_what_a_slot_holds);
  assert_caught(*state, release_in_the_finalizer);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_resurrected_once),
      TEST(test_resurrected_within_a_cascade),
      TEST(test_allocates),
      TEST(test_collecting_is_a_no_op),
      TEST(test_clears_its_own_slots),
      TEST(test_holds_itself),
      TEST(test_weak_references_to_the_finalized),
      TEST(test_the_dying_cannot_be_watched),
      TEST(test_parked_deaths_are_complete),
      TEST(test_parked_and_resurrected),
      TEST(test_a_finalizer_frees_foreign_memory),
      TEST(test_a_release_too_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A heap that is read in the middle of things: from finalizers within cascades and collections,
 * with deaths nested and parked, from `clear` and `traverse` of opaque types.
 *
 * At each such moment the lens reads the whole process and must find no damage, no count that is
 * too low, every object that is alive, and as many dying ones as there are.
 */
#include "../runtime/nodes.h"
#include "self.h"

static struct nodes *current;
static size_t look_count;
static uint64_t most_dying;

/* The states of the blocks, from inside. */
struct states {
  uint64_t live, dying, held;
};

static struct states states_now(void) {
  struct states states = {0, 0, 0};
  for (struct cairn_arena *arena = current->heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      struct cairn_page *page = cairn_arena_page(arena, i);
      if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
      const char *memory = cairn_page_memory(arena, page);
      for (uint32_t block = 0; block < page->fresh; block++) {
        const cairn_object *object = (const void *)(memory + block * page->block_bytes);
        if (has_state(object, CAIRN_STATE(BUFFER))) continue;
        states.live += has_state(object, CAIRN_STATE(LIVE));
        states.dying += has_state(object, CAIRN_STATE(DYING));
        states.held += has_state(object, CAIRN_STATE(HELD));
      }
    }
  }
  return states;
}

static void assert_no_damage(lens *self) {
  assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (problem.severity == LENS_DAMAGE)
      fail_msg("0x%" PRIx64 ": %s", problem.address, problem.text);
  }
}

static void look(void) {
  look_count++;
  struct states states = states_now();
  if (states.dying > most_dying) most_dying = states.dying;
  lens *self = self_lens();
  assert_no_damage(self);
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.dying, states.dying);
  assert_int_equal(totals.damaged_blocks, 0);
  lens_accounts accounts;
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_int_equal(accounts.object_count, states.live + states.dying);
  assert_int_equal(accounts.under, 0);
  assert_int_equal(accounts.deficit, 0);
  assert_int_equal(totals.exactness, accounts.exactness);
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  uint64_t held = 0;
  for (uint64_t i = 0; i < columns.object_count; i++) {
    held += (columns.state[i] & LENS_STATE_HELD) != 0;
    lens_account one; /* judged as all are */
    assert_int_equal(lens_account_object(self, (uint32_t)i, 0, &one), LENS_OK);
    assert_int_equal(one.verdict, accounts.verdict[i]);
  }
  assert_int_equal(held, states.held);
  lens_heap heap;
  assert_int_equal(lens_heap_get(self, 0, &heap), LENS_OK);
  assert_string_not_equal(heap.flux, "none");
  lens_free(self);
}

static int begin(void **state) {
  int status = nodes_setup(state);
  current = *state;
  look_count = 0;
  most_dying = 0;
  return status;
}

/* ---- cascades -------------------------------------------------------------------------------- */

static void look_and_release(struct node *node) {
  look();
  cairn_object *borrowed = node->borrowed;
  node->borrowed = NULL;
  cairn_release(borrowed);
  look();
}

/* A tree of nodes that look, each with more to clear behind its first child. */
static struct node *tree_new(unsigned depth) {
  struct node *node = node_new(current, depth % 2 == 0 ? current->plain : current->watched, depth);
  if (depth == 0) return node;
  give(&node->left, tree_new(depth - 1));
  give(&node->right, tree_new(depth - 1));
  return node;
}

static void a_tree_dies(void **state) {
  (void)state;
  nodes_finalizer = look_and_release;
  struct node *tree = tree_new(6);
  cairn_object *weakref = cairn_weakref_new(current->heap, tree->left);
  cairn_release(&tree->base);
  assert_null(cairn_weakref_get(weakref));
  cairn_release(weakref);
  assert_int_equal(look_count, 2 * (2 + 8 + 32));
  assert_in_range(most_dying, 4, 6);
}

/* Containers, so that links stand in arrays, tables, tails and tagged words too. */
static void containers_die(void **state) {
  (void)state;
  nodes_finalizer = look_and_release;
  cairn_object *outer = cairn_list_new(current->heap, 0);
  for (int64_t i = 0; i < 4; i++) {
    cairn_object *dict = cairn_dict_new(current->heap);
    for (int64_t j = 0; j < 3; j++) {
      struct node *key = node_new(current, current->watched, j);
      give(&key->left, node_new(current, current->plain, j));
      struct node *value = node_new(current, current->watched, j);
      give(&value->right, node_new(current, current->watched, j));
      cairn_object *tuple = cairn_tuple_new(
          current->heap, 3, (cairn_object *[]){&value->base, &key->base, &value->base});
      assert_true(cairn_dict_set(dict, &key->base, tuple));
      cairn_release(tuple);
      cairn_release(&key->base);
      cairn_release(&value->base);
    }
    assert_true(cairn_list_append(outer, dict));
    assert_true(cairn_list_append(outer, dict));
    cairn_release(dict);
  }
  cairn_release(outer);
  assert_int_equal(look_count, 2 * 4 * 9);
  assert_in_range(most_dying, 3, 5);
}

static void deaths_are_parked(void **state) {
  (void)state;
  nodes_finalizer = look_and_release;
  struct node *chain = NULL;
  for (int64_t i = 0; i < 40; i++) {
    struct node *node = node_new(current, current->watched, i);
    if (chain != NULL) node->borrowed = &chain->base;
    give(&node->left, node_new(current, current->plain, i));
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(look_count, 80);
  assert_in_range(most_dying, 1, 40);
}

/* ---- collections ----------------------------------------------------------------------------- */

static void make_ring(cairn_type type, int64_t length) {
  struct node *first = node_new(current, type, 0);
  struct node *last = first;
  for (int64_t i = 1; i < length; i++) {
    give(&last->left, node_new(current, type, i));
    give(&last->right, node_new(current, current->plain, -i));
    last = as_node(last->left);
  }
  last->left = cairn_retain(&first->base);
  cairn_release(&first->base);
}

static struct node *kept;
static void look_and_maybe_stay(struct node *node) {
  look();
  if (node->id == 3 && kept == NULL) kept = as_node(cairn_retain(&node->base));
}

static void garbage_is_finalized(void **state) {
  (void)state;
  nodes_finalizer = look_and_maybe_stay;
  kept = NULL;
  make_ring(current->watched, 5);
  make_ring(current->watched, 3);
  make_ring(current->plain, 4);
  assert_int_equal(cairn_collect(current->heap), 5 + 7);
  assert_int_equal(look_count, 8);
  cairn_release(&kept->base);
  assert_int_equal(cairn_collect_candidates(current->heap), 9);
  assert_int_equal(look_count, 8);
}

struct opaque {
  cairn_object base;
  cairn_object *hidden;
};

static void opaque_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  look();
  cairn_object *hidden = ((struct opaque *)(void *)object)->hidden;
  if (hidden != NULL) visit(hidden, context);
}

static void opaque_clear(cairn_object *object) {
  look();
  cairn_clear(&((struct opaque *)(void *)object)->hidden);
  look();
}

static void opaque_objects_go(void **state) {
  (void)state;
  nodes_finalizer = look_and_release;
  const cairn_type_spec spec = {.name = "opaque",
                                .size_bytes = sizeof(struct opaque),
                                .traverse = opaque_traverse,
                                .clear = opaque_clear};
  cairn_type type = cairn_type_define(current->heap, &spec);
  assert_int_not_equal(type, 0);
  for (int in_cycle = 0; in_cycle < 2; in_cycle++) {
    struct opaque *opaque = (struct opaque *)(void *)cairn_object_new(current->heap, type);
    struct node *node = node_new(current, current->watched, 1);
    opaque->hidden = &node->base;
    give(&node->right, node_new(current, current->plain, 2));
    if (in_cycle != 0) node->left = cairn_retain(&opaque->base);
    cairn_release(&opaque->base);
    assert_int_equal(cairn_collect(current->heap), in_cycle == 0 ? 0 : 3);
    assert_int_equal(objects_of(current), 0);
  }
  assert_in_range(look_count, 10, 20);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_tree_dies),          TEST(containers_die),    TEST(deaths_are_parked),
      TEST(garbage_is_finalized), TEST(opaque_objects_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* far.c: what is kept where references lead anywhere in a heap of several arenas. */
#include "../../random.h"
#include "collect.h"
#include "nodes.h"

enum { ARENAS = 6, COUNT_MAX = 1 << 20 };

static struct node *graph[COUNT_MAX];
static uint32_t count;
static bool is_reached[COUNT_MAX];
static uint32_t waiting[COUNT_MAX];

static uint64_t random_state;
static uint32_t below(uint32_t bound) { return (uint32_t)random_below(&random_state, bound); }

static int setup(void **state) {
  nodes_setup(state);
  random_state = 88172645463325252ull;
  count = 0;
  return 0;
}

/* Nodes of the type without references, as many as fill the arenas. */
static void graph_make(const struct nodes *nodes) {
  while (nodes->heap->arena_count < ARENAS) {
    assert_in_range(count, 0, COUNT_MAX - 1);
    graph[count] = node_new(nodes, nodes->plain, count);
    count++;
  }
}

static void graph_hold(uint32_t from, int slot, uint32_t to) {
  cairn_assign(slot == 0 ? &graph[from]->left : &graph[from]->right, &graph[to]->base);
}

/* True when the heap is one that this is for.  Leaves it as it was. */
static bool is_far(cairn_heap *heap) {
  struct cairn_gathered gathered = cairn_gather(heap, true);
  (void)cairn_restore(heap, gathered.member_count, gathered.far);
  for (uint32_t i = 0; i < count; i++) assert_int_equal(*cairn_side_word(graph[i]), 0);
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      const struct cairn_page *page = cairn_arena_page(arena, i);
      if (page->kind != CAIRN_PAGE_BLOCKS) continue;
      memset(cairn_side_byte(cairn_page_memory(arena, page)), 0, CAIRN_SIDE_PAGE_PLACES);
    }
    arena->gathered[0] = arena->gathered[1] = 0;
    arena->special[0] = arena->special[1] = 0;
  }
  return gathered.far;
}

static void side_is_clean(cairn_object *object, void *context) {
  (void)context;
  assert_int_equal(*cairn_side_byte(object), 0);
}

/* Collects twice: while the nodes of `held` are held, and when they are not any more. */
static void check(const struct nodes *nodes, const uint32_t *held, size_t held_count) {
  for (size_t i = 0; i < held_count; i++) {
    is_reached[held[i]] = true;
    cairn_retain(&graph[held[i]]->base);
  }
  cairn_object *roots[16];
  for (size_t i = 0; i < held_count; i++) roots[i] = &graph[held[i]]->base;
  uint64_t kept = nodes_reach(graph, count, is_reached, waiting);
  for (uint32_t i = 0; i < count; i++) cairn_release(&graph[i]->base);
  (void)cairn_collect(nodes->heap);
  assert_int_equal(objects_of(nodes), kept);
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  assert_valid(nodes);
  for (size_t i = 0; i < held_count; i++) cairn_release(roots[i]);
  (void)cairn_collect(nodes->heap);
  assert_int_equal(objects_of(nodes), 0);
}

/* A ring in random order whose members also hold one at random: all is kept by any. */
static void test_shuffled_ring(void **state) {
  struct nodes *nodes = *state;
  graph_make(nodes);
  for (uint32_t i = count - 1; i > 0; i--) {
    uint32_t other = below(i + 1);
    struct node *node = graph[i];
    graph[i] = graph[other];
    graph[other] = node;
  }
  for (uint32_t i = 0; i < count; i++) {
    graph[i]->id = i;
    is_reached[i] = false;
    graph_hold(i, 0, (i + 1) % count);
    graph_hold(i, 1, below(count));
  }
  assert_true(is_far(nodes->heap));
  const uint32_t held[] = {below(count)};
  check(nodes, held, 1);
}

/* Few references each, so that much is garbage. */
static void test_sparse_graph(void **state) {
  struct nodes *nodes = *state;
  graph_make(nodes);
  for (uint32_t i = 0; i < count; i++) {
    is_reached[i] = false;
    for (int slot = 0; slot < 2; slot++) {
      if (below(5) < 3) graph_hold(i, slot, below(count));
    }
  }
  assert_true(is_far(nodes->heap));
  uint32_t held[4];
  for (size_t i = 0; i < 4; i++) held[i] = below(count);
  check(nodes, held, 4);
}

/* One more of the references of a hub than a byte counts, and roots in the middle. */
static void test_hubs(void **state) {
  struct nodes *nodes = *state;
  graph_make(nodes);
  for (uint32_t i = 0; i < count; i++) {
    is_reached[i] = false;
    graph_hold(i, 0, below(8) * (count / 8));
    graph_hold(i, 1, below(count));
  }
  assert_true(is_far(nodes->heap));
  const uint32_t held[] = {0, count / 8, count / 2, count - 1};
  check(nodes, held, 4);
}

/* A list that holds most of them comes to more at once than the stack has room for; each that it
 * does not hold is held by one that may have found none. */
static void test_more_than_the_stack_holds(void **state) {
  struct nodes *nodes = *state;
  graph_make(nodes);
  assert_true(count / 4 * 3 > (ARENAS + 2) * (CAIRN_SIDE_WORK_BYTES / sizeof(cairn_object *)));
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  for (uint32_t i = 0; i < count; i++) {
    bool listed = i % 4 != 0 || i + 2 >= count;
    graph[i]->left = cairn_retain(list);
    if (listed) assert_true(cairn_list_append(list, &graph[i]->base));
    if (!listed) cairn_assign(&graph[i + 2]->right, &graph[i]->base);
    cairn_release(&graph[i]->base);
  }
  assert_true(is_far(nodes->heap));
  assert_int_equal(cairn_collect(nodes->heap), 0);
  assert_int_equal(objects_of(nodes), count + 1);
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  cairn_release(list);
  assert_int_equal(cairn_collect(nodes->heap), count + 1);
}

/* What a finalizer brought back is kept with all that it holds, and is not held any more. */
static struct node *brought_back;
static void bring_back(struct node *node) { brought_back = as_node(cairn_retain(&node->base)); }

static void test_resurrection(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = bring_back;
  graph_make(nodes);
  struct node *watched = node_new(nodes, nodes->watched, 0);
  cairn_assign(&watched->left, &graph[0]->base);
  for (uint32_t i = 0; i < count; i++) {
    is_reached[i] = false;
    graph_hold(i, 0, (uint32_t)((i + (uint64_t)count / 2 + 1) % count));
    graph_hold(i, 1, below(count));
  }
  cairn_assign(&graph[0]->right, &watched->base);
  cairn_release(&watched->base);
  for (uint32_t i = 0; i < count; i++) cairn_release(&graph[i]->base);
  assert_int_equal(cairn_collect(nodes->heap), 0);
  assert_ptr_equal(brought_back, watched);
  assert_false(has_state(watched, CAIRN_STATE(HELD)));
  assert_false(has_state(graph[1], CAIRN_STATE(HELD)));
  assert_int_equal(objects_of(nodes), count + 1);
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  assert_valid(nodes);
  cairn_release(&watched->base);
  assert_int_equal(cairn_collect(nodes->heap), count + 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_shuffled_ring), TEST(test_sparse_graph),
      TEST(test_hubs),          TEST(test_more_than_the_stack_holds),
      TEST(test_resurrection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

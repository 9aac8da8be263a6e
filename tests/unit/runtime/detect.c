/* detect.c, restore.c: what is garbage, where counts, the work list or the heap are large. */
#include <sys/mman.h>
#include <unistd.h>

#include "../../random.h"
#include "nodes.h"

typedef uint64_t (*collect_fn)(cairn_heap *heap);

static const collect_fn kinds[] = {cairn_collect, cairn_collect_candidates};
#define FOR_EACH_KIND(collect)                                    \
  for (const collect_fn *kind = kinds; kind != kinds + 2; kind++) \
    for (collect_fn collect = *kind; collect != NULL; collect = NULL)

static uint64_t random_state;
static void side_is_clean(cairn_object *object, void *context) {
  (void)context;
  assert_int_equal(*cairn_side_byte(object), 0);
}

static void assert_quiet(const struct nodes *nodes) {
  cairn_heap_walk(nodes->heap, side_is_clean, NULL);
  for (const struct cairn_arena *arena = nodes->heap->arenas; arena != NULL; arena = arena->next) {
    for (size_t i = 0; i < CAIRN_ARENA_PAGES / 64; i++) {
      assert_int_equal(arena->gathered[i], 0);
      assert_int_equal(arena->special[i], 0);
    }
  }
  assert_int_equal(nodes->heap->candidate_count, 0);
  assert_null(cairn_heap_validate(nodes->heap));
}

/* ---- counts that no byte holds --------------------------------------------------------------- */

/* A list of `count` nodes that each hold the hub; `hub_first` says which is met first.  The list is
 * held by the hub alone.  Returns the hub, which the caller owns. */
static struct node *hub_new(const struct nodes *nodes, size_t count, bool hub_first) {
  struct node *hub = node_new(nodes, nodes->plain, 0);
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  if (hub_first) assert_true(cairn_list_append(list, &hub->base));
  for (size_t i = 0; i < count; i++) {
    struct node *spoke = node_new(nodes, nodes->plain, 1);
    spoke->left = cairn_retain(&hub->base);
    assert_true(cairn_list_append(list, &spoke->base));
    cairn_release(&spoke->base);
  }
  if (!hub_first) assert_true(cairn_list_append(list, &hub->base));
  hub->left = list;
  return hub;
}

static void test_counts_of_any_size(void **state) {
  struct nodes *nodes = *state;
  const size_t counts[] = {1,   100, 123, 124, 125, 126, 127, 128,   129,
                           252, 253, 254, 255, 256, 257, 300, 65534, 70000};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    for (int hub_first = 0; hub_first < 2; hub_first++) {
      FOR_EACH_KIND(collect) {
        struct node *hub = hub_new(nodes, counts[i], hub_first != 0);
        /* One reference more than is explained, whatever the number. */
        assert_int_equal(collect(nodes->heap), 0);
        cairn_object *list = cairn_retain(hub->left);
        cairn_release(&hub->base);
        assert_int_equal(collect(nodes->heap), 0);
        assert_quiet(nodes);
        cairn_release(list); /* the candidates are the hub, or the list, or both */
        assert_int_equal(collect(nodes->heap), counts[i] + 2);
        assert_quiet(nodes);
      }
    }
  }
}

/* As many references from outside as fill a byte exactly keep an object as one does. */
static void test_counts_from_outside(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    for (uint32_t outside = 120; outside <= 520; outside += outside < 260 ? 1 : 65) {
      struct node *a = node_new(nodes, nodes->plain, 0);
      cairn_assign(&a->left, &a->base);
      for (uint32_t i = 1; i < outside; i++) cairn_retain(&a->base);
      cairn_retain(&a->base);
      cairn_release(&a->base);
      assert_int_equal(collect(nodes->heap), 0);
      for (uint32_t i = 0; i < outside; i++) cairn_release(&a->base);
      assert_int_equal(collect(nodes->heap), 1);
    }
    assert_quiet(nodes);
  }
}

/* ---- the work list --------------------------------------------------------------------------- */

/* More objects wait for their turn at once than the list has room for, some behind others. */
static void test_more_than_the_work_list_holds(void **state) {
  struct nodes *nodes = *state;
  enum { WIDTH = 5000 };
  FOR_EACH_KIND(collect) {
    struct node *root = node_new(nodes, nodes->plain, 0);
    for (int level = 0; level < 3; level++) {
      cairn_object *list = cairn_list_new(nodes->heap, 0);
      for (int i = 0; i < WIDTH; i++) {
        struct node *node = node_new(nodes, nodes->plain, i);
        cairn_assign(&node->left, &root->base);
        cairn_assign(&node->right, i % 50 == 0 ? root->right : NULL);
        assert_true(cairn_list_append(list, &node->base));
        cairn_release(&node->base);
      }
      cairn_assign(&root->right, list);
      cairn_release(list);
    }
    assert_int_equal(collect(nodes->heap), 0);
    cairn_retain(&root->base);
    cairn_release(&root->base);
    assert_int_equal(collect(nodes->heap), 0);
    assert_quiet(nodes);
    cairn_release(&root->base);
    assert_int_equal(collect(nodes->heap), 1 + 3 * (WIDTH + 1));
    assert_quiet(nodes);
  }
}

/* ---- graphs ---------------------------------------------------------------------------------- */

enum { GRAPH = 60000 };
static struct node *graph[GRAPH];
static bool is_reached[GRAPH];
static uint32_t waiting[GRAPH];

/* Puts the nodes in another order: neighbours in the graph are none in memory then. */
static void graph_shuffle(void) {
  for (uint32_t i = GRAPH - 1; i > 0; i--) {
    uint32_t other = (uint32_t)random_below(&random_state, i + 1);
    struct node *node = graph[i];
    graph[i] = graph[other];
    graph[other] = node;
  }
}

typedef size_t (*edge_fn)(size_t from, int slot); /* GRAPH: none */

static size_t to_next(size_t from, int slot) {
  return slot == 0 && from + 1 < GRAPH ? from + 1 : GRAPH;
}
static size_t to_previous(size_t from, int slot) {
  return slot == 0 && from > 0 ? from - 1 : GRAPH;
}
static size_t to_children(size_t from, int slot) {
  size_t child = 2 * from + 1 + (size_t)slot;
  return child < GRAPH ? child : GRAPH;
}
static size_t to_any(size_t from, int slot) {
  (void)from;
  (void)slot;
  return random_below(&random_state, 3) == 0 ? GRAPH : random_below(&random_state, GRAPH);
}
static size_t to_both(size_t from, int slot) {
  if (slot == 0) return (from + 1) % GRAPH;
  return (from + GRAPH - 1) % GRAPH;
}

/* Builds the graph, holds a few of its nodes, collects, and compares with the truth. */
static void check_graph(const struct nodes *nodes, edge_fn edge, bool shuffled, size_t held_count,
                        collect_fn collect) {
  for (uint32_t i = 0; i < GRAPH; i++) graph[i] = node_new(nodes, nodes->plain, 0);
  if (shuffled) graph_shuffle();
  for (uint32_t i = 0; i < GRAPH; i++) {
    graph[i]->id = i;
    size_t left = edge(i, 0), right = edge(i, 1);
    graph[i]->left = left == GRAPH ? NULL : cairn_retain(&graph[left]->base);
    graph[i]->right = right == GRAPH ? NULL : cairn_retain(&graph[right]->base);
    is_reached[i] = false;
  }
  static size_t held[8];
  for (size_t i = 0; i < held_count; i++) {
    held[i] = random_below(&random_state, GRAPH);
    is_reached[held[i]] = true;
    cairn_retain(&graph[held[i]]->base);
  }
  uint64_t kept = nodes_reach(graph, GRAPH, is_reached, waiting);
  for (uint32_t i = 0; i < GRAPH; i++) cairn_release(&graph[i]->base);
  collect(nodes->heap);
  assert_int_equal(objects_of(nodes), kept);
  assert_quiet(nodes);
  static cairn_object *roots[8];
  for (size_t i = 0; i < held_count; i++) roots[i] = &graph[held[i]]->base;
  for (size_t i = 0; i < held_count; i++) cairn_release(roots[i]);
  collect(nodes->heap);
  assert_int_equal(objects_of(nodes), 0);
  assert_quiet(nodes);
}

static void test_graphs(void **state) {
  struct nodes *nodes = *state;
  const edge_fn edges[] = {to_next, to_previous, to_children, to_any, to_both};
  random_state = 88172645463325252ull;
  print_message("seed %llu\n", (unsigned long long)random_state);
  FOR_EACH_KIND(collect) {
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
      for (size_t held_count = 0; held_count <= 8; held_count += 4) {
        check_graph(nodes, edges[i], false, held_count, collect);
        check_graph(nodes, edges[i], true, held_count, collect);
      }
    }
  }
}

/* Live and dead objects in one page, and pages of either alone: all blocks are used again. */
static void test_garbage_between_live_objects(void **state) {
  struct nodes *nodes = *state;
  enum { COUNT = 40000 };
  for (size_t each = 1; each <= 5000; each *= 7) {
    FOR_EACH_KIND(collect) {
      struct node *kept = NULL;
      uint64_t kept_count = 0;
      for (size_t i = 0; i < COUNT; i++) {
        struct node *node = node_new(nodes, nodes->plain, 1);
        if (i % each == 0) {
          node->left = kept == NULL ? NULL : &kept->base;
          kept = node;
          kept_count++;
        } else {
          node->left = cairn_retain(&node->base);
          node->right = cairn_retain(&kept->base);
          cairn_release(&node->base);
        }
      }
      assert_int_equal(collect(nodes->heap), COUNT - kept_count);
      assert_int_equal(cairn_refcount(&kept->base), 1);
      assert_quiet(nodes);
      cairn_release(&kept->base);
      assert_int_equal(objects_of(nodes), 0);
    }
  }
}

/* Bytes outside the heap are given back with the garbage that kept them, page by page or one by
 * one. */
static void test_external_bytes_of_garbage(void **state) {
  struct nodes *nodes = *state;
  FOR_EACH_KIND(collect) {
    struct node *kept = node_new(nodes, nodes->plain, 0);
    for (int i = 0; i < 3000; i++) {
      struct node *node = node_new(nodes, nodes->plain, 1);
      node->left = cairn_retain(&node->base);
      cairn_external_add(&node->base, 100);
      cairn_release(&node->base);
    }
    cairn_external_add(&kept->base, 7);
    assert_int_equal(nodes->heap->external_bytes, 300007);
    assert_int_equal(collect(nodes->heap), 3000);
    assert_int_equal(nodes->heap->external_bytes, 7);
    assert_quiet(nodes);
    cairn_release(&kept->base);
    assert_int_equal(nodes->heap->external_bytes, 0);
  }
}

/* ---- how much is looked at ------------------------------------------------------------------- */

/* What the candidates reach is looked at, and nothing else; unless that is much of the heap.  Then
 * the intern table is swept as by any full collection, and what goes is counted. */
static void test_a_local_collection_becomes_a_full_one(void **state) {
  struct nodes *nodes = *state;
  enum { CHAIN = 100000, LITTLE = 1000 };
  struct node *chain = NULL, *little = NULL;
  for (int i = 0; i < CHAIN; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    node->left = chain == NULL ? NULL : &chain->base;
    chain = node;
    if (i == LITTLE) little = node;
  }
  cairn_release(cairn_str_intern(nodes->heap, "dormant", 7));
  cairn_retain(&little->base);
  cairn_release(&little->base);
  assert_int_equal(cairn_collect_candidates(nodes->heap), 0);
  assert_int_equal(nodes->heap->collect_threshold, LITTLE + 1);
  assert_int_equal(nodes->heap->collect_full_left, 0);
  cairn_retain(&chain->base);
  cairn_release(&chain->base);
  assert_int_equal(cairn_collect_candidates(nodes->heap), 1);
  assert_in_range(nodes->heap->collect_threshold, CHAIN, CHAIN + 10);
  assert_in_range(nodes->heap->collect_full_left, 1, 10);
  assert_quiet(nodes);
  cairn_release(&chain->base);
}

static size_t resident_pages(const struct cairn_arena *arena) {
  static unsigned char in_memory[CAIRN_SIDE_BYTES / 4096 + 1];
  size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  size_t pages = arena->side_bytes / page_bytes, count = 0;
  assert_int_equal(mincore(arena->side, arena->side_bytes, in_memory), 0);
  for (size_t i = 0; i < pages; i++) count += in_memory[i] & 1;
  return count;
}

/* A large heap pays for side memory only while it is collected. */
static void test_side_memory_is_given_back(void **state) {
  struct nodes *nodes = *state;
  struct node *chain = NULL;
  while (nodes->heap->arena_count < 6) {
    struct node *node = node_new(nodes, nodes->plain, 0);
    node->left = chain == NULL ? NULL : &chain->base;
    chain = node;
  }
  for (int i = 0; i < 2; i++) {
    assert_int_equal(cairn_collect(nodes->heap), 0);
    for (struct cairn_arena *a = nodes->heap->arenas; a != NULL; a = a->next) {
      assert_int_equal(resident_pages(a), 0);
    }
  }
  cairn_release(&chain->base);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_counts_of_any_size),
      TEST(test_counts_from_outside),
      TEST(test_more_than_the_work_list_holds),
      TEST(test_graphs),
      TEST(test_garbage_between_live_objects),
      TEST(test_external_bytes_of_garbage),
      TEST(test_a_local_collection_becomes_a_full_one),
      TEST(test_side_memory_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gather.c: which objects a collection of the whole heap leaves out, and that this changes nothing
 * of what is freed. */
#include "nodes.h"

#include "../../random.h"
#include "collect.h"

/* Two references and nothing that makes a death special: what nodes are not. */
struct pair {
  cairn_object base;
  cairn_object *left, *right;
};

struct setting {
  cairn_heap *heap;
  cairn_type pair, finalized;
  uint64_t own_objects;
  bool backward;
};

static uint64_t finalized_count;
static void finalize(cairn_object *object) {
  (void)object;
  finalized_count++;
}

static cairn_type pair_define(cairn_heap *heap, const char *name,
                              void (*finalizer)(cairn_object *)) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct pair, left),
                                   CAIRN_STRONG(struct pair, right)};
  const cairn_type_spec spec = {.name = name,
                                .size_bytes = sizeof(struct pair),
                                .slots = slots,
                                .slot_count = 2,
                                .finalize = finalizer};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_int_not_equal(type, 0);
  return type;
}

static uint64_t objects_in(const struct setting *self) {
  return cairn_counts_of(self->heap).object_count - self->own_objects;
}

/* A heap whose blocks come in order of address, since none was freed; the next collection goes
 * through it this way. */
static void setting_make(struct setting *self, bool backward) {
  self->heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  assert_non_null(self->heap);
  self->pair = pair_define(self->heap, "pair", NULL);
  self->finalized = pair_define(self->heap, "finalized", finalize);
  self->own_objects = cairn_counts_of(self->heap).object_count;
  self->backward = backward;
  self->heap->gather_backward = backward;
}

static void setting_free(struct setting *self) {
  assert_null(cairn_heap_validate(self->heap));
  assert_true(cairn_heap_destroy(self->heap, NULL));
}

#define FOR_BOTH_WAYS(self) \
  for (int way_ = 0; way_ < 2 && (setting_make(self, way_ != 0), true); way_++, setting_free(self))

static struct pair *pair_of(const struct setting *self, cairn_type type, cairn_object *left,
                            cairn_object *right) {
  struct pair *pair = (struct pair *)(void *)cairn_object_new(self->heap, type);
  assert_non_null(pair);
  pair->left = left;
  pair->right = right;
  return pair;
}

static struct pair *pair_new(const struct setting *self) {
  return pair_of(self, self->pair, NULL, NULL);
}

/* How many of the program's objects are members; leaves the heap as it was. */
static uint64_t members_of(const struct setting *self) {
  struct cairn_gathered gathered = cairn_gather(self->heap, true);
  uint64_t member_count = gathered.member_count;
  assert_in_range(gathered.looked_count, member_count, objects_in(self) + self->own_objects);
  (void)cairn_restore(self->heap, member_count, false);
  for (struct cairn_arena *arena = self->heap->arenas; arena != NULL; arena = arena->next) {
    arena->gathered[0] = arena->gathered[1] = 0;
    arena->special[0] = arena->special[1] = 0;
  }
  self->heap->gather_backward = self->backward;
  return member_count;
}

/* From the leaves up, so that children have the lower addresses; or from the root down. */
static cairn_object *tree_new(const struct setting *self, int levels, bool upwards) {
  if (levels == 0) return NULL;
  struct pair *pair = upwards ? NULL : pair_new(self);
  cairn_object *left = tree_new(self, levels - 1, upwards);
  cairn_object *right = tree_new(self, levels - 1, upwards);
  if (upwards) pair = pair_new(self);
  pair->left = left;
  pair->right = right;
  return &pair->base;
}

/* ---- who is left out ------------------------------------------------------------------------- */

static void test_trees_are_left_out(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  enum { LEVELS = 8, NODES = (1 << LEVELS) - 1 };
  for (int upwards = 0; upwards < 2; upwards++) {
    FOR_BOTH_WAYS(self) {
      uint64_t before = members_of(self);
      cairn_object *tree = tree_new(self, LEVELS, upwards != 0);
      uint64_t members = members_of(self) - before;
      if (self->backward == (upwards == 0)) {
        assert_int_equal(members, 0);
      } else {
        assert_int_equal(members, NODES / 2); /* all but the leaves */
      }
      cairn_release(tree);
    }
  }
}

static void test_what_leads_to_a_cycle_is_a_member(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  FOR_BOTH_WAYS(self) {
    uint64_t before = members_of(self);
    struct pair *self_held = pair_new(self);
    cairn_assign(&self_held->right, &self_held->base);
    assert_int_equal(members_of(self) - before, 1);
    struct pair *a = pair_new(self), *b = pair_new(self);
    cairn_assign(&a->left, &b->base);
    cairn_assign(&b->left, &a->base);
    assert_int_equal(members_of(self) - before, 3);
    struct pair *leads = pair_new(self), *leaf = pair_new(self);
    cairn_assign(&leads->left, &leaf->base);
    assert_in_range(members_of(self) - before, 3, 4);
    cairn_assign(&leads->right, &b->base);
    assert_int_equal(members_of(self) - before, 4);
    cairn_assign(&a->left, NULL);
    cairn_assign(&self_held->right, NULL);
    cairn_object *const held[] = {&a->base, &b->base, &leads->base, &leaf->base, &self_held->base};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) cairn_release(held[i]);
  }
}

/* Containers, whose references are in buffers of theirs. */
static void test_containers_of_leaves_are_left_out(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  FOR_BOTH_WAYS(self) {
    uint64_t before = members_of(self);
    cairn_object *list = cairn_list_new(self->heap, 0);
    cairn_object *number = cairn_int_new(self->heap, 1 << 20);
    assert_true(cairn_list_append(list, number));
    /* The number lies before the list or after it: it can't be a member anyway. */
    assert_int_equal(members_of(self), before);
    assert_true(cairn_list_append(list, list));
    assert_int_equal(members_of(self) - before, 1);
    cairn_list_remove(list, 1);
    cairn_release(number);
    cairn_release(list);
  }
}

/* Their weak references and finalizers are dealt with before anything is freed. */
static void test_special_objects_are_members(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  FOR_BOTH_WAYS(self) {
    uint64_t before = members_of(self);
    struct pair *finalized = pair_of(self, self->finalized, NULL, NULL);
    assert_int_equal(members_of(self) - before, 1);
    struct pair *target = pair_new(self);
    assert_int_equal(members_of(self) - before, 1);
    cairn_object *weak = cairn_weakref_new(self->heap, &target->base);
    assert_in_range(members_of(self) - before, 2, 3);
    cairn_release(weak);
    cairn_release(&target->base);
    cairn_release(&finalized->base);
  }
}

/* A page whose first objects all are members is not searched for those that are none; the count of
 * each member is right all the same. */
static void test_pages_of_members(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  enum { RINGS = 3000 };
  FOR_BOTH_WAYS(self) {
    struct pair *leaf = pair_new(self);
    for (int i = 0; i < RINGS; i++) {
      struct pair *a = pair_new(self), *hanging = pair_new(self);
      a->left = cairn_retain(&a->base);
      a->right = &hanging->base;
      hanging->right = cairn_retain(&leaf->base);
      cairn_release(&a->base);
    }
    assert_int_equal(cairn_collect(self->heap), 2 * RINGS);
    assert_int_equal(cairn_refcount(&leaf->base), 1);
    cairn_release(&leaf->base);
    assert_int_equal(objects_in(self), 0);
  }
}

/* ---- which way ------------------------------------------------------------------------------- */

static void test_the_walk_turns_round(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  enum { LEVELS = 12 };
  for (int upwards = 0; upwards < 2; upwards++) {
    FOR_BOTH_WAYS(self) {
      cairn_object *tree = tree_new(self, LEVELS, upwards != 0);
      (void)cairn_collect(self->heap);
      (void)cairn_collect(self->heap);
      /* What it has learnt it keeps. */
      bool way = self->heap->gather_backward;
      assert_int_equal(way, upwards == 0);
      (void)cairn_collect(self->heap);
      assert_int_equal(self->heap->gather_backward, way);
      cairn_release(tree);
    }
  }
}

/* A collection is as due after one that left all out as after one that left out nothing. */
static void test_what_is_left_out_was_looked_at(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  FOR_BOTH_WAYS(self) {
    cairn_object *tree = tree_new(self, 16, true);
    (void)cairn_collect(self->heap);
    assert_in_range(self->heap->collect_threshold, 1 << 15, 1 << 17);
    cairn_release(tree);
  }
}

/* ---- what is freed --------------------------------------------------------------------------- */

/* Garbage in a cycle holds a tree, of which the program holds a part. */
static void test_what_hangs_on_garbage_goes_with_it(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  enum { LEVELS = 10, NODES = (1 << LEVELS) - 1 };
  for (int upwards = 0; upwards < 2; upwards++) {
    FOR_BOTH_WAYS(self) {
      cairn_object *tree = tree_new(self, LEVELS, upwards != 0);
      cairn_object *kept = cairn_retain(((struct pair *)(void *)tree)->left);
      struct pair *ring = pair_new(self);
      ring->left = cairn_retain(&ring->base);
      ring->right = tree;
      cairn_release(&ring->base);
      assert_int_equal(cairn_collect(self->heap), 1 + NODES - NODES / 2);
      assert_null(cairn_heap_validate(self->heap));
      assert_int_equal(objects_in(self), NODES / 2);
      assert_int_equal(cairn_refcount(kept), 1);
      cairn_release(kept);
      assert_int_equal(objects_in(self), 0);
    }
  }
}

/* Two members of the garbage, and the program or nobody else, hold one object that is left out. */
static void test_what_garbage_shares(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  for (int held = 0; held < 2; held++) {
    FOR_BOTH_WAYS(self) {
      struct pair *before = pair_new(self);
      struct pair *a = pair_new(self), *b = pair_new(self);
      struct pair *after = pair_new(self);
      struct pair *shared = !self->backward ? before : after,
                  *other = !self->backward ? after : before;
      cairn_assign(&a->left, &b->base);
      cairn_assign(&b->left, &a->base);
      cairn_assign(&a->right, &shared->base);
      cairn_assign(&b->right, &shared->base);
      if (held == 0) cairn_release(&shared->base);
      cairn_release(&other->base);
      cairn_release(&a->base);
      cairn_release(&b->base);
      assert_int_equal(cairn_collect(self->heap), held == 0 ? 3 : 2);
      if (held != 0) assert_int_equal(cairn_refcount(&shared->base), 1);
      if (held != 0) cairn_release(&shared->base);
      assert_int_equal(objects_in(self), 0);
    }
  }
}

/* ---- random graphs --------------------------------------------------------------------------- */

enum { GRAPH = 20000 };
static struct pair *graph[GRAPH];
static uint32_t edges[GRAPH][2]; /* GRAPH: none */
static bool is_reached[GRAPH];
static uint32_t waiting[GRAPH];
static uint64_t random_state;

static uint32_t below(uint32_t bound) { return (uint32_t)random_below(&random_state, bound); }

/* The naive truth: how many are reached from those that are marked, by the model's edges alone. */
static uint64_t reach(void) {
  uint64_t count = 0;
  size_t waiting_count = 0;
  for (uint32_t i = 0; i < GRAPH; i++) {
    if (is_reached[i]) waiting[waiting_count++] = i;
  }
  for (; waiting_count > 0; count++) {
    uint32_t at = waiting[--waiting_count];
    for (size_t i = 0; i < 2; i++) {
      uint32_t to = edges[at][i];
      if (to == GRAPH || is_reached[to]) continue;
      is_reached[to] = true;
      waiting[waiting_count++] = to;
    }
  }
  return count;
}

/* Of 64 edges, `back` go to any node before and `on` to any node after; the others are none. */
static void check_graph(const struct setting *self, uint32_t back, uint32_t on, uint32_t held) {
  for (uint32_t i = 0; i < GRAPH; i++) graph[i] = pair_new(self);
  for (uint32_t i = 0; i < GRAPH; i++) {
    for (size_t slot = 0; slot < 2; slot++) {
      uint32_t kind = below(64), to = GRAPH;
      if (kind < back && i > 0) to = below(i);
      if (kind >= back && kind < back + on) to = i + below(GRAPH - i);
      edges[i][slot] = to;
      cairn_object *target = to == GRAPH ? NULL : cairn_retain(&graph[to]->base);
      *(slot == 0 ? &graph[i]->left : &graph[i]->right) = target;
    }
    is_reached[i] = false;
  }
  for (uint32_t i = 0; i < held; i++) is_reached[below(GRAPH)] = true;
  bool is_held[GRAPH];
  memcpy(is_held, is_reached, sizeof is_held);
  uint64_t kept = reach();
  for (uint32_t i = 0; i < GRAPH; i++) {
    if (!is_held[i]) cairn_release(&graph[i]->base);
  }
  (void)cairn_collect(self->heap);
  assert_int_equal(objects_in(self), kept);
  assert_null(cairn_heap_validate(self->heap));
  for (uint32_t i = 0; i < GRAPH; i++) {
    if (is_held[i]) cairn_release(&graph[i]->base);
  }
  (void)cairn_collect(self->heap);
  assert_int_equal(objects_in(self), 0);
}

static void test_random_graphs(void **state) {
  (void)state;
  struct setting setting, *self = &setting;
  random_state = 88172645463325252ull;
  print_message("seed %llu\n", (unsigned long long)random_state);
  const uint32_t mixes[][2] = {{64, 0}, {0, 64}, {63, 1}, {1, 63}, {40, 1}, {20, 20}, {30, 4}};
  FOR_BOTH_WAYS(self) {
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
      for (uint32_t held = 0; held <= 6; held += 3) {
        self->heap->gather_backward = self->backward;
        check_graph(self, mixes[i][0], mixes[i][1], held);
      }
    }
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test(name)
  const struct CMUnitTest tests[] = {
      TEST(test_trees_are_left_out),
      TEST(test_what_leads_to_a_cycle_is_a_member),
      TEST(test_containers_of_leaves_are_left_out),
      TEST(test_special_objects_are_members),
      TEST(test_pages_of_members),
      TEST(test_the_walk_turns_round),
      TEST(test_what_is_left_out_was_looked_at),
      TEST(test_what_hangs_on_garbage_goes_with_it),
      TEST(test_what_garbage_shares),
      TEST(test_random_graphs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* weak.c: weak slots, their targets, and the table between them. */
#include "nodes.h"

/* Defined in weak.c; its first fields are part of the layout. */
struct weak_table_head {
  CAIRN_LAYOUT_WEAK_TABLE(CAIRN_LAYOUT_DECLARE)
};

static uint32_t entries(const struct nodes *nodes) {
  const void *table = nodes->heap->weak_table;
  return table == NULL ? 0 : ((const struct weak_table_head *)table)->count;
}

static bool watch(struct node *holder, struct node *target) {
  return cairn_weak_set(&holder->base, &holder->weak, &target->base);
}

static void test_set_get_clear(void **state) {
  struct nodes *nodes = *state;
  struct node *holder = node_new(nodes, nodes->plain, 1);
  struct node *target = node_new(nodes, nodes->plain, 2);
  assert_null(cairn_weak_get(&holder->weak));
  assert_true(watch(holder, target));
  assert_int_equal(cairn_refcount(&target->base), 1);
  assert_true(has_state(target, CAIRN_STATE(WEAKLY)));
  cairn_object *got = cairn_weak_get(&holder->weak);
  assert_ptr_equal(got, target);
  assert_int_equal(cairn_refcount(got), 2);
  cairn_release(got);
  assert_true(cairn_weak_set(&holder->base, &holder->weak, NULL));
  assert_null(holder->weak);
  assert_false(has_state(target, CAIRN_STATE(WEAKLY)));
  assert_int_equal(entries(nodes), 0);
  assert_true(cairn_weak_set(&holder->base, &holder->weak, NULL));
  cairn_release(&target->base);
  cairn_release(&holder->base);
}

static void test_retarget(void **state) {
  struct nodes *nodes = *state;
  struct node *holder = node_new(nodes, nodes->plain, 1);
  struct node *a = node_new(nodes, nodes->plain, 2);
  struct node *b = node_new(nodes, nodes->plain, 3);
  assert_true(watch(holder, a));
  assert_true(watch(holder, b));
  assert_int_equal(entries(nodes), 1);
  assert_false(has_state(a, CAIRN_STATE(WEAKLY)));
  assert_true(has_state(b, CAIRN_STATE(WEAKLY)));
  assert_true(watch(holder, b));
  assert_true(has_state(b, CAIRN_STATE(WEAKLY)));
  cairn_release(&a->base);
  assert_ptr_equal(holder->weak, b);
  cairn_release(&b->base);
  assert_null(holder->weak);
  cairn_release(&holder->base);
}

static void test_one_of_two_slots_is_cleared(void **state) {
  struct nodes *nodes = *state;
  struct node *target = node_new(nodes, nodes->plain, 0);
  struct node *a = node_new(nodes, nodes->plain, 1);
  struct node *b = node_new(nodes, nodes->plain, 2);
  assert_true(watch(a, target));
  assert_true(watch(b, target));
  cairn_release(&a->base); /* the holder goes first */
  assert_int_equal(entries(nodes), 1);
  assert_true(has_state(target, CAIRN_STATE(WEAKLY)));
  cairn_release(&target->base);
  assert_null(b->weak);
  assert_int_equal(entries(nodes), 0);
  cairn_release(&b->base);
}

static void test_an_object_that_watches_itself(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->watched, 1);
  assert_true(watch(node, node));
  cairn_release(&node->base);
  assert_int_equal(nodes_log_count, 1);
  assert_int_equal(entries(nodes), 0);
}

static void test_immortal_target(void **state) {
  struct nodes *nodes = *state;
  struct node *holder = node_new(nodes, nodes->plain, 1);
  cairn_object *one = cairn_int_new(nodes->heap, 1);
  assert_true(cairn_weak_set(&holder->base, &holder->weak, one));
  assert_ptr_equal(cairn_weak_get(&holder->weak), one);
  cairn_release(&holder->base);
  assert_false(has_state(one, CAIRN_STATE(WEAKLY)));
  assert_int_equal(entries(nodes), 0);
}

/* A tail of weak slots. */
struct observers {
  cairn_object base;
  uint64_t count;
  cairn_object *targets[];
};

static cairn_type observers_define(cairn_heap *heap) {
  const cairn_slot_spec slots[] = {{.name = "targets",
                                    .kind = CAIRN_SLOT_WEAK,
                                    .shape = CAIRN_SHAPE_TAIL,
                                    .count_width = 8,
                                    .offset = offsetof(struct observers, targets),
                                    .count_offset = offsetof(struct observers, count)}};
  const cairn_type_spec spec = {.name = "observers",
                                .size_bytes = sizeof(struct observers),
                                .tail_item_bytes = sizeof(cairn_object *),
                                .slots = slots,
                                .slot_count = 1};
  return cairn_type_define(heap, &spec);
}

static struct observers *observers_new(const struct nodes *nodes, uint64_t count) {
  cairn_type type = observers_define(nodes->heap);
  struct observers *o = (struct observers *)(void *)cairn_object_new_tail(nodes->heap, type, count);
  assert_non_null(o);
  o->count = count;
  return o;
}

/* One target of very many slots dies in linear time, and so does each slot: a quadratic walk would
 * take minutes. */
static void test_a_million_slots(void **state) {
  struct nodes *nodes = *state;
  enum { SLOTS = 1000000 };
  struct observers *o = observers_new(nodes, SLOTS);
  for (int round = 0; round < 2; round++) {
    struct node *target = node_new(nodes, nodes->plain, 0);
    for (uint64_t i = 0; i < SLOTS; i++) {
      assert_true(cairn_weak_set(&o->base, &o->targets[i], &target->base));
    }
    assert_int_equal(entries(nodes), SLOTS);
    if (round == 0) {
      cairn_release(&target->base);
      for (uint64_t i = 0; i < SLOTS; i++) assert_null(o->targets[i]);
      assert_null(nodes->heap->weak_table); /* gone back to the system */
    } else {
      cairn_release(&o->base);
      assert_false(has_state(target, CAIRN_STATE(WEAKLY)));
      cairn_release(&target->base);
    }
  }
}

static void test_many_targets(void **state) {
  struct nodes *nodes = *state;
  enum { TARGETS = 20000 };
  struct observers *o = observers_new(nodes, TARGETS);
  struct node **targets = calloc(TARGETS, sizeof *targets);
  for (uint64_t i = 0; i < TARGETS; i++) {
    targets[i] = node_new(nodes, nodes->plain, (int64_t)i);
    assert_true(cairn_weak_set(&o->base, &o->targets[i], &targets[i]->base));
  }
  for (uint64_t i = 0; i < TARGETS; i += 2) cairn_release(&targets[i]->base);
  for (uint64_t i = 0; i < TARGETS; i++) {
    assert_ptr_equal(o->targets[i], i % 2 == 0 ? NULL : targets[i]);
  }
  assert_int_equal(entries(nodes), TARGETS / 2);
  for (uint64_t i = 1; i < TARGETS; i += 2) cairn_release(&targets[i]->base);
  cairn_release(&o->base);
  free(targets);
}

/* Each mapping that the table asks for is refused once: the slot is unchanged, all others keep
 * working, and deaths need no memory. */
static void test_without_memory(void **state) {
  struct nodes *nodes = *state;
  enum { TARGETS = 1000 };
  struct observers *o = observers_new(nodes, TARGETS);
  struct node *target = node_new(nodes, nodes->plain, 0);
  unsigned refused = 0;
  for (uint64_t i = 0; i < TARGETS; i++) {
    cairn_fault.map_after = 1;
    bool set = cairn_weak_set(&o->base, &o->targets[i], &target->base);
    if (!set) {
      refused++;
      assert_null(o->targets[i]);
      assert_int_equal(entries(nodes), i);
      cairn_fault.map_after = 0;
      assert_true(cairn_weak_set(&o->base, &o->targets[i], &target->base));
    }
  }
  assert_int_equal(refused, 5); /* 64, 128, 256, 512, 1024 entries */
  cairn_fault.map_after = 1;
  cairn_release(&target->base);
  for (uint64_t i = 0; i < TARGETS; i++) assert_null(o->targets[i]);
  cairn_release(&o->base);
  cairn_fault.map_after = 0;
}

/* The collection that makes room for the table runs a finalizer that uses it. */
static struct node *late_holder, *late_target;
static void watch_late(struct node *node) {
  nodes_log_finalizer(node);
  assert_true(watch(late_holder, late_target));
}

static void test_finalizer_within_growth(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = watch_late;
  late_holder = node_new(nodes, nodes->plain, 1);
  late_target = node_new(nodes, nodes->plain, 2);
  struct observers *o = observers_new(nodes, 65);
  for (uint64_t i = 0; i < 64; i++) {
    assert_true(cairn_weak_set(&o->base, &o->targets[i], &late_target->base));
  }
  struct node *cycle = node_new(nodes, nodes->watched, 3);
  cycle->left = cairn_retain(&cycle->base);
  cairn_object **freed_by_collection = &o->targets[0];
  assert_true(cairn_weak_set(&o->base, freed_by_collection, &cycle->base));
  cairn_release(&cycle->base);
  /* The first mapping fails, the collection frees the cycle and with it an entry, which the
   * finalizer takes; then the second mapping fails too. */
  cairn_fault.map_after = 1;
  assert_false(cairn_weak_set(&o->base, &o->targets[64], &late_target->base));
  cairn_fault.map_after = 0;
  assert_int_equal(nodes_log_count, 1);
  assert_ptr_equal(late_holder->weak, late_target);
  assert_null(*freed_by_collection);
  assert_int_equal(entries(nodes), 64);
  assert_true(cairn_weak_set(&o->base, &o->targets[64], &late_target->base));
  assert_int_equal(entries(nodes), 65);
  cairn_release(&o->base);
  cairn_release(&late_holder->base);
  cairn_release(&late_target->base);
}

/* The same, and the finalizer lifts the limit: the table grows within, beyond what the outer call
 * then gets a mapping for. */
enum { LATE_SLOTS = 100 };
static struct observers *late_observers;

static void lift_and_watch(struct node *node) {
  nodes_log_finalizer(node);
  cairn_heap_limit_set(cairn_object_heap(&node->base), 0);
  for (size_t i = 0; i < LATE_SLOTS; i++) {
    assert_true(
        cairn_weak_set(&late_observers->base, &late_observers->targets[i], &late_target->base));
  }
}

static void test_growth_within_growth(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = lift_and_watch;
  late_target = node_new(nodes, nodes->plain, 2);
  struct observers *o = observers_new(nodes, 65);
  late_observers = observers_new(nodes, LATE_SLOTS);
  uint64_t metadata_bytes = nodes->heap->metadata_bytes;
  for (uint64_t i = 0; i < 64; i++) {
    assert_true(cairn_weak_set(&o->base, &o->targets[i], &late_target->base));
  }
  struct node *cycle = node_new(nodes, nodes->watched, 3);
  cycle->left = cairn_retain(&cycle->base);
  cairn_release(&cycle->base);
  cairn_heap_limit_set(nodes->heap, nodes->heap->reserved_bytes + nodes->heap->metadata_bytes);
  assert_true(cairn_weak_set(&o->base, &o->targets[64], &late_target->base));
  assert_int_equal(nodes_log_count, 1);
  assert_int_equal(entries(nodes), 65 + LATE_SLOTS);
  const struct weak_table_head *table = (const void *)nodes->heap->weak_table;
  assert_int_equal(table->capacity, 256);
  assert_int_equal(nodes->heap->metadata_bytes, metadata_bytes + table->bytes);
  cairn_release(&o->base);
  assert_int_equal(entries(nodes), LATE_SLOTS);
  cairn_release(&late_target->base);
  for (size_t i = 0; i < LATE_SLOTS; i++) assert_null(late_observers->targets[i]);
  cairn_release(&late_observers->base);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_set_get_clear),
      TEST(test_retarget),
      TEST(test_one_of_two_slots_is_cleared),
      TEST(test_an_object_that_watches_itself),
      TEST(test_immortal_target),
      TEST(test_a_million_slots),
      TEST(test_many_targets),
      TEST(test_without_memory),
      TEST(test_finalizer_within_growth),
      TEST(test_growth_within_growth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

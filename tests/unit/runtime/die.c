/* die.c: deaths of every shape, their order, and their depth. */
#include "nodes.h"

enum { MANY = 2000000, ROW = 100000 };

static void test_list_of_millions(void **state) {
  struct nodes *nodes = *state;
  for (int side = 0; side < 2; side++) {
    struct node *list = NULL;
    for (int64_t i = 0; i < MANY; i++) {
      struct node *node = node_new(nodes, nodes->plain, i);
      if (list != NULL) give(side == 0 ? &node->left : &node->right, list);
      list = node;
    }
    assert_int_equal(objects_of(nodes), MANY);
    cairn_release(&list->base);
    assert_int_equal(objects_of(nodes), 0);
  }
}

static struct node *tree_new(const struct nodes *nodes, cairn_type type, unsigned depth,
                             int64_t *next_id) {
  struct node *node = node_new(nodes, type, (*next_id)++);
  if (depth > 1) {
    give(&node->left, tree_new(nodes, type, depth - 1, next_id));
    give(&node->right, tree_new(nodes, type, depth - 1, next_id));
  }
  return node;
}

static void test_tree_dies_depth_first_in_field_order(void **state) {
  struct nodes *nodes = *state;
  int64_t next_id = 0;
  cairn_release(&tree_new(nodes, nodes->watched, 5, &next_id)->base);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(nodes_log_count, 31);
  for (size_t i = 0; i < 31; i++) assert_int_equal(nodes_log[i], i);
}

static void test_deep_and_zigzag(void **state) {
  struct nodes *nodes = *state;
  /* Both slots hold something at each level, so that every level is come back to. */
  struct node *chain = NULL;
  for (int64_t i = 0; i < ROW; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    struct node *other = node_new(nodes, nodes->plain, -i);
    give(&other->left, node_new(nodes, nodes->plain, i));
    give(&node->left, i % 2 == 0 && chain != NULL ? chain : other);
    if (chain != NULL) give(&node->right, i % 2 == 0 ? other : chain);
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(objects_of(nodes), 0);
}

static void test_what_others_hold_survives(void **state) {
  struct nodes *nodes = *state;
  struct node *root = node_new(nodes, nodes->plain, 0);
  struct node *shared = node_new(nodes, nodes->plain, 1);
  root->left = cairn_retain(&shared->base);
  root->right = cairn_retain(&shared->base);
  root->borrowed = &shared->base;
  assert_int_equal(cairn_refcount(&shared->base), 3);
  cairn_release(&root->base);
  assert_int_equal(cairn_refcount(&shared->base), 1);
  assert_true(has_state(shared, CAIRN_STATE(CANDIDATE)));
  cairn_release(&shared->base);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(nodes->heap->candidate_count, 0);
}

/* ---- every shape of slot --------------------------------------------------------------------- */

static void test_builtin_containers(void **state) {
  struct nodes *nodes = *state;
  cairn_object *dict = cairn_dict_new(nodes->heap);
  for (int64_t i = 0; i < 1000; i++) {
    cairn_object *key = cairn_int_new(nodes->heap, 1000 + i);
    cairn_object *list = cairn_list_new(nodes->heap, 0);
    struct node *node = node_new(nodes, nodes->plain, i);
    assert_true(cairn_list_append(list, &node->base));
    assert_true(cairn_list_append(list, key));
    cairn_object *tuple = cairn_tuple_new(nodes->heap, 2, (cairn_object *[]){list, &node->base});
    assert_true(cairn_dict_set(dict, key, tuple));
    cairn_release(tuple);
    cairn_release(&node->base);
    cairn_release(list);
    cairn_release(key);
  }
  assert_int_equal(objects_of(nodes), 4001);
  assert_valid(nodes);
  cairn_release(dict);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(buffers_of(nodes), 0);
}

static void test_wide_row(void **state) {
  struct nodes *nodes = *state;
  cairn_object *list = cairn_list_new(nodes->heap, ROW);
  for (int64_t i = 0; i < ROW; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    give(&node->right, node_new(nodes, nodes->plain, -i));
    assert_true(cairn_list_append(list, &node->base));
    cairn_release(&node->base);
  }
  cairn_release(list);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(buffers_of(nodes), 0);
}

/* Tagged words, a foreign array, a native table, two columns of one buffer, and a tail. */
struct shapes {
  cairn_object base;
  uint64_t tagged;
  cairn_object **foreign;
  uint16_t foreign_count;
  uint8_t tail_count;
  struct row {
    uint64_t hash;
    cairn_object *key;
    cairn_object *value;
  } * rows;
  uint32_t row_count;
  struct pair {
    cairn_object *first;
    double weight;
    cairn_object *second;
  } * pairs;
  uint64_t pair_count;
  cairn_object *tail[];
};

static cairn_type shapes_define(cairn_heap *heap) {
  const cairn_slot_spec slots[] = {
      {.name = "tagged",
       .kind = CAIRN_SLOT_STRONG,
       .offset = offsetof(struct shapes, tagged),
       .tag_mask = 7,
       .tag_value = 5},
      {.name = "foreign",
       .kind = CAIRN_SLOT_STRONG,
       .shape = CAIRN_SHAPE_ARRAY,
       .flags = CAIRN_SLOT_FLAG_FOREIGN,
       .count_width = 2,
       .offset = offsetof(struct shapes, foreign),
       .count_offset = offsetof(struct shapes, foreign_count)},
      {.name = "rows",
       .kind = CAIRN_SLOT_STRONG,
       .shape = CAIRN_SHAPE_TABLE,
       .count_width = 4,
       .offset = offsetof(struct shapes, rows),
       .count_offset = offsetof(struct shapes, row_count),
       .first_offset = offsetof(struct row, key),
       .stride = sizeof(struct row),
       .value_offset = offsetof(struct row, value) - offsetof(struct row, key)},
      {.name = "firsts",
       .kind = CAIRN_SLOT_STRONG,
       .shape = CAIRN_SHAPE_ARRAY,
       .count_width = 8,
       .offset = offsetof(struct shapes, pairs),
       .count_offset = offsetof(struct shapes, pair_count),
       .stride = sizeof(struct pair)},
      {.name = "seconds",
       .kind = CAIRN_SLOT_STRONG,
       .shape = CAIRN_SHAPE_ARRAY,
       .count_width = 8,
       .offset = offsetof(struct shapes, pairs),
       .count_offset = offsetof(struct shapes, pair_count),
       .first_offset = offsetof(struct pair, second),
       .stride = sizeof(struct pair)},
      {.name = "tail",
       .kind = CAIRN_SLOT_STRONG,
       .shape = CAIRN_SHAPE_TAIL,
       .count_width = 1,
       .offset = offsetof(struct shapes, tail),
       .count_offset = offsetof(struct shapes, tail_count)}};
  const cairn_type_spec spec = {.name = "shapes",
                                .size_bytes = sizeof(struct shapes),
                                .tail_item_bytes = sizeof(cairn_object *),
                                .slots = slots,
                                .slot_count = 6};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_int_not_equal(type, 0);
  return type;
}

/* A node that holds two more, so that each word is the place of a link when it dies. */
static cairn_object *bush(const struct nodes *nodes) {
  int64_t next_id = 0;
  return &tree_new(nodes, nodes->plain, 2, &next_id)->base;
}

static struct shapes *shapes_new(const struct nodes *nodes, cairn_type type,
                                 cairn_object *foreign[3]) {
  struct shapes *s = (struct shapes *)(void *)cairn_object_new_tail(nodes->heap, type, 3);
  s->tagged = (uintptr_t)bush(nodes) | 5;
  s->foreign = foreign;
  for (unsigned i = 0; i < 3; i++) foreign[i] = bush(nodes);
  s->foreign_count = 3;
  s->rows = cairn_buffer_new(nodes->heap, 4 * sizeof *s->rows);
  s->row_count = 4;
  for (unsigned i = 0; i < 4; i++) {
    if (i == 2) continue; /* an empty row */
    s->rows[i].value = bush(nodes);
    s->rows[i].key = bush(nodes);
  }
  s->pairs = cairn_buffer_new(nodes->heap, 2 * sizeof *s->pairs);
  s->pair_count = 2;
  for (unsigned i = 0; i < 2; i++) {
    s->pairs[i].first = bush(nodes);
    s->pairs[i].second = bush(nodes);
  }
  for (unsigned i = 0; i < 3; i++) s->tail[i] = bush(nodes);
  s->tail_count = 3;
  return s;
}

static void test_every_shape(void **state) {
  struct nodes *nodes = *state;
  cairn_type type = shapes_define(nodes->heap);
  assert_int_not_equal(type, 0);
  cairn_object *foreign[3];
  struct shapes *s = shapes_new(nodes, type, foreign);
  assert_int_equal(objects_of(nodes), 1 + 3 * 17);
  assert_int_equal(buffers_of(nodes), 2);
  assert_valid(nodes);
  cairn_release(&s->base);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(buffers_of(nodes), 0);
}

static void test_tag_that_is_no_reference(void **state) {
  struct nodes *nodes = *state;
  cairn_type type = shapes_define(nodes->heap);
  struct shapes *s = (struct shapes *)(void *)cairn_object_new_tail(nodes->heap, type, 0);
  s->tagged = 0x1234567890u << 3 | 1; /* a number of the program's */
  cairn_release(&s->base);
  assert_int_equal(objects_of(nodes), 0);
}

static void test_value_of_an_empty_row_is_no_reference(void **state) {
  struct nodes *nodes = *state;
  cairn_type type = shapes_define(nodes->heap);
  struct shapes *s = (struct shapes *)(void *)cairn_object_new_tail(nodes->heap, type, 0);
  struct node *kept = node_new(nodes, nodes->plain, 1);
  s->rows = cairn_buffer_new(nodes->heap, 2 * sizeof *s->rows);
  s->row_count = 2;
  s->rows[0].value = &kept->base; /* left there by the program when it emptied the row */
  cairn_release(&s->base);
  assert_int_equal(cairn_refcount(&kept->base), 1);
  cairn_release(&kept->base);
  assert_int_equal(objects_of(nodes), 0);
}

/* ---- what a reader sees in the middle -------------------------------------------------------- */

static struct node *path[3];

/* Runs when path[2], the left child of path[1], the left child of path[0], is finalized. */
static void look_at_the_dying(struct node *node) {
  if (node != path[2]) return;
  for (unsigned i = 0; i < 2; i++) {
    assert_true(has_state(path[i], CAIRN_STATE(DYING)));
    assert_false(has_state(path[i], CAIRN_STATE(LIVE)));
    assert_int_equal(path[i]->base.header & CAIRN_COUNT_MASK, 1); /* word 0 holds the link */
    assert_non_null(path[i]->right);
  }
  assert_null(path[0]->left);
  assert_ptr_equal(path[1]->left, path[0]);
  assert_true(has_state(node, CAIRN_STATE(LIVE)));
  assert_true(has_state(node, CAIRN_STATE(HELD)));
  assert_int_equal(cairn_refcount(&node->base), 1);
  cairn_heap *heap = cairn_object_heap(&node->base);
  assert_int_equal(heap->flux, CAIRN_FLUX_RELEASE);
  nodes_log_count++;
}

static void test_links_and_ordinals(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = look_at_the_dying;
  for (unsigned i = 3; i-- > 0;) {
    path[i] = node_new(nodes, nodes->watched, i);
    if (i < 2) give(&path[i]->left, path[i + 1]);
    give(&path[i]->right, node_new(nodes, nodes->plain, 10 + i));
  }
  cairn_release(&path[0]->base);
  assert_int_equal(nodes_log_count, 1);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(nodes->heap->flux, CAIRN_FLUX_NONE);
}

/* ---- code of the program within a death ------------------------------------------------------ */

/* The slot that no type declares: the finalizer gives it up. */
static void release_borrowed(struct node *node) { cairn_release(node->borrowed); }

static void test_a_million_finalizers(void **state) {
  struct nodes *nodes = *state;
  nodes_finalizer = release_borrowed;
  struct node *chain = NULL;
  for (int64_t i = 0; i < MANY / 2; i++) {
    struct node *node = node_new(nodes, nodes->watched, i);
    if (chain != NULL) node->borrowed = &chain->base;
    chain = node;
  }
  cairn_release(&chain->base);
  assert_int_equal(objects_of(nodes), 0);
  assert_int_equal(nodes->heap->parked_head, 0);
}

struct opaque {
  cairn_object base;
  cairn_object *hidden;
  cairn_object *declared;
};

static void opaque_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  cairn_object *hidden = ((struct opaque *)(void *)object)->hidden;
  if (hidden != NULL) visit(hidden, context);
}

static void opaque_clear(cairn_object *object) {
  cairn_clear(&((struct opaque *)(void *)object)->hidden);
}

static cairn_type opaque_define(cairn_heap *heap) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct opaque, declared)};
  const cairn_type_spec spec = {.name = "opaque",
                                .size_bytes = sizeof(struct opaque),
                                .slots = slots,
                                .slot_count = 1,
                                .traverse = opaque_traverse,
                                .clear = opaque_clear};
  return cairn_type_define(heap, &spec);
}

static void test_a_million_opaque_objects(void **state) {
  struct nodes *nodes = *state;
  cairn_type type = opaque_define(nodes->heap);
  cairn_object *chain = NULL;
  for (int64_t i = 0; i < MANY / 2; i++) {
    struct opaque *o = (struct opaque *)(void *)cairn_object_new(nodes->heap, type);
    o->hidden = chain;
    o->declared = &node_new(nodes, nodes->plain, i)->base;
    chain = &o->base;
  }
  cairn_release(chain);
  assert_int_equal(objects_of(nodes), 0);
}

static void test_saturated_is_never_freed(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  struct node *holder = node_new(nodes, nodes->plain, 2);
  give(&holder->left, node);
  node->base.header |= CAIRN_COUNT_SATURATED - 1; /* the next retain saturates */
  cairn_retain(&node->base);
  assert_true(cairn_is_immortal(&node->base));
  cairn_release(&holder->base);
  assert_int_equal(objects_of(nodes), 1);
  assert_true(cairn_is_immortal(&node->base));
  node->base.header = (node->base.header & ~CAIRN_COUNT_MASK) | 1; /* for the teardown */
  cairn_release(&node->base);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_list_of_millions),
      TEST(test_tree_dies_depth_first_in_field_order),
      TEST(test_deep_and_zigzag),
      TEST(test_what_others_hold_survives),
      TEST(test_builtin_containers),
      TEST(test_wide_row),
      TEST(test_every_shape),
      TEST(test_tag_that_is_no_reference),
      TEST(test_value_of_an_empty_row_is_no_reference),
      TEST(test_links_and_ordinals),
      TEST(test_a_million_finalizers),
      TEST(test_a_million_opaque_objects),
      TEST(test_saturated_is_never_freed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

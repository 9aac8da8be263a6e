/* Who keeps a reference: each retain and release says for which object or slot it was made. */
#include "tracked.h"

/* The n-th newest event of the object: a retain or release for `holder`. */
static void assert_for(const struct nodes *nodes, uint64_t n, uint32_t op,
                       const cairn_object *object, const void *holder) {
  const struct cairn_event *event;
  for (uint64_t back = 0;; back++) {
    event = event_back(nodes, back);
    if (event->object == (uintptr_t)object && n-- == 0) break;
  }
  assert_int_equal(event->op, op);
  assert_ptr_equal((void *)(uintptr_t)event->holder, holder);
  if (holder != NULL) assert_int_equal(event->inner, 1);
}

/* The counts after the last events of the object, the oldest first. */
static void assert_counts(const struct nodes *nodes, const cairn_object *object, size_t count,
                          const uint32_t *counts) {
  for (uint64_t back = 0; count > 0; back++) {
    const struct cairn_event *event = event_back(nodes, back);
    if (event->object == (uintptr_t)object) assert_int_equal(event->count, counts[--count]);
  }
}

static void assert_taken(const struct nodes *nodes, const cairn_object *object,
                         const void *holder) {
  assert_for(nodes, 0, CAIRN_EVENT_RETAIN, object, holder);
}

static void assert_given(const struct nodes *nodes, const cairn_object *object,
                         const void *holder) {
  assert_for(nodes, 0, CAIRN_EVENT_RELEASE, object, holder);
}

static cairn_object *text_new(struct nodes *nodes) {
  start(nodes, (cairn_track_options){.events = 1000});
  cairn_object *text = cairn_str_from(nodes->heap, "a stone");
  assert_ptr_equal((void *)(uintptr_t)event_back(nodes, 0)->holder, NULL);
  cairn_retain(text);
  assert_taken(nodes, text, NULL);
  return text;
}

static void text_end(struct nodes *nodes, cairn_object *text) {
  cairn_release(text);
  assert_given(nodes, text, NULL);
  assert_int_equal(cairn_refcount(text), 1);
  cairn_release(text);
}

static void test_a_list(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes), *none = cairn_none(nodes->heap);
  cairn_object *list = cairn_list_new(nodes->heap, 1);
  assert_true(cairn_list_append(list, text));
  assert_taken(nodes, text, list);
  assert_true(cairn_list_append(list, text)); /* grows */
  assert_taken(nodes, text, list);
  assert_true(cairn_list_insert(list, 0, text));
  assert_taken(nodes, text, list);
  assert_true(cairn_list_set(list, 0, none));
  assert_given(nodes, text, list);
  assert_true(cairn_list_set(list, 0, text));
  assert_taken(nodes, text, list);
  assert_true(cairn_list_remove(list, 0));
  assert_given(nodes, text, list);
  cairn_object *popped = cairn_list_pop(list); /* its reference is ours now */
  cairn_release(popped);
  assert_given(nodes, text, NULL);
  cairn_list_clear(list);
  assert_given(nodes, text, list);
  assert_true(cairn_list_append(list, text));
  cairn_release(list); /* dies */
  assert_given(nodes, text, list);
  text_end(nodes, text);
}

static void test_tuples_cells_and_records(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes);
  cairn_object *items[] = {text, cairn_none(nodes->heap), text, text};
  cairn_object *tuple = cairn_tuple_new(nodes->heap, 4, items);
  for (uint64_t n = 0; n < 3; n++) assert_for(nodes, n, CAIRN_EVENT_RETAIN, text, tuple);
  assert_counts(nodes, text, 4, (const uint32_t[]){2, 3, 4, 5}); /* told once the tuple is made */
  cairn_release(tuple);
  for (uint64_t n = 0; n < 3; n++) assert_for(nodes, n, CAIRN_EVENT_RELEASE, text, tuple);
  cairn_object *made = cairn_cell_new(nodes->heap, text);
  assert_taken(nodes, text, made);
  cairn_release(made);
  assert_given(nodes, text, made);
  cairn_object *cell = cairn_cell_new(nodes->heap, NULL);
  cairn_cell_set(cell, text);
  assert_taken(nodes, text, cell);
  cairn_cell_set(cell, NULL);
  assert_given(nodes, text, cell);
  cairn_release(cell);
  uint32_t type = cairn_record_define(nodes->heap, "point", (const char *const[]){"x"}, 1);
  cairn_object *record = cairn_record_new(nodes->heap, type);
  assert_true(cairn_record_set(record, 0, text));
  assert_taken(nodes, text, record);
  assert_true(cairn_record_set(record, 0, NULL));
  assert_given(nodes, text, record);
  cairn_release(record);
  text_end(nodes, text);
}

/* A table takes and gives back its keys and values, when it grows, too. */
static void test_a_dict(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes);
  cairn_object *dict = cairn_dict_new(nodes->heap);
  for (int64_t key = 1000; key < 1100; key++) {
    assert_true(cairn_dict_set_int(dict, key, text));
    /* One that is made for the call holds its arguments meanwhile. */
    assert_given(nodes, text, NULL);
    assert_for(nodes, 1, CAIRN_EVENT_RETAIN, text, dict);
  }
  assert_true(cairn_dict_set_int(dict, 1000, text)); /* takes it, and gives back the same */
  assert_for(nodes, 1, CAIRN_EVENT_RETAIN, text, dict);
  assert_given(nodes, text, dict);
  assert_true(cairn_dict_set(dict, text, text));
  assert_for(nodes, 0, CAIRN_EVENT_RETAIN, text, dict);
  assert_for(nodes, 1, CAIRN_EVENT_RETAIN, text, dict);
  assert_true(cairn_dict_remove(dict, text));
  assert_for(nodes, 0, CAIRN_EVENT_RELEASE, text, dict);
  assert_for(nodes, 1, CAIRN_EVENT_RELEASE, text, dict);
  cairn_dict_clear(dict);
  assert_int_equal(cairn_refcount(text), 2);
  cairn_release(dict);
  text_end(nodes, text);
}

/* A slot of the program's, in an object or a variable, is its own holder; of one that dies, the
 * object is. */
static void test_slots(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes), *variable = NULL;
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_assign(&node->left, text);
  assert_taken(nodes, text, &node->left);
  cairn_clear(&node->left);
  assert_given(nodes, text, &node->left);
  cairn_assign(&variable, text);
  assert_taken(nodes, text, &variable);
  cairn_assign(&variable, NULL);
  assert_given(nodes, text, &variable);
  cairn_assign(&node->left, text);
  cairn_release(&node->base);
  assert_given(nodes, text, node);
  text_end(nodes, text);
}

/* Garbage that the collector finds gives back what others hold, too. */
static void test_garbage(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes);
  cairn_object *list = cairn_list_new(nodes->heap, 2);
  assert_true(cairn_list_append(list, list) && cairn_list_append(list, text));
  cairn_release(list);
  assert_int_equal(cairn_collect(nodes->heap), 1);
  assert_given(nodes, text, list);
  text_end(nodes, text);
}

/* Where there is no memory for who was to keep them, nothing did, and no count is off. */
static void test_no_memory(void **state) {
  struct nodes *nodes = *state;
  cairn_object *text = text_new(nodes);
  cairn_object *items[] = {text, text};
  cairn_fault_arm(nodes->heap);
  cairn_fault.block_after = 1;
  assert_null(cairn_tuple_new(nodes->heap, 2, items));
  cairn_fault.block_after = 0;
  assert_counts(nodes, text, 5, (const uint32_t[]){2, 3, 4, 3, 2});
  assert_given(nodes, text, NULL);
  cairn_fault.block_after = 1;
  assert_null(cairn_cell_new(nodes->heap, text));
  cairn_fault.block_after = 0;
  assert_counts(nodes, text, 3, (const uint32_t[]){2, 3, 2});
  text_end(nodes, text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_list, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_tuples_cells_and_records, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_a_dict, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_slots, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_no_memory, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_garbage, nodes_setup, nodes_teardown),
  };
  return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}

/* A small heap with something of everything, for tests that damage it. */
#ifndef TESTS_GARDEN_H
#define TESTS_GARDEN_H

#include "cairn/cairn.h"

struct garden_node {
  cairn_object base;
  cairn_object *left;
  cairn_object **items;
  uint32_t count;
  char label[12];
};

/* Appends an item and gives up the caller's reference. */
static inline void garden_add(cairn_object *list, cairn_object *item) {
  cairn_list_append(list, item);
  cairn_release(item);
}

static inline cairn_object *garden_node(cairn_heap *heap, cairn_type type, cairn_object *left) {
  struct garden_node *node = (struct garden_node *)cairn_object_new(heap, type);
  node->items = cairn_buffer_new(heap, 3 * sizeof *node->items);
  for (int i = 0; i < 3; i++) node->items[i] = cairn_float_new(heap, i + 0.5);
  node->count = 3;
  cairn_assign(&node->left, left);
  return &node->base;
}

/* Everything hangs on the one list that is returned; some objects were freed on the way. */
static inline cairn_object *garden_new(cairn_heap *heap) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct garden_node, left),
                                          CAIRN_STRONG_ARRAY(struct garden_node, items, count)};
  static const cairn_field_spec fields[] = {CAIRN_FIELD(struct garden_node, label, TEXT)};
  const cairn_type_spec spec = {.name = "node",
                                .size_bytes = sizeof(struct garden_node),
                                .slots = slots,
                                .slot_count = 2,
                                .fields = fields,
                                .field_count = 1};
  const char *const names[] = {"first", "second"};
  cairn_type node_type = cairn_type_define(heap, &spec);
  cairn_type record_type = cairn_record_define(heap, "pair", names, 2);
  cairn_object *all = cairn_list_new(heap, 0);
  for (int i = 0; i < 40; i++) {
    cairn_object *dict = cairn_dict_new(heap);
    cairn_object *number = cairn_int_new(heap, 1000 + i);
    cairn_dict_set_text(dict, "number", number);
    cairn_object *pair[] = {number, dict};
    garden_add(all, cairn_tuple_new(heap, 2, pair));
    garden_add(all, cairn_cell_new(heap, dict));
    garden_add(all, cairn_weakref_new(heap, dict));
    garden_add(all, garden_node(heap, node_type, all));
    cairn_object *record = cairn_record_new(heap, record_type);
    cairn_record_set(record, 0, dict);
    garden_add(all, record);
    cairn_object *set = cairn_set_new(heap);
    cairn_set_add(set, number);
    garden_add(all, set);
    cairn_release(cairn_str_from(heap, "gone at once"));
    garden_add(all, cairn_bytes_new(heap, "\0\1\2", 3));
    cairn_release(number);
    cairn_release(dict);
  }
  garden_add(all, cairn_str_new(heap, NULL, 0));
  return all;
}

#endif

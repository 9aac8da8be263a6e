/* set: a table of keys alone. */
#include "cairn/set.h"

#include "builtin.h"

static const cairn_slot_spec slots[] = {
    {.name = "entries",
     .kind = CAIRN_SLOT_STRONG,
     .shape = CAIRN_SHAPE_TABLE,
     .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
     .offset = offsetof(struct cairn_mapping, table),
     .count_offset = offsetof(struct cairn_table, row_count),
     .count_width = sizeof(((struct cairn_table *)0)->row_count),
     .first_offset = sizeof(struct cairn_table) + offsetof(struct cairn_row, key),
     .stride = offsetof(struct cairn_row, value)}};

const cairn_type_spec cairn_spec_set = {.name = "set",
                                        .size_bytes = sizeof(struct cairn_mapping),
                                        .slots = slots,
                                        .slot_count = CAIRN_COUNT_OF(slots)};

static struct cairn_mapping *set_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_SET));
  return (struct cairn_mapping *)object;
}

static struct cairn_row *set_find(const cairn_object *set, const cairn_object *item) {
  assert(item != NULL);
  const struct cairn_table *table = set_of(set)->table;
  return cairn_table_find(table, cairn_table_hash(table, item), item);
}

cairn_object *cairn_set_new(cairn_heap *heap) { return cairn_object_new(heap, CAIRN_TYPE_SET); }

bool cairn_set_add(cairn_object *set, cairn_object *item) {
  assert(item != NULL);
  return cairn_table_set(set_of(set), CAIRN_ROW_WORDS_SET_, item, NULL);
}

bool cairn_set_has(const cairn_object *set, const cairn_object *item) {
  return set_find(set, item) != NULL;
}

bool cairn_set_remove(cairn_object *set, const cairn_object *item) {
  struct cairn_row *row = set_find(set, item);
  if (row == NULL) return false;
  cairn_table_remove(set_of(set), row);
  return true;
}

void cairn_set_clear(cairn_object *set) { cairn_table_clear(set_of(set)); }

/* set: a table of keys alone. */
#include "cairn/set.h"

#include "builtin.h"
#include "cairn/compare.h"

static const cairn_slot_spec slots[] = {
    {.name = "entries",
     .kind = CAIRN_SLOT_STRONG,
     .shape = CAIRN_SHAPE_TABLE,
     .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
     .offset = offsetof(struct cairn_mapping, table),
     .count_offset = offsetof(struct cairn_table, row_count),
     .count_width = sizeof(((struct cairn_table *)0)->row_count),
     .first_offset = offsetof(struct cairn_table, rows) + offsetof(struct cairn_row, key),
     .stride = CAIRN_ROW_BYTES_SET}};

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
  return cairn_table_find(set_of(set)->table, cairn_hash(item), item);
}

cairn_object *cairn_set_new(cairn_heap *heap) { return cairn_object_new(heap, CAIRN_TYPE_SET); }

size_t cairn_set_count(const cairn_object *set) { return cairn_table_count(set_of(set)->table); }

bool cairn_set_add(cairn_object *set, cairn_object *item) {
  assert(item != NULL);
  return cairn_table_set(set_of(set), CAIRN_ROW_BYTES_SET, item, NULL);
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

bool cairn_set_next(const cairn_object *set, size_t *position, cairn_object **item) {
  const struct cairn_row *row = cairn_table_next(set_of(set)->table, position);
  if (row == NULL) return false;
  if (item != NULL) *item = row->key;
  return true;
}

void cairn_set_clear(cairn_object *set) { cairn_table_clear(set_of(set)); }

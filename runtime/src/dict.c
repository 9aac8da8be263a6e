/* dict: a table of keys and values. */
#include "cairn/dict.h"

#include <string.h>

#include "builtin.h"
#include "cairn/compare.h"
#include "cairn/str.h"

static const cairn_slot_spec slots[] = {
    {.name = "entries",
     .kind = CAIRN_SLOT_STRONG,
     .shape = CAIRN_SHAPE_TABLE,
     .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
     .offset = offsetof(struct cairn_mapping, table),
     .count_offset = offsetof(struct cairn_table, row_count),
     .count_width = sizeof(((struct cairn_table *)0)->row_count),
     .first_offset = offsetof(struct cairn_table, rows) + offsetof(struct cairn_row, key),
     .stride = CAIRN_ROW_BYTES_DICT,
     .value_offset = offsetof(struct cairn_row, value) - offsetof(struct cairn_row, key)}};

const cairn_type_spec cairn_spec_dict = {.name = "dict",
                                         .size_bytes = sizeof(struct cairn_mapping),
                                         .slots = slots,
                                         .slot_count = CAIRN_COUNT_OF(slots)};

static struct cairn_mapping *dict_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_DICT));
  return (struct cairn_mapping *)object;
}

cairn_object *cairn_dict_new(cairn_heap *heap) { return cairn_object_new(heap, CAIRN_TYPE_DICT); }

size_t cairn_dict_count(const cairn_object *dict) {
  return cairn_table_count(dict_of(dict)->table);
}

cairn_object *cairn_dict_get(const cairn_object *dict, const cairn_object *key) {
  assert(key != NULL);
  const struct cairn_row *row = cairn_table_find(dict_of(dict)->table, cairn_hash(key), key);
  return row == NULL ? NULL : row->value;
}

static struct cairn_row *dict_find_text(const cairn_object *dict, const char *key, size_t bytes) {
  uint64_t hash = cairn_hash_text(cairn_object_heap(dict), key, bytes);
  return cairn_table_find_text(dict_of(dict)->table, hash, key, bytes);
}

cairn_object *cairn_dict_get_text(const cairn_object *dict, const char *key) {
  const struct cairn_row *row = dict_find_text(dict, key, strlen(key));
  return row == NULL ? NULL : row->value;
}

bool cairn_dict_set(cairn_object *dict, cairn_object *key, cairn_object *value) {
  assert(key != NULL && value != NULL);
  return cairn_table_set(dict_of(dict), CAIRN_ROW_BYTES_DICT, key, value);
}

bool cairn_dict_set_text(cairn_object *dict, const char *key, cairn_object *value) {
  assert(value != NULL);
  cairn_heap *heap = cairn_object_heap(dict);
  size_t bytes = strlen(key);
  struct cairn_row *row = dict_find_text(dict, key, bytes);
  if (row != NULL) {
    cairn_assign(&row->value, value);
    return true;
  }
  /* Making the key may run code that drops the caller's references. */
  uint32_t count = cairn_hold(dict);
  cairn_retain(value);
  cairn_object *str = cairn_str_intern(heap, key, bytes);
  bool dies = cairn_refcount(dict) == 1;
  cairn_unhold(dict, count);
  bool set = str != NULL && (dies || cairn_dict_set(dict, str, value));
  cairn_release(str);
  cairn_release(value);
  return set;
}

bool cairn_dict_remove(cairn_object *dict, const cairn_object *key) {
  assert(key != NULL);
  struct cairn_mapping *self = dict_of(dict);
  struct cairn_row *row = cairn_table_find(self->table, cairn_hash(key), key);
  if (row == NULL) return false;
  cairn_table_remove(self, row);
  return true;
}

bool cairn_dict_next(const cairn_object *dict, size_t *position, cairn_object **key,
                     cairn_object **value) {
  const struct cairn_row *row = cairn_table_next(dict_of(dict)->table, position);
  if (row == NULL) return false;
  if (key != NULL) *key = row->key;
  if (value != NULL) *value = row->value;
  return true;
}

void cairn_dict_clear(cairn_object *dict) { cairn_table_clear(dict_of(dict)); }

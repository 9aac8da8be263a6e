/* dict: a table of keys and values. */
#include "cairn/dict.h"

#include <string.h>

#include "builtin.h"
#include "cairn/scalar.h"
#include "cairn/str.h"

static const cairn_slot_spec slots[] = {
    {.name = "entries",
     .kind = CAIRN_SLOT_STRONG,
     .shape = CAIRN_SHAPE_TABLE,
     .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
     .offset = offsetof(struct cairn_mapping, table),
     .count_offset = offsetof(struct cairn_table, row_count),
     .count_width = sizeof(((struct cairn_table *)0)->row_count),
     .first_offset = sizeof(struct cairn_table) + offsetof(struct cairn_row, key),
     .stride = sizeof(struct cairn_row),
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

cairn_object *cairn_dict_get_object_(const cairn_object *dict, const cairn_object *key) {
  const struct cairn_table *table = dict_of(dict)->table;
  const struct cairn_row *row = cairn_table_find(table, cairn_table_hash(table, key), key);
  return row == NULL ? NULL : row->value;
}

cairn_object *cairn_dict_get_int_(const cairn_object *dict, int64_t key) {
  const struct cairn_row *row = cairn_table_find_int(dict_of(dict)->table, key);
  return row == NULL ? NULL : row->value;
}

static struct cairn_row *dict_find_text(const cairn_object *dict, const char *key, size_t bytes) {
  const struct cairn_table *table = dict_of(dict)->table;
  if (table == NULL) return NULL;
  return cairn_table_find_text(table, cairn_hash_text(table->seed, key, bytes), key, bytes);
}

cairn_object *cairn_dict_get_text(const cairn_object *dict, const char *key) {
  const struct cairn_row *row = dict_find_text(dict, key, strlen(key));
  return row == NULL ? NULL : row->value;
}

bool cairn_dict_set(cairn_object *dict, cairn_object *key, cairn_object *value) {
  assert(key != NULL && value != NULL);
  return cairn_table_set(dict_of(dict), CAIRN_ROW_WORDS_DICT_, key, value);
}

bool cairn_dict_give(cairn_object *dict, cairn_object *key, cairn_object *value) {
  if (key != NULL && value != NULL) return cairn_table_give(dict_of(dict), key, value);
  cairn_release(key);
  cairn_release(value);
  return false;
}

/* Sets the value of a key that has to be made, by `make` from what it points to.  That may run code
 * that drops the caller's references. */
static bool dict_set_made(cairn_object *dict, cairn_object *(*make)(cairn_heap *, const void *),
                          const void *from, cairn_object *value) {
  uint32_t count = cairn_hold(dict);
  cairn_retain(value);
  cairn_object *key = make(cairn_object_heap(dict), from);
  bool dies = cairn_refcount(dict) == 1;
  cairn_unhold(dict, count);
  bool set = key != NULL && (dies || cairn_dict_set(dict, key, value));
  cairn_release(key);
  cairn_release(value);
  return set;
}

static cairn_object *make_text(cairn_heap *heap, const void *from) {
  return cairn_str_intern(heap, from, strlen(from));
}

bool cairn_dict_set_text(cairn_object *dict, const char *key, cairn_object *value) {
  assert(value != NULL);
  struct cairn_row *row = dict_find_text(dict, key, strlen(key));
  if (row == NULL) return dict_set_made(dict, make_text, key, value);
  cairn_assign_for_(dict, &row->value, value);
  return true;
}

static cairn_object *make_int(cairn_heap *heap, const void *from) {
  return cairn_int_new(heap, *(const int64_t *)from);
}

bool cairn_dict_set_int(cairn_object *dict, int64_t key, cairn_object *value) {
  assert(value != NULL);
  struct cairn_row *row = cairn_table_find_int(dict_of(dict)->table, key);
  if (row == NULL) return dict_set_made(dict, make_int, &key, value);
  cairn_assign_for_(dict, &row->value, value);
  return true;
}

static struct cairn_row *dict_find(const struct cairn_mapping *dict, const cairn_object *key) {
  assert(key != NULL);
  return cairn_table_find(dict->table, cairn_table_hash(dict->table, key), key);
}

bool cairn_dict_remove(cairn_object *dict, const cairn_object *key) {
  struct cairn_mapping *self = dict_of(dict);
  struct cairn_row *row = dict_find(self, key);
  if (row == NULL) return false;
  cairn_table_remove(self, row);
  return true;
}

cairn_object *cairn_dict_pop(cairn_object *dict, const cairn_object *key) {
  struct cairn_mapping *self = dict_of(dict);
  struct cairn_row *row = dict_find(self, key);
  return row == NULL ? NULL : cairn_table_pop(self, row);
}

bool cairn_dict_reserve(cairn_object *dict, size_t entries) {
  return cairn_table_reserve(dict_of(dict), CAIRN_ROW_WORDS_DICT_, entries);
}

void cairn_dict_clear(cairn_object *dict) { cairn_table_clear(dict_of(dict)); }

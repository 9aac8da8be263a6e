/* Dicts whose keys and values are ints, made on the way. */
#ifndef DICT_INTS_H
#define DICT_INTS_H

#include "builtin_test.h"

static inline void set_ints(cairn_object *dict, int64_t key, int64_t value) {
  cairn_heap *heap = cairn_object_heap(dict);
  cairn_object *key_object = int_of(heap, key);
  cairn_object *value_object = int_of(heap, value);
  assert_true(cairn_dict_set(dict, key_object, value_object));
  cairn_release(key_object);
  cairn_release(value_object);
}

static inline bool remove_int(cairn_object *dict, int64_t key) {
  cairn_object *key_object = int_of(cairn_object_heap(dict), key);
  bool removed = cairn_dict_remove(dict, key_object);
  cairn_release(key_object);
  return removed;
}

static inline cairn_object *get_int(const cairn_object *dict, int64_t key) {
  cairn_object *key_object = int_of(cairn_object_heap(dict), key);
  cairn_object *value = cairn_dict_get(dict, key_object);
  cairn_release(key_object);
  return value;
}

#endif

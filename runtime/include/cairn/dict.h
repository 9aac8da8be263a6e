/* dict: values by key, in order of insertion.
 *
 * Keys are told apart by cairn_equal (compare.h); any object can be one.  Keys and values are never
 * NULL.  The entries stand in order in one buffer that the dict owns: 24 bytes each, and 6 to 13
 * more of hash index once there are more than six.  A removed entry leaves a hole that the next
 * growth closes; the buffer goes back when the last entry is removed.
 */
#ifndef CAIRN_DICT_H
#define CAIRN_DICT_H

#include "cairn/layouts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An empty dict.  New; NULL when out of memory.  O(1). */
CAIRN_API cairn_object *cairn_dict_new(cairn_heap *heap);

/* The number of entries.  Aborts when it is no dict.  O(1). */
static inline size_t cairn_dict_count(const cairn_object *dict) {
  const struct cairn_table *table = cairn_dict_table_(dict);
  return table == NULL ? 0 : table->live_count;
}

/* What the inline functions below call; call those. */
CAIRN_API cairn_object *cairn_dict_get_object_(const cairn_object *dict, const cairn_object *key);
CAIRN_API cairn_object *cairn_dict_get_int_(const cairn_object *dict, int64_t key);

/* The value of the key that is an int of that value (or a float), borrowed; NULL when there is
 * none. Makes no int.  Aborts when it is no dict.  O(1) on average. */
static inline cairn_object *cairn_dict_get_int(const cairn_object *dict, int64_t key) {
  const struct cairn_table *table = cairn_dict_table_(dict);
  if (table == NULL || table->int_bits == 0) return cairn_dict_get_int_(dict, key);
  const struct cairn_row *row = cairn_table_find_int_(table, key);
  return row == NULL ? NULL : row->value;
}

/* The value of `key`, borrowed; NULL when there is none.  Aborts when `dict` is no dict or `key` is
 * NULL.  O(1) on average, and the cost of cairn_hash and cairn_equal. */
static inline cairn_object *cairn_dict_get(const cairn_object *dict, const cairn_object *key) {
  assert(key != NULL);
  if (cairn_type_index(key) != CAIRN_TYPE_INT) return cairn_dict_get_object_(dict, key);
  return cairn_dict_get_int(dict,
                            CAIRN_AS(const struct cairn_int *, CAIRN_AS(const void *, key))->value);
}

/* The value of the key that is a str with the NUL-terminated text `key`, borrowed; NULL when there
 * is none.  Makes no str.  Aborts when it is no dict.  O(length of the key) on average. */
CAIRN_API cairn_object *cairn_dict_get_text(const cairn_object *dict, const char *key);

/* Sets the value of `key`; retains the value, and the key when it is a new one (an equal key that
 * is there stays).  The value that was there is released last.  False when out of memory.  Aborts
 * when `dict` is no dict or one of the others is NULL.  O(1) on average, amortised. */
CAIRN_API bool cairn_dict_set(cairn_object *dict, cairn_object *key, cairn_object *value);

/* The same, but takes over the caller's references to the key and to the value.  False as well when
 * one of them is NULL. */
CAIRN_API bool cairn_dict_give(cairn_object *dict, cairn_object *key, cairn_object *value);

/* As cairn_dict_set for a key of NUL-terminated text; a new key is an interned str. */
CAIRN_API bool cairn_dict_set_text(cairn_object *dict, const char *key, cairn_object *value);

/* The same for the key of an int; a new key is made of it. */
CAIRN_API bool cairn_dict_set_int(cairn_object *dict, int64_t key, cairn_object *value);

/* Makes room for `entries` more, so that they can be set without growing.  False when out of
 * memory; the dict is then as before.  Aborts when it is no dict.  O(entries). */
CAIRN_API bool cairn_dict_reserve(cairn_object *dict, size_t entries);

/* Removes the entry of `key` and releases its key and value last.  False when there is none.
 * Aborts when `dict` is no dict or `key` is NULL.  O(1) on average. */
CAIRN_API bool cairn_dict_remove(cairn_object *dict, const cairn_object *key);

/* The same, but the value is handed over.  New; NULL when there is no such entry. */
CAIRN_API cairn_object *cairn_dict_pop(cairn_object *dict, const cairn_object *key);

/* The entry at or behind `*position`, in order of insertion.  Begin with 0:
 *
 *     size_t position = 0;
 *     cairn_object *key, *value;
 *     while (cairn_dict_next(dict, &position, &key, &value)) ...
 *
 * Stores the key and the value, borrowed (either pointer may be NULL), and the next position; false
 * at the end, with nothing stored.  Meanwhile entries may be removed and values replaced; adding
 * a key may make the walk miss or repeat entries, and does no other harm.  Aborts when it is no
 * dict.  O(1), amortised over the walk. */
static inline bool cairn_dict_next(const cairn_object *dict, size_t *position, cairn_object **key,
                                   cairn_object **value) {
  const struct cairn_row *row =
      cairn_table_next_(cairn_dict_table_(dict), CAIRN_ROW_WORDS_DICT_, position);
  if (row == NULL) return false;
  if (key != NULL) *key = row->key;
  if (value != NULL) *value = row->value;
  return true;
}

/* Removes the entries that are in the dict now, oldest first, and releases them.  What finalizers
 * add meanwhile stays.  Aborts when it is no dict.  O(entries). */
CAIRN_API void cairn_dict_clear(cairn_object *dict);

#ifdef __cplusplus
}
#endif

#endif

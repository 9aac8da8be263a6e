/* set: objects, each once, in order of insertion.
 *
 * A dict without values: items are told apart by cairn_equal (compare.h), and stand in one buffer
 * that the set owns, 16 bytes each and 6 to 13 more of hash index once there are more than six.
 */
#ifndef CAIRN_SET_H
#define CAIRN_SET_H

#include "cairn/layouts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An empty set.  New; NULL when out of memory.  O(1). */
CAIRN_API cairn_object *cairn_set_new(cairn_heap *heap);

/* The number of items.  Aborts when it is no set.  O(1). */
static inline size_t cairn_set_count(const cairn_object *set) {
  const struct cairn_table *table = cairn_set_table_(set);
  return table == NULL ? 0 : table->live_count;
}

/* Adds `item` and retains it; when an equal one is there, that one stays.  False when out of
 * memory. Aborts when `set` is no set or `item` is NULL.  O(1) on average, amortised. */
CAIRN_API bool cairn_set_add(cairn_object *set, cairn_object *item);

/* True when an equal item is there.  Aborts as cairn_set_add.  O(1) on average, and the cost of
 * cairn_hash and cairn_equal. */
CAIRN_API bool cairn_set_has(const cairn_object *set, const cairn_object *item);

/* Removes the equal item and releases it last.  False when there is none.  Aborts as cairn_set_add.
 * O(1) on average. */
CAIRN_API bool cairn_set_remove(cairn_object *set, const cairn_object *item);

/* The item at or behind `*position`, borrowed, in order of insertion; as cairn_dict_next. */
static inline bool cairn_set_next(const cairn_object *set, size_t *position, cairn_object **item) {
  const struct cairn_row *row =
      cairn_table_next_(cairn_set_table_(set), CAIRN_ROW_WORDS_SET_, position);
  if (row == NULL) return false;
  if (item != NULL) *item = row->key;
  return true;
}

/* Removes the items that are in the set now, oldest first, and releases them.  What finalizers
 * add meanwhile stays.  Aborts when it is no set.  O(items). */
CAIRN_API void cairn_set_clear(cairn_object *set);

#ifdef __cplusplus
}
#endif

#endif

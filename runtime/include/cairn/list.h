/* list: a row of references that grows and shrinks.
 *
 * The items stand in a buffer that the list owns.  It doubles when it is full, goes back when the
 * last item is taken out of a big one, and is cut to what is used by cairn_list_trim: taking items
 * out never allocates.  Items are never NULL; use cairn_none.
 */
#ifndef CAIRN_LIST_H
#define CAIRN_LIST_H

#include "cairn/layouts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An empty list with room for `capacity` items.  New; NULL when out of memory.  O(capacity). */
CAIRN_API cairn_object *cairn_list_new(cairn_heap *heap, size_t capacity);

/* What cairn_list_append and cairn_list_give call when the list is full; call those. */
CAIRN_API bool cairn_list_append_growing_(cairn_object *list, cairn_object *item);
CAIRN_API bool cairn_list_give_growing_(cairn_object *list, cairn_object *item);

/* The number of items.  Aborts when it is no list.  O(1). */
static inline size_t cairn_list_count(const cairn_object *list) {
  return cairn_list_of_(list)->count;
}

/* Item `index`, borrowed; NULL when there is none.  Aborts when it is no list.  O(1). */
static inline cairn_object *cairn_list_get(const cairn_object *list, size_t index) {
  const struct cairn_list *self = cairn_list_of_(list);
  return index < self->count ? self->items[index] : NULL;
}

/* All items, borrowed, and their number; NULL when there are none.  Valid until the list changes.
 * Aborts when it is no list.  O(1). */
static inline cairn_object *const *cairn_list_items(const cairn_object *list, size_t *count) {
  const struct cairn_list *self = cairn_list_of_(list);
  *count = self->count;
  return self->items;
}

/* Puts `item` at the end and retains it.  False when out of memory.  Aborts when `list` is no list
 * or `item` is NULL.  O(1), amortised. */
CAIRN_INLINE_API bool cairn_list_append(cairn_object *list, cairn_object *item) {
  struct cairn_list *self = CAIRN_AS(struct cairn_list *, CAIRN_AS(void *, list));
  assert(cairn_is_type_(list, CAIRN_TYPE_LIST) && item != NULL);
  uint32_t count = self->count;
  if (count == self->capacity) {
    bool grown = cairn_list_append_growing_(list, item);
    CAIRN_NO_JUMP();
    return grown;
  }
  self->items[count] = cairn_retain_for_slot_(item, list);
  CAIRN_ORDER();
  self->count = count + 1;
  CAIRN_ORDER_KEEPING(item);
  return true;
}

/* The same, but takes over the caller's reference: the way to put what was just made into a list,
 * `cairn_list_give(list, cairn_int_new(heap, 1000))`.  False as well when `item` is NULL. */
static inline bool cairn_list_give(cairn_object *list, cairn_object *item) {
  struct cairn_list *self = CAIRN_AS(struct cairn_list *, CAIRN_AS(void *, list));
  assert(cairn_is_type_(list, CAIRN_TYPE_LIST));
  uint32_t count = self->count;
  if (item == NULL) return false;
  if (count == self->capacity) return cairn_list_give_growing_(list, item);
  self->items[count] = item;
  CAIRN_ORDER();
  self->count = count + 1;
  CAIRN_ORDER_KEEPING(item);
  return true;
}

/* Makes room for `items` more, so that they can be appended without growing.  False when out of
 * memory; the list is then as before.  Aborts when it is no list.  O(items). */
CAIRN_API bool cairn_list_reserve(cairn_object *list, size_t items);

/* Puts `item`, which it retains, in the place of item `index`, and releases that one last.  False
 * when there is no such item.  Aborts as cairn_list_append.  O(1). */
CAIRN_API bool cairn_list_set(cairn_object *list, size_t index, cairn_object *item);

/* Puts `item`, which it retains, before item `index`, or at the end when `index` is the count.
 * False when `index` is greater or memory is out.  Aborts as cairn_list_append.  O(items behind).
 */
CAIRN_API bool cairn_list_insert(cairn_object *list, size_t index, cairn_object *item);

/* Takes item `index` out and releases it last.  False when there is none.  Aborts when it is no
 * list.  O(items behind). */
CAIRN_API bool cairn_list_remove(cairn_object *list, size_t index);

/* Takes the last item out and hands its reference over.  New; NULL when the list is empty.  Aborts
 * when it is no list.  O(1), amortised. */
CAIRN_API cairn_object *cairn_list_pop(cairn_object *list);

/* Gives back the room that no item uses.  False when out of memory; the list is then as before.
 * Aborts when it is no list.  O(items). */
CAIRN_API bool cairn_list_trim(cairn_object *list);

/* Takes out and releases each item that is in the list now, last ones first.  What finalizers
 * append meanwhile stays.  Aborts when it is no list.  O(items). */
CAIRN_API void cairn_list_clear(cairn_object *list);

#ifdef __cplusplus
}
#endif

#endif

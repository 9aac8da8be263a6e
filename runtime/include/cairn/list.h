/* list: a row of references that grows and shrinks.
 *
 * The items stand in a buffer that the list owns.  It doubles when it is full, goes back when the
 * last item is taken out of a big one, and is cut to what is used by cairn_list_trim: taking items
 * out never allocates.  Items are never NULL; use cairn_none.
 */
#ifndef CAIRN_LIST_H
#define CAIRN_LIST_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An empty list with room for `capacity` items.  New; NULL when out of memory.  O(capacity). */
CAIRN_API cairn_object *cairn_list_new(cairn_heap *heap, size_t capacity);

/* The number of items.  Aborts when it is no list.  O(1). */
CAIRN_API size_t cairn_list_count(const cairn_object *list);

/* Item `index`, borrowed; NULL when there is none.  Aborts when it is no list.  O(1). */
CAIRN_API cairn_object *cairn_list_get(const cairn_object *list, size_t index);

/* Puts `item` at the end and retains it.  False when out of memory.  Aborts when `list` is no list
 * or `item` is NULL.  O(1), amortised. */
CAIRN_API bool cairn_list_append(cairn_object *list, cairn_object *item);

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

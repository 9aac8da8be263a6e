/* tuple: an immutable row of references, in the object itself: 16 bytes and 8 an item.
 */
#ifndef CAIRN_TUPLE_H
#define CAIRN_TUPLE_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A tuple of the `count` objects at `items` (none of them NULL), each of which it retains; `items`
 * may be NULL when `count` is 0.  At most 2^31 - 1 items.  New; NULL when out of memory.
 * O(count). */
CAIRN_API cairn_object *cairn_tuple_new(cairn_heap *heap, size_t count, cairn_object *const *items);

/* The number of items.  Aborts when it is no tuple.  O(1). */
CAIRN_API size_t cairn_tuple_count(const cairn_object *tuple);

/* Item `index`, borrowed; NULL when there is none.  Aborts when it is no tuple.  O(1). */
CAIRN_API cairn_object *cairn_tuple_get(const cairn_object *tuple, size_t index);

#ifdef __cplusplus
}
#endif

#endif

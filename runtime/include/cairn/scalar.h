/* Scalars: none, bool, int, float.  All are immutable.
 *
 * none, true, false and the ints from CAIRN_INT_SHARED_MIN to CAIRN_INT_SHARED_MAX exist once in a
 * heap, from its creation to its end: they are immortal, retaining and releasing them changes
 * nothing, and making one neither allocates nor fails.  So `x = 1; y = x; z = 1` is one object.
 */
#ifndef CAIRN_SCALAR_H
#define CAIRN_SCALAR_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CAIRN_INT_SHARED_MIN = -5, CAIRN_INT_SHARED_MAX = 256 };

/* The heap's none.  New, but immortal: it may be released or not.  Never fails.  O(1). */
CAIRN_API cairn_object *cairn_none(cairn_heap *heap);

/* True for the none of any heap; false for NULL.  O(1). */
CAIRN_API bool cairn_is_none(const cairn_object *object);

/* The heap's true or false.  New, but immortal.  Never fails.  O(1). */
CAIRN_API cairn_object *cairn_bool(cairn_heap *heap, bool value);

/* Stores the value of a bool.  False, and `*value` untouched, when `object` is NULL or no bool.
 * O(1). */
CAIRN_API bool cairn_bool_get(const cairn_object *object, bool *value);

/* An int: the shared one for a small value, otherwise a new one of 16 bytes.  New; NULL when out
 * of memory.  O(1). */
CAIRN_API cairn_object *cairn_int_new(cairn_heap *heap, int64_t value);

/* Stores the value of an int.  False, and `*value` untouched, when `object` is NULL or no int (a
 * bool is no int).  O(1). */
CAIRN_API bool cairn_int_get(const cairn_object *object, int64_t *value);

/* A float (an IEEE double) of 16 bytes.  New; NULL when out of memory.  O(1). */
CAIRN_API cairn_object *cairn_float_new(cairn_heap *heap, double value);

/* Stores the value of a float.  False, and `*value` untouched, when `object` is NULL or no float.
 * O(1). */
CAIRN_API bool cairn_float_get(const cairn_object *object, double *value);

#ifdef __cplusplus
}
#endif

#endif

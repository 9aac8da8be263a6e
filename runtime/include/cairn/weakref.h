/* weakref: an object that refers to another one without holding it.
 *
 * For a weak slot in a struct of your own see cairn_weak_set in type.h.
 */
#ifndef CAIRN_WEAKREF_H
#define CAIRN_WEAKREF_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A weak reference to `target`, which it does not retain; NULL makes an empty one.  Each call makes
 * one of its own.  New; NULL when out of memory.  O(1) on average. */
CAIRN_API cairn_object *cairn_weakref_new(cairn_heap *heap, cairn_object *target);

/* The target as a new reference; NULL when it is gone.  Aborts when it is no weakref.  O(1). */
CAIRN_API cairn_object *cairn_weakref_get(const cairn_object *weakref);

#ifdef __cplusplus
}
#endif

#endif

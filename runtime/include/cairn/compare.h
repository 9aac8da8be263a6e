/* Equality and hashes: what a dict or a set takes for the same key.
 *
 * By value: none, bool, int, float, str, bytes, and tuples item by item.  By identity: everything
 * else (list, dict, set, weakref, cell, records, native types), because those change.
 *
 *  - int and float are both numbers and compare by their exact value: 1 equals 1.0, 2^53 + 1 does
 *    not equal 2.0^53.  A bool is no number: true does not equal 1.
 *  - Every object equals itself, a NaN too; two NaN objects differ.  0.0 equals -0.0.
 *  - str and bytes never equal one another.
 *  - A tuple that unfolds to more than 2^32 items, because it holds the same tuples over and over,
 *    compares by identity: looking at each item would not end.  Depth alone is no obstacle.
 *
 * Neither function runs code of yours, allocates, or recurses without a bound.
 */
#ifndef CAIRN_COMPARE_H
#define CAIRN_COMPARE_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* True when the two are equal.  NULL equals only NULL.  The objects may be of two heaps.  O(1) for
 * scalars, O(bytes) for str and bytes, O(items, nested ones included) for tuples. */
CAIRN_API bool cairn_equal(const cairn_object *a, const cairn_object *b);

/* A hash that equal objects share, also those of two heaps; NULL has 0.  Seeded at random for each
 * process, so it differs from run to run.  O(1), O(bytes) for bytes and the first time for a str,
 * O(items) for a tuple, where of all tuples nested in it 256 items count. */
CAIRN_API uint64_t cairn_hash(const cairn_object *object);

#ifdef __cplusplus
}
#endif

#endif

/* Memory of the lens itself: malloc behind one door, so that tests can make any allocation fail.
 *
 * Invariant: every allocation of the lens goes through here.  No size is taken from the target
 * unless that many bytes were read from it before.
 */
#ifndef LENS_ALLOC_H
#define LENS_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory.  A size of 0 gives a valid pointer. */
void *lens_alloc(size_t bytes);
void *lens_alloc_zeroed(size_t count, size_t item_bytes);
void lens_dealloc(void *memory);

/* Makes room for `needed` items in an array that holds *capacity: returns the array (moved perhaps)
 * or NULL, in which case the old array and *capacity are unchanged.  Growth is geometric. */
void *lens_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes);

/* For tests: this many allocations of the thread succeed, those after them fail; -1: none fails. */
void lens_alloc_fail_after(int64_t allocations);

/* For tests: this many succeed, the one after them fails, and then none: a failure that is passed
 * over is not told by the next one. */
void lens_alloc_fail_one(int64_t allocations);

/* Spends one allocation of that number: false when it must fail.  For memory that comes from
 * elsewhere (column.c). */
bool lens_alloc_allowed(void);

#endif

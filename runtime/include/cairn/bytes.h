/* bytes: immutable raw data, in the object itself: one block of 16 bytes and the data.
 */
#ifndef CAIRN_BYTES_H
#define CAIRN_BYTES_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A copy of the `bytes` bytes at `data`, which may be NULL when `bytes` is 0.  New; NULL when out
 * of memory.  O(bytes). */
CAIRN_API cairn_object *cairn_bytes_new(cairn_heap *heap, const void *data, size_t bytes);

/* The data, aligned to 8; valid as long as the object.  Aborts when it is no bytes object.  O(1).
 */
CAIRN_API const void *cairn_bytes_data(const cairn_object *object);

/* The size of the data in bytes.  Aborts when it is no bytes object.  O(1). */
CAIRN_API size_t cairn_bytes_size(const cairn_object *object);

#ifdef __cplusplus
}
#endif

#endif

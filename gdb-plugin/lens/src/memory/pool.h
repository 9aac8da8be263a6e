/* A pool: small things that are allocated one by one and freed all at once.
 *
 * Names, decoded slots and fields live here; pointers stay valid until the pool is freed.
 */
#ifndef LENS_POOL_H
#define LENS_POOL_H

#include <stddef.h>

struct lens_pool;

/* Zeroed, 8-byte aligned memory from *pool (NULL: an empty pool); NULL when out of memory. */
void *lens_pool_alloc(struct lens_pool **pool, size_t bytes);
/* A copy of a text; NULL when out of memory. */
const char *lens_pool_text(struct lens_pool **pool, const char *text);
void lens_pool_free(struct lens_pool **pool);

#endif

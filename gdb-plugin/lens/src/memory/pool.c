/* A pool of small things.  See pool.h. */
#include "memory/pool.h"

#include <string.h>

#include "memory/alloc.h"

enum { POOL_BLOCK_BYTES = 16 << 10 };

/* Blocks form a list, the one that is being filled first. */
struct lens_pool {
  struct lens_pool *next;
  size_t used, capacity;
  _Alignas(8) unsigned char bytes[];
};

void *lens_pool_alloc(struct lens_pool **pool, size_t bytes) {
  if (bytes > SIZE_MAX / 2) return NULL;
  bytes = (bytes + 7) & ~(size_t)7;
  struct lens_pool *block = *pool;
  if (block == NULL || block->capacity - block->used < bytes) {
    size_t capacity = bytes > POOL_BLOCK_BYTES ? bytes : POOL_BLOCK_BYTES;
    block = lens_alloc(sizeof *block + capacity);
    if (block == NULL) return NULL;
    block->next = *pool;
    block->used = 0;
    block->capacity = capacity;
    *pool = block;
  }
  void *result = block->bytes + block->used;
  block->used += bytes;
  memset(result, 0, bytes);
  return result;
}

const char *lens_pool_text(struct lens_pool **pool, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = lens_pool_alloc(pool, bytes);
  if (copy != NULL) memcpy(copy, text, bytes);
  return copy;
}

void lens_pool_free(struct lens_pool **pool) {
  while (*pool != NULL) {
    struct lens_pool *next = (*pool)->next;
    lens_dealloc(*pool);
    *pool = next;
  }
}

/* Memory of the lens itself.  See alloc.h. */
#include "memory/alloc.h"

#include <assert.h>
#include <stdlib.h>

static _Thread_local int64_t budget = -1;
static _Thread_local bool one; /* only one fails */

void lens_alloc_fail_after(int64_t allocations) {
  budget = allocations;
  one = false;
}

void lens_alloc_fail_one(int64_t allocations) {
  budget = allocations;
  one = true;
}

bool lens_alloc_allowed(void) {
  if (budget < 0) return true;
  if (budget == 0) {
    if (one) budget = -1;
    return false;
  }
  budget--;
  return true;
}

void *lens_alloc(size_t bytes) {
  return lens_alloc_allowed() ? malloc(bytes == 0 ? 1 : bytes) : NULL;
}

void *lens_alloc_zeroed(size_t count, size_t item_bytes) {
  return lens_alloc_allowed() ? calloc(count == 0 ? 1 : count, item_bytes == 0 ? 1 : item_bytes)
                              : NULL;
}

void lens_dealloc(void *memory) { free(memory); }

void *lens_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes) {
  assert(item_bytes != 0);
  if (needed <= *capacity && array != NULL) return array;
  size_t wanted = *capacity < 8 ? 8 : *capacity;
  while (wanted < needed) {
    if (wanted > SIZE_MAX / 2) return NULL;
    wanted *= 2;
  }
  if (wanted > SIZE_MAX / item_bytes) return NULL;
  if (!lens_alloc_allowed()) return NULL;
  void *moved = realloc(array, wanted * item_bytes);
  if (moved != NULL) *capacity = wanted;
  return moved;
}

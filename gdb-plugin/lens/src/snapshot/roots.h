/* The roots: slots outside the heap that hold a reference to an object of the snapshot.
 *
 * Invariants:
 *  - A storage slot (slot_address not 0) stands once.
 *  - The roots of one object are a chain by descending index: first_of[object] - 1, then next[i]
 * - 1.
 */
#ifndef LENS_ROOTS_H
#define LENS_ROOTS_H

#include "snapshot/snapshot.h"

struct lens_roots {
  struct lens_column rows;     /* lens_root */
  struct lens_column next;     /* uint32_t a root: 1 + the next root of the same object, 0: none */
  struct lens_column first_of; /* uint32_t an object: 1 + its last added root, 0: none */
  uint32_t *slots;             /* hash of slot addresses: 1 + root, 0: free */
  size_t slot_capacity;        /* a power of two */
  uint64_t count, slot_count;
  struct lens_column
      stale;            /* uint32_t an object: words in freed blocks of malloc that lead to it */
  uint64_t stale_count; /* such words */
};

static inline const lens_root *lens_root_rows(const struct lens_roots *self) {
  return self->rows.items;
}

/* How many words in blocks that were given back to malloc lead to the object. */
static inline uint32_t lens_roots_stale_at(const struct lens_roots *self, uint32_t object) {
  return self->stale_count == 0 ? 0 : ((const uint32_t *)self->stale.items)[object];
}

/* How many roots the object has. */
uint64_t lens_roots_count_of(const struct lens_roots *self, uint32_t object);
void lens_roots_free(struct lens_roots *self);

#endif

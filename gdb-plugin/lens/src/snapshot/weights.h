/* Weights: the own bytes of each object, its block and the buffers that it owns.
 *
 * A heap without buffers, or whose buffers nobody owns, has no column of its own: each object
 * weighs its block.  Else three sweeps: buffers are noted, a bit a block; declared slots claim
 * them; at last the words of conservative objects may claim what nobody declared.  Who claims a
 * buffer clears its bit, so none counts twice.
 */
#ifndef LENS_WEIGHTS_H
#define LENS_WEIGHTS_H

#include "snapshot/snapshot.h"

/* An object that weighs UINT32_MAX bytes or more. */
struct lens_heavy {
  uint64_t bytes;
  uint32_t object, reserved;
};

enum lens_weights_phase {
  LENS_WEIGHTS_IDLE,
  LENS_WEIGHTS_BUFFERS,   /* noting buffers */
  LENS_WEIGHTS_DECLARED,  /* declared slots claim theirs */
  LENS_WEIGHTS_SUSPECTED, /* words of conservative objects claim the rest */
  LENS_WEIGHTS_DONE
};

struct lens_weights {
  uint8_t phase;
  struct lens_sweep sweep;
  uint8_t *owners;              /* by flat type: the phase in which its objects claim; 0: never */
  uint64_t *owner_pages;        /* a bit a page row: pages with objects that claim in this phase */
  uint64_t *first_block;        /* by page row: the number of the page's first block */
  struct lens_column unowned;   /* a bit a block: a buffer that nobody has claimed */
  uint64_t row;                 /* the next object of the snapshot */
  bool finding, any;            /* the pages of the phase are being found; there is one */
  struct lens_column own_bytes; /* uint32_t; no items: the snapshot's sizes are the weights */
  struct lens_heavy *heavy;     /* by object */
  size_t heavy_count, heavy_capacity;
  uint64_t owned_bytes;
};

/* The weight of an object; needs LENS_WEIGHTS_DONE. */
uint64_t lens_weights_of(const lens *self, uint32_t object);
/* One slice of work; the walk is complete. */
lens_status lens_weights_step(lens *self, const lens_slice *slice, lens_progress *progress);
void lens_weights_free(struct lens_weights *self);

#endif

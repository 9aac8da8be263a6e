/* The snapshot: every object of the target, a row each, in columns by address.
 *
 * Invariants:
 *  - Rows ascend by address; row i of each column is the same object.
 *  - An object whose header makes no sense has LENS_STATE_DAMAGED; its type is LENS_NONE where the
 * header names no type.  A dying object has a count of 0.
 *  - `directory` finds each row and nothing else.
 *  - Nothing here changes once `complete` is set.
 */
#ifndef LENS_SNAPSHOT_H
#define LENS_SNAPSHOT_H

#include "model/directory.h"
#include "model/sweep.h"

struct lens_snapshot {
  bool complete;
  uint64_t object_count;
  struct lens_column address;    /* uint64_t */
  struct lens_column type;       /* uint32_t */
  struct lens_column refcount;   /* uint32_t */
  struct lens_column size_bytes; /* uint32_t */
  struct lens_column state;      /* uint16_t */
  struct lens_directory directory;
  lens_walk_totals totals;
};

/* A walk in progress: it fills the snapshot. */
struct lens_walker {
  bool started;
  struct lens_sweep sweep;
  uint32_t *size_needed; /* by flat type: bytes that a block must have; UINT32_MAX: unknown type */
  uint64_t page_row;     /* the page of the last run; UINT64_MAX: none */
  struct lens_holding_place held; /* behind the pages */
};

static inline const uint64_t *lens_row_addresses(const struct lens_snapshot *self) {
  return self->address.items;
}
static inline const uint32_t *lens_row_types(const struct lens_snapshot *self) {
  return self->type.items;
}
static inline const uint32_t *lens_row_refcounts(const struct lens_snapshot *self) {
  return self->refcount.items;
}
static inline const uint32_t *lens_row_sizes(const struct lens_snapshot *self) {
  return self->size_bytes.items;
}
static inline const uint16_t *lens_row_states(const struct lens_snapshot *self) {
  return self->state.items;
}

/* The whole block of an object, also where the column says UINT32_MAX. */
uint64_t lens_row_size(const lens *self, uint32_t object);

/* The walk, in a slice of the caller's, which may be over then. */
lens_status lens_walk_in(lens *self, const lens_slice *slice, lens_progress *progress);
/* LENS_OK when the walk is complete, else a failure that says so. */
lens_status lens_need_snapshot(lens *self);

void lens_walker_free(struct lens_walker *self);

#endif

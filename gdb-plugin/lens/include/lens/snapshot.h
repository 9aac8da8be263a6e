/* The snapshot: all objects, columnar, with their edges. */
#ifndef LENS_LENS_SNAPSHOT_H
#define LENS_LENS_SNAPSHOT_H

#include "lens/object.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lens_progress {
  const char *phase;
  uint64_t done, total;
} lens_progress;

/* Walks all pages and fills the columns.  LENS_AGAIN / LENS_OK. */
LENS_API lens_status lens_walk(lens *self, uint32_t slice_ms, lens_progress *progress);
/* Adds the edges, out and in (walks first where that was not done). */
LENS_API lens_status lens_index(lens *self, uint32_t slice_ms, lens_progress *progress);

typedef struct lens_columns {
  uint64_t object_count;
  const uint64_t *address; /* ascending */
  const uint32_t *type, *refcount;
  const uint32_t *size_bytes; /* UINT32_MAX: larger; ask lens_snapshot_object */
  const uint16_t *state;      /* enum lens_state */
  uint64_t edge_count;        /* strong and opaque edges; 0 before lens_index */
  const uint64_t *out_start;  /* object_count + 1 */
  const uint32_t *out_target;
  const uint64_t *in_start;
  const uint32_t *in_source;
} lens_columns;
LENS_API lens_status lens_columns_get(const lens *self, lens_columns *out);
LENS_API lens_status lens_snapshot_object(lens *self, uint32_t object, lens_object *out);
/* The object index that holds `address` (interior allowed), LENS_NOT_FOUND else. */
LENS_API lens_status lens_snapshot_find(const lens *self, uint64_t address, uint32_t *object);

/* What a finished walk knows beside the objects. */
typedef struct lens_walk_totals {
  uint64_t objects, object_bytes, buffers, buffer_bytes, dying, orphan_buffers, damaged_blocks,
      unreadable_bytes, pages, arenas;
  uint64_t touched_blocks; /* of the damaged ones: freed, and retained since */
  uint32_t exactness;      /* 0 exact, 1 tolerant (in flux), 2 conservative (opaque types) */
  uint32_t reserved;
} lens_walk_totals;
LENS_API lens_status lens_walk_totals_get(const lens *self, lens_walk_totals *out);

#ifdef __cplusplus
}
#endif

#endif

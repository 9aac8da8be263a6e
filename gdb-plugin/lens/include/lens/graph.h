/* The graph of the snapshot: what objects weigh, cycles, dominators and retained sizes.
 *
 * Edges are those of lens_columns: strong slots and suspected (opaque) words.  Every function that
 * takes a slice walks and indexes first where that was not done, and answers LENS_AGAIN / LENS_OK.
 */
#ifndef LENS_LENS_GRAPH_H
#define LENS_LENS_GRAPH_H

#include "lens/accounts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- own bytes ---- */

/* What an object weighs: its block and the buffers that it owns (a list's items, a dict's table).
 * A buffer that several slots lead to counts for the lowest object whose declared slot does.  Bytes
 * outside the heaps are not counted (lens_external_get).  Walks first; needs no index. */
LENS_API lens_status lens_weights(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_weights_shown {
  uint64_t object_count;
  const uint32_t *own_bytes; /* UINT32_MAX: that or more; ask lens_weight_of */
  uint64_t bytes;            /* all objects with their buffers */
  uint64_t unowned_bytes;    /* buffers that no object is known to own */
} lens_weights_shown;
/* Valid until lens_refresh or lens_free. */
LENS_API lens_status lens_weights_get(const lens *self, lens_weights_shown *out);
/* The own bytes of one object of the snapshot; needs finished weights, else 0. */
LENS_API uint64_t lens_weight_of(const lens *self, uint32_t object);

#ifdef __cplusplus
}
#endif

#endif

/* The sweep: all blocks that were ever handed out, in address order, in runs that can be read.
 *
 * A run is a row of whole blocks of one page whose bytes lie side by side before the reader's eyes.
 * A page that is readable as a whole is one run, without a copy; holes split it, and what
 * they swallow is counted.  Of a large block only the first bytes are shown (LENS_RUN_LARGE_BYTES).
 *
 * Every pass over the heap (walk, edges, scans, check) is a function of a run; the sweep holds the
 * place between two slices.
 */
#ifndef LENS_SWEEP_H
#define LENS_SWEEP_H

#include "model.h"

enum {
  LENS_RUN_LARGE_BYTES = 4096,
  LENS_PAGE_BYTES_MAX = 1 << 20 /* a page of blocks larger than this is not swept */
};

struct lens_run {
  const struct lens_page_model *page;
  uint32_t heap, arena, page_index; /* flat heap; the page within its arena */
  uint64_t page_row;                /* the page among all pages of all arenas */
  uint64_t address;                 /* of the first block of the run */
  uint32_t first_block, block_count;
  uint64_t stride; /* between the blocks' starts */
  /* Valid until the next call of anything that reads the target. */
  const uint8_t *bytes;
  uint64_t byte_count; /* block_count * stride; of a large block at most LENS_RUN_LARGE_BYTES */
};

/* All zero is the start. */
struct lens_sweep {
  uint32_t arena, page;
  uint32_t block;    /* the next one of the page */
  uint64_t page_row; /* of (arena, page) */
  uint64_t unreadable_bytes;
  const uint64_t *wanted; /* a bit a page row: only these pages are looked at; NULL: all */
  uint8_t *scratch;       /* one block that lies across two chunks */
  size_t scratch_bytes;
};

/* A copy of a run's bytes, for what reads the target while it looks at them.  All zero is empty;
 * one serves many runs. */
struct lens_run_copy {
  uint8_t *bytes;
  size_t room;
};

/* The copy's bytes; NULL when out of memory. */
const uint8_t *lens_run_keep(struct lens_run_copy *copy, const struct lens_run *run);
void lens_run_copy_free(struct lens_run_copy *copy);

/* LENS_OK to go on; anything else ends the slice with that status. */
typedef lens_status (*lens_run_fn)(lens *self, void *context, const struct lens_run *run);

/* Calls `visit` with runs until the slice is over (LENS_AGAIN) or the heap is (LENS_OK).  A run for
 * which `visit` failed comes again. */
lens_status lens_sweep_step(lens *self, struct lens_sweep *sweep, const lens_slice *slice,
                            lens_run_fn visit, void *context);
/* Back to the start. */
void lens_sweep_reset(struct lens_sweep *sweep);

#endif

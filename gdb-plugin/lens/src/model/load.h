/* Loading the model: the state between two slices of lens_model_load, and its steps.
 *
 * roots (discover.c) -> contract (contract.c) -> heaps (heaps.c) -> types (types.c),
 * arenas (arenas.c, pages.c).  Each step reads one thing, so that a slice can end between any two.
 */
#ifndef LENS_LOAD_H
#define LENS_LOAD_H

#include "memory/addresses.h"
#include "model.h"

enum lens_load_phase {
  LENS_LOAD_ROOTS_HINTED,  /* what the caller told */
  LENS_LOAD_ROOTS_NOTED,   /* ELF notes of mapped modules */
  LENS_LOAD_HEAPS,         /* the heaps of the root records found so far */
  LENS_LOAD_ROOTS_SCANNED, /* the magic in written memory, where notes may have missed a root */
  LENS_LOAD_HEAPS_SCANNED, /* the heaps of those */
  LENS_LOAD_LOST_ARENAS,   /* arenas that a damaged list does not lead to */
  LENS_LOAD_DONE
};

/* The heap whose insides are read now. */
struct lens_heap_step {
  bool active;
  uint32_t heap;                  /* flat */
  uint32_t next_type, type_count; /* the count that the heap claims */
  uint32_t senseless;   /* types that made no sense, one after the other, up to the next */
  uint64_t types;       /* address of the array of type addresses */
  uint64_t next_arena;  /* 0: all were read */
  uint64_t arena_count; /* read so far */
};

struct lens_load {
  enum lens_load_phase phase;
  size_t region;   /* notes, scan, lost arenas: the region that is looked at */
  uint64_t cursor; /* scan, lost arenas: the next address */
  struct lens_addresses seen_roots, seen_heaps, seen_types, seen_arenas;
  lens_status root_status; /* of a root record that could not be used, and why */
  char root_error[512];
  uint64_t modules, modules_unread, scanned_bytes;
  size_t contract;    /* the contract whose list of heaps is read */
  bool in_list;       /* next_heap is valid */
  uint64_t next_heap; /* 0: the end of the list */
  uint64_t listed;    /* heaps of this list so far */
  struct lens_heap_step step;
  bool arenas_lost; /* a list of arenas was cut */
};

void lens_load_free(lens *self);
void lens_model_clear(struct lens_model *model);

/* discover.c: each way to find root records; LENS_OK when it is through, else as always. */
lens_status lens_discover_hints(lens *self, struct lens_load *load);
lens_status lens_discover_notes(lens *self, struct lens_load *load, const lens_slice *slice);
lens_status lens_discover_scan(lens *self, struct lens_load *load, const lens_slice *slice);

/* heaps.c: reads the heap at `address`, appends it to the model and prepares load->step.  What is
 * damaged ends the list: *next is 0. */
lens_status lens_heap_read(lens *self, struct lens_load *load, size_t contract, uint64_t address,
                           uint64_t *next);
/* ready.c: reads the `row_count` rows of blocks that lie ready at `rows`; gives them to their
 * pages.
 */
lens_status lens_ready_read(lens *self, struct lens_heap_model *heap, uint64_t rows,
                            uint64_t row_count);
void lens_ready_settle(lens *self);
lens_status lens_heap_meta_add(struct lens_heap_model *heap, uint64_t start, uint64_t bytes);

/* holdings.c: reads the list of holdings at `address` (0: none). */
lens_status lens_holdings_read(lens *self, struct lens_heap_model *heap, uint64_t address);

/* tracking.c: reads what is recorded of the heap from the struct at `address` (0: nothing). */
lens_status lens_tracking_read(lens *self, uint64_t address, struct lens_heap_model *heap);
/* The record beside a block, all but its place.  LENS_NOT_FOUND: there is none.  `*next`: the block
 * that was put into quarantine after it. */
lens_status lens_track_of_block(lens *self, const struct lens_block *block, lens_track *out,
                                uint64_t *next);

/* types.c: reads the type load->step.next_type of the step's heap and appends it. */
lens_status lens_type_read(lens *self, struct lens_load *load);

/* pages.c: reads the page table at `table` into arena->pages and sums it up. */
lens_status lens_pages_read(lens *self, const struct lens_heap_model *heap, uint64_t table,
                            uint64_t page_count, struct lens_arena_model *arena);

/* arenas.c: reads the arena load->step.next_arena of the step's heap and appends it. */
lens_status lens_arena_read(lens *self, struct lens_load *load);
/* Looks for arenas of known heaps at aligned addresses of written memory. */
lens_status lens_arenas_recover(lens *self, struct lens_load *load, const lens_slice *slice);
/* Sorts the arenas, drops those that overlap, and builds what lens_arena_find needs. */
lens_status lens_arenas_settle(lens *self);

#endif

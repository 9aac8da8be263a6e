/* Tracking, inside: what the allocator, the counts and the collector call, and what the files of
 * tracking say to each other.
 *
 *     track.c       switching on and off; what the rest of the runtime calls
 *     track_options.c  CAIRN_TRACK in the environment
 *     caller.c      which line of the program is at work
 *     site.c        the table of those lines       ring.c  the last events
 *     quarantine.c  freed blocks that are kept back
 *
 * Invariants:
 *  - While a heap is tracked heap->slow has CAIRN_SLOW_TRACKED, every arena has its records, and
 *    every object that lives has a serial.
 *  - An object has state.traced exactly when events or probes are on, immortal ones apart: those
 *    are never written to.
 *  - Nothing here fails the program: what finds no memory is counted as lost.  Only switching on,
 *    and mapping an arena, may fail.
 *  - Of a shared heap all this is guarded by the heap's lock.
 *  - None of this memory counts towards the heap's limit.
 *
 * What this is not: it decides nothing; with tracking on, a heap does what it does without.
 */
#ifndef CAIRN_TRACKING_H
#define CAIRN_TRACKING_H

#include "cairn/track.h"
#include "internal.h"

#define CAIRN_ENUM_TRACK(NAME, name, value) CAIRN_TRACK_##NAME = (value),
#define CAIRN_ENUM_EVENT(NAME, name, value) CAIRN_EVENT_##NAME = (value),
enum { CAIRN_TRACK_SWITCHES(CAIRN_ENUM_TRACK) };
enum { CAIRN_EVENT_OPS(CAIRN_ENUM_EVENT) };
_Static_assert(CAIRN_TRACK_FRAMES_MAX == CAIRN_SITE_FRAMES, "callers of a site");

struct cairn_tracking {
  CAIRN_LAYOUT_TRACKING(CAIRN_LAYOUT_DECLARE)
  /* private from here on */
  uint32_t *site_slots; /* site.c: a hash table of site numbers, twice site_capacity of them */
  cairn_misuse_fn misuse;
  void *misuse_context;
};

/* The record beside a block; NULL when its arena has none. */
static inline struct cairn_track_record *cairn_track_record_of(const void *block) {
  struct cairn_arena *arena = cairn_arena_of(block);
  if (arena->track == NULL) return NULL;
  const struct cairn_page *page = cairn_page_of(block);
  size_t position = (size_t)(page - cairn_arena_page(arena, 0)) * CAIRN_PAGE_BLOCKS_MAX;
  if (page->kind == CAIRN_PAGE_BLOCKS) {
    uint32_t offset = (uint32_t)((uintptr_t)block - (uintptr_t)arena) % CAIRN_PAGE_BYTES;
    position += cairn_size_class_index(page->size_class, offset);
  }
  return arena->track + position;
}

/* ---- track.c --------------------------------------------------------------------------------- */
/* For a heap with CAIRN_SLOW_TRACKED.  A new object, live already. */
void cairn_track_allocate(cairn_heap *heap, cairn_object *object);
/* A block is about to be freed.  True: it stays, in quarantine, and comes back to
 * cairn_block_free with a header of 0 when it may go. */
bool cairn_track_free(cairn_heap *heap, void *block);
/* A collection starts or ends (CAIRN_EVENT_*), the number-th. */
void cairn_track_collect(cairn_heap *heap, uint32_t op, uint64_t number, uint64_t freed_count);
/* For an object with state.traced: it was retained or released (CAIRN_EVENT_*), and its count is
 * `count` now.  `holder`: what keeps or kept the reference, an object or a slot; NULL: the caller
 * itself. */
void cairn_track_count(cairn_object *object, uint32_t op, uint32_t count, struct cairn_call call,
                       const void *holder);

/* Records for a new arena of a heap that is tracked.  False: no memory. */
bool cairn_track_arena_begin(const cairn_heap *heap, struct cairn_arena *arena);
void cairn_track_arena_end(struct cairn_arena *arena);
/* The pages hold no block any more: what is known of those that they held is forgotten. */
void cairn_track_pages_forget(struct cairn_arena *arena, uint32_t first, uint32_t count);

/* Memory is short: gives up the quarantine. */
void cairn_track_relieve(cairn_heap *heap);

/* ---- track_options.c ------------------------------------------------------------------------- */
/* Starts what CAIRN_TRACK asks for this heap. */
void cairn_track_from_environment(cairn_heap *heap);
/* Reads such a text, for a heap of that name.  True: something is to be tracked.  Calls `complain`
 * (may be NULL) with each word that makes no sense, not NUL-terminated. */
bool cairn_track_options_parse(const char *text, const char *heap_name,
                               cairn_track_options *options,
                               void (*complain)(const char *word, size_t bytes));

/* ---- caller.c -------------------------------------------------------------------------------- */
struct cairn_callers {
  uint64_t frames[CAIRN_SITE_FRAMES]; /* return addresses in the program, innermost first */
  uint64_t stack; /* where the stack of the innermost ended when it called; 0: not known */
  uint32_t count; /* 0: not known */
  bool inner;     /* the runtime itself retains or releases */
};
/* The callers of the runtime, at most `max`.  `call`: that of the function which the program or the
 * runtime called; all 0: not known. */
void cairn_callers_find(struct cairn_call call, uint32_t max, struct cairn_callers *out);
/* An object in quarantine was retained or released (CAIRN_EVENT_*), which changed nothing. */
void cairn_track_caught(cairn_heap *heap, const cairn_object *object, uint32_t op,
                        const struct cairn_callers *callers, const void *holder);
/* "libjson.so+0x1234", or the address alone. */
void cairn_caller_text(uint64_t caller, char *out, size_t bytes);

/* ---- site.c ---------------------------------------------------------------------------------- */
bool cairn_sites_begin(struct cairn_tracking *tracking);
void cairn_sites_end(struct cairn_tracking *tracking);
/* The number of the site, new or not; 0 when there is no room for it, or no table. */
uint32_t cairn_site_number(struct cairn_tracking *tracking, const struct cairn_callers *callers);
/* The site's row; NULL for 0. */
struct cairn_site *cairn_site_at(const struct cairn_tracking *tracking, uint32_t number);

/* ---- ring.c ---------------------------------------------------------------------------------- */
/* A ring for `capacity` events, a power of two, in the place of the one there is.  False: no
 * memory, and the old one stays.  0: none. */
bool cairn_ring_set(struct cairn_tracking *tracking, uint64_t capacity);
/* Adds the event; its sequence and thread are filled in here. */
void cairn_ring_add(struct cairn_tracking *tracking, struct cairn_event event);
uint32_t cairn_thread_number(void);

/* ---- quarantine.c ---------------------------------------------------------------------------- */
/* Keeps the block back.  False: it is larger than all of the quarantine. */
bool cairn_quarantine_keep(cairn_heap *heap, void *block, struct cairn_track_record *record);
/* Lets blocks go until no more than that are kept back. */
void cairn_quarantine_shrink(cairn_heap *heap, uint64_t bytes);
/* NULL, or what is wrong with a block in it.  Reports nothing. */
const char *cairn_quarantine_check(const cairn_heap *heap);
/* Reports a use of a freed object or buffer, and records it. */
void cairn_quarantine_misused(cairn_heap *heap, const void *block, enum cairn_misuse misuse,
                              struct cairn_call call, const void *holder);

#endif

/* The model: contract, root records, heaps, arenas, pages, types.  Small; no object is read. */
#ifndef LENS_LENS_MODEL_H
#define LENS_LENS_MODEL_H

#include "lens/reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells the lens where a root record may be (an exported symbol, a note that the caller found).
 * Hints outlive lens_refresh.  A wrong one does no harm. */
LENS_API lens_status lens_root_hint(lens *self, uint64_t address);
/* Finds root records and reads the model: hints, then ELF notes of mapped modules; written memory
 * is searched for the magic only where the notes of a module could not be read or none named a
 * root. LENS_AGAIN / LENS_OK; LENS_NOT_FOUND when there is no root record, LENS_UNSUPPORTED when
 * its contract lacks something essential (lens_error says what was searched, what is missing). What
 * is damaged is left out and becomes a problem.  Once it is loaded it stays until lens_refresh. */
LENS_API lens_status lens_model_load(lens *self, uint32_t slice_ms);

enum lens_found { LENS_FOUND_HINT = 1, LENS_FOUND_NOTE = 2, LENS_FOUND_SCAN = 3 };
typedef struct lens_root_record {
  uint64_t address;
  uint32_t major, found;
  const char *runtime;
  uint64_t heap_count;
} lens_root_record;
LENS_API uint64_t lens_root_record_count(const lens *self);
LENS_API lens_status lens_root_record_get(const lens *self, uint64_t index, lens_root_record *out);

typedef struct lens_heap {
  uint64_t address, id;
  const char *name;
  uint64_t object_count, buffer_count; /* the runtime's own counters */
  uint64_t used_bytes, reserved_bytes, returned_bytes, limit_bytes, external_bytes;
  uint64_t arena_count, collection_count, collected_count, candidate_count;
  uint64_t flux_object;
  const char *flux; /* "none", or what the heap is in the middle of */
  uint32_t type_count, root_record;
  uint32_t shared;            /* 1: all threads use it, and other heaps' objects hold its objects */
  uint32_t manual_collection; /* 1: it collects when the program asks, and else never */
  uint64_t soft_limit_bytes, taken_bytes, peak_bytes; /* what limits speak of, now and at most */
  uint64_t group_limit_bytes, group_taken_bytes;      /* of the heap's group */
  const char *group;                                  /* its name; NULL: the heap is in none */
} lens_heap;
LENS_API uint64_t lens_heap_count(const lens *self);
LENS_API lens_status lens_heap_get(const lens *self, uint64_t heap, lens_heap *out);
/* The bytes outside the heap that one of its objects keeps: 0 where none are noted. */
LENS_API lens_status lens_external_get(lens *self, uint64_t heap, uint64_t object, uint64_t *bytes);

/* Arenas of all heaps, by address; they never overlap.  All sizes in bytes. */
typedef struct lens_arena {
  uint64_t address, bytes, page_bytes, page_count, page_free_count;
  uint32_t heap, reserved;
  uint64_t blocks_used, blocks_free, bytes_used; /* from the page table */
  uint64_t side, side_bytes;
} lens_arena;
LENS_API uint64_t lens_arena_count(const lens *self);
LENS_API lens_status lens_arena_get(const lens *self, uint64_t arena, lens_arena *out);

enum lens_page_kind {
  LENS_PAGE_FREE,
  LENS_PAGE_META,
  LENS_PAGE_BLOCKS,
  LENS_PAGE_LARGE,
  LENS_PAGE_LARGE_TAIL,
  LENS_PAGE_DAMAGED
};
typedef struct lens_page {
  uint64_t address, bytes, block_bytes;
  uint32_t kind, block_count, fresh, used_count, span_pages, reserved;
} lens_page;
/* Page `page` of an arena: kind LENS_PAGE_DAMAGED where its row makes no sense. */
LENS_API lens_status lens_page_get(lens *self, uint64_t arena, uint64_t page, lens_page *out);

/* Types: (heap, index) pairs flattened; `type` is the flat index used everywhere in this header. */
typedef struct lens_type {
  uint64_t address, size_bytes;
  const char *name;    /* printable; a name that can't be read is "<type N>" */
  const char *display; /* "int", "list", "native", ... */
  uint32_t heap, index, slot_count, field_count;
  uint32_t opaque, acyclic, builtin, damaged; /* booleans */
} lens_type;
LENS_API uint64_t lens_type_count(const lens *self);
LENS_API lens_status lens_type_get(const lens *self, uint64_t type, lens_type *out);

/* What is needed to look at one object again and again without the lens: bits of its header, and
 * where its arena and heap say who they are.  Masks are of the header word, 0: the runtime has no
 * such state.  LENS_UNSUPPORTED where several runtimes differ, or the contract does not state it.
 */
typedef struct lens_shortcut {
  uint64_t live, dying, buffer, quarantined, saturated, count_mask, type_mask;
  uint64_t arena_alignment; /* an address rounded down to it is its arena's */
  uint32_t type_shift;      /* type_mask is of the word shifted so far to the right */
  uint32_t arena_heap;      /* where in an arena the address of its heap stands: 8 bytes */
  uint32_t heap_id;         /* where in a heap its id stands: 8 bytes */
  uint32_t reserved;
} lens_shortcut;
LENS_API lens_status lens_shortcut_get(const lens *self, lens_shortcut *out);

/* A word that a debugger may store in a running program. */
typedef struct lens_store {
  uint64_t address, value;
  uint32_t width, reserved; /* width: bytes */
} lens_store;
enum { LENS_OBSERVE_STORES = 2 };
/* What to store so that the next object that the heap makes or frees passes the probe `allocate` or
 * `free` already, once somebody has put something at it; without it the heap takes notice within
 * some dozen objects of a size.  Nothing but time is lost where it is stored in vain: the program
 * takes it back itself.  *written is 0 where nothing need be stored.  LENS_UNSUPPORTED: this
 * runtime has no such words, and shows objects of tracked heaps only; LENS_CORRUPT,
 * LENS_UNREADABLE: the words make no sense.  Reads them anew. */
LENS_API lens_status lens_observe_stores(lens *self, uint64_t heap,
                                         lens_store rows[LENS_OBSERVE_STORES], uint64_t *written);

#ifdef __cplusplus
}
#endif

#endif

/* liblens: reads a reference-counted heap from outside and computes on it.
 *
 * The way of the data:  reader -> contract -> model -> walk -> snapshot -> analysis -> rows.
 * The lens knows no GDB, links nothing of the runtime, prints nothing, never exits and never
 * asserts on target bytes: a corrupt target gives a short answer and named problems
 * (lens_problem_*).
 *
 * Conventions: functions return lens_status; out parameters stand last and are untouched on
 * failure.  Addresses of the target are uint64_t.  Strings handed out belong to the lens and live
 * until the next lens_refresh or lens_free, unless stated otherwise.  Structs are plain (ctypes
 * reads them), never shrink, and grow only at their ends.  Thread contract: one thread at a time
 * per lens; nothing is shared between lenses.
 *
 * Long work is sliced: a step function works for about `slice_ms` (0: to the end), returns
 * LENS_AGAIN while there is more, and can be given up at any point with lens_refresh or lens_free.
 */
#ifndef LENS_H
#define LENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LENS_API  __attribute__((visibility("default")))
#define LENS_ABI  4u         /* the plugin refuses a library with another number */
#define LENS_NONE UINT32_MAX /* no object index */

typedef enum lens_status {
  LENS_OK = 0,
  LENS_AGAIN = 1, /* the slice is used up; call again */
  LENS_NOT_FOUND = 2,
  LENS_UNREADABLE = 3, /* target memory that could not be read */
  LENS_CORRUPT = 4,    /* target memory that makes no sense; see the problems */
  LENS_NO_MEMORY = 5,  /* of the process that the lens runs in */
  LENS_CANCELLED = 6,  /* the reader said so */
  LENS_BAD_ARGUMENT = 7,
  LENS_UNSUPPORTED = 8, /* the contract lacks what this needs, or its major is unknown */
  LENS_IO = 9 /* a file could not be opened or is no ELF core; errno-style text in lens_error */
} lens_status;

LENS_API uint32_t lens_abi(void);
LENS_API const char *lens_status_text(lens_status status);

/* ---- reader ---- */

typedef struct lens lens;

/* Reads up to `bytes` from `address`: fills `out` with the readable prefix and stores its length
 * (0: nothing readable there).  LENS_OK, or LENS_CANCELLED to make the current call end; so does a
 * LENS_OK without a length, as a callback gives that was broken off. */
typedef struct lens_reader {
  void *context;
  lens_status (*read)(void *context, uint64_t address, uint64_t bytes, void *out,
                      uint64_t *read_bytes);
} lens_reader;

enum lens_region_flag {
  LENS_REGION_READ = 1,
  LENS_REGION_WRITE = 2,
  LENS_REGION_EXECUTE = 4,
  LENS_REGION_FILE = 8, /* mapped from a file, `name` is its path */
  LENS_REGION_STACK = 16,
  LENS_REGION_ABSENT = 32 /* known to exist, its bytes are not in the core */
};

typedef struct lens_region {
  uint64_t start, end;
  uint32_t flags; /* enum lens_region_flag */
  uint32_t reserved;
  const char *name; /* "" where none is known */
} lens_region;

/* A lens over memory that `reader` serves (copied).  Chunked and cached inside. */
LENS_API lens_status lens_new(const lens_reader *reader, lens **out);
/* A lens over a core file; `executable` (may be NULL) fills in pages that the core lacks. Regions,
 * threads and registers come from the file. */
LENS_API lens_status lens_new_core(const char *core, const char *executable, lens **out);
LENS_API void lens_free(lens *self);
/* Text of the last failure on this lens (NULL self: of the last failed lens_new_core on this
 * thread). */
LENS_API const char *lens_error(const lens *self);
/* Forgets everything read from the target but the regions; after the target ran. */
LENS_API void lens_refresh(lens *self);

/* The target's memory map.  Added by the caller for lens_new; present for lens_new_core. */
LENS_API lens_status lens_region_add(lens *self, const lens_region *region);
LENS_API void lens_regions_clear(lens *self);
LENS_API uint64_t lens_region_count(const lens *self);
LENS_API lens_status lens_region_get(const lens *self, uint64_t index, lens_region *out);

/* Threads of a core file: identity, stack pointer, program counter, general registers by name (as
 * GDB calls them).  None for lens_new.  LENS_NOT_FOUND behind the last one. */
typedef struct lens_thread {
  uint64_t id, pc, sp;
  uint32_t register_count, reserved;
} lens_thread;
LENS_API uint64_t lens_thread_count(const lens *self);
LENS_API lens_status lens_thread_get(const lens *self, uint64_t index, lens_thread *out);
LENS_API lens_status lens_thread_register(const lens *self, uint64_t thread, uint32_t index,
                                          const char **name, uint64_t *value);

/* Raw target memory through the lens's cache (prefix semantics as lens_reader.read). */
LENS_API lens_status lens_read(lens *self, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes);

/* ---- model: contract, heaps, types, arenas (small; no object is read) ---- */

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
  uint32_t shared; /* 1: all threads use it, and other heaps' objects hold its objects */
  uint32_t reserved;
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

/* ---- one address, one object: reads only what it needs, no snapshot ---- */

enum lens_place {
  LENS_PLACE_NOTHING = 0, /* not in an arena of any heap */
  LENS_PLACE_OBJECT,      /* in a live object; `base` is its address */
  LENS_PLACE_DYING,       /* in an object whose slots are being cleared */
  LENS_PLACE_BUFFER,      /* in a live buffer (`base` is its header) */
  LENS_PLACE_FREED,       /* in a block that was freed */
  LENS_PLACE_FRESH,       /* in a block that was never used */
  LENS_PLACE_FREE_PAGE,   /* in a page of an arena that holds nothing */
  LENS_PLACE_ARENA_META,  /* in an arena's own data, or behind the last block of a page */
  LENS_PLACE_HEAP_META,   /* in a heap's metadata; `base` is the mapping */
  LENS_PLACE_UNREADABLE,  /* in a block whose header can't be read */
  LENS_PLACE_DAMAGED,     /* in a block or page that makes no sense */
  LENS_PLACE_QUARANTINED  /* in a block that was freed, and that is kept back (lens_track_at) */
};
typedef struct lens_location {
  uint32_t place;             /* enum lens_place */
  uint32_t heap, arena, page; /* flat indices, LENS_NONE outside; the page of the block's start */
  uint64_t base, block_bytes, offset; /* offset of the address in the block; 0: exact */
} lens_location;
/* Where any address lies.  LENS_OK also for LENS_PLACE_NOTHING. */
LENS_API lens_status lens_locate(lens *self, uint64_t address, lens_location *out);

enum lens_state {
  LENS_STATE_IMMORTAL = 1,
  LENS_STATE_DYING = 2,
  LENS_STATE_CANDIDATE = 4,
  LENS_STATE_HELD = 8,
  LENS_STATE_FINALIZED = 16,
  LENS_STATE_WEAKLY = 32,
  LENS_STATE_INTERNED = 64,
  LENS_STATE_SATURATED = 128,
  LENS_STATE_DAMAGED = 256,
  LENS_STATE_SHARED = 512 /* of a shared heap: its count is atomic, any heap's slots may hold it */
};
typedef struct lens_object {
  uint64_t address, size_bytes; /* of the block */
  uint32_t type;                /* flat; LENS_NONE with LENS_STATE_DAMAGED */
  uint32_t refcount;            /* of a dying object: the resume ordinal (cairn/object.h) */
  uint32_t state, heap, arena, reserved;
} lens_object;
/* The live (or dying) object at exactly `address`; LENS_NOT_FOUND when there is none. */
LENS_API lens_status lens_object_at(lens *self, uint64_t address, lens_object *out);

/* A short text of the object's value: `5`, `"two"`, `[1, "two", <dict 4>]`, `<session port=80 …>`.
 * Objects are opened `depth` levels deep (0: none), with `width` children each; safe on cycles
 * (`<list …>`) and damage.  NUL-terminated UTF-8; what does not fit in `bytes` is cut and ends with
 * an ellipsis. */
LENS_API lens_status lens_object_text(lens *self, uint64_t address, uint32_t depth, uint32_t width,
                                      char *out, size_t bytes);

enum lens_ref_kind {
  LENS_REF_STRONG = 1,
  LENS_REF_WEAK = 2,
  LENS_REF_BORROWED = 3,
  LENS_REF_OPAQUE = 4
};
typedef struct lens_ref {
  uint64_t slot_address; /* the word that holds the reference */
  uint64_t target;       /* the word's reference, untagged */
  uint32_t kind;         /* enum lens_ref_kind */
  uint32_t slot;         /* row of the type's slots; LENS_NONE for opaque words */
  uint64_t element;      /* of an array, tail or table */
  uint32_t part;         /* table: 0 key, 1 value */
  uint32_t target_place; /* enum lens_place of the target */
} lens_ref;
/* The references of one object, weak and borrowed ones too, from the first-th on, at most
 * `capacity`;
 * `*total` is how many there are.  O(all of them). */
LENS_API lens_status lens_object_refs(lens *self, uint64_t address, uint64_t first,
                                      uint64_t capacity, lens_ref *refs, uint64_t *written,
                                      uint64_t *total);
/* The name of a reference's slot as a user reads it: `next`, `[3]`, `["user:17"]`, `key "a"`,
 * `+0x18`. */
LENS_API lens_status lens_ref_text(lens *self, uint64_t holder, const lens_ref *ref, char *out,
                                   size_t bytes);

typedef struct lens_field {
  const char *name;
  const char *kind;
  uint64_t address;
  uint32_t width, reserved;
  char text[96];
} lens_field;
/* The plain fields of one object, with their values as text. */
LENS_API lens_status lens_object_fields(lens *self, uint64_t address, uint64_t first,
                                        uint64_t capacity, lens_field *fields, uint64_t *written,
                                        uint64_t *total);

/* ---- tracking: what the program recorded of its objects ----
 *
 * Callers are return addresses in the program: the call stands right before them.  0: not known.
 * Nothing here needs a snapshot. */

enum lens_track_switch {
  LENS_TRACK_SITES = 1,
  LENS_TRACK_EVENTS = 2,
  LENS_TRACK_QUARANTINE = 4,
  LENS_TRACK_PROBES = 8
};
typedef struct lens_tracking {
  uint32_t switches;  /* enum lens_track_switch; 0 where only serials are given */
  uint32_t on;        /* 0: it was switched off again; all that follows is 0, but serial_last */
  uint32_t backtrace; /* callers a site at most */
  uint32_t site_count;
  uint64_t serial_last;
  uint64_t event_capacity, event_count, event_lost; /* recorded so far; of them, overwritten */
  uint64_t site_lost;                               /* places without room in the table */
  uint64_t quarantine_count, quarantine_bytes, quarantine_limit;
  uint64_t misuse_count; /* uses of freed objects that the program caught */
} lens_tracking;
/* LENS_NOT_FOUND when the heap was never tracked. */
LENS_API lens_status lens_tracking_get(const lens *self, uint64_t heap, lens_tracking *out);

/* What is known of the object in a block, or of the last one that was in it. */
typedef struct lens_track {
  uint64_t base;                           /* the block */
  uint64_t serial;                         /* 0: a buffer, or nothing is known */
  uint32_t place;                          /* enum lens_place of the block: LENS_PLACE_FREED, ... */
  uint32_t heap;                           /* flat */
  uint32_t type;                           /* flat; LENS_NONE: a buffer, or not known */
  uint32_t site, freed_site, freed_thread; /* 0: not known, or it lives */
} lens_track;
/* The record of the block that holds `address`.  LENS_NOT_FOUND when there is no block, no record,
 * or nothing in it. */
LENS_API lens_status lens_track_at(lens *self, uint64_t address, lens_track *out);

enum lens_event_op {
  LENS_EVENT_OTHER,
  LENS_EVENT_ALLOCATE,
  LENS_EVENT_FREE, /* garbage in cycles goes without releases of its own */
  LENS_EVENT_RETAIN,
  LENS_EVENT_RELEASE,
  LENS_EVENT_COLLECT_START, /* object 0; serial: collections before it */
  LENS_EVENT_COLLECT_END    /* count: objects that it freed */
};
typedef struct lens_event {
  uint64_t sequence; /* 1, 2, ... in the heap */
  uint64_t object, serial, caller;
  uint32_t op, count; /* enum lens_event_op; the count after it */
  uint32_t type;      /* flat; LENS_NONE: not known */
  uint32_t thread, site, heap;
} lens_event;
/* The events of a heap that are left: of one object (its address; 0: any) and of one identity (its
 * serial; 0: any).  In order, or with `newest_first` the other way round; from the first-th on, at
 * most `capacity`; `*total` is how many there are.  O(ring). */
LENS_API lens_status lens_events(lens *self, uint64_t heap, uint64_t object, uint64_t serial,
                                 uint32_t newest_first, uint64_t first, uint64_t capacity,
                                 lens_event *events, uint64_t *written, uint64_t *total);

#define LENS_SITE_FRAMES 8u /* lens_site.frames */
typedef struct lens_site {
  uint32_t number, frame_count;
  uint64_t object_count, object_bytes; /* that live and were allocated here */
  uint64_t allocation_count;           /* ever */
  uint64_t frames[8];                  /* callers, the innermost first */
} lens_site;
/* One site of a heap by its number, from 1; LENS_NOT_FOUND when there is none. */
LENS_API lens_status lens_site_get(lens *self, uint64_t heap, uint32_t number, lens_site *out);
/* The sites of a heap in the order of their numbers, from the first-th on. */
LENS_API lens_status lens_sites(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                                lens_site *sites, uint64_t *written, uint64_t *total);

/* The blocks in quarantine, the one that was freed first first, from the first-th on; place is
 * LENS_PLACE_QUARANTINED, or LENS_PLACE_DAMAGED for a block whose header was written to.  A list
 * that leads astray ends there, with a problem. */
LENS_API lens_status lens_quarantine(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                                     lens_track *rows, uint64_t *written, uint64_t *total);

/* ---- snapshot: all objects, columnar ---- */

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
  uint32_t exactness; /* 0 exact, 1 tolerant (in flux), 2 conservative (opaque types) */
  uint32_t reserved;
} lens_walk_totals;
LENS_API lens_status lens_walk_totals_get(const lens *self, lens_walk_totals *out);

/* ---- questions over the snapshot ---- */

enum lens_sort { LENS_SORT_REFCOUNT, LENS_SORT_SIZE, LENS_SORT_ADDRESS, LENS_SORT_TYPE };
typedef struct lens_filter {
  const char *type_glob; /* NULL: all; `*`, `?`, `[...]` as fnmatch */
  uint64_t refcount_min, refcount_max, size_min,
      size_max;     /* inclusive; set max to UINT64_MAX for none */
  uint32_t heap;    /* flat heap index, LENS_NONE: all */
  uint32_t sort;    /* enum lens_sort */
  uint32_t reverse; /* 0: the greatest key is kept when `capacity` cuts; rows come greatest first */
  uint32_t reserved;
} lens_filter;
/* The rows that match, the first `capacity` in the order asked; `matched` counts all.  Ties: by
 * address. */
LENS_API lens_status lens_select(lens *self, const lens_filter *filter, uint64_t capacity,
                                 lens_object *rows, uint64_t *written, uint64_t *matched);

typedef struct lens_type_census {
  uint32_t type, refcount_min, refcount_max, reserved;
  uint64_t count, bytes;
} lens_type_census;
LENS_API lens_status lens_census(lens *self, uint64_t capacity, lens_type_census *rows,
                                 uint64_t *written, uint64_t *total);
typedef struct lens_count_census {
  uint32_t refcount, immortal;
  uint64_t count, bytes;
} lens_count_census;
LENS_API lens_status lens_refcounts(lens *self, uint64_t capacity, lens_count_census *rows,
                                    uint64_t *written, uint64_t *total);

/* Who holds: one row a slot in a live or dying object (all kinds of references).  Uses the index
 * where there is one, else scans. */
typedef struct lens_referrer {
  uint64_t holder;
  lens_ref ref;
  uint32_t holder_dying, reserved;
} lens_referrer;
LENS_API lens_status lens_referrers(lens *self, uint64_t address, uint32_t slice_ms, uint64_t first,
                                    uint64_t capacity, lens_referrer *rows, uint64_t *written,
                                    uint64_t *total);

/* ---- roots and accounting ---- */

enum lens_root_kind {
  LENS_ROOT_ARG,
  LENS_ROOT_LOCAL,
  LENS_ROOT_STATIC,
  LENS_ROOT_GLOBAL,
  LENS_ROOT_TLS,
  LENS_ROOT_REGISTER,
  LENS_ROOT_WORD,
  LENS_ROOT_FOREIGN
};
enum lens_confidence {
  LENS_CONFIDENCE_EXACT,
  LENS_CONFIDENCE_TOLERANT,
  LENS_CONFIDENCE_CONSERVATIVE
};
typedef struct lens_root {
  uint64_t slot_address;               /* the storage; 0: a register */
  uint64_t value;                      /* the word */
  uint32_t object;                     /* snapshot index it resolves to */
  uint32_t kind, confidence, interior; /* interior: the word points behind the object's start */
  uint32_t thread, frame;              /* the caller's numbers, for naming; LENS_NONE: none */
  uint64_t tag;                        /* the caller's, handed back */
} lens_root;
LENS_API void lens_roots_clear(lens *self);
/* Adds a slot that the caller found (a variable, a register).  A slot address that is known already
 * is replaced when the new kind is a named one (arg..tls) and the old was word or foreign; else
 * kept.  Needs a finished walk.  A value that is in no object is ignored. */
LENS_API lens_status lens_root_add(lens *self, const lens_root *root);
/* Scans the aligned words of [start, end) for values that lie in an object's block; adds each as
 * `kind`.  Sliced: `*cursor` starts at `start`; `*added` is how many roots this call added. */
LENS_API lens_status lens_roots_scan(lens *self, uint64_t start, uint64_t end, uint32_t kind,
                                     uint32_t thread, uint32_t slice_ms, uint64_t *cursor,
                                     uint64_t *added);
/* Written regions that are neither arenas, heap metadata nor stacks: what `foreign` scanning must
 * cover. */
LENS_API lens_status lens_foreign_ranges(lens *self, uint64_t capacity, lens_region *ranges,
                                         uint64_t *written, uint64_t *total);
LENS_API uint64_t lens_root_count(const lens *self);
LENS_API lens_status lens_root_get(const lens *self, uint64_t index, lens_root *out);
/* Roots of one object: indices for lens_root_get. */
LENS_API lens_status lens_roots_of(const lens *self, uint32_t object, uint64_t capacity,
                                   uint64_t *roots, uint64_t *written, uint64_t *total);

enum lens_verdict {
  LENS_BALANCED,
  LENS_OVER_RETAINED,
  LENS_UNDER_RETAINED,
  LENS_VERDICT_IMMORTAL,
  LENS_VERDICT_UNKNOWN
};
typedef struct lens_account {
  uint64_t refcount, heap_refs, runtime_refs, root_refs;
  int64_t surplus;
  uint32_t verdict, exactness;
} lens_account;
/* balanced: heap + runtime <= refcount <= heap + runtime + root; surplus > 0 over, < 0 under.
 * Judged by the roots that were added so far.  `heap_refs` counts opaque words too: they may
 * explain a count, but never make it too low.  Needs a finished walk; uses the index where there is
 * one, else scans.  LENS_AGAIN / LENS_OK. */
LENS_API lens_status lens_account_object(lens *self, uint32_t object, uint32_t slice_ms,
                                         lens_account *out);

/* The accounts of all objects at once, columns beside those of lens_columns (walks and indexes
 * first where that was not done).  Valid until the next lens_account_all, lens_root_add,
 * lens_roots_scan, lens_roots_clear, lens_refresh or lens_free. */
typedef struct lens_accounts {
  uint64_t object_count;
  const uint32_t *heap_refs;   /* strong slots: exact */
  const uint32_t *opaque_refs; /* words of opaque objects that look like references; NULL: there is
                                  no opaque type */
  const uint32_t *root_refs;   /* distinct slots outside the heap, of all kinds and confidences */
  const uint16_t *runtime_refs;
  const uint8_t *verdict;                            /* enum lens_verdict */
  uint64_t balanced, over, under, immortal, unknown; /* objects of each verdict */
  uint64_t surplus, deficit;                         /* references too many, too few, summed */
  uint32_t exactness, reserved;
} lens_accounts;
LENS_API lens_status lens_account_all(lens *self, uint32_t slice_ms, lens_progress *progress);
LENS_API lens_status lens_accounts_get(const lens *self, lens_accounts *out);

/* What is reachable over strong and opaque edges (indexes first where that was not done), from the
 * `start_count` objects of `starts` and from what `from` names; the same at each call until
 * LENS_OK. */
enum lens_reach_from {
  LENS_REACH_ROOTS = 1,   /* the roots added so far */
  LENS_REACH_RUNTIME = 2, /* heap.runtime_slots and objects that the runtime holds */
  LENS_REACH_IMMORTAL = 4 /* objects that are never freed */
};
typedef struct lens_reached {
  uint64_t object_count, bytes; /* reachable */
  const uint64_t *marks;        /* object i: marks[i / 64] >> (i % 64) & 1 */
} lens_reached;
LENS_API lens_status lens_reach(lens *self, const uint32_t *starts, uint64_t start_count,
                                uint32_t from, uint32_t slice_ms, lens_progress *progress);
/* Of the last finished lens_reach; valid until the next one, lens_refresh or lens_free. */
LENS_API lens_status lens_reached_get(const lens *self, lens_reached *out);

/* ---- check, problems ---- */

/* Verifies headers, pages, free lists, counts, contract.  Findings become problems.  LENS_AGAIN /
 * LENS_OK. */
LENS_API lens_status lens_check(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_check_totals {
  uint64_t objects, pages, arenas, problems;
} lens_check_totals;
LENS_API lens_status lens_check_totals_get(const lens *self, lens_check_totals *out);

enum lens_severity { LENS_NOTE, LENS_WARNING, LENS_DAMAGE };
typedef struct lens_problem {
  uint64_t address;
  uint32_t severity, repeated;
  const char *text;
} lens_problem;
/* Named problems met so far (bounded; `repeated` counts what the same reason hid). */
LENS_API uint64_t lens_problem_count(const lens *self);
LENS_API lens_status lens_problem_get(const lens *self, uint64_t index, lens_problem *out);

#ifdef __cplusplus
}
#endif

#endif

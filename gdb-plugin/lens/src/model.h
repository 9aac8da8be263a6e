/* The model: what the lens knows of a target before it reads any object, in structs of its own.
 *
 * One contract (resolved layout) a root record; heaps, types with decoded slots and fields, and
 * arenas with their page tables.  Everything here was checked when it was read: offsets lie in
 * their structs, counts are bounded, arenas do not overlap, blocks lie in their pages.
 *
 * Invariants:
 *  - Flat indices: heap h's types are types[h.first_type .. + h.type_count); arenas stand by
 *    address and never overlap.
 *  - What was damaged is left out or marked, with a problem that names it; the rest is usable.
 *  - The model holds no bytes of objects, and nothing of the analysis above it.
 */
#ifndef LENS_MODEL_H
#define LENS_MODEL_H

#include "lens.h"
#include "memory/alloc.h"
#include "memory/slice.h"
#include "model/contract.h"
#include "target/reader.h"
#include "text/problem.h"

/* Bounds on what a target may claim. */
enum {
  LENS_ROOTS_MAX = 64,
  LENS_HEAPS_MAX = 1 << 16,
  LENS_TYPES_MAX = 1 << 20, /* of all heaps together */
  LENS_ARENAS_MAX = 1 << 20,
  LENS_PAGES_MAX = 1 << 26,
  LENS_SLOTS_MAX = 1 << 12,   /* of a type; also its fields */
  LENS_SLOTS_TOTAL = 1 << 21, /* of all types together, their fields too */
  LENS_CHUNKS_MAX = 1 << 16,  /* metadata mappings of a heap */
  LENS_RUNTIME_SLOTS_MAX = 256,
  LENS_EVENTS_MAX = 1 << 28, /* entries of an event ring */
  LENS_TRACK_SITES_MAX = 1 << 24
};

/* Events that a heap can have recorded: more is damage, and passes that count up to it would not
 * end. */
#define LENS_EVENT_COUNT_MAX (1ull << 56)

/* A decoded slot: a place, or a row of places, that hold references. */
struct lens_slot {
  const char *name;
  uint32_t offset, count_offset, first_offset, stride, value_offset;
  uint32_t target; /* flat type that it may hold; LENS_NONE: any */
  uint64_t tag_mask, tag_value;
  uint8_t kind;  /* enum lens_ref_kind */
  uint8_t shape; /* enum lens_shape */
  uint8_t count_width;
  bool count_in_buffer, foreign;
};

struct lens_plain_field {
  const char *name;
  uint32_t offset, width, length_offset;
  uint8_t kind; /* enum lens_field_kind */
  uint8_t length_width;
};

struct lens_type_model {
  lens_type shown;
  struct lens_slot *slots;
  const struct lens_plain_field *fields;
  uint64_t tail_item_bytes;
  uint8_t display;   /* enum lens_display */
  bool known;        /* the type could be read at all */
  bool conservative; /* its words are scanned: opaque, damaged, or with a slot not understood */
  bool finalizer;    /* code of the program runs before an object of it goes */
  bool simple;       /* all slots are single, strong, untagged: a loop over slots[].offset is all */
};

struct lens_range {
  uint64_t start, end;
};

/* Words that each hold a reference of the runtime's own (holdings.c). */
struct lens_held_words {
  uint64_t address, count;
};

struct lens_heap_model {
  lens_heap shown;
  const struct lens_contract *contract;
  uint32_t first_type, type_count; /* flat; the first is no type */
  uint8_t flux;                    /* enum lens_flux */
  bool collecting;                 /* whatever `flux` is meanwhile; false: not, or not told */
  struct lens_range *meta;         /* metadata mappings; sorted once the model is loaded */
  size_t meta_count, meta_capacity;
  uint64_t runtime_slots; /* address of the words the runtime itself owns */
  uint32_t runtime_slot_count;
  struct lens_held_words *holdings; /* of functions that run */
  size_t holding_count, holding_capacity;
  bool holdings_cut; /* there may be more */
  /* Free blocks that lie ready above the pages (ready.c), ascending once the model is loaded. */
  uint64_t *ready;
  size_t ready_count, ready_capacity;
  uint64_t ready_claimed; /* as many as the heap says */
  /* Tracking, where heap.tracking is not 0: what lens_tracking_get says, and where it lies. */
  bool tracked;
  lens_tracking tracking;
  uint64_t events, sites, quarantine_first;
  uint64_t external_table; /* address; 0: none (external.c) */
};

struct lens_page_model {
  uint64_t block_bytes;       /* stride; of a large page: bytes of the one block */
  uint64_t free_list;         /* unchecked */
  uint32_t block_count;       /* of a large page: 1 */
  uint32_t fresh, used_count; /* used: not those that lie ready */
  uint32_t ready_count;
  uint32_t span_pages; /* large: of the span; large_tail: pages back to the first; else 1 */
  uint8_t kind;        /* enum lens_page_kind */
};

struct lens_arena_model {
  lens_arena shown;
  struct lens_page_model *pages; /* shown.page_count of them */
  uint64_t track, track_bytes;   /* the records of its blocks; 0: it is not tracked */
  uint64_t side_places;          /* the collector's bytes, one a place; 0: not told */
};

struct lens_pool;     /* small things that live until the next refresh (pool.h) */
struct lens_analysis; /* the upper half's: walk, snapshot, roots, check */
struct lens_core;     /* an opened core file */
struct lens_load;     /* a lens_model_load in progress */

struct lens_model {
  bool loaded;
  struct lens_contract **contracts; /* one a root record; stable addresses */
  size_t contract_count, contract_capacity;
  struct lens_heap_model *heaps;
  size_t heap_count, heap_capacity;
  struct lens_type_model *types;
  size_t type_count, type_capacity;
  struct lens_arena_model *arenas; /* by address */
  size_t arena_count, arena_capacity;
  uint64_t *arena_starts; /* arenas[i].shown.address, packed for searching */
  uint64_t page_total, slot_total;
};

struct lens {
  lens_reader reader;
  struct lens_cache cache;
  struct lens_core *core; /* NULL when the caller reads */
  lens_region *regions;   /* by start, not overlapping; names in region_names */
  size_t region_count, region_capacity;
  struct lens_pool *region_names;
  uint64_t hints[LENS_ROOTS_MAX];
  uint32_t hint_count;
  struct lens_log log;
  char error[512];
  struct lens_load *load;
  struct lens_model model;
  struct lens_pool *pool;
  struct lens_analysis *analysis; /* made and used by the upper half alone */
  lens_turn_fn turn;              /* NULL: nobody is asked (turn.h) */
  void *turn_context;
  lens_slice turn_slice;
};

/* Frees the upper half's state (NULL allowed).  Called by lens_refresh and lens_free. */
void lens_analysis_free(struct lens_analysis *analysis);

/* ---- reading integers ---- */

/* The little-endian unsigned integer of 1 to 8 bytes. */
static inline uint64_t lens_load_uint(const uint8_t *bytes, uint32_t width) {
  uint64_t value = 0;
  if (width == 8) {
    __builtin_memcpy(&value, bytes,
                     8); /* the lens runs on little-endian hosts: lens.c asserts it */
    return value;
  }
  for (uint32_t i = 0; i < width; i++) value |= (uint64_t)bytes[i] << (8 * i);
  return value;
}

/* Whether an integer of the target can have this width. */
static inline bool lens_width_is_integer(uint64_t width) {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

/* A field of a struct whose first `extent` bytes are in hand; 0 where the contract lacks it. */
static inline uint64_t lens_load_place(const uint8_t *bytes, struct lens_place_of place) {
  return place.width == 0 || place.width > 8 ? 0
                                             : lens_load_uint(bytes + place.offset, place.width);
}

/* ---- holdings ---- */

/* Where a visit of what the runtime itself holds has come to; begins as all 0. */
struct lens_holding_place {
  size_t heap, span;
  uint64_t word;   /* of the span */
  bool slots_done; /* the heap's own slots were visited */
};

/* holdings.c: calls `visit` with each word that holds a reference of a function that runs, in the
 * heap where *at stands, which is left for the next one.  LENS_AGAIN: the slice is over; without
 * one turns are taken. */
typedef void (*lens_word_visit_fn)(void *context, uint64_t word);
lens_status lens_holdings_visit(lens *self, struct lens_holding_place *at, const lens_slice *slice,
                                lens_word_visit_fn visit, void *context);

/* ---- headers ---- */

/* A decoded object header. */
struct lens_head {
  /* LENS_PLACE_OBJECT, _DYING, _BUFFER, _FREED (header 0), _QUARANTINED (type: what it was, or
   * LENS_NONE for a buffer), _TOUCHED (a count and nothing else) or _DAMAGED */
  uint8_t place;
  uint32_t type;     /* flat; LENS_NONE for a buffer, a free block, a type index out of range */
  uint32_t refcount; /* dying: the resume ordinal n, see cairn/object.h */
  uint32_t state;    /* enum lens_state */
};
/* Decodes a header word of the heap.  An object whose type index names no readable type is an
 * object with LENS_STATE_DAMAGED. */
void lens_head_decode(const lens *self, uint32_t heap, uint64_t header, struct lens_head *out);

/* ---- arenas and blocks ---- */

/* The arena that holds `address`, or LENS_NONE. */
uint32_t lens_arena_find(const lens *self, uint64_t address);

/* The block that holds an address of an arena, by the page table alone (nothing is read).
 * `page` is the page of the block's start.  False: no block there (free or meta page, slack at a
 * page's end, damaged). */
struct lens_block {
  uint64_t start, bytes;
  uint32_t arena, page, index;
  bool fresh;
};
bool lens_block_find(const lens *self, uint32_t arena, uint64_t address, struct lens_block *out);

/* The metadata mapping of a heap that holds `address`, or NULL; *heap (may be NULL) is the flat
 * heap. */
const struct lens_range *lens_meta_find(const lens *self, uint64_t address, uint32_t *heap);

/* ---- references ---- */

/* Enumerates the references of one object in the contract's order: declared slots, elements inside,
 * key before value; then the words of a conservative type, and those of buffers that they point to.
 * Null words, foreign tags, and what a dying object no longer owns are skipped.  Targets are not
 * checked: a target may be no object at all, except for opaque words, which are only reported when
 * they are exactly the start of a block that may hold an object. The object's own bytes are the
 * caller's and must stay; arrays and tables behind a pointer are read in pieces. */
struct lens_slots {
  lens *self;
  const struct lens_type_model *type; /* NULL: every word is scanned */
  uint64_t address;
  const uint8_t *bytes;
  uint64_t byte_count, block_bytes;
  enum lens_source source; /* of the problems that are logged; the caller may set it after begin */
  lens_status status;
  bool partial; /* something was unreadable or outside its bounds: a problem was logged */
  bool stale;   /* the caller's, after begin: values of a table's empty rows are shown too */
  /* Where it stands: in a declared slot, or behind them all in the words of a conservative type. */
  uint32_t slot;
  bool entered;            /* the following are of the current slot */
  uint64_t element, count; /* the next element, how many there are */
  uint32_t part;           /* table: 0 the key is next, 1 the value */
  uint64_t base;           /* address of element 0's word */
  uint64_t array;          /* what the array's pointer holds (its buffer); 0: no array */
  uint64_t first_ordinal;  /* of element 0, among the words of strong slots */
  uint64_t resume; /* words with a lower ordinal own nothing (cairn/object.h); 0: not dying */
  uint64_t outer;  /* conservative: the word of the object to go on with behind a buffer; 0: none */
  /* The piece of target memory that is in `piece`. */
  uint64_t piece_start, piece_bytes;
  uint8_t piece[4096];
};

struct lens_place_ref {
  uint64_t slot_address, target;
  uint64_t element;
  uint32_t slot, part, kind; /* as in lens_ref */
};

/* The reference as it is shown; `target_place` is what its target is, see lens_locate. */
static inline lens_ref lens_ref_shown(const struct lens_place_ref *ref, uint32_t target_place) {
  return (lens_ref){.slot_address = ref->slot_address,
                    .target = ref->target,
                    .kind = ref->kind,
                    .slot = ref->slot,
                    .element = ref->element,
                    .part = ref->part,
                    .target_place = target_place};
}

/* The object's block is `block_bytes` long; `bytes` are the first `byte_count` of them (at least
 * the header): all of a small object, a prefix of a large one, whose rest is read as it is needed.
 */
void lens_slots_begin(struct lens_slots *it, lens *self, const struct lens_type_model *type,
                      uint64_t address, uint64_t block_bytes, const uint8_t *bytes,
                      uint64_t byte_count);
/* The next reference.  False at the end or when it->status is not LENS_OK (cancelled, out of
 * memory). */
bool lens_slots_next(struct lens_slots *it, struct lens_place_ref *out);

/* Calls `visit` with the content address of each buffer that the object's array and table slots
 * point to. */
typedef void (*lens_buffer_visit_fn)(void *context, uint32_t slot, uint64_t content);
void lens_slots_buffers(const struct lens_type_model *type, const uint8_t *bytes,
                        uint64_t byte_count, lens_buffer_visit_fn visit, void *context);

/* ---- texts ---- */

/* Copies `bytes` of target text as printable UTF-8: controls and invalid bytes become \xNN, `quote`
 * and the backslash are escaped where quote is not 0; what does not fit is cut and ends with "…".
 * Returns the length. */
size_t lens_text_printable(const uint8_t *text, size_t bytes, char quote, char *out,
                           size_t out_bytes);
/* What the model must be for a question: LENS_OK, or LENS_BAD_ARGUMENT with "load the model first".
 */
lens_status lens_need_model(lens *self);

#endif

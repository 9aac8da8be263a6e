/* The resolved contract: where each thing that the lens knows by name lies in this target's
 * structs.
 *
 * Invariants: every offset and width lies within its struct, every integer has a width that can be
 * loaded; what the target's tables lack has width 0, mask 0 or LENS_ABSENT, and is a named problem.
 */
#ifndef LENS_CONTRACT_H
#define LENS_CONTRACT_H

#include "lens.h"

/* A field of a target struct: width 0 where the contract lacks it. */
struct lens_place_of {
  uint32_t offset, width;
};

enum { LENS_EXTENT_MAX = 4096 }; /* known fields end within so many bytes of their struct */

/* The structs as S(struct, NEED), the fields of each as F(struct, field, KIND, NEED).
 * REPLACED: nothing is missing where it is gone: later runtimes say it with other fields, or only
 * who stops a running program asks (observe.c).  UINT: 1, 2, 4 or 8 bytes; ADDRESS: 8; TEXT, BYTES:
 * any number.  Without an ESSENTIAL one the heap can't be read (LENS_UNSUPPORTED); an OPTIONAL one
 * that is missing is a missing feature. */
/* clang-format off */
#define LENS_LAYOUT_STRUCTS(S) \
  S(root, ESSENTIAL) S(heap, ESSENTIAL) S(chunk, OPTIONAL) S(arena, ESSENTIAL) \
  S(page, ESSENTIAL) S(free_block, OPTIONAL) S(type, ESSENTIAL) S(slot, ESSENTIAL) \
  S(field, OPTIONAL) S(weak_table, OPTIONAL) S(group, OPTIONAL) S(external_table, OPTIONAL) \
  S(external, OPTIONAL) S(hot, OPTIONAL) S(holding, OPTIONAL) \
  S(tracking, OPTIONAL) S(event, OPTIONAL) \
  S(site, OPTIONAL) S(track_record, OPTIONAL)
#define LENS_LAYOUT_root(F) \
  F(root, heaps, ADDRESS, ESSENTIAL) F(root, heap_count, UINT, OPTIONAL) \
  F(root, runtime, TEXT, OPTIONAL)
#define LENS_LAYOUT_heap(F) \
  F(heap, magic, UINT, OPTIONAL) F(heap, self, ADDRESS, OPTIONAL) \
  F(heap, next, ADDRESS, ESSENTIAL) F(heap, id, UINT, OPTIONAL) F(heap, name, TEXT, OPTIONAL) \
  F(heap, chunks, ADDRESS, OPTIONAL) F(heap, types, ADDRESS, ESSENTIAL) \
  F(heap, type_count, UINT, ESSENTIAL) F(heap, arenas, ADDRESS, ESSENTIAL) \
  F(heap, arena_count, UINT, OPTIONAL) F(heap, object_count, UINT, REPLACED) \
  F(heap, buffer_count, UINT, OPTIONAL) F(heap, used_bytes, UINT, REPLACED) \
  F(heap, block_count, UINT, OPTIONAL) F(heap, block_bytes, UINT, OPTIONAL) \
  F(heap, retired_count, UINT, OPTIONAL) \
  F(heap, hot, ADDRESS, OPTIONAL) F(heap, hot_count, UINT, OPTIONAL) \
  F(heap, reserved_bytes, UINT, OPTIONAL) F(heap, returned_bytes, UINT, OPTIONAL) \
  F(heap, limit_bytes, UINT, OPTIONAL) F(heap, external_bytes, UINT, OPTIONAL) \
  F(heap, collection_count, UINT, OPTIONAL) F(heap, collected_count, UINT, OPTIONAL) \
  F(heap, candidate_count, UINT, OPTIONAL) F(heap, flux, UINT, OPTIONAL) \
  F(heap, flux_object, ADDRESS, OPTIONAL) F(heap, runtime_slots, BYTES, OPTIONAL) \
  F(heap, weak_table, ADDRESS, OPTIONAL) F(heap, shared, UINT, OPTIONAL) \
  F(heap, soft_limit_bytes, UINT, OPTIONAL) \
  F(heap, taken_bytes, UINT, OPTIONAL) F(heap, peak_bytes, UINT, OPTIONAL) \
  F(heap, group, ADDRESS, OPTIONAL) F(heap, external_table, ADDRESS, OPTIONAL) \
  F(heap, tracking, ADDRESS, OPTIONAL) F(heap, holdings, ADDRESS, OPTIONAL) \
  F(heap, collecting, UINT, OPTIONAL) F(heap, manual_collection, UINT, OPTIONAL) \
  F(heap, plans, ADDRESS, REPLACED) F(heap, slow, UINT, REPLACED) \
  F(heap, plans_observed, ADDRESS, REPLACED)
#define LENS_LAYOUT_chunk(F) \
  F(chunk, next, ADDRESS, OPTIONAL) F(chunk, bytes, UINT, OPTIONAL)
#define LENS_LAYOUT_arena(F) \
  F(arena, magic, UINT, OPTIONAL) F(arena, heap, ADDRESS, OPTIONAL) \
  F(arena, next, ADDRESS, ESSENTIAL) F(arena, bytes, UINT, ESSENTIAL) \
  F(arena, page_bytes, UINT, ESSENTIAL) F(arena, page_count, UINT, ESSENTIAL) \
  F(arena, page_free_count, UINT, OPTIONAL) F(arena, page_table_offset, UINT, ESSENTIAL) \
  F(arena, side, ADDRESS, OPTIONAL) F(arena, side_bytes, UINT, OPTIONAL) \
  F(arena, side_places, ADDRESS, OPTIONAL) \
  F(arena, track, ADDRESS, OPTIONAL) F(arena, track_bytes, UINT, OPTIONAL)
#define LENS_LAYOUT_page(F) \
  F(page, kind, UINT, ESSENTIAL) F(page, span_pages, UINT, ESSENTIAL) \
  F(page, block_bytes, UINT, ESSENTIAL) F(page, block_count, UINT, ESSENTIAL) \
  F(page, fresh, UINT, OPTIONAL) F(page, used_count, UINT, OPTIONAL) \
  F(page, free_list, ADDRESS, OPTIONAL)
#define LENS_LAYOUT_free_block(F) \
  F(free_block, next, ADDRESS, OPTIONAL)
#define LENS_LAYOUT_type(F) \
  F(type, name, ADDRESS, OPTIONAL) F(type, flags, UINT, OPTIONAL) \
  F(type, display, UINT, OPTIONAL) F(type, size_bytes, UINT, ESSENTIAL) \
  F(type, tail_item_bytes, UINT, OPTIONAL) F(type, slots, ADDRESS, ESSENTIAL) \
  F(type, fields, ADDRESS, OPTIONAL) F(type, slot_count, UINT, ESSENTIAL) \
  F(type, field_count, UINT, OPTIONAL)
#define LENS_LAYOUT_slot(F) \
  F(slot, name, ADDRESS, OPTIONAL) F(slot, kind, UINT, ESSENTIAL) \
  F(slot, shape, UINT, ESSENTIAL) F(slot, flags, UINT, OPTIONAL) \
  F(slot, count_width, UINT, OPTIONAL) F(slot, offset, UINT, ESSENTIAL) \
  F(slot, count_offset, UINT, OPTIONAL) F(slot, first_offset, UINT, OPTIONAL) \
  F(slot, stride, UINT, OPTIONAL) F(slot, value_offset, UINT, OPTIONAL) \
  F(slot, target, UINT, OPTIONAL) F(slot, tag_mask, UINT, OPTIONAL) \
  F(slot, tag_value, UINT, OPTIONAL)
#define LENS_LAYOUT_field(F) \
  F(field, name, ADDRESS, OPTIONAL) F(field, kind, UINT, OPTIONAL) \
  F(field, length_width, UINT, OPTIONAL) F(field, offset, UINT, OPTIONAL) \
  F(field, width, UINT, OPTIONAL) F(field, length_offset, UINT, OPTIONAL)
#define LENS_LAYOUT_weak_table(F) \
  F(weak_table, bytes, UINT, OPTIONAL)
#define LENS_LAYOUT_group(F) \
  F(group, name, TEXT, OPTIONAL) F(group, limit_bytes, UINT, OPTIONAL) \
  F(group, taken_bytes, UINT, OPTIONAL) F(group, heap_count, UINT, OPTIONAL)
#define LENS_LAYOUT_external_table(F) \
  F(external_table, bytes, UINT, OPTIONAL) F(external_table, capacity, UINT, OPTIONAL) \
  F(external_table, entries, ADDRESS, OPTIONAL)
#define LENS_LAYOUT_external(F) \
  F(external, object, ADDRESS, OPTIONAL) F(external, bytes, UINT, OPTIONAL)
#define LENS_LAYOUT_hot(F) \
  F(hot, pushed, UINT, OPTIONAL) F(hot, popped, UINT, OPTIONAL) F(hot, blocks, BYTES, OPTIONAL)
#define LENS_LAYOUT_holding(F) \
  F(holding, next, ADDRESS, OPTIONAL) F(holding, words, ADDRESS, OPTIONAL) \
  F(holding, first, UINT, OPTIONAL) F(holding, count, UINT, OPTIONAL)
#define LENS_LAYOUT_tracking(F) \
  F(tracking, switches, UINT, OPTIONAL) F(tracking, on, UINT, OPTIONAL) \
  F(tracking, backtrace, UINT, OPTIONAL) F(tracking, serial_last, UINT, OPTIONAL) \
  F(tracking, events, ADDRESS, OPTIONAL) F(tracking, event_capacity, UINT, OPTIONAL) \
  F(tracking, event_count, UINT, OPTIONAL) F(tracking, sites, ADDRESS, OPTIONAL) \
  F(tracking, site_count, UINT, OPTIONAL) F(tracking, site_lost, UINT, OPTIONAL) \
  F(tracking, quarantine_first, ADDRESS, OPTIONAL) \
  F(tracking, quarantine_count, UINT, OPTIONAL) F(tracking, quarantine_bytes, UINT, OPTIONAL) \
  F(tracking, quarantine_limit, UINT, OPTIONAL) F(tracking, misuse_count, UINT, OPTIONAL)
#define LENS_LAYOUT_event(F) \
  F(event, sequence, UINT, OPTIONAL) F(event, object, ADDRESS, OPTIONAL) \
  F(event, serial, UINT, OPTIONAL) F(event, caller, ADDRESS, OPTIONAL) \
  F(event, site, UINT, OPTIONAL) F(event, op, UINT, OPTIONAL) F(event, type, UINT, OPTIONAL) \
  F(event, count, UINT, OPTIONAL) F(event, thread, UINT, OPTIONAL) \
  F(event, inner, UINT, OPTIONAL) F(event, caught, UINT, OPTIONAL) F(event, stack, UINT, OPTIONAL) \
  F(event, holder, ADDRESS, OPTIONAL)
#define LENS_LAYOUT_site(F) \
  F(site, frames, BYTES, OPTIONAL) F(site, frame_count, UINT, OPTIONAL) \
  F(site, object_count, UINT, OPTIONAL) F(site, object_bytes, UINT, OPTIONAL) \
  F(site, allocation_count, UINT, OPTIONAL)
#define LENS_LAYOUT_track_record(F) \
  F(track_record, serial, UINT, OPTIONAL) F(track_record, next, ADDRESS, OPTIONAL) \
  F(track_record, site, UINT, OPTIONAL) F(track_record, freed_site, UINT, OPTIONAL) \
  F(track_record, type, UINT, OPTIONAL) F(track_record, freed_thread, UINT, OPTIONAL)
/* clang-format on */

#define LENS_LAYOUT_MEMBER(struct_name, field, kind, need) struct lens_place_of field;
#define LENS_LAYOUT_STRUCT(name, need)                            \
  struct lens_layout_##name {                                     \
    uint32_t struct_bytes; /* 0: the contract lacks the struct */ \
    uint32_t extent;       /* the end of the last known field */  \
    LENS_LAYOUT_##name(LENS_LAYOUT_MEMBER)                        \
  };
LENS_LAYOUT_STRUCTS(LENS_LAYOUT_STRUCT)

/* The object header's bits, as masks in place.  A mask of 0: the runtime has no such state. */
struct lens_header_layout {
  uint64_t live, dying, buffer, candidate, held, finalized, weakly, interned, shared, quarantined;
  uint64_t count_mask; /* at bit 0 */
  uint64_t saturated;  /* a bit of the count */
  uint64_t immortal;   /* the count of an object that is immortal by design */
  uint32_t type_shift;
  uint64_t type_mask; /* after the shift */
};

/* How a value is shown (the contract's display.* by name). */
enum lens_display {
  LENS_DISPLAY_NATIVE,
  LENS_DISPLAY_NONE,
  LENS_DISPLAY_BOOL,
  LENS_DISPLAY_INT,
  LENS_DISPLAY_FLOAT,
  LENS_DISPLAY_STR,
  LENS_DISPLAY_BYTES,
  LENS_DISPLAY_TUPLE,
  LENS_DISPLAY_LIST,
  LENS_DISPLAY_DICT,
  LENS_DISPLAY_SET,
  LENS_DISPLAY_WEAKREF,
  LENS_DISPLAY_CELL,
  LENS_DISPLAY_RECORD,
  LENS_DISPLAYS
};
enum lens_shape {
  LENS_SHAPE_SINGLE,
  LENS_SHAPE_ARRAY,
  LENS_SHAPE_TAIL,
  LENS_SHAPE_TABLE,
  LENS_SHAPES
};
enum lens_slot_kind { LENS_SLOT_STRONG, LENS_SLOT_WEAK, LENS_SLOT_BORROWED, LENS_SLOT_KINDS };
enum lens_field_kind {
  LENS_FIELD_UINT,
  LENS_FIELD_SINT,
  LENS_FIELD_FLOAT,
  LENS_FIELD_BOOL,
  LENS_FIELD_CHAR,
  LENS_FIELD_TEXT,
  LENS_FIELD_TEXT_POINTER,
  LENS_FIELD_ADDRESS,
  LENS_FIELD_BYTES,
  LENS_FIELD_KINDS
};
enum lens_flux {
  LENS_FLUX_NONE,
  LENS_FLUX_RELEASE,
  LENS_FLUX_RESIZE,
  LENS_FLUX_COLLECT,
  LENS_FLUX_RECLAIM,
  LENS_FLUX_ALLOCATE,
  LENS_FLUX_OTHER,
  LENS_FLUXES /* other: a state that this lens does not know */
};
enum lens_runtime_slot {
  LENS_RUNTIME_INTERN,
  LENS_RUNTIME_SMALL_INTS,
  LENS_RUNTIME_NONE,
  LENS_RUNTIME_TRUE,
  LENS_RUNTIME_FALSE,
  LENS_RUNTIME_NAMES
};

enum { LENS_TRACK_BITS = 4, LENS_EVENT_OPS = LENS_EVENT_COLLECT_END + 1 };

/* A value of an enumeration that the contract lacks. */
#define LENS_ABSENT UINT64_MAX

/* One root record's tables, resolved: every offset is inside its struct, every width one that can
 * be read. */
struct lens_contract {
  uint64_t address; /* of the root record */
  uint32_t major, found, record_bytes;
  char runtime[64]; /* printable */
  uint64_t heap_count, first_heap_address;
#define LENS_LAYOUT_IN_CONTRACT(name, need) struct lens_layout_##name name;
  LENS_LAYOUT_STRUCTS(LENS_LAYOUT_IN_CONTRACT)
  struct lens_header_layout header;
  uint64_t page_kinds[LENS_PAGE_DAMAGED]; /* by enum lens_page_kind: the target's value */
  uint64_t displays[LENS_DISPLAYS], shapes[LENS_SHAPES], slot_kinds[LENS_SLOT_KINDS];
  uint64_t field_kinds[LENS_FIELD_KINDS], fluxes[LENS_FLUX_OTHER],
      runtime_slots[LENS_RUNTIME_NAMES];
  uint64_t event_ops[LENS_EVENT_OPS];       /* [LENS_EVENT_OTHER] is none of the target's */
  uint64_t track_switches[LENS_TRACK_BITS]; /* masks, by bit of enum lens_track_switch; 0: none */
  uint64_t poison;             /* the byte that fills blocks in quarantine; 0: not stated */
  uint64_t track_page_records; /* records a page has in an arena's array */
  uint64_t side_place_bytes; /* of an arena, to each byte from its side_places on; 0: not stated */
  uint64_t type_flag_acyclic, type_flag_opaque, type_flag_builtin, type_flag_finalizer,
      type_flag_tail; /* masks; 0: none */
  uint64_t slot_flag_count_in_buffer, slot_flag_foreign;
  uint64_t heap_slow_observed;      /* mask; 0: none */
  uint64_t heap_magic, arena_magic; /* 0: not stated */
  uint64_t arena_alignment;         /* 0: not stated */
  uint64_t buffer_header_bytes;     /* from a buffer's block to what its owner points to */
};

/* Reads and resolves the root record at `address`.  LENS_OK; LENS_NOT_FOUND when there is none;
 * LENS_UNSUPPORTED, LENS_CORRUPT or LENS_UNREADABLE with the reason in lens_error; LENS_CANCELLED,
 * LENS_NO_MEMORY.  Missing optional parts are logged. */
lens_status lens_contract_read(lens *self, uint64_t address, struct lens_contract *out);

#endif

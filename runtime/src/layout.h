/* The layout: every struct of the runtime that a reader of its memory may need, declared once.
 *
 * Each struct is an X-macro list of F(c_type, array_suffix, name, KIND).  The same list declares
 * the C struct below and generates the contract's tables (contract_export.c), so the two cannot
 * drift.  Each enumeration that is stored in target memory is an X-macro list for the same reason.
 *
 * Invariants:
 *  - A name in a list is part of the contract: never reuse it for another meaning, as
 *    docs/CONTRACT.md says.
 *  - All these structs live in the heap's own metadata chunks or at the start of an arena: in
 *    written memory, so that a core holds them.
 *
 * What this is not: the public interface.  Nothing outside runtime/src includes it.
 */
#ifndef CAIRN_LAYOUT_H
#define CAIRN_LAYOUT_H

#include <stdint.h>

#include "cairn/make.h"
#include "cairn/object.h"

/* ---- geometry -------------------------------------------------------------------------------- */

enum {
  CAIRN_ARENA_BYTES = 4 << 20, /* and aligned so: an object's arena is its address, masked */
  CAIRN_PAGE_BYTES = 32 << 10,
  CAIRN_ARENA_PAGES = CAIRN_ARENA_BYTES / CAIRN_PAGE_BYTES,
  CAIRN_BLOCK_MIN_BYTES = 16, /* header and a free-list link */
  CAIRN_BLOCK_ALIGN = 8,
  CAIRN_SMALL_MAX_BYTES = 16384, /* above it a block has pages of its own */
  CAIRN_SIZE_CLASSES = 41,       /* size_class.c states them */
  CAIRN_RUNTIME_SLOTS = 16,      /* references that the runtime itself owns, see below */
  CAIRN_SITE_FRAMES = 8,         /* callers that a site may have */
  CAIRN_POISON_BYTE = 0xdb /* fills blocks in quarantine; as an address it can't be followed */
};

/* ---- enumerations that are stored ------------------------------------------------------------ */

/* page.kind */
#define CAIRN_PAGE_KINDS(E)                                                                \
  E(FREE, free, 0)             /* belongs to its arena, holds nothing */                   \
  E(META, meta, 1)             /* the arena's own header and page table */                 \
  E(BLOCKS, blocks, 2)         /* blocks of one size */                                    \
  E(LARGE, large, 3)           /* first page of one block that spans `span_pages` pages */ \
  E(LARGE_TAIL, large_tail, 4) /* a further page of that block */

/* heap.flux: what the heap is in the middle of.  While it is not NONE the objects named by
 * heap.flux_object and every dying object are in flux; headers and counts still tell the truth. */
#define CAIRN_FLUX_KINDS(E)                                                        \
  E(NONE, none, 0)                                                                 \
  E(RELEASE, release, 1)   /* a cascade of deaths; the dying carry state.dying */  \
  E(RESIZE, resize, 2)     /* flux_object is moving to another buffer */           \
  E(COLLECT, collect, 3)   /* the cycle collector reads; it changes nothing yet */ \
  E(RECLAIM, reclaim, 4)   /* the cycle collector finalizes and frees garbage */   \
  E(ALLOCATE, allocate, 5) /* page and arena lists are being changed */

/* heap.slow: why blocks come and go the slow way, out of line; masks.  With one of the first three
 * no block is kept ready. */
#define CAIRN_HEAP_SLOW(E)                                           \
  E(PRESSED, pressed, 1)   /* over the limit, or a fault is armed */ \
  E(TRACKED, tracked, 2)   /* allocations and frees are recorded */  \
  E(SHARED, shared, 4)     /* several threads use the heap */        \
  E(OBSERVED, observed, 8) /* a probe of allocate or free is listened to */

/* type.display: how a value of the type is best shown. */
#define CAIRN_DISPLAY_KINDS(E) \
  E(NATIVE, native, 0)         \
  E(NONE, none, 1)             \
  E(BOOL, bool, 2)             \
  E(INT, int, 3)               \
  E(FLOAT, float, 4)           \
  E(STR, str, 5)               \
  E(BYTES, bytes, 6)           \
  E(TUPLE, tuple, 7)           \
  E(LIST, list, 8)             \
  E(DICT, dict, 9)             \
  E(SET, set, 10)              \
  E(WEAKREF, weakref, 11)      \
  E(CELL, cell, 12)            \
  E(RECORD, record, 13)

/* type.flags, masks */
#define CAIRN_TYPE_FLAGS(E)                                                                 \
  E(ACYCLIC, acyclic, 1) /* no chain of strong slots leads back to an object of the type */ \
  E(OPAQUE, opaque, 2)   /* has a C traverse function: slots are not fully declared */      \
  E(BUILTIN, builtin, 4)                                                                    \
  E(FINALIZER, finalizer, 8)                                                                \
  E(HAS_WEAK, has_weak, 16) /* has weak slots */                                            \
  E(TAIL, tail, 32)         /* instances differ in size: an inline tail follows */

/* slot.kind */
#define CAIRN_SLOT_KINDS(E) \
  E(STRONG, strong, 1)      \
  E(WEAK, weak, 2)          \
  E(BORROWED, borrowed, 3)

/* slot.shape.  `offset` is from the start of the object unless it says else.
 *  single: the word at `offset`.
 *  array:  the word at `offset` points to a buffer (or other memory); element i's word is at
 *          first_offset + i * stride in it.
 *  tail:   element i's word is at offset + i * stride, in the object itself.
 *  table:  as array, but each row holds a key word at first_offset and a value word at
 *          first_offset + value_offset (value_offset 0: no values).  A row whose key is 0 is empty.
 * The element count is the unsigned integer of count_width bytes at count_offset: in the object,
 * or, with flag slot_flag.count_in_buffer, in the memory that the pointer leads to. */
#define CAIRN_SLOT_SHAPES(E) \
  E(SINGLE, single, 1)       \
  E(ARRAY, array, 2)         \
  E(TAIL, tail, 3)           \
  E(TABLE, table, 4)

/* slot.flags, masks */
#define CAIRN_SLOT_FLAGS(E)              \
  E(COUNT_IN_BUFFER, count_in_buffer, 1) \
  E(FOREIGN, foreign, 2) /* the array may lie outside the arenas (malloc'ed by the program) */

/* A word w of a slot holds a reference when w is not 0 and (w & tag_mask) == tag_value; the object
 * is then at w & ~tag_mask.  Untagged slots have both 0. */

/* field.kind: plain data, for showing values without DWARF */
#define CAIRN_FIELD_KINDS(E)                                                                       \
  E(UINT, uint, 1)                                                                                 \
  E(SINT, sint, 2)                                                                                 \
  E(FLOAT, float, 3)                                                                               \
  E(BOOL, bool, 4)                                                                                 \
  E(CHAR, char, 5)                                                                                 \
  E(TEXT, text, 6)                 /* in place; NUL-padded, or as long as the length field says */ \
  E(TEXT_POINTER, text_pointer, 7) /* char *, NUL-terminated */                                    \
  E(ADDRESS, address, 8)           /* any other pointer */                                         \
  E(BYTES, bytes, 9)               /* in place, raw */

/* heap.runtime_slots: what the runtime itself owns, one strong reference each */
#define CAIRN_RUNTIME_SLOT_NAMES(E)                              \
  E(INTERN, intern, 0)         /* a set: the interned strings */ \
  E(SMALL_INTS, small_ints, 1) /* a tuple: -5 .. 256 */          \
  E(NONE_OBJECT, none, 2)                                        \
  E(TRUE_OBJECT, true, 3)                                        \
  E(FALSE_OBJECT, false, 4)

/* tracking.switches, masks */
#define CAIRN_TRACK_SWITCHES(E)                                 \
  E(SITES, sites, 1)           /* each object has its site */   \
  E(EVENTS, events, 2)         /* retains and releases, ... */  \
  E(QUARANTINE, quarantine, 4) /* freed blocks are kept back */ \
  E(PROBES, probes, 8)         /* the probes of retain and release fire */

/* event.op */
#define CAIRN_EVENT_OPS(E)                                                  \
  E(ALLOCATE, allocate, 1)                                                  \
  E(FREE, free, 2) /* garbage in cycles goes without releases of its own */ \
  E(RETAIN, retain, 3)                                                      \
  E(RELEASE, release, 4)                                                    \
  E(COLLECT_START, collect_start, 5) /* serial: collections so far */       \
  E(COLLECT_END, collect_end, 6)     /* serial: as at its start; count: objects that it freed */

/* ---- structs ---------------------------------------------------------------------------------
 * F(c_type, array_suffix, name, KIND) ; KIND is an enum cairn_contract_kind suffix. */

/* The struct "root" lies within the root record, behind the framing (contract_export.c). */
#define CAIRN_LAYOUT_ROOT(F)                                                        \
  F(struct cairn_heap *, , heaps, ADDRESS) /* first heap; list through heap.next */ \
  F(uint64_t, , heap_count, UINT)                                                   \
  F(char, [32], runtime, TEXT) /* "cairn 0.1.0" */

#define CAIRN_LAYOUT_HEAP(F)                                                                      \
  F(struct cairn_plan *, , plans, ADDRESS) /* a row a type; where programs look (cairn/make.h) */ \
  F(uint64_t, , magic, UINT)               /* CAIRN_HEAP_MAGIC while the heap lives */            \
  F(struct cairn_heap *, , self, ADDRESS)                                                         \
  F(struct cairn_heap *, , next, ADDRESS) /* the process's heaps, from root.heaps */              \
  F(struct cairn_heap *, , previous, ADDRESS)                                                     \
  F(uint64_t, , id, UINT) /* 1, 2, ... in order of creation */                                    \
  F(char, [32], name, TEXT)                                                                       \
  F(struct cairn_chunk *, , chunks, ADDRESS) /* metadata: this struct, types, tables */           \
  F(struct cairn_type **, , types, ADDRESS)  /* array of type addresses; index 0 is not a type */ \
  F(uint32_t, , type_count, UINT)            /* index 0 included */                               \
  F(uint32_t, , type_capacity, UINT)                                                              \
  F(struct cairn_arena *, , arenas, ADDRESS) /* list through arena.next */                        \
  F(uint64_t, , arena_count, UINT)                                                                \
  F(uint64_t, , block_count, UINT) /* blocks that pages handed out: to objects (in flux off by    \
                                      the one being made), to buffers, and to `hot` */            \
  F(uint64_t, , block_bytes, UINT) /* of these, whole blocks */                                   \
  F(uint64_t, , buffer_count, UINT)                                                               \
  F(uint64_t, , reserved_bytes, UINT) /* arenas mapped now */                                     \
  F(uint64_t, , returned_bytes, UINT) /* given back to the system so far */                       \
  F(uint64_t, , limit_bytes, UINT)    /* 0: none */                                               \
  F(uint64_t, , external_bytes, UINT) /* told by cairn_external_add */                            \
  F(uint64_t, , collection_count, UINT)                                                           \
  F(uint64_t, , collected_count, UINT) /* objects freed by collections so far */                  \
  F(uint64_t, , candidate_count, UINT)                                                            \
  F(uint32_t, , flux, UINT) /* CAIRN_FLUX_KINDS */                                                \
  F(struct cairn_object *, , flux_object, ADDRESS)                                                \
  F(struct cairn_object *, [CAIRN_RUNTIME_SLOTS], runtime_slots, BYTES)                           \
  F(struct cairn_weak_table *, , weak_table, ADDRESS)                                             \
  F(uint32_t, , shared, UINT) /* 1: any thread uses its objects, which other heaps may hold */    \
  F(struct cairn_tracking *, , tracking, ADDRESS) /* 0: this heap was never tracked */            \
  F(uint64_t, , soft_limit_bytes, UINT)           /* 0: none */                                   \
  F(uint64_t, , taken_bytes, UINT) /* what limits speak of: arenas, metadata, external */         \
  F(uint64_t, , peak_bytes, UINT)  /* the most that taken_bytes ever was */                       \
  F(struct cairn_group *, , group, ADDRESS)                                                       \
  F(struct cairn_external_table *, , external_table, ADDRESS)                                     \
  F(uint64_t, , retired_count, UINT)    /* of block_count: freed and kept back */                 \
  F(struct cairn_hot *, , hot, ADDRESS) /* a row a size class; 0 before the first block */        \
  F(uint32_t, , hot_count, UINT)        /* rows */                                                \
  F(struct cairn_holding *, , holdings, ADDRESS)    /* of the functions that run; 0: none */      \
  F(uint32_t, , slow, UINT)                         /* CAIRN_HEAP_SLOW, masks */                  \
  F(struct cairn_plan *, , plans_observed, ADDRESS) /* for `plans`, while it is observed */       \
  F(uint32_t, , collecting, UINT)        /* 1: in a collection, whatever `flux` says meanwhile */ \
  F(uint32_t, , manual_collection, UINT) /* 1: it collects when the program asks */

/* References that a function of the runtime owns while it runs, one to each of words[first] to
 * words[count - 1]; it lies on that function's stack. */
#define CAIRN_LAYOUT_HOLDING(F)                                     \
  F(struct cairn_holding *, , next, ADDRESS) /* of an outer one */  \
  F(struct cairn_object *const *, , words, ADDRESS)                 \
  F(uint64_t, , first, UINT) /* words before it are held no more */ \
  F(uint64_t, , count, UINT) /* words from it on are not held yet */

/* Heaps that share a limit, on one or several threads: the numbers are changed atomically. */
#define CAIRN_LAYOUT_GROUP(F)                                  \
  F(char, [32], name, TEXT)                                    \
  F(uint64_t, , limit_bytes, UINT) /* 0: none */               \
  F(uint64_t, , taken_bytes, UINT) /* the sum of its heaps' */ \
  F(uint64_t, , peak_bytes, UINT)                              \
  F(uint64_t, , heap_count, UINT)                              \
  F(uint64_t, , refused_count, UINT) /* mappings that would have passed its limit */

#define CAIRN_LAYOUT_CHUNK(F)                                           \
  F(struct cairn_chunk *, , next, ADDRESS)                              \
  F(uint64_t, , bytes, UINT) /* of the mapping, this header included */ \
  F(uint64_t, , used_bytes, UINT)

#define CAIRN_LAYOUT_ARENA(F)                                                                     \
  F(uint64_t, , magic, UINT) /* CAIRN_ARENA_MAGIC */                                              \
  F(struct cairn_heap *, , heap, ADDRESS)                                                         \
  F(struct cairn_arena *, , next, ADDRESS)                                                        \
  F(struct cairn_arena *, , previous, ADDRESS)                                                    \
  F(uint64_t, , bytes, UINT) /* from the arena's address; pages cover all of it */                \
  F(uint32_t, , page_bytes, UINT)                                                                 \
  F(uint32_t, , page_count, UINT)                                                                 \
  F(uint32_t, , page_free_count, UINT)                                                            \
  F(uint32_t, , page_table_offset, UINT) /* struct cairn_page[page_count], from the arena */      \
  F(uint32_t, , number, UINT)            /* small and unique in the heap; reused */               \
  F(uint32_t, , page_shift, UINT)        /* page_bytes == 1 << page_shift */                      \
  F(void *, , side, ADDRESS)             /* the collector's trial counts: never in the objects */ \
  F(uint64_t, , side_bytes, UINT)                                                                 \
  F(struct cairn_track_record *, , track, ADDRESS) /* a record a block; 0: it is not tracked */   \
  F(uint64_t, , track_bytes, UINT)                                                                \
  F(uint8_t *, , side_places, ADDRESS) /* in `side`: a byte for each place, see side.h */

#define CAIRN_LAYOUT_PAGE(F)                                                                      \
  F(uint8_t, , kind, UINT) /* CAIRN_PAGE_KINDS */                                                 \
  F(uint8_t, , size_class, UINT)                                                                  \
  F(uint32_t, , span_pages, UINT)         /* large: of the span; large_tail: back to its first */ \
  F(uint64_t, , block_bytes, UINT)        /* stride of the blocks; large: bytes of the block */   \
  F(uint32_t, , block_count, UINT)        /* blocks that fit */                                   \
  F(uint32_t, , fresh, UINT)              /* blocks [fresh, block_count) were never used */       \
  F(uint32_t, , used_count, UINT)         /* blocks handed out, those in heap.hot too */          \
  F(uint32_t, , candidate_count, UINT)    /* objects here with state.candidate */                 \
  F(void *, , free_list, ADDRESS)         /* struct free_block, latest freed first */             \
  F(struct cairn_page *, , next, ADDRESS) /* pages of the class with room */                      \
  F(struct cairn_page *, , previous, ADDRESS)                                                     \
  F(uint64_t, , flags, UINT) /* private to the runtime */

/* A dead block.  The header is 0. */
#define CAIRN_LAYOUT_FREE_BLOCK(F) \
  F(uint64_t, , header, UINT)      \
  F(void *, , next, ADDRESS)

/* Free blocks of one size class that lie ready above the pages' lists, pushed - popped of them. */
#define CAIRN_LAYOUT_HOT(F)                                                             \
  F(uint64_t, , pushed, UINT)                  /* blocks that came in so far */         \
  F(uint64_t, , popped, UINT)                  /* of these, made objects or buffers */  \
  F(uint64_t, , capacity, UINT)                /* 0: blocks come and go the slow way */ \
  F(void *, [CAIRN_HOT_BLOCKS], blocks, BYTES) /* the next to be handed out stands last */

#define CAIRN_LAYOUT_TYPE(F)                                                              \
  F(char *, , name, ADDRESS) /* NUL-terminated, in a metadata chunk */                    \
  F(uint32_t, , index, UINT)                                                              \
  F(uint32_t, , flags, UINT)      /* CAIRN_TYPE_FLAGS */                                  \
  F(uint32_t, , display, UINT)    /* CAIRN_DISPLAY_KINDS */                               \
  F(uint64_t, , size_bytes, UINT) /* of an instance, header included, without its tail */ \
  F(uint64_t, , tail_item_bytes, UINT)                                                    \
  F(struct cairn_slot *, , slots, ADDRESS)                                                \
  F(struct cairn_field *, , fields, ADDRESS)                                              \
  F(uint32_t, , slot_count, UINT)                                                         \
  F(uint32_t, , field_count, UINT)                                                        \
  F(void *, , finalize, ADDRESS) /* code, or 0 */                                         \
  F(void *, , traverse, ADDRESS) /* code, or 0; then flags has opaque */                  \
  F(void *, , clear, ADDRESS)

#define CAIRN_LAYOUT_SLOT(F)                                            \
  F(char *, , name, ADDRESS)                                            \
  F(uint8_t, , kind, UINT)  /* CAIRN_SLOT_KINDS */                      \
  F(uint8_t, , shape, UINT) /* CAIRN_SLOT_SHAPES */                     \
  F(uint8_t, , flags, UINT) /* CAIRN_SLOT_FLAGS */                      \
  F(uint8_t, , count_width, UINT)                                       \
  F(uint32_t, , offset, UINT)                                           \
  F(uint32_t, , count_offset, UINT)                                     \
  F(uint32_t, , first_offset, UINT)                                     \
  F(uint32_t, , stride, UINT)                                           \
  F(uint32_t, , value_offset, UINT)                                     \
  F(uint32_t, , target, UINT) /* type index that it may hold; 0: any */ \
  F(uint64_t, , tag_mask, UINT)                                         \
  F(uint64_t, , tag_value, UINT)

#define CAIRN_LAYOUT_FIELD(F)                                                      \
  F(char *, , name, ADDRESS)                                                       \
  F(uint8_t, , kind, UINT)         /* CAIRN_FIELD_KINDS */                         \
  F(uint8_t, , length_width, UINT) /* 0: no length field */                        \
  F(uint32_t, , offset, UINT)                                                      \
  F(uint32_t, , width, UINT) /* bytes; of one unit for text with a length field */ \
  F(uint32_t, , length_offset, UINT)

/* The weak table maps targets to the weak slots that hold them; it lives in its own mapping. */
#define CAIRN_LAYOUT_WEAK_TABLE(F)                \
  F(uint64_t, , bytes, UINT) /* of the mapping */ \
  F(uint32_t, , capacity, UINT)                   \
  F(uint32_t, , count, UINT)

/* What tracking records of a heap.  Event number n (from 1 to event_count) stands at
 * events[(n - 1) % event_capacity], as long as no later one took its place. */
#define CAIRN_LAYOUT_TRACKING(F)                                                                  \
  F(uint32_t, , switches, UINT)    /* CAIRN_TRACK_SWITCHES */                                     \
  F(uint32_t, , on, UINT)          /* 0: switched off; nothing below has a meaning but serials */ \
  F(uint32_t, , backtrace, UINT)   /* callers a site */                                           \
  F(uint64_t, , serial_last, UINT) /* the last serial that was given */                           \
  F(struct cairn_event *, , events, ADDRESS)                                                      \
  F(uint64_t, , event_capacity, UINT)      /* a power of two, or 0 */                             \
  F(uint64_t, , event_count, UINT)         /* recorded so far, those that are lost included */    \
  F(struct cairn_site *, , sites, ADDRESS) /* site number n (from 1 to site_count): row n - 1 */  \
  F(uint32_t, , site_count, UINT)                                                                 \
  F(uint32_t, , site_capacity, UINT)                                                              \
  F(uint64_t, , site_lost, UINT)         /* places that found no room in the table */             \
  F(void *, , quarantine_first, ADDRESS) /* the block that was freed first; list through */       \
  F(void *, , quarantine_last, ADDRESS)  /* track_record.next */                                  \
  F(uint64_t, , quarantine_count, UINT)  /* blocks */                                             \
  F(uint64_t, , quarantine_bytes, UINT)  /* of those blocks */                                    \
  F(uint64_t, , quarantine_limit, UINT)  /* bytes that are kept back at most */                   \
  F(uint64_t, , misuse_count, UINT)      /* uses of freed objects that were caught */             \
  F(uint64_t, , bytes, UINT)             /* mapped for the ring and the sites */

/* One thing that happened.  `sequence` is its number; anything else there: it is being written. */
#define CAIRN_LAYOUT_EVENT(F)                                                                      \
  F(uint64_t, , sequence, UINT)                                                                    \
  F(uint64_t, , object, ADDRESS)                                                                   \
  F(uint64_t, , serial, UINT)                                                                      \
  F(uint64_t, , caller, ADDRESS) /* a return address in the program; 0: unknown */                 \
  F(uint32_t, , site, UINT)      /* with more callers; 0: none was recorded */                     \
  F(uint32_t, , op, UINT)        /* CAIRN_EVENT_OPS */                                             \
  F(uint32_t, , type, UINT)      /* index */                                                       \
  F(uint32_t, , count, UINT)     /* after it */                                                    \
  F(uint32_t, , thread, UINT)    /* as the kernel numbers it */                                    \
  F(uint16_t, , inner, UINT)  /* 1: the runtime retained or released it on the program's behalf */ \
  F(uint16_t, , caught, UINT) /* 1: it was freed before, lay in quarantine, and was not changed */ \
  F(uint64_t, , stack, UINT)  /* where the caller's stack ended at its call; 0: unknown */         \
  F(uint64_t, , holder, ADDRESS) /* what keeps or kept the reference: an object, or a slot; 0: the \
                                  * caller itself, or unknown */

/* A place in the program: the innermost caller, and those around it. */
#define CAIRN_LAYOUT_SITE(F)                                                              \
  F(uint64_t, [CAIRN_SITE_FRAMES], frames, BYTES) /* return addresses, innermost first */ \
  F(uint32_t, , frame_count, UINT)                                                        \
  F(uint32_t, , reserved, UINT)                                                           \
  F(uint64_t, , object_count, UINT)     /* objects that live and were allocated here */   \
  F(uint64_t, , object_bytes, UINT)     /* of their blocks */                             \
  F(uint64_t, , allocation_count, UINT) /* objects that were ever allocated here */

/* Beside each block: what is known of the object in it, or of the last that was.  The record of
 * block i of page p is number p * track.page_records + i of the arena's. */
#define CAIRN_LAYOUT_TRACK_RECORD(F)                                                   \
  F(uint64_t, , serial, UINT)     /* 0: a buffer, or nothing known */                  \
  F(void *, , next, ADDRESS)      /* in quarantine: the block freed after it */        \
  F(uint32_t, , site, UINT)       /* where it was allocated; 0: not known */           \
  F(uint32_t, , freed_site, UINT) /* where it was freed; 0: not freed, or not known */ \
  F(uint32_t, , type, UINT)       /* index; 0: a buffer */                             \
  F(uint32_t, , freed_thread, UINT)

/* The objects that keep bytes outside the heap, in a mapping of its own; an entry whose object is 0
 * is empty. */
#define CAIRN_LAYOUT_EXTERNAL_TABLE(F)            \
  F(uint64_t, , bytes, UINT) /* of the mapping */ \
  F(uint32_t, , capacity, UINT)                   \
  F(uint32_t, , count, UINT)                      \
  F(struct cairn_external *, , entries, ADDRESS) /* `capacity` of them */
#define CAIRN_LAYOUT_EXTERNAL(F)              \
  F(struct cairn_object *, , object, ADDRESS) \
  F(uint64_t, , bytes, UINT)

/* ---- the C structs --------------------------------------------------------------------------- */

#define CAIRN_LAYOUT_DECLARE(c_type, suffix, name, kind) c_type name suffix;

struct cairn_chunk {
  CAIRN_LAYOUT_CHUNK(CAIRN_LAYOUT_DECLARE)
};
struct cairn_page {
  CAIRN_LAYOUT_PAGE(CAIRN_LAYOUT_DECLARE)
};
struct cairn_free_block {
  CAIRN_LAYOUT_FREE_BLOCK(CAIRN_LAYOUT_DECLARE)
};
/* struct cairn_hot is in cairn/make.h: programs have it compiled in. */
#define CAIRN_LAYOUT_CHECK_HOT(c_type, suffix, name, kind) \
  _Static_assert(sizeof(((struct cairn_hot *)0)->name) == sizeof(c_type suffix), #name);
CAIRN_LAYOUT_HOT(CAIRN_LAYOUT_CHECK_HOT)
struct cairn_slot {
  CAIRN_LAYOUT_SLOT(CAIRN_LAYOUT_DECLARE)
};
struct cairn_field {
  CAIRN_LAYOUT_FIELD(CAIRN_LAYOUT_DECLARE)
};
/* The strong slots of a type whose only ones are untagged single words, one beside the other. */
struct cairn_run {
  uint32_t offset; /* of the first word */
  uint32_t count;  /* CAIRN_RUN_NONE: the slots are others, or not all of what it holds */
};
#define CAIRN_RUN_NONE UINT32_MAX

struct cairn_type {
  CAIRN_LAYOUT_TYPE(CAIRN_LAYOUT_DECLARE)
  /* private from here on */
  struct cairn_run strong_run;
};
struct cairn_event {
  CAIRN_LAYOUT_EVENT(CAIRN_LAYOUT_DECLARE)
};
struct cairn_site {
  CAIRN_LAYOUT_SITE(CAIRN_LAYOUT_DECLARE)
};
struct cairn_track_record {
  CAIRN_LAYOUT_TRACK_RECORD(CAIRN_LAYOUT_DECLARE)
};
struct cairn_group {
  CAIRN_LAYOUT_GROUP(CAIRN_LAYOUT_DECLARE)
};
struct cairn_external {
  CAIRN_LAYOUT_EXTERNAL(CAIRN_LAYOUT_DECLARE)
};
struct cairn_holding {
  CAIRN_LAYOUT_HOLDING(CAIRN_LAYOUT_DECLARE)
};
struct cairn_external_table {
  CAIRN_LAYOUT_EXTERNAL_TABLE(CAIRN_LAYOUT_DECLARE)
};
/* struct cairn_heap, struct cairn_arena (internal.h), struct cairn_weak_table (weak.c) and struct
 * cairn_tracking (tracking.h) begin with their lists and have private members behind them. */

#define CAIRN_HEAP_MAGIC  0x7061656e72696143ull /* "Cairneap" */
#define CAIRN_ARENA_MAGIC 0x616e65726e726961ull /* "airnrena" */

#endif

/* The contract's target side: the root record, the note that leads to it, the list of heaps.
 *
 * Invariants:
 *  - Everything in the record lies in written data (.data), so a core holds it; it is complete at
 *    load time, before any code runs: `self` is filled by the loader.
 *  - The rows come from the X-macros that declare the structs and enumerations (layout.h,
 *    object.h): they cannot drift.
 *  - The list of heaps is correct at every instruction for a reader that follows heap.next: one
 *    store links a complete heap, one unlinks it.
 *
 * What this is not: a reader.  docs/CONTRACT.md states the format byte by byte.
 */
#include <pthread.h>
#include <stdio.h>

#include "cairn/contract.h"
#include "side.h"
#include "tracking.h"

/* ---- what is exported ------------------------------------------------------------------------ */

/* The public part of a struct whose private part is another file's. */
struct weak_table_head {
  CAIRN_LAYOUT_WEAK_TABLE(CAIRN_LAYOUT_DECLARE)
};

/* S(name, C type, list of fields).  "root" is the record itself: offsets are from its start. */
#define EXPORTED_STRUCTS(S)                                                   \
  S(root, struct root_record, CAIRN_LAYOUT_ROOT)                              \
  S(heap, struct cairn_heap, CAIRN_LAYOUT_HEAP)                               \
  S(chunk, struct cairn_chunk, CAIRN_LAYOUT_CHUNK)                            \
  S(arena, struct cairn_arena, CAIRN_LAYOUT_ARENA)                            \
  S(page, struct cairn_page, CAIRN_LAYOUT_PAGE)                               \
  S(free_block, struct cairn_free_block, CAIRN_LAYOUT_FREE_BLOCK)             \
  S(hot, struct cairn_hot, CAIRN_LAYOUT_HOT)                                  \
  S(type, struct cairn_type, CAIRN_LAYOUT_TYPE)                               \
  S(slot, struct cairn_slot, CAIRN_LAYOUT_SLOT)                               \
  S(field, struct cairn_field, CAIRN_LAYOUT_FIELD)                            \
  S(weak_table, struct weak_table_head, CAIRN_LAYOUT_WEAK_TABLE)              \
  S(tracking, struct cairn_tracking, CAIRN_LAYOUT_TRACKING)                   \
  S(event, struct cairn_event, CAIRN_LAYOUT_EVENT)                            \
  S(site, struct cairn_site, CAIRN_LAYOUT_SITE)                               \
  S(track_record, struct cairn_track_record, CAIRN_LAYOUT_TRACK_RECORD)       \
  S(group, struct cairn_group, CAIRN_LAYOUT_GROUP)                            \
  S(external_table, struct cairn_external_table, CAIRN_LAYOUT_EXTERNAL_TABLE) \
  S(external, struct cairn_external, CAIRN_LAYOUT_EXTERNAL)                   \
  S(holding, struct cairn_holding, CAIRN_LAYOUT_HOLDING)                      \
  S(object, struct cairn_object, EXPORTED_OBJECT)

#define EXPORTED_OBJECT(F) F(uint64_t, , header, UINT)

/* Parts of the header word: B(name, first bit, bits) */
#define EXPORTED_HEADER_BITS(B) \
  B(count, 0, CAIRN_TYPE_SHIFT) \
  B(type, CAIRN_TYPE_SHIFT, CAIRN_TYPE_BITS)

/* Values that are no enumeration: C(name, value) */
#define EXPORTED_VALUES(C)                       \
  C("count.saturated", CAIRN_COUNT_SATURATED)    \
  C("count.immortal", CAIRN_COUNT_IMMORTAL)      \
  C("object.header_bytes", sizeof(cairn_object)) \
  C("object.alignment", CAIRN_BLOCK_ALIGN)       \
  C("buffer.header_bytes", sizeof(cairn_object)) \
  C("block.min_bytes", CAIRN_BLOCK_MIN_BYTES)    \
  C("arena.alignment", CAIRN_ARENA_BYTES)        \
  C("magic.arena", CAIRN_ARENA_MAGIC)            \
  C("magic.heap", CAIRN_HEAP_MAGIC)              \
  C("heap.runtime_slots", CAIRN_RUNTIME_SLOTS)   \
  C("side.place_bytes", CAIRN_SIDE_PLACE_BYTES)  \
  C("track.page_records", CAIRN_PAGE_BLOCKS_MAX) \
  C("quarantine.poison", CAIRN_POISON_BYTE)

/* ---- counting the rows ----------------------------------------------------------------------- */

#define STRUCT_INDEX(name, c_type, list) STRUCT_##name,
enum { EXPORTED_STRUCTS(STRUCT_INDEX) STRUCT_COUNT };

#define ONE_FIELD(c_type, suffix, name, kind) +1
#define ONE_LIST(name, c_type, list)          list(ONE_FIELD)
#define ONE_BITS(name, shift, bits)           +1
#define ONE_ENUM(NAME, name, value)           +1
#define ONE_VALUE(name, value)                +1
enum {
  TABLE_COUNT = 3,
  FIELD_COUNT = 0 EXPORTED_STRUCTS(ONE_LIST) EXPORTED_HEADER_BITS(ONE_BITS),
  CONSTANT_COUNT = 0 CAIRN_PAGE_KINDS(ONE_ENUM) CAIRN_FLUX_KINDS(ONE_ENUM) CAIRN_HEAP_SLOW(ONE_ENUM)
      CAIRN_DISPLAY_KINDS(ONE_ENUM) CAIRN_TYPE_FLAGS(ONE_ENUM) CAIRN_SLOT_KINDS(ONE_ENUM)
          CAIRN_SLOT_SHAPES(ONE_ENUM) CAIRN_SLOT_FLAGS(ONE_ENUM) CAIRN_FIELD_KINDS(ONE_ENUM)
              CAIRN_RUNTIME_SLOT_NAMES(ONE_ENUM) CAIRN_STATE_BITS(ONE_ENUM)
                  CAIRN_TRACK_SWITCHES(ONE_ENUM) CAIRN_EVENT_OPS(ONE_ENUM)
                      EXPORTED_VALUES(ONE_VALUE)
};

/* ---- the record ------------------------------------------------------------------------------ */

struct root_record {
  struct cairn_contract_head head;
  struct cairn_contract_table tables[TABLE_COUNT];
  CAIRN_LAYOUT_ROOT(CAIRN_LAYOUT_DECLARE)
  struct cairn_contract_struct structs[STRUCT_COUNT];
  struct cairn_contract_field fields[FIELD_COUNT];
  struct cairn_contract_constant constants[CONSTANT_COUNT];
};

/* The runtime and the note use this name: a hidden one needs no relocation against a symbol, and
 * can't be taken for the record of another copy of the runtime in the process. */
extern struct root_record cairn_root_record __attribute__((visibility("hidden")));

#define TABLE_ROW(member)                                                                        \
  {                                                                                              \
    .name = #member, .offset = offsetof(struct root_record, member),                             \
    .stride = sizeof(((struct root_record *)0)->member[0]),                                      \
    .count =                                                                                     \
        sizeof(((struct root_record *)0)->member) / sizeof(((struct root_record *)0)->member[0]) \
  }

#define STRUCT_ROW(row_name, c_type, list) {.name = #row_name, .size_bytes = sizeof(c_type)},

#define FIELD_ROW(owner, c_type, field, field_kind) \
  {.name = #field,                                  \
   .struct_index = STRUCT_##owner,                  \
   .kind = CAIRN_KIND_##field_kind,                 \
   .offset = offsetof(c_type, field),               \
   .width = sizeof(((c_type *)0)->field)},
/* A list's F has no place for its struct: one row macro a struct. */
#define ROW_root(t, s, name, kind)       FIELD_ROW(root, struct root_record, name, kind)
#define ROW_heap(t, s, name, kind)       FIELD_ROW(heap, struct cairn_heap, name, kind)
#define ROW_chunk(t, s, name, kind)      FIELD_ROW(chunk, struct cairn_chunk, name, kind)
#define ROW_arena(t, s, name, kind)      FIELD_ROW(arena, struct cairn_arena, name, kind)
#define ROW_page(t, s, name, kind)       FIELD_ROW(page, struct cairn_page, name, kind)
#define ROW_free_block(t, s, name, kind) FIELD_ROW(free_block, struct cairn_free_block, name, kind)
#define ROW_hot(t, s, name, kind)        FIELD_ROW(hot, struct cairn_hot, name, kind)
#define ROW_type(t, s, name, kind)       FIELD_ROW(type, struct cairn_type, name, kind)
#define ROW_slot(t, s, name, kind)       FIELD_ROW(slot, struct cairn_slot, name, kind)
#define ROW_field(t, s, name, kind)      FIELD_ROW(field, struct cairn_field, name, kind)
#define ROW_weak_table(t, s, name, kind) FIELD_ROW(weak_table, struct weak_table_head, name, kind)
#define ROW_tracking(t, s, name, kind)   FIELD_ROW(tracking, struct cairn_tracking, name, kind)
#define ROW_event(t, s, name, kind)      FIELD_ROW(event, struct cairn_event, name, kind)
#define ROW_site(t, s, name, kind)       FIELD_ROW(site, struct cairn_site, name, kind)
#define ROW_track_record(t, s, name, kind) \
  FIELD_ROW(track_record, struct cairn_track_record, name, kind)
#define ROW_group(t, s, name, kind) FIELD_ROW(group, struct cairn_group, name, kind)
#define ROW_external_table(t, s, name, kind) \
  FIELD_ROW(external_table, struct cairn_external_table, name, kind)
#define ROW_external(t, s, name, kind) FIELD_ROW(external, struct cairn_external, name, kind)
#define ROW_holding(t, s, name, kind)  FIELD_ROW(holding, struct cairn_holding, name, kind)
#define ROW_object(t, s, name, kind)   FIELD_ROW(object, struct cairn_object, name, kind)
#define LIST_ROWS(name, c_type, list)  list(ROW_##name)

#define BITS_ROW(row_name, first, bits) \
  {.name = #row_name,                   \
   .struct_index = STRUCT_object,       \
   .kind = CAIRN_KIND_BITS,             \
   .bit_shift = (first),                \
   .bit_count = (bits),                 \
   .offset = 0,                         \
   .width = sizeof(uint64_t)},

#define VALUE_ROW(row_name, row_value)      {.name = row_name, .value = (row_value)},
#define PAGE_KIND_ROW(NAME, name, value)    VALUE_ROW("page_kind." #name, value)
#define FLUX_ROW(NAME, name, value)         VALUE_ROW("flux." #name, value)
#define HEAP_SLOW_ROW(NAME, name, value)    VALUE_ROW("heap_slow." #name, value)
#define DISPLAY_ROW(NAME, name, value)      VALUE_ROW("display." #name, value)
#define TYPE_FLAG_ROW(NAME, name, value)    VALUE_ROW("type_flag." #name, value)
#define SLOT_KIND_ROW(NAME, name, value)    VALUE_ROW("slot_kind." #name, value)
#define SLOT_SHAPE_ROW(NAME, name, value)   VALUE_ROW("slot_shape." #name, value)
#define SLOT_FLAG_ROW(NAME, name, value)    VALUE_ROW("slot_flag." #name, value)
#define FIELD_KIND_ROW(NAME, name, value)   VALUE_ROW("field_kind." #name, value)
#define RUNTIME_SLOT_ROW(NAME, name, value) VALUE_ROW("runtime_slot." #name, value)
#define TRACK_SWITCH_ROW(NAME, name, value) VALUE_ROW("track_switch." #name, value)
#define EVENT_OP_ROW(NAME, name, value)     VALUE_ROW("event_op." #name, value)
#define STATE_ROW(NAME, name, bit)          VALUE_ROW("state." #name, 1ull << (bit))

struct root_record cairn_root_record __attribute__((section(".data"), used,
                                                    aligned(CAIRN_ROOT_ALIGN))) = {
    .head = {.magic = CAIRN_ROOT_MAGIC,
             .self = (uint64_t)(uintptr_t)&cairn_root_record,
             .major = CAIRN_CONTRACT_MAJOR,
             .record_bytes = sizeof(struct root_record),
             .table_offset = offsetof(struct root_record, tables),
             .table_stride = sizeof(struct cairn_contract_table),
             .table_count = TABLE_COUNT},
    .tables = {TABLE_ROW(structs), TABLE_ROW(fields), TABLE_ROW(constants)},
    .runtime = "cairn " CAIRN_VERSION,
    .structs = {EXPORTED_STRUCTS(STRUCT_ROW)},
    .fields = {EXPORTED_STRUCTS(LIST_ROWS) EXPORTED_HEADER_BITS(BITS_ROW)},
    .constants = {CAIRN_PAGE_KINDS(PAGE_KIND_ROW) CAIRN_FLUX_KINDS(FLUX_ROW) CAIRN_HEAP_SLOW(
        HEAP_SLOW_ROW) CAIRN_DISPLAY_KINDS(DISPLAY_ROW) CAIRN_TYPE_FLAGS(TYPE_FLAG_ROW)
                      CAIRN_SLOT_KINDS(SLOT_KIND_ROW) CAIRN_SLOT_SHAPES(SLOT_SHAPE_ROW)
                          CAIRN_SLOT_FLAGS(SLOT_FLAG_ROW) CAIRN_FIELD_KINDS(FIELD_KIND_ROW)
                              CAIRN_RUNTIME_SLOT_NAMES(RUNTIME_SLOT_ROW) CAIRN_STATE_BITS(STATE_ROW)
                                  CAIRN_TRACK_SWITCHES(TRACK_SWITCH_ROW)
                                      CAIRN_EVENT_OPS(EVENT_OP_ROW) EXPORTED_VALUES(VALUE_ROW)}};

/* The name that readers with symbols look for. */
extern struct root_record cairn_contract_root
    __attribute__((alias("cairn_root_record"), visibility("default")));

/* The note: name size, descriptor size, type, "CAIRN\0" padded to 8, and the distance from the
 * descriptor to the record, which the linker knows: no relocation is left for the loader. */
__asm__(
    ".pushsection .note.cairn, \"a\", %note\n"
    ".balign 4\n"
    ".long 6\n"
    ".long 8\n"
    ".long 1\n"
    ".asciz \"" CAIRN_NOTE_OWNER
    "\"\n"
    ".balign 4\n"
    ".quad cairn_root_record - .\n"
    ".popsection\n");
_Static_assert(sizeof CAIRN_NOTE_OWNER == 6 && CAIRN_NOTE_DESC_BYTES == 8 && CAIRN_NOTE_TYPE == 1,
               "the numbers in the note");

/* ---- the list of heaps ----------------------------------------------------------------------- */

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_heap_id;

void cairn_registry_add(cairn_heap *heap) {
  pthread_mutex_lock(&registry_lock);
  heap->id = ++last_heap_id;
  if (heap->name[0] == '\0') {
    snprintf(heap->name, sizeof heap->name, "heap %llu", (unsigned long long)heap->id);
  }
  cairn_heap *first = cairn_root_record.heaps;
  heap->next = first;
  heap->previous = NULL;
  CAIRN_ORDER();
  cairn_root_record.heaps = heap;
  CAIRN_ORDER();
  if (first != NULL) first->previous = heap;
  cairn_root_record.heap_count++;
  pthread_mutex_unlock(&registry_lock);
}

void cairn_registry_remove(cairn_heap *heap) {
  pthread_mutex_lock(&registry_lock);
  if (heap->previous == NULL) {
    cairn_root_record.heaps = heap->next;
  } else {
    heap->previous->next = heap->next;
  }
  CAIRN_ORDER();
  if (heap->next != NULL) heap->next->previous = heap->previous;
  cairn_root_record.heap_count--;
  pthread_mutex_unlock(&registry_lock);
}

bool cairn_registry_find(bool (*matches)(cairn_heap *heap, void *context), void *context) {
  pthread_mutex_lock(&registry_lock);
  cairn_heap *heap = cairn_root_record.heaps;
  while (heap != NULL && !matches(heap, context)) heap = heap->next;
  pthread_mutex_unlock(&registry_lock);
  return heap != NULL;
}

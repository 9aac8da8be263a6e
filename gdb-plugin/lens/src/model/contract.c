/* Reading a root record: the tables of the contract become offsets, masks and values by name.
 *
 * The record is at most RECORD_BYTES_MAX and is copied before it is looked at; each table is
 * checked to lie within it, and each row before it is used.
 */
#include "model/contract.h"

#include <stdio.h>
#include <string.h>

#include "cairn/contract.h"
#include "model.h"

enum { RECORD_BYTES_MAX = 1 << 20, TABLES_MAX = 64, STRUCT_BYTES_MAX = 1 << 16 };

/* A table of the record, checked to lie within it. */
struct table {
  const uint8_t *rows;
  uint32_t stride, count;
};

struct record {
  uint64_t address;
  struct cairn_contract_head head;
  uint8_t *bytes;
  struct table structs, fields, constants;
};

/* ---- what the lens knows by name ---- */

enum need { OPTIONAL, REPLACED, ESSENTIAL };
enum kind { UINT, ADDRESS, TEXT, BYTES };

struct known_struct {
  const char *name;
  enum need need;
  size_t bytes_at; /* of struct_bytes in struct lens_contract */
};

struct known_field {
  const char *struct_name, *name;
  enum kind kind;
  enum need need;
  size_t place_at;  /* of the struct lens_place_of in struct lens_contract */
  size_t extent_at; /* of the struct's extent */
};

#define STRUCT_ROW(name, need) {#name, need, offsetof(struct lens_contract, name.struct_bytes)},
static const struct known_struct known_structs[] = {LENS_LAYOUT_STRUCTS(STRUCT_ROW)};

#define FIELD_ROW(struct_name, field, kind, need)     \
  {#struct_name,                                      \
   #field,                                            \
   kind,                                              \
   need,                                              \
   offsetof(struct lens_contract, struct_name.field), \
   offsetof(struct lens_contract, struct_name.extent)},
#define FIELD_ROWS(name, need) LENS_LAYOUT_##name(FIELD_ROW)
static const struct known_field known_fields[] = {LENS_LAYOUT_STRUCTS(FIELD_ROWS)};

/* Enumerations: LENS_ABSENT where the contract lacks the value. */
struct known_value {
  const char *name;
  enum need need;
  size_t value_at;
};

#define VALUE(name, need, member) \
  { name, need, offsetof(struct lens_contract, member) }
static const struct known_value known_values[] = {
    VALUE("page_kind.free", ESSENTIAL, page_kinds[LENS_PAGE_FREE]),
    VALUE("page_kind.meta", OPTIONAL, page_kinds[LENS_PAGE_META]),
    VALUE("page_kind.blocks", ESSENTIAL, page_kinds[LENS_PAGE_BLOCKS]),
    VALUE("page_kind.large", ESSENTIAL, page_kinds[LENS_PAGE_LARGE]),
    VALUE("page_kind.large_tail", ESSENTIAL, page_kinds[LENS_PAGE_LARGE_TAIL]),
    VALUE("display.native", OPTIONAL, displays[LENS_DISPLAY_NATIVE]),
    VALUE("display.none", OPTIONAL, displays[LENS_DISPLAY_NONE]),
    VALUE("display.bool", OPTIONAL, displays[LENS_DISPLAY_BOOL]),
    VALUE("display.int", OPTIONAL, displays[LENS_DISPLAY_INT]),
    VALUE("display.float", OPTIONAL, displays[LENS_DISPLAY_FLOAT]),
    VALUE("display.str", OPTIONAL, displays[LENS_DISPLAY_STR]),
    VALUE("display.bytes", OPTIONAL, displays[LENS_DISPLAY_BYTES]),
    VALUE("display.tuple", OPTIONAL, displays[LENS_DISPLAY_TUPLE]),
    VALUE("display.list", OPTIONAL, displays[LENS_DISPLAY_LIST]),
    VALUE("display.dict", OPTIONAL, displays[LENS_DISPLAY_DICT]),
    VALUE("display.set", OPTIONAL, displays[LENS_DISPLAY_SET]),
    VALUE("display.weakref", OPTIONAL, displays[LENS_DISPLAY_WEAKREF]),
    VALUE("display.cell", OPTIONAL, displays[LENS_DISPLAY_CELL]),
    VALUE("display.record", OPTIONAL, displays[LENS_DISPLAY_RECORD]),
    VALUE("slot_shape.single", ESSENTIAL, shapes[LENS_SHAPE_SINGLE]),
    VALUE("slot_shape.array", OPTIONAL, shapes[LENS_SHAPE_ARRAY]),
    VALUE("slot_shape.tail", OPTIONAL, shapes[LENS_SHAPE_TAIL]),
    VALUE("slot_shape.table", OPTIONAL, shapes[LENS_SHAPE_TABLE]),
    VALUE("slot_kind.strong", ESSENTIAL, slot_kinds[LENS_SLOT_STRONG]),
    VALUE("slot_kind.weak", OPTIONAL, slot_kinds[LENS_SLOT_WEAK]),
    VALUE("slot_kind.borrowed", OPTIONAL, slot_kinds[LENS_SLOT_BORROWED]),
    VALUE("field_kind.uint", OPTIONAL, field_kinds[LENS_FIELD_UINT]),
    VALUE("field_kind.sint", OPTIONAL, field_kinds[LENS_FIELD_SINT]),
    VALUE("field_kind.float", OPTIONAL, field_kinds[LENS_FIELD_FLOAT]),
    VALUE("field_kind.bool", OPTIONAL, field_kinds[LENS_FIELD_BOOL]),
    VALUE("field_kind.char", OPTIONAL, field_kinds[LENS_FIELD_CHAR]),
    VALUE("field_kind.text", OPTIONAL, field_kinds[LENS_FIELD_TEXT]),
    VALUE("field_kind.text_pointer", OPTIONAL, field_kinds[LENS_FIELD_TEXT_POINTER]),
    VALUE("field_kind.address", OPTIONAL, field_kinds[LENS_FIELD_ADDRESS]),
    VALUE("field_kind.bytes", OPTIONAL, field_kinds[LENS_FIELD_BYTES]),
    VALUE("flux.none", OPTIONAL, fluxes[LENS_FLUX_NONE]),
    VALUE("flux.release", OPTIONAL, fluxes[LENS_FLUX_RELEASE]),
    VALUE("flux.resize", OPTIONAL, fluxes[LENS_FLUX_RESIZE]),
    VALUE("flux.collect", OPTIONAL, fluxes[LENS_FLUX_COLLECT]),
    VALUE("flux.reclaim", OPTIONAL, fluxes[LENS_FLUX_RECLAIM]),
    VALUE("flux.allocate", OPTIONAL, fluxes[LENS_FLUX_ALLOCATE]),
    VALUE("event_op.allocate", OPTIONAL, event_ops[LENS_EVENT_ALLOCATE]),
    VALUE("event_op.free", OPTIONAL, event_ops[LENS_EVENT_FREE]),
    VALUE("event_op.retain", OPTIONAL, event_ops[LENS_EVENT_RETAIN]),
    VALUE("event_op.release", OPTIONAL, event_ops[LENS_EVENT_RELEASE]),
    VALUE("event_op.collect_start", OPTIONAL, event_ops[LENS_EVENT_COLLECT_START]),
    VALUE("event_op.collect_end", OPTIONAL, event_ops[LENS_EVENT_COLLECT_END]),
    VALUE("runtime_slot.intern", OPTIONAL, runtime_slots[LENS_RUNTIME_INTERN]),
    VALUE("runtime_slot.small_ints", OPTIONAL, runtime_slots[LENS_RUNTIME_SMALL_INTS]),
    VALUE("runtime_slot.none", OPTIONAL, runtime_slots[LENS_RUNTIME_NONE]),
    VALUE("runtime_slot.true", OPTIONAL, runtime_slots[LENS_RUNTIME_TRUE]),
    VALUE("runtime_slot.false", OPTIONAL, runtime_slots[LENS_RUNTIME_FALSE])};

/* Masks and magic numbers: 0 where the contract lacks them. */
static const struct known_value known_masks[] = {
    VALUE("state.live", ESSENTIAL, header.live),
    VALUE("state.dying", OPTIONAL, header.dying),
    VALUE("state.buffer", OPTIONAL, header.buffer),
    VALUE("state.candidate", OPTIONAL, header.candidate),
    VALUE("state.held", OPTIONAL, header.held),
    VALUE("state.finalized", OPTIONAL, header.finalized),
    VALUE("state.weakly", OPTIONAL, header.weakly),
    VALUE("state.interned", OPTIONAL, header.interned),
    VALUE("state.shared", OPTIONAL, header.shared),
    VALUE("state.quarantined", OPTIONAL, header.quarantined),
    VALUE("track_switch.sites", OPTIONAL, track_switches[0]),
    VALUE("track_switch.events", OPTIONAL, track_switches[1]),
    VALUE("track_switch.quarantine", OPTIONAL, track_switches[2]),
    VALUE("track_switch.probes", OPTIONAL, track_switches[3]),
    VALUE("heap_slow.observed", REPLACED, heap_slow_observed),
    VALUE("quarantine.poison", OPTIONAL, poison),
    VALUE("track.page_records", OPTIONAL, track_page_records),
    VALUE("side.place_bytes", OPTIONAL, side_place_bytes),
    VALUE("count.saturated", OPTIONAL, header.saturated),
    VALUE("count.immortal", OPTIONAL, header.immortal),
    VALUE("type_flag.acyclic", OPTIONAL, type_flag_acyclic),
    VALUE("type_flag.opaque", OPTIONAL, type_flag_opaque),
    VALUE("type_flag.builtin", OPTIONAL, type_flag_builtin),
    VALUE("type_flag.finalizer", OPTIONAL, type_flag_finalizer),
    VALUE("type_flag.tail", OPTIONAL, type_flag_tail),
    VALUE("slot_flag.count_in_buffer", OPTIONAL, slot_flag_count_in_buffer),
    VALUE("slot_flag.foreign", OPTIONAL, slot_flag_foreign),
    VALUE("magic.heap", OPTIONAL, heap_magic),
    VALUE("magic.arena", OPTIONAL, arena_magic),
    VALUE("arena.alignment", OPTIONAL, arena_alignment),
    VALUE("buffer.header_bytes", OPTIONAL, buffer_header_bytes)};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t *value_slot(struct lens_contract *contract, const struct known_value *known) {
  return (uint64_t *)(void *)((char *)contract + known->value_at);
}

/* ---- the record ---- */

/* Copies and checks the head, then the whole record. */
static lens_status read_record(lens *self, uint64_t address, struct record *record) {
  struct cairn_contract_head *head = &record->head;
  lens_status status = lens_fetch(self, address, sizeof *head, head);
  if (status == LENS_UNREADABLE) {
    return lens_fail(self, status, "the root record at 0x%llx can't be read",
                     (unsigned long long)address);
  }
  if (status != LENS_OK) return status;
  record->address = address;
  if (memcmp(head->magic, CAIRN_ROOT_MAGIC, CAIRN_ROOT_MAGIC_BYTES) != 0 || head->self != address) {
    return lens_fail(self, LENS_NOT_FOUND, "there is no root record at 0x%llx",
                     (unsigned long long)address);
  }
  if (head->major != CAIRN_CONTRACT_MAJOR) {
    return lens_fail(self, LENS_UNSUPPORTED,
                     "the root record at 0x%llx has contract major %u; this lens knows %u",
                     (unsigned long long)address, (unsigned)head->major, CAIRN_CONTRACT_MAJOR);
  }
  if (head->record_bytes < sizeof *head || head->record_bytes > RECORD_BYTES_MAX) {
    return lens_fail(self, LENS_CORRUPT, "the root record at 0x%llx says that it has %u bytes",
                     (unsigned long long)address, (unsigned)head->record_bytes);
  }
  record->bytes = lens_alloc(head->record_bytes);
  if (record->bytes == NULL) return LENS_NO_MEMORY;
  status = lens_fetch(self, address, head->record_bytes, record->bytes);
  if (status == LENS_UNREADABLE) {
    return lens_fail(self, status, "the root record at 0x%llx is readable in part only",
                     (unsigned long long)address);
  }
  return status;
}

static bool lies_within(const struct record *record, uint64_t offset, uint64_t stride,
                        uint64_t count, uint64_t row_bytes) {
  return stride >= row_bytes && offset <= record->head.record_bytes &&
         (count == 0 || count <= (record->head.record_bytes - offset) / stride);
}

/* Finds the three tables.  A table that lies outside is a problem and is taken as empty. */
static lens_status find_tables(lens *self, struct record *record) {
  const struct cairn_contract_head *head = &record->head;
  if (head->table_count > TABLES_MAX ||
      !lies_within(record, head->table_offset, head->table_stride, head->table_count,
                   sizeof(struct cairn_contract_table))) {
    return lens_fail(self, LENS_CORRUPT, "the directory of the root record at 0x%llx is damaged",
                     (unsigned long long)record->address);
  }
  const struct {
    const char *name;
    struct table *table;
    uint32_t row_bytes;
  } known[] = {{"structs", &record->structs, sizeof(struct cairn_contract_struct)},
               {"fields", &record->fields, sizeof(struct cairn_contract_field)},
               {"constants", &record->constants, sizeof(struct cairn_contract_constant)}};
  for (uint32_t i = 0; i < head->table_count; i++) {
    struct cairn_contract_table row;
    memcpy(&row, record->bytes + head->table_offset + (size_t)i * head->table_stride, sizeof row);
    for (size_t k = 0; k < COUNT_OF(known); k++) {
      if (strncmp(row.name, known[k].name, sizeof row.name) != 0) continue;
      if (lies_within(record, row.offset, row.stride, row.count, known[k].row_bytes)) {
        *known[k].table = (struct table){record->bytes + row.offset, row.stride, row.count};
      } else {
        lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, record->address,
                         "the contract's table of %s lies outside its record", known[k].name);
      }
    }
  }
  return LENS_OK;
}

static bool name_is(const char *name, const char *wanted) {
  return strncmp(name, wanted, CAIRN_NAME_BYTES) == 0;
}

/* The row of a struct by name, or UINT32_MAX. */
static uint32_t struct_index(const struct record *record, const char *name,
                             struct cairn_contract_struct *out) {
  for (uint32_t i = 0; i < record->structs.count && i <= UINT16_MAX; i++) {
    memcpy(out, record->structs.rows + (size_t)i * record->structs.stride, sizeof *out);
    if (name_is(out->name, name)) return i;
  }
  return UINT32_MAX;
}

/* The field of a struct by name, checked to lie within the struct. */
static bool field_of(const struct record *record, uint32_t index, uint32_t struct_bytes,
                     const char *name, struct cairn_contract_field *out) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    memcpy(out, record->fields.rows + (size_t)i * record->fields.stride, sizeof *out);
    if (out->struct_index != index || !name_is(out->name, name)) continue;
    return out->width != 0 && out->offset <= struct_bytes &&
           out->width <= struct_bytes - out->offset;
  }
  return false;
}

static bool constant_of(const struct record *record, const char *name, uint64_t *value) {
  for (uint32_t i = 0; i < record->constants.count; i++) {
    struct cairn_contract_constant row;
    memcpy(&row, record->constants.rows + (size_t)i * record->constants.stride, sizeof row);
    if (!name_is(row.name, name)) continue;
    *value = row.value;
    return true;
  }
  return false;
}

static bool kind_fits(enum kind kind, const struct cairn_contract_field *field) {
  switch (kind) {
    case UINT:
      return (field->kind == CAIRN_KIND_UINT || field->kind == CAIRN_KIND_ADDRESS) &&
             lens_width_is_integer(field->width);
    case ADDRESS:
      return (field->kind == CAIRN_KIND_ADDRESS || field->kind == CAIRN_KIND_UINT) &&
             field->width == 8;
    case TEXT:
      return field->kind == CAIRN_KIND_TEXT;
    case BYTES:
      return field->kind == CAIRN_KIND_BYTES;
  }
  return false;
}

/* ---- resolving ---- */

static lens_status lacks(lens *self, const struct record *record, const char *what,
                         const char *name) {
  return lens_fail(self, LENS_UNSUPPORTED, "the contract at 0x%llx lacks the %s \"%s\"",
                   (unsigned long long)record->address, what, name);
}

static lens_status resolve_structs(lens *self, const struct record *record,
                                   struct lens_contract *out) {
  for (size_t i = 0; i < COUNT_OF(known_structs); i++) {
    const struct known_struct *known = &known_structs[i];
    struct cairn_contract_struct row;
    bool found = struct_index(record, known->name, &row) != UINT32_MAX && row.size_bytes != 0 &&
                 row.size_bytes <= STRUCT_BYTES_MAX;
    if (found) {
      *(uint32_t *)(void *)((char *)out + known->bytes_at) = row.size_bytes;
    } else if (known->need == ESSENTIAL) {
      return lacks(self, record, "struct", known->name);
    } else {
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_NOTE, record->address,
                       "the contract lacks the struct \"%s\"", known->name);
    }
  }
  return LENS_OK;
}

static lens_status resolve_fields(lens *self, const struct record *record,
                                  struct lens_contract *out) {
  for (size_t i = 0; i < COUNT_OF(known_fields); i++) {
    const struct known_field *known = &known_fields[i];
    struct cairn_contract_struct row;
    struct cairn_contract_field field;
    char name[2 * CAIRN_NAME_BYTES];
    uint32_t index = struct_index(record, known->struct_name, &row);
    if (index != UINT32_MAX && field_of(record, index, row.size_bytes, known->name, &field) &&
        kind_fits(known->kind, &field) && field.offset + field.width <= LENS_EXTENT_MAX) {
      struct lens_place_of place = {.offset = field.offset, .width = field.width};
      memcpy((char *)out + known->place_at, &place, sizeof place);
      uint32_t *extent = (uint32_t *)(void *)((char *)out + known->extent_at);
      if (*extent < field.offset + field.width) *extent = field.offset + field.width;
      continue;
    }
    snprintf(name, sizeof name, "%s.%s", known->struct_name, known->name);
    if (known->need == ESSENTIAL) return lacks(self, record, "field", name);
    if (known->need == REPLACED) continue;
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_NOTE, record->address,
                     "the contract lacks the field \"%s\"", name);
  }
  return LENS_OK;
}

static lens_status resolve_constants(lens *self, const struct record *record,
                                     const struct known_value *known, size_t count, uint64_t absent,
                                     struct lens_contract *out) {
  for (size_t i = 0; i < count; i++) {
    uint64_t *value = value_slot(out, &known[i]);
    if (constant_of(record, known[i].name, value)) continue;
    *value = absent;
    if (known[i].need == ESSENTIAL) return lacks(self, record, "constant", known[i].name);
    if (known[i].need == REPLACED) continue;
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_NOTE, record->address,
                     "the contract lacks the constant \"%s\"", known[i].name);
  }
  return LENS_OK;
}

/* The bits of the object header: the fields "count" and "type" of the struct "object". */
static lens_status resolve_header(lens *self, const struct record *record,
                                  struct lens_contract *out) {
  struct cairn_contract_struct row;
  uint32_t index = struct_index(record, "object", &row);
  if (index == UINT32_MAX) return lacks(self, record, "struct", "object");
  struct cairn_contract_field count;
  struct cairn_contract_field type;
  if (!field_of(record, index, row.size_bytes, "count", &count) || count.kind != CAIRN_KIND_BITS ||
      count.offset != 0 || count.width != 8 || count.bit_shift != 0 || count.bit_count == 0 ||
      count.bit_count > 32) {
    return lacks(self, record, "field", "object.count");
  }
  if (!field_of(record, index, row.size_bytes, "type", &type) || type.kind != CAIRN_KIND_BITS ||
      type.offset != 0 || type.width != 8 || type.bit_count == 0 || type.bit_count > 32 ||
      type.bit_shift > 64 - type.bit_count) {
    return lacks(self, record, "field", "object.type");
  }
  out->header.count_mask = (1ull << count.bit_count) - 1;
  out->header.type_shift = type.bit_shift;
  out->header.type_mask = (1ull << type.bit_count) - 1;
  return LENS_OK;
}

/* The root's own fields: from the record, which is in hand. */
static void read_root(const struct record *record, struct lens_contract *out) {
  out->address = record->address;
  out->major = record->head.major;
  out->record_bytes = record->head.record_bytes;
  const struct lens_layout_root *root = &out->root;
  out->first_heap_address = lens_load_uint(record->bytes + root->heaps.offset, 8);
  if (root->heap_count.width != 0) {
    out->heap_count =
        lens_load_uint(record->bytes + root->heap_count.offset, root->heap_count.width);
  }
  if (root->runtime.width != 0) {
    const uint8_t *text = record->bytes + root->runtime.offset;
    lens_text_printable(text, strnlen((const char *)text, root->runtime.width), 0, out->runtime,
                        sizeof out->runtime);
  }
}

static lens_status resolve(lens *self, struct record *record, struct lens_contract *out) {
  lens_status status = find_tables(self, record);
  if (status == LENS_OK) status = resolve_structs(self, record, out);
  if (status == LENS_OK) status = resolve_fields(self, record, out);
  if (status == LENS_OK) {
    status =
        resolve_constants(self, record, known_values, COUNT_OF(known_values), LENS_ABSENT, out);
  }
  if (status == LENS_OK) {
    status = resolve_constants(self, record, known_masks, COUNT_OF(known_masks), 0, out);
  }
  if (status == LENS_OK) status = resolve_header(self, record, out);
  if (out->buffer_header_bytes == 0) out->buffer_header_bytes = sizeof(uint64_t);
  if (status == LENS_OK && out->root.struct_bytes > record->head.record_bytes) {
    status = lens_fail(self, LENS_CORRUPT, "the struct \"root\" is larger than the root record");
  }
  if (status == LENS_OK) read_root(record, out);
  return status;
}

lens_status lens_contract_read(lens *self, uint64_t address, struct lens_contract *out) {
  struct record record = {0};
  struct lens_contract contract = {0};
  lens_status status = read_record(self, address, &record);
  if (status == LENS_OK) status = resolve(self, &record, &contract);
  lens_dealloc(record.bytes);
  if (status == LENS_OK) *out = contract;
  return status;
}

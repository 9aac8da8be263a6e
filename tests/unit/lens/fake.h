/* Another runtime's heap, built by hand: the same contract, other offsets, widths and bits.
 *
 * What the lens knows by heart of libcairn it gets wrong here.  Tests damage it at will; the fuzz
 * targets take it as their seed.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cairn/contract.h"
#include "lens.h"

enum {
  FAKE_BYTES = 0x18000,
  FAKE_RECORD = 0x1000,
  FAKE_HEAP = 0x8000,
  FAKE_TYPES = 0x9000, /* the array; the structs follow */
  FAKE_NAMES = 0xc000,
  FAKE_TRACKING = 0xd000, /* what it tracked: the struct, then the tables */
  FAKE_EVENTS = 0xd200,
  FAKE_SITES = 0xd400,
  FAKE_RECORDS = 0xe000,
  FAKE_EVENT_ROW = 48,
  FAKE_SITE_ROW = 40,
  FAKE_RECORD_ROW = 24,
  FAKE_PAGE_RECORDS = 16,
  FAKE_ARENA = 0x10000,
  FAKE_ARENA_BYTES = 0x8000,
  FAKE_PAGE_BYTES = 0x1000,
  FAKE_PAGE_TABLE = 0x200,
  FAKE_PAGE_ROW = 40,
  FAKE_STRUCTS = 16,
  FAKE_FIELDS = 96,
  FAKE_CONSTANTS = 64
};

static const uint64_t fake_base = 0x600000000000;
static const uint64_t fake_live = 1ull << 44;
static const uint64_t fake_dying = 1ull << 45;
static const uint64_t fake_buffer = 1ull << 46;
static const uint64_t fake_quarantined = 1ull << 47;

struct fake {
  uint8_t bytes[FAKE_BYTES];
  uint64_t readable_bytes; /* a prefix of it; FAKE_BYTES: all */
  uint32_t struct_count, field_count, constant_count;
  uint32_t names_used;
};

static inline void fake_put(struct fake *fake, uint64_t offset, uint64_t value, uint32_t width) {
  memcpy(fake->bytes + offset, &value, width);
}

static inline uint64_t fake_get(const struct fake *fake, uint64_t offset, uint32_t width) {
  uint64_t value = 0;
  memcpy(&value, fake->bytes + offset, width);
  return value;
}

/* ---- the record ---- */

/* Where the tables' rows are, from the record. */
enum {
  FAKE_TABLES_AT = 0x80,
  FAKE_STRUCTS_AT = 0x180,
  FAKE_FIELDS_AT = FAKE_STRUCTS_AT + FAKE_STRUCTS * 48,
  FAKE_CONSTANTS_AT = FAKE_FIELDS_AT + FAKE_FIELDS * 64,
  FAKE_RECORD_BYTES = FAKE_CONSTANTS_AT + FAKE_CONSTANTS * 48
};

static inline void fake_struct(struct fake *fake, const char *name, uint32_t bytes) {
  struct cairn_contract_struct row = {.size_bytes = bytes};
  snprintf(row.name, sizeof row.name, "%s", name);
  memcpy(fake->bytes + FAKE_RECORD + FAKE_STRUCTS_AT + fake->struct_count++ * 48, &row, sizeof row);
}

/* A field of the struct that was added last. */
static inline void fake_field(struct fake *fake, const char *name, uint8_t kind, uint32_t offset,
                              uint32_t width, uint8_t shift, uint8_t bits) {
  struct cairn_contract_field row = {.struct_index = (uint16_t)(fake->struct_count - 1),
                                     .kind = kind,
                                     .bit_shift = shift,
                                     .bit_count = bits,
                                     .offset = offset,
                                     .width = width};
  snprintf(row.name, sizeof row.name, "%s", name);
  memcpy(fake->bytes + FAKE_RECORD + FAKE_FIELDS_AT + fake->field_count++ * 64, &row, sizeof row);
}

static inline void fake_uint(struct fake *fake, const char *name, uint32_t offset, uint32_t width) {
  fake_field(fake, name, CAIRN_KIND_UINT, offset, width, 0, 0);
}

static inline void fake_address(struct fake *fake, const char *name, uint32_t offset) {
  fake_field(fake, name, CAIRN_KIND_ADDRESS, offset, 8, 0, 0);
}

static inline void fake_constant(struct fake *fake, const char *name, uint64_t value) {
  struct cairn_contract_constant row = {.value = value};
  snprintf(row.name, sizeof row.name, "%s", name);
  memcpy(fake->bytes + FAKE_RECORD + FAKE_CONSTANTS_AT + fake->constant_count++ * 48, &row,
         sizeof row);
}

static inline void fake_structs_tracking(struct fake *fake) {
  fake_struct(fake, "tracking", 64);
  fake_address(fake, "events", 8);
  fake_uint(fake, "event_capacity", 0, 2);
  fake_uint(fake, "event_count", 4, 4);
  fake_address(fake, "sites", 16);
  fake_uint(fake, "site_count", 2, 2);
  fake_address(fake, "quarantine_first", 24);
  fake_uint(fake, "quarantine_count", 32, 4);
  fake_struct(fake, "event", FAKE_EVENT_ROW);
  fake_uint(fake, "sequence", 40, 8);
  fake_address(fake, "object", 8);
  fake_uint(fake, "serial", 16, 4);
  fake_address(fake, "caller", 24);
  fake_uint(fake, "op", 0, 1);
  fake_uint(fake, "type", 2, 2);
  fake_uint(fake, "count", 4, 2);
  fake_struct(fake, "site", FAKE_SITE_ROW);
  fake_field(fake, "frames", CAIRN_KIND_BYTES, 8, 24, 0, 0);
  fake_uint(fake, "frame_count", 0, 1);
  fake_uint(fake, "object_count", 4, 4);
  fake_struct(fake, "track_record", FAKE_RECORD_ROW);
  fake_uint(fake, "serial", 16, 8);
  fake_address(fake, "next", 8);
  fake_uint(fake, "site", 0, 2);
  fake_uint(fake, "freed_site", 2, 2);
  fake_uint(fake, "type", 4, 2);
}

static inline void fake_structs(struct fake *fake) {
  fake_struct(fake, "from a later version", 9);
  fake_field(fake, "of an unknown kind", 99, 0, 4, 0, 0);
  fake_struct(fake, "root", 0x180);
  fake_address(fake, "heaps", 0x68);
  fake_struct(fake, "heap", 64);
  fake_address(fake, "next", 40);
  fake_address(fake, "types", 16);
  fake_uint(fake, "type_count", 10, 2);
  fake_address(fake, "arenas", 32);
  fake_address(fake, "tracking", 48);
  fake_struct(fake, "arena", 64);
  fake_address(fake, "next", 56);
  fake_uint(fake, "bytes", 0, 8);
  fake_uint(fake, "page_bytes", 8, 4);
  fake_uint(fake, "page_count", 12, 2);
  fake_uint(fake, "page_table_offset", 16, 4);
  fake_address(fake, "track", 24);
  fake_uint(fake, "track_bytes", 32, 4);
  fake_struct(fake, "page", FAKE_PAGE_ROW);
  fake_uint(fake, "kind", 3, 1);
  fake_uint(fake, "span_pages", 4, 2);
  fake_uint(fake, "block_bytes", 8, 4);
  fake_uint(fake, "block_count", 12, 2);
  fake_struct(fake, "type", 80);
  fake_address(fake, "name", 8);
  fake_uint(fake, "size_bytes", 0, 4);
  fake_address(fake, "slots", 16);
  fake_uint(fake, "slot_count", 24, 1);
  fake_uint(fake, "flags", 28, 4);
  fake_struct(fake, "slot", 56);
  fake_address(fake, "name", 0);
  fake_uint(fake, "kind", 8, 1);
  fake_uint(fake, "shape", 9, 1);
  fake_uint(fake, "offset", 12, 4);
  fake_uint(fake, "count_width", 16, 1);
  fake_uint(fake, "count_offset", 20, 4);
  fake_uint(fake, "stride", 24, 4);
  fake_uint(fake, "value_offset", 28, 4);
  fake_uint(fake, "tag_mask", 32, 8);
  fake_uint(fake, "tag_value", 40, 8);
  fake_struct(fake, "object", 8);
  fake_field(fake, "count", CAIRN_KIND_BITS, 0, 8, 0, 24);
  fake_field(fake, "type", CAIRN_KIND_BITS, 0, 8, 24, 10);
  fake_structs_tracking(fake);
}

static inline void fake_constants(struct fake *fake) {
  fake_constant(fake, "page_kind.free", 9);
  fake_constant(fake, "page_kind.meta", 8);
  fake_constant(fake, "page_kind.blocks", 7);
  fake_constant(fake, "page_kind.large", 6);
  fake_constant(fake, "page_kind.large_tail", 5);
  fake_constant(fake, "slot_kind.strong", 33);
  fake_constant(fake, "slot_kind.weak", 34);
  fake_constant(fake, "slot_shape.single", 40);
  fake_constant(fake, "slot_shape.array", 41);
  fake_constant(fake, "slot_shape.tail", 42);
  fake_constant(fake, "slot_shape.table", 43);
  fake_constant(fake, "type_flag.opaque", 64);
  fake_constant(fake, "state.live", fake_live);
  fake_constant(fake, "state.dying", fake_dying);
  fake_constant(fake, "state.buffer", fake_buffer);
  fake_constant(fake, "state.quarantined", fake_quarantined);
  fake_constant(fake, "event_op.allocate", 21);
  fake_constant(fake, "event_op.free", 22);
  fake_constant(fake, "event_op.retain", 23);
  fake_constant(fake, "track.page_records", FAKE_PAGE_RECORDS);
}

/* Head and directory; the rows were added before. */
static inline void fake_record(struct fake *fake) {
  struct cairn_contract_head head = {.self = fake_base + FAKE_RECORD,
                                     .major = CAIRN_CONTRACT_MAJOR,
                                     .record_bytes = FAKE_RECORD_BYTES,
                                     .table_offset = FAKE_TABLES_AT,
                                     .table_stride = 40,
                                     .table_count = 3};
  memcpy(head.magic, CAIRN_ROOT_MAGIC, sizeof head.magic);
  memcpy(fake->bytes + FAKE_RECORD, &head, sizeof head);
  const struct cairn_contract_table tables[] = {
      {"constants", FAKE_CONSTANTS_AT, 48, fake->constant_count, 0},
      {"structs", FAKE_STRUCTS_AT, 48, fake->struct_count, 0},
      {"fields", FAKE_FIELDS_AT, 64, fake->field_count, 0}};
  for (size_t i = 0; i < 3; i++) {
    memcpy(fake->bytes + FAKE_RECORD + FAKE_TABLES_AT + i * 40, &tables[i], sizeof tables[i]);
  }
  fake_put(fake, FAKE_RECORD + 0x68, fake_base + FAKE_HEAP, 8);
}

/* ---- types ---- */

static inline uint64_t fake_name(struct fake *fake, const char *name) {
  uint64_t at = FAKE_NAMES + fake->names_used;
  size_t bytes = strlen(name) + 1;
  memcpy(fake->bytes + at, name, bytes);
  fake->names_used += (uint32_t)bytes;
  return fake_base + at;
}

static inline uint64_t fake_type_at(uint32_t index) { return FAKE_TYPES + 0x100 + index * 0x400u; }

static inline void fake_type(struct fake *fake, uint32_t index, const char *name, uint32_t bytes,
                             uint32_t flags) {
  uint64_t at = fake_type_at(index);
  fake_put(fake, FAKE_TYPES + index * 8, fake_base + at, 8);
  fake_put(fake, at, bytes, 4);
  fake_put(fake, at + 8, fake_name(fake, name), 8);
  fake_put(fake, at + 16, fake_base + at + 0x100, 8);
  fake_put(fake, at + 28, flags, 4);
  fake_put(fake, FAKE_HEAP + 10, index + 1, 2);
}

struct fake_slot {
  const char *name;
  uint8_t kind, shape;
  uint32_t offset, count_width, count_offset, stride, value_offset;
  uint64_t tag_mask, tag_value;
};

/* Appends a slot to a type; returns where its row is. */
static inline uint64_t fake_slot(struct fake *fake, uint32_t type, struct fake_slot slot) {
  uint64_t at = fake_type_at(type);
  uint64_t count = fake_get(fake, at + 24, 1);
  uint64_t row = at + 0x100 + count * 56;
  fake_put(fake, at + 24, count + 1, 1);
  fake_put(fake, row, fake_name(fake, slot.name), 8);
  fake_put(fake, row + 8, slot.kind, 1);
  fake_put(fake, row + 9, slot.shape, 1);
  fake_put(fake, row + 12, slot.offset, 4);
  fake_put(fake, row + 16, slot.count_width, 1);
  fake_put(fake, row + 20, slot.count_offset, 4);
  fake_put(fake, row + 24, slot.stride, 4);
  fake_put(fake, row + 28, slot.value_offset, 4);
  fake_put(fake, row + 32, slot.tag_mask, 8);
  fake_put(fake, row + 40, slot.tag_value, 8);
  return row;
}

/* ---- pages and blocks ---- */

static inline uint64_t fake_page_row(uint32_t page) {
  return FAKE_ARENA + FAKE_PAGE_TABLE + page * (uint64_t)FAKE_PAGE_ROW;
}

static inline void fake_page(struct fake *fake, uint32_t page, uint8_t kind, uint32_t block_bytes,
                             uint32_t block_count, uint32_t span) {
  uint64_t row = fake_page_row(page);
  fake_put(fake, row + 3, kind, 1);
  fake_put(fake, row + 4, span, 2);
  fake_put(fake, row + 8, block_bytes, 4);
  fake_put(fake, row + 12, block_count, 2);
}

/* The offset of a block. */
static inline uint64_t fake_block(const struct fake *fake, uint32_t page, uint32_t block) {
  uint64_t bytes = fake_get(fake, fake_page_row(page) + 8, 4);
  return FAKE_ARENA + page * (uint64_t)FAKE_PAGE_BYTES + block * bytes;
}

static inline uint64_t fake_header(uint64_t state, uint32_t type, uint32_t count) {
  return state | (uint64_t)type << 24 | count;
}

/* ---- tracking ---- */

/* A ring for 8 events that has seen `count`, on the block of the first page with blocks; 3 sites;
 * records. */
static inline void fake_tracking(struct fake *fake, uint32_t count) {
  fake_put(fake, FAKE_HEAP + 48, fake_base + FAKE_TRACKING, 8);
  fake_put(fake, FAKE_TRACKING, 8, 2);
  fake_put(fake, FAKE_TRACKING + 4, count, 4);
  fake_put(fake, FAKE_TRACKING + 8, fake_base + FAKE_EVENTS, 8);
  fake_put(fake, FAKE_TRACKING + 2, 3, 2);
  fake_put(fake, FAKE_TRACKING + 16, fake_base + FAKE_SITES, 8);
  for (uint32_t n = 1; n <= count; n++) {
    uint64_t at = FAKE_EVENTS + (n - 1) % 8 * FAKE_EVENT_ROW;
    fake_put(fake, at, 21 + n % 3, 1);
    fake_put(fake, at + 2, 1, 2);
    fake_put(fake, at + 4, n, 2);
    fake_put(fake, at + 8, fake_base + fake_block(fake, 1, n % 2), 8);
    fake_put(fake, at + 16, 100 + n % 2, 4);
    fake_put(fake, at + 24, 0x400000 + n, 8);
    fake_put(fake, at + 40, n, 8);
  }
  for (uint32_t n = 1; n <= 3; n++) {
    uint64_t at = FAKE_SITES + (n - 1) * FAKE_SITE_ROW;
    fake_put(fake, at, n, 1);
    fake_put(fake, at + 4, 10 * n, 4);
    for (uint32_t i = 0; i < n; i++) fake_put(fake, at + 8 + 8 * i, 0x400000 + 16 * n + i, 8);
  }
  fake_put(fake, FAKE_ARENA + 24, fake_base + FAKE_RECORDS, 8);
  uint32_t pages = FAKE_ARENA_BYTES / FAKE_PAGE_BYTES;
  fake_put(fake, FAKE_ARENA + 32, pages * FAKE_PAGE_RECORDS * FAKE_RECORD_ROW, 4);
}

static inline uint64_t fake_record_at(uint32_t page, uint32_t block) {
  return FAKE_RECORDS + (page * FAKE_PAGE_RECORDS + block) * (uint64_t)FAKE_RECORD_ROW;
}

/* Puts a block in quarantine, behind `before` (its record; 0: the first). */
static inline void fake_quarantine(struct fake *fake, uint64_t before, uint32_t page,
                                   uint32_t block) {
  uint64_t address = fake_base + fake_block(fake, page, block);
  fake_put(fake, fake_block(fake, page, block), fake_header(fake_quarantined, 1, 0), 8);
  fake_put(fake, before == 0 ? FAKE_TRACKING + 24 : before + 8, address, 8);
  fake_put(fake, FAKE_TRACKING + 32, fake_get(fake, FAKE_TRACKING + 32, 4) + 1, 4);
  fake_put(fake, fake_record_at(page, block), 1, 2);
  fake_put(fake, fake_record_at(page, block) + 2, 2, 2);
  fake_put(fake, fake_record_at(page, block) + 4, 1, 2);
  fake_put(fake, fake_record_at(page, block) + 16, 100 + block, 8);
}

/* One heap with one arena whose pages are free but for the first; no type yet. */
static inline void fake_new(struct fake *fake) {
  memset(fake, 0, sizeof *fake);
  fake->readable_bytes = FAKE_BYTES;
  fake_structs(fake);
  fake_constants(fake);
  fake_record(fake);
  fake_put(fake, FAKE_HEAP + 10, 1, 2);
  fake_put(fake, FAKE_HEAP + 16, fake_base + FAKE_TYPES, 8);
  fake_put(fake, FAKE_HEAP + 32, fake_base + FAKE_ARENA, 8);
  fake_put(fake, FAKE_ARENA, FAKE_ARENA_BYTES, 8);
  fake_put(fake, FAKE_ARENA + 8, FAKE_PAGE_BYTES, 4);
  fake_put(fake, FAKE_ARENA + 12, FAKE_ARENA_BYTES / FAKE_PAGE_BYTES, 2);
  fake_put(fake, FAKE_ARENA + 16, FAKE_PAGE_TABLE, 4);
  for (uint32_t page = 0; page < FAKE_ARENA_BYTES / FAKE_PAGE_BYTES; page++) {
    fake_page(fake, page, page == 0 ? 8 : 9, 0, 0, 1);
  }
}

/* ---- as target memory ---- */

static inline lens_status fake_read(void *context, uint64_t address, uint64_t bytes, void *out,
                                    uint64_t *read_bytes) {
  const struct fake *fake = context;
  uint64_t offset = address - fake_base;
  *read_bytes = 0;
  if (offset >= fake->readable_bytes) return LENS_OK;
  uint64_t room = fake->readable_bytes - offset;
  *read_bytes = bytes < room ? bytes : room;
  memcpy(out, fake->bytes + offset, (size_t)*read_bytes);
  return LENS_OK;
}

/* A lens over it that is told where the record is; NULL when out of memory. */
static inline lens *fake_lens(struct fake *fake) {
  const lens_reader reader = {.context = fake, .read = fake_read};
  const lens_region region = {.start = fake_base,
                              .end = fake_base + FAKE_BYTES,
                              .flags = LENS_REGION_READ | LENS_REGION_WRITE,
                              .name = ""};
  lens *self = NULL;
  if (lens_new(&reader, &self) != LENS_OK) return NULL;
  if (lens_region_add(self, &region) == LENS_OK &&
      lens_root_hint(self, fake_base + FAKE_RECORD) == LENS_OK) {
    return self;
  }
  lens_free(self);
  return NULL;
}

/* One of the problems that the lens has noted says this. */
static inline bool has_problem(const lens *self, const char *text) {
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    if (lens_problem_get(self, i, &problem) != LENS_OK) continue;
    if (strstr(problem.text, text) != NULL) return true;
  }
  return false;
}

#endif

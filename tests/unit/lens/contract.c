/* The contract's tables: other layouts are followed, what is missing is named, wild tables are
 * refused. */
#include "model/contract.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"

static struct fake fake;

static int begin(void **state) {
  (void)state;
  fake_new(&fake);
  return 0;
}

static lens_status load(lens **out) {
  lens *self = fake_lens(&fake);
  assert_non_null(self);
  lens_status status = lens_model_load(self, 0);
  *out = self;
  return status;
}

static void assert_load(lens_status wanted, const char *error) {
  lens *self;
  assert_int_equal(load(&self), wanted);
  if (error != NULL && strstr(lens_error(self), error) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", lens_error(self), error);
  }
  lens_free(self);
}

static void another_layout_is_followed(void **state) {
  (void)state;
  lens *self;
  assert_int_equal(load(&self), LENS_OK);
  lens_arena arena;
  lens_heap heap;
  lens_root_record root;
  assert_int_equal(lens_root_record_get(self, 0, &root), LENS_OK);
  assert_int_equal(root.found, LENS_FOUND_HINT);
  assert_int_equal(lens_heap_get(self, 0, &heap), LENS_OK);
  assert_int_equal(heap.address, fake_base + FAKE_HEAP);
  assert_string_equal(heap.name, "heap 1");
  assert_string_equal(heap.flux, "none");
  assert_int_equal(lens_arena_get(self, 0, &arena), LENS_OK);
  assert_int_equal(arena.address, fake_base + FAKE_ARENA);
  assert_int_equal(arena.page_count, 8);
  /* What this runtime does not state is a missing feature with a name. */
  assert_true(has_problem(self, "\"heap.flux\""));
  assert_true(has_problem(self, "\"state.held\""));
  lens_free(self);
}

/* The name in a table becomes one that the lens does not know. */
static void forget_name(uint64_t rows, uint64_t stride, uint32_t count, const char *name,
                        uint32_t nth) {
  for (uint32_t i = 0; i < count; i++) {
    char *row = (char *)fake.bytes + FAKE_RECORD + rows + i * stride;
    if (strcmp(row, name) == 0 && nth-- == 0) {
      row[0] = '?';
      return;
    }
  }
  fail_msg("no row %s", name);
}

static void essential_fields_are_named(void **state) {
  (void)state;
  const struct {
    const char *name;
    uint32_t nth;
    const char *error;
  } cases[] = {{"heaps", 0, "\"root.heaps\""},
               {"types", 0, "\"heap.types\""},
               {"next", 1, "\"arena.next\""},
               {"kind", 0, "\"page.kind\""},
               {"size_bytes", 0, "\"type.size_bytes\""},
               {"shape", 0, "\"slot.shape\""},
               {"count", 0, "\"object.count\""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_new(&fake);
    forget_name(FAKE_FIELDS_AT, 64, fake.field_count, cases[i].name, cases[i].nth);
    assert_load(LENS_UNSUPPORTED, cases[i].error);
  }
  fake_new(&fake);
  forget_name(FAKE_STRUCTS_AT, 48, fake.struct_count, "arena", 0);
  assert_load(LENS_UNSUPPORTED, "\"arena\"");
  fake_new(&fake);
  forget_name(FAKE_CONSTANTS_AT, 48, fake.constant_count, "state.live", 0);
  assert_load(LENS_UNSUPPORTED, "\"state.live\"");
}

/* A field that lies outside its struct, or of a width that is no integer's, is as good as missing.
 */
static void wild_fields_are_missing(void **state) {
  (void)state;
  const struct {
    size_t member;
    uint32_t value;
  } cases[] = {{offsetof(struct cairn_contract_field, offset), UINT32_MAX},
               {offsetof(struct cairn_contract_field, offset), 60},
               {offsetof(struct cairn_contract_field, width), UINT32_MAX},
               {offsetof(struct cairn_contract_field, width), 3},
               {offsetof(struct cairn_contract_field, width), 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_new(&fake);
    uint64_t row = FAKE_RECORD + FAKE_FIELDS_AT;
    while (strcmp((char *)fake.bytes + row, "arenas") != 0) row += 64;
    fake_put(&fake, row + cases[i].member, cases[i].value, 4);
    assert_load(LENS_UNSUPPORTED, "\"heap.arenas\"");
  }
}

static void head_is_checked(void **state) {
  (void)state;
  const struct {
    size_t member;
    uint64_t value;
    lens_status status;
    const char *error;
  } cases[] = {
      {offsetof(struct cairn_contract_head, magic), 0, LENS_NOT_FOUND, "no root record"},
      {offsetof(struct cairn_contract_head, self), 0, LENS_NOT_FOUND, "no root record"},
      {offsetof(struct cairn_contract_head, major), 2, LENS_UNSUPPORTED, "major 2"},
      {offsetof(struct cairn_contract_head, record_bytes), 8, LENS_CORRUPT, "8 bytes"},
      {offsetof(struct cairn_contract_head, record_bytes), UINT32_MAX, LENS_CORRUPT, "4294967295"},
      {offsetof(struct cairn_contract_head, record_bytes), 0xffff0, LENS_UNREADABLE, "in part"},
      {offsetof(struct cairn_contract_head, table_offset), UINT32_MAX, LENS_CORRUPT, "directory"},
      {offsetof(struct cairn_contract_head, table_stride), 0, LENS_CORRUPT, "directory"},
      {offsetof(struct cairn_contract_head, table_count), UINT32_MAX, LENS_CORRUPT, "directory"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_new(&fake);
    fake_put(&fake, FAKE_RECORD + cases[i].member, cases[i].value,
             cases[i].member == offsetof(struct cairn_contract_head, self) ? 8 : 4);
    assert_load(cases[i].status, cases[i].error);
  }
}

static void wild_tables_are_refused(void **state) {
  (void)state;
  const struct {
    size_t member;
    uint32_t value;
  } cases[] = {{offsetof(struct cairn_contract_table, offset), UINT32_MAX},
               {offsetof(struct cairn_contract_table, offset), FAKE_RECORD_BYTES},
               {offsetof(struct cairn_contract_table, stride), 1},
               {offsetof(struct cairn_contract_table, stride), UINT32_MAX},
               {offsetof(struct cairn_contract_table, count), UINT32_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (uint32_t table = 0; table < 3; table++) {
      fake_new(&fake);
      fake_put(&fake, FAKE_RECORD + FAKE_TABLES_AT + table * 40 + cases[i].member, cases[i].value,
               4);
      lens *self;
      assert_int_equal(load(&self), LENS_UNSUPPORTED);
      assert_true(has_problem(self, "lies outside its record"));
      lens_free(self);
    }
  }
}

/* A hint that is wrong does not matter where the scan finds the record. */
static void scan_finds_what_hints_miss(void **state) {
  (void)state;
  const lens_reader reader = {.context = &fake, .read = fake_read};
  const lens_region region = {.start = fake_base,
                              .end = fake_base + FAKE_BYTES,
                              .flags = LENS_REGION_READ | LENS_REGION_WRITE};
  lens *self;
  lens_root_record root;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  assert_int_equal(lens_region_add(self, &region), LENS_OK);
  assert_int_equal(lens_root_hint(self, fake_base + 64), LENS_OK);
  /* A ghost: the same bytes elsewhere are no record, because they say another address. */
  memcpy(fake.bytes + 0x6000, fake.bytes + FAKE_RECORD, sizeof(struct cairn_contract_head));
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_root_record_count(self), 1);
  assert_int_equal(lens_root_record_get(self, 0, &root), LENS_OK);
  assert_int_equal(root.address, fake_base + FAKE_RECORD);
  assert_int_equal(root.found, LENS_FOUND_SCAN);
  lens_free(self);
}

/* A second root record at `offset`, without heaps. */
static void add_record(uint64_t offset) {
  memcpy(fake.bytes + offset, fake.bytes + FAKE_RECORD, FAKE_RECORD_BYTES);
  fake_put(&fake, offset + offsetof(struct cairn_contract_head, self), fake_base + offset, 8);
  fake_put(&fake, offset + 0x68, 0, 8);
}

/* A module at `offset` with one segment of notes, which are not CAIRN's. */
static void add_module(uint64_t offset, uint64_t note_bytes) {
  Elf64_Ehdr head = {.e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  const Elf64_Phdr headers[] = {{.p_type = PT_LOAD, .p_memsz = FAKE_BYTES},
                                {.p_type = PT_NOTE, .p_vaddr = 0x400, .p_memsz = note_bytes}};
  memcpy(fake.bytes + offset, &head, sizeof head);
  memcpy(fake.bytes + offset + 64, headers, sizeof headers);
}

/* Written memory is searched where notes can't have named every root, known heaps excepted. */
static void scan_runs_where_it_is_needed(void **state) {
  (void)state;
  const struct {
    uint64_t note_bytes;
    uint64_t roots;
  } cases[] = {{24, 1}, {UINT32_MAX, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const lens_reader reader = {.context = &fake, .read = fake_read};
    const uint32_t flags = LENS_REGION_READ | LENS_REGION_WRITE | LENS_REGION_FILE;
    const lens_region regions[] = {
        {.start = fake_base, .end = fake_base + 0xe000, .flags = flags},
        {.start = fake_base + 0xe000, .end = fake_base + FAKE_BYTES, .flags = flags}};
    lens *self;
    fake_new(&fake);
    add_record(0x4000);
    add_record(FAKE_ARENA + FAKE_PAGE_BYTES); /* what an object holds is no root record */
    add_module(0, 24);
    add_module(0xe000, cases[i].note_bytes);
    assert_int_equal(lens_new(&reader, &self), LENS_OK);
    assert_int_equal(lens_region_add(self, &regions[0]), LENS_OK);
    assert_int_equal(lens_region_add(self, &regions[1]), LENS_OK);
    assert_int_equal(lens_root_hint(self, fake_base + FAKE_RECORD), LENS_OK);
    assert_int_equal(lens_model_load(self, 0), LENS_OK);
    assert_int_equal(lens_root_record_count(self), cases[i].roots);
    lens_free(self);
  }
}

static void nothing_is_said_to_be_nothing(void **state) {
  (void)state;
  memset(fake.bytes, 0, sizeof fake.bytes);
  assert_load(LENS_NOT_FOUND, "no root record: searched 1 address told, the notes of");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(another_layout_is_followed, begin),
                                     cmocka_unit_test_setup(essential_fields_are_named, begin),
                                     cmocka_unit_test_setup(wild_fields_are_missing, begin),
                                     cmocka_unit_test_setup(head_is_checked, begin),
                                     cmocka_unit_test_setup(wild_tables_are_refused, begin),
                                     cmocka_unit_test_setup(scan_finds_what_hints_miss, begin),
                                     cmocka_unit_test_setup(scan_runs_where_it_is_needed, begin),
                                     cmocka_unit_test_setup(nothing_is_said_to_be_nothing, begin)};
  return cmocka_run_group_tests_name("lens contract", tests, NULL, NULL);
}

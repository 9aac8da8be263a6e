/* ELF notes in target memory: whole, cut at every length, of wild sizes; modules that lie. */
#include "target/note.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cairn/contract.h"
#include "model.h"

static const uint64_t base = 0x7f0000000000;

/* Appends a note; returns where it ends. */
static size_t add_note(uint8_t *out, size_t at, const char *owner, uint32_t type,
                       uint32_t desc_bytes, int64_t desc) {
  Elf64_Nhdr head = {
      .n_namesz = (uint32_t)strlen(owner) + 1, .n_descsz = desc_bytes, .n_type = type};
  memcpy(out + at, &head, sizeof head);
  memcpy(out + at + sizeof head, owner, head.n_namesz);
  at += sizeof head + ((head.n_namesz + 3) & ~3u);
  memcpy(out + at, &desc, sizeof desc);
  return at + ((desc_bytes + 3) & ~3u);
}

static void finds_the_root(void **state) {
  (void)state;
  uint8_t notes[256] = {0};
  uint64_t roots[4];
  bool whole = false;
  size_t end = add_note(notes, 0, "GNU", 3, 8, 1);
  size_t desc_at = end + sizeof(Elf64_Nhdr) + 8;
  end = add_note(notes, end, CAIRN_NOTE_OWNER, CAIRN_NOTE_TYPE, 8, -0x1000);
  end = add_note(notes, end, CAIRN_NOTE_OWNER, CAIRN_NOTE_TYPE + 1, 8, 5); /* of another type */
  end = add_note(notes, end, CAIRN_NOTE_OWNER, CAIRN_NOTE_TYPE, 4, 5);     /* of another size */
  assert_int_equal(lens_notes_parse(notes, end, 4, base, roots, 4, &whole), 1);
  assert_true(whole);
  assert_int_equal(roots[0], base + desc_at - 0x1000);
}

static void cut_at_every_length(void **state) {
  (void)state;
  uint8_t notes[128] = {0};
  uint64_t roots[4];
  size_t end = add_note(notes, 0, CAIRN_NOTE_OWNER, CAIRN_NOTE_TYPE, 8, 64);
  for (size_t bytes = 0; bytes <= end; bytes++) {
    uint8_t exact[128]; /* so that a sanitizer sees a read behind the end */
    uint8_t *tail = exact + sizeof exact - bytes;
    memcpy(tail, notes, bytes);
    bool whole = false;
    uint32_t found = lens_notes_parse(tail, bytes, 4, base, roots, 4, &whole);
    assert_int_equal(found, bytes == end ? 1 : 0);
    assert_int_equal(whole, bytes == 0 || bytes == end);
  }
}

static void wild_sizes_end_the_parse(void **state) {
  (void)state;
  uint64_t roots[4];
  for (int which = 0; which < 2; which++) {
    uint8_t notes[64] = {0};
    bool whole = true;
    Elf64_Nhdr head = {.n_namesz = which == 0 ? UINT32_MAX : 6,
                       .n_descsz = which == 1 ? UINT32_MAX : 8,
                       .n_type = CAIRN_NOTE_TYPE};
    memcpy(notes, &head, sizeof head);
    assert_int_equal(lens_notes_parse(notes, sizeof notes, 4, base, roots, 4, &whole), 0);
    assert_false(whole);
  }
}

/* ---- modules ---- */

static uint8_t module_bytes[0x3000];

static lens_status read_module(void *context, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes) {
  (void)context;
  uint64_t offset = address - base;
  *read_bytes = 0;
  if (offset >= sizeof module_bytes) return LENS_OK;
  *read_bytes = bytes < sizeof module_bytes - offset ? bytes : sizeof module_bytes - offset;
  memcpy(out, module_bytes + offset, (size_t)*read_bytes);
  return LENS_OK;
}

static Elf64_Ehdr *module_head(void) { return (Elf64_Ehdr *)(void *)module_bytes; }
static Elf64_Phdr *module_headers(void) { return (Elf64_Phdr *)(void *)(module_bytes + 64); }

/* A module linked at 0x400000 whose note names base + 0x2000. */
static void make_module(void) {
  memset(module_bytes, 0, sizeof module_bytes);
  Elf64_Ehdr head = {
      .e_type = ET_DYN, .e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  memcpy(module_bytes, &head, sizeof head);
  uint64_t note_at = 0x800;
  uint64_t desc_at = note_at + sizeof(Elf64_Nhdr) + 8;
  size_t end = add_note(module_bytes, note_at, CAIRN_NOTE_OWNER, CAIRN_NOTE_TYPE, 8,
                        0x2000 - (int64_t)desc_at);
  module_headers()[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x400000, .p_memsz = 0x3000};
  module_headers()[1] = (Elf64_Phdr){
      .p_type = PT_NOTE, .p_vaddr = 0x400000 + note_at, .p_memsz = end - note_at, .p_align = 4};
}

static enum lens_module look(uint64_t address, uint64_t *root, uint32_t *count) {
  const lens_reader reader = {.read = read_module};
  lens *self = NULL;
  uint64_t roots[LENS_NOTE_ROOTS_MAX] = {0};
  enum lens_module module = LENS_MODULE_NONE;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  assert_int_equal(lens_module_roots(self, address, roots, count, &module), LENS_OK);
  *root = roots[0];
  lens_free(self);
  return module;
}

static void module_leads_to_its_root(void **state) {
  (void)state;
  uint64_t root;
  uint32_t count;
  make_module();
  assert_int_equal(look(base, &root, &count), LENS_MODULE_READ);
  assert_int_equal(count, 1);
  assert_int_equal(root, base + 0x2000);
  assert_int_equal(look(base + 0x1000, &root, &count), LENS_MODULE_NONE);
  assert_int_equal(look(0, &root, &count), LENS_MODULE_NONE);
}

static void lying_modules(void **state) {
  (void)state;
  uint64_t root;
  uint32_t count;
  make_module();
  module_head()->e_phnum = 0xffff;
  assert_int_equal(look(base, &root, &count), LENS_MODULE_UNREAD);
  make_module();
  module_head()->e_phoff = UINT64_MAX - 8;
  assert_int_equal(look(base, &root, &count), LENS_MODULE_UNREAD);
  make_module();
  module_headers()[1].p_memsz = UINT64_MAX;
  assert_int_equal(look(base, &root, &count), LENS_MODULE_UNREAD);
  make_module();
  module_headers()[1].p_vaddr = 0x900000; /* not mapped */
  assert_int_equal(look(base, &root, &count), LENS_MODULE_UNREAD);
  make_module();
  module_headers()[0].p_offset = 0x100000; /* no segment shows the start of the file */
  assert_int_equal(look(base, &root, &count), LENS_MODULE_UNREAD);
  make_module();
  module_head()->e_ident[EI_CLASS] = ELFCLASS32;
  assert_int_equal(look(base, &root, &count), LENS_MODULE_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_root), cmocka_unit_test(cut_at_every_length),
      cmocka_unit_test(wild_sizes_end_the_parse), cmocka_unit_test(module_leads_to_its_root),
      cmocka_unit_test(lying_modules)};
  return cmocka_run_group_tests_name("lens notes", tests, NULL, NULL);
}

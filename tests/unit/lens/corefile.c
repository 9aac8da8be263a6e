/* Core files built by hand: map, threads, files; cut, lying and wrong ones; the executable's pages.
 */
#include "target/corefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fakecore.h"

static struct fake fake;
static struct fakecore core;

static int begin(void **state) {
  (void)state;
  fake_new(&fake);
  fakecore_new(&core, &fake);
  return 0;
}

static lens_status open_bytes(size_t bytes, const void *executable, size_t executable_bytes,
                              lens **out) {
  char path[32];
  char other[32];
  int fd = memory_file(core.bytes, bytes, path);
  int other_fd = executable == NULL ? -1 : memory_file(executable, executable_bytes, other);
  assert_true(fd >= 0 && (executable == NULL || other_fd >= 0));
  lens_status status = lens_new_core(path, executable == NULL ? NULL : other, out);
  close(fd);
  if (other_fd >= 0) close(other_fd);
  return status;
}

static lens *open_core(void) {
  lens *self = NULL;
  assert_int_equal(open_bytes(sizeof core.bytes, NULL, 0, &self), LENS_OK);
  return self;
}

static void map_and_memory(void **state) {
  (void)state;
  const struct {
    uint64_t start, end;
    uint32_t flags;
    const char *name;
  } wanted[] = {{fakecore_text, fakecore_text + fakecore_text_bytes,
                 LENS_REGION_READ | LENS_REGION_EXECUTE | LENS_REGION_FILE | LENS_REGION_ABSENT,
                 "/bin/prog\\x1b"},
                {fake_base, fake_base + FAKE_BYTES, LENS_REGION_READ | LENS_REGION_WRITE, ""},
                {fakecore_stack, fakecore_stack + FAKECORE_STACK_BYTES,
                 LENS_REGION_READ | LENS_REGION_WRITE | LENS_REGION_STACK, "[stack]"}};
  lens *self = open_core();
  assert_int_equal(lens_region_count(self), 3);
  for (uint64_t i = 0; i < 3; i++) {
    lens_region region;
    assert_int_equal(lens_region_get(self, i, &region), LENS_OK);
    assert_int_equal(region.start, wanted[i].start);
    assert_int_equal(region.end, wanted[i].end);
    assert_int_equal(region.flags, wanted[i].flags);
    assert_string_equal(region.name, wanted[i].name);
  }
  char text[8];
  uint64_t got = 9;
  assert_int_equal(lens_read(self, fakecore_stack + FAKECORE_STACK_BYTES - 4, 8, text, &got),
                   LENS_OK);
  assert_int_equal(got, 4);
  assert_memory_equal(text, "ssss", 4);
  assert_int_equal(lens_read(self, fakecore_text, 8, text, &got), LENS_OK);
  assert_int_equal(got, 0); /* absent is not zero */
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_heap_count(self), 1);
  assert_int_equal(lens_arena_count(self), 1);
  lens_free(self);
}

static void threads_and_registers(void **state) {
  (void)state;
  lens *self = open_core();
  lens_thread thread;
  const char *name;
  uint64_t value;
  assert_int_equal(lens_thread_count(self), FAKECORE_THREADS);
  assert_int_equal(lens_thread_get(self, 0, &thread), LENS_OK);
  assert_int_equal(thread.id, 100);
  assert_int_equal(thread.sp, fakecore_stack + 0x1800);
  assert_int_equal(thread.register_count, 27);
  assert_int_equal(lens_thread_get(self, 1, &thread), LENS_OK);
  assert_int_equal(thread.id, 101);
  assert_int_equal(thread.pc, 0x1010);
  assert_int_equal(lens_thread_register(self, 1, 5, &name, &value), LENS_OK);
  assert_string_equal(name, "rbx");
  assert_int_equal(value, 0x1005);
  assert_int_equal(lens_thread_register(self, 1, 27, &name, &value), LENS_NOT_FOUND);
  assert_int_equal(lens_thread_register(self, 2, 0, &name, &value), LENS_NOT_FOUND);
  assert_int_equal(lens_thread_get(self, 2, &thread), LENS_NOT_FOUND);
  lens_free(self);
}

/* Cut within the headers, the notes, each segment: what is there is used, the rest is absent. */
static void cut_anywhere(void **state) {
  (void)state;
  const size_t cuts[] = {1,
                         63,
                         64,
                         100,
                         64 + 2 * 56,
                         64 + 4 * 56,
                         FAKECORE_NOTES,
                         FAKECORE_NOTES + 100,
                         FAKECORE_HEAP_AT,
                         FAKECORE_HEAP_AT + FAKE_RECORD + 20,
                         FAKECORE_HEAP_AT + FAKE_HEAP + 8,
                         FAKECORE_HEAP_AT + FAKE_ARENA + 0x210,
                         FAKECORE_STACK_AT,
                         sizeof core.bytes - 1};
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    lens *self = NULL;
    lens_status status = open_bytes(cuts[i], NULL, 0, &self);
    if (status != LENS_OK) {
      assert_int_equal(status, LENS_IO);
      assert_non_null(strstr(lens_error(NULL), "not an ELF file"));
      assert_true(cuts[i] < 64);
      continue;
    }
    assert_true(has_problem(self, "the core file is cut"));
    status = lens_model_load(self, 0);
    bool record_is_there = cuts[i] > FAKECORE_HEAP_AT + FAKE_HEAP;
    assert_int_equal(status == LENS_OK, record_is_there);
    if (status != LENS_OK) assert_true(lens_error(self)[0] != 0);
    assert_true(has_problem(self, "the core file is cut")); /* loading does not forget it */
    lens_free(self);
  }
}

static void what_is_no_core_is_named(void **state) {
  (void)state;
  lens *self = NULL;
  assert_int_equal(lens_new_core("/nowhere/core", NULL, &self), LENS_IO);
  assert_non_null(strstr(lens_error(NULL), "/nowhere/core: No such file"));
  assert_int_equal(lens_new_core("/", NULL, &self), LENS_IO);
  assert_non_null(strstr(lens_error(NULL), "not a regular file"));
  fakecore_head(&core)->e_type = ET_DYN;
  assert_int_equal(open_bytes(sizeof core.bytes, NULL, 0, &self), LENS_IO);
  assert_non_null(strstr(lens_error(NULL), "not a core file"));
  fakecore_head(&core)->e_ident[EI_DATA] = ELFDATA2MSB;
  assert_int_equal(open_bytes(sizeof core.bytes, NULL, 0, &self), LENS_IO);
  assert_null(self);
}

static void lying_headers(void **state) {
  (void)state;
  /* Two segments claim the same addresses, one claims all addresses, one more file than there is.
   */
  *fakecore_header(&core, 2) = *fakecore_header(&core, 3);
  fakecore_header(&core, 1)->p_vaddr = 0;
  fakecore_header(&core, 1)->p_memsz = UINT64_MAX;
  fakecore_header(&core, 1)->p_filesz = UINT64_MAX;
  lens *self = open_core();
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_heap_count(self), 1);
  lens_free(self);
  fakecore_head(&core)->e_phnum = PN_XNUM - 1;
  self = open_core();
  lens_free(self);
  fakecore_head(&core)->e_phoff = UINT64_MAX - 16;
  assert_int_equal(open_bytes(sizeof core.bytes, NULL, 0, &self), LENS_OK);
  assert_int_equal(lens_region_count(self), 0);
  lens_free(self);
}

static void lying_notes(void **state) {
  (void)state;
  uint8_t *notes = core.bytes + FAKECORE_NOTES;
  for (uint32_t wild = 0; wild < 4; wild++) {
    const uint32_t sizes[] = {UINT32_MAX, 0x7fffffff, 0, 13};
    fakecore_new(&core, &fake);
    memcpy(notes + 4, &sizes[wild], 4);
    lens *self = open_core();
    assert_true(lens_thread_count(self) <= FAKECORE_THREADS);
    lens_free(self);
  }
  fakecore_new(&core, &fake);
  uint64_t files_at = core.notes_used - (5 * 8 + 16); /* the last note's descriptor */
  const uint64_t counts[] = {UINT64_MAX, 1u << 20, 2};
  for (size_t i = 0; i < 3; i++) {
    memcpy(notes + files_at, &counts[i], 8);
    lens *self = open_core();
    lens_region region;
    assert_int_equal(lens_region_get(self, 0, &region), LENS_OK);
    assert_string_equal(region.name, "");
    lens_free(self);
  }
}

/* What the kernel leaves without a name is malloc's where its first two blocks say so. */
static void the_break_is_known_by_its_blocks(void **state) {
  (void)state;
  const struct {
    uint64_t first_before, first_size, next_size;
    const char *name;
  } cases[] = {{0, 0x291, 0x21, "[heap]"},
               {0, 0x291, FAKE_BYTES - 0x290 + 1, "[heap]"}, /* all the rest is one free block */
               {0, 0x291, FAKE_BYTES - 0x290 + 0x11, ""},    /* one that goes on behind the end */
               {8, 0x291, 0x21, ""}, /* there is no block before the first */
               {0, 0x290, 0x21, ""},
               {0, 0x293, 0x21, ""}, /* mapped by itself */
               {0, 0x299, 0x21, ""},
               {0, 1, 0x21, ""},
               {0, FAKE_BYTES + 1, 0x21, ""},
               {0, UINT64_MAX - 14, 0x21, ""},
               {0, 0x291, 0x20, ""},
               {0, 0x291, 0, ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t *start = core.bytes + FAKECORE_HEAP_AT;
    memcpy(start, &cases[i].first_before, 8);
    memcpy(start + 8, &cases[i].first_size, 8);
    memcpy(start + 0x298, &cases[i].next_size, 8);
    lens *self = open_core();
    lens_region region;
    assert_int_equal(lens_region_get(self, 1, &region), LENS_OK);
    assert_int_equal(region.start, fake_base);
    assert_string_equal(region.name, cases[i].name);
    lens_free(self);
  }
}

/* ---- the executable ---- */

static uint8_t program[0x3000];

static void make_program(void) {
  memset(program, 0xcc, sizeof program);
  const Elf64_Phdr header = {.p_type = PT_LOAD,
                             .p_flags = PF_R | PF_X,
                             .p_offset = 0,
                             .p_vaddr = 0x10000,
                             .p_filesz = 0x2800,
                             .p_memsz = 0x2800};
  Elf64_Ehdr head = {.e_type = ET_DYN,
                     .e_machine = EM_X86_64,
                     .e_version = EV_CURRENT,
                     .e_entry = 0x10040,
                     .e_phoff = 64,
                     .e_ehsize = sizeof head,
                     .e_phentsize = sizeof header,
                     .e_phnum = 1};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_ident[EI_VERSION] = EV_CURRENT;
  memcpy(program, &head, sizeof head);
  memcpy(program + 64, &header, sizeof header);
}

static void executable_fills_in(void **state) {
  (void)state;
  lens *self = NULL;
  uint8_t byte;
  uint64_t got;
  make_program();
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_int_equal(lens_problem_count(self), 0);
  assert_int_equal(lens_read(self, fakecore_text + 0x2fff, 1, &byte, &got), LENS_OK);
  assert_int_equal(got, 1); /* whole pages are mapped */
  assert_int_equal(byte, 0xcc);
  lens_region region;
  assert_int_equal(lens_region_get(self, 0, &region), LENS_OK);
  assert_int_equal(region.start, fakecore_text);
  assert_int_equal(region.flags & LENS_REGION_ABSENT, 0);
  lens_free(self);
}

static void executable_that_does_not_fit_is_left_out(void **state) {
  (void)state;
  lens *self = NULL;
  uint8_t byte;
  uint64_t got;
  make_program();
  uint64_t entry = 0x10041; /* its distance is no multiple of a page */
  memcpy(program + offsetof(Elf64_Ehdr, e_entry), &entry, sizeof entry);
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_true(has_problem(self, "it is not the program that dumped the core"));
  lens_free(self);
  fakecore_forget_auxv(&core);
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_true(has_problem(self, "its place in the program is not known"));
  lens_free(self);
  (void)begin(NULL);
  make_program();
  fakecore_header(&core, 2)->p_filesz = 0x1000; /* the core has other bytes there */
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_true(has_problem(self, "it is not the program that dumped the core"));
  assert_int_equal(lens_read(self, fakecore_text + 0x2000, 1, &byte, &got), LENS_OK);
  assert_int_equal(got, 0);
  lens_free(self);
  assert_int_equal(open_bytes(sizeof core.bytes, "text", 4, &self), LENS_IO);
  assert_non_null(strstr(lens_error(NULL), "not a 64-bit little-endian executable"));
}

/* The core of a stripped program fits the same one with its symbols: where the section table is,
 * and whether there is one, does not matter.  Another build id does. */
static void executable_with_symbols_fits_a_core_of_the_stripped_one(void **state) {
  (void)state;
  lens *self = NULL;
  Elf64_Ehdr head;
  make_program();
  fakecore_header(&core, 2)->p_filesz = 0x1000;
  uint8_t *in_core = core.bytes + fakecore_header(&core, 2)->p_offset;
  memcpy(in_core, program, 0x1000);
  memcpy(&head, in_core, sizeof head);
  head.e_shoff = 0x1234;
  head.e_shentsize = sizeof(Elf64_Shdr);
  head.e_shnum = 7;
  head.e_shstrndx = 6;
  memcpy(in_core, &head, sizeof head);
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_int_equal(lens_problem_count(self), 0);
  lens_free(self);
  program[0x380] ^= 1; /* about where the build id is */
  assert_int_equal(open_bytes(sizeof core.bytes, program, sizeof program, &self), LENS_OK);
  assert_true(has_problem(self, "it is not the program that dumped the core"));
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(map_and_memory, begin),
      cmocka_unit_test_setup(threads_and_registers, begin),
      cmocka_unit_test_setup(cut_anywhere, begin),
      cmocka_unit_test_setup(what_is_no_core_is_named, begin),
      cmocka_unit_test_setup(lying_headers, begin),
      cmocka_unit_test_setup(lying_notes, begin),
      cmocka_unit_test_setup(the_break_is_known_by_its_blocks, begin),
      cmocka_unit_test_setup(executable_fills_in, begin),
      cmocka_unit_test_setup(executable_that_does_not_fit_is_left_out, begin),
      cmocka_unit_test_setup(executable_with_symbols_fits_a_core_of_the_stripped_one, begin)};
  return cmocka_run_group_tests_name("lens core file", tests, NULL, NULL);
}

/* The notes of a core file: threads with their registers, mapped files, the auxiliary vector.
 *
 * A note that makes no sense is passed over; what it would have said is then not known.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/pool.h"
#include "model.h"
#include "target/corefile.h"

enum {
  NOTE_SEGMENTS_MAX = 16,
  THREADS_MAX = 1 << 16,
  FILES_MAX = 1 << 18,
  FILE_NAME_BYTES = 512,
  /* struct elf_prstatus, the same on both machines */
  PRSTATUS_ID = 32,
  PRSTATUS_REGISTERS = 112
};

static const uint64_t note_bytes_max = 64u << 20;

static const char *const x86_64_names[] = {
    "r15",    "r14", "r13", "r12",     "rbp",     "rbx", "r11",      "r10", "r9",
    "r8",     "rax", "rcx", "rdx",     "rsi",     "rdi", "orig_rax", "rip", "cs",
    "eflags", "rsp", "ss",  "fs_base", "gs_base", "ds",  "es",       "fs",  "gs"};
static const char *const aarch64_names[] = {
    "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",  "x10", "x11",
    "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
    "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",  "pc",  "cpsr"};

static const struct lens_machine machines[] = {
    {.elf_machine = EM_X86_64, .register_count = 27, .pc = 16, .sp = 19, .names = x86_64_names},
    {.elf_machine = EM_AARCH64, .register_count = 34, .pc = 32, .sp = 31, .names = aarch64_names}};
_Static_assert(sizeof x86_64_names / sizeof x86_64_names[0] == 27, "struct user_regs_struct");
_Static_assert(sizeof aarch64_names / sizeof aarch64_names[0] == LENS_REGISTERS_MAX,
               "struct user_pt_regs");

static lens_status read_prstatus(struct lens_core *core, const uint8_t *desc, uint64_t bytes) {
  const struct lens_machine *machine = core->machine;
  if (machine == NULL || core->thread_count >= THREADS_MAX ||
      bytes < PRSTATUS_REGISTERS + machine->register_count * 8ull) {
    return LENS_OK;
  }
  struct lens_core_thread *threads =
      lens_grow(core->threads, &core->thread_capacity, core->thread_count + 1, sizeof *threads);
  if (threads == NULL) return LENS_NO_MEMORY;
  core->threads = threads;
  struct lens_core_thread *thread = &threads[core->thread_count++];
  thread->id = lens_load_uint(desc + PRSTATUS_ID, 4);
  for (uint32_t i = 0; i < machine->register_count; i++) {
    thread->registers[i] = lens_load_uint(desc + PRSTATUS_REGISTERS + i * 8ull, 8);
  }
  return LENS_OK;
}

static int compare_files(const void *a, const void *b) {
  uint64_t left = ((const struct lens_mapped_file *)a)->start;
  uint64_t right = ((const struct lens_mapped_file *)b)->start;
  return left < right ? -1 : left > right;
}

/* count, page size, {start, end, offset in pages} * count, then as many NUL-terminated names. */
static lens_status read_files(lens *self, struct lens_core *core, const uint8_t *desc,
                              uint64_t bytes) {
  if (bytes < 16) return LENS_OK;
  uint64_t count = lens_load_uint(desc, 8);
  if (count > (bytes - 16) / 24 || count > FILES_MAX) return LENS_OK;
  uint64_t name_at = 16 + count * 24;
  char shown[FILE_NAME_BYTES] = "";
  const char *name = "";
  for (uint64_t i = 0; i < count && name_at < bytes; i++) {
    size_t length = strnlen((const char *)desc + name_at, (size_t)(bytes - name_at));
    char text[FILE_NAME_BYTES];
    lens_text_printable(desc + name_at, length, 0, text, sizeof text);
    name_at += length + 1;
    if (i == 0 || strcmp(text, shown) != 0) {
      memcpy(shown, text, sizeof shown);
      name = lens_pool_text(&self->region_names, text);
      if (name == NULL) return LENS_NO_MEMORY;
    }
    struct lens_mapped_file file = {.start = lens_load_uint(desc + 16 + i * 24, 8),
                                    .end = lens_load_uint(desc + 24 + i * 24, 8),
                                    .name = name};
    if (file.start >= file.end) continue;
    struct lens_mapped_file *files =
        lens_grow(core->files, &core->file_capacity, core->file_count + 1, sizeof *files);
    if (files == NULL) return LENS_NO_MEMORY;
    core->files = files;
    files[core->file_count++] = file;
  }
  if (core->file_count > 1)
    qsort(core->files, core->file_count, sizeof *core->files, compare_files);
  return LENS_OK;
}

static void read_auxv(struct lens_core *core, const uint8_t *desc, uint64_t bytes) {
  for (uint64_t at = 0; bytes - at >= 16; at += 16) {
    uint64_t key = lens_load_uint(desc + at, 8);
    if (key == AT_ENTRY) core->entry = lens_load_uint(desc + at + 8, 8);
    if (key == AT_NULL) return;
  }
}

static lens_status read_note(lens *self, struct lens_core *core, const GElf_Nhdr *note,
                             const uint8_t *name, const uint8_t *desc) {
  if (note->n_namesz != 5 || memcmp(name, "CORE", 5) != 0) return LENS_OK;
  switch (note->n_type) {
    case NT_PRSTATUS:
      return read_prstatus(core, desc, note->n_descsz);
    case NT_FILE:
      return read_files(self, core, desc, note->n_descsz);
    case NT_AUXV:
      read_auxv(core, desc, note->n_descsz);
      return LENS_OK;
    default:
      return LENS_OK;
  }
}

static lens_status read_segment(lens *self, struct lens_core *core, Elf *elf,
                                const GElf_Phdr *header) {
  uint64_t room = header->p_offset < core->file_bytes ? core->file_bytes - header->p_offset : 0;
  uint64_t bytes = header->p_filesz < room ? header->p_filesz : room;
  if (bytes > note_bytes_max) bytes = note_bytes_max;
  bytes &= ~(uint64_t)3;
  if (bytes == 0) return LENS_OK;
  Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, (size_t)bytes, ELF_T_NHDR);
  if (data == NULL) return LENS_OK;
  GElf_Nhdr note;
  size_t name_at = 0;
  size_t desc_at = 0;
  size_t at = 0;
  while ((at = gelf_getnote(data, at, &note, &name_at, &desc_at)) > 0) {
    const uint8_t *start = data->d_buf;
    lens_status status = read_note(self, core, &note, start + name_at, start + desc_at);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

lens_status lens_core_notes(lens *self, struct lens_core *core, Elf *elf) {
  GElf_Ehdr head;
  if (gelf_getehdr(elf, &head) == NULL) return LENS_OK;
  for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
    if (machines[i].elf_machine == head.e_machine) core->machine = &machines[i];
  }
  size_t headers = lens_core_header_count(elf, core->file_bytes);
  size_t segments = 0;
  for (size_t i = 0; i < headers && segments < NOTE_SEGMENTS_MAX; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, (int)i, &header) == NULL) break;
    if (header.p_type != PT_NOTE) continue;
    segments++;
    lens_status status = read_segment(self, core, elf, &header);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* ---- the public view ---- */

uint64_t lens_thread_count(const lens *self) {
  return self->core == NULL ? 0 : self->core->thread_count;
}

lens_status lens_thread_get(const lens *self, uint64_t index, lens_thread *out) {
  if (index >= lens_thread_count(self)) return LENS_NOT_FOUND;
  const struct lens_machine *machine = self->core->machine;
  const struct lens_core_thread *thread = &self->core->threads[index];
  *out = (lens_thread){.id = thread->id,
                       .pc = thread->registers[machine->pc],
                       .sp = thread->registers[machine->sp],
                       .register_count = machine->register_count};
  return LENS_OK;
}

lens_status lens_thread_register(const lens *self, uint64_t thread, uint32_t index,
                                 const char **name, uint64_t *value) {
  if (thread >= lens_thread_count(self)) return LENS_NOT_FOUND;
  const struct lens_machine *machine = self->core->machine;
  if (index >= machine->register_count) return LENS_NOT_FOUND;
  *name = machine->names[index];
  *value = self->core->threads[thread].registers[index];
  return LENS_OK;
}

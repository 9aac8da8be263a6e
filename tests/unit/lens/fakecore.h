/* A core file built by hand: the fake heap, a stack, a mapped file that is not there, two threads.
 */
#ifndef TESTS_FAKECORE_H
#define TESTS_FAKECORE_H

#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake.h"

enum {
  FAKECORE_NOTES = 0x400,
  FAKECORE_HEAP_AT = 0x2000,
  FAKECORE_STACK_BYTES = 0x2000,
  FAKECORE_STACK_AT = FAKECORE_HEAP_AT + FAKE_BYTES,
  FAKECORE_BYTES = FAKECORE_STACK_AT + FAKECORE_STACK_BYTES,
  FAKECORE_THREADS = 2
};

static const uint64_t fakecore_stack = 0x7ffc00000000;
static const uint64_t fakecore_text = 0x400000;
static const uint64_t fakecore_text_bytes = 0x3000;

struct fakecore {
  uint8_t bytes[FAKECORE_BYTES];
  uint32_t notes_used;
};

static inline void fakecore_note(struct fakecore *core, uint32_t type, const void *desc,
                                 uint32_t bytes) {
  uint8_t *at = core->bytes + FAKECORE_NOTES + core->notes_used;
  const Elf64_Nhdr head = {.n_namesz = 5, .n_descsz = bytes, .n_type = type};
  memcpy(at, &head, sizeof head);
  memcpy(at + sizeof head, "CORE", 5);
  memcpy(at + sizeof head + 8, desc, bytes);
  core->notes_used += (uint32_t)(sizeof head + 8 + ((bytes + 3) & ~3u));
}

/* A thread whose registers are their index, plus 0x1000 for each thread. */
static inline void fakecore_thread(struct fakecore *core, uint32_t number) {
  uint8_t status[336] = {0};
  uint32_t id = 100 + number;
  memcpy(status + 32, &id, sizeof id);
  for (uint64_t i = 0; i < 27; i++) {
    uint64_t value = i + 0x1000 * number;
    if (i == 19 && number == 0) value = fakecore_stack + 0x1800; /* rsp */
    memcpy(status + 112 + i * 8, &value, 8);
  }
  fakecore_note(core, NT_PRSTATUS, status, sizeof status);
}

static inline void fakecore_new(struct fakecore *core, const struct fake *fake) {
  memset(core, 0, sizeof *core);
  for (uint32_t i = 0; i < FAKECORE_THREADS; i++) fakecore_thread(core, i);
  const uint64_t auxv[] = {AT_PAGESZ, 4096, AT_ENTRY, fakecore_text + 0x40, AT_NULL, 0};
  fakecore_note(core, NT_AUXV, auxv, sizeof auxv);
  struct {
    uint64_t count, page_bytes, start, end, page;
    char name[16];
  } files = {1, 4096, fakecore_text, fakecore_text + fakecore_text_bytes, 0, "/bin/prog\x1b"};
  fakecore_note(core, NT_FILE, &files, sizeof files);
  const Elf64_Phdr headers[] = {
      {.p_type = PT_NOTE, .p_offset = FAKECORE_NOTES, .p_filesz = core->notes_used},
      /* not in the order of addresses */
      {.p_type = PT_LOAD,
       .p_flags = PF_R | PF_W,
       .p_offset = FAKECORE_STACK_AT,
       .p_vaddr = fakecore_stack,
       .p_filesz = FAKECORE_STACK_BYTES,
       .p_memsz = FAKECORE_STACK_BYTES},
      {.p_type = PT_LOAD,
       .p_flags = PF_R | PF_X,
       .p_offset = FAKECORE_STACK_AT,
       .p_vaddr = fakecore_text,
       .p_filesz = 0,
       .p_memsz = fakecore_text_bytes},
      {.p_type = PT_LOAD,
       .p_flags = PF_R | PF_W,
       .p_offset = FAKECORE_HEAP_AT,
       .p_vaddr = fake_base,
       .p_filesz = FAKE_BYTES,
       .p_memsz = FAKE_BYTES}};
  Elf64_Ehdr head = {.e_type = ET_CORE,
                     .e_machine = EM_X86_64,
                     .e_version = EV_CURRENT,
                     .e_phoff = 64,
                     .e_ehsize = sizeof head,
                     .e_phentsize = sizeof headers[0],
                     .e_phnum = sizeof headers / sizeof headers[0]};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_ident[EI_VERSION] = EV_CURRENT;
  memcpy(core->bytes, &head, sizeof head);
  memcpy(core->bytes + 64, headers, sizeof headers);
  memcpy(core->bytes + FAKECORE_HEAP_AT, fake->bytes, FAKE_BYTES);
  memset(core->bytes + FAKECORE_STACK_AT, 's', FAKECORE_STACK_BYTES);
}

static inline Elf64_Ehdr *fakecore_head(struct fakecore *core) {
  return (Elf64_Ehdr *)(void *)core->bytes;
}
/* As if the kernel had not said where the program begins. */
static inline void fakecore_forget_auxv(struct fakecore *core) {
  uint8_t *at = core->bytes + FAKECORE_NOTES;
  const uint8_t *end = at + core->notes_used;
  while (at < end) {
    Elf64_Nhdr head;
    memcpy(&head, at, sizeof head);
    if (head.n_type == NT_AUXV) memset(at + sizeof head + 8, 0, head.n_descsz);
    at += sizeof head + 8 + ((head.n_descsz + 3) & ~3u);
  }
}

static inline Elf64_Phdr *fakecore_header(struct fakecore *core, uint32_t index) {
  return (Elf64_Phdr *)(void *)(core->bytes + 64) + index;
}

/* A file in memory with these bytes; its path opens it.  -1 on failure. */
static inline int memory_file(const void *bytes, size_t count, char path[32]) {
  int fd = memfd_create("lens", MFD_CLOEXEC);
  if (fd < 0) return -1;
  snprintf(path, 32, "/proc/self/fd/%d", fd);
  if (write(fd, bytes, count) == (ssize_t)count) return fd;
  close(fd);
  return -1;
}

#endif

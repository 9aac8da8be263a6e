/* A core file as target memory: its segments, what an executable adds, threads and mapped files.
 *
 * corefile.c opens and reads; corefile_notes.c parses the notes; corefile_executable.c places the
 * executable.
 */
#ifndef LENS_COREFILE_H
#define LENS_COREFILE_H

#include <gelf.h>

#include "lens.h"

/* A range of target memory whose bytes are in a file. */
struct lens_segment {
  uint64_t start, end; /* target addresses; end: of the memory */
  uint64_t file_end;   /* target address behind the last byte that the file really has; <= end */
  uint64_t file_offset;
  uint32_t flags; /* enum lens_region_flag */
};

enum { LENS_REGISTERS_MAX = 34 };

struct lens_core_thread {
  uint64_t id;
  uint64_t registers[LENS_REGISTERS_MAX];
};

/* A row of NT_FILE. */
struct lens_mapped_file {
  uint64_t start, end;
  const char *name;
};

/* How a machine's general registers lie in NT_PRSTATUS. */
struct lens_machine {
  uint16_t elf_machine;
  uint32_t register_count, pc, sp; /* pc, sp: indices */
  const char *const *names;
};

struct lens_core {
  int fd, executable_fd; /* -1: none */
  uint64_t file_bytes;
  struct lens_segment *segments; /* of the core, by start */
  size_t segment_count, segment_capacity;
  struct lens_segment *executable; /* of the executable, by start, at their place in the target */
  size_t executable_count, executable_capacity;
  const struct lens_machine *machine; /* NULL: one whose registers the lens does not know */
  struct lens_core_thread *threads;
  size_t thread_count, thread_capacity;
  struct lens_mapped_file *files; /* by start; names in the lens's region_names */
  size_t file_count, file_capacity;
  uint64_t entry; /* AT_ENTRY; 0: not known */
};

/* Opens the files and makes `self` read from them: its reader, regions and threads.  LENS_IO with a
 * text in lens_error, LENS_NO_MEMORY. */
lens_status lens_core_open(lens *self, const char *core, const char *executable);
void lens_core_close(struct lens_core *core);

/* Reads the note segments: threads, mapped files, the auxiliary vector. */
lens_status lens_core_notes(lens *self, struct lens_core *core, Elf *elf);

/* Opens the executable and adds its segments where its place in the target is known; else a
 * problem. */
lens_status lens_core_executable(lens *self, struct lens_core *core, const char *path);

/* The program headers that the file really has, at most what the lens reads. */
size_t lens_core_header_count(Elf *elf, uint64_t file_bytes);

/* Appends the PT_LOADs of an ELF file to *segments, sorted by address, `bias` added. */
lens_status lens_core_segments(Elf *elf, uint64_t file_bytes, uint64_t bias,
                               struct lens_segment **segments, size_t *count, size_t *capacity);

/* pread, whole or up to the end of the file; false on an error. */
bool lens_core_pread(int fd, uint64_t offset, void *out, uint64_t bytes, uint64_t *got);

#endif

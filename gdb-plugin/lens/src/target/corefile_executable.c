/* The executable of a core: file pages that the core lacks, at their place in the target.
 *
 * Its place is known from the auxiliary vector: the entry point, at run time and in the file.
 * An executable that does not fit (another build, another program) is left out with a problem.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "target/corefile.h"

/* So much of each part is compared: of the first one that reaches the build id. */
enum { COMPARED_BYTES = 2048 };

/* The section table belongs to the file, not to the program: stripping moves it or takes it away.
 */
static void forget_sections(uint8_t *header, uint64_t bytes) {
  if (bytes < sizeof(Elf64_Ehdr) || memcmp(header, ELFMAG, SELFMAG) != 0) return;
  Elf64_Ehdr head;
  memcpy(&head, header, sizeof head);
  head.e_shoff = 0;
  head.e_shentsize = 0;
  head.e_shnum = 0;
  head.e_shstrndx = 0;
  memcpy(header, &head, sizeof head);
}

/* Whether the core, where it has the start of what the executable has for reading, has the same
 * bytes there.  A stripped program and the same one with its symbols are the same. */
static bool fits(const struct lens_core *core) {
  for (size_t i = 0; i < core->executable_count; i++) {
    const struct lens_segment *part = &core->executable[i];
    if ((part->flags & LENS_REGION_WRITE) != 0) continue;
    for (size_t k = 0; k < core->segment_count; k++) {
      const struct lens_segment *segment = &core->segments[k];
      uint64_t start = part->start > segment->start ? part->start : segment->start;
      uint64_t end = part->file_end < segment->file_end ? part->file_end : segment->file_end;
      if (start >= end) continue;
      uint8_t in_core[COMPARED_BYTES];
      uint8_t in_file[COMPARED_BYTES];
      uint64_t bytes = end - start < COMPARED_BYTES ? end - start : COMPARED_BYTES;
      uint64_t got_core = 0;
      uint64_t got_file = 0;
      uint64_t file_offset = part->file_offset + (start - part->start);
      if (!lens_core_pread(core->fd, segment->file_offset + (start - segment->start), in_core,
                           bytes, &got_core) ||
          !lens_core_pread(core->executable_fd, file_offset, in_file, bytes, &got_file)) {
        return false;
      }
      if (got_core != bytes || got_file != bytes) continue;
      if (file_offset == 0) {
        forget_sections(in_core, bytes);
        forget_sections(in_file, bytes);
      }
      if (memcmp(in_core, in_file, (size_t)bytes) != 0) return false;
    }
  }
  return true;
}

/* Whole pages are mapped: what the file has around a segment that is only read is there too. */
static void widen_to_pages(struct lens_core *core, uint64_t file_bytes) {
  for (size_t i = 0; i < core->executable_count; i++) {
    struct lens_segment *part = &core->executable[i];
    uint64_t before = part->start % LENS_GRAIN_BYTES;
    if ((part->flags & LENS_REGION_WRITE) != 0 || part->file_offset < before) continue;
    part->start -= before;
    part->file_offset -= before;
    uint64_t room = part->file_offset < file_bytes ? file_bytes - part->file_offset : 0;
    uint64_t bytes = part->file_end - part->start;
    uint64_t padded = (bytes + LENS_GRAIN_BYTES - 1) & ~(uint64_t)(LENS_GRAIN_BYTES - 1);
    if (padded <= UINT64_MAX - part->start) {
      part->file_end = part->start + (padded < room ? padded : room);
    }
    if (part->end < part->file_end) part->end = part->file_end;
  }
}

/* A file that has the symbols of a program and none of its bytes, as debug packages have it. */
static bool is_only_symbols(Elf *elf) {
  for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == NULL) return false;
    if ((header.sh_flags & SHF_EXECINSTR) != 0) return header.sh_type == SHT_NOBITS;
  }
  return false;
}

/* What to add to the file's addresses; false: not known. */
static bool find_bias(const struct lens_core *core, const GElf_Ehdr *head, uint64_t *bias) {
  if (core->entry != 0) {
    *bias = core->entry - head->e_entry;
    return *bias % LENS_GRAIN_BYTES == 0 && (head->e_type == ET_DYN || *bias == 0);
  }
  *bias = 0;
  return head->e_type == ET_EXEC;
}

static lens_status place(lens *self, struct lens_core *core, Elf *elf, const char *path,
                         uint64_t file_bytes) {
  GElf_Ehdr head;
  uint64_t bias = 0;
  if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &head) == NULL ||
      head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
      (head.e_type != ET_EXEC && head.e_type != ET_DYN)) {
    return lens_fail(self, LENS_IO, "%s: not a 64-bit little-endian executable", path);
  }
  const char *another = is_only_symbols(elf) ? "it has the symbols of a program and no code; name "
                                               "the program, and the symbols beside it"
                                             : "it is not the program that dumped the core";
  const char *problem = NULL;
  if (!find_bias(core, &head, &bias)) {
    problem = core->entry == 0 ? "its place in the program is not known" : another;
  } else {
    lens_status status = lens_core_segments(elf, file_bytes, bias, &core->executable,
                                            &core->executable_count, &core->executable_capacity);
    if (status != LENS_OK) return status;
    widen_to_pages(core, file_bytes);
    if (!fits(core)) problem = another;
  }
  if (problem != NULL) {
    core->executable_count = 0;
    lens_problem_add(self, LENS_SOURCE_FILE, LENS_WARNING, 0, "the executable is left out: %s",
                     problem);
  }
  return LENS_OK;
}

lens_status lens_core_executable(lens *self, struct lens_core *core, const char *path) {
  struct stat about;
  core->executable_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (core->executable_fd < 0 || fstat(core->executable_fd, &about) != 0) {
    return lens_fail(self, LENS_IO, "%s: %s", path, strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) return lens_fail(self, LENS_IO, "%s: not a regular file", path);
  Elf *elf = elf_begin(core->executable_fd, ELF_C_READ, NULL);
  lens_status status = place(self, core, elf, path, (uint64_t)about.st_size);
  elf_end(elf);
  return status;
}

/* Opening a core file, its memory map, and reading from it.  See corefile.h.
 *
 * Invariants:
 *  - A core may be cut anywhere: bytes behind the end of the file are absent, never zeros.
 *  - Where a core lacks pages, the executable's file is right: the kernel leaves out only pages
 *    that were never written.
 *  - Memory that exists but is in no file is a region with LENS_REGION_ABSENT.
 */
#include "target/corefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

enum { SEGMENTS_MAX = 1 << 18 };

/* ---- reading ---- */

bool lens_core_pread(int fd, uint64_t offset, void *out, uint64_t bytes, uint64_t *got) {
  uint64_t done = 0;
  if (offset > INT64_MAX) return false;
  while (done < bytes) {
    ssize_t now = pread(fd, (char *)out + done, (size_t)(bytes - done), (off_t)(offset + done));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0 && done == 0) return false;
    if (now <= 0) break;
    done += (uint64_t)now;
  }
  *got = done;
  return true;
}

/* The segment that has the byte at `address` in its file, or NULL. */
static const struct lens_segment *segment_at(const struct lens_segment *segments, size_t count,
                                             uint64_t address) {
  size_t low = 0, high = count; /* the last start that is not behind the address */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (segments[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return NULL;
  const struct lens_segment *segment = &segments[low - 1];
  return address < segment->file_end ? segment : NULL;
}

static lens_status read_core(void *context, uint64_t address, uint64_t bytes, void *out,
                             uint64_t *read_bytes) {
  const struct lens_core *core = context;
  uint64_t done = 0;
  while (done < bytes) {
    uint64_t at = address + done;
    int fd = core->fd;
    const struct lens_segment *segment = segment_at(core->segments, core->segment_count, at);
    if (segment == NULL) {
      fd = core->executable_fd;
      segment = segment_at(core->executable, core->executable_count, at);
    }
    if (segment == NULL) break;
    uint64_t wanted = segment->file_end - at;
    if (wanted > bytes - done) wanted = bytes - done;
    uint64_t got = 0;
    uint64_t offset = segment->file_offset + (at - segment->start);
    if (!lens_core_pread(fd, offset, (char *)out + done, wanted, &got) || got == 0) break;
    done += got;
  }
  *read_bytes = done;
  return LENS_OK;
}

/* ---- segments ---- */

static int compare_segments(const void *a, const void *b) {
  uint64_t left = ((const struct lens_segment *)a)->start;
  uint64_t right = ((const struct lens_segment *)b)->start;
  return left < right ? -1 : left > right;
}

static uint32_t region_flags(uint32_t elf_flags) {
  return ((elf_flags & PF_R) != 0 ? LENS_REGION_READ : 0u) |
         ((elf_flags & PF_W) != 0 ? LENS_REGION_WRITE : 0u) |
         ((elf_flags & PF_X) != 0 ? LENS_REGION_EXECUTE : 0u);
}

size_t lens_core_header_count(Elf *elf, uint64_t file_bytes) {
  GElf_Ehdr head;
  size_t count = 0;
  if (gelf_getehdr(elf, &head) == NULL || head.e_phoff > file_bytes ||
      head.e_phentsize != sizeof(Elf64_Phdr) || elf_getphdrnum(elf, &count) != 0) {
    return 0;
  }
  uint64_t fitting = (file_bytes - head.e_phoff) / sizeof(Elf64_Phdr);
  if (count > fitting) count = (size_t)fitting;
  return count < SEGMENTS_MAX ? count : SEGMENTS_MAX;
}

lens_status lens_core_segments(Elf *elf, uint64_t file_bytes, uint64_t bias,
                               struct lens_segment **segments, size_t *count, size_t *capacity) {
  size_t headers = lens_core_header_count(elf, file_bytes);
  for (size_t i = 0; i < headers; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, (int)i, &header) == NULL) break;
    uint64_t start = bias + header.p_vaddr;
    if (header.p_type != PT_LOAD || header.p_memsz == 0 || header.p_memsz > UINT64_MAX - start) {
      continue;
    }
    uint64_t in_file = header.p_filesz < header.p_memsz ? header.p_filesz : header.p_memsz;
    uint64_t room = header.p_offset < file_bytes ? file_bytes - header.p_offset : 0;
    if (in_file > room) in_file = room;
    struct lens_segment *grown = lens_grow(*segments, capacity, *count + 1, sizeof *grown);
    if (grown == NULL) return LENS_NO_MEMORY;
    *segments = grown;
    grown[(*count)++] = (struct lens_segment){.start = start,
                                              .end = start + header.p_memsz,
                                              .file_end = start + in_file,
                                              .file_offset = header.p_offset,
                                              .flags = region_flags(header.p_flags)};
  }
  if (*count > 1) qsort(*segments, *count, sizeof **segments, compare_segments);
  return LENS_OK;
}

/* ---- regions ---- */

/* The row of NT_FILE that holds `address`, or NULL. */
static const struct lens_mapped_file *file_at(const struct lens_core *core, uint64_t address) {
  size_t low = 0, high = core->file_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (core->files[middle].start <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return NULL;
  const struct lens_mapped_file *file = &core->files[low - 1];
  return address < file->end ? file : NULL;
}

static bool holds_stack(const struct lens_core *core, uint64_t start, uint64_t end) {
  for (size_t i = 0; core->machine != NULL && i < core->thread_count; i++) {
    uint64_t sp = core->threads[i].registers[core->machine->sp];
    if (sp >= start && sp < end) return true;
  }
  return false;
}

/* Cores name files only.  What the program break bounds is known by what glibc's malloc begins it
 * with: a block whose size word says that the one before it is in use (there is none), and behind
 * it another block that knows the first one in use.  The lowest mapping that looks like that; where
 * something else took memory from the break before malloc did, there is none. */
static bool starts_with_blocks_of_malloc(const struct lens_core *core,
                                         const struct lens_segment *segment) {
  enum { IN_USE = 1, FLAGS = 7, BLOCK_ALIGNMENT = 16 };
  uint64_t first[2];
  uint64_t next[2];
  uint64_t got = 0;
  uint64_t bytes = segment->file_end - segment->start;
  if (!lens_core_pread(core->fd, segment->file_offset, first, sizeof first, &got) ||
      got != sizeof first || first[0] != 0 || (first[1] & FLAGS) != IN_USE) {
    return false;
  }
  uint64_t size = first[1] - IN_USE;
  if (size < 2 * BLOCK_ALIGNMENT || size % BLOCK_ALIGNMENT != 0 || size > bytes - sizeof next) {
    return false;
  }
  return lens_core_pread(core->fd, segment->file_offset + size, next, sizeof next, &got) &&
         got == sizeof next && (next[1] & FLAGS) == IN_USE && next[1] > BLOCK_ALIGNMENT &&
         next[1] - IN_USE <= bytes - size;
}

static const struct lens_segment *find_malloc(const struct lens_core *core) {
  for (size_t i = 0; i < core->segment_count; i++) {
    const struct lens_segment *segment = &core->segments[i];
    if ((segment->flags & LENS_REGION_WRITE) != 0 && segment->start % LENS_GRAIN_BYTES == 0 &&
        segment->file_end - segment->start >= LENS_GRAIN_BYTES &&
        file_at(core, segment->start) == NULL && !holds_stack(core, segment->start, segment->end) &&
        starts_with_blocks_of_malloc(core, segment)) {
      return segment;
    }
  }
  return NULL;
}

static lens_status add_region(lens *self, uint64_t start, uint64_t end, uint32_t flags,
                              const char *name) {
  if (start >= end) return LENS_OK;
  lens_region region = {.start = start, .end = end, .flags = flags, .name = name};
  return lens_region_add(self, &region);
}

/* The regions of one segment of the core: what is in the file, what the executable fills in, and
 * the rest, which is absent, up to where the next segment starts.  Earlier regions win, so the rest
 * may be named as a whole. */
static lens_status add_segment(lens *self, const struct lens_core *core,
                               const struct lens_segment *segment, uint64_t next_start,
                               bool is_malloc) {
  const struct lens_mapped_file *file = file_at(core, segment->start);
  bool is_stack = (segment->flags & LENS_REGION_WRITE) != 0 && file == NULL &&
                  holds_stack(core, segment->start, segment->end);
  const char *name = file != NULL ? file->name : is_stack ? "[stack]" : is_malloc ? "[heap]" : "";
  uint32_t flags =
      segment->flags | (file != NULL ? LENS_REGION_FILE : 0u) | (is_stack ? LENS_REGION_STACK : 0u);
  lens_status status = add_region(self, segment->start, segment->file_end, flags, name);
  for (size_t i = 0; i < core->executable_count && status == LENS_OK; i++) {
    const struct lens_segment *part = &core->executable[i];
    uint64_t start = part->start > segment->file_end ? part->start : segment->file_end;
    uint64_t end = part->file_end < segment->end ? part->file_end : segment->end;
    status = add_region(self, start, end, flags, name);
  }
  uint64_t end = segment->end < next_start ? segment->end : next_start;
  if (status == LENS_OK) {
    status = add_region(self, segment->file_end, end, flags | LENS_REGION_ABSENT, name);
  }
  return status;
}

static lens_status add_regions(lens *self, const struct lens_core *core) {
  const struct lens_segment *of_malloc = find_malloc(core);
  for (size_t i = 0; i < core->segment_count; i++) {
    bool is_last = i + 1 == core->segment_count;
    uint64_t next_start = is_last ? UINT64_MAX : core->segments[i + 1].start;
    lens_status status =
        add_segment(self, core, &core->segments[i], next_start, &core->segments[i] == of_malloc);
    if (status != LENS_OK) return status;
  }
  /* Mapped files that have no segment at all. */
  for (size_t i = 0; i < core->file_count; i++) {
    const struct lens_mapped_file *file = &core->files[i];
    lens_status status =
        add_region(self, file->start, file->end, LENS_REGION_FILE | LENS_REGION_ABSENT, file->name);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* ---- opening ---- */

/* Warns when the headers speak of bytes behind the end of the file. */
static void warn_if_cut(lens *self, const struct lens_core *core, Elf *elf) {
  size_t headers = lens_core_header_count(elf, core->file_bytes);
  uint64_t needed = 0;
  GElf_Ehdr head;
  for (size_t i = 0; i < headers; i++) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, (int)i, &header) == NULL) break;
    if (header.p_filesz > UINT64_MAX - header.p_offset) continue;
    if (header.p_offset + header.p_filesz > needed) needed = header.p_offset + header.p_filesz;
  }
  if (gelf_getehdr(elf, &head) != NULL && head.e_phnum != PN_XNUM && headers < head.e_phnum) {
    lens_problem_add(self, LENS_SOURCE_FILE, LENS_WARNING, 0,
                     "the core file is cut within its program headers: %llu of %u are there",
                     (unsigned long long)headers, (unsigned)head.e_phnum);
  }
  if (needed > core->file_bytes) {
    lens_problem_add(self, LENS_SOURCE_FILE, LENS_WARNING, 0,
                     "the core file is cut: it has %llu of at least %llu bytes",
                     (unsigned long long)core->file_bytes, (unsigned long long)needed);
  }
}

static lens_status check_kind(lens *self, Elf *elf, const char *path) {
  GElf_Ehdr head;
  if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &head) == NULL) {
    return lens_fail(self, LENS_IO, "%s: not an ELF file", path);
  }
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB) {
    return lens_fail(self, LENS_IO, "%s: not a 64-bit little-endian file", path);
  }
  if (head.e_type != ET_CORE) return lens_fail(self, LENS_IO, "%s: not a core file", path);
  return LENS_OK;
}

static lens_status read_elf(lens *self, struct lens_core *core, Elf *elf, const char *path,
                            const char *executable) {
  lens_status status = check_kind(self, elf, path);
  if (status != LENS_OK) return status;
  status = lens_core_segments(elf, core->file_bytes, 0, &core->segments, &core->segment_count,
                              &core->segment_capacity);
  if (status == LENS_OK) status = lens_core_notes(self, core, elf);
  if (status == LENS_OK && executable != NULL) {
    status = lens_core_executable(self, core, executable);
  }
  if (status != LENS_OK) return status;
  warn_if_cut(self, core, elf);
  return add_regions(self, core);
}

lens_status lens_core_open(lens *self, const char *path, const char *executable) {
  struct lens_core *core = lens_alloc_zeroed(1, sizeof *core);
  if (core == NULL) return lens_fail(self, LENS_NO_MEMORY, "out of memory");
  core->executable_fd = -1;
  core->fd = open(path, O_RDONLY | O_CLOEXEC);
  self->core = core; /* closed with the lens from here on */
  struct stat about;
  if (core->fd < 0 || fstat(core->fd, &about) != 0) {
    return lens_fail(self, LENS_IO, "%s: %s", path, strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) return lens_fail(self, LENS_IO, "%s: not a regular file", path);
  core->file_bytes = (uint64_t)about.st_size;
  if (elf_version(EV_CURRENT) == EV_NONE) return lens_fail(self, LENS_IO, "libelf is too old");
  Elf *elf = elf_begin(core->fd, ELF_C_READ, NULL);
  lens_status status = read_elf(self, core, elf, path, executable);
  elf_end(elf);
  if (status == LENS_NO_MEMORY) lens_fail(self, status, "%s: out of memory", path);
  if (status != LENS_OK) return status;
  self->reader = (lens_reader){.context = core, .read = read_core};
  return LENS_OK;
}

void lens_core_close(struct lens_core *core) {
  if (core == NULL) return;
  if (core->fd >= 0) close(core->fd);
  if (core->executable_fd >= 0) close(core->executable_fd);
  lens_dealloc(core->segments);
  lens_dealloc(core->executable);
  lens_dealloc(core->threads);
  lens_dealloc(core->files);
  lens_dealloc(core);
}

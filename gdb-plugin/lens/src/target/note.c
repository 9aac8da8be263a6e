/* ELF notes of mapped modules.  See note.h.
 *
 * Reads go past the cache: of each of a process's many mappings only a few hundred bytes matter.
 * Every count is bounded, every offset is computed from the mapping's own start.
 */
#include "target/note.h"

#include <elf.h>
#include <string.h>

#include "cairn/contract.h"
#include "model.h"

enum {
  PROGRAM_HEADERS_MAX = 128,
  NOTE_BYTES_MAX = 16 << 10 /* of a PT_NOTE segment that is looked at */
};

static uint64_t padded(uint64_t bytes, uint64_t align) {
  return (bytes + align - 1) & ~(align - 1);
}

uint32_t lens_notes_parse(const uint8_t *notes, uint64_t bytes, uint64_t align, uint64_t address,
                          uint64_t *roots, uint32_t capacity, bool *whole) {
  uint32_t count = 0;
  align = align == 8 ? 8 : 4;
  uint64_t at = 0;
  while (bytes - at >= sizeof(Elf64_Nhdr) && count < capacity) {
    Elf64_Nhdr head;
    memcpy(&head, notes + at, sizeof head);
    uint64_t name_at = at + sizeof head;
    uint64_t desc_at = at + padded(sizeof head + (uint64_t)head.n_namesz, align);
    uint64_t end = desc_at + padded(head.n_descsz, align);
    if (end > bytes) {
      if (desc_at + head.n_descsz > bytes) break;
      end = bytes; /* the last note needs no padding */
    }
    if (head.n_type == CAIRN_NOTE_TYPE && head.n_descsz == CAIRN_NOTE_DESC_BYTES &&
        head.n_namesz == sizeof CAIRN_NOTE_OWNER &&
        memcmp(notes + name_at, CAIRN_NOTE_OWNER, sizeof CAIRN_NOTE_OWNER) == 0) {
      roots[count++] = address + desc_at + lens_load_uint(notes + desc_at, 8);
    }
    at = end;
  }
  *whole = at == bytes;
  return count;
}

/* Reads exactly `bytes`, past the cache; false when they are not all there. */
static lens_status read_all(lens *self, uint64_t address, uint64_t bytes, void *out, bool *all) {
  uint64_t got = 0;
  *all = false;
  if (bytes > UINT64_MAX - address) return LENS_OK;
  lens_status status = lens_read_direct(self, address, bytes, out, &got);
  *all = status == LENS_OK && got == bytes;
  return status;
}

static bool is_module(const Elf64_Ehdr *head) {
  return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 && head->e_ident[EI_CLASS] == ELFCLASS64 &&
         head->e_ident[EI_DATA] == ELFDATA2LSB && head->e_phentsize == sizeof(Elf64_Phdr);
}

/* What to add to the module's link-time addresses: the mapping at `address` shows file offset 0. */
static bool find_bias(const Elf64_Phdr *headers, uint32_t count, uint64_t address, uint64_t *bias) {
  for (uint32_t i = 0; i < count; i++) {
    if (headers[i].p_type != PT_LOAD || headers[i].p_offset >= LENS_GRAIN_BYTES) continue;
    *bias = address - (headers[i].p_vaddr - headers[i].p_offset);
    return true;
  }
  return false;
}

/* The roots that one PT_NOTE segment names. */
static lens_status segment_roots(lens *self, const Elf64_Phdr *header, uint64_t bias,
                                 uint64_t *roots, uint32_t *root_count, bool *whole) {
  uint64_t address = bias + header->p_vaddr;
  uint64_t bytes = header->p_memsz;
  *whole = false;
  if (bytes == 0 || bytes > NOTE_BYTES_MAX) return LENS_OK;
  uint8_t *notes = lens_alloc((size_t)bytes);
  if (notes == NULL) return LENS_NO_MEMORY;
  bool all = false;
  lens_status status = read_all(self, address, bytes, notes, &all);
  if (status == LENS_OK && all) {
    *root_count += lens_notes_parse(notes, bytes, header->p_align, address, roots + *root_count,
                                    LENS_NOTE_ROOTS_MAX - *root_count, whole);
  }
  lens_dealloc(notes);
  return status;
}

lens_status lens_module_roots(lens *self, uint64_t address, uint64_t *roots, uint32_t *root_count,
                              enum lens_module *out) {
  Elf64_Ehdr head;
  Elf64_Phdr headers[PROGRAM_HEADERS_MAX];
  bool all = false;
  *root_count = 0;
  *out = LENS_MODULE_NONE;
  lens_status status = read_all(self, address, sizeof head, &head, &all);
  if (status != LENS_OK || !all || !is_module(&head)) return status;
  *out = LENS_MODULE_UNREAD;
  uint32_t count = head.e_phnum;
  if (count > PROGRAM_HEADERS_MAX || head.e_phoff > UINT32_MAX) return LENS_OK;
  status = read_all(self, address + head.e_phoff, count * sizeof headers[0], headers, &all);
  uint64_t bias = 0;
  if (status != LENS_OK || !all || !find_bias(headers, count, address, &bias)) return status;
  bool complete = true;
  for (uint32_t i = 0; i < count; i++) {
    if (headers[i].p_type != PT_NOTE) continue;
    bool whole = false;
    status = segment_roots(self, &headers[i], bias, roots, root_count, &whole);
    if (status != LENS_OK) return status;
    complete = complete && whole;
  }
  if (complete) *out = LENS_MODULE_READ;
  return LENS_OK;
}

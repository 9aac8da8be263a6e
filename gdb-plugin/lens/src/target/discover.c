/* Finding root records: hints, ELF notes of mapped modules, and a scan for the magic.
 *
 * The scan is the last way, because it reads all written memory: it runs only where the notes
 * cannot have named every root, and passes over the heaps that are known already.  A copy of a
 * record (the last page of a file mapping is often mapped twice) fails the check of its own
 * address.
 */
#include <string.h>

#include "cairn/contract.h"
#include "model/load.h"
#include "target/note.h"

/* Larger mappings are reservations (a sanitizer's shadow, say): no module's data. */
static const uint64_t scan_bytes_max = 64ull << 30;

/* Reads the contract at `address` where it is new.  What is wrong with it is a problem, not a
 * failure. */
static lens_status try_root(lens *self, struct lens_load *load, uint64_t address,
                            enum lens_found found) {
  bool is_new = false;
  if (address == 0 || self->model.contract_count >= LENS_ROOTS_MAX) return LENS_OK;
  lens_status status = lens_addresses_add(&load->seen_roots, address, &is_new);
  if (status != LENS_OK || !is_new) return status;
  struct lens_model *model = &self->model;
  struct lens_contract **contracts = lens_grow(model->contracts, &model->contract_capacity,
                                               model->contract_count + 1, sizeof *contracts);
  if (contracts == NULL) return LENS_NO_MEMORY;
  model->contracts = contracts;
  struct lens_contract *contract = lens_alloc_zeroed(1, sizeof *contract);
  if (contract == NULL) return LENS_NO_MEMORY;
  status = lens_contract_read(self, address, contract);
  if (status == LENS_OK) {
    contract->found = found;
    contracts[model->contract_count++] = contract;
    return LENS_OK;
  }
  lens_dealloc(contract);
  if (status == LENS_NO_MEMORY || status == LENS_CANCELLED) return status;
  if (found == LENS_FOUND_SCAN && status == LENS_NOT_FOUND)
    return LENS_OK; /* bytes that look alike */
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_WARNING, address, "%s", self->error);
  if (load->root_status == LENS_OK || load->root_status == LENS_NOT_FOUND) {
    load->root_status = status;
    memcpy(load->root_error, self->error, sizeof load->root_error);
  }
  return LENS_OK;
}

lens_status lens_discover_hints(lens *self, struct lens_load *load) {
  for (uint32_t i = 0; i < self->hint_count; i++) {
    lens_status status = try_root(self, load, self->hints[i], LENS_FOUND_HINT);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* Whether a module may start with the region: anonymous written memory holds none. */
static bool may_hold_module(const lens_region *region) {
  bool anonymous =
      (region->flags & LENS_REGION_WRITE) != 0 && (region->flags & LENS_REGION_FILE) == 0;
  return (region->flags & LENS_REGION_READ) != 0 && !anonymous;
}

lens_status lens_discover_notes(lens *self, struct lens_load *load, const lens_slice *slice) {
  for (; load->region < self->region_count; load->region++) {
    const lens_region *region = &self->regions[load->region];
    if (!may_hold_module(region)) continue;
    if (lens_slice_over(slice)) return LENS_AGAIN;
    uint64_t roots[LENS_NOTE_ROOTS_MAX];
    uint32_t count = 0;
    enum lens_module module = LENS_MODULE_NONE;
    lens_status status = lens_module_roots(self, region->start, roots, &count, &module);
    for (uint32_t i = 0; i < count && status == LENS_OK; i++) {
      status = try_root(self, load, roots[i], LENS_FOUND_NOTE);
    }
    if (status != LENS_OK) return status;
    if (module == LENS_MODULE_READ) load->modules++;
    if (module == LENS_MODULE_UNREAD) load->modules_unread++;
  }
  return LENS_OK;
}

/* The end of the arena or metadata mapping of a known heap that holds `address`; 0: none does. */
static uint64_t known_until(const lens *self, uint64_t address) {
  uint32_t arena = lens_arena_find(self, address);
  if (arena != LENS_NONE) {
    const lens_arena *shown = &self->model.arenas[arena].shown;
    return shown->address + shown->bytes;
  }
  const struct lens_range *range = lens_meta_find(self, address, NULL);
  return range == NULL ? 0 : range->end;
}

/* Where the next arena or metadata mapping of a known heap begins behind `address`, at most `end`.
 */
static uint64_t unknown_until(const lens *self, uint64_t address, uint64_t end) {
  const struct lens_model *model = &self->model;
  size_t low = 0;
  size_t high = model->arena_count; /* the first arena behind the address */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (model->arena_starts[middle] > address)
      high = middle;
    else
      low = middle + 1;
  }
  if (low < model->arena_count && model->arena_starts[low] < end) end = model->arena_starts[low];
  for (size_t i = 0; i < model->heap_count; i++) {
    for (size_t k = 0; k < model->heaps[i].meta_count; k++) {
      uint64_t start = model->heaps[i].meta[k].start;
      if (start > address && start < end) end = start;
    }
  }
  return end;
}

static uint64_t aligned(uint64_t address) {
  return (address + CAIRN_ROOT_ALIGN - 1) & ~(uint64_t)(CAIRN_ROOT_ALIGN - 1);
}

/* The offset of the first place where a record may begin; at least `bytes` - 15 where there is
 * none. */
static uint64_t find_magic(const uint8_t *data, uint64_t bytes, bool *found) {
  uint64_t magic;
  uint64_t offset = 0;
  memcpy(&magic, CAIRN_ROOT_MAGIC, sizeof magic);
  for (*found = false; offset + CAIRN_ROOT_ALIGN <= bytes; offset += CAIRN_ROOT_ALIGN) {
    uint64_t word;
    memcpy(&word, data + offset, sizeof word);
    *found = word == magic;
    if (*found) break;
  }
  return offset;
}

/* Searches [*cursor, end) of readable memory until the slice is over.  *cursor is aligned. */
static lens_status scan_range(lens *self, struct lens_load *load, uint64_t *cursor, uint64_t end,
                              const lens_slice *slice) {
  while (*cursor < end) {
    if (lens_slice_over(slice)) return LENS_AGAIN;
    uint64_t known_end = known_until(self, *cursor);
    uint64_t next = *cursor;
    const uint8_t *data = NULL;
    uint64_t available = 0;
    lens_status status = LENS_UNREADABLE;
    if (known_end <= *cursor) {
      uint64_t until = unknown_until(self, *cursor, end);
      status = lens_view(self, *cursor, until - *cursor, &data, &available);
    }
    if (known_end > *cursor) {
      next = aligned(known_end);
    } else if (status == LENS_UNREADABLE) {
      next = (*cursor | (LENS_GRAIN_BYTES - 1)) + 1;
    } else if (status == LENS_OK) {
      bool found = false;
      uint64_t offset = find_magic(data, available, &found);
      load->scanned_bytes += offset;
      if (found) status = try_root(self, load, *cursor + offset, LENS_FOUND_SCAN);
      /* Without one, less than a record's alignment is left of what is readable. */
      next = aligned(*cursor + (found ? offset + 1 : available));
    }
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    if (next <= *cursor) return LENS_OK; /* the end of the address space */
    *cursor = next;
  }
  return LENS_OK;
}

lens_status lens_discover_scan(lens *self, struct lens_load *load, const lens_slice *slice) {
  const uint32_t wanted = LENS_REGION_READ | LENS_REGION_WRITE;
  const uint32_t unwanted = LENS_REGION_ABSENT | LENS_REGION_STACK;
  for (; load->region < self->region_count; load->region++, load->cursor = 0) {
    const lens_region *region = &self->regions[load->region];
    if ((region->flags & wanted) != wanted || (region->flags & unwanted) != 0) continue;
    uint64_t start = aligned(region->start);
    if (start < region->start) continue;
    if (region->end - region->start > scan_bytes_max) {
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_NOTE, region->start,
                       "the mapping at 0x%llx was not searched for a root record: %llu GiB",
                       (unsigned long long)region->start,
                       (unsigned long long)((region->end - region->start) >> 30));
      continue;
    }
    if (load->cursor < start) load->cursor = start;
    lens_status status = scan_range(self, load, &load->cursor, region->end, slice);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

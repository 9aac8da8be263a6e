/* Finding root records: hints, ELF notes of mapped modules, and a scan for the magic.
 *
 * The scan is the last way, because it reads all written memory: it runs only where the notes
 * cannot have named every root, and passes over the heaps that are known already.  A copy of a
 * record (the last page of a file mapping is often mapped twice) fails the check of its own
 * address.
 */
#include <string.h>

#include "cairn/contract.h"
#include "load.h"
#include "note.h"

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

/* Looks for the magic in [*cursor, end) of readable memory until the slice is over. */
static lens_status scan_range(lens *self, struct lens_load *load, uint64_t *cursor, uint64_t end,
                              const lens_slice *slice) {
  uint64_t magic;
  memcpy(&magic, CAIRN_ROOT_MAGIC, sizeof magic);
  while (*cursor < end) {
    if (lens_slice_over(slice)) return LENS_AGAIN;
    uint64_t known_end = known_until(self, *cursor);
    if (known_end > *cursor) {
      *cursor = known_end;
      continue;
    }
    const uint8_t *data = NULL;
    uint64_t available = 0;
    lens_status status = lens_view(self, *cursor, end - *cursor, &data, &available);
    if (status == LENS_UNREADABLE) {
      *cursor = (*cursor | (LENS_GRAIN_BYTES - 1)) + 1;
      if (*cursor == 0) return LENS_OK;
      continue;
    }
    if (status != LENS_OK) return status;
    uint64_t offset = 0;
    uint64_t candidate = UINT64_MAX;
    for (; offset + CAIRN_ROOT_ALIGN <= available; offset += CAIRN_ROOT_ALIGN) {
      uint64_t word;
      memcpy(&word, data + offset, sizeof word);
      if (word != magic) continue;
      candidate = *cursor + offset;
      break;
    }
    load->scanned_bytes += offset;
    *cursor += offset;
    if (candidate != UINT64_MAX) {
      status = try_root(self, load, candidate, LENS_FOUND_SCAN);
      if (status != LENS_OK) return status;
      *cursor += CAIRN_ROOT_ALIGN;
    } else if (available - offset != 0) {
      *cursor += CAIRN_ROOT_ALIGN; /* the end of what is readable lies within these bytes */
    }
  }
  return LENS_OK;
}

lens_status lens_discover_scan(lens *self, struct lens_load *load, const lens_slice *slice) {
  const uint32_t wanted = LENS_REGION_READ | LENS_REGION_WRITE;
  const uint32_t unwanted = LENS_REGION_ABSENT | LENS_REGION_STACK;
  for (; load->region < self->region_count; load->region++, load->cursor = 0) {
    const lens_region *region = &self->regions[load->region];
    if ((region->flags & wanted) != wanted || (region->flags & unwanted) != 0) continue;
    uint64_t start = (region->start + CAIRN_ROOT_ALIGN - 1) & ~(uint64_t)(CAIRN_ROOT_ALIGN - 1);
    if (start < region->start) continue;
    if (load->cursor < start) load->cursor = start;
    lens_status status = scan_range(self, load, &load->cursor, region->end, slice);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* Reading arenas: following a heap's list, finding what a damaged list lost, putting all in order.
 *
 * Invariant of what this builds: arenas stand by address and do not overlap.
 */
#include <stdlib.h>
#include <string.h>

#include "model/load.h"

enum { RECOVER_STEP_BYTES = 1 << 20 }; /* where the contract states no alignment of arenas */

static const uint64_t arena_bytes_max = 1ull << 46;
static const uint64_t page_bytes_max = 1ull << 30;

/* ---- one arena ---- */

/* What is wrong with an arena's own numbers; NULL: nothing. */
static const char *arena_problem(const lens_arena *arena, const struct lens_contract *contract,
                                 uint64_t page_count, uint64_t table_offset) {
  if (arena->bytes == 0 || arena->bytes > arena_bytes_max ||
      arena->bytes > UINT64_MAX - arena->address) {
    return "claims an impossible size";
  }
  if (arena->page_bytes < 8 || arena->page_bytes > page_bytes_max || page_count == 0 ||
      page_count > arena->bytes / arena->page_bytes) {
    return "claims pages that do not fit";
  }
  if (table_offset < contract->arena.extent || table_offset > arena->bytes ||
      page_count > (arena->bytes - table_offset) / contract->page.struct_bytes) {
    return "has its page table outside";
  }
  return NULL;
}

/* Its pages are all of an arena.  One that claims more would hide those behind it. */
static void cut_claim(lens *self, uint64_t page_count, lens_arena *arena) {
  uint64_t pages_bytes = page_count * arena->page_bytes;
  if (arena->bytes == pages_bytes) return;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, arena->address,
                   "the arena at 0x%llx claims %llu bytes; its %llu pages have %llu",
                   (unsigned long long)arena->address, (unsigned long long)arena->bytes,
                   (unsigned long long)page_count, (unsigned long long)pages_bytes);
  arena->bytes = pages_bytes;
}

/* Decodes an arena whose struct is in hand and reads its pages. */
static lens_status decode(lens *self, uint32_t heap_index, uint64_t address, const uint8_t *bytes,
                          struct lens_arena_model *arena) {
  struct lens_heap_model *heap = &self->model.heaps[heap_index];
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_arena *layout = &contract->arena;
  lens_arena *shown = &arena->shown;
  *shown = (lens_arena){.address = address,
                        .heap = heap_index,
                        .bytes = lens_load_place(bytes, layout->bytes),
                        .page_bytes = lens_load_place(bytes, layout->page_bytes),
                        .page_free_count = lens_load_place(bytes, layout->page_free_count),
                        .side = lens_load_place(bytes, layout->side),
                        .side_bytes = lens_load_place(bytes, layout->side_bytes)};
  uint64_t page_count = lens_load_place(bytes, layout->page_count);
  uint64_t table_offset = lens_load_place(bytes, layout->page_table_offset);
  const char *problem = arena_problem(shown, contract, page_count, table_offset);
  if (problem != NULL) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address, "the arena at 0x%llx %s",
                     (unsigned long long)address, problem);
    return LENS_CORRUPT;
  }
  cut_claim(self, page_count, shown);
  lens_status status = lens_pages_read(self, heap, address + table_offset, page_count, arena);
  if (status != LENS_OK) return status;
  arena->track = lens_load_place(bytes, layout->track);
  arena->track_bytes = lens_load_place(bytes, layout->track_bytes);
  arena->side_places = lens_load_place(bytes, layout->side_places);
  status = lens_heap_meta_add(heap, shown->side, shown->side_bytes);
  if (status != LENS_OK) return status;
  return lens_heap_meta_add(heap, arena->track, arena->track_bytes);
}

/* Fetches an arena's struct; LENS_CORRUPT when there is no arena of the heap at `address`. */
static lens_status fetch(lens *self, uint32_t heap_index, uint64_t address, uint8_t *bytes) {
  const struct lens_heap_model *heap = &self->model.heaps[heap_index];
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_arena *layout = &contract->arena;
  lens_status status = lens_fetch(self, address, layout->extent, bytes);
  if (status != LENS_OK) return status;
  uint64_t alignment = contract->arena_alignment;
  if (alignment != 0 && address % alignment != 0) return LENS_CORRUPT;
  if (contract->arena_magic != 0 && layout->magic.width != 0 &&
      lens_load_place(bytes, layout->magic) != contract->arena_magic) {
    return LENS_CORRUPT;
  }
  if (layout->heap.width != 0 && lens_load_place(bytes, layout->heap) != heap->shown.address) {
    return LENS_CORRUPT;
  }
  return LENS_OK;
}

/* Appends the arena at `address`, whose struct is in hand; one that makes no sense is left out. */
static lens_status append(lens *self, uint32_t heap, uint64_t address, const uint8_t *bytes) {
  struct lens_model *model = &self->model;
  struct lens_arena_model *arenas =
      lens_grow(model->arenas, &model->arena_capacity, model->arena_count + 1, sizeof *arenas);
  if (arenas == NULL) return LENS_NO_MEMORY;
  model->arenas = arenas;
  struct lens_arena_model *arena = &arenas[model->arena_count];
  *arena = (struct lens_arena_model){0};
  lens_status status = decode(self, heap, address, bytes, arena);
  if (status == LENS_OK) {
    model->arena_count++;
    return LENS_OK;
  }
  lens_dealloc(arena->pages);
  return status == LENS_CORRUPT ? LENS_OK : status;
}

lens_status lens_arena_read(lens *self, struct lens_load *load) {
  struct lens_heap_step *step = &load->step;
  uint64_t address = step->next_arena;
  uint8_t bytes[LENS_EXTENT_MAX];
  bool is_new = false;
  const char *wrong = NULL;
  lens_status status = lens_addresses_add(&load->seen_arenas, address, &is_new);
  if (status != LENS_OK) return status;
  if (!is_new) {
    wrong = "comes back to itself";
  } else if (self->model.arena_count >= LENS_ARENAS_MAX) {
    wrong = "is longer than the lens reads";
  } else {
    status = fetch(self, step->heap, address, bytes);
    if (status == LENS_UNREADABLE) wrong = "leads to memory that can't be read";
    if (status == LENS_CORRUPT) wrong = "leads to something that is no arena of it";
    if (status != LENS_OK && wrong == NULL) return status;
  }
  if (wrong != NULL) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the list of arenas of heap %llu %s at 0x%llx",
                     (unsigned long long)self->model.heaps[step->heap].shown.id, wrong,
                     (unsigned long long)address);
    load->arenas_lost = true;
    step->next_arena = 0;
    return LENS_OK;
  }
  status = append(self, step->heap, address, bytes);
  if (status != LENS_OK) return status;
  step->arena_count++;
  const struct lens_contract *contract = self->model.heaps[step->heap].contract;
  step->next_arena = lens_load_place(bytes, contract->arena.next);
  return LENS_OK;
}

/* ---- recovery ---- */

/* The distance between addresses where an arena may begin. */
static uint64_t recover_step(const lens *self) {
  uint64_t step = 0;
  for (size_t i = 0; i < self->model.contract_count; i++) {
    uint64_t alignment = self->model.contracts[i]->arena_alignment;
    if (alignment < LENS_GRAIN_BYTES || (alignment & (alignment - 1)) != 0) {
      alignment = RECOVER_STEP_BYTES;
    }
    if (step == 0 || alignment < step) step = alignment;
  }
  return step;
}

/* Appends the arena at `address` where it is a new one of any heap. */
static lens_status recover_at(lens *self, struct lens_load *load, uint64_t address) {
  uint8_t bytes[LENS_EXTENT_MAX];
  for (uint32_t heap = 0; heap < self->model.heap_count; heap++) {
    if (self->model.heaps[heap].contract->arena_magic == 0) continue; /* nothing to know it by */
    lens_status status = fetch(self, heap, address, bytes);
    if (status == LENS_UNREADABLE) return LENS_OK;
    if (status == LENS_CORRUPT) continue;
    if (status != LENS_OK) return status;
    bool is_new = false;
    status = lens_addresses_add(&load->seen_arenas, address, &is_new);
    if (status != LENS_OK || !is_new) return status;
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_WARNING, address,
                     "the arena at 0x%llx was found by its magic: no list leads to it",
                     (unsigned long long)address);
    return append(self, heap, address, bytes);
  }
  return LENS_OK;
}

lens_status lens_arenas_recover(lens *self, struct lens_load *load, const lens_slice *slice) {
  const uint32_t wanted = LENS_REGION_READ | LENS_REGION_WRITE;
  uint64_t step = recover_step(self);
  for (; load->region < self->region_count; load->region++, load->cursor = 0) {
    const lens_region *region = &self->regions[load->region];
    if ((region->flags & wanted) != wanted || (region->flags & LENS_REGION_ABSENT) != 0) continue;
    uint64_t start = (region->start + step - 1) & ~(step - 1);
    if (start < region->start) continue;
    if (load->cursor < start) load->cursor = start;
    while (load->cursor < region->end && self->model.arena_count < LENS_ARENAS_MAX) {
      if (lens_slice_over(slice)) return LENS_AGAIN;
      lens_status status = recover_at(self, load, load->cursor);
      if (status != LENS_OK) return status;
      if (load->cursor > UINT64_MAX - step) break;
      load->cursor += step;
    }
  }
  return lens_arenas_settle(self);
}

/* ---- order ---- */

static int compare_arenas(const void *a, const void *b) {
  uint64_t left = ((const struct lens_arena_model *)a)->shown.address;
  uint64_t right = ((const struct lens_arena_model *)b)->shown.address;
  return left < right ? -1 : left > right;
}

lens_status lens_arenas_settle(lens *self) {
  struct lens_model *model = &self->model;
  uint64_t *starts = lens_alloc(model->arena_count * sizeof *starts);
  if (starts == NULL) return LENS_NO_MEMORY;
  struct lens_arena_model *arenas = model->arenas;
  size_t count = arenas == NULL ? 0 : model->arena_count;
  if (count > 1) qsort(arenas, count, sizeof *arenas, compare_arenas);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    const lens_arena *shown = &arenas[i].shown;
    const lens_arena *before = kept == 0 ? NULL : &arenas[kept - 1].shown;
    if (before != NULL && shown->address - before->address < before->bytes) {
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, shown->address,
                       "the arena at 0x%llx lies within the one at 0x%llx and is left out",
                       (unsigned long long)shown->address, (unsigned long long)before->address);
      lens_dealloc(arenas[i].pages);
      continue;
    }
    starts[kept] = shown->address;
    arenas[kept++] = arenas[i];
  }
  model->arena_count = kept;
  lens_dealloc(model->arena_starts);
  model->arena_starts = starts;
  return LENS_OK;
}

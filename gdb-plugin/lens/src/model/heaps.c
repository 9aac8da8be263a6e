/* Reading heaps: one struct of the target becomes a lens_heap_model. */
#include <stdio.h>
#include <string.h>

#include "memory/pool.h"
#include "model/load.h"

static const char *const flux_names[LENS_FLUXES] = {"none",    "release",  "resize", "collect",
                                                    "reclaim", "allocate", "other"};

lens_status lens_heap_meta_add(struct lens_heap_model *heap, uint64_t start, uint64_t bytes) {
  if (start == 0 || bytes == 0 || bytes > UINT64_MAX - start) return LENS_OK;
  struct lens_range *meta =
      lens_grow(heap->meta, &heap->meta_capacity, heap->meta_count + 1, sizeof *meta);
  if (meta == NULL) return LENS_NO_MEMORY;
  heap->meta = meta;
  meta[heap->meta_count++] = (struct lens_range){start, start + bytes};
  return LENS_OK;
}

/* The list of metadata mappings; a damaged link ends it. */
static lens_status read_chunks(lens *self, const struct lens_contract *contract, uint64_t address,
                               struct lens_heap_model *heap) {
  const struct lens_layout_chunk *layout = &contract->chunk;
  if (layout->next.width == 0 || layout->bytes.width == 0) return LENS_OK;
  struct lens_addresses seen = {0};
  lens_status status = LENS_OK;
  bool is_new = false;
  while (address != 0 && status == LENS_OK && seen.count < LENS_CHUNKS_MAX) {
    uint8_t bytes[LENS_EXTENT_MAX];
    status = lens_addresses_add(&seen, address, &is_new);
    if (status == LENS_OK && !is_new) status = LENS_CORRUPT;
    if (status == LENS_OK) status = lens_fetch(self, address, layout->extent, bytes);
    if (status != LENS_OK) break;
    status = lens_heap_meta_add(heap, address, lens_load_place(bytes, layout->bytes));
    address = lens_load_place(bytes, layout->next);
  }
  lens_addresses_free(&seen);
  if (status == LENS_CORRUPT || status == LENS_UNREADABLE) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                     "the list of metadata mappings of heap %llu is damaged at 0x%llx",
                     (unsigned long long)heap->shown.id, (unsigned long long)address);
    status = LENS_OK;
  }
  return status;
}

/* A table with a mapping of its own, whose size is in it: what refers to objects there is the
 * runtime's. */
static lens_status read_table(lens *self, uint64_t address, struct lens_place_of size,
                              struct lens_heap_model *heap) {
  if (address == 0 || size.width == 0) return LENS_OK;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(self, address, size.offset + size.width, bytes);
  if (status == LENS_UNREADABLE) return LENS_OK;
  if (status != LENS_OK) return status;
  return lens_heap_meta_add(heap, address, lens_load_place(bytes, size));
}

static uint8_t flux_of(const struct lens_contract *contract, uint64_t value) {
  if (contract->heap.flux.width == 0) return LENS_FLUX_NONE;
  for (int flux = 0; flux < LENS_FLUX_OTHER; flux++) {
    if (contract->fluxes[flux] == value) return (uint8_t)flux;
  }
  return LENS_FLUX_OTHER;
}

/* The printable text at a place of a struct; empty where there is none. */
static void text_of(const uint8_t *bytes, struct lens_place_of place, char *text, size_t size) {
  text[0] = 0;
  if (place.width == 0) return;
  const uint8_t *raw = bytes + place.offset;
  lens_text_printable(raw, strnlen((const char *)raw, place.width), 0, text, size);
}

/* The group that the heap shares a limit with. */
static lens_status read_group(lens *self, uint64_t address, struct lens_heap_model *heap) {
  const struct lens_layout_group *layout = &heap->contract->group;
  if (address == 0 || layout->struct_bytes == 0) return LENS_OK;
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(self, address, layout->extent, bytes);
  if (status == LENS_UNREADABLE) return LENS_OK;
  if (status != LENS_OK) return status;
  char name[128];
  text_of(bytes, layout->name, name, sizeof name);
  heap->shown.group_limit_bytes = lens_load_place(bytes, layout->limit_bytes);
  heap->shown.group_taken_bytes = lens_load_place(bytes, layout->taken_bytes);
  heap->shown.group = lens_pool_text(&self->pool, name);
  return heap->shown.group == NULL ? LENS_NO_MEMORY : LENS_OK;
}

static const char *name_of(lens *self, const struct lens_contract *contract, const uint8_t *bytes,
                           uint64_t id) {
  char name[128];
  text_of(bytes, contract->heap.name, name, sizeof name);
  if (name[0] == 0) snprintf(name, sizeof name, "heap %llu", (unsigned long long)id);
  return lens_pool_text(&self->pool, name);
}

/* What the struct itself says. */
static lens_status decode(lens *self, size_t contract_index, uint64_t address, const uint8_t *bytes,
                          struct lens_heap_model *heap) {
  const struct lens_contract *contract = self->model.contracts[contract_index];
  const struct lens_layout_heap *layout = &contract->heap;
  lens_heap *shown = &heap->shown;
  heap->contract = contract;
  heap->flux = flux_of(contract, lens_load_place(bytes, layout->flux));
  heap->collecting = lens_load_place(bytes, layout->collecting) != 0;
  if (layout->runtime_slots.width != 0) {
    heap->runtime_slots = address + layout->runtime_slots.offset;
    heap->runtime_slot_count = layout->runtime_slots.width / 8;
    if (heap->runtime_slot_count > LENS_RUNTIME_SLOTS_MAX) {
      heap->runtime_slot_count = LENS_RUNTIME_SLOTS_MAX;
    }
  }
  shown->address = address;
  shown->id = layout->id.width != 0 ? lens_load_place(bytes, layout->id)
                                    : (uint64_t)self->model.heap_count + 1;
  shown->object_count = lens_load_place(bytes, layout->object_count);
  shown->buffer_count = lens_load_place(bytes, layout->buffer_count);
  shown->used_bytes = lens_load_place(bytes, layout->used_bytes);
  shown->reserved_bytes = lens_load_place(bytes, layout->reserved_bytes);
  shown->returned_bytes = lens_load_place(bytes, layout->returned_bytes);
  shown->limit_bytes = lens_load_place(bytes, layout->limit_bytes);
  shown->external_bytes = lens_load_place(bytes, layout->external_bytes);
  shown->soft_limit_bytes = lens_load_place(bytes, layout->soft_limit_bytes);
  shown->taken_bytes = lens_load_place(bytes, layout->taken_bytes);
  shown->peak_bytes = lens_load_place(bytes, layout->peak_bytes);
  heap->external_table = lens_load_place(bytes, layout->external_table);
  shown->arena_count = lens_load_place(bytes, layout->arena_count);
  shown->collection_count = lens_load_place(bytes, layout->collection_count);
  shown->collected_count = lens_load_place(bytes, layout->collected_count);
  shown->candidate_count = lens_load_place(bytes, layout->candidate_count);
  shown->flux_object = lens_load_place(bytes, layout->flux_object);
  shown->flux = flux_names[heap->flux];
  shown->shared = lens_load_place(bytes, layout->shared) != 0;
  shown->manual_collection = lens_load_place(bytes, layout->manual_collection) != 0;
  shown->root_record = (uint32_t)contract_index;
  shown->name = name_of(self, contract, bytes, shown->id);
  return shown->name == NULL ? LENS_NO_MEMORY : LENS_OK;
}

/* Fetches the struct and checks that a heap is there.  LENS_CORRUPT and LENS_UNREADABLE are logged.
 */
static lens_status fetch(lens *self, struct lens_load *load, const struct lens_contract *contract,
                         uint64_t address, uint8_t *bytes) {
  bool is_new = false;
  lens_status status = lens_addresses_add(&load->seen_heaps, address, &is_new);
  if (status != LENS_OK) return status;
  const char *wrong = NULL;
  if (!is_new) {
    wrong = "comes back to itself";
  } else if (self->model.heap_count >= LENS_HEAPS_MAX) {
    wrong = "is longer than the lens reads";
  } else {
    status = lens_fetch(self, address, contract->heap.extent, bytes);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    const struct lens_layout_heap *layout = &contract->heap;
    if (status == LENS_UNREADABLE) {
      wrong = "leads to memory that can't be read";
    } else if ((contract->heap_magic != 0 && layout->magic.width != 0 &&
                lens_load_place(bytes, layout->magic) != contract->heap_magic) ||
               (layout->self.width != 0 && lens_load_place(bytes, layout->self) != address)) {
      wrong = "leads to something that is no heap";
    }
  }
  if (wrong == NULL) return LENS_OK;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address, "the list of heaps %s at 0x%llx",
                   wrong, (unsigned long long)address);
  return LENS_CORRUPT;
}

lens_status lens_heap_read(lens *self, struct lens_load *load, size_t contract, uint64_t address,
                           uint64_t *next) {
  uint8_t bytes[LENS_EXTENT_MAX];
  struct lens_model *model = &self->model;
  const struct lens_layout_heap *layout = &model->contracts[contract]->heap;
  lens_status status = fetch(self, load, model->contracts[contract], address, bytes);
  if (status == LENS_CORRUPT) {
    *next = 0;
    return LENS_OK;
  }
  if (status != LENS_OK) return status;
  struct lens_heap_model *heaps =
      lens_grow(model->heaps, &model->heap_capacity, model->heap_count + 1, sizeof *heaps);
  if (heaps == NULL) return LENS_NO_MEMORY;
  model->heaps = heaps;
  struct lens_heap_model *heap = &heaps[model->heap_count];
  *heap = (struct lens_heap_model){.first_type = (uint32_t)model->type_count};
  status = decode(self, contract, address, bytes, heap);
  if (status != LENS_OK) return status;
  load->step =
      (struct lens_heap_step){.active = true,
                              .heap = (uint32_t)model->heap_count,
                              .types = lens_load_place(bytes, layout->types),
                              .type_count = (uint32_t)lens_load_place(bytes, layout->type_count),
                              .next_arena = lens_load_place(bytes, layout->arenas)};
  model->heap_count++; /* from here on its ranges are freed with the model */
  status = read_chunks(self, heap->contract, lens_load_place(bytes, layout->chunks), heap);
  if (status == LENS_OK) {
    status = read_table(self, lens_load_place(bytes, layout->weak_table),
                        heap->contract->weak_table.bytes, heap);
  }
  if (status == LENS_OK) {
    status = read_group(self, lens_load_place(bytes, layout->group), heap);
  }
  if (status == LENS_OK) {
    status = read_table(self, lens_load_place(bytes, layout->external_table),
                        heap->contract->external_table.bytes, heap);
  }
  if (status == LENS_OK) {
    status = lens_ready_read(self, heap, lens_load_place(bytes, layout->hot),
                             lens_load_place(bytes, layout->hot_count));
  }
  if (status == LENS_OK) {
    status = lens_holdings_read(self, heap, lens_load_place(bytes, layout->holdings));
  }
  if (layout->block_count.width != 0) {
    heap->shown.object_count = lens_load_place(bytes, layout->block_count) -
                               heap->shown.buffer_count - heap->ready_claimed -
                               lens_load_place(bytes, layout->retired_count);
    heap->shown.used_bytes = lens_load_place(bytes, layout->block_bytes);
  }
  if (status == LENS_OK) {
    status = lens_tracking_read(self, lens_load_place(bytes, layout->tracking), heap);
  }
  if (status == LENS_OK) *next = lens_load_place(bytes, layout->next);
  return status;
}

/* The public view of the model: root records, heaps, arenas, pages and types as rows. */
#include "model.h"

uint64_t lens_root_record_count(const lens *self) { return self->model.contract_count; }

lens_status lens_root_record_get(const lens *self, uint64_t index, lens_root_record *out) {
  if (index >= self->model.contract_count) return LENS_NOT_FOUND;
  const struct lens_contract *contract = self->model.contracts[index];
  *out = (lens_root_record){.address = contract->address,
                            .major = contract->major,
                            .found = contract->found,
                            .runtime = contract->runtime,
                            .heap_count = contract->heap_count};
  return LENS_OK;
}

uint64_t lens_heap_count(const lens *self) { return self->model.heap_count; }

lens_status lens_heap_get(const lens *self, uint64_t heap, lens_heap *out) {
  if (heap >= self->model.heap_count) return LENS_NOT_FOUND;
  *out = self->model.heaps[heap].shown;
  return LENS_OK;
}

uint64_t lens_arena_count(const lens *self) { return self->model.arena_count; }

lens_status lens_arena_get(const lens *self, uint64_t arena, lens_arena *out) {
  if (arena >= self->model.arena_count) return LENS_NOT_FOUND;
  *out = self->model.arenas[arena].shown;
  return LENS_OK;
}

lens_status lens_page_get(lens *self, uint64_t arena, uint64_t page, lens_page *out) {
  if (arena >= self->model.arena_count || page >= self->model.arenas[arena].shown.page_count) {
    return lens_fail(self, LENS_NOT_FOUND, "there is no page %llu in an arena %llu",
                     (unsigned long long)page, (unsigned long long)arena);
  }
  const struct lens_arena_model *model = &self->model.arenas[arena];
  const struct lens_page_model *row = &model->pages[page];
  *out = (lens_page){.address = model->shown.address + page * model->shown.page_bytes,
                     .bytes = model->shown.page_bytes,
                     .kind = row->kind,
                     .span_pages = row->span_pages};
  if (row->kind == LENS_PAGE_BLOCKS || row->kind == LENS_PAGE_LARGE) {
    out->block_bytes = row->block_bytes;
    out->block_count = row->block_count;
    out->fresh = row->fresh;
    out->used_count = row->used_count;
  }
  return LENS_OK;
}

uint64_t lens_type_count(const lens *self) { return self->model.type_count; }

lens_status lens_type_get(const lens *self, uint64_t type, lens_type *out) {
  if (type >= self->model.type_count) return LENS_NOT_FOUND;
  *out = self->model.types[type].shown;
  return LENS_OK;
}

lens_status lens_shortcut_get(const lens *self, lens_shortcut *out) {
  if (self->model.contract_count != 1) return LENS_UNSUPPORTED;
  const struct lens_contract *contract = self->model.contracts[0];
  const struct lens_header_layout *header = &contract->header;
  if (contract->arena.heap.width != 8 || contract->heap.id.width != 8 ||
      contract->arena_alignment == 0 || header->live == 0)
    return LENS_UNSUPPORTED;
  *out = (lens_shortcut){.live = header->live,
                         .dying = header->dying,
                         .buffer = header->buffer,
                         .quarantined = header->quarantined,
                         .saturated = header->saturated,
                         .count_mask = header->count_mask,
                         .type_mask = header->type_mask,
                         .arena_alignment = contract->arena_alignment,
                         .type_shift = header->type_shift,
                         .arena_heap = contract->arena.heap.offset,
                         .heap_id = contract->heap.id.offset};
  return LENS_OK;
}

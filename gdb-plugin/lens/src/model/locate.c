/* Locating an address: which arena, page and block it lies in, and what is there.
 *
 * Only the header of the block is read; everything else is known to the model.
 */
#include "model.h"

uint32_t lens_arena_find(const lens *self, uint64_t address) {
  const struct lens_model *model = &self->model;
  if (model->arena_starts == NULL) return LENS_NONE;
  size_t low = 0, high = model->arena_count; /* the last start that is not behind the address */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (model->arena_starts[middle] <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return LENS_NONE;
  const lens_arena *arena = &model->arenas[low - 1].shown;
  return address - arena->address < arena->bytes ? (uint32_t)(low - 1) : LENS_NONE;
}

const struct lens_range *lens_meta_find(const lens *self, uint64_t address, uint32_t *heap) {
  for (uint32_t i = 0; i < self->model.heap_count; i++) {
    const struct lens_heap_model *candidate = &self->model.heaps[i];
    for (size_t k = 0; k < candidate->meta_count; k++) {
      if (address < candidate->meta[k].start || address >= candidate->meta[k].end) continue;
      if (heap != NULL) *heap = i;
      return &candidate->meta[k];
    }
  }
  return NULL;
}

bool lens_block_find(const lens *self, uint32_t arena, uint64_t address, struct lens_block *out) {
  const struct lens_arena_model *model = &self->model.arenas[arena];
  uint64_t offset = address - model->shown.address;
  uint64_t page_bytes = model->shown.page_bytes;
  uint64_t index = offset / page_bytes;
  if (index >= model->shown.page_count) return false;
  const struct lens_page_model *page = &model->pages[index];
  if (page->kind == LENS_PAGE_BLOCKS) {
    uint64_t block = offset % page_bytes / page->block_bytes;
    if (block >= page->block_count) return false;
    *out = (struct lens_block){
        .start = model->shown.address + index * page_bytes + block * page->block_bytes,
        .bytes = page->block_bytes,
        .arena = arena,
        .page = (uint32_t)index,
        .index = (uint32_t)block,
        .fresh = block >= page->fresh};
    return true;
  }
  if (page->kind == LENS_PAGE_LARGE_TAIL) {
    if (page->span_pages > index) return false;
    index -= page->span_pages;
    page = &model->pages[index];
  }
  if (page->kind != LENS_PAGE_LARGE || offset - index * page_bytes >= page->block_bytes) {
    return false;
  }
  *out = (struct lens_block){.start = model->shown.address + index * page_bytes,
                             .bytes = page->block_bytes,
                             .arena = arena,
                             .page = (uint32_t)index};
  return true;
}

/* A header that is a small number and nothing else was 0, a freed block's, and was counted up
 * since: a plain retain asks for no type.  Larger ones are more likely something else's bytes. */
enum { TOUCHES_MAX = 1 << 16 };

void lens_head_decode(const lens *self, uint32_t heap, uint64_t header, struct lens_head *out) {
  const struct lens_heap_model *model = &self->model.heaps[heap];
  const struct lens_header_layout *layout = &model->contract->header;
  bool live = (header & layout->live) != 0;
  bool dying = (header & layout->dying) != 0;
  *out = (struct lens_head){.place = LENS_PLACE_DAMAGED, .type = LENS_NONE};
  if (header == 0) {
    out->place = LENS_PLACE_FREED;
    return;
  }
  if ((header & ~layout->count_mask) == 0 && header <= TOUCHES_MAX) {
    out->place = LENS_PLACE_TOUCHED;
    out->refcount = (uint32_t)header;
    return;
  }
  bool quarantined = (header & layout->quarantined) != 0;
  if (quarantined ? live || dying : live == dying) return;
  uint64_t index = header >> layout->type_shift & layout->type_mask;
  bool known =
      index > 0 && index < model->type_count && self->model.types[model->first_type + index].known;
  if (!live && !dying) {
    out->place = LENS_PLACE_QUARANTINED;
    if (known) out->type = model->first_type + (uint32_t)index;
    return;
  }
  if ((header & layout->buffer) != 0) {
    bool bare = (header & (layout->count_mask | layout->type_mask << layout->type_shift)) == 0;
    if (live && bare) out->place = LENS_PLACE_BUFFER;
    return;
  }
  out->place = live ? LENS_PLACE_OBJECT : LENS_PLACE_DYING;
  uint64_t count = header & layout->count_mask;
  out->refcount = (uint32_t)count;
  if (known) {
    out->type = model->first_type + (uint32_t)index;
  } else {
    out->state |= LENS_STATE_DAMAGED;
  }
  if (dying) {
    out->state |= LENS_STATE_DYING;
  } else if (layout->immortal != 0 && count == layout->immortal) {
    out->state |= LENS_STATE_IMMORTAL;
  } else if ((count & layout->saturated) != 0) {
    out->state |= LENS_STATE_SATURATED;
  }
  if ((header & layout->candidate) != 0) out->state |= LENS_STATE_CANDIDATE;
  if ((header & layout->held) != 0) out->state |= LENS_STATE_HELD;
  if ((header & layout->finalized) != 0) out->state |= LENS_STATE_FINALIZED;
  if ((header & layout->weakly) != 0) out->state |= LENS_STATE_WEAKLY;
  if ((header & layout->interned) != 0) out->state |= LENS_STATE_INTERNED;
  if ((header & layout->shared) != 0) out->state |= LENS_STATE_SHARED;
}

/* What a part of an arena is that no block covers. */
static uint32_t place_without_block(const struct lens_arena_model *arena, uint64_t page) {
  if (page >= arena->shown.page_count) return LENS_PLACE_DAMAGED;
  switch (arena->pages[page].kind) {
    case LENS_PAGE_FREE:
      return LENS_PLACE_FREE_PAGE;
    case LENS_PAGE_DAMAGED:
      return LENS_PLACE_DAMAGED;
    default:
      return LENS_PLACE_ARENA_META; /* its own header, or the rest behind the last block */
  }
}

lens_status lens_locate(lens *self, uint64_t address, lens_location *out) {
  lens_status status = lens_need_model(self);
  if (status != LENS_OK) return status;
  lens_location found = {.place = LENS_PLACE_NOTHING, .heap = LENS_NONE, .arena = LENS_NONE};
  uint32_t index = lens_arena_find(self, address);
  if (index == LENS_NONE) {
    const struct lens_range *range = lens_meta_find(self, address, &found.heap);
    if (range != NULL) {
      found.place = LENS_PLACE_HEAP_META;
      found.base = range->start;
      found.block_bytes = range->end - range->start;
      found.offset = address - range->start;
    }
    *out = found;
    return LENS_OK;
  }
  const struct lens_arena_model *arena = &self->model.arenas[index];
  uint64_t page = (address - arena->shown.address) / arena->shown.page_bytes;
  found.heap = arena->shown.heap;
  found.arena = index;
  found.page = (uint32_t)page;
  struct lens_block block;
  if (!lens_block_find(self, index, address, &block)) {
    found.place = place_without_block(arena, page);
    *out = found;
    return LENS_OK;
  }
  found.page = block.page;
  found.base = block.start;
  found.block_bytes = block.bytes;
  found.offset = address - block.start;
  uint8_t word[8];
  if (block.fresh) {
    found.place = LENS_PLACE_FRESH;
  } else {
    status = lens_fetch(self, block.start, sizeof word, word);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    struct lens_head head = {.place = LENS_PLACE_UNREADABLE};
    if (status == LENS_OK) lens_head_decode(self, found.heap, lens_load_uint(word, 8), &head);
    found.place = head.place;
  }
  *out = found;
  return LENS_OK;
}

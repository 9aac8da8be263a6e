/* The check of pages and heaps: counters against what the sweep counted, free lists.
 *
 * A page of blocks: used_count blocks are live, dying or in hand, ready_count lie ready; the others
 * below `fresh` stand in the free list, each once, with a header of 0.  A heap's counters are sums
 * over its pages.
 */
#include <inttypes.h>

#include "analysis.h"

/* ---- free lists ---- */

/* *problem: why an entry of a page's free list is none; NULL: it is one. */
static lens_status entry_problem(lens *self, uint32_t arena, uint32_t page, uint64_t entry,
                                 const char **problem) {
  struct lens_block block;
  uint32_t entry_arena = lens_arena_find(self, entry);
  bool found =
      entry_arena == arena && lens_block_find(self, arena, entry, &block) && block.page == page;
  *problem = NULL;
  if (!found) {
    *problem = "leads out of the page";
  } else if (block.start != entry) {
    *problem = "leads into the middle of a block";
  } else if (block.fresh) {
    *problem = "holds a block that was never used";
  } else {
    uint64_t header;
    lens_status status = lens_fetch(self, entry, sizeof header, &header);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    if (status == LENS_UNREADABLE) *problem = "can't be read";
    if (status == LENS_OK && header != 0) *problem = "holds a block that is in use";
  }
  return LENS_OK;
}

/* Follows the list; *length is how far it makes sense, *whole that this is its end. */
static lens_status check_free_list(lens *self, uint32_t arena, uint32_t page, uint64_t page_address,
                                   uint32_t *length, bool *whole) {
  const struct lens_arena_model *model = &self->model.arenas[arena];
  const struct lens_place_of next = self->model.heaps[model->shown.heap].contract->free_block.next;
  const char *problem = NULL;
  uint64_t entry = model->pages[page].free_list;
  *whole = false;
  for (*length = 0; entry != 0; ++*length) {
    lens_status status = entry_problem(self, arena, page, entry, &problem);
    if (status != LENS_OK) return status;
    if (problem == NULL && *length >= model->pages[page].fresh) problem = "comes back to itself";
    uint8_t word[8];
    if (problem == NULL) {
      status = lens_fetch(self, entry + next.offset, next.width, word);
      if (status != LENS_OK && status != LENS_UNREADABLE) return status;
      if (status == LENS_UNREADABLE) problem = "can't be read";
    }
    if (problem != NULL) {
      LENS_FOUND(self, LENS_DAMAGE, page_address,
                 "the free list of the page 0x%" PRIx64 " %s at 0x%" PRIx64, page_address, problem,
                 entry);
      return LENS_OK;
    }
    entry = lens_load_uint(word, next.width);
  }
  *whole = true;
  return LENS_OK;
}

/* ---- pages ---- */

/* The blocks below `fresh` are used, free, or in hand; `late` is how far used_count runs ahead of
 * the headers. */
static void judge_page(lens *self, uint32_t arena, uint32_t page, uint64_t address,
                       uint32_t free_count) {
  const struct lens_check_state *check = &self->analysis->check;
  const struct lens_page_model *shown = &self->model.arenas[arena].pages[page];
  const struct lens_page_tally *tally = &check->pages[check->arena_page_rows[arena] + page];
  struct lens_heap_tally *heap = &check->heaps[self->model.arenas[arena].shown.heap];
  int64_t in_hand = (int64_t)shown->fresh - tally->used - free_count - shown->ready_count;
  int64_t late = (int64_t)shown->used_count - tally->used;
  if (in_hand == 0 && late == 0) return;
  bool possible = in_hand >= 0 && late >= 0 && late <= in_hand + 1;
  uint64_t blocks = possible ? (uint64_t)(in_hand > late ? in_hand : late) : 0;
  heap->in_hand += blocks;
  bool moving = self->model.heaps[self->model.arenas[arena].shown.heap].flux != LENS_FLUX_NONE;
  if (possible && heap->in_hand <= (moving ? LENS_MOVING_MAX : LENS_IN_HAND_MAX)) {
    LENS_FOUND(self, LENS_NOTE, address,
               "%" PRIu64 " blocks of the page 0x%" PRIx64 " are being made or freed", blocks,
               address);
  } else {
    LENS_FOUND(self, LENS_DAMAGE, address,
               "the page 0x%" PRIx64 " says that %u of %u blocks are used; %u are, and %u are free",
               address, shown->used_count, shown->fresh, tally->used, free_count);
  }
}

/* A block that lies ready is free. */
static lens_status check_ready(lens *self, uint32_t heap) {
  const struct lens_heap_model *model = &self->model.heaps[heap];
  for (size_t i = 0; i < model->ready_count; i++) {
    uint64_t header = 0;
    lens_status status = lens_fetch(self, model->ready[i], sizeof header, &header);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    if (header == 0) continue;
    LENS_FOUND(self, LENS_DAMAGE, model->ready[i],
               "the block 0x%" PRIx64 " lies ready to be handed out and is in use",
               model->ready[i]);
  }
  return LENS_OK;
}

static lens_status check_page(lens *self, uint32_t arena, uint32_t page) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_arena_model *model = &self->model.arenas[arena];
  const struct lens_page_model *shown = &model->pages[page];
  const struct lens_page_tally *tally = &check->pages[check->arena_page_rows[arena] + page];
  struct lens_heap_tally *heap = &check->heaps[model->shown.heap];
  const struct lens_contract *contract = self->model.heaps[model->shown.heap].contract;
  uint64_t address = model->shown.address + page * model->shown.page_bytes;
  uint32_t free_count = 0;
  bool whole = true, counted = contract->page.used_count.width != 0;
  if (contract->page.free_list.width != 0 && contract->free_block.next.width != 0) {
    lens_status status = check_free_list(self, arena, page, address, &free_count, &whole);
    if (status != LENS_OK) return status;
  } else if (tally->used < shown->fresh) {
    free_count = shown->fresh - tally->used; /* without a list all others pass for free */
  }
  if (tally->seen < shown->fresh) {
    heap->unreadable += shown->fresh - tally->seen;
    LENS_FOUND(self, LENS_WARNING, address, "%u blocks of the page 0x%" PRIx64 " can't be read",
               shown->fresh - tally->seen, address);
  } else if (whole && counted) {
    judge_page(self, arena, page, address, free_count);
  }
  return LENS_OK;
}

/* A large block is used, in hand, or unreadable. */
static void check_large(lens *self, uint32_t arena, uint32_t page) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_page_tally *tally = &check->pages[check->arena_page_rows[arena] + page];
  struct lens_heap_tally *heap = &check->heaps[self->model.arenas[arena].shown.heap];
  heap->unreadable += tally->seen == 0;
  heap->in_hand += tally->seen != 0 && tally->used == 0;
}

static void check_arena(lens *self, uint32_t arena) {
  const struct lens_arena_model *model = &self->model.arenas[arena];
  const struct lens_heap_model *heap = &self->model.heaps[model->shown.heap];
  if (heap->flux == LENS_FLUX_ALLOCATE || heap->contract->arena.page_free_count.width == 0) return;
  uint64_t free_count = 0;
  for (uint64_t i = 0; i < model->shown.page_count; i++)
    free_count += model->pages[i].kind == LENS_PAGE_FREE;
  if (free_count == model->shown.page_free_count) return;
  LENS_FOUND(self, heap->flux == LENS_FLUX_NONE ? LENS_DAMAGE : LENS_NOTE, model->shown.address,
             "the arena 0x%" PRIx64 " says that %" PRIu64 " pages are free; %" PRIu64 " are",
             model->shown.address, model->shown.page_free_count, free_count);
}

lens_status lens_check_pages(lens *self, const lens_slice *slice) {
  struct lens_check_state *check = &self->analysis->check;
  for (; check->arena < self->model.arena_count; check->arena++, check->page = 0) {
    const struct lens_arena_model *model = &self->model.arenas[check->arena];
    if (check->page == 0) check_arena(self, check->arena);
    while (check->page < model->shown.page_count) {
      uint32_t page = check->page;
      bool swept = model->shown.page_bytes <= LENS_PAGE_BYTES_MAX;
      if (model->pages[page].kind == LENS_PAGE_LARGE) {
        check_large(self, check->arena, page);
      } else if (model->pages[page].kind == LENS_PAGE_BLOCKS && swept) {
        lens_status status = check_page(self, check->arena, page);
        if (status != LENS_OK) return status;
      }
      check->page++;
      check->totals.pages++;
      if (lens_slice_over(slice)) return LENS_AGAIN;
    }
    check->totals.arenas++;
  }
  return LENS_OK;
}

/* ---- heaps ---- */

static void check_counter(lens *self, uint32_t heap, const char *counter, bool known, uint64_t says,
                          uint64_t is, uint64_t tolerance) {
  const struct lens_heap_model *model = &self->model.heaps[heap];
  uint64_t difference = says > is ? says - is : is - says;
  if (!known || difference == 0) return;
  bool in_hand = difference <= tolerance || model->flux == LENS_FLUX_ALLOCATE ||
                 self->analysis->check.heaps[heap].unreadable != 0;
  LENS_FOUND(self, in_hand ? LENS_NOTE : LENS_DAMAGE, model->shown.address,
             "the heap 0x%" PRIx64 " counts %" PRIu64 " %s; there are %" PRIu64,
             model->shown.address, says, counter, is);
}

lens_status lens_check_heaps(lens *self) {
  for (uint32_t i = 0; i < self->model.heap_count; i++) {
    const struct lens_heap_model *model = &self->model.heaps[i];
    const struct lens_heap_tally *tally = &self->analysis->check.heaps[i];
    const struct lens_layout_heap *layout = &model->contract->heap;
    lens_status status = check_ready(self, i);
    if (status != LENS_OK) return status;
    uint64_t in_hand = tally->in_hand;
    check_counter(self, i, "objects", layout->object_count.width + layout->block_count.width != 0,
                  model->shown.object_count, tally->objects, in_hand + 1);
    check_counter(self, i, "buffers", layout->buffer_count.width != 0, model->shown.buffer_count,
                  tally->buffers, in_hand + 1);
    check_counter(self, i, "candidates", layout->candidate_count.width != 0,
                  model->shown.candidate_count, tally->candidates,
                  model->flux == LENS_FLUX_NONE ? 1 : UINT64_MAX);
    uint64_t block_bytes = 0;
    if (in_hand != 0) block_bytes = UINT64_MAX;
    check_counter(self, i, "bytes in use",
                  layout->used_bytes.width + layout->block_bytes.width != 0,
                  model->shown.used_bytes, tally->bytes, block_bytes);
  }
  return LENS_OK;
}

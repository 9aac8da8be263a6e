/* The sweep.  See sweep.h. */
#include "model/sweep.h"

#include <string.h>

enum { PAGES_A_CLOCK = 8 };

static bool page_next(const lens *self, struct lens_sweep *sweep) {
  sweep->page++;
  sweep->page_row++;
  sweep->block = 0;
  while (sweep->arena < self->model.arena_count &&
         sweep->page >= self->model.arenas[sweep->arena].shown.page_count) {
    sweep->arena++;
    sweep->page = 0;
  }
  return sweep->arena < self->model.arena_count;
}

static bool has_blocks(const lens_arena *arena, const struct lens_page_model *page) {
  if (page->kind == LENS_PAGE_LARGE) return true;
  return page->kind == LENS_PAGE_BLOCKS && page->fresh != 0 &&
         arena->page_bytes <= LENS_PAGE_BYTES_MAX;
}

static bool is_wanted(const struct lens_sweep *sweep) {
  if (sweep->wanted == NULL) return true;
  return (sweep->wanted[sweep->page_row / 64] >> (sweep->page_row % 64) & 1) != 0;
}

/* Counts the blocks that begin before `end` as unreadable. */
static void skip_to(struct lens_sweep *sweep, const struct lens_run *run, uint64_t end) {
  uint64_t page_address = run->address - (uint64_t)sweep->block * run->stride;
  uint64_t block = (end - page_address + run->stride - 1) / run->stride;
  sweep->unreadable_bytes += (block - sweep->block) * run->stride;
  sweep->block = (uint32_t)block;
}

/* One block that lies across two chunks or before a hole: copied.  LENS_NOT_FOUND: it is
 * unreadable. */
static lens_status run_of_one(lens *self, struct lens_sweep *sweep, struct lens_run *run) {
  if (sweep->scratch_bytes < run->stride) {
    uint8_t *scratch = lens_alloc((size_t)run->stride);
    if (scratch == NULL) return lens_fail(self, LENS_NO_MEMORY, "out of memory");
    lens_dealloc(sweep->scratch);
    sweep->scratch = scratch;
    sweep->scratch_bytes = (size_t)run->stride;
  }
  lens_status status = lens_fetch(self, run->address, run->stride, sweep->scratch);
  if (status == LENS_UNREADABLE) {
    skip_to(sweep, run, run->address + run->stride);
    return LENS_NOT_FOUND;
  }
  run->bytes = sweep->scratch;
  run->byte_count = run->stride;
  run->block_count = 1;
  return status;
}

/* Fills `run` from sweep->block on.  LENS_NOT_FOUND: nothing readable there; sweep->block has moved
 * on. */
static lens_status run_of_blocks(lens *self, struct lens_sweep *sweep, struct lens_run *run) {
  uint64_t wanted = (run->page->fresh - sweep->block) * run->stride, available = 0;
  lens_status status = lens_view(self, run->address, wanted, &run->bytes, &available);
  if (status == LENS_UNREADABLE) {
    uint64_t grain_end = (run->address / LENS_GRAIN_BYTES + 1) * LENS_GRAIN_BYTES;
    uint64_t run_end = run->address + wanted;
    skip_to(sweep, run,
            grain_end < run_end ? lens_next_readable(self, grain_end, run_end) : run_end);
    return LENS_NOT_FOUND;
  }
  if (status != LENS_OK) return status;
  if (available < run->stride) return run_of_one(self, sweep, run);
  run->block_count = (uint32_t)(available / run->stride);
  run->byte_count = run->block_count * run->stride;
  return LENS_OK;
}

static lens_status run_of_large(lens *self, struct lens_sweep *sweep, struct lens_run *run) {
  uint64_t wanted = run->stride < LENS_RUN_LARGE_BYTES ? run->stride : LENS_RUN_LARGE_BYTES;
  lens_status status = lens_view(self, run->address, wanted, &run->bytes, &run->byte_count);
  if (status == LENS_OK && run->byte_count < sizeof(uint64_t)) status = LENS_UNREADABLE;
  run->block_count = 1;
  if (status != LENS_UNREADABLE) return status;
  sweep->unreadable_bytes += run->stride;
  sweep->block = 1;
  return LENS_NOT_FOUND;
}

/* The runs of the page where the sweep stands. */
static lens_status sweep_page(lens *self, struct lens_sweep *sweep, lens_run_fn visit,
                              void *context) {
  const struct lens_arena_model *arena = &self->model.arenas[sweep->arena];
  if (sweep->page >= arena->shown.page_count || !is_wanted(sweep)) return LENS_OK;
  const struct lens_page_model *page = &arena->pages[sweep->page];
  if (!has_blocks(&arena->shown, page)) return LENS_OK;
  uint32_t block_end = page->kind == LENS_PAGE_LARGE ? 1 : page->fresh;
  while (sweep->block < block_end) {
    struct lens_run run = {.page = page,
                           .heap = arena->shown.heap,
                           .arena = sweep->arena,
                           .page_index = sweep->page,
                           .page_row = sweep->page_row,
                           .first_block = sweep->block,
                           .stride = page->block_bytes};
    run.address =
        arena->shown.address + sweep->page * arena->shown.page_bytes + sweep->block * run.stride;
    lens_status status = page->kind == LENS_PAGE_LARGE ? run_of_large(self, sweep, &run)
                                                       : run_of_blocks(self, sweep, &run);
    if (status == LENS_NOT_FOUND) continue;
    if (status == LENS_OK) status = visit(self, context, &run);
    if (status != LENS_OK) return status;
    sweep->block += run.block_count;
  }
  return LENS_OK;
}

lens_status lens_sweep_step(lens *self, struct lens_sweep *sweep, const lens_slice *slice,
                            lens_run_fn visit, void *context) {
  while (sweep->arena < self->model.arena_count) {
    lens_status status = sweep_page(self, sweep, visit, context);
    if (status != LENS_OK) return status;
    if (!page_next(self, sweep)) break;
    if (sweep->page % PAGES_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

void lens_sweep_reset(struct lens_sweep *sweep) {
  lens_dealloc(sweep->scratch);
  *sweep = (struct lens_sweep){0};
}

const uint8_t *lens_run_keep(struct lens_run_copy *copy, const struct lens_run *run) {
  uint8_t *bytes = lens_grow(copy->bytes, &copy->room, (size_t)run->byte_count, 1);
  if (bytes == NULL) return NULL;
  copy->bytes = bytes;
  return memcpy(bytes, run->bytes, (size_t)run->byte_count);
}

void lens_run_copy_free(struct lens_run_copy *copy) {
  lens_dealloc(copy->bytes);
  *copy = (struct lens_run_copy){0};
}

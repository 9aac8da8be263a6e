/* Own bytes.  See weights.h. */
#include "snapshot/weights.h"

#include <assert.h>
#include <string.h>

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 15 };

void lens_weights_free(struct lens_weights *self) {
  lens_sweep_reset(&self->sweep);
  lens_dealloc(self->owners);
  lens_dealloc(self->owner_pages);
  lens_dealloc(self->first_block);
  lens_column_free(&self->unowned);
  lens_column_free(&self->own_bytes);
  lens_dealloc(self->heavy);
  *self = (struct lens_weights){0};
}

/* What only the sweeps need. */
static void sweeps_free(struct lens_weights *weights) {
  lens_sweep_reset(&weights->sweep);
  lens_dealloc(weights->owners);
  lens_dealloc(weights->owner_pages);
  lens_dealloc(weights->first_block);
  lens_column_free(&weights->unowned);
  weights->owners = NULL;
  weights->owner_pages = weights->first_block = NULL;
}

/* ---- heavy objects ---- */

/* Where the object stands among the heavy ones, or would. */
static size_t heavy_place(const struct lens_weights *weights, uint32_t object) {
  size_t low = 0, high = weights->heavy_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (weights->heavy[middle].object < object)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

uint64_t lens_weights_of(const lens *self, uint32_t object) {
  const struct lens_weights *weights = &self->analysis->weights;
  const uint32_t *own = weights->own_bytes.items;
  if (own == NULL) return lens_row_size(self, object);
  if (own[object] != UINT32_MAX) return own[object];
  size_t at = heavy_place(weights, object);
  return at < weights->heavy_count && weights->heavy[at].object == object
             ? weights->heavy[at].bytes
             : lens_row_size(self, object);
}

/* Adds a buffer to what the object weighs. */
static lens_status weigh(lens *self, uint32_t object, uint64_t bytes) {
  struct lens_weights *weights = &self->analysis->weights;
  uint32_t *own = weights->own_bytes.items;
  weights->owned_bytes += bytes;
  uint64_t sum = lens_weights_of(self, object) + bytes;
  if (sum < UINT32_MAX) {
    own[object] = (uint32_t)sum;
    return LENS_OK;
  }
  size_t at = heavy_place(weights, object);
  if (at == weights->heavy_count || weights->heavy[at].object != object) {
    struct lens_heavy *heavy = lens_grow(weights->heavy, &weights->heavy_capacity,
                                         weights->heavy_count + 1, sizeof *heavy);
    if (heavy == NULL) return lens_out_of_memory(self);
    weights->heavy = heavy;
    memmove(&heavy[at + 1], &heavy[at], (weights->heavy_count - at) * sizeof *heavy);
    weights->heavy_count++;
  }
  weights->heavy[at] = (struct lens_heavy){.bytes = sum, .object = object};
  own[object] = UINT32_MAX;
  return LENS_OK;
}

/* ---- buffers ---- */

/* Counts the blocks of all pages; the pages behind a large one's first share its block. */
static bool number_blocks(lens *self) {
  struct lens_weights *weights = &self->analysis->weights;
  weights->first_block = lens_alloc((size_t)self->model.page_total * sizeof(uint64_t));
  if (weights->first_block == NULL) return false;
  uint64_t blocks = 0, row = 0, large = 0;
  for (size_t i = 0; i < self->model.arena_count; i++) {
    const struct lens_arena_model *arena = &self->model.arenas[i];
    for (uint64_t k = 0; k < arena->shown.page_count; k++, row++) {
      const struct lens_page_model *page = &arena->pages[k];
      weights->first_block[row] = page->kind == LENS_PAGE_LARGE_TAIL ? large : blocks;
      if (page->kind == LENS_PAGE_LARGE) large = blocks;
      if (page->kind == LENS_PAGE_LARGE || page->kind == LENS_PAGE_BLOCKS)
        blocks += page->kind == LENS_PAGE_LARGE ? 1 : page->fresh;
    }
  }
  return lens_column_reserve(&weights->unowned, blocks / 64 + 1, sizeof(uint64_t));
}

static lens_status note_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_weights *weights = &self->analysis->weights;
  uint64_t *unowned = weights->unowned.items;
  uint64_t first = weights->first_block[run->page_row] + run->first_block;
  for (uint32_t i = 0; i < run->block_count; i++) {
    struct lens_head head;
    uint64_t header = lens_load_uint(run->bytes + i * run->stride, 8);
    if (header == 0) continue;
    lens_head_decode(self, run->heap, header, &head);
    if (head.place != LENS_PLACE_BUFFER) continue;
    unowned[(first + i) / 64] |= 1ull << ((first + i) % 64);
  }
  return LENS_OK;
}

/* The object claims the buffer that holds `address`, if that is one and nobody has it. */
static lens_status claim(lens *self, uint32_t object, uint64_t address) {
  struct lens_weights *weights = &self->analysis->weights;
  const struct lens_directory *directory = &self->analysis->snapshot.directory;
  const struct lens_page_row *row = lens_directory_row(directory, address);
  if (row == NULL || address < row->start) return LENS_OK;
  uint64_t index = ((address - row->start) * row->reciprocal) >> LENS_RECIPROCAL_BITS;
  if (index >= row->block_limit) return LENS_OK;
  uint64_t block = weights->first_block[row - lens_directory_page(directory, 0)] + index;
  uint64_t *word = (uint64_t *)weights->unowned.items + block / 64, bit = 1ull << (block % 64);
  if ((*word & bit) == 0) return LENS_OK;
  *word &= ~bit;
  uint64_t bytes = row->block_bytes;
  if (bytes == UINT32_MAX) {
    struct lens_block found;
    if (lens_block_find(self, lens_arena_find(self, address), address, &found)) bytes = found.bytes;
  }
  return weigh(self, object, bytes);
}

/* ---- owners ---- */

/* Which types' objects claim buffers, and when. */
static bool owners_make(lens *self) {
  struct lens_weights *weights = &self->analysis->weights;
  weights->owners = lens_alloc_zeroed(self->model.type_count, 1);
  if (weights->owners == NULL) return false;
  for (size_t i = 0; i < self->model.type_count; i++) {
    const struct lens_type_model *type = &self->model.types[i];
    for (uint32_t k = 0; k < type->shown.slot_count; k++) {
      uint8_t shape = type->slots[k].shape;
      if (shape == LENS_SHAPE_ARRAY || shape == LENS_SHAPE_TABLE)
        weights->owners[i] |= 1u << LENS_WEIGHTS_DECLARED;
    }
    if (type->conservative) weights->owners[i] |= 1u << LENS_WEIGHTS_SUSPECTED;
  }
  return true;
}

static bool claims_now(const lens *self, uint64_t object) {
  const struct lens_weights *weights = &self->analysis->weights;
  assert(weights->owners != NULL); /* made when the first sweep begins, kept until the last ends */
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  return type != LENS_NONE && (weights->owners[type] >> weights->phase & 1) != 0;
}

/* Begins a sweep over the pages with objects that claim in this phase: they are to be found. */
static bool phase_begin(lens *self, uint8_t phase) {
  struct lens_weights *weights = &self->analysis->weights;
  weights->phase = phase;
  weights->row = 0;
  weights->finding = true;
  weights->any = false;
  lens_sweep_reset(&weights->sweep);
  lens_dealloc(weights->owner_pages);
  weights->owner_pages =
      lens_alloc_zeroed(self->analysis->snapshot.directory.page_count / 64 + 1, sizeof(uint64_t));
  weights->sweep.wanted = weights->owner_pages;
  return weights->owner_pages != NULL;
}

/* Finds those pages.  False: the slice is over. */
static bool find_pages(lens *self, const lens_slice *slice) {
  struct lens_weights *weights = &self->analysis->weights;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_page_row *pages = lens_directory_page(&snapshot->directory, 0);
  const uint64_t *addresses = lens_row_addresses(snapshot);
  while (weights->row < snapshot->object_count) {
    uint64_t i = weights->row++;
    if (claims_now(self, i)) {
      uint64_t page = (uint64_t)(lens_directory_row(&snapshot->directory, addresses[i]) - pages);
      weights->owner_pages[page / 64] |= 1ull << (page % 64);
      weights->any = true;
    }
    if (weights->row % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return false;
  }
  weights->row = 0;
  weights->finding = false;
  return true;
}

struct claimant {
  lens *self;
  uint32_t object;
  lens_status status;
};

static void claim_declared(void *context, uint32_t slot, uint64_t content) {
  (void)slot;
  struct claimant *claimant = context;
  if (claimant->status == LENS_OK)
    claimant->status = claim(claimant->self, claimant->object, content);
}

static lens_status claim_words(lens *self, uint32_t object, const uint8_t *bytes, uint64_t count) {
  const struct lens_directory *directory = &self->analysis->snapshot.directory;
  for (uint64_t at = 8; at + 8 <= count; at += 8) {
    uint64_t word = lens_load_uint(bytes + at, 8);
    if (word - directory->low >= directory->high - directory->low) continue;
    lens_status status = claim(self, object, word);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* Slots of a large object that lie behind the bytes that a run shows. */
static lens_status claim_far(lens *self, uint32_t object, uint64_t shown) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_type_model *type = &self->model.types[lens_row_types(snapshot)[object]];
  lens_status status = LENS_OK;
  for (uint32_t i = 0; i < type->shown.slot_count && status == LENS_OK; i++) {
    const struct lens_slot *slot = &type->slots[i];
    if (slot->shape != LENS_SHAPE_ARRAY && slot->shape != LENS_SHAPE_TABLE) continue;
    if (slot->offset + 8ull <= shown || slot->offset + 8ull > type->shown.size_bytes) continue;
    uint64_t content = 0;
    status = lens_fetch(self, lens_row_addresses(snapshot)[object] + slot->offset, sizeof content,
                        &content);
    if (status == LENS_OK && content != 0) status = claim(self, object, content);
    if (status == LENS_UNREADABLE) status = LENS_OK;
  }
  return status;
}

static lens_status claim_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_weights *weights = &self->analysis->weights;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint64_t *addresses = lens_row_addresses(snapshot);
  uint64_t end = run->address + run->block_count * run->stride, row = weights->row;
  uint64_t shown = run->byte_count < run->stride ? run->byte_count : run->stride;
  uint64_t first = lens_directory_page(&snapshot->directory, run->page_row)->first;
  if (row < first) row = first; /* pages without owners are left out */
  while (row < snapshot->object_count && addresses[row] < run->address) row++;
  for (; row < snapshot->object_count && addresses[row] < end; row++) {
    if (!claims_now(self, row)) continue;
    const uint8_t *object = run->bytes + (addresses[row] - run->address);
    struct claimant claimant = {self, (uint32_t)row, LENS_OK};
    if (weights->phase == LENS_WEIGHTS_SUSPECTED) {
      claimant.status = claim_words(self, (uint32_t)row, object, shown);
    } else {
      lens_slots_buffers(&self->model.types[lens_row_types(snapshot)[row]], object, shown,
                         claim_declared, &claimant);
      if (claimant.status == LENS_OK && shown < run->stride)
        claimant.status = claim_far(self, (uint32_t)row, shown);
    }
    if (claimant.status != LENS_OK) return claimant.status;
  }
  weights->row = row;
  return LENS_OK;
}

/* ---- the whole ---- */

static lens_status begin(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_weights *weights = &analysis->weights;
  const struct lens_snapshot *snapshot = &analysis->snapshot;
  lens_weights_free(weights);
  if (snapshot->totals.buffers == 0) {
    weights->phase = LENS_WEIGHTS_DONE;
    return LENS_OK;
  }
  if (!owners_make(self) || !number_blocks(self) ||
      !lens_column_reserve(&weights->own_bytes, snapshot->object_count, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  memcpy(weights->own_bytes.items, lens_row_sizes(snapshot),
         (size_t)snapshot->object_count * sizeof(uint32_t));
  weights->phase = LENS_WEIGHTS_BUFFERS;
  return LENS_OK;
}

/* One sweep, or what comes before it, until it is done or the slice is over. */
static lens_status phase_step(lens *self, const lens_slice *slice) {
  struct lens_weights *weights = &self->analysis->weights;
  if (weights->phase == LENS_WEIGHTS_BUFFERS)
    return lens_sweep_step(self, &weights->sweep, slice, note_run, NULL);
  if (weights->finding && !find_pages(self, slice)) return LENS_AGAIN;
  return weights->any ? lens_sweep_step(self, &weights->sweep, slice, claim_run, NULL) : LENS_OK;
}

/* The phase has come to its end; begins the next one. */
static lens_status advance(lens *self) {
  struct lens_weights *weights = &self->analysis->weights;
  if (weights->phase < LENS_WEIGHTS_SUSPECTED)
    return phase_begin(self, (uint8_t)(weights->phase + 1)) ? LENS_OK : lens_out_of_memory(self);
  sweeps_free(weights);
  weights->phase = LENS_WEIGHTS_DONE;
  return LENS_OK;
}

lens_status lens_weights_step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_weights *weights = &self->analysis->weights;
  lens_status status = weights->phase == LENS_WEIGHTS_IDLE ? begin(self) : LENS_OK;
  while (status == LENS_OK && weights->phase != LENS_WEIGHTS_DONE) {
    status = phase_step(self, slice);
    lens_progress_set(progress, "weights", weights->sweep.page_row, self->model.page_total);
    if (status == LENS_OK) status = advance(self);
  }
  if (status != LENS_OK && status != LENS_AGAIN) lens_weights_free(weights);
  return status;
}

lens_status lens_weights(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_walk_in(self, &slice, progress);
  if (status != LENS_OK) return status;
  return lens_weights_step(self, &slice, progress);
}

lens_status lens_weights_get(const lens *self, lens_weights_shown *out) {
  if (self->analysis == NULL || self->analysis->weights.phase != LENS_WEIGHTS_DONE)
    return LENS_BAD_ARGUMENT;
  const struct lens_weights *weights = &self->analysis->weights;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *own = weights->own_bytes.items;
  *out = (lens_weights_shown){
      .object_count = snapshot->object_count,
      .own_bytes = own != NULL ? own : lens_row_sizes(snapshot),
      .bytes = snapshot->totals.object_bytes + weights->owned_bytes,
      .unowned_bytes = snapshot->totals.buffer_bytes - weights->owned_bytes,
  };
  return LENS_OK;
}

uint64_t lens_weight_of(const lens *self, uint32_t object) {
  if (self->analysis == NULL || self->analysis->weights.phase != LENS_WEIGHTS_DONE ||
      object >= self->analysis->snapshot.object_count)
    return 0;
  return lens_weights_of(self, object);
}

/* The walk: reads the header of every block once and fills the snapshot's columns.
 *
 * The inner loop knows three headers by heart (free, live object without special states, buffer)
 * and hands every other to lens_head_decode; it is what makes a census of ten million objects a
 * matter of a tenth of a second.
 *
 * What this is not: a reader of anything behind the headers.  A header that makes no sense is
 * counted and named, and the walk goes on.
 */
#include <string.h>

#include "analysis.h"
#include "model/fast_header.h"

/* The columns' next rows. */
struct row_writer {
  uint64_t *address;
  uint32_t *type, *refcount, *size_bytes;
  uint16_t *state;
  uint64_t count;
};

/* A size as a column holds it. */
static uint32_t clipped(uint64_t bytes) {
  return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

static void row_add(struct row_writer *rows, uint64_t address, uint32_t type, uint32_t refcount,
                    uint32_t size_bytes, uint32_t state) {
  rows->address[rows->count] = address;
  rows->type[rows->count] = type;
  rows->refcount[rows->count] = refcount;
  rows->size_bytes[rows->count] = size_bytes;
  rows->state[rows->count] = (uint16_t)state;
  rows->count++;
}

/* Any header but the plain ones.  True when it is an object's, which then has a row. */
static bool add_odd(lens *self, const struct lens_run *run, uint64_t address, uint64_t header,
                    struct row_writer *rows) {
  lens_walk_totals *totals = &self->analysis->snapshot.totals;
  struct lens_head head;
  lens_head_decode(self, run->heap, header, &head);
  if (head.place == LENS_PLACE_FREED || head.place == LENS_PLACE_QUARANTINED) return false;
  if (head.place == LENS_PLACE_BUFFER) {
    totals->buffers++;
    totals->buffer_bytes += run->stride;
    return false;
  }
  if (head.place == LENS_PLACE_TOUCHED) {
    totals->damaged_blocks++;
    totals->touched_blocks++;
    lens_problem_add(self, LENS_SOURCE_WALK, LENS_DAMAGE, address,
                     "block 0x%llx has no type and counts %u: it was freed, and retained since, it "
                     "seems",
                     (unsigned long long)address, head.refcount);
    return false;
  }
  if (head.place != LENS_PLACE_OBJECT && head.place != LENS_PLACE_DYING) {
    totals->damaged_blocks++;
    lens_problem_add(self, LENS_SOURCE_WALK, LENS_DAMAGE, address,
                     "block 0x%llx has the header 0x%llx, which is no object's",
                     (unsigned long long)address, (unsigned long long)header);
    return false;
  }
  uint32_t block_bytes = clipped(run->stride);
  if (head.type != LENS_NONE && self->analysis->walker.size_needed[head.type] > block_bytes) {
    head.state |= LENS_STATE_DAMAGED;
    head.type = LENS_NONE; /* where its slots would be is anything */
  }
  if (head.place == LENS_PLACE_DYING) {
    totals->dying++;
    head.refcount = 0;
  }
  if ((head.state & LENS_STATE_DAMAGED) != 0) {
    totals->damaged_blocks++;
    lens_problem_add(
        self, LENS_SOURCE_WALK, LENS_DAMAGE, address,
        "object 0x%llx has the header 0x%llx, whose type is none or does not fit its block",
        (unsigned long long)address, (unsigned long long)header);
  }
  row_add(rows, address, head.type, head.refcount, block_bytes, head.state);
  return true;
}

/* The blocks [from, to) of the run, at most 64 of one bit row; returns their bits, bit 0 being
 * block `from`. */
static uint64_t add_blocks(lens *self, const struct lens_run *run,
                           const struct lens_fast_header *fast, const uint32_t *size_needed,
                           uint32_t from, uint32_t to, struct row_writer *rows) {
  const struct lens_heap_model *heap = &self->model.heaps[run->heap];
  uint32_t block_bytes = clipped(run->stride);
  uint32_t fits = block_bytes < UINT32_MAX ? block_bytes : UINT32_MAX - 1; /* UINT32_MAX: never */
  uint64_t bits = 0, buffers = 0;
  const uint8_t *at = run->bytes + from * run->stride;
  uint64_t address = run->address + from * run->stride;
  for (uint32_t i = from; i < to; i++, at += run->stride, address += run->stride) {
    uint64_t header;
    memcpy(&header, at, sizeof header);
    if ((header & fast->kind_mask) == fast->plain) {
      uint64_t type = (header >> fast->type_shift) & fast->type_mask;
      if (type < fast->type_count && size_needed[type] <= fits) {
        uint32_t state =
            (header & fast->state_mask) == 0 ? 0 : lens_fast_state(&heap->contract->header, header);
        row_add(rows, address, fast->first_type + (uint32_t)type,
                (uint32_t)(header & fast->count_mask), block_bytes, state);
        bits |= 1ull << (i - from);
        continue;
      }
    }
    if (header == 0) continue;
    if ((header & fast->buffer_mask) == fast->buffer) {
      buffers++;
    } else if (add_odd(self, run, address, header, rows)) {
      bits |= 1ull << (i - from);
    }
  }
  self->analysis->snapshot.totals.buffers += buffers;
  self->analysis->snapshot.totals.buffer_bytes += buffers * run->stride;
  return bits;
}

/* Rows have numbers of 32 bits. */
static lens_status rows_reserve(lens *self, uint32_t more) {
  struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint64_t count = snapshot->object_count + more;
  if (count >= LENS_NONE)
    return lens_fail(self, LENS_UNSUPPORTED,
                     "the heaps have more objects than the lens can read: %u", LENS_NONE - 1);
  return lens_column_reserve(&snapshot->address, count, sizeof(uint64_t)) &&
                 lens_column_reserve(&snapshot->type, count, sizeof(uint32_t)) &&
                 lens_column_reserve(&snapshot->refcount, count, sizeof(uint32_t)) &&
                 lens_column_reserve(&snapshot->size_bytes, count, sizeof(uint32_t)) &&
                 lens_column_reserve(&snapshot->state, count, sizeof(uint16_t))
             ? LENS_OK
             : lens_out_of_memory(self);
}

/* The directory's row of the run's page, begun with the page's first run.  NULL when out of memory.
 */
static struct lens_page_row *page_row_of(lens *self, const struct lens_run *run) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_directory *directory = &analysis->snapshot.directory;
  struct lens_page_row *row = lens_directory_page(directory, run->page_row);
  if (analysis->walker.page_row == run->page_row) return row;

  bool large = run->page->kind == LENS_PAGE_LARGE;
  uint64_t start = run->address - run->first_block * run->stride;
  uint32_t blocks = large ? 1 : run->page->fresh;
  lens_page_row_begin(row, start, run->stride, large, (uint32_t)analysis->snapshot.object_count);
  if (lens_directory_bits(directory, row, blocks) == NULL) return NULL;
  row->block_limit = blocks;
  analysis->walker.page_row = run->page_row;
  analysis->snapshot.totals.pages++;
  return row;
}

/* A page all of whose blocks are objects needs no bits; a large one is found from each of its
 * pages. */
static void page_row_finish(struct lens_directory *directory, const struct lens_run *run,
                            struct lens_page_row *row, uint64_t objects) {
  if (objects == row->block_limit) {
    uint64_t words = (row->block_limit + 63) / 64;
    directory->bit_count -= words;
    memset((struct lens_bit_row *)directory->bits.items + row->bits, 0,
           words * sizeof(struct lens_bit_row));
    row->bits = LENS_DENSE;
  }
  if (run->page->kind != LENS_PAGE_LARGE) return;
  for (uint32_t tail = 1; tail < run->page->span_pages; tail++) row[tail] = *row;
}

static lens_status walk_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_snapshot *snapshot = &self->analysis->snapshot;
  struct lens_directory *directory = &snapshot->directory;
  struct lens_page_row *row = page_row_of(self, run);
  lens_status status = rows_reserve(self, run->block_count);
  if (status != LENS_OK) return status;
  if (row == NULL) return lens_out_of_memory(self);

  struct lens_fast_header fast = lens_fast_header_of(&self->model.heaps[run->heap]);
  const uint32_t *size_needed = self->analysis->walker.size_needed + fast.first_type;
  struct row_writer rows = {snapshot->address.items,  snapshot->type.items,
                            snapshot->refcount.items, snapshot->size_bytes.items,
                            snapshot->state.items,    snapshot->object_count};
  struct lens_bit_row *bits = (struct lens_bit_row *)directory->bits.items + row->bits;
  for (uint32_t i = 0; i < run->block_count;) {
    uint32_t block = run->first_block + i, end = i + 64 - block % 64;
    if (end > run->block_count) end = run->block_count;
    uint64_t before = rows.count;
    uint64_t objects = add_blocks(self, run, &fast, size_needed, i, end, &rows) << (block % 64);
    if (bits[block / 64].objects == 0) bits[block / 64].before = (uint32_t)(before - row->first);
    bits[block / 64].objects |= objects;
    i = end;
  }
  uint64_t added = rows.count - snapshot->object_count;
  snapshot->object_count = rows.count;
  snapshot->totals.objects += added;
  snapshot->totals.object_bytes += added * run->stride;
  if (run->first_block + run->block_count >= row->block_limit) {
    page_row_finish(directory, run, row, rows.count - row->first);
  }
  return LENS_OK;
}

/* An arena whose blocks lie in pages that are too large for the sweep. */
static void name_unswept(lens *self, const struct lens_arena_model *arena) {
  if (arena->shown.page_bytes <= LENS_PAGE_BYTES_MAX) return;
  for (uint64_t i = 0; i < arena->shown.page_count; i++) {
    if (arena->pages[i].kind != LENS_PAGE_BLOCKS) continue;
    lens_problem_add(self, LENS_SOURCE_WALK, LENS_DAMAGE, arena->shown.address,
                     "the arena at 0x%llx is left out: it has blocks in pages of %llu bytes",
                     (unsigned long long)arena->shown.address,
                     (unsigned long long)arena->shown.page_bytes);
    return;
  }
}

static lens_status walk_begin(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_model *model = &self->model;
  lens_problems_forget(self, LENS_SOURCE_WALK);
  lens_walker_free(&analysis->walker);
  analysis->walker.size_needed = lens_alloc_zeroed(model->type_count, sizeof(uint32_t));
  if (analysis->walker.size_needed == NULL) return lens_out_of_memory(self);
  for (size_t i = 0; i < model->type_count; i++) {
    const struct lens_type_model *type = &model->types[i];
    bool usable = type->known && type->shown.size_bytes < UINT32_MAX;
    analysis->walker.size_needed[i] = usable ? (uint32_t)type->shown.size_bytes : UINT32_MAX;
  }
  for (size_t i = 0; i < model->arena_count; i++) name_unswept(self, &model->arenas[i]);
  lens_status status = lens_directory_begin(&analysis->snapshot.directory, model);
  if (status == LENS_UNSUPPORTED)
    return lens_fail(self, status, "the arenas are too large for how finely they are aligned");
  if (status != LENS_OK) return lens_out_of_memory(self);
  analysis->walker.page_row = UINT64_MAX;
  analysis->walker.started = true;
  return LENS_OK;
}

static void ignore_word(void *context, uint64_t word) {
  (void)context;
  (void)word;
}

/* Whether all of the runtime's holdings can be read is known when they were: heap.holdings_cut. */
static lens_status try_holdings(lens *self, const lens_slice *slice) {
  struct lens_holding_place *at = &self->analysis->walker.held;
  lens_status status = LENS_OK;
  while (at->heap < self->model.heap_count && status == LENS_OK)
    status = lens_holdings_visit(self, at, slice, ignore_word, NULL);
  return status;
}

/* Exact, tolerant when a heap is in flux, conservative when an object's references can't be told
 * for sure. */
static uint32_t exactness_of(const lens *self) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t exactness =
      snapshot->totals.dying != 0 ? LENS_CONFIDENCE_TOLERANT : LENS_CONFIDENCE_EXACT;
  for (size_t i = 0; i < self->model.heap_count; i++) {
    const struct lens_heap_model *heap = &self->model.heaps[i];
    if (heap->flux != LENS_FLUX_NONE || heap->holdings_cut) exactness = LENS_CONFIDENCE_TOLERANT;
  }
  bool any = snapshot->totals.damaged_blocks != 0;
  for (size_t i = 0; i < self->model.type_count && !any; i++)
    any = self->model.types[i].conservative;
  if (!any) return exactness;
  const uint32_t *types = lens_row_types(snapshot);
  for (uint64_t i = 0; i < snapshot->object_count; i++) {
    if (types[i] == LENS_NONE || self->model.types[types[i]].conservative)
      return LENS_CONFIDENCE_CONSERVATIVE;
  }
  return exactness;
}

lens_status lens_walk_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_need_model(self);
  if (status != LENS_OK) return status;
  struct lens_analysis *analysis = lens_analysis_of(self);
  if (analysis == NULL) return lens_out_of_memory(self);
  uint64_t pages = self->model.page_total;
  if (!analysis->snapshot.complete) {
    if (!analysis->walker.started) status = walk_begin(self);
    if (status == LENS_OK)
      status = lens_sweep_step(self, &analysis->walker.sweep, slice, walk_run, NULL);
    lens_progress_set(progress, "objects", analysis->walker.sweep.page_row, pages);
    if (status == LENS_OK) status = try_holdings(self, slice);
    if (status != LENS_OK) return status;
    analysis->snapshot.totals.arenas = self->model.arena_count;
    analysis->snapshot.totals.unreadable_bytes = analysis->walker.sweep.unreadable_bytes;
    analysis->snapshot.totals.exactness = exactness_of(self);
    analysis->snapshot.complete = true;
    lens_walker_free(&analysis->walker);
  }
  lens_progress_set(progress, "objects", pages, pages);
  return LENS_OK;
}

lens_status lens_walk(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_walk_in(self, &slice, progress);
}

void lens_walker_free(struct lens_walker *self) {
  lens_sweep_reset(&self->sweep);
  lens_dealloc(self->size_needed);
  self->size_needed = NULL;
  self->started = false;
  self->held = (struct lens_holding_place){0};
}

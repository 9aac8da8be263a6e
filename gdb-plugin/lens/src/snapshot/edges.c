/* Edges out: one sweep over the heap, each object's reference words resolved to rows of the
 * snapshot.
 *
 * Objects are taken from the snapshot's rows, not from the headers again: what the walk saw is what
 * is indexed, whatever the target's bytes do meanwhile.
 *
 * What this is not: a check.  A slot that holds no object makes no edge; it is kept as a stray, and
 * check.c names it.
 */
#include <string.h>

#include "analysis.h"

enum { REFS_A_CLOCK = 1 << 12 };

static bool reserve(struct lens_index *index, uint64_t more) {
  return lens_column_reserve(&index->out_target, index->edge_count + more, sizeof(uint32_t));
}

static lens_status add_suspect(lens *self, uint32_t object) {
  struct lens_index *index = &self->analysis->index;
  if (!lens_column_reserve(&index->suspects, index->suspect_count + 1,
                           sizeof(struct lens_suspect))) {
    return lens_out_of_memory(self);
  }
  struct lens_suspect *suspects = index->suspects.items;
  suspects[index->suspect_count++] =
      (struct lens_suspect){.first = index->edge_count, .object = object};
  return LENS_OK;
}

static bool add_stray(struct lens_index *index, uint32_t holder, uint64_t target) {
  if (!lens_column_reserve(&index->strays, index->stray_count + 1, sizeof(struct lens_stray)))
    return false;
  struct lens_stray *strays = index->strays.items;
  strays[index->stray_count++] = (struct lens_stray){.target = target, .holder = holder};
  return true;
}

/* A reference of the object in hand. */
static lens_status add_ref(lens *self, uint32_t object, const struct lens_place_ref *ref) {
  struct lens_index *index = &self->analysis->index;
  struct lens_edges *edges = &self->analysis->indexer.edges;
  if (ref->kind != LENS_REF_STRONG && ref->kind != LENS_REF_OPAQUE) return LENS_OK;
  uint32_t target = lens_directory_exact(&self->analysis->snapshot.directory, ref->target);
  if (target == LENS_NONE) {
    bool strong = ref->kind == LENS_REF_STRONG;
    return strong && !add_stray(index, object, ref->target) ? lens_out_of_memory(self) : LENS_OK;
  }
  if (ref->kind == LENS_REF_OPAQUE && !edges->suspected) {
    lens_status status = add_suspect(self, object);
    if (status != LENS_OK) return status;
    edges->suspected = true;
  }
  if (!reserve(index, 1)) return lens_out_of_memory(self);
  ((uint32_t *)index->out_target.items)[index->edge_count++] = target;
  return LENS_OK;
}

/* The edges of one object of any type, in any state; `bytes` are a copy of the run's, and stay.  A
 * list may hold as much as the heap has: LENS_AGAIN, the slice is over. */
static lens_status add_iterated(lens *self, const struct lens_run *run, uint32_t object,
                                const uint8_t *bytes, const lens_slice *slice) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_edges *edges = &analysis->indexer.edges;
  if (!edges->iterating) {
    uint32_t type = lens_row_types(&analysis->snapshot)[object];
    uint64_t address = lens_row_addresses(&analysis->snapshot)[object];
    uint64_t byte_count = run->byte_count < run->stride ? run->byte_count : run->stride;
    lens_slots_begin(&edges->slots, self, type == LENS_NONE ? NULL : &self->model.types[type],
                     address, run->stride, bytes + (address - run->address), byte_count);
    ((uint64_t *)analysis->index.out_start.items)[object] = analysis->index.edge_count;
    edges->iterating = true;
    edges->suspected = false;
  }
  struct lens_place_ref ref;
  for (uint64_t work = 1; lens_slots_next(&edges->slots, &ref); work++) {
    lens_status status = add_ref(self, object, &ref);
    if (status != LENS_OK) return status;
    if (work % REFS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  edges->iterating = false;
  return edges->slots.status;
}

/* The edges of the objects of the run that are nothing but words at fixed offsets, until one is
 * not. Returns the row where it stopped; UINT64_MAX when out of memory. */
static uint64_t add_plain(struct lens_analysis *analysis, const struct lens_run *run,
                          const uint8_t *bytes, uint64_t row, uint64_t end) {
  const struct lens_directory *directory = &analysis->snapshot.directory;
  const struct lens_plans *plans = &analysis->indexer.edges.plans;
  const uint64_t *addresses = lens_row_addresses(&analysis->snapshot);
  const uint32_t *types = lens_row_types(&analysis->snapshot);
  const uint16_t *states = lens_row_states(&analysis->snapshot);
  struct lens_index *index = &analysis->index;
  uint64_t *starts = index->out_start.items;
  uint32_t *targets = index->out_target.items;
  uint64_t room = index->out_target.bytes / sizeof *targets, edges = index->edge_count;

  for (; row < end; row++) {
    if (types[row] == LENS_NONE || (states[row] & (LENS_STATE_DYING | LENS_STATE_DAMAGED)) != 0)
      break;
    struct lens_plan plan = plans->rows[types[row]];
    if (plan.kind != LENS_PLAN_WORDS) break;
    starts[row] = edges;
    if (edges + plan.strong > room) {
      if (!lens_column_reserve(&index->out_target, edges + plan.strong, sizeof *targets))
        return UINT64_MAX;
      targets = index->out_target.items;
      room = index->out_target.bytes / sizeof *targets;
    }
    const uint8_t *object = bytes + (addresses[row] - run->address);
    const uint32_t *offsets = plans->offsets + plan.first;
    for (uint32_t i = 0; i < plan.strong; i++) {
      uint64_t word;
      memcpy(&word, object + offsets[i], sizeof word);
      uint32_t target = word == 0 ? LENS_NONE : lens_directory_exact(directory, word);
      targets[edges] = target;
      edges += target != LENS_NONE;
      if (target == LENS_NONE && word != 0 && !add_stray(index, (uint32_t)row, word))
        return UINT64_MAX;
    }
  }
  index->edge_count = edges;
  return row;
}

/* `context`: the slice. */
static lens_status edges_of_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_edges *edges = &analysis->indexer.edges;
  const uint64_t *addresses = lens_row_addresses(&analysis->snapshot);
  uint64_t *starts = analysis->index.out_start.items;
  uint64_t row = edges->row, count = analysis->snapshot.object_count,
           run_end = run->address + run->block_count * run->stride;
  for (; row < count && addresses[row] < run->address; row++)
    starts[row] = analysis->index.edge_count;
  uint64_t end = row;
  while (end < count && addresses[end] < run_end) end++;

  const uint8_t *bytes = run->bytes;
  if (edges->iterating) bytes = edges->copy.bytes;
  while (row < end) {
    if (run->page->kind != LENS_PAGE_LARGE && !edges->iterating) {
      row = add_plain(analysis, run, bytes, row, end);
      if (row == UINT64_MAX) return lens_out_of_memory(self);
      if (row == end) break;
    }
    if (bytes == run->bytes) bytes = lens_run_keep(&edges->copy, run);
    if (bytes == NULL) return lens_out_of_memory(self);
    edges->row = row;
    lens_status status = add_iterated(self, run, (uint32_t)row, bytes, context);
    if (status != LENS_OK) return status;
    row++;
  }
  edges->row = row;
  return LENS_OK;
}

lens_status lens_edges_begin(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  lens_index_free(&analysis->index);
  lens_edges_free(&analysis->indexer.edges);
  if (!lens_plans_make(&analysis->indexer.edges.plans, &self->model) ||
      !lens_column_reserve(&analysis->index.out_start, analysis->snapshot.object_count + 1,
                           sizeof(uint64_t)) ||
      !reserve(&analysis->index, analysis->snapshot.object_count)) {
    return lens_out_of_memory(self);
  }
  return LENS_OK;
}

lens_status lens_edges_step(lens *self, const lens_slice *slice) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_edges *edges = &analysis->indexer.edges;
  lens_slice over = *slice;
  lens_status status = lens_sweep_step(self, &edges->sweep, slice, edges_of_run, &over);
  if (status != LENS_OK) return status;
  uint64_t *starts = analysis->index.out_start.items;
  for (; edges->row <= analysis->snapshot.object_count; edges->row++)
    starts[edges->row] = analysis->index.edge_count;
  lens_edges_free(edges);
  return LENS_OK;
}

void lens_edges_free(struct lens_edges *self) {
  lens_sweep_reset(&self->sweep);
  lens_plans_free(&self->plans);
  lens_run_copy_free(&self->copy);
  *self = (struct lens_edges){0};
}

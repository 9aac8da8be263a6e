/* The analysis as a whole: made, freed, and the snapshot handed out.  See analysis.h. */
#include "analysis.h"

struct lens_analysis *lens_analysis_of(lens *self) {
  if (self->analysis == NULL) self->analysis = lens_alloc_zeroed(1, sizeof *self->analysis);
  return self->analysis;
}

static void snapshot_free(struct lens_snapshot *self) {
  lens_column_free(&self->address);
  lens_column_free(&self->type);
  lens_column_free(&self->refcount);
  lens_column_free(&self->size_bytes);
  lens_column_free(&self->state);
  lens_directory_free(&self->directory);
  *self = (struct lens_snapshot){0};
}

void lens_analysis_free(struct lens_analysis *analysis) {
  if (analysis == NULL) return;
  lens_walker_free(&analysis->walker);
  snapshot_free(&analysis->snapshot);
  lens_indexer_free(&analysis->indexer);
  lens_index_free(&analysis->index);
  lens_reach_free(&analysis->reach);
  lens_referrers_free(&analysis->referrers);
  lens_roots_free(&analysis->roots);
  lens_freed_free(&analysis->freed);
  lens_accounts_free(&analysis->accounts);
  lens_audit_free(&analysis->audit);
  lens_pairs_free(&analysis->pairs);
  lens_check_free(&analysis->check);
  lens_weights_free(&analysis->weights);
  lens_cycles_free(&analysis->cycles);
  lens_collector_free(&analysis->collector);
  lens_taking_free(&analysis->taking);
  lens_alike_free(&analysis->alike);
  lens_owners_free(&analysis->owners);
  lens_opened_free(&analysis->opened);
  lens_retained_free(&analysis->retained);
  lens_leaks_free(&analysis->leaks);
  lens_paths_free(&analysis->paths);
  lens_dealloc(analysis);
}

void lens_roots_changed(lens *self) {
  lens_accounts_free(&self->analysis->accounts);
  lens_cycles_forget_roots(&self->analysis->cycles);
  lens_alike_free(&self->analysis->alike);
  lens_retained_free(&self->analysis->retained);
  if (!self->analysis->reach.complete) lens_reach_free(&self->analysis->reach);
  lens_audit_free(&self->analysis->audit);
  lens_leaks_free(&self->analysis->leaks);
  lens_paths_free(&self->analysis->paths);
}

static bool has_snapshot(const lens *self) {
  return self->analysis != NULL && self->analysis->snapshot.complete;
}

lens_status lens_need_snapshot(lens *self) {
  return has_snapshot(self) ? LENS_OK : lens_fail(self, LENS_BAD_ARGUMENT, "walk the heap first");
}

uint64_t lens_row_size(const lens *self, uint32_t object) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t bytes = lens_row_sizes(snapshot)[object];
  if (bytes != UINT32_MAX) return bytes;
  struct lens_block block;
  uint64_t address = lens_row_addresses(snapshot)[object];
  return lens_block_find(self, lens_arena_find(self, address), address, &block) ? block.bytes
                                                                                : bytes;
}

lens_status lens_columns_get(const lens *self, lens_columns *out) {
  if (!has_snapshot(self)) return LENS_BAD_ARGUMENT;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  *out = (lens_columns){
      .object_count = snapshot->object_count,
      .address = lens_row_addresses(snapshot),
      .type = lens_row_types(snapshot),
      .refcount = lens_row_refcounts(snapshot),
      .size_bytes = lens_row_sizes(snapshot),
      .state = lens_row_states(snapshot),
  };
  const struct lens_index *index = &self->analysis->index;
  if (index->complete) {
    out->edge_count = index->edge_count;
    out->out_start = lens_out_starts(index);
    out->out_target = lens_out_targets(index);
    out->in_start = lens_in_starts(index);
    out->in_source = lens_in_sources(index);
  }
  return LENS_OK;
}

lens_status lens_snapshot_object(lens *self, uint32_t object, lens_object *out) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  if (object >= snapshot->object_count) return LENS_NOT_FOUND;
  uint64_t address = lens_row_addresses(snapshot)[object];
  uint32_t arena = lens_arena_find(self, address);
  *out = (lens_object){
      .address = address,
      .size_bytes = lens_row_size(self, object),
      .type = lens_row_types(snapshot)[object],
      .refcount = lens_row_refcounts(snapshot)[object],
      .state = lens_row_states(snapshot)[object],
      .heap = self->model.arenas[arena].shown.heap,
      .arena = arena,
  };
  return LENS_OK;
}

lens_status lens_snapshot_find(const lens *self, uint64_t address, uint32_t *object) {
  if (!has_snapshot(self)) return LENS_BAD_ARGUMENT;
  uint32_t found = lens_directory_find(&self->analysis->snapshot.directory, address);
  if (found == LENS_NONE) return LENS_NOT_FOUND;
  *object = found;
  return LENS_OK;
}

lens_status lens_walk_totals_get(const lens *self, lens_walk_totals *out) {
  if (!has_snapshot(self)) return LENS_BAD_ARGUMENT;
  *out = self->analysis->snapshot.totals;
  return LENS_OK;
}

struct word_visit {
  const lens *self;
  lens_object_visit_fn visit;
  void *context;
};

static void visit_word(void *context, uint64_t word) {
  const struct word_visit *to = context;
  uint32_t object = lens_directory_exact(&to->self->analysis->snapshot.directory, word);
  if (object != LENS_NONE) to->visit(to->context, object);
}

/* A heap's own slots. */
static lens_status visit_slots(lens *self, const struct lens_heap_model *heap,
                               struct word_visit *to) {
  for (uint32_t k = 0; k < heap->runtime_slot_count; k++) {
    uint64_t word;
    lens_status status =
        lens_fetch(self, heap->runtime_slots + k * sizeof word, sizeof word, &word);
    if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
    visit_word(to, word);
  }
  return LENS_OK;
}

lens_status lens_runtime_visit(lens *self, struct lens_holding_place *at, const lens_slice *slice,
                               lens_object_visit_fn visit, void *context) {
  struct word_visit to = {self, visit, context};
  lens_status status = LENS_OK;
  while (at->heap < self->model.heap_count && status == LENS_OK) {
    if (!at->slots_done) status = visit_slots(self, &self->model.heaps[at->heap], &to);
    at->slots_done = status == LENS_OK;
    if (status == LENS_OK) status = lens_holdings_visit(self, at, slice, visit_word, &to);
  }
  return status;
}

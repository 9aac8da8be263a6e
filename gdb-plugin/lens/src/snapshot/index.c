/* The index, phase by phase.  See index.h. */
#include "snapshot/index.h"

#include "analysis.h"

/* Begins the next phase once the one before it is done. */
static lens_status advance(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  switch (analysis->indexer.phase) {
    case LENS_INDEX_IDLE:
      analysis->indexer.phase = LENS_INDEX_OUT;
      return lens_edges_begin(self);
    case LENS_INDEX_OUT:
      analysis->indexer.phase = LENS_INDEX_DEAL;
      return lens_reverse_begin(self);
    case LENS_INDEX_DEAL:
      analysis->indexer.phase = LENS_INDEX_SORT;
      return LENS_OK;
    default:
      analysis->index.complete = true;
      lens_indexer_free(&analysis->indexer);
      return LENS_OK;
  }
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_indexer *indexer = &self->analysis->indexer;
  uint64_t objects = self->analysis->snapshot.object_count;
  lens_status status = LENS_OK;
  if (indexer->phase == LENS_INDEX_OUT) {
    status = lens_edges_step(self, slice);
    lens_progress_set(progress, "references", indexer->edges.row, objects);
  } else if (indexer->phase == LENS_INDEX_DEAL) {
    status = lens_reverse_deal(self, slice);
    lens_progress_set(progress, "holders", indexer->reverse.row / 2, objects);
  } else if (indexer->phase == LENS_INDEX_SORT) {
    status = lens_reverse_sort(self, slice);
    uint64_t done = indexer->reverse.buckets == 0
                        ? objects
                        : objects * indexer->reverse.bucket / indexer->reverse.buckets;
    lens_progress_set(progress, "holders", (objects + done) / 2, objects);
  }
  return status == LENS_OK ? advance(self) : status;
}

static lens_status all_steps(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_analysis *analysis = self->analysis;
  while (!analysis->index.complete) {
    lens_status status = step(self, slice, progress);
    if (status == LENS_AGAIN) return status;
    if (status != LENS_OK) {
      lens_indexer_free(&analysis->indexer);
      lens_index_free(&analysis->index);
      return status;
    }
    if (!analysis->index.complete && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

lens_status lens_index_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_walk_in(self, slice, progress);
  if (status != LENS_OK) return status;
  if (lens_slice_over(slice)) return LENS_AGAIN;
  status = all_steps(self, slice, progress);
  if (status == LENS_OK) {
    uint64_t objects = self->analysis->snapshot.object_count;
    lens_progress_set(progress, "holders", objects, objects);
  }
  return status;
}

lens_status lens_index(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_index_in(self, &slice, progress);
}

void lens_indexer_free(struct lens_indexer *self) {
  lens_edges_free(&self->edges);
  lens_reverse_free(&self->reverse);
  self->phase = LENS_INDEX_IDLE;
}

void lens_index_free(struct lens_index *self) {
  lens_column_free(&self->out_start);
  lens_column_free(&self->out_target);
  lens_column_free(&self->in_start);
  lens_column_free(&self->in_source);
  lens_column_free(&self->suspects);
  lens_column_free(&self->strays);
  *self = (struct lens_index){0};
}

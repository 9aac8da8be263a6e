/* lens_model_load: from nothing to heaps, types and arenas, in slices.
 *
 * A failure of the lens itself (no memory, cancelled) ends the call; what the target gets wrong is
 * a problem, and the rest is loaded.  See load.h for the order of the steps.
 */
#include "model/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/pool.h"

void lens_load_free(lens *self) {
  if (self->load == NULL) return;
  lens_addresses_free(&self->load->seen_roots);
  lens_addresses_free(&self->load->seen_heaps);
  lens_addresses_free(&self->load->seen_types);
  lens_addresses_free(&self->load->seen_arenas);
  lens_dealloc(self->load);
  self->load = NULL;
}

void lens_model_clear(struct lens_model *model) {
  for (size_t i = 0; i < model->contract_count; i++) lens_dealloc(model->contracts[i]);
  lens_dealloc(model->contracts);
  for (size_t i = 0; i < model->heap_count; i++) {
    lens_dealloc(model->heaps[i].meta);
    lens_dealloc(model->heaps[i].ready);
    lens_dealloc(model->heaps[i].holdings);
  }
  lens_dealloc(model->heaps);
  lens_dealloc(model->types);
  for (size_t i = 0; i < model->arena_count; i++) lens_dealloc(model->arenas[i].pages);
  lens_dealloc(model->arenas);
  lens_dealloc(model->arena_starts);
  *model = (struct lens_model){0};
}

/* ---- heaps ---- */

/* One step inside a heap: a type, or an arena, or the end of it. */
static lens_status step_inside(lens *self, struct lens_load *load) {
  struct lens_heap_step *step = &load->step;
  if (step->next_type < step->type_count) return lens_type_read(self, load);
  if (step->next_arena != 0) return lens_arena_read(self, load);
  struct lens_heap_model *heap = &self->model.heaps[step->heap];
  uint64_t claimed = heap->shown.arena_count;
  if (heap->contract->heap.arena_count.width != 0 && heap->flux == LENS_FLUX_NONE &&
      claimed != step->arena_count) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, heap->shown.address,
                     "heap %llu counts %llu arenas, its list has %llu",
                     (unsigned long long)heap->shown.id, (unsigned long long)claimed,
                     (unsigned long long)step->arena_count);
    load->arenas_lost = load->arenas_lost || claimed > step->arena_count;
  }
  step->active = false;
  return LENS_OK;
}

/* The list of one root record is through. */
static void finish_list(lens *self, struct lens_load *load) {
  const struct lens_contract *contract = self->model.contracts[load->contract];
  /* The count is stored after the link, so a stop in between makes them differ by one. */
  uint64_t listed = load->listed;
  uint64_t claimed = contract->heap_count;
  if (contract->root.heap_count.width != 0 && listed != claimed && listed + 1 != claimed &&
      listed != claimed + 1) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, contract->address,
                     "the root record counts %llu heaps, its list has %llu",
                     (unsigned long long)claimed, (unsigned long long)listed);
  }
  load->in_list = false;
  load->contract++;
}

static lens_status load_heaps(lens *self, struct lens_load *load, const lens_slice *slice) {
  while (load->contract < self->model.contract_count) {
    if (lens_slice_over(slice)) return LENS_AGAIN;
    lens_status status = LENS_OK;
    if (load->step.active) {
      status = step_inside(self, load);
    } else if (!load->in_list) {
      load->in_list = true;
      load->listed = 0;
      load->next_heap = self->model.contracts[load->contract]->first_heap_address;
    } else if (load->next_heap != 0) {
      uint64_t next = 0;
      size_t before = self->model.heap_count;
      status = lens_heap_read(self, load, load->contract, load->next_heap, &next);
      if (status == LENS_OK) {
        load->listed += self->model.heap_count - before;
        load->next_heap = next;
      }
    } else {
      finish_list(self, load);
    }
    if (status != LENS_OK) return status;
  }
  return lens_arenas_settle(self);
}

/* ---- the whole ---- */

/* Notes name every root where all modules could be read; else written memory must be searched. */
static bool scan_is_needed(const lens *self, const struct lens_load *load) {
  return self->model.contract_count == 0 || load->modules_unread != 0 || load->modules == 0;
}

static void enter(struct lens_load *load, enum lens_load_phase phase) {
  load->phase = phase;
  load->region = 0;
  load->cursor = 0;
}

static lens_status run_phase(lens *self, struct lens_load *load, const lens_slice *slice) {
  switch (load->phase) {
    case LENS_LOAD_ROOTS_HINTED:
      return lens_discover_hints(self, load);
    case LENS_LOAD_ROOTS_NOTED:
      return lens_discover_notes(self, load, slice);
    case LENS_LOAD_HEAPS:
    case LENS_LOAD_HEAPS_SCANNED:
      return load_heaps(self, load, slice);
    case LENS_LOAD_ROOTS_SCANNED:
      return scan_is_needed(self, load) ? lens_discover_scan(self, load, slice) : LENS_OK;
    case LENS_LOAD_LOST_ARENAS:
      return load->arenas_lost ? lens_arenas_recover(self, load, slice) : LENS_OK;
    case LENS_LOAD_DONE:
      break;
  }
  return LENS_OK;
}

static int compare_ranges(const void *a, const void *b) {
  uint64_t left = ((const struct lens_range *)a)->start;
  uint64_t right = ((const struct lens_range *)b)->start;
  return left < right ? -1 : left > right;
}

/* There is no heap; says what was searched, so that a user sees what was not. */
static lens_status nothing_found(lens *self, const struct lens_load *load) {
  char hints[48] = "";
  char unread[64] = "";
  if (self->hint_count != 0) {
    snprintf(hints, sizeof hints, "%u address%s told, ", self->hint_count,
             self->hint_count == 1 ? "" : "es");
  }
  if (load->modules_unread != 0) {
    snprintf(unread, sizeof unread, " (those of %llu more could not be read)",
             (unsigned long long)load->modules_unread);
  }
  return lens_fail(self, LENS_NOT_FOUND,
                   "no root record: searched %sthe notes of %llu module%s%s, and %llu KiB of "
                   "written memory in %llu region%s",
                   hints, (unsigned long long)load->modules, load->modules == 1 ? "" : "s", unread,
                   (unsigned long long)(load->scanned_bytes >> 10),
                   (unsigned long long)self->region_count, self->region_count == 1 ? "" : "s");
}

static lens_status finish(lens *self, const struct lens_load *load) {
  struct lens_model *model = &self->model;
  if (model->contract_count == 0) {
    if (load->root_status != LENS_OK && load->root_status != LENS_NOT_FOUND) {
      return lens_fail(self, load->root_status, "%s", load->root_error);
    }
    return nothing_found(self, load);
  }
  lens_ready_settle(self);
  for (size_t i = 0; i < model->heap_count; i++) {
    struct lens_heap_model *heap = &model->heaps[i];
    if (heap->meta_count > 1)
      qsort(heap->meta, heap->meta_count, sizeof *heap->meta, compare_ranges);
  }
  model->loaded = true;
  return LENS_OK;
}

static lens_status begin(lens *self) {
  lens_analysis_free(self->analysis);
  self->analysis = NULL;
  lens_model_clear(&self->model);
  lens_pool_free(&self->pool);
  lens_problems_forget(self, LENS_SOURCE_LOAD);
  self->load = lens_alloc_zeroed(1, sizeof *self->load);
  return self->load == NULL ? LENS_NO_MEMORY : LENS_OK;
}

lens_status lens_model_load(lens *self, uint32_t slice_ms) {
  if (self->model.loaded) return LENS_OK;
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = self->load == NULL ? begin(self) : LENS_OK;
  while (status == LENS_OK && self->load->phase != LENS_LOAD_DONE) {
    status = run_phase(self, self->load, &slice);
    if (status == LENS_OK) enter(self->load, self->load->phase + 1);
  }
  if (status == LENS_AGAIN) return status;
  if (status == LENS_OK) status = finish(self, self->load);
  if (status == LENS_NO_MEMORY) lens_fail(self, status, "out of memory while the model was read");
  if (status == LENS_CANCELLED) lens_fail(self, status, "cancelled while the model was read");
  lens_load_free(self);
  if (status != LENS_OK) lens_model_clear(&self->model);
  return status;
}

/* The check, phase by phase.  See check.h. */
#include "counts/check.h"

#include <inttypes.h>

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 14 };

void lens_check_free(struct lens_check_state *self) {
  lens_sweep_reset(&self->sweep);
  lens_plans_free(&self->plans);
  lens_dealloc(self->heaps);
  lens_dealloc(self->pages);
  lens_dealloc(self->arena_page_rows);
  lens_column_free(&self->buffers);
  lens_column_free(&self->owned);
  lens_run_copy_free(&self->copy);
  *self = (struct lens_check_state){0};
}

static lens_status begin(lens *self) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_model *model = &self->model;
  lens_check_free(check);
  lens_problems_forget(self, LENS_SOURCE_CHECK);
  check->heaps = lens_alloc_zeroed(model->heap_count, sizeof *check->heaps);
  check->pages = lens_alloc_zeroed(model->page_total + 1, sizeof *check->pages);
  check->arena_page_rows = lens_alloc_zeroed(model->arena_count, sizeof *check->arena_page_rows);
  bool ok = check->heaps != NULL && check->pages != NULL && check->arena_page_rows != NULL &&
            lens_plans_make(&check->plans, model);
  if (!ok) {
    lens_check_free(check);
    return lens_out_of_memory(self);
  }
  uint64_t row = 0;
  for (size_t i = 0; i < model->arena_count; i++) {
    check->arena_page_rows[i] = row;
    row += model->arenas[i].shown.page_count;
  }
  check->totals.objects = self->analysis->snapshot.object_count;
  check->phase = LENS_CHECK_BLOCKS;
  return LENS_OK;
}

/* Objects that more slots hold than their count says. */
static lens_status check_counts(lens *self, const lens_slice *slice) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  lens_accounts accounts;
  lens_status status = lens_accounts_get(self, &accounts);
  if (status != LENS_OK) return status;
  while (check->row < snapshot->object_count) {
    uint64_t end = check->row + ROWS_A_CLOCK;
    if (end > snapshot->object_count) end = snapshot->object_count;
    for (uint64_t i = check->row; i < end; i++) {
      if (accounts.verdict[i] != LENS_UNDER_RETAINED) continue;
      uint64_t address = lens_row_addresses(snapshot)[i];
      uint32_t held = accounts.heap_refs[i] + accounts.runtime_refs[i];
      LENS_FOUND(self, LENS_DAMAGE, address,
                 "%s 0x%" PRIx64 " has the count %u, but %u slot%s of objects hold%s it",
                 self->model.types[lens_row_types(snapshot)[i]].shown.name, address,
                 lens_row_refcounts(snapshot)[i], held, held == 1 ? "" : "s", held == 1 ? "s" : "");
    }
    check->row = end;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

static uint64_t count_problems(const lens *self) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    if (lens_problem_get(self, i, &problem) == LENS_OK && problem.severity >= LENS_WARNING)
      count += 1 + (uint64_t)problem.repeated;
  }
  return count;
}

static lens_status step(lens *self, const lens_slice *slice) {
  struct lens_check_state *check = &self->analysis->check;
  lens_status status = LENS_OK;
  switch (check->phase) {
    case LENS_CHECK_IDLE:
      return begin(self);
    case LENS_CHECK_BLOCKS:
      status = lens_check_blocks(self, slice);
      break;
    case LENS_CHECK_SLOTS:
      status = lens_check_slots(self, slice);
      break;
    case LENS_CHECK_OWNERS:
      status = lens_check_owners(self, slice);
      break;
    case LENS_CHECK_PAGES:
      status = lens_check_pages(self, slice);
      break;
    default:
      status = check_counts(self, slice);
      break;
  }
  if (status != LENS_OK) return status;
  check->phase++;
  check->row = 0;
  lens_sweep_reset(&check->sweep);
  return check->phase == LENS_CHECK_COUNTS ? lens_check_heaps(self) : LENS_OK;
}

static void report(const struct lens_check_state *check, const lens *self,
                   lens_progress *progress) {
  uint64_t pages = self->model.page_total, objects = check->totals.objects;
  switch (check->phase) {
    case LENS_CHECK_BLOCKS:
      lens_progress_set(progress, "checking blocks", check->sweep.page_row, pages);
      break;
    case LENS_CHECK_SLOTS:
      lens_progress_set(progress, "checking references", check->row, objects);
      break;
    case LENS_CHECK_OWNERS:
      lens_progress_set(progress, "checking buffers", check->sweep.page_row, pages);
      break;
    case LENS_CHECK_PAGES:
      lens_progress_set(progress, "checking pages", check->totals.pages, pages);
      break;
    default:
      lens_progress_set(progress, "checking counts", check->row, objects);
      break;
  }
}

lens_status lens_check(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_account_all_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_check_state *check = &self->analysis->check;
  while (check->phase != LENS_CHECK_DONE) {
    status = step(self, &slice);
    report(check, self, progress);
    if (status == LENS_AGAIN) return status;
    if (status != LENS_OK) {
      lens_check_free(check);
      return status;
    }
    if (check->phase != LENS_CHECK_DONE && lens_slice_over(&slice)) return LENS_AGAIN;
  }
  check->totals.problems = count_problems(self);
  return LENS_OK;
}

lens_status lens_check_totals_get(const lens *self, lens_check_totals *out) {
  if (self->analysis == NULL || self->analysis->check.phase != LENS_CHECK_DONE)
    return LENS_BAD_ARGUMENT;
  *out = self->analysis->check.totals;
  return LENS_OK;
}

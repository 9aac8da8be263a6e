/* The leaks as rows: the largest of them, one by its number, sums by type. */
#include "analysis.h"
#include "best.h"
#include "type_glob.h"

static bool is_done(const lens *self) {
  return self->analysis != NULL && self->analysis->leaks.phase == LENS_LEAKS_DONE;
}

static lens_status need_leaks(lens *self) {
  return is_done(self) ? LENS_OK : lens_fail(self, LENS_BAD_ARGUMENT, "find the leaks first");
}

static const lens_leak *rows_of(const lens *self) { return self->analysis->leaks.rows.items; }

static uint32_t type_of(const lens *self, const lens_leak *leak) {
  return lens_row_types(&self->analysis->snapshot)[leak->root];
}

lens_status lens_leaks_totals_get(const lens *self, lens_leaks_totals *out) {
  if (!is_done(self)) return LENS_BAD_ARGUMENT;
  *out = self->analysis->leaks.totals;
  return LENS_OK;
}

lens_status lens_leak_get(const lens *self, uint32_t number, lens_leak *out) {
  if (!is_done(self)) return LENS_BAD_ARGUMENT;
  if (number >= self->analysis->leaks.leak_count) return LENS_NOT_FOUND;
  *out = rows_of(self)[number];
  return LENS_OK;
}

/* Ties go by the root, so rows compete by it: the leak of a root is found again by lens_leak_of. */
lens_status lens_leaks_select(lens *self, const char *type_glob, uint64_t capacity, lens_leak *rows,
                              uint64_t *written, uint64_t *matched) {
  lens_status status = need_leaks(self);
  if (status != LENS_OK) return status;
  uint64_t leaks = self->analysis->leaks.leak_count;
  if (capacity > leaks) capacity = leaks;
  uint8_t *types = lens_type_glob(&self->model, type_glob);
  struct lens_best *best = types == NULL ? NULL : lens_alloc(capacity * sizeof *best);
  if (best == NULL) {
    lens_dealloc(types);
    return lens_out_of_memory(self);
  }
  uint64_t count = 0, found = 0;
  for (uint64_t i = 0; i < leaks; i++) {
    const lens_leak *leak = &rows_of(self)[i];
    if (!lens_type_glob_has(types, &self->model, type_of(self, leak))) continue;
    found++;
    count = lens_best_offer(best, count, capacity, (struct lens_best){leak->bytes, leak->root});
  }
  lens_best_sort(best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    uint32_t number;
    status = lens_leak_of(self, best[i].row, &number);
    if (status == LENS_OK) rows[i] = rows_of(self)[number];
  }
  lens_dealloc(best);
  lens_dealloc(types);
  if (status != LENS_OK) return status;
  *written = count;
  *matched = found;
  return LENS_OK;
}

/* Two sums a flat type, and two for leaks without one. */
static void add_up(const lens *self, lens_leak_census *sums) {
  for (uint64_t i = 0; i < self->analysis->leaks.leak_count; i++) {
    const lens_leak *leak = &rows_of(self)[i];
    uint32_t type = type_of(self, leak);
    uint64_t at = 2 * (type == LENS_NONE ? self->model.type_count : type) + leak->kind;
    sums[at].type = type;
    sums[at].kind = leak->kind;
    sums[at].leaks++;
    sums[at].objects += leak->objects;
    sums[at].bytes += leak->bytes;
  }
}

lens_status lens_leaks_census(lens *self, uint64_t capacity, lens_leak_census *rows,
                              uint64_t *written, uint64_t *total) {
  lens_status status = need_leaks(self);
  if (status != LENS_OK) return status;
  uint64_t places = 2 * (self->model.type_count + 1);
  lens_leak_census *sums = lens_alloc_zeroed((size_t)places, sizeof *sums);
  if (sums == NULL) return lens_out_of_memory(self);
  add_up(self, sums);
  uint64_t count = 0;
  for (uint64_t i = 0; i < places; i++) {
    if (sums[i].leaks == 0) continue;
    if (count < capacity) rows[count] = sums[i];
    count++;
  }
  lens_dealloc(sums);
  *written = count < capacity ? count : capacity;
  *total = count;
  return LENS_OK;
}

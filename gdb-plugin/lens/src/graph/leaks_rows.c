/* The leaks as rows: the largest of them, one by its number, sums by type. */
#include "analysis.h"
#include "model/type_glob.h"
#include "turn.h"

enum { WORDS_A_ROW = 16 }; /* 64 objects, most of which are passed over */

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
  if (number >= self->analysis->leaks.row_count) return LENS_NOT_FOUND;
  *out = rows_of(self)[number];
  return LENS_OK;
}

/* Ties go by the root, so rows compete by it: the leak of a root is found again by lens_leak_of. */
static lens_status rows_select(lens *self, uint32_t joint, const char *type_glob, uint64_t capacity,
                               lens_leak *rows, uint64_t *written, uint64_t *matched) {
  lens_status status = need_leaks(self);
  if (status != LENS_OK) return status;
  uint64_t leaks = self->analysis->leaks.row_count;
  if (capacity > leaks) capacity = leaks;
  uint8_t *types = lens_type_glob(&self->model, type_glob);
  struct lens_best *best = types == NULL ? NULL : lens_alloc(capacity * sizeof *best);
  if (best == NULL) {
    lens_dealloc(types);
    return lens_out_of_memory(self);
  }
  uint64_t count = 0, found = 0;
  for (uint64_t i = 0; i < leaks && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    const lens_leak *leak = &rows_of(self)[i];
    if ((leak->kind == LENS_LEAK_JOINT) != (joint != 0)) continue;
    if (!lens_type_glob_has(types, &self->model, type_of(self, leak))) continue;
    found++;
    count = lens_best_offer(best, count, capacity, (struct lens_best){leak->bytes, leak->root});
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    uint32_t number = 0;
    status = lens_turn_at(self, i);
    if (status == LENS_OK) status = lens_leak_of(self, best[i].row, &number);
    if (status == LENS_OK) rows[i] = rows_of(self)[number];
  }
  lens_dealloc(best);
  lens_dealloc(types);
  if (status != LENS_OK) return status;
  *written = count;
  *matched = found;
  return LENS_OK;
}

lens_status lens_leaks_select(lens *self, const char *type_glob, uint64_t capacity, lens_leak *rows,
                              uint64_t *written, uint64_t *matched) {
  return rows_select(self, 0, type_glob, capacity, rows, written, matched);
}

lens_status lens_leaks_joint(lens *self, uint64_t capacity, lens_leak *rows, uint64_t *written,
                             uint64_t *total) {
  return rows_select(self, 1, NULL, capacity, rows, written, total);
}

/* ---- who holds a row ---- */

/* Marks the rows whose objects lead to one of `component`. */
static lens_status mark_holders(lens *self, uint32_t component, uint64_t *marks) {
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  const struct lens_index *index = &self->analysis->index;
  const uint64_t *in = lens_in_starts(index), *garbage = leaks->garbage.items;
  const uint32_t *component_of = lens_leaks_component_of(leaks), *labels = leaks->labels.items;
  uint64_t node = 0; /* nodes are numbered in the order of objects */
  uint64_t work = 0;
  for (uint64_t word = 0; word < lens_leaks_words(self); word++) {
    lens_status status = lens_turn_at(self, word * WORDS_A_ROW);
    if (status != LENS_OK) return status;
    for (uint64_t left = garbage[word]; left != 0; left &= left - 1) {
      if (component_of[node++] != component) continue;
      uint64_t object = word * 64 + (uint32_t)__builtin_ctzll(left);
      for (uint64_t edge = in[object]; edge < in[object + 1]; edge++) {
        status = lens_turn_at(self, ++work);
        if (status != LENS_OK) return status;
        uint32_t holder = lens_leaks_node_of(leaks, lens_in_sources(index)[edge]);
        if (holder == LENS_NONE || component_of[holder] == component) continue;
        uint32_t row = labels[component_of[holder]] - 1;
        marks[row / 64] |= 1ull << (row % 64);
      }
    }
  }
  return LENS_OK;
}

lens_status lens_leak_holders(lens *self, uint32_t number, uint64_t capacity, uint32_t *numbers,
                              uint64_t *written, uint64_t *total) {
  lens_status status = need_leaks(self);
  if (status != LENS_OK) return status;
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  if (number >= leaks->row_count)
    return lens_fail(self, LENS_NOT_FOUND, "no leak has the number %u", number);
  uint64_t words = leaks->row_count / 64 + 1, count = 0;
  uint64_t *marks = lens_alloc_zeroed((size_t)words, sizeof *marks);
  if (marks == NULL) return lens_out_of_memory(self);
  uint32_t node = lens_leaks_node_of(leaks, rows_of(self)[number].root);
  status = mark_holders(self, lens_leaks_component_of(leaks)[node], marks);
  for (uint64_t i = 0; i < words && status == LENS_OK; i++) {
    for (uint64_t left = marks[i]; left != 0; left &= left - 1, count++) {
      if (count < capacity) numbers[count] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(left);
    }
  }
  lens_dealloc(marks);
  if (status != LENS_OK) return status;
  *written = count < capacity ? count : capacity;
  *total = count;
  return LENS_OK;
}

/* ---- by type ---- */

/* Two sums a flat type, and two for leaks without one. */
static lens_status add_up(lens *self, lens_leak_census *sums) {
  for (uint64_t i = 0; i < self->analysis->leaks.row_count; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    const lens_leak *leak = &rows_of(self)[i];
    if (leak->kind == LENS_LEAK_JOINT) continue;
    uint32_t type = type_of(self, leak);
    uint64_t at = 2 * (type == LENS_NONE ? self->model.type_count : type) + leak->kind;
    sums[at].type = type;
    sums[at].kind = leak->kind;
    sums[at].leaks++;
    sums[at].objects += leak->objects;
    sums[at].bytes += leak->bytes;
  }
  return LENS_OK;
}

lens_status lens_leaks_census(lens *self, uint64_t capacity, lens_leak_census *rows,
                              uint64_t *written, uint64_t *total) {
  lens_status status = need_leaks(self);
  if (status != LENS_OK) return status;
  uint64_t places = 2 * (self->model.type_count + 1);
  lens_leak_census *sums = lens_alloc_zeroed((size_t)places, sizeof *sums);
  if (sums == NULL) return lens_out_of_memory(self);
  status = add_up(self, sums);
  uint64_t count = 0;
  for (uint64_t i = 0; i < places && status == LENS_OK; i++) {
    if (sums[i].leaks == 0) continue;
    if (count < capacity) rows[count] = sums[i];
    count++;
  }
  lens_dealloc(sums);
  if (status != LENS_OK) return status;
  *written = count < capacity ? count : capacity;
  *total = count;
  return LENS_OK;
}

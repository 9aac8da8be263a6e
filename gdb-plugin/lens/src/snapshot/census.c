/* Censuses: the snapshot's objects counted by type, and by count. */
#include <stdlib.h>

#include "analysis.h"
#include "turn.h"

/* Rows by type index, one more for objects without a readable type. */
lens_status lens_census(lens *self, uint64_t capacity, lens_type_census *rows, uint64_t *written,
                        uint64_t *total) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  size_t type_count = self->model.type_count;
  lens_type_census *all = lens_alloc_zeroed(type_count + 1, sizeof *all);
  if (all == NULL) return lens_out_of_memory(self);

  const uint32_t *types = lens_row_types(snapshot), *refcounts = lens_row_refcounts(snapshot);
  const uint32_t *sizes = lens_row_sizes(snapshot);
  for (uint64_t i = 0; i < snapshot->object_count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    lens_type_census *row = &all[types[i] == LENS_NONE ? type_count : types[i]];
    if (row->count == 0 || refcounts[i] < row->refcount_min) row->refcount_min = refcounts[i];
    if (refcounts[i] > row->refcount_max) row->refcount_max = refcounts[i];
    row->count++;
    row->bytes += sizes[i] != UINT32_MAX ? sizes[i] : lens_row_size(self, (uint32_t)i);
  }

  uint64_t found = 0, out = 0;
  for (size_t i = 0; i <= type_count && status == LENS_OK; i++) {
    if (all[i].count == 0) continue;
    all[i].type = i == type_count ? LENS_NONE : (uint32_t)i;
    found++;
    if (out < capacity) rows[out++] = all[i];
  }
  lens_dealloc(all);
  if (status != LENS_OK) return status;
  *written = out;
  *total = found;
  return LENS_OK;
}

/* ---- by count ---- */

enum { SMALL_COUNTS = 4096 };

/* Counts below SMALL_COUNTS index a table; the few objects with larger ones are listed, then
 * sorted. */
struct count_table {
  lens_count_census small[SMALL_COUNTS];
  lens_count_census immortal;
  lens_count_census *large;
  size_t large_count, large_capacity;
};

static lens_count_census *large_row(struct count_table *table, uint32_t refcount) {
  lens_count_census *large =
      lens_grow(table->large, &table->large_capacity, table->large_count + 1, sizeof *large);
  if (large == NULL) return NULL;
  table->large = large;
  large[table->large_count] = (lens_count_census){.refcount = refcount};
  return &large[table->large_count++];
}

static int by_refcount(const void *a, const void *b) {
  uint32_t left = ((const lens_count_census *)a)->refcount,
           right = ((const lens_count_census *)b)->refcount;
  return left < right ? -1 : left > right;
}

/* Sorts the large counts and makes one row of those that are equal. */
static void merge_large(struct count_table *table) {
  if (table->large_count == 0) return;
  qsort(table->large, table->large_count, sizeof *table->large, by_refcount);
  size_t last = 0;
  for (size_t i = 1; i < table->large_count; i++) {
    if (table->large[i].refcount != table->large[last].refcount) {
      table->large[++last] = table->large[i];
    } else {
      table->large[last].count += table->large[i].count;
      table->large[last].bytes += table->large[i].bytes;
    }
  }
  table->large_count = last + 1;
}

static lens_status count_all(lens *self, struct count_table *table) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *refcounts = lens_row_refcounts(snapshot), *sizes = lens_row_sizes(snapshot);
  const uint16_t *states = lens_row_states(snapshot);
  for (uint64_t i = 0; i < snapshot->object_count; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    lens_count_census *row;
    if ((states[i] & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0) {
      row = &table->immortal;
    } else if (refcounts[i] < SMALL_COUNTS) {
      row = &table->small[refcounts[i]];
    } else {
      row = large_row(table, refcounts[i]);
      if (row == NULL) return lens_out_of_memory(self);
    }
    row->count++;
    row->bytes += sizes[i] != UINT32_MAX ? sizes[i] : lens_row_size(self, (uint32_t)i);
  }
  merge_large(table);
  return LENS_OK;
}

static void emit(const lens_count_census *row, uint64_t capacity, lens_count_census *rows,
                 uint64_t *found) {
  if (row->count == 0) return;
  if (*found < capacity) rows[*found] = *row;
  ++*found;
}

lens_status lens_refcounts(lens *self, uint64_t capacity, lens_count_census *rows,
                           uint64_t *written, uint64_t *total) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  struct count_table *table = lens_alloc_zeroed(1, sizeof *table);
  if (table == NULL) return lens_out_of_memory(self);
  for (uint32_t i = 0; i < SMALL_COUNTS; i++) table->small[i].refcount = i;
  table->immortal = (lens_count_census){.refcount = UINT32_MAX, .immortal = 1};
  status = count_all(self, table);
  if (status == LENS_OK) {
    uint64_t found = 0;
    for (uint32_t i = 0; i < SMALL_COUNTS; i++) emit(&table->small[i], capacity, rows, &found);
    for (size_t i = 0; i < table->large_count; i++) emit(&table->large[i], capacity, rows, &found);
    emit(&table->immortal, capacity, rows, &found);
    *written = found < capacity ? found : capacity;
    *total = found;
  }
  lens_dealloc(table->large);
  lens_dealloc(table);
  return status;
}

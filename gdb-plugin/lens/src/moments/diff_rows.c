/* What changed between two moments, the greatest change first.  See diff.h. */
#include <stdlib.h>
#include <string.h>

#include "memory/alloc.h"
#include "moments/diff.h"

static uint64_t distance(uint64_t a, uint64_t b) { return a < b ? b - a : a - b; }

/* ---- types and places ---- */

static bool is_changed(const lens_diff_row *row) {
  return row->count_a != row->count_b || row->bytes_a != row->bytes_b || row->added != 0 ||
         row->gone != 0;
}

static int compare_numbers(uint64_t a, uint64_t b) { return a > b ? -1 : a < b; }

/* The greatest change in bytes first, then in objects, then what came and went; ties by name. */
static int by_change(const void *left, const void *right, void *context) {
  const lens_diff_row *rows = context;
  const lens_diff_row *a = &rows[*(const uint32_t *)left], *b = &rows[*(const uint32_t *)right];
  int order = compare_numbers(distance(a->bytes_a, a->bytes_b), distance(b->bytes_a, b->bytes_b));
  if (order == 0)
    order = compare_numbers(distance(a->count_a, a->count_b), distance(b->count_a, b->count_b));
  if (order == 0) order = compare_numbers(a->added + a->gone, b->added + b->gone);
  if (order == 0) order = strcmp(a->type, b->type);
  /* Rows of one type: in the order in which they were met, which is that of addresses. */
  return order != 0 ? order : a < b ? -1 : a > b;
}

static lens_status sort_table(struct lens_diff_table *table) {
  lens_dealloc(table->order);
  table->changed = 0;
  table->order = lens_alloc_zeroed(table->count, sizeof *table->order);
  if (table->order == NULL) return LENS_NO_MEMORY;
  for (size_t i = 0; i < table->count; i++) {
    if (is_changed(&table->rows[i])) table->order[table->changed++] = (uint32_t)i;
  }
  if (table->changed > 1)
    qsort_r(table->order, table->changed, sizeof *table->order, by_change, table->rows);
  return LENS_OK;
}

static lens_status rows_get(const lens_diff *self, const struct lens_diff_table *table,
                            uint64_t first, uint64_t capacity, lens_diff_row *rows,
                            uint64_t *written, uint64_t *total) {
  if (!self->complete) return LENS_BAD_ARGUMENT;
  uint64_t stored = 0;
  for (uint64_t i = first; i < table->changed && stored < capacity; i++)
    rows[stored++] = table->rows[table->order[i]];
  *written = stored;
  *total = table->changed;
  return LENS_OK;
}

lens_status lens_diff_types(const lens_diff *self, uint64_t first, uint64_t capacity,
                            lens_diff_row *rows, uint64_t *written, uint64_t *total) {
  return rows_get(self, &self->types, first, capacity, rows, written, total);
}

lens_status lens_diff_sites(const lens_diff *self, uint64_t first, uint64_t capacity,
                            lens_diff_row *rows, uint64_t *written, uint64_t *total) {
  return rows_get(self, &self->places, first, capacity, rows, written, total);
}

/* ---- objects ---- */

lens_status lens_diff_offer(lens_diff *self, const lens_diff_object *object) {
  struct lens_diff_shown *shown = &self->shown;
  uint64_t key = distance(object->bytes_a, object->bytes_b);
  bool full = shown->count == shown->limit;
  if (full && key <= shown->best[0].key) return LENS_OK;
  if (!full) {
    uint64_t needed = shown->count + 1;
    struct lens_best *best = lens_grow(shown->best, &shown->best_capacity, needed, sizeof *best);
    if (best == NULL) return LENS_NO_MEMORY;
    shown->best = best;
    lens_diff_object *objects =
        lens_grow(shown->objects, &shown->object_capacity, needed, sizeof *objects);
    if (objects == NULL) return LENS_NO_MEMORY;
    shown->objects = objects;
  }
  uint32_t place = full ? shown->best[0].row : (uint32_t)shown->count; /* of what must go */
  shown->objects[place] = *object;
  shown->count =
      lens_best_offer(shown->best, shown->count, shown->limit, (struct lens_best){key, place});
  return LENS_OK;
}

/* Ties by address; what went before what came there. */
static int by_object_change(const void *left, const void *right) {
  const lens_diff_object *a = left, *b = right;
  int order = compare_numbers(distance(a->bytes_a, a->bytes_b), distance(b->bytes_a, b->bytes_b));
  if (order == 0) order = compare_numbers(b->address, a->address);
  return order != 0 ? order : (a->change == LENS_CHANGE_ADDED) - (b->change == LENS_CHANGE_ADDED);
}

lens_status lens_diff_objects(const lens_diff *self, uint64_t first, uint64_t capacity,
                              lens_diff_object *rows, uint64_t *written, uint64_t *total) {
  if (!self->complete) return LENS_BAD_ARGUMENT;
  uint64_t stored = 0;
  for (uint64_t i = first; i < self->shown.count && stored < capacity; i++)
    rows[stored++] = self->shown.objects[i];
  *written = stored;
  *total = self->totals.object_rows;
  return LENS_OK;
}

lens_status lens_diff_sort(lens_diff *self) {
  lens_status status = sort_table(&self->types);
  if (status == LENS_OK) status = sort_table(&self->places);
  if (status != LENS_OK) return status;
  if (self->shown.count > 1)
    qsort(self->shown.objects, self->shown.count, sizeof *self->shown.objects, by_object_change);
  self->totals.type_rows = self->types.changed;
  self->totals.site_rows = self->places.changed;
  uint64_t met = 0;
  for (size_t i = 0; i < self->types.count; i++)
    met += self->types.rows[i].count_a != 0 || self->types.rows[i].count_b != 0;
  self->totals.types_unchanged = met - self->types.changed;
  return LENS_OK;
}

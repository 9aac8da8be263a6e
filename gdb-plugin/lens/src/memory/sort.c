/* A merge sort in slices.  See sort.h. */
#include "memory/sort.h"

#include <stdlib.h>
#include <string.h>

enum { RUN_ROWS = 1 << 11, ROWS_A_CLOCK = 1 << 14 };

/* What all steps of one sort have in common. */
struct rows {
  uint64_t count;
  size_t bytes; /* of a row */
  lens_compare_fn compare;
  const lens_slice *slice;
};

void lens_sorting_free(struct lens_sorting *self) {
  lens_column_free(&self->other);
  *self = (struct lens_sorting){0};
}

static uint64_t at_most(uint64_t value, uint64_t most) { return value < most ? value : most; }

static lens_status sort_runs(struct lens_sorting *self, const struct lens_column *column,
                             const struct rows *rows) {
  while (self->at < rows->count) {
    uint64_t count = at_most(RUN_ROWS, rows->count - self->at);
    qsort((char *)column->items + self->at * rows->bytes, count, rows->bytes, rows->compare);
    self->at += count;
    if (self->at < rows->count && lens_slice_over(rows->slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* Merges the two runs in hand.  False: the slice is over. */
static bool merge(struct lens_sorting *self, const struct lens_column *column,
                  const struct rows *rows) {
  const char *left = (const char *)column->items + self->at * rows->bytes;
  char *out = (char *)self->other.items + self->at * rows->bytes;
  uint64_t left_count = at_most(self->width, rows->count - self->at);
  uint64_t right_count = at_most(self->width, rows->count - self->at - left_count);
  const char *right = left + left_count * rows->bytes;
  for (uint64_t work = 1; self->left < left_count || self->right < right_count; work++) {
    const char *first = left + self->left * rows->bytes,
               *second = right + self->right * rows->bytes;
    bool takes_first = self->right == right_count ||
                       (self->left < left_count && rows->compare(first, second) <= 0);
    memcpy(out + (self->left + self->right) * rows->bytes, takes_first ? first : second,
           rows->bytes);
    *(takes_first ? &self->left : &self->right) += 1;
    if (work % ROWS_A_CLOCK == 0 && lens_slice_over(rows->slice)) return false;
  }
  self->left = self->right = 0;
  self->at += left_count + right_count;
  return true;
}

lens_status lens_sort_step(struct lens_sorting *self, struct lens_column *column, uint64_t count,
                           size_t row_bytes, lens_compare_fn compare, const lens_slice *slice) {
  const struct rows rows = {count, row_bytes, compare, slice};
  if (self->width == 0) {
    if (sort_runs(self, column, &rows) != LENS_OK) return LENS_AGAIN;
    self->at = 0;
    self->width = RUN_ROWS;
  }
  if (self->width < count && !lens_column_reserve(&self->other, count, row_bytes))
    return LENS_NO_MEMORY;
  while (self->width < count) {
    while (self->at < count) {
      if (!merge(self, column, &rows)) return LENS_AGAIN;
      if (self->at < count && lens_slice_over(slice)) return LENS_AGAIN;
    }
    struct lens_column merged = self->other;
    self->other = *column;
    *column = merged;
    self->at = 0;
    self->width *= 2;
    if (self->width < count && lens_slice_over(slice)) return LENS_AGAIN;
  }
  lens_sorting_free(self);
  return LENS_OK;
}

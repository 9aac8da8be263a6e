/* Sorting in slices: rows of a column that may be as many as there are edges in the target.
 *
 * A merge sort from below: short runs are sorted each at a stretch, then two and two are merged,
 * and every merge is left when the slice is over, and gone on with.  Stable between runs, so the
 * order of equal rows is the same each time.
 */
#ifndef LENS_SORT_H
#define LENS_SORT_H

#include "memory/column.h"
#include "memory/slice.h"
#include "model.h"

typedef int (*lens_compare_fn)(const void *left, const void *right);

/* All zero: it has not begun. */
struct lens_sorting {
  uint64_t width;           /* rows of a sorted run; 0: runs are being sorted */
  uint64_t at;              /* the first row of the run, or of the two runs, in hand */
  uint64_t left, right;     /* rows of the two that were merged */
  struct lens_column other; /* where merged runs go; the columns change places after each pass */
};

/* Sorts the first `count` rows of the column.  LENS_AGAIN: the slice is over, all rows are there in
 * some order.  LENS_OK: sorted, nothing is held any more.  LENS_NO_MEMORY: as LENS_AGAIN, free it.
 */
lens_status lens_sort_step(struct lens_sorting *self, struct lens_column *column, uint64_t count,
                           size_t row_bytes, lens_compare_fn compare, const lens_slice *slice);
void lens_sorting_free(struct lens_sorting *self);

#endif

/* The census that listings share: by (heap, type) as the lens counts, and by name as people read.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"

lens_status census_of(const struct session *session, lens_type_census **rows, uint64_t *count) {
  uint64_t written, total;
  lens_status status = lens_census(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  lens_type_census *found = malloc((total + 1) * sizeof *found);
  if (found == NULL) return LENS_NO_MEMORY;
  status = lens_census(session->target, total, found, count, &total);
  if (status != LENS_OK) {
    free(found);
    return status;
  }
  *rows = found;
  return LENS_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct type_sum *)a)->name, ((const struct type_sum *)b)->name);
}

static int by_bytes(const void *a, const void *b) {
  const struct type_sum *left = a, *right = b;
  if (left->bytes != right->bytes) return left->bytes > right->bytes ? -1 : 1;
  return by_name(a, b);
}

/* Makes one row of those with one name, which stand together; returns how many there are then. */
static uint64_t merge(struct type_sum *sums, uint64_t count) {
  uint64_t kept = 0;
  for (uint64_t i = 0; i < count; i++) {
    struct type_sum *last = kept == 0 ? NULL : &sums[kept - 1];
    if (last == NULL || by_name(last, &sums[i]) != 0) {
      sums[kept++] = sums[i];
      continue;
    }
    last->count += sums[i].count;
    last->bytes += sums[i].bytes;
    if (sums[i].refcount_min < last->refcount_min) last->refcount_min = sums[i].refcount_min;
    if (sums[i].refcount_max > last->refcount_max) last->refcount_max = sums[i].refcount_max;
  }
  return kept;
}

lens_status types_by_bytes(const struct session *session, struct type_sum **sums, uint64_t *count) {
  lens_type_census *rows;
  uint64_t row_count;
  lens_status status = census_of(session, &rows, &row_count);
  if (status != LENS_OK) return status;
  struct type_sum *found = malloc((row_count + 1) * sizeof *found);
  if (found == NULL) {
    free(rows);
    return LENS_NO_MEMORY;
  }
  for (uint64_t i = 0; i < row_count; i++) {
    found[i] = (struct type_sum){.name = type_name(session, rows[i].type),
                                 .count = rows[i].count,
                                 .bytes = rows[i].bytes,
                                 .refcount_min = rows[i].refcount_min,
                                 .refcount_max = rows[i].refcount_max};
  }
  free(rows);
  qsort(found, row_count, sizeof *found, by_name);
  *count = merge(found, row_count);
  qsort(found, *count, sizeof *found, by_bytes);
  *sums = found;
  return LENS_OK;
}

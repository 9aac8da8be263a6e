/* The best rows of many.  See best.h. */
#include "memory/best.h"

#include <stdbool.h>

static bool is_worse(const struct lens_best *a, const struct lens_best *b) {
  return a->key != b->key ? a->key < b->key : a->row > b->row;
}

/* Restores the heap (worst on top) after its first row was replaced. */
static void sift_down(struct lens_best *rows, uint64_t count) {
  struct lens_best row = rows[0];
  uint64_t at = 0;
  for (;;) {
    uint64_t child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && is_worse(&rows[child + 1], &rows[child])) child++;
    if (!is_worse(&rows[child], &row)) break;
    rows[at] = rows[child];
    at = child;
  }
  rows[at] = row;
}

static void sift_up(struct lens_best *rows, uint64_t at) {
  struct lens_best row = rows[at];
  while (at > 0 && is_worse(&row, &rows[(at - 1) / 2])) {
    rows[at] = rows[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  rows[at] = row;
}

uint64_t lens_best_offer(struct lens_best *rows, uint64_t count, uint64_t capacity,
                         struct lens_best row) {
  if (count < capacity) {
    rows[count] = row;
    sift_up(rows, count);
    return count + 1;
  }
  if (count != 0 && is_worse(&rows[0], &row)) {
    rows[0] = row;
    sift_down(rows, count);
  }
  return count;
}

uint64_t lens_best_sort(struct lens_best *rows, uint64_t count, uint64_t most) {
  for (; count > 1 && most > 0; most--) {
    struct lens_best worst = rows[0];
    rows[0] = rows[--count];
    sift_down(rows, count);
    rows[count] = worst;
  }
  return count;
}

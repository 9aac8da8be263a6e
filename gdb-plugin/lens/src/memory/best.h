/* The best rows of many: a bounded heap keeps the best seen so far with the worst on top; sorting
 * it in place at the end gives the order.  So a short answer over ten million objects costs one
 * pass and a few rows.
 *
 * What this is not: a container.  The rows are the caller's.
 */
#ifndef LENS_BEST_H
#define LENS_BEST_H

#include <stdint.h>

/* A row that competes: greater keys first, then lower indices (which are addresses in order). */
struct lens_best {
  uint64_t key;
  uint32_t row;
};

/* Lets a row compete for one of `capacity` places; returns how many are taken. */
uint64_t lens_best_offer(struct lens_best *rows, uint64_t count, uint64_t capacity,
                         struct lens_best row);
/* From a heap to the order, the best first: puts up to `most` of its rows where they belong, from
 * the last one on.  Returns how many are left: the first rows, still a heap; up to 1: it is done.
 */
uint64_t lens_best_sort(struct lens_best *rows, uint64_t count, uint64_t most);

#endif

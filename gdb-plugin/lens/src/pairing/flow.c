/* The flow in one mix: how many of what each taker took went to which giver, in proportion to given
 * weights and so that both sums hold.
 *
 * What this is not: it knows no places, and learns nothing.
 */
#include <math.h>

#include "analysis.h"

enum { CLASSES_IN_THREAD = 16 };

static const double SMOOTHING = 4; /* references that a pair is taken to have been seen */
static const double FACTOR_LEAST = 1.0 / 64, FACTOR_MOST = 4;

uint32_t lens_gap_class(const struct lens_part *taker, const struct lens_part *giver) {
  if (taker->first == 0 || giver->first == UINT64_MAX) return LENS_GAPS;
  if (taker->first > giver->last) return LENS_GAPS + 1;
  uint64_t gap = giver->first > taker->last ? giver->first - taker->last : 1;
  uint32_t log2 = 63u - (uint32_t)__builtin_clzll(gap);
  if (log2 >= CLASSES_IN_THREAD) log2 = CLASSES_IN_THREAD - 1;
  return taker->thread == giver->thread ? log2 : CLASSES_IN_THREAD + log2 / 2;
}

double lens_gap_factor(const struct lens_pairs_state *self, const struct lens_bond *bond,
                       uint32_t gap, int start) {
  if (gap == LENS_GAPS) return 1;
  if (gap > LENS_GAPS) return 1e-9;
  const float *gaps = bond->gaps[start];
  bool ends = gap == 0 || gap == CLASSES_IN_THREAD;
  bool last = gap == CLASSES_IN_THREAD - 1 || gap == LENS_GAPS - 1;
  double seen =
      0.5 * gaps[gap] + (ends ? 0 : 0.25 * gaps[gap - 1]) + (last ? 0 : 0.25 * gaps[gap + 1]);
  double factor = (seen / self->gap_share[start][gap] + SMOOTHING) /
                  (bond->count[start] - bond->known + SMOOTHING);
  return factor < FACTOR_LEAST ? FACTOR_LEAST : factor > FACTOR_MOST ? FACTOR_MOST : factor;
}

/* Where no fit was made before: each column alone has its sum. */
static void guess_scales(const struct lens_fit *fit, double *scales) {
  double sums[LENS_MIX_PARTS] = {0};
  for (uint32_t a = 0; a < fit->taker_count; a++) {
    const double *row = fit->weights + (size_t)a * fit->stride;
    for (uint32_t r = 0; r < fit->giver_count; r++) sums[r] += row[r];
  }
  for (uint32_t r = 0; r < fit->giver_count; r++)
    scales[r] = sums[r] > 0 ? fit->given[r] / sums[r] : 0;
}

/* Two sums by turns, as each waits for the addition before. */
static double product_of(const double *row, const double *scales, uint32_t count) {
  double even = 0, odd = 0;
  uint32_t r = 0;
  for (; r + 1 < count; r += 2) {
    even += row[r] * scales[r];
    odd += row[r + 1] * scales[r + 1];
  }
  return even + odd + (r < count ? row[r] * scales[r] : 0);
}

/* Rows and columns are scaled to their sums by turns; that converges, as no cell is 0.  The weights
 * stay as they are till the end: a round reads each of them once. */
void lens_flow_fit(const struct lens_fit *fit, double *scales) {
  double row_scales[LENS_MIX_PARTS] = {0}, sums[LENS_MIX_PARTS];
  uint32_t count = fit->giver_count;
  if (count != 0 && scales[0] == 0) guess_scales(fit, scales);
  for (uint32_t round = 0; round < fit->rounds; round++) {
    double off = 0;
    for (uint32_t r = 0; r < count; r++) sums[r] = 0;
    for (uint32_t a = 0; a < fit->taker_count; a++) {
      const double *row = fit->weights + (size_t)a * fit->stride;
      double sum = product_of(row, scales, count), scale = sum > 0 ? fit->taken[a] / sum : 0;
      for (uint32_t r = 0; r < count; r++) sums[r] += scale * row[r];
      row_scales[a] = scale;
    }
    for (uint32_t r = 0; r < count; r++) off += fabs(scales[r] * sums[r] / fit->given[r] - 1);
    if (off < fit->slack || round + 1 == fit->rounds) break; /* the rows are exact */
    for (uint32_t r = 0; r < count; r++) scales[r] = sums[r] > 0 ? fit->given[r] / sums[r] : 0;
  }
  for (uint32_t a = 0; a < fit->taker_count; a++) {
    double *row = fit->weights + (size_t)a * fit->stride;
    for (uint32_t r = 0; r < count; r++) row[r] *= row_scales[a] * scales[r];
  }
}

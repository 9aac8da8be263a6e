/* The flow in one mix: how many of what each taker took went to which giver, in proportion to given
 * weights and so that both sums hold.
 *
 * What this is not: it knows no places, and learns nothing.
 */
#include <math.h>

#include "analysis.h"

enum { FIT_ROUNDS = 60, CLASSES_IN_THREAD = 16 };

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
  double factor =
      (seen / self->gap_share[start][gap] + SMOOTHING) / (bond->count[start] + SMOOTHING);
  return factor < FACTOR_LEAST ? FACTOR_LEAST : factor > FACTOR_MOST ? FACTOR_MOST : factor;
}

/* Rows and columns are scaled to their sums by turns; that converges, as no cell is 0. */
void lens_flow_fit(const uint32_t *taken, uint32_t taker_count, const uint32_t *given,
                   uint32_t giver_count, lens_flow flow) {
  double sums[LENS_MIX_PARTS];
  for (int round = 0; round < FIT_ROUNDS; round++) {
    double off = 0;
    for (uint32_t r = 0; r < giver_count; r++) sums[r] = 0;
    for (uint32_t a = 0; a < taker_count; a++) {
      for (uint32_t r = 0; r < giver_count; r++) sums[r] += flow[a][r];
    }
    for (uint32_t r = 0; r < giver_count; r++) sums[r] = sums[r] > 0 ? given[r] / sums[r] : 0;
    for (uint32_t a = 0; a < taker_count; a++) {
      double sum = 0;
      for (uint32_t r = 0; r < giver_count; r++) sum += flow[a][r] *= sums[r];
      double scale = sum > 0 ? taken[a] / sum : 0;
      for (uint32_t r = 0; r < giver_count; r++) flow[a][r] *= scale;
      off += fabs(scale - 1);
    }
    if (off < 1e-5) break;
  }
}

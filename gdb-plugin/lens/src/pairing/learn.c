/* Learning: how strongly places go together, from the mixes of all objects.
 *
 * By rounds: with the bonds as they are, each mix spreads what was taken over what gave it back;
 * the sums of that over all mixes are the next bonds.  An object whose events fit in one way only
 * teaches for sure, and settles those that fit in many.  Suspects take part, with what is left over
 * as one more giver: so one forgotten release is found to explain many of them, rather than each by
 * a place of its own.  (This is expectation maximization of a mixture of contingency tables.)
 *
 * It is done from each of two starts (bonds.c).  Where objects show nothing, each keeps its guess,
 * and they differ.
 *
 * What this is not: a proof.  What is learned decides which place is named first, never how much is
 * left over.
 */
#include <string.h>

#include "analysis.h"

enum {
  ROUNDS = 24,
  ROUNDS_WITHOUT_STACK = 6, /* what the stack tells of a bond needs some idea of it */
  CELLS_A_CLOCK = 1 << 14,
  FIT_ROUNDS = 4 /* of one mix, in each round: it goes on where the one before ended */
};

static const double BACKWARDS = 1e-12, FIT_SLACK = 1e-5;

/* ---- sums ---- */

double *lens_code_sum(const struct lens_pairs_state *self, uint32_t code, enum lens_code_side side,
                      int start) {
  uint64_t codes = self->site_count * LENS_CODE_KINDS + 1; /* the last: all that is no place */
  uint64_t at = code < codes - 1 ? code : codes - 1;
  return (double *)self->sums.items + ((uint64_t)start * 2 + side) * codes + at;
}

static bool sums_make(struct lens_pairs_state *pairs) {
  uint64_t codes = pairs->site_count * LENS_CODE_KINDS + 1;
  if (!lens_column_reserve(&pairs->sums, codes * 2 * LENS_STARTS, sizeof(double)) ||
      !lens_column_reserve(&pairs->partners, codes, sizeof(uint32_t)) ||
      !lens_column_reserve(&pairs->even, codes, sizeof(uint8_t)))
    return false;
  memset(pairs->even.items, 0, codes);
  memset(pairs->sums.items, 0, codes * 2 * LENS_STARTS * sizeof(double));
  memset(pairs->partners.items, 0, codes * sizeof(uint32_t));
  return true;
}

/* ---- rounds ---- */

/* The weights of a mix's cells as the bonds have them now. */
static void weigh(const struct lens_pairs_state *pairs, const struct lens_cell *cells,
                  uint64_t count, double *weights) {
  const struct lens_bond *bonds = pairs->bonds.items;
  uint32_t start = pairs->start;
  for (uint64_t i = 0; i < count; i++) {
    double weight = cells[i].gap > LENS_GAPS ? BACKWARDS : bonds[cells[i].bond].weight[start];
    weight *= (double)cells[i].factor;
    if (pairs->round > ROUNDS_WITHOUT_STACK)
      weight *= lens_step_factor(pairs, &bonds[cells[i].bond], cells[i].step, (int)start);
    weights[i] = weight * weight;
  }
}

static void spread(struct lens_pairs_state *pairs, const struct lens_kept_mix *mix) {
  struct lens_bond *bonds = pairs->bonds.items;
  const struct lens_kept_part *parts = lens_kept_parts(pairs, mix);
  const struct lens_cell *cells = (const struct lens_cell *)pairs->cells.items + mix->first_cell;
  double *scales = (double *)pairs->scales.items + mix->first_part + mix->taker_count;
  uint64_t cell_count = mix->taker_count * (uint64_t)mix->giver_count;
  uint32_t taken[LENS_MIX_PARTS], given[LENS_MIX_PARTS];
  for (uint32_t a = 0; a < mix->taker_count; a++) taken[a] = parts[a].count;
  for (uint32_t r = 0; r < mix->giver_count; r++) given[r] = parts[mix->taker_count + r].count;
  const struct lens_fit fit = {.taken = taken,
                               .given = given,
                               .taker_count = mix->taker_count,
                               .giver_count = mix->giver_count,
                               .weights = pairs->match.flow[0][0],
                               .stride = mix->giver_count,
                               .slack = FIT_SLACK,
                               .rounds = FIT_ROUNDS};
  bool first = pairs->round == 1 && pairs->start == 0;
  weigh(pairs, cells, cell_count, fit.weights);
  if (pairs->round == 1) scales[0] = 0; /* another start */
  lens_flow_fit(&fit, scales);
  for (uint64_t i = 0; i < cell_count; i++) {
    double refs = mix->times * fit.weights[i];
    bonds[cells[i].bond].next += refs;
    if (cells[i].step < LENS_STEPS) bonds[cells[i].bond].steps_next[cells[i].step] += (float)refs;
    if (first && cells[i].step < LENS_STEPS) pairs->step_share[cells[i].step] += mix->times;
    if (cells[i].gap < LENS_GAPS) bonds[cells[i].bond].gaps_next[cells[i].gap] += (float)refs;
  }
}

/* Of all that could be pairs, how many are so far apart on the stack. */
static void end_steps(struct lens_pairs_state *pairs) {
  double total = 0, *share = pairs->step_share;
  for (int step = 0; step < LENS_STEPS; step++) total += share[step];
  for (int step = 0; step < LENS_STEPS; step++) share[step] /= total;
}

/* What this round found becomes what the next one begins with. */
static void end_round(struct lens_pairs_state *pairs) {
  struct lens_bond *bonds = pairs->bonds.items;
  int start = (int)pairs->start;
  uint64_t codes = pairs->site_count * LENS_CODE_KINDS + 1;
  double total = LENS_GAPS, *share = pairs->gap_share[start];
  memset(lens_code_sum(pairs, 0, LENS_TAKEN, start), 0, 2 * codes * sizeof(double));
  for (int gap = 0; gap < LENS_GAPS; gap++) share[gap] = 1;
  if (pairs->round == 1 && start == 0) end_steps(pairs);
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    struct lens_bond *bond = &bonds[i];
    bond->next += bond->known;
    *lens_code_sum(pairs, bond->taker, LENS_TAKEN, start) += bond->next;
    *lens_code_sum(pairs, bond->giver, LENS_GIVEN, start) += bond->next;
    bond->count[start] = bond->next;
    bond->next = 0;
    for (int gap = 0; gap < LENS_GAPS; gap++) {
      bond->gaps[start][gap] = bond->gaps_next[gap];
      share[gap] += (double)bond->gaps_next[gap];
      total += (double)bond->gaps_next[gap];
      bond->gaps_next[gap] = 0;
    }
    for (int step = 0; step < LENS_STEPS; step++) {
      bond->steps[start][step] = bond->steps_next[step];
      bond->steps_next[step] = 0;
    }
  }
  for (int gap = 0; gap < LENS_GAPS; gap++) share[gap] /= total;
  for (uint64_t i = 0; i < pairs->bond_count; i++)
    bonds[i].weight[start] =
        lens_bond_weight(pairs, &bonds[i], bonds[i].taker, bonds[i].giver, start, false);
}

/* With which place each one goes most of all. */
static void find_partners(struct lens_pairs_state *pairs) {
  const struct lens_bond *bonds = pairs->bonds.items;
  uint32_t *partners = pairs->partners.items;
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    const struct lens_bond *bond = &bonds[i];
    if (bond->taker >= LENS_CODE_HELD || bond->giver >= LENS_CODE_HELD) continue;
    uint32_t *sides[] = {&partners[bond->taker], &partners[bond->giver]};
    for (int side = 0; side < 2; side++) {
      if (*sides[side] == 0 || bonds[*sides[side] - 1].count[0] < bond->count[0])
        *sides[side] = (uint32_t)i + 1;
    }
  }
}

static lens_status begin(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_bonds_forget(pairs);
  lens_table_free(&pairs->by_mix);
  pairs->phase = LENS_PAIRS_LEARNING;
  pairs->round = pairs->start = 0;
  pairs->at = pairs->mix_count = pairs->part_count = pairs->cell_count = 0;
  pairs->learned = false;
  lens_blame_forget(pairs);
  for (int step = 0; step < LENS_STEPS; step++) pairs->step_share[step] = 1;
  for (int start = 0; start < LENS_STARTS; start++) {
    for (int gap = 0; gap < LENS_GAPS; gap++) pairs->gap_share[start][gap] = 1.0 / LENS_GAPS;
  }
  return sums_make(pairs) ? LENS_OK : lens_out_of_memory(self);
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  if (pairs->round == 0) {
    lens_status status = lens_mixes_gather(self, slice, progress);
    if (status != LENS_OK) return status;
    pairs->round = 1;
    pairs->at = 0;
  }
  uint64_t cells = 0;
  const struct lens_kept_mix *mixes = pairs->mixes.items;
  while (pairs->start < LENS_STARTS) {
    while (pairs->at < pairs->mix_count) {
      const struct lens_kept_mix *mix = &mixes[pairs->at++];
      spread(pairs, mix);
      cells += mix->taker_count * (uint64_t)mix->giver_count;
      if (cells < CELLS_A_CLOCK) continue;
      cells = 0;
      uint64_t round = pairs->start * ROUNDS + pairs->round - 1;
      lens_progress_set(progress, "pairs", round * pairs->mix_count + pairs->at,
                        LENS_STARTS * ROUNDS * pairs->mix_count);
      if (lens_slice_over(slice)) return LENS_AGAIN;
    }
    end_round(pairs);
    pairs->at = 0;
    if (pairs->round++ < ROUNDS) continue;
    pairs->round = 1;
    pairs->start++;
  }
  find_partners(pairs);
  return LENS_OK;
}

lens_status lens_pairs_learn(lens *self, uint32_t slice_ms, lens_progress *progress) {
  if (self->analysis == NULL || self->analysis->pairs.phase < LENS_PAIRS_READ)
    return lens_fail(self, LENS_BAD_ARGUMENT, "read the events first");
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = pairs->phase == LENS_PAIRS_READ ? begin(self) : LENS_OK;
  if (status == LENS_OK) status = step(self, &slice, progress);
  if (status == LENS_AGAIN) return status;
  pairs->phase = LENS_PAIRS_READ; /* the next call learns anew: roots may have changed */
  pairs->learned = status == LENS_OK;
  return status;
}

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
  ROUNDS_WITHOUT_STACK = 6,   /* what the stack tells of a bond needs some idea of it */
  LEARNT_OF_ONE = 1 << 13,    /* deeds: the last ones */
  GATHERED_A_CLOCK = 1 << 13, /* deeds and cells */
  CELLS_A_CLOCK = 1 << 14,
  WINDOWS_MAX = 16, /* of one history, and the last */
  VARIANTS = 4,
  MIXES_MAX = 1 << 14,
  CELLS_MAX = 1 << 19,
  FIT_ROUNDS = 4 /* of one mix, in each round: it goes on where the one before ended */
};

static const double BACKWARDS = 1e-12, FIT_SLACK = 1e-5;

/* ---- gathering ---- */

struct mix_key {
  const struct lens_pairs_state *pairs;
  const struct lens_mix *mix;
  uint32_t variant;
};

static uint64_t hash_part(uint64_t hash, uint32_t code, uint32_t count) {
  return (hash ^ code ^ (uint64_t)count << 32) * 0x100000001b3u;
}

static uint64_t mix_hash(const struct lens_mix *mix, uint32_t variant) {
  uint64_t hash = mix->taker_count + ((uint64_t)variant << 32);
  for (uint32_t i = 0; i < mix->taker_count; i++)
    hash = hash_part(hash, mix->takers[i].code, mix->takers[i].count);
  for (uint32_t i = 0; i < mix->giver_count; i++)
    hash = hash_part(hash, mix->givers[i].code, mix->givers[i].count);
  return hash;
}

static const struct lens_kept_part *parts_of(const struct lens_pairs_state *pairs,
                                             const struct lens_kept_mix *kept) {
  return (const struct lens_kept_part *)pairs->parts.items + kept->first_part;
}

static bool are_same(const struct lens_part *parts, const struct lens_kept_part *kept,
                     uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (parts[i].code != kept[i].code || parts[i].count != kept[i].count) return false;
  }
  return true;
}

static bool is_same_mix(const void *context, uint32_t row) {
  const struct mix_key *key = context;
  const struct lens_kept_mix *kept = (const struct lens_kept_mix *)key->pairs->mixes.items + row;
  const struct lens_kept_part *parts = parts_of(key->pairs, kept);
  return kept->variant == key->variant && kept->even == key->pairs->match.even &&
         kept->taker_count == key->mix->taker_count && kept->giver_count == key->mix->giver_count &&
         are_same(key->mix->takers, parts, kept->taker_count) &&
         are_same(key->mix->givers, parts + kept->taker_count, kept->giver_count);
}

static uint64_t kept_hash(const struct lens_pairs_state *pairs, const struct lens_kept_mix *kept) {
  const struct lens_kept_part *parts = parts_of(pairs, kept);
  uint64_t hash = kept->taker_count + ((uint64_t)kept->variant << 32);
  for (uint32_t i = 0; i < kept->taker_count + kept->giver_count; i++)
    hash = hash_part(hash, parts[i].code, parts[i].count);
  return hash;
}

static bool is_none(const void *context, uint32_t row) {
  (void)context;
  (void)row;
  return false; /* all that are in a table are different */
}

/* The place of the mix in hand in the table; NULL: no memory. */
static uint32_t *place_of(struct lens_pairs_state *pairs, uint32_t variant) {
  bool grown;
  if (!lens_table_reserve(&pairs->by_mix, pairs->mix_count, &grown)) return NULL;
  const struct lens_kept_mix *rows = pairs->mixes.items;
  for (uint64_t i = 0; grown && i < pairs->mix_count; i++) {
    uint64_t hash = kept_hash(pairs, &rows[i]);
    *lens_table_place(&pairs->by_mix, hash, is_none, NULL) = (uint32_t)i + 1;
  }
  const struct mix_key key = {pairs, &pairs->match.mix, variant};
  return lens_table_place(&pairs->by_mix, mix_hash(key.mix, variant), is_same_mix, &key);
}

/* The bond and the distance of each cell.  False in *fits: there are too many bonds. */
static lens_status keep_cells(lens *self, struct lens_cell *cells, bool *fits) {
  const struct lens_mix *mix = &self->analysis->pairs.match.mix;
  *fits = true;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++, cells++) {
      cells->gap = (uint16_t)lens_gap_class(&mix->takers[a], &mix->givers[r]);
      cells->step =
          (uint16_t)lens_step_class(&self->analysis->pairs, &mix->takers[a], &mix->givers[r]);
      cells->factor = (float)lens_bond_even_factor(mix->takers[a].code, mix->givers[r].code,
                                                   self->analysis->pairs.match.even);
      lens_status status =
          lens_bond_get(self, mix->takers[a].code, mix->givers[r].code, &cells->bond);
      if (status != LENS_OK) return status;
      *fits = *fits && cells->bond != LENS_NONE;
    }
  }
  return LENS_OK;
}

/* Keeps the mix in hand: its parts and cells. */
static lens_status keep_new(lens *self, uint32_t variant, bool *kept) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  const struct lens_mix *mix = &pairs->match.mix;
  uint64_t part_count = mix->taker_count + (uint64_t)mix->giver_count;
  uint64_t cell_count = mix->taker_count * (uint64_t)mix->giver_count;
  *kept = false;
  if (pairs->mix_count == MIXES_MAX || pairs->cell_count + cell_count > CELLS_MAX) return LENS_OK;
  if (!lens_column_reserve(&pairs->mixes, pairs->mix_count + 1, sizeof(struct lens_kept_mix)) ||
      !lens_column_reserve(&pairs->parts, pairs->part_count + part_count,
                           sizeof(struct lens_kept_part)) ||
      !lens_column_reserve(&pairs->scales, pairs->part_count + part_count, sizeof(double)) ||
      !lens_column_reserve(&pairs->cells, pairs->cell_count + cell_count,
                           sizeof(struct lens_cell))) {
    return lens_out_of_memory(self);
  }
  lens_status status =
      keep_cells(self, (struct lens_cell *)pairs->cells.items + pairs->cell_count, kept);
  if (status != LENS_OK || !*kept) return status;
  struct lens_kept_part *parts = (struct lens_kept_part *)pairs->parts.items + pairs->part_count;
  for (uint32_t i = 0; i < mix->taker_count; i++)
    *parts++ = (struct lens_kept_part){mix->takers[i].code, mix->takers[i].count};
  for (uint32_t i = 0; i < mix->giver_count; i++)
    *parts++ = (struct lens_kept_part){mix->givers[i].code, mix->givers[i].count};
  ((struct lens_kept_mix *)pairs->mixes.items)[pairs->mix_count++] =
      (struct lens_kept_mix){.first_part = pairs->part_count,
                             .first_cell = pairs->cell_count,
                             .taker_count = mix->taker_count,
                             .giver_count = mix->giver_count,
                             .times = 1,
                             .even = pairs->match.even,
                             .variant = variant,
                             .seen = 1};
  pairs->part_count += part_count;
  pairs->cell_count += cell_count;
  return LENS_OK;
}

/* One of the same places differs in its distances: a few of these are kept, by turns. */
static lens_status gather_mix(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  const struct lens_mix *mix = &pairs->match.mix;
  if (mix->taker_count == 0 || mix->giver_count == 0) return LENS_OK;
  uint32_t variant = 0;
  uint32_t *place = place_of(pairs, 0);
  if (place != NULL && *place != 0) {
    struct lens_kept_mix *first = (struct lens_kept_mix *)pairs->mixes.items + (*place - 1);
    variant = first->seen++ % VARIANTS;
    place = place_of(pairs, variant);
  }
  if (place == NULL) return lens_out_of_memory(self);
  if (*place != 0) {
    ((struct lens_kept_mix *)pairs->mixes.items)[*place - 1].times++;
    return LENS_OK;
  }
  bool kept;
  lens_status status = keep_new(self, variant, &kept);
  if (status == LENS_OK && kept) *place = (uint32_t)pairs->mix_count;
  return status;
}

static uint64_t open_after(const lens_deed *deeds, uint32_t begin, uint32_t end, uint64_t open) {
  for (uint32_t i = begin; i < end; i++) {
    if (deeds[i].fate == LENS_FATE_NONE) continue;
    if (lens_deed_takes(deeds[i].op)) open++;
    if (deeds[i].op == LENS_EVENT_RELEASE && open > 0) open--;
  }
  return open;
}

/* Places of a live object that nothing is wrong with: see add_uneven in leftover.c. */
static void note_even(struct lens_pairs_state *pairs) {
  const struct lens_match *match = &pairs->match;
  const lens_deed *deeds = match->deeds.items;
  uint8_t *even = pairs->even.items;
  for (uint32_t i = 0; i < match->end_count; i++) {
    if (match->ends[i].code == LENS_CODE_LEFT && match->ends[i].count != 0) return;
  }
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].site != LENS_NONE) even[lens_code_of(&deeds[i])] = 1;
  }
}

/* All windows of a history, or the first ones and the last. */
static lens_status gather(lens *self, const struct lens_history *history) {
  struct lens_match *match = &self->analysis->pairs.match;
  lens_status status = lens_history_take(self, history, LEARNT_OF_ONE);
  if (status != LENS_OK) return status;
  bool known = lens_history_sum(self, history);
  if (match->gaps) return LENS_OK;
  if (known && !history->freed && match->bare == 0) note_even(&self->analysis->pairs);
  uint32_t windows = 0;
  for (uint32_t begin = 0, end; begin < match->count; begin = end, windows++) {
    end = lens_window_end(match, begin, LENS_LEARN_DEEDS);
    bool last = end == match->count;
    if ((windows < WINDOWS_MAX || last) && (known || !last) && (windows == 0 || match->bare == 0)) {
      match->bare_left = last ? match->bare : 0;
      lens_mix_make(&self->analysis->pairs, begin, end, false);
      status = gather_mix(self);
      if (status != LENS_OK) return status;
    }
    match->lost_left = open_after(match->deeds.items, begin, end, match->lost_left);
  }
  return LENS_OK;
}

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
  const struct lens_kept_part *parts = parts_of(pairs, mix);
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

static uint64_t common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* How far to go from one history to the next, so that all are met once, and those that come before
 * there are too many are from everywhere. */
static uint64_t stride_of(uint64_t count) {
  uint64_t stride = count * 5 / 8 + 1;
  while (common_divisor(stride, count) != 1) stride++;
  return stride;
}

static lens_status step_gather(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  const struct lens_history *histories = pairs->histories.items;
  uint64_t count = pairs->history_count, stride = count == 0 ? 0 : stride_of(count), work = 0;
  while (pairs->at < count) {
    const struct lens_history *history = &histories[pairs->at * stride % count];
    uint64_t cells = pairs->cell_count;
    lens_status status = gather(self, history);
    if (status != LENS_OK) return status;
    work += history->count + (pairs->cell_count - cells);
    pairs->at++;
    lens_progress_set(progress, "histories", pairs->at, count);
    if (work < GATHERED_A_CLOCK) continue;
    work = 0;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  if (pairs->round == 0) {
    lens_status status = step_gather(self, slice, progress);
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

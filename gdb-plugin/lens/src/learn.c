/* Learning: how strongly places go together, from the mixes of all objects.
 *
 * By rounds: with the bonds as they are, each mix spreads what was taken over what gave it back;
 * the sums of that over all mixes are the next bonds.  An object whose events fit in one way only
 * teaches for sure, and settles those that fit in many.  Suspects take part, with what is left over
 * as one more giver: so one forgotten release is found to explain many of them, rather than each by
 * a place of its own.  (This is expectation maximization of a mixture of contingency tables.)
 *
 * What this is not: a proof.  What is learned decides which place is named first, never how much is
 * left over.
 */
#include <math.h>
#include <string.h>

#include "analysis.h"

enum {
  ROUNDS = 24,
  SHARP_ROUND = 8,
  HISTORIES_A_CLOCK = 256,
  MIXES_A_CLOCK = 32,
  MIXES_MAX = 1 << 15
};

/* ---- gathering ---- */

struct mix_key {
  const struct lens_pairs_state *pairs;
  const struct lens_mix *mix;
};

static uint64_t mix_hash(const struct lens_mix *mix) {
  uint64_t hash = mix->taker_count;
  for (uint32_t i = 0; i < mix->taker_count; i++)
    hash = (hash ^ mix->takers[i].code ^ (uint64_t)mix->takers[i].count << 32) * 0x100000001b3u;
  for (uint32_t i = 0; i < mix->giver_count; i++)
    hash = (hash ^ mix->givers[i].code ^ (uint64_t)mix->givers[i].count << 32) * 0x100000001b3u;
  return hash;
}

static bool is_same_mix(const void *context, uint32_t row) {
  const struct mix_key *key = context;
  const struct lens_kept_mix *kept = (const struct lens_kept_mix *)key->pairs->mixes.items + row;
  const struct lens_part *parts =
      (const struct lens_part *)key->pairs->parts.items + kept->first_part;
  return kept->taker_count == key->mix->taker_count && kept->giver_count == key->mix->giver_count &&
         memcmp(parts, key->mix->takers, kept->taker_count * sizeof *parts) == 0 &&
         memcmp(parts + kept->taker_count, key->mix->givers, kept->giver_count * sizeof *parts) ==
             0;
}

static void rehash(struct lens_pairs_state *pairs) {
  const struct lens_kept_mix *rows = pairs->mixes.items;
  for (uint64_t i = 0; i < pairs->mix_count; i++) {
    struct lens_mix mix = {.taker_count = rows[i].taker_count, .giver_count = rows[i].giver_count};
    const struct lens_part *parts =
        (const struct lens_part *)pairs->parts.items + rows[i].first_part;
    memcpy(mix.takers, parts, mix.taker_count * sizeof *parts);
    memcpy(mix.givers, parts + mix.taker_count, mix.giver_count * sizeof *parts);
    const struct mix_key key = {pairs, &mix};
    *lens_table_place(&pairs->by_mix, mix_hash(&mix), is_same_mix, &key) = (uint32_t)i + 1;
  }
}

/* Keeps a new mix: its parts, and the bond of each cell. */
static lens_status keep_new(lens *self, const struct lens_mix *mix) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  uint64_t part_count = mix->taker_count + (uint64_t)mix->giver_count;
  uint64_t cell_count = mix->taker_count * (uint64_t)mix->giver_count;
  if (!lens_column_reserve(&pairs->mixes, pairs->mix_count + 1, sizeof(struct lens_kept_mix)) ||
      !lens_column_reserve(&pairs->parts, pairs->part_count + part_count,
                           sizeof(struct lens_part)) ||
      !lens_column_reserve(&pairs->cells, pairs->cell_count + cell_count, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  struct lens_part *parts = (struct lens_part *)pairs->parts.items + pairs->part_count;
  memcpy(parts, mix->takers, mix->taker_count * sizeof *parts);
  memcpy(parts + mix->taker_count, mix->givers, mix->giver_count * sizeof *parts);
  uint32_t *cells = (uint32_t *)pairs->cells.items + pairs->cell_count;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      lens_status status = lens_bond_get(self, mix->takers[a].code, mix->givers[r].code, cells++);
      if (status != LENS_OK) return status;
    }
  }
  ((struct lens_kept_mix *)pairs->mixes.items)[pairs->mix_count++] =
      (struct lens_kept_mix){.first_part = pairs->part_count,
                             .first_cell = pairs->cell_count,
                             .taker_count = mix->taker_count,
                             .giver_count = mix->giver_count,
                             .times = 1};
  pairs->part_count += part_count;
  pairs->cell_count += cell_count;
  return LENS_OK;
}

static lens_status gather(lens *self, const struct lens_history *history) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool known;
  lens_status status = lens_mix_make(self, history, &known);
  const struct lens_mix *mix = &pairs->match.mix;
  if (status != LENS_OK || !known || mix->taker_count == 0 || mix->giver_count == 0) return status;
  bool grown;
  if (!lens_table_reserve(&pairs->by_mix, pairs->mix_count, &grown))
    return lens_out_of_memory(self);
  if (grown) rehash(pairs);
  const struct mix_key key = {pairs, mix};
  uint32_t *place = lens_table_place(&pairs->by_mix, mix_hash(mix), is_same_mix, &key);
  if (*place != 0) {
    ((struct lens_kept_mix *)pairs->mixes.items)[*place - 1].times++;
    return LENS_OK;
  }
  if (pairs->mix_count == MIXES_MAX) return LENS_OK;
  status = keep_new(self, mix);
  if (status == LENS_OK) *place = (uint32_t)pairs->mix_count;
  return status;
}

/* ---- rounds ---- */

static void spread(struct lens_pairs_state *pairs, const struct lens_kept_mix *mix) {
  struct lens_bond *bonds = pairs->bonds.items;
  const struct lens_part *parts = (const struct lens_part *)pairs->parts.items + mix->first_part;
  const uint32_t *cells = (const uint32_t *)pairs->cells.items + mix->first_cell;
  double(*flow)[LENS_MIX_PARTS] = pairs->match.flow;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++)
      flow[a][r] = bonds[cells[a * mix->giver_count + r]].weight;
  }
  lens_flow_fit(parts, mix->taker_count, parts + mix->taker_count, mix->giver_count, flow);
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++)
      bonds[cells[a * mix->giver_count + r]].next += mix->times * flow[a][r];
  }
}

/* The next bonds.  Where all objects look alike nothing tells two explanations apart, and rounds
 * alone would keep both for ever: in the later ones the stronger bond of a place gains. */
static lens_status end_round(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_bond *bonds = pairs->bonds.items;
  uint64_t sites = pairs->site_count * LENS_CODE_KINDS + 1; /* the last: all that is no place */
  double *sums = lens_alloc_zeroed(2 * sites, sizeof *sums);
  if (sums == NULL) return lens_out_of_memory(self);
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    sums[bonds[i].taker < sites ? bonds[i].taker : sites - 1] += bonds[i].next;
    sums[sites + (bonds[i].giver < sites ? bonds[i].giver : sites - 1)] += bonds[i].next;
  }
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    struct lens_bond *bond = &bonds[i];
    double share = 1;
    if (pairs->round >= SHARP_ROUND) {
      double taken = sums[bond->taker < sites ? bond->taker : sites - 1];
      double given = sums[sites + (bond->giver < sites ? bond->giver : sites - 1)];
      double least = taken < given ? taken : given;
      share = least > bond->next && least > 0 ? sqrt(bond->next / least) : 1;
    }
    bond->weight = bond->next * share + bond->prior;
    if (pairs->round <= SHARP_ROUND) bond->soft = bond->next + bond->prior;
    if (pairs->round < ROUNDS) bond->next = 0;
  }
  lens_dealloc(sums);
  pairs->round++;
  pairs->at = 0;
  return LENS_OK;
}

static void begin(struct lens_pairs_state *pairs) {
  lens_bonds_forget(pairs);
  lens_table_free(&pairs->by_mix);
  pairs->phase = LENS_PAIRS_LEARNING;
  pairs->round = 0;
  pairs->at = pairs->mix_count = pairs->part_count = pairs->cell_count = 0;
  pairs->learned = pairs->blamed = false;
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  while (pairs->round == 0 && pairs->at < pairs->history_count) {
    lens_status status =
        gather(self, (const struct lens_history *)pairs->histories.items + pairs->at);
    if (status != LENS_OK) return status;
    pairs->at++;
    lens_progress_set(progress, "histories", pairs->at, pairs->history_count);
    if (pairs->at % HISTORIES_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  if (pairs->round == 0) {
    lens_status status = end_round(self);
    if (status != LENS_OK) return status;
  }
  while (pairs->round <= ROUNDS) {
    while (pairs->at < pairs->mix_count) {
      spread(pairs, (const struct lens_kept_mix *)pairs->mixes.items + pairs->at++);
      lens_progress_set(progress, "pairs", (pairs->round - 1) * pairs->mix_count + pairs->at,
                        ROUNDS * pairs->mix_count);
      if (pairs->at % MIXES_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
    }
    lens_status status = end_round(self);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

lens_status lens_pairs_learn(lens *self, uint32_t slice_ms, lens_progress *progress) {
  if (self->analysis == NULL || self->analysis->pairs.phase < LENS_PAIRS_READ)
    return lens_fail(self, LENS_BAD_ARGUMENT, "read the events first");
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_slice slice = lens_slice_begin(slice_ms);
  if (pairs->phase == LENS_PAIRS_READ) begin(pairs);
  lens_status status = step(self, &slice, progress);
  if (status == LENS_AGAIN) return status;
  pairs->phase = LENS_PAIRS_READ; /* the next call learns anew: roots may have changed */
  pairs->learned = status == LENS_OK;
  return status;
}

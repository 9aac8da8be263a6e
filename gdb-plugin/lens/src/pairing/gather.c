/* Gathering: the mixes of all histories, to learn from.
 *
 * Mixes that are the same are kept once, with how often they were met; of those that differ in
 * distances alone a few are kept, by turns.  There are bounds on all of it: histories are met in an
 * order that spreads what is kept over all of them.
 *
 * What this is not: the learning (learn.c).
 */
#include "analysis.h"

enum {
  LEARNT_OF_ONE = 1 << 13,    /* deeds: the last ones */
  GATHERED_A_CLOCK = 1 << 13, /* deeds and cells */
  WINDOWS_MAX = 16,           /* of one history, and the last */
  VARIANTS = 4,
  MIXES_MAX = 1 << 14,
  CELLS_MAX = 1 << 19
};

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
  const struct lens_kept_part *parts = lens_kept_parts(key->pairs, kept);
  return kept->variant == key->variant && kept->even == key->pairs->match.even &&
         kept->taker_count == key->mix->taker_count && kept->giver_count == key->mix->giver_count &&
         are_same(key->mix->takers, parts, kept->taker_count) &&
         are_same(key->mix->givers, parts + kept->taker_count, kept->giver_count);
}

static uint64_t kept_hash(const struct lens_pairs_state *pairs, const struct lens_kept_mix *kept) {
  const struct lens_kept_part *parts = lens_kept_parts(pairs, kept);
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

/* Facts are examples, whatever else is known of the object. */
static lens_status gather_known(lens *self) {
  const struct lens_pairs_state *pairs = &self->analysis->pairs;
  const struct lens_known *known = pairs->match.known.items;
  for (uint32_t i = 0; i < pairs->match.known_count; i++) {
    uint32_t bond;
    lens_status status = lens_bond_get(self, known[i].taker, known[i].giver, &bond);
    if (status != LENS_OK) return status;
    if (bond != LENS_NONE) ((struct lens_bond *)pairs->bonds.items)[bond].known++;
  }
  return LENS_OK;
}

static uint64_t open_after(const lens_deed *deeds, uint32_t begin, uint32_t end, uint64_t open) {
  for (uint32_t i = begin; i < end; i++) {
    if (!lens_deed_counts(&deeds[i])) continue;
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
  bool known = false;
  if (status == LENS_OK) status = lens_history_sum(self, history, &known);
  if (status == LENS_OK) status = gather_known(self);
  if (status != LENS_OK || match->gaps) return status;
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

lens_status lens_mixes_gather(lens *self, const lens_slice *slice, lens_progress *progress) {
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

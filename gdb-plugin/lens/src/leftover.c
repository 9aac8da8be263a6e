/* What is left over of a history, by place, and how sure it is that it is that place.
 *
 * certain   the numbers alone say so: even if every other place were to blame as well, some would
 * be left for this one likely    what places do in all objects leaves nearly no other explanation
 * possible  others might be it as well
 */
#include "analysis.h"

static const double LIKELY_SHARE = 0.75; /* of what is left over there */
static const double WORTH_A_WORD = 0.05; /* references that another place may have left over */

/* The row of a place, made where there is none; NULL: no memory. */
static lens_unmatched *row_of(struct lens_match *match, uint32_t site, uint32_t op,
                              uint32_t inner) {
  lens_unmatched *rows = match->unmatched.items;
  uint32_t count = match->shown.unmatched_count;
  for (uint32_t i = 0; i < count; i++) {
    if (rows[i].site == site && rows[i].op == op && rows[i].inner == inner) return &rows[i];
  }
  if (!lens_column_reserve(&match->unmatched, count + 1u, sizeof *rows)) return NULL;
  rows = match->unmatched.items;
  rows[count] = (lens_unmatched){.site = site,
                                 .op = op,
                                 .inner = inner,
                                 .sureness = LENS_POSSIBLE,
                                 .objects = 1,
                                 .partner = LENS_NONE,
                                 .other = LENS_NONE};
  match->shown.unmatched_count++;
  return &rows[count];
}

/* The row or column of a code. */
static uint32_t part_of(const struct lens_part *parts, uint32_t count, uint32_t code) {
  for (uint32_t i = 0; i < count; i++) {
    if (parts[i].code == code) return i;
  }
  return LENS_NONE;
}

/* Where it goes in other objects. */
static void find_partner(const struct lens_pairs_state *pairs, uint32_t code, lens_unmatched *row) {
  bool giver = row->op == LENS_EVENT_RELEASE;
  const struct lens_bond *bonds = pairs->bonds.items, *best = NULL;
  for (uint64_t i = 0; pairs->learned && i < pairs->bond_count; i++) {
    if ((giver ? bonds[i].giver : bonds[i].taker) != code) continue;
    if ((giver ? bonds[i].taker : bonds[i].giver) >= LENS_CODE_HELD) continue;
    if (best == NULL || bonds[i].next > best->next) best = &bonds[i];
  }
  if (best == NULL || best->next < 0.5) return;
  row->partner = (giver ? best->taker : best->giver) / LENS_CODE_KINDS;
  row->partner_count = (uint64_t)(best->next + 0.5);
}

/* The place beside `part` that might be to blame most of all. */
static uint32_t next_best(const struct lens_part *parts, uint32_t count, uint32_t part,
                          const double *blamed) {
  uint32_t best = LENS_NONE;
  for (uint32_t i = 0; i < count; i++) {
    bool another = parts[i].code < LENS_CODE_HELD &&
                   parts[i].code / LENS_CODE_KINDS != parts[part].code / LENS_CODE_KINDS;
    if (another && blamed[i] >= WORTH_A_WORD && (best == LENS_NONE || blamed[i] > blamed[best]))
      best = i;
  }
  return best == LENS_NONE ? LENS_NONE : parts[best].code / LENS_CODE_KINDS;
}

static void judge(struct lens_pairs_state *pairs, lens_unmatched *row) {
  struct lens_match *match = &pairs->match;
  const struct lens_mix *mix = &match->mix;
  bool giver = row->op == LENS_EVENT_RELEASE;
  bool whole = !match->gaps && match->skipped == 0;
  const struct lens_part *mine = giver ? mix->givers : mix->takers;
  uint32_t mine_count = giver ? mix->giver_count : mix->taker_count;
  uint32_t blamed = giver ? part_of(mix->takers, mix->taker_count, LENS_CODE_BARE)
                          : part_of(mix->givers, mix->giver_count, LENS_CODE_LEFT);
  const lens_deed like = {.site = row->site, .op = row->op, .inner = row->inner};
  uint32_t part = part_of(mine, mine_count, lens_code_of(&like));
  find_partner(pairs, lens_code_of(&like), row);
  if (!whole || blamed == LENS_NONE || part == LENS_NONE) return;
  uint64_t left = giver ? mix->takers[blamed].count : mix->givers[blamed].count, others = 0;
  for (uint32_t i = 0; i < mine_count; i++) others += i == part ? 0 : mine[i].count;
  double flow = giver ? match->blamed_givers[part] : match->blamed_takers[part];
  row->other =
      next_best(mine, mine_count, part, giver ? match->blamed_givers : match->blamed_takers);
  if (match->lost == 0 && left > others && left - others >= row->count) {
    row->sureness = LENS_CERTAIN;
  } else if (flow >= LIKELY_SHARE * (double)row->count) {
    row->sureness = LENS_LIKELY;
  }
  if (row->sureness != LENS_POSSIBLE) row->other = LENS_NONE;
}

/* What is left over without an event: of before the first one, or of slots that never retained. */
static lens_status add_silent(lens *self) {
  struct lens_match *match = &self->analysis->pairs.match;
  const struct lens_mix *mix = &match->mix;
  uint32_t left = part_of(mix->givers, mix->giver_count, LENS_CODE_LEFT);
  uint64_t lost_count = 0, bare_count = 0;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    if (mix->takers[a].code == LENS_CODE_LOST && left != LENS_NONE)
      lost_count += match->whole[a][left];
    for (uint32_t r = 0; r < mix->giver_count && mix->takers[a].code == LENS_CODE_BARE; r++)
      bare_count += mix->givers[r].code >= LENS_CODE_HELD ? match->whole[a][r] : 0;
  }
  for (int bare = 0; bare < 2; bare++) {
    uint64_t count = bare != 0 ? bare_count : lost_count;
    if (count == 0) continue;
    lens_unmatched *row =
        row_of(match, LENS_NONE, bare != 0 ? LENS_EVENT_OTHER : LENS_EVENT_RETAIN, 0);
    if (row == NULL) return lens_out_of_memory(self);
    row->count = count;
  }
  return LENS_OK;
}

lens_status lens_leftover(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  const lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    lens_unmatched *row = row_of(match, deeds[i].site, deeds[i].op, deeds[i].inner);
    if (row == NULL) return lens_out_of_memory(self);
    row->count++;
  }
  lens_unmatched *rows = match->unmatched.items;
  for (uint32_t i = 0; i < match->shown.unmatched_count; i++) judge(pairs, &rows[i]);
  return add_silent(self);
}

lens_status lens_deeds(const lens *self, uint64_t first, uint64_t capacity, lens_deed *rows,
                       uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL) return LENS_BAD_ARGUMENT;
  const struct lens_match *match = &self->analysis->pairs.match;
  const lens_deed *deeds = match->deeds.items;
  uint64_t count = 0;
  for (uint64_t i = first; i < match->count && count < capacity; i++) rows[count++] = deeds[i];
  *written = count;
  *total = match->count;
  return LENS_OK;
}

lens_status lens_unmatched_rows(const lens *self, uint64_t capacity, lens_unmatched *rows,
                                uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL) return LENS_BAD_ARGUMENT;
  const struct lens_match *match = &self->analysis->pairs.match;
  const lens_unmatched *all = match->unmatched.items;
  uint64_t count = 0;
  for (; count < match->shown.unmatched_count && count < capacity; count++)
    rows[count] = all[count];
  *written = count;
  *total = match->shown.unmatched_count;
  return LENS_OK;
}

/* What is left over of a history, by place, and how sure it is that it is that place.
 *
 * Certain: the numbers alone say so; even if every other place were to blame as well, some would be
 * left for this one.  Likely: what places do in all objects leaves nearly no other explanation.
 * Possible: others might be it as well, and are named.
 */
#include <string.h>

#include "analysis.h"

static const double LIKELY_SLACK = 0.05;  /* references that other places may have left over */
static const double DOUBT_SLACK = 0.15;   /* ... by the fits that doubt */
static const double WORTH_A_WORD = 0.001; /* ... and above which such a place is named */

static double least(const double *refs) { return refs[0] < refs[1] ? refs[0] : refs[1]; }
static double most(const double *refs) {
  double found = 0;
  for (int fit = 0; fit < LENS_FITS; fit++) found = refs[fit] > found ? refs[fit] : found;
  return found;
}

/* References that are left over in all. */
static uint64_t left_of(const struct lens_match *match) {
  for (uint32_t i = 0; i < match->end_count; i++) {
    if (match->ends[i].code == LENS_CODE_LEFT) return match->ends[i].count;
  }
  return 0;
}

/* A new row; NULL: no memory. */
static lens_unmatched *row_new(struct lens_match *match, uint32_t site, uint32_t op,
                               uint32_t inner) {
  uint32_t count = match->shown.unmatched_count;
  if (!lens_column_reserve(&match->unmatched, count + 1u, sizeof(lens_unmatched))) return NULL;
  lens_unmatched *row = (lens_unmatched *)match->unmatched.items + count;
  *row = (lens_unmatched){.site = site,
                          .op = op,
                          .inner = inner,
                          .sureness = LENS_POSSIBLE,
                          .objects = 1,
                          .partner = LENS_NONE};
  match->shown.unmatched_count++;
  return row;
}

/* ---- what each place did ---- */

static struct lens_code_use *use_of(const struct lens_match *match, uint32_t code, bool gives) {
  return (struct lens_code_use *)match->uses.items + (size_t)code * 2 + gives;
}

static bool uses_make(struct lens_pairs_state *pairs) {
  struct lens_match *match = &pairs->match;
  size_t wanted = pairs->site_count * LENS_CODE_KINDS * 2, had = match->use_room;
  if (!lens_column_reserve(&match->uses, wanted, sizeof(struct lens_code_use))) return false;
  if (wanted > had)
    memset(use_of(match, 0, false) + had, 0, (wanted - had) * sizeof(struct lens_code_use));
  match->use_room = wanted > had ? wanted : had;
  return true;
}

/* Counts the deed for its place; what is left over of it has a row. */
static bool use_add(struct lens_match *match, const lens_deed *deed) {
  bool gives = deed->op == LENS_EVENT_RELEASE;
  if (deed->fate == LENS_FATE_NONE || deed->site == LENS_NONE) return true;
  uint32_t code = lens_code_of(deed);
  struct lens_code_use *use = use_of(match, code, gives);
  if (use->count++ == 0) ((uint32_t *)match->work.items)[match->use_count++] = code * 2 + gives;
  *(gives ? &match->gives : &match->takes) += 1;
  if (deed->fate != LENS_FATE_UNMATCHED) return true;
  if (use->row == 0) {
    if (row_new(match, deed->site, deed->op, deed->inner) == NULL) return false;
    use->row = match->shown.unmatched_count;
  }
  ((lens_unmatched *)match->unmatched.items)[use->row - 1].count++;
  return true;
}

static void uses_clear(struct lens_match *match) {
  const uint32_t *used = match->work.items;
  for (uint32_t i = 0; i < match->use_count; i++)
    *use_of(match, used[i] / 2, used[i] % 2 != 0) = (struct lens_code_use){0};
  match->use_count = 0;
}

/* ---- which place it is ---- */

/* Where it goes in other objects. */
static void find_partner(const struct lens_pairs_state *pairs, uint32_t code, lens_unmatched *row) {
  if (!pairs->learned) return;
  uint32_t number = ((const uint32_t *)pairs->partners.items)[code];
  if (number == 0) return;
  const struct lens_bond *bond = (const struct lens_bond *)pairs->bonds.items + (number - 1);
  if (bond->count[0] < 0.5) return;
  bool giver = row->op == LENS_EVENT_RELEASE;
  row->partner = (giver ? bond->taker : bond->giver) / LENS_CODE_KINDS;
  row->partner_count = (uint64_t)(bond->count[0] + 0.5);
}

/* The other places that might be to blame, the likeliest first. */
static void find_others(const struct lens_match *match, lens_unmatched *row) {
  const struct lens_blamed *blamed = match->blamed.items;
  double shares[LENS_OTHERS_MAX] = {0};
  for (uint32_t i = 0; i < match->blamed_count; i++) {
    uint32_t site = blamed[i].code / LENS_CODE_KINDS;
    if (blamed[i].code >= LENS_CODE_HELD || site == row->site) continue;
    double share = most(blamed[i].refs);
    if (share < WORTH_A_WORD) continue;
    uint32_t at = 0;
    while (at < row->other_count && row->others[at] != site) at++;
    if (at < row->other_count) {
      if (share <= shares[at]) continue;
    } else if (at < LENS_OTHERS_MAX) {
      row->other_count++;
    } else {
      row->other_more++;
      if (share <= shares[--at]) continue;
    }
    for (; at > 0 && shares[at - 1] < share; at--) {
      shares[at] = shares[at - 1];
      row->others[at] = row->others[at - 1];
    }
    shares[at] = share;
    row->others[at] = site;
  }
}

/* A place that did the same to this object, and nothing to any live one whose count comes out even,
 * is worth a look, whatever is usual elsewhere: what always goes wrong is in no such object.  (What
 * died by a release too many came out even, too.) */
static void add_uneven(const struct lens_pairs_state *pairs, lens_unmatched *row) {
  const struct lens_match *match = &pairs->match;
  const uint32_t *used = match->work.items;
  const uint8_t *even = pairs->even.items;
  bool gives = row->op == LENS_EVENT_RELEASE;
  for (uint32_t i = 0; pairs->learned && i < match->use_count; i++) {
    uint32_t code = used[i] / 2, site = code / LENS_CODE_KINDS, at = 0;
    if ((used[i] % 2 != 0) != gives || site == row->site || even[code] != 0) continue;
    while (at < row->other_count && row->others[at] != site) at++;
    if (at < row->other_count) continue;
    if (at == LENS_OTHERS_MAX) {
      row->other_more++;
    } else {
      row->others[row->other_count++] = site;
    }
  }
}

static void judge(struct lens_pairs_state *pairs, lens_unmatched *row) {
  struct lens_match *match = &pairs->match;
  bool giver = row->op == LENS_EVENT_RELEASE;
  bool whole = !match->gaps && match->skipped == 0;
  const lens_deed like = {.site = row->site, .op = row->op, .inner = row->inner};
  uint32_t code = lens_code_of(&like);
  find_partner(pairs, code, row);
  find_others(match, row);
  add_uneven(pairs, row);
  if (!whole) return;
  uint64_t left = giver ? match->bare : left_of(match);
  uint64_t others =
      (giver ? match->bare_left + match->gives : match->takes) - use_of(match, code, giver)->count;
  double flow = 0, doubted = 0;
  const struct lens_blamed *blamed = match->blamed.items;
  for (uint32_t i = 0; i < match->blamed_count; i++) {
    if (blamed[i].code != code) continue;
    flow = least(blamed[i].refs);
    doubted = least(blamed[i].refs + LENS_STARTS);
  }
  if (!giver && match->lost == 0 && left > others && left - others >= row->count) {
    row->sureness = LENS_CERTAIN;
  } else if (pairs->learned && match->even != LENS_UNEVEN &&
             flow >= (double)row->count - LIKELY_SLACK &&
             doubted >= (double)row->count - DOUBT_SLACK) {
    row->sureness = LENS_LIKELY;
  }
  if (row->sureness != LENS_POSSIBLE) row->other_count = row->other_more = 0;
}

/* What is left over without an event: of before the first one, or of slots that never retained. */
static lens_status add_silent(lens *self) {
  struct lens_match *match = &self->analysis->pairs.match;
  const struct lens_mix *mix = &match->mix; /* of the last window */
  uint64_t lost_count = 0, bare_count = 0;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    bool lost = mix->takers[a].code == LENS_CODE_LOST, bare = mix->takers[a].code == LENS_CODE_BARE;
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      if (lost && mix->givers[r].code == LENS_CODE_LEFT) lost_count += match->whole[a][r];
      if (bare && mix->givers[r].code >= LENS_CODE_HELD) bare_count += match->whole[a][r];
    }
  }
  for (int bare = 0; bare < 2; bare++) {
    uint64_t count = bare != 0 ? bare_count : lost_count;
    if (count == 0) continue;
    lens_unmatched *row =
        row_new(match, LENS_NONE, bare != 0 ? LENS_EVENT_OTHER : LENS_EVENT_RETAIN, 0);
    if (row == NULL) return lens_out_of_memory(self);
    row->count = count;
    find_others(match, row);
  }
  return LENS_OK;
}

lens_status lens_leftover(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  const lens_deed *deeds = match->deeds.items;
  match->takes = match->gives = 0;
  if (!uses_make(pairs)) return lens_out_of_memory(self);
  bool fits = true;
  for (uint32_t i = 0; fits && i < match->count; i++) fits = use_add(match, &deeds[i]);
  lens_unmatched *rows = match->unmatched.items;
  for (uint32_t i = 0; fits && i < match->shown.unmatched_count; i++) judge(pairs, &rows[i]);
  uses_clear(match);
  return fits ? add_silent(self) : lens_out_of_memory(self);
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

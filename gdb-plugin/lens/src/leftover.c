/* What is left over of a history, by place, and how sure it is that it is that place.
 *
 * certain   the numbers alone say so: even if every other place were to blame as well, some would
 * be left for this one likely    all that might be to blame instead found its partner by what other
 * objects teach, or in its own function possible  something else of the same kind was matched only
 * by its kind or its order
 */
#include "match.h"

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
                                 .partner = LENS_NONE};
  match->shown.unmatched_count++;
  return &rows[count];
}

/* Deeds at other places that might be to blame instead. */
struct others {
  uint64_t count; /* all of them */
  bool weak;      /* one of them was matched by nothing better than its kind */
};

static struct others others_of(const struct lens_match *match, const lens_unmatched *row) {
  const lens_deed *deeds = match->deeds.items;
  const uint8_t *strengths = match->strengths.items;
  struct others others = {0};
  bool giver = row->op == LENS_EVENT_RELEASE;
  for (uint32_t i = 0; i < match->count; i++) {
    bool release = deeds[i].op == LENS_EVENT_RELEASE;
    if (deeds[i].fate == LENS_FATE_NONE || release != giver || deeds[i].site == row->site) continue;
    others.count++;
    bool matched = deeds[i].fate != LENS_FATE_UNMATCHED && deeds[i].fate != LENS_FATE_LOST;
    if (matched && strengths[i] >= LENS_BY_KIND) others.weak = true;
  }
  return others;
}

static void judge(struct lens_pairs_state *pairs, const struct lens_sums *sums, lens_unmatched *row,
                  uint64_t left) {
  struct lens_match *match = &pairs->match;
  if (row->site == LENS_NONE) return;
  bool whole = !sums->gaps && match->skipped == 0;
  struct others others = others_of(match, row);
  bool forced = left > others.count && left - others.count >= row->count;
  if (whole && match->shown.lost_refs == 0 && sums->bare == 0 && forced) {
    row->sureness = LENS_CERTAIN;
  } else if (whole && sums->lost == 0 && sums->bare == 0 && !others.weak) {
    row->sureness = LENS_LIKELY;
  }
  /* Where it goes elsewhere. */
  bool giver = row->op == LENS_EVENT_RELEASE;
  const struct lens_bond *bonds = pairs->known.items, *best = NULL;
  for (uint64_t i = 0; pairs->learned && i < pairs->known_count; i++) {
    if ((giver ? bonds[i].giver : bonds[i].taker) != row->site) continue;
    if (!giver && bonds[i].giver == LENS_HELD_ON) continue;
    if (best == NULL || bonds[i].count > best->count) best = &bonds[i];
  }
  if (best == NULL) return;
  row->partner = giver ? best->taker : best->giver;
  row->partner_count = best->count;
}

/* More releases or holders than references: who has the last word of a freed or live object?  Those
 * releases that found nothing; with holders that found nothing, the slots. */
lens_status lens_leftover(lens *self, const struct lens_sums *sums) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  const lens_deed *deeds = match->deeds.items;
  uint64_t taken = 0, given = 0;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    lens_unmatched *row = row_of(match, deeds[i].site, deeds[i].op, deeds[i].inner);
    if (row == NULL) return lens_out_of_memory(self);
    row->count++;
    *(deeds[i].op == LENS_EVENT_RELEASE ? &given : &taken) += 1;
  }
  taken += sums->lost;
  lens_unmatched *rows = match->unmatched.items;
  for (uint32_t i = 0; i < match->shown.unmatched_count; i++)
    judge(pairs, sums, &rows[i], rows[i].op == LENS_EVENT_RELEASE ? given : taken);
  if (sums->lost != 0 && !sums->freed) {
    lens_unmatched *row = row_of(match, LENS_NONE, LENS_EVENT_RETAIN, 0);
    if (row == NULL) return lens_out_of_memory(self);
    row->count = sums->lost;
  }
  if (sums->bare != 0) {
    lens_unmatched *row = row_of(match, LENS_NONE, LENS_EVENT_OTHER, 0);
    if (row == NULL) return lens_out_of_memory(self);
    row->count = sums->bare;
  }
  return LENS_OK;
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

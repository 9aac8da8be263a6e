/* Matching: the events of one object in pairs, as the flow between its places has it.
 *
 * The flow says how many of a place's takes went to which giver.  Within that a release goes with
 * the newest take that is open, since calls nest; one of its own thread before one of another.
 *
 * What this is not: the judge of what is left over (leftover.c).
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum { LOOK_BACK = 64 };

/* ---- the flow of one object ---- */

/* A place that took only after another one had given its last is no partner of it. */
static void forbid_backwards(struct lens_match *match) {
  const lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  uint64_t first_take[LENS_MIX_PARTS], last_give[LENS_MIX_PARTS] = {0};
  memset(first_take, 0, sizeof first_take);
  for (uint32_t i = match->count; i > 0; i--) {
    if (lens_deed_takes(deeds[i - 1].op)) first_take[parts[i - 1]] = deeds[i - 1].sequence;
  }
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].op == LENS_EVENT_RELEASE) last_give[parts[i]] = deeds[i].sequence;
  }
  for (uint32_t a = 0; a < match->mix.taker_count; a++) {
    for (uint32_t r = 0; r < match->mix.giver_count; r++) {
      if (last_give[r] != 0 && first_take[a] > last_give[r]) match->flow[a][r] *= 1e-9;
    }
  }
}

struct cell {
  double flow;
  uint8_t taker, giver;
};

static int by_flow(const void *a, const void *b) {
  const struct cell *left = a, *right = b;
  if (left->flow != right->flow) return left->flow > right->flow ? -1 : 1;
  if (left->taker != right->taker) return left->taker < right->taker ? -1 : 1;
  return left->giver < right->giver ? -1 : left->giver > right->giver;
}

/* Whole numbers with the same sums, the largest first. */
static void round_flow(struct lens_match *match) {
  const struct lens_mix *mix = &match->mix;
  struct cell cells[LENS_MIX_PARTS * LENS_MIX_PARTS];
  uint32_t takes[LENS_MIX_PARTS], gives[LENS_MIX_PARTS], count = 0;
  for (uint32_t a = 0; a < mix->taker_count; a++) takes[a] = mix->takers[a].count;
  for (uint32_t r = 0; r < mix->giver_count; r++) gives[r] = mix->givers[r].count;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      cells[count++] = (struct cell){match->flow[a][r], (uint8_t)a, (uint8_t)r};
      match->whole[a][r] = 0;
    }
  }
  qsort(cells, count, sizeof *cells, by_flow);
  for (int rest = 0; rest < 2; rest++) { /* first what each cell has, then what is over */
    for (uint32_t i = 0; i < count; i++) {
      uint32_t a = cells[i].taker, r = cells[i].giver;
      uint32_t most = takes[a] < gives[r] ? takes[a] : gives[r];
      uint32_t wanted = rest != 0 ? most : (uint32_t)(cells[i].flow + 0.5);
      if (wanted > most) wanted = most;
      match->whole[a][r] += wanted;
      takes[a] -= wanted;
      gives[r] -= wanted;
    }
  }
}

/* ---- the events ---- */

static void pair(struct lens_match *match, uint32_t taker, uint32_t giver) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  match->whole[parts[taker]][parts[giver]]--;
  deeds[taker].fate = deeds[giver].fate = LENS_FATE_PAIRED;
  deeds[taker].partner = deeds[giver].sequence;
  deeds[giver].partner = deeds[taker].sequence;
}

/* One pass in the order of time.  Takers that are open stand in a list, the newest last; `early`:
 * also those that come after the release. */
static void pass(struct lens_match *match, bool same_thread, bool early) {
  const lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  uint32_t *open = match->open.items, open_count = 0;
  for (uint32_t i = 0; early && i < match->count; i++) {
    if (deeds[i].fate == LENS_FATE_UNMATCHED && lens_deed_takes(deeds[i].op))
      open[open_count++] = i;
  }
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    if (lens_deed_takes(deeds[i].op)) {
      if (!early) open[open_count++] = i;
      continue;
    }
    for (uint32_t k = open_count; k > 0 && (early || open_count - k < LOOK_BACK); k--) {
      uint32_t taker = open[k - 1];
      if (match->whole[parts[taker]][parts[i]] == 0) continue;
      if (same_thread && deeds[taker].thread != deeds[i].thread) continue;
      pair(match, taker, i);
      memmove(&open[k - 1], &open[k], (open_count - k) * sizeof *open);
      open_count--;
      break;
    }
  }
}

static uint32_t fate_of_giver(uint32_t code) {
  switch (code) {
    case LENS_CODE_ROOT:
      return LENS_FATE_ROOT;
    case LENS_CODE_GONE:
      return LENS_FATE_GONE;
    case LENS_CODE_LEFT:
      return LENS_FATE_UNMATCHED;
    default:
      return LENS_FATE_HELD;
  }
}

/* Takes that no release gave back: what is held is the oldest, what is left over the newest. */
static void settle_takes(struct lens_match *match) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  const struct lens_mix *mix = &match->mix;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate != LENS_FATE_UNMATCHED || !lens_deed_takes(deeds[i].op)) continue;
    uint32_t *row = match->whole[parts[i]], chosen = mix->giver_count;
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      if (mix->givers[r].code < LENS_CODE_HELD || row[r] == 0) continue;
      if (chosen == mix->giver_count || mix->givers[chosen].code == LENS_CODE_LEFT) chosen = r;
    }
    if (chosen == mix->giver_count) continue;
    row[chosen]--;
    deeds[i].fate = fate_of_giver(mix->givers[chosen].code);
  }
}

/* Releases that found no take: of what was before the first event, or too many. */
static void settle_gives(struct lens_match *match) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  const struct lens_mix *mix = &match->mix;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    if (mix->takers[a].code != LENS_CODE_LOST) continue;
    for (uint32_t i = 0; i < match->count; i++) {
      if (deeds[i].fate != LENS_FATE_UNMATCHED || deeds[i].op != LENS_EVENT_RELEASE) continue;
      if (match->whole[a][parts[i]] == 0) continue;
      match->whole[a][parts[i]]--;
      deeds[i].fate = LENS_FATE_LOST;
    }
  }
}

/* The flow by the weights, or by the soft ones. */
static lens_status fit(lens *self, bool soft) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  const struct lens_mix *mix = &match->mix;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      uint32_t number;
      lens_status status = lens_bond_get(self, mix->takers[a].code, mix->givers[r].code, &number);
      if (status != LENS_OK) return status;
      const struct lens_bond *bond = (const struct lens_bond *)pairs->bonds.items + number;
      match->flow[a][r] = soft ? bond->soft : bond->weight;
    }
  }
  forbid_backwards(match);
  lens_flow_fit(mix->takers, mix->taker_count, mix->givers, mix->giver_count, match->flow);
  return LENS_OK;
}

static lens_status flow_of(lens *self) {
  struct lens_match *match = &self->analysis->pairs.match;
  const struct lens_mix *mix = &match->mix;
  lens_status status = fit(self, true);
  if (status != LENS_OK) return status;
  for (uint32_t r = 0; r < mix->giver_count; r++) {
    for (uint32_t a = 0; a < mix->taker_count; a++) {
      if (mix->givers[r].code == LENS_CODE_LEFT) match->blamed_takers[a] = match->flow[a][r];
      if (mix->takers[a].code == LENS_CODE_BARE) match->blamed_givers[r] = match->flow[a][r];
    }
  }
  status = fit(self, false);
  if (status == LENS_OK) round_flow(match);
  return status;
}

lens_status lens_match_history(lens *self, const struct lens_history *history) {
  struct lens_match *match = &self->analysis->pairs.match;
  bool known;
  lens_status status = lens_mix_make(self, history, &known);
  if (status == LENS_OK) status = flow_of(self);
  if (status != LENS_OK) return status;
  match->shown = (lens_pairing){.object = history->object,
                                .serial = history->serial,
                                .heap = history->heap,
                                .type = history->type,
                                .deed_count = history->count,
                                .lost_refs = match->lost,
                                .freed = history->freed,
                                .cut = match->skipped != 0,
                                .gaps = match->gaps};
  pass(match, true, false);
  pass(match, false, false);
  pass(match, false, true);
  settle_takes(match);
  settle_gives(match);
  return lens_leftover(self);
}

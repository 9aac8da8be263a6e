/* Matching: the events of one object in pairs, as the flow between its places has it.
 *
 * The flow says how many of what a run took went to which giver.  Within that a release goes with
 * the newest take that is open, since calls nest; one of its own thread before one of another.  A
 * long history is matched by windows, the oldest first.
 *
 * What this is not: the judge of what is left over (leftover.c).
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum { LOOK_BACK = 64, FIT_ROUNDS = 60 };

static const double BACKWARDS = 1e-9; /* given back before it was taken */
static const double WORTH_SORTING = 1e-4;
static const double FIT_SLACK = 1e-5;

/* ---- the flow of one window ---- */

struct cell {
  double flow;
  uint8_t taker, giver;
};

static bool carries(const struct lens_mix *mix) {
  return mix->giver_count > 0 && lens_code_carries(mix->givers[mix->giver_count - 1].code);
}

static int by_flow(const void *a, const void *b) {
  const struct cell *left = a, *right = b;
  if (left->flow != right->flow) return left->flow > right->flow ? -1 : 1;
  if (left->taker != right->taker) return left->taker < right->taker ? -1 : 1;
  return left->giver < right->giver ? -1 : left->giver > right->giver;
}

/* Gives `number` references to the cells of a column (LEFT) or a row (BARE) that the most is
 * expected of, run by run; what other runs of a place expect counts for it. */
static void round_bugs(struct lens_match *match, bool left, uint32_t fixed, uint32_t *takes,
                       uint32_t *gives) {
  const struct lens_mix *mix = &match->mix;
  const struct lens_part *parts = left ? mix->takers : mix->givers;
  uint32_t count = left ? mix->taker_count : mix->giver_count, *room = left ? takes : gives;
  uint32_t *number = left ? &gives[fixed] : &takes[fixed];
  double taken[LENS_MIX_PARTS] = {0}; /* of what is expected of a place, at its first run */
  while (*number > 0) {
    uint32_t best = count;
    double best_sum = 0, best_flow = 0;
    for (uint32_t i = 0; i < count; i++) {
      if (room[i] == 0) continue;
      double sum = 0, flow = left ? match->flow[0][i][fixed] : match->flow[0][fixed][i];
      for (uint32_t k = 0; k < count; k++) {
        if (parts[k].code != parts[i].code) continue;
        sum += (left ? match->flow[0][k][fixed] : match->flow[0][fixed][k]) - taken[k];
      }
      bool better = sum > best_sum + 1e-9 || (sum > best_sum - 1e-9 && flow >= best_flow);
      if (best != count && !better) continue;
      best = i;
      best_sum = sum;
      best_flow = flow;
    }
    if (best == count) return;
    match->whole[left ? best : fixed][left ? fixed : best]++;
    taken[best] += 1;
    room[best]--;
    --*number;
  }
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
      match->whole[a][r] = 0;
      if (match->flow[0][a][r] >= WORTH_SORTING)
        cells[count++] = (struct cell){match->flow[0][a][r], (uint8_t)a, (uint8_t)r};
    }
  }
  for (uint32_t r = 0; r < mix->giver_count; r++) {
    if (mix->givers[r].code == LENS_CODE_LEFT) round_bugs(match, true, r, takes, gives);
  }
  for (uint32_t a = 0; a < mix->taker_count && !carries(mix); a++) {
    if (mix->takers[a].code == LENS_CODE_BARE) round_bugs(match, false, a, takes, gives);
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
  for (uint32_t a = 0; a < mix->taker_count; a++) { /* what hardly goes together must */
    for (uint32_t r = 0; r < mix->giver_count && takes[a] > 0; r++) {
      uint32_t most = takes[a] < gives[r] ? takes[a] : gives[r];
      match->whole[a][r] += most;
      takes[a] -= most;
      gives[r] -= most;
    }
  }
}

static void weigh(const struct lens_pairs_state *pairs, const struct lens_mix *mix, int start,
                  lens_flow flow) {
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    const struct lens_part *taker = &mix->takers[a];
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      const struct lens_part *giver = &mix->givers[r];
      if (!pairs->learned) {
        flow[a][r] = lens_bond_guess(pairs, taker->code, giver->code, start);
        continue;
      }
      const struct lens_bond *bond = lens_bond_find(pairs, taker->code, giver->code);
      uint32_t gap = lens_gap_class(taker, giver);
      double factor = bond != NULL      ? lens_gap_factor(pairs, bond, gap, start)
                      : gap > LENS_GAPS ? BACKWARDS
                                        : 1;
      flow[a][r] =
          lens_bond_weight(pairs, bond, taker->code, giver->code, start, pairs->match.bare != 0) *
          factor;
      flow[a][r] *= lens_bond_even_factor(taker->code, giver->code, pairs->match.even);
      flow[a][r] *= flow[a][r];
    }
  }
}

static void find_flow(struct lens_pairs_state *pairs) {
  struct lens_match *match = &pairs->match;
  const struct lens_mix *mix = &match->mix;
  uint32_t taken[LENS_MIX_PARTS], given[LENS_MIX_PARTS];
  for (uint32_t a = 0; a < mix->taker_count; a++) taken[a] = mix->takers[a].count;
  for (uint32_t r = 0; r < mix->giver_count; r++) given[r] = mix->givers[r].count;
  for (int start = 0; start < LENS_STARTS; start++) {
    double scales[LENS_MIX_PARTS] = {0};
    const struct lens_fit fit = {.taken = taken,
                                 .given = given,
                                 .taker_count = mix->taker_count,
                                 .giver_count = mix->giver_count,
                                 .weights = match->flow[start][0],
                                 .stride = LENS_MIX_PARTS,
                                 .slack = FIT_SLACK,
                                 .rounds = FIT_ROUNDS};
    weigh(pairs, mix, start, match->flow[start]);
    lens_flow_fit(&fit, scales);
  }
  round_flow(match);
}

/* ---- who is to blame ---- */

static bool blame_add(struct lens_match *match, uint32_t code, const double *refs) {
  struct lens_blamed *rows = match->blamed.items;
  uint32_t i = 0;
  while (i < match->blamed_count && rows[i].code != code) i++;
  if (i == match->blamed_count) {
    if (!lens_column_reserve(&match->blamed, i + 1u, sizeof *rows)) return false;
    rows = match->blamed.items;
    rows[match->blamed_count++] = (struct lens_blamed){.code = code};
  }
  for (int start = 0; start < LENS_STARTS; start++) rows[i].refs[start] += refs[start];
  return true;
}

/* What is left over of the places of this window. */
static bool blame_window(struct lens_match *match) {
  const struct lens_mix *mix = &match->mix;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      bool taker = mix->givers[r].code == LENS_CODE_LEFT,
           giver = mix->takers[a].code == LENS_CODE_BARE;
      if (taker == giver || lens_code_carries(mix->givers[r].code)) continue;
      double refs[LENS_STARTS];
      for (int start = 0; start < LENS_STARTS; start++) refs[start] = match->flow[start][a][r];
      if (!blame_add(match, taker ? mix->takers[a].code : mix->givers[r].code, refs)) return false;
    }
  }
  return true;
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

/* The takes that are open: of older windows, and with `all` of this one. */
static uint32_t list_open(struct lens_match *match, uint32_t begin, uint32_t end, bool all,
                          uint32_t *out) {
  const lens_deed *deeds = match->deeds.items;
  const uint32_t *open = match->open.items;
  uint32_t count = 0;
  for (uint32_t i = 0; i < match->open_count; i++) {
    if (deeds[open[i]].fate == LENS_FATE_UNMATCHED) out[count++] = open[i];
  }
  for (uint32_t i = begin; all && i < end; i++) {
    if (deeds[i].fate == LENS_FATE_UNMATCHED && lens_deed_takes(deeds[i].op)) out[count++] = i;
  }
  return count;
}

/* One pass in the order of time.  Takers that are open stand in a list, the newest last; `early`:
 * also those that come after the release. */
static void pass(struct lens_match *match, uint32_t begin, uint32_t end, bool same_thread,
                 bool early) {
  const lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  uint32_t *open = match->work.items, open_count = list_open(match, begin, end, early, open);
  for (uint32_t i = begin; i < end; i++) {
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
  const uint32_t *open = match->open.items;
  const struct lens_mix *mix = &match->mix;
  for (uint32_t i = 0; i < match->open_count; i++) {
    uint32_t *row = match->whole[parts[open[i]]], chosen = mix->giver_count;
    for (uint32_t r = 0; r < mix->giver_count; r++) {
      if (mix->givers[r].code < LENS_CODE_HELD || row[r] == 0) continue;
      if (chosen == mix->giver_count || mix->givers[chosen].code == LENS_CODE_LEFT) chosen = r;
    }
    if (chosen == mix->giver_count) continue;
    row[chosen]--;
    deeds[open[i]].fate = fate_of_giver(mix->givers[chosen].code);
  }
}

/* Releases that found no take: of what was before the first event, or too many. */
static void settle_gives(struct lens_match *match, uint32_t begin, uint32_t end) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  const struct lens_mix *mix = &match->mix;
  for (uint32_t a = 0; a < mix->taker_count; a++) {
    bool bare = mix->takers[a].code == LENS_CODE_BARE;
    if (mix->takers[a].code != LENS_CODE_LOST && !bare) continue;
    for (uint32_t i = begin; i < end; i++) {
      if (deeds[i].fate != LENS_FATE_UNMATCHED || deeds[i].op != LENS_EVENT_RELEASE) continue;
      if (match->whole[a][parts[i]] == 0) continue;
      match->whole[a][parts[i]]--;
      if (bare) {
        match->bare_left -= match->bare_left != 0;
      } else {
        deeds[i].fate = LENS_FATE_LOST;
        match->lost_left -= match->lost_left != 0;
      }
    }
  }
}

static lens_status match_window(lens *self, uint32_t begin, uint32_t end) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  lens_mix_make(match, begin, end, true);
  find_flow(pairs);
  if (!blame_window(match)) return lens_out_of_memory(self);
  pass(match, begin, end, true, false);
  pass(match, begin, end, false, false);
  pass(match, begin, end, false, true);
  settle_gives(match, begin, end);
  uint32_t *work = match->work.items;
  match->open_count = list_open(match, begin, end, true, work);
  memcpy(match->open.items, work, match->open_count * sizeof *work);
  return LENS_OK;
}

lens_status lens_match_history(lens *self, const struct lens_history *history) {
  struct lens_match *match = &self->analysis->pairs.match;
  bool known;
  lens_status status = lens_history_take(self, history, &known);
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
  match->blamed_count = 0;
  for (uint32_t begin = 0, end; begin < match->count; begin = end) {
    end = lens_window_end(match, begin, LENS_WINDOW_DEEDS);
    status = match_window(self, begin, end);
    if (status != LENS_OK) return status;
  }
  settle_takes(match);
  return lens_leftover(self);
}

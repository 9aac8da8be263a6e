/* Matching: the events of one object in pairs, as the flow between its places has it.
 *
 * The flow says how many of what a run took went to which giver, in whole numbers.  A long history
 * is matched by windows, the oldest first.
 *
 * What this is not: the way from the numbers to the events (couple.c), or the judge of what is left
 * over (leftover.c).
 */
#include <stdlib.h>

#include "analysis.h"

enum { FIT_ROUNDS = 60 };

static const double BACKWARDS = 1e-9; /* given back before it was taken */
static const double WORTH_SORTING = 1e-4;
static const double SURE_SLACK = 0.25; /* references that may go elsewhere, whatever one guessed */
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

/* What is expected of a bug at the place of each run, in all its runs together. */
static void expected_of_bug(const struct lens_match *match, bool left, uint32_t fixed,
                            double *expected) {
  const struct lens_mix *mix = &match->mix;
  const struct lens_part *parts = left ? mix->takers : mix->givers;
  uint32_t count = left ? mix->taker_count : mix->giver_count;
  for (uint32_t i = 0; i < count; i++) {
    expected[i] = 0;
    for (uint32_t k = 0; k < count; k++) {
      if (parts[k].code == parts[i].code)
        expected[i] += left ? match->flow[0][k][fixed] : match->flow[0][fixed][k];
    }
  }
}

/* Gives the references of a column (LEFT) or a row (BARE) to the cells that the most is expected
 * of, run by run; what other runs of a place expect counts for it. */
static void round_bugs(struct lens_match *match, bool left, uint32_t fixed, uint32_t *takes,
                       uint32_t *gives) {
  const struct lens_mix *mix = &match->mix;
  const struct lens_part *parts = left ? mix->takers : mix->givers;
  uint32_t count = left ? mix->taker_count : mix->giver_count, *room = left ? takes : gives;
  uint32_t *number = left ? &gives[fixed] : &takes[fixed];
  double expected[LENS_MIX_PARTS];
  expected_of_bug(match, left, fixed, expected);
  while (*number > 0) {
    uint32_t best = count;
    double best_flow = 0;
    for (uint32_t i = 0; i < count; i++) {
      if (room[i] == 0) continue;
      double flow = left ? match->flow[0][i][fixed] : match->flow[0][fixed][i];
      double more = best == count ? 1 : expected[i] - expected[best];
      if (more < -1e-9 || (more <= 1e-9 && flow < best_flow)) continue;
      best = i;
      best_flow = flow;
    }
    if (best == count) return;
    uint32_t most = room[best] < *number ? room[best] : *number;
    uint32_t given = expected[best] < 2 ? 1 : (uint32_t)(expected[best] + 1e-9);
    if (given > most) given = most;
    match->whole[left ? best : fixed][left ? fixed : best] += given;
    room[best] -= given;
    *number -= given;
    for (uint32_t i = 0; i < count; i++)
      expected[i] -= parts[i].code == parts[best].code ? given : 0;
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

/* What decides is sharp: where one way is three times as usual as another, it counts for nine. What
 * doubts is not. */
static void weigh(const struct lens_pairs_state *pairs, const struct lens_mix *mix, int fit,
                  lens_flow flow) {
  int start = fit % LENS_STARTS;
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
      if (bond != NULL)
        factor *= lens_step_factor(pairs, bond, lens_step_class(pairs, taker, giver), start);
      flow[a][r] =
          lens_bond_weight(pairs, bond, taker->code, giver->code, start, pairs->match.bare != 0) *
          factor;
      flow[a][r] *= lens_bond_even_factor(taker->code, giver->code, pairs->match.even);
      if (fit < LENS_STARTS) flow[a][r] *= flow[a][r];
    }
  }
}

static void find_flow(struct lens_pairs_state *pairs, int number) {
  struct lens_match *match = &pairs->match;
  const struct lens_mix *mix = &match->mix;
  uint32_t taken[LENS_MIX_PARTS], given[LENS_MIX_PARTS];
  for (uint32_t a = 0; a < mix->taker_count; a++) taken[a] = mix->takers[a].count;
  for (uint32_t r = 0; r < mix->giver_count; r++) given[r] = mix->givers[r].count;
  double scales[LENS_MIX_PARTS] = {0};
  const struct lens_fit fit = {.taken = taken,
                               .given = given,
                               .taker_count = mix->taker_count,
                               .giver_count = mix->giver_count,
                               .weights = match->flow[number][0],
                               .stride = LENS_MIX_PARTS,
                               .slack = FIT_SLACK,
                               .rounds = FIT_ROUNDS};
  weigh(pairs, mix, number, match->flow[number]);
  lens_flow_fit(&fit, scales);
}

/* Whether the places of a cell go together by all starts, in all runs of the taker's place. */
static bool is_guessed(const struct lens_match *match, uint32_t taker, uint32_t giver) {
  const struct lens_part *takers = match->mix.takers;
  double flow[LENS_STARTS] = {0}, whole = 0;
  for (uint32_t a = 0; a < match->mix.taker_count; a++) {
    if (takers[a].code != takers[taker].code) continue;
    whole += match->whole[a][giver];
    for (int start = 0; start < LENS_STARTS; start++) flow[start] += match->flow[start][a][giver];
  }
  for (int start = 0; start < LENS_STARTS; start++) {
    if (flow[start] < whole - SURE_SLACK) return true;
  }
  return false;
}

static void find_guessed(struct lens_pairs_state *pairs) {
  struct lens_match *match = &pairs->match;
  for (uint32_t a = 0; a < match->mix.taker_count; a++) {
    for (uint32_t r = 0; r < match->mix.giver_count; r++)
      match->guessed[a][r] =
          match->whole[a][r] != 0 && (!pairs->learned || match->gaps || is_guessed(match, a, r));
  }
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
  for (int fit = 0; fit < LENS_FITS; fit++) rows[i].refs[fit] += refs[fit];
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
      double refs[LENS_FITS];
      for (int fit = 0; fit < LENS_FITS; fit++) refs[fit] = match->flow[fit][a][r];
      if (!blame_add(match, taker ? mix->takers[a].code : mix->givers[r].code, refs)) return false;
    }
  }
  return true;
}

/* ---- the windows ---- */

/* One step of the window at hand: its flow by one start, and after the last one its pairs. */
static lens_status step_window(lens *self, uint32_t end) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  if (match->fitted == 0) lens_mix_make(pairs, match->matched, end, true);
  find_flow(pairs, match->fitted);
  if (++match->fitted < LENS_FITS) return LENS_OK;
  match->fitted = 0;
  round_flow(match);
  find_guessed(pairs);
  if (!blame_window(match)) return lens_out_of_memory(self);
  lens_couple_window(match, match->matched, end);
  match->matched = end;
  return LENS_OK;
}

static lens_status begin(lens *self, const struct lens_history *history) {
  struct lens_match *match = &self->analysis->pairs.match;
  lens_status status = lens_history_take(self, history, LENS_DEEDS_IN_HAND);
  if (status != LENS_OK) return status;
  match->shown = (lens_pairing){.object = history->object,
                                .serial = history->serial,
                                .heap = history->heap,
                                .type = history->type,
                                .deed_count = history->count,
                                .freed = history->freed,
                                .cut = match->skipped != 0};
  match->blamed_count = 0;
  match->matched = 0;
  match->fitted = 0;
  match->summed = false;
  match->under_way = true;
  return LENS_OK;
}

lens_status lens_match_history(lens *self, const struct lens_history *history,
                               const lens_slice *slice, lens_progress *progress) {
  struct lens_match *match = &self->analysis->pairs.match;
  bool goes_on = match->under_way && match->shown.heap == history->heap &&
                 match->shown.serial == history->serial;
  lens_status status = goes_on ? LENS_OK : begin(self, history);
  if (!goes_on && status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  if (status == LENS_OK && !match->summed) {
    bool known;
    status = lens_history_sum(self, history, &known);
    if (status != LENS_OK) return status;
    match->shown.lost_refs = match->lost;
    match->shown.gaps = match->gaps;
    match->summed = true;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  while (status == LENS_OK && match->matched < match->count) {
    uint32_t end = lens_window_end(match, match->matched, LENS_WINDOW_DEEDS);
    status = step_window(self, end);
    lens_progress_set(progress, "events", match->matched, match->count);
    if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  }
  match->under_way = false;
  if (status != LENS_OK) return status;
  lens_couple_settle(match);
  return lens_leftover(self);
}

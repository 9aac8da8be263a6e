/* Couples: which release goes with which take, once the numbers of a window say how many of a run
 * went to which giver.
 *
 * A release goes with the newest take that is open, since calls nest; one of its own thread before
 * one of another; and never with one that comes after it as long as there is another way.
 */
#include <string.h>

#include "analysis.h"

enum { LOOK_BACK = 64 };

static void pair(struct lens_match *match, uint32_t taker, uint32_t giver) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  match->whole[parts[taker]][parts[giver]]--;
  deeds[taker].fate = deeds[giver].fate = LENS_FATE_PAIRED;
  deeds[taker].partner = deeds[giver].sequence;
  deeds[giver].partner = deeds[taker].sequence;
  deeds[taker].guessed = deeds[giver].guessed = match->guessed[parts[taker]][parts[giver]];
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

/* What a take gives up first: to be held, a release, the last one first, and to be left over. */
static int rank_of(uint32_t giver) {
  return giver == LENS_CODE_LEFT ? 0 : giver < LENS_CODE_HELD ? 1 : 2;
}

/* A place whose takes the release is to go with, by the numbers; they all come after it. */
static uint32_t later_row(const struct lens_match *match, uint32_t column) {
  uint32_t row = 0, count = match->mix.taker_count;
  while (row < count &&
         (match->whole[row][column] == 0 || match->mix.takers[row].code >= LENS_CODE_HELD))
    row++;
  return row;
}

/* Gives the release a take that comes before it and is open; what that one was to go with goes to a
 * later take.  What is left over stays where it is as long as there is another way.  False: there
 * is none. */
static bool exchange(struct lens_match *match, uint32_t taker, uint32_t giver) {
  const struct lens_mix *mix = &match->mix;
  const uint8_t *parts = match->parts.items;
  uint32_t mine = parts[taker], column = parts[giver];
  uint32_t *row = match->whole[mine], other = later_row(match, column), instead = mix->giver_count;
  if (other == mix->taker_count) return false;
  for (uint32_t r = 0; r < mix->giver_count; r++) {
    if (row[r] == 0) continue;
    if (instead == mix->giver_count ||
        rank_of(mix->givers[r].code) >= rank_of(mix->givers[instead].code))
      instead = r;
  }
  if (instead == mix->giver_count) return false;
  row[instead]--;
  row[column]++;
  match->whole[other][column]--;
  match->whole[other][instead]++;
  match->guessed[mine][column] = match->guessed[other][instead] = true;
  return true;
}

/* The same with a take that went with a release of this window that comes after it: that one gets
 * the later take.  It is met later in this pass. */
static void exchange_paired(struct lens_match *match, uint32_t begin, uint32_t end,
                            uint32_t giver) {
  lens_deed *deeds = match->deeds.items;
  const uint8_t *parts = match->parts.items;
  uint32_t column = parts[giver], other = later_row(match, column), taker = giver;
  if (other == match->mix.taker_count) return;
  while (taker > begin && !(lens_deed_takes(deeds[taker - 1].op) && deeds[taker - 1].known == 0 &&
                            deeds[taker - 1].partner > deeds[giver].sequence))
    taker--;
  if (taker-- == begin) return;
  uint32_t later = giver + 1;
  while (later < end && deeds[later].sequence != deeds[taker].partner) later++;
  if (later == end) return;
  deeds[later].fate = deeds[taker].fate = LENS_FATE_UNMATCHED;
  deeds[later].partner = 0;
  match->whole[other][column]--;
  match->whole[other][parts[later]]++;
  match->whole[parts[taker]][column]++;
  match->guessed[parts[taker]][column] = match->guessed[other][parts[later]] = true;
  pair(match, taker, giver);
}

enum pass_kind { SAME_THREAD, ANY_THREAD, EXCHANGED, EARLY };

/* One pass in the order of time.  Takers that are open stand in a list, the newest last; EARLY:
 * also those that come after the release. */
static void pass(struct lens_match *match, uint32_t begin, uint32_t end, enum pass_kind kind) {
  bool early = kind == EARLY;
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
      if (match->whole[parts[taker]][parts[i]] == 0 &&
          (kind != EXCHANGED || !exchange(match, taker, i)))
        continue;
      if (kind == SAME_THREAD && deeds[taker].thread != deeds[i].thread) continue;
      pair(match, taker, i);
      memmove(&open[k - 1], &open[k], (open_count - k) * sizeof *open);
      open_count--;
      break;
    }
    if (kind == EXCHANGED && deeds[i].fate == LENS_FATE_UNMATCHED)
      exchange_paired(match, begin, end, i);
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
void lens_couple_settle(struct lens_match *match) {
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
    deeds[open[i]].guessed = match->guessed[parts[open[i]]][chosen];
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

void lens_couple_window(struct lens_match *match, uint32_t begin, uint32_t end) {
  pass(match, begin, end, SAME_THREAD);
  pass(match, begin, end, ANY_THREAD);
  pass(match, begin, end, EXCHANGED);
  pass(match, begin, end, EARLY);
  settle_gives(match, begin, end);
  uint32_t *work = match->work.items;
  match->open_count = list_open(match, begin, end, true, work);
  memcpy(match->open.items, work, match->open_count * sizeof *work);
}

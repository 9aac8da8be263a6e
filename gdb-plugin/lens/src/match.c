/* Matching: the events of one object in pairs, the surest first.
 *
 * A release goes with an allocation or retain that came before it; the newest first, since calls
 * nest, and one of its own thread before one of another.  The passes:
 *
 *     best    places that are each other's usual partner in balanced objects
 *     known   places that went together in balanced objects
 *     near    both by the program or both by the runtime, in one function
 *     kind    both by the program or both by the runtime
 *     order   whatever is left
 *
 * What holds the object now accounts for one thing taken each: what containers took (the runtime
 * retained it) and what mostly is held on, before the two last passes.
 *
 * What this is not: the judge of what is left over (leftover.c).
 */
#include <string.h>

#include "match.h"

enum { DEEDS_IN_HAND = 1 << 16, LOOK_BACK = 64, NEAR_BYTES = 512 };

static bool takes(const lens_deed *deed) {
  return deed->op == LENS_EVENT_ALLOCATE || deed->op == LENS_EVENT_RETAIN;
}

static bool gives(const lens_deed *deed) { return deed->op == LENS_EVENT_RELEASE; }

/* ---- one pair ---- */

static bool is_near(const lens_pair_site *a, const lens_pair_site *b) {
  if (a->function != 0 && b->function != 0) return a->function == b->function;
  uint64_t distance = a->caller < b->caller ? b->caller - a->caller : a->caller - b->caller;
  return distance < NEAR_BYTES; /* functions are not known: close by in the code */
}

static bool may_pair(const struct lens_pairs_state *pairs, uint32_t strength,
                     const lens_deed *taker, const lens_deed *giver) {
  const uint32_t *best_giver = pairs->best_giver.items, *best_taker = pairs->best_taker.items;
  switch (strength) {
    case LENS_BY_BEST:
      return best_giver[taker->site] == giver->site && best_taker[giver->site] == taker->site;
    case LENS_BY_KNOWN:
      return lens_bond_find(pairs, taker->site, giver->site) != NULL;
    case LENS_BY_NEAR:
      return taker->inner == giver->inner &&
             is_near(&lens_pair_sites(pairs)[taker->site], &lens_pair_sites(pairs)[giver->site]);
    case LENS_BY_KIND:
      return taker->inner == giver->inner;
    default:
      return true;
  }
}

static void pair(struct lens_match *match, uint32_t taker, uint32_t giver, uint32_t strength) {
  lens_deed *deeds = match->deeds.items;
  uint8_t *strengths = match->strengths.items;
  deeds[taker].fate = deeds[giver].fate = LENS_FATE_PAIRED;
  deeds[taker].partner = deeds[giver].sequence;
  deeds[giver].partner = deeds[taker].sequence;
  strengths[taker] = strengths[giver] = (uint8_t)strength;
  ((uint32_t *)match->partners.items)[giver] = taker;
}

/* One pass in the order of time.  Takers that are open stand in a list, the newest last. */
static void pass(struct lens_pairs_state *pairs, uint32_t strength, bool same_thread) {
  struct lens_match *match = &pairs->match;
  const lens_deed *deeds = match->deeds.items;
  uint32_t *open = match->open.items, open_count = 0;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    if (takes(&deeds[i])) open[open_count++] = i;
    if (!gives(&deeds[i])) continue;
    for (uint32_t k = open_count; k > 0 && open_count - k < LOOK_BACK; k--) {
      const lens_deed *taker = &deeds[open[k - 1]];
      if (same_thread && taker->thread != deeds[i].thread) continue;
      if (!may_pair(pairs, strength, taker, &deeds[i])) continue;
      pair(match, open[k - 1], i, strength);
      memmove(&open[k - 1], &open[k], (open_count - k) * sizeof *open);
      open_count--;
      break;
    }
  }
}

static void passes(struct lens_pairs_state *pairs, uint32_t first, uint32_t last) {
  for (uint32_t strength = first; strength <= last; strength++) {
    if (!pairs->learned && strength < LENS_BY_NEAR) continue;
    pass(pairs, strength, true);
    pass(pairs, strength, false);
  }
}

/* ---- what is held ---- */

static bool is_held_on(const struct lens_pairs_state *pairs, const lens_deed *taker) {
  return pairs->learned && ((const uint32_t *)pairs->best_giver.items)[taker->site] == LENS_HELD_ON;
}

/* Whether a taker may be what a holder took, as `strength` has it. */
static bool may_claim(const struct lens_pairs_state *pairs, uint32_t strength,
                      const lens_deed *taker) {
  switch (strength) {
    case LENS_BY_BEST:
      return is_held_on(pairs, taker);
    case LENS_BY_KNOWN:
      return taker->inner != 0;
    case LENS_BY_NEAR:
      return pairs->learned && lens_bond_find(pairs, taker->site, LENS_HELD_ON) != NULL;
    default:
      return true;
  }
}

/* Gives `wanted` open takers to holders, the newest first; returns for how many there was none. */
static uint64_t claim(struct lens_pairs_state *pairs, uint64_t wanted, uint32_t first,
                      uint32_t last, uint32_t fate) {
  struct lens_match *match = &pairs->match;
  lens_deed *deeds = match->deeds.items;
  uint8_t *strengths = match->strengths.items;
  for (uint32_t strength = first; strength <= last; strength++) {
    for (uint32_t i = match->count; i > 0 && wanted > 0; i--) {
      lens_deed *deed = &deeds[i - 1];
      if (deed->fate != LENS_FATE_UNMATCHED || !takes(deed)) continue;
      if (!may_claim(pairs, strength, deed)) continue;
      deed->fate = fate;
      strengths[i - 1] = (uint8_t)(strength == LENS_BY_NEAR ? LENS_BY_KNOWN : strength);
      wanted--;
    }
  }
  return wanted;
}

/* ---- what came before the first event that is left ---- */

static void pair_lost(struct lens_match *match, uint64_t *lost) {
  lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i<match->count && * lost> 0; i++) {
    if (!gives(&deeds[i]) || deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    deeds[i].fate = LENS_FATE_LOST;
    (*lost)--;
  }
}

/* A release that found nothing, though there is no holder too many: events are missing. */
static void forgive(struct lens_match *match) {
  lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i < match->count; i++) {
    if (gives(&deeds[i]) && deeds[i].fate == LENS_FATE_UNMATCHED) deeds[i].fate = LENS_FATE_LOST;
  }
}

static uint64_t take_lost(uint64_t wanted, uint64_t *lost) {
  uint64_t taken = wanted < *lost ? wanted : *lost;
  *lost -= taken;
  return wanted - taken;
}

/* ---- one history ---- */

/* How many references there were before the deed. */
static uint64_t before(const lens_deed *deed) {
  switch (deed->op) {
    case LENS_EVENT_RETAIN:
      return deed->count == 0 ? 0 : deed->count - 1;
    case LENS_EVENT_RELEASE:
      return deed->count + 1ull;
    default:
      return 0;
  }
}

static bool reserve(struct lens_match *match, uint64_t count) {
  return lens_column_reserve(&match->deeds, count, sizeof(lens_deed)) &&
         lens_column_reserve(&match->strengths, count, 1) &&
         lens_column_reserve(&match->open, count, sizeof(uint32_t)) &&
         lens_column_reserve(&match->partners, count, sizeof(uint32_t));
}

/* Takes the deeds in hand and looks whether their counts follow from each other. */
static lens_status take(lens *self, const struct lens_history *history, struct lens_sums *sums) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  uint32_t skip = history->count > DEEDS_IN_HAND ? history->count - DEEDS_IN_HAND : 0;
  if (!reserve(match, history->count - skip)) return lens_out_of_memory(self);
  const struct lens_kept_deed *kept = pairs->deeds.items;
  const lens_pair_site *sites = lens_pair_sites(pairs);
  lens_deed *deeds = match->deeds.items;
  uint32_t at = history->first;
  for (uint32_t i = 0; i < skip; i++) at = kept[at].next - 1;
  match->count = history->count - skip;
  match->skipped = skip;
  uint64_t running = 0;
  *sums = (struct lens_sums){0};
  for (uint32_t i = 0; i < match->count; at = kept[at].next - 1, i++) {
    deeds[i] = (lens_deed){.sequence = kept[at].sequence,
                           .op = kept[at].op,
                           .count = kept[at].count,
                           .thread = kept[at].thread,
                           .site = kept[at].site,
                           .inner = (kept[at].inner != 0 && kept[at].op != LENS_EVENT_ALLOCATE) ||
                                    sites[kept[at].site].inner != 0,
                           .fate = LENS_FATE_UNMATCHED};
    if (i == 0) sums->lost = running = before(&deeds[0]);
    bool taker = takes(&deeds[i]), giver = gives(&deeds[i]);
    if (!taker && !giver) {
      deeds[i].fate = LENS_FATE_NONE;
      continue;
    }
    sums->takers += taker;
    sums->givers += giver;
    running += taker ? 1u : UINT64_MAX;
    if (running != deeds[i].count) sums->gaps = true;
    running = deeds[i].count;
  }
  sums->refcount = running;
  sums->freed = history->freed;
  return LENS_OK;
}

/* Takers that nobody gave back went with the object, where a collection freed it. */
static void settle_collected(struct lens_match *match) {
  lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i < match->count; i++) {
    if (takes(&deeds[i]) && deeds[i].fate == LENS_FATE_UNMATCHED) deeds[i].fate = LENS_FATE_GONE;
  }
}

/* With fewer references than holders, a release is rather blamed than a slot: the holders go first.
 */
static void match_all(struct lens_pairs_state *pairs, const lens_claims *claims,
                      struct lens_sums *sums) {
  struct lens_match *match = &pairs->match;
  uint64_t held = claims->held, maybe = claims->maybe;
  uint64_t refcount = sums->freed ? 0 : sums->refcount;
  passes(pairs, LENS_BY_BEST, LENS_BY_NEAR);
  held = claim(pairs, held, LENS_BY_BEST, LENS_BY_KNOWN, LENS_FATE_HELD);
  if (claims->held > refcount) {
    held = claim(pairs, held, LENS_BY_NEAR, LENS_BY_ORDER, LENS_FATE_HELD);
    held = take_lost(held, &sums->lost);
  }
  pair_lost(match, &sums->lost);
  passes(pairs, LENS_BY_KIND, LENS_BY_ORDER);
  held = claim(pairs, held, LENS_BY_NEAR, LENS_BY_NEAR, LENS_FATE_HELD);
  held = take_lost(held, &sums->lost);
  held = claim(pairs, held, LENS_BY_KIND, LENS_BY_KIND, LENS_FATE_HELD);
  maybe = claim(pairs, maybe, LENS_BY_KIND, LENS_BY_KIND, LENS_FATE_ROOT);
  (void)take_lost(maybe, &sums->lost);
  if (sums->freed) settle_collected(match);
  if (claims->held <= refcount) forgive(match);
  sums->bare = held;
}

lens_status lens_match_history(lens *self, const struct lens_history *history,
                               const lens_claims *claims) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_sums sums;
  lens_status status = take(self, history, &sums);
  if (status != LENS_OK) return status;
  uint64_t lost = sums.lost;
  match_all(pairs, claims, &sums);
  pairs->match.shown = (lens_pairing){.object = history->object,
                                      .serial = history->serial,
                                      .heap = history->heap,
                                      .type = history->type,
                                      .deed_count = history->count,
                                      .lost_refs = lost,
                                      .freed = history->freed,
                                      .cut = pairs->match.skipped != 0,
                                      .gaps = sums.gaps};
  return lens_leftover(self, &sums);
}

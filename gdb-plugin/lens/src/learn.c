/* Learning: which places go together, from objects whose events come out even.
 *
 * An object that was freed gave back all that it took; one that lives and whose count its holders
 * explain exactly (no root among them, which may only borrow) has nothing left over either.  Their
 * histories are matched twice: first by kind, function and order alone, then by what that showed,
 * so that one odd object does not outvote a hundred others.
 *
 * What this is not: a proof.  What is learned decides which place is named first, never how much is
 * left over.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum {
  ROUNDS = 2,
  DEEDS_A_CLOCK = 1 << 12,
  RARE = 8, /* a bond that is that much weaker than both its places' best is an accident */
  WEIGHT_MAX = 1 << 30
};

/* ---- bonds ---- */

struct bond_key {
  const struct lens_bond *rows;
  uint32_t taker, giver;
};

static uint64_t bond_hash(uint32_t taker, uint32_t giver) { return (uint64_t)taker << 32 | giver; }

static bool is_same_bond(const void *context, uint32_t row) {
  const struct bond_key *key = context;
  return key->rows[row].taker == key->taker && key->rows[row].giver == key->giver;
}

const struct lens_bond *lens_bond_find(const struct lens_pairs_state *self, uint32_t taker,
                                       uint32_t giver) {
  if (self->known_count == 0) return NULL;
  const struct bond_key key = {self->known.items, taker, giver};
  uint32_t place = *lens_table_place(&self->by_known, bond_hash(taker, giver), is_same_bond, &key);
  return place == 0 ? NULL : &key.rows[place - 1];
}

static void rehash(struct lens_table *table, const struct lens_bond *rows, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    const struct bond_key known = {rows, rows[i].taker, rows[i].giver};
    *lens_table_place(table, bond_hash(known.taker, known.giver), is_same_bond, &known) =
        (uint32_t)i + 1;
  }
}

static lens_status add_bond(lens *self, uint32_t taker, uint32_t giver, uint32_t weight) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool grown;
  if (!lens_column_reserve(&pairs->bonds, pairs->bond_count + 1, sizeof(struct lens_bond)) ||
      !lens_table_reserve(&pairs->by_bond, pairs->bond_count, &grown)) {
    return lens_out_of_memory(self);
  }
  struct lens_bond *rows = pairs->bonds.items;
  if (grown) rehash(&pairs->by_bond, rows, pairs->bond_count);
  const struct bond_key key = {rows, taker, giver};
  uint32_t *place = lens_table_place(&pairs->by_bond, bond_hash(taker, giver), is_same_bond, &key);
  if (*place == 0) {
    rows[pairs->bond_count] = (struct lens_bond){.taker = taker, .giver = giver};
    *place = (uint32_t)++pairs->bond_count;
  }
  struct lens_bond *bond = &rows[*place - 1];
  bond->count += bond->count < WEIGHT_MAX;
  bond->weight += bond->weight < WEIGHT_MAX ? weight : 0;
  return LENS_OK;
}

/* ---- who teaches ---- */

static int by_target(const void *key, const void *row) {
  uint64_t target = *(const uint64_t *)key, other = ((const struct lens_stray *)row)->target;
  return target < other ? -1 : target > other;
}

/* A freed object that slots hold still was released too often: it teaches the wrong thing. */
static bool is_held_still(const struct lens_analysis *analysis, uint64_t object) {
  const struct lens_index *index = &analysis->index;
  if (!analysis->audit.complete || index->stray_count == 0) return false;
  return bsearch(&object, index->strays.items, index->stray_count, sizeof(struct lens_stray),
                 by_target) != NULL;
}

/* Whether the object's events come out even, and what holds it. */
static bool is_even(const lens *self, const struct lens_history *history, lens_claims *claims) {
  const struct lens_analysis *analysis = self->analysis;
  const struct lens_kept_deed *deeds = analysis->pairs.deeds.items;
  *claims = (lens_claims){0};
  if (deeds[history->first].op != LENS_EVENT_ALLOCATE) return false;
  if (history->freed) return !is_held_still(analysis, history->object);
  const struct lens_accounts_state *accounts = &analysis->accounts;
  if (!accounts->complete) return false;
  uint32_t object = lens_directory_exact(&analysis->snapshot.directory, history->object);
  if (object == LENS_NONE) return false;
  const uint32_t *opaque = accounts->opaque_refs.items;
  bool even = ((const uint8_t *)accounts->verdict.items)[object] == LENS_BALANCED &&
              ((const uint32_t *)accounts->root_refs.items)[object] == 0 &&
              (opaque == NULL || opaque[object] == 0);
  claims->held = lens_row_refcounts(&analysis->snapshot)[object];
  return even;
}

static lens_status learn_from(lens *self, const struct lens_history *history) {
  static const uint32_t weights[] = {[LENS_BY_BEST] = 4,
                                     [LENS_BY_KNOWN] = 4,
                                     [LENS_BY_NEAR] = 4,
                                     [LENS_BY_KIND] = 2,
                                     [LENS_BY_ORDER] = 1};
  lens_claims claims;
  if (!is_even(self, history, &claims)) return LENS_OK;
  lens_status status = lens_match_history(self, history, &claims);
  const struct lens_match *match = &self->analysis->pairs.match;
  if (status != LENS_OK || match->shown.gaps != 0 || match->shown.cut != 0) return status;
  const lens_deed *deeds = lens_match_deeds(match);
  const uint8_t *strengths = match->strengths.items;
  const uint32_t *partners = match->partners.items;
  for (uint32_t i = 0; i < match->count && status == LENS_OK; i++) {
    const lens_deed *deed = &deeds[i];
    if (deed->op == LENS_EVENT_RELEASE && deed->fate == LENS_FATE_PAIRED) {
      status = add_bond(self, deeds[partners[i]].site, deed->site, weights[strengths[i]]);
    } else if (deed->fate == LENS_FATE_HELD || deed->fate == LENS_FATE_GONE) {
      status = add_bond(self, deed->site, LENS_HELD_ON, 4);
    }
  }
  return status;
}

/* ---- rounds ---- */

/* The heaviest bond of each place; `known` is what remains without accidents. */
static lens_status end_round(lens *self) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_column_free(&pairs->known);
  lens_table_free(&pairs->by_known);
  lens_column_free(&pairs->best_giver);
  lens_column_free(&pairs->best_taker);
  pairs->known_count = 0;
  struct lens_column heaviest[2] = {{0}};
  bool room = lens_column_reserve(&pairs->best_giver, pairs->site_count, sizeof(uint32_t)) &&
              lens_column_reserve(&pairs->best_taker, pairs->site_count, sizeof(uint32_t)) &&
              lens_column_reserve(&heaviest[0], pairs->site_count, sizeof(uint32_t)) &&
              lens_column_reserve(&heaviest[1], pairs->site_count, sizeof(uint32_t));
  if (!room) {
    lens_column_free(&heaviest[0]);
    lens_column_free(&heaviest[1]);
    return lens_out_of_memory(self);
  }
  uint32_t *giver = pairs->best_giver.items, *taker = pairs->best_taker.items;
  uint32_t *of_taker = heaviest[0].items, *of_giver = heaviest[1].items;
  memset(giver, 0xff, pairs->site_count * sizeof *giver);
  memset(taker, 0xff, pairs->site_count * sizeof *taker);
  struct lens_bond *rows = pairs->bonds.items;
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    if (rows[i].weight > of_taker[rows[i].taker]) {
      of_taker[rows[i].taker] = rows[i].weight;
      giver[rows[i].taker] = rows[i].giver;
    }
    if (rows[i].giver == LENS_HELD_ON || rows[i].weight <= of_giver[rows[i].giver]) continue;
    of_giver[rows[i].giver] = rows[i].weight;
    taker[rows[i].giver] = rows[i].taker;
  }
  uint64_t kept = 0;
  for (uint64_t i = 0; i < pairs->bond_count; i++) {
    uint64_t weight = (uint64_t)rows[i].weight * RARE;
    bool common = weight >= of_taker[rows[i].taker] ||
                  (rows[i].giver != LENS_HELD_ON && weight >= of_giver[rows[i].giver]);
    if (common) rows[kept++] = rows[i];
  }
  lens_column_free(&heaviest[0]);
  lens_column_free(&heaviest[1]);
  lens_table_free(&pairs->by_bond);
  pairs->known = pairs->bonds;
  pairs->known_count = kept;
  pairs->bonds = (struct lens_column){0};
  pairs->bond_count = 0;
  bool grown;
  do {
    if (!lens_table_reserve(&pairs->by_known, kept, &grown)) return lens_out_of_memory(self);
  } while (grown);
  rehash(&pairs->by_known, pairs->known.items, kept);
  pairs->learned = true;
  pairs->history = 0;
  pairs->round++;
  return LENS_OK;
}

static void begin(struct lens_pairs_state *pairs) {
  pairs->phase = LENS_PAIRS_LEARNING;
  pairs->round = 0;
  pairs->learned = pairs->blamed = false;
  pairs->history = pairs->bond_count = pairs->known_count = 0;
  lens_table_free(&pairs->by_bond);
  lens_table_free(&pairs->by_known);
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  uint64_t deeds = 0;
  while (pairs->round < ROUNDS) {
    if (pairs->history == pairs->history_count) {
      lens_status status = end_round(self);
      if (status != LENS_OK) return status;
      continue;
    }
    const struct lens_history *history =
        (const struct lens_history *)pairs->histories.items + pairs->history;
    lens_status status = learn_from(self, history);
    if (status != LENS_OK) return status;
    pairs->history++;
    deeds += history->count;
    lens_progress_set(progress, "pairs", pairs->round * pairs->history_count + pairs->history,
                      ROUNDS * pairs->history_count);
    if (deeds < DEEDS_A_CLOCK) continue;
    deeds = 0;
    if (lens_slice_over(slice)) return LENS_AGAIN;
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
  if (status != LENS_OK) pairs->learned = false;
  return status;
}

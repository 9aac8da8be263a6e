/* Bonds: how strongly a place that takes goes with one that gives back; and the flow between them
 * in one mix.
 *
 * Before any object has shown something, a bond is a guess from the places: made by the same side
 * (the program, or the runtime for it), in the same function.  That something is left over is the
 * last explanation to try; that a slot holds without having retained comes even after a release too
 * many.
 */
#include <math.h>

#include "analysis.h"

enum { FIT_ROUNDS = 60, NEAR_BYTES = 512 };

static const double SAME_SIDE = 8, SAME_FUNCTION = 2, ANY = 1, RARE = 0.02, RAREST = 0.001;
static const double PRIOR_SHARE = 1.0 / 32; /* of one observation */

static bool is_near(const lens_pair_site *a, const lens_pair_site *b) {
  if (a->function != 0 && b->function != 0) return a->function == b->function;
  uint64_t distance = a->caller < b->caller ? b->caller - a->caller : a->caller - b->caller;
  return distance < NEAR_BYTES; /* functions are not known: close by in the code */
}

static double guess(const struct lens_pairs_state *pairs, uint32_t taker, uint32_t giver) {
  const lens_pair_site *sites = lens_pair_sites(pairs);
  if (giver == LENS_CODE_LEFT) return RARE;
  if (taker == LENS_CODE_BARE) return giver < LENS_CODE_HELD ? ANY : RAREST;
  if (taker >= LENS_CODE_HELD) return ANY;
  uint32_t inner = taker & LENS_CODE_INNER;
  if (giver >= LENS_CODE_HELD) return (giver < LENS_CODE_ROOT) == (inner != 0) ? SAME_SIDE : ANY;
  double known = (giver & LENS_CODE_INNER) == inner ? SAME_SIDE : ANY;
  bool near = is_near(&sites[taker / LENS_CODE_KINDS], &sites[giver / LENS_CODE_KINDS]);
  return near ? known * SAME_FUNCTION : known;
}

/* ---- the table ---- */

struct bond_key {
  const struct lens_bond *rows;
  uint32_t taker, giver;
};

static uint64_t bond_hash(uint32_t taker, uint32_t giver) { return (uint64_t)taker << 32 | giver; }

static bool is_same_bond(const void *context, uint32_t row) {
  const struct bond_key *key = context;
  return key->rows[row].taker == key->taker && key->rows[row].giver == key->giver;
}

lens_status lens_bond_get(lens *self, uint32_t taker, uint32_t giver, uint32_t *number) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  bool grown;
  if (!lens_column_reserve(&pairs->bonds, pairs->bond_count + 1, sizeof(struct lens_bond)) ||
      !lens_table_reserve(&pairs->by_bond, pairs->bond_count, &grown)) {
    return lens_out_of_memory(self);
  }
  struct lens_bond *rows = pairs->bonds.items;
  for (uint64_t i = 0; grown && i < pairs->bond_count; i++) {
    const struct bond_key known = {rows, rows[i].taker, rows[i].giver};
    *lens_table_place(&pairs->by_bond, bond_hash(known.taker, known.giver), is_same_bond, &known) =
        (uint32_t)i + 1;
  }
  const struct bond_key key = {rows, taker, giver};
  uint32_t *place = lens_table_place(&pairs->by_bond, bond_hash(taker, giver), is_same_bond, &key);
  if (*place == 0) {
    double prior = guess(pairs, taker, giver) * PRIOR_SHARE;
    rows[pairs->bond_count] = (struct lens_bond){
        .taker = taker, .giver = giver, .prior = prior, .weight = prior, .soft = prior};
    *place = (uint32_t)++pairs->bond_count;
  }
  *number = *place - 1;
  return LENS_OK;
}

void lens_bonds_forget(struct lens_pairs_state *self) {
  lens_table_free(&self->by_bond);
  self->bond_count = 0;
}

/* ---- the flow ---- */

/* Rows and columns are scaled to their sums by turns; that converges, as no cell is 0. */
void lens_flow_fit(const struct lens_part *takers, uint32_t taker_count,
                   const struct lens_part *givers, uint32_t giver_count,
                   double (*flow)[LENS_MIX_PARTS]) {
  for (int round = 0; round < FIT_ROUNDS; round++) {
    double off = 0;
    for (uint32_t r = 0; r < giver_count; r++) {
      double sum = 0;
      for (uint32_t a = 0; a < taker_count; a++) sum += flow[a][r];
      double scale = sum > 0 ? givers[r].count / sum : 0;
      for (uint32_t a = 0; a < taker_count; a++) flow[a][r] *= scale;
    }
    for (uint32_t a = 0; a < taker_count; a++) {
      double sum = 0;
      for (uint32_t r = 0; r < giver_count; r++) sum += flow[a][r];
      double scale = sum > 0 ? takers[a].count / sum : 0;
      for (uint32_t r = 0; r < giver_count; r++) flow[a][r] *= scale;
      off += fabs(scale - 1);
    }
    if (off < 1e-6) break;
  }
}

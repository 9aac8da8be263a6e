/* Bonds: how strongly a place that takes goes with one that gives back.
 *
 * Before any object has shown something, a bond is a guess from the places: made by the same side
 * (the program, or the runtime for it), in the same function.  Learning begins twice, with guesses
 * that say the opposite about the function: what both lead to is what the objects show.  That
 * something is left over is the last explanation to try; that a slot holds without having retained
 * comes even after a release too many.
 */
#include "analysis.h"

enum { NEAR_BYTES = 512, NEIGHBOUR_BYTES = 2048, BONDS_MAX = 1 << 16 };

static const double SAME_SIDE = 8, SAME_FUNCTION = 3, NEIGHBOURS = 1.25, ANY = 1, RARE = 0.02,
                    RAREST = 0.001;
static const double A_PLACE = 200;
static const double OTHER_SIDE_EVEN = 1e-4, OTHER_SIDE_NEARLY = 0.001;
static const double GUESS_SHARE = 1.0 / 512;       /* of one reference that was seen */
static const double BUG_SHARE = 0.25, BUG_OF = 20; /* left over of so many, before any is seen */

static uint64_t distance_of(const lens_pair_site *a, const lens_pair_site *b) {
  return a->caller < b->caller ? b->caller - a->caller : a->caller - b->caller;
}

static bool is_near(const lens_pair_site *a, const lens_pair_site *b) {
  if (a->function != 0 && b->function != 0) return a->function == b->function;
  return distance_of(a, b) < NEAR_BYTES; /* functions are not known: close by in the code */
}

double lens_bond_guess(const struct lens_pairs_state *self, uint32_t taker, uint32_t giver,
                       int start) {
  const lens_pair_site *sites = lens_pair_sites(self);
  if (giver == LENS_CODE_LEFT) return RARE;
  if (taker == LENS_CODE_BARE) return giver < LENS_CODE_HELD ? RARE : RAREST;
  if (taker >= LENS_CODE_HELD || lens_code_carries(giver)) return ANY;
  uint32_t inner = taker & LENS_CODE_INNER;
  if (giver >= LENS_CODE_HELD) return (giver < LENS_CODE_ROOT) == (inner != 0) ? SAME_SIDE : ANY;
  double known = (giver & LENS_CODE_INNER) == inner ? SAME_SIDE : ANY;
  const lens_pair_site *took = &sites[taker / LENS_CODE_KINDS];
  const lens_pair_site *gave = &sites[giver / LENS_CODE_KINDS];
  if (start == 0 && distance_of(took, gave) < NEIGHBOUR_BYTES) known *= NEIGHBOURS;
  return is_near(took, gave) == (start == 0) ? known * SAME_FUNCTION : known;
}

enum side { OWN, CONTAINER, EITHER };

static enum side side_of(uint32_t code) {
  if (code < LENS_CODE_HELD) return (code & LENS_CODE_INNER) != 0 ? CONTAINER : OWN;
  if (code < LENS_CODE_ROOT || code == LENS_CODE_CARRIED_INNER) return CONTAINER;
  return code == LENS_CODE_CARRIED_OWN || code == LENS_CODE_ROOT || code == LENS_CODE_LEFT ||
                 code == LENS_CODE_BARE
             ? OWN
             : EITHER;
}

static bool differ(uint32_t taker, uint32_t giver) {
  enum side took = side_of(taker), gave = side_of(giver);
  return took != EITHER && gave != EITHER && took != gave;
}

double lens_bond_even_factor(uint32_t taker, uint32_t giver, enum lens_evenness even) {
  if (even == LENS_UNEVEN || !differ(taker, giver)) return 1;
  return even == LENS_EVEN ? OTHER_SIDE_EVEN : OTHER_SIDE_NEARLY;
}

/* What a container takes a container gives back, or holds.  Objects that show something else have
 * no other explanation. */
static double side_factor(uint32_t taker, uint32_t giver) {
  if (taker >= LENS_CODE_HELD || giver == LENS_CODE_LEFT) return 1;
  return differ(taker, giver) ? 1 / SAME_SIDE : 1;
}

double lens_bond_weight(const struct lens_pairs_state *self, const struct lens_bond *bond,
                        uint32_t taker, uint32_t giver, int start, bool bare) {
  double guess = bond != NULL ? bond->guess[start] : lens_bond_guess(self, taker, giver, start);
  double seen = bond != NULL ? bond->count[start] : 0;
  if (taker == LENS_CODE_BARE) {
    if (lens_code_carries(giver)) return BUG_SHARE / BUG_OF; /* in a later window */
    double share = giver < LENS_CODE_HELD ? BUG_SHARE : BUG_SHARE * RAREST / RARE;
    return (seen + share) /
           (start == 0 ? *lens_code_sum(self, giver, LENS_GIVEN, 0) + BUG_OF : A_PLACE);
  }
  bool left = giver == LENS_CODE_LEFT || lens_code_carries(giver); /* carried may be left */
  double sum = BUG_OF + (bare ? *lens_code_sum(self, giver, LENS_GIVEN, start)
                              : *lens_code_sum(self, taker, LENS_TAKEN, start));
  if (start != 0 && giver == LENS_CODE_LEFT) sum = A_PLACE; /* bugs are by place, not by passes */
  return (seen + (left ? BUG_SHARE : guess * GUESS_SHARE)) / sum * side_factor(taker, giver);
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

const struct lens_bond *lens_bond_find(const struct lens_pairs_state *self, uint32_t taker,
                                       uint32_t giver) {
  if (self->by_bond.places == NULL) return NULL;
  const struct bond_key key = {self->bonds.items, taker, giver};
  uint32_t place = *lens_table_place(&self->by_bond, bond_hash(taker, giver), is_same_bond, &key);
  return place == 0 ? NULL : &key.rows[place - 1];
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
  *number = LENS_NONE;
  if (*place == 0) {
    if (pairs->bond_count == BONDS_MAX) return LENS_OK;
    struct lens_bond bond = {.taker = taker, .giver = giver};
    for (int start = 0; start < LENS_STARTS; start++)
      bond.guess[start] = bond.weight[start] = lens_bond_guess(pairs, taker, giver, start);
    rows[pairs->bond_count] = bond;
    *place = (uint32_t)++pairs->bond_count;
  }
  *number = *place - 1;
  return LENS_OK;
}

void lens_bonds_forget(struct lens_pairs_state *self) {
  lens_table_free(&self->by_bond);
  self->bond_count = 0;
}

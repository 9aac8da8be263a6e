/* Frames: what the stack tells of a take and a release of one thread.
 *
 * A stack ends higher in a function than in those that it calls.  So what was done further out
 * between two deeds tells that the functions of both have returned meanwhile; and where the same
 * line was passed again in the same frame, a loop went on, or the function was called anew.  A
 * reference that lives on a stack is taken and given back with neither in between, and at a
 * distance on the stack that belongs to the two places: 0 in one function.  All of that is a class,
 * and how the pairs of a bond spread over the classes is learned, as with distances in time.
 *
 * Invariants:
 *  - Following `outer` from the last deed of a thread leads through all frames that are open, each
 *    further out than the one before.
 *
 * What this is not: it unwinds nothing; of events without a stack it says nothing.
 */
#include "analysis.h"

enum {
  OUTER_MOST = 16,   /* frames to look at between two */
  ENDED = 0,         /* classes: the outer one of the two functions has returned */
  ANOTHER_TURN = 1,  /* it may have: a line was passed again */
  SAME_FRAME = 2,    /* those from here on: it has not */
  OTHER_FRAMES = 3,  /* the first of those by hash */
  WORD_BYTES_LOG = 3 /* of a stack */
};

static const double SMOOTHING = 4; /* references that a pair is taken to have been seen */
/* A class that hardly any pair has proves nothing by being seen once. */
static const double RARE = 0.1;
static const double FACTOR_LEAST = 1.0 / 64, FACTOR_MOST = 4;

/* ---- the last deeds ---- */

struct latest_key {
  const struct lens_kept_deed *deeds;
  const uint32_t *rows;
  const struct lens_kept_deed *deed;
  bool by_place;
};

static uint64_t hash_of(const struct lens_kept_deed *deed, bool by_place) {
  if (!by_place) return deed->thread;
  return (deed->stack * 0x100000001b3u ^ deed->site) * 0x100000001b3u ^ deed->thread;
}

static bool is_same(const void *context, uint32_t row) {
  const struct latest_key *key = context;
  const struct lens_kept_deed *other = &key->deeds[key->rows[row]];
  return other->thread == key->deed->thread &&
         (!key->by_place || (other->site == key->deed->site && other->stack == key->deed->stack));
}

/* The deed is the last one now; *was: 1 + the one before it, 0: there was none.  False: no memory.
 */
static bool replace(const struct lens_pairs_state *self, struct lens_latest *latest,
                    uint32_t number, bool by_place, uint32_t *was) {
  bool grown;
  if (!lens_column_reserve(&latest->rows, latest->count + 1, sizeof(uint32_t)) ||
      !lens_table_reserve(&latest->table, latest->count, &grown))
    return false;
  const struct lens_kept_deed *deeds = self->deeds.items;
  uint32_t *rows = latest->rows.items;
  for (uint64_t i = 0; grown && i < latest->count; i++) {
    const struct latest_key known = {deeds, rows, &deeds[rows[i]], by_place};
    *lens_table_place(&latest->table, hash_of(known.deed, by_place), is_same, &known) =
        (uint32_t)i + 1;
  }
  const struct latest_key key = {deeds, rows, &deeds[number], by_place};
  uint32_t *place = lens_table_place(&latest->table, hash_of(key.deed, by_place), is_same, &key);
  *was = *place == 0 ? 0 : rows[*place - 1] + 1;
  if (*place == 0) *place = (uint32_t)++latest->count;
  rows[*place - 1] = number;
  return true;
}

bool lens_frames_note(struct lens_pairs_state *self, uint32_t number) {
  struct lens_kept_deed *deeds = self->deeds.items, *deed = &deeds[number];
  uint32_t outer;
  if (deed->stack == 0) return true;
  if (!replace(self, &self->last_of_thread, number, false, &outer) ||
      !replace(self, &self->last_of_place, number, true, &deed->before))
    return false;
  if (deed->before != 0) deeds[deed->before - 1].again = number + 1;
  while (outer != 0 && deeds[outer - 1].stack < deed->stack) outer = deeds[outer - 1].outer;
  if (outer != 0 && deeds[outer - 1].stack == deed->stack) outer = deeds[outer - 1].outer;
  deed->outer = outer;
  return true;
}

static void latest_free(struct lens_latest *self) {
  lens_table_free(&self->table);
  lens_column_free(&self->rows);
}

void lens_frames_free(struct lens_pairs_state *self) {
  latest_free(&self->last_of_thread);
  latest_free(&self->last_of_place);
}

/* ---- classes ---- */

/* Whether something was done further out than either, between the two. */
static bool has_ended(const struct lens_kept_deed *deeds, const struct lens_part *taker,
                      const struct lens_part *giver) {
  uint64_t most = taker->stack > giver->stack ? taker->stack : giver->stack;
  uint32_t outer = deeds[giver->first_deed].outer;
  for (int i = 0; outer > taker->last_deed + 1; i++) {
    if (deeds[outer - 1].stack > most || i == OUTER_MOST) return true;
    outer = deeds[outer - 1].outer;
  }
  return false;
}

uint32_t lens_step_class(const struct lens_pairs_state *self, const struct lens_part *taker,
                         const struct lens_part *giver) {
  const struct lens_kept_deed *deeds = self->deeds.items;
  if (taker->stack == 0 || giver->stack == 0) return LENS_STEPS;
  if (taker->thread != giver->thread || taker->first > giver->last) return ENDED;
  if (has_ended(deeds, taker, giver)) return ENDED;
  uint32_t again = deeds[taker->last_deed].again, before = deeds[giver->first_deed].before;
  bool taken_again = again != 0 && again <= giver->first_deed + 1;
  if (taken_again || before > taker->last_deed + 1) return ANOTHER_TURN;
  uint64_t step = giver->stack - taker->stack;
  if (step == 0) return SAME_FRAME;
  uint64_t hash = (step >> WORD_BYTES_LOG) * 0x9e3779b97f4a7c15u;
  return OTHER_FRAMES + (uint32_t)(hash >> 40) % (LENS_STEPS - OTHER_FRAMES);
}

double lens_step_factor(const struct lens_pairs_state *self, const struct lens_bond *bond,
                        uint32_t step, int start) {
  if (step >= LENS_STEPS) return 1;
  double share = self->step_share[step] < RARE ? RARE : self->step_share[step];
  double seen = (double)bond->steps[start][step] / share;
  double factor = (seen + SMOOTHING) / (bond->count[start] - bond->known + SMOOTHING);
  return factor < FACTOR_LEAST ? FACTOR_LEAST : factor > FACTOR_MOST ? FACTOR_MOST : factor;
}

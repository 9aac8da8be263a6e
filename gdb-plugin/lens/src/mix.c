/* Mixes: of one object, how often which place took and which gave back, and what holds it now.
 *
 * What holds it comes from the accounts: slots by the type of their holder, the runtime, roots.
 * What is taken beyond that is left over; what is held or given back beyond what was taken, bare.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum { DEEDS_IN_HAND = 1 << 16 };

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

/* A call that makes an object or returns one that there is (an interned text) retains on the
 * program's behalf, and yet no container took it. */
static bool is_inner(const lens *self, const struct lens_history *history,
                     const struct lens_kept_deed *deed) {
  const struct lens_pairs_state *pairs = &self->analysis->pairs;
  if (lens_pair_sites(pairs)[deed->site].inner != 0) return true;
  if (deed->inner == 0 || deed->op == LENS_EVENT_ALLOCATE) return false;
  uint32_t made = ((const uint32_t *)pairs->made.items)[deed->site];
  if (deed->op != LENS_EVENT_RETAIN || made == 0 || history->type == LENS_NONE) return true;
  const char *name = self->model.types[made - 1].shown.name;
  const char *mine = self->model.types[history->type].shown.name;
  return name == NULL || mine == NULL || strcmp(name, mine) != 0;
}

/* Adds the deed to the sums.  What was caught changed nothing: such a release had no reference to
 * give back (it is one too many), and such a retain took none. */
static void sum_up(struct lens_match *match, lens_deed *deed, bool caught) {
  if (deed->op == LENS_EVENT_FREE || (caught && deed->op == LENS_EVENT_RETAIN)) {
    deed->fate = LENS_FATE_NONE;
    return;
  }
  if (caught) {
    match->caught++;
    return;
  }
  uint64_t expected = match->refcount + (lens_deed_takes(deed->op) ? 1u : UINT64_MAX);
  match->gaps = match->gaps || expected != deed->count;
  match->refcount = expected; /* sums must come out even, whatever the counts say */
}

/* The deeds in hand: the last ones, where there are too many. */
static lens_status take(lens *self, const struct lens_history *history) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  uint32_t skip = history->count > DEEDS_IN_HAND ? history->count - DEEDS_IN_HAND : 0;
  uint32_t count = history->count - skip;
  if (!lens_column_reserve(&match->deeds, count, sizeof(lens_deed)) ||
      !lens_column_reserve(&match->parts, count, 1) ||
      !lens_column_reserve(&match->open, count, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  const struct lens_kept_deed *kept = pairs->deeds.items;
  lens_deed *deeds = match->deeds.items;
  uint32_t at = history->first;
  for (uint32_t i = 0; i < skip; i++) at = kept[at].next - 1;
  match->count = count;
  match->skipped = skip;
  match->gaps = false;
  match->lost = match->refcount = match->caught = 0;
  for (uint32_t i = 0; i < count; at = kept[at].next - 1, i++) {
    deeds[i] = (lens_deed){.sequence = kept[at].sequence,
                           .op = kept[at].op,
                           .count = kept[at].count,
                           .thread = kept[at].thread,
                           .site = kept[at].site,
                           .inner = is_inner(self, history, &kept[at]),
                           .fate = LENS_FATE_UNMATCHED};
    if (i == 0 && !kept[at].caught) match->lost = match->refcount = before(&deeds[0]);
    if (i == 0) match->gaps = kept[at].caught; /* all that happened in its life is overwritten */
    sum_up(match, &deeds[i], kept[at].caught);
  }
  return LENS_OK;
}

/* ---- parts ---- */

/* The row of a code, made where there is none; the last row takes what has no room. */
static uint8_t add_part(struct lens_part *parts, uint32_t *count, uint32_t code, uint64_t number) {
  uint32_t i = 0;
  while (i < *count && parts[i].code != code) i++;
  if (i == *count) {
    if (i == LENS_MIX_PARTS - 1) code = LENS_CODE_OTHERS;
    if (i == LENS_MIX_PARTS) {
      i--;
    } else {
      parts[(*count)++] = (struct lens_part){.code = code};
    }
  }
  uint64_t sum = parts[i].count + number;
  parts[i].count = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
  return (uint8_t)i;
}

/* The codes that are no places come first, so there is room for them. */
static void add_taker(struct lens_mix *mix, uint32_t code, uint64_t number) {
  if (number != 0) (void)add_part(mix->takers, &mix->taker_count, code, number);
}
static void add_giver(struct lens_mix *mix, uint32_t code, uint64_t number) {
  if (number != 0) (void)add_part(mix->givers, &mix->giver_count, code, number);
}

/* The slots that hold a live object, by the type of the holder. */
static uint64_t add_slots(const struct lens_analysis *analysis, uint32_t object, uint64_t opaque,
                          struct lens_mix *mix) {
  const uint64_t *starts = lens_in_starts(&analysis->index);
  const uint32_t *sources = lens_in_sources(&analysis->index);
  const uint32_t *types = lens_row_types(&analysis->snapshot);
  uint64_t count = starts[object + 1] - starts[object];
  uint64_t strong = count > opaque ? count - opaque : 0, added = 0;
  for (uint64_t i = starts[object]; i < starts[object + 1] && added < strong; i++, added++) {
    uint32_t type = types[sources[i]];
    uint32_t room = LENS_CODE_RUNTIME - LENS_CODE_HELD - 1;
    add_giver(mix, LENS_CODE_HELD + (type < room ? type : room), 1);
  }
  return added;
}

static int by_target(const void *key, const void *row) {
  uint64_t target = *(const uint64_t *)key, other = ((const struct lens_stray *)row)->target;
  return target < other ? -1 : target > other;
}

/* The slots of live objects that lead to a freed one. */
static uint64_t add_strays(const struct lens_analysis *analysis, uint64_t address,
                           struct lens_mix *mix) {
  const struct lens_index *index = &analysis->index;
  if (!analysis->audit.complete || index->stray_count == 0) return 0;
  const struct lens_stray *rows = index->strays.items;
  const struct lens_stray *found =
      bsearch(&address, rows, index->stray_count, sizeof *rows, by_target);
  if (found == NULL) return 0;
  while (found > rows && found[-1].target == address) found--;
  uint64_t count = 0;
  for (; found < rows + index->stray_count && found->target == address; found++, count++)
    add_giver(mix, LENS_CODE_HELD + lens_row_types(&analysis->snapshot)[found->holder], 1);
  return count;
}

/* What holds the object now.  False: that is not known. */
static bool add_holders(const lens *self, const struct lens_history *history,
                        struct lens_match *match) {
  const struct lens_analysis *analysis = self->analysis;
  const struct lens_accounts_state *accounts = &analysis->accounts;
  struct lens_mix *mix = &match->mix;
  uint64_t refcount = match->refcount;
  if (history->freed) {
    uint64_t strays = add_strays(analysis, history->object, mix);
    add_giver(mix, LENS_CODE_GONE, refcount);
    add_taker(mix, LENS_CODE_BARE, strays);
    return true;
  }
  if (!accounts->complete) return false;
  uint32_t object = lens_directory_exact(&analysis->snapshot.directory, history->object);
  if (object == LENS_NONE) return false;
  const uint32_t *opaque_refs = accounts->opaque_refs.items;
  uint64_t opaque = opaque_refs == NULL ? 0 : opaque_refs[object];
  uint64_t runtime = ((const uint16_t *)accounts->runtime_refs.items)[object];
  uint64_t maybe = ((const uint32_t *)accounts->root_refs.items)[object] + opaque;
  uint64_t known = add_slots(analysis, object, opaque, mix) + runtime;
  add_giver(mix, LENS_CODE_RUNTIME, runtime);
  if (known > refcount) {
    add_taker(mix, LENS_CODE_BARE, known - refcount);
    return true;
  }
  uint64_t rest = refcount - known;
  add_giver(mix, LENS_CODE_ROOT, rest < maybe ? rest : maybe);
  add_giver(mix, LENS_CODE_LEFT, rest < maybe ? 0 : rest - maybe);
  return true;
}

lens_status lens_mix_make(lens *self, const struct lens_history *history, bool *known) {
  struct lens_match *match = &self->analysis->pairs.match;
  lens_status status = take(self, history);
  if (status != LENS_OK) return status;
  struct lens_mix *mix = &match->mix;
  mix->taker_count = mix->giver_count = 0;
  /* More given back than was taken: events are missing, and these were before them. */
  uint64_t takers = match->lost, givers = 0;
  const lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i < match->count; i++) {
    takers += deeds[i].fate != LENS_FATE_NONE && lens_deed_takes(deeds[i].op);
    givers += deeds[i].op == LENS_EVENT_RELEASE;
  }
  givers -= match->caught;
  if (givers > takers) {
    match->lost += givers - takers;
    match->gaps = true;
    takers = givers;
  }
  match->refcount = takers - givers;
  bool held = add_holders(self, history, match);
  if (!held) add_giver(mix, LENS_CODE_ROOT, match->refcount);
  add_taker(mix, LENS_CODE_LOST, match->lost);
  add_taker(mix, LENS_CODE_BARE, match->caught);
  uint8_t *parts = match->parts.items;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].fate == LENS_FATE_NONE) continue;
    if (lens_deed_takes(deeds[i].op))
      parts[i] = add_part(mix->takers, &mix->taker_count, lens_code_of(&deeds[i]), 1);
    if (deeds[i].op == LENS_EVENT_RELEASE)
      parts[i] = add_part(mix->givers, &mix->giver_count, lens_code_of(&deeds[i]), 1);
  }
  *known = held && match->lost == 0 && !match->gaps && match->skipped == 0;
  return LENS_OK;
}

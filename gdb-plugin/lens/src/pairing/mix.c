/* Mixes: of one window of a history, which place took and which gave back, in runs.
 *
 * Deeds of one kind between two of the other kind may come in any order: what can go with what is
 * the same.  So a run is what one place did in one thread between two turns.
 */
#include <string.h>

#include "analysis.h"

enum { FEW = 8 };

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
  if (deed->holder != 0) return !lens_holder_is_outside(self, deed->holder);
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

lens_status lens_history_take(lens *self, const struct lens_history *history, uint32_t most) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  struct lens_match *match = &pairs->match;
  uint32_t near = history->count < LENS_DEEDS_IN_HAND ? history->count : LENS_DEEDS_IN_HAND;
  uint32_t count = near < most ? near : most;
  match->under_way = false; /* whichever it was */
  if (!lens_column_reserve(&match->deeds, count, sizeof(lens_deed)) ||
      !lens_column_reserve(&match->numbers, count, sizeof(uint32_t)) ||
      !lens_column_reserve(&match->parts, count, 1) ||
      !lens_column_reserve(&match->open, count, sizeof(uint32_t)) ||
      !lens_column_reserve(&match->work, count, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  const struct lens_kept_deed *kept = pairs->deeds.items;
  lens_deed *deeds = match->deeds.items;
  uint32_t at = history->late, *numbers = match->numbers.items;
  for (uint32_t i = count; i < near; i++) at = kept[at].next - 1;
  match->count = count;
  match->skipped = history->count - count;
  match->gaps = false;
  match->lost = match->refcount = match->caught = 0;
  for (uint32_t i = 0; i < count; at = kept[at].next - 1, i++) {
    numbers[i] = at;
    deeds[i] = (lens_deed){.sequence = kept[at].sequence,
                           .op = kept[at].op,
                           .count = kept[at].count,
                           .thread = kept[at].thread,
                           .site = kept[at].site,
                           .inner = is_inner(self, history, &kept[at]),
                           .fate = LENS_FATE_UNMATCHED,
                           .holder = kept[at].caught ? 0 : kept[at].holder};
    if (i == 0 && !kept[at].caught) match->lost = match->refcount = before(&deeds[0]);
    if (i == 0) match->gaps = kept[at].caught; /* all that happened in its life is overwritten */
    sum_up(match, &deeds[i], kept[at].caught);
  }
  return LENS_OK;
}

/* A function that clears a slot may clear a variable, too: then sides differ by a few. */
static enum lens_evenness evenness_of(const struct lens_match *match, bool freed) {
  const lens_deed *deeds = match->deeds.items;
  uint64_t open = 0, held = 0, taken = 0, off = 0;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].inner == 0 || !lens_deed_counts(&deeds[i])) continue;
    bool takes = lens_deed_takes(deeds[i].op), gives = deeds[i].op == LENS_EVENT_RELEASE;
    taken += takes;
    off += gives && open == 0;
    open += takes ? 1u : gives && open != 0 ? UINT64_MAX : 0;
  }
  for (uint32_t i = 0; i < match->end_count; i++)
    held += match->ends[i].code < LENS_CODE_ROOT ? match->ends[i].count : 0;
  uint64_t most = freed && match->refcount > held ? match->refcount : held; /* collected */
  off += open < held ? held - open : open > most ? open - most : 0;
  return off == 0 ? LENS_EVEN : off * FEW <= taken ? LENS_NEARLY_EVEN : LENS_UNEVEN;
}

lens_status lens_history_sum(lens *self, const struct lens_history *history, bool *known) {
  struct lens_match *match = &self->analysis->pairs.match;
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
  uint32_t object;
  *known = lens_holders_of(self, history, match, &object);
  bool settled;
  lens_status status = lens_known_settle(self, object, &settled);
  if (status != LENS_OK) return status;
  if (!settled) (void)lens_holders_of(self, history, match, &object);
  match->even = *known && !match->gaps ? evenness_of(match, history->freed) : LENS_UNEVEN;
  match->bare += match->caught;
  match->lost_left = match->lost;
  match->bare_left = match->bare;
  match->open_count = 0;
  return LENS_OK;
}

uint32_t lens_window_end(const struct lens_match *match, uint32_t begin, uint32_t most) {
  if (match->count - begin <= most) return match->count;
  const lens_deed *deeds = match->deeds.items;
  int64_t open = 0, least = INT64_MAX;
  uint32_t end = begin + most;
  for (uint32_t i = begin; i < begin + most; i++) {
    if (lens_deed_counts(&deeds[i])) open += lens_deed_takes(deeds[i].op) ? 1 : -1;
    if (i < begin + most / 2 || open > least) continue;
    least = open;
    end = i + 1;
  }
  return end;
}

/* ---- parts ---- */

static uint32_t add_count(uint32_t count, uint64_t number) {
  uint64_t sum = count + number;
  return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* Adds to the run of the deed among parts [since, *count), or makes one. */
static uint8_t add_deed(struct lens_part *parts, uint32_t since, uint32_t *count,
                        const lens_deed *deed, uint32_t number, uint64_t stack) {
  uint32_t code = lens_code_of(deed), i = since;
  while (i < *count &&
         (parts[i].code != code || parts[i].thread != deed->thread || parts[i].stack != stack))
    i++;
  if (i == *count) {
    parts[(*count)++] = (struct lens_part){.code = code,
                                           .thread = deed->thread,
                                           .first = deed->sequence,
                                           .stack = stack,
                                           .first_deed = number};
  }
  parts[i].count = add_count(parts[i].count, 1);
  parts[i].last = deed->sequence;
  parts[i].last_deed = number;
  return (uint8_t)i;
}

static void add_part(struct lens_part *parts, uint32_t *count, uint32_t code, uint64_t number,
                     uint64_t when) {
  if (number == 0) return;
  parts[(*count)++] =
      (struct lens_part){.code = code, .count = add_count(0, number), .first = when, .last = when};
}

/* What older windows left open, by place: of those that find no room the time is all that is known.
 */
static void add_open(struct lens_match *match, const struct lens_kept_deed *kept) {
  const lens_deed *deeds = match->deeds.items;
  const uint32_t *numbers = match->numbers.items;
  const uint32_t *open = match->open.items;
  uint8_t *parts = match->parts.items;
  struct lens_mix *mix = &match->mix;
  uint32_t since = mix->taker_count, others = LENS_NONE;
  for (uint32_t i = 0; i < match->open_count; i++) {
    const lens_deed *deed = &deeds[open[i]];
    uint32_t code = lens_code_of(deed), at = since, number = numbers[open[i]];
    uint64_t stack = kept[number].stack;
    while (at < mix->taker_count &&
           (mix->takers[at].code != code || mix->takers[at].stack != stack))
      at++;
    if (at == mix->taker_count && at - since >= LENS_MIX_ENDS - 2) at = others;
    if (at == mix->taker_count || at == LENS_NONE) {
      bool full = at == LENS_NONE;
      at = mix->taker_count++;
      mix->takers[at] = (struct lens_part){.code = full ? (uint32_t)LENS_CODE_OTHERS : code,
                                           .thread = deed->thread,
                                           .first = deed->sequence,
                                           .stack = full ? 0 : stack,
                                           .first_deed = number};
      if (full) others = at;
    }
    mix->takers[at].count++;
    mix->takers[at].last = deed->sequence;
    mix->takers[at].last_deed = number;
    parts[open[i]] = (uint8_t)at;
  }
}

static uint64_t total_of(const struct lens_part *parts, uint32_t count) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += parts[i].count;
  return total;
}

/* What is open at the end of the window, by side where that is known. */
static void add_carried(struct lens_match *match, uint32_t end, uint64_t number) {
  struct lens_mix *mix = &match->mix;
  const lens_deed *deeds = match->deeds.items;
  uint64_t inner = 0;
  for (uint32_t i = 0; match->even == LENS_EVEN && i < end; i++) {
    if (deeds[i].inner == 0 || !lens_deed_counts(&deeds[i])) continue;
    inner += lens_deed_takes(deeds[i].op) ? 1u : deeds[i].op == LENS_EVENT_RELEASE ? UINT64_MAX : 0;
  }
  bool known = match->even == LENS_EVEN && match->lost == 0 && inner <= number;
  uint32_t rest = known ? LENS_CODE_CARRIED_OWN : LENS_CODE_CARRIED;
  if (known) add_part(mix->givers, &mix->giver_count, LENS_CODE_CARRIED_INNER, inner, UINT64_MAX);
  add_part(mix->givers, &mix->giver_count, rest, known ? number - inner : number, UINT64_MAX);
}

void lens_mix_make(struct lens_pairs_state *pairs, uint32_t begin, uint32_t end,
                   bool open_is_known) {
  struct lens_match *match = &pairs->match;
  const struct lens_kept_deed *kept = pairs->deeds.items;
  const uint32_t *numbers = match->numbers.items;
  struct lens_mix *mix = &match->mix;
  const lens_deed *deeds = match->deeds.items;
  uint8_t *parts = match->parts.items;
  mix->taker_count = mix->giver_count = 0;
  add_part(mix->takers, &mix->taker_count, LENS_CODE_LOST, match->lost_left, 0);
  add_part(mix->takers, &mix->taker_count, LENS_CODE_BARE, match->bare_left, 0);
  if (open_is_known) add_open(match, kept);
  uint32_t takers_since = mix->taker_count, givers_since = 0;
  bool taking = true;
  for (uint32_t i = begin; i < end; i++) {
    bool takes = lens_deed_takes(deeds[i].op);
    if (!lens_deed_counts(&deeds[i])) continue;
    if (takes && !taking) takers_since = mix->taker_count;
    if (!takes && taking) givers_since = mix->giver_count;
    taking = takes;
    uint64_t stack = kept[numbers[i]].stack;
    parts[i] =
        takes
            ? add_deed(mix->takers, takers_since, &mix->taker_count, &deeds[i], numbers[i], stack)
            : add_deed(mix->givers, givers_since, &mix->giver_count, &deeds[i], numbers[i], stack);
  }
  for (uint32_t i = 0; end == match->count && i < match->end_count; i++)
    mix->givers[mix->giver_count++] = match->ends[i];
  uint64_t taken = total_of(mix->takers, mix->taker_count);
  uint64_t given = total_of(mix->givers, mix->giver_count);
  if (taken > given) add_carried(match, end, taken - given);
  if (given > taken) /* by counts that were cut off: nothing is known of it */
    add_part(mix->takers, &mix->taker_count, LENS_CODE_OTHERS, given - taken, 0);
}

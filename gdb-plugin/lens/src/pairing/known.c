/* Known pairs: references that the target says who kept.
 *
 * Where a container or another slot took a reference and gave it back, both events name it
 * (lens_event.holder): these are facts, and nothing has to be guessed.  So it is with what such a
 * holder took and holds now.  All of that is settled before anything is learned, and takes no part
 * in it but as an example.
 *
 * A slot keeps one reference at a time.  An object may keep several of one target, of which nothing
 * says which it gave up: as long as all that it took was given back or is held, any is as good.  If
 * one went elsewhere (was popped), and they were taken at different places, they are left to
 * matching.  So is all of an object whose other events then come in no possible order: one that was
 * popped, and given to the same holder again, looks as if it had stayed.  As there is no event of
 * that, what is left over is never certain on the ground of what is known here (leftover.c).
 *
 * What this is not: events without a holder are the caller's own, and match.c's.
 */
#include <stdlib.h>

#include "analysis.h"

/* A deed that names a holder. */
struct by_holder {
  uint64_t key; /* the block that the holder lies in, or its address where that is in none */
  uint32_t deed;
};

static int by_key(const void *a, const void *b) {
  const struct by_holder *left = a, *right = b;
  if (left->key != right->key) return left->key < right->key ? -1 : 1;
  return left->deed < right->deed ? -1 : left->deed > right->deed;
}

bool lens_holder_is_outside(const lens *self, uint64_t holder) {
  return lens_arena_find(self, holder) == LENS_NONE;
}

static uint64_t key_of(const lens *self, uint64_t holder) {
  uint32_t arena = lens_arena_find(self, holder);
  struct lens_block block;
  bool found = arena != LENS_NONE && lens_block_find(self, arena, holder, &block);
  return found ? block.start : holder;
}

/* What one holder did, in the order of time. */
struct group {
  const struct by_holder *rows;
  uint32_t count;
  uint32_t *open; /* deeds that it took and has not given back, `open_count` */
  uint32_t open_count;
  bool one_slot;  /* all are of one slot */
  bool one_place; /* all takes are of one place */
};

/* Goes through what the holder did; with `settle` pairs it. */
static void walk(struct lens_match *match, struct group *group, bool settle) {
  lens_deed *deeds = match->deeds.items;
  struct lens_known *pairs = match->known.items;
  uint32_t taken = LENS_NONE;
  group->open_count = 0;
  group->one_slot = group->one_place = true;
  for (uint32_t i = 0; i < group->count; i++) {
    uint32_t number = group->rows[i].deed;
    lens_deed *deed = &deeds[number];
    group->one_slot = group->one_slot && deed->holder == deeds[group->rows[0].deed].holder;
    if (lens_deed_takes(deed->op)) {
      uint32_t code = lens_code_of(deed);
      group->one_place = group->one_place && (taken == LENS_NONE || taken == code);
      taken = code;
      group->open[group->open_count++] = number;
    } else if (group->open_count > 0) {
      lens_deed *take = &deeds[group->open[--group->open_count]];
      if (!settle) continue;
      take->fate = deed->fate = LENS_FATE_PAIRED;
      take->known = deed->known = 1;
      take->partner = deed->sequence;
      deed->partner = take->sequence;
      pairs[match->known_count++] = (struct lens_known){lens_code_of(take), lens_code_of(deed)};
    }
  }
}

/* How many slots of the object at `holder` hold the target now. */
static uint32_t slots_of(const struct lens_analysis *analysis, uint64_t holder, uint32_t target,
                         uint32_t *type) {
  uint32_t source = lens_directory_exact(&analysis->snapshot.directory, holder);
  if (source == LENS_NONE) return 0;
  const uint64_t *starts = lens_in_starts(&analysis->index);
  const uint32_t *sources = lens_in_sources(&analysis->index); /* ascending */
  uint64_t low = starts[target], high = starts[target + 1];
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (sources[middle] < source)
      low = middle + 1;
    else
      high = middle;
  }
  uint32_t count = 0;
  while (low + count < starts[target + 1] && sources[low + count] == source) count++;
  *type = lens_row_types(&analysis->snapshot)[source];
  return count;
}

/* What the holder took last is what it holds: no more of it than there are ends for. */
static void settle_held(struct lens_match *match, const struct group *group, uint32_t slots,
                        uint32_t type) {
  lens_deed *deeds = match->deeds.items;
  struct lens_known *pairs = match->known.items;
  uint32_t code = lens_code_held(type), end = 0;
  while (end < match->end_count && match->ends[end].code != code) end++;
  if (end == match->end_count) return;
  for (uint32_t i = group->open_count; i > 0 && slots > 0 && match->ends[end].count > 0; i--) {
    lens_deed *deed = &deeds[group->open[i - 1]];
    deed->fate = LENS_FATE_HELD;
    deed->known = 1;
    pairs[match->known_count++] = (struct lens_known){lens_code_of(deed), code};
    match->ends[end].count--;
    slots--;
  }
}

static void settle(lens *self, uint32_t target, struct lens_match *match, struct group *group) {
  const lens_deed *deeds = match->deeds.items;
  uint64_t key = group->rows[0].key;
  uint32_t type = LENS_NONE, slots = 0;
  walk(match, group, false);
  if (target != LENS_NONE && group->open_count > 0)
    slots = slots_of(self->analysis, key, target, &type);
  bool is_object = deeds[group->rows[0].deed].holder == key && !lens_holder_is_outside(self, key);
  bool alike = group->one_place || (group->one_slot && !is_object && group->open_count <= 1);
  if (group->open_count > slots && !alike) return;
  walk(match, group, true);
  if (slots > 0) settle_held(match, group, slots, type);
}

/* Whether what is left for matching may be in this order: a release comes after its take, but for
 * those that are one too many. */
static bool rest_is_ordered(const struct lens_match *match) {
  const lens_deed *deeds = match->deeds.items;
  uint64_t open = match->lost, early = 0;
  for (uint32_t i = 0; i < match->count; i++) {
    if (!lens_deed_counts(&deeds[i])) continue;
    if (lens_deed_takes(deeds[i].op)) {
      open++;
    } else if (open > 0) {
      open--;
    } else {
      early++;
    }
  }
  return early <= match->bare + match->caught;
}

static void unsettle(struct lens_match *match) {
  lens_deed *deeds = match->deeds.items;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].known == 0) continue;
    deeds[i].known = 0;
    deeds[i].fate = LENS_FATE_UNMATCHED;
    deeds[i].partner = 0;
  }
  match->known_count = 0;
}

static void drop_empty_ends(struct lens_match *match) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < match->end_count; i++) {
    if (match->ends[i].count != 0) match->ends[count++] = match->ends[i];
  }
  match->end_count = count;
}

lens_status lens_known_settle(lens *self, uint32_t target, bool *settled) {
  struct lens_match *match = &self->analysis->pairs.match;
  const lens_deed *deeds = match->deeds.items;
  uint32_t count = 0;
  match->known_count = 0;
  *settled = true;
  for (uint32_t i = 0; i < match->count; i++) count += deeds[i].holder != 0;
  if (count == 0) return LENS_OK;
  if (!lens_column_reserve(&match->by_holder, count, sizeof(struct by_holder)) ||
      !lens_column_reserve(&match->known, count, sizeof(struct lens_known)))
    return lens_out_of_memory(self);
  struct by_holder *rows = match->by_holder.items;
  count = 0;
  for (uint32_t i = 0; i < match->count; i++) {
    if (deeds[i].holder == 0 || deeds[i].fate != LENS_FATE_UNMATCHED) continue;
    rows[count++] = (struct by_holder){key_of(self, deeds[i].holder), i};
  }
  if (count > 1) qsort(rows, count, sizeof *rows, by_key);
  for (uint32_t begin = 0, end; begin < count; begin = end) {
    for (end = begin + 1; end < count && rows[end].key == rows[begin].key;) end++;
    struct group group = {.rows = rows + begin, .count = end - begin, .open = match->work.items};
    settle(self, target, match, &group);
  }
  drop_empty_ends(match);
  *settled = rest_is_ordered(match);
  if (!*settled) unsettle(match);
  return LENS_OK;
}

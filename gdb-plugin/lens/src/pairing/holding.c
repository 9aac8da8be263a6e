/* Holding: what holds an object now, by kind, as the last ones to get what was taken.
 *
 * It comes from the accounts: slots by the type of their holder, the runtime, roots.  What is taken
 * beyond that is left over; what is held or given back beyond what was taken, bare.
 */
#include <stdlib.h>

#include "analysis.h"

static void add_end(struct lens_match *match, uint32_t code, uint64_t number) {
  if (number == 0) return;
  uint32_t i = 0;
  while (i < match->end_count && match->ends[i].code != code) i++;
  if (i == match->end_count) {
    if (i == LENS_MIX_ENDS) {
      match->ends[--i].code = LENS_CODE_OTHERS;
    } else {
      match->ends[match->end_count++] =
          (struct lens_part){.code = code, .first = UINT64_MAX, .last = UINT64_MAX};
    }
  }
  uint64_t sum = match->ends[i].count + number;
  match->ends[i].count = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static void add_slot(struct lens_match *match, uint32_t type) {
  add_end(match, lens_code_held(type), 1);
}

/* The slots that hold a live object, by the type of the holder. */
static uint64_t add_slots(const struct lens_analysis *analysis, uint32_t object, uint64_t opaque,
                          struct lens_match *match) {
  const uint64_t *starts = lens_in_starts(&analysis->index);
  const uint32_t *sources = lens_in_sources(&analysis->index);
  const uint32_t *types = lens_row_types(&analysis->snapshot);
  uint64_t count = starts[object + 1] - starts[object];
  uint64_t strong = count > opaque ? count - opaque : 0, added = 0;
  for (uint64_t i = starts[object]; i < starts[object + 1] && added < strong; i++, added++)
    add_slot(match, types[sources[i]]);
  return added;
}

static int by_target(const void *key, const void *row) {
  uint64_t target = *(const uint64_t *)key, other = ((const struct lens_stray *)row)->target;
  return target < other ? -1 : target > other;
}

/* Whether no other object was in its block since: what slots lead to is the last one. */
static bool is_last_there(lens *self, const struct lens_history *history) {
  lens_track track;
  return lens_track_at(self, history->object, &track) != LENS_OK || track.serial == 0 ||
         track.serial == history->serial;
}

/* The slots of live objects that lead to a freed one. */
static uint64_t add_strays(lens *self, const struct lens_history *history,
                           struct lens_match *match) {
  const struct lens_analysis *analysis = self->analysis;
  const struct lens_index *index = &analysis->index;
  uint64_t address = history->object;
  if (!analysis->audit.complete || index->stray_count == 0) return 0;
  const struct lens_stray *rows = index->strays.items;
  const struct lens_stray *found =
      bsearch(&address, rows, index->stray_count, sizeof *rows, by_target);
  if (found == NULL || !is_last_there(self, history)) return 0;
  while (found > rows && found[-1].target == address) found--;
  uint64_t count = 0;
  for (; found < rows + index->stray_count && found->target == address; found++, count++)
    add_slot(match, lens_row_types(&analysis->snapshot)[found->holder]);
  return count;
}

bool lens_holders_of(lens *self, const struct lens_history *history, struct lens_match *match,
                     uint32_t *out) {
  const struct lens_analysis *analysis = self->analysis;
  const struct lens_accounts_state *accounts = &analysis->accounts;
  uint64_t refcount = match->refcount;
  match->end_count = 0;
  match->bare = 0;
  *out = LENS_NONE;
  if (history->freed) {
    match->bare = add_strays(self, history, match);
    add_end(match, LENS_CODE_GONE, refcount);
    return true;
  }
  uint32_t object = LENS_NONE;
  if (accounts->complete)
    object = lens_directory_exact(&analysis->snapshot.directory, history->object);
  if (object == LENS_NONE) {
    add_end(match, LENS_CODE_ROOT, refcount);
    return false;
  }
  *out = object;
  const uint32_t *opaque_refs = accounts->opaque_refs.items;
  uint64_t opaque = opaque_refs == NULL ? 0 : opaque_refs[object];
  uint64_t runtime = ((const uint32_t *)accounts->runtime_refs.items)[object];
  uint64_t maybe = ((const uint32_t *)accounts->root_refs.items)[object] + opaque;
  uint64_t known = add_slots(analysis, object, opaque, match) + runtime;
  add_end(match, LENS_CODE_RUNTIME, runtime);
  if (known > refcount) {
    match->bare = known - refcount;
    return true;
  }
  uint64_t rest = refcount - known;
  add_end(match, LENS_CODE_ROOT, rest < maybe ? rest : maybe);
  add_end(match, LENS_CODE_LEFT, rest < maybe ? 0 : rest - maybe);
  return true;
}

/* Retained sizes by type.  See retained.h.
 *
 * Without the objects of type T, what is left is what a search from outside finds that steps on
 * none of them.  64 such searches go together: each object has a word of bits, one a type, that
 * says in which of them it was found; a search passes through an object where its bit is set and
 * the object is of another type.  An object whose word has grown is queued again, at most 64 times,
 * mostly once or twice, as the searches mostly arrive together.
 */
#include <string.h>

#include "analysis.h"
#include "memory/ahead.h"
#include "memory/best.h"

enum { STEPS_A_CLOCK = 1 << 14, NO_BIT = 64, AHEAD = 12 };

void lens_by_type_free(struct lens_by_type *self) {
  lens_dealloc(self->rows);
  lens_dealloc(self->chosen);
  lens_dealloc(self->bits);
  lens_column_free(&self->without);
  lens_column_free(&self->queue);
  lens_column_free(&self->queued);
  *self = (struct lens_by_type){0};
}

/* ---- which types ---- */

static bool begin(lens *self) {
  struct lens_by_type *types = &self->analysis->retained.types;
  lens_by_type_free(types);
  size_t count = self->model.type_count;
  types->rows = lens_alloc_zeroed(count, sizeof *types->rows);
  types->chosen = lens_alloc_zeroed(count, sizeof *types->chosen);
  types->bits = lens_alloc_zeroed(count, 1);
  uint64_t objects = self->analysis->snapshot.object_count;
  if (types->rows == NULL || types->chosen == NULL || types->bits == NULL ||
      !lens_column_reserve(&types->without, objects, sizeof(uint64_t)) ||
      !lens_column_reserve(&types->queue, objects + 1, sizeof(uint32_t)) ||
      !lens_column_reserve(&types->queued, objects / 64 + 1, sizeof(uint64_t)))
    return false;
  types->room = objects + 1;
  types->started = true;
  return true;
}

/* Counts the reached objects of each type; those that have some are worked out.  False: the slice
 * is over. */
static bool count_types(lens *self, const lens_slice *slice) {
  struct lens_by_type *types = &self->analysis->retained.types;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *numbers = self->analysis->retained.tree.number.items;
  while (types->at < snapshot->object_count) {
    uint32_t i = (uint32_t)types->at++, type = lens_row_types(snapshot)[i];
    if (type != LENS_NONE && numbers[i] != 0) {
      types->rows[type].count++;
      types->rows[type].own_bytes += lens_weights_of(self, i);
    }
    if (types->at % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return false;
  }
  for (uint32_t i = 0; i < self->model.type_count; i++) {
    types->rows[i].type = i;
    if (types->rows[i].count != 0) types->chosen[types->chosen_count++] = i;
  }
  types->counted = true;
  types->at = 0;
  return true;
}

/* ---- one pass ---- */

/* The searches that pass through the object once they have found it. */
static uint64_t passing(const struct lens_by_type *types, uint32_t type, uint64_t found) {
  uint8_t bit = type == LENS_NONE ? NO_BIT : types->bits[type];
  return bit == NO_BIT ? found : found & ~(1ull << bit);
}

/* Some searches have come to the object. */
static void find(struct lens_by_type *types, uint32_t object, uint64_t searches) {
  uint64_t *without = (uint64_t *)types->without.items + object;
  if ((searches & ~*without) == 0) return;
  *without |= searches;
  uint64_t *queued = (uint64_t *)types->queued.items + object / 64, bit = 1ull << (object % 64);
  if ((*queued & bit) != 0) return;
  *queued |= bit;
  uint64_t at = types->head + types->count++;
  ((uint32_t *)types->queue.items)[at < types->room ? at : at - types->room] = object;
}

/* A search does not find the objects of its own type. */
static void find_from(lens *self, uint32_t object, uint64_t searches) {
  struct lens_by_type *types = &self->analysis->retained.types;
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  find(types, object, passing(types, type, searches));
}

/* Which types the pass is for, a bit each. */
static uint64_t all_searches(const struct lens_by_type *types) {
  uint32_t left = types->chosen_count - types->first;
  return left < NO_BIT ? (1ull << left) - 1 : UINT64_MAX;
}

/* Forgets the pass before: the words of `without`, a part at a time.  False: the slice is over. */
static bool pass_clear(lens *self, const lens_slice *slice) {
  struct lens_by_type *types = &self->analysis->retained.types;
  uint64_t *without = types->without.items, objects = self->analysis->snapshot.object_count;
  while (types->at < objects) {
    uint64_t left = objects - types->at, part = left < STEPS_A_CLOCK ? left : STEPS_A_CLOCK;
    memset(without + types->at, 0, (size_t)part * sizeof *without);
    types->at += part;
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

/* Finds what is held from outside: entries first, then what stands by itself.  False: the slice is
 * over. */
static bool pass_begin(lens *self, const lens_slice *slice) {
  struct lens_by_type *types = &self->analysis->retained.types;
  const struct lens_retained *retained = &self->analysis->retained;
  const uint64_t *standing = retained->standing.items;
  const uint32_t *entry = retained->tree.entry.items, *rooted = retained->rooted.items;
  uint64_t objects = self->analysis->snapshot.object_count, all = all_searches(types);
  if (!types->rooted) {
    if (!pass_clear(self, slice)) return false;
    for (size_t i = 0; i < self->model.type_count; i++) types->bits[i] = NO_BIT;
    for (uint32_t i = 0; i < NO_BIT && types->first + i < types->chosen_count; i++)
      types->bits[types->chosen[types->first + i]] = (uint8_t)i;
    types->head = types->count = types->edge = types->at = 0;
    types->rooted = true;
  }
  for (; types->at < retained->rooted_count + objects;) {
    uint64_t at = types->at++, object = at - retained->rooted_count;
    if (at < retained->rooted_count) {
      if (entry[at] != 0) find_from(self, rooted[at], all);
    } else if ((standing[object / 64] >> (object % 64) & 1) != 0) {
      find_from(self, (uint32_t)object, all);
    }
    if (types->at % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return false;
  }
  types->at = 0;
  types->rooted = false;
  types->passing = true;
  return true;
}

/* Fetches what the object some places behind in the queue will need. */
static void fetch_ahead(const struct lens_by_type *types, const struct lens_graph *graph) {
  if (types->count <= AHEAD * 2) return;
  const uint32_t *queue = types->queue.items;
  uint64_t at = types->head + AHEAD * 2;
  lens_ahead_read(&graph->out_start[queue[at < types->room ? at : at - types->room]]);
  at -= AHEAD;
  uint32_t near = queue[at < types->room ? at : at - types->room];
  lens_ahead_read(&graph->out_target[graph->out_start[near]]);
}

/* Follows the queue.  False: the slice is over. */
static bool follow(lens *self, const lens_slice *slice) {
  struct lens_by_type *types = &self->analysis->retained.types;
  struct lens_graph graph = lens_graph_of(self);
  const uint64_t *without = types->without.items;
  uint64_t budget = STEPS_A_CLOCK;
  while (types->count > 0) {
    uint32_t object = ((const uint32_t *)types->queue.items)[types->head];
    if (types->edge == 0) {
      types->edge = graph.out_start[object];
      ((uint64_t *)types->queued.items)[object / 64] &= ~(1ull << (object % 64));
      fetch_ahead(types, &graph);
    }
    uint64_t searches = without[object], end = graph.out_start[object + 1];
    for (; types->edge < end && budget > 0; types->edge++, budget--)
      find_from(self, graph.out_target[types->edge], searches);
    if (types->edge >= end) {
      types->head = types->head + 1 < types->room ? types->head + 1 : 0;
      types->count--;
      types->edge = 0;
      if (budget > 0) budget--;
    }
    if (budget > 0) continue;
    if (lens_slice_over(slice)) return false;
    budget = STEPS_A_CLOCK;
  }
  return true;
}

/* What a search did not find goes with its type. */
static bool add_up(lens *self, const lens_slice *slice) {
  struct lens_by_type *types = &self->analysis->retained.types;
  const uint32_t *numbers = self->analysis->retained.tree.number.items;
  const uint64_t *without = types->without.items;
  uint64_t objects = self->analysis->snapshot.object_count;
  uint32_t left = types->chosen_count - types->first;
  uint64_t all = all_searches(types);
  for (uint64_t work = 0; types->at < objects; types->at++) {
    if (++work % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return false;
    if (numbers[types->at] == 0) continue;
    for (uint64_t missed = all & ~without[types->at]; missed != 0; missed &= missed - 1) {
      uint32_t type = types->chosen[types->first + (uint32_t)__builtin_ctzll(missed)];
      types->rows[type].objects++;
      types->rows[type].bytes += lens_weights_of(self, (uint32_t)types->at);
    }
  }
  types->first += left < NO_BIT ? left : NO_BIT;
  types->passing = false;
  types->at = 0;
  return true;
}

/* ---- the whole ---- */

lens_status lens_retained_types(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_retained_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_by_type *types = &self->analysis->retained.types;
  if (types->complete) return LENS_OK;
  if (!types->started && !begin(self)) {
    lens_by_type_free(types);
    return lens_out_of_memory(self);
  }
  if (!types->counted && !count_types(self, &slice)) return LENS_AGAIN;
  while (types->first < types->chosen_count) {
    lens_progress_set(progress, "types", types->first, types->chosen_count);
    if (!types->passing && !pass_begin(self, &slice)) return LENS_AGAIN;
    if (!follow(self, &slice) || !add_up(self, &slice)) return LENS_AGAIN;
    if (lens_slice_over(&slice)) return LENS_AGAIN;
  }
  lens_column_free(&types->without);
  lens_column_free(&types->queue);
  lens_column_free(&types->queued);
  types->complete = true;
  return LENS_OK;
}

lens_status lens_retained_types_get(lens *self, uint64_t capacity, lens_retained_type *rows,
                                    uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL || !self->analysis->retained.types.complete)
    return lens_fail(self, LENS_BAD_ARGUMENT, "call lens_retained_types first");
  const struct lens_by_type *types = &self->analysis->retained.types;
  uint64_t count = 0;
  if (capacity > types->chosen_count) capacity = types->chosen_count;
  struct lens_best *best = lens_alloc((size_t)capacity * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  for (uint32_t i = 0; i < types->chosen_count; i++) {
    struct lens_best offer = {types->rows[types->chosen[i]].bytes, types->chosen[i]};
    count = lens_best_offer(best, count, capacity, offer);
  }
  (void)lens_best_sort(best, count, count);
  for (uint64_t i = 0; i < count; i++) rows[i] = types->rows[best[i].row];
  lens_dealloc(best);
  *written = count;
  *total = types->chosen_count;
  return LENS_OK;
}

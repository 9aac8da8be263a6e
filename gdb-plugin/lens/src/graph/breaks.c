/* What would go if one declared slot of a cycle were weak.  See opened.h.
 *
 * Peeling: each object knows how many edges to it are left; those with none go, and take their own
 * edges with them.  What is never peeled is held by a ring that the slot is no part of.
 */
#include <stdlib.h>

#include "analysis.h"

enum {
  STEPS_A_CLOCK = 1 << 15,
  TRIED_MAX = 16 /* slots of a cycle of more than LARGE objects */
};
static const uint64_t LARGE = 1u << 20;

enum stage { STAGE_CLEAR, STAGE_COUNT, STAGE_START, STAGE_PEEL };

/* Takes `steps` from the budget; true: it is used up and the slice is over. */
static bool is_over(uint64_t *budget, const lens_slice *slice) {
  if (--*budget != 0) return false;
  *budget = STEPS_A_CLOCK;
  return lens_slice_over(slice);
}

/* Counts the edges to each object, without those of the peeling's key. */
static bool count_left(struct lens_opened *opened, uint64_t *budget, const lens_slice *slice) {
  struct lens_peeling *peeling = &opened->peeling;
  uint32_t *left = peeling->left.items;
  if (peeling->stage == STAGE_CLEAR) {
    for (; peeling->at < opened->count; peeling->at++) {
      if (is_over(budget, slice)) return false;
      left[peeling->at] = 0;
    }
    peeling->stage = STAGE_COUNT;
    peeling->at = 0;
  }
  const uint32_t *targets = opened->edge_target.items;
  const uint16_t *keys = opened->edge_key.items;
  for (; peeling->at < opened->edge_count; peeling->at++) {
    if (is_over(budget, slice)) return false;
    uint32_t *count = &left[targets[peeling->at]];
    if (keys[peeling->at] != peeling->key && *count != UINT32_MAX) ++*count;
  }
  peeling->stage = STAGE_START;
  peeling->at = 0;
  return true;
}

static bool peel(struct lens_opened *opened, uint64_t *budget, const lens_slice *slice) {
  struct lens_peeling *peeling = &opened->peeling;
  const uint64_t *starts = opened->edge_start.items;
  const uint32_t *targets = opened->edge_target.items;
  const uint16_t *keys = opened->edge_key.items;
  uint32_t *left = peeling->left.items, *queue = peeling->queue.items;
  for (; peeling->stage == STAGE_START && peeling->at < opened->count; peeling->at++) {
    if (is_over(budget, slice)) return false;
    if (left[peeling->at] == 0) queue[peeling->tail++] = (uint32_t)peeling->at;
  }
  if (peeling->stage == STAGE_START) peeling->at = 0;
  peeling->stage = STAGE_PEEL;
  for (; peeling->head < peeling->tail; peeling->head++, peeling->at = 0) {
    uint32_t object = queue[peeling->head];
    if (peeling->at < starts[object]) peeling->at = starts[object];
    for (; peeling->at < starts[object + 1]; peeling->at++) {
      if (is_over(budget, slice)) return false;
      uint32_t *count = &left[targets[peeling->at]];
      if (keys[peeling->at] == peeling->key || *count == UINT32_MAX) continue;
      if (--*count == 0) queue[peeling->tail++] = targets[peeling->at];
    }
  }
  return true;
}

static void peeling_begin(struct lens_peeling *peeling, uint16_t key) {
  peeling->key = key;
  peeling->stage = STAGE_CLEAR;
  peeling->at = peeling->head = peeling->tail = 0;
}

/* ---- what holds them from outside ---- */

/* With no edge taken away `left` is what the references within explain of each count. */
lens_status lens_opened_counts(lens *self, const lens_slice *slice) {
  struct lens_opened *opened = &self->analysis->opened;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  struct lens_peeling *peeling = &opened->peeling;
  if (peeling->left.items == NULL) {
    if (!lens_column_reserve(&peeling->left, opened->count, sizeof(uint32_t)) ||
        !lens_column_reserve(&peeling->queue, opened->count, sizeof(uint32_t)))
      return lens_out_of_memory(self);
    peeling_begin(peeling, LENS_KEY_NONE - 1); /* no edge has that key */
    opened->outside_refs = 0;
  }
  uint64_t budget = STEPS_A_CLOCK;
  if (peeling->stage < STAGE_START && !count_left(opened, &budget, slice)) return LENS_AGAIN;
  const uint32_t *members = lens_cycle_members(cycles, &lens_cycle_rows(cycles)[opened->cycle]);
  const uint32_t *left = peeling->left.items;
  for (; peeling->at < opened->count; peeling->at++) {
    if (is_over(&budget, slice)) return LENS_AGAIN;
    uint32_t object = members[peeling->at], count = lens_row_refcounts(snapshot)[object];
    uint32_t never = LENS_STATE_IMMORTAL | LENS_STATE_SATURATED;
    if ((lens_row_states(snapshot)[object] & never) != 0) continue;
    if (count > left[peeling->at]) opened->outside_refs += count - left[peeling->at];
  }
  peeling_begin(peeling, 0);
  return LENS_OK;
}

/* ---- each slot in turn ---- */

static int by_slots(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left > right ? -1 : left < right;
}

/* Which keys are tried: all, or of a large cycle those that hold most of its references. */
static bool choose(struct lens_opened *opened) {
  uint64_t least = 0;
  if (opened->count > LARGE && opened->key_count > TRIED_MAX) {
    uint64_t *counts = lens_alloc(opened->key_count * sizeof *counts);
    if (counts == NULL) return false;
    for (size_t i = 0; i < opened->key_count; i++) counts[i] = opened->keys[i].shown.slot_count;
    qsort(counts, opened->key_count, sizeof *counts, by_slots);
    least = counts[TRIED_MAX - 1];
    lens_dealloc(counts);
  }
  uint64_t tried = 0;
  for (size_t i = 0; i < opened->key_count; i++) {
    lens_cycle_break *shown = &opened->keys[i].shown;
    shown->tried = shown->slot_count >= least && (least == 0 || tried < TRIED_MAX);
    tried += shown->tried;
  }
  opened->untried = opened->key_count - tried;
  return true;
}

lens_status lens_opened_breaks(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_opened *opened = &self->analysis->opened;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  struct lens_peeling *peeling = &opened->peeling;
  const uint32_t *members = lens_cycle_members(cycles, &lens_cycle_rows(cycles)[opened->cycle]);
  uint64_t budget = STEPS_A_CLOCK;
  if (peeling->key == 0 && peeling->stage == STAGE_CLEAR && peeling->at == 0 && !choose(opened))
    return lens_out_of_memory(self);
  while (peeling->key < opened->key_count) {
    lens_cycle_break *shown = &opened->keys[peeling->key].shown;
    if (shown->tried != 0) {
      lens_progress_set(progress, "slots of the cycle", peeling->key, opened->key_count);
      if (peeling->stage < STAGE_START && !count_left(opened, &budget, slice)) return LENS_AGAIN;
      if (!peel(opened, &budget, slice)) return LENS_AGAIN;
      shown->object_count = peeling->tail;
      shown->bytes = 0;
      const uint32_t *queue = peeling->queue.items;
      for (uint64_t i = 0; i < peeling->tail; i++)
        shown->bytes += lens_weights_of(self, members[queue[i]]);
    }
    peeling_begin(peeling, (uint16_t)(peeling->key + 1));
  }
  lens_column_free(&peeling->left);
  lens_column_free(&peeling->queue);
  return LENS_OK;
}

/* ---- rows ---- */

static int compare(uint64_t left, uint64_t right) { return left < right ? -1 : left > right; }

/* The best first: see lens_cycle_breaks. */
static int by_worth(const void *a, const void *b) {
  const lens_cycle_break *left = a, *right = b;
  int order = compare(right->bytes, left->bytes);
  if (order == 0) order = compare(right->object_count, left->object_count);
  if (order == 0) order = compare(left->builtin, right->builtin);
  if (order == 0) order = compare(left->owner, right->owner);
  if (order == 0) order = compare(left->slot_count, right->slot_count);
  if (order == 0) order = compare(right->back_count, left->back_count);
  if (order == 0) order = compare(left->type, right->type);
  if (order == 0) order = compare(left->slot, right->slot);
  return order != 0 ? order : compare(left->part, right->part);
}

lens_status lens_cycle_breaks(lens *self, uint64_t capacity, lens_cycle_break *rows,
                              uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL || self->analysis->opened.phase != LENS_OPENED_DONE)
    return lens_fail(self, LENS_BAD_ARGUMENT, "open a cycle first");
  const struct lens_opened *opened = &self->analysis->opened;
  lens_cycle_break *all = lens_alloc(opened->key_count * sizeof *all);
  if (all == NULL) return lens_out_of_memory(self);
  for (size_t i = 0; i < opened->key_count; i++) all[i] = opened->keys[i].shown;
  if (opened->key_count > 1) qsort(all, opened->key_count, sizeof *all, by_worth);
  uint64_t count = capacity < opened->key_count ? capacity : opened->key_count;
  for (uint64_t i = 0; i < count; i++) rows[i] = all[i];
  *written = count;
  *total = opened->key_count;
  lens_dealloc(all);
  return LENS_OK;
}

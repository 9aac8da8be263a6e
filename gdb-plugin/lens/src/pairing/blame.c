/* Blame: what is left over of all findings of the audit, summed up by place. */
#include <stdlib.h>

#include "analysis.h"

enum { FINDINGS_A_CLOCK = 8, BLAMES_MAX = 4096 };

static lens_status ready(lens *self) {
  if (self->analysis != NULL && self->analysis->pairs.phase >= LENS_PAIRS_READ) return LENS_OK;
  return lens_fail(self, LENS_BAD_ARGUMENT, "read the events first");
}

static lens_status pairing_of(lens *self, uint64_t heap, uint64_t serial, const lens_slice *slice,
                              lens_progress *progress, lens_pairing *out) {
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  const struct lens_history *history = lens_history_find(self, (uint32_t)heap, serial);
  if (history == NULL) return LENS_NOT_FOUND;
  lens_status status = lens_match_history(self, history, slice, progress);
  if (status == LENS_OK) *out = self->analysis->pairs.match.shown;
  return status;
}

lens_status lens_pairing_of(lens *self, uint64_t heap, uint64_t serial, uint32_t slice_ms,
                            lens_progress *progress, lens_pairing *out) {
  lens_status status = ready(self);
  if (status != LENS_OK) return status;
  lens_slice slice = lens_slice_begin(slice_ms);
  return pairing_of(self, heap, serial, &slice, progress, out);
}

/* The object at the address, or the last one that was there. */
static lens_status pairing_at(lens *self, uint64_t address, const lens_slice *slice,
                              lens_pairing *out) {
  lens_track track;
  lens_status status = lens_track_at(self, address, &track);
  return status == LENS_OK ? pairing_of(self, track.heap, track.serial, slice, NULL, out) : status;
}

/* ---- sums ---- */

/* Another place that might be to blame instead, in a list of all of one blame. */
struct other {
  uint32_t site, next; /* next: 1 + its index; 0: none */
};
struct other_list {
  uint32_t first, count;
};

void lens_blame_forget(struct lens_pairs_state *self) {
  self->blame_row = self->blame_count = self->blame_other_count = self->silent = 0;
  self->blamed = false;
}

/* Each place once, however many objects might have it. */
static lens_status add_other(lens *self, uint64_t blame, uint32_t site) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_unmatched *row = (lens_unmatched *)pairs->blames.items + blame;
  struct other_list *list = (struct other_list *)pairs->blame_lists.items + blame;
  const struct other *others = pairs->blame_others.items;
  if (site == row->site) return LENS_OK;
  for (uint32_t at = list->first; at != 0; at = others[at - 1].next) {
    if (others[at - 1].site == site) return LENS_OK;
  }
  if (!lens_column_reserve(&pairs->blame_others, pairs->blame_other_count + 1, sizeof *others))
    return lens_out_of_memory(self);
  ((struct other *)pairs->blame_others.items)[pairs->blame_other_count++] =
      (struct other){site, list->first};
  list->first = (uint32_t)pairs->blame_other_count;
  if (list->count++ < LENS_OTHERS_MAX) row->others[row->other_count++] = site;
  return LENS_OK;
}

static lens_status add_others(lens *self, uint64_t blame, const lens_unmatched *more) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  for (uint32_t i = 0; i < more->other_count; i++) {
    lens_status status = add_other(self, blame, more->others[i]);
    if (status != LENS_OK) return status;
  }
  lens_unmatched *row = (lens_unmatched *)pairs->blames.items + blame;
  uint32_t unnamed =
      ((struct other_list *)pairs->blame_lists.items)[blame].count - row->other_count;
  if (unnamed < more->other_more) unnamed = more->other_more;
  if (row->other_more < unnamed) row->other_more = unnamed;
  return LENS_OK;
}

static lens_status add(lens *self, const lens_unmatched *row) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_unmatched *rows = pairs->blames.items;
  for (uint64_t i = 0; i < pairs->blame_count; i++) {
    if (rows[i].site != row->site || rows[i].op != row->op || rows[i].inner != row->inner) continue;
    rows[i].count += row->count;
    rows[i].objects++;
    if (row->sureness > rows[i].sureness) rows[i].sureness = row->sureness;
    return add_others(self, i, row);
  }
  uint64_t count = pairs->blame_count;
  if (count == BLAMES_MAX) return LENS_OK;
  if (!lens_column_reserve(&pairs->blames, count + 1, sizeof *rows) ||
      !lens_column_reserve(&pairs->blame_lists, count + 1, sizeof(struct other_list)))
    return lens_out_of_memory(self);
  rows = pairs->blames.items;
  rows[count] = *row;
  rows[count].other_count = rows[count].other_more = 0;
  ((struct other_list *)pairs->blame_lists.items)[count] = (struct other_list){0};
  pairs->blame_count++;
  return add_others(self, count, row);
}

static lens_status blame_one(lens *self, const struct lens_audit_row *found,
                             const lens_slice *slice) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  if ((found->doubts & LENS_DOUBT_GUESSED) != 0) return LENS_OK;
  lens_pairing pairing;
  lens_status status = pairing_at(self, found->address, slice, &pairing);
  if (status == LENS_NOT_FOUND) {
    pairs->silent++;
    return LENS_OK;
  }
  const lens_unmatched *rows = pairs->match.unmatched.items;
  for (uint32_t i = 0; status == LENS_OK && i < pairing.unmatched_count; i++)
    status = add(self, &rows[i]);
  return status;
}

static int by_count(const void *a, const void *b) {
  const lens_unmatched *left = a, *right = b;
  if (left->count != right->count) return left->count > right->count ? -1 : 1;
  if (left->site != right->site) return left->site < right->site ? -1 : 1;
  return left->op < right->op ? -1 : left->op > right->op;
}

lens_status lens_blame(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_status status = ready(self);
  if (status != LENS_OK) return status;
  const struct lens_audit_state *audit = &self->analysis->audit;
  if (!audit->complete) return lens_fail(self, LENS_BAD_ARGUMENT, "audit the heap first");
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_slice slice = lens_slice_begin(slice_ms);
  if (pairs->blamed) lens_blame_forget(pairs);
  const struct lens_audit_row *rows = audit->rows.items;
  while (pairs->blame_row < audit->totals.findings) {
    status = blame_one(self, &rows[pairs->blame_row], &slice);
    if (status == LENS_AGAIN) return status;
    if (status != LENS_OK) {
      lens_blame_forget(pairs);
      return status;
    }
    pairs->blame_row++;
    lens_progress_set(progress, "blame", pairs->blame_row, audit->totals.findings);
    if (pairs->blame_row % FINDINGS_A_CLOCK == 0 && lens_slice_over(&slice)) return LENS_AGAIN;
  }
  if (pairs->blame_count > 1)
    qsort(pairs->blames.items, pairs->blame_count, sizeof(lens_unmatched), by_count);
  pairs->blamed = true;
  return LENS_OK;
}

lens_status lens_blame_rows(const lens *self, uint64_t capacity, lens_unmatched *rows,
                            uint64_t *written, uint64_t *total, uint64_t *silent) {
  if (self->analysis == NULL || !self->analysis->pairs.blamed) return LENS_BAD_ARGUMENT;
  const struct lens_pairs_state *pairs = &self->analysis->pairs;
  const lens_unmatched *all = pairs->blames.items;
  uint64_t count = 0;
  for (; count < pairs->blame_count && count < capacity; count++) rows[count] = all[count];
  *written = count;
  *total = pairs->blame_count;
  *silent = pairs->silent;
  return LENS_OK;
}

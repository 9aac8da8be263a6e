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

void lens_blame_forget(struct lens_pairs_state *self) {
  self->blame_row = self->blame_count = self->silent = 0;
  self->blamed = false;
}

static void add_others(lens_unmatched *row, const lens_unmatched *more) {
  for (uint32_t i = 0; i < more->other_count; i++) {
    uint32_t at = 0;
    while (at < row->other_count && row->others[at] != more->others[i]) at++;
    if (at < row->other_count || more->others[i] == row->site) continue;
    if (at < LENS_OTHERS_MAX) {
      row->others[row->other_count++] = more->others[i];
    } else {
      row->other_more++;
    }
  }
  if (row->other_more < more->other_more) row->other_more = more->other_more;
}

static lens_status add(lens *self, const lens_unmatched *row) {
  struct lens_pairs_state *pairs = &self->analysis->pairs;
  lens_unmatched *rows = pairs->blames.items;
  for (uint64_t i = 0; i < pairs->blame_count; i++) {
    if (rows[i].site != row->site || rows[i].op != row->op || rows[i].inner != row->inner) continue;
    rows[i].count += row->count;
    rows[i].objects++;
    if (row->sureness > rows[i].sureness) rows[i].sureness = row->sureness;
    add_others(&rows[i], row);
    return LENS_OK;
  }
  if (pairs->blame_count == BLAMES_MAX) return LENS_OK;
  if (!lens_column_reserve(&pairs->blames, pairs->blame_count + 1, sizeof *rows))
    return lens_out_of_memory(self);
  ((lens_unmatched *)pairs->blames.items)[pairs->blame_count++] = *row;
  return LENS_OK;
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

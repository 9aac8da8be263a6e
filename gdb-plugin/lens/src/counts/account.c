/* Accounting: a count against the references that explain it.
 *
 *   known = strong slots in objects + the runtime's own references
 *   most  = known + suspected words of opaque objects + roots
 *
 * A count below `known` is under-retained, one above `most` over-retained, any other balanced.
 * What is dying had a count of 0: a slot that owns it is one too many.  Nothing can be said without
 * such a slot, nor while the collector frees its garbage, which goes in parts.
 *
 * What this is not: the search for roots.  A count is judged by the roots that were added so far.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 14 };

struct explained {
  uint64_t strong, opaque, runtime, root;
  bool collecting; /* its heap is */
};

static bool is_collecting(const lens *self, uint32_t object) {
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  if (type == LENS_NONE) return true;
  const struct lens_heap_model *heap = &self->model.heaps[self->model.types[type].shown.heap];
  return heap->collecting || (heap->flux != LENS_FLUX_NONE && heap->flux != LENS_FLUX_RELEASE);
}

static uint32_t verdict_of(uint32_t state, uint64_t refcount, const struct explained *by,
                           int64_t *surplus) {
  *surplus = 0;
  if ((state & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0) return LENS_VERDICT_IMMORTAL;
  if ((state & LENS_STATE_DAMAGED) != 0) return LENS_VERDICT_UNKNOWN;
  if ((state & LENS_STATE_DYING) != 0) {
    if (by->strong == 0 || by->collecting) return LENS_VERDICT_UNKNOWN;
    *surplus = -(int64_t)(by->strong + by->runtime);
    return LENS_UNDER_RETAINED;
  }
  uint64_t known = by->strong + by->runtime, most = known + by->opaque + by->root;
  if (refcount < known) {
    *surplus = -(int64_t)(known - refcount);
    return LENS_UNDER_RETAINED;
  }
  if (refcount > most) {
    *surplus = (int64_t)(refcount - most);
    return LENS_OVER_RETAINED;
  }
  return LENS_BALANCED;
}

/* ---- one object ---- */

struct one {
  uint32_t object;
  uint64_t count;
};

static void count_if_same(void *context, uint32_t object) {
  struct one *one = context;
  one->count += object == one->object;
}

static int by_object(const void *key, const void *row) {
  uint32_t object = *(const uint32_t *)key, other = ((const struct lens_suspect *)row)->object;
  return object < other ? -1 : object > other;
}

uint64_t lens_opaque_refs_of(const struct lens_index *index, uint32_t object) {
  if (index->suspect_count == 0) return 0;
  const uint64_t *in = lens_in_starts(index), *out = lens_out_starts(index);
  const uint32_t *sources = lens_in_sources(index), *targets = lens_out_targets(index);
  uint64_t count = 0;
  for (uint64_t i = in[object]; i < in[object + 1]; i++) {
    if (i != in[object] && sources[i] == sources[i - 1]) continue;
    const struct lens_suspect *suspect = bsearch(&sources[i], index->suspects.items,
                                                 index->suspect_count, sizeof *suspect, by_object);
    if (suspect == NULL) continue;
    for (uint64_t edge = suspect->first; edge < out[sources[i] + 1]; edge++)
      count += targets[edge] == object;
  }
  return count;
}

static lens_status count_heap_refs(lens *self, uint32_t object, const lens_slice *slice,
                                   struct explained *by) {
  const struct lens_index *index = &self->analysis->index;
  if (index->complete) {
    by->opaque = lens_opaque_refs_of(index, object);
    by->strong = lens_in_starts(index)[object + 1] - lens_in_starts(index)[object] - by->opaque;
    return LENS_OK;
  }
  lens_status status =
      lens_referrers_find(self, lens_row_addresses(&self->analysis->snapshot)[object], slice);
  if (status != LENS_OK) return status;
  by->strong = self->analysis->referrers.strong;
  by->opaque = self->analysis->referrers.opaque;
  return LENS_OK;
}

/* A balance that needs a guess is a guess. */
static uint32_t exactness_of(const lens *self, uint32_t object, uint64_t refcount,
                             const struct explained *by) {
  uint32_t exactness = self->analysis->snapshot.totals.exactness;
  if (by->opaque != 0) exactness = LENS_CONFIDENCE_CONSERVATIVE;
  if (refcount <= by->strong + by->runtime || by->root == 0) return exactness;
  const struct lens_roots *roots = &self->analysis->roots;
  const uint32_t *next = roots->next.items;
  for (uint32_t at = ((const uint32_t *)roots->first_of.items)[object]; at != 0;
       at = next[at - 1]) {
    uint32_t confidence = lens_root_rows(roots)[at - 1].confidence;
    if (confidence > exactness) exactness = confidence;
  }
  return exactness;
}

lens_status lens_account_object(lens *self, uint32_t object, uint32_t slice_ms, lens_account *out) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  if (object >= snapshot->object_count)
    return lens_fail(self, LENS_NOT_FOUND, "no object has the index %u", object);
  lens_slice slice = lens_slice_begin(slice_ms);
  struct explained by = {0};
  status = count_heap_refs(self, object, &slice, &by);
  if (status != LENS_OK) return status;
  struct one one = {object, 0};
  struct lens_holding_place held = {0};
  status = lens_runtime_visit(self, &held, NULL, count_if_same, &one);
  if (status != LENS_OK) return status;
  uint32_t state = lens_row_states(snapshot)[object];
  by.runtime = one.count + ((state & LENS_STATE_HELD) != 0);
  by.root = lens_roots_count_of(&self->analysis->roots, object);
  by.collecting = is_collecting(self, object);

  uint64_t refcount = lens_row_refcounts(snapshot)[object];
  lens_account account = {.refcount = refcount,
                          .heap_refs = by.strong + by.opaque,
                          .runtime_refs = by.runtime,
                          .root_refs = by.root};
  account.verdict = verdict_of(state, refcount, &by, &account.surplus);
  account.exactness = exactness_of(self, object, refcount, &by);
  *out = account;
  return LENS_OK;
}

/* ---- all objects ---- */

void lens_accounts_free(struct lens_accounts_state *self) {
  lens_column_free(&self->heap_refs);
  lens_column_free(&self->opaque_refs);
  lens_column_free(&self->root_refs);
  lens_column_free(&self->runtime_refs);
  lens_column_free(&self->verdict);
  *self = (struct lens_accounts_state){0};
}

static void count_runtime(void *context, uint32_t object) { ((uint32_t *)context)[object]++; }

/* Columns of zeros. */
static lens_status begin(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_accounts_state *accounts = &analysis->accounts;
  uint64_t objects = analysis->snapshot.object_count;
  lens_accounts_free(accounts);
  if (!lens_column_reserve(&accounts->heap_refs, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&accounts->root_refs, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&accounts->runtime_refs, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&accounts->verdict, objects, sizeof(uint8_t)) ||
      (analysis->index.suspect_count != 0 &&
       !lens_column_reserve(&accounts->opaque_refs, objects, sizeof(uint32_t)))) {
    return lens_out_of_memory(self);
  }
  accounts->started = true;
  accounts->totals =
      (lens_accounts){.object_count = objects, .exactness = analysis->snapshot.totals.exactness};
  return LENS_OK;
}

/* The words of opaque objects, and roots.  LENS_AGAIN: the slice is over. */
static lens_status count_words(struct lens_analysis *analysis, const lens_slice *slice) {
  struct lens_accounts_state *accounts = &analysis->accounts;
  const struct lens_index *index = &analysis->index;
  const struct lens_suspect *suspects = index->suspects.items;
  uint32_t *opaque = accounts->opaque_refs.items, *root_refs = accounts->root_refs.items;
  uint64_t work = 0;
  for (; accounts->suspect < index->suspect_count; accounts->suspect++, accounts->edge = 0) {
    const struct lens_suspect *suspect = &suspects[accounts->suspect];
    uint64_t end = lens_out_starts(index)[suspect->object + 1];
    for (; suspect->first + accounts->edge < end; accounts->edge++) {
      if (++work % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
      opaque[lens_out_targets(index)[suspect->first + accounts->edge]]++;
    }
  }
  const lens_root *roots = lens_root_rows(&analysis->roots);
  for (; accounts->root < analysis->roots.count; accounts->root++) {
    if (++work % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
    root_refs[roots[accounts->root].object]++;
  }
  return LENS_OK;
}

/* What is sparse: suspected words, roots, the runtime's own. */
static lens_status count_sparse(lens *self, const lens_slice *slice) {
  struct lens_accounts_state *accounts = &self->analysis->accounts;
  lens_status status = count_words(self->analysis, slice);
  if (status == LENS_OK)
    status = lens_runtime_visit(self, &accounts->held, slice, count_runtime,
                                accounts->runtime_refs.items);
  accounts->counted = status == LENS_OK;
  return status;
}

static void add_verdict(lens_accounts *totals, uint32_t verdict, int64_t surplus) {
  switch (verdict) {
    case LENS_BALANCED:
      totals->balanced++;
      break;
    case LENS_OVER_RETAINED:
      totals->over++;
      totals->surplus += (uint64_t)surplus;
      break;
    case LENS_UNDER_RETAINED:
      totals->under++;
      totals->deficit += (uint64_t)-surplus;
      break;
    case LENS_VERDICT_IMMORTAL:
      totals->immortal++;
      break;
    default:
      totals->unknown++;
      break;
  }
}

static void judge(const lens *self, uint64_t end) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_accounts_state *accounts = &analysis->accounts;
  const struct lens_snapshot *snapshot = &analysis->snapshot;
  const uint64_t *in = lens_in_starts(&analysis->index);
  const uint32_t *opaque = accounts->opaque_refs.items, *root_refs = accounts->root_refs.items;
  uint32_t *heap_refs = accounts->heap_refs.items;
  uint32_t *runtime_refs = accounts->runtime_refs.items;
  uint8_t *verdicts = accounts->verdict.items;
  for (uint64_t i = accounts->row; i < end; i++) {
    uint32_t state = lens_row_states(snapshot)[i];
    struct explained by = {.opaque = opaque == NULL ? 0 : opaque[i], .root = root_refs[i]};
    by.strong = in[i + 1] - in[i] - by.opaque;
    by.collecting = (state & LENS_STATE_DYING) != 0 && is_collecting(self, (uint32_t)i);
    if ((state & LENS_STATE_HELD) != 0) count_runtime(runtime_refs, (uint32_t)i);
    by.runtime = runtime_refs[i];
    heap_refs[i] = by.strong < UINT32_MAX ? (uint32_t)by.strong : UINT32_MAX;
    int64_t surplus;
    verdicts[i] = (uint8_t)verdict_of(state, lens_row_refcounts(snapshot)[i], &by, &surplus);
    add_verdict(&accounts->totals, verdicts[i], surplus);
  }
  accounts->row = end;
}

lens_status lens_account_all_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_index_in(self, slice, progress);
  if (status != LENS_OK) return status;
  struct lens_accounts_state *accounts = &self->analysis->accounts;
  if (accounts->complete) return LENS_OK;
  if (!accounts->started) status = begin(self);
  if (status == LENS_OK && !accounts->counted) status = count_sparse(self, slice);
  if (status != LENS_OK && status != LENS_AGAIN) lens_accounts_free(accounts);
  uint64_t objects = self->analysis->snapshot.object_count;
  while (status == LENS_OK && accounts->row < objects) {
    judge(self, accounts->row + ROWS_A_CLOCK < objects ? accounts->row + ROWS_A_CLOCK : objects);
    lens_progress_set(progress, "accounts", accounts->row, objects);
    if (accounts->row < objects && lens_slice_over(slice)) status = LENS_AGAIN;
  }
  accounts->complete = status == LENS_OK;
  return status;
}

lens_status lens_account_all(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_account_all_in(self, &slice, progress);
}

lens_status lens_accounts_get(const lens *self, lens_accounts *out) {
  if (self->analysis == NULL || !self->analysis->accounts.complete) return LENS_BAD_ARGUMENT;
  const struct lens_accounts_state *accounts = &self->analysis->accounts;
  lens_accounts all = accounts->totals;
  all.heap_refs = accounts->heap_refs.items;
  all.opaque_refs = accounts->opaque_refs.items;
  all.root_refs = accounts->root_refs.items;
  all.runtime_refs = accounts->runtime_refs.items;
  all.verdict = accounts->verdict.items;
  *out = all;
  return LENS_OK;
}

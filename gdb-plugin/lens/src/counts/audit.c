/* The audit: of all accounts those that don't add up, with the doubts about each.
 *
 * Findings are kept by address, a few bytes each, and which are the worst so far: a heap whose
 * every count is wrong costs no sort, and asking for a screenful of rows no pass over all.
 *
 * What this is not: the accounts (account.c), the doubts (doubts.c, reclaim.c), what was freed and
 * is held (strays.c), or who forgot what (pairs.h).
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "turn.h"

enum { ROWS_A_CLOCK = 1 << 13 };

void lens_audit_free(struct lens_audit_state *self) {
  lens_dealloc(self->type_glob);
  lens_dealloc(self->matches);
  lens_dealloc(self->heap_doubts);
  lens_dealloc(self->reclaims);
  lens_dealloc(self->in_flux);
  lens_let_go_free(&self->let_go);
  lens_dealloc(self->worst);
  lens_column_free(&self->rows);
  lens_sorting_free(&self->sorting);
  *self = (struct lens_audit_state){0};
}

/* ---- the filter ---- */

static void match_types(const lens *self, const char *type_glob, uint8_t *matches) {
  for (size_t i = 0; i < self->model.type_count; i++) {
    const char *name = self->model.types[i].shown.name;
    matches[i] = type_glob == NULL || (name != NULL && fnmatch(type_glob, name, 0) == 0);
  }
  matches[self->model.type_count] = type_glob == NULL;
}

/* The text is copied: the caller's may be another by the next call. */
static lens_status keep_filter(lens *self, const lens_audit_filter *filter) {
  struct lens_audit_state *audit = &self->analysis->audit;
  audit->filter = *filter;
  audit->filter.type_glob = NULL;
  if (filter->type_glob == NULL) return LENS_OK;
  size_t bytes = strlen(filter->type_glob) + 1;
  audit->type_glob = lens_alloc(bytes);
  if (audit->type_glob == NULL) return lens_out_of_memory(self);
  memcpy(audit->type_glob, filter->type_glob, bytes);
  audit->filter.type_glob = audit->type_glob;
  return LENS_OK;
}

static bool is_same(const lens_audit_filter *one, const lens_audit_filter *other) {
  if (one->roots_missing != other->roots_missing || one->guessed != other->guessed) return false;
  if (one->type_glob == NULL || other->type_glob == NULL) return one->type_glob == other->type_glob;
  return strcmp(one->type_glob, other->type_glob) == 0;
}

static bool is_wanted(const lens *self, uint32_t type) {
  return self->analysis->audit.matches[type == LENS_NONE ? self->model.type_count : type] != 0;
}

static lens_status begin(lens *self, const lens_audit_filter *filter) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_audit_state *audit = &analysis->audit;
  lens_audit_free(audit);
  lens_blame_forget(&analysis->pairs);
  lens_status status = keep_filter(self, filter);
  if (status != LENS_OK) return status;
  audit->matches = lens_alloc_zeroed(self->model.type_count + 1, 1);
  audit->worst = lens_alloc(LENS_AUDIT_WORST * sizeof *audit->worst);
  if (audit->matches == NULL || audit->worst == NULL) return lens_out_of_memory(self);
  match_types(self, filter->type_glob, audit->matches);
  status = lens_doubts_find(self);
  if (status != LENS_OK) return status;
  audit->totals.exactness = analysis->snapshot.totals.exactness;
  audit->started = true;
  return LENS_OK;
}

/* ---- judging ---- */

/* Certain before doubtful before guessed; then references, then bytes. */
static uint64_t badness_of(uint32_t verdict, uint32_t doubts, int64_t surplus, uint64_t bytes) {
  uint64_t sure = verdict == LENS_BALANCED ? 0 : doubts != 0 ? 1 : 2;
  uint64_t wrong = (uint64_t)(surplus < 0 ? -surplus : surplus);
  const uint64_t wrong_max = (1ull << 24) - 1, bytes_max = (1ull << 38) - 1;
  if (wrong > wrong_max) wrong = wrong_max;
  return sure << 62 | wrong << 38 | (bytes < bytes_max ? bytes : bytes_max);
}

static lens_status add_row(lens *self, const struct lens_audit_row *row, uint64_t badness) {
  struct lens_audit_state *audit = &self->analysis->audit;
  if (!lens_column_reserve(&audit->rows, audit->totals.findings + 1, sizeof *row))
    return lens_out_of_memory(self);
  struct lens_best offer = {badness, (uint32_t)audit->totals.findings};
  audit->worst_count = lens_best_offer(audit->worst, audit->worst_count, LENS_AUDIT_WORST, offer);
  ((struct lens_audit_row *)audit->rows.items)[audit->totals.findings++] = *row;
  return LENS_OK;
}

static int64_t surplus_of(const struct lens_analysis *analysis, uint32_t object, uint32_t verdict) {
  const struct lens_accounts_state *accounts = &analysis->accounts;
  int64_t refcount = lens_row_refcounts(&analysis->snapshot)[object];
  int64_t heap_refs = ((const uint32_t *)accounts->heap_refs.items)[object];
  int64_t runtime_refs = ((const uint32_t *)accounts->runtime_refs.items)[object];
  int64_t root_refs = ((const uint32_t *)accounts->root_refs.items)[object];
  const uint32_t *opaque = accounts->opaque_refs.items;
  int64_t known = heap_refs + runtime_refs;
  if (verdict == LENS_UNDER_RETAINED) return refcount - known;
  return verdict == LENS_OVER_RETAINED
             ? refcount - known - root_refs - (opaque == NULL ? 0 : opaque[object])
             : 0;
}

/* How many of the object's roots are no more than a guess. */
static uint64_t guessed_refs_of(const struct lens_roots *roots, uint32_t object) {
  if (roots->count == 0) return 0;
  const uint32_t *next = roots->next.items;
  uint64_t count = 0;
  for (uint32_t at = ((const uint32_t *)roots->first_of.items)[object]; at != 0; at = next[at - 1])
    count += lens_root_rows(roots)[at - 1].confidence == LENS_CONFIDENCE_CONSERVATIVE;
  return count;
}

/* A balance that holds only where a guess is right. */
static bool is_guessed(const struct lens_analysis *analysis, uint32_t object) {
  const struct lens_accounts_state *accounts = &analysis->accounts;
  uint64_t refcount = lens_row_refcounts(&analysis->snapshot)[object];
  uint64_t known = (uint64_t)((const uint32_t *)accounts->heap_refs.items)[object] +
                   ((const uint32_t *)accounts->runtime_refs.items)[object];
  if (refcount <= known) return false;
  uint64_t roots = ((const uint32_t *)accounts->root_refs.items)[object];
  return refcount > known + roots - guessed_refs_of(&analysis->roots, object);
}

static void add_unbalanced(lens_audit_totals *totals, uint32_t verdict, uint32_t doubts,
                           int64_t surplus) {
  if (verdict == LENS_OVER_RETAINED) {
    if (doubts != 0) {
      totals->over_doubtful++;
      return;
    }
    totals->over++;
    totals->surplus += (uint64_t)surplus;
  } else {
    if (doubts != 0) {
      totals->under_doubtful++;
      return;
    }
    totals->under++;
    totals->deficit += (uint64_t)-surplus;
  }
}

static lens_status judge(lens *self, uint32_t object) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_audit_state *audit = &analysis->audit;
  uint32_t verdict = ((const uint8_t *)analysis->accounts.verdict.items)[object];
  if (!is_wanted(self, lens_row_types(&analysis->snapshot)[object])) return LENS_OK;
  if (verdict == LENS_VERDICT_IMMORTAL || verdict == LENS_VERDICT_UNKNOWN) {
    audit->totals.immortal += verdict == LENS_VERDICT_IMMORTAL;
    audit->totals.unknown += verdict == LENS_VERDICT_UNKNOWN;
    return LENS_OK;
  }
  uint32_t doubts = 0;
  int64_t surplus = surplus_of(analysis, object, verdict);
  if (verdict == LENS_BALANCED) {
    audit->totals.balanced++;
    if (!is_guessed(analysis, object)) return LENS_OK;
    audit->totals.guessed++;
    if (audit->filter.guessed == 0) return LENS_OK;
    doubts = LENS_DOUBT_GUESSED;
  } else {
    lens_status status = lens_doubts_of(self, object, verdict, surplus, &doubts);
    if (status != LENS_OK) return status;
    add_unbalanced(&audit->totals, verdict, doubts, surplus);
  }
  struct lens_audit_row row = {.address = lens_row_addresses(&analysis->snapshot)[object],
                               .object = object,
                               .doubts = doubts,
                               .type = lens_row_types(&analysis->snapshot)[object]};
  return add_row(self, &row, badness_of(verdict, doubts, surplus, lens_row_size(self, object)));
}

lens_status lens_audit_add_freed(lens *self, struct lens_audit_row *row, uint64_t block_bytes) {
  struct lens_audit_state *audit = &self->analysis->audit;
  if (!is_wanted(self, row->type)) return LENS_OK;
  int64_t surplus = -(int64_t)row->slots;
  audit->totals.freed++;
  add_unbalanced(&audit->totals, LENS_UNDER_RETAINED, row->doubts, surplus);
  return add_row(self, row, badness_of(LENS_UNDER_RETAINED, row->doubts, surplus, block_bytes));
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_audit_state *audit = &self->analysis->audit;
  uint64_t objects = self->analysis->snapshot.object_count;
  while (audit->row < objects) {
    uint64_t end = audit->row + ROWS_A_CLOCK < objects ? audit->row + ROWS_A_CLOCK : objects;
    for (; audit->row < end; audit->row++) {
      lens_status status = judge(self, (uint32_t)audit->row);
      if (status != LENS_OK) return status;
    }
    lens_progress_set(progress, "audit", audit->row, objects);
    if (audit->row < objects && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return lens_strays_step(self, slice);
}

lens_status lens_audit(lens *self, const lens_audit_filter *filter, uint32_t slice_ms,
                       lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_account_all_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_audit_state *audit = &self->analysis->audit;
  if (!audit->started || audit->complete || !is_same(&audit->filter, filter))
    status = begin(self, filter);
  if (status == LENS_OK) status = step(self, &slice, progress);
  if (status == LENS_AGAIN) return status;
  if (status != LENS_OK) {
    lens_audit_free(audit);
    return status;
  }
  audit->complete = true;
  return LENS_OK;
}

lens_status lens_audit_totals_get(const lens *self, lens_audit_totals *out) {
  if (self->analysis == NULL || !self->analysis->audit.complete) return LENS_BAD_ARGUMENT;
  *out = self->analysis->audit.totals;
  return LENS_OK;
}

/* ---- rows ---- */

static void show(const lens *self, const struct lens_audit_row *found, lens_finding *out) {
  const struct lens_analysis *analysis = self->analysis;
  if (found->object == LENS_NONE) {
    struct lens_block block = {0};
    uint32_t arena = lens_arena_find(self, found->address);
    if (arena != LENS_NONE) (void)lens_block_find(self, arena, found->address, &block);
    *out = (lens_finding){.address = found->address,
                          .object = LENS_NONE,
                          .verdict = LENS_UNDER_RETAINED,
                          .surplus = -(int64_t)found->slots,
                          .heap_refs = found->slots,
                          .size_bytes = block.bytes,
                          .type = found->type,
                          .doubts = found->doubts};
    return;
  }
  const struct lens_accounts_state *accounts = &analysis->accounts;
  const uint32_t *opaque = accounts->opaque_refs.items;
  uint32_t object = found->object, verdict = ((const uint8_t *)accounts->verdict.items)[object];
  *out = (lens_finding){
      .address = found->address,
      .object = object,
      .verdict = verdict,
      .surplus = surplus_of(analysis, object, verdict),
      .refcount = lens_row_refcounts(&analysis->snapshot)[object],
      .heap_refs = (uint64_t)((const uint32_t *)accounts->heap_refs.items)[object] +
                   (opaque == NULL ? 0 : opaque[object]),
      .runtime_refs = ((const uint32_t *)accounts->runtime_refs.items)[object],
      .root_refs = ((const uint32_t *)accounts->root_refs.items)[object],
      .guessed_refs = guessed_refs_of(&analysis->roots, object),
      .size_bytes = lens_row_size(self, object),
      .type = found->type,
      .doubts = found->doubts,
  };
}

/* The `capacity` worst of all findings, in no order: the audit has kept the worst ones, of more all
 * compete again. */
static lens_status choose(lens *self, uint64_t capacity, struct lens_best *best, uint64_t *chosen) {
  const struct lens_audit_state *audit = &self->analysis->audit;
  const struct lens_audit_row *found = audit->rows.items;
  uint64_t count = 0;
  if (capacity <= LENS_AUDIT_WORST) {
    for (uint64_t i = 0; i < audit->worst_count && capacity != 0; i++)
      count = lens_best_offer(best, count, capacity, audit->worst[i]);
    *chosen = count;
    return LENS_OK;
  }
  for (uint64_t i = 0; i < audit->totals.findings; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    lens_finding row;
    show(self, &found[i], &row);
    uint64_t badness = badness_of(row.verdict, row.doubts, row.surplus, row.size_bytes);
    count = lens_best_offer(best, count, capacity, (struct lens_best){badness, (uint32_t)i});
  }
  *chosen = count;
  return LENS_OK;
}

lens_status lens_findings(lens *self, uint64_t capacity, lens_finding *rows, uint64_t *written,
                          uint64_t *total) {
  if (self->analysis == NULL || !self->analysis->audit.complete)
    return lens_fail(self, LENS_BAD_ARGUMENT, "audit the heap first");
  const struct lens_audit_state *audit = &self->analysis->audit;
  uint64_t findings = audit->totals.findings;
  if (capacity > findings) capacity = findings;
  struct lens_best *best = lens_alloc(capacity * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  uint64_t count = 0;
  lens_status status = choose(self, capacity, best, &count);
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  const struct lens_audit_row *found = audit->rows.items;
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    show(self, &found[best[i].row], &rows[i]);
  }
  lens_dealloc(best);
  if (status != LENS_OK) return status;
  *written = count;
  *total = findings;
  return LENS_OK;
}

/* The row of an address among [first, end), which ascend; `end`: none. */
static uint64_t row_at(const struct lens_audit_row *rows, uint64_t first, uint64_t end,
                       uint64_t address) {
  uint64_t low = first, high = end;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (rows[middle].address < address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < end && rows[low].address == address ? low : end;
}

lens_status lens_finding_at(lens *self, uint64_t address, lens_finding *out) {
  if (self->analysis == NULL || !self->analysis->audit.complete)
    return lens_fail(self, LENS_BAD_ARGUMENT, "audit the heap first");
  const struct lens_audit_state *audit = &self->analysis->audit;
  const struct lens_audit_row *found = audit->rows.items;
  uint64_t findings = audit->totals.findings, freed = findings - audit->totals.freed;
  uint64_t row = row_at(found, 0, freed, address);
  if (row == freed) row = row_at(found, freed, findings, address);
  if (row == findings)
    return lens_fail(self, LENS_NOT_FOUND, "the audit found nothing at 0x%llx",
                     (unsigned long long)address);
  show(self, &found[row], out);
  return LENS_OK;
}

/* Garbage that waits: which objects a collection is about to free, seen while it frees.
 *
 * The collector frees its garbage in parts.  It does not lower the counts of garbage one by one: it
 * makes one object after the other dying, with a resume ordinal behind its last word, so that it
 * owns nothing any more, and only when all have let go does it free their blocks.  In between, the
 * count of garbage that still waits is too high by what was let go (let_go.c).  All other counts
 * are exact.
 *
 * Whether an object is garbage the collector itself knows: by the byte beside it.  Cores lack these
 * bytes, older contracts do not tell where they are: there each object may be that a collection
 * could free at all.  It waits when its count is right but for what garbage let go of.
 *
 * What this is not: a search for garbage (collect.c, leaks.c).  Who reaches an object says nothing:
 * a variable may have given its reference back and still lead there.
 */
#include "analysis.h"

bool lens_heap_reclaims(const struct lens_heap_model *heap) {
  return heap->flux == LENS_FLUX_RECLAIM || (heap->collecting && heap->flux != LENS_FLUX_COLLECT);
}

lens_status lens_reclaim_find(lens *self) {
  struct lens_audit_state *audit = &self->analysis->audit;
  audit->reclaims = lens_alloc_zeroed(self->model.heap_count + 1, 1);
  if (audit->reclaims == NULL) return lens_out_of_memory(self);
  for (size_t i = 0; i < self->model.heap_count; i++)
    audit->reclaims[i] = lens_heap_reclaims(&self->model.heaps[i]);
  return LENS_OK;
}

/* The address of the collector's byte beside the object; 0: not told. */
static uint64_t side_byte_of(const lens *self, uint64_t address) {
  uint32_t found = lens_arena_find(self, address);
  if (found == LENS_NONE) return 0;
  const struct lens_arena_model *arena = &self->model.arenas[found];
  uint64_t place_bytes = self->model.heaps[arena->shown.heap].contract->side_place_bytes;
  if (place_bytes == 0 || arena->side_places < arena->shown.side) return 0;
  uint64_t before = arena->side_places - arena->shown.side;
  uint64_t place = (address - arena->shown.address) / place_bytes;
  if (before >= arena->shown.side_bytes || place >= arena->shown.side_bytes - before) return 0;
  return arena->side_places + place;
}

/* Whether the count could be that of garbage: all that is left of it was let go.  A place outside
 * the heap owns none of that, nor need a word of an opaque object. */
static lens_status may_be_let_go(lens *self, uint32_t object, bool *may) {
  const struct lens_accounts_state *accounts = &self->analysis->accounts;
  const uint32_t *opaque = accounts->opaque_refs.items;
  uint64_t known = (uint64_t)((const uint32_t *)accounts->heap_refs.items)[object] +
                   ((const uint32_t *)accounts->runtime_refs.items)[object];
  uint64_t guessed = opaque == NULL ? 0 : opaque[object], most = 0;
  uint64_t left = lens_row_refcounts(&self->analysis->snapshot)[object] - known;
  lens_status status = lens_let_go_most(self, object, &most);
  *may = left <= guessed || left - guessed <= most;
  return status;
}

lens_status lens_reclaim_may_wait(lens *self, uint32_t object, bool *waits) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t never = LENS_STATE_IMMORTAL | LENS_STATE_SATURATED | LENS_STATE_SHARED;
  uint32_t type = lens_row_types(snapshot)[object];
  *waits = false;
  if (type == LENS_NONE || (lens_row_states(snapshot)[object] & never) != 0) return LENS_OK;
  const lens_type *shown = &self->model.types[type].shown;
  if (self->analysis->audit.reclaims[shown->heap] == 0 || shown->acyclic != 0) return LENS_OK;
  uint64_t place = side_byte_of(self, lens_row_addresses(snapshot)[object]);
  uint8_t side = 1;
  lens_status status = place == 0 ? LENS_OK : lens_fetch(self, place, sizeof side, &side);
  if (status == LENS_OK && side == 0) return LENS_OK;
  if (status != LENS_OK && status != LENS_UNREADABLE) return status;
  return may_be_let_go(self, object, waits);
}

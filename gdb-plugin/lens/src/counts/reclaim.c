/* Garbage that waits: which objects a collection is about to free, seen while it frees.
 *
 * The collector frees its garbage in parts.  It does not lower the counts of garbage one by one: it
 * makes one object after the other dying, with a resume ordinal behind its last word, so that it
 * owns nothing any more, and only when all have let go does it free their blocks.  In between, the
 * count of garbage that still waits is too high by what was let go.  All other counts are exact.
 *
 * Whether an object is garbage the collector itself knows: by the byte beside it.  Cores lack these
 * bytes, older contracts do not tell where they are: there each object waits that a collection
 * could free at all.
 *
 * What this is not: a search for garbage (collect.c, leaks.c).  Who reaches an object says nothing:
 * a variable may have given its reference back and still lead there.
 */
#include "analysis.h"
#include "turn.h"

bool lens_heap_reclaims(const struct lens_heap_model *heap) {
  return heap->flux == LENS_FLUX_RECLAIM || (heap->collecting && heap->flux != LENS_FLUX_COLLECT);
}

lens_status lens_reclaim_find(lens *self) {
  struct lens_audit_state *audit = &self->analysis->audit;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *types = lens_row_types(snapshot);
  const uint16_t *states = lens_row_states(snapshot);
  bool any = false;
  audit->reclaims = lens_alloc_zeroed(self->model.heap_count + 1, 1);
  if (audit->reclaims == NULL) return lens_out_of_memory(self);
  for (size_t i = 0; i < self->model.heap_count; i++)
    any = lens_heap_reclaims(&self->model.heaps[i]) || any;
  /* Before the first object lets go nothing is wrong yet: finalizers run then. */
  for (uint64_t i = 0; any && i < snapshot->object_count; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    if ((states[i] & LENS_STATE_DYING) == 0 || types[i] == LENS_NONE) continue;
    uint32_t heap = self->model.types[types[i]].shown.heap;
    audit->reclaims[heap] = lens_heap_reclaims(&self->model.heaps[heap]);
  }
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

lens_status lens_reclaim_may_wait(lens *self, uint32_t object, bool *waits) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t never = LENS_STATE_IMMORTAL | LENS_STATE_SATURATED | LENS_STATE_SHARED;
  uint32_t type = lens_row_types(snapshot)[object];
  *waits = false;
  if (type == LENS_NONE || (lens_row_states(snapshot)[object] & never) != 0) return LENS_OK;
  const lens_type *shown = &self->model.types[type].shown;
  if (self->analysis->audit.reclaims[shown->heap] == 0 || shown->acyclic != 0) return LENS_OK;
  *waits = true;
  uint64_t place = side_byte_of(self, lens_row_addresses(snapshot)[object]);
  if (place == 0) return LENS_OK;
  uint8_t side;
  lens_status status = lens_fetch(self, place, sizeof side, &side);
  if (status == LENS_UNREADABLE) return LENS_OK;
  if (status == LENS_OK) *waits = side != 0;
  return status;
}

/* What garbage let go of: how many counts references may explain that nobody owns any more.
 *
 * While a collection frees its garbage, an object of it that has let go owns nothing.  Its words
 * stay as they were where they lead to garbage; all others were cleared before their count was
 * lowered.  So a live object that waits to be freed has a count that is too high by the number of
 * such words that lead to it, and one that is no garbage has none.  Only buffers go at once: what
 * a list led to is not seen any more, but the list still says how many words there were.  A table
 * says nothing, as its count goes with the buffer.  One that is letting go is live, and has rows
 * whose keys were cleared and whose values lead to garbage.
 *
 * Invariant: `words` and `hidden` together are never less than what garbage let go of.
 *
 * What this is not: the decision about an object (reclaim.c).
 */
#include "analysis.h"
#include "model/object.h"
#include "turn.h"

static uint64_t add(uint64_t one, uint64_t other) {
  return one > UINT64_MAX - other ? UINT64_MAX : one + other;
}

/* How many words the array had that the slot's pointer led to, and leads to no more. */
static uint64_t hidden_in(lens *self, const struct lens_held *held, const struct lens_slot *slot) {
  uint8_t bytes[8];
  if (slot->kind != LENS_REF_STRONG || slot->foreign ||
      (slot->shape != LENS_SHAPE_ARRAY && slot->shape != LENS_SHAPE_TABLE)) {
    return 0;
  }
  if (lens_held_fetch(held, self, slot->offset, sizeof bytes, bytes) != LENS_OK) return UINT64_MAX;
  if (lens_load_uint(bytes, sizeof bytes) != 0) return 0;
  if (slot->shape == LENS_SHAPE_TABLE || slot->count_in_buffer ||
      lens_held_fetch(held, self, slot->count_offset, slot->count_width, bytes) != LENS_OK) {
    return UINT64_MAX;
  }
  return lens_load_uint(bytes, slot->count_width);
}

/* The words of one object that it does not own, though they lead somewhere.  Of a dying object
 * those that it owns may be among them. */
static lens_status add_words(lens *self, const struct lens_held *held, bool *partial) {
  struct lens_let_go *let_go = &self->analysis->audit.let_go;
  struct lens_slots it;
  struct lens_place_ref ref;
  lens_held_slots(held, self, &it);
  bool live = (held->shown.state & LENS_STATE_DYING) == 0;
  if (!live && it.resume == 0) return LENS_OK; /* it owns all that it holds */
  it.resume = 0;
  it.stale = true;
  struct lens_place_ref key = {.slot = LENS_NONE}; /* the last one that was shown */
  for (uint64_t i = 1; lens_slots_next(&it, &ref); i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    if (ref.part == 0) key = ref;
    bool keyed = key.slot == ref.slot && key.element == ref.element;
    if (ref.kind != LENS_REF_STRONG || (live && keyed)) continue;
    uint32_t target = lens_directory_exact(&self->analysis->snapshot.directory, ref.target);
    if (target != LENS_NONE && let_go->words[target] < UINT32_MAX) let_go->words[target]++;
  }
  *partial = it.partial;
  return it.status;
}

static lens_status add_object(lens *self, uint32_t object, uint64_t *hidden) {
  struct lens_held held;
  lens_status status =
      lens_object_hold(self, lens_row_addresses(&self->analysis->snapshot)[object], &held);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE || (status == LENS_OK && !held.type)) {
    *hidden = UINT64_MAX;
    return LENS_OK;
  }
  bool partial = false;
  if (status == LENS_OK) status = add_words(self, &held, &partial);
  if (status != LENS_OK) return status;
  if (partial) *hidden = UINT64_MAX;
  if ((held.shown.state & LENS_STATE_DYING) == 0) return LENS_OK;
  for (uint32_t i = 0; i < held.type->shown.slot_count; i++)
    *hidden = add(*hidden, hidden_in(self, &held, &held.type->slots[i]));
  return LENS_OK;
}

static bool has_rows(const struct lens_type_model *type) {
  for (uint32_t i = 0; i < type->shown.slot_count; i++) {
    if (type->slots[i].shape == LENS_SHAPE_TABLE && type->slots[i].value_offset != 0) return true;
  }
  return false;
}

/* All dying objects, or all live ones that have tables, of heaps where garbage waits. */
static lens_status add_objects(lens *self, bool dying) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_audit_state *audit = &self->analysis->audit;
  const uint32_t *types = lens_row_types(snapshot);
  const uint16_t *states = lens_row_states(snapshot);
  for (uint64_t i = 0; i < snapshot->object_count; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    if (((states[i] & LENS_STATE_DYING) != 0) != dying || types[i] == LENS_NONE) continue;
    const struct lens_type_model *type = &self->model.types[types[i]];
    uint64_t *hidden = &audit->let_go.hidden[type->shown.heap];
    if (audit->reclaims[type->shown.heap] == 0 || *hidden == UINT64_MAX) continue;
    if (dying || has_rows(type)) status = add_object(self, (uint32_t)i, hidden);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

static lens_status find(lens *self) {
  lens_status status = add_objects(self, true);
  return status == LENS_OK ? add_objects(self, false) : status;
}

void lens_let_go_free(struct lens_let_go *self) {
  lens_dealloc(self->words);
  lens_dealloc(self->hidden);
  *self = (struct lens_let_go){0};
}

static lens_status need(lens *self) {
  struct lens_let_go *let_go = &self->analysis->audit.let_go;
  if (let_go->words != NULL && let_go->hidden != NULL) return LENS_OK;
  lens_let_go_free(let_go);
  uint64_t objects = self->analysis->snapshot.object_count;
  let_go->words = lens_alloc_zeroed(objects + 1, sizeof *let_go->words);
  let_go->hidden = lens_alloc_zeroed(self->model.heap_count + 1, sizeof *let_go->hidden);
  if (let_go->words == NULL || let_go->hidden == NULL) return lens_out_of_memory(self);
  lens_status status = find(self);
  if (status != LENS_OK) lens_let_go_free(let_go);
  return status;
}

lens_status lens_let_go_most(lens *self, uint32_t object, uint64_t *most) {
  lens_status status = need(self);
  const struct lens_let_go *let_go = &self->analysis->audit.let_go;
  if (status != LENS_OK || let_go->words == NULL || let_go->hidden == NULL) return status;
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  uint64_t hidden = let_go->hidden[self->model.types[type].shown.heap];
  *most = let_go->words[object] == UINT32_MAX ? UINT64_MAX : add(let_go->words[object], hidden);
  return LENS_OK;
}

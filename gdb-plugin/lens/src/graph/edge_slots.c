/* Edges with their slots.  See edge_slots.h. */
#include "graph/edge_slots.h"

#include <string.h>

#include "analysis.h"

void lens_edge_slots_free(struct lens_edge_slots *reading) {
  lens_plans_free(&reading->plans);
  memset(reading, 0, sizeof *reading);
}

struct telling {
  lens *self;
  struct lens_edge_slots *reading;
  uint32_t object;
  lens_edge_slot_fn visit;
  void *context;
};

/* The next edge, by a row of the holder's slots; LENS_NONE: by none that is known. */
static bool tell(const struct telling *telling, uint32_t slot, uint32_t part) {
  const struct lens_analysis *analysis = telling->self->analysis;
  uint32_t type = lens_row_types(&analysis->snapshot)[telling->object];
  lens_edge_slot edge = {.holder = telling->object,
                         .target = lens_out_targets(&analysis->index)[telling->reading->edge++],
                         .type = slot == LENS_NONE ? LENS_NONE : type,
                         .slot = slot,
                         .part = part};
  return telling->visit(telling->self, telling->context, &edge);
}

/* A plain object of which no slot is empty. */
static bool is_full(const lens *self, const struct lens_edge_slots *reading, uint32_t object,
                    uint64_t edges) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t type = lens_row_types(snapshot)[object];
  uint32_t odd = LENS_STATE_DYING | LENS_STATE_DAMAGED;
  if (type == LENS_NONE || (lens_row_states(snapshot)[object] & odd) != 0) return false;
  const struct lens_plan *plan = &reading->plans.rows[type];
  return plan->kind == LENS_PLAN_WORDS && plan->opaque == 0 && plan->strong == edges;
}

static lens_status tell_full(const struct telling *telling) {
  const struct lens_snapshot *snapshot = &telling->self->analysis->snapshot;
  uint32_t type = lens_row_types(snapshot)[telling->object];
  const struct lens_type_model *model = &telling->self->model.types[type];
  for (uint32_t slot = 0; slot < model->shown.slot_count; slot++) {
    if (model->slots[slot].kind == LENS_REF_STRONG && !tell(telling, slot, 0))
      return lens_out_of_memory(telling->self);
  }
  return LENS_OK;
}

/* From the object's bytes.  Where they have fewer references than the index, the rest is of no
 * slot. */
static lens_status tell_read(const struct telling *telling, uint64_t end, uint64_t *budget) {
  lens *self = telling->self;
  struct lens_edge_slots *reading = telling->reading;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  struct lens_place_ref ref;
  while (reading->holding && reading->edge < end) {
    if (*budget == 0) return LENS_AGAIN;
    --*budget;
    if (!lens_slots_next(&reading->slots, &ref)) {
      if (reading->slots.status != LENS_OK) return reading->slots.status;
      break;
    }
    bool counts = ref.kind == LENS_REF_STRONG || ref.kind == LENS_REF_OPAQUE;
    uint32_t target = counts ? lens_directory_exact(&snapshot->directory, ref.target) : LENS_NONE;
    if (target == LENS_NONE) continue;
    bool same = target == lens_out_targets(&self->analysis->index)[reading->edge];
    uint32_t slot = ref.kind == LENS_REF_STRONG && same ? ref.slot : LENS_NONE;
    if (!tell(telling, slot, ref.part)) return lens_out_of_memory(self);
  }
  for (; reading->edge < end; --*budget) {
    if (*budget == 0) return LENS_AGAIN;
    if (!tell(telling, LENS_NONE, 0)) return lens_out_of_memory(self);
  }
  return LENS_OK;
}

static lens_status begin(lens *self, struct lens_edge_slots *reading, uint32_t object) {
  if (reading->plans.rows == NULL && !lens_plans_make(&reading->plans, &self->model))
    return lens_out_of_memory(self);
  reading->edge = lens_out_starts(&self->analysis->index)[object];
  reading->holding = false;
  return LENS_OK;
}

lens_status lens_edge_slots_of(lens *self, struct lens_edge_slots *reading, uint32_t object,
                               uint64_t *budget, lens_edge_slot_fn visit, void *context) {
  const struct telling telling = {self, reading, object, visit, context};
  uint64_t end = lens_out_starts(&self->analysis->index)[object + 1];
  lens_status status = reading->begun ? LENS_OK : begin(self, reading, object);
  if (status != LENS_OK) return status;
  if (!reading->begun) {
    if (is_full(self, reading, object, end - reading->edge)) {
      *budget -= *budget < end - reading->edge ? *budget : end - reading->edge;
      return tell_full(&telling);
    }
    uint64_t address = lens_row_addresses(&self->analysis->snapshot)[object];
    status =
        end == reading->edge ? LENS_NOT_FOUND : lens_object_hold(self, address, &reading->held);
    if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
    reading->holding = status == LENS_OK;
    if (reading->holding) lens_held_slots(&reading->held, self, &reading->slots);
    reading->begun = true;
  }
  status = tell_read(&telling, end, budget);
  if (status == LENS_OK) reading->begun = false;
  return status;
}

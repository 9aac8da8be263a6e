/* Which slots hold alone.  See owners.h. */
#include "graph/owners.h"

#include "analysis.h"

enum { SAMPLE = 1024, ROWS_A_CLOCK = 1 << 15, ALONE = 1, WITH_OTHERS = 2 };

void lens_owners_free(struct lens_owners *self) {
  lens_map_free(&self->slots);
  lens_dealloc(self->counts);
  lens_dealloc(self->strides);
  lens_edge_slots_free(&self->reading);
  *self = (struct lens_owners){0};
}

/* Rows of a type have few hundred slots at most; more of them share a key, which is no harm. */
static uint64_t key_of(uint32_t type, uint32_t slot, uint32_t part) {
  return (uint64_t)type << 32 | (uint32_t)(slot << 1) | part;
}

static bool look_at(lens *self, void *context, const lens_edge_slot *edge) {
  struct lens_owners *owners = context;
  if (edge->slot == LENS_NONE) return true;
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  bool alone = in[edge->target + 1] - in[edge->target] == 1 &&
               lens_row_refcounts(&self->analysis->snapshot)[edge->target] == 1;
  uint32_t *seen = lens_map_at(&owners->slots, key_of(edge->type, edge->slot, edge->part), 0);
  if (seen == NULL) return false;
  *seen |= alone ? ALONE : WITH_OTHERS;
  return true;
}

static bool is_chosen(struct lens_owners *owners, uint32_t type) {
  return owners->reading.begun || owners->counts[type]++ % owners->strides[type] == 0;
}

/* One row; its edges are one piece of work each. */
static lens_status visit(lens *self, uint64_t *budget) {
  struct lens_owners *owners = &self->analysis->owners;
  uint32_t type = lens_row_types(&self->analysis->snapshot)[owners->row];
  lens_status status = LENS_OK;
  if (type != LENS_NONE && owners->phase == LENS_OWNERS_COUNT) owners->counts[type]++;
  if (type != LENS_NONE && owners->phase == LENS_OWNERS_LOOK && is_chosen(owners, type)) {
    status =
        lens_edge_slots_of(self, &owners->reading, (uint32_t)owners->row, budget, look_at, owners);
  }
  if (status == LENS_OK) owners->row++;
  if (*budget > 0) --*budget;
  return status;
}

static lens_status begin(lens *self) {
  struct lens_owners *owners = &self->analysis->owners;
  size_t types = self->model.type_count + 1;
  owners->counts = lens_alloc_zeroed(types, sizeof *owners->counts);
  owners->strides = lens_alloc_zeroed(types, sizeof *owners->strides);
  if (owners->counts == NULL || owners->strides == NULL) return lens_out_of_memory(self);
  owners->phase = LENS_OWNERS_COUNT;
  return LENS_OK;
}

static void phase_next(lens *self) {
  struct lens_owners *owners = &self->analysis->owners;
  owners->row = 0;
  if (owners->phase++ != LENS_OWNERS_COUNT) return;
  for (size_t i = 0; i < self->model.type_count; i++) {
    owners->strides[i] = owners->counts[i] / SAMPLE + 1;
    owners->counts[i] = 0;
  }
}

lens_status lens_owners_step(lens *self, const lens_slice *slice) {
  struct lens_owners *owners = &self->analysis->owners;
  lens_status status = owners->phase == LENS_OWNERS_IDLE ? begin(self) : LENS_OK;
  uint64_t objects = self->analysis->snapshot.object_count, budget = ROWS_A_CLOCK;
  while (status == LENS_OK && owners->phase != LENS_OWNERS_DONE) {
    while (status == LENS_OK && owners->row < objects && budget > 0) status = visit(self, &budget);
    if (status == LENS_AGAIN) status = LENS_OK; /* the budget is used up, within an object */
    if (status == LENS_OK && owners->row == objects) phase_next(self);
    if (status != LENS_OK || budget > 0) continue;
    budget = ROWS_A_CLOCK;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  if (status != LENS_OK) lens_owners_free(owners);
  return status;
}

bool lens_owners_alone(const lens *self, uint32_t type, uint32_t slot, uint32_t part) {
  const uint32_t *seen = lens_map_find(&self->analysis->owners.slots, key_of(type, slot, part));
  return seen != NULL && *seen == ALONE;
}

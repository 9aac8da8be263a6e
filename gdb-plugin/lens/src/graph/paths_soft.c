/* Who holds whom weakly or without owning: edges that the index leaves out, by target.
 *
 * Only objects of types with such slots are read.  Pairs are noted in the order of holders and then
 * placed by target, so the holders of an object ascend.
 */
#include "graph/paths.h"

#include "analysis.h"
#include "model/object.h"

enum { ROWS_A_CLOCK = 1 << 9, PAIRS_A_CLOCK = 1 << 14 };

static bool has_soft(const lens *self, uint32_t object) {
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  if (type == LENS_NONE) return false;
  const struct lens_type_model *model = &self->model.types[type];
  for (uint32_t i = 0; i < model->shown.slot_count; i++) {
    if (model->slots[i].kind != LENS_REF_STRONG) return true;
  }
  return false;
}

/* Notes the soft references of one object. */
static lens_status note_pairs(lens *self, uint32_t object) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  struct lens_held held;
  lens_status status = lens_object_hold(self, lens_row_addresses(snapshot)[object], &held);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE) return LENS_OK;
  if (status != LENS_OK) return status;
  struct lens_slots slots;
  struct lens_place_ref ref;
  lens_held_slots(&held, self, &slots);
  while (lens_slots_next(&slots, &ref)) {
    if (ref.kind != LENS_REF_WEAK && ref.kind != LENS_REF_BORROWED) continue;
    uint32_t target = lens_directory_exact(&snapshot->directory, ref.target);
    if (target == LENS_NONE) continue;
    if (paths->pair_count >= LENS_NONE - 1 ||
        !lens_column_reserve(&paths->pairs, paths->pair_count + 1, sizeof(uint64_t))) {
      return lens_out_of_memory(self);
    }
    ((uint64_t *)paths->pairs.items)[paths->pair_count++] = (uint64_t)target << 32 | object;
  }
  return slots.status;
}

static lens_status pairs_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  uint64_t objects = self->analysis->snapshot.object_count;
  while (paths->row < objects) {
    uint32_t object = (uint32_t)paths->row;
    lens_status status = has_soft(self, object) ? note_pairs(self, object) : LENS_OK;
    if (status != LENS_OK) return status;
    paths->row++;
    if (paths->row % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  paths->row = 0;
  return lens_column_reserve(&paths->soft_start, objects + 2, sizeof(uint32_t)) &&
                 lens_column_reserve(&paths->soft_source, paths->pair_count, sizeof(uint32_t))
             ? LENS_OK
             : lens_out_of_memory(self);
}

/* soft_start[t + 2] counts target t; summed up, soft_start[t + 1] is where its next holder goes. */
static lens_status count_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint64_t *pairs = paths->pairs.items;
  uint32_t *starts = paths->soft_start.items;
  while (paths->row < paths->pair_count) {
    starts[(pairs[paths->row++] >> 32) + 2]++;
    if (paths->row % PAIRS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  uint64_t end = paths->pair_count + self->analysis->snapshot.object_count;
  while (paths->row < end) {
    uint64_t i = paths->row++ - paths->pair_count + 2;
    starts[i] += starts[i - 1];
    if (paths->row % PAIRS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  paths->row = 0;
  return LENS_OK;
}

static lens_status place_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint64_t *pairs = paths->pairs.items;
  uint32_t *starts = paths->soft_start.items, *sources = paths->soft_source.items;
  while (paths->row < paths->pair_count) {
    uint64_t pair = pairs[paths->row++];
    sources[starts[(pair >> 32) + 1]++] = (uint32_t)pair;
    if (paths->row % PAIRS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

lens_status lens_paths_soft_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  lens_status status = paths->phase == LENS_PATHS_PAIRS   ? pairs_step(self, slice)
                       : paths->phase == LENS_PATHS_COUNT ? count_step(self, slice)
                                                          : place_step(self, slice);
  if (status == LENS_OK) paths->phase++;
  return status;
}

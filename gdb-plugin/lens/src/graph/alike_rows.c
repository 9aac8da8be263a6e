/* Groups of cycles as rows.  See alike.h. */
#include "graph/alike.h"

#include "analysis.h"
#include "turn.h"

enum { PARTED_LINKS_MAX = 256 };

static lens_status need_groups(lens *self) {
  if (self->analysis != NULL && self->analysis->alike.complete) return LENS_OK;
  return lens_fail(self, LENS_BAD_ARGUMENT, "call lens_cycles_group first");
}

lens_status lens_cycle_groups(lens *self, uint64_t capacity, lens_cycle_group *rows,
                              uint64_t *written, uint64_t *total) {
  lens_status status = need_groups(self);
  if (status != LENS_OK) return status;
  const struct lens_alike *alike = &self->analysis->alike;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  if (capacity > alike->group_count) capacity = alike->group_count;
  struct lens_best *best = lens_alloc((size_t)(capacity + 1) * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  uint64_t count = 0;
  for (uint64_t i = 0; i < alike->group_count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    const lens_cycle_group *group = &lens_alike_groups(alike)[i].shown;
    const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[group->cycle];
    /* Ties by the lowest object, by which the group is found again. */
    struct lens_best offer = {group->bytes, lens_cycle_members(cycles, row)[0]};
    count = lens_best_offer(best, count, capacity, offer);
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    uint32_t cycle = 0;
    status = lens_cycle_of(self, best[i].row, &cycle);
    if (status == LENS_OK)
      rows[i] =
          lens_alike_groups(alike)[((const uint32_t *)alike->group_of.items)[cycle] - 1].shown;
  }
  lens_dealloc(best);
  if (status != LENS_OK) return status;
  *written = count;
  *total = alike->group_count;
  return LENS_OK;
}

lens_status lens_cycle_group_of(lens *self, uint32_t cycle, uint32_t *group) {
  lens_status status = need_groups(self);
  if (status != LENS_OK) return status;
  const struct lens_alike *alike = &self->analysis->alike;
  if (cycle >= self->analysis->cycles.components.ring_count)
    return lens_fail(self, LENS_NOT_FOUND, "no cycle has the number %u", cycle);
  uint32_t number = ((const uint32_t *)alike->group_of.items)[cycle];
  if (number == 0) return lens_fail(self, LENS_NOT_FOUND, "cycle %u is in no group", cycle);
  *group = number - 1;
  return LENS_OK;
}

lens_status lens_cycle_group_get(lens *self, uint32_t number, lens_cycle_group *out) {
  lens_status status = need_groups(self);
  if (status != LENS_OK) return status;
  const struct lens_alike *alike = &self->analysis->alike;
  if (number >= alike->group_count)
    return lens_fail(self, LENS_NOT_FOUND, "no group has the number %u", number);
  *out = lens_alike_groups(alike)[number].shown;
  return LENS_OK;
}

lens_status lens_cycle_group_links(lens *self, uint32_t number, uint64_t capacity,
                                   lens_cycle_link *rows, uint64_t *written, uint64_t *total) {
  lens_cycle_group shown;
  lens_status status = lens_cycle_group_get(self, number, &shown);
  if (status != LENS_OK) return status;
  const struct lens_alike *alike = &self->analysis->alike;
  const struct lens_alike_group *group = &lens_alike_groups(alike)[number];
  const uint32_t *own = (const uint32_t *)alike->group_links.items + group->first_link;
  uint64_t count = capacity < group->link_count ? capacity : group->link_count;
  for (uint64_t i = 0; i < count; i++) rows[i] = lens_alike_links(alike)[own[i]].shown;
  *written = count;
  *total = group->link_count;
  return LENS_OK;
}

/* Takes away links from types that no link leads to, until none is left (false) or those that are
 * hold each other. */
static bool has_ring(const lens_cycle_link *links, uint32_t count, bool *taken) {
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = 0; i < count; i++) {
      bool led_to = taken[i];
      for (uint32_t k = 0; k < count && !led_to; k++)
        led_to = !taken[k] && links[k].target == links[i].type;
      if (led_to) continue;
      taken[i] = changed = true;
    }
  }
  for (uint32_t i = 0; i < count; i++) {
    if (!taken[i]) return true;
  }
  return false;
}

lens_status lens_cycle_group_parted(lens *self, uint32_t number, uint32_t type, uint32_t slot,
                                    uint32_t part, uint32_t *parted) {
  lens_cycle_link links[PARTED_LINKS_MAX];
  bool taken[PARTED_LINKS_MAX];
  uint64_t count, total;
  lens_status status =
      lens_cycle_group_links(self, number, PARTED_LINKS_MAX, links, &count, &total);
  if (status == LENS_OK &&
      (type >= self->model.type_count || slot >= self->model.types[type].shown.slot_count))
    status = lens_fail(self, LENS_BAD_ARGUMENT, "type %u has no slot %u", type, slot);
  if (status != LENS_OK) return status;
  for (uint64_t i = 0; i < count; i++)
    taken[i] = lens_alike_same(self, &links[i], type, slot, part);
  *parted = count == total && !has_ring(links, (uint32_t)count, taken);
  return LENS_OK;
}

lens_status lens_cycle_group_cycles(lens *self, uint32_t number, uint64_t capacity,
                                    lens_cycle *rows, uint64_t *written, uint64_t *total) {
  lens_cycle_group shown;
  lens_status status = lens_cycle_group_get(self, number, &shown);
  if (status != LENS_OK) return status;
  const uint32_t *group_of = self->analysis->alike.group_of.items;
  return lens_cycles_choose(self, group_of, number + 1, capacity, rows, written, total);
}

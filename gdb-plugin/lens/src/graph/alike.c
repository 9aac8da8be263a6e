/* Putting cycles into groups of those that are alike.  See alike.h. */
#include "graph/alike.h"

#include <stdlib.h>
#include <string.h>

#include "analysis.h"

enum { STEPS_A_CLOCK = 1 << 14 };

void lens_alike_free(struct lens_alike *self) {
  lens_dealloc(self->same_type);
  lens_map_free(&self->slots);
  lens_map_free(&self->targets);
  lens_map_free(&self->hashes);
  lens_column_free(&self->links);
  lens_column_free(&self->groups);
  lens_column_free(&self->group_links);
  lens_column_free(&self->group_of);
  lens_column_free(&self->met);
  lens_edge_slots_free(&self->reading);
  *self = (struct lens_alike){0};
}

/* ---- names ---- */

struct named_type {
  const char *name;
  uint32_t type;
};

static int by_name(const void *a, const void *b) {
  const struct named_type *left = a, *right = b;
  int order = strcmp(left->name, right->name);
  return order != 0 ? order : left->type < right->type ? -1 : left->type > right->type;
}

/* For each flat type the first one of its name. */
static bool name_types(const lens *self, struct lens_alike *alike) {
  size_t count = self->model.type_count;
  struct named_type *named = lens_alloc((count + 1) * sizeof *named);
  alike->same_type = lens_alloc((count + 1) * sizeof *alike->same_type);
  if (named == NULL || alike->same_type == NULL) {
    lens_dealloc(named);
    return false;
  }
  for (size_t i = 0; i < count; i++)
    named[i] = (struct named_type){self->model.types[i].shown.name, (uint32_t)i};
  if (count > 1) qsort(named, count, sizeof *named, by_name);
  for (size_t i = 0; i < count; i++) {
    bool same = i > 0 && strcmp(named[i].name, named[i - 1].name) == 0;
    alike->same_type[named[i].type] = same ? alike->same_type[named[i - 1].type] : named[i].type;
  }
  lens_dealloc(named);
  return true;
}

static uint32_t same_type(const struct lens_alike *alike, uint32_t type) {
  return type == LENS_NONE ? type : alike->same_type[type];
}

/* The same slot of the first type of that name; where that one has none, the slot itself. */
static void same_slot(const lens *self, const struct lens_alike *alike, uint32_t *type,
                      uint32_t *slot) {
  if (*slot == LENS_NONE || same_type(alike, *type) == *type) return;
  const struct lens_type_model *own = &self->model.types[*type];
  const struct lens_type_model *first = &self->model.types[same_type(alike, *type)];
  for (uint32_t i = 0; i < first->shown.slot_count; i++) {
    if (strcmp(first->slots[i].name, own->slots[*slot].name) != 0) continue;
    *type = same_type(alike, *type);
    *slot = i;
    return;
  }
}

bool lens_alike_same(const lens *self, const lens_cycle_link *link, uint32_t type, uint32_t slot,
                     uint32_t part) {
  same_slot(self, &self->analysis->alike, &type, &slot);
  return link->type == type && link->slot == slot && link->part == part;
}

/* ---- links ---- */

/* The link of an edge, made where it is new; LENS_NONE: out of memory. */
static uint32_t link_of(lens *self, struct lens_alike *alike, const lens_edge_slot *edge) {
  uint32_t type = lens_row_types(&self->analysis->snapshot)[edge->holder], slot = edge->slot;
  uint32_t target = lens_row_types(&self->analysis->snapshot)[edge->target];
  if (slot == LENS_NONE) type = same_type(alike, type);
  same_slot(self, alike, &type, &slot);
  uint64_t place = (uint64_t)type << 32 | (uint32_t)(slot << 1) | edge->part;
  uint32_t *number = lens_map_at(&alike->slots, place, (uint32_t)alike->slots.count);
  if (number == NULL) return LENS_NONE;
  target = same_type(alike, target);
  uint64_t pair = (uint64_t)*number << 32 | target;
  uint32_t *link = lens_map_at(&alike->targets, pair, LENS_NONE);
  if (link == NULL || *link != LENS_NONE) return link == NULL ? LENS_NONE : *link;
  if (!lens_column_reserve(&alike->links, alike->link_count + 1, sizeof(struct lens_alike_link)))
    return LENS_NONE;
  lens_alike_links(alike)[alike->link_count].shown =
      (lens_cycle_link){.type = type,
                        .slot = slot,
                        .part = edge->part,
                        .target = target,
                        .name = slot == LENS_NONE ? "" : self->model.types[type].slots[slot].name};
  *link = (uint32_t)alike->link_count++;
  return *link;
}

/* Notes the link of an edge within the cycle in hand. */
static bool note(lens *self, void *context, const lens_edge_slot *edge) {
  struct lens_alike *alike = context;
  const uint32_t *component = self->analysis->cycles.components.component.items;
  if (component[edge->target] != component[edge->holder]) return true;
  uint32_t link = link_of(self, alike, edge);
  if (link == LENS_NONE) return false;
  struct lens_alike_link *row = &lens_alike_links(alike)[link];
  if (row->cycle == alike->cycle + 1) return true;
  if (!lens_column_reserve(&alike->met, alike->met_count + 1, sizeof(uint32_t))) return false;
  row->cycle = alike->cycle + 1;
  ((uint32_t *)alike->met.items)[alike->met_count++] = link;
  return true;
}

/* The object's count owns more than what the cycle holds of it. */
static bool is_held(const lens *self, uint32_t object) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const struct lens_index *index = &self->analysis->index;
  const uint32_t *component = self->analysis->cycles.components.component.items;
  uint32_t never = LENS_STATE_IMMORTAL | LENS_STATE_SATURATED;
  if ((lens_row_states(snapshot)[object] & never) != 0) return false;
  uint64_t within = 0;
  for (uint64_t edge = lens_in_starts(index)[object]; edge < lens_in_starts(index)[object + 1];
       edge++)
    within += component[lens_in_sources(index)[edge]] == component[object];
  return lens_row_refcounts(snapshot)[object] > within;
}

/* ---- groups ---- */

static int by_number(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

static uint64_t hash_of(const uint32_t *links, uint64_t count, bool garbage, bool held) {
  uint64_t hash = 0x9e3779b97f4a7c15u + (uint64_t)garbage * 2 + held;
  for (uint64_t i = 0; i < count; i++) {
    hash = (hash ^ links[i]) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
  }
  return hash;
}

static bool is_like(const struct lens_alike *alike, const struct lens_alike_group *group,
                    bool garbage, bool held) {
  const uint32_t *own = (const uint32_t *)alike->group_links.items + group->first_link;
  return group->link_count == alike->met_count && group->shown.garbage == garbage &&
         group->shown.held == held &&
         memcmp(own, alike->met.items, alike->met_count * sizeof *own) == 0;
}

/* The group of the cycle in hand, made where it is new; LENS_NONE: out of memory. */
static uint32_t group_for(struct lens_alike *alike, bool garbage) {
  uint32_t *met = alike->met.items;
  if (alike->met_count > 1) qsort(met, alike->met_count, sizeof *met, by_number);
  bool held = garbage && alike->held;
  uint64_t hash = hash_of(met, alike->met_count, garbage, held);
  uint32_t *first = lens_map_at(&alike->hashes, hash, 0);
  if (first == NULL) return LENS_NONE;
  for (uint32_t at = *first; at != 0; at = lens_alike_groups(alike)[at - 1].next) {
    if (is_like(alike, &lens_alike_groups(alike)[at - 1], garbage, held)) return at - 1;
  }
  uint64_t links = alike->group_link_count;
  if (!lens_column_reserve(&alike->groups, alike->group_count + 1,
                           sizeof(struct lens_alike_group)) ||
      !lens_column_reserve(&alike->group_links, links + alike->met_count, sizeof(uint32_t)))
    return LENS_NONE;
  if (alike->met_count != 0)
    memcpy((uint32_t *)alike->group_links.items + links, met, alike->met_count * sizeof *met);
  lens_alike_groups(alike)[alike->group_count] =
      (struct lens_alike_group){.shown = {.group = (uint32_t)alike->group_count,
                                          .cycle = LENS_NONE,
                                          .garbage = garbage,
                                          .held = held,
                                          .objects_least = UINT64_MAX},
                                .first_link = links,
                                .link_count = (uint32_t)alike->met_count,
                                .next = *first};
  alike->group_link_count += alike->met_count;
  *first = (uint32_t)++alike->group_count;
  return *first - 1;
}

/* The cycle in hand is known: counts it.  False: out of memory. */
static bool finish(lens *self, struct lens_alike *alike) {
  const struct lens_cycles *cycles = &self->analysis->cycles;
  const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[alike->cycle];
  uint32_t number = group_for(alike, row->garbage);
  if (number == LENS_NONE) return false;
  lens_cycle_group *group = &lens_alike_groups(alike)[number].shown;
  ((uint32_t *)alike->group_of.items)[alike->cycle] = number + 1;
  group->cycle_count++;
  group->object_count += row->object_count;
  group->bytes += row->bytes;
  if (row->object_count < group->objects_least) group->objects_least = row->object_count;
  if (row->object_count > group->objects_most) group->objects_most = row->object_count;
  const struct lens_cycle_row *best =
      group->cycle == LENS_NONE ? NULL : &lens_cycle_rows(cycles)[group->cycle];
  bool lower =
      best != NULL && lens_cycle_members(cycles, row)[0] < lens_cycle_members(cycles, best)[0];
  if (best == NULL || row->bytes > best->bytes || (row->bytes == best->bytes && lower))
    group->cycle = alike->cycle;
  return true;
}

/* ---- the pass ---- */

static lens_status begin(lens *self, uint32_t wanted) {
  struct lens_alike *alike = &self->analysis->alike;
  lens_alike_free(alike);
  if (!name_types(self, alike) ||
      !lens_column_reserve(&alike->group_of, self->analysis->cycles.components.ring_count,
                           sizeof(uint32_t))) {
    lens_alike_free(alike);
    return lens_out_of_memory(self);
  }
  alike->wanted = wanted;
  return LENS_OK;
}

/* One object of the cycle in hand, or the cycle's end. */
static lens_status step(lens *self, struct lens_alike *alike, uint64_t *budget) {
  const struct lens_cycles *cycles = &self->analysis->cycles;
  const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[alike->cycle];
  if (*budget > 0) --*budget;
  bool skipped = (alike->wanted & (row->garbage ? LENS_CYCLES_GARBAGE : LENS_CYCLES_LIVE)) == 0;
  if (skipped || alike->member == row->object_count) {
    if (!skipped && !finish(self, alike)) return lens_out_of_memory(self);
    alike->cycle++;
    alike->member = alike->met_count = 0;
    alike->held = false;
    return LENS_OK;
  }
  uint32_t object = lens_cycle_members(cycles, row)[alike->member];
  lens_status status = lens_edge_slots_of(self, &alike->reading, object, budget, note, alike);
  if (status != LENS_OK) return status;
  alike->held = alike->held || is_held(self, object);
  alike->member++;
  return LENS_OK;
}

lens_status lens_cycles_group(lens *self, uint32_t wanted, uint32_t slice_ms,
                              lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  if (wanted == 0) return lens_fail(self, LENS_BAD_ARGUMENT, "no kind of cycle is wanted");
  lens_status status = lens_cycles_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_alike *alike = &self->analysis->alike;
  if (alike->wanted != wanted) status = begin(self, wanted);
  uint64_t cycles = self->analysis->cycles.components.ring_count, budget = STEPS_A_CLOCK;
  while (status == LENS_OK && alike->cycle < cycles) {
    if (budget == 0) {
      lens_progress_set(progress, "cycles that are alike", alike->cycle, cycles);
      if (lens_slice_over(&slice)) return LENS_AGAIN;
      budget = STEPS_A_CLOCK;
    }
    status = step(self, alike, &budget);
    if (status == LENS_AGAIN) status = LENS_OK; /* the budget is used up, within an object */
  }
  if (status != LENS_OK) {
    lens_alike_free(alike);
    return status;
  }
  lens_edge_slots_free(&alike->reading);
  lens_column_free(&alike->met);
  alike->complete = true;
  return LENS_OK;
}

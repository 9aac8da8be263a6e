/* Cycles: which, how large, garbage or not.  See cycles.h. */
#include "graph/cycles.h"

#include "analysis.h"
#include "turn.h"

enum { OBJECTS_A_CLOCK = 1 << 14 };

void lens_cycles_free(struct lens_cycles *self) {
  lens_components_free(&self->components);
  lens_column_free(&self->cycle_of);
  lens_column_free(&self->rows);
  lens_column_free(&self->members);
  lens_column_free(&self->places);
  *self = (struct lens_cycles){0};
}

void lens_cycles_forget_roots(struct lens_cycles *self) {
  self->marked = self->judged = false;
  self->cycle = self->member = 0;
  self->totals = (lens_cycles_totals){0};
}

struct lens_graph lens_graph_of(const lens *self) {
  const struct lens_index *index = &self->analysis->index;
  return (struct lens_graph){.node_count = self->analysis->snapshot.object_count,
                             .out_start = lens_out_starts(index),
                             .out_target = lens_out_targets(index),
                             .in_start = lens_in_starts(index),
                             .in_source = lens_in_sources(index)};
}

/* ---- members ---- */

/* A row for each ring; where its members begin. */
static bool members_begin(struct lens_cycles *cycles, uint64_t objects) {
  const struct lens_components *components = &cycles->components;
  const struct lens_ring *rings = components->rings.items;
  if (!lens_column_reserve(&cycles->cycle_of, components->component_count, sizeof(uint32_t)) ||
      !lens_column_reserve(&cycles->rows, components->ring_count, sizeof(struct lens_cycle_row)) ||
      !lens_column_reserve(&cycles->members, components->ring_nodes, sizeof(uint32_t)) ||
      !lens_column_reserve(&cycles->places, objects, sizeof(uint32_t)))
    return false;
  uint64_t first = 0;
  for (uint64_t i = 0; i < components->ring_count; i++) {
    lens_cycle_rows(cycles)[i] =
        (struct lens_cycle_row){.first_member = first, .component = rings[i].component};
    ((uint32_t *)cycles->cycle_of.items)[rings[i].component] = (uint32_t)i + 1;
    first += rings[i].node_count;
  }
  return true;
}

/* Puts objects among the members of their cycles until the slice is over. */
static lens_status gather(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_cycles *cycles = &self->analysis->cycles;
  const uint32_t *component = cycles->components.component.items,
                 *cycle_of = cycles->cycle_of.items;
  struct lens_cycle_row *rows = lens_cycle_rows(cycles);
  uint32_t *members = cycles->members.items, *places = cycles->places.items;
  uint64_t objects = self->analysis->snapshot.object_count;
  while (cycles->object < objects && cycles->components.ring_count != 0) {
    uint64_t end = cycles->object + OBJECTS_A_CLOCK;
    if (end > objects) end = objects;
    for (uint64_t i = cycles->object; i < end; i++) {
      uint32_t cycle = cycle_of[component[i]];
      if (cycle == 0) continue;
      struct lens_cycle_row *row = &rows[cycle - 1];
      places[i] = (uint32_t)row->object_count;
      members[row->first_member + row->object_count++] = (uint32_t)i;
    }
    cycles->object = end;
    lens_progress_set(progress, "cycles", objects + end, 2 * objects);
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  cycles->complete = true;
  return LENS_OK;
}

static lens_status components_step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_cycles *cycles = &self->analysis->cycles;
  if (cycles->complete) return LENS_OK;
  if (cycles->components.phase != LENS_COMPONENTS_DONE) {
    struct lens_graph graph = lens_graph_of(self);
    lens_status status = lens_components_step(&cycles->components, &graph, slice);
    lens_progress_set(progress, "cycles", lens_components_progress(&cycles->components),
                      2 * graph.node_count);
    if (status == LENS_NO_MEMORY) return lens_out_of_memory(self);
    if (status != LENS_OK) return status;
    if (!members_begin(cycles, self->analysis->snapshot.object_count)) {
      lens_cycles_free(cycles);
      return lens_out_of_memory(self);
    }
  }
  return gather(self, slice, progress);
}

lens_status lens_components_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_index_in(self, slice, progress);
  if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  return status == LENS_OK ? components_step(self, slice, progress) : status;
}

lens_status lens_components(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_components_in(self, &slice, progress);
}

lens_status lens_components_get(const lens *self, lens_components_shown *out) {
  if (self->analysis == NULL || !self->analysis->cycles.complete) return LENS_BAD_ARGUMENT;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  *out = (lens_components_shown){
      .object_count = self->analysis->snapshot.object_count,
      .component = cycles->components.component.items,
      .component_count = cycles->components.component_count,
      .cycle_count = cycles->components.ring_count,
      .cycle_objects = cycles->components.ring_nodes,
  };
  return LENS_OK;
}

/* ---- what they weigh, and who leads to them ---- */

/* Whether a collection frees all of it, whatever points there. */
static lens_status is_collected(lens *self, const struct lens_cycle_row *row, uint64_t *work,
                                bool *collected) {
  const struct lens_analysis *analysis = self->analysis;
  const uint32_t *members = lens_cycle_members(&analysis->cycles, row);
  const uint8_t *verdicts = analysis->collector.verdict.items;
  for (uint64_t i = 0; i < row->object_count; i++) {
    lens_status status = lens_turn_at(self, ++*work);
    if (status != LENS_OK) return status;
    uint8_t verdict = verdicts[members[i]];
    *collected = verdict == LENS_COLLECT_GARBAGE || verdict == LENS_COLLECT_FALLS;
    if (!*collected) break;
  }
  return LENS_OK;
}

/* Which cycles are garbage, as lens_leaks has it: not reached, or collected all the same.  In one
 * go: the next lens_reach and lens_collect may be another's. */
static lens_status mark_garbage(lens *self) {
  struct lens_cycles *cycles = &self->analysis->cycles;
  const uint64_t *marks = self->analysis->reach.marks.items;
  uint64_t work = 0;
  for (uint64_t i = 0; i < cycles->components.ring_count; i++) {
    lens_status status = lens_turn_at(self, ++work);
    if (status != LENS_OK) return status;
    struct lens_cycle_row *row = &lens_cycle_rows(cycles)[i];
    uint32_t member = lens_cycle_members(cycles, row)[0];
    row->garbage = (marks[member / 64] >> (member % 64) & 1) == 0;
    if (!row->garbage) status = is_collected(self, row, &work, &row->garbage);
    if (status != LENS_OK) return status;
  }
  cycles->marked = true;
  return LENS_OK;
}

static void add_to_totals(lens_cycles_totals *totals, const struct lens_cycle_row *row) {
  *(row->garbage ? &totals->garbage_cycles : &totals->live_cycles) += 1;
  *(row->garbage ? &totals->garbage_objects : &totals->live_objects) += row->object_count;
  *(row->garbage ? &totals->garbage_bytes : &totals->live_bytes) += row->bytes;
}

/* Sums the bytes of the cycles, object by object of the members. */
static lens_status weigh(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_cycles *cycles = &self->analysis->cycles;
  uint64_t total = cycles->components.ring_nodes, work = 0;
  while (cycles->cycle < cycles->components.ring_count) {
    struct lens_cycle_row *row = &lens_cycle_rows(cycles)[cycles->cycle];
    const uint32_t *members = lens_cycle_members(cycles, row);
    uint64_t at = cycles->member - row->first_member;
    if (at == 0) row->bytes = 0;
    for (; at < row->object_count && work < OBJECTS_A_CLOCK; at++, work++)
      row->bytes += lens_weights_of(self, members[at]);
    cycles->member = row->first_member + at;
    if (at == row->object_count) {
      add_to_totals(&cycles->totals, row);
      cycles->cycle++;
    }
    if (work < OBJECTS_A_CLOCK) continue;
    work = 0;
    lens_progress_set(progress, "cycles", cycles->member, total);
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  cycles->judged = true;
  return LENS_OK;
}

lens_status lens_cycles_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_components_in(self, slice, progress);
  if (status != LENS_OK || self->analysis->cycles.judged) return status;
  if (lens_slice_over(slice)) return LENS_AGAIN;
  status = lens_weights_step(self, slice, progress);
  if (status == LENS_OK && !self->analysis->cycles.marked)
    status = lens_collect_in(self, LENS_NONE, 0, slice, progress);
  if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  if (status == LENS_OK && !self->analysis->cycles.marked) {
    const uint32_t from =
        LENS_REACH_ROOTS | LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL | LENS_REACH_UNSURE;
    status = lens_reach_in(self, NULL, 0, from, slice, progress);
    if (status == LENS_OK) status = mark_garbage(self);
  }
  return status == LENS_OK ? weigh(self, slice, progress) : status;
}

lens_status lens_cycles(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_cycles_in(self, &slice, progress);
}

static lens_status need_judged(lens *self) {
  if (self->analysis != NULL && self->analysis->cycles.judged) return LENS_OK;
  return lens_fail(self, LENS_BAD_ARGUMENT, "call lens_cycles first");
}

lens_status lens_cycles_totals_get(const lens *self, lens_cycles_totals *out) {
  if (self->analysis == NULL || !self->analysis->cycles.judged) return LENS_BAD_ARGUMENT;
  *out = self->analysis->cycles.totals;
  return LENS_OK;
}

/* ---- rows ---- */

static lens_cycle shown(const struct lens_cycles *cycles, uint32_t cycle) {
  const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[cycle];
  return (lens_cycle){.object_count = row->object_count,
                      .bytes = row->bytes,
                      .cycle = cycle,
                      .component = row->component,
                      .first = lens_cycle_members(cycles, row)[0],
                      .garbage = row->garbage};
}

lens_status lens_cycles_choose(lens *self, const uint32_t *marks, uint32_t mark, uint64_t capacity,
                               lens_cycle *rows, uint64_t *written, uint64_t *total) {
  const struct lens_cycles *cycles = &self->analysis->cycles;
  uint64_t cycle_count = cycles->components.ring_count, count = 0, found = 0;
  if (capacity > cycle_count) capacity = cycle_count;
  struct lens_best *best = lens_alloc((size_t)capacity * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  lens_status status = LENS_OK;
  for (uint32_t i = 0; i < cycle_count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[i];
    uint32_t kind = row->garbage ? LENS_CYCLES_GARBAGE : LENS_CYCLES_LIVE;
    if (marks == NULL ? (mark & kind) == 0 : marks[i] != mark) continue;
    found++;
    /* Ties by the lowest object: it names the cycle as well as its number does. */
    struct lens_best offer = {row->bytes, lens_cycle_members(cycles, row)[0]};
    count = lens_best_offer(best, count, capacity, offer);
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  const uint32_t *component = cycles->components.component.items,
                 *cycle_of = cycles->cycle_of.items;
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    rows[i] = shown(cycles, cycle_of[component[best[i].row]] - 1);
  }
  lens_dealloc(best);
  if (status != LENS_OK) return status;
  *written = count;
  *total = found;
  return LENS_OK;
}

lens_status lens_cycles_select(lens *self, uint32_t wanted, uint64_t capacity, lens_cycle *rows,
                               uint64_t *written, uint64_t *total) {
  lens_status status = need_judged(self);
  if (status != LENS_OK) return status;
  return lens_cycles_choose(self, NULL, wanted, capacity, rows, written, total);
}

lens_status lens_cycle_of(lens *self, uint32_t object, uint32_t *cycle) {
  lens_status status = need_judged(self);
  if (status != LENS_OK) return status;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  if (object >= self->analysis->snapshot.object_count)
    return lens_fail(self, LENS_BAD_ARGUMENT, "no object has the number %u", object);
  uint32_t component = ((const uint32_t *)cycles->components.component.items)[object];
  uint32_t found = ((const uint32_t *)cycles->cycle_of.items)[component];
  if (found == 0) return lens_fail(self, LENS_NOT_FOUND, "the object is in no cycle");
  *cycle = found - 1;
  return LENS_OK;
}

lens_status lens_cycle_get(lens *self, uint32_t cycle, lens_cycle *out) {
  lens_status status = need_judged(self);
  if (status != LENS_OK) return status;
  if (cycle >= self->analysis->cycles.components.ring_count)
    return lens_fail(self, LENS_NOT_FOUND, "no cycle has the number %u", cycle);
  *out = shown(&self->analysis->cycles, cycle);
  return LENS_OK;
}

lens_status lens_cycle_objects(lens *self, uint32_t cycle, uint64_t first, uint64_t capacity,
                               uint32_t *objects, uint64_t *written, uint64_t *total) {
  if (self->analysis == NULL || !self->analysis->cycles.complete)
    return lens_fail(self, LENS_BAD_ARGUMENT, "call lens_components first");
  const struct lens_cycles *cycles = &self->analysis->cycles;
  if (cycle >= cycles->components.ring_count)
    return lens_fail(self, LENS_NOT_FOUND, "no cycle has the number %u", cycle);
  const struct lens_cycle_row *row = &lens_cycle_rows(cycles)[cycle];
  uint64_t left = first < row->object_count ? row->object_count - first : 0;
  uint64_t count = left < capacity ? left : capacity;
  for (uint64_t i = 0; i < count; i++) objects[i] = lens_cycle_members(cycles, row)[first + i];
  *written = count;
  *total = row->object_count;
  return LENS_OK;
}

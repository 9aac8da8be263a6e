/* A cycle's own graph and its ring.  See opened.h. */
#include "graph/opened.h"

#include <string.h>

#include "analysis.h"

enum { STEPS_A_CLOCK = 1 << 14, BUCKETS = 256 };

void lens_opened_free(struct lens_opened *self) {
  lens_column_free(&self->edge_start);
  lens_column_free(&self->edge_target);
  lens_column_free(&self->edge_key);
  lens_edge_slots_free(&self->reading);
  lens_dealloc(self->keys);
  lens_column_free(&self->queue);
  lens_column_free(&self->before);
  lens_column_free(&self->via);
  lens_column_free(&self->ring);
  lens_column_free(&self->on_ring);
  lens_column_free(&self->peeling.left);
  lens_column_free(&self->peeling.queue);
  memset(self, 0, sizeof *self);
}

static const uint32_t *members_of(const lens *self) {
  const struct lens_cycles *cycles = &self->analysis->cycles;
  return lens_cycle_members(cycles, &lens_cycle_rows(cycles)[self->analysis->opened.cycle]);
}

/* ---- keys ---- */

/* The key of a declared slot, made where it is new; LENS_KEY_NONE where there are too many of them.
 * False: out of memory. */
static bool key_of(lens *self, uint32_t type, uint32_t slot, uint32_t part, uint16_t *key) {
  struct lens_opened *opened = &self->analysis->opened;
  uint32_t bucket = (type * 31 + slot * 2 + part) % BUCKETS;
  *key = LENS_KEY_NONE;
  for (uint32_t at = opened->key_buckets[bucket]; at != 0; at = opened->keys[at - 1].next) {
    const lens_cycle_break *shown = &opened->keys[at - 1].shown;
    if (shown->type != type || shown->slot != slot || shown->part != part) continue;
    *key = (uint16_t)(at - 1);
    return true;
  }
  if (opened->key_count == LENS_KEYS_MAX) return true;
  struct lens_slot_key *keys =
      lens_grow(opened->keys, &opened->key_capacity, opened->key_count + 1, sizeof *keys);
  if (keys == NULL) return false;
  opened->keys = keys;
  const struct lens_type_model *model = &self->model.types[type];
  keys[opened->key_count] = (struct lens_slot_key){.shown = {.type = type,
                                                             .slot = slot,
                                                             .part = part,
                                                             .builtin = model->shown.builtin,
                                                             .name = model->slots[slot].name},
                                                   .next = opened->key_buckets[bucket]};
  *key = (uint16_t)opened->key_count++;
  opened->key_buckets[bucket] = (uint32_t)opened->key_count;
  return true;
}

/* Adds an edge, if it stays in the cycle. */
static bool add_edge(lens *self, void *context, const lens_edge_slot *edge) {
  struct lens_opened *opened = context;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  const uint32_t *component = cycles->components.component.items;
  if (component[edge->target] != component[edge->holder]) return true;
  if (!lens_column_reserve(&opened->edge_target, opened->edge_count + 1, sizeof(uint32_t)) ||
      !lens_column_reserve(&opened->edge_key, opened->edge_count + 1, sizeof(uint16_t)))
    return false;
  uint16_t key = LENS_KEY_NONE;
  if (edge->slot != LENS_NONE && !key_of(self, edge->type, edge->slot, edge->part, &key))
    return false;
  if (key != LENS_KEY_NONE) {
    lens_cycle_break *shown = &opened->keys[key].shown;
    if (shown->slot_count++ == 0) {
      shown->holder = edge->holder;
      shown->target = edge->target;
    }
    shown->back_count += edge->target < edge->holder;
  }
  ((uint32_t *)opened->edge_target.items)[opened->edge_count] =
      ((const uint32_t *)cycles->places.items)[edge->target];
  ((uint16_t *)opened->edge_key.items)[opened->edge_count++] = key;
  return true;
}

static lens_status add_edges(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_opened *opened = &self->analysis->opened;
  const uint32_t *members = members_of(self);
  uint64_t *edge_start = opened->edge_start.items, budget = STEPS_A_CLOCK;
  while (opened->member < opened->count) {
    lens_status status = lens_edge_slots_of(self, &opened->reading, members[opened->member],
                                            &budget, add_edge, opened);
    if (status != LENS_OK && status != LENS_AGAIN) return status;
    if (status == LENS_OK) {
      edge_start[++opened->member] = opened->edge_count;
      if (budget > 0) budget--;
    }
    if (budget > 0) continue;
    budget = STEPS_A_CLOCK;
    lens_progress_set(progress, "slots of the cycle", opened->member, opened->count);
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  lens_edge_slots_free(&opened->reading);
  return LENS_OK;
}

/* ---- the ring ---- */

static bool ring_begin(struct lens_opened *opened) {
  return lens_column_reserve(&opened->queue, opened->count, sizeof(uint32_t)) &&
         lens_column_reserve(&opened->before, opened->count, sizeof(uint32_t)) &&
         lens_column_reserve(&opened->via, opened->count, sizeof(uint64_t));
}

/* Breadth first from object 0 until an edge leads back to it; *last is that edge, whose holder
 * is the head of the queue. */
static lens_status ring_search(struct lens_opened *opened, const lens_slice *slice,
                               uint64_t *last) {
  const uint64_t *starts = opened->edge_start.items;
  const uint32_t *targets = opened->edge_target.items;
  uint32_t *queue = opened->queue.items, *before = opened->before.items;
  uint64_t *via = opened->via.items, budget = STEPS_A_CLOCK;
  if (opened->tail == 0) opened->tail = 1; /* object 0 */
  for (; opened->head < opened->tail; opened->head++) {
    uint32_t holder = queue[opened->head];
    if (opened->head_edge < starts[holder]) opened->head_edge = starts[holder];
    for (; opened->head_edge < starts[holder + 1]; opened->head_edge++) {
      if (budget-- == 0) {
        budget = STEPS_A_CLOCK;
        if (lens_slice_over(slice)) return LENS_AGAIN;
      }
      uint32_t target = targets[opened->head_edge];
      if (target == 0) {
        *last = opened->head_edge;
        return LENS_OK;
      }
      if (before[target] != 0) continue;
      before[target] = holder + 1;
      via[target] = opened->head_edge;
      queue[opened->tail++] = target;
    }
    opened->head_edge = 0;
  }
  return LENS_CORRUPT; /* no component of ours */
}

/* Of a slot that the ring uses, the holder that is shown is the first one on it. */
static void show_on_ring(struct lens_opened *opened, const uint32_t *members) {
  const uint64_t *ring = opened->ring.items;
  const uint32_t *targets = opened->edge_target.items;
  const uint16_t *keys = opened->edge_key.items;
  for (uint64_t i = opened->ring_count; i-- > 0;) {
    uint16_t key = keys[ring[i]];
    if (key == LENS_KEY_NONE) continue;
    lens_cycle_break *shown = &opened->keys[key].shown;
    shown->holder = members[i == 0 ? 0 : targets[ring[i - 1]]];
    shown->target = members[targets[ring[i]]];
    shown->on_ring++;
  }
}

/* The edges along the ring, from object 0 on. */
static bool ring_keep(struct lens_opened *opened, const uint32_t *members, uint64_t last) {
  const uint32_t *before = opened->before.items;
  const uint64_t *via = opened->via.items;
  uint32_t end = ((const uint32_t *)opened->queue.items)[opened->head];
  uint64_t count = 1;
  for (uint32_t at = end; at != 0; at = before[at] - 1) count++;
  if (!lens_column_reserve(&opened->ring, count, sizeof(uint64_t)) ||
      !lens_column_reserve(&opened->on_ring, opened->edge_count / 64 + 1, sizeof(uint64_t)))
    return false;
  uint64_t *ring = opened->ring.items, *on_ring = opened->on_ring.items;
  opened->ring_count = count;
  ring[--count] = last;
  for (uint32_t at = end; at != 0; at = before[at] - 1) ring[--count] = via[at];
  for (; count < opened->ring_count; count++)
    on_ring[ring[count] / 64] |= 1ull << (ring[count] % 64);
  show_on_ring(opened, members);
  lens_column_free(&opened->queue);
  lens_column_free(&opened->before);
  lens_column_free(&opened->via);
  return true;
}

/* ---- the whole ---- */

static lens_status begin(lens *self, uint32_t cycle) {
  struct lens_opened *opened = &self->analysis->opened;
  const struct lens_cycles *cycles = &self->analysis->cycles;
  lens_opened_free(opened);
  if (cycle >= cycles->components.ring_count)
    return lens_fail(self, LENS_NOT_FOUND, "no cycle has the number %u", cycle);
  opened->cycle = cycle;
  opened->count = lens_cycle_rows(cycles)[cycle].object_count;
  if (!lens_column_reserve(&opened->edge_start, opened->count + 1, sizeof(uint64_t)))
    return lens_out_of_memory(self);
  opened->phase = LENS_OPENED_EDGES;
  return LENS_OK;
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_opened *opened = &self->analysis->opened;
  lens_status status = LENS_OK;
  uint64_t last = 0;
  switch (opened->phase) {
    case LENS_OPENED_EDGES:
      status = add_edges(self, slice, progress);
      if (status == LENS_OK && !ring_begin(opened)) return lens_out_of_memory(self);
      break;
    case LENS_OPENED_RING:
      status = ring_search(opened, slice, &last);
      if (status == LENS_CORRUPT) return lens_fail(self, status, "the cycle has no ring");
      if (status == LENS_OK && !ring_keep(opened, members_of(self), last))
        return lens_out_of_memory(self);
      break;
    case LENS_OPENED_COUNTS:
      status = lens_opened_counts(self, slice);
      break;
    case LENS_OPENED_BREAKS:
      status = lens_opened_breaks(self, slice, progress);
      break;
    default:
      status = lens_owners_step(self, slice);
      for (size_t i = 0; status == LENS_OK && i < opened->key_count; i++) {
        lens_cycle_break *shown = &opened->keys[i].shown;
        shown->owner = lens_owners_alone(self, shown->type, shown->slot, shown->part);
      }
      break;
  }
  if (status == LENS_OK) opened->phase++;
  return status;
}

lens_status lens_cycle_open(lens *self, uint32_t cycle, uint32_t slice_ms,
                            lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_components_in(self, &slice, progress);
  if (status == LENS_OK) status = lens_weights_step(self, &slice, progress);
  if (status != LENS_OK) return status;
  struct lens_opened *opened = &self->analysis->opened;
  if (opened->phase == LENS_OPENED_IDLE || opened->cycle != cycle) status = begin(self, cycle);
  while (status == LENS_OK && opened->phase != LENS_OPENED_DONE)
    status = step(self, &slice, progress);
  if (status != LENS_OK && status != LENS_AGAIN) lens_opened_free(opened);
  return status;
}

static bool is_open(const lens *self) {
  return self->analysis != NULL && self->analysis->opened.phase == LENS_OPENED_DONE;
}

static lens_status need_open(lens *self) {
  return is_open(self) ? LENS_OK : lens_fail(self, LENS_BAD_ARGUMENT, "open a cycle first");
}

lens_status lens_cycle_opened_get(const lens *self, lens_cycle_opened *out) {
  if (!is_open(self)) return LENS_BAD_ARGUMENT;
  const struct lens_opened *opened = &self->analysis->opened;
  *out = (lens_cycle_opened){.cycle = opened->cycle,
                             .slot_count = opened->edge_count,
                             .ring_count = opened->ring_count,
                             .outside_refs = opened->outside_refs,
                             .break_count = opened->key_count,
                             .untried = opened->untried};
  return LENS_OK;
}

/* ---- slots ---- */

/* The object that the edge leaves: a search, as edges stand by holder. */
static uint32_t holder_of(const struct lens_opened *opened, uint64_t edge) {
  const uint64_t *starts = opened->edge_start.items;
  uint64_t low = 0, high = opened->count - 1;
  while (low < high) {
    uint64_t middle = low + (high - low + 1) / 2;
    if (starts[middle] <= edge)
      low = middle;
    else
      high = middle - 1;
  }
  return (uint32_t)low;
}

/* The slot of an edge: as many references to the same object stand before it in its holder as
 * edges do. */
static lens_status describe(lens *self, uint64_t edge, lens_cycle_slot *row) {
  const struct lens_opened *opened = &self->analysis->opened;
  const uint32_t *members = members_of(self), *targets = opened->edge_target.items;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t holder = holder_of(opened, edge);
  uint64_t before = 0;
  for (uint64_t i = ((const uint64_t *)opened->edge_start.items)[holder]; i < edge; i++)
    before += targets[i] == targets[edge];
  *row = (lens_cycle_slot){.holder = members[holder], .target = members[targets[edge]]};
  uint64_t target = lens_row_addresses(snapshot)[row->target];
  row->ref = (lens_ref){.target = target, .kind = LENS_REF_OPAQUE, .slot = LENS_NONE};
  struct lens_held held;
  lens_status status = lens_object_hold(self, lens_row_addresses(snapshot)[row->holder], &held);
  if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
  if (status != LENS_OK) return LENS_OK;
  struct lens_slots slots;
  struct lens_place_ref ref;
  lens_held_slots(&held, self, &slots);
  while (lens_slots_next(&slots, &ref)) {
    bool counts = ref.kind == LENS_REF_STRONG || ref.kind == LENS_REF_OPAQUE;
    if (!counts || ref.target != target || before-- != 0) continue;
    row->ref = lens_ref_shown(&ref, LENS_PLACE_OBJECT);
    return LENS_OK;
  }
  return slots.status;
}

static bool is_on_ring(const struct lens_opened *opened, uint64_t edge) {
  return (((const uint64_t *)opened->on_ring.items)[edge / 64] >> (edge % 64) & 1) != 0;
}

lens_status lens_cycle_slots(lens *self, uint64_t capacity, lens_cycle_slot *rows,
                             uint64_t *written, uint64_t *total) {
  lens_status status = need_open(self);
  if (status != LENS_OK) return status;
  const struct lens_opened *opened = &self->analysis->opened;
  const uint64_t *ring = opened->ring.items;
  uint64_t count = 0;
  for (; count < opened->ring_count && count < capacity && status == LENS_OK; count++)
    status = describe(self, ring[count], &rows[count]);
  for (uint64_t edge = 0; edge < opened->edge_count && count < capacity && status == LENS_OK;
       edge++) {
    if (!is_on_ring(opened, edge)) status = describe(self, edge, &rows[count++]);
  }
  if (status != LENS_OK) return status;
  *written = count;
  *total = opened->edge_count;
  return LENS_OK;
}

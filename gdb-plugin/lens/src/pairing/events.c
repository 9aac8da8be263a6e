/* The event ring: reading what is left of it, in pieces.
 *
 * Event number n stands at entry (n - 1) % capacity and carries its number; an entry with another
 * one is being written, or its event is lost, and is passed over.
 *
 * What this is not: it pairs nothing.
 */
#include "pairing/events.h"

#include "model/load.h"

enum { PIECE_BYTES = 16384 };

/* A part of a ring, and who gets its events. */
struct pass {
  lens *self;
  const struct lens_heap_model *heap;
  uint32_t heap_index;
  bool newest_first;
  lens_event_visit_fn visit;
  void *context;
};

static uint32_t op_of(const struct lens_contract *contract, uint64_t value) {
  for (uint32_t op = LENS_EVENT_ALLOCATE; op < LENS_EVENT_OPS; op++) {
    if (contract->event_ops[op] == value) return op;
  }
  return LENS_EVENT_OTHER;
}

/* One entry of the ring, which should hold event number `sequence`. */
static lens_status take(const struct pass *pass, const uint8_t *bytes, uint64_t sequence) {
  const struct lens_heap_model *heap = pass->heap;
  const struct lens_layout_event *layout = &heap->contract->event;
  if (lens_load_place(bytes, layout->sequence) != sequence) return LENS_OK;
  uint64_t type = lens_load_place(bytes, layout->type);
  bool known =
      type > 0 && type < heap->type_count && pass->self->model.types[heap->first_type + type].known;
  const lens_event event = {
      .sequence = sequence,
      .object = lens_load_place(bytes, layout->object),
      .serial = lens_load_place(bytes, layout->serial),
      .caller = lens_load_place(bytes, layout->caller),
      .op = op_of(heap->contract, lens_load_place(bytes, layout->op)),
      .count = (uint32_t)lens_load_place(bytes, layout->count),
      .type = known ? heap->first_type + (uint32_t)type : LENS_NONE,
      .thread = (uint32_t)lens_load_place(bytes, layout->thread),
      .site = (uint32_t)lens_load_place(bytes, layout->site),
      .heap = pass->heap_index,
      .inner = lens_load_place(bytes, layout->inner) != 0,
      .caught = lens_load_place(bytes, layout->caught) != 0,
      .stack = lens_load_place(bytes, layout->stack),
      .holder = lens_load_place(bytes, layout->holder),
  };
  return pass->visit(pass->context, &event);
}

/* The events [from, to], which stand side by side in the ring and fit into a piece. */
static lens_status take_piece(const struct pass *pass, uint64_t from, uint64_t to) {
  uint8_t bytes[PIECE_BYTES];
  uint64_t stride = pass->heap->contract->event.struct_bytes;
  uint64_t entry = (from - 1) & (pass->heap->tracking.event_capacity - 1);
  lens_status status =
      lens_fetch(pass->self, pass->heap->events + entry * stride, (to - from + 1) * stride, bytes);
  for (uint64_t i = from; status == LENS_OK && i <= to; i++) {
    uint64_t sequence = pass->newest_first ? to - (i - from) : i;
    status = take(pass, bytes + (sequence - from) * stride, sequence);
  }
  return status;
}

/* All events of [oldest, newest] that are left.  What can't be read ends the pass: a ring is read
 * whole or cut. */
static lens_status run(const struct pass *pass, uint64_t oldest, uint64_t newest) {
  const lens_tracking *tracking = &pass->heap->tracking;
  uint64_t per_piece = PIECE_BYTES / pass->heap->contract->event.struct_bytes;
  uint64_t mask = tracking->event_capacity - 1;
  while (oldest <= newest) {
    uint64_t from = oldest, to = newest;
    if (pass->newest_first) {
      uint64_t before = ((newest - 1) & mask) + 1; /* entries up to the ring's start */
      if (before > per_piece) before = per_piece;
      if (to - from >= before) from = to - before + 1;
      newest = from - 1;
    } else {
      uint64_t behind = mask + 1 - ((oldest - 1) & mask); /* entries up to the ring's end */
      if (behind > per_piece) behind = per_piece;
      if (to - from >= behind) to = from + behind - 1;
      oldest = to + 1;
    }
    lens_status status = take_piece(pass, from, to);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

static lens_status visit(struct pass *pass, uint64_t oldest, uint64_t newest) {
  const lens_tracking *tracking = &pass->heap->tracking;
  uint32_t stride = pass->heap->contract->event.struct_bytes;
  bool usable = tracking->event_capacity != 0 && tracking->event_count < UINT64_MAX &&
                stride >= pass->heap->contract->event.extent && stride <= PIECE_BYTES;
  if (!usable) return LENS_OK;
  if (oldest <= tracking->event_lost) oldest = tracking->event_lost + 1;
  if (newest > tracking->event_count) newest = tracking->event_count;
  lens_status status = run(pass, oldest, newest);
  if (status != LENS_UNREADABLE) return status;
  lens_problem_add(pass->self, LENS_SOURCE_LOAD, LENS_DAMAGE, pass->heap->events,
                   "the event ring of heap %llu is readable in part only",
                   (unsigned long long)pass->heap->shown.id);
  return LENS_OK;
}

lens_status lens_events_visit(lens *self, uint32_t heap, uint64_t oldest, uint64_t newest,
                              lens_event_visit_fn visit_one, void *context) {
  struct pass pass = {.self = self,
                      .heap = &self->model.heaps[heap],
                      .heap_index = heap,
                      .visit = visit_one,
                      .context = context};
  return visit(&pass, oldest, newest);
}

/* ---- rows ---- */

struct search {
  uint64_t object, serial; /* 0: any */
  uint64_t first, capacity;
  lens_event *events;
  uint64_t stored, count;
};

static lens_status keep_wanted(void *context, const lens_event *event) {
  struct search *search = context;
  if (search->object != 0 && event->object != search->object) return LENS_OK;
  if (search->serial != 0 && (event->serial != search->serial || event->object == 0))
    return LENS_OK;
  if (search->count++ < search->first || search->stored >= search->capacity) return LENS_OK;
  search->events[search->stored++] = *event;
  return LENS_OK;
}

lens_status lens_events(lens *self, uint64_t heap, uint64_t object, uint64_t serial,
                        uint32_t newest_first, uint64_t first, uint64_t capacity,
                        lens_event *events, uint64_t *written, uint64_t *total) {
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  struct search search = {
      .object = object, .serial = serial, .first = first, .capacity = capacity, .events = events};
  struct pass pass = {.self = self,
                      .heap = &self->model.heaps[heap],
                      .heap_index = (uint32_t)heap,
                      .newest_first = newest_first != 0,
                      .visit = keep_wanted,
                      .context = &search};
  lens_status status = visit(&pass, 1, UINT64_MAX);
  if (status != LENS_OK) return status;
  *written = search.stored;
  *total = search.count;
  return LENS_OK;
}

/* The event ring: reading what is left of it, in pieces.
 *
 * Event number n stands at entry (n - 1) % capacity and carries its number; an entry with another
 * one is being written, or its event is lost, and is passed over.
 *
 * What this is not: it pairs nothing.
 */
#include "load.h"

enum { PIECE_BYTES = 16384 };

struct search {
  lens *self;
  const struct lens_heap_model *heap;
  uint32_t heap_index;
  uint64_t object, serial; /* 0: any */
  bool newest_first;
  uint64_t first, capacity;
  lens_event *events;
  uint64_t stored, count;
};

static uint32_t op_of(const struct lens_contract *contract, uint64_t value) {
  for (uint32_t op = LENS_EVENT_ALLOCATE; op < LENS_EVENT_OPS; op++) {
    if (contract->event_ops[op] == value) return op;
  }
  return LENS_EVENT_OTHER;
}

/* One entry of the ring, which should hold event number `sequence`. */
static void take(struct search *search, const uint8_t *bytes, uint64_t sequence) {
  const struct lens_layout_event *layout = &search->heap->contract->event;
  if (lens_load_place(bytes, layout->sequence) != sequence) return;
  uint64_t object = lens_load_place(bytes, layout->object);
  uint64_t serial = lens_load_place(bytes, layout->serial);
  if (search->object != 0 && object != search->object) return;
  if (search->serial != 0 && (serial != search->serial || object == 0)) return;
  if (search->count++ < search->first || search->stored >= search->capacity) return;
  const struct lens_heap_model *heap = search->heap;
  uint64_t type = lens_load_place(bytes, layout->type);
  bool known = type > 0 && type < heap->type_count &&
               search->self->model.types[heap->first_type + type].known;
  search->events[search->stored++] = (lens_event){
      .sequence = sequence,
      .object = object,
      .serial = serial,
      .caller = lens_load_place(bytes, layout->caller),
      .op = op_of(heap->contract, lens_load_place(bytes, layout->op)),
      .count = (uint32_t)lens_load_place(bytes, layout->count),
      .type = known ? heap->first_type + (uint32_t)type : LENS_NONE,
      .thread = (uint32_t)lens_load_place(bytes, layout->thread),
      .site = (uint32_t)lens_load_place(bytes, layout->site),
      .heap = search->heap_index,
  };
}

/* The events [from, to], which stand side by side in the ring and fit into a piece. */
static lens_status take_piece(struct search *search, uint64_t from, uint64_t to) {
  uint8_t bytes[PIECE_BYTES];
  uint64_t stride = search->heap->contract->event.struct_bytes;
  uint64_t entry = (from - 1) & (search->heap->tracking.event_capacity - 1);
  lens_status status = lens_fetch(search->self, search->heap->events + entry * stride,
                                  (to - from + 1) * stride, bytes);
  if (status != LENS_OK) return status;
  for (uint64_t i = from; i <= to; i++) {
    uint64_t sequence = search->newest_first ? to - (i - from) : i;
    take(search, bytes + (sequence - from) * stride, sequence);
  }
  return LENS_OK;
}

/* All events that may be left.  What can't be read ends the search: a ring is read whole or cut. */
static lens_status run(struct search *search) {
  const lens_tracking *tracking = &search->heap->tracking;
  uint64_t per_piece = PIECE_BYTES / search->heap->contract->event.struct_bytes;
  uint64_t oldest = tracking->event_lost + 1, newest = tracking->event_count;
  uint64_t mask = tracking->event_capacity - 1;
  while (oldest <= newest) {
    uint64_t from = oldest, to = newest;
    if (search->newest_first) {
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
    lens_status status = take_piece(search, from, to);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

lens_status lens_events(lens *self, uint64_t heap, uint64_t object, uint64_t serial,
                        uint32_t newest_first, uint64_t first, uint64_t capacity,
                        lens_event *events, uint64_t *written, uint64_t *total) {
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  struct search search = {.self = self,
                          .heap = &self->model.heaps[heap],
                          .heap_index = (uint32_t)heap,
                          .object = object,
                          .serial = serial,
                          .newest_first = newest_first != 0,
                          .first = first,
                          .capacity = capacity,
                          .events = events};
  const struct lens_tracking *tracking = &search.heap->tracking;
  uint32_t stride = search.heap->contract->event.struct_bytes;
  bool usable = tracking->event_capacity != 0 && tracking->event_count < UINT64_MAX &&
                stride >= search.heap->contract->event.extent && stride <= PIECE_BYTES;
  lens_status status = usable ? run(&search) : LENS_OK;
  if (status == LENS_UNREADABLE) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, search.heap->events,
                     "the event ring of heap %llu is readable in part only",
                     (unsigned long long)search.heap->shown.id);
    status = LENS_OK;
  }
  if (status != LENS_OK) return status;
  *written = search.stored;
  *total = search.count;
  return LENS_OK;
}

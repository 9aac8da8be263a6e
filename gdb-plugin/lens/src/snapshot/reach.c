/* Reachability: breadth first, with the queue as its own record of what was found.
 *
 * The queue tells far ahead which rows will be needed, so they are fetched into the cache before
 * their turn; on a shuffled heap this is most of the speed.
 */
#include "snapshot/reach.h"

#include "analysis.h"
#include "memory/ahead.h"

enum { AHEAD_STARTS = 24, AHEAD_TARGETS = 12, STEPS_A_CLOCK = 1 << 15 };

void lens_reach_free(struct lens_reach *self) {
  lens_column_free(&self->marks);
  lens_column_free(&self->queue);
  *self = (struct lens_reach){0};
}

static void mark(struct lens_reach *reach, uint32_t object) {
  uint64_t *word = (uint64_t *)reach->marks.items + object / 64, bit = 1ull << (object % 64);
  if ((*word & bit) != 0) return;
  *word |= bit;
  ((uint32_t *)reach->queue.items)[reach->tail++] = object;
}

static void mark_in(void *context, uint32_t object) { mark(context, object); }

/* Marks what its state makes a start.  False: the slice is over. */
static bool mark_states(struct lens_analysis *analysis, const lens_slice *slice) {
  struct lens_reach *reach = &analysis->reach;
  const uint16_t *states = lens_row_states(&analysis->snapshot);
  uint64_t objects = analysis->snapshot.object_count;
  uint32_t wanted = 0;
  if ((reach->from & LENS_REACH_IMMORTAL) != 0)
    wanted |= LENS_STATE_IMMORTAL | LENS_STATE_SATURATED;
  if ((reach->from & LENS_REACH_RUNTIME) != 0) wanted |= LENS_STATE_HELD;
  if ((reach->from & LENS_REACH_UNSURE) != 0) wanted |= LENS_STATE_DYING | LENS_STATE_DAMAGED;
  if (wanted == 0) reach->row = objects;
  while (reach->row < objects) {
    uint64_t end = reach->row + STEPS_A_CLOCK < objects ? reach->row + STEPS_A_CLOCK : objects;
    for (; reach->row < end; reach->row++) {
      if ((states[reach->row] & wanted) != 0) mark(reach, (uint32_t)reach->row);
    }
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

/* What the heaps are in the middle of changing. */
static void mark_flux(lens *self) {
  for (size_t i = 0; i < self->model.heap_count; i++) {
    uint64_t address = self->model.heaps[i].shown.flux_object;
    uint32_t object = lens_directory_exact(&self->analysis->snapshot.directory, address);
    if (object != LENS_NONE) mark(&self->analysis->reach, object);
  }
}

static lens_status begin(lens *self, const uint32_t *starts, uint64_t start_count, uint32_t from) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_reach *reach = &analysis->reach;
  uint64_t objects = analysis->snapshot.object_count;
  lens_reach_free(reach);
  if (!lens_column_reserve(&reach->marks, objects / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&reach->queue, objects, sizeof(uint32_t))) {
    lens_reach_free(reach);
    return lens_out_of_memory(self);
  }
  reach->started = true;
  reach->starts = starts;
  reach->start_count = start_count;
  reach->from = from;
  return LENS_OK;
}

/* Marks the caller's starts, the roots, and what the runtime holds. */
static lens_status mark_starts(lens *self, const lens_slice *slice) {
  struct lens_reach *reach = &self->analysis->reach;
  const struct lens_roots *roots = &self->analysis->roots;
  for (uint64_t work = 1; reach->start < reach->start_count; reach->start++, work++) {
    uint32_t object = reach->starts[reach->start];
    if (object >= self->analysis->snapshot.object_count)
      return lens_fail(self, LENS_BAD_ARGUMENT, "no object has the index %u", object);
    mark(reach, object);
    if (work % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  uint64_t root_count = (reach->from & LENS_REACH_ROOTS) != 0 ? roots->count : 0;
  for (uint64_t work = 1; reach->root < root_count; reach->root++, work++) {
    mark(reach, lens_root_rows(roots)[reach->root].object);
    if (work % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  if ((reach->from & LENS_REACH_UNSURE) != 0 && !reach->flux) mark_flux(self);
  reach->flux = true;
  return (reach->from & LENS_REACH_RUNTIME) == 0
             ? LENS_OK
             : lens_runtime_visit(self, &reach->held, slice, mark_in, reach);
}

/* Follows the queue, at most `budget` objects and edges of it. */
static void follow(lens *self, uint64_t budget) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_reach *reach = &analysis->reach;
  const uint64_t *starts = lens_out_starts(&analysis->index);
  const uint32_t *targets = lens_out_targets(&analysis->index), *queue = reach->queue.items;
  const uint32_t *sizes = lens_row_sizes(&analysis->snapshot);
  while (budget > 0 && reach->head < reach->tail) {
    uint32_t object = queue[reach->head];
    uint64_t edge = reach->edge == 0 ? starts[object] : reach->edge - 1, end = starts[object + 1];
    if (reach->edge == 0)
      reach->bytes += sizes[object] != UINT32_MAX ? sizes[object] : lens_row_size(self, object);
    uint64_t ahead = reach->head + AHEAD_STARTS;
    if (ahead < reach->tail) {
      lens_ahead_read(&starts[queue[ahead]]);
      lens_ahead_read(&sizes[queue[ahead]]);
    }
    ahead = reach->head + AHEAD_TARGETS;
    if (ahead < reach->tail) lens_ahead_read(&targets[starts[queue[ahead]]]);
    budget--;
    uint64_t here = end - edge < budget ? end : edge + budget;
    budget -= here - edge;
    for (; edge < here; edge++) mark(reach, targets[edge]);
    /* A branch: the next object must not wait until this one's edges have come from memory. */
    if (__builtin_expect(edge < end, 0)) {
      reach->edge = edge + 1;
      break;
    }
    reach->edge = 0;
    reach->head++;
  }
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_reach *reach = &self->analysis->reach;
  lens_status status = mark_starts(self, slice);
  if (status != LENS_OK) return status;
  if (!mark_states(self->analysis, slice)) return LENS_AGAIN;
  while (reach->head < reach->tail) {
    follow(self, STEPS_A_CLOCK);
    lens_progress_set(progress, "reachable", reach->head, self->analysis->snapshot.object_count);
    if (reach->head < reach->tail && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

lens_status lens_reach_in(lens *self, const uint32_t *starts, uint64_t start_count, uint32_t from,
                          const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_index_in(self, slice, progress);
  if (status != LENS_OK) return status;
  struct lens_reach *reach = &self->analysis->reach;
  bool same = reach->starts == starts && reach->start_count == start_count && reach->from == from;
  if (!reach->started || reach->complete || !same) {
    reach->complete = false;
    status = begin(self, starts, start_count, from);
    if (status != LENS_OK) return status;
  }
  status = step(self, slice, progress);
  if (status != LENS_OK && status != LENS_AGAIN) lens_reach_free(reach);
  if (status != LENS_OK) return status;
  lens_column_free(&reach->queue);
  reach->complete = true;
  return LENS_OK;
}

lens_status lens_reach(lens *self, const uint32_t *starts, uint64_t start_count, uint32_t from,
                       uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_reach_in(self, starts, start_count, from, &slice, progress);
}

lens_status lens_reached_get(const lens *self, lens_reached *out) {
  if (self->analysis == NULL || !self->analysis->reach.complete) return LENS_BAD_ARGUMENT;
  const struct lens_reach *reach = &self->analysis->reach;
  *out = (lens_reached){reach->tail, reach->bytes, reach->marks.items};
  return LENS_OK;
}

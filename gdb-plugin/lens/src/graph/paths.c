/* Ways: from an object backwards, breadth first, to what holds from outside.
 *
 * A level is all objects as many steps away.  What starts at its objects is sorted, the surest
 * first, when the level is done; the search ends with the level that brings enough starts.  So of
 * ten million objects it looks at those that lead to the target, and no farther away than needed.
 */
#include "graph/paths.h"

#include "analysis.h"
#include "memory/ahead.h"
#include "memory/best.h"
#include "model/object.h"

enum { STEPS_A_CLOCK = 1 << 14, AHEAD_STARTS = 24, AHEAD_SOURCES = 16, AHEAD_DISTANCE = 8 };

static void search_free(struct lens_paths_state *self) {
  lens_column_free(&self->pairs);
  lens_column_free(&self->soft_start);
  lens_column_free(&self->soft_source);
  lens_column_free(&self->held);
  lens_column_free(&self->starting);
  lens_column_free(&self->distance);
  lens_column_free(&self->queue);
  lens_column_free(&self->from_start);
  lens_column_free(&self->waiting);
  lens_dealloc(self->best);
  self->best = NULL;
}

void lens_paths_free(struct lens_paths_state *self) {
  search_free(self);
  lens_column_free(&self->next);
  lens_column_free(&self->states);
  lens_dealloc(self->ways);
  *self = (struct lens_paths_state){0};
}

/* ---- what starts at an object ---- */

static bool has_bit(const struct lens_column *bits, uint32_t object) {
  return (((const uint64_t *)bits->items)[object / 64] >> (object % 64) & 1) != 0;
}

bool lens_starts_any(const lens *self, uint32_t object) {
  return has_bit(&self->analysis->paths.starting, object);
}

/* Notes each object that something starts at: the search asks for all that it meets.  False: the
 * slice is over. */
static bool note_starting(lens *self, const lens_slice *slice) {
  const uint32_t starting =
      LENS_STATE_IMMORTAL | LENS_STATE_SATURATED | LENS_STATE_HELD | LENS_STATE_DYING;
  struct lens_paths_state *paths = &self->analysis->paths;
  const struct lens_roots *roots = &self->analysis->roots;
  const uint16_t *states = lens_row_states(&self->analysis->snapshot);
  const uint64_t *held = paths->held.items;
  uint64_t *bits = paths->starting.items, objects = self->analysis->snapshot.object_count;
  while (paths->row < objects) {
    uint64_t end = objects - paths->row < STEPS_A_CLOCK ? objects : paths->row + STEPS_A_CLOCK;
    for (uint64_t i = paths->row; i < end; i++)
      bits[i / 64] |= (uint64_t)((states[i] & starting) != 0) << (i % 64);
    paths->row = end;
    if (lens_slice_over(slice)) return false;
  }
  while (paths->row < objects + roots->count) {
    uint32_t object = lens_root_rows(roots)[paths->row++ - objects].object;
    bits[object / 64] |= 1ull << (object % 64);
    if (paths->row % STEPS_A_CLOCK == 0 && lens_slice_over(slice)) return false;
  }
  for (uint64_t i = 0; i < objects / 64 + 1; i++) bits[i] |= held[i];
  paths->row = 0;
  paths->phase = paths->soft ? LENS_PATHS_PAIRS : LENS_PATHS_BACKWARD;
  return true;
}

void lens_starts_visit(const lens *self, uint32_t object, lens_start_fn visit, void *context) {
  const struct lens_roots *roots = &self->analysis->roots;
  uint32_t state = lens_row_states(&self->analysis->snapshot)[object];
  if (roots->count != 0) {
    const uint32_t *next = roots->next.items;
    for (uint32_t at = ((const uint32_t *)roots->first_of.items)[object]; at != 0;
         at = next[at - 1]) {
      visit(context, LENS_WAY_ROOT, at - 1, object);
    }
  }
  if ((state & LENS_STATE_HELD) != 0 || has_bit(&self->analysis->paths.held, object))
    visit(context, LENS_WAY_RUNTIME, 0, object);
  if ((state & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0)
    visit(context, LENS_WAY_IMMORTAL, 0, object);
  if ((state & LENS_STATE_DYING) != 0) visit(context, LENS_WAY_DYING, 0, object);
}

/* The surer the greater; the lowest bits say what the row of the start means. */
enum { START_BITS = 2, RANK_RUNTIME = 150, RANK_IMMORTAL = 160, RANK_DYING = 1 };
static uint64_t key_of(const lens *self, uint32_t start, uint64_t root) {
  uint64_t rank = start == LENS_WAY_RUNTIME    ? RANK_RUNTIME
                  : start == LENS_WAY_IMMORTAL ? RANK_IMMORTAL
                                               : RANK_DYING;
  if (start == LENS_WAY_ROOT) {
    const lens_root *row = &lens_root_rows(&self->analysis->roots)[root];
    rank = 100u * (3 - (row->confidence <= 2 ? row->confidence : 2)) +
           (LENS_ROOT_FOREIGN - (row->kind <= LENS_ROOT_FOREIGN ? row->kind : LENS_ROOT_FOREIGN));
  }
  return rank << START_BITS | start;
}

static void offer_start(void *context, uint32_t start, uint64_t root, uint32_t object) {
  lens *self = context;
  struct lens_paths_state *paths = &self->analysis->paths;
  uint64_t room = paths->wanted - paths->totals.ways;
  uint32_t row = start == LENS_WAY_ROOT ? (uint32_t)root : object;
  paths->totals.starts++;
  paths->best_count = lens_best_offer(paths->best, paths->best_count, room,
                                      (struct lens_best){key_of(self, start, root), row});
}

/* The level is done: its starts are ways. */
static void take_starts(lens *self) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint32_t *distance = paths->distance.items;
  (void)lens_best_sort(paths->best, paths->best_count, paths->best_count);
  for (uint64_t i = 0; i < paths->best_count; i++) {
    uint32_t start = paths->best[i].key & ((1u << START_BITS) - 1), row = paths->best[i].row;
    lens_way way = {.start = start, .first = row};
    if (start == LENS_WAY_ROOT) {
      way.root = row;
      way.first = lens_root_rows(&self->analysis->roots)[row].object;
    }
    way.objects = distance[way.first];
    paths->ways[paths->totals.ways++] = (struct lens_found_way){way, LENS_NONE};
  }
  paths->best_count = 0;
}

/* ---- backwards ---- */

static void meet(struct lens_paths_state *paths, uint32_t object, uint32_t from) {
  uint32_t *distance = paths->distance.items;
  if (distance[object] != 0) return;
  distance[object] = distance[from] + 1;
  ((uint32_t *)paths->next.items)[object] = from;
  ((uint32_t *)paths->queue.items)[paths->tail++] = object;
}

/* Meets the holders of an object, at most *budget of them.  False: there are more. */
static bool follow(lens *self, uint32_t object, uint64_t *budget) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  const uint32_t *sources = lens_in_sources(&self->analysis->index);
  if (paths->edge == 0) {
    if (lens_starts_any(self, object)) lens_starts_visit(self, object, offer_start, self);
    paths->edge = in[object] + 1;
  }
  for (; paths->edge <= in[object + 1]; paths->edge++) {
    if (*budget == 0) return false;
    --*budget;
    meet(paths, sources[paths->edge - 1], object);
  }
  paths->edge = 0;
  if (!paths->soft) return true;
  const uint32_t *starts = paths->soft_start.items, *holders = paths->soft_source.items;
  for (uint32_t i = starts[object]; i < starts[object + 1]; i++) meet(paths, holders[i], object);
  return true;
}

/* The queue tells whose turn comes: what that needs is on its way into the cache. */
static inline void fetch_ahead(const lens *self) {
  const struct lens_paths_state *paths = &self->analysis->paths;
  const uint32_t *queue = paths->queue.items;
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  const uint32_t *sources = lens_in_sources(&self->analysis->index);
  if (paths->head + AHEAD_STARTS < paths->tail)
    lens_ahead_read(&in[queue[paths->head + AHEAD_STARTS]]);
  if (paths->head + AHEAD_SOURCES < paths->tail)
    lens_ahead_read(&sources[in[queue[paths->head + AHEAD_SOURCES]]]);
  if (paths->head + AHEAD_DISTANCE >= paths->tail) return;
  uint64_t first = in[queue[paths->head + AHEAD_DISTANCE]];
  if (first + 1 >= self->analysis->index.edge_count) return;
  lens_ahead_write(&((const uint32_t *)paths->distance.items)[sources[first]]);
  lens_ahead_write(&((const uint32_t *)paths->distance.items)[sources[first + 1]]);
  lens_ahead_write(&((const uint32_t *)paths->next.items)[sources[first]]);
}

/* LENS_OK: enough was found, or there is no more. */
static lens_status backward_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint32_t *queue = paths->queue.items;
  for (uint64_t budget = STEPS_A_CLOCK; paths->head < paths->tail;) {
    if (budget == 0) {
      if (lens_slice_over(slice)) return LENS_AGAIN;
      budget = STEPS_A_CLOCK;
    }
    if (paths->edge == 0) fetch_ahead(self);
    if (!follow(self, queue[paths->head], &budget)) continue;
    paths->head++;
    if (budget > 0) budget--;
    if (paths->head != paths->level_end) continue;
    take_starts(self);
    paths->level_end = paths->tail;
    if (paths->totals.ways == paths->wanted) break;
  }
  paths->totals.complete = paths->head == paths->tail;
  paths->totals.holders = paths->tail;
  return LENS_OK;
}

/* ---- the phases ---- */

static void note_held(void *context, uint32_t object) {
  uint64_t *held = context;
  held[object / 64] |= 1ull << (object % 64);
}

static lens_status begin(lens *self, uint32_t object, uint64_t wanted, bool soft) {
  struct lens_paths_state *paths = &self->analysis->paths;
  uint64_t objects = self->analysis->snapshot.object_count;
  lens_paths_free(paths);
  paths->ways = lens_alloc_zeroed((size_t)wanted, sizeof *paths->ways);
  paths->best = lens_alloc_zeroed((size_t)wanted, sizeof *paths->best);
  if (paths->ways == NULL || paths->best == NULL ||
      !lens_column_reserve(&paths->held, objects / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&paths->starting, objects / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&paths->distance, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&paths->next, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&paths->queue, objects, sizeof(uint32_t))) {
    lens_paths_free(paths);
    return lens_out_of_memory(self);
  }
  paths->target = object;
  paths->wanted = wanted;
  paths->soft = soft;
  ((uint32_t *)paths->distance.items)[object] = 1;
  ((uint32_t *)paths->next.items)[object] = object;
  ((uint32_t *)paths->queue.items)[paths->tail++] = object;
  paths->level_end = 1;
  paths->phase = LENS_PATHS_HELD;
  return LENS_OK;
}

/* One phase to its end, or until the slice is over. */
static lens_status phase_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  lens_status status;
  switch (paths->phase) {
    case LENS_PATHS_HELD:
      status = lens_runtime_visit(self, &paths->holding, slice, note_held, paths->held.items);
      if (status == LENS_OK) paths->phase = LENS_PATHS_STARTS;
      return status;
    case LENS_PATHS_STARTS:
      return note_starting(self, slice) ? LENS_OK : LENS_AGAIN;
    case LENS_PATHS_BACKWARD:
      status = backward_step(self, slice);
      if (status != LENS_OK) return status;
      /* Soft edges are known backwards only, so there are no variants over them. */
      if (paths->totals.ways == 0 || paths->totals.ways == paths->wanted || paths->soft) {
        paths->totals.given_up = paths->totals.ways != 0 && paths->totals.ways < paths->wanted;
        paths->phase = LENS_PATHS_DONE;
        return LENS_OK;
      }
      paths->phase = LENS_PATHS_FORWARD;
      return lens_paths_variants_begin(self);
    case LENS_PATHS_FORWARD:
    case LENS_PATHS_VARIANTS:
      return lens_paths_variants_step(self, slice);
    default:
      return lens_paths_soft_step(self, slice);
  }
}

lens_status lens_paths(lens *self, uint32_t object, uint64_t wanted, uint32_t soft,
                       uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_index_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  uint64_t objects = self->analysis->snapshot.object_count;
  if (object >= objects)
    return lens_fail(self, LENS_NOT_FOUND, "no object has the index %u", object);
  if (wanted == 0 || wanted > LENS_WAYS_MAX)
    return lens_fail(self, LENS_BAD_ARGUMENT, "1 to %d ways can be asked for", LENS_WAYS_MAX);
  struct lens_paths_state *paths = &self->analysis->paths;
  bool same = paths->phase != LENS_PATHS_IDLE && paths->target == object &&
              paths->wanted == wanted && paths->soft == (soft != 0);
  if (!same) status = begin(self, object, wanted, soft != 0);
  while (status == LENS_OK && paths->phase != LENS_PATHS_DONE) {
    lens_progress_set(progress, "ways", paths->head, objects);
    status = phase_step(self, &slice);
    if (status == LENS_OK && paths->phase != LENS_PATHS_DONE && lens_slice_over(&slice))
      return LENS_AGAIN;
  }
  if (status == LENS_OK) search_free(paths);
  if (status != LENS_OK && status != LENS_AGAIN) lens_paths_free(paths);
  return status;
}

/* ---- the answer ---- */

static const struct lens_found_way *way_at(const lens *self, uint64_t way) {
  if (self->analysis == NULL || self->analysis->paths.phase != LENS_PATHS_DONE) return NULL;
  const struct lens_paths_state *paths = &self->analysis->paths;
  return way < paths->totals.ways ? &paths->ways[way] : NULL;
}

lens_status lens_paths_totals_get(const lens *self, lens_paths_totals *out) {
  if (self->analysis == NULL || self->analysis->paths.phase != LENS_PATHS_DONE)
    return LENS_BAD_ARGUMENT;
  *out = self->analysis->paths.totals;
  return LENS_OK;
}

lens_status lens_way_get(const lens *self, uint64_t way, lens_way *out) {
  const struct lens_found_way *found = way_at(self, way);
  if (found == NULL) return LENS_NOT_FOUND;
  *out = found->shown;
  return LENS_OK;
}

lens_status lens_way_objects(const lens *self, uint64_t way, uint64_t first, uint64_t capacity,
                             uint32_t *objects, uint64_t *written, uint64_t *total) {
  const struct lens_found_way *found = way_at(self, way);
  if (found == NULL) return LENS_NOT_FOUND;
  const struct lens_paths_state *paths = &self->analysis->paths;
  const uint32_t *next = paths->next.items;
  const struct lens_way_state *states = paths->states.items;
  uint32_t object = found->shown.first, state = found->state;
  uint64_t count = 0;
  for (uint64_t i = 0; i < found->shown.objects && count < capacity; i++) {
    if (i >= first) objects[count++] = object;
    if (i + 1 == found->shown.objects) break;
    if (state == LENS_NONE) {
      object = next[object];
    } else {
      state = states[state].parent;
      object = states[state].object;
    }
  }
  *written = count;
  *total = found->shown.objects;
  return LENS_OK;
}

/* Kinds of references, the one that is taken first first. */
static uint32_t preference(uint32_t kind) {
  switch (kind) {
    case LENS_REF_STRONG:
      return 4;
    case LENS_REF_OPAQUE:
      return 3;
    case LENS_REF_WEAK:
      return 2;
    default:
      return 1;
  }
}

lens_status lens_holding_ref(lens *self, uint32_t holder, uint32_t target, lens_ref *out) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  if (holder >= snapshot->object_count || target >= snapshot->object_count)
    return lens_fail(self, LENS_NOT_FOUND, "there is no such object");
  struct lens_held held;
  status = lens_object_hold(self, lens_row_addresses(snapshot)[holder], &held);
  if (status != LENS_OK) return status;
  struct lens_slots slots;
  struct lens_place_ref ref;
  uint64_t address = lens_row_addresses(snapshot)[target];
  uint32_t best = 0;
  lens_held_slots(&held, self, &slots);
  while (best < preference(LENS_REF_STRONG) && lens_slots_next(&slots, &ref)) {
    if (ref.target != address || preference(ref.kind) <= best) continue;
    best = preference(ref.kind);
    *out = lens_ref_shown(&ref, LENS_PLACE_OBJECT);
  }
  if (slots.status != LENS_OK) return slots.status;
  return best != 0 ? LENS_OK : LENS_NOT_FOUND;
}

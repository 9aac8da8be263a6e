/* Other ways from starts that are known already, the shortest first.
 *
 * How far each object that leads to the target is from its nearest start is worked out forwards;
 * parts of ways then grow backwards from the target, the one first whose whole may be shortest.  A
 * part that comes to a start is a way, unless it is the one that was found before.
 *
 * What this is not: without bounds.  There may be more ways than atoms; beyond LOOKED_MAX steps the
 * search is given up, and says so.
 */
#include "graph/paths.h"

#include "analysis.h"

enum {
  OBJECTS_A_CLOCK = 1 << 13,
  STEPS_A_CLOCK = 1 << 12,
  STATES_MAX = 1 << 20,
  LOOKED_MAX = 1 << 25
};

/* ---- forwards ---- */

lens_status lens_paths_variants_begin(lens *self) {
  struct lens_paths_state *paths = &self->analysis->paths;
  uint64_t objects = self->analysis->snapshot.object_count;
  if (!lens_column_reserve(&paths->from_start, objects, sizeof(uint32_t)))
    return lens_out_of_memory(self);
  paths->row = 0;
  return LENS_OK;
}

/* Marks the starts.  `queue` has all objects that lead to the target, and gets a second use: the
 * starts are written over its front, which was read already. */
static lens_status starts_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  uint32_t *queue = paths->queue.items, *from_start = paths->from_start.items;
  if (paths->row == 0) paths->head = 0;
  while (paths->row < paths->tail) {
    uint32_t object = queue[paths->row++];
    if (lens_starts_any(self, object)) {
      from_start[object] = 1;
      queue[paths->head++] = object;
    }
    if (paths->row % OBJECTS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  paths->tail = paths->head;
  paths->head = 0;
  paths->row = UINT64_MAX; /* the starts are marked */
  return LENS_OK;
}

static lens_status forward_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint64_t *out = lens_out_starts(&self->analysis->index);
  const uint32_t *targets = lens_out_targets(&self->analysis->index);
  const uint32_t *distance = paths->distance.items;
  uint32_t *queue = paths->queue.items, *from_start = paths->from_start.items;
  if (paths->row != UINT64_MAX) {
    lens_status status = starts_step(self, slice);
    if (status != LENS_OK) return status;
  }
  while (paths->head < paths->tail) {
    uint32_t object = queue[paths->head++];
    for (uint64_t edge = out[object]; edge < out[object + 1]; edge++) {
      uint32_t target = targets[edge];
      if (distance[target] == 0 || from_start[target] != 0) continue;
      from_start[target] = from_start[object] + 1;
      queue[paths->tail++] = target;
    }
    if (paths->head % OBJECTS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* ---- parts that wait: a binary heap, the least key first, ties by age ---- */

static bool before(const struct lens_waiting *a, const struct lens_waiting *b) {
  return a->key != b->key ? a->key < b->key : a->state < b->state;
}

static bool push(struct lens_paths_state *paths, uint64_t key, uint32_t state) {
  if (!lens_column_reserve(&paths->waiting, paths->waiting_count + 1, sizeof(struct lens_waiting)))
    return false;
  struct lens_waiting *rows = paths->waiting.items, row = {key, state};
  uint64_t at = paths->waiting_count++;
  for (; at > 0 && before(&row, &rows[(at - 1) / 2]); at = (at - 1) / 2)
    rows[at] = rows[(at - 1) / 2];
  rows[at] = row;
  return true;
}

static struct lens_waiting pop(struct lens_paths_state *paths) {
  struct lens_waiting *rows = paths->waiting.items, first = rows[0];
  struct lens_waiting last = rows[--paths->waiting_count];
  uint64_t at = 0;
  for (;;) {
    uint64_t child = 2 * at + 1;
    if (child >= paths->waiting_count) break;
    if (child + 1 < paths->waiting_count && before(&rows[child + 1], &rows[child])) child++;
    if (!before(&rows[child], &last)) break;
    rows[at] = rows[child];
    at = child;
  }
  rows[at] = last;
  return first;
}

/* ---- growing ---- */

static bool is_on_way(struct lens_paths_state *paths, uint32_t state, uint32_t object) {
  const struct lens_way_state *states = paths->states.items;
  for (; state != LENS_NONE; state = states[state].parent) {
    paths->looked++;
    if (states[state].object == object) return true;
  }
  return false;
}

/* A part that begins at `object` and goes on with `parent`. */
static bool add_state(lens *self, uint32_t object, uint32_t parent) {
  struct lens_paths_state *paths = &self->analysis->paths;
  if (!lens_column_reserve(&paths->states, paths->state_count + 1, sizeof(struct lens_way_state)))
    return false;
  struct lens_way_state *states = paths->states.items;
  struct lens_way_state state = {.object = object, .parent = parent, .is_first = 1};
  if (parent != LENS_NONE) {
    state.steps = states[parent].steps + 1;
    state.is_first = states[parent].is_first != 0 &&
                     ((const uint32_t *)paths->next.items)[object] == states[parent].object;
  }
  uint32_t number = (uint32_t)paths->state_count++;
  states[number] = state;
  uint64_t least = (uint64_t)state.steps + ((const uint32_t *)paths->from_start.items)[object] - 1;
  return push(paths, 2 * least + 1, number) &&
         (!lens_starts_any(self, object) || push(paths, 2 * (uint64_t)state.steps, number));
}

static bool grow(lens *self, uint32_t state) {
  struct lens_paths_state *paths = &self->analysis->paths;
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  const uint32_t *sources = lens_in_sources(&self->analysis->index);
  uint32_t object = ((const struct lens_way_state *)paths->states.items)[state].object;
  for (uint64_t edge = in[object]; edge < in[object + 1]; edge++) {
    uint32_t holder = sources[edge];
    paths->looked++;
    if (edge != in[object] && holder == sources[edge - 1]) continue;
    if (((const uint32_t *)paths->from_start.items)[holder] == 0) continue;
    if (is_on_way(paths, state, holder)) continue;
    if (paths->state_count == STATES_MAX) {
      paths->looked = LOOKED_MAX;
      return true;
    }
    if (!add_state(self, holder, state)) return false;
  }
  return true;
}

struct taker {
  lens *self;
  uint32_t state;
};

static void take_start(void *context, uint32_t start, uint64_t root, uint32_t object) {
  const struct taker *taker = context;
  struct lens_paths_state *paths = &taker->self->analysis->paths;
  const struct lens_way_state *states = paths->states.items;
  if (paths->totals.ways == paths->wanted) return;
  lens_way way = {.root = root,
                  .objects = (uint64_t)states[taker->state].steps + 1,
                  .start = start,
                  .first = object,
                  .variant = 1};
  paths->ways[paths->totals.ways++] = (struct lens_found_way){way, taker->state};
}

lens_status lens_paths_variants_step(lens *self, const lens_slice *slice) {
  struct lens_paths_state *paths = &self->analysis->paths;
  if (paths->phase == LENS_PATHS_FORWARD) {
    lens_status status = forward_step(self, slice);
    if (status != LENS_OK) return status;
    paths->phase = LENS_PATHS_VARIANTS;
    if (!add_state(self, paths->target, LENS_NONE)) return lens_out_of_memory(self);
  }
  for (uint32_t left = STEPS_A_CLOCK; paths->waiting_count != 0; left--) {
    if (paths->looked >= LOOKED_MAX || paths->totals.ways == paths->wanted) break;
    if (left == 0) {
      if (lens_slice_over(slice)) return LENS_AGAIN;
      left = STEPS_A_CLOCK;
    }
    struct lens_waiting row = pop(paths);
    const struct lens_way_state *state =
        (const struct lens_way_state *)paths->states.items + row.state;
    if ((row.key & 1) != 0) {
      if (!grow(self, row.state)) return lens_out_of_memory(self);
    } else if (state->is_first == 0) {
      struct taker taker = {self, row.state};
      lens_starts_visit(self, state->object, take_start, &taker);
    }
  }
  paths->totals.given_up = paths->totals.ways < paths->wanted && paths->waiting_count != 0;
  paths->phase = LENS_PATHS_DONE;
  return LENS_OK;
}

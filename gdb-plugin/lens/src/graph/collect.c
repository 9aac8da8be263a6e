/* The collector's arithmetic: which objects a collection would free, worked out beside the heap.
 *
 * The rules are the runtime's own.  In its words: members are gathered, references between members
 * are subtracted from their counts, those with some left are kept and what they reach is restored;
 * the others are garbage.  Freeing garbage releases what it holds of others, which may fall too;
 * at last the intern table gives up what only it still holds.
 *
 *   members   a bit an object.  A full collection: each that may be garbage.  A local one: those
 *             that candidates reach, unless they are more than REACH_PERCENT of the heap
 *   subtract  internal[i] = slots of members that hold i; external = count - internal
 *   restore   breadth first from those with external > 0, over members
 *   release   released[i] = slots of what is freed that hold i, which is no member or kept: at
 *             released = count it falls, and releases in turn
 *   sweep     interned strs whose count would be 1
 *
 * Invariant: after `subtract` internal[i] of a member never changes, but where it falls.
 *
 * What this is not: a run of finalizers.  They are counted.
 */
#include "graph/collect.h"

#include "analysis.h"
#include "memory/ahead.h"
#include "model/type_glob.h"
#include "turn.h"

enum {
  ROWS_A_CLOCK = 1 << 13,
  STEPS_A_CLOCK = 1 << 15,
  REACH_PERCENT = 15,
  REACH_MIN = 10000,
  AHEAD = 16
};

void lens_collector_free(struct lens_collector *self) {
  lens_column_free(&self->members);
  lens_column_free(&self->verdict);
  lens_column_free(&self->internal);
  lens_column_free(&self->released);
  lens_column_free(&self->queue);
  lens_dealloc(self->heap_members);
  lens_dealloc(self->heap_objects);
  lens_dealloc(self->heap_full);
  *self = (struct lens_collector){0};
}

/* ---- what the passes share ---- */

/* Everything a pass looks at, as plain pointers. */
struct pass {
  const lens *self;
  struct lens_collector *collector;
  uint64_t objects;
  const uint32_t *types, *refcounts, *targets, *sources;
  const uint16_t *states;
  const uint64_t *out, *in;
  uint64_t *members;
  uint8_t *verdicts;
  uint32_t *internal, *released, *queue;
};

static struct pass pass_of(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_collector *collector = &analysis->collector;
  return (struct pass){.self = self,
                       .collector = collector,
                       .objects = analysis->snapshot.object_count,
                       .types = lens_row_types(&analysis->snapshot),
                       .refcounts = lens_row_refcounts(&analysis->snapshot),
                       .states = lens_row_states(&analysis->snapshot),
                       .targets = lens_out_targets(&analysis->index),
                       .sources = lens_in_sources(&analysis->index),
                       .out = lens_out_starts(&analysis->index),
                       .in = lens_in_starts(&analysis->index),
                       .members = collector->members.items,
                       .verdicts = collector->verdict.items,
                       .internal = collector->internal.items,
                       .released = collector->released.items,
                       .queue = collector->queue.items};
}

static inline bool is_member(const struct pass *pass, uint32_t object) {
  return (pass->members[object / 64] >> (object % 64) & 1) != 0;
}

static inline void make_member(const struct pass *pass, uint32_t object) {
  pass->members[object / 64] |= 1ull << (object % 64);
}

static inline void push(const struct pass *pass, uint32_t object) {
  pass->queue[pass->collector->tail++] = object;
}

static const lens_type *type_of(const struct pass *pass, uint32_t object) {
  uint32_t type = pass->types[object];
  return type == LENS_NONE ? NULL : &pass->self->model.types[type].shown;
}

static bool is_wanted(const struct pass *pass, uint32_t heap) {
  return pass->collector->heap == LENS_NONE || pass->collector->heap == heap;
}

/* The count means something: it can come to 0. */
static bool is_counted(const struct pass *pass, uint32_t object) {
  const uint32_t never =
      LENS_STATE_IMMORTAL | LENS_STATE_SATURATED | LENS_STATE_DYING | LENS_STATE_DAMAGED;
  return (pass->states[object] & never) == 0;
}

/* Of a heap that is collected, and of the kind that a collection looks at. */
static bool may_be_garbage(const struct pass *pass, uint32_t object) {
  const lens_type *type = type_of(pass, object);
  return type != NULL && type->acyclic == 0 && is_wanted(pass, type->heap) &&
         is_counted(pass, object) && (pass->states[object] & LENS_STATE_SHARED) == 0;
}

static inline bool is_freed(uint8_t verdict) { return verdict >= LENS_COLLECT_GARBAGE; }

/* ---- members ---- */

static void visit_candidates(const struct pass *pass, uint64_t end) {
  struct lens_collector *collector = pass->collector;
  for (uint32_t i = (uint32_t)collector->row; i < end; i++) {
    const lens_type *type = type_of(pass, i);
    if (type == NULL || !is_wanted(pass, type->heap)) continue;
    collector->heap_objects[type->heap]++;
    if ((pass->states[i] & LENS_STATE_CANDIDATE) == 0 || !may_be_garbage(pass, i)) continue;
    make_member(pass, i);
    push(pass, i);
  }
}

/* From a candidate on: what it holds in its own heap.  Like all that visits what is queued, edge by
 * edge: an object may hold as much as there is. */
static void follow(const struct pass *pass, uint32_t object, uint64_t first, uint64_t end) {
  const lens_type *type = type_of(pass, object);
  if (first == pass->out[object]) pass->collector->heap_members[type->heap]++;
  for (uint64_t edge = first; edge < end; edge++) {
    uint32_t target = pass->targets[edge];
    if (is_member(pass, target) || !may_be_garbage(pass, target)) continue;
    if (type_of(pass, target)->heap != type->heap) continue;
    make_member(pass, target);
    push(pass, target);
  }
}

/* Which heaps are collected whole: all, or those where following candidates came to too much. */
static void choose_full(const struct pass *pass) {
  struct lens_collector *collector = pass->collector;
  for (size_t i = 0; i < pass->self->model.heap_count; i++) {
    const lens_heap *heap = &pass->self->model.heaps[i].shown;
    if (!is_wanted(pass, (uint32_t)i)) continue;
    bool busy = pass->self->model.heaps[i].flux != LENS_FLUX_NONE;
    collector->totals.busy_heaps += busy;
    uint64_t limit = collector->heap_objects[i] * REACH_PERCENT / 100;
    if (limit < REACH_MIN) limit = REACH_MIN;
    collector->heap_full[i] =
        !collector->local || (heap->shared == 0 && collector->heap_members[i] > limit);
    collector->totals.full_heaps += collector->heap_full[i];
  }
}

static void visit_members(const struct pass *pass, uint64_t end) {
  struct lens_collector *collector = pass->collector;
  for (uint32_t i = (uint32_t)collector->row; i < end; i++) {
    const lens_type *type = type_of(pass, i);
    if (type == NULL) continue;
    if (!is_member(pass, i)) {
      if (!is_wanted(pass, type->heap) || !collector->heap_full[type->heap]) continue;
      if (!may_be_garbage(pass, i)) continue;
      make_member(pass, i);
    }
    collector->totals.members++;
    collector->totals.candidates += (pass->states[i] & LENS_STATE_CANDIDATE) != 0;
    collector->totals.opaque += pass->self->model.types[pass->types[i]].conservative;
  }
}

/* ---- subtract, restore ---- */

/* What the members' counts have beyond the edges of members.  False: the slice is over. */
static bool subtract(const struct pass *pass, const lens_slice *slice) {
  struct lens_collector *collector = pass->collector;
  uint64_t budget = STEPS_A_CLOCK;
  while (collector->row < pass->objects) {
    uint32_t i = (uint32_t)collector->row;
    uint64_t edge = collector->edge == 0 ? pass->in[i] : collector->edge - 1;
    uint64_t end = is_member(pass, i) ? pass->in[i + 1] : edge, internal = collector->sum;
    uint64_t here = end - edge < budget ? end : edge + budget;
    budget -= here - edge;
    for (; edge < here; edge++) internal += is_member(pass, pass->sources[edge]);
    if (__builtin_expect(edge < end, 0)) { /* the budget is used up */
      collector->edge = edge + 1;
      collector->sum = internal;
      if (lens_slice_over(slice)) return false;
      budget = STEPS_A_CLOCK;
      continue;
    }
    collector->edge = collector->sum = 0;
    collector->row++;
    if (is_member(pass, i)) {
      pass->internal[i] = internal < UINT32_MAX ? (uint32_t)internal : UINT32_MAX;
      bool kept = pass->refcounts[i] > internal;
      pass->verdicts[i] = kept ? LENS_COLLECT_KEPT : LENS_COLLECT_GARBAGE;
      if (kept) push(pass, i);
    }
    if (__builtin_expect(budget > 1, 1)) {
      budget--;
      continue;
    }
    if (lens_slice_over(slice)) return false;
    budget = STEPS_A_CLOCK;
  }
  return true;
}

static void restore(const struct pass *pass, uint32_t object, uint64_t first, uint64_t end) {
  (void)object;
  for (uint64_t edge = first; edge < end; edge++) {
    uint32_t target = pass->targets[edge];
    if (pass->verdicts[target] != LENS_COLLECT_GARBAGE) continue;
    pass->verdicts[target] = LENS_COLLECT_REACHED;
    push(pass, target);
  }
}

/* ---- release, fall, sweep ---- */

/* What a freed object holds loses a reference. */
static void release_all(const struct pass *pass, uint32_t object, uint64_t first, uint64_t end) {
  (void)object;
  for (uint64_t edge = first; edge < end; edge++) {
    uint32_t target = pass->targets[edge];
    if (is_freed(pass->verdicts[target]) || !is_counted(pass, target)) continue;
    if (++pass->released[target] != pass->refcounts[target]) continue;
    pass->verdicts[target] = LENS_COLLECT_FALLS;
    pass->internal[target] = pass->released[target];
    push(pass, target);
  }
}

/* All garbage is queued; what falls with it follows. */
static void visit_release(const struct pass *pass, uint64_t end) {
  for (uint32_t i = (uint32_t)pass->collector->row; i < end; i++) {
    if (pass->verdicts[i] == LENS_COLLECT_GARBAGE) push(pass, i);
  }
}

/* Sweeps what is interned, and adds everything up. */
static void visit_sweep(const struct pass *pass, uint64_t end) {
  struct lens_collector *collector = pass->collector;
  lens_collected *totals = &collector->totals;
  for (uint32_t i = (uint32_t)collector->row; i < end; i++) {
    const lens_type *type = type_of(pass, i);
    if ((pass->states[i] & LENS_STATE_INTERNED) != 0 && type != NULL && is_counted(pass, i) &&
        is_wanted(pass, type->heap) && collector->heap_full[type->heap] &&
        !is_freed(pass->verdicts[i]) && pass->refcounts[i] - pass->released[i] == 1) {
      pass->verdicts[i] = LENS_COLLECT_SWEPT;
      pass->internal[i] = pass->released[i] + 1;
    }
    uint8_t verdict = pass->verdicts[i];
    totals->kept += verdict == LENS_COLLECT_KEPT;
    totals->reached += verdict == LENS_COLLECT_REACHED;
    totals->garbage += verdict == LENS_COLLECT_GARBAGE;
    totals->falls += verdict == LENS_COLLECT_FALLS;
    totals->swept += verdict == LENS_COLLECT_SWEPT;
    if (!is_freed(verdict)) continue;
    totals->freed_objects++;
    totals->freed_bytes += lens_weights_of(pass->self, i);
    totals->finalizers += type != NULL && pass->self->model.types[pass->types[i]].finalizer &&
                          (pass->states[i] & LENS_STATE_FINALIZED) == 0;
  }
}

/* ---- the phases ---- */

typedef void (*rows_fn)(const struct pass *pass, uint64_t end);
typedef void (*edges_fn)(const struct pass *pass, uint32_t object, uint64_t first, uint64_t end);

static bool each_row(const struct pass *pass, rows_fn visit, const lens_slice *slice) {
  struct lens_collector *collector = pass->collector;
  while (collector->row < pass->objects) {
    uint64_t left = pass->objects - collector->row;
    uint64_t end = collector->row + (left < ROWS_A_CLOCK ? left : ROWS_A_CLOCK);
    visit(pass, end);
    collector->row = end;
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

/* All edges of what is queued, in parts.  Made anew for each visit: a call for each object would
 * keep the processor from looking ahead. */
__attribute__((always_inline)) static inline bool each_queued(const struct pass *pass,
                                                              edges_fn visit,
                                                              const lens_slice *slice) {
  struct lens_collector *collector = pass->collector;
  uint64_t budget = STEPS_A_CLOCK;
  while (collector->head < collector->tail) {
    if (collector->head + AHEAD < collector->tail)
      lens_ahead_read(&pass->out[pass->queue[collector->head + AHEAD]]);
    uint32_t object = pass->queue[collector->head];
    uint64_t first = collector->edge == 0 ? pass->out[object] : collector->edge - 1;
    uint64_t end = pass->out[object + 1], here = end - first < budget ? end : first + budget;
    visit(pass, object, first, here);
    /* Branches: the next object must not wait until this one's edges have come from memory. */
    if (__builtin_expect(here < end, 0)) {
      collector->edge = here + 1;
    } else {
      collector->edge = 0;
      collector->head++;
    }
    budget -= here - first;
    if (__builtin_expect(budget > 1, 1)) {
      budget--;
      continue;
    }
    if (lens_slice_over(slice)) return false;
    budget = STEPS_A_CLOCK;
  }
  return true;
}

/* One phase until the slice is over (false) or the phase is. */
static bool phase_step(const struct pass *pass, const lens_slice *slice) {
  switch (pass->collector->phase) {
    case LENS_COLLECTING_CANDIDATES:
      return each_row(pass, visit_candidates, slice);
    case LENS_COLLECTING_FOLLOW:
      return each_queued(pass, follow, slice);
    case LENS_COLLECTING_MEMBERS:
      return each_row(pass, visit_members, slice);
    case LENS_COLLECTING_SUBTRACT:
      return subtract(pass, slice);
    case LENS_COLLECTING_RESTORE:
      return each_queued(pass, restore, slice);
    case LENS_COLLECTING_RELEASE:
      return each_row(pass, visit_release, slice);
    case LENS_COLLECTING_FALL:
      return each_queued(pass, release_all, slice);
    default:
      return each_row(pass, visit_sweep, slice);
  }
}

static void phase_next(const struct pass *pass) {
  struct lens_collector *collector = pass->collector;
  if (collector->phase == LENS_COLLECTING_FOLLOW) choose_full(pass);
  /* A queue that is used up is empty; one that a pass over the rows fills is the next phase's. */
  if (collector->head == collector->tail) collector->head = collector->tail = 0;
  collector->row = 0;
  collector->phase++;
}

static lens_status begin(lens *self, uint32_t heap, uint32_t local) {
  struct lens_collector *collector = &self->analysis->collector;
  uint64_t objects = self->analysis->snapshot.object_count;
  size_t heaps = self->model.heap_count;
  lens_collector_free(collector);
  collector->heap_members = lens_alloc_zeroed(heaps + 1, sizeof *collector->heap_members);
  collector->heap_objects = lens_alloc_zeroed(heaps + 1, sizeof *collector->heap_objects);
  collector->heap_full = lens_alloc_zeroed(heaps + 1, sizeof *collector->heap_full);
  if (collector->heap_members == NULL || collector->heap_objects == NULL ||
      collector->heap_full == NULL ||
      !lens_column_reserve(&collector->members, objects / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&collector->verdict, objects, sizeof(uint8_t)) ||
      !lens_column_reserve(&collector->internal, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&collector->released, objects, sizeof(uint32_t)) ||
      !lens_column_reserve(&collector->queue, objects, sizeof(uint32_t))) {
    lens_collector_free(collector);
    return lens_out_of_memory(self);
  }
  collector->heap = heap;
  collector->local = local != 0;
  collector->totals.object_count = objects;
  collector->phase = LENS_COLLECTING_CANDIDATES;
  if (local == 0) {
    collector->phase = LENS_COLLECTING_FOLLOW; /* nothing is queued: every heap is full */
  }
  return LENS_OK;
}

lens_status lens_collect_in(lens *self, uint32_t heap, uint32_t local, const lens_slice *slice,
                            lens_progress *progress) {
  lens_status status = lens_index_in(self, slice, progress);
  if (status == LENS_OK && lens_slice_over(slice)) return LENS_AGAIN;
  if (status == LENS_OK) status = lens_weights_step(self, slice, progress);
  if (status != LENS_OK) return status;
  if (heap != LENS_NONE && heap >= self->model.heap_count)
    return lens_fail(self, LENS_BAD_ARGUMENT, "there is no heap %u", heap);
  struct lens_collector *collector = &self->analysis->collector;
  bool same = collector->phase != LENS_COLLECTING_IDLE && collector->heap == heap &&
              collector->local == (local != 0);
  if (!same) status = begin(self, heap, local);
  if (status != LENS_OK) return status;
  struct pass pass = pass_of(self);
  while (collector->phase != LENS_COLLECTING_DONE) {
    bool over = !phase_step(&pass, slice);
    lens_progress_set(progress, "the collector's arithmetic",
                      (uint64_t)(collector->phase - 1) * pass.objects + collector->row,
                      (uint64_t)(LENS_COLLECTING_DONE - 1) * pass.objects);
    if (over) return LENS_AGAIN;
    phase_next(&pass);
  }
  lens_column_free(&collector->queue);
  lens_column_free(&collector->members);
  lens_column_free(&collector->released);
  return LENS_OK;
}

lens_status lens_collect(lens *self, uint32_t heap, uint32_t local, uint32_t slice_ms,
                         lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_collect_in(self, heap, local, &slice, progress);
}

lens_status lens_collected_get(const lens *self, lens_collected *out) {
  if (self->analysis == NULL || self->analysis->collector.phase != LENS_COLLECTING_DONE)
    return LENS_BAD_ARGUMENT;
  const struct lens_collector *collector = &self->analysis->collector;
  *out = collector->totals;
  out->verdict = collector->verdict.items;
  out->internal = collector->internal.items;
  return LENS_OK;
}

/* ---- rows ---- */

static bool is_asked(uint32_t which, uint8_t verdict, uint16_t state) {
  if (verdict == LENS_COLLECT_NONE) return false;
  if (is_freed(verdict)) return (which & LENS_COLLECT_FREED) != 0;
  return (which & LENS_COLLECT_KEPT_MEMBERS) != 0 ||
         ((which & LENS_COLLECT_KEPT_CANDIDATES) != 0 && (state & LENS_STATE_CANDIDATE) != 0);
}

static lens_collect_row row_of(const lens *self, uint32_t object) {
  const struct lens_collector *collector = &self->analysis->collector;
  uint64_t internal = ((const uint32_t *)collector->internal.items)[object];
  uint64_t refcount = lens_row_refcounts(&self->analysis->snapshot)[object];
  return (lens_collect_row){.object = object,
                            .verdict = ((const uint8_t *)collector->verdict.items)[object],
                            .refcount = refcount,
                            .internal = internal,
                            .external = (int64_t)refcount - (int64_t)internal};
}

static uint64_t key_of(const lens *self, uint32_t object) {
  static const uint64_t freed_first = 1ull << 63;
  lens_collect_row row = row_of(self, object);
  if (is_freed((uint8_t)row.verdict)) return freed_first | lens_weights_of(self, object);
  return row.external > 0 ? (uint64_t)row.external : 0;
}

lens_status lens_collect_rows(lens *self, uint32_t which, const char *type_glob, uint64_t capacity,
                              lens_collect_row *rows, uint64_t *written, uint64_t *matched) {
  if (self->analysis == NULL || self->analysis->collector.phase != LENS_COLLECTING_DONE)
    return lens_fail(self, LENS_BAD_ARGUMENT, "work out the collection first");
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint8_t *verdicts = self->analysis->collector.verdict.items;
  if (capacity > snapshot->object_count) capacity = snapshot->object_count;
  uint8_t *types = lens_type_glob(&self->model, type_glob);
  struct lens_best *best = types == NULL ? NULL : lens_alloc(capacity * sizeof *best);
  if (best == NULL) {
    lens_dealloc(types);
    return lens_out_of_memory(self);
  }
  uint64_t count = 0, found = 0;
  lens_status status = LENS_OK;
  for (uint32_t i = 0; i < snapshot->object_count; i++) {
    status = lens_turn_at(self, i);
    if (status != LENS_OK) break;
    if (!is_asked(which, verdicts[i], lens_row_states(snapshot)[i])) continue;
    if (!lens_type_glob_has(types, &self->model, lens_row_types(snapshot)[i])) continue;
    found++;
    if (capacity != 0)
      count = lens_best_offer(best, count, capacity, (struct lens_best){key_of(self, i), i});
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    rows[i] = row_of(self, best[i].row);
  }
  lens_dealloc(best);
  lens_dealloc(types);
  if (status != LENS_OK) return status;
  *written = count;
  *matched = found;
  return LENS_OK;
}

/* Retained sizes.  See retained.h. */
#include "graph/retained.h"

#include "analysis.h"
#include "memory/ahead.h"
#include "turn.h"

enum { ROWS_A_CLOCK = 1 << 15, AHEAD = 16 };

void lens_retained_free(struct lens_retained *self) {
  lens_dominators_free(&self->tree);
  lens_column_free(&self->rooted);
  lens_column_free(&self->standing);
  lens_column_free(&self->bytes);
  lens_column_free(&self->objects);
  lens_by_type_free(&self->types);
  *self = (struct lens_retained){0};
}

/* The roots as entries of the graph. */
static struct lens_entries entries_of(const lens *self) {
  const struct lens_retained *retained = &self->analysis->retained;
  return (struct lens_entries){.nodes = retained->rooted.items,
                               .owning = retained->owning_count,
                               .count = retained->rooted_count,
                               .standing = retained->standing.items};
}

/* ---- the tree ---- */

static void stand(void *context, uint32_t object) {
  ((uint64_t *)context)[object / 64] |= 1ull << (object % 64);
}

/* Whether a root may own a reference to the object: others than slots of objects must own some.  A
 * borrowed pointer, or a word that was left behind, keeps nothing. */
static bool is_owned_outside(const struct lens_analysis *analysis, uint32_t object) {
  const struct lens_index *index = &analysis->index;
  const uint64_t *in = lens_in_starts(index);
  uint64_t slots = in[object + 1] - in[object] - lens_opaque_refs_of(index, object);
  return lens_row_refcounts(&analysis->snapshot)[object] > slots;
}

/* The objects that roots hold, each once, in the order of their first roots; those that roots may
 * own come first. */
static lens_status gather_rooted(struct lens_analysis *analysis, const lens_slice *slice) {
  struct lens_retained *retained = &analysis->retained;
  const struct lens_roots *roots = &analysis->roots;
  const uint32_t *next = roots->next.items;
  for (int pass = retained->owned; pass < 2; pass++) {
    for (uint64_t work = 1; retained->at < roots->count; retained->at++, work++) {
      if (work % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
      uint32_t object = lens_root_rows(roots)[retained->at].object;
      /* The chain of its roots descends: the first one has no next. */
      if (next[retained->at] != 0 || is_owned_outside(analysis, object) == retained->owned)
        continue;
      ((uint32_t *)retained->rooted.items)[retained->rooted_count++] = object;
    }
    if (!retained->owned) retained->owning_count = retained->rooted_count;
    retained->owned = true;
    retained->at = 0;
  }
  return LENS_OK;
}

static lens_status begin(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_retained *retained = &analysis->retained;
  lens_retained_free(retained);
  if (!lens_column_reserve(&retained->standing, analysis->snapshot.object_count / 64 + 1,
                           sizeof(uint64_t)) ||
      !lens_column_reserve(&retained->rooted, analysis->roots.count, sizeof(uint32_t)))
    return lens_out_of_memory(self);
  return LENS_OK;
}

/* What the runtime holds and what is never freed stands by itself. */
static lens_status find_standing(struct lens_analysis *analysis, const lens_slice *slice) {
  struct lens_retained *retained = &analysis->retained;
  const uint16_t *states = lens_row_states(&analysis->snapshot);
  const uint32_t standing = LENS_STATE_HELD | LENS_STATE_IMMORTAL | LENS_STATE_SATURATED;
  uint64_t objects = analysis->snapshot.object_count;
  while (retained->at < objects) {
    uint64_t end = retained->at + ROWS_A_CLOCK < objects ? retained->at + ROWS_A_CLOCK : objects;
    for (uint32_t i = (uint32_t)retained->at; i < end; i++) {
      if ((states[i] & standing) != 0) stand(retained->standing.items, i);
    }
    retained->at = end;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  retained->at = 0;
  return LENS_OK;
}

/* ---- sums ---- */

/* From the last number to the first: each row is complete before its dominator's is. */
static lens_status sum(lens *self, const lens_slice *slice) {
  struct lens_retained *retained = &self->analysis->retained;
  const uint32_t *vertex = retained->tree.vertex.items,
                 *dominators = retained->tree.dominator.items,
                 *own = self->analysis->weights.own_bytes.items;
  if (own == NULL) own = lens_row_sizes(&self->analysis->snapshot);
  uint64_t *bytes = retained->bytes.items, nodes = self->analysis->snapshot.object_count;
  uint32_t *objects = retained->objects.items;
  for (uint64_t work = 0; retained->at > 0; retained->at--) {
    if (++work % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
    uint64_t at = retained->at;
    if (at > AHEAD) {
      if (vertex[at - AHEAD] < nodes) lens_ahead_read(&own[vertex[at - AHEAD]]);
      lens_ahead_write(&bytes[dominators[at - AHEAD]]);
      lens_ahead_write(&objects[dominators[at - AHEAD]]);
    }
    uint32_t object = vertex[at];
    if (object < nodes) {
      bytes[at] += own[object] != UINT32_MAX ? own[object] : lens_weights_of(self, object);
      objects[at]++;
    } else {
      continue; /* roots hang from nobody: what they keep is not nobody's */
    }
    bytes[dominators[at]] += bytes[at];
    objects[dominators[at]] += objects[at];
  }
  return LENS_OK;
}

/* Of what hangs from nobody, and, from `at` on, of what each entry keeps. */
static lens_status sum_totals(lens *self, const lens_slice *slice) {
  struct lens_retained *retained = &self->analysis->retained;
  const uint64_t *bytes = retained->bytes.items;
  const uint32_t *objects = retained->objects.items, *entry = retained->tree.entry.items;
  lens_retained_totals *totals = &retained->totals;
  if (retained->at == 0)
    *totals = (lens_retained_totals){.shared_objects = objects[0],
                                     .shared_bytes = bytes[0],
                                     .objects = objects[0],
                                     .bytes = bytes[0],
                                     .roots = self->analysis->roots.count};
  while (retained->at < retained->rooted_count) {
    uint32_t number = entry[retained->at++];
    totals->objects += number == 0 ? 0 : objects[number];
    totals->bytes += number == 0 ? 0 : bytes[number];
    if (retained->at % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  uint64_t all_bytes =
      self->analysis->snapshot.totals.object_bytes + self->analysis->weights.owned_bytes;
  totals->lost_objects = self->analysis->snapshot.object_count - totals->objects;
  totals->lost_bytes = all_bytes - totals->bytes;
  return LENS_OK;
}

static lens_status step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_retained *retained = &self->analysis->retained;
  lens_status status = LENS_OK;
  if (retained->phase == LENS_RETAINED_IDLE) {
    status = begin(self);
    retained->phase = LENS_RETAINED_HELD;
  }
  if (status == LENS_OK && retained->phase == LENS_RETAINED_HELD) {
    status = lens_runtime_visit(self, &retained->held, slice, stand, retained->standing.items);
    if (status == LENS_OK) retained->phase = LENS_RETAINED_STANDING;
  }
  if (status == LENS_OK && retained->phase == LENS_RETAINED_STANDING) {
    status = find_standing(self->analysis, slice);
    if (status == LENS_OK) retained->phase = LENS_RETAINED_ROOTED;
  }
  if (status == LENS_OK && retained->phase == LENS_RETAINED_ROOTED) {
    status = gather_rooted(self->analysis, slice);
    if (status == LENS_OK) retained->phase = LENS_RETAINED_TREE;
  }
  if (status == LENS_OK && retained->phase == LENS_RETAINED_TREE) {
    struct lens_graph graph = lens_graph_of(self);
    struct lens_entries entries = entries_of(self);
    if (graph.node_count + entries.count >= LENS_NONE)
      return lens_fail(self, LENS_UNSUPPORTED,
                       "objects and roots are more than can be numbered: %u", LENS_NONE - 1);
    status = lens_dominators_step(&retained->tree, &graph, &entries, slice);
    lens_progress_set(progress, "dominators",
                      lens_dominators_progress(&retained->tree, graph.node_count),
                      4 * graph.node_count);
    uint64_t numbers = retained->tree.count + 1;
    if (status == LENS_NO_MEMORY) return lens_out_of_memory(self);
    if (status != LENS_OK) return status;
    if (!lens_column_reserve(&retained->bytes, numbers, sizeof(uint64_t)) ||
        !lens_column_reserve(&retained->objects, numbers, sizeof(uint32_t)))
      return lens_out_of_memory(self);
    retained->at = retained->tree.count;
    retained->phase = LENS_RETAINED_SUMS;
  }
  if (status == LENS_OK && retained->phase == LENS_RETAINED_SUMS) {
    status = sum(self, slice);
    if (status == LENS_OK) retained->phase = LENS_RETAINED_TOTALS;
  }
  if (status == LENS_OK) status = sum_totals(self, slice);
  if (status == LENS_OK) retained->phase = LENS_RETAINED_DONE;
  return status;
}

lens_status lens_retained_in(lens *self, const lens_slice *slice, lens_progress *progress) {
  lens_status status = lens_index_in(self, slice, progress);
  if (status != LENS_OK || self->analysis->retained.phase == LENS_RETAINED_DONE) return status;
  if (lens_slice_over(slice)) return LENS_AGAIN;
  status = lens_weights_step(self, slice, progress);
  if (status != LENS_OK) return status;
  status = step(self, slice, progress);
  if (status != LENS_OK && status != LENS_AGAIN) lens_retained_free(&self->analysis->retained);
  return status;
}

lens_status lens_retained(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  return lens_retained_in(self, &slice, progress);
}

/* ---- asking ---- */

static bool is_done(const lens *self) {
  return self->analysis != NULL && self->analysis->retained.phase == LENS_RETAINED_DONE;
}

static lens_status need_done(lens *self) {
  return is_done(self) ? LENS_OK : lens_fail(self, LENS_BAD_ARGUMENT, "call lens_retained first");
}

lens_status lens_retained_totals_get(const lens *self, lens_retained_totals *out) {
  if (!is_done(self)) return LENS_BAD_ARGUMENT;
  *out = self->analysis->retained.totals;
  return LENS_OK;
}

lens_status lens_retained_object(lens *self, uint32_t object, lens_retained_row *out) {
  lens_status status = need_done(self);
  if (status != LENS_OK) return status;
  uint64_t nodes = self->analysis->snapshot.object_count;
  if (object >= nodes) return lens_fail(self, LENS_NOT_FOUND, "no object has the index %u", object);
  const struct lens_retained *retained = &self->analysis->retained;
  uint32_t number = ((const uint32_t *)retained->tree.number.items)[object];
  lens_retained_row row = {.dominator = LENS_NONE};
  if (number != 0) {
    uint32_t above = ((const uint32_t *)retained->tree.dominator.items)[number];
    uint32_t vertex = ((const uint32_t *)retained->tree.vertex.items)[above];
    row.reached = 1;
    row.bytes = ((const uint64_t *)retained->bytes.items)[number];
    row.objects = ((const uint32_t *)retained->objects.items)[number];
    if (above != 0 && vertex < nodes) row.dominator = vertex;
    if (above != 0 && vertex >= nodes)
      row.root_count = lens_roots_count_of(&self->analysis->roots, object);
  }
  *out = row;
  return LENS_OK;
}

lens_status lens_retained_roots(lens *self, uint64_t capacity, lens_retained_root *rows,
                                uint64_t *written, uint64_t *total) {
  lens_status status = need_done(self);
  if (status != LENS_OK) return status;
  const struct lens_retained *retained = &self->analysis->retained;
  const uint32_t *entry = retained->tree.entry.items, *objects = retained->objects.items;
  const uint64_t *bytes = retained->bytes.items;
  const uint32_t *rooted = retained->rooted.items, *numbers = retained->tree.number.items;
  uint64_t count = 0, found = 0;
  if (capacity > retained->rooted_count) capacity = retained->rooted_count;
  struct lens_best *best = lens_alloc((size_t)capacity * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  for (uint64_t i = 0; i < retained->rooted_count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    if (entry[i] == 0 || objects[entry[i]] == 0) continue;
    found++;
    count = lens_best_offer(best, count, capacity, (struct lens_best){bytes[entry[i]], rooted[i]});
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    uint32_t object = best[i].row;
    status = lens_turn_at(self, i);
    rows[i] = (lens_retained_root){
        .object = object,
        .root_count = lens_roots_count_of(&self->analysis->roots, object),
        .bytes = best[i].key,
        .objects = objects[numbers[object]],
    };
  }
  lens_dealloc(best);
  if (status != LENS_OK) return status;
  *written = count;
  *total = found;
  return LENS_OK;
}

lens_status lens_retained_under(lens *self, uint32_t object, uint64_t capacity, uint32_t *objects,
                                uint64_t *written, uint64_t *total) {
  lens_status status = need_done(self);
  if (status != LENS_OK) return status;
  const struct lens_retained *retained = &self->analysis->retained;
  const uint32_t *vertex = retained->tree.vertex.items,
                 *dominators = retained->tree.dominator.items;
  const uint64_t *bytes = retained->bytes.items;
  uint64_t nodes = self->analysis->snapshot.object_count, count = 0, found = 0;
  if (object != LENS_NONE && object >= nodes)
    return lens_fail(self, LENS_NOT_FOUND, "no object has the index %u", object);
  uint32_t above =
      object == LENS_NONE ? 0 : ((const uint32_t *)retained->tree.number.items)[object];
  if (capacity > nodes) capacity = nodes;
  struct lens_best *best = lens_alloc((size_t)capacity * sizeof *best);
  if (best == NULL) return lens_out_of_memory(self);
  bool any = object == LENS_NONE || above != 0;
  for (uint64_t i = 1; any && i <= retained->tree.count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    if (dominators[i] != above || vertex[i] >= nodes) continue;
    found++;
    count = lens_best_offer(best, count, capacity, (struct lens_best){bytes[i], vertex[i]});
  }
  if (status == LENS_OK) status = lens_turn_sort(self, best, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) objects[i] = best[i].row;
  lens_dealloc(best);
  if (status != LENS_OK) return status;
  *written = count;
  *total = found;
  return LENS_OK;
}

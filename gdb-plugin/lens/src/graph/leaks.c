/* Leaks: the garbage, and which sets of objects all of it hangs on.
 *
 *   garbage     what a breadth-first pass from all that holds from outside does not reach, and what
 *               the collector frees (collect.c), whatever points there (leaks_garbage.c)
 *   graph       the edges between garbage objects, as a graph of its own: little garbage in a large
 *               heap costs little (leaks_garbage.c)
 *   components  which objects hold each other (components.c)
 *   labels      components from the top down: one that nothing led to, or whose counts have a
 *               surplus, is a leak; others belong to the row that all that leads to them belongs
 *               to; where those are several, it begins a row of what is held jointly
 *               (leaks_labels.c)
 *
 * The surplus of a garbage object is its count less all edges that lead to it: those are of
 * garbage, or the object would be reached, and neither root nor runtime holds it.
 *
 * What this is not: an account of what lives (account.c).
 */
#include "graph/leaks.h"

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 15, WORDS_A_CLOCK = ROWS_A_CLOCK / 64 };

static void graph_free(struct lens_leaks_state *self) {
  lens_column_free(&self->objects);
  lens_column_free(&self->out_start);
  lens_column_free(&self->out_target);
  lens_column_free(&self->first_of);
  lens_column_free(&self->sorted);
}

void lens_leaks_free(struct lens_leaks_state *self) {
  graph_free(self);
  lens_column_free(&self->garbage);
  lens_column_free(&self->before);
  lens_components_free(&self->components);
  lens_column_free(&self->labels);
  lens_column_free(&self->rows);
  *self = (struct lens_leaks_state){0};
}

/* ---- the phases ---- */

typedef lens_status (*part_fn)(lens *self, uint64_t end);

static lens_status part_roots(lens *self, uint64_t end) {
  lens_leaks_count_roots(self, end);
  return LENS_OK;
}
static lens_status part_nodes(lens *self, uint64_t end) {
  lens_leaks_number(self, end);
  return LENS_OK;
}
static lens_status part_sort(lens *self, uint64_t end) {
  lens_leaks_sort(&self->analysis->leaks, end);
  return LENS_OK;
}
static lens_status part_count(lens *self, uint64_t end) {
  lens_leaks_count(&self->analysis->leaks, end);
  return LENS_OK;
}

/* Counts the roots that point to leaks. */
static lens_status part_pointed_to(lens *self, uint64_t end) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  const lens_root *roots = lens_root_rows(&self->analysis->roots);
  for (uint64_t i = leaks->row; i < end; i++) {
    uint32_t node = lens_leaks_node_of(leaks, roots[i].object);
    if (node == LENS_NONE) continue;
    uint32_t component = lens_leaks_component_of(leaks)[node];
    uint32_t label = ((const uint32_t *)leaks->labels.items)[component];
    lens_leak *leak = (lens_leak *)leaks->rows.items + (label - 1);
    uint32_t own = lens_leaks_component_of(leaks)[lens_leaks_node_of(leaks, leak->root)];
    leak->root_refs += own == component;
  }
  return LENS_OK;
}

static lens_status each_part(lens *self, uint64_t total, uint64_t part, part_fn work,
                             const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  while (leaks->row < total) {
    uint64_t left = total - leaks->row;
    uint64_t end = leaks->row + (left < part ? left : part);
    lens_status status = work(self, end);
    if (status != LENS_OK) return status;
    leaks->row = end;
    if (leaks->row < total && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

enum { REACHED = LENS_REACH_ROOTS | LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL | LENS_REACH_UNSURE };

/* Takes what was not reached; once more from the start where another question came in between. */
static lens_status take_step(lens *self, const lens_slice *slice) {
  const struct lens_reach *reach = &self->analysis->reach;
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  if (!reach->complete || reach->start_count != 0 || reach->from != REACHED) {
    leaks->phase = LENS_LEAKS_IDLE;
    leaks->row = leaks->node_count = 0;
    return LENS_AGAIN;
  }
  lens_status status =
      each_part(self, lens_leaks_words(self), WORDS_A_CLOCK, lens_leaks_take_garbage, slice);
  return status == LENS_OK ? lens_leaks_make_room(self) : status;
}

static struct lens_graph graph_of(const struct lens_leaks_state *leaks) {
  return (struct lens_graph){.node_count = leaks->node_count,
                             .out_start = leaks->out_start.items,
                             .out_target = leaks->out_target.items};
}

static lens_status components_step(lens *self, const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  struct lens_graph graph = graph_of(leaks);
  lens_status status = lens_components_step(&leaks->components, &graph, slice);
  if (status == LENS_NO_MEMORY) return lens_out_of_memory(self);
  return status == LENS_OK ? lens_leaks_components_known(self) : status;
}

/* One phase to its end, or until the slice is over. */
static lens_status phase_step(lens *self, const lens_slice *slice, lens_progress *progress) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  switch (leaks->phase) {
    case LENS_LEAKS_IDLE:
      lens_reach_free(&self->analysis->reach); /* another question may have been given up */
      return LENS_OK;
    case LENS_LEAKS_REACH:
      return lens_reach_in(self, NULL, 0, REACHED, slice, progress);
    case LENS_LEAKS_TAKE:
      return take_step(self, slice);
    case LENS_LEAKS_ROOTS:
      return each_part(self, self->analysis->roots.count, ROWS_A_CLOCK, part_roots, slice);
    case LENS_LEAKS_NODES:
      return each_part(self, lens_leaks_words(self), WORDS_A_CLOCK, part_nodes, slice);
    case LENS_LEAKS_EDGES:
      return lens_leaks_link(self, slice);
    case LENS_LEAKS_COMPONENTS:
      return components_step(self, slice);
    case LENS_LEAKS_COUNT:
      return each_part(self, leaks->node_count, ROWS_A_CLOCK, part_count, slice);
    case LENS_LEAKS_SORT:
      return each_part(self, leaks->node_count, ROWS_A_CLOCK, part_sort, slice);
    case LENS_LEAKS_POINTED_TO:
      graph_free(leaks);
      return each_part(self, self->analysis->roots.count, ROWS_A_CLOCK, part_pointed_to, slice);
    default:
      return lens_leaks_label_step(self, slice);
  }
}

lens_status lens_leaks(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_index_in(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  if (leaks->phase == LENS_LEAKS_DONE) return LENS_OK;
  if (leaks->phase < LENS_LEAKS_NODES)
    status = lens_collect_in(self, LENS_NONE, 0, &slice, progress); /* weighs, too */
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  while (leaks->phase != LENS_LEAKS_DONE) {
    if (leaks->phase > LENS_LEAKS_REACH)
      lens_progress_set(progress, "leaks", leaks->phase, LENS_LEAKS_DONE);
    status = phase_step(self, &slice, progress);
    if (status == LENS_AGAIN) return status;
    if (status != LENS_OK) {
      lens_leaks_free(leaks);
      return status;
    }
    leaks->phase++;
    leaks->row = 0;
    if (leaks->phase != LENS_LEAKS_DONE && lens_slice_over(&slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* ---- which row ---- */

lens_status lens_leak_of(const lens *self, uint32_t object, uint32_t *number) {
  if (self->analysis == NULL || self->analysis->leaks.phase != LENS_LEAKS_DONE ||
      object >= self->analysis->snapshot.object_count) {
    return LENS_BAD_ARGUMENT;
  }
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint32_t node = lens_leaks_node_of(leaks, object);
  if (node == LENS_NONE) return LENS_NOT_FOUND;
  uint32_t label = ((const uint32_t *)leaks->labels.items)[lens_leaks_component_of(leaks)[node]];
  *number = label - 1;
  return LENS_OK;
}

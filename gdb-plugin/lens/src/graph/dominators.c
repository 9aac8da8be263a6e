/* Dominators: the phases, and the climb.  See dominators.h. */
#include "graph/dominators.h"

#include "memory/ahead.h"

enum { STEPS_A_CLOCK = 1 << 14, AHEAD = 36 };

void lens_dominators_free(struct lens_dominators *self) {
  lens_column_free(&self->number);
  lens_column_free(&self->vertex);
  lens_column_free(&self->dominator);
  lens_column_free(&self->entry);
  lens_column_free(&self->links);
  lens_column_free(&self->frames);
  lens_holds_free(&self->holds);
  lens_column_free(&self->semi);
  lens_column_free(&self->forest);
  lens_column_free(&self->climb);
  *self = (struct lens_dominators){0};
}

uint64_t lens_dominators_progress(const struct lens_dominators *self, uint64_t node_count) {
  uint64_t before = self->phase <= LENS_DOMINATORS_SEARCH    ? self->count / 2
                    : self->phase == LENS_DOMINATORS_NUMBERS ? node_count / 2
                    : self->phase == LENS_DOMINATORS_SEMI ? node_count + (self->count - self->node)
                                                          : 2 * node_count + self->node;
  return before < 4 * node_count ? before : 4 * node_count;
}

static bool begin(struct lens_dominators *self, const struct lens_graph *graph,
                  const struct lens_entries *entries) {
  lens_dominators_free(self);
  uint64_t nodes = graph->node_count, numbers = nodes + entries->count + 1;
  bool made =
      numbers < LENS_NONE && lens_column_reserve(&self->links, nodes, sizeof(struct lens_link)) &&
      lens_column_reserve(&self->frames, lens_trail_words(nodes), sizeof(uint64_t)) &&
      lens_holds_begin(&self->holds, numbers, graph->out_start[nodes] + nodes + entries->count) &&
      lens_column_reserve(&self->vertex, numbers, sizeof(uint32_t)) &&
      lens_column_reserve(&self->dominator, numbers, sizeof(uint32_t)) &&
      lens_column_reserve(&self->entry, entries->count, sizeof(uint32_t));
  self->trail.words = self->frames.items;
  return made;
}

static lens_status fill(struct lens_dominators *self, const struct lens_graph *graph,
                        const lens_slice *slice) {
  while (self->node < graph->node_count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    lens_links_fill(graph, self->links.items, self->node, end);
    self->node = end;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

static lens_status keep_numbers(struct lens_dominators *self, const struct lens_graph *graph,
                                const lens_slice *slice) {
  const struct lens_link *links = self->links.items;
  uint32_t *numbers = self->number.items;
  while (self->node < graph->node_count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    for (; self->node < end; self->node++) numbers[self->node] = links[self->node].number;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* ---- dominators ---- */

/* From the parent up to the first number that is not above the semidominator.  A row's jump leads
 * to an ancestor such that the lengths of jumps on any way are powers of two less one. */
static lens_status climb(struct lens_dominators *self, const lens_slice *slice) {
  struct lens_climb_row *rows = self->climb.items;
  uint32_t *dominators = self->dominator.items;
  const uint32_t *semi = self->semi.items;
  while (self->node <= self->count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > self->count + 1) end = self->count + 1;
    for (uint64_t i = self->node; i < end; i++) {
      if (i + AHEAD <= self->count) lens_ahead_read(&rows[dominators[i + AHEAD]]);
      uint32_t at = dominators[i], least = semi[i];
      while (at > least) at = rows[at].jump > least ? rows[at].jump : rows[at].dominator;
      const struct lens_climb_row *above = &rows[at], *jump = &rows[above->jump];
      bool longer = above->depth - jump->depth == jump->depth - rows[jump->jump].depth;
      rows[i] = (struct lens_climb_row){
          .dominator = at, .jump = longer ? jump->jump : at, .depth = above->depth + 1};
      dominators[i] = at;
    }
    self->node = end;
    if (self->node <= self->count && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* ---- the whole ---- */

/* Ends a phase: what it needed goes, what the next one needs is made.  False: out of memory. */
static bool advance(struct lens_dominators *self, const struct lens_graph *graph) {
  uint64_t numbers = self->count + 1;
  bool made = true;
  self->node = 0;
  switch (self->phase) {
    case LENS_DOMINATORS_SEARCH:
      lens_column_free(&self->frames);
      made = lens_column_reserve(&self->number, graph->node_count, sizeof(uint32_t));
      break;
    case LENS_DOMINATORS_NUMBERS:
      /* Memory that was used is handed on: new memory would be cleared first. */
      self->forest = self->links;
      self->links = (struct lens_column){0};
      made = lens_column_reserve(&self->semi, numbers, sizeof(uint32_t)) &&
             lens_column_reserve(&self->forest, numbers, sizeof(struct lens_forest_row));
      self->node = self->count;
      break;
    case LENS_DOMINATORS_SEMI:
      /* Rows are as large and written before they are read, but for nobody's. */
      self->climb = self->forest;
      self->forest = (struct lens_column){0};
      lens_holds_free(&self->holds);
      made = lens_column_reserve(&self->climb, numbers, sizeof(struct lens_climb_row));
      if (made) *(struct lens_climb_row *)self->climb.items = (struct lens_climb_row){0};
      self->node = 1;
      break;
    case LENS_DOMINATORS_CLIMB:
      lens_column_free(&self->climb);
      lens_column_free(&self->semi);
      break;
    default:
      break;
  }
  self->phase++;
  return made;
}

static lens_status phase_step(struct lens_dominators *self, const struct lens_graph *graph,
                              const struct lens_entries *entries, const lens_slice *slice) {
  switch (self->phase) {
    case LENS_DOMINATORS_LINKS:
      return fill(self, graph, slice);
    case LENS_DOMINATORS_SEARCH:
      return lens_dominators_search(self, graph, entries, slice);
    case LENS_DOMINATORS_NUMBERS:
      return keep_numbers(self, graph, slice);
    case LENS_DOMINATORS_SEMI:
      return lens_dominators_semi(self, slice);
    default:
      return climb(self, slice);
  }
}

lens_status lens_dominators_step(struct lens_dominators *self, const struct lens_graph *graph,
                                 const struct lens_entries *entries, const lens_slice *slice) {
  lens_status status = LENS_OK;
  if (self->phase == LENS_DOMINATORS_IDLE) {
    if (!begin(self, graph, entries)) status = LENS_NO_MEMORY;
    self->phase = LENS_DOMINATORS_LINKS;
  }
  while (status == LENS_OK && self->phase != LENS_DOMINATORS_DONE) {
    status = phase_step(self, graph, entries, slice);
    if (status == LENS_OK && !advance(self, graph)) status = LENS_NO_MEMORY;
  }
  if (status != LENS_OK && status != LENS_AGAIN) lens_dominators_free(self);
  return status;
}

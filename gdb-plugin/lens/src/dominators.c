/* Dominators: semidominators and the climb.  See dominators.h. */
#include "dominators.h"

/* How many numbers ahead of its turn what a node needs is fetched: where its holders stand, they,
 * their numbers, their rows of the forest and, every TURN numbers, the next rows up. */
enum { STEPS_A_CLOCK = 1 << 14, FAR = 64, MIDDLE = 48, NEAR = 36, ROWS = 27, TURN = 3 };

void lens_dominators_free(struct lens_dominators *self) {
  lens_column_free(&self->number);
  lens_column_free(&self->vertex);
  lens_column_free(&self->dominator);
  lens_column_free(&self->entry);
  lens_column_free(&self->links);
  lens_column_free(&self->frames);
  lens_column_free(&self->again);
  lens_column_free(&self->semi);
  lens_column_free(&self->forest);
  lens_column_free(&self->climb);
  lens_column_free(&self->path);
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
  return numbers < LENS_NONE &&
         lens_column_reserve(&self->links, nodes, sizeof(struct lens_link)) &&
         lens_column_reserve(&self->frames, nodes, sizeof(struct lens_link_frame)) &&
         lens_column_reserve(&self->again, nodes / 64 + 1, sizeof(uint64_t)) &&
         lens_column_reserve(&self->vertex, numbers, sizeof(uint32_t)) &&
         lens_column_reserve(&self->dominator, numbers, sizeof(uint32_t)) &&
         lens_column_reserve(&self->entry, entries->count, sizeof(uint32_t));
}

static bool fill(struct lens_dominators *self, const struct lens_graph *graph,
                 const lens_slice *slice) {
  while (self->node < graph->node_count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    lens_links_fill(graph, self->links.items, self->node, end);
    self->node = end;
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

static bool keep_numbers(struct lens_dominators *self, const struct lens_graph *graph,
                         const lens_slice *slice) {
  const struct lens_link *links = self->links.items;
  uint32_t *numbers = self->number.items;
  while (self->node < graph->node_count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    for (; self->node < end; self->node++) numbers[self->node] = links[self->node].number;
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

/* ---- semidominators ---- */

/* Compresses the way of `number` to the root of its tree: numbers up to `above` are no part of the
 * forest yet.  False: the budget is used up; called again with the same it goes on. */
static bool compress(struct lens_dominators *self, uint32_t number, uint32_t above,
                     uint64_t *budget) {
  struct lens_forest_row *forest = self->forest.items;
  uint32_t *path = self->path.items;
  if (!self->folding) {
    uint32_t at = self->path_count == 0 ? number : forest[path[self->path_count - 1]].ancestor;
    while (forest[at].ancestor > above) {
      if (*budget == 0) return false;
      --*budget;
      path[self->path_count++] = at;
      at = forest[at].ancestor;
    }
    self->fold = forest[at];
    self->folding = true;
  }
  for (; self->path_count > 0; self->path_count--) {
    if (*budget == 0) return false;
    --*budget;
    struct lens_forest_row *row = &forest[path[self->path_count - 1]];
    if (row->label > self->fold.label) row->label = self->fold.label;
    row->ancestor = self->fold.ancestor;
    self->fold.label = row->label;
  }
  self->folding = false;
  return true;
}

/* What the nodes some numbers further down will need is fetched, step by step. */
static void fetch_ahead(const struct lens_dominators *self, const struct lens_graph *graph,
                        uint64_t at) {
  const uint32_t *vertex = self->vertex.items, *numbers = self->number.items;
  if (at <= FAR) return;
  uint32_t node = vertex[at - FAR];
  if (node < graph->node_count) __builtin_prefetch(&graph->in_start[node]);
  node = vertex[at - MIDDLE];
  if (node < graph->node_count) __builtin_prefetch(&graph->in_source[graph->in_start[node]]);
  node = vertex[at - NEAR];
  if (node >= graph->node_count) return;
  uint64_t first = graph->in_start[node], end = graph->in_start[node + 1];
  if (end > first + 4) end = first + 4;
  for (; first < end; first++) __builtin_prefetch(&numbers[graph->in_source[first]]);
}

/* The ways up the forest that the nodes shortly before will ask for are walked ahead of them, some
 * rows a turn, so that each row is on its way from memory while others are worked on. */
static void walk_ahead(struct lens_dominators *self, const struct lens_graph *graph, uint64_t at) {
  const uint32_t *numbers = self->number.items;
  const struct lens_forest_row *forest = self->forest.items;
  if (at <= FAR) return;
  for (uint64_t turn = at - ROWS + TURN; turn < at; turn += TURN) {
    uint32_t *ways = self->ways[turn % LENS_WAYS];
    for (int k = 0; k < 2; k++) {
      if (ways[k] <= at) continue;
      ways[k] = forest[ways[k]].ancestor;
      __builtin_prefetch(&forest[ways[k]], 1);
    }
  }
  uint32_t *ways = self->ways[(at - ROWS) % LENS_WAYS];
  uint32_t node = ((const uint32_t *)self->vertex.items)[at - ROWS];
  ways[0] = ways[1] = 0;
  if (node >= graph->node_count) return;
  uint64_t first = graph->in_start[node], end = graph->in_start[node + 1];
  for (int k = 0; k < 2 && first < end; k++, first++) {
    ways[k] = numbers[graph->in_source[first]];
    __builtin_prefetch(&forest[ways[k]], 1);
  }
}

/* Looks at what leads to node `number`; self->least is its semidominator then.  False: the budget
 * is used up. */
static bool find_least(struct lens_dominators *self, const struct lens_graph *graph, uint32_t node,
                       uint32_t number, uint64_t *budget) {
  const uint32_t *numbers = self->number.items;
  const struct lens_forest_row *forest = self->forest.items;
  uint64_t end = graph->in_start[node + 1];
  if (!self->begun) {
    self->edge = graph->in_start[node];
    self->begun = true;
  }
  for (; self->edge < end && self->least != 0; self->edge++) {
    if (*budget == 0) return false;
    --*budget;
    uint32_t from = numbers[graph->in_source[self->edge]], label = from;
    if (from == 0) continue; /* nothing leads there */
    if (from > number) {
      if ((forest[from].ancestor > number || self->folding) &&
          !compress(self, from, number, budget))
        return false;
      label = forest[from].label;
    }
    if (label < self->least) self->least = label;
  }
  self->begun = false;
  return true;
}

static bool semidominators(struct lens_dominators *self, const struct lens_graph *graph,
                           const struct lens_entries *entries, const lens_slice *slice) {
  const uint32_t *vertex = self->vertex.items, *parents = self->dominator.items;
  const uint64_t *again = self->again.items;
  struct lens_forest_row *forest = self->forest.items;
  uint32_t *semi = self->semi.items;
  uint64_t budget = STEPS_A_CLOCK;
  for (; self->node > 0;) {
    uint32_t number = (uint32_t)self->node, node = vertex[number];
    bool done = true;
    if (!self->begun) {
      fetch_ahead(self, graph, number);
      walk_ahead(self, graph, number);
      self->least = parents[number];
    }
    if (node < graph->node_count) {
      uint64_t outside = again[node / 64] | entries->standing[node / 64];
      if ((outside >> (node % 64) & 1) != 0) self->least = 0;
      if (self->least != 0) done = find_least(self, graph, node, number, &budget);
    }
    if (done) {
      semi[number] = self->least;
      forest[number] = (struct lens_forest_row){parents[number], self->least};
      self->node--;
      if (budget > 0) budget--;
    }
    if (budget > 0) continue;
    if (lens_slice_over(slice)) return false;
    budget = STEPS_A_CLOCK;
  }
  return true;
}

/* ---- dominators ---- */

/* From the parent up to the first number that is not above the semidominator.  A row's jump leads
 * to an ancestor such that the lengths of jumps on any way are powers of two less one. */
static bool climb(struct lens_dominators *self, const lens_slice *slice) {
  struct lens_climb_row *rows = self->climb.items;
  uint32_t *dominators = self->dominator.items;
  const uint32_t *semi = self->semi.items;
  while (self->node <= self->count) {
    uint64_t end = self->node + STEPS_A_CLOCK;
    if (end > self->count + 1) end = self->count + 1;
    for (uint64_t i = self->node; i < end; i++) {
      if (i + NEAR <= self->count) __builtin_prefetch(&rows[dominators[i + NEAR]]);
      uint32_t at = dominators[i], least = semi[i];
      while (at > least) at = rows[at].jump > least ? rows[at].jump : rows[at].dominator;
      const struct lens_climb_row *above = &rows[at], *jump = &rows[above->jump];
      bool longer = above->depth - jump->depth == jump->depth - rows[jump->jump].depth;
      rows[i] = (struct lens_climb_row){
          .dominator = at, .jump = longer ? jump->jump : at, .depth = above->depth + 1};
      dominators[i] = at;
    }
    self->node = end;
    if (lens_slice_over(slice) && self->node <= self->count) return false;
  }
  return true;
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
             lens_column_reserve(&self->forest, numbers, sizeof(struct lens_forest_row)) &&
             lens_column_reserve(&self->path, numbers, sizeof(uint32_t));
      self->node = self->count;
      break;
    case LENS_DOMINATORS_SEMI:
      lens_column_free(&self->forest);
      lens_column_free(&self->path);
      lens_column_free(&self->again);
      made = lens_column_reserve(&self->climb, numbers, sizeof(struct lens_climb_row));
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

lens_status lens_dominators_step(struct lens_dominators *self, const struct lens_graph *graph,
                                 const struct lens_entries *entries, const lens_slice *slice) {
  bool whole = true;
  if (self->phase == LENS_DOMINATORS_IDLE) {
    whole = begin(self, graph, entries);
    self->phase = LENS_DOMINATORS_LINKS;
  }
  while (whole && self->phase != LENS_DOMINATORS_DONE) {
    bool done = true;
    switch (self->phase) {
      case LENS_DOMINATORS_LINKS:
        done = fill(self, graph, slice);
        break;
      case LENS_DOMINATORS_SEARCH:
        done = lens_dominators_search(self, graph, entries, slice) == LENS_OK;
        break;
      case LENS_DOMINATORS_NUMBERS:
        done = keep_numbers(self, graph, slice);
        break;
      case LENS_DOMINATORS_SEMI:
        done = semidominators(self, graph, entries, slice);
        break;
      default:
        done = climb(self, slice);
        break;
    }
    if (!done) return LENS_AGAIN;
    whole = advance(self, graph);
  }
  if (whole) return LENS_OK;
  lens_dominators_free(self);
  return LENS_NO_MEMORY;
}

/* Strongly connected components.  See components.h. */
#include "graph/components.h"

#include "memory/ahead.h"

enum { NODES_A_CLOCK = 1 << 14, AHEAD = 24 };

/* An open node's number is at most as many as are open, a closed one's counts down from here: as
 * many as are closed. */
static const uint32_t LAST_NUMBER = LENS_NONE - 1;

void lens_components_free(struct lens_components *self) {
  lens_column_free(&self->component);
  lens_column_free(&self->rings);
  lens_column_free(&self->links);
  lens_column_free(&self->frames);
  lens_column_free(&self->waiting);
  lens_column_free(&self->selves);
  *self = (struct lens_components){0};
}

uint64_t lens_components_progress(const struct lens_components *self) {
  return self->phase == LENS_COMPONENTS_NUMBERS ? self->closed + self->node : self->closed;
}

static bool begin(struct lens_components *self, const struct lens_graph *graph) {
  lens_components_free(self);
  uint64_t nodes = graph->node_count;
  bool made = lens_column_reserve(&self->links, nodes, sizeof(struct lens_link)) &&
              lens_column_reserve(&self->frames, lens_trail_words(nodes), sizeof(uint64_t)) &&
              lens_column_reserve(&self->waiting, nodes, sizeof(uint32_t)) &&
              lens_column_reserve(&self->selves, nodes / 64 + 1, sizeof(uint64_t));
  self->trail.words = self->frames.items;
  return made;
}

/* ---- links ---- */

static bool leads_to_itself(const struct lens_graph *graph, uint64_t node) {
  bool any = false;
  for (uint64_t edge = graph->out_start[node]; edge < graph->out_start[node + 1]; edge++)
    any |= graph->out_target[edge] == node;
  return any;
}

static bool fill(struct lens_components *self, const struct lens_graph *graph,
                 const lens_slice *slice) {
  uint64_t *selves = self->selves.items;
  while (self->node < graph->node_count) {
    uint64_t end = self->node + NODES_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    lens_links_fill(graph, self->links.items, self->node, end);
    for (uint64_t i = self->node; i < end; i++) {
      if (lens_graph_has(graph, i))
        selves[i / 64] |= (uint64_t)leads_to_itself(graph, i) << (i % 64);
    }
    self->node = end;
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

/* ---- the search ---- */

static void enter(struct lens_components *self, const struct lens_graph *graph, uint32_t node) {
  struct lens_link *links = self->links.items;
  links[node].number = ++self->number;
  lens_trail_enter(&self->trail, graph, links, node);
}

/* Takes the nodes of the component whose first node is `first` off the waiting ones, at most
 * *budget.  False: there are more. */
static bool close_component(struct lens_components *self, uint32_t first, uint64_t *budget) {
  struct lens_link *links = self->links.items;
  const uint32_t *waiting = self->waiting.items;
  uint32_t number = LAST_NUMBER - self->component_count;
  for (; self->waiting_count > 0; --*budget) {
    uint32_t node = waiting[self->waiting_count - 1];
    if (links[node].number < links[first].number) break;
    if (*budget == 0) return false;
    if (self->waiting_count > AHEAD) lens_ahead_write(&links[waiting[self->waiting_count - AHEAD]]);
    links[node].number = number;
    self->waiting_count--;
    self->closing++;
  }
  links[first].number = number;
  return true;
}

/* The frame's component is closed: notes it where it has a cycle. */
static bool note_closed(struct lens_components *self, uint32_t node) {
  uint64_t count = self->closing + 1;
  bool self_loop = (((const uint64_t *)self->selves.items)[node / 64] >> (node % 64) & 1) != 0;
  if (count > 1 || self_loop) {
    if (!lens_column_reserve(&self->rings, self->ring_count + 1, sizeof(struct lens_ring)))
      return false;
    ((struct lens_ring *)self->rings.items)[self->ring_count++] =
        (struct lens_ring){.node_count = count, .component = self->component_count};
    self->ring_nodes += count;
  }
  self->component_count++;
  self->closed += count;
  self->number -= (uint32_t)count;
  self->closing = 0;
  return true;
}

/* The last node leads, some way or other, to one that was met as number `number` and is open. */
static void lower(struct lens_components *self, uint32_t number) {
  struct lens_link *links = self->links.items;
  uint64_t *word = &self->trail.words[self->trail.depth - 1];
  struct lens_link *link = &links[lens_trail_node(*word)];
  if (number >= link->number) return;
  link->number = number;
  *word |= LENS_TRAIL_MARK;
}

/* Leaves the last node.  LENS_AGAIN: the budget is used up. */
static lens_status leave(struct lens_components *self, const struct lens_graph *graph,
                         uint64_t *budget) {
  const struct lens_link *links = self->links.items;
  uint64_t word = self->trail.words[self->trail.depth - 1];
  uint32_t node = lens_trail_node(word);
  if ((word & LENS_TRAIL_MARK) == 0) {
    if (!close_component(self, node, budget)) return LENS_AGAIN;
    if (!note_closed(self, node)) return LENS_NO_MEMORY;
  } else {
    ((uint32_t *)self->waiting.items)[self->waiting_count++] = node;
  }
  lens_trail_leave(&self->trail, links);
  if (self->trail.depth == 0) return LENS_OK;
  lens_trail_fetch(&self->trail, graph, links);
  lower(self, links[node].number);
  return LENS_OK;
}

/* Follows the last node until it enters another or is left. */
static lens_status follow(struct lens_components *self, const struct lens_graph *graph,
                          uint64_t *budget) {
  const struct lens_link *links = self->links.items;
  uint32_t target;
  for (; *budget > 0; --*budget) {
    if (!lens_trail_next(&self->trail, graph, links, &target)) return leave(self, graph, budget);
    if (!lens_graph_has(graph, target)) continue;
    if (links[target].number == 0) {
      enter(self, graph, target);
      return LENS_OK;
    }
    lower(self, links[target].number);
  }
  return LENS_AGAIN;
}

static lens_status search(struct lens_components *self, const struct lens_graph *graph,
                          const lens_slice *slice) {
  const struct lens_link *links = self->links.items;
  uint64_t budget = NODES_A_CLOCK;
  while (self->trail.depth > 0 || self->node < graph->node_count) {
    lens_status status = LENS_OK;
    if (self->trail.depth > 0) {
      status = follow(self, graph, &budget);
    } else {
      if (lens_graph_has(graph, self->node) && links[self->node].number == 0)
        enter(self, graph, (uint32_t)self->node);
      self->node++;
    }
    if (status != LENS_OK && status != LENS_AGAIN) return status;
    if (budget > 0) {
      budget--;
      continue;
    }
    if (lens_slice_over(slice)) return LENS_AGAIN;
    budget = NODES_A_CLOCK;
  }
  return LENS_OK;
}

/* ---- the answer ---- */

static bool number(struct lens_components *self, const struct lens_graph *graph,
                   const lens_slice *slice) {
  const struct lens_link *links = self->links.items;
  uint32_t *components = self->component.items;
  while (self->node < graph->node_count) {
    uint64_t end = self->node + NODES_A_CLOCK;
    if (end > graph->node_count) end = graph->node_count;
    for (; self->node < end; self->node++) {
      components[self->node] =
          lens_graph_has(graph, self->node) ? LAST_NUMBER - links[self->node].number : LENS_NONE;
    }
    if (lens_slice_over(slice)) return false;
  }
  return true;
}

lens_status lens_components_step(struct lens_components *self, const struct lens_graph *graph,
                                 const lens_slice *slice) {
  lens_status status = LENS_OK;
  if (self->phase == LENS_COMPONENTS_IDLE) {
    if (!begin(self, graph)) status = LENS_NO_MEMORY;
    self->phase = LENS_COMPONENTS_LINKS;
  }
  if (status == LENS_OK && self->phase == LENS_COMPONENTS_LINKS) {
    if (!fill(self, graph, slice)) return LENS_AGAIN;
    self->node = 0;
    self->phase = LENS_COMPONENTS_SEARCH;
  }
  if (status == LENS_OK && self->phase == LENS_COMPONENTS_SEARCH) {
    status = search(self, graph, slice);
    if (status == LENS_OK) {
      lens_column_free(&self->frames);
      lens_column_free(&self->waiting);
      lens_column_free(&self->selves);
      self->node = 0;
      self->phase = LENS_COMPONENTS_NUMBERS;
      if (!lens_column_reserve(&self->component, graph->node_count, sizeof(uint32_t)))
        status = LENS_NO_MEMORY;
    }
  }
  if (status == LENS_OK && self->phase == LENS_COMPONENTS_NUMBERS) {
    if (!number(self, graph, slice)) return LENS_AGAIN;
    lens_column_free(&self->links);
    self->phase = LENS_COMPONENTS_DONE;
  }
  if (status != LENS_OK && status != LENS_AGAIN) lens_components_free(self);
  return status;
}

/* The search of the dominators: numbers in depth-first order, from all entries.  See dominators.h.
 */
#include "graph/dominators.h"

enum { STEPS_A_CLOCK = 1 << 14 };

static bool stands(const struct lens_entries *entries, uint64_t node) {
  return (entries->standing[node / 64] >> (node % 64) & 1) != 0;
}

static void enter(struct lens_dominators *self, const struct lens_graph *graph,
                  const struct lens_entries *entries, uint32_t node, uint32_t parent) {
  struct lens_link *links = self->links.items;
  uint32_t number = (uint32_t)++self->count;
  links[node].number = number;
  if (stands(entries, node)) lens_holds_add(&self->holds, number, 0);
  ((uint32_t *)self->vertex.items)[number] = node;
  ((uint32_t *)self->dominator.items)[number] = parent;
  lens_trail_enter(&self->trail, graph, links, node);
}

/* Follows the last node until it enters another or is left; LENS_AGAIN: the budget is used up. */
static lens_status follow(struct lens_dominators *self, const struct lens_graph *graph,
                          const struct lens_entries *entries, uint64_t *budget) {
  const struct lens_link *links = self->links.items;
  uint32_t number = links[lens_trail_node(self->trail.words[self->trail.depth - 1])].number, target;
  for (; *budget > 0; --*budget) {
    if (!lens_trail_next(&self->trail, graph, links, &target)) {
      lens_trail_leave(&self->trail, links);
      lens_trail_fetch(&self->trail, graph, links);
      return LENS_OK;
    }
    uint32_t met = links[target].number;
    if (met == 0) {
      enter(self, graph, entries, target, number);
      return LENS_OK;
    }
    if (met != number) lens_holds_add(&self->holds, met, number);
  }
  return LENS_AGAIN;
}

/* The next entry, which is a node of its own, and what it holds. */
static void enter_entry(struct lens_dominators *self, const struct lens_graph *graph,
                        const struct lens_entries *entries) {
  const struct lens_link *links = self->links.items;
  uint32_t node = entries->nodes[self->next_entry];
  bool owning = self->next_entry < entries->owning;
  if (self->next_entry == entries->owning) self->owned = self->count;
  if (!owning && links[node].number != 0 && links[node].number <= self->owned) {
    self->next_entry++;
    return;
  }
  uint32_t number = (uint32_t)++self->count;
  ((uint32_t *)self->entry.items)[self->next_entry] = number;
  ((uint32_t *)self->vertex.items)[number] = (uint32_t)(graph->node_count + self->next_entry);
  self->next_entry++;
  if (links[node].number == 0) {
    enter(self, graph, entries, node, number);
  } else {
    lens_holds_add(&self->holds, links[node].number, 0);
  }
}

/* The next node, if it stands by itself. */
static void enter_standing(struct lens_dominators *self, const struct lens_graph *graph,
                           const struct lens_entries *entries) {
  const struct lens_link *links = self->links.items;
  uint64_t node = self->node++;
  if (stands(entries, node) && links[node].number == 0)
    enter(self, graph, entries, (uint32_t)node, 0);
}

lens_status lens_dominators_search(struct lens_dominators *self, const struct lens_graph *graph,
                                   const struct lens_entries *entries, const lens_slice *slice) {
  uint64_t budget = STEPS_A_CLOCK;
  while (self->trail.depth > 0 || self->next_entry < entries->count ||
         self->node < graph->node_count) {
    if (self->trail.depth > 0) {
      if (follow(self, graph, entries, &budget) == LENS_AGAIN) budget = 0;
    } else if (self->next_entry < entries->owning || self->node == graph->node_count) {
      enter_entry(self, graph, entries);
    } else {
      enter_standing(self, graph, entries);
    }
    if (budget > 0) {
      budget--;
      continue;
    }
    if (lens_slice_over(slice)) return LENS_AGAIN;
    budget = STEPS_A_CLOCK;
  }
  return LENS_OK;
}

/* The search of the dominators: numbers in depth-first order, from all entries.  See dominators.h.
 */
#include "dominators.h"

enum { STEPS_A_CLOCK = 1 << 14, AHEAD = 8 };

static void enter(struct lens_dominators *self, const struct lens_graph *graph, uint32_t node,
                  uint32_t parent) {
  struct lens_link *links = self->links.items;
  uint32_t number = (uint32_t)++self->count;
  links[node].number = number;
  ((uint32_t *)self->vertex.items)[number] = node;
  ((uint32_t *)self->dominator.items)[number] = parent;
  ((struct lens_link_frame *)self->frames.items)[self->depth++] =
      lens_link_enter(graph, links, node, number);
}

/* Nodes that will soon be gone on with: what they lead to next is fetched. */
static void fetch_ahead(const struct lens_dominators *self) {
  const struct lens_link *links = self->links.items;
  const struct lens_link_frame *frames = self->frames.items;
  if (self->depth <= 2 * AHEAD) return;
  __builtin_prefetch(&links[frames[self->depth - 2 * AHEAD].node]);
  const struct lens_link_frame *frame = &frames[self->depth - AHEAD];
  const struct lens_link *link = &links[frame->node];
  if (link->count == LENS_LINKS_INLINE && frame->next == 1)
    __builtin_prefetch(&links[link->target[1]]);
}

/* Follows the last frame until it enters a node or is left; LENS_AGAIN: the budget is used up. */
static lens_status follow(struct lens_dominators *self, const struct lens_graph *graph,
                          uint64_t *budget) {
  const struct lens_link *links = self->links.items;
  struct lens_link_frame *frame = &((struct lens_link_frame *)self->frames.items)[self->depth - 1];
  uint32_t target;
  for (; *budget > 0; --*budget) {
    if (!lens_link_next(graph, links, frame, &target)) {
      self->depth--;
      fetch_ahead(self);
      return LENS_OK;
    }
    if (links[target].number != 0) continue;
    enter(self, graph, target, frame->number);
    return LENS_OK;
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
    enter(self, graph, node, number);
  } else {
    ((uint64_t *)self->again.items)[node / 64] |= 1ull << (node % 64);
  }
}

/* The next node, if it stands by itself. */
static void enter_standing(struct lens_dominators *self, const struct lens_graph *graph,
                           const struct lens_entries *entries) {
  const struct lens_link *links = self->links.items;
  uint64_t node = self->node++;
  bool stands = (entries->standing[node / 64] >> (node % 64) & 1) != 0;
  if (stands && links[node].number == 0) enter(self, graph, (uint32_t)node, 0);
}

lens_status lens_dominators_search(struct lens_dominators *self, const struct lens_graph *graph,
                                   const struct lens_entries *entries, const lens_slice *slice) {
  uint64_t budget = STEPS_A_CLOCK;
  while (self->depth > 0 || self->next_entry < entries->count || self->node < graph->node_count) {
    if (self->depth > 0) {
      if (follow(self, graph, &budget) == LENS_AGAIN) budget = 0;
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

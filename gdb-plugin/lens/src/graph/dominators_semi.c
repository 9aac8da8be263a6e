/* Semidominators, from the last number to the first.  See dominators.h.
 *
 * What a node asks is the least semidominator on the way from one of its holders up to the node
 * where that way leaves the numbers that were dealt with.  Holders with the same answer are one
 * set, so asking is to find a set, mostly one step away; a way that was compressed would be walked.
 *
 *   sets    a row's `up` leads to the row that stands for its set, whose `label` is the answer.  Of
 *           two sets that become one, the one whose row is first in an order by chance stands for
 *           both: so ways are short, whatever the graph looks like.
 *   heap    answers only fall from the top down.  When a node is put above its children's sets,
 *           those whose answer is not lower than its own become one with it: they are the upper end
 *           of a pairing heap by label, in which each row's children (`child`, then `next`) have no
 *           higher label.  What is left hangs below the new set, and that waits for its parent:
 *           semi[parent] is the top of those that wait, until the parent's own turn.
 *
 * So the whole is O((nodes + edges) * log nodes) at worst.  Every loop is left when the budget is
 * used up, and gone on with: a node may have as many children as there are nodes.
 */
#include "graph/dominators.h"

#include "memory/ahead.h"

enum { STEPS_A_CLOCK = 1 << 14, AHEAD = 24 };

static inline struct lens_forest_row *rows_of(const struct lens_dominators *self) {
  return self->forest.items;
}

/* ---- sets ---- */

/* The row that stands for the set; the way to it becomes half as long. */
static inline uint32_t find(struct lens_forest_row *rows, uint32_t row) {
  uint32_t up = rows[row].up;
  while (up != rows[up].up) {
    up = rows[up].up;
    rows[row].up = up;
    row = up;
    up = rows[row].up;
  }
  return up;
}

/* Two that stand for sets become one: the one that stands for both then.  The order is one by
 * chance and always the same: a multiplication by an odd number loses nothing. */
static uint32_t unite(struct lens_forest_row *rows, uint32_t first, uint32_t second) {
  const uint32_t mix = 2654435769u;
  bool stays = first * mix > second * mix;
  uint32_t above = stays ? first : second, below = stays ? second : first;
  rows[below].up = above;
  return above;
}

/* ---- the heap ---- */

/* The top of two heaps, none of them empty, as one. */
static uint32_t meld(struct lens_forest_row *rows, uint32_t first, uint32_t second) {
  bool stays = rows[first].label >= rows[second].label;
  uint32_t above = stays ? first : second, below = stays ? second : first;
  rows[below].next = rows[above].child;
  rows[above].child = below;
  return above;
}

/* Parts the heap: sets whose label is at least `least` become one with cut->set, the others are
 * strung up as cut->rest.  A row that was taken keeps in `child` where to go on when its children
 * are done.  False: the budget is used up. */
static bool part(struct lens_forest_row *rows, struct lens_cut *cut, uint32_t least,
                 uint64_t *budget) {
  while (cut->at != 0 || cut->above != 0) {
    if (cut->at == 0) {
      struct lens_forest_row *above = &rows[cut->above];
      cut->at = above->next;
      cut->above = above->child;
      continue;
    }
    if (*budget == 0) return false;
    --*budget;
    struct lens_forest_row *row = &rows[cut->at];
    if (row->label < least) {
      uint32_t next = row->next;
      row->next = cut->rest;
      cut->rest = cut->at;
      cut->at = next;
      continue;
    }
    cut->set = unite(rows, cut->set, cut->at);
    uint32_t child = row->child;
    row->child = cut->above;
    cut->above = cut->at;
    cut->at = child;
  }
  return true;
}

/* What is left becomes one heap again: two and two first, then all.  False: the budget is used up.
 */
static bool gather(struct lens_forest_row *rows, struct lens_cut *cut, uint64_t *budget) {
  while (cut->rest != 0) {
    if (*budget == 0) return false;
    --*budget;
    uint32_t first = cut->rest, second = rows[first].next, pair = first;
    cut->rest = second == 0 ? 0 : rows[second].next;
    if (second != 0) pair = meld(rows, first, second);
    rows[pair].next = cut->pairs;
    cut->pairs = pair;
  }
  while (cut->pairs != 0) {
    if (*budget == 0) return false;
    --*budget;
    uint32_t pair = cut->pairs;
    cut->pairs = rows[pair].next;
    cut->top = cut->top == 0 ? pair : meld(rows, cut->top, pair);
  }
  return true;
}

/* Puts node `number`, whose semidominator is self->least, above what waits for it.  False: the
 * budget is used up; called again it goes on. */
static bool put_above(struct lens_dominators *self, uint32_t number, uint64_t *budget) {
  struct lens_forest_row *rows = rows_of(self);
  uint32_t *semi = self->semi.items, parent = ((const uint32_t *)self->dominator.items)[number];
  struct lens_cut *cut = &self->cut;
  if (!cut->begun) {
    rows[number] = (struct lens_forest_row){.up = number};
    *cut = (struct lens_cut){.begun = true, .at = semi[number], .set = number};
  }
  if (!part(rows, cut, self->least, budget) || !gather(rows, cut, budget)) return false;
  struct lens_forest_row *set = &rows[cut->set];
  set->label = self->least;
  set->child = cut->top;
  if (cut->top != 0) rows[cut->top].next = 0;
  set->next = 0;
  semi[number] = self->least;
  if (parent != 0) semi[parent] = semi[parent] == 0 ? cut->set : meld(rows, semi[parent], cut->set);
  cut->begun = false;
  return true;
}

/* ---- holders ---- */

/* Looks at what holds `number`; self->least is its semidominator then.  False: the budget is used
 * up. */
static bool find_least(struct lens_dominators *self, uint32_t number, uint64_t *budget) {
  struct lens_forest_row *rows = rows_of(self);
  const uint64_t *starts = self->holds.starts.items;
  const uint32_t *holders = self->holds.holders.items;
  uint64_t first = starts[number % LENS_HOLDS_ROWS];
  for (; self->edge > first && self->least != 0; self->edge--) {
    if (*budget == 0) return false;
    --*budget;
    if (self->edge > AHEAD) lens_ahead_write(&rows[holders[self->edge - AHEAD]]);
    uint32_t from = holders[self->edge - 1], label = from;
    if (from > number) label = rows[find(rows, from)].label;
    if (label < self->least) self->least = label;
  }
  return true;
}

/* The numbers of the bucket in hand down to `last`. */
static bool work_bucket(struct lens_dominators *self, uint64_t last, const lens_slice *slice) {
  const uint32_t *parents = self->dominator.items;
  const uint64_t *starts = self->holds.starts.items;
  uint64_t budget = STEPS_A_CLOCK;
  while (self->node >= last) {
    uint32_t number = (uint32_t)self->node;
    if (!self->begun) {
      self->begun = true;
      self->least = parents[number];
      self->edge = starts[number % LENS_HOLDS_ROWS + 1];
    }
    if (find_least(self, number, &budget) && put_above(self, number, &budget)) {
      self->begun = false;
      self->node--;
      if (budget > 0) budget--;
    }
    if (budget > 0) continue;
    if (lens_slice_over(slice)) return false;
    budget = STEPS_A_CLOCK;
  }
  return true;
}

lens_status lens_dominators_semi(struct lens_dominators *self, const lens_slice *slice) {
  while (self->node > 0) {
    uint64_t bucket = self->node / LENS_HOLDS_ROWS, first = bucket * LENS_HOLDS_ROWS;
    if (self->sorted != bucket + 1) {
      lens_status status = lens_holds_sort(&self->holds, bucket, slice);
      if (status != LENS_OK) return status;
      self->sorted = bucket + 1;
    }
    if (!work_bucket(self, first == 0 ? 1 : first, slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* The garbage, and the graph of it: its objects are numbered, and the edges between them are a
 * graph of their own.  See leaks.h.
 */
#include "graph/leaks.h"

#include <string.h>

#include "analysis.h"

enum { WORD_BITS = 64, EDGES_A_CLOCK = 1 << 15 };

uint64_t lens_leaks_words(const lens *self) {
  return (self->analysis->snapshot.object_count + WORD_BITS - 1) / WORD_BITS;
}

void lens_leaks_count_roots(lens *self, uint64_t end) {
  const struct lens_roots *roots = &self->analysis->roots;
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  lens_leaks_totals *totals = &leaks->totals;
  totals->roots = roots->count;
  totals->stale_words = roots->stale_count;
  for (uint64_t i = leaks->row; i < end; i++) {
    const lens_root *root = &lens_root_rows(roots)[i];
    if (root->confidence != LENS_CONFIDENCE_CONSERVATIVE) continue;
    totals->guessed_roots++;
    totals->guessed_registers += root->kind == LENS_ROOT_REGISTER;
    totals->guessed_words += root->kind == LENS_ROOT_WORD;
    totals->guessed_foreign += root->kind == LENS_ROOT_FOREIGN;
  }
}

static bool is_freed(uint8_t verdict) {
  return verdict == LENS_COLLECT_GARBAGE || verdict == LENS_COLLECT_FALLS;
}

/* Of 64 objects that were reached those that a collection frees all the same: eight at a time are
 * passed over where it frees none. */
static uint64_t collected(const uint8_t *verdicts, uint64_t reached) {
  const uint64_t each = 0x0101010101010101u, none_above = each * (0x80 - LENS_COLLECT_GARBAGE);
  uint64_t bits = 0;
  for (uint32_t first = 0; first < WORD_BITS && reached >> first != 0; first += 8) {
    uint64_t eight = 0;
    if ((reached >> first & 0xff) == 0) continue;
    if ((reached >> first & 0xff) == 0xff) {
      memcpy(&eight, verdicts + first, sizeof eight);
      if (((eight + none_above) & each << 7) == 0) continue;
    }
    for (uint32_t bit = first; bit < first + 8; bit++) {
      if ((reached >> bit & 1) != 0) bits |= (uint64_t)is_freed(verdicts[bit]) << bit;
    }
  }
  return bits;
}

/* Takes what was not reached, or is freed all the same, of the words [row, end). */
lens_status lens_leaks_take_garbage(lens *self, uint64_t end) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t objects = self->analysis->snapshot.object_count, words = lens_leaks_words(self);
  if (!lens_column_reserve(&leaks->garbage, words, sizeof(uint64_t)) ||
      !lens_column_reserve(&leaks->before, words, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  const uint64_t *marks = self->analysis->reach.marks.items;
  const uint8_t *verdicts = self->analysis->collector.verdict.items;
  uint64_t *garbage = leaks->garbage.items;
  uint32_t *before = leaks->before.items, count = (uint32_t)leaks->node_count;
  for (uint64_t i = leaks->row; i < end; i++) {
    uint64_t used = objects - i * WORD_BITS;
    uint64_t all = used >= WORD_BITS ? UINT64_MAX : (1ull << used) - 1;
    garbage[i] = (~marks[i] | collected(verdicts + i * WORD_BITS, marks[i] & all)) & all;
    before[i] = count;
    count += (uint32_t)__builtin_popcountll(garbage[i]);
  }
  leaks->node_count = count;
  return LENS_OK;
}

lens_status lens_leaks_make_room(lens *self) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  return lens_column_reserve(&leaks->objects, leaks->node_count, sizeof(uint32_t)) &&
                 lens_column_reserve(&leaks->out_start, leaks->node_count + 1, sizeof(uint64_t))
             ? LENS_OK
             : lens_out_of_memory(self);
}

/* Numbers the garbage of the words [row, end). */
void lens_leaks_number(lens *self, uint64_t end) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  const uint64_t *garbage = leaks->garbage.items;
  uint32_t *objects = leaks->objects.items;
  for (uint64_t i = leaks->row; i < end; i++) {
    uint64_t node = ((const uint32_t *)leaks->before.items)[i];
    for (uint64_t left = garbage[i]; left != 0; left &= left - 1)
      objects[node++] = (uint32_t)(i * WORD_BITS) + (uint32_t)__builtin_ctzll(left);
  }
}

/* ---- the graph ---- */

/* Adds edges of one node, from leaks->edge on, at most *budget of them; what it holds that is
 * reachable is none of the garbage. */
static lens_status add_edges(lens *self, uint64_t node, uint64_t *edge_count, uint64_t *budget) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  const struct lens_index *index = &self->analysis->index;
  uint32_t object = ((const uint32_t *)leaks->objects.items)[node];
  uint64_t first = leaks->edge == 0 ? lens_out_starts(index)[object] : leaks->edge - 1;
  uint64_t last = lens_out_starts(index)[object + 1], left = last - first;
  if (!lens_column_reserve(&leaks->out_target, *edge_count + left, sizeof(uint32_t)))
    return lens_out_of_memory(self);
  uint32_t *targets = leaks->out_target.items;
  uint64_t end = left < *budget ? last : first + *budget;
  for (uint64_t edge = first; edge < end; edge++) {
    uint32_t target = lens_leaks_node_of(leaks, lens_out_targets(index)[edge]);
    targets[*edge_count] = target;
    *edge_count += target != LENS_NONE;
  }
  *budget -= end - first;
  leaks->edge = end == last ? 0 : end + 1;
  return end == last ? LENS_OK : LENS_AGAIN;
}

/* The edges between garbage objects, until the slice is over. */
lens_status lens_leaks_link(lens *self, const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t *starts = leaks->out_start.items, budget = EDGES_A_CLOCK;
  while (leaks->row < leaks->node_count) {
    lens_status status = add_edges(self, leaks->row, &leaks->edge_count, &budget);
    if (status == LENS_NO_MEMORY) return status;
    if (status == LENS_OK) starts[++leaks->row] = leaks->edge_count;
    if (budget > 0) budget--;
    if (budget > 0) continue;
    if (lens_slice_over(slice)) return LENS_AGAIN;
    budget = EDGES_A_CLOCK;
  }
  return LENS_OK;
}

/* Which leak each component of the garbage belongs to.  See leaks.h.
 *
 * Components are taken from the top down: edges lead to lower numbers, so all that leads to one is
 * known when its turn comes.  It is summed up node by node, and then tells what it leads to which
 * row it belongs to; what hears of two rows begins a row of its own, of what is held jointly.  In
 * terms of dominators: rows are what nothing but the root of all dominates.
 */
#include "graph/leaks.h"

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 15 };

/* ---- nodes by component ---- */

/* first_of[c + 2] counts component c; summed up, first_of[c + 1] is where its next node goes, and
 * when all have their places, where its nodes end. */
lens_status lens_leaks_components_known(lens *self) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t components = leaks->components.component_count;
  if (!lens_column_reserve(&leaks->first_of, components + 2, sizeof(uint32_t)) ||
      !lens_column_reserve(&leaks->sorted, leaks->node_count, sizeof(uint32_t)) ||
      !lens_column_reserve(&leaks->labels, components, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  return LENS_OK;
}

void lens_leaks_count(struct lens_leaks_state *leaks, uint64_t end) {
  uint32_t *first_of = leaks->first_of.items;
  for (uint64_t node = leaks->row; node < end; node++)
    first_of[lens_leaks_component_of(leaks)[node] + 2]++;
  if (end != leaks->node_count) return;
  uint64_t components = leaks->components.component_count;
  for (uint64_t i = 2; i < components + 2; i++) first_of[i] += first_of[i - 1];
}

void lens_leaks_sort(struct lens_leaks_state *leaks, uint64_t end) {
  uint32_t *first_of = leaks->first_of.items, *sorted = leaks->sorted.items;
  for (uint64_t node = leaks->row; node < end; node++)
    sorted[first_of[lens_leaks_component_of(leaks)[node] + 1]++] = (uint32_t)node;
}

/* ---- labels ---- */

static uint64_t surplus_of(const lens *self, uint32_t object) {
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  uint64_t holders = in[object + 1] - in[object];
  uint64_t refcount = lens_row_refcounts(&self->analysis->snapshot)[object];
  return refcount > holders ? refcount - holders : 0;
}

/* Of two objects with the same surplus the one that tells more: of a type of the program's own,
 * then of the type that was defined first, so that sets alike have roots alike, then the lower one.
 */
static bool tells_more(const lens *self, uint32_t object, uint32_t other) {
  const uint32_t *types = lens_row_types(&self->analysis->snapshot);
  uint32_t type = types[object], other_type = types[other];
  bool own = type != LENS_NONE && self->model.types[type].shown.builtin == 0;
  bool other_own = other_type != LENS_NONE && self->model.types[other_type].shown.builtin == 0;
  if (own != other_own) return own;
  return type != other_type ? type < other_type : object < other;
}

/* One more node of the component in hand. */
static void add_to_sum(const lens *self, struct lens_leaks_part *part, uint32_t node) {
  uint32_t object = ((const uint32_t *)self->analysis->leaks.objects.items)[node];
  lens_leak *sum = &part->sum;
  uint64_t surplus = surplus_of(self, object);
  bool first = sum->own_objects++ == 0;
  sum->own_bytes += lens_weights_of(self, object);
  sum->surplus += surplus;
  if (first || surplus > part->most ||
      (surplus == part->most && tells_more(self, object, sum->root))) {
    sum->root = object;
    part->most = surplus;
  }
}

/* Tells what the node leads to which row it belongs to, or that this leads back to its component;
 * at most ROWS_A_CLOCK times.  False: there is more. */
static bool pass_on(const lens *self, struct lens_leaks_part *part, uint32_t node) {
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  const uint64_t *starts = leaks->out_start.items;
  const uint32_t *targets = leaks->out_target.items;
  uint32_t *labels = leaks->labels.items, label = labels[part->component];
  uint64_t edge = part->edge == 0 ? starts[node] : part->edge - 1, left = starts[node + 1] - edge;
  uint64_t end = left < ROWS_A_CLOCK ? starts[node + 1] : edge + ROWS_A_CLOCK;
  part->edge = end == starts[node + 1] ? 0 : end + 1;
  for (; edge < end; edge++) {
    uint32_t other = lens_leaks_component_of(leaks)[targets[edge]];
    if (other == part->component) {
      part->ring = true;
    } else if (labels[other] == 0) {
      labels[other] = label;
    } else if (labels[other] != label) {
      labels[other] = LENS_NONE;
    }
  }
  return part->edge == 0;
}

/* Gives the objects of a component to the row that they belong to. */
static void add_sum(struct lens_leaks_state *leaks, uint32_t label, const lens_leak *sum) {
  lens_leaks_totals *totals = &leaks->totals;
  lens_leak *leak = (lens_leak *)leaks->rows.items + (label - 1);
  leak->objects += sum->own_objects;
  leak->bytes += sum->own_bytes;
  totals->object_count += sum->own_objects;
  totals->bytes += sum->own_bytes;
  uint64_t *const sums[][2] = {{&totals->cycle_objects, &totals->cycle_bytes},
                               {&totals->lost_objects, &totals->lost_bytes},
                               {&totals->shared_objects, &totals->shared_bytes}};
  *sums[leak->kind][0] += sum->own_objects;
  *sums[leak->kind][1] += sum->own_bytes;
}

/* The component is summed up: it may begin a row. */
static bool judge(struct lens_leaks_state *leaks) {
  struct lens_leaks_part *part = &leaks->part;
  uint32_t *labels = leaks->labels.items, label = labels[part->component];
  part->begins = part->sum.surplus != 0 || label == 0 || label == LENS_NONE;
  if (!part->begins) return true;
  if (!lens_column_reserve(&leaks->rows, leaks->row_count + 1, sizeof(lens_leak))) return false;
  part->sum.held = label != 0;
  part->sum.number = (uint32_t)leaks->row_count++;
  labels[part->component] = part->sum.number + 1;
  return true;
}

static enum lens_leak_kind kind_of(const struct lens_leaks_part *part) {
  if (part->sum.surplus != 0) return LENS_LEAK_LOST;
  if (part->sum.held) return LENS_LEAK_JOINT;
  return part->ring ? LENS_LEAK_CYCLE : LENS_LEAK_LOST;
}

/* All that it leads to knows of it. */
static void finish(struct lens_leaks_state *leaks) {
  const struct lens_leaks_part *part = &leaks->part;
  lens_leak sum = part->sum;
  if (part->begins) {
    sum.kind = kind_of(part);
    ((lens_leak *)leaks->rows.items)[sum.number] = sum;
    uint64_t *const counts[] = {&leaks->totals.cycles, &leaks->totals.lost, &leaks->totals.joints};
    *counts[sum.kind] += 1;
  }
  add_sum(leaks, ((const uint32_t *)leaks->labels.items)[part->component], &sum);
}

/* Components from the top down, those that lead to one before it; each is summed up and then passes
 * on, node by node: it may be as large as the heap. */
lens_status lens_leaks_label_step(lens *self, const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  struct lens_leaks_part *part = &leaks->part;
  const uint32_t *first_of = leaks->first_of.items;
  uint64_t components = leaks->components.component_count;
  for (uint32_t left = ROWS_A_CLOCK; leaks->row < components; left--) {
    if (left == 0) {
      if (lens_slice_over(slice)) return LENS_AGAIN;
      left = ROWS_A_CLOCK;
    }
    if (part->stage == LENS_LEAKS_NEXT) {
      *part = (struct lens_leaks_part){.stage = LENS_LEAKS_SUM,
                                       .component = (uint32_t)(components - 1 - leaks->row)};
      part->node = first_of[part->component];
    }
    uint32_t end = first_of[part->component + 1];
    uint32_t node = ((const uint32_t *)leaks->sorted.items)[part->node];
    if (part->stage == LENS_LEAKS_SUM) {
      add_to_sum(self, part, node);
      part->node++;
      if (part->node != end) continue;
      if (!judge(leaks)) return lens_out_of_memory(self);
      part->stage = LENS_LEAKS_PASS_ON;
      part->node = first_of[part->component];
    } else {
      if (!pass_on(self, part, node)) {
        left = 1;
        continue;
      }
      part->node++;
      if (part->node != end) continue;
      finish(leaks);
      part->stage = LENS_LEAKS_NEXT;
      leaks->row++;
    }
  }
  return LENS_OK;
}

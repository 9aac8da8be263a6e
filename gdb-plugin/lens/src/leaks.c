/* Leaks: the garbage, and which sets of objects all of it hangs on.
 *
 *   garbage     what a breadth-first pass from all that holds from outside does not reach, and what
 *               the collector frees (collect.c), whatever points there
 *   graph       the edges between garbage objects, as a graph of its own: little garbage in a large
 *               heap costs little
 *   components  which objects hold each other (components.c)
 *   labels      components from the top down (edges lead to lower numbers): one that nothing led
 *               to, or whose counts have a surplus, is a leak; others belong to the leak that all
 *               that leads to them belongs to, or to several
 *
 * The surplus of a garbage object is its count less all edges that lead to it: those are of
 * garbage, or the object would be reached, and neither root nor runtime holds it.
 *
 * What this is not: an account of what lives (account.c).
 */
#include "leaks.h"

#include "analysis.h"

enum { ROWS_A_CLOCK = 1 << 15, WORD_BITS = 64 };

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

/* ---- garbage ---- */

static uint64_t word_count(const lens *self) {
  return (self->analysis->snapshot.object_count + WORD_BITS - 1) / WORD_BITS;
}

/* The node of a garbage object; LENS_NONE for others. */
static inline uint32_t node_of(const struct lens_leaks_state *leaks, uint32_t object) {
  uint64_t word = ((const uint64_t *)leaks->garbage.items)[object / WORD_BITS];
  uint64_t bit = 1ull << (object % WORD_BITS);
  if ((word & bit) == 0) return LENS_NONE;
  return ((const uint32_t *)leaks->before.items)[object / WORD_BITS] +
         (uint32_t)__builtin_popcountll(word & (bit - 1));
}

static void count_roots(lens *self) {
  const struct lens_roots *roots = &self->analysis->roots;
  lens_leaks_totals *totals = &self->analysis->leaks.totals;
  totals->roots = roots->count;
  for (uint64_t i = 0; i < roots->count; i++) {
    const lens_root *root = &lens_root_rows(roots)[i];
    if (root->confidence != LENS_CONFIDENCE_CONSERVATIVE) continue;
    totals->guessed_roots++;
    totals->guessed_registers += root->kind == LENS_ROOT_REGISTER;
    totals->guessed_words += root->kind == LENS_ROOT_WORD;
    totals->guessed_foreign += root->kind == LENS_ROOT_FOREIGN;
  }
}

/* Of 64 objects that were reached those that a collection frees all the same. */
static uint64_t collected(const uint8_t *verdicts, uint64_t reached) {
  uint64_t bits = 0;
  for (uint64_t left = reached; left != 0; left &= left - 1) {
    uint32_t bit = (uint32_t)__builtin_ctzll(left);
    bool freed = verdicts[bit] == LENS_COLLECT_GARBAGE || verdicts[bit] == LENS_COLLECT_FALLS;
    bits |= (uint64_t)freed << bit;
  }
  return bits;
}

/* Takes what was not reached, or is freed all the same. */
static lens_status take_garbage(lens *self) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t objects = self->analysis->snapshot.object_count, words = word_count(self);
  if (!lens_column_reserve(&leaks->garbage, words, sizeof(uint64_t)) ||
      !lens_column_reserve(&leaks->before, words, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  const uint64_t *marks = self->analysis->reach.marks.items;
  const uint8_t *verdicts = self->analysis->collector.verdict.items;
  uint64_t *garbage = leaks->garbage.items;
  uint32_t *before = leaks->before.items, count = 0;
  for (uint64_t i = 0; i < words; i++) {
    uint64_t used = objects - i * WORD_BITS;
    uint64_t all = used >= WORD_BITS ? UINT64_MAX : (1ull << used) - 1;
    garbage[i] = (~marks[i] | collected(verdicts + i * WORD_BITS, marks[i] & all)) & all;
    before[i] = count;
    count += (uint32_t)__builtin_popcountll(garbage[i]);
  }
  leaks->node_count = count;
  count_roots(self);
  return lens_column_reserve(&leaks->objects, count, sizeof(uint32_t)) &&
                 lens_column_reserve(&leaks->out_start, (uint64_t)count + 1, sizeof(uint64_t))
             ? LENS_OK
             : lens_out_of_memory(self);
}

/* Numbers the garbage of the words [row, end). */
static void number_words(lens *self, uint64_t end) {
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

/* Adds the edges of one node; what it holds that is reachable is none of the garbage. */
static bool add_edges(lens *self, uint64_t node, uint64_t *edge_count) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  const struct lens_index *index = &self->analysis->index;
  uint32_t object = ((const uint32_t *)leaks->objects.items)[node];
  uint64_t first = lens_out_starts(index)[object], last = lens_out_starts(index)[object + 1];
  if (!lens_column_reserve(&leaks->out_target, *edge_count + (last - first), sizeof(uint32_t)))
    return false;
  uint32_t *targets = leaks->out_target.items;
  for (uint64_t edge = first; edge < last; edge++) {
    uint32_t target = node_of(leaks, lens_out_targets(index)[edge]);
    targets[*edge_count] = target;
    *edge_count += target != LENS_NONE;
  }
  return true;
}

static lens_status link_nodes(lens *self, uint64_t end) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t *starts = leaks->out_start.items, edges = starts[leaks->row];
  for (uint64_t node = leaks->row; node < end; node++) {
    if (!add_edges(self, node, &edges)) return lens_out_of_memory(self);
    starts[node + 1] = edges;
  }
  return LENS_OK;
}

static struct lens_graph graph_of(const struct lens_leaks_state *leaks) {
  return (struct lens_graph){.node_count = leaks->node_count,
                             .out_start = leaks->out_start.items,
                             .out_target = leaks->out_target.items};
}

/* ---- nodes by component ---- */

static const uint32_t *component_of(const struct lens_leaks_state *leaks) {
  return leaks->components.component.items;
}

/* first_of[c + 2] counts component c; summed up, first_of[c + 1] is where its next node goes, and
 * when all have their places, where its nodes end. */
static lens_status components_known(lens *self) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint64_t components = leaks->components.component_count;
  if (!lens_column_reserve(&leaks->first_of, components + 2, sizeof(uint32_t)) ||
      !lens_column_reserve(&leaks->sorted, leaks->node_count, sizeof(uint32_t)) ||
      !lens_column_reserve(&leaks->labels, components, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  return LENS_OK;
}

static void count_nodes(struct lens_leaks_state *leaks, uint64_t end) {
  uint32_t *first_of = leaks->first_of.items;
  for (uint64_t node = leaks->row; node < end; node++) first_of[component_of(leaks)[node] + 2]++;
  if (end != leaks->node_count) return;
  uint64_t components = leaks->components.component_count;
  for (uint64_t i = 2; i < components + 2; i++) first_of[i] += first_of[i - 1];
}

static void sort_nodes(struct lens_leaks_state *leaks, uint64_t end) {
  uint32_t *first_of = leaks->first_of.items, *sorted = leaks->sorted.items;
  for (uint64_t node = leaks->row; node < end; node++)
    sorted[first_of[component_of(leaks)[node] + 1]++] = (uint32_t)node;
}

/* ---- labels ---- */

static uint64_t surplus_of(const lens *self, uint32_t object) {
  const uint64_t *in = lens_in_starts(&self->analysis->index);
  uint64_t holders = in[object + 1] - in[object];
  uint64_t refcount = lens_row_refcounts(&self->analysis->snapshot)[object];
  return refcount > holders ? refcount - holders : 0;
}

/* One more node of the component in hand. */
static void add_to_sum(const lens *self, struct lens_leaks_part *part, uint32_t node) {
  uint32_t object = ((const uint32_t *)self->analysis->leaks.objects.items)[node];
  lens_leak *sum = &part->sum;
  uint64_t surplus = surplus_of(self, object);
  bool first = sum->own_objects++ == 0;
  sum->own_bytes += lens_weights_of(self, object);
  sum->surplus += surplus;
  if (first || surplus > part->most || (surplus == part->most && object < sum->root)) {
    sum->root = object;
    part->most = surplus;
  }
}

/* Tells what the node leads to which leak it belongs to, or that this leads back to its component.
 */
static void pass_on(const lens *self, struct lens_leaks_part *part, uint32_t node) {
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  const uint64_t *starts = leaks->out_start.items;
  const uint32_t *targets = leaks->out_target.items;
  uint32_t *labels = leaks->labels.items, label = labels[part->component];
  for (uint64_t edge = starts[node]; edge < starts[node + 1]; edge++) {
    uint32_t other = component_of(leaks)[targets[edge]];
    if (other == part->component) {
      part->ring = true;
    } else if (labels[other] == 0) {
      labels[other] = label;
    } else if (labels[other] != label) {
      labels[other] = LENS_NONE;
    }
  }
}

static void add_leak(struct lens_leaks_state *leaks, const lens_leak *leak) {
  bool cycle = leak->kind == LENS_LEAK_CYCLE;
  *(cycle ? &leaks->totals.cycles : &leaks->totals.lost) += 1;
}

/* Gives the objects of a component to the leak that they belong to. */
static void add_sum(struct lens_leaks_state *leaks, uint32_t label, const lens_leak *sum) {
  lens_leaks_totals *totals = &leaks->totals;
  totals->object_count += sum->own_objects;
  totals->bytes += sum->own_bytes;
  if (label == LENS_NONE) {
    totals->shared_objects += sum->own_objects;
    totals->shared_bytes += sum->own_bytes;
    return;
  }
  lens_leak *leak = (lens_leak *)leaks->rows.items + (label - 1);
  bool cycle = leak->kind == LENS_LEAK_CYCLE;
  leak->objects += sum->own_objects;
  leak->bytes += sum->own_bytes;
  *(cycle ? &totals->cycle_objects : &totals->lost_objects) += sum->own_objects;
  *(cycle ? &totals->cycle_bytes : &totals->lost_bytes) += sum->own_bytes;
}

/* The component is summed up: it may be a leak. */
static bool judge(struct lens_leaks_state *leaks) {
  struct lens_leaks_part *part = &leaks->part;
  uint32_t *labels = leaks->labels.items;
  part->is_leak = part->sum.surplus != 0 || labels[part->component] == 0;
  if (!part->is_leak) return true;
  if (!lens_column_reserve(&leaks->rows, leaks->leak_count + 1, sizeof(lens_leak))) return false;
  part->sum.held = labels[part->component] != 0;
  part->sum.number = (uint32_t)leaks->leak_count++;
  labels[part->component] = part->sum.number + 1;
  return true;
}

/* All that it leads to knows of it. */
static void finish(struct lens_leaks_state *leaks) {
  const struct lens_leaks_part *part = &leaks->part;
  lens_leak sum = part->sum;
  if (part->is_leak) {
    sum.kind = part->ring && sum.surplus == 0 ? LENS_LEAK_CYCLE : LENS_LEAK_LOST;
    ((lens_leak *)leaks->rows.items)[sum.number] = sum;
    add_leak(leaks, &sum);
  }
  add_sum(leaks, ((const uint32_t *)leaks->labels.items)[part->component], &sum);
}

/* Components from the top down, those that lead to one before it; each is summed up and then passes
 * on, node by node: it may be as large as the heap. */
static lens_status label_step(lens *self, const lens_slice *slice) {
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
    uint32_t node = ((const uint32_t *)leaks->sorted.items)[part->node++];
    if (part->stage == LENS_LEAKS_SUM) {
      add_to_sum(self, part, node);
      if (part->node != end) continue;
      if (!judge(leaks)) return lens_out_of_memory(self);
      part->stage = LENS_LEAKS_PASS_ON;
      part->node = first_of[part->component];
    } else {
      pass_on(self, part, node);
      if (part->node != end) continue;
      finish(leaks);
      part->stage = LENS_LEAKS_NEXT;
      leaks->row++;
    }
  }
  return LENS_OK;
}

/* ---- the phases ---- */

typedef lens_status (*part_fn)(lens *self, uint64_t end);

static lens_status part_nodes(lens *self, uint64_t end) {
  number_words(self, end);
  return LENS_OK;
}
static lens_status part_sort(lens *self, uint64_t end) {
  sort_nodes(&self->analysis->leaks, end);
  return LENS_OK;
}
static lens_status part_count(lens *self, uint64_t end) {
  count_nodes(&self->analysis->leaks, end);
  return LENS_OK;
}

static lens_status each_part(lens *self, uint64_t total, part_fn work, const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  while (leaks->row < total) {
    uint64_t left = total - leaks->row;
    uint64_t end = leaks->row + (left < ROWS_A_CLOCK ? left : ROWS_A_CLOCK);
    lens_status status = work(self, end);
    if (status != LENS_OK) return status;
    leaks->row = end;
    if (leaks->row < total && lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

static lens_status reach_step(lens *self, uint32_t slice_ms, lens_progress *progress) {
  const uint32_t from =
      LENS_REACH_ROOTS | LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL | LENS_REACH_UNSURE;
  lens_status status = lens_reach(self, NULL, 0, from, slice_ms, progress);
  return status == LENS_OK ? take_garbage(self) : status;
}

static lens_status components_step(lens *self, const lens_slice *slice) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  struct lens_graph graph = graph_of(leaks);
  lens_status status = lens_components_step(&leaks->components, &graph, slice);
  if (status == LENS_NO_MEMORY) return lens_out_of_memory(self);
  return status == LENS_OK ? components_known(self) : status;
}

/* One phase to its end, or until the slice is over. */
static lens_status phase_step(lens *self, const lens_slice *slice, uint32_t slice_ms,
                              lens_progress *progress) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  switch (leaks->phase) {
    case LENS_LEAKS_IDLE:
      lens_reach_free(&self->analysis->reach); /* another question may have been given up */
      return LENS_OK;
    case LENS_LEAKS_REACH:
      return reach_step(self, slice_ms, progress);
    case LENS_LEAKS_NODES:
      return each_part(self, word_count(self), part_nodes, slice);
    case LENS_LEAKS_EDGES:
      return each_part(self, leaks->node_count, link_nodes, slice);
    case LENS_LEAKS_COMPONENTS:
      return components_step(self, slice);
    case LENS_LEAKS_COUNT:
      return each_part(self, leaks->node_count, part_count, slice);
    case LENS_LEAKS_SORT:
      return each_part(self, leaks->node_count, part_sort, slice);
    default:
      return label_step(self, slice);
  }
}

/* Counts the roots that point to leaks. */
static void count_root_refs(lens *self) {
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  const struct lens_roots *roots = &self->analysis->roots;
  for (uint64_t i = 0; i < roots->count; i++) {
    uint32_t object = lens_root_rows(roots)[i].object, node = node_of(leaks, object);
    if (node == LENS_NONE) continue;
    uint32_t component = component_of(leaks)[node];
    uint32_t label = ((const uint32_t *)leaks->labels.items)[component];
    if (label == LENS_NONE) continue;
    lens_leak *leak = (lens_leak *)leaks->rows.items + (label - 1);
    uint32_t own = component_of(leaks)[node_of(leaks, leak->root)];
    leak->root_refs += own == component;
  }
}

lens_status lens_leaks(lens *self, uint32_t slice_ms, lens_progress *progress) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_index(self, slice_ms, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_leaks_state *leaks = &self->analysis->leaks;
  if (leaks->phase == LENS_LEAKS_DONE) return LENS_OK;
  if (leaks->phase < LENS_LEAKS_NODES)
    status = lens_collect(self, LENS_NONE, 0, slice_ms, progress); /* weighs, too */
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  while (leaks->phase != LENS_LEAKS_DONE) {
    if (leaks->phase > LENS_LEAKS_REACH)
      lens_progress_set(progress, "leaks", leaks->phase, LENS_LEAKS_DONE);
    status = phase_step(self, &slice, slice_ms, progress);
    if (status == LENS_AGAIN) return status;
    if (status != LENS_OK) {
      lens_leaks_free(leaks);
      return status;
    }
    leaks->phase++;
    leaks->row = 0;
    if (leaks->phase != LENS_LEAKS_DONE && lens_slice_over(&slice)) return LENS_AGAIN;
  }
  graph_free(leaks);
  count_root_refs(self);
  return LENS_OK;
}

/* ---- which leak ---- */

lens_status lens_leak_of(const lens *self, uint32_t object, uint32_t *number) {
  if (self->analysis == NULL || self->analysis->leaks.phase != LENS_LEAKS_DONE ||
      object >= self->analysis->snapshot.object_count) {
    return LENS_BAD_ARGUMENT;
  }
  const struct lens_leaks_state *leaks = &self->analysis->leaks;
  uint32_t node = node_of(leaks, object);
  if (node == LENS_NONE) return LENS_NOT_FOUND;
  uint32_t label = ((const uint32_t *)leaks->labels.items)[component_of(leaks)[node]];
  *number = label == LENS_NONE ? LENS_NONE : label - 1;
  return LENS_OK;
}

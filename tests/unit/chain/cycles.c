/* Cycles of many small heaps against what the test knows of them: components, a shortest ring, the
 * references within, what is garbage.  What would go if a slot were weak is compared with what the
 * runtime frees when the program lets go of that slot.
 */
#include <stdlib.h>

#include "small_heap.h"

enum { HEAPS = 1500, ROWS = 256 };

static uint64_t partings[2]; /* slots of groups that don't, and that do part all of their cycles */

static bool reach[NODES_MAX][NODES_MAX]; /* over at least one reference */

static void add_reach(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  (void)slot;
  (void)context;
  reach[holder][target] = true;
}

static void work_out_reach(void) {
  memset(reach, 0, sizeof reach);
  each_edge(add_reach, NULL);
  for (uint32_t k = 0; k < node_count; k++) {
    for (uint32_t i = 0; i < node_count; i++) {
      for (uint32_t j = 0; j < node_count; j++) reach[i][j] |= reach[i][k] && reach[k][j];
    }
  }
}

static bool together(uint32_t a, uint32_t b) { return a == b || (reach[a][b] && reach[b][a]); }

static bool is_live(uint32_t node) {
  for (uint32_t i = 0; i < node_count; i++) {
    if (held[i] && (i == node || reach[i][node])) return true;
  }
  return false;
}

/* ---- the lens ---- */

static void find_cycles(void) {
  look();
  assert_int_equal(lens_cycles(self, 0, NULL), LENS_OK);
}

/* The lowest node of each component, by address. */
static uint32_t leader_of(uint32_t node) {
  uint32_t leader = node;
  for (uint32_t i = 0; i < node_count; i++) {
    if (together(i, node) && rows[i] < rows[leader]) leader = i;
  }
  return leader;
}

static void compare_cycles(void) {
  lens_cycle found[ROWS];
  uint64_t written = 0, total = 0, wanted = 0;
  assert_int_equal(lens_cycles_select(self, LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE, ROWS, found,
                                      &written, &total),
                   LENS_OK);
  assert_int_equal(written, total);
  for (uint32_t i = 0; i < node_count; i++) wanted += reach[i][i] && leader_of(i) == i;
  assert_int_equal(total, wanted);
  for (uint64_t i = 0; i < written; i++) {
    uint32_t leader = node_of(found[i].first);
    assert_true(leader != LENS_NONE && leader_of(leader) == leader && reach[leader][leader]);
    uint32_t objects[NODES_MAX];
    uint64_t count = 0, members = 0, bytes = 0;
    assert_int_equal(
        lens_cycle_objects(self, found[i].cycle, 0, NODES_MAX, objects, &count, &members), LENS_OK);
    for (uint32_t k = 0; k < node_count; k++) {
      if (!together(k, leader)) continue;
      assert_true(members-- > 0);
      bytes += cairn_object_size(&nodes[k]->base) + cairn_buffer_size(nodes[k]->items) + 8;
    }
    assert_int_equal(members, 0);
    for (uint64_t k = 0; k < count; k++) assert_true(together(node_of(objects[k]), leader));
    assert_int_equal(found[i].object_count, count);
    assert_int_equal(found[i].bytes, bytes);
    assert_int_equal(found[i].garbage, !is_live(leader));
    if (i > 0) assert_true(found[i].bytes <= found[i - 1].bytes);
  }
}

/* ---- one cycle ---- */

struct count {
  uint32_t leader;
  uint64_t within, of_slot[2][SLOTS];
};

static void count_edge(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  struct count *count = context;
  if (!together(holder, count->leader) || !together(target, count->leader)) return;
  count->within++;
  count->of_slot[types[holder]][slot]++;
}

struct distances {
  uint32_t leader, step;
  uint32_t at[NODES_MAX]; /* references from the leader, at least one; LENS_NONE: not yet */
};

static void relax(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  (void)slot;
  struct distances *distances = context;
  if (!together(holder, distances->leader) || !together(target, distances->leader)) return;
  uint32_t from = holder == distances->leader ? 0 : distances->at[holder];
  if (from != LENS_NONE && from + 1 < distances->at[target]) distances->at[target] = from + 1;
}

static uint32_t shortest_ring(uint32_t leader) {
  struct distances distances = {.leader = leader};
  for (uint32_t i = 0; i < node_count; i++) distances.at[i] = LENS_NONE;
  for (uint32_t i = 0; i < node_count; i++) each_edge(relax, &distances);
  return distances.at[leader];
}

/* ---- the slot to make weak ---- */

struct peeling {
  uint32_t leader, type, slot;
  bool gone[NODES_MAX], held[NODES_MAX];
};

static void note_held(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  struct peeling *peeling = context;
  bool weak = types[holder] == peeling->type && slot == peeling->slot;
  if (!together(holder, peeling->leader) || peeling->gone[holder] || weak) return;
  peeling->held[target] = true;
}

static uint64_t bytes_of(uint32_t node) {
  return cairn_object_size(&nodes[node]->base) + cairn_buffer_size(nodes[node]->items) + 8;
}

/* Without the slot's references: what nobody of the cycle holds goes, again and again. */
static uint64_t naive_goes(uint32_t leader, uint32_t type, uint32_t slot, uint64_t *objects) {
  struct peeling peeling = {.leader = leader, .type = type, .slot = slot};
  uint64_t bytes = 0;
  *objects = 0;
  for (bool again = true; again;) {
    again = false;
    memset(peeling.held, 0, sizeof peeling.held);
    each_edge(note_held, &peeling);
    for (uint32_t i = 0; i < node_count; i++) {
      if (!together(i, leader) || peeling.gone[i] || peeling.held[i]) continue;
      peeling.gone[i] = again = true;
      bytes += bytes_of(i);
      ++*objects;
    }
  }
  return bytes;
}

/* Each slot lets go what it should, and the first lets most go. */
static void compare_breaks(uint32_t leader, const lens_cycle_break *breaks, uint64_t count,
                           const struct count *counted) {
  uint64_t best = 0, objects = 0;
  for (uint32_t type = 0; type < 2; type++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      if (counted->of_slot[type][slot] == 0) continue;
      uint64_t bytes = naive_goes(leader, type, slot, &objects);
      if (bytes > best) best = bytes;
    }
  }
  assert_int_equal(breaks[0].bytes, best);
  for (uint64_t i = 0; i < count; i++) {
    uint32_t holder = node_of(breaks[i].holder);
    assert_int_equal(breaks[i].bytes, naive_goes(leader, types[holder], breaks[i].slot, &objects));
    assert_int_equal(breaks[i].object_count, objects);
    assert_int_equal(breaks[i].owner, 0); /* the program holds each node as well */
  }
}

/* The reference that is shown of a slot is one of it, and on the ring where the ring has one. */
static void compare_shown(const lens_cycle_slot *slots, uint64_t count, uint64_t ring,
                          const lens_cycle_break *row) {
  bool found = false;
  uint64_t on_ring = 0;
  for (uint64_t i = 0; i < count; i++) {
    bool of_it = slots[i].ref.slot == row->slot &&
                 types[node_of(slots[i].holder)] == types[node_of(row->holder)];
    if (!of_it) continue;
    on_ring += i < ring;
    bool shown = slots[i].holder == row->holder && slots[i].target == row->target;
    found |= shown && (i < ring || on_ring == 0);
  }
  assert_true(found);
  assert_int_equal(row->on_ring, on_ring);
}

static void compare_slots(uint32_t leader, const lens_cycle_opened *opened) {
  struct count count = {.leader = leader};
  each_edge(count_edge, &count);
  assert_int_equal(opened->slot_count, count.within);
  assert_int_equal(opened->ring_count, shortest_ring(leader));
  lens_cycle_slot slots[ROWS];
  lens_cycle_break breaks[ROWS];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_cycle_slots(self, ROWS, slots, &written, &total), LENS_OK);
  assert_int_equal(written, count.within);
  for (uint64_t i = 0; i < written; i++) {
    struct node *holder = nodes[node_of(slots[i].holder)];
    bool found = false;
    for (uint32_t at = 0; place(holder, slots[i].ref.slot, at) != NULL; at++) {
      found |= address_of(place(holder, slots[i].ref.slot, at)) == slots[i].ref.slot_address;
    }
    assert_true(found);
    cairn_object *target = *(cairn_object **)(uintptr_t)slots[i].ref.slot_address;
    assert_int_equal(slots[i].target, rows[number_of(target)]);
    assert_int_equal(slots[i].ref.kind, LENS_REF_STRONG);
    for (uint64_t k = 0; k < i; k++)
      assert_true(slots[k].ref.slot_address != slots[i].ref.slot_address);
    if (i == 0) assert_int_equal(slots[i].holder, rows[leader]);
    if (i < opened->ring_count)
      assert_int_equal(slots[i].target, slots[(i + 1) % opened->ring_count].holder);
  }
  assert_int_equal(lens_cycle_breaks(self, ROWS, breaks, &written, &total), LENS_OK);
  compare_breaks(leader, breaks, written, &count);
  for (uint64_t i = 0; i < written; i++) {
    compare_shown(slots, count.within, opened->ring_count, &breaks[i]);
    uint32_t holder = node_of(breaks[i].holder);
    uint64_t *of_slot = &count.of_slot[types[holder]][breaks[i].slot];
    assert_int_equal(breaks[i].slot_count, *of_slot);
    assert_int_equal(breaks[i].tried, 1);
    if (i > 0) assert_true(breaks[i].bytes <= breaks[i - 1].bytes);
    *of_slot = 0;
  }
  for (uint32_t i = 0; i < 2 * SLOTS; i++) assert_int_equal(count.of_slot[i / SLOTS][i % SLOTS], 0);
}

/* Lets go of all that leaves the cycle or enters it, of one slot, and of the program's own
 * references: what the runtime frees is what the lens said. */
static void let_go(uint32_t leader, const lens_cycle_break *weak) {
  uint32_t type = types[node_of(weak->holder)];
  bool member[NODES_MAX];
  for (uint32_t i = 0; i < node_count; i++) member[i] = together(i, leader);
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        cairn_object **reference = place(nodes[i], slot, at);
        if (*reference == NULL) continue;
        bool within = member[i] && member[number_of(*reference)];
        if (!within || (types[i] == type && slot == weak->slot)) cairn_assign(reference, NULL);
      }
    }
  }
  uint64_t bytes = 0, count = 0, sizes[NODES_MAX];
  for (uint32_t i = 0; i < node_count; i++)
    sizes[i] = cairn_object_size(&nodes[i]->base) + cairn_buffer_size(nodes[i]->items) + 8;
  for (uint32_t i = 0; i < node_count; i++) cairn_release(&nodes[i]->base);
  for (uint32_t i = 0; i < node_count; i++) {
    if (!member[i] || !freed[i]) continue;
    count++;
    bytes += sizes[i];
  }
  assert_int_equal(count, weak->object_count);
  assert_int_equal(bytes, weak->bytes);
}

/* ---- cycles that are alike ---- */

struct links {
  uint32_t leader;
  uint64_t found; /* a bit for each holder's type, slot and target's type */
};

static void add_link(uint32_t holder, uint32_t slot, uint32_t target, void *context) {
  struct links *links = context;
  if (!together(holder, links->leader) || !together(target, links->leader)) return;
  links->found |= 1ull << ((types[holder] * SLOTS + slot) * 2 + types[target]);
}

/* What two cycles must have in common to be alike. */
static uint64_t kind_of(uint32_t leader) {
  struct links links = {.leader = leader};
  each_edge(add_link, &links);
  struct count count = {.leader = leader};
  each_edge(count_edge, &count);
  uint64_t owned = 0;
  for (uint32_t i = 0; i < node_count; i++)
    owned += together(i, leader) ? cairn_refcount(&nodes[i]->base) : 0;
  bool garbage = !is_live(leader);
  return links.found << 2 | (uint64_t)garbage << 1 | (garbage && owned > count.within);
}

/* Which slots part all cycles of a group: without their links no type leads back to itself. */
static void compare_parted(uint32_t group, const lens_cycle_link *links, uint64_t count) {
  enum { TYPES_MAX = 64 };
  for (uint64_t without = 0; without < count; without++) {
    static bool leads[TYPES_MAX][TYPES_MAX];
    const lens_cycle_link *slot = &links[without];
    memset(leads, 0, sizeof leads);
    for (uint64_t i = 0; i < count; i++) {
      assert_true(links[i].type < TYPES_MAX && links[i].target < TYPES_MAX);
      bool same =
          links[i].type == slot->type && links[i].slot == slot->slot && links[i].part == slot->part;
      if (!same) leads[links[i].type][links[i].target] = true;
    }
    bool ring = false;
    for (uint32_t over = 0; over < TYPES_MAX; over++) {
      for (uint32_t from = 0; from < TYPES_MAX; from++) {
        for (uint32_t to = 0; to < TYPES_MAX; to++)
          leads[from][to] = leads[from][to] || (leads[from][over] && leads[over][to]);
      }
    }
    for (uint32_t type = 0; type < TYPES_MAX; type++) ring = ring || leads[type][type];
    uint32_t parted = 2;
    assert_int_equal(
        lens_cycle_group_parted(self, group, slot->type, slot->slot, slot->part, &parted), LENS_OK);
    assert_int_equal(parted, !ring);
    partings[parted]++;
  }
}

/* How many groups have several cycles. */
static uint64_t compare_groups(uint32_t wanted) {
  static lens_cycle found[ROWS], members[ROWS];
  lens_cycle_group groups[ROWS];
  lens_cycle_link links[ROWS];
  uint64_t count = 0, total = 0, written = 0, several = 0, grouped = 0;
  assert_int_equal(lens_cycles_group(self, wanted, 0, NULL), LENS_OK);
  assert_int_equal(lens_cycles_select(self, wanted, ROWS, found, &count, &total), LENS_OK);
  for (uint64_t i = 0; i < count; i++) {
    uint32_t group = LENS_NONE, other = LENS_NONE, cycle = LENS_NONE;
    assert_int_equal(lens_cycle_group_of(self, found[i].cycle, &group), LENS_OK);
    assert_int_equal(lens_cycle_of(self, found[i].first, &cycle), LENS_OK);
    assert_int_equal(cycle, found[i].cycle);
    for (uint64_t k = 0; k < i; k++) {
      assert_int_equal(lens_cycle_group_of(self, found[k].cycle, &other), LENS_OK);
      bool alike = kind_of(node_of(found[i].first)) == kind_of(node_of(found[k].first));
      assert_int_equal(group == other, alike);
    }
  }
  assert_int_equal(lens_cycle_groups(self, ROWS, groups, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    uint64_t cycles = 0, objects = 0, bytes = 0, link_count = 0, least = UINT64_MAX, most = 0;
    assert_int_equal(lens_cycle_group_cycles(self, groups[i].group, ROWS, members, &cycles, &total),
                     LENS_OK);
    assert_int_equal(cycles, groups[i].cycle_count);
    for (uint64_t k = 0; k < cycles; k++) {
      objects += members[k].object_count;
      bytes += members[k].bytes;
      least = members[k].object_count < least ? members[k].object_count : least;
      most = members[k].object_count > most ? members[k].object_count : most;
    }
    assert_int_equal(objects, groups[i].object_count);
    assert_int_equal(bytes, groups[i].bytes);
    assert_int_equal(least, groups[i].objects_least);
    assert_int_equal(most, groups[i].objects_most);
    assert_int_equal(members[0].cycle, groups[i].cycle);
    if (i > 0) assert_true(groups[i].bytes <= groups[i - 1].bytes);
    uint64_t kind = kind_of(node_of(members[0].first));
    assert_int_equal(groups[i].garbage * 2 + groups[i].held, kind & 3);
    assert_int_equal(
        lens_cycle_group_links(self, groups[i].group, ROWS, links, &link_count, &total), LENS_OK);
    assert_int_equal(link_count, (uint64_t)__builtin_popcountll(kind >> 2));
    compare_parted(groups[i].group, links, link_count);
    several += cycles > 1;
    grouped += cycles;
  }
  assert_int_equal(grouped, count);
  return several;
}

/* Opens each cycle, in slices; lets go of a slot of the last one.  True: all nodes are released. */
static bool compare_each(void) {
  lens_cycle found[ROWS];
  uint64_t count = 0, total = 0, written = 0;
  assert_int_equal(lens_cycles_select(self, 3, ROWS, found, &count, &total), LENS_OK);
  uint32_t leader = 0;
  for (uint64_t i = 0; i < count; i++) {
    lens_cycle_opened opened;
    assert_int_equal(lens_cycle_open(self, found[i].cycle, 0, NULL), LENS_OK);
    assert_int_equal(lens_cycle_opened_get(self, &opened), LENS_OK);
    leader = node_of(found[i].first);
    compare_slots(leader, &opened);
    uint64_t outside = 0;
    for (uint32_t k = 0; k < node_count; k++)
      outside += together(k, leader) ? cairn_refcount(&nodes[k]->base) : 0;
    assert_int_equal(opened.outside_refs, outside - opened.slot_count);
  }
  if (count == 0) return false;
  lens_cycle_break breaks[ROWS];
  assert_int_equal(lens_cycle_breaks(self, ROWS, breaks, &written, &total), LENS_OK);
  let_go(leader, &breaks[random_below(&seed, written)]);
  return true;
}

static void as_the_program_knows(void **state) {
  (void)state;
  print_message("seed %" PRIu64 "\n", seed);
  uint64_t cyclic = 0, several = 0;
  for (uint32_t i = 0; i < HEAPS; i++) {
    make_heap();
    work_out_reach();
    find_cycles();
    compare_cycles();
    several += compare_groups(LENS_CYCLES_GARBAGE);
    several += compare_groups(LENS_CYCLES_GARBAGE | LENS_CYCLES_LIVE);
    bool released = compare_each();
    cyclic += released;
    for (uint32_t k = 0; k < node_count && !released; k++) cairn_release(&nodes[k]->base);
    cairn_collect(heap);
    assert_true(cairn_heap_destroy(heap, NULL));
  }
  assert_true(cyclic > HEAPS / 4);
  assert_true(several > HEAPS / 20);
  assert_true(partings[0] > HEAPS / 20 && partings[1] > HEAPS / 20);
}

int main(void) {
  const char *text = getenv("CAIRN_CYCLES_SEED");
  if (text != NULL) seed = strtoull(text, NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_program_knows)};
  return cmocka_run_group_tests_name("cycles", tests, lens_begin, lens_end);
}

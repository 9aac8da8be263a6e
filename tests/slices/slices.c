/* How much the lens does between two looks at the clock, counted and not timed: the library is
 * compiled so that each basic block counts itself, and lens_slice_over starts the count anew.  A
 * pass that goes over all objects, edges, roots or cycles without a look at the clock shows here on
 * a heap of some hundred thousand of each, on any machine, however fast it is.
 *
 * What this is not: a measure of time.  bench/lens has the longest slices of ten million objects.
 */
#include <stdlib.h>

#include "../random.h"
#include "analysis.h"
#include "cairn/cairn.h"
#include "memory/slice.h"
#include "self.h"

/* MOST_BLOCKS: fewer than there are objects, or edges of the hub twice, in less than 50 ms at the
 * slowest. */
enum { NODES = 600000, PAIRS = 150000, LOST = 150000, ROOTS = NODES, MOST_BLOCKS = 1000000 };

static uint64_t blocks, most_blocks;
static const char *phase, *most_phase;

/* Called by the compiler's instrumentation at each basic block of the library. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) { blocks++; }

static void settle(void) {
  if (blocks > most_blocks) {
    most_blocks = blocks;
    most_phase = phase;
  }
  blocks = 0;
}

bool __real_lens_slice_over(const lens_slice *slice);
bool __wrap_lens_slice_over(const lens_slice *slice);
bool __wrap_lens_slice_over(const lens_slice *slice) {
  settle();
  bool over = __real_lens_slice_over(slice);
  blocks = 0;
  return over;
}

/* ---- the heap ---- */

struct node {
  cairn_object base;
  cairn_object *next, *other, *hub;
};

static cairn_heap *heap;
static struct node **nodes;
static cairn_object *hub, *list;
static cairn_type node_type;
static uint64_t random_state = 88172645463325252u;

static struct node *node_new(cairn_type type) {
  struct node *node = (struct node *)cairn_object_new(heap, type);
  assert_non_null(node);
  return node;
}

/* A ring in any order, each node of which holds any other one and the hub, and a list holds all;
 * pairs that hold each other and objects that nothing holds: garbage in many parts. */
static void make_heap(void) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, next),
                                          CAIRN_STRONG(struct node, other),
                                          CAIRN_STRONG(struct node, hub)};
  const cairn_type_spec spec = {
      .name = "node", .size_bytes = sizeof(struct node), .slots = slots, .slot_count = 3};
  const cairn_heap_options options = {.name = "slices", .manual_collection = true};
  heap = cairn_heap_new(&options);
  assert_non_null(heap);
  node_type = cairn_type_define(heap, &spec);
  nodes = malloc(NODES * sizeof *nodes);
  assert_non_null(nodes);
  hub = cairn_str_new(heap, "hub", 3);
  list = cairn_list_new(heap, 0);
  for (uint64_t i = 0; i < NODES; i++) nodes[i] = node_new(node_type);
  for (uint64_t i = NODES; i > 1; i--) {
    uint64_t k = random_below(&random_state, i);
    struct node *node = nodes[i - 1];
    nodes[i - 1] = nodes[k];
    nodes[k] = node;
  }
  for (uint64_t i = 0; i < NODES; i++) {
    cairn_assign(&nodes[i]->next, &nodes[(i + 1) % NODES]->base);
    cairn_assign(&nodes[i]->other, &nodes[random_below(&random_state, NODES)]->base);
    cairn_assign(&nodes[i]->hub, hub);
    assert_true(cairn_list_append(list, &nodes[i]->base));
    cairn_release(&nodes[i]->base);
  }
  for (uint64_t i = 0; i < PAIRS; i++) {
    struct node *first = node_new(node_type), *second = node_new(node_type);
    cairn_assign(&first->next, &second->base);
    cairn_assign(&second->next, &first->base);
    cairn_release(&first->base);
    cairn_release(&second->base);
  }
  for (uint64_t i = 0; i < LOST; i++) (void)node_new(node_type);
}

/* ---- the events ---- */

#define PLACE(n)                                                                     \
  __attribute__((noinline)) static void place_##n(cairn_object *object, bool take) { \
    if (take) (void)cairn_retain(object);                                            \
    if (!take) cairn_release(object);                                                \
    __asm__ volatile("" : : "r"(object));                                            \
  }
#define PLACE_ROW(n) place_##n,
#define PLACES(P) \
  P(0) P(1) P(2) P(3) P(4) P(5) P(6) P(7) P(8) P(9) P(10) P(11) P(12) P(13) P(14) P(15)
PLACES(PLACE)
static void (*const places[])(cairn_object *, bool) = {PLACES(PLACE_ROW)};
enum { PLACE_COUNT = sizeof places / sizeof places[0] };

enum { EVENTS = 1 << 20, OBJECTS = 1500, DEEDS_EACH = 120, DEEDS_OF_ONE = 70000 };

static cairn_heap *tracked;
static cairn_object *busy;

/* Takes and gives back by lot. */
static void take_and_give(cairn_object *object, int deeds) {
  int taken = 0;
  for (int i = 0; i < deeds; i++) {
    bool take = taken == 0 || random_below(&random_state, 2) == 0;
    places[random_below(&random_state, PLACE_COUNT)](object, take);
    taken += take ? 1 : -1;
  }
}

/* A ring full of events: objects that were taken at many places, as no other was, one of them very
 * often; all are suspects, as nothing holds them. */
static void make_events(void) {
  const cairn_heap_options options = {.name = "tracked", .manual_collection = true};
  tracked = cairn_heap_new(&options);
  assert_non_null(tracked);
  const cairn_track_options track = {.events = EVENTS};
  assert_true(cairn_track_start(tracked, &track));
  for (int i = 0; i < OBJECTS; i++) {
    cairn_object *object = cairn_list_new(tracked, 0);
    assert_non_null(object);
    take_and_give(object, i == 0 ? DEEDS_OF_ONE : DEEDS_EACH);
    if (i == 0) busy = object;
  }
}

/* ---- the questions ---- */

static lens *self;

#define RUN(call)                                                  \
  do {                                                             \
    lens_status status_ = LENS_AGAIN;                              \
    phase = #call;                                                 \
    blocks = 0;                                                    \
    while (status_ == LENS_AGAIN) {                                \
      status_ = (call);                                            \
      settle();                                                    \
    }                                                              \
    if (status_ != LENS_OK) print_error("%s\n", lens_error(self)); \
    assert_int_equal(status_, LENS_OK);                            \
  } while (0)

/* What a question did at most, checked and named. */
static void check_most(void) {
  print_message("at most %" PRIu64 " blocks between two looks at the clock: %s\n", most_blocks,
                most_phase);
  assert_true(most_blocks > 0 && most_blocks < MOST_BLOCKS);
  most_blocks = 0;
}

static void add_root(uint64_t slot, const void *object) {
  lens_root root = {.slot_address = slot, .value = address_of(object), .kind = LENS_ROOT_GLOBAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

/* Many roots, each its own object. */
static void add_roots(void) {
  for (uint64_t i = 0; i < ROOTS; i++) add_root(8 * (i + 1), nodes[i]);
  add_root(8 * (ROOTS + 1), list);
}

static uint32_t row_of(const void *object) {
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(object), &row), LENS_OK);
  return row;
}

/* An answer that takes no slice, with all its rows. */
#define ALL(type, call)                       \
  do {                                        \
    enum { MOST = 2 * NODES };                \
    type *rows = malloc(MOST * sizeof *rows); \
    uint64_t capacity = MOST, written, total; \
    assert_non_null(rows);                    \
    RUN(call);                                \
    check_most();                             \
    assert_true(written > 0);                 \
    free(rows);                               \
  } while (0)

static void walk_and_index(void **state) {
  (void)state;
  RUN(lens_walk(self, 1, NULL));
  check_most();
  RUN(lens_index(self, 1, NULL));
  check_most();
  RUN(lens_weights(self, 1, NULL));
  check_most();
  const lens_filter filter = {.refcount_max = UINT64_MAX,
                              .size_max = UINT64_MAX,
                              .heap = LENS_NONE,
                              .sort = LENS_SORT_REFCOUNT};
  ALL(lens_object, lens_select(self, &filter, capacity, rows, &written, &total));
  ALL(lens_type_census, lens_census(self, capacity, rows, &written, &total));
  ALL(lens_count_census, lens_refcounts(self, capacity, rows, &written, &total));
}

static void graph(void **state) {
  (void)state;
  add_roots();
  RUN(lens_components(self, 1, NULL));
  check_most();
  RUN(lens_cycles(self, 1, NULL));
  check_most();
  ALL(lens_cycle, lens_cycles_select(self, 3, capacity, rows, &written, &total));
  RUN(lens_retained(self, 1, NULL));
  check_most();
  ALL(lens_retained_root, lens_retained_roots(self, capacity, rows, &written, &total));
  ALL(uint32_t, lens_retained_under(self, LENS_NONE, capacity, rows, &written, &total));
  RUN(lens_retained_types(self, 1, NULL));
  check_most();
}

/* Each finding is found again by its address, at once: none is looked for from the first on. */
static void find_each(void) {
  uint64_t capacity = 2 * NODES, written = 0, total = 0;
  lens_finding *rows = malloc(capacity * sizeof *rows), found;
  assert_non_null(rows);
  assert_int_equal(lens_findings(self, capacity, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  assert_true(written >= LOST);
  blocks = 0;
  for (uint64_t i = 0; i < written; i++) {
    assert_int_equal(lens_finding_at(self, rows[i].address, &found), LENS_OK);
    assert_memory_equal(&found, &rows[i], sizeof found);
  }
  assert_true(blocks > written && blocks < 400 * written);
  for (uint64_t i = 0; i < written; i += 1000)
    assert_int_equal(lens_finding_at(self, rows[i].address + 1, &found), LENS_NOT_FOUND);
  blocks = 0;
  free(rows);
}

static void accounts(void **state) {
  (void)state;
  const lens_audit_filter filter = {.type_glob = NULL};
  RUN(lens_account_all(self, 1, NULL));
  check_most();
  RUN(lens_audit(self, &filter, 1, NULL));
  check_most();
  ALL(lens_finding, lens_findings(self, capacity, rows, &written, &total));
  find_each();
}

/* After an audit; of the many histories learning takes as much as it ever does. */
static void pairing(void **state) {
  (void)state;
  lens_pairing found;
  lens_track track;
  assert_int_equal(lens_track_at(self, address_of(busy), &track), LENS_OK);
  RUN(lens_pairs_read(self, 1, NULL));
  check_most();
  RUN(lens_pairs_learn(self, 1, NULL));
  check_most();
  RUN(lens_pairing_of(self, track.heap, track.serial, 1, NULL, &found));
  check_most();
  assert_true(found.cut && found.unmatched_count > 0);
  RUN(lens_blame(self, 1, NULL));
  check_most();
}

/* The program's memory has changed. */
static void look_again(void) {
  lens_refresh(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
}

/* A function of the runtime that holds each node, in a list of its own. */
static void holding(void **state) {
  (void)state;
  const struct lens_contract *contract = self->model.contracts[0];
  const struct lens_layout_holding *layout = &contract->holding;
  unsigned char *at = (unsigned char *)heap + contract->heap.holdings.offset, bytes[64] = {0};
  uint64_t words = address_of(nodes), count = NODES, own = address_of(bytes), none = 0;
  assert_true(layout->extent <= sizeof bytes);
  memcpy(bytes + layout->words.offset, &words, layout->words.width);
  memcpy(bytes + layout->count.offset, &count, layout->count.width);
  memcpy(at, &own, sizeof own);
  look_again();
  RUN(lens_walk(self, 1, NULL));
  check_most();
  RUN(lens_account_all(self, 1, NULL));
  check_most();
  lens_accounts accounts;
  uint64_t held = 0;
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  for (uint64_t i = 0; i < accounts.object_count; i++) held += accounts.runtime_refs[i];
  assert_true(held >= NODES);
  RUN(lens_reach(self, NULL, 0, LENS_REACH_RUNTIME, 1, NULL));
  check_most();
  RUN(lens_retained(self, 1, NULL));
  check_most();
  RUN(lens_paths(self, row_of(hub), 3, 0, 1, NULL));
  check_most();
  memcpy(at, &none, sizeof none);
  look_again();
}

static void why(void **state) {
  (void)state;
  RUN(lens_reach(self, NULL, 0, LENS_REACH_ROOTS | LENS_REACH_RUNTIME, 1, NULL));
  check_most();
  RUN(lens_collect(self, LENS_NONE, 0, 1, NULL));
  check_most();
  RUN(lens_collect(self, LENS_NONE, 1, 1, NULL));
  check_most();
  uint32_t which = LENS_COLLECT_KEPT_MEMBERS | LENS_COLLECT_FREED;
  ALL(lens_collect_row, lens_collect_rows(self, which, NULL, capacity, rows, &written, &total));
  RUN(lens_leaks(self, 1, NULL));
  check_most();
  ALL(lens_leak, lens_leaks_select(self, NULL, capacity, rows, &written, &total));
  ALL(lens_leak_census, lens_leaks_census(self, capacity, rows, &written, &total));
  RUN(lens_paths(self, row_of(hub), 1000, 0, 1, NULL));
  check_most();
  RUN(lens_paths(self, row_of(nodes[NODES - 1]), 3, 1, 1, NULL));
  check_most();
}

static void all_garbage(void **state) {
  (void)state;
  lens_roots_clear(self);
  RUN(lens_leaks(self, 1, NULL));
  check_most();
  RUN(lens_retained(self, 1, NULL));
  check_most();
}

static void check(void **state) {
  (void)state;
  lens_check_totals totals;
  RUN(lens_check(self, 1, NULL));
  check_most();
  assert_int_equal(lens_check_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.problems, 0);
}

/* Audits, and asks for the worst; what was freed and is held. */
static uint64_t freed_and_held(void) {
  const lens_audit_filter filter = {.type_glob = NULL};
  lens_audit_totals totals;
  static lens_finding rows[20];
  uint64_t written, total;
  RUN(lens_index(self, 1, NULL));
  check_most();
  RUN(lens_audit(self, &filter, 1, NULL));
  check_most();
  RUN(lens_findings(self, 20, rows, &written, &total));
  check_most();
  assert_int_equal(lens_audit_totals_get(self, &totals), LENS_OK);
  return totals.freed;
}

/* As many slots as there are nodes lead to what was freed: each to a place of its own, and all to
 * one. */
static void freed(void **state) {
  (void)state;
  cairn_object **others = malloc(NODES * sizeof *others);
  assert_non_null(others);
  struct node **gone = malloc(NODES * sizeof *gone);
  assert_non_null(gone);
  for (uint64_t i = 0; i < NODES; i++) gone[i] = node_new(node_type);
  for (uint64_t i = 0; i < NODES; i++) cairn_release(&gone[i]->base);
  for (uint64_t i = 0; i < NODES; i++) {
    others[i] = nodes[i]->other;
    nodes[i]->other = &gone[NODES - 1 - i]->base;
  }
  look_again();
  assert_int_equal(freed_and_held(), NODES);
  find_each();
  for (uint64_t i = 0; i < NODES; i++) nodes[i]->other = &gone[0]->base;
  look_again();
  assert_int_equal(freed_and_held(), 1);
  for (uint64_t i = 0; i < NODES; i++) nodes[i]->other = others[i];
  look_again();
  free((void *)gone);
  free((void *)others);
}

/* The heap's list of all nodes moves to another buffer. */
static void moving(void **state) {
  (void)state;
  const struct lens_contract *contract = self->model.contracts[0];
  unsigned char *bytes = (unsigned char *)heap;
  uint32_t flux = (uint32_t)contract->fluxes[LENS_FLUX_RESIZE], none = 0;
  uint64_t nothing = 0, moves = address_of(list);
  uint32_t flux_at = contract->heap.flux.offset, object_at = contract->heap.flux_object.offset;
  assert_int_equal(contract->heap.flux.width, sizeof flux);
  memcpy(bytes + flux_at, &flux, sizeof flux);
  memcpy(bytes + object_at, &moves, sizeof moves);
  look_again();
  const lens_audit_filter filter = {.type_glob = NULL};
  RUN(lens_index(self, 1, NULL));
  check_most();
  RUN(lens_audit(self, &filter, 1, NULL));
  check_most();
  assert_non_null(self->analysis->audit.in_flux);
  memcpy(bytes + flux_at, &none, sizeof none);
  memcpy(bytes + object_at, &nothing, sizeof nothing);
  look_again();
}

static void moments(void **state) {
  (void)state;
  lens_moment *first = NULL, *second = NULL;
  lens_diff *diff = NULL;
  RUN(lens_moment_take(self, 1, NULL, &first));
  check_most();
  RUN(lens_moment_take(self, 1, NULL, &second));
  check_most();
  assert_int_equal(lens_diff_new(first, second, NULL, 20, &diff), LENS_OK);
  RUN(lens_diff_step(diff, 1, NULL));
  check_most();
  lens_diff_free(diff);
  lens_moment_free(first);
  lens_moment_free(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walk_and_index), cmocka_unit_test(graph),   cmocka_unit_test(accounts),
      cmocka_unit_test(pairing),        cmocka_unit_test(why),     cmocka_unit_test(all_garbage),
      cmocka_unit_test(moments),        cmocka_unit_test(check),   cmocka_unit_test(freed),
      cmocka_unit_test(moving),         cmocka_unit_test(holding),
  };
  make_heap();
  make_events();
  self = self_lens();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  lens_free(self);
  cairn_heap_destroy(heap, NULL);
  cairn_heap_destroy(tracked, NULL);
  free(nodes);
  return failed;
}

/* Random garbage in the middle of being freed: no count of garbage is called wrong for certain, and
 * each that is wrong is found; for certain, but in a core, which lacks the collector's bytes, only
 * where all that garbage let go of could not explain it.
 *
 *   unit_chain_let_go [SEEDS [FIRST]]
 *
 * Small objects with a finalizer hang on the garbage; in each of these the lens reads the process.
 * The expected numbers come from what the test drew and from headers.
 */
#include <stdlib.h>

#include "../../random.h"
#include "../runtime/nodes.h"
#include "self.h"

enum { OBJECTS = 30, SLOTS = 3, ITEMS = 5, ROOMS = 4 };

/* Types of several sizes: their pages are let go of one after the other. */
enum kind { SMALL, MIDDLE, LARGE, LIST, DICT, KINDS };

struct holder {
  cairn_object base;
  cairn_object *slots[SLOTS];
};

struct drawn {
  cairn_object *object; /* its memory stays mapped and its header true until all is let go */
  enum kind kind;
  uint32_t edges[ITEMS], edge_count;
  uint32_t roots, borrowed, extra;
  bool alive; /* not garbage */
};

static struct drawn drawn[OBJECTS];
static uint32_t count;
static cairn_object *roots[OBJECTS][ROOMS];
static cairn_heap *heap;
static bool collecting, core;
static cairn_type types[LIST], mourned;
static uint64_t state, looks, certain, in_doubt, waited;

static uint64_t below(uint64_t bound) { return random_below(&state, bound); }

/* ---- what is expected ---- */

static bool is_live(const struct drawn *one) { return has_state(one->object, CAIRN_STATE(LIVE)); }

static bool has_let_go(const struct drawn *one) {
  return !one->alive && has_state(one->object, CAIRN_STATE(DYING)) &&
         (one->object->header & CAIRN_COUNT_MASK) == CAIRN_COUNT_MASK;
}

/* Words that the garbage let go of and that nobody sees any more. */
static uint64_t hidden(void) {
  uint64_t words = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!has_let_go(&drawn[i])) continue;
    if (drawn[i].kind == DICT) return UINT64_MAX;
    if (drawn[i].kind == LIST) words += drawn[i].edge_count;
  }
  return words;
}

static void expect(lens *self, const struct drawn *one, uint64_t unseen) {
  lens_finding found;
  lens_status status = lens_finding_at(self, address_of(one->object), &found);
  if (!one->alive) {
    if (status != LENS_OK) return;
    assert_int_equal(found.verdict, LENS_OVER_RETAINED);
    assert_int_equal(found.doubts, LENS_DOUBT_FLUX);
    waited++;
    return;
  }
  if (one->extra <= one->borrowed) {
    assert_int_equal(status, LENS_NOT_FOUND);
    return;
  }
  assert_int_equal(status, LENS_OK);
  assert_int_equal(found.surplus, one->extra - one->borrowed);
  bool may_wait = core && one->extra + (uint64_t)one->roots <= unseen;
  assert_int_equal(found.doubts, may_wait ? LENS_DOUBT_FLUX : 0);
  certain += !may_wait;
  in_doubt += may_wait;
}

/* ---- the lens ---- */

/* Not the collector's memory in a core. */
static lens_status read_some(void *context, uint64_t address, uint64_t bytes, void *out,
                             uint64_t *read_bytes) {
  for (struct cairn_arena *arena = heap->arenas; core && arena != NULL; arena = arena->next) {
    uint64_t side = address_of(arena->side);
    if (address >= side + arena->side_bytes || address + bytes <= side) continue;
    bytes = address < side ? side - address : 0;
  }
  *read_bytes = 0;
  return bytes == 0 ? LENS_OK : self_read(context, address, bytes, out, read_bytes);
}

static void add_roots(lens *self, uint32_t i) {
  for (uint32_t k = 0; k < drawn[i].roots + drawn[i].borrowed; k++) {
    roots[i][k] = drawn[i].object;
    const lens_root root = {.slot_address = address_of(&roots[i][k]),
                            .value = address_of(roots[i][k]),
                            .kind = LENS_ROOT_GLOBAL};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
}

static void look(cairn_object *object) {
  (void)object;
  if (!collecting) return;
  looks++;
  const lens_reader reader = {.read = read_some};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  self_regions_add(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < count; i++) add_roots(self, i);
  const lens_audit_filter filter = {0};
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  uint64_t unseen = hidden();
  for (uint32_t i = 0; i < count; i++) {
    if (is_live(&drawn[i])) expect(self, &drawn[i], unseen);
  }
  lens_free(self);
}

/* ---- drawing ---- */

static void define_types(void) {
  static const char *const names[] = {"small", "middle", "large"};
  static const cairn_slot_spec slots[] = {
      {.name = "first", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct holder, slots[0])},
      {.name = "second", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct holder, slots[1])},
      {.name = "third", .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct holder, slots[2])}};
  for (size_t i = 0; i < LIST; i++) {
    const cairn_type_spec spec = {.name = names[i],
                                  .size_bytes = sizeof(struct holder) + 64 * i,
                                  .slots = slots,
                                  .slot_count = SLOTS};
    types[i] = cairn_type_define(heap, &spec);
  }
  const cairn_type_spec spec = {
      .name = "mourned", .size_bytes = sizeof(cairn_object) + 8, .finalize = look};
  mourned = cairn_type_define(heap, &spec);
}

static cairn_object *made(enum kind kind) {
  cairn_object *object = kind == LIST   ? cairn_list_new(heap, 0)
                         : kind == DICT ? cairn_dict_new(heap)
                                        : cairn_object_new(heap, types[kind]);
  assert_non_null(object);
  return object;
}

/* Makes the object hold another, where it has room. */
static bool hold(struct drawn *one, cairn_object *held) {
  uint32_t at = one->edge_count;
  if (at == (one->kind < LIST ? (uint32_t)SLOTS : (uint32_t)ITEMS)) return false;
  if (one->kind == LIST) {
    assert_true(cairn_list_append(one->object, held));
  } else if (one->kind == DICT) {
    assert_true(cairn_dict_set_int(one->object, at, held));
  } else {
    cairn_assign(&((struct holder *)(void *)one->object)->slots[at], held);
  }
  one->edges[one->edge_count++] = OBJECTS;
  return true;
}

static void link_to(uint32_t from, uint32_t to) {
  if (hold(&drawn[from], drawn[to].object)) drawn[from].edges[drawn[from].edge_count - 1] = to;
}

/* Rings, so that nothing dies before it is collected, and some edges between them. */
static void draw_edges(void) {
  for (uint32_t i = 0, end; i < count; i = end) {
    end = i + 1 + (uint32_t)below(8);
    if (end > count) end = count;
    for (uint32_t k = i; k < end; k++) link_to(k, k + 1 < end ? k + 1 : i);
  }
  uint64_t edges = below(2 * (uint64_t)count), mourners = 1 + below(6);
  for (uint64_t i = 0; i < edges; i++) link_to((uint32_t)below(count), (uint32_t)below(count));
  for (uint64_t i = 0; i < mourners; i++) {
    cairn_object *leaf = cairn_object_new(heap, mourned);
    (void)hold(&drawn[below(count)], leaf);
    cairn_release(leaf);
  }
}

static void live(uint32_t i) {
  if (i == OBJECTS || drawn[i].alive) return;
  drawn[i].alive = true;
  for (uint32_t k = 0; k < drawn[i].edge_count; k++) live(drawn[i].edges[k]);
}

static void draw(uint64_t seed) {
  state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int i = 0; i < 8; i++) (void)below(2);
  memset(drawn, 0, sizeof drawn);
  count = 2 + (uint32_t)below(OBJECTS - 1);
  core = below(4) != 0;
  bool lists = below(2) == 0, dicts = lists && below(3) == 0;
  for (uint32_t i = 0; i < count; i++) {
    drawn[i].kind = (enum kind)below(dicts ? KINDS : lists ? DICT : LIST);
    drawn[i].object = made(drawn[i].kind);
  }
  draw_edges();
  uint64_t odds = 3 + below(20);
  for (uint32_t i = 0; i < count; i++) {
    struct drawn *one = &drawn[i];
    if (below(odds) == 0) one->roots = 1 + (uint32_t)below(2);
    if (below(odds) == 0) one->extra = 1 + (uint32_t)below(below(4) == 0 ? 20 : 2);
    if (below(2 * odds) == 0) one->borrowed = 1 + (uint32_t)below(2);
    for (uint32_t k = 0; k < one->roots + one->extra; k++) cairn_retain(one->object);
  }
  for (uint32_t i = 0; i < count; i++) {
    if (drawn[i].roots + drawn[i].extra != 0) live(i);
  }
}

static void run(uint64_t seed) {
  heap = cairn_heap_new(&(cairn_heap_options){.name = "let go", .manual_collection = true});
  assert_non_null(heap);
  define_types();
  draw(seed);
  for (uint32_t i = 0; i < count; i++) cairn_release(drawn[i].object); /* a ring holds it */
  collecting = true;
  cairn_collect(heap);
  collecting = false;
  cairn_heap_destroy(heap, NULL);
}

static uint64_t seeds = 2000, first = 1;

static void garbage_is_in_doubt_and_what_is_wrong_is_found(void **unused) {
  (void)unused;
  uint64_t seed = first;
  for (; seed < first + seeds; seed++) run(seed);
  print_message("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " looks, %" PRIu64 " certain, %" PRIu64
                " in doubt, %" PRIu64 " waited\n",
                first, seed - 1, looks, certain, in_doubt, waited);
  assert_true(looks > seeds / 4 && certain > seeds / 8 && in_doubt > seeds / 64 &&
              waited > seeds / 2);
}

int main(int arguments, char **words) {
  if (arguments > 1) seeds = strtoull(words[1], NULL, 10);
  if (arguments > 2) first = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(garbage_is_in_doubt_and_what_is_wrong_is_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The audit while the collector frees: what is wrong all the time is certain, garbage that waits
 * for its turn is in doubt, and nothing else is named.
 *
 * A wheel of garbage goes spoke by spoke while its hub waits, with a count that is too high by
 * then. What a spoke alone holds has a finalizer, in which the lens reads the whole process: by all
 * that the runtime tells; as from a core, which lacks the collector's bytes; and by a contract that
 * does not tell of them.
 */
#include "../runtime/nodes.h"
#include "model.h"
#include "self.h"

enum { SPOKES = 8 };

static struct nodes *current;
static cairn_type mourned;
static cairn_object *high_list, *high_float; /* each with a reference that nobody has */
static struct node *hub, *last_spoke;
static bool core;   /* the collector's memory can't be read */
static bool untold; /* the contract does not tell where it is */
static size_t look_count;

/* ---- reading without the collector's memory ---- */

static bool is_side(uint64_t start, uint64_t end) {
  for (struct cairn_arena *arena = current->heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t side = address_of(arena->side);
    if (start < side + arena->side_bytes && end > side) return true;
  }
  return false;
}

static lens_status core_read(void *context, uint64_t address, uint64_t bytes, void *out,
                             uint64_t *read_bytes) {
  uint64_t readable = bytes;
  while (readable > 0 && is_side(address, address + readable))
    readable = readable > 4096 ? readable - 4096 : 0;
  *read_bytes = 0;
  return readable == 0 ? LENS_OK : self_read(context, address, readable, out, read_bytes);
}

/* ---- looking ---- */

static void add_root(lens *self, cairn_object *const *slot) {
  uint32_t object;
  assert_int_equal(lens_snapshot_find(self, address_of(*slot), &object), LENS_OK);
  const lens_root root = {.slot_address = address_of(slot),
                          .value = address_of(*slot),
                          .object = object,
                          .kind = LENS_ROOT_GLOBAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

static lens *audited(void) {
  const lens_reader reader = {.read = core ? core_read : self_read};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  self_regions_add(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  if (untold) self->model.contracts[0]->side_place_bytes = 0;
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  add_root(self, &high_list);
  add_root(self, &high_float);
  const lens_audit_filter filter = {.type_glob = NULL};
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  return self;
}

static void assert_finding(lens *self, const void *object, int64_t surplus, uint32_t doubts) {
  lens_finding found;
  assert_int_equal(lens_finding_at(self, address_of(object), &found), LENS_OK);
  assert_int_equal(found.surplus, surplus);
  assert_int_equal(found.doubts, doubts);
}

static void look(cairn_object *object) {
  (void)object;
  look_count++;
  assert_int_equal(current->heap->flux, CAIRN_FLUX_RELEASE);
  lens *self = audited();
  assert_finding(self, high_float, 1, 0);
  /* No garbage let go of as many. */
  assert_finding(self, high_list, 1, 0);
  /* All spokes but the last have let go, which is about to. */
  assert_finding(self, hub, SPOKES - 1, LENS_DOUBT_FLUX);
  assert_finding(self, last_spoke, 1, LENS_DOUBT_FLUX);
  lens_audit_totals totals;
  assert_int_equal(lens_audit_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.findings, 4);
  assert_int_equal(totals.over, 2);
  assert_int_equal(totals.over_doubtful, 2);
  lens_free(self);
}

static void assert_two_certain(uint64_t dying) {
  lens *self = audited();
  lens_audit_totals totals;
  lens_walk_totals walked;
  assert_int_equal(lens_walk_totals_get(self, &walked), LENS_OK);
  assert_true(dying == 0 ? walked.dying == 0 : walked.dying >= dying);
  assert_int_equal(lens_audit_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.over, 2);
  assert_int_equal(totals.findings, 2);
  lens_free(self);
}

/* Before anything is let go all counts are exact, whatever finalizers run. */
static void look_before(struct node *node) {
  (void)node;
  look_count++;
  assert_int_equal(current->heap->flux, CAIRN_FLUX_RECLAIM);
  assert_two_certain(0);
}

/* A release lowers every count that it should. */
static void look_in_cascade(struct node *node) {
  (void)node;
  look_count++;
  assert_int_equal(current->heap->flux, CAIRN_FLUX_RELEASE);
  assert_two_certain(1);
}

/* ---- the garbage ---- */

static void make_wheel(cairn_type type) {
  struct node *spokes[SPOKES];
  for (int64_t i = 0; i < SPOKES; i++) spokes[i] = node_new(current, type, i);
  hub = node_new(current, current->plain, SPOKES);
  for (int i = 0; i < SPOKES; i++) {
    spokes[i]->left = cairn_retain(&hub->base);
    if (i + 1 < SPOKES) give(&spokes[i]->right, spokes[i + 1]);
  }
  spokes[SPOKES - 1]->right = cairn_object_new(current->heap, mourned);
  assert_non_null(spokes[SPOKES - 1]->right);
  give(&hub->left, spokes[0]);
  last_spoke = spokes[SPOKES - 1];
  cairn_release(&hub->base);
}

static void collect_under(void (*finalize)(struct node *)) {
  nodes_finalizer = finalize;
  look_count = 0;
  make_wheel(current->plain);
  assert_int_equal(cairn_collect(current->heap), SPOKES + 2);
  assert_int_equal(look_count, 1);
}

static int begin(void **state) {
  int status = nodes_setup(state);
  current = *state;
  const cairn_type_spec spec = {
      .name = "mourned", .size_bytes = sizeof(cairn_object) + 8, .finalize = look};
  mourned = cairn_type_define(current->heap, &spec);
  assert_int_not_equal(mourned, 0);
  high_list = cairn_retain(cairn_list_new(current->heap, 4));
  high_float = cairn_retain(cairn_float_new(current->heap, 1.5));
  return status;
}

static int end(void **state) {
  for (int i = 0; i < 2; i++) {
    cairn_release(high_list);
    cairn_release(high_float);
  }
  core = untold = false;
  return nodes_teardown(state);
}

static void the_hub_waits(void **state) {
  (void)state;
  collect_under(NULL);
}

static void in_a_core_what_let_go_tells_who_may_wait(void **state) {
  (void)state;
  core = true;
  collect_under(NULL);
}

static void and_where_no_contract_tells(void **state) {
  (void)state;
  untold = true;
  collect_under(NULL);
}

static void nothing_waits_before_the_first_went(void **state) {
  (void)state;
  nodes_finalizer = look_before;
  look_count = 0;
  for (int64_t i = 0; i < 2; i++) {
    core = i == 1;
    struct node *one = node_new(current, current->watched, 1);
    struct node *two = node_new(current, current->plain, 2);
    give(&one->left, two);
    two->left = &one->base;
    assert_int_equal(cairn_collect(current->heap), 2);
    assert_int_equal(look_count, i + 1);
  }
}

static void nothing_waits_in_a_cascade(void **state) {
  (void)state;
  nodes_finalizer = look_in_cascade;
  look_count = 0;
  for (int64_t i = 0; i < 2; i++) {
    core = i == 1;
    struct node *top = node_new(current, current->plain, 1);
    give(&top->left, node_new(current, current->watched, 2));
    give(&top->right, node_new(current, current->plain, 3));
    cairn_release(&top->base);
    assert_int_equal(look_count, i + 1);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      TEST(the_hub_waits), TEST(in_a_core_what_let_go_tells_who_may_wait),
      TEST(and_where_no_contract_tells), TEST(nothing_waits_before_the_first_went),
      TEST(nothing_waits_in_a_cascade)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

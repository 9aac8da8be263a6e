/* Counts beside opaque objects: their words may explain a count, but never make it too low; asked
 * of one object, with the index and without, and of all.
 *
 * The expected numbers come from what the test drew.
 */
#include "../../random.h"
#include "../runtime/nodes.h"
#include "self.h"

enum { CASES = 150, TARGETS = 8, HOLDERS = 5, WORDS = 4, ROOTS = 3 };

/* Words that its functions know, and one that every reader sees. */
struct mixed {
  cairn_object base;
  cairn_object *seen;
  int64_t number;
  cairn_object *hidden[WORDS];
};

/* What a target's count is made of. */
struct drawn {
  struct node *node;
  uint64_t strong, opaque, roots, count;
};

static struct nodes *nodes;
static cairn_type opaque_type;
static uint64_t seed = 20261123;

static void traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  for (int i = 0; i < WORDS; i++) visit(((struct mixed *)(void *)object)->hidden[i], context);
}
static void clear(cairn_object *object) {
  for (int i = 0; i < WORDS; i++) ((struct mixed *)(void *)object)->hidden[i] = NULL;
}

static int begin(void **state) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct mixed, seen)};
  const cairn_type_spec spec = {.name = "mixed",
                                .size_bytes = sizeof(struct mixed),
                                .slots = slots,
                                .slot_count = 1,
                                .traverse = traverse,
                                .clear = clear};
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  opaque_type = cairn_type_define(nodes->heap, &spec);
  return opaque_type == 0;
}

static void compare(const struct drawn *drawn, const lens_account *account) {
  uint64_t least = drawn->strong, most = drawn->strong + drawn->opaque + drawn->roots;
  bool under = drawn->count<least, over = drawn->count> most;
  assert_int_equal(account->refcount, drawn->count);
  assert_int_equal(account->heap_refs, drawn->strong + drawn->opaque);
  assert_int_equal(account->root_refs, drawn->roots);
  assert_int_equal(account->verdict, under  ? LENS_UNDER_RETAINED
                                     : over ? LENS_OVER_RETAINED
                                            : LENS_BALANCED);
  assert_int_equal(account->surplus, under  ? (int64_t)drawn->count - (int64_t)least
                                     : over ? (int64_t)drawn->count - (int64_t)most
                                            : 0);
  if (drawn->opaque != 0) assert_int_equal(account->exactness, LENS_CONFIDENCE_CONSERVATIVE);
}

static void compare_one_by_one(lens *self, const struct drawn *drawn) {
  for (int i = 0; i < TARGETS; i++) {
    uint32_t row = LENS_NONE;
    lens_account account;
    assert_int_equal(lens_snapshot_find(self, address_of(drawn[i].node), &row), LENS_OK);
    assert_int_equal(lens_account_object(self, row, 0, &account), LENS_OK);
    compare(&drawn[i], &account);
  }
}

static void compare_columns(lens *self, const struct drawn *drawn) {
  lens_accounts all;
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &all), LENS_OK);
  assert_non_null(all.opaque_refs);
  lens_account none;
  uint32_t behind = (uint32_t)all.object_count;
  assert_int_equal(lens_account_object(self, behind, 0, &none), LENS_NOT_FOUND);
  for (int i = 0; i < TARGETS; i++) {
    uint32_t row = LENS_NONE;
    assert_int_equal(lens_snapshot_find(self, address_of(drawn[i].node), &row), LENS_OK);
    assert_int_equal(all.heap_refs[row], drawn[i].strong);
    assert_int_equal(all.opaque_refs[row], drawn[i].opaque);
    assert_int_equal(all.root_refs[row], drawn[i].roots);
    bool under = drawn[i].count < drawn[i].strong;
    bool over = drawn[i].count > drawn[i].strong + drawn[i].opaque + drawn[i].roots;
    assert_int_equal(all.verdict[row], under  ? LENS_UNDER_RETAINED
                                       : over ? LENS_OVER_RETAINED
                                              : LENS_BALANCED);
  }
}

static void look(const struct drawn *drawn) {
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < TARGETS; i++) {
    for (uint64_t k = 0; k < drawn[i].roots; k++) {
      const lens_root root = {.slot_address = 8 * (1 + i * ROOTS + k),
                              .value = address_of(drawn[i].node),
                              .kind = LENS_ROOT_GLOBAL};
      assert_int_equal(lens_root_add(self, &root), LENS_OK);
    }
  }
  compare_one_by_one(self, drawn);
  compare_columns(self, drawn);
  compare_one_by_one(self, drawn); /* with the index */
  lens_free(self);
}

static void one_case(void) {
  struct drawn drawn[TARGETS];
  struct mixed *holders[HOLDERS];
  for (int i = 0; i < TARGETS; i++)
    drawn[i] = (struct drawn){.node = node_new(nodes, nodes->plain, i),
                              .roots = random_below(&seed, ROOTS + 1)};
  for (int i = 0; i < HOLDERS; i++) {
    holders[i] = (struct mixed *)(void *)cairn_object_new(nodes->heap, opaque_type);
    assert_non_null(holders[i]);
    holders[i]->number = (int64_t)random_below(&seed, 1000);
    if (random_below(&seed, 2) == 0) {
      struct drawn *target = &drawn[random_below(&seed, TARGETS)];
      holders[i]->seen = cairn_retain(&target->node->base);
      target->strong++;
    }
    for (int k = 0; k < WORDS; k++) { /* the same ones again and again, too */
      if (random_below(&seed, 3) == 0) continue;
      struct drawn *target = &drawn[random_below(&seed, 1 + random_below(&seed, TARGETS))];
      holders[i]->hidden[k] = &target->node->base;
      target->opaque++;
    }
  }
  uint64_t headers[TARGETS];
  for (int i = 0; i < TARGETS; i++) {
    uint64_t now = 1 + drawn[i].strong; /* the maker's, and those of slots */
    drawn[i].count =
        1 + random_below(&seed, drawn[i].strong + drawn[i].opaque + drawn[i].roots + 3);
    headers[i] = drawn[i].node->base.header;
    drawn[i].node->base.header += drawn[i].count - now;
  }
  look(drawn);
  for (int i = 0; i < TARGETS; i++) drawn[i].node->base.header = headers[i];
  for (int i = 0; i < HOLDERS; i++) cairn_release(&holders[i]->base);
  for (int i = 0; i < TARGETS; i++) cairn_release(&drawn[i].node->base);
}

static void words_of_opaque_objects(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) one_case();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(words_of_opaque_objects, begin, nodes_teardown)};
  return cmocka_run_group_tests_name("opaque counts", tests, NULL, NULL);
}

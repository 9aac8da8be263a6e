/* Doubts about a shared heap's objects: any heap may hold them, so what may hide a reference in one
 * heap may hide theirs, and nobody else's.
 */
#include "../runtime/shared_test.h"
#include "self.h"

struct asked {
  lens_finding shared, plain, other; /* of a node of the shared heap, of the ordinary, of another */
};

static void traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  visit(((struct node *)(void *)object)->borrowed, context);
}
static void clear(cairn_object *object) { (void)object; }

/* Each has one reference that nobody gave back. */
static struct asked ask(const struct node *const *lost) {
  const lens_audit_filter filter = {0};
  struct asked asked;
  lens *self = self_lens();
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_finding_at(self, address_of(lost[0]), &asked.shared), LENS_OK);
  assert_int_equal(lens_finding_at(self, address_of(lost[1]), &asked.plain), LENS_OK);
  assert_int_equal(lens_finding_at(self, address_of(lost[2]), &asked.other), LENS_OK);
  lens_free(self);
  assert_int_equal(asked.shared.surplus, 1);
  assert_int_equal(asked.plain.surplus, 1);
  assert_int_equal(asked.other.surplus, 1);
  return asked;
}

static void a_heap_in_flux_doubts_what_it_may_hold(void **state) {
  struct pair *pair = *state;
  cairn_heap *other = cairn_heap_new(NULL);
  cairn_object *list = cairn_list_new(pair->plain, 4);
  const struct node *lost[] = {make(pair->shared, pair->node, 1),
                               make(pair->plain, pair->plain_node, 2),
                               make(other, nodes_define(other, "node", NULL), 3)};
  const struct {
    uint32_t flux, doubts;
  } heaps[] = {{CAIRN_FLUX_NONE, 0},
               {CAIRN_FLUX_RESIZE, LENS_DOUBT_FLUX}, /* an item may be in no memory at all */
               {200, LENS_DOUBT_FLUX}};              /* a state that no reader knows */
  for (size_t i = 0; i < sizeof heaps / sizeof heaps[0]; i++) {
    pair->plain->flux = heaps[i].flux;
    pair->plain->flux_object = list;
    struct asked asked = ask(lost);
    assert_int_equal(asked.shared.doubts, heaps[i].doubts);
    assert_int_equal(asked.plain.doubts, heaps[i].doubts);
    assert_int_equal(asked.other.doubts, 0);
  }
  pair->plain->flux = CAIRN_FLUX_NONE;
  pair->plain->flux_object = NULL;
  cairn_release(list);
  for (size_t i = 0; i < 3; i++) cairn_release((cairn_object *)(uintptr_t)&lost[i]->base);
  assert_true(cairn_heap_destroy(other, NULL));
}

static void an_opaque_object_may_hold_what_is_shared(void **state) {
  struct pair *pair = *state;
  const cairn_type_spec spec = {
      .name = "opaque", .size_bytes = sizeof(struct node), .traverse = traverse, .clear = clear};
  cairn_type opaque = cairn_type_define(pair->plain, &spec);
  cairn_heap *other = cairn_heap_new(NULL);
  const struct node *lost[] = {make(pair->shared, pair->node, 1),
                               make(pair->plain, pair->plain_node, 2),
                               make(other, nodes_define(other, "node", NULL), 3)};
  assert_int_equal(ask(lost).shared.doubts, 0); /* there is the type, but no object of it */
  cairn_object *holder = cairn_object_new(pair->plain, opaque);
  struct asked asked = ask(lost);
  assert_int_equal(asked.shared.doubts, LENS_DOUBT_OPAQUE);
  assert_int_equal(asked.plain.doubts, LENS_DOUBT_OPAQUE);
  assert_int_equal(asked.other.doubts, 0);
  cairn_release(holder);
  for (size_t i = 0; i < 3; i++) cairn_release((cairn_object *)(uintptr_t)&lost[i]->base);
  assert_true(cairn_heap_destroy(other, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {WITH_SHARED(a_heap_in_flux_doubts_what_it_may_hold),
                                     WITH_SHARED(an_opaque_object_may_hold_what_is_shared)};
  return cmocka_run_group_tests_name("doubts about what is shared", tests, NULL, NULL);
}

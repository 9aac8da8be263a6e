/* A shared heap's objects, held by objects of three heaps and by roots: all holders of all heaps
 * count. */
#include "cairn/cairn.h"
#include "self.h"

enum { HOLDERS = 3 };

struct world {
  cairn_heap *shared, *heaps[HOLDERS];
  cairn_object *text, *lists[HOLDERS];
};

static void build(struct world *world) {
  world->shared = cairn_heap_new(&(cairn_heap_options){.name = "registry", .shared = true});
  assert_non_null(world->shared);
  world->text = cairn_str_from(world->shared, "known to all");
  for (int i = 0; i < HOLDERS; i++) {
    world->heaps[i] = cairn_heap_new(NULL);
    world->lists[i] = cairn_list_new(world->heaps[i], 0);
    assert_true(cairn_list_append(world->lists[i], world->text));
  }
}

static void take_down(struct world *world) {
  cairn_release(world->text);
  for (int i = 0; i < HOLDERS; i++) {
    cairn_release(world->lists[i]);
    assert_true(cairn_heap_destroy(world->heaps[i], NULL));
  }
  assert_true(cairn_heap_destroy(world->shared, NULL));
}

static uint32_t row_of(lens *self, const cairn_object *object) {
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  for (uint32_t i = 0; i < columns.object_count; i++) {
    if (columns.address[i] == (uint64_t)(uintptr_t)object) return i;
  }
  fail_msg("the object is not in the snapshot");
  return LENS_NONE;
}

static void add_root(lens *self, const cairn_object *object, cairn_object *const *slot) {
  lens_root root = {.slot_address = (uint64_t)(uintptr_t)slot,
                    .value = (uint64_t)(uintptr_t)object,
                    .object = LENS_NONE,
                    .kind = LENS_ROOT_LOCAL};
  assert_int_equal(lens_root_add(self, &root), LENS_OK);
}

static void account_is(lens *self, const cairn_object *object, uint64_t roots, uint32_t verdict,
                       int64_t surplus) {
  lens_account account;
  assert_int_equal(lens_account_object(self, row_of(self, object), 0, &account), LENS_OK);
  assert_int_equal(account.heap_refs, HOLDERS);
  assert_int_equal(account.root_refs, roots);
  assert_int_equal(account.verdict, verdict);
  assert_int_equal(account.surplus, surplus);
}

static void holders_of_all_heaps_count(void **state) {
  (void)state;
  struct world world;
  build(&world);
  cairn_object *own = cairn_retain(world.text); /* a second owner, in another thread, say */
  lens *self = self_lens();
  assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
  account_is(self, own, 0, LENS_OVER_RETAINED, 2);
  add_root(self, world.text, &world.text);
  account_is(self, own, 1, LENS_OVER_RETAINED, 1);
  add_root(self, own, &own);
  account_is(self, own, 2, LENS_BALANCED, 0);
  lens_free(self);
  cairn_release(own);
  take_down(&world);
}

static void what_is_shared_says_so(void **state) {
  (void)state;
  struct world world;
  build(&world);
  lens *self = self_lens();
  lens_object object;
  assert_int_equal(lens_object_at(self, (uint64_t)(uintptr_t)world.text, &object), LENS_OK);
  assert_true((object.state & LENS_STATE_SHARED) != 0);
  lens_heap heap;
  assert_int_equal(lens_heap_get(self, object.heap, &heap), LENS_OK);
  assert_string_equal(heap.name, "registry");
  assert_int_equal(heap.shared, 1);
  assert_int_equal(lens_object_at(self, (uint64_t)(uintptr_t)world.lists[0], &object), LENS_OK);
  assert_true((object.state & LENS_STATE_SHARED) == 0);
  assert_int_equal(lens_heap_get(self, object.heap, &heap), LENS_OK);
  assert_int_equal(heap.shared, 0);
  lens_free(self);
  take_down(&world);
}

static void check_finds_nothing_wrong(void **state) {
  (void)state;
  struct world world;
  build(&world);
  lens *self = self_lens();
  lens_status status;
  do status = lens_check(self, 0, NULL);
  while (status == LENS_AGAIN);
  assert_int_equal(status, LENS_OK);
  assert_int_equal(lens_problem_count(self), 0);
  lens_free(self);
  take_down(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(holders_of_all_heaps_count),
                                     cmocka_unit_test(what_is_shared_says_so),
                                     cmocka_unit_test(check_finds_nothing_wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

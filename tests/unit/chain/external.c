/* External bytes, limits and groups, as the lens reads them from the heaps of this process. */
#include "cairn/cairn.h"
#include "self.h"

enum { OBJECTS = 3000 };

static lens_heap heap_named(const lens *self, const char *name) {
  lens_heap shown;
  for (uint64_t i = 0; i < lens_heap_count(self); i++) {
    assert_int_equal(lens_heap_get(self, i, &shown), LENS_OK);
    if (strcmp(shown.name, name) == 0) return shown;
  }
  fail_msg("no heap %s", name);
  return shown;
}

static void assert_external(lens *self, const cairn_object *object) {
  uint64_t bytes = 1;
  assert_int_equal(lens_external_get(self, 0, address_of(object), &bytes), LENS_OK);
  assert_int_equal(bytes, cairn_external_bytes(object));
}

static void each_object_has_its_own(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.name = "images"});
  cairn_object *list = cairn_list_new(heap, OBJECTS);
  lens *self = self_lens();
  assert_external(self, list); /* no table yet */
  lens_free(self);
  for (int i = 0; i < OBJECTS; i++) {
    cairn_object *image = cairn_list_new(heap, 0);
    assert_true(cairn_list_append(list, image));
    if (i % 3 != 0) assert_true(cairn_external_add(image, 1000 + i));
    cairn_release(image);
  }
  self = self_lens();
  assert_int_equal(lens_problem_count(self), 0);
  for (size_t i = 0; i < OBJECTS; i++) assert_external(self, cairn_list_get(list, i));
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  lens_heap shown = heap_named(self, "images");
  assert_int_equal(shown.external_bytes, stats.external_bytes);
  assert_int_equal(shown.taken_bytes, stats.taken_bytes);
  assert_int_equal(shown.peak_bytes, stats.peak_bytes);
  assert_null(shown.group);
  uint64_t bytes;
  assert_int_equal(lens_external_get(self, 7, 0, &bytes), LENS_BAD_ARGUMENT);
  lens_free(self);
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void groups_are_named(void **state) {
  (void)state;
  cairn_group *group = cairn_group_new("tenants", 1 << 30);
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){
      .name = "one", .group = group, .limit_bytes = 64 << 20, .soft_limit_bytes = 32 << 20});
  cairn_heap *other = cairn_heap_new(&(cairn_heap_options){.name = "two", .group = group});
  lens *self = self_lens();
  lens_heap one = heap_named(self, "one"), two = heap_named(self, "two");
  assert_string_equal(one.group, "tenants");
  assert_string_equal(two.group, "tenants");
  assert_int_equal(one.group_limit_bytes, 1 << 30);
  assert_int_equal(one.group_taken_bytes, one.taken_bytes + two.taken_bytes);
  assert_int_equal(one.limit_bytes, 64 << 20);
  assert_int_equal(one.soft_limit_bytes, 32 << 20);
  assert_int_equal(two.limit_bytes, 0);
  lens_free(self);
  assert_true(cairn_heap_destroy(heap, NULL));
  assert_true(cairn_heap_destroy(other, NULL));
  assert_true(cairn_group_destroy(group));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_object_has_its_own),
      cmocka_unit_test(groups_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

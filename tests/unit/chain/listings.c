/* Listings: which objects a filter lets through, in which order, and the sums by type; against all
 * objects, one by one. */
#include "../../random.h"
#include "../runtime/nodes.h"
#include "self.h"

enum { OBJECTS = 150, ROUNDS = 300, ROWS = 2000 };

static lens_object all[ROWS], rows[ROWS];
static uint64_t all_count, seed = 20261123;

static bool is_in(const lens_filter *filter, const lens_object *object) {
  return object->refcount >= filter->refcount_min && object->refcount <= filter->refcount_max &&
         object->size_bytes >= filter->size_min && object->size_bytes <= filter->size_max;
}

static uint64_t key_of(const lens_filter *filter, const lens_object *object) {
  return filter->sort == LENS_SORT_REFCOUNT ? object->refcount
         : filter->sort == LENS_SORT_SIZE   ? object->size_bytes
                                            : object->address;
}

static void make(struct nodes *nodes, cairn_object *list) {
  for (int i = 0; i < OBJECTS; i++) {
    cairn_object *object = i % 3 == 0   ? cairn_float_new(nodes->heap, i)
                           : i % 3 == 1 ? cairn_list_new(nodes->heap, 4)
                                        : &node_new(nodes, nodes->plain, i)->base;
    for (uint64_t k = random_below(&seed, 6); k > 0; k--)
      assert_true(cairn_list_append(list, object));
    assert_true(cairn_list_append(list, object));
    cairn_release(object);
  }
}

static void one_filter(lens *self) {
  uint64_t least = random_below(&seed, 5), small = 8 * random_below(&seed, 8);
  const lens_filter filter = {.refcount_min = least,
                              .refcount_max = least + random_below(&seed, 4),
                              .size_min = small,
                              .size_max = small + 8 * random_below(&seed, 8),
                              .heap = random_below(&seed, 2) == 0 ? LENS_NONE : 0,
                              .sort = (uint32_t)random_below(&seed, 3),
                              .reverse = (uint32_t)random_below(&seed, 2)};
  uint64_t written, matched, expected = 0, room = random_below(&seed, OBJECTS);
  assert_int_equal(lens_select(self, &filter, room, rows, &written, &matched), LENS_OK);
  for (uint64_t i = 0; i < all_count; i++) expected += is_in(&filter, &all[i]);
  assert_int_equal(matched, expected);
  assert_int_equal(written, expected < room ? expected : room);
  for (uint64_t i = 0; i < written; i++) {
    assert_true(is_in(&filter, &rows[i]));
    uint64_t key = key_of(&filter, &rows[i]), before = i == 0 ? key : key_of(&filter, &rows[i - 1]);
    assert_true(filter.reverse != 0 ? before <= key : before >= key);
    if (i != 0 && before == key) assert_true(rows[i - 1].address < rows[i].address);
  }
}

static void census(lens *self) {
  lens_type_census types[64];
  uint64_t written, total, objects = 0;
  assert_int_equal(lens_census(self, 64, types, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    uint64_t count = 0, bytes = 0, least = UINT64_MAX, most = 0;
    for (uint64_t k = 0; k < all_count; k++) {
      if (all[k].type != types[i].type) continue;
      count++;
      bytes += all[k].size_bytes;
      if (all[k].refcount < least) least = all[k].refcount;
      if (all[k].refcount > most) most = all[k].refcount;
    }
    assert_int_equal(types[i].count, count);
    assert_int_equal(types[i].bytes, bytes);
    assert_int_equal(types[i].refcount_min, least);
    assert_int_equal(types[i].refcount_max, most);
    objects += count;
  }
  assert_int_equal(objects, all_count);
}

static void listings_are_those_of_the_objects(void **state) {
  struct nodes *nodes = *state;
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  make(nodes, list);
  lens *self = self_lens();
  const lens_filter every = {.refcount_max = UINT64_MAX,
                             .size_max = UINT64_MAX,
                             .heap = LENS_NONE,
                             .sort = LENS_SORT_ADDRESS,
                             .reverse = 1};
  uint64_t matched;
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_select(self, &every, ROWS, all, &all_count, &matched), LENS_OK);
  assert_int_equal(all_count, matched);
  assert_int_equal(all_count, cairn_counts_of(nodes->heap).object_count);
  for (int i = 0; i < ROUNDS; i++) one_filter(self);
  census(self);
  const lens_filter strange = {.sort = 99};
  assert_int_equal(lens_select(self, &strange, 1, rows, &matched, &matched), LENS_BAD_ARGUMENT);
  lens_free(self);
  cairn_release(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
      listings_are_those_of_the_objects, nodes_setup, nodes_teardown)};
  return cmocka_run_group_tests_name("listings", tests, NULL, NULL);
}

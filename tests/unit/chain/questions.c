/* Questions over the snapshot: selecting and censuses, each against a naive count over the same
 * heap. */
#include <stdlib.h>

#include "garden_asked.h"

enum { ROWS = 8192 };

static const char *type_name(uint32_t type) {
  static lens_type shown;
  assert_int_equal(lens_type_get(self, type, &shown), LENS_OK);
  return shown.name;
}

static lens_filter every(void) {
  return (lens_filter){.refcount_max = UINT64_MAX, .size_max = UINT64_MAX, .heap = LENS_NONE};
}

/* ---- selecting ---- */

static uint64_t key_of(const lens_object *object, uint32_t sort) {
  return sort == LENS_SORT_REFCOUNT ? object->refcount
         : sort == LENS_SORT_SIZE   ? object->size_bytes
                                    : object->address;
}

/* Rows come in order, ties by address, and those that were cut are none of the better ones. */
static void selecting_sorts_and_cuts(void **state) {
  (void)state;
  static lens_object whole[ROWS], cut[ROWS];
  uint64_t written = 0, matched = 0;
  for (uint32_t sort = LENS_SORT_REFCOUNT; sort <= LENS_SORT_ADDRESS; sort++) {
    for (uint32_t reverse = 0; reverse < 2; reverse++) {
      lens_filter filter = every();
      filter.sort = sort;
      filter.reverse = reverse;
      assert_int_equal(lens_select(self, &filter, ROWS, whole, &written, &matched), LENS_OK);
      assert_int_equal(written, columns.object_count);
      assert_int_equal(matched, columns.object_count);
      for (uint64_t i = 1; i < written; i++) {
        uint64_t before = key_of(&whole[i - 1], sort), here = key_of(&whole[i], sort);
        assert_true(reverse != 0 ? before <= here : before >= here);
        if (before == here) assert_true(whole[i - 1].address < whole[i].address);
      }
      for (uint64_t capacity = 0; capacity < 40; capacity += 13) {
        assert_int_equal(lens_select(self, &filter, capacity, cut, &written, &matched), LENS_OK);
        assert_int_equal(written, capacity);
        assert_int_equal(matched, columns.object_count);
        assert_memory_equal(cut, whole, capacity * sizeof *cut);
      }
    }
  }
}

static void selecting_by_type_name(void **state) {
  (void)state;
  static lens_object rows[ROWS];
  uint64_t written = 0, matched = 0;
  lens_filter filter = every();
  filter.sort = LENS_SORT_TYPE;
  filter.reverse = 1;
  assert_int_equal(lens_select(self, &filter, ROWS, rows, &written, &matched), LENS_OK);
  for (uint64_t i = 1; i < written; i++) {
    char before[64];
    snprintf(before, sizeof before, "%s", type_name(rows[i - 1].type));
    assert_true(strcmp(before, type_name(rows[i].type)) <= 0);
  }
}

static void filters_are_what_they_say(void **state) {
  (void)state;
  static lens_object rows[ROWS];
  const struct {
    const char *glob;
    uint64_t refcount_min, refcount_max, size_min, size_max;
  } cases[] = {{"dict", 0, UINT64_MAX, 0, UINT64_MAX},
               {"*t", 0, UINT64_MAX, 0, UINT64_MAX},
               {"[n]ode", 1, 1, 0, UINT64_MAX},
               {NULL, 2, 5, 0, UINT64_MAX},
               {NULL, 0, UINT64_MAX, 33, 100},
               {"?ist", 7, 7, 1, 2},
               {"no such type", 0, 9, 0, 9}};
  uint64_t all_matched = 0;
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    lens_filter filter = every();
    filter.type_glob = cases[c].glob;
    filter.refcount_min = cases[c].refcount_min;
    filter.refcount_max = cases[c].refcount_max;
    filter.size_min = cases[c].size_min;
    filter.size_max = cases[c].size_max;
    uint64_t written = 0, matched = 0, wanted = 0;
    assert_int_equal(lens_select(self, &filter, ROWS, rows, &written, &matched), LENS_OK);
    for (uint64_t i = 0; i < columns.object_count; i++) {
      const char *name = type_name(columns.type[i]);
      size_t length = strlen(name);
      const char *glob = cases[c].glob;
      bool fits =
          glob == NULL || (strcmp(glob, "*t") == 0       ? name[length - 1] == 't'
                           : strcmp(glob, "[n]ode") == 0 ? strcmp(name, "node") == 0
                           : strcmp(glob, "?ist") == 0 ? length == 4 && strcmp(name + 1, "ist") == 0
                                                       : strcmp(name, glob) == 0);
      wanted += fits && columns.refcount[i] >= filter.refcount_min &&
                columns.refcount[i] <= filter.refcount_max &&
                columns.size_bytes[i] >= filter.size_min &&
                columns.size_bytes[i] <= filter.size_max;
    }
    assert_int_equal(matched, wanted);
    assert_int_equal(written, wanted);
    all_matched += wanted;
  }
  assert_true(all_matched > 100);
  lens_filter filter = every();
  filter.heap = 0;
  uint64_t written = 0, matched = 0;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_OK);
  assert_int_equal(matched, columns.object_count);
  filter.heap = 1;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_OK);
  assert_int_equal(matched, 0);
  filter.sort = 99;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_BAD_ARGUMENT);
}

/* ---- censuses ---- */

static void census_counts_each_type(void **state) {
  (void)state;
  lens_type_census rows[64];
  uint64_t written = 0, total = 0, objects = 0;
  assert_int_equal(lens_census(self, 64, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t t = 0; t < written; t++) {
    lens_type_census wanted = {.type = rows[t].type, .refcount_min = UINT32_MAX};
    for (uint64_t i = 0; i < columns.object_count; i++) {
      if (columns.type[i] != rows[t].type) continue;
      wanted.count++;
      wanted.bytes += columns.size_bytes[i];
      if (columns.refcount[i] < wanted.refcount_min) wanted.refcount_min = columns.refcount[i];
      if (columns.refcount[i] > wanted.refcount_max) wanted.refcount_max = columns.refcount[i];
    }
    assert_memory_equal(&rows[t], &wanted, sizeof wanted);
    objects += wanted.count;
  }
  assert_int_equal(objects, columns.object_count);
  assert_int_equal(lens_census(self, 2, rows, &written, &total), LENS_OK);
  assert_int_equal(written, 2);
  assert_true(total > 2);
}

static void refcounts_count_each_count(void **state) {
  (void)state;
  static lens_count_census rows[ROWS];
  uint64_t written = 0, total = 0, objects = 0, immortals = 0;
  assert_int_equal(lens_refcounts(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t r = 0; r < written; r++) {
    if (r > 0) assert_true(rows[r].refcount > rows[r - 1].refcount);
    uint64_t count = 0, bytes = 0;
    for (uint64_t i = 0; i < columns.object_count; i++) {
      bool immortal = (columns.state[i] & LENS_STATE_IMMORTAL) != 0;
      if (immortal != (rows[r].immortal != 0)) continue;
      if (!immortal && columns.refcount[i] != rows[r].refcount) continue;
      count++;
      bytes += columns.size_bytes[i];
    }
    assert_int_equal(rows[r].count, count);
    assert_int_equal(rows[r].bytes, bytes);
    objects += count;
    immortals += rows[r].immortal;
  }
  assert_int_equal(objects, columns.object_count);
  assert_int_equal(immortals, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(selecting_sorts_and_cuts),   cmocka_unit_test(selecting_by_type_name),
      cmocka_unit_test(filters_are_what_they_say),  cmocka_unit_test(census_counts_each_type),
      cmocka_unit_test(refcounts_count_each_count),
  };
  return cmocka_run_group_tests_name("questions", tests, asked_begin, asked_end);
}

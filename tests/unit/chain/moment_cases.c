/* What grew between two moments, one thing at a time: an object that grew, tracking that starts
 * between them, other heaps and processes, lines that one of them lacks. */
#include "moment_test.h"

static uint64_t used_bytes(void) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.used_bytes;
}

static void a_list_that_grows(void **state) {
  (void)state;
  heap_begin(false);
  cairn_object *list = cairn_list_new(heap, 0), *item = cairn_int_new(heap, 5000);
  lens *self = self_lens();
  lens_moment *a = take(self);
  uint64_t used = used_bytes();
  for (int i = 0; i < 100; i++) assert_true(cairn_list_append(list, item));
  uint64_t buffer = used_bytes() - used;
  lens_moment *b = take(self);
  lens_diff *diff = compared(a, b, NULL, 8);
  lens_diff_totals totals;
  lens_diff_object row;
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  assert_int_equal(totals.resized, 1);
  assert_int_equal(totals.added + totals.gone, 0);
  assert_true(buffer >= 800);
  assert_int_equal(totals.bytes_b - totals.bytes_a, buffer);
  assert_int_equal(lens_diff_objects(diff, 0, 1, &row, &written, &total), LENS_OK);
  assert_int_equal(total, 1);
  assert_int_equal(row.address, address_of(list));
  assert_int_equal(row.change, LENS_CHANGE_RESIZED);
  assert_int_equal(row.bytes_b - row.bytes_a, buffer);
  lens_diff_free(diff);
  lens_moment_free(a);
  lens_moment_free(b);
  lens_free(self);
  cairn_release(item);
  cairn_release(list);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* Tracking that starts between the moments: what was there before is known by its address. */
static void tracking_starts_between(void **state) {
  (void)state;
  heap_begin(false);
  cairn_object *kept = cairn_object_new(heap, left), *gone = cairn_object_new(heap, left);
  lens *self = self_lens();
  lens_moment *a = take(self);
  const cairn_track_options options = {.sites = true};
  assert_true(cairn_track_start(heap, &options));
  cairn_release(gone);
  lens_moment *b = take(self);
  lens_diff *diff = compared(a, b, "left", 0);
  lens_diff_totals totals;
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  assert_int_equal(totals.kept, 1);
  assert_int_equal(totals.kept_by_address, 1);
  assert_int_equal(totals.gone, 1);
  assert_int_equal(totals.exactness, LENS_CONFIDENCE_TOLERANT);
  lens_diff_free(diff);
  lens_moment_free(a);
  lens_moment_free(b);
  lens_free(self);
  cairn_release(kept);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* A heap that is made where another one was is another heap. */
static void other_heaps_and_processes(void **state) {
  (void)state;
  heap_begin(false);
  lens *self = self_lens();
  lens_moment *a = take(self), *same = take(self);
  const lens_moment_origin other = {.process = 1, .kind = "core"}, none = {.process = 0};
  lens_diff_totals totals;
  static const struct {
    uint64_t process;
    uint32_t same;
  } cases[] = {{0, 2}, {1, 0}};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(lens_moment_origin_set(same, i == 0 ? &none : &other), LENS_OK);
    lens_diff *diff = compared(a, same, NULL, 4);
    assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
    assert_int_equal(totals.same_process, cases[i].same);
    assert_int_equal(totals.kept, cases[i].same == 0 ? 0 : totals.count_a);
    assert_int_equal(totals.object_rows, 0);
    lens_diff_free(diff);
  }
  assert_true(cairn_heap_destroy(heap, NULL));
  heap_begin(false);
  lens_moment *b = take(self);
  lens_diff *diff = compared(a, b, NULL, 0);
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  assert_int_equal(totals.kept, 0);
  lens_diff_free(diff);
  lens_moment_free(a);
  lens_moment_free(same);
  lens_moment_free(b);
  lens_free(self);
  assert_true(cairn_heap_destroy(heap, NULL));
}

__attribute__((noinline)) static cairn_object *make_here(void) {
  cairn_object *object = cairn_object_new(heap, left);
  CAIRN_ORDER(); /* no tail call */
  return object;
}

__attribute__((noinline)) static cairn_object *make_there(void) {
  cairn_object *object = make_here();
  CAIRN_ORDER();
  return object;
}

/* At one site and the other by turns. */
__attribute__((noinline)) static cairn_object *make(int i) {
  cairn_object *object = i % 2 == 0 ? make_here() : make_there();
  CAIRN_ORDER();
  return object;
}

/* Sites that have lines in one moment only are the same by module and distance. */
static void lines_on_one_side(void **state) {
  (void)state;
  heap_begin(true);
  lens *self = self_lens();
  lens_moment *a = take(self);
  cairn_object *kept[30];
  for (int i = 0; i < 20; i++) kept[i] = make(i);
  lens_moment *b = take(self);
  for (int i = 20; i < 30; i++) kept[i] = make(i);
  lens_moment *c = take(self);
  lens_moment_info info;
  lens_moment_info_get(c, &info);
  assert_true(info.site_count >= 2);
  for (uint64_t i = 0; i < info.frame_count; i++) {
    lens_moment_place place;
    assert_int_equal(lens_moment_frame_get(c, i, &place), LENS_OK);
    assert_string_not_equal(place.module, "");
    assert_int_not_equal(place.offset, 0);
    place.file = "here.c";
    place.function = "f";
    place.line = (uint32_t)i + 1;
    assert_int_equal(lens_moment_frame_set(c, i, &place), LENS_OK);
  }
  lens_diff *plain = compared(a, c, "left", 0), *mixed = compared(b, c, "left", 0);
  lens_diff_row rows[8];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_diff_sites(plain, 0, 8, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 2);
  assert_int_equal(lens_diff_sites(mixed, 0, 8, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 2);
  assert_int_equal(written, 2);
  for (uint64_t i = 0; i < written; i++) {
    assert_int_equal(rows[i].count_a, 10);
    assert_int_equal(rows[i].added, 5);
    assert_int_equal(rows[i].count_b, 15);
  }
  lens_diff_free(plain);
  lens_diff_free(mixed);
  lens_moment_free(a);
  lens_moment_free(b);
  lens_moment_free(c);
  lens_free(self);
  for (int i = 0; i < 30; i++) cairn_release(kept[i]);
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_that_grows),
      cmocka_unit_test(tracking_starts_between),
      cmocka_unit_test(other_heaps_and_processes),
      cmocka_unit_test(lines_on_one_side),
  };
  return cmocka_run_group_tests_name("moment_cases", tests, NULL, NULL);
}

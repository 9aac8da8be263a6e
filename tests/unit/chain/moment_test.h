/* What the tests of moments share: a heap with types of their own, taking a moment of it, comparing
 * two. */
#ifndef TESTS_MOMENT_TEST_H
#define TESTS_MOMENT_TEST_H

#include "cairn/cairn.h"
#include "self.h"

struct pair {
  cairn_object base;
  uint64_t number;
};

static cairn_heap *heap;
static cairn_type left, right;

static inline void heap_begin(bool with_tracking) {
  heap = cairn_heap_new(NULL);
  assert_non_null(heap);
  left = cairn_type_define(heap,
                           &(cairn_type_spec){.name = "left", .size_bytes = sizeof(struct pair)});
  right = cairn_type_define(heap,
                            &(cairn_type_spec){.name = "right", .size_bytes = sizeof(struct pair)});
  const cairn_track_options options = {.sites = true, .backtrace = 2};
  if (with_tracking) assert_true(cairn_track_start(heap, &options));
}

static inline lens_moment *take(lens *self) {
  lens_moment *moment = NULL;
  lens_refresh(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_take(self, 50, NULL, &moment);
  assert_int_equal(status, LENS_OK);
  const lens_moment_origin origin = {.process = (uint64_t)getpid(), .kind = "native"};
  assert_int_equal(lens_moment_origin_set(moment, &origin), LENS_OK);
  return moment;
}

static inline lens_diff *compared(const lens_moment *a, const lens_moment *b, const char *glob,
                                  uint64_t objects) {
  lens_diff *diff = NULL;
  assert_int_equal(lens_diff_new(a, b, glob, objects, &diff), LENS_OK);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_diff_step(diff, 50, NULL);
  assert_int_equal(status, LENS_OK);
  return diff;
}

#endif

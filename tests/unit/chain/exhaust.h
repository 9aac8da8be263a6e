/* The loops of injected failures, over an image of this process: each allocation fails in turn,
 * each read is cancelled, each read finds nothing.  The same lens works afterwards.  And holes,
 * which stay.
 */
#ifndef TESTS_EXHAUST_H
#define TESTS_EXHAUST_H

#include "image.h"

typedef lens_status (*exhaust_ask_fn)(lens *self);
typedef void (*exhaust_assert_fn)(lens *self);

/* A lens over the image that has its model. */
static inline lens *exhaust_lens(struct image *image) {
  lens *self = image_lens(image);
  assert_non_null(self);
  assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  return self;
}

/* Asks where allocations fail, then again where they do not; true: they were not needed. */
static inline bool exhaust_at(struct image *image, void (*set)(int64_t allocations), int64_t at,
                              exhaust_ask_fn ask, exhaust_assert_fn assert_answered) {
  lens *self = exhaust_lens(image);
  set(at);
  lens_status status = ask(self);
  lens_alloc_fail_after(-1);
  if (status != LENS_OK) {
    assert_int_equal(status, LENS_NO_MEMORY);
    assert_int_equal(ask(self), LENS_OK);
  }
  assert_answered(self);
  lens_free(self);
  return status == LENS_OK;
}

/* `ask` ends at the first failure; how many allocations failed.  Each fails with all that follow,
 * and alone: a failure that is passed over is then not told by the next one.  Alone it need not be
 * told where the lens does without, as for a chunk of its cache; what is answered is whole. */
static inline int64_t exhaust_allocations(struct image *image, exhaust_ask_fn ask,
                                          exhaust_assert_fn assert_answered) {
  int64_t count = 0;
  while (!exhaust_at(image, lens_alloc_fail_after, count, ask, assert_answered))
    assert_true(++count < 2000);
  for (int64_t at = 0; at < count; at++)
    (void)exhaust_at(image, lens_alloc_fail_one, at, ask, assert_answered);
  return count;
}

/* How many reads the questions need. */
static inline uint64_t exhaust_count_reads(struct image *image, exhaust_ask_fn ask) {
  lens *self = exhaust_lens(image);
  uint64_t before = image->reads;
  assert_int_equal(ask(self), LENS_OK);
  lens_free(self);
  return image->reads - before;
}

/* The reader cancels at each of its reads in turn; asked again, the lens goes on.  How many. */
static inline uint64_t exhaust_cancel(struct image *image, exhaust_ask_fn ask,
                                      exhaust_assert_fn assert_answered) {
  uint64_t reads = exhaust_count_reads(image, ask);
  for (uint64_t i = 0; i < reads; i++) {
    lens *self = exhaust_lens(image);
    image->cancel_at = image->reads + i;
    lens_status status = ask(self);
    image->cancel_at = UINT64_MAX;
    if (status != LENS_OK) {
      assert_int_equal(status, LENS_CANCELLED);
      assert_int_equal(ask(self), LENS_OK);
    }
    assert_answered(self);
    lens_free(self);
  }
  return reads;
}

/* Each read in turn finds nothing: what is said then must be right by `assert_careful`; after a
 * refresh, when the memory is there, all is known.  How many. */
static inline uint64_t exhaust_reads(struct image *image, exhaust_ask_fn ask,
                                     exhaust_assert_fn assert_careful,
                                     exhaust_assert_fn assert_answered) {
  uint64_t reads = exhaust_count_reads(image, ask);
  for (uint64_t i = 0; i < reads; i++) {
    lens *self = exhaust_lens(image);
    image->fail_at = image->reads + i;
    lens_status status = ask(self);
    image->fail_at = UINT64_MAX;
    if (status == LENS_OK)
      assert_careful(self);
    else if (status != LENS_NOT_FOUND) /* that says all: where its record can't be read, say */
      assert_true(lens_error(self)[0] != 0);
    lens_refresh(self);
    assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
    assert_int_equal(lens_model_load(self, 0), LENS_OK);
    assert_int_equal(ask(self), LENS_OK);
    assert_answered(self);
    lens_free(self);
  }
  return reads;
}

/* Cuts one page of the kernel's out of the part that holds `address`. */
static inline void exhaust_cut(struct image *image, uint64_t address) {
  for (size_t i = 0; i < image->count; i++) {
    struct image_part *part = &image->parts[i];
    uint64_t offset = address - part->start;
    if (offset >= part->bytes) continue;
    struct image_part *rest = &image->parts[image->count++];
    uint64_t behind = offset + LENS_GRAIN_BYTES;
    rest->start = part->start + behind;
    rest->bytes = part->bytes - behind;
    rest->copy = malloc((size_t)rest->bytes);
    assert_non_null(rest->copy);
    memcpy(rest->copy, part->copy + behind, (size_t)rest->bytes);
    part->bytes = offset;
    return;
  }
  fail_msg("not in the image");
}

#endif

/* Time slices.  See slice.h. */
#include "memory/slice.h"

#include <time.h>

static uint64_t now_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 0;
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

lens_slice lens_slice_begin(uint32_t slice_ms) {
  lens_slice slice = {.end_ns = UINT64_MAX};
  if (slice_ms != 0) slice.end_ns = now_ns() + (uint64_t)slice_ms * (1000000u / 2);
  return slice;
}

bool lens_slice_over(const lens_slice *slice) {
  return slice->end_ns != UINT64_MAX && now_ns() >= slice->end_ns;
}

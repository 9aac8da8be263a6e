/* Time slices: long work looks at the clock now and then and gives the caller a turn. */
#ifndef LENS_SLICE_H
#define LENS_SLICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lens_slice {
  uint64_t end_ns; /* of the monotonic clock; UINT64_MAX: never */
} lens_slice;

/* A slice that begins now.  `slice_ms` 0: it never ends.  It is over at half of its time, so
 * that what is done between two looks at the clock is within it, where the kernel clears a large
 * page for each of several columns, too.  One for each call from outside:
 * what a question needs is worked out in the slice of the question. */
lens_slice lens_slice_begin(uint32_t slice_ms);
/* Some tens of nanoseconds: ask once a page or so, not once an object. */
bool lens_slice_over(const lens_slice *slice);

#endif

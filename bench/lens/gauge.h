/* What the measuring programs of the lens share: the clock, the memory, slices, a figure's line.
 *
 * Each program has a `struct bench` with `target`, and for RUN also `longest` and `memory_most`.
 */
#ifndef BENCH_LENS_GAUGE_H
#define BENCH_LENS_GAUGE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lens.h"

/* Processor time, in seconds: what other programs do meanwhile does not count. */
static inline double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Anonymous memory of this process: what the lens holds (the core is a mapped file). */
static inline uint64_t anonymous_bytes(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long long kilobytes = 0;
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "RssAnon: %llu", &kilobytes) == 1) break;
  }
  if (file != NULL) fclose(file);
  return kilobytes * 1024;
}

/* Ends the program where the lens failed. */
static inline void check_status(const lens *target, lens_status status) {
  if (status == LENS_OK) return;
  fprintf(stderr, "%s: %s\n", lens_status_text(status), lens_error(target));
  exit(1);
}

/* name, seconds, nanoseconds an object: what bench/lens.py reads. */
static inline void print_figure(const char *name, double seconds, uint64_t object_count) {
  printf("%s\t%.6f\t%.2f\n", name, seconds, seconds * 1e9 / (double)object_count);
}

/* Runs the call until it is done; notes the memory and the longest slice. */
#define RUN(bench, call)                                                \
  do {                                                                  \
    lens_status status_ = LENS_AGAIN;                                   \
    while (status_ == LENS_AGAIN) {                                     \
      double began_ = now();                                            \
      status_ = (call);                                                 \
      double slice_ = now() - began_;                                   \
      uint64_t bytes_ = anonymous_bytes();                              \
      if (slice_ > (bench)->longest) (bench)->longest = slice_;         \
      if (bytes_ > (bench)->memory_most) (bench)->memory_most = bytes_; \
    }                                                                   \
    check_status((bench)->target, status_);                             \
  } while (0)

#endif

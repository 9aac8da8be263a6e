/* A bound on this process's memory, for tests of hostile bytes: an allocation of a size that a
 * damaged word asked for then fails, and the test with it. */
#ifndef TESTS_BOUNDED_H
#define TESTS_BOUNDED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* From now on only `more_bytes` can be mapped beside what is mapped already.  False: not here; a
 * sanitizer's shadow takes address space without end, and it refuses huge blocks itself. */
static inline bool bound_memory(uint64_t more_bytes) {
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
  (void)more_bytes;
  return false;
#else
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return false;
  bool known = fscanf(file, "%lu", &pages) == 1;
  (void)fclose(file);
  rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more_bytes;
  const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
  return known && setrlimit(RLIMIT_AS, &limit) == 0;
#endif
}

#endif

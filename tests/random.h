/* Random numbers that a seed repeats, for all tests: xorshift64 (Marsaglia 2003).  A state is never
 * 0. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Less than `bound`.  The lowest bits are the worst ones. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound) {
  return (random_next(state) >> 11) % bound;
}

#endif

/* What the benchmark programs in C share: arguments, time, random numbers, results.
 *
 * A program is called `PROGRAM BENCH key=value ...` and prints a line of JSON for each figure (see
 * README.md).  The first key=value names the case; "repeat" says how often the work is done inside
 * the program, after one turn that is not counted.
 *
 * A peer's program defines bench_peer, bench_peer_version and bench_table; main is in bench.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

struct bench_entry {
  const char *name; /* "B1" */
  void (*run)(void);
};

extern const char bench_peer[];
extern const struct bench_entry bench_table[]; /* ends with a name of NULL */

/* The version of what is linked now, asked from it where it can tell. */
const char *bench_peer_version(void);

/* An argument's value. */
uint64_t bench_number(const char *key, uint64_t otherwise);
const char *bench_text(const char *key, const char *otherwise);

/* Processor time of this process, nanoseconds. */
double bench_now_ns(void);

/* Resident bytes of this process. */
double bench_resident_bytes(void);

/* xorshift64*.  All peers start from BENCH_SEED, so all do the same. */
#define BENCH_SEED 88172645463325252ull
static inline uint64_t bench_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 2685821657736338717ull;
}

/* The operations of B1, drawn before the clock runs: a division of 64 bits costs more than some
 * allocators do.  The caller frees the array. */
struct bench_operation {
  uint32_t place; /* random % live */
  uint32_t size;  /* bytes: 16 + 8 * ((random >> 32) % 31) */
};
struct bench_operation *bench_operations(uint64_t live, uint64_t count);

/* One step of a checksum. */
static inline uint64_t bench_mix(uint64_t sum, uint64_t value) {
  return (sum ^ value) * 0x9e3779b97f4a7c15ull;
}

/* Prints one figure.  `check` is what the work computed; all peers must agree on it. */
void bench_result(const char *figure, double value, uint64_t check);

/* Ends the program when what must hold does not. */
_Noreturn void bench_fail(const char *what);
static inline void bench_require(int holds, const char *what) {
  if (!holds) bench_fail(what);
}

/* Keeps the compiler from dropping a value that nothing else looks at. */
#define BENCH_USE(value) __asm__ __volatile__("" ::"r"(value))

/* Does WORK, an expression of the same value each time, once and then for as many rounds, which are
 * timed; prints the nanoseconds of each of its `count` steps, with that value as the check. */
#define BENCH_TIME(FIGURE, rounds, count, WORK)                                         \
  do {                                                                                  \
    uint64_t value_ = (WORK), changes_ = 0;                                             \
    double start_ns_ = bench_now_ns();                                                  \
    for (uint64_t round_ = 0; round_ < (rounds); round_++) changes_ |= (WORK) ^ value_; \
    double spent_ns_ = bench_now_ns() - start_ns_;                                      \
    bench_require(changes_ == 0, FIGURE);                                               \
    bench_result(FIGURE, spent_ns_ / ((double)(rounds) * (double)(count)), value_);     \
  } while (0)

#endif

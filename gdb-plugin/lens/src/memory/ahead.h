/* Asking for memory before it is needed: on a shuffled heap a miss takes as long as a hundred
 * steps, and many can be under way at once.
 *
 * Invariant: the compiler keeps the request.  To gcc a function that does nothing but prefetch has
 * no effect, and a call of it that was not inlined in time is dropped; the empty volatile assembly
 * says otherwise.  bench_lens_* shows what is lost then: a third of a depth-first search.
 */
#ifndef LENS_AHEAD_H
#define LENS_AHEAD_H

/* Memory that will be read, or written.  Any address will do, one that is not mapped as well. */
__attribute__((always_inline)) static inline void lens_ahead_read(const void *address) {
  __builtin_prefetch(address);
  __asm__ volatile("");
}

__attribute__((always_inline)) static inline void lens_ahead_write(const void *address) {
  __builtin_prefetch(address, 1);
  __asm__ volatile("");
}

#endif

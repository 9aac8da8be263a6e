/* Which thread an ordinary heap belongs to: the check of debug builds.
 *
 * A heap belongs to the thread that made it, until that thread hands it over; from then on it is
 * nobody's, and the next thread that uses it owns it.  The entry points that are out of line ask
 * (cairn_heap_check); retain and release of an object that stays alive are inline and do not.
 *
 * What this is not: a lock.  Handing over needs the same order between the two threads as handing
 * over any other memory: a queue, a mutex, a join.
 */
#include "internal.h"

#ifdef NDEBUG

void cairn_heap_hand_over(cairn_heap *heap) { (void)heap; }

#else

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's number of this thread, which debuggers show. */
static uint64_t thread_id(void) {
  static _Thread_local uint64_t own;
  if (own == 0) own = (uint64_t)syscall(SYS_gettid);
  return own;
}

/* Another thread's use is exactly what is looked for, so the word is read and set atomically. */
void cairn_owner_check(cairn_heap *heap, const char *function) {
  if (heap->shared != 0) return;
  uint64_t self = thread_id();
  uint64_t owner = __atomic_load_n(&heap->owner, __ATOMIC_RELAXED);
  if (owner == self) return;
  if (owner == 0 && __atomic_compare_exchange_n(&heap->owner, &owner, self, false, __ATOMIC_RELAXED,
                                                __ATOMIC_RELAXED)) {
    return;
  }
  fprintf(stderr,
          "cairn: %s: heap \"%s\" belongs to thread %llu and is used by thread %llu "
          "(cairn_heap_hand_over gives it away)\n",
          function, heap->name, (unsigned long long)owner, (unsigned long long)self);
  abort();
}

void cairn_heap_hand_over(cairn_heap *heap) {
  cairn_heap_check(heap);
  assert(!heap->collecting && heap->release_depth == 0 && "a heap is handed over whole");
  if (heap->shared == 0) __atomic_store_n(&heap->owner, 0, __ATOMIC_RELAXED);
}

#endif

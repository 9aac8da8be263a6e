/* Observing: each object of a heap passes a probe when it is made and when it is freed, tracked or
 * not, while somebody listens.
 *
 * Who puts something at a probe (GDB a breakpoint, perf and bpftrace an event) raises its
 * *semaphore*, a counter in the program, and lowers it afterwards: systemtap's convention.  Objects
 * are made by a few instructions in the program itself, which can't ask.  So each heap has two
 * tables of plans, and programs use the one that heap->plans names:
 *
 *     plans_plain     as plan.c made them
 *     plans_observed  no row ever has a block, or room for one: all comes by the slow ways
 *
 * The slow ways look at the semaphores, and change the table where it is the wrong one.  Until a
 * row is empty, or full, that may be some dozen objects later; a debugger that wants the very next
 * one stores plans_observed in `plans` and sets heap_slow.observed itself, as docs/CONTRACT.md
 * says.
 *
 * Invariants:
 *  - Observing changes no address that a program sees: blocks come and go in the same order, of the
 *    same rows.
 *  - heap->slow has CAIRN_SLOW_OBSERVED and heap->plans is plans_observed, or neither; where a
 *    debugger, or a stop in between, left one of them, the next slow way settles it.
 *  - A row of plans_observed says of the type what that of plans_plain says.
 *
 * What this is not: tracking (track.c).  Nothing is recorded here.
 */
#ifndef CAIRN_OBSERVE_H
#define CAIRN_OBSERVE_H

#include "internal.h"

#if defined(CAIRN_PROBES)
/* Counters of those who listen; they change at any time. */
extern uint16_t cairn_allocate_semaphore __attribute__((visibility("hidden")));
extern uint16_t cairn_free_semaphore __attribute__((visibility("hidden")));
#endif

/* True while somebody listens. */
static inline bool cairn_observe_wanted(void) {
#if defined(CAIRN_PROBES)
  return (__atomic_load_n(&cairn_allocate_semaphore, __ATOMIC_RELAXED) |
          __atomic_load_n(&cairn_free_semaphore, __ATOMIC_RELAXED)) != 0;
#else
  return false;
#endif
}

/* Makes the heap observed, or not. */
void cairn_observe_settle(cairn_heap *heap, bool observed);

/* Called on slow ways, with the heap's lock: makes the heap observed when somebody listens. */
static inline void cairn_observe_look(cairn_heap *heap) {
  bool wanted = cairn_observe_wanted();
  bool slow = (heap->slow & CAIRN_SLOW_OBSERVED) != 0;
  bool table = heap->plans == heap->plans_observed;
  if (CAIRN_UNLIKELY(wanted != slow || wanted != table)) cairn_observe_settle(heap, wanted);
}

/* Longer tables of plans take the places of those there are. */
void cairn_observe_plans(cairn_heap *heap, struct cairn_plan *plain, struct cairn_plan *observed);

/* For a heap with one of CAIRN_SLOW_TOLD: an object was made. */
void cairn_observe_made(cairn_heap *heap, cairn_object *object);
/* A block is about to be freed.  True: it stays (cairn_track_free). */
bool cairn_observe_freed(cairn_heap *heap, void *block);

/* The probes `allocate` and `free` (CAIRN_EVENT_*); serial and caller are 0 where they are not
 * known. */
void cairn_observe_probe(uint32_t op, const cairn_object *object, uint64_t serial, uint64_t caller);

#endif

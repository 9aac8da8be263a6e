/* The cycle collector: one collection, from its start to its end.
 *
 * Synchronous trial deletion over the declared slots, after Bacon and Rajan.  Counts are never
 * touched by the search: trial counts lie beside the objects (detect.c, restore.c).  Then the
 * garbage is finalized in the order of PEP 442, and freed (reclaim.c).
 *
 * Invariants:
 *  - Nothing is allocated.
 *  - A collection never starts within a collection or within a cascade of deaths, so never from a
 *    finalizer: heap->release_depth is 0 and no death is parked.
 *
 * What this is not: it does not say when (due.c).
 */
#include "collect.h"

#include <time.h>

#include "observe.h"
#include "probe.h"
#include "tracking.h"

enum { FORGET_ARENAS = 4, FORGET_OBJECTS = 1024 };

/* Tells of the start or the end of a collection. */
static void tell(cairn_heap *heap, uint32_t op, uint64_t number, uint64_t freed_count) {
  if ((heap->slow & CAIRN_SLOW_TRACKED) != 0) {
    cairn_track_collect(heap, op, number, freed_count);
  }
}

/* Gives the memory behind the side bytes back, where that is worth the calls: a sixteenth of what
 * the objects take would else stay for good. */
static void forget_side(cairn_heap *heap, uint64_t looked_count) {
  if (heap->arena_count < FORGET_ARENAS || looked_count < heap->arena_count * FORGET_OBJECTS)
    return;
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    cairn_system_forget(arena->side, arena->side_bytes);
  }
}

static uint64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t collect(cairn_heap *heap, bool full) {
  if (!heap->ready || heap->collecting || heap->release_depth != 0) return 0;
  assert(heap->parked_head == NULL);
  cairn_observe_look(heap);
  uint32_t outer_flux = heap->flux;
  cairn_object *outer_object = heap->flux_object;
  uint64_t deaths_before = cairn_counts_of(heap).death_count;
  uint64_t number = heap->collection_count;
  uint64_t began_ns = now_ns();
  if (full) cairn_hot_flush(heap); /* pages that hold nothing but garbage go back whole */
  heap->collecting = true;
  CAIRN_PROBE(collect_start, heap, number, full, cairn_counts_of(heap).object_count,
              heap->candidate_count);
  tell(heap, CAIRN_EVENT_COLLECT_START, number, 0);

  cairn_flux_set(heap, CAIRN_FLUX_COLLECT, NULL);
  struct cairn_detection found = full ? cairn_detect_all(heap) : cairn_detect_candidates(heap);
  cairn_flux_set(heap, CAIRN_FLUX_RECLAIM, NULL);
  cairn_reclaim(heap, found.garbage_count);
  forget_side(heap, found.looked_count);
  if (found.full) cairn_intern_sweep(heap);

  uint64_t freed_count = cairn_counts_of(heap).death_count - deaths_before;
  heap->collection_count++;
  heap->collected_count += freed_count;
  cairn_collect_account(heap, full, &found, freed_count);
  CAIRN_PROBE(collect_end, heap, number, found.full, freed_count, found.looked_count);
  tell(heap, CAIRN_EVENT_COLLECT_END, number, freed_count);
  heap->collect_last_ns = now_ns() - began_ns;
  if (heap->collect_last_ns > heap->collect_longest_ns) {
    heap->collect_longest_ns = heap->collect_last_ns;
  }
  heap->collecting = false;
  cairn_flux_set(heap, outer_flux, outer_object);
  return freed_count;
}

uint64_t cairn_collect(cairn_heap *heap) {
  cairn_heap_check(heap);
  return heap->object_states != 0 ? cairn_shared_collect(heap) : collect(heap, true);
}

uint64_t cairn_collect_candidates(cairn_heap *heap) {
  cairn_heap_check(heap);
  return heap->object_states != 0 ? 0 : collect(heap, false);
}

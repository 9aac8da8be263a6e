/* Observing.  See observe.h. */
#define _SDT_HAS_SEMAPHORES 1
#include "observe.h"

#include "probe.h"
#include "tracking.h"

#if defined(CAIRN_PROBES)
uint16_t cairn_allocate_semaphore __attribute__((section(".probes"))) = 0;
uint16_t cairn_free_semaphore __attribute__((section(".probes"))) = 0;
#endif

void cairn_observe_settle(cairn_heap *heap, bool observed) {
  const uint32_t bit = CAIRN_SLOW_OBSERVED;
  heap->slow = observed ? heap->slow | bit : heap->slow & ~bit;
  struct cairn_plan *plans = observed ? heap->plans_observed : heap->plans_plain;
  __atomic_store_n(&heap->plans, plans, __ATOMIC_RELEASE);
}

void cairn_observe_plans(cairn_heap *heap, struct cairn_plan *plain, struct cairn_plan *observed) {
  bool was = heap->plans != NULL && heap->plans == heap->plans_observed;
  heap->plans_plain = plain;
  heap->plans_observed = observed;
  CAIRN_ORDER();
  __atomic_store_n(&heap->plans, was ? observed : plain, __ATOMIC_RELEASE);
}

/* Out of line, once each: a debugger has one place to stop at. */
__attribute__((noinline)) void cairn_observe_probe(uint32_t op, const cairn_object *object,
                                                   uint64_t serial, uint64_t caller) {
  uint32_t type = cairn_type_index(object);
  size_t bytes = cairn_block_size(object);
  if (bytes > UINT32_MAX) bytes = UINT32_MAX;
  if (op == CAIRN_EVENT_ALLOCATE) {
    CAIRN_PROBE(allocate, object, type, bytes, serial, caller);
  } else {
    CAIRN_PROBE(free, object, type, bytes, serial, caller);
  }
}

/* Of an object in a heap that is not tracked.  Nobody asks who calls: that takes the loader's lock.
 */
static void tell(cairn_heap *heap, uint32_t op, const cairn_object *object) {
  if (cairn_observe_wanted()) {
    cairn_observe_probe(op, object, 0, 0);
  } else {
    cairn_observe_settle(heap, false);
  }
}

void cairn_observe_made(cairn_heap *heap, cairn_object *object) {
  if ((heap->slow & CAIRN_SLOW_TRACKED) != 0) {
    cairn_track_allocate(heap, object);
  } else {
    tell(heap, CAIRN_EVENT_ALLOCATE, object);
  }
}

bool cairn_observe_freed(cairn_heap *heap, void *block) {
  if ((heap->slow & CAIRN_SLOW_TRACKED) != 0) return cairn_track_free(heap, block);
  const cairn_object *object = block;
  uint64_t header = object->header;
  if (header != 0 && (header & (CAIRN_STATE(BUFFER) | CAIRN_STATE(QUARANTINED))) == 0)
    tell(heap, CAIRN_EVENT_FREE, object);
  return false;
}

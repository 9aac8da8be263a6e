/* What the tests of tracking share: switching on, and the last events of the ring. */
#ifndef CAIRN_TESTS_TRACKED_H
#define CAIRN_TESTS_TRACKED_H

#include <unistd.h>

#include "nodes.h"
#include "tracking.h"

static inline void start(struct nodes *nodes, cairn_track_options options) {
  assert_true(cairn_track_start(nodes->heap, &options));
}

/* The n-th event from the end; 0: the last one. */
static inline const struct cairn_event *event_back(const struct nodes *nodes, uint64_t n) {
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  assert_true(n < tracking->event_count && n < tracking->event_capacity);
  uint64_t sequence = tracking->event_count - n;
  const struct cairn_event *event =
      &tracking->events[(sequence - 1) & (tracking->event_capacity - 1)];
  assert_int_equal(event->sequence, sequence);
  return event;
}

static inline void assert_event(const struct nodes *nodes, uint64_t n, uint32_t op,
                                const void *object, uint32_t count) {
  const struct cairn_event *event = event_back(nodes, n);
  assert_int_equal(event->op, op);
  assert_ptr_equal((void *)(uintptr_t)event->object, object);
  assert_int_equal(event->count, count);
  assert_int_equal(event->thread, gettid());
}

/* True when the address is in a function of this program. */
static inline bool is_in(uint64_t caller, const void *function, const void *function_end) {
  return caller > (uint64_t)(uintptr_t)function && caller <= (uint64_t)(uintptr_t)function_end;
}

#endif

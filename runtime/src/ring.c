/* The event ring: the last things that happened to traced objects.
 *
 * Invariants:
 *  - event_capacity is a power of two, or 0.
 *  - Event number n stands at (n - 1) % event_capacity, and says so in its `sequence`; while it is
 *    written its sequence is 0.  event_count is raised after it is complete.
 *
 * What this is not: it judges nothing; pairing is the reader's.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracking.h"

/* A system call an event would be too much, so each thread remembers its number; the child of a
 * fork forgets its parent's. */
static _Thread_local uint32_t thread_number;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void forget_thread(void) { thread_number = 0; }

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_thread); }

uint32_t cairn_thread_number(void) {
  if (thread_number == 0) {
    pthread_once(&fork_once, watch_forks);
    thread_number = (uint32_t)syscall(SYS_gettid);
  }
  return thread_number;
}

bool cairn_ring_set(struct cairn_tracking *tracking, uint64_t capacity) {
  assert((capacity & (capacity - 1)) == 0);
  struct cairn_event *before = tracking->events;
  uint64_t before_capacity = tracking->event_capacity;
  if (capacity == before_capacity) return true;
  if (capacity > SIZE_MAX / 2 / sizeof *before) return false;
  struct cairn_event *events = NULL;
  if (capacity != 0) {
    events = cairn_system_map(capacity * sizeof *events, 0);
    if (events == NULL) return false;
  }
  tracking->event_capacity = 0;
  CAIRN_ORDER();
  tracking->events = events;
  tracking->event_count = 0;
  CAIRN_ORDER();
  tracking->event_capacity = capacity;
  tracking->bytes += capacity * sizeof *events;
  if (before != NULL) {
    cairn_system_unmap(before, before_capacity * sizeof *before);
    tracking->bytes -= before_capacity * sizeof *before;
  }
  return true;
}

void cairn_ring_add(struct cairn_tracking *tracking, struct cairn_event event) {
  if (tracking->event_capacity == 0) return;
  uint64_t sequence = tracking->event_count + 1;
  struct cairn_event *place = &tracking->events[(sequence - 1) & (tracking->event_capacity - 1)];
  place->sequence = 0;
  CAIRN_ORDER();
  event.sequence = 0;
  event.thread = cairn_thread_number();
  *place = event;
  CAIRN_ORDER();
  place->sequence = sequence;
  CAIRN_ORDER();
  tracking->event_count = sequence;
}

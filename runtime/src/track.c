/* Tracking: switching it on and off, and what the rest of the runtime tells it.
 *
 * Serials are always given while a heap is tracked.  Everything else is a switch: sites, events,
 * quarantine, probes.  What needs the callers asks for them once a call.
 *
 * Invariants: those of tracking.h.  Switching on first gets all the memory that it needs and then
 * changes the heap, so that it fails without a trace.
 *
 * What this is not: it keeps no table itself (site.c, ring.c, quarantine.c).
 */
#include <sys/mman.h>

#include "observe.h"
#include "probe.h"
#include "tracking.h"

enum { HUGE_RECORDS = 2 * CAIRN_PAGE_BLOCKS_MAX, EVENTS_MAX_LOG2 = 40 };

/* Switches for which retains and releases take the slow way. */
#define TRACING (CAIRN_TRACK_EVENTS | CAIRN_TRACK_PROBES)

/* ---- records --------------------------------------------------------------------------------- */

static size_t records_bytes(const struct cairn_arena *arena) {
  size_t count =
      cairn_arena_is_huge(arena) ? HUGE_RECORDS : CAIRN_ARENA_PAGES * CAIRN_PAGE_BLOCKS_MAX;
  return count * sizeof(struct cairn_track_record);
}

static bool records_map(struct cairn_arena *arena) {
  if (arena->track != NULL) return true;
  arena->track = cairn_system_map(records_bytes(arena), 0);
  if (arena->track == NULL) return false;
  arena->track_bytes = records_bytes(arena);
  return true;
}

bool cairn_track_arena_begin(const cairn_heap *heap, struct cairn_arena *arena) {
  return heap->tracking == NULL || heap->tracking->on == 0 || records_map(arena);
}

void cairn_track_arena_end(struct cairn_arena *arena) {
  if (arena->track == NULL) return;
  struct cairn_track_record *records = arena->track;
  arena->track = NULL;
  CAIRN_ORDER();
  cairn_system_unmap(records, arena->track_bytes);
  arena->track_bytes = 0;
}

void cairn_track_pages_forget(struct cairn_arena *arena, uint32_t first, uint32_t count) {
  size_t page_bytes = CAIRN_PAGE_BLOCKS_MAX * sizeof(struct cairn_track_record);
  char *start = (char *)arena->track + first * page_bytes;
  madvise(start, count * page_bytes, MADV_DONTNEED); /* private: reads as 0 from now on */
}

static void each_arena_end(cairn_heap *heap) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    cairn_track_arena_end(arena);
  }
}

/* ---- what happened --------------------------------------------------------------------------- */

/* An event of an object, as far as it is known: of `callers` the ring keeps the first, and the site
 * where there are more. */
static void record(struct cairn_tracking *tracking, struct cairn_event event,
                   const cairn_object *object, const struct cairn_callers *callers) {
  if ((tracking->switches & CAIRN_TRACK_EVENTS) == 0) return;
  event.object = (uint64_t)(uintptr_t)object;
  event.type = object == NULL ? 0 : cairn_type_index(object);
  event.caller = callers->count == 0 ? 0 : callers->frames[0];
  event.stack = callers->stack;
  event.site = callers->count > 1 ? cairn_site_number(tracking, callers) : 0;
  cairn_ring_add(tracking, event);
}

static void record_event(struct cairn_tracking *tracking, const cairn_object *object, uint32_t op,
                         uint32_t count, uint64_t serial, const struct cairn_callers *callers) {
  const struct cairn_event event = {.serial = serial, .op = op, .count = count};
  record(tracking, event, object, callers);
}

void cairn_track_caught(cairn_heap *heap, const cairn_object *object, uint32_t op,
                        const struct cairn_callers *callers, const void *holder) {
  const struct cairn_event event = {.serial = cairn_track_record_of(object)->serial,
                                    .op = op,
                                    .inner = callers->inner || holder != NULL,
                                    .caught = 1,
                                    .holder = (uint64_t)(uintptr_t)holder};
  record(heap->tracking, event, object, callers);
}

void cairn_track_allocate(cairn_heap *heap, cairn_object *object) {
  struct cairn_tracking *tracking = heap->tracking;
  struct cairn_track_record *record = cairn_track_record_of(object);
  struct cairn_callers callers = {.count = 0};
  if ((tracking->switches & (CAIRN_TRACK_SITES | TRACING)) != 0) {
    cairn_callers_find((struct cairn_call){0}, tracking->backtrace, &callers);
  }
  *record = (struct cairn_track_record){.serial = ++tracking->serial_last,
                                        .type = cairn_type_index(object)};
  if ((tracking->switches & CAIRN_TRACK_SITES) != 0) {
    record->site = cairn_site_number(tracking, &callers);
    struct cairn_site *site = cairn_site_at(tracking, record->site);
    if (site != NULL) {
      site->object_count++;
      site->object_bytes += cairn_block_size(object);
      site->allocation_count++;
    }
  }
  if ((tracking->switches & TRACING) != 0) cairn_header_set(object, CAIRN_STATE(TRACED));
  record_event(tracking, object, CAIRN_EVENT_ALLOCATE, cairn_refcount(object), record->serial,
               &callers);
  cairn_observe_probe(CAIRN_EVENT_ALLOCATE, object, record->serial, callers.frames[0]);
}

/* The object is about to go: what is known of its end is noted. */
static void note_free(struct cairn_tracking *tracking, const cairn_object *object,
                      struct cairn_track_record *record) {
  struct cairn_callers callers = {.count = 0};
  bool wanted = tracking->sites != NULL || (tracking->switches & TRACING) != 0;
  if (wanted) cairn_callers_find((struct cairn_call){0}, tracking->backtrace, &callers);
  record->freed_site = cairn_site_number(tracking, &callers);
  record->freed_thread = cairn_thread_number();
  struct cairn_site *site = cairn_site_at(tracking, record->site);
  if (site != NULL) {
    site->object_count--;
    site->object_bytes -= cairn_block_size(object);
  }
  record_event(tracking, object, CAIRN_EVENT_FREE, 0, record->serial, &callers);
  cairn_observe_probe(CAIRN_EVENT_FREE, object, record->serial, callers.frames[0]);
}

bool cairn_track_free(cairn_heap *heap, void *block) {
  struct cairn_tracking *tracking = heap->tracking;
  const cairn_object *object = block;
  uint64_t header = object->header;
  if (header == 0) return false; /* never live, or on its way out of the quarantine */
  if ((header & CAIRN_STATE(QUARANTINED)) != 0) {
    cairn_quarantine_misused(heap, block, CAIRN_MISUSE_RELEASE, (struct cairn_call){0}, NULL);
    return true;
  }
  struct cairn_track_record *record = cairn_track_record_of(block);
  bool keep = (tracking->switches & CAIRN_TRACK_QUARANTINE) != 0;
  if ((header & CAIRN_STATE(BUFFER)) == 0) {
    record->type = cairn_type_index(object);
    note_free(tracking, object, record);
  } else if (keep) {
    struct cairn_callers callers;
    cairn_callers_find((struct cairn_call){0}, tracking->backtrace, &callers);
    *record = (struct cairn_track_record){.freed_site = cairn_site_number(tracking, &callers),
                                          .freed_thread = cairn_thread_number()};
  }
  return keep && cairn_quarantine_keep(heap, block, record);
}

void cairn_track_count(cairn_object *object, uint32_t op, uint32_t count, struct cairn_call call,
                       const void *holder) {
  cairn_heap *heap = cairn_object_heap(object);
  struct cairn_tracking *tracking = heap->tracking;
  if (tracking->on == 0) return; /* it was dying when tracking stopped, and came back */
  uint64_t serial = cairn_track_record_of(object)->serial;
  struct cairn_callers callers;
  cairn_callers_find(call, tracking->backtrace, &callers);
  cairn_heap_lock(heap);
  const struct cairn_event event = {.serial = serial,
                                    .op = op,
                                    .count = count,
                                    .inner = callers.inner || holder != NULL,
                                    .holder = (uint64_t)(uintptr_t)holder};
  record(tracking, event, object, &callers);
  if (op == CAIRN_EVENT_RETAIN) {
    CAIRN_PROBE(retain, object, cairn_type_index(object), count, serial, callers.frames[0]);
  } else {
    CAIRN_PROBE(release, object, cairn_type_index(object), count, serial, callers.frames[0]);
  }
  cairn_heap_unlock(heap);
}

void cairn_track_collect(cairn_heap *heap, uint32_t op, uint64_t number, uint64_t freed_count) {
  struct cairn_callers callers;
  cairn_callers_find((struct cairn_call){0}, heap->tracking->backtrace, &callers);
  uint32_t count = freed_count > UINT32_MAX ? UINT32_MAX : (uint32_t)freed_count;
  record_event(heap->tracking, NULL, op, count, number, &callers);
  if (op == CAIRN_EVENT_COLLECT_END) {
    cairn_quarantine_shrink(heap, heap->tracking->quarantine_limit);
  }
}

void cairn_track_relieve(cairn_heap *heap) {
  if (heap->tracking != NULL) cairn_quarantine_shrink(heap, 0);
}

/* ---- on and off ------------------------------------------------------------------------------ */

/* All objects that live: a serial where there is none, and state.traced as it has to be. */
static void settle_object(cairn_object *object, void *context) {
  struct cairn_tracking *tracking = context;
  struct cairn_track_record *record = cairn_track_record_of(object);
  if (record->serial == 0) {
    *record = (struct cairn_track_record){.serial = ++tracking->serial_last,
                                          .type = cairn_type_index(object)};
  }
  if (cairn_is_immortal(object)) return;
  if ((tracking->switches & TRACING) != 0) {
    cairn_header_set(object, CAIRN_STATE(TRACED));
  } else {
    cairn_header_clear(object, CAIRN_STATE(TRACED));
  }
}

static uint32_t switches_of(const cairn_track_options *options) {
  return (options->sites ? (uint32_t)CAIRN_TRACK_SITES : 0) |
         (options->events != 0 ? (uint32_t)CAIRN_TRACK_EVENTS : 0) |
         (options->quarantine_bytes != 0 ? (uint32_t)CAIRN_TRACK_QUARANTINE : 0) |
         (options->probes ? (uint32_t)CAIRN_TRACK_PROBES : 0);
}

/* All memory that the switches need, the ring last.  False: what was mapped here is gone again. */
static bool get_memory(cairn_heap *heap, struct cairn_tracking *tracking, uint32_t switches,
                       uint64_t events) {
  bool had_sites = tracking->sites != NULL;
  bool sites = (switches & (CAIRN_TRACK_SITES | CAIRN_TRACK_QUARANTINE)) != 0;
  bool done = !sites || cairn_sites_begin(tracking);
  for (struct cairn_arena *arena = heap->arenas; done && arena != NULL; arena = arena->next) {
    done = records_map(arena);
  }
  if (done && cairn_ring_set(tracking, events)) return true;
  if (!had_sites) cairn_sites_end(tracking);
  if (tracking->on == 0) each_arena_end(heap);
  return false;
}

/* The next power of two; 0 for 0 and for what is out of all reach. */
static uint64_t ring_capacity(uint64_t events) {
  uint64_t capacity = 1;
  while (capacity < events && capacity < 1ull << EVENTS_MAX_LOG2) capacity *= 2;
  return events == 0 ? 0 : capacity;
}

static struct cairn_tracking *tracking_of(cairn_heap *heap) {
  if (heap->tracking == NULL) {
    struct cairn_tracking *tracking = cairn_chunk_try(heap, sizeof *tracking);
    if (tracking == NULL) return NULL;
    CAIRN_ORDER();
    heap->tracking = tracking;
  }
  return heap->tracking;
}

static bool start(cairn_heap *heap, const cairn_track_options *options) {
  struct cairn_tracking *tracking = tracking_of(heap);
  if (tracking == NULL) return false;
  uint32_t switches = switches_of(options);
  if (!get_memory(heap, tracking, switches, ring_capacity(options->events))) return false;
  tracking->switches = switches;
  tracking->backtrace = options->backtrace == 0 ? 1 : options->backtrace;
  if (tracking->backtrace > CAIRN_TRACK_FRAMES_MAX) tracking->backtrace = CAIRN_TRACK_FRAMES_MAX;
  tracking->misuse = options->misuse;
  tracking->misuse_context = options->misuse_context;
  tracking->on = 1;
  cairn_quarantine_shrink(heap, options->quarantine_bytes);
  tracking->quarantine_limit = options->quarantine_bytes;
  cairn_heap_walk(heap, settle_object, tracking);
  cairn_heap_slow_set(heap, CAIRN_SLOW_TRACKED, true);
  return true;
}

bool cairn_track_start(cairn_heap *heap, const cairn_track_options *options) {
  cairn_heap_check(heap);
  assert(options->backtrace <= CAIRN_TRACK_FRAMES_MAX);
  cairn_heap_lock(heap);
  bool started = start(heap, options);
  cairn_heap_unlock(heap);
  return started;
}

static void stop(cairn_heap *heap, struct cairn_tracking *tracking) {
  cairn_quarantine_shrink(heap, 0);
  tracking->switches = 0;
  tracking->quarantine_limit = 0;
  cairn_heap_walk(heap, settle_object, tracking);
  tracking->on = 0;
  cairn_heap_slow_set(heap, CAIRN_SLOW_TRACKED, false);
  bool emptied = cairn_ring_set(tracking, 0);
  assert(emptied);
  (void)emptied;
  cairn_sites_end(tracking);
  each_arena_end(heap);
}

void cairn_track_stop(cairn_heap *heap) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  if (heap->tracking != NULL && heap->tracking->on != 0) stop(heap, heap->tracking);
  cairn_heap_unlock(heap);
}

/* ---- questions ------------------------------------------------------------------------------- */

uint64_t cairn_track_serial(const cairn_object *object) {
  const struct cairn_track_record *record = cairn_track_record_of(object);
  return record == NULL ? 0 : record->serial;
}

uint32_t cairn_track_site(const cairn_object *object, uint64_t *callers, uint32_t capacity) {
  const struct cairn_track_record *record = cairn_track_record_of(object);
  if (record == NULL || record->site == 0) return 0;
  const struct cairn_site *site = cairn_site_at(cairn_object_heap(object)->tracking, record->site);
  for (uint32_t i = 0; i < site->frame_count && i < capacity; i++) callers[i] = site->frames[i];
  return site->frame_count;
}

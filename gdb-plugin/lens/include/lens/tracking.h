/* Tracking: what the program recorded of its objects.
 *
 * Callers are return addresses in the program: the call stands right before them.  0: not known.
 * Nothing here needs a snapshot. */
#ifndef LENS_LENS_TRACKING_H
#define LENS_LENS_TRACKING_H

#include "lens/model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lens_track_switch {
  LENS_TRACK_SITES = 1,
  LENS_TRACK_EVENTS = 2,
  LENS_TRACK_QUARANTINE = 4,
  LENS_TRACK_PROBES = 8
};
typedef struct lens_tracking {
  uint32_t switches;  /* enum lens_track_switch; 0 where only serials are given */
  uint32_t on;        /* 0: it was switched off again; all that follows is 0, but serial_last */
  uint32_t backtrace; /* callers a site at most */
  uint32_t site_count;
  uint64_t serial_last;
  uint64_t event_capacity, event_count, event_lost; /* recorded so far; of them, overwritten */
  uint64_t site_lost;                               /* places without room in the table */
  uint64_t quarantine_count, quarantine_bytes, quarantine_limit;
  uint64_t misuse_count; /* uses of freed objects that the program caught */
} lens_tracking;
/* LENS_NOT_FOUND when the heap was never tracked. */
LENS_API lens_status lens_tracking_get(const lens *self, uint64_t heap, lens_tracking *out);

/* What is known of the object in a block, or of the last one that was in it. */
typedef struct lens_track {
  uint64_t base;                           /* the block */
  uint64_t serial;                         /* 0: a buffer, or nothing is known */
  uint32_t place;                          /* enum lens_place of the block: LENS_PLACE_FREED, ... */
  uint32_t heap;                           /* flat */
  uint32_t type;                           /* flat; LENS_NONE: a buffer, or not known */
  uint32_t site, freed_site, freed_thread; /* 0: not known, or it lives */
} lens_track;
/* The record of the block that holds `address`.  LENS_NOT_FOUND when there is no block, no record,
 * or nothing in it. */
LENS_API lens_status lens_track_at(lens *self, uint64_t address, lens_track *out);

enum lens_event_op {
  LENS_EVENT_OTHER,
  LENS_EVENT_ALLOCATE,
  LENS_EVENT_FREE, /* garbage in cycles goes without releases of its own */
  LENS_EVENT_RETAIN,
  LENS_EVENT_RELEASE,
  LENS_EVENT_COLLECT_START, /* object 0; serial: collections before it */
  LENS_EVENT_COLLECT_END    /* count: objects that it freed */
};
typedef struct lens_event {
  uint64_t sequence; /* 1, 2, ... in the heap */
  uint64_t object, serial, caller;
  uint32_t op, count; /* enum lens_event_op; the count after it */
  uint32_t type;      /* flat; LENS_NONE: not known */
  uint32_t thread, site, heap;
  uint32_t inner;  /* of a retain or release, 1: the runtime made it on behalf of the caller: a
                      container took the object or let it go; 0 also where that is not known */
  uint32_t caught; /* 1: of a freed object in quarantine; it changed nothing */
  uint64_t stack;  /* where the stack of `caller` ended at its call: the same in one activation of
                      a function; 0: not known */
  uint64_t holder; /* of a retain or release, what keeps the reference from now on, or kept it: an
                      object, or a word in one or outside; 0: the caller itself, or not known */
} lens_event;
/* The events of a heap that are left: of one object (its address; 0: any) and of one identity (its
 * serial; 0: any).  In order, or with `newest_first` the other way round; from the first-th on, at
 * most `capacity`; `*total` is how many there are.  O(ring). */
LENS_API lens_status lens_events(lens *self, uint64_t heap, uint64_t object, uint64_t serial,
                                 uint32_t newest_first, uint64_t first, uint64_t capacity,
                                 lens_event *events, uint64_t *written, uint64_t *total);

/* Uses of freed objects that were caught in quarantine.  All of them: matched + others + unknown.
 */
typedef struct lens_misuses {
  uint64_t matched; /* of types that match; without a pattern: all */
  uint64_t others;  /* of other types */
  uint64_t unknown; /* with a pattern: of which no event is left, or that does not tell the type */
} lens_misuses;
/* Those of a heap, of types whose name matches `type_glob` (NULL: all; as in lens_filter): how
 * many, and the last of their events that are left, the newest first.  All 0 where the heap never
 * tracked. O(ring) where there is one, else O(1).  LENS_NO_MEMORY, LENS_CANCELLED. */
LENS_API lens_status lens_misuses_get(lens *self, uint64_t heap, const char *type_glob,
                                      uint64_t capacity, lens_event *events, uint64_t *written,
                                      lens_misuses *out);

#define LENS_SITE_FRAMES 8u /* lens_site.frames */
typedef struct lens_site {
  uint32_t number, frame_count;
  uint64_t object_count, object_bytes; /* that live and were allocated here */
  uint64_t allocation_count;           /* ever */
  uint64_t frames[8];                  /* callers, the innermost first */
} lens_site;
/* One site of a heap by its number, from 1; LENS_NOT_FOUND when there is none. */
LENS_API lens_status lens_site_get(lens *self, uint64_t heap, uint32_t number, lens_site *out);
/* The sites of a heap in the order of their numbers, from the first-th on. */
LENS_API lens_status lens_sites(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                                lens_site *sites, uint64_t *written, uint64_t *total);

/* The blocks in quarantine, the one that was freed first first, from the first-th on; place is
 * LENS_PLACE_QUARANTINED, or LENS_PLACE_DAMAGED for a block whose header was written to.  A list
 * that leads astray ends there, with a problem. */
LENS_API lens_status lens_quarantine(lens *self, uint64_t heap, uint64_t first, uint64_t capacity,
                                     lens_track *rows, uint64_t *written, uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif

/* Tracking: who allocated an object, who retained and released it, who freed it.
 *
 * Off by default, and then it costs nothing.  It can be switched on for a heap at any time, by a
 * call or by the environment; what is recorded lies in the program's own memory, where a debugger
 * finds it, in a core too (docs/CONTRACT.md).  While it is on, each object of the heap has
 *
 *   a serial   1, 2, 3, ...: its identity, which survives the reuse of its address
 *   a site     where it was allocated: the caller's address, or a short backtrace
 *
 * and there may be
 *
 *   events     a ring of the last retains, releases, allocations, frees and collections
 *   quarantine freed blocks are filled with a pattern and kept back for a while: a use of one is
 *              caught and reported
 *
 * A *caller* is the innermost function of the program: of a list that grows it is the line that
 * appends, in a finalizer it is the line of the finalizer.  Addresses are return addresses: the
 * call stands right before them.
 *
 * CAIRN_TRACK in the environment switches tracking on for the heaps of a program as they are made.
 * It is a list of words, separated by commas:
 *
 *     sites            record sites                     backtrace=N   N callers a site (1 to 8)
 *     events[=N]       keep the last N events (65536)   probes        fire the USDT probes
 *     quarantine[=N]   keep back N bytes (16M)          heap=NAME     only heaps of that name
 *
 * N may end in k, M or G, small or large: 1024, 1024 of these, ...  A word that makes no sense is
 * named on stderr once, and ignored.
 *
 * What is recorded takes memory of its own that no limit counts: a heap behaves under tracking as
 * it does without.  Only quarantined blocks count, and they are given up before an allocation
 * fails.
 */
#ifndef CAIRN_TRACK_H
#define CAIRN_TRACK_H

#include "cairn/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_TRACK_FRAMES_MAX 8

/* What was done to an object after it was freed. */
enum cairn_misuse { CAIRN_MISUSE_RETAIN = 1, CAIRN_MISUSE_RELEASE, CAIRN_MISUSE_WRITE };

/* A use of a freed object.  Nothing in it outlives the call.  Callers: 0 where not known. */
typedef struct cairn_misuse_report {
  enum cairn_misuse misuse;
  const void *address;   /* of the object, or of a buffer that an object owned */
  uint64_t serial;       /* 0: of a buffer */
  const char *type_name; /* what it was */
  uint64_t allocated_by, freed_by;
  uint64_t used_by; /* 0 for CAIRN_MISUSE_WRITE, which is found only later */
  const char *text; /* all that in one line */
} cairn_misuse_report;

/* Called on the heap's thread, in the middle of the wrong call; it may not use the heap.  When it
 * returns, the wrong retain or release is ignored. */
typedef void (*cairn_misuse_fn)(cairn_heap *heap, const cairn_misuse_report *report, void *context);

typedef struct cairn_track_options {
  bool sites;
  uint32_t backtrace;        /* callers a site, 1 to CAIRN_TRACK_FRAMES_MAX; 0 means 1 */
  uint64_t events;           /* how many to keep, rounded up to a power of two; 0: none */
  uint64_t quarantine_bytes; /* how much to keep back; 0: none */
  bool probes;               /* fire the probes of retain and release (docs/TRACKING.md) */
  cairn_misuse_fn misuse;    /* NULL: a line on stderr, then abort() where assertions are on */
  void *misuse_context;
} cairn_track_options;

/* Switches tracking on, or changes what is tracked: what is on already and stays so keeps what it
 * recorded (a ring of another size starts anew).  Objects that exist get serials now, in the order
 * of their addresses, and no site.  False: no memory; all is as it was.  Allocates nothing on the
 * heap.  O(objects).  The heap's thread; not within cairn_heap_walk. */
CAIRN_API bool cairn_track_start(cairn_heap *heap, const cairn_track_options *options);

/* Switches tracking off: the blocks in quarantine are checked and freed, what was recorded is
 * forgotten.  Serials are never used again, even after another start.  O(objects). */
CAIRN_API void cairn_track_stop(cairn_heap *heap);

/* The object's serial; 0 when its heap is not tracked.  O(1). */
CAIRN_API uint64_t cairn_track_serial(const cairn_object *object);

/* The callers that allocated the object, the innermost first, at most `capacity` of them; returns
 * how many are known.  O(1). */
CAIRN_API uint32_t cairn_track_site(const cairn_object *object, uint64_t *callers,
                                    uint32_t capacity);

#ifdef __cplusplus
}
#endif

#endif

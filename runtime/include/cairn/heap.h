/* Heaps: making one, limits, statistics, the cycle collector, destroying.
 *
 * A heap owns its objects, arenas and types.  There is no global heap and no thread-local state.
 *
 * Threads.  Heaps are independent.  An ordinary heap is used by one thread at a time: by the one
 * that made it, until that one hands it over whole (cairn_heap_hand_over).  A build of the library
 * with assertions on aborts when another thread uses it.
 *
 * Shared heaps (options.shared).  Any thread allocates in it, and retains, releases and reads its
 * objects; ordinary heaps' slots may hold them.  Only these objects have atomic counts, and only
 * they pay for that.
 *  - Once other threads know an object it does not change, nor does what it holds; or the program
 *    guards it with a lock of its own.
 *  - Its slots, weak ones included, hold objects of the same heap only; cairn_share_copy (share.h)
 *    copies others.
 *  - The last release, in whatever thread, is its death.  The finalizer runs there, under the
 * heap's lock: it may allocate and release in this heap, but it must not wait for other threads,
 * use another shared heap, or make or destroy a heap.  The same holds for near_limit.
 *  - Weak slots of all heaps may refer to it, and are cleared by its death in another thread.
 *  - No collection while threads use it: cairn_collect then only drops unused interned strs, and
 *    cycles wait for cairn_collect_exclusive or the heap's end.
 *  - cairn_heap_validate and cairn_heap_destroy need the heap for themselves.  It is destroyed
 * after the heaps whose objects hold some of its own.
 */
#ifndef CAIRN_HEAP_H
#define CAIRN_HEAP_H

#include "cairn/object.h"
#include "cairn/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called when an allocation would pass the heap's limit, after a collection did not help.  It may
 * release objects or raise the limit with cairn_heap_limit_set.  Return true to try once more. */
typedef bool (*cairn_near_limit_fn)(cairn_heap *heap, uint64_t wanted_bytes, void *context);

typedef struct cairn_heap_options {
  const char *name; /* shown by the debugger; copied, cut to 31 bytes; NULL: "heap N" */
  /* Of arenas, metadata and external bytes; 0: none.  An empty heap takes less than 5 MB, most of
   * it never touched; with a limit below that there is no heap. */
  uint64_t limit_bytes;
  cairn_near_limit_fn near_limit;
  void *near_limit_context;
  bool manual_collection; /* never collect by itself: only cairn_collect does */
  bool shared;            /* for all threads, see "Shared heaps" below */
} cairn_heap_options;

/* A new heap with the built-in types, none, true, false and the small ints.  `options` may be
 * NULL.  NULL when out of memory.  Any thread. */
CAIRN_API cairn_heap *cairn_heap_new(const cairn_heap_options *options);

/* What was still alive when a heap was destroyed. */
typedef struct cairn_leak_report {
  uint64_t object_count; /* objects still counted, after a last full collection */
  uint64_t bytes;        /* of their blocks and buffers */
  struct cairn_leak {
    const char *type_name; /* cut to what fits */
    char name_storage[32];
    uint64_t object_count;
    uint64_t bytes;
  } types[16]; /* the biggest by bytes, descending */
  size_t type_count;
} cairn_leak_report;

/* Collects cycles, reports what is left, frees everything.  Finalizers of leaked objects do not
 * run, but what they hold in shared heaps is released.  `report` may be NULL.  True when nothing
 * was left. */
CAIRN_API bool cairn_heap_destroy(cairn_heap *heap, cairn_leak_report *report);

/* The calling thread is done with the heap for now: the next thread that uses it owns it.  Call it
 * before the heap is put where that thread finds it; that has to order memory between the two, as a
 * queue with a lock does.  Not from a finalizer.  Does nothing to a shared heap, nor in a library
 * built without assertions.  O(1). */
CAIRN_API void cairn_heap_hand_over(cairn_heap *heap);

typedef struct cairn_stats {
  uint64_t object_count, buffer_count;
  uint64_t used_bytes;     /* blocks in use, whole blocks */
  uint64_t cached_bytes;   /* reserved and free: what is neither used nor an arena's first page */
  uint64_t reserved_bytes; /* arenas mapped now */
  uint64_t returned_bytes; /* given back to the system so far */
  uint64_t external_bytes, limit_bytes;
  uint64_t arena_count, page_count, page_free_count;
  uint64_t allocation_count, free_count; /* blocks, so far */
  uint64_t collection_count, collected_count, candidate_count;
} cairn_stats;

/* O(1).  The heap's thread. */
CAIRN_API void cairn_heap_stats(const cairn_heap *heap, cairn_stats *stats);

/* The memory limit; 0: none.  While more than that is taken, each allocation collects, asks
 * near_limit, and fails. */
CAIRN_API void cairn_heap_limit_set(cairn_heap *heap, uint64_t limit_bytes);

/* Tells the heap of bytes outside it that `object` keeps alive; negative when they are given back,
 * at the latest in its finalizer.  They count towards the limit and towards the next automatic
 * collection.  Nothing is collected in here. */
CAIRN_API void cairn_external_add(cairn_object *object, int64_t bytes);

/* Finds cycles of garbage and frees them; returns how many objects were freed, with those that only
 * the garbage held, and those that finalizers made and dropped.  Weak references
 * to the garbage are cleared, then finalizers run, then what they resurrected is kept, then the
 * rest is freed.  Called from a finalizer it does nothing and returns 0.  Allocates nothing.
 * cairn_collect looks at the whole heap, cairn_collect_candidates only at what the objects whose
 * count was dropped since the last collection reach. */
CAIRN_API uint64_t cairn_collect(cairn_heap *heap);
CAIRN_API uint64_t cairn_collect_candidates(cairn_heap *heap);

/* As cairn_collect, of a shared heap too: no other thread may use it or its objects meanwhile. What
 * other heaps hold is kept.  Two walks more than a collection. */
CAIRN_API uint64_t cairn_collect_exclusive(cairn_heap *heap);

/* Calls `visit` with each live object, in address order.  `visit` must not allocate, retain or
 * release. */
CAIRN_API void cairn_heap_walk(cairn_heap *heap, cairn_visit_fn visit, void *context);

/* Checks headers, pages, free lists and counts (heap references <= count).  NULL when all is
 * well, else a static text that names the first problem.  O(heap). */
CAIRN_API const char *cairn_heap_validate(cairn_heap *heap);

#ifdef __cplusplus
}
#endif

#endif

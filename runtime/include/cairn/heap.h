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
 *    heap's lock: it may allocate and release in this heap, but it must not wait for other threads,
 *    use another shared heap, or make or destroy a heap.  The same holds for near_limit.
 *  - Weak slots of all heaps may refer to it, and are cleared by its death in another thread.
 *  - No collection while threads use it: cairn_collect then only drops unused interned strs, and
 *    cycles wait for cairn_collect_exclusive or the heap's end.
 *  - cairn_heap_validate and cairn_heap_destroy need the heap for themselves.  It is destroyed
 *    after the heaps whose objects hold some of its own.
 */
#ifndef CAIRN_HEAP_H
#define CAIRN_HEAP_H

#include "cairn/object.h"
#include "cairn/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Heaps with one limit over all of them (group.h). */
typedef struct cairn_group cairn_group;

/* What an allocation met. */
enum cairn_limit_kind {
  CAIRN_LIMIT_SOFT = 1,  /* the soft limit was passed; nothing fails */
  CAIRN_LIMIT_HARD = 2,  /* limit_bytes */
  CAIRN_LIMIT_GROUP = 3, /* the limit of the heap's group */
  CAIRN_LIMIT_SYSTEM = 4 /* the system gives no more */
};

/* Called when an allocation would fail, after a collection did not help: return true to have it
 * tried once more (cycles that the callback dropped are collected first when need be).  And once
 * each time that the soft limit is passed, with wanted_bytes 0, after a collection did not bring
 * the heap below it; the result is not looked at then.
 * It may do anything but destroy the heap: release, collect, raise a limit, allocate.  It is not
 * called from within itself: what it allocates in vain just fails.  `wanted_bytes` is the size of
 * the block or table that was asked for; the heap takes memory in arenas of 4 MB. */
typedef bool (*cairn_near_limit_fn)(cairn_heap *heap, enum cairn_limit_kind kind,
                                    uint64_t wanted_bytes, void *context);

typedef struct cairn_heap_options {
  const char *name; /* shown by the debugger; copied, cut to 31 bytes; NULL: "heap N" */
  /* Of what the heap takes (cairn_stats.taken_bytes); 0: none.  An empty heap takes less than 5 MB,
   * most of it never touched; with a limit below that there is no heap. */
  uint64_t limit_bytes;
  cairn_near_limit_fn near_limit;
  void *near_limit_context;
  bool manual_collection; /* never collect by itself: only cairn_collect, and the hard limit, do */
  bool shared;            /* for all threads, see "Shared heaps" above */
  uint64_t soft_limit_bytes; /* 0: none; see cairn_heap_soft_limit_set */
  cairn_group *group;        /* NULL: none; a group that has no room for it gives no heap */
  uint64_t reserved[6];      /* 0; so programs keep running with later libraries */
} cairn_heap_options;

/* A new heap with the built-in types, none, true, false and the small ints.  `options` may be
 * NULL.  NULL when out of memory, or when a limit leaves no room for an empty heap.  Any thread.
 * O(1). */
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
    uint64_t external_bytes;
  } types[16]; /* the biggest by bytes, external ones too, descending */
  size_t type_count;
  uint64_t external_bytes; /* that they keep outside the heap; not in `bytes` */
} cairn_leak_report;

/* Collects cycles, reports what is left, frees everything.  Finalizers of leaked objects do not
 * run, but what they hold in shared heaps is released.  `report` may be NULL.  True when nothing
 * was left.  Aborts within a collection or a finalizer of this heap.  O(heap). */
CAIRN_API bool cairn_heap_destroy(cairn_heap *heap, cairn_leak_report *report);

/* The calling thread is done with the heap for now: the next thread that uses it owns it.  Call it
 * before the heap is put where that thread finds it; that has to order memory between the two, as a
 * queue with a lock does.  Not from a finalizer.  Does nothing to a shared heap, nor in a library
 * built without assertions.  O(1). */
CAIRN_API void cairn_heap_hand_over(cairn_heap *heap);

/* The heap in numbers.  New members come at the end, so that a program goes on with a later
 * library, and with an earlier one, in which they are 0. */
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
  uint64_t metadata_bytes;   /* types, names, the weak table, the table of external bytes */
  uint64_t taken_bytes;      /* what limits speak of: reserved + metadata + external */
  uint64_t peak_bytes;       /* the most that taken_bytes ever was */
  uint64_t soft_limit_bytes; /* 0: none */
  uint64_t group_limit_bytes, group_taken_bytes; /* of the heap's group; 0: none */
  uint64_t side_bytes;      /* address space beside arenas for the collector; no limit counts it */
  uint64_t type_count;      /* built-in ones too */
  uint64_t collect_last_ns; /* how long the last collection took, finalizers included */
  uint64_t collect_longest_ns; /* and the longest one */
} cairn_stats;

/* Fills the first `stats_bytes` of `stats`, what this library does not know with 0.  O(1). */
CAIRN_API void cairn_heap_stats_sized(const cairn_heap *heap, cairn_stats *stats,
                                      size_t stats_bytes);

/* O(1).  The heap's thread. */
static inline void cairn_heap_stats(const cairn_heap *heap, cairn_stats *stats) {
  cairn_heap_stats_sized(heap, stats, sizeof *stats);
}

/* Gives back to the system all memory that is empty now, and what is kept ready for the next
 * allocations; returns how many bytes.  O(arenas and their pages). */
CAIRN_API uint64_t cairn_heap_trim(cairn_heap *heap);

/* The hard limit of what the heap takes; 0: none.  An allocation that would pass it collects, asks
 * near_limit, and fails.  No mapping passes it; external bytes may, and so may a limit that is set
 * below what is taken: until enough was given back each allocation is treated so, whether or not
 * there are free blocks.
 * A forced collection that freed less than was wanted is not repeated before one block in 32 of the
 * live ones came, went or became a candidate, or as much was allocated as is wanted: what a program
 * pays at its limit is bounded by what it does.  cairn_collect always collects.  O(1): nothing is
 * given back by setting it. */
CAIRN_API void cairn_heap_limit_set(cairn_heap *heap, uint64_t limit_bytes);

/* The soft limit; 0: none.  When what the heap takes grows above it, the next allocation collects
 * first (unless manual_collection), and where the heap without its free pages and blocks is still
 * above calls near_limit with CAIRN_LIMIT_SOFT: once, until the heap was below it, or it was set,
 * again.  It is looked at when an arena of 4 MB or external bytes are added.  O(1). */
CAIRN_API void cairn_heap_soft_limit_set(cairn_heap *heap, uint64_t soft_limit_bytes);

/* Moves the heap, with all that it takes, to another group; NULL: to none.  False when that group
 * has no room for it: it then stays where it was.  O(1). */
CAIRN_API bool cairn_heap_group_set(cairn_heap *heap, cairn_group *group);

/* Tells the heap of bytes outside it that `object` keeps alive: an image, a file's mapping, memory
 * of another library.  Negative when they are given back; what is left at the object's death is
 * given back then.  They count towards the limits and towards the next automatic collection, the
 * leak report and the debugger name them.  False when there is no memory for the note, and for an
 * immortal object; nothing is noted then.  Nothing is collected in here, and no limit refuses it.
 * A heap's sum stays below 2^63: what is above is cut, as is what an object never had. */
CAIRN_API bool cairn_external_add(cairn_object *object, int64_t bytes);
/* What the object keeps now.  O(1), as adding is. */
CAIRN_API uint64_t cairn_external_bytes(const cairn_object *object);

/* Finds cycles of garbage and frees them; returns how many objects were freed, with those that only
 * the garbage held, and those that finalizers made and dropped.  Weak references
 * to the garbage are cleared, then finalizers run, then what they resurrected is kept, then the
 * rest is freed.  Called from a finalizer it does nothing and returns 0.  Allocates nothing.
 * cairn_collect looks at the whole heap, cairn_collect_candidates only at what the objects whose
 * count was dropped since the last collection reach; or, where that is much of the heap, at all of
 * it.  When all was looked at, interned strs that nothing holds any more are freed and counted too.
 * O(what is looked at, and its references). */
CAIRN_API uint64_t cairn_collect(cairn_heap *heap);
CAIRN_API uint64_t cairn_collect_candidates(cairn_heap *heap);

/* As cairn_collect, of a shared heap too: no other thread may use it or its objects meanwhile. What
 * other heaps hold is kept.  Two walks more than a collection. */
CAIRN_API uint64_t cairn_collect_exclusive(cairn_heap *heap);

/* Calls `visit` with each live object, in address order.  `visit` must not allocate, retain or
 * release; cairn_walk_next lets you.  O(heap). */
CAIRN_API void cairn_heap_walk(cairn_heap *heap, cairn_visit_fn visit, void *context);

/* A walk that goes step by step:
 *
 *     cairn_walk walk = {heap};
 *     cairn_object *object;
 *     while ((object = cairn_walk_next(&walk)) != NULL) ...  // stop whenever you like
 *
 * Between two steps anything may be done to the heap but destroying it: an object that lives all
 * the time is met exactly once, one that dies before its turn is not, and one that is made
 * meanwhile may be.  There is nothing to end. */
typedef struct cairn_walk {
  cairn_heap *heap;
  /* The library's; 0 at the start. */
  uint64_t behind_, returned_;
  struct cairn_arena *arena_;
} cairn_walk;

/* The next live object, in address order, borrowed: retain it before anything else is done to the
 * heap.  NULL at the end.  O(1) on average; O(arenas) where memory went back since the last step.
 * Of a shared heap no other thread may release objects meanwhile. */
CAIRN_API cairn_object *cairn_walk_next(cairn_walk *walk);

/* Calls `visit` with each strong reference that the object owns, in field order, one as often as it
 * is held; with walks, that is who holds what.  `visit` must not change the object.  O(slots). */
CAIRN_API void cairn_object_visit(cairn_object *object, cairn_visit_fn visit, void *context);

/* Checks headers, pages, free lists and counts (heap references <= count).  NULL when all is
 * well, else a static text that names the first problem.  O(heap). */
CAIRN_API const char *cairn_heap_validate(cairn_heap *heap);

#ifdef __cplusplus
}
#endif

#endif

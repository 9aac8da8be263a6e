/* Groups: one memory limit over several heaps.
 *
 *     cairn_group *tenants = cairn_group_new("tenants", 1ull << 30);
 *     cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.group = tenants});
 *
 * A group counts what its heaps take: arenas, metadata and external bytes, as their own limits do
 * (heap.h).  An allocation that would pass the group's limit is treated as one that would pass its
 * heap's: that heap collects, then its near_limit is asked, with CAIRN_LIMIT_GROUP, then the
 * allocation fails.  No other heap of the group is touched, since it may be in use on another
 * thread; a near_limit that wants another heap to give back has to tell the thread that uses it.
 *
 * Thread contract: all functions here may be called from any thread at any time, but
 * cairn_heap_group_set (heap.h) on the heap's own; the heaps of a group may be on several threads.
 */
#ifndef CAIRN_GROUP_H
#define CAIRN_GROUP_H

#include "cairn/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A new group without heaps.  `name` is shown by the debugger; copied, cut to 31 bytes; NULL:
 * "group".  `limit_bytes` 0: none, the group only counts.  NULL when out of memory.  The caller
 * destroys it.  O(1), as all of these are. */
CAIRN_API cairn_group *cairn_group_new(const char *name, uint64_t limit_bytes);

/* Frees the group.  False, and nothing is done, while heaps are in it. */
CAIRN_API bool cairn_group_destroy(cairn_group *group);

/* Sets the limit; 0: none.  A limit below what is taken refuses each further mapping; blocks that
 * the heaps have free are still handed out. */
CAIRN_API void cairn_group_limit_set(cairn_group *group, uint64_t limit_bytes);

/* Each number is true at some moment of the call; only a group whose heaps rest has all of them
 * true at once.  New members come at the end. */
typedef struct cairn_group_stats {
  uint64_t limit_bytes; /* 0: none */
  uint64_t taken_bytes; /* the sum over its heaps */
  uint64_t peak_bytes;  /* the most that taken_bytes ever was */
  uint64_t heap_count;
  uint64_t refused_count; /* mappings, and heaps, that the limit kept out */
} cairn_group_stats;

/* Fills the first `stats_bytes` of `stats`, what this library does not know with 0. */
CAIRN_API void cairn_group_stats_sized(const cairn_group *group, cairn_group_stats *stats,
                                       size_t stats_bytes);

/* The group in numbers. */
static inline void cairn_group_stats_get(const cairn_group *group, cairn_group_stats *stats) {
  cairn_group_stats_sized(group, stats, sizeof *stats);
}

#ifdef __cplusplus
}
#endif

#endif

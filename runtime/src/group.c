/* Groups: one limit over several heaps, which may be on several threads.
 *
 * Invariants:
 *  - taken_bytes is the sum of the taken_bytes of the heaps that joined; a heap adds before it
 *    maps, so where only mappings add the sum never passes limit_bytes, not even for an instant.
 *  - The numbers are changed atomically and on their own: nothing is locked, and nothing else
 *    follows from their order.
 *
 * What this is not: relief.  A heap that is refused relieves itself (limit.c); no heap touches
 * another one of the group, which may be in use on another thread.
 */
#include "cairn/group.h"

#include <stdio.h>

#include "internal.h"

enum { GROUP_MAPPING_BYTES = 4096 };

static uint64_t load(const uint64_t *number) { return __atomic_load_n(number, __ATOMIC_RELAXED); }

static void raise_peak(cairn_group *group, uint64_t taken) {
  uint64_t peak = load(&group->peak_bytes);
  while (taken > peak && !__atomic_compare_exchange_n(&group->peak_bytes, &peak, taken, true,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

bool cairn_group_is_within(const cairn_group *group) {
  uint64_t limit = load(&group->limit_bytes);
  return limit == 0 || load(&group->taken_bytes) <= limit;
}

bool cairn_group_take(cairn_group *group, uint64_t bytes) {
  uint64_t taken = load(&group->taken_bytes);
  do {
    uint64_t limit = load(&group->limit_bytes);
    if (limit != 0 && (taken > limit || bytes > limit - taken)) {
      __atomic_fetch_add(&group->refused_count, 1, __ATOMIC_RELAXED);
      return false;
    }
  } while (!__atomic_compare_exchange_n(&group->taken_bytes, &taken, taken + bytes, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  raise_peak(group, taken + bytes);
  return true;
}

void cairn_group_add(cairn_group *group, uint64_t bytes) {
  raise_peak(group, __atomic_add_fetch(&group->taken_bytes, bytes, __ATOMIC_RELAXED));
}

void cairn_group_give(cairn_group *group, uint64_t bytes) {
  __atomic_fetch_sub(&group->taken_bytes, bytes, __ATOMIC_RELAXED);
}

bool cairn_group_join(cairn_group *group, uint64_t taken_bytes) {
  if (!cairn_group_take(group, taken_bytes)) return false;
  __atomic_fetch_add(&group->heap_count, 1, __ATOMIC_RELAXED);
  return true;
}

/* Releases: whoever then finds no heap in the group sees all that this one did to it. */
void cairn_group_leave(cairn_group *group, uint64_t taken_bytes) {
  cairn_group_give(group, taken_bytes);
  __atomic_fetch_sub(&group->heap_count, 1, __ATOMIC_RELEASE);
}

cairn_group *cairn_group_new(const char *name, uint64_t limit_bytes) {
  cairn_group *group = cairn_system_map(GROUP_MAPPING_BYTES, 0);
  if (group == NULL) return NULL;
  (void)snprintf(group->name, sizeof group->name, "%s", name == NULL ? "group" : name);
  group->limit_bytes = limit_bytes;
  return group;
}

bool cairn_group_destroy(cairn_group *group) {
  if (__atomic_load_n(&group->heap_count, __ATOMIC_ACQUIRE) != 0) return false;
  cairn_system_unmap(group, GROUP_MAPPING_BYTES);
  return true;
}

void cairn_group_limit_set(cairn_group *group, uint64_t limit_bytes) {
  __atomic_store_n(&group->limit_bytes, limit_bytes, __ATOMIC_RELAXED);
}

void cairn_group_stats_sized(const cairn_group *group, cairn_group_stats *stats,
                             size_t stats_bytes) {
  const cairn_group_stats now = {
      .limit_bytes = load(&group->limit_bytes),
      .taken_bytes = load(&group->taken_bytes),
      .peak_bytes = load(&group->peak_bytes),
      .heap_count = load(&group->heap_count),
      .refused_count = load(&group->refused_count),
  };
  memset(stats, 0, stats_bytes);
  memcpy(stats, &now, stats_bytes < sizeof now ? stats_bytes : sizeof now);
}

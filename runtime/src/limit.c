/* Limits: how much memory a heap and a group of heaps may take, and what happens at the limit.
 *
 * What counts is heap->taken_bytes: arenas (their first pages too), metadata (chunks, the weak
 * table, the table of external bytes) and external bytes.  What does not: the collector's side
 * memory, which is address space until a collection needs it, and what tracking takes, so that
 * looking at a program does not change when it runs out of memory.
 *
 * Invariants:
 *  - taken_bytes == reserved_bytes + metadata_bytes + external_bytes; a group's taken_bytes is the
 *    sum over its heaps.
 *  - No mapping that the heap makes passes limit_bytes, the heap's or the group's; only external
 *    bytes, their table and a lowered limit do.  The heap is then *pressed* (CAIRN_SLOW_PRESSED),
 *    and each block allocation asks for relief first.
 *  - A group is never locked: its heaps may be on several threads, each changes the sum atomically,
 *    and takes from it before it maps.
 *
 * Relief is: a full collection and the end of what quarantine keeps back, then near_limit, then,
 * where that said yes, what it threw away is collected.  A collection that brought too little is
 * not repeated before it may bring more (is_worth_it), so a program that runs at its limit pays for
 * what it does, not for each failure.
 *
 * What this is not: it maps nothing (system.c), and does not say when to collect otherwise (due.c).
 */
#include "tracking.h"

enum { WORK_SHARE = 32 /* of the live objects: changes that make a collection worth repeating */ };

/* ---- taking and giving back ------------------------------------------------------------------ */

static bool fits(uint64_t limit, uint64_t now, uint64_t bytes) {
  return limit == 0 || (now <= limit && bytes <= limit - now);
}

bool cairn_limit_is_within(const cairn_heap *heap) {
  return fits(heap->limit_bytes, heap->taken_bytes, 0) &&
         (heap->group == NULL || cairn_group_is_within(heap->group));
}

static void note_peak(cairn_heap *heap) {
  if (heap->taken_bytes > heap->peak_bytes) heap->peak_bytes = heap->taken_bytes;
}

/* Watches the soft limit: growing above it makes a collection due, until the program was told that
 * this did not help; then it is not told again before the heap was below. */
static void watch_soft(cairn_heap *heap, bool grew) {
  if (heap->soft_limit_bytes == 0) return;
  bool above = heap->taken_bytes > heap->soft_limit_bytes;
  if (!above) heap->soft_told = false;
  bool due = above && !heap->soft_told && (grew || heap->soft_due);
  if (due == heap->soft_due) return;
  heap->soft_due = due;
  cairn_limit_refresh(heap);
}

static void add(cairn_heap *heap, uint64_t bytes) {
  heap->taken_bytes += bytes;
  note_peak(heap);
  watch_soft(heap, true);
}

static void subtract(cairn_heap *heap, uint64_t bytes) {
  heap->taken_bytes -= bytes;
  if (heap->group != NULL) cairn_group_give(heap->group, bytes);
  watch_soft(heap, false);
}

void *cairn_limit_map(cairn_heap *heap, size_t below, size_t bytes, size_t alignment) {
  heap->refusal = CAIRN_LIMIT_HARD;
  if (!fits(heap->limit_bytes, heap->taken_bytes, bytes)) return NULL;
  heap->refusal = CAIRN_LIMIT_GROUP;
  if (heap->group != NULL && !cairn_group_take(heap->group, bytes)) return NULL;
  heap->refusal = CAIRN_LIMIT_SYSTEM;
  void *memory = below == 0 ? cairn_system_map(bytes, alignment)
                            : cairn_system_map_above(below, bytes, alignment);
  if (memory != NULL) {
    add(heap, bytes);
  } else if (heap->group != NULL) {
    cairn_group_give(heap->group, bytes);
  }
  return memory;
}

void cairn_limit_unmap(cairn_heap *heap, void *memory, size_t below, size_t bytes) {
  cairn_system_unmap((char *)memory - below, below + bytes);
  subtract(heap, bytes);
}

void cairn_limit_external(cairn_heap *heap, int64_t change) {
  if (change >= 0) {
    heap->external_bytes += (uint64_t)change;
    if (heap->group != NULL) cairn_group_add(heap->group, (uint64_t)change);
    add(heap, (uint64_t)change);
  } else {
    heap->external_bytes -= 0 - (uint64_t)change;
    subtract(heap, 0 - (uint64_t)change);
  }
  cairn_limit_refresh(heap);
}

/* ---- metadata outside chunks ----------------------------------------------------------------- */

void *cairn_metadata_map(cairn_heap *heap, size_t bytes) {
  for (unsigned attempt = 0;; attempt++) {
    void *memory = cairn_limit_map(heap, 0, bytes, 0);
    if (memory != NULL) {
      heap->metadata_bytes += bytes;
      return memory;
    }
    if (!cairn_memory_relieve(heap, bytes, attempt)) return NULL;
  }
}

void *cairn_metadata_map_unlimited(cairn_heap *heap, size_t bytes) {
  void *memory = cairn_system_map(bytes, 0);
  if (memory == NULL) return NULL;
  heap->metadata_bytes += bytes;
  if (heap->group != NULL) cairn_group_add(heap->group, bytes);
  add(heap, bytes);
  cairn_limit_refresh(heap);
  return memory;
}

void cairn_metadata_unmap(cairn_heap *heap, void *memory, size_t bytes) {
  heap->metadata_bytes -= bytes;
  cairn_limit_unmap(heap, memory, 0, bytes);
}

/* ---- being pressed --------------------------------------------------------------------------- */

void cairn_limit_refresh(cairn_heap *heap) {
  bool pressed = !cairn_limit_is_within(heap) || heap->soft_due || cairn_fault.block_after != 0;
  cairn_heap_slow_set(heap, CAIRN_SLOW_PRESSED, pressed);
}

bool cairn_limit_press_allows(cairn_heap *heap) {
  if (cairn_fault.block_after == 1) {
    heap->refusal = CAIRN_LIMIT_SYSTEM;
    return false;
  }
  if (cairn_fault.block_after > 1) cairn_fault.block_after--;
  heap->refusal =
      fits(heap->limit_bytes, heap->taken_bytes, 0) ? CAIRN_LIMIT_GROUP : CAIRN_LIMIT_HARD;
  if (!cairn_limit_is_within(heap)) return false;
  cairn_limit_refresh(heap); /* another heap of the group may have given back */
  return true;
}

/* ---- relief ---------------------------------------------------------------------------------- */

static bool may_collect(const cairn_heap *heap) {
  return heap->ready && !heap->destroying && !heap->collecting && heap->release_depth == 0;
}

static uint64_t bytes_of(const cairn_heap *heap) {
  return heap->block_bytes + heap->external_bytes;
}

/* Grows with each block that comes or goes, and with each candidate. */
static uint64_t work_of(const cairn_heap *heap) {
  struct cairn_counts counts = cairn_counts_of(heap);
  return 2 * counts.made_count - counts.object_count + heap->candidate_count;
}

/* True when a forced collection may bring `wanted_bytes`: the last one did, or enough has happened
 * since. */
static bool is_worth_it(const cairn_heap *heap, uint64_t wanted_bytes) {
  if (!heap->forced_in_vain) return true;
  uint64_t work = work_of(heap) - heap->forced_work_at;
  return work > cairn_counts_of(heap).object_count / WORK_SHARE ||
         bytes_of(heap) >= heap->forced_bytes_at + wanted_bytes;
}

static void collect_forced(cairn_heap *heap, uint64_t wanted_bytes) {
  if (!may_collect(heap) || !is_worth_it(heap, wanted_bytes)) return;
  uint64_t before = bytes_of(heap);
  cairn_collect(heap);
  heap->forced_bytes_at = bytes_of(heap);
  heap->forced_work_at = work_of(heap);
  heap->forced_in_vain = before < heap->forced_bytes_at + wanted_bytes;
}

static bool ask(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes) {
  if (heap->near_limit == NULL || heap->in_near_limit) return false;
  heap->in_near_limit = true;
  bool again = heap->near_limit(heap, kind, wanted_bytes, heap->near_limit_context);
  heap->in_near_limit = false;
  return again;
}

bool cairn_memory_relieve(cairn_heap *heap, uint64_t wanted_bytes, unsigned attempt) {
  if (!heap->ready || heap->destroying) return false;
  switch (attempt) {
    case 0:
      collect_forced(heap, wanted_bytes);
      cairn_track_relieve(heap);
      return true;
    case 1:
      return ask(heap, heap->refusal, wanted_bytes);
    case 2: /* near_limit said yes: what it threw away may be cycles */
      if (heap->candidate_count == 0 || !may_collect(heap)) return false;
      cairn_collect_candidates(heap);
      return true;
    default:
      return false;
  }
}

void cairn_limit_soft(cairn_heap *heap) {
  if (!heap->soft_due || !may_collect(heap)) return;
  heap->soft_due = false;
  cairn_limit_refresh(heap);
  if (!heap->manual_collection) cairn_collect(heap);
  /* Pages that the collection emptied are still the heap's, but no burden to the program. */
  uint64_t cached_bytes =
      heap->reserved_bytes - heap->meta_page_bytes - cairn_counts_of(heap).used_bytes;
  if (heap->taken_bytes - cached_bytes <= heap->soft_limit_bytes) return;
  heap->soft_told = true;
  (void)ask(heap, CAIRN_LIMIT_SOFT, 0);
}

/* ---- setting them ---------------------------------------------------------------------------- */

void cairn_heap_limit_set(cairn_heap *heap, uint64_t limit_bytes) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  heap->limit_bytes = limit_bytes;
  cairn_limit_refresh(heap);
  cairn_heap_unlock(heap);
}

void cairn_heap_soft_limit_set(cairn_heap *heap, uint64_t soft_limit_bytes) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  heap->soft_limit_bytes = soft_limit_bytes;
  heap->soft_told = false;
  heap->soft_due = false;
  watch_soft(heap, true);
  cairn_limit_refresh(heap);
  cairn_heap_unlock(heap);
}

static bool move_to_group(cairn_heap *heap, cairn_group *group) {
  if (group == heap->group) return true;
  if (group != NULL && !cairn_group_join(group, heap->taken_bytes)) return false;
  if (heap->group != NULL) cairn_group_leave(heap->group, heap->taken_bytes);
  heap->group = group;
  cairn_limit_refresh(heap);
  return true;
}

bool cairn_heap_group_set(cairn_heap *heap, cairn_group *group) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  bool moved = move_to_group(heap, group);
  cairn_heap_unlock(heap);
  return moved;
}

/* Heaps: making one, handing out its numbers, destroying it.
 *
 * Invariants:
 *  - A heap that a debugger can find (the registry, heap.magic) is complete: its built-in types
 *    and shared objects exist.
 *  - heap->ready is false while it is made: nothing collects and nobody is asked for memory then.
 *
 * What this is not: walking it (walk.c), the leak report (leak.c), the check of all invariants
 * (validate.c).
 */
#include <stdio.h>

#include "cairn/group.h"
#include "internal.h"
#include "leak.h"
#include "tracking.h"

/* Gives everything back, the heap itself last. */
static void heap_free(cairn_heap *heap) {
  heap->magic = 0;
  (void)cairn_heap_group_set(heap, NULL);
  if (heap->shared != 0) cairn_shared_free(heap);
  cairn_external_table_free(heap);
  cairn_weak_table_free(heap);
  cairn_arena_free_all(heap);
  cairn_chunk_free_all(heap);
}

cairn_heap *cairn_heap_new(const cairn_heap_options *options) {
  static const cairn_heap_options defaults;
  if (options == NULL) options = &defaults;
  cairn_heap *heap = cairn_chunk_heap_new();
  if (heap == NULL) return NULL;
  heap->self = heap;
  heap->limit_bytes = options->limit_bytes;
  heap->soft_limit_bytes = options->soft_limit_bytes;
  heap->near_limit = options->near_limit;
  heap->near_limit_context = options->near_limit_context;
  heap->manual_collection = options->manual_collection;
  if (options->name != NULL) snprintf(heap->name, sizeof heap->name, "%s", options->name);
  cairn_limit_refresh(heap);
  if (options->shared && !cairn_shared_init(heap)) {
    cairn_chunk_free_all(heap);
    return NULL;
  }
  if (!cairn_heap_group_set(heap, options->group) || !cairn_limit_is_within(heap) ||
      !cairn_builtin_types_define(heap)) {
    heap_free(heap);
    return NULL;
  }
  heap->magic = CAIRN_HEAP_MAGIC;
  heap->ready = true;
  cairn_registry_add(heap);
  cairn_track_from_environment(heap);
  return heap;
}

bool cairn_heap_destroy(cairn_heap *heap, cairn_leak_report *report) {
  assert(heap->magic == CAIRN_HEAP_MAGIC && !heap->collecting && heap->release_depth == 0);
  cairn_collect_exclusive(heap);
  heap->destroying = true;
  cairn_leak_report own;
  if (report == NULL) report = &own;
  cairn_leak_find(heap, report);
  cairn_shared_let_go(heap);
  cairn_track_stop(heap);
  cairn_registry_remove(heap);
  heap_free(heap);
  return report->object_count == 0;
}

void cairn_heap_stats_sized(const cairn_heap *heap, cairn_stats *stats, size_t stats_bytes) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  struct cairn_counts counts = cairn_counts_of(heap);
  cairn_group_stats group = {0};
  if (heap->group != NULL) cairn_group_stats_get(heap->group, &group);
  const cairn_stats now = {
      .object_count = counts.object_count,
      .buffer_count = heap->buffer_count,
      .used_bytes = counts.used_bytes,
      .cached_bytes = heap->reserved_bytes - heap->meta_page_bytes - counts.used_bytes,
      .reserved_bytes = heap->reserved_bytes,
      .returned_bytes = heap->returned_bytes,
      .external_bytes = heap->external_bytes,
      .limit_bytes = heap->limit_bytes,
      .arena_count = heap->arena_count,
      .page_count = heap->page_count,
      .page_free_count = heap->page_free_count,
      .allocation_count = counts.made_count,
      .free_count = counts.made_count - counts.object_count - heap->buffer_count,
      .collection_count = heap->collection_count,
      .collected_count = heap->collected_count,
      .candidate_count = heap->candidate_count,
      .metadata_bytes = heap->metadata_bytes,
      .taken_bytes = heap->taken_bytes,
      .peak_bytes = heap->peak_bytes,
      .soft_limit_bytes = heap->soft_limit_bytes,
      .group_limit_bytes = group.limit_bytes,
      .group_taken_bytes = group.taken_bytes,
      .side_bytes = heap->side_bytes,
      .type_count = heap->type_count - 1,
      .collect_last_ns = heap->collect_last_ns,
      .collect_longest_ns = heap->collect_longest_ns,
  };
  cairn_heap_unlock(heap);
  memset(stats, 0, stats_bytes);
  memcpy(stats, &now, stats_bytes < sizeof now ? stats_bytes : sizeof now);
}

uint64_t cairn_heap_trim(cairn_heap *heap) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  uint64_t before = heap->returned_bytes;
  cairn_hot_flush(heap);
  cairn_pages_trim(heap);
  uint64_t returned_bytes = heap->returned_bytes - before;
  cairn_heap_unlock(heap);
  return returned_bytes;
}

/* When a heap collects by itself: a threshold that follows what collections cost and bring.
 *
 * A collection is due when there are candidates and
 *  - so many blocks were allocated since the last one that looking at as many objects as that one
 *    did is cheap beside it, or
 *  - the bytes that the heap answers for (external ones too) grew by half and by BYTES_MIN.
 *
 * A local collection looks at what the candidates reach.  Where that turned out to be much of the
 * heap, it became a full one on its way (detect.c), and the next few are full from their start.
 *
 * What this is not: it never frees by itself, and heaps with manual_collection never get past it.
 */
#include "collect.h"

enum { ALLOCATED_MIN = 10000, BYTES_MIN = 32 << 20, FULL_ROUNDS = 4 };

static uint64_t bytes_of(const cairn_heap *heap) {
  return heap->block_bytes + heap->external_bytes;
}

void cairn_collect_if_due(cairn_heap *heap) {
  if (heap->manual_collection || heap->collecting || heap->candidate_count == 0) return;
  uint64_t allocated = cairn_counts_of(heap).made_count - heap->collect_allocated_at;
  uint64_t threshold =
      heap->collect_threshold > ALLOCATED_MIN ? heap->collect_threshold : ALLOCATED_MIN;
  bool grown = bytes_of(heap) > heap->collect_bytes_at + heap->collect_bytes_at / 2 + BYTES_MIN;
  if (allocated < threshold && !grown) return;
  if (grown || heap->collect_full_left > 0) {
    cairn_collect(heap);
  } else {
    cairn_collect_candidates(heap);
  }
}

void cairn_collect_account(cairn_heap *heap, bool full, const struct cairn_detection *found,
                           uint64_t freed_count) {
  bool rewarding = freed_count >= found->looked_count / 8;
  heap->collect_threshold = rewarding ? found->looked_count / 2 : found->looked_count;
  heap->collect_allocated_at = cairn_counts_of(heap).made_count;
  heap->collect_bytes_at = bytes_of(heap);
  if (found->full && !full) heap->collect_full_left = FULL_ROUNDS;
  if (full && heap->collect_full_left > 0) heap->collect_full_left--;
}

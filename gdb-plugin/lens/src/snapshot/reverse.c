/* Edges in, from the edges out, without random access to memory.
 *
 * Deal: each edge is written, source by source, to the bucket of its target; a bucket is 2^15
 * neighbouring targets, so there are some hundred places to write to, each written in order.
 * Sort: a bucket's edges are counted and placed by target; all that this touches fits the cache.
 * Sources were dealt in ascending order, so the holders of an object ascend.
 */
#include <string.h>

#include "analysis.h"

enum { BUCKET_SHIFT = 15, EDGES_A_CLOCK = 1 << 16, TOUCH_BYTES = 2 << 20 };
static const uint64_t BUCKET_ROWS = 1u << BUCKET_SHIFT;

static uint64_t part_end(uint64_t first, uint64_t end) {
  return end - first < EDGES_A_CLOCK ? end : first + EDGES_A_CLOCK;
}

/* Finds how large each bucket is, and where it begins. */
static lens_status count_buckets(const struct lens_index *index, struct lens_reverse *reverse,
                                 const lens_slice *slice) {
  const uint32_t *targets = lens_out_targets(index);
  while (reverse->edge < index->edge_count) {
    uint64_t end = part_end(reverse->edge, index->edge_count);
    for (uint64_t i = reverse->edge; i < end; i++)
      reverse->bucket_fill[targets[i] >> BUCKET_SHIFT]++;
    reverse->edge = end;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  uint64_t sum = 0;
  for (uint64_t i = 0; i < reverse->buckets; i++) {
    reverse->bucket_start[i] = sum;
    sum += reverse->bucket_fill[i];
    reverse->bucket_fill[i] = reverse->bucket_start[i];
  }
  reverse->bucket_start[reverse->buckets] = sum;
  reverse->edge = 0;
  reverse->summed = true;
  return LENS_OK;
}

lens_status lens_reverse_begin(lens *self) {
  struct lens_index *index = &self->analysis->index;
  struct lens_reverse *reverse = &self->analysis->indexer.reverse;
  uint64_t objects = self->analysis->snapshot.object_count;
  lens_reverse_free(reverse);
  reverse->buckets = (objects + BUCKET_ROWS - 1) / BUCKET_ROWS;
  reverse->bucket_start = lens_alloc_zeroed(reverse->buckets + 1, sizeof(uint64_t));
  reverse->bucket_fill = lens_alloc_zeroed(reverse->buckets + 1, sizeof(uint64_t));
  if (reverse->bucket_start == NULL || reverse->bucket_fill == NULL ||
      !lens_column_reserve(&reverse->pairs, index->edge_count, sizeof(uint64_t)) ||
      !lens_column_reserve(&index->in_start, objects + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&index->in_source, index->edge_count, sizeof(uint32_t))) {
    return lens_out_of_memory(self);
  }
  return LENS_OK;
}

/* The first edges go all over `pairs`, and the system clears a huge page at each first touch: that
 * is done here, page by page, so that no slice pays for all of them at once. */
static lens_status touch_pairs(struct lens_reverse *reverse, const lens_slice *slice) {
  uint8_t *bytes = reverse->pairs.items;
  while (reverse->touched < reverse->pairs.bytes) {
    bytes[reverse->touched] = 0;
    reverse->touched += TOUCH_BYTES;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

lens_status lens_reverse_deal(lens *self, const lens_slice *slice) {
  const struct lens_index *index = &self->analysis->index;
  struct lens_reverse *reverse = &self->analysis->indexer.reverse;
  const uint64_t *starts = lens_out_starts(index);
  const uint32_t *targets = lens_out_targets(index);
  uint64_t *pairs = reverse->pairs.items, objects = self->analysis->snapshot.object_count;
  if (!reverse->summed && count_buckets(index, reverse, slice) != LENS_OK) return LENS_AGAIN;
  if (touch_pairs(reverse, slice) != LENS_OK) return LENS_AGAIN;
  while (reverse->row < objects) {
    uint64_t row = reverse->row,
             last = row + EDGES_A_CLOCK < objects ? row + EDGES_A_CLOCK : objects;
    uint64_t edge = reverse->edge, budget = edge + EDGES_A_CLOCK;
    for (; row < last && edge < budget; row += edge == starts[row + 1]) {
      uint64_t end = starts[row + 1] < budget ? starts[row + 1] : budget;
      for (; edge < end; edge++) {
        uint64_t within = targets[edge] & (BUCKET_ROWS - 1);
        pairs[reverse->bucket_fill[targets[edge] >> BUCKET_SHIFT]++] = within << 32 | row;
      }
    }
    reverse->row = row;
    reverse->edge = edge;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  return LENS_OK;
}

/* Counts and places the edges of one bucket, which may be all there are.  in_start[row + 1] serves
 * as the row's cursor until it is the row's end.  False: the slice is over. */
static bool sort_bucket(struct lens_index *index, struct lens_reverse *reverse, uint64_t rows,
                        const lens_slice *slice) {
  enum { BEGIN, COUNT, PLACE };
  uint64_t first = reverse->bucket_start[reverse->bucket],
           last = reverse->bucket_start[reverse->bucket + 1];
  const uint64_t *pairs = reverse->pairs.items;
  uint64_t *ends = (uint64_t *)index->in_start.items + reverse->bucket * BUCKET_ROWS + 1;
  uint32_t *sources = index->in_source.items;
  if (reverse->stage == BEGIN) {
    memset(ends, 0, (size_t)rows * sizeof *ends);
    reverse->edge = first;
    reverse->stage = COUNT;
  }
  while (reverse->stage == COUNT) {
    uint64_t end = part_end(reverse->edge, last);
    for (uint64_t i = reverse->edge; i < end; i++) ends[pairs[i] >> 32]++;
    reverse->edge = end;
    if (end < last) {
      if (lens_slice_over(slice)) return false;
      continue;
    }
    uint64_t sum = first;
    for (uint64_t row = 0; row < rows; row++) {
      uint64_t count = ends[row];
      ends[row] = sum;
      sum += count;
    }
    reverse->edge = first;
    reverse->stage = PLACE;
  }
  while (reverse->edge < last) {
    uint64_t end = part_end(reverse->edge, last);
    for (uint64_t i = reverse->edge; i < end; i++)
      sources[ends[pairs[i] >> 32]++] = (uint32_t)pairs[i];
    reverse->edge = end;
    if (end < last && lens_slice_over(slice)) return false;
  }
  reverse->stage = BEGIN;
  return true;
}

lens_status lens_reverse_sort(lens *self, const lens_slice *slice) {
  struct lens_index *index = &self->analysis->index;
  struct lens_reverse *reverse = &self->analysis->indexer.reverse;
  uint64_t objects = self->analysis->snapshot.object_count;
  while (reverse->bucket < reverse->buckets) {
    uint64_t left = objects - reverse->bucket * BUCKET_ROWS;
    if (!sort_bucket(index, reverse, left < BUCKET_ROWS ? left : BUCKET_ROWS, slice))
      return LENS_AGAIN;
    reverse->bucket++;
    if (lens_slice_over(slice)) return LENS_AGAIN;
  }
  lens_reverse_free(reverse);
  return LENS_OK;
}

void lens_reverse_free(struct lens_reverse *self) {
  lens_column_free(&self->pairs);
  lens_dealloc(self->bucket_start);
  lens_dealloc(self->bucket_fill);
  *self = (struct lens_reverse){0};
}

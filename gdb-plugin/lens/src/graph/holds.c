/* Holds.  See holds.h. */
#include "graph/holds.h"

#include <string.h>

enum { CHUNKS_A_CLOCK = 64 };
static const uint64_t ROWS = LENS_HOLDS_ROWS;

enum stage { STAGE_BEGIN, STAGE_COUNT, STAGE_PLACE };

bool lens_holds_begin(struct lens_holds *self, uint64_t numbers, uint64_t pairs) {
  lens_holds_free(self);
  self->bucket_count = (numbers + ROWS - 1) / ROWS;
  /* Each bucket leaves a chunk half used; chunk 0 is none. */
  uint64_t chunks = pairs / (LENS_HOLDS_CHUNK - 1) + self->bucket_count + 2;
  if (chunks > UINT32_MAX) return false;
  if (!lens_column_reserve(&self->chunks, chunks, LENS_HOLDS_CHUNK * sizeof(uint64_t)) ||
      !lens_column_reserve(&self->buckets, self->bucket_count, sizeof(struct lens_holds_bucket)) ||
      !lens_column_reserve(&self->starts, ROWS + 1, sizeof(uint64_t)))
    return false;
  struct lens_holds_bucket *buckets = self->buckets.items;
  for (uint64_t i = 0; i < self->bucket_count; i++) buckets[i].used = LENS_HOLDS_CHUNK;
  return true;
}

void lens_holds_free(struct lens_holds *self) {
  lens_column_free(&self->chunks);
  lens_column_free(&self->buckets);
  lens_column_free(&self->starts);
  lens_column_free(&self->holders);
  *self = (struct lens_holds){0};
}

void lens_holds_extend(struct lens_holds *self, struct lens_holds_bucket *bucket) {
  uint64_t *chunks = self->chunks.items;
  self->chunk_count++;
  chunks[(uint64_t)self->chunk_count * LENS_HOLDS_CHUNK] = bucket->chunk;
  bucket->chunk = self->chunk_count;
  bucket->used = 1;
}

/* Counts or places the pairs of one chunk. */
static void work_chunk(struct lens_holds *self, const uint64_t *chunk) {
  uint64_t *starts = self->starts.items;
  uint32_t *holders = self->holders.items;
  if (self->stage == STAGE_COUNT) {
    for (uint32_t i = 1; i < self->used; i++) starts[chunk[i] >> 32]++;
  } else {
    for (uint32_t i = 1; i < self->used; i++)
      holders[--starts[chunk[i] >> 32]] = (uint32_t)chunk[i];
  }
}

/* Works on all chunks of the bucket, the last one first. */
static lens_status work_chunks(struct lens_holds *self, const lens_slice *slice) {
  const uint64_t *chunks = self->chunks.items;
  for (uint32_t left = CHUNKS_A_CLOCK; self->chunk != 0; left--) {
    if (left == 0) {
      if (lens_slice_over(slice)) return LENS_AGAIN;
      left = CHUNKS_A_CLOCK;
    }
    const uint64_t *chunk = chunks + (uint64_t)self->chunk * LENS_HOLDS_CHUNK;
    work_chunk(self, chunk);
    self->chunk = (uint32_t)chunk[0];
    self->used = LENS_HOLDS_CHUNK;
  }
  return LENS_OK;
}

lens_status lens_holds_sort(struct lens_holds *self, uint64_t bucket, const lens_slice *slice) {
  const struct lens_holds_bucket *row =
      (const struct lens_holds_bucket *)self->buckets.items + bucket;
  uint64_t *starts = self->starts.items;
  if (self->stage == STAGE_BEGIN) {
    if (!lens_column_reserve(&self->holders, row->count, sizeof(uint32_t))) return LENS_NO_MEMORY;
    memset(starts, 0, (ROWS + 1) * sizeof *starts);
    self->stage = STAGE_COUNT;
    self->chunk = row->chunk;
    self->used = row->used;
  }
  if (self->stage == STAGE_COUNT) {
    if (work_chunks(self, slice) != LENS_OK) return LENS_AGAIN;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROWS; i++) starts[i] = sum += starts[i];
    starts[ROWS] = sum;
    self->stage = STAGE_PLACE;
    self->chunk = row->chunk;
    self->used = row->used;
  }
  if (work_chunks(self, slice) != LENS_OK) return LENS_AGAIN;
  self->stage = STAGE_BEGIN;
  return LENS_OK;
}

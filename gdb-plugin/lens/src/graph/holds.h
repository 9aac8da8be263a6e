/* Holds: who holds whom, by number, noted in any order and given back a bucket of neighbouring
 * numbers at a time.
 *
 * A search meets the holders of a node here and there; what follows wants them node by node.  So
 * each pair is appended to the bucket of the number that is held, and a bucket is sorted when its
 * turn comes, within the processor's cache: memory is written and read in order.
 *
 * Invariants:
 *  - A bucket's pairs are a list of chunks, the last one first; only the last one has room.
 *  - lens_holds_begin makes room for all pairs that will come (untouched memory costs nothing), so
 *    that adding one can't fail.
 */
#ifndef LENS_HOLDS_H
#define LENS_HOLDS_H

#include "memory/column.h"
#include "memory/slice.h"
#include "model.h"

enum {
  LENS_HOLDS_SHIFT = 15,
  LENS_HOLDS_ROWS = 1 << LENS_HOLDS_SHIFT, /* numbers of a bucket */
  LENS_HOLDS_CHUNK = 512 /* words of a chunk: the first leads to the chunk before it */
};

struct lens_holds_bucket {
  uint32_t chunk, used; /* the last chunk, its words in use */
  uint64_t count;
};

struct lens_holds {
  struct lens_column chunks;  /* uint64_t: held within its bucket << 32 | holder */
  struct lens_column buckets; /* struct lens_holds_bucket */
  uint64_t bucket_count;
  uint32_t chunk_count;
  /* The bucket in hand; held number n of it has holders[starts[n] .. starts[n + 1]). */
  struct lens_column starts, holders; /* uint64_t, uint32_t */
  uint32_t stage, chunk, used;
};

/* For numbers below `numbers` and at most `pairs` pairs; false when out of memory. */
bool lens_holds_begin(struct lens_holds *self, uint64_t numbers, uint64_t pairs);
void lens_holds_free(struct lens_holds *self);

/* A chunk more for the bucket. */
void lens_holds_extend(struct lens_holds *self, struct lens_holds_bucket *bucket);

static inline void lens_holds_add(struct lens_holds *self, uint32_t held, uint32_t holder) {
  struct lens_holds_bucket *bucket =
      (struct lens_holds_bucket *)self->buckets.items + (held >> LENS_HOLDS_SHIFT);
  if (bucket->used == LENS_HOLDS_CHUNK) lens_holds_extend(self, bucket);
  uint64_t within = held % LENS_HOLDS_ROWS;
  ((uint64_t *)self->chunks.items)[(uint64_t)bucket->chunk * LENS_HOLDS_CHUNK + bucket->used++] =
      within << 32 | holder;
  bucket->count++;
}

/* Sorts a bucket; each bucket once.  LENS_AGAIN: the slice is over. */
lens_status lens_holds_sort(struct lens_holds *self, uint64_t bucket, const lens_slice *slice);

#endif

/* The index: the snapshot's edges, out and in.
 *
 * Out: out_target[out_start[i] .. out_start[i + 1]) are the objects that object i holds, a row a
 * slot, in field order; declared (strong) slots stand before the suspected (opaque) words.  In:
 * in_source likewise are the holders of i, ascending.  Weak and borrowed slots make no edge.
 *
 * Built in three passes that never jump about in memory: edges.c sweeps the heap once and writes
 * the out edges; reverse.c deals them into buckets of neighbouring targets and sorts each bucket
 * within the processor's cache.
 */
#ifndef LENS_INDEX_H
#define LENS_INDEX_H

#include "model/plan.h"
#include "snapshot/snapshot.h"

/* An object with suspected edges: its edges from `first` on are. */
struct lens_suspect {
  uint64_t first;
  uint32_t object, reserved;
};

/* A strong slot that leads to no object of the snapshot: to freed memory, or astray. */
struct lens_stray {
  uint64_t target;
  uint32_t holder, reserved;
};

struct lens_index {
  bool complete;
  uint64_t edge_count;
  struct lens_column out_start;  /* uint64_t, object_count + 1 */
  struct lens_column out_target; /* uint32_t */
  struct lens_column in_start;   /* uint64_t, object_count + 1 */
  struct lens_column in_source;  /* uint32_t */
  struct lens_column suspects;   /* struct lens_suspect, by object */
  uint64_t suspect_count;
  struct lens_column strays; /* struct lens_stray, by holder; sorted: by target, then holder */
  uint64_t stray_count;
  bool strays_sorted;
};

/* The outward pass in progress. */
struct lens_edges {
  struct lens_sweep sweep;
  struct lens_plans plans;
  uint64_t row; /* the next row of the snapshot */
  struct lens_run_copy copy;
  struct lens_slots slots; /* of an object that may be as large as the heap: */
  bool iterating, suspected;
};

/* The inward pass in progress. */
struct lens_reverse {
  struct lens_column pairs; /* (target within its bucket) << 32 | source, bucket by bucket */
  uint64_t *bucket_start;   /* buckets + 1 */
  uint64_t *bucket_fill;
  uint64_t buckets, row, bucket;
  uint64_t edge;    /* the next one to be counted or dealt; of a bucket: to be counted or placed */
  uint8_t stage;    /* of the bucket */
  bool summed;      /* the buckets' sizes are known */
  uint64_t touched; /* bytes of `pairs` that the system has given us for sure */
};

enum lens_index_phase { LENS_INDEX_IDLE, LENS_INDEX_OUT, LENS_INDEX_DEAL, LENS_INDEX_SORT };
struct lens_indexer {
  uint8_t phase;
  struct lens_edges edges;
  struct lens_reverse reverse;
};

/* Each: LENS_AGAIN / LENS_OK, or a failure; after one the whole is begun anew. */
lens_status lens_edges_begin(lens *self);
lens_status lens_edges_step(lens *self, const lens_slice *slice);
lens_status lens_reverse_begin(lens *self);
lens_status lens_reverse_deal(lens *self, const lens_slice *slice);
lens_status lens_reverse_sort(lens *self, const lens_slice *slice);

/* Walks and indexes where that was not done, in a slice of the caller's; for questions that need
 * the index.  LENS_OK: the slice may be over all the same. */
lens_status lens_index_in(lens *self, const lens_slice *slice, lens_progress *progress);

static inline const uint64_t *lens_out_starts(const struct lens_index *self) {
  return self->out_start.items;
}
static inline const uint32_t *lens_out_targets(const struct lens_index *self) {
  return self->out_target.items;
}
static inline const uint64_t *lens_in_starts(const struct lens_index *self) {
  return self->in_start.items;
}
static inline const uint32_t *lens_in_sources(const struct lens_index *self) {
  return self->in_source.items;
}

/* How many of an object's holders hold it by a suspected word (account.c). */
uint64_t lens_opaque_refs_of(const struct lens_index *index, uint32_t object);

void lens_edges_free(struct lens_edges *self);
void lens_reverse_free(struct lens_reverse *self);
void lens_indexer_free(struct lens_indexer *self);
void lens_index_free(struct lens_index *self);

#endif

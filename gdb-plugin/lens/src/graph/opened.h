/* One cycle, opened: a graph of its own with the slot of each edge, a shortest ring in it, and what
 * would go if one declared slot were weak.
 *
 * Objects are called by their place among the cycle's members.  An edge has a key: the declared
 * slot (type, row, part) that it comes from.  A slot that is made weak takes its edges away; what
 * then goes, once nothing outside holds the cycle, are the objects that no ring of the edges that
 * are left leads to: they are peeled off from those that nothing holds any more.
 *
 * What this is not: a proof that the program can live with the slot being weak.
 */
#ifndef LENS_OPENED_H
#define LENS_OPENED_H

#include "graph/edge_slots.h"
#include "memory/column.h"

enum {
  LENS_KEY_NONE = UINT16_MAX, /* of an edge: no declared slot, or one too many */
  LENS_KEYS_MAX = 4096
};

struct lens_slot_key {
  lens_cycle_break shown;
  uint32_t next; /* 1 + the next key of the same bucket */
};

enum lens_opened_phase {
  LENS_OPENED_IDLE,
  LENS_OPENED_EDGES,
  LENS_OPENED_RING,
  LENS_OPENED_COUNTS,
  LENS_OPENED_BREAKS,
  LENS_OPENED_OWNERS,
  LENS_OPENED_DONE
};

/* The peeling with one key's edges taken away; see breaks.c. */
struct lens_peeling {
  uint8_t stage;
  uint16_t key;
  uint64_t at, head, tail;
  struct lens_column left, queue; /* uint32_t: edges to it that are left; objects that go */
};

struct lens_opened {
  uint8_t phase;
  uint32_t cycle;
  uint64_t count;                                       /* of objects */
  struct lens_column edge_start, edge_target, edge_key; /* uint64_t, uint32_t, uint16_t */
  uint64_t edge_count;
  struct lens_slot_key *keys;
  size_t key_count, key_capacity;
  uint32_t key_buckets[256]; /* 1 + key */
  struct lens_edge_slots reading;
  uint64_t member; /* the object whose references are being read */
  /* The search for the ring, breadth first from object 0. */
  struct lens_column queue, before; /* uint32_t; before: 1 + the edge's holder */
  struct lens_column via;           /* uint64_t: the edge that led there */
  uint64_t head, tail, head_edge;
  struct lens_column ring, on_ring; /* uint64_t: edges along the ring; a bit an edge */
  uint64_t ring_count;
  struct lens_peeling peeling;
  uint64_t outside_refs, untried;
};

/* breaks.c: counts what holds the objects from outside, then peels the cycle, key by key. */
lens_status lens_opened_counts(lens *self, const lens_slice *slice);
lens_status lens_opened_breaks(lens *self, const lens_slice *slice, lens_progress *progress);

void lens_opened_free(struct lens_opened *self);

#endif

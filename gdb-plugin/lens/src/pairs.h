/* The state of pairing: histories by object, places, what was learned, and the last answer.
 *
 * Invariants:
 *  - The deeds of a history are a chain in the order of their events: first, then next - 1.
 *  - A place is in the table once; its number is its row.
 *  - What was learned is about places, never about single objects.
 */
#ifndef LENS_PAIRS_H
#define LENS_PAIRS_H

#include "column.h"
#include "model.h"

/* An event of an object, as it is kept. */
struct lens_kept_deed {
  uint64_t sequence;
  uint32_t next; /* 1 + the next deed of the history; 0: the last */
  uint32_t site, thread, count;
  uint8_t op, inner;
};

struct lens_history {
  uint64_t object, serial;
  uint32_t heap, type;
  uint32_t first, last, count; /* first, last: deeds */
  bool freed;
};

/* The giver of what is held on, and of what goes with collected garbage. */
#define LENS_HELD_ON (UINT32_MAX - 1)

/* How often what was taken at one place was given back at another. */
struct lens_bond {
  uint32_t taker, giver; /* places */
  uint32_t count, weight;
};

/* A hash of small rows by a 64-bit key: 1 + row, 0: free. */
struct lens_table {
  uint32_t *places;
  size_t capacity; /* a power of two, or 0 */
};

/* By what a match was made, the surest first. */
enum lens_strength {
  LENS_BY_BEST,  /* each is the other's usual partner */
  LENS_BY_KNOWN, /* they went together in other objects */
  LENS_BY_NEAR,  /* of one kind, in one function */
  LENS_BY_KIND,  /* both by the program, or both by the runtime on its behalf */
  LENS_BY_ORDER  /* one came before the other */
};

/* One history in hand. */
struct lens_match {
  struct lens_column deeds;     /* lens_deed */
  struct lens_column strengths; /* uint8_t a deed: enum lens_strength of its match */
  struct lens_column open;      /* uint32_t: a work list */
  struct lens_column partners;  /* uint32_t a release that is paired: the deed it goes with */
  uint32_t count, skipped;      /* deeds in hand; older ones that were too many */
  lens_pairing shown;
  struct lens_column unmatched; /* lens_unmatched */
};

enum lens_pairs_phase { LENS_PAIRS_IDLE, LENS_PAIRS_READING, LENS_PAIRS_READ, LENS_PAIRS_LEARNING };

struct lens_pairs_state {
  uint8_t phase;
  uint32_t round; /* of learning */
  bool learned;
  uint64_t heap, sequence; /* the next event to read */
  uint64_t history;        /* the next to learn from */
  struct lens_column deeds, histories, sites, bonds;
  uint64_t deed_count, history_count, site_count, bond_count;
  struct lens_table by_serial, by_place, by_bond;
  /* Of the round before the one that is learned: what matching goes by. */
  struct lens_column known; /* struct lens_bond */
  uint64_t known_count;
  struct lens_table by_known;
  struct lens_column best_giver, best_taker; /* uint32_t a place */
  struct lens_match match;
  struct lens_column blames; /* lens_unmatched */
  uint64_t blame_count, blame_row, silent;
  bool blamed;
};

void lens_pairs_free(struct lens_pairs_state *self);

/* ---- the hash (histories.c) ---- */

/* The place of a key in the hash: a free one, or that of a row for which `same` says so. */
typedef bool (*lens_table_same_fn)(const void *context, uint32_t row);
uint32_t *lens_table_place(const struct lens_table *self, uint64_t key, lens_table_same_fn same,
                           const void *context);
/* Room for one more of `count` rows; false: no memory.  A hash that grew is empty: *grown. */
bool lens_table_reserve(struct lens_table *self, uint64_t count, bool *grown);
void lens_table_free(struct lens_table *self);

/* ---- histories.c ---- */

/* The history of an object; NULL: none is left. */
const struct lens_history *lens_history_find(const lens *self, uint32_t heap, uint64_t serial);

/* ---- match.c ---- */

/* Pairs the history into pairs.match.  LENS_OK, or LENS_NO_MEMORY. */
lens_status lens_match_history(lens *self, const struct lens_history *history,
                               const lens_claims *claims);
static inline const lens_deed *lens_match_deeds(const struct lens_match *self) {
  return self->deeds.items;
}

/* ---- blame.c ---- */

/* The findings are about to change. */
void lens_blame_forget(struct lens_pairs_state *self);

/* ---- learn.c ---- */

/* How often the two went together in the last round; NULL: never. */
const struct lens_bond *lens_bond_find(const struct lens_pairs_state *self, uint32_t taker,
                                       uint32_t giver);

static inline const lens_pair_site *lens_pair_sites(const struct lens_pairs_state *self) {
  return self->sites.items;
}

#endif

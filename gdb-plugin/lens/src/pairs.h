/* The state of pairing: histories by object, places, what was learned, and the last answer.
 *
 * A *taker* is a place that allocates or retains, a *giver* one that releases.  Beside places there
 * are codes for what else takes and gives: what was before the first event, what holds an object
 * now, what is left over.  A *mix* says of an object how often which took and which gave; both sums
 * are equal.  A *bond* is how strongly a taker goes with a giver, over all mixes.
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
  bool caught; /* of an object that was dead: nothing was taken or given back */
};

struct lens_history {
  uint64_t object, serial;
  uint32_t heap, type;
  uint32_t first, last, count; /* first, last: deeds */
  bool freed;
};

/* Codes: below LENS_CODE_HELD they are what is done at a place, as lens_code_of has it. */
enum { LENS_CODE_INNER = 1, LENS_CODE_ALLOCATE = 2, LENS_CODE_KINDS = 4 };
enum {
  LENS_CODE_HELD = 0x40000000, /* + flat type: slots of objects of that type hold it; a giver */
  LENS_CODE_RUNTIME = 0x70000000,
  LENS_CODE_ROOT,  /* giver: roots own it now */
  LENS_CODE_GONE,  /* giver: went with collected garbage */
  LENS_CODE_LEFT,  /* giver: nobody: a release is missing */
  LENS_CODE_LOST,  /* taker: before the first event that is left */
  LENS_CODE_BARE,  /* taker: nobody: a release is too many, or a slot never retained */
  LENS_CODE_OTHERS /* places beyond LENS_MIX_PARTS */
};

enum { LENS_MIX_PARTS = 40 };
struct lens_part {
  uint32_t code, count;
};
struct lens_mix {
  struct lens_part takers[LENS_MIX_PARTS], givers[LENS_MIX_PARTS];
  uint32_t taker_count, giver_count;
};

/* A mix as it is kept for learning: parts, takers before givers, and the bond of each cell. */
struct lens_kept_mix {
  uint64_t first_part, first_cell;
  uint32_t taker_count, giver_count, times;
};

struct lens_bond {
  uint32_t taker, giver;
  double prior;  /* by what is known of the two places alone */
  double weight; /* with what all objects show, the stronger ones sharpened */
  double soft;   /* the same before that: how sure it is */
  double next;   /* of the round in progress */
};

/* A hash of small rows by a 64-bit key: 1 + row, 0: free. */
struct lens_table {
  uint32_t *places;
  size_t capacity; /* a power of two, or 0 */
};

/* One history in hand. */
struct lens_match {
  struct lens_column deeds; /* lens_deed */
  struct lens_column parts; /* uint8_t a deed: its row or column in the mix */
  struct lens_column open;  /* uint32_t: a work list */
  uint32_t count, skipped;  /* deeds in hand; older ones that were too many */
  uint64_t lost, refcount;  /* references before the first deed, and after the last */
  uint64_t caught;          /* releases after the death */
  bool gaps;                /* counts jump between deeds */
  struct lens_mix mix;
  double flow[LENS_MIX_PARTS][LENS_MIX_PARTS]; /* expected: how many of a taker went to a giver */
  uint32_t whole[LENS_MIX_PARTS][LENS_MIX_PARTS];
  double blamed_takers[LENS_MIX_PARTS]; /* expected by soft weights: left over of a taker, */
  double blamed_givers[LENS_MIX_PARTS]; /* given back by a giver and not taken */
  lens_pairing shown;
  struct lens_column unmatched; /* lens_unmatched */
};

enum lens_pairs_phase { LENS_PAIRS_IDLE, LENS_PAIRS_READING, LENS_PAIRS_READ, LENS_PAIRS_LEARNING };

struct lens_pairs_state {
  uint8_t phase;
  uint32_t round; /* of learning; 0: mixes are gathered */
  bool learned;
  uint64_t heap, sequence; /* the next event to read */
  uint64_t at;             /* the next history to gather, or mix to learn from */
  struct lens_column deeds, histories, sites;
  struct lens_column made; /* uint32_t a place: 1 + the type of an object that it made; 0: none */
  uint64_t deed_count, history_count, site_count;
  struct lens_column mixes, parts, cells, bonds;
  uint64_t mix_count, part_count, cell_count, bond_count;
  struct lens_table by_serial, by_place, by_mix, by_bond;
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

/* ---- mix.c ---- */

/* Takes the history in hand (match.deeds and all beside it) and makes its mix.  *known: the counts
 * come out even, so that it can teach. */
lens_status lens_mix_make(lens *self, const struct lens_history *history, bool *known);

/* ---- bonds.c ---- */

/* The bond of two codes, made where there is none.  LENS_OK, or LENS_NO_MEMORY. */
lens_status lens_bond_get(lens *self, uint32_t taker, uint32_t giver, uint32_t *number);
void lens_bonds_forget(struct lens_pairs_state *self);
/* Spreads each taker over the givers so that both sums hold, in the proportions of `flow`, which is
 * changed into the result. */
void lens_flow_fit(const struct lens_part *takers, uint32_t taker_count,
                   const struct lens_part *givers, uint32_t giver_count,
                   double (*flow)[LENS_MIX_PARTS]);

/* ---- match.c ---- */

/* Pairs the history into pairs.match.  LENS_OK, or LENS_NO_MEMORY. */
lens_status lens_match_history(lens *self, const struct lens_history *history);
/* leftover.c: fills match.unmatched from the fates of the deeds. */
lens_status lens_leftover(lens *self);

/* ---- blame.c ---- */

/* The findings are about to change. */
void lens_blame_forget(struct lens_pairs_state *self);

static inline const lens_pair_site *lens_pair_sites(const struct lens_pairs_state *self) {
  return self->sites.items;
}
static inline uint32_t lens_code_of(const lens_deed *deed) {
  return deed->site * LENS_CODE_KINDS + (deed->inner != 0 ? (uint32_t)LENS_CODE_INNER : 0u) +
         (deed->op == LENS_EVENT_ALLOCATE ? (uint32_t)LENS_CODE_ALLOCATE : 0u);
}
static inline bool lens_deed_takes(uint32_t op) {
  return op == LENS_EVENT_ALLOCATE || op == LENS_EVENT_RETAIN;
}

#endif

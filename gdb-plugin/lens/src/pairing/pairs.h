/* The state of pairing: histories by object, places, what was learned, and the last answer.
 *
 * A *taker* is a place that allocates or retains, a *giver* one that releases.  Beside places there
 * are codes for what else takes and gives: what was before the first event, what holds an object
 * now, what is left over.  A *window* is a part of a history, short enough to look at each run of
 * its events.  A *mix* says of a window what took and what gave back, in runs in the order of time;
 * both sums are equal.  A *bond* is how strongly a taker goes with a giver, over all mixes, and how
 * far apart in time.
 *
 * Invariants:
 *  - The deeds of a history are a chain in the order of their events: late, then next - 1.
 *  - A place is in the table once; its number is its row.
 *  - What was learned is about places, never about single objects.
 */
#ifndef LENS_PAIRS_H
#define LENS_PAIRS_H

#include "memory/column.h"
#include "model.h"

/* An event of an object, as it is kept. */
struct lens_kept_deed {
  uint64_t sequence;
  uint64_t stack, holder; /* as in lens_event */
  uint32_t outer;         /* 1 + the last deed of its thread before it from further out; 0: none */
  uint32_t before, again; /* 1 + the one before it, and after it, of its place and frame; 0: none */
  uint32_t next;          /* 1 + the next deed of the history; 0: the last */
  uint32_t site, thread, count;
  uint8_t op, inner;
  bool caught; /* of an object that was dead: nothing was taken or given back */
};

struct lens_history {
  uint64_t object, serial;
  uint32_t heap, type;
  uint32_t last, count; /* last: a deed */
  uint32_t late;        /* the first of the last LENS_DEEDS_IN_HAND */
  bool freed;
};

/* Codes: below LENS_CODE_HELD they are what is done at a place, as lens_code_of has it. */
enum { LENS_CODE_INNER = 1, LENS_CODE_ALLOCATE = 2, LENS_CODE_KINDS = 4 };
enum {
  LENS_CODE_HELD = 0x40000000, /* + flat type: slots of objects of that type hold it; a giver */
  LENS_CODE_RUNTIME = 0x70000000,
  LENS_CODE_ROOT,        /* giver: roots own it now */
  LENS_CODE_GONE,        /* giver: went with collected garbage */
  LENS_CODE_LEFT,        /* giver: nobody: a release is missing */
  LENS_CODE_CARRIED,     /* giver: nobody yet, when the window ends; */
  LENS_CODE_CARRIED_OWN, /* ... the same by side, of an object whose sides come out even */
  LENS_CODE_CARRIED_INNER,
  LENS_CODE_LOST,  /* taker: before the first event that is left, or before the window */
  LENS_CODE_BARE,  /* taker: nobody: a release is too many, or a slot never retained */
  LENS_CODE_OTHERS /* what is beyond LENS_MIX_PARTS */
};

enum {
  LENS_DEEDS_IN_HAND = 1 << 16, /* of one history: the last ones */
  LENS_WINDOW_DEEDS = 128,      /* so its runs fit beside 32 parts that are no deeds of it */
  LENS_LEARN_DEEDS = 64,        /* to learn from, shorter ones do */
  LENS_MIX_PARTS = 160,
  LENS_MIX_ENDS = 30, /* what holds an object, by kind; places that an older window left open */
  LENS_STARTS = 2,    /* learning begins with two guesses that contradict each other */
  LENS_FITS = 4,      /* of each start: one that decides, and after all of these one that doubts */
  LENS_GAPS = 24,     /* classes of distances in time: 16 in one thread, then 8 */
  LENS_STEPS = 32     /* classes of distances on the stack (frames.c) */
};

/* A run: deeds at one place, in one thread, with none of the other kind in between. */
struct lens_part {
  uint32_t code, count;
  uint32_t thread;
  uint64_t first, last; /* sequences; of what is no event: 0 of takers, UINT64_MAX of givers */
  uint64_t stack;       /* of all its deeds; 0: not known */
  uint32_t first_deed, last_deed;
};
struct lens_mix {
  struct lens_part takers[LENS_MIX_PARTS], givers[LENS_MIX_PARTS];
  uint32_t taker_count, giver_count;
};
typedef double lens_flow[LENS_MIX_PARTS][LENS_MIX_PARTS]; /* how many of a taker went to a giver */

/* A mix as it is kept for learning: parts, takers before givers, and its cells, row by row. */
struct lens_kept_mix {
  uint64_t first_part, first_cell;
  uint32_t taker_count, giver_count, times;
  uint32_t even;          /* enum lens_evenness */
  uint32_t variant, seen; /* of mixes that differ in their distances alone; of variant 0: of all */
};
struct lens_kept_part {
  uint32_t code, count;
};
struct lens_cell {
  uint32_t bond;
  uint16_t gap, step; /* classes, as lens_gap_class and lens_step_class have them */
  float factor;       /* lens_bond_even_factor */
};

struct lens_bond {
  uint32_t taker, giver;
  double known;               /* references of which the target says so */
  double guess[LENS_STARTS];  /* by what is known of the two places alone */
  double count[LENS_STARTS];  /* references, expected over all mixes, and known */
  double weight[LENS_STARTS]; /* the chance that what was taken goes that way */
  double next;                /* count, of the round in progress */
  float gaps[LENS_STARTS][LENS_GAPS], gaps_next[LENS_GAPS];     /* of count - known, by distance */
  float steps[LENS_STARTS][LENS_STEPS], steps_next[LENS_STEPS]; /* ... on the stack */
};

/* A hash of small rows by a 64-bit key: 1 + row, 0: free. */
struct lens_table {
  uint32_t *places;
  size_t capacity; /* a power of two, or 0 */
};

/* Of each thread, or of each place in each frame, the last deed. */
struct lens_latest {
  struct lens_table table;
  struct lens_column rows; /* uint32_t: deeds */
  uint64_t count;
};

/* What a holder took, and where that went: codes. */
struct lens_known {
  uint32_t taker, giver;
};

/* How well what containers took and gave back comes out with what holds the object. */
enum lens_evenness { LENS_UNEVEN, LENS_NEARLY_EVEN, LENS_EVEN };

/* One history in hand. */
struct lens_match {
  struct lens_column deeds;     /* lens_deed */
  struct lens_column numbers;   /* uint32_t a deed: as it is kept */
  struct lens_column parts;     /* uint8_t a deed: its row or column in the mix */
  struct lens_column open;      /* uint32_t: takes of older windows that are open, by age */
  struct lens_column work;      /* uint32_t: a work list */
  struct lens_column by_holder; /* known.c: deeds that name a holder */
  struct lens_column known;     /* struct lens_known */
  uint32_t known_count;
  uint32_t count, skipped; /* deeds in hand; older ones that were too many */
  uint32_t open_count;
  int fitted;                    /* starts whose flow of the window at hand is found */
  uint32_t matched;              /* deeds whose windows are done, of the history that is shown; */
  bool under_way, summed;        /* ... there are more; what holds it is known */
  uint64_t lost, refcount;       /* references before the first deed, and after the last */
  uint64_t caught;               /* releases after the death */
  uint64_t lost_left, bare_left; /* of LOST and BARE, what no window has used yet */
  bool gaps;                     /* counts jump between deeds */
  enum lens_evenness even;
  struct lens_part ends[LENS_MIX_ENDS]; /* what holds it after the last deed, and what is left */
  uint32_t end_count;
  uint64_t bare; /* held or given back beyond what was taken */
  struct lens_mix mix;
  lens_flow flow[LENS_FITS];
  uint32_t whole[LENS_MIX_PARTS][LENS_MIX_PARTS];
  bool guessed[LENS_MIX_PARTS][LENS_MIX_PARTS]; /* of cells that are not 0: others fit as well */
  struct lens_column blamed;                    /* struct lens_blamed */
  uint32_t blamed_count;
  struct lens_column uses; /* struct lens_code_use a code, for takes and gives; 0 between uses */
  size_t use_room;
  uint32_t use_count;    /* places that did something: listed in `work` */
  uint64_t takes, gives; /* in all */
  lens_pairing shown;
  struct lens_column unmatched; /* lens_unmatched */
};
/* How often a place did something to the object, and 1 + the row of what is left over; 0: none. */
struct lens_code_use {
  uint32_t count, row;
};
/* What is expected to be left over of what a place did, by each fit. */
struct lens_blamed {
  uint32_t code;
  double refs[LENS_FITS];
};

enum lens_pairs_phase { LENS_PAIRS_IDLE, LENS_PAIRS_READING, LENS_PAIRS_READ, LENS_PAIRS_LEARNING };

struct lens_pairs_state {
  uint8_t phase;
  uint32_t round, start; /* of learning; round 0: mixes are gathered */
  bool learned;
  uint64_t heap, sequence; /* the next event to read */
  uint64_t at;             /* the next history to gather, or mix to learn from */
  struct lens_column deeds, histories, sites;
  struct lens_column made; /* uint32_t a place: 1 + the type of an object that it made; 0: none */
  uint64_t deed_count, history_count, site_count;
  struct lens_column mixes, parts, cells, bonds;
  struct lens_column scales;   /* double a part: of a giver what fitted its mix last */
  struct lens_column partners; /* uint32_t a code: 1 + its strongest bond with a place; 0: none */
  uint64_t mix_count, part_count, cell_count, bond_count;
  struct lens_column even; /* uint8_t a code: 1: of a live object whose count comes out even */
  struct lens_column sums; /* double: lens_code_sum */
  double gap_share[LENS_STARTS][LENS_GAPS]; /* of all pairs, how many are so far apart */
  double step_share[LENS_STEPS];            /* the same on the stack, of all that could be pairs */
  struct lens_table by_serial, by_place, by_mix, by_bond;
  struct lens_latest last_of_thread, last_of_place;
  struct lens_match match;
  struct lens_column blames; /* lens_unmatched */
  uint64_t blame_count, blame_row, silent;
  struct lens_column blame_others, blame_lists; /* blame.c: the other places of each blame */
  uint64_t blame_other_count;
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

/* ---- frames.c ---- */

/* A deed was kept: finds what was done before it further out, and by the same line in the same
 * frame.  False: no memory. */
bool lens_frames_note(struct lens_pairs_state *self, uint32_t number);
void lens_frames_free(struct lens_pairs_state *self);
/* The class of the distance of two runs on the stack; LENS_STEPS: it is not known. */
uint32_t lens_step_class(const struct lens_pairs_state *self, const struct lens_part *taker,
                         const struct lens_part *giver);
/* How much more often than others a pair with this bond is so far apart. */
double lens_step_factor(const struct lens_pairs_state *self, const struct lens_bond *bond,
                        uint32_t step, int start);

/* ---- holding.c ---- */

/* What holds the object of the history now: match.ends and match.bare.  False: that is not known.
 * *object: its index, where it lives and that is known; LENS_NONE otherwise. */
bool lens_holders_of(lens *self, const struct lens_history *history, struct lens_match *match,
                     uint32_t *object);
/* The giver that slots of objects of a type are. */
static inline uint32_t lens_code_held(uint32_t type) {
  uint32_t room = LENS_CODE_RUNTIME - LENS_CODE_HELD - 1;
  return LENS_CODE_HELD + (type < room ? type : room);
}

/* ---- known.c ---- */

/* Settles the deeds in hand whose holder gave the reference back or, with `object` the index of
 * theirs (LENS_NONE: not known), has it now: fate, partner and `known`.  What that uses of
 * match.ends is taken from it.  False in *settled: nothing is, and the ends have to be
 * found anew.  LENS_OK, or LENS_NO_MEMORY. */
lens_status lens_known_settle(lens *self, uint32_t object, bool *settled);
/* Whether the holder is a slot outside all heaps: the program's own. */
bool lens_holder_is_outside(const lens *self, uint64_t holder);

/* ---- mix.c ---- */

/* Takes the deeds of the history in hand, at most its last ones. */
lens_status lens_history_take(lens *self, const struct lens_history *history, uint32_t most);
/* Sums them up, with what holds it, and settles what is a fact.  *known: what holds it is known.
 * LENS_OK, or LENS_NO_MEMORY. */
lens_status lens_history_sum(lens *self, const struct lens_history *history, bool *known);
/* Where the window ends that begins at a deed: at what is left, or where few are open. */
uint32_t lens_window_end(const struct lens_match *match, uint32_t begin, uint32_t most);
/* Makes match.mix of the deeds [begin, end), what is open before them, and what comes after. */
void lens_mix_make(struct lens_pairs_state *pairs, uint32_t begin, uint32_t end,
                   bool open_is_known);

/* ---- bonds.c ---- */

/* The bond of two codes, made where there is none; LENS_NONE where there are too many.  LENS_OK, or
 * LENS_NO_MEMORY. */
lens_status lens_bond_get(lens *self, uint32_t taker, uint32_t giver, uint32_t *number);
/* The bond of two codes, or NULL. */
const struct lens_bond *lens_bond_find(const struct lens_pairs_state *self, uint32_t taker,
                                       uint32_t giver);
/* The chance that what a taker took goes to a giver, or, where something is bare, that a giver gave
 * back what that taker took.  `bond` NULL: no object ever showed it. */
double lens_bond_weight(const struct lens_pairs_state *self, const struct lens_bond *bond,
                        uint32_t taker, uint32_t giver, int start, bool bare);
/* How much rarer it is in such objects that one side gives back what the other took. */
double lens_bond_even_factor(uint32_t taker, uint32_t giver, enum lens_evenness even);
static inline bool lens_code_carries(uint32_t code) {
  return code >= LENS_CODE_CARRIED && code <= LENS_CODE_CARRIED_INNER;
}
/* What is known of two places alone. */
double lens_bond_guess(const struct lens_pairs_state *self, uint32_t taker, uint32_t giver,
                       int start);
void lens_bonds_forget(struct lens_pairs_state *self);

/* ---- flow.c ---- */

/* The class of the distance between two runs; LENS_GAPS: there is none, one of them is no event.
 * LENS_GAPS + 1: what was taken came after it was given back. */
uint32_t lens_gap_class(const struct lens_part *taker, const struct lens_part *giver);
/* How much more often than others a pair with this bond is so far apart. */
double lens_gap_factor(const struct lens_pairs_state *self, const struct lens_bond *bond,
                       uint32_t gap, int start);
/* What is to be fitted: the sums, and the proportions between the cells. */
struct lens_fit {
  const uint32_t *taken, *given; /* none is 0 */
  uint32_t taker_count, giver_count;
  double *weights; /* a row for each taker; they become the flow */
  size_t stride;   /* doubles from one row to the next */
  double slack;    /* how far off all columns together may be, each as a share of its sum */
  uint32_t rounds; /* at most */
};
/* Spreads each taker over the givers so that both sums hold, in the proportions of the weights.
 * `scales`, one for each giver: what the last fit of these sums found, to begin with, or 0 first.
 */
void lens_flow_fit(const struct lens_fit *fit, double *scales);

/* ---- gather.c ---- */

/* Gathers the mixes of all histories from pairs.at on.  LENS_OK, LENS_NO_MEMORY or LENS_AGAIN. */
lens_status lens_mixes_gather(lens *self, const lens_slice *slice, lens_progress *progress);
static inline const struct lens_kept_part *lens_kept_parts(const struct lens_pairs_state *self,
                                                           const struct lens_kept_mix *mix) {
  return (const struct lens_kept_part *)self->parts.items + mix->first_part;
}

/* ---- learn.c ---- */

/* What a code took or gave in all mixes: references. */
enum lens_code_side { LENS_TAKEN, LENS_GIVEN };
double *lens_code_sum(const struct lens_pairs_state *self, uint32_t code, enum lens_code_side side,
                      int start);

/* ---- match.c ---- */

/* Pairs the history into pairs.match.  LENS_OK, LENS_NO_MEMORY, or LENS_AGAIN: asked again for the
 * same one it goes on. */
lens_status lens_match_history(lens *self, const struct lens_history *history,
                               const lens_slice *slice, lens_progress *progress);

/* ---- couple.c ---- */

/* Pairs the deeds [begin, end) and what is open before them, by match.whole, which is used up. */
void lens_couple_window(struct lens_match *match, uint32_t begin, uint32_t end);
/* After the last window: takes that no release gave back. */
void lens_couple_settle(struct lens_match *match);

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
/* Whether the deed has to be matched: it takes or gives back, and is no fact. */
static inline bool lens_deed_counts(const lens_deed *deed) {
  return deed->fate != LENS_FATE_NONE && deed->known == 0;
}
static inline bool lens_deed_takes(uint32_t op) {
  return op == LENS_EVENT_ALLOCATE || op == LENS_EVENT_RETAIN;
}

#endif

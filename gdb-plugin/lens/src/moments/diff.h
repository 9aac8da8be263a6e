/* A comparison of two moments, inside.
 *
 *     diff_names.c  types and sites of both moments, numbered together
 *     diff.c        the merge: both moments' rows are read once, in the order of addresses
 *     diff_rows.c   what changed, the greatest first
 *     diff_watch.c  what became of single objects
 *
 * Invariants:
 *  - A type or site of a moment has its number in the tables here, or LENS_NONE where the filter
 *    leaves its type out.
 *  - Objects never move, so the same object has the same address: nothing is looked up.
 */
#ifndef LENS_DIFF_H
#define LENS_DIFF_H

#include "memory/best.h"
#include "memory/map.h"
#include "moments/moment.h"

/* Types, or pairs of a type and a site, of both moments. */
struct lens_diff_table {
  lens_diff_row *rows;
  size_t count, capacity;
  uint32_t *order; /* rows that changed, the greatest change first */
  uint64_t changed;
};

/* One of the two moments. */
struct lens_diff_side {
  const lens_moment *moment;
  uint32_t *types; /* its types -> rows of lens_diff.types; LENS_NONE: left out */
  uint32_t *sites; /* its sites -> numbers that both sides share; [0]: no site */
  struct lens_moment_reader reader;
  struct lens_moment_row row;
  bool there; /* row is one; else the end was reached */
};

/* The objects with the greatest changes. */
struct lens_diff_shown {
  struct lens_best *best; /* rows: places in `objects` */
  lens_diff_object *objects;
  size_t best_capacity, object_capacity;
  uint64_t limit, count;
};

/* Objects of B that were asked of, by address. */
struct lens_diff_watch {
  uint64_t *addresses; /* ascending */
  uint32_t *fates;     /* enum lens_watched */
  uint64_t count, next;
};

struct lens_diff {
  struct lens_diff_side a, b;
  lens_diff_totals totals;
  uint32_t *heaps; /* A's heaps -> B's; LENS_NONE: it is not there */
  bool started, complete;
  lens_status failed;
  struct lens_diff_table types, places; /* places: a type and where it was allocated */
  struct lens_map pairs;                /* type << 32 | site -> row of `places` */
  struct lens_diff_shown shown;
  struct lens_diff_watch watch;
  uint64_t seen; /* rows of both, for progress */
};

/* Numbers types and sites, and says what the two moments have in common.  LENS_NO_MEMORY. */
lens_status lens_diff_names(lens_diff *self, const char *type_glob);
/* The row of the table; NULL when out of memory.  A new one is empty but for its type. */
lens_diff_row *lens_diff_row_add(struct lens_diff_table *table, const char *type);
/* Tells the fate of B's row where it is asked of; rows come in order (diff_watch.c). */
void lens_diff_watch_row(lens_diff *self, enum lens_watched fate);
/* Sorts all that is shown. */
lens_status lens_diff_sort(lens_diff *self);
/* Takes an object among those that are shown, where it is one of the greatest changes. */
lens_status lens_diff_offer(lens_diff *self, const lens_diff_object *object);

#endif

/* What leaks, as it was found, for the answer as JSON (leaks.c) and as text (leaks_text.c). */
#ifndef PROGRAM_LEAKS_H
#define PROGRAM_LEAKS_H

#include "leak_groups.h"
#include "leak_rules.h"
#include "leak_tree.h"

/* Of the leaks that count: what is set aside does not. */
struct leak_sums {
  uint64_t leaks, objects, bytes, cycles;
  uint64_t cycle_objects, cycle_bytes; /* of the cycles */
};

struct leaks_found {
  lens_leaks_totals totals;
  struct leak_row *rows; /* the most bytes first, those that are set aside behind all others */
  uint64_t count, left;  /* rows in hand; of these, not set aside */
  uint64_t matched;      /* rows that there are */
  struct leak_sums sums, aside;
  struct leak_rules rules;
  lens_leak_census *census;
  uint64_t census_count;
  struct leak_groups groups; /* of what is left; for a JUnit file of what is set aside, too */
  bool grouped;              /* the answer has them */
  char *accepted;            /* what rows of the baseline say */
  bool chosen, within;       /* chosen: one object was asked of */
  struct leak_numbers hung;  /* chosen: the leaks that it belongs to or hangs on */
  struct leak_forest forest; /* of -tree */
  char answer[256];          /* of it, in words; "": the rows say it */
};

/* A table or trees, and below them the sums and what would free how much. */
lens_status leaks_text(const struct session *session, struct leaks_found *found);

#endif

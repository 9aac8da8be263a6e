/* Cycles that were chosen, and one of them as it is shown. */
#ifndef PROGRAM_CYCLES_H
#define PROGRAM_CYCLES_H

#include "command.h"

enum { STORES_MAX = 1000 }; /* rows of which it is looked for who stored the slot's reference */

struct cycle {
  lens_cycle row;
  lens_cycle_group group; /* of the cycles like it */
  lens_cycle_opened opened;
  lens_cycle_slot *slots; /* room for as many as are shown */
  uint32_t *objects;      /* the same */
  uint64_t room;
  lens_cycle_break *breaks;
  uint64_t slot_count, break_count; /* that are in hand */
  const lens_cycle_break *best;     /* of breaks; NULL: none was tried */
  bool whole_group; /* the best one is known to let all of each cycle of the group go */
};

struct cycles {
  lens_cycles_totals totals;
  lens_cycle *rows; /* the biggest first */
  uint64_t shown, matched;
  bool grouped;     /* a row stands for all cycles like it */
  bool tracked;     /* events tell who stored what */
  char answer[256]; /* of an object that is in no cycle, in words; "": there are rows */
};

/* The slot's name as it stands in its holder. */
void cycle_slot_text(const struct session *session, const lens_cycle_slot *slot, char *out,
                     size_t bytes);

/* Text: the number-th of the rows. */
lens_status cycle_text(const struct session *session, const struct cycle *cycle, uint64_t number,
                       const struct cycles *cycles);
void cycles_end_text(const struct session *session, const struct cycles *cycles);

#endif

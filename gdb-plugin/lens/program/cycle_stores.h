/* Which line of the program stored a reference of a ring, by the events that it tracked.  The same
 * as GDB's `cairn cycles` works out (gdb-plugin/cairn_gdb/findings/cycle_stores.py). */
#ifndef PROGRAM_CYCLE_STORES_H
#define PROGRAM_CYCLE_STORES_H

#include "cycles.h"

enum { STORE_OTHERS_MAX = 16 };

struct cycle_store {
  bool known;
  uint64_t caller;                   /* the code that stored it */
  uint64_t others[STORE_OTHERS_MAX]; /* that may be it instead */
  uint32_t other_count;
  uint32_t sureness; /* enum lens_sureness */
  uint64_t holder, target, sequence;
};

/* Of the ring's references by the best slot the one that was stored last; needs left_prepare. */
lens_status cycle_store_of(const struct session *session, const struct cycle *cycle,
                           struct cycle_store *out);

#endif

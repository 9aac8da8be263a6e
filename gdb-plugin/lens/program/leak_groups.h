/* Leaks that are alike: of one kind, of one type, allocated at one place.  Mending that place mends
 * all of them.  For the answer and for the JUnit file; the same as GDB's `cairn leaks` puts
 * together (gdb-plugin/cairn_gdb/findings/leak_report.py), but that a place is an address, not a
 * line. */
#ifndef PROGRAM_LEAK_GROUPS_H
#define PROGRAM_LEAK_GROUPS_H

#include "leak_rules.h"

/* Rows [first, end) of the leak_groups, set aside for one reason or not. */
struct leak_group {
  size_t first, end;
  uint64_t objects, bytes;
};

struct leak_groups {
  struct leak_row *rows;     /* a copy: of a group, the most bytes first */
  struct leak_group *groups; /* the most bytes first, those that are set aside behind all others */
  size_t count;
};

/* LENS_OK or LENS_NO_MEMORY.  In all cases free *out. */
lens_status leak_groups_make(const struct session *session, const struct leak_row *rows,
                             size_t count, struct leak_groups *out);
void leak_groups_free(struct leak_groups *groups);

/* "cycle" or "lost". */
const char *leak_kind(const struct leak_row *row);
/* The address of the code that allocated the root; 0: not known. */
uint64_t leak_place(const struct leak_row *row);

/* Both leave out what is set aside.  "groups" of the answer; */
void leak_groups_json(const struct session *session, const struct leak_groups *groups);
/* a line for each of the first groups of several leaks, `bytes`: of all that leaks. */
void leak_groups_print(const struct session *session, const struct leak_groups *groups,
                       uint64_t bytes);

#endif

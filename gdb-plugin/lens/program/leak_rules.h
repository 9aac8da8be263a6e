/* Which leaks a user does not want to hear of: a file of suppressions.
 *
 * A rule a line: words KEY=GLOB, all of which must fit a leak; blank lines and what follows a # are
 * nothing; quotes and backslashes as in a shell.  The same files as those of GDB's `cairn leaks
 * -suppress` (gdb-plugin/cairn_gdb/findings/leak_rules.py), which a test sees to.
 *
 *     kind      cycle or lost
 *     type      the name of the root's type
 *     file      a module that allocated the root, or that its callers are in (with tracking)
 *     slot      TYPE.SLOT by which an object of the leak holds another; elements are `list[]`
 *     function  fits nothing here: without a debugger functions have no names
 */
#ifndef PROGRAM_LEAK_RULES_H
#define PROGRAM_LEAK_RULES_H

#include "command.h"

/* A leak with what is known of its root. */
struct leak_row {
  lens_leak leak;
  lens_object root;
  lens_site site;    /* that allocated the root; frame_count 0: not known */
  const char *aside; /* why it is set aside; NULL: it is not */
};

struct leak_rule {
  char where[24]; /* `:LINE` */
  char *text;
  char *words; /* KEY, NUL, GLOB, NUL, ...; an empty key is the end */
  char *why;   /* `suppressed by FILE:LINE` */
  bool used;
};

struct leak_rules {
  const char *path;
  struct leak_rule *rules;
  size_t count, capacity;
};

/* LENS_OK, or refuses with the place and the mistake. */
lens_status leak_rules_read(struct session *session, const char *path, struct leak_rules *out);
void leak_rules_free(struct leak_rules *rules);
/* Sets `row->aside` by the first rule that fits; notes all that do as used. */
lens_status leak_rules_apply(const struct session *session, struct leak_rules *rules,
                             struct leak_row *row);

#endif

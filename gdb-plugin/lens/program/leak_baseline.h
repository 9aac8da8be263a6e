/* Leaks that are accepted, because they are known or were there before: a baseline.
 *
 * Two kinds, told apart by what the file holds, as GDB's `cairn leaks -baseline` takes them
 * (gdb-plugin/cairn_gdb/findings/leak_baseline.py):
 *
 *     what `leaks -limit 0 -json` printed: of each kind, type and place so many leaks are accepted
 *     as it lists
 *
 *     a snapshot or core of the same process: a leak whose root was there already is accepted
 */
#ifndef PROGRAM_LEAK_BASELINE_H
#define PROGRAM_LEAK_BASELINE_H

#include "leak_rules.h"

/* Sets `aside` of the rows that are accepted.  *why is what they point to: the caller frees it when
 * they are gone.  Refuses what is no baseline, or one of another process. */
lens_status leak_baseline_apply(struct session *session, const char *path, struct leak_row *rows,
                                uint64_t count, char **why);

#endif

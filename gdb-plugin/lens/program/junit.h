/* A JUnit file of leaks, as CI servers read it: a test case for each kind, type and place.  The
 * same as GDB's `cairn leaks -junit` writes (gdb-plugin/cairn_gdb/render/junit.py), but that a
 * place is a module and a distance. */
#ifndef PROGRAM_JUNIT_H
#define PROGRAM_JUNIT_H

#include "leak_groups.h"

/* Puts the file there whole, or leaves what was there.  `failing`: what is not set aside fails,
 * else it is within the limits. */
lens_status junit_write(struct session *session, const char *path, const struct leak_groups *groups,
                        bool failing);

#endif

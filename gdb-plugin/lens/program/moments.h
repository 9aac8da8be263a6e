/* Moments of cores, taken or read from files. */
#ifndef PROGRAM_MOMENTS_H
#define PROGRAM_MOMENTS_H

#include "command.h"

/* lens_moment_free them.  Of a core that is open; `path` is its name. */
lens_status moment_take(lens *target, const char *path, lens_moment **out);
/* Of a snapshot's file or of a core. */
lens_status moment_find(struct session *session, const char *path, lens_moment **out);
/* A moment, without its closing brace. */
void json_moment(yajl_gen json, const char *path, const lens_moment *moment);

#endif

/* What the program tracked of an object, or of what was in its block before it was freed. */
#ifndef PROGRAM_TRACKED_H
#define PROGRAM_TRACKED_H

#include "command.h"

struct tracked {
  lens_track track;
  lens_site site, freed; /* without frames: not known */
  lens_event *events;    /* the last ones, in order; */
  uint64_t count, total; /* so many of so many that are left */
  uint64_t lost;         /* of the heap: earlier ones of this object may be among them */
};

/* At most `limit` events, 0: all.  LENS_NOT_FOUND: nothing is known.  Free it in all cases. */
lens_status tracked_get(const struct session *session, uint64_t address, uint64_t limit,
                        struct tracked *out);
void tracked_free(struct tracked *tracked);

/* The members of an event; `[PLACE, ...]`. */
void json_event(const struct session *session, const lens_event *event);
void json_frames(const struct session *session, const char *name, const lens_site *site);

#endif

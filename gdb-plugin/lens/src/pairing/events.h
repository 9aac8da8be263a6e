/* The events of a heap's ring, one after the other. */
#ifndef LENS_EVENTS_H
#define LENS_EVENTS_H

#include "model.h"

/* What it answers, when it is not LENS_OK, ends the visit. */
typedef lens_status (*lens_event_visit_fn)(void *context, const lens_event *event);

/* The events numbered [oldest, newest] that are left, in order.  A ring that can be read in part
 * only becomes a problem. */
lens_status lens_events_visit(lens *self, uint32_t heap, uint64_t oldest, uint64_t newest,
                              lens_event_visit_fn visit, void *context);

#endif

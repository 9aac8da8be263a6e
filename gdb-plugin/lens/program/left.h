/* What is left over of retains and releases once they are paired, and the places that it is of. */
#ifndef PROGRAM_LEFT_H
#define PROGRAM_LEFT_H

#include <stdio.h>

#include "command.h"

/* Judges all counts, of the types of `glob` (NULL: all); where events are kept, what balanced
 * objects teach: *paired. */
lens_status left_prepare(const struct session *session, const char *glob, bool guessed,
                         bool *paired);

/* Pairs the events of an object; *paired: there are some. */
lens_status left_pair(const struct session *session, uint64_t address, lens_pairing *pairing,
                      bool *paired);

/* What is left over of the last pairing, the most references first; `name` is its member. */
lens_status left_json(const struct session *session, const char *name);
/* A line or more each, behind `indent`, into a file. */
lens_status left_text(const struct session *session, FILE *out, const char *indent,
                      uint64_t *count);

/* The same of all findings of the last audit: "unmatched" and "without_events". */
lens_status blame_json(const struct session *session);
/* Where there are several findings, a sentence before them. */
lens_status blame_text(const struct session *session, uint64_t findings);

/* The innermost code of a pair site that is known; 0: none is. */
uint64_t left_innermost(const struct session *session, uint32_t site);
const char *left_sureness(uint32_t sureness); /* of enum lens_sureness */

/* The names of operations: "retain", of enum lens_event_op. */
const char *left_op(uint32_t op);

#endif

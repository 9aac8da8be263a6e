/* What went wrong: the text of the last failure, and the bounded log of named problems.
 *
 * A failure ends a call and is told by its status; a problem is a fact about the target that the
 * work went on after.  Problems of one reason (one format text from one source) are kept up to a
 * few; the rest of them are counted in `repeated` of the last one kept.
 */
#ifndef LENS_PROBLEM_H
#define LENS_PROBLEM_H

#include "lens.h"

/* Who found it: the problems of a source are forgotten when its work begins anew. */
enum lens_source {
  LENS_SOURCE_FILE, /* the core file itself: never forgotten */
  LENS_SOURCE_LOAD,
  LENS_SOURCE_WALK,
  LENS_SOURCE_CHECK,
  LENS_SOURCE_QUERY
};

enum {
  LENS_PROBLEMS_MAX = 1024,
  LENS_PROBLEMS_A_REASON = 16,
  LENS_NOTES_A_REASON = 128, /* notes name what is missing: each counts */
  LENS_PROBLEM_TEXT_BYTES = 160
};

struct lens_log {
  struct lens_log_entry *entries;
  size_t count, capacity;
  uint64_t dropped; /* problems that even the log had no room for */
};

#define LENS_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Logs a problem.  `reason` is a format whose text identifies the reason: pass a literal. */
void lens_problem_add(lens *self, enum lens_source source, enum lens_severity severity,
                      uint64_t address, const char *reason, ...) LENS_PRINTF(5, 6);
/* Whether damage was met on the way to the objects: something may then hold what nothing seems to
 * hold.  What only a check looks for is no part of it: an answer is the same before and after one.
 */
bool lens_problems_damage(const lens *self);
/* Forgets the problems of one source. */
void lens_problems_forget(lens *self, enum lens_source source);
void lens_log_free(struct lens_log *log);

/* Stores the text of a failure for lens_error and returns `status`. */
lens_status lens_fail(lens *self, lens_status status, const char *format, ...) LENS_PRINTF(3, 4);

#endif

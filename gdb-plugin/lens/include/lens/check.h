/* The check, and the problems that were met. */
#ifndef LENS_LENS_CHECK_H
#define LENS_LENS_CHECK_H

#include "lens/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verifies headers, pages, free lists, counts, contract.  Findings become problems.  LENS_AGAIN /
 * LENS_OK. */
LENS_API lens_status lens_check(lens *self, uint32_t slice_ms, lens_progress *progress);
typedef struct lens_check_totals {
  uint64_t objects, pages, arenas, problems;
} lens_check_totals;
LENS_API lens_status lens_check_totals_get(const lens *self, lens_check_totals *out);

enum lens_severity { LENS_NOTE, LENS_WARNING, LENS_DAMAGE };
typedef struct lens_problem {
  uint64_t address;
  uint32_t severity, repeated;
  const char *text;
} lens_problem;
/* Named problems met so far (bounded; `repeated` counts what the same reason hid). */
LENS_API uint64_t lens_problem_count(const lens *self);
LENS_API lens_status lens_problem_get(const lens *self, uint64_t index, lens_problem *out);

#ifdef __cplusplus
}
#endif

#endif

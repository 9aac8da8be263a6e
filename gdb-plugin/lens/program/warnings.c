/* Warnings.  See warnings.h.  As GDB's commands say them (gdb-plugin/cairn_gdb/session/session.py).
 */
#include "warnings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

enum { PROBLEMS_MAX = 20, TEXT_BYTES = 1024 };

typedef void (*sayer)(const struct session *session, const char *text);

/* A sentence ends with a full stop. */
static void say_sentence(const struct session *session, sayer say_it, const char *text) {
  char line[TEXT_BYTES];
  const size_t length = strlen(text);
  (void)snprintf(line, sizeof line, "%s%s", text,
                 length != 0 && text[length - 1] == '.' ? "" : ".");
  say_it(session, line);
}

static void heap_warnings(const struct session *session, sayer say_it) {
  char line[TEXT_BYTES], name[96];
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (lens_heap_get(session->target, i, &heap) != LENS_OK || strcmp(heap.flux, "none") == 0)
      continue;
    heap_name(session, (uint32_t)i, name, sizeof name);
    if (heap.flux_object != 0) {
      (void)snprintf(line, sizeof line,
                     "%s is stopped in mid-%s; the object at 0x%" PRIx64 " is in flux.", name,
                     heap.flux, heap.flux_object);
    } else {
      (void)snprintf(line, sizeof line, "%s is stopped in mid-%s.", name, heap.flux);
    }
    say_it(session, line);
  }
}

/* Of check: what explains something and is no problem; the problems are its answer. */
static void notes(const struct session *session, sayer say_it) {
  for (uint64_t i = 0; i < lens_problem_count(session->target); i++) {
    lens_problem problem;
    if (lens_problem_get(session->target, i, &problem) == LENS_OK &&
        problem.severity < LENS_WARNING)
      say_it(session, problem.text);
  }
}

/* What the lens met on its way. */
static void problem_warnings(const struct session *session, sayer say_it) {
  const uint64_t count = lens_problem_count(session->target);
  char line[TEXT_BYTES];
  uint64_t said = 0;
  for (uint64_t i = 0; i < count; i++) {
    lens_problem problem;
    if (lens_problem_get(session->target, i, &problem) != LENS_OK ||
        problem.severity < LENS_WARNING)
      continue;
    if (said++ < PROBLEMS_MAX) say_sentence(session, say_it, problem.text);
  }
  if (said <= PROBLEMS_MAX) return;
  (void)snprintf(line, sizeof line, "and %s more; the command check lists them.",
                 text_number(said - PROBLEMS_MAX).text);
  say_it(session, line);
}

static void walk_warnings(const struct session *session, sayer say_it) {
  char line[TEXT_BYTES];
  lens_walk_totals totals;
  if (lens_walk_totals_get(session->target, &totals) != LENS_OK) return;
  if (totals.dying != 0) {
    (void)snprintf(line, sizeof line, "%s %s dying: slots are being cleared.",
                   text_counted(totals.dying, "object").text, totals.dying == 1 ? "is" : "are");
    say_it(session, line);
  }
  if (totals.damaged_blocks != 0) {
    (void)snprintf(line, sizeof line, "%s left out; the command check names %s.",
                   text_counted(totals.damaged_blocks, "damaged block").text,
                   totals.damaged_blocks == 1 ? "it" : "them");
    say_it(session, line);
  }
  if (totals.unreadable_bytes != 0) {
    (void)snprintf(line, sizeof line, "%s of the heap can't be read and is left out.",
                   text_size(totals.unreadable_bytes).text);
    say_it(session, line);
  }
}

void warnings_each(const struct session *session, bool walked, sayer say_it) {
  const bool check = strcmp(session->options->command, "check") == 0;
  if (session->target != NULL) {
    heap_warnings(session, say_it);
    if (check) notes(session, say_it);
    if (!check) problem_warnings(session, say_it);
    if (!check && walked) walk_warnings(session, say_it);
  }
  for (uint32_t i = 0; i < session->note_count; i++)
    say_sentence(session, say_it, session->notes[i]);
}

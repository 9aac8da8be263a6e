/* check: what is damaged, and where.  What only explains something is a warning of the answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "page.h"
#include "units.h"

struct problems {
  lens_problem *rows; /* without notes */
  uint64_t count, repeated;
};

static lens_status take_problems(const struct session *session, struct problems *out) {
  const uint64_t count = lens_problem_count(session->target);
  *out = (struct problems){.rows = calloc((size_t)count + 1, sizeof *out->rows)};
  if (out->rows == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < count; i++) {
    lens_problem *row = &out->rows[out->count];
    lens_status status = lens_problem_get(session->target, i, row);
    if (status != LENS_OK) return status;
    if (row->severity < LENS_WARNING) continue;
    out->repeated += row->repeated;
    out->count++;
  }
  return LENS_OK;
}

static void print_problem(const struct session *session, const lens_problem *problem,
                          uint64_t number) {
  const char *severity = problem->severity == LENS_WARNING ? "warning" : "damage";
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_map_open(json);
    json_address(json, "addr", problem->address);
    json_text(json, "problem", problem->text);
    json_text(json, "severity", severity);
    json_number(json, "repeated", problem->repeated);
    yajl_gen_map_close(json);
    return;
  }
  const struct number_text address = text_address(problem->address);
  const bool told = problem->address == 0 || strstr(problem->text, address.text) != NULL;
  char more[64] = "";
  if (problem->repeated != 0)
    (void)snprintf(more, sizeof more, " (and %s more of the kind)",
                   text_number(problem->repeated).text);
  say("#%" PRIu64 " %s: %s%s%s%s", number, severity, told ? "" : address.text, told ? "" : ": ",
      problem->text, more);
}

static void print_totals(const struct session *session, const lens_check_totals *totals,
                         const struct problems *problems, uint64_t shown) {
  yajl_gen json = session->json;
  if (json == NULL) {
    text_cut(shown, problems->count, "problems");
    say("%s, %s and %s checked: %s.", text_counted(totals->objects, "object").text,
        text_counted(totals->pages, "page").text, text_counted(totals->arenas, "arena").text,
        problems->count == 0 ? "no problem"
                             : text_counted(problems->count + problems->repeated, "problem").text);
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, problems->count, shown);
  json_name(json, "checked");
  yajl_gen_map_open(json);
  json_number(json, "objects", totals->objects);
  json_number(json, "pages", totals->pages);
  json_number(json, "arenas", totals->arenas);
  yajl_gen_map_close(json);
  yajl_gen_map_close(json);
}

lens_status check_run(struct session *session) {
  lens_check_totals totals;
  struct problems problems = {.rows = NULL};
  lens_status status = run_steps(session->target, lens_check);
  if (status == LENS_OK) status = lens_check_totals_get(session->target, &totals);
  if (status == LENS_OK) status = take_problems(session, &problems);
  if (status == LENS_OK) {
    const uint64_t shown = rows_room(session, problems.count);
    rows_begin(session);
    for (uint64_t i = 0; i < shown; i++) print_problem(session, &problems.rows[i], i + 1);
    print_totals(session, &totals, &problems, shown);
  }
  free(problems.rows);
  return status;
}

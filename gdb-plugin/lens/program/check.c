/* check: what is damaged, and where. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "units.h"

static const char *const SEVERITIES[] = {"note", "warning", "damage"};

static void print_problem(const struct session *session, const lens_problem *problem) {
  const char *severity =
      SEVERITIES[problem->severity <= LENS_DAMAGE ? problem->severity : LENS_DAMAGE];
  if (session->json == NULL) {
    printf("%s: 0x%" PRIx64 ": %s", severity, problem->address, problem->text);
    if (problem->repeated != 0) printf(" (and %" PRIu32 " more of the kind)", problem->repeated);
    putchar('\n');
    return;
  }
  yajl_gen_map_open(session->json);
  json_address(session->json, "addr", problem->address);
  json_text(session->json, "problem", problem->text);
  json_text(session->json, "severity", severity);
  json_number(session->json, "repeated", problem->repeated);
  yajl_gen_map_close(session->json);
}

static void print_totals(const struct session *session, const lens_check_totals *totals,
                         uint64_t matched, uint64_t shown) {
  yajl_gen json = session->json;
  if (json == NULL) {
    text_cut(shown, matched, "problems");
    printf("%s objects, %s pages and %s arenas checked: %s problems.\n",
           text_number(totals->objects).text, text_number(totals->pages).text,
           text_number(totals->arenas).text,
           totals->problems == 0 ? "no" : text_number(totals->problems).text);
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, matched, shown);
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
  lens_status status = run_steps(session->target, lens_check);
  if (status == LENS_OK) status = lens_check_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  rows_begin(session);
  uint64_t shown = 0, count = lens_problem_count(session->target);
  for (; shown < count && (session->options->limit == 0 || shown < session->options->limit);
       shown++) {
    lens_problem problem;
    status = lens_problem_get(session->target, shown, &problem);
    if (status != LENS_OK) return status;
    print_problem(session, &problem);
  }
  print_totals(session, &totals, count, shown);
  return LENS_OK;
}

/* audit and history: which counts are wrong, and which retains or releases are left over.
 *
 * Offline every root is a guess, so what only raw words hold is balanced, perhaps; and places in
 * the code are modules and distances.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50, PLACE_BYTES = 160 };

static const char *const OPS[] = {"other",   "allocate",      "free",       "retain",
                                  "release", "collect_start", "collect_end"};
static const char *const VERDICTS[] = {"balanced", "over-retained", "under-retained", "immortal",
                                       "unknown"};
static const char *const SURENESS[] = {"certain", "likely", "possible"};
static const char *const FATES[] = {"none", "paired", "held",      "root",
                                    "gone", "lost",   "unmatched", "cut"};
static const char *const DOUBTS[] = {"stand-in",   "flux",  "opaque",
                                     "unreadable", "roots", "guessed"};

/* Roots, accounts and findings; where events are kept, what they teach too: *paired. */
static lens_status prepare(struct session *session, bool *paired) {
  lens_status status = roots_find(session);
  const lens_audit_filter filter = {.type_glob = session->options->type_glob,
                                    .guessed = session->options->unsure};
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_audit(session->target, &filter, SLICE_MS, NULL);
  if (status != LENS_OK) return status;
  status = run_steps(session->target, lens_pairs_read);
  *paired = status == LENS_OK;
  if (status == LENS_NOT_FOUND) return LENS_OK;
  return status == LENS_OK ? run_steps(session->target, lens_pairs_learn) : status;
}

/* ---- what is left over ---- */

static uint64_t caller_of(const struct session *session, uint32_t site) {
  lens_pair_site place = {0};
  return lens_pair_site_get(session->target, site, &place) == LENS_OK ? place.caller : 0;
}

static void left_json(const struct session *session, const lens_unmatched *row) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  if (row->site != LENS_NONE) {
    json_caller(session, "site", caller_of(session, row->site));
  } else {
    json_name(json, "site");
    yajl_gen_null(json);
  }
  json_text(json, "op", row->op == LENS_EVENT_OTHER ? "slot" : OPS[row->op]);
  json_number(json, "count", row->count);
  json_number(json, "objects", row->objects);
  json_text(json, "confidence", SURENESS[row->sureness]);
  if (row->other_count != 0) {
    json_name(json, "or");
    yajl_gen_array_open(json);
    for (uint32_t i = 0; i < row->other_count; i++)
      json_caller(session, NULL, caller_of(session, row->others[i]));
    yajl_gen_array_close(json);
    if (row->other_more != 0) json_number(json, "or_more", row->other_more);
  }
  if (row->partner != LENS_NONE) {
    json_caller(session, "partner", caller_of(session, row->partner));
    json_number(json, "partner_count", row->partner_count);
  }
  yajl_gen_map_close(json);
}

static void left_text(const struct session *session, const lens_unmatched *row,
                      const char *indent) {
  char place[PLACE_BYTES] = "a place that is not known any more", other[PLACE_BYTES];
  if (row->site != LENS_NONE)
    caller_text(session, caller_of(session, row->site), place, sizeof place);
  printf("%s%s x ", indent, text_number(row->count).text);
  if (row->op == LENS_EVENT_OTHER) {
    printf("held by a slot without having been retained");
  } else if (row->op == LENS_EVENT_RELEASE) {
    printf("released at %s, with no retain for it", place);
  } else {
    printf("%s at %s, never released", row->op == LENS_EVENT_ALLOCATE ? "allocated" : "retained",
           place);
  }
  printf(" (%s", SURENESS[row->sureness]);
  for (uint32_t i = 0; i < row->other_count; i++) {
    caller_text(session, caller_of(session, row->others[i]), other, sizeof other);
    printf("; or %s", other);
  }
  if (row->other_more != 0) printf("; or one of %" PRIu32 " more", row->other_more);
  puts(")");
}

/* All rows of the last pairing. */
static lens_status left_rows(const struct session *session, const char *indent) {
  uint64_t written, total;
  lens_status status = lens_unmatched_rows(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  lens_unmatched *rows = malloc((total + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_unmatched_rows(session->target, total, rows, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    if (session->json != NULL) {
      left_json(session, &rows[i]);
    } else {
      left_text(session, &rows[i], indent);
    }
  }
  free(rows);
  return status;
}

/* ---- audit ---- */

static lens_status pair_finding(const struct session *session, const lens_finding *finding,
                                bool *paired) {
  lens_track track;
  lens_pairing pairing;
  *paired = false;
  lens_status status = lens_track_at(session->target, finding->address, &track);
  if (status == LENS_OK)
    status = lens_pairing_of(session->target, track.heap, track.serial, 0, NULL, &pairing);
  if (status == LENS_NOT_FOUND) return LENS_OK;
  *paired = status == LENS_OK;
  return status;
}

void json_doubts(yajl_gen json, uint32_t doubts) {
  json_name(json, "doubts");
  yajl_gen_array_open(json);
  for (uint32_t bit = 0; bit < sizeof DOUBTS / sizeof DOUBTS[0]; bit++) {
    if ((doubts >> bit & 1) != 0) json_text(json, NULL, DOUBTS[bit]);
  }
  yajl_gen_array_close(json);
}

static void finding_json(const struct session *session, const lens_finding *row) {
  yajl_gen json = session->json;
  lens_object object = {.address = row->address,
                        .size_bytes = row->size_bytes,
                        .type = row->type,
                        .refcount = (uint32_t)row->refcount};
  if (row->object != LENS_NONE) (void)lens_snapshot_object(session->target, row->object, &object);
  json_object(session, &object);
  if (row->object == LENS_NONE) {
    json_name(json, "freed");
    yajl_gen_bool(json, true);
  }
  json_number(json, "heap_refs", row->heap_refs);
  json_number(json, "runtime_refs", row->runtime_refs);
  json_number(json, "root_refs", row->root_refs);
  json_text(json, "verdict", VERDICTS[row->verdict]);
  json_name(json, "surplus");
  yajl_gen_integer(json, row->surplus);
  json_text(json, "confidence",
            row->doubts == 0                 ? "exact"
            : row->doubts == LENS_DOUBT_FLUX ? "tolerant"
                                             : "conservative");
  json_doubts(json, row->doubts);
}

static void finding_text(const struct session *session, const lens_finding *row) {
  uint64_t by = (uint64_t)(row->surplus < 0 ? -row->surplus : row->surplus);
  printf("%s 0x%" PRIx64 " ", row->type == LENS_NONE ? "?" : type_name(session, row->type),
         row->address);
  if (row->object == LENS_NONE) {
    printf("freed, and held by %s slots", text_number(row->heap_refs).text);
  } else {
    printf(
        "%s by %s: count %s, %s from objects, %s from the runtime, at most %s from words outside",
        VERDICTS[row->verdict], text_number(by).text, text_number(row->refcount).text,
        text_number(row->heap_refs).text, text_number(row->runtime_refs).text,
        text_number(row->root_refs).text);
  }
  puts(row->doubts == 0 ? "" : " (not certain)");
}

static lens_status finding_row(const struct session *session, const lens_finding *row,
                               bool paired) {
  bool mine = false;
  lens_status status = paired ? pair_finding(session, row, &mine) : LENS_OK;
  if (status != LENS_OK) return status;
  if (session->json == NULL) {
    finding_text(session, row);
    return mine ? left_rows(session, "    ") : LENS_OK;
  }
  yajl_gen_map_open(session->json);
  finding_json(session, row);
  if (mine) {
    json_name(session->json, "unmatched");
    yajl_gen_array_open(session->json);
    status = left_rows(session, "");
    yajl_gen_array_close(session->json);
  }
  yajl_gen_map_close(session->json);
  return status;
}

static void print_totals(const struct session *session, const lens_audit_totals *totals,
                         uint64_t shown) {
  yajl_gen json = session->json;
  if (json == NULL) {
    text_cut(shown, totals->findings, "findings");
    printf(
        "%s objects over-retained, %s under-retained, %s more in doubt; %s balanced, %s never "
        "freed.\n",
        text_number(totals->over).text, text_number(totals->under).text,
        text_number(totals->over_doubtful + totals->under_doubtful).text,
        text_number(totals->balanced).text, text_number(totals->immortal).text);
    if (totals->guessed != 0)
      printf("%s of the balanced ones are owned by raw words that look like references%s.\n",
             text_number(totals->guessed).text,
             session->options->unsure ? "" : "; -unsure lists them");
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, totals->findings, shown);
  json_name(json, "totals");
  yajl_gen_map_open(json);
  json_number(json, "balanced", totals->balanced);
  json_number(json, "over", totals->over);
  json_number(json, "under", totals->under);
  json_number(json, "over_doubtful", totals->over_doubtful);
  json_number(json, "under_doubtful", totals->under_doubtful);
  json_number(json, "unsure", totals->guessed);
  json_number(json, "immortal", totals->immortal);
  json_number(json, "unknown", totals->unknown);
  json_number(json, "freed", totals->freed);
  json_number(json, "surplus", totals->surplus);
  json_number(json, "deficit", totals->deficit);
  yajl_gen_map_close(json);
}

lens_status audit_run(struct session *session) {
  bool paired = false;
  lens_audit_totals totals;
  uint64_t written = 0, total = 0;
  lens_status status = prepare(session, &paired);
  if (status == LENS_OK) status = lens_audit_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t limit = session->options->limit;
  uint64_t wanted = limit == 0 || limit > totals.findings ? totals.findings : limit;
  lens_finding *rows = malloc((wanted + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_findings(session->target, wanted, rows, &written, &total);
  session->found = totals.over + totals.under != 0;
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++)
    status = finding_row(session, &rows[session->json != NULL ? i : written - 1 - i], paired);
  free(rows);
  if (status != LENS_OK) return status;
  print_totals(session, &totals, written);
  lens_misuses misuses;
  status = tracked_misuses(session, &misuses);
  session->found = session->found || misuses.matched != 0;
  if (session->json != NULL) yajl_gen_map_close(session->json);
  return status;
}

/* ---- history ---- */

static bool is_guess(const lens_deed *deed) {
  return deed->guessed != 0 && deed->fate != LENS_FATE_UNMATCHED;
}

static void deed_row(const struct session *session, const lens_deed *deed, struct table *table) {
  char place[PLACE_BYTES], numbers[4][24], goes_with[32];
  uint64_t caller = caller_of(session, deed->site);
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_number(session->json, "seq", deed->sequence);
    json_text(session->json, "op", OPS[deed->op]);
    json_number(session->json, "refcount", deed->count);
    json_number(session->json, "thread", deed->thread);
    json_caller(session, "site", caller);
    json_name(session->json, "paired");
    if (deed->partner != 0) {
      yajl_gen_integer(session->json, (long long)deed->partner);
    } else {
      yajl_gen_null(session->json);
    }
    if (deed->fate != LENS_FATE_NONE) json_text(session->json, "fate", FATES[deed->fate]);
    if (deed->guessed != 0) json_flag(session->json, "guessed", true);
    yajl_gen_map_close(session->json);
    return;
  }
  snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, deed->sequence);
  snprintf(numbers[1], sizeof numbers[1], "%" PRIu32, deed->count);
  snprintf(numbers[2], sizeof numbers[2], "%" PRIu32, deed->thread);
  snprintf(numbers[3], sizeof numbers[3], "%" PRIu64, deed->partner);
  caller_text(session, caller, place, sizeof place);
  table_cell(table, numbers[0]);
  table_cell(table, OPS[deed->op]);
  table_cell(table, numbers[1]);
  table_cell(table, numbers[2]);
  snprintf(goes_with, sizeof goes_with, "%s%s",
           deed->partner != 0             ? numbers[3]
           : deed->fate == LENS_FATE_NONE ? ""
                                          : FATES[deed->fate],
           is_guess(deed) ? "?" : "");
  table_cell(table, goes_with);
  table_cell(table, place);
}

/* The last `limit` events. */
static lens_status deed_rows(const struct session *session, uint64_t *shown, uint64_t *total) {
  uint64_t written;
  lens_status status = lens_deeds(session->target, 0, 0, NULL, &written, total);
  if (status != LENS_OK) return status;
  uint64_t limit = session->options->limit;
  *shown = limit == 0 || limit > *total ? *total : limit;
  lens_deed *rows = malloc((*shown + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_deeds(session->target, *total - *shown, *shown, rows, &written, total);
  struct table table;
  table_begin(&table,
              (const char *const[]){">event", "", ">count", ">thread", "goes with", "where", NULL});
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) deed_row(session, &rows[i], &table);
  bool guesses = false;
  for (uint64_t i = 0; status == LENS_OK && i < written; i++)
    guesses = guesses || is_guess(&rows[i]);
  if (session->json == NULL) table_print(&table);
  if (session->json == NULL && guesses)
    printf("?: by what other objects show, an event of another line fits as well.\n");
  free(rows);
  return status;
}

lens_status history_run(struct session *session) {
  bool paired = false;
  lens_track track;
  lens_pairing pairing;
  uint64_t shown = 0, total = 0;
  lens_status status = prepare(session, &paired);
  if (status == LENS_OK) status = lens_track_at(session->target, session->options->address, &track);
  if (status == LENS_OK)
    status = paired ? lens_pairing_of(session->target, track.heap, track.serial, 0, NULL, &pairing)
                    : LENS_NOT_FOUND;
  if (status == LENS_NOT_FOUND)
    snprintf(session->refusal, sizeof session->refusal,
             "0x%" PRIx64 ": no event is recorded of it (CAIRN_TRACK=events records them)",
             session->options->address);
  if (status != LENS_OK) return status;
  answer_begin(session);
  if (session->json == NULL) {
    printf("%s 0x%" PRIx64 ", serial %" PRIu64 "%s\n",
           pairing.type == LENS_NONE ? "?" : type_name(session, pairing.type), pairing.object,
           pairing.serial, pairing.freed != 0 ? ", freed" : "");
    if (pairing.lost_refs != 0)
      printf("It had %s references before the first event that is left.\n",
             text_number(pairing.lost_refs).text);
    status = deed_rows(session, &shown, &total);
    if (status != LENS_OK) return status;
    text_cut(shown, total, "events");
    return left_rows(session, "");
  }
  yajl_gen_map_open(session->json);
  json_name(session->json, "rows");
  yajl_gen_array_open(session->json);
  status = deed_rows(session, &shown, &total);
  yajl_gen_array_close(session->json);
  json_listing_end(session->json, total, shown);
  json_address(session->json, "addr", pairing.object);
  json_number(session->json, "serial", pairing.serial);
  json_number(session->json, "lost_refs", pairing.lost_refs);
  json_name(session->json, "unmatched");
  yajl_gen_array_open(session->json);
  if (status == LENS_OK) status = left_rows(session, "");
  yajl_gen_array_close(session->json);
  yajl_gen_map_close(session->json);
  return status;
}

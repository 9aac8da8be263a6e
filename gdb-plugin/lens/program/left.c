/* What is left over.  See left.h. */
#include "left.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accounts_text.h"
#include "page.h"
#include "units.h"

enum { SLICE_MS = 50, PLACE_BYTES = 160, BLAMES_MAX = 20 };

static const char *const OPS[] = {"other",   "allocate",      "free",       "retain",
                                  "release", "collect_start", "collect_end"};
static const char *const SURENESS[] = {"certain", "likely", "possible"};

const char *left_op(uint32_t op) { return OPS[op <= LENS_EVENT_COLLECT_END ? op : 0]; }

const char *left_sureness(uint32_t sureness) {
  return SURENESS[sureness <= LENS_POSSIBLE ? sureness : LENS_POSSIBLE];
}

/* ---- pairing ---- */

lens_status left_prepare(const struct session *session, const char *glob, bool guessed,
                         bool *paired) {
  const lens_audit_filter filter = {.type_glob = glob, .guessed = guessed};
  lens_status status = roots_find(session);
  *paired = false;
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_audit(session->target, &filter, SLICE_MS, NULL);
  if (status != LENS_OK) return status;
  status = run_steps(session->target, lens_pairs_read);
  *paired = status == LENS_OK;
  if (status == LENS_NOT_FOUND) return LENS_OK;
  return status == LENS_OK ? run_steps(session->target, lens_pairs_learn) : status;
}

lens_status left_pair(const struct session *session, uint64_t address, lens_pairing *pairing,
                      bool *paired) {
  lens_track track;
  *paired = false;
  lens_status status = lens_track_at(session->target, address, &track);
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_pairing_of(session->target, track.heap, track.serial, SLICE_MS, NULL, pairing);
  *paired = status == LENS_OK;
  return status == LENS_NOT_FOUND ? LENS_OK : status;
}

/* ---- places ---- */

/* All callers that are known of a pair site, the innermost first. */
static uint32_t callers_of(const struct session *session, uint32_t index,
                           uint64_t callers[LENS_SITE_FRAMES]) {
  lens_pair_site place = {0};
  lens_site site = {0};
  uint32_t count = 0;
  if (index == LENS_NONE || lens_pair_site_get(session->target, index, &place) != LENS_OK) return 0;
  bool known = place.site != 0 &&
               lens_site_get(session->target, place.heap, place.site, &site) == LENS_OK &&
               site.frame_count != 0;
  if (!known) {
    site.frames[0] = place.caller;
    site.frame_count = 1;
  }
  for (uint32_t i = 0; i < site.frame_count && i < LENS_SITE_FRAMES; i++) {
    if (site.frames[i] != 0) callers[count++] = site.frames[i];
  }
  return count;
}

uint64_t left_innermost(const struct session *session, uint32_t site) {
  uint64_t callers[LENS_SITE_FRAMES];
  return callers_of(session, site, callers) != 0 ? callers[0] : 0;
}

static void json_place(const struct session *session, const char *name, uint64_t caller) {
  if (caller != 0) {
    json_caller(session, name, caller);
  } else if (name != NULL) {
    json_null(session->json, name);
  }
}

/* ---- a row ---- */

static void row_json(const struct session *session, const lens_unmatched *row) {
  yajl_gen json = session->json;
  uint64_t callers[LENS_SITE_FRAMES];
  const uint32_t count = callers_of(session, row->site, callers);
  yajl_gen_map_open(json);
  json_place(session, "site", count != 0 ? callers[0] : 0);
  json_text(json, "op", row->op == LENS_EVENT_OTHER ? "slot" : left_op(row->op));
  json_number(json, "count", row->count);
  json_number(json, "objects", row->objects);
  json_text(json, "confidence", left_sureness(row->sureness));
  if (count > 1) {
    json_name(json, "backtrace");
    yajl_gen_array_open(json);
    for (uint32_t i = 0; i < count; i++) json_caller(session, NULL, callers[i]);
    yajl_gen_array_close(json);
  }
  if (row->inner != 0) json_flag(json, "inner", true);
  if (row->other_count != 0) {
    json_name(json, "or");
    yajl_gen_array_open(json);
    for (uint32_t i = 0; i < row->other_count; i++)
      json_place(session, NULL, left_innermost(session, row->others[i]));
    yajl_gen_array_close(json);
  }
  if (row->other_more != 0) json_number(json, "or_more", row->other_more);
  if (row->partner != LENS_NONE) {
    json_place(session, "partner", left_innermost(session, row->partner));
    json_number(json, "partner_count", row->partner_count);
  }
  yajl_gen_map_close(json);
}

/* `likely`, or `possible; or PLACE, or another call there`. */
static void sureness_text(const struct session *session, FILE *out, const lens_unmatched *row,
                          const char *place) {
  char other[PLACE_BYTES];
  (void)fprintf(out, " (%s", left_sureness(row->sureness));
  for (uint32_t i = 0; i < row->other_count; i++) {
    caller_text(session, left_innermost(session, row->others[i]), other, sizeof other);
    (void)fprintf(out, "%s or %s", i == 0 ? ";" : ",",
                  strcmp(other, place) == 0 ? "another call in that place" : other);
  }
  if (row->other_count != 0 && row->other_more != 0)
    (void)fprintf(out, ", or one of %s more", text_number(row->other_more).text);
  (void)fputs(")\n", out);
}

static void row_text(const struct session *session, FILE *out, const lens_unmatched *row,
                     const char *indent) {
  char place[PLACE_BYTES] = "an unknown place", caller[PLACE_BYTES];
  uint64_t callers[LENS_SITE_FRAMES];
  const uint32_t count = callers_of(session, row->site, callers);
  if (count != 0) caller_text(session, callers[0], place, sizeof place);
  (void)fprintf(out, "%s%s x ", indent, text_number(row->count).text);
  if (row->op == LENS_EVENT_OTHER) {
    (void)fputs("held by a slot without having been retained", out);
  } else if (row->site == LENS_NONE) {
    (void)fputs("taken before the events that are left; where is not known any more", out);
  } else if (row->op == LENS_EVENT_RELEASE) {
    (void)fprintf(out, "released at %s, with no retain for it", place);
  } else {
    (void)fprintf(out, "%s at %s, never released",
                  row->op == LENS_EVENT_ALLOCATE ? "allocated" : "retained", place);
  }
  sureness_text(session, out, row, place);
  for (uint32_t i = 1; i < count; i++) {
    caller_text(session, callers[i], caller, sizeof caller);
    (void)fprintf(out, "%s    called from %s\n", indent, caller);
  }
  if (row->partner == LENS_NONE) return;
  caller_text(session, left_innermost(session, row->partner), caller, sizeof caller);
  (void)fprintf(out, "%s    of other objects it was %s at %s (", indent,
                row->op == LENS_EVENT_RELEASE ? "retained" : "released", caller);
  if (row->partner_count == 1) {
    (void)fputs("once)\n", out);
  } else {
    (void)fprintf(out, "%s times)\n", text_number(row->partner_count).text);
  }
}

/* ---- rows ---- */

struct rows {
  lens_unmatched *rows;
  uint64_t count, silent;
};

struct ordered {
  lens_unmatched row;
  uint64_t at;
};

static int by_count(const void *a, const void *b) {
  const struct ordered *left = a, *right = b;
  if (left->row.count != right->row.count) return left->row.count > right->row.count ? -1 : 1;
  return left->at < right->at ? -1 : left->at > right->at;
}

/* The most references first, and of as many those that the lens has first. */
static lens_status sort(struct rows *rows) {
  struct ordered *ordered = malloc((size_t)(rows->count + 1) * sizeof *ordered);
  if (ordered == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < rows->count; i++) ordered[i] = (struct ordered){rows->rows[i], i};
  if (rows->count != 0) qsort(ordered, (size_t)rows->count, sizeof *ordered, by_count);
  for (uint64_t i = 0; i < rows->count; i++) rows->rows[i] = ordered[i].row;
  free(ordered);
  return LENS_OK;
}

static lens_status rows_of_one(const struct session *session, struct rows *out) {
  uint64_t written, total;
  *out = (struct rows){0};
  lens_status status = lens_unmatched_rows(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  out->rows = malloc((size_t)(total + 1) * sizeof *out->rows);
  if (out->rows == NULL) return LENS_NO_MEMORY;
  status = lens_unmatched_rows(session->target, total, out->rows, &out->count, &total);
  return status == LENS_OK ? sort(out) : status;
}

static lens_status rows_of_all(const struct session *session, struct rows *out) {
  uint64_t written, total;
  *out = (struct rows){0};
  lens_status status = run_steps(session->target, lens_blame);
  if (status == LENS_OK)
    status = lens_blame_rows(session->target, 0, NULL, &written, &total, &out->silent);
  if (status != LENS_OK) return status;
  out->rows = malloc((size_t)(total + 1) * sizeof *out->rows);
  if (out->rows == NULL) return LENS_NO_MEMORY;
  status = lens_blame_rows(session->target, total, out->rows, &out->count, &total, &out->silent);
  return status == LENS_OK ? sort(out) : status;
}

static void rows_json(const struct session *session, const char *name, const struct rows *rows) {
  json_name(session->json, name);
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < rows->count; i++) row_json(session, &rows->rows[i]);
  yajl_gen_array_close(session->json);
}

lens_status left_json(const struct session *session, const char *name) {
  struct rows rows;
  lens_status status = rows_of_one(session, &rows);
  if (status == LENS_OK) rows_json(session, name, &rows);
  free(rows.rows);
  return status;
}

lens_status left_text(const struct session *session, FILE *out, const char *indent,
                      uint64_t *count) {
  struct rows rows;
  lens_status status = rows_of_one(session, &rows);
  for (uint64_t i = 0; status == LENS_OK && i < rows.count; i++)
    row_text(session, out, &rows.rows[i], indent);
  *count = rows.count;
  free(rows.rows);
  return status;
}

lens_status blame_json(const struct session *session) {
  struct rows rows;
  lens_status status = rows_of_all(session, &rows);
  if (status == LENS_OK) {
    rows_json(session, "unmatched", &rows);
    json_number(session->json, "without_events", rows.silent);
  }
  free(rows.rows);
  return status;
}

/* The first rows, each line as a sentence. */
static lens_status say_rows(const struct session *session, const struct rows *rows) {
  char *text = NULL;
  size_t bytes;
  FILE *out = open_memstream(&text, &bytes);
  if (out == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < rows->count && i < BLAMES_MAX; i++)
    row_text(session, out, &rows->rows[i], "  ");
  const bool written = fclose(out) == 0 && text != NULL;
  if (written) say_lines(text);
  free(text);
  return written ? LENS_OK : LENS_NO_MEMORY;
}

lens_status blame_text(const struct session *session, uint64_t findings) {
  struct rows rows;
  lens_status status = rows_of_all(session, &rows);
  if (status == LENS_OK && findings > 1 && rows.count != 0) {
    puts("Left over, all of them together:");
    status = say_rows(session, &rows);
    if (rows.count > BLAMES_MAX)
      say("  and %s more places; -json has them all.", text_number(rows.count - BLAMES_MAX).text);
  }
  if (status == LENS_OK && rows.silent != 0)
    say("Of %s no event is left.", text_counted(rows.silent, "finding").text);
  free(rows.rows);
  return status;
}

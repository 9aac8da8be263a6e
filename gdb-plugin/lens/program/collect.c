/* collect: what the collector would free, with its arithmetic. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "page.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50 };

static const char *const COLLECT_WHY[] = {"none", "kept", "reached", "garbage", "falls", "swept"};

static const char *const COLLECT_SAID[] = {"",
                                           "held from outside",
                                           "reached from what is held",
                                           "only garbage holds it",
                                           "goes with what is freed",
                                           "only the intern table holds it"};

static bool is_freed(uint32_t verdict) { return verdict >= LENS_COLLECT_GARBAGE; }

static void collect_row(const struct session *session, const lens_collect_row *row,
                        const lens_object *object, struct table *table) {
  const char *verdict = is_freed(row->verdict) ? "freed" : "kept";
  const uint32_t known = row->verdict <= LENS_COLLECT_SWEPT ? row->verdict : 0;
  const char *why = session->json != NULL ? COLLECT_WHY[known] : COLLECT_SAID[known];
  char value[LENS_VALUE_BYTES], external[24];
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_object(session, object);
    json_number(session->json, "internal", row->internal);
    json_name(session->json, "external");
    yajl_gen_integer(session->json, row->external);
    json_text(session->json, "verdict", verdict);
    json_text(session->json, "why", why);
    json_flag(session->json, "candidate", (object->state & LENS_STATE_CANDIDATE) != 0);
    yajl_gen_map_close(session->json);
    return;
  }
  object_value(session, object->address, value);
  snprintf(external, sizeof external, "%" PRId64, row->external);
  table_cell(table, text_address(object->address).text);
  table_cell(table, text_count(object->refcount).text);
  table_cell(table, text_number(row->internal).text);
  table_cell(table, external);
  table_cell(table, verdict);
  table_cell(table, why);
  table_cell(table, type_name(session, object->type));
  table_cell(table, value_beside(type_name(session, object->type), value));
}

/* What it would free and why, and what stays. */
static void sums_text(const struct session *session, const lens_collected *totals) {
  const bool local = session->options->candidates;
  const char *name = local ? "cairn_collect_candidates" : "cairn_collect";
  char of[96] = "", garbage[96] = "", falls[128] = "", swept[160] = "", stay[192] = "";
  if (session->heap != LENS_NONE) {
    char heap[64];
    heap_name(session, session->heap, heap, sizeof heap);
    (void)snprintf(of, sizeof of, " of %s", heap);
  }
  if (totals->garbage != 0)
    (void)snprintf(garbage, sizeof garbage, "%s that only garbage holds",
                   text_number(totals->garbage).text);
  if (totals->falls != 0)
    (void)snprintf(falls, sizeof falls, "%s%s that fall with them", garbage[0] != 0 ? ", " : "",
                   text_number(totals->falls).text);
  if (totals->swept != 0)
    (void)snprintf(swept, sizeof swept, "%s%s that nobody else holds",
                   garbage[0] != 0 || falls[0] != 0 ? ", " : "",
                   text_counted(totals->swept, "interned str").text);
  if (totals->freed_objects != 0) {
    say("%s%s would free %s, %s: %s%s%s.", name, of,
        text_counted(totals->freed_objects, "object").text, text_size(totals->freed_bytes).text,
        garbage, falls, swept);
  } else {
    say("%s%s would free nothing.", name, of);
  }
  if (totals->kept + totals->reached != 0)
    (void)snprintf(stay, sizeof stay, "; %s stay: %s held from outside, %s reached from these",
                   text_number(totals->kept + totals->reached).text, text_number(totals->kept).text,
                   text_number(totals->reached).text);
  say("It looks at %s that %s, %s among them%s.", text_counted(totals->members, "object").text,
      local && totals->full_heaps == 0 ? "candidates reach" : "can be in cycles",
      text_counted(totals->candidates, "candidate").text, stay);
}

static void collect_end(const struct session *session, const lens_collected *totals,
                        uint64_t matched, uint64_t shown) {
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_listing_end(json, matched, shown);
    json_name(json, "would_free");
    yajl_gen_map_open(json);
    json_number(json, "objects", totals->freed_objects);
    json_number(json, "bytes", totals->freed_bytes);
    json_number(json, "garbage", totals->garbage);
    json_number(json, "falls", totals->falls);
    json_number(json, "interned", totals->swept);
    yajl_gen_map_close(json);
    json_number(json, "members", totals->members);
    json_number(json, "candidates", totals->candidates);
    json_number(json, "kept", totals->kept);
    json_number(json, "reached", totals->reached);
    json_manual_heaps(session);
    yajl_gen_map_close(json);
    return;
  }
  text_cut(shown, matched, "objects");
  sums_text(session, totals);
  if (totals->freed_objects != 0) text_manual_heaps(session);
}

static lens_status collect_rows(const struct session *session, uint32_t which, uint64_t *shown,
                                uint64_t *matched) {
  uint64_t written = 0;
  const char *glob = session->options->type_glob;
  lens_status status = lens_collect_rows(session->target, which, glob, 0, NULL, &written, matched);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, *matched);
  lens_collect_row *rows = malloc((room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_collect_rows(session->target, which, glob, room, rows, &written, matched);
  struct table table;
  table_begin(&table, (const char *const[]){"=address", ">count", ">internal", ">external",
                                            "verdict", "why", "type", "value", NULL});
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    const lens_collect_row *row = &rows[session->json != NULL ? i : written - 1 - i];
    lens_object object;
    status = lens_snapshot_object(session->target, row->object, &object);
    if (status == LENS_OK) collect_row(session, row, &object, &table);
  }
  table_print(&table);
  free(rows);
  *shown = written;
  return status;
}

lens_status collect_run(struct session *session) {
  const struct options *options = session->options;
  lens_collected totals;
  uint64_t shown = 0, matched = 0;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_collect(session->target, session->heap, options->candidates, SLICE_MS, NULL);
  if (status == LENS_OK) status = lens_collected_get(session->target, &totals);
  if (status != LENS_OK) return status;
  if (totals.finalizers != 0)
    session_note(session, "finalizers of %" PRIu64 " objects run first; what they hold on to stays",
                 totals.finalizers);
  if (totals.opaque != 0)
    session_note(session, "%" PRIu64 " objects of opaque types: what they hold is guessed",
                 totals.opaque);
  if (totals.opaque != 0) session->exactness = "conservative";
  uint32_t which = LENS_COLLECT_FREED;
  if (!options->freed)
    which |= options->every ? LENS_COLLECT_KEPT_MEMBERS : LENS_COLLECT_KEPT_CANDIDATES;
  rows_begin(session);
  status = collect_rows(session, which, &shown, &matched);
  collect_end(session, &totals, matched, shown);
  return status;
}

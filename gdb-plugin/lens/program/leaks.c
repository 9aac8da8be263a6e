/* leaks and collect: what is garbage, and what the collector would free.
 *
 * Without a debugger every root is a guess, so what only looks like a reference keeps what it leads
 * to; cycles are found all the same, by their counts.
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50 };

static const char *const LEAK_KINDS[] = {"cycle", "lost"};
static const char *const COLLECT_WHY[] = {"none", "kept", "reached", "garbage", "falls", "swept"};

static bool is_freed(uint32_t verdict) { return verdict >= LENS_COLLECT_GARBAGE; }

/* How many rows there is room for, of so many. */
static uint64_t room_for(const struct session *session, uint64_t count) {
  uint64_t limit = session->options->limit;
  return limit != 0 && limit < count ? limit : count;
}

static void value_of(const struct session *session, uint64_t address, char *out, size_t bytes) {
  if (lens_object_text(session->target, address, 1, 4, out, bytes) != LENS_OK) out[0] = 0;
}

static void json_sums(yajl_gen json, const char *name, const char *counted, uint64_t count,
                      uint64_t objects, uint64_t bytes) {
  json_name(json, name);
  yajl_gen_map_open(json);
  if (counted != NULL) json_number(json, counted, count);
  json_number(json, "objects", objects);
  json_number(json, "bytes", bytes);
  yajl_gen_map_close(json);
}

static void json_flag(yajl_gen json, const char *name, bool value) {
  json_name(json, name);
  yajl_gen_bool(json, value);
}

/* ---- leaks ---- */

static void leak_json(const struct session *session, const lens_leak *leak,
                      const lens_object *root) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_text(json, "kind", LEAK_KINDS[leak->kind == LENS_LEAK_LOST]);
  json_number(json, "objects", leak->objects);
  json_number(json, "bytes", leak->bytes);
  json_name(json, "root");
  yajl_gen_map_open(json);
  json_object(session, root);
  yajl_gen_map_close(json);
  json_number(json, "surplus", leak->surplus);
  json_number(json, "root_refs", leak->root_refs);
  json_number(json, "direct_objects", leak->own_objects);
  json_number(json, "direct_bytes", leak->own_bytes);
  json_number(json, "indirect_objects", leak->objects - leak->own_objects);
  json_number(json, "indirect_bytes", leak->bytes - leak->own_bytes);
  json_flag(json, "held", leak->held != 0);
  yajl_gen_map_close(json);
}

static void leak_cells(const struct session *session, const lens_leak *leak,
                       const lens_object *root, struct table *table) {
  char value[256];
  value_of(session, root->address, value, sizeof value);
  table_cell(table, LEAK_KINDS[leak->kind == LENS_LEAK_LOST]);
  table_cell(table, text_number(leak->objects).text);
  table_cell(table, text_size(leak->bytes).text);
  table_cell(table, text_size(leak->own_bytes).text);
  table_cell(table, leak->kind == LENS_LEAK_LOST ? text_number(leak->surplus).text : "");
  table_cell(table, text_address(root->address).text);
  table_cell(table, type_name(session, root->type));
  table_cell(table, leak->held != 0 ? "another leak holds it too" : "");
  table_cell(table, value);
}

/* Objects and bytes of the leaks that count: all, or those of the types that were asked for. */
struct counted {
  uint64_t leaks, objects, bytes, cycles;
};

static lens_status count_leaks(const struct session *session, const lens_leaks_totals *totals,
                               struct counted *out) {
  const char *glob = session->options->type_glob;
  uint64_t written, total;
  lens_status status = lens_leaks_census(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  lens_leak_census *rows = malloc((total + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_leaks_census(session->target, total, rows, &written, &total);
  *out = (struct counted){.objects = glob == NULL ? totals->shared_objects : 0,
                          .bytes = glob == NULL ? totals->shared_bytes : 0};
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    if (glob != NULL && fnmatch(glob, type_name(session, rows[i].type), 0) != 0) continue;
    out->leaks += rows[i].leaks;
    out->objects += rows[i].objects;
    out->bytes += rows[i].bytes;
    out->cycles += rows[i].kind == LENS_LEAK_CYCLE ? rows[i].leaks : 0;
  }
  free(rows);
  return status;
}

static void leaks_end(const struct session *session, const lens_leaks_totals *totals,
                      const struct counted *counted, uint64_t shown) {
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_listing_end(json, counted->leaks, shown);
    json_name(json, "totals");
    yajl_gen_map_open(json);
    json_number(json, "objects", totals->object_count);
    json_number(json, "bytes", totals->bytes);
    json_sums(json, "cycles", "leaks", totals->cycles, totals->cycle_objects, totals->cycle_bytes);
    json_sums(json, "lost", "leaks", totals->lost, totals->lost_objects, totals->lost_bytes);
    json_sums(json, "shared", NULL, 0, totals->shared_objects, totals->shared_bytes);
    json_number(json, "roots", totals->roots);
    json_number(json, "guessed_roots", totals->guessed_roots);
    yajl_gen_map_close(json);
    json_sums(json, "counted", "leaks", counted->leaks, counted->objects, counted->bytes);
    yajl_gen_map_close(json);
    return;
  }
  text_cut(shown, counted->leaks, "leaks");
  if (counted->leaks == 0) {
    puts("No leak.");
  } else {
    printf("%s %s, %s objects, %s in all: %s cycles that the collector frees, %s lost.\n",
           text_number(counted->leaks).text, counted->leaks == 1 ? "leak" : "leaks",
           text_number(counted->objects).text, text_size(counted->bytes).text,
           text_number(counted->cycles).text, text_number(counted->leaks - counted->cycles).text);
  }
  printf(
      "Judged by %s words that look like references; what only those keep is not listed, but "
      "for cycles.\n",
      text_number(totals->roots).text);
}

static lens_status leak_rows(const struct session *session, const lens_leak *rows, uint64_t count,
                             struct table *table) {
  lens_status status = LENS_OK;
  for (uint64_t i = 0; status == LENS_OK && i < count; i++) {
    /* As text the largest stand last, by the prompt. */
    const lens_leak *leak = &rows[session->json != NULL ? i : count - 1 - i];
    lens_object root;
    status = lens_snapshot_object(session->target, leak->root, &root);
    if (status != LENS_OK) break;
    if (session->json != NULL) {
      leak_json(session, leak, &root);
    } else {
      leak_cells(session, leak, &root, table);
    }
  }
  return status;
}

lens_status leaks_run(struct session *session) {
  const struct options *options = session->options;
  lens_leaks_totals totals;
  struct counted counted;
  uint64_t written = 0, matched = 0;
  lens_status status = roots_find(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_leaks);
  if (status == LENS_OK) status = lens_leaks_totals_get(session->target, &totals);
  if (status == LENS_OK) status = count_leaks(session, &totals, &counted);
  if (status != LENS_OK) return status;
  uint64_t room = room_for(session, counted.leaks);
  lens_leak *rows = malloc((room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_leaks_select(session->target, options->type_glob, room, rows, &written, &matched);
  if (status == LENS_OK) {
    bool limited = options->max_objects != UINT64_MAX || options->max_bytes != UINT64_MAX;
    session->found =
        limited ? counted.objects > options->max_objects || counted.bytes > options->max_bytes
                : counted.leaks != 0;
    struct table table;
    table_begin(&table, (const char *const[]){"kind", ">objects", ">bytes", ">direct", ">surplus",
                                              "address", "type", "remark", "value", NULL});
    answer_begin(session);
    if (session->json != NULL) {
      yajl_gen_map_open(session->json);
      json_name(session->json, "rows");
      yajl_gen_array_open(session->json);
    }
    status = leak_rows(session, rows, written, &table);
    if (session->json == NULL) table_print(&table);
    leaks_end(session, &totals, &counted, written);
  }
  free(rows);
  return status;
}

/* ---- collect ---- */

static void collect_row(const struct session *session, const lens_collect_row *row,
                        const lens_object *object, struct table *table) {
  const char *verdict = is_freed(row->verdict) ? "freed" : "kept";
  const char *why = COLLECT_WHY[row->verdict <= LENS_COLLECT_SWEPT ? row->verdict : 0];
  char value[256], external[24];
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
  value_of(session, object->address, value, sizeof value);
  snprintf(external, sizeof external, "%" PRId64, row->external);
  table_cell(table, text_address(object->address).text);
  table_cell(table, text_count(object->refcount).text);
  table_cell(table, text_number(row->internal).text);
  table_cell(table, external);
  table_cell(table, verdict);
  table_cell(table, why);
  table_cell(table, type_name(session, object->type));
  table_cell(table, value);
}

static void collect_end(const struct session *session, const lens_collected *totals,
                        uint64_t matched, uint64_t shown) {
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_listing_end(json, matched, shown);
    json_sums(json, "would_free", NULL, 0, totals->freed_objects, totals->freed_bytes);
    json_number(json, "members", totals->members);
    json_number(json, "candidates", totals->candidates);
    json_number(json, "kept", totals->kept);
    json_number(json, "reached", totals->reached);
    yajl_gen_map_close(json);
    return;
  }
  text_cut(shown, matched, "objects");
  printf(
      "cairn_collect%s would free %s objects, %s: %s that only garbage holds, %s that fall with "
      "them, %s interned.\n",
      session->options->candidates ? "_candidates" : "", text_number(totals->freed_objects).text,
      text_size(totals->freed_bytes).text, text_number(totals->garbage).text,
      text_number(totals->falls).text, text_number(totals->swept).text);
  printf(
      "It looks at %s objects, %s of them candidates; %s are held from outside, %s reached from "
      "these.\n",
      text_number(totals->members).text, text_number(totals->candidates).text,
      text_number(totals->kept).text, text_number(totals->reached).text);
}

/* The heap by its number. */
static lens_status heap_index(struct session *session, uint32_t *heap) {
  *heap = LENS_NONE;
  if (session->options->heap == UINT64_MAX) return LENS_OK;
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap shown;
    if (lens_heap_get(session->target, i, &shown) == LENS_OK &&
        shown.id == session->options->heap) {
      *heap = (uint32_t)i;
      return LENS_OK;
    }
  }
  snprintf(session->refusal, sizeof session->refusal, "there is no heap %" PRIu64,
           session->options->heap);
  return LENS_NOT_FOUND;
}

static lens_status collect_rows(const struct session *session, uint32_t which, uint64_t *shown,
                                uint64_t *matched) {
  uint64_t written = 0;
  const char *glob = session->options->type_glob;
  lens_status status = lens_collect_rows(session->target, which, glob, 0, NULL, &written, matched);
  if (status != LENS_OK) return status;
  uint64_t room = room_for(session, *matched);
  lens_collect_row *rows = malloc((room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_collect_rows(session->target, which, glob, room, rows, &written, matched);
  struct table table;
  table_begin(&table, (const char *const[]){"address", ">count", ">internal", ">external",
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
  uint32_t heap;
  uint64_t shown = 0, matched = 0;
  lens_status status = heap_index(session, &heap);
  if (status != LENS_OK) return status;
  status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_collect(session->target, heap, options->candidates, SLICE_MS, NULL);
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
  answer_begin(session);
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_name(session->json, "rows");
    yajl_gen_array_open(session->json);
  }
  status = collect_rows(session, which, &shown, &matched);
  collect_end(session, &totals, matched, shown);
  return status;
}

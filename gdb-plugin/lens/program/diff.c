/* diff: what grew between two moments: of cores, or of snapshots in files.
 *
 * Offline there are no lines: a place is the module and the distance from where it begins in
 * memory, unless the snapshot was taken where lines were known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "moments.h"
#include "page.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50, PLACE_BYTES = 400, PLACES_BYTES = 1200, FRAMES_MAX = 8, GROWTH_LINES = 3 };

struct comparison {
  const char *paths[2];
  lens_moment *moments[2];
  lens_diff *diff;
  lens_diff_totals totals;
  lens_diff_row *rows;
  lens_diff_object *objects; /* by object: instead of rows */
  uint64_t shown, matched;
  char exceeded[2][192]; /* limits that are, in words */
  uint32_t exceeded_count;
  bool by_site, by_object;
};

static void place_text(const lens_moment_place *place, char *out, size_t bytes) {
  const char *slash = strrchr(place->file, '/');
  if (place->file[0] != 0) {
    (void)snprintf(out, bytes, "%s:%" PRIu32 "%s%s", slash == NULL ? place->file : slash + 1,
                   place->line, place->function[0] != 0 ? " in " : "", place->function);
  } else if (place->module[0] != 0) {
    (void)snprintf(out, bytes, "%s+0x%" PRIx64, place->module, place->offset);
  } else {
    (void)snprintf(out, bytes, "0x%" PRIx64, place->address);
  }
}

/* The callers of a site, the innermost first, as the second moment knows them, else the first; one
 * that knows lines goes before one that does not.  How many. */
static uint32_t places_of(const struct comparison *found, uint32_t site_a, uint32_t site_b,
                          lens_moment_place out[FRAMES_MAX]) {
  const uint32_t sites[2] = {site_a, site_b};
  uint32_t count = 0;
  for (int i = 1; i >= 0 && !(count != 0 && out[0].file[0] != 0); i--) {
    lens_moment_site site;
    lens_moment_place place;
    if (lens_moment_site_get(found->moments[i], sites[i], &site) != LENS_OK ||
        lens_moment_frame_get(found->moments[i], site.first_frame, &place) != LENS_OK)
      continue;
    if (count != 0 && place.file[0] == 0) continue;
    for (count = 0; count < site.frame_count && count < FRAMES_MAX; count++) {
      if (lens_moment_frame_get(found->moments[i], site.first_frame + count, &out[count]) !=
          LENS_OK)
        break;
    }
  }
  return count;
}

static void json_place(yajl_gen json, const lens_moment_place *place) {
  yajl_gen_map_open(json);
  json_address(json, "addr", place->address);
  if (place->function[0] != 0) json_text(json, "function", place->function);
  if (place->file[0] != 0) {
    json_text(json, "file", place->file);
    json_number(json, "line", place->line);
  }
  if (place->module[0] != 0) {
    json_text(json, "module", place->module);
    json_number(json, "offset", place->offset);
  }
  yajl_gen_map_close(json);
}

/* "site" and "backtrace". */
static void json_places(yajl_gen json, const lens_moment_place *places, uint32_t count) {
  json_name(json, "site");
  if (count != 0) {
    json_place(json, &places[0]);
  } else {
    yajl_gen_null(json);
  }
  json_name(json, "backtrace");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < count; i++) json_place(json, &places[i]);
  yajl_gen_array_close(json);
}

/* `PLACE < PLACE`, at most so many of them; "" where none is known. */
static void places_text(const struct comparison *found, uint32_t site_a, uint32_t site_b,
                        uint32_t most, char out[PLACES_BYTES]) {
  lens_moment_place places[FRAMES_MAX];
  const uint32_t count = places_of(found, site_a, site_b, places);
  out[0] = 0;
  for (uint32_t i = 0; i < count && i < most; i++) {
    char text[PLACE_BYTES];
    const size_t used = strlen(out);
    place_text(&places[i], text, sizeof text);
    (void)snprintf(out + used, PLACES_BYTES - used, "%s%s", i == 0 ? "" : " < ", text);
  }
}

/* A number that is only known within one process. */
static void json_fate(yajl_gen json, const struct comparison *found, const char *name,
                      uint64_t number) {
  if (found->totals.same_process != 0) {
    json_number(json, name, number);
    return;
  }
  json_name(json, name);
  yajl_gen_null(json);
}

static void json_counts(yajl_gen json, const struct comparison *found, const lens_diff_row *row) {
  json_number(json, "count_a", row->count_a);
  json_number(json, "count_b", row->count_b);
  json_number(json, "bytes_a", row->bytes_a);
  json_number(json, "bytes_b", row->bytes_b);
  json_fate(json, found, "new", row->added);
  json_fate(json, found, "gone", row->gone);
  json_fate(json, found, "kept", row->kept);
}

static lens_diff_row sum_of(const lens_diff_totals *totals) {
  return (lens_diff_row){.count_a = totals->count_a,
                         .count_b = totals->count_b,
                         .bytes_a = totals->bytes_a,
                         .bytes_b = totals->bytes_b,
                         .kept = totals->kept,
                         .added = totals->added,
                         .gone = totals->gone};
}

static const char *change_of(const lens_diff_object *row) {
  static const char *const changes[] = {"new", "gone", "resized"};
  return row->change <= LENS_CHANGE_RESIZED ? changes[row->change] : "?";
}

static void json_changed(yajl_gen json, const struct comparison *found,
                         const lens_diff_object *row) {
  lens_moment_place places[FRAMES_MAX];
  const uint32_t count = places_of(found, row->site_a, row->site_b, places);
  yajl_gen_map_open(json);
  json_text(json, "type", row->type);
  json_number(json, "count_a", row->change != LENS_CHANGE_ADDED);
  json_number(json, "count_b", row->change != LENS_CHANGE_GONE);
  json_number(json, "bytes_a", row->bytes_a);
  json_number(json, "bytes_b", row->bytes_b);
  json_address(json, "addr", row->address);
  json_text(json, "change", change_of(row));
  if (row->serial != 0) json_number(json, "serial", row->serial);
  if (row->reused != 0) json_flag(json, "reused", true);
  if (count != 0) json_places(json, places, count);
  yajl_gen_map_close(json);
}

/* "limits" and "exceeded", where a limit was given. */
static void json_limits(const struct session *session, const struct comparison *found) {
  const struct options *options = session->options;
  yajl_gen json = session->json;
  if (options->growth_objects == UINT64_MAX && options->growth_bytes == UINT64_MAX) return;
  json_name(json, "limits");
  yajl_gen_map_open(json);
  if (options->growth_objects != UINT64_MAX)
    json_number(json, "max_growth_objects", options->growth_objects);
  if (options->growth_bytes != UINT64_MAX)
    json_number(json, "max_growth_bytes", options->growth_bytes);
  yajl_gen_map_close(json);
  json_name(json, "exceeded");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < found->exceeded_count; i++) json_text(json, NULL, found->exceeded[i]);
  yajl_gen_array_close(json);
}

static void print_json(const struct session *session, const struct comparison *found) {
  static const char *const processes[] = {"other", "same", "unknown"};
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_name(json, "rows");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; i < found->shown; i++) {
    if (found->by_object) {
      json_changed(json, found, &found->objects[i]);
      continue;
    }
    const lens_diff_row *row = &found->rows[i];
    yajl_gen_map_open(json);
    json_text(json, "type", row->type);
    json_counts(json, found, row);
    if (found->by_site) {
      lens_moment_place places[FRAMES_MAX];
      json_places(json, places, places_of(found, row->site_a, row->site_b, places));
    }
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
  json_listing_end(json, found->matched, found->shown);
  json_text(json, "by", session->options->by);
  for (int i = 0; i < 2; i++) {
    json_name(json, i == 0 ? "a" : "b");
    json_moment(json, found->paths[i], found->moments[i]);
    yajl_gen_map_close(json);
  }
  const lens_diff_row sum = sum_of(&found->totals);
  json_name(json, "totals");
  yajl_gen_map_open(json);
  json_counts(json, found, &sum);
  json_fate(json, found, "reused", found->totals.reused);
  json_fate(json, found, "resized", found->totals.resized);
  json_fate(json, found, "kept_by_address", found->totals.kept_by_address);
  json_number(json, "types_unchanged", found->totals.types_unchanged);
  json_text(json, "process", processes[found->totals.same_process]);
  yajl_gen_map_close(json);
  json_limits(session, found);
  yajl_gen_map_close(json);
}

/* b - a, with its sign. */
static struct number_text change_text(uint64_t a, uint64_t b,
                                      struct number_text (*text)(uint64_t)) {
  struct number_text out = {"0"};
  if (a == b) return out;
  struct number_text size = text(a < b ? b - a : a - b);
  (void)snprintf(out.text, sizeof out.text, "%c%.30s", a < b ? '+' : '-', size.text);
  return out;
}

static void print_row(struct table *table, const struct comparison *found,
                      const lens_diff_row *row) {
  bool common = found->totals.same_process != 0;
  table_cell(table, text_number(row->count_a).text);
  table_cell(table, text_number(row->count_b).text);
  table_cell(table, change_text(row->count_a, row->count_b, text_number).text);
  table_cell(table, common ? text_number(row->added).text : "");
  table_cell(table, common ? text_number(row->gone).text : "");
  table_cell(table, text_size(row->bytes_b).text);
  table_cell(table, change_text(row->bytes_a, row->bytes_b, text_size).text);
  table_cell(table, row->type);
  if (!found->by_site) return;
  char text[PLACES_BYTES];
  places_text(found, row->site_a, row->site_b, FRAMES_MAX, text);
  table_cell(table, text[0] != 0 ? text : "no site");
}

static void print_changed(struct table *table, const struct comparison *found,
                          const lens_diff_object *row) {
  char text[PLACES_BYTES];
  places_text(found, row->site_a, row->site_b, FRAMES_MAX, text);
  table_cell(table, text_address(row->address).text);
  table_cell(table, row->serial != 0 ? text_number(row->serial).text : "");
  table_cell(table, change_of(row));
  table_cell(table, row->change != LENS_CHANGE_ADDED ? text_size(row->bytes_a).text : "");
  table_cell(table, row->change != LENS_CHANGE_GONE ? text_size(row->bytes_b).text : "");
  table_cell(table, row->type);
  table_cell(table, row->reused != 0 ? "address reused" : "");
  table_cell(table, text);
}

static void print_rows(const struct comparison *found) {
  struct table table;
  bool common = found->totals.same_process != 0;
  if (found->by_object) {
    table_begin(&table, (const char *const[]){"=address", ">serial", "change", ">size in A",
                                              ">in B", "type", "remark", "allocated at", NULL});
    for (uint64_t i = found->shown; i-- > 0;) print_changed(&table, found, &found->objects[i]);
  } else {
    table_begin(&table,
                (const char *const[]){">objects in A", ">in B", ">change", common ? ">new" : ">",
                                      common ? ">gone" : ">", ">size in B", ">change", "type",
                                      found->by_site ? "allocated at" : NULL, NULL});
    for (uint64_t i = found->shown; i-- > 0;) print_row(&table, found, &found->rows[i]);
  }
  table_print(&table);
  const char *word = found->by_object ? "objects" : found->by_site ? "types and places" : "types";
  text_cut(found->shown, found->matched, word);
}

/* `A: FILE, core process 123 at 2026-01-31 17:06:11: 18 objects, 1.2 KiB`. */
static void print_side(const struct comparison *found, int side) {
  lens_moment_info info;
  lens_moment_origin origin;
  char process[40] = "", when[40] = "";
  struct tm parts;
  lens_moment_info_get(found->moments[side], &info);
  lens_moment_origin_get(found->moments[side], &origin);
  if (origin.process != 0)
    (void)snprintf(process, sizeof process, " process %" PRIu64, origin.process);
  const time_t seconds = (time_t)origin.time;
  if (origin.time != 0 && localtime_r(&seconds, &parts) != NULL)
    (void)strftime(when, sizeof when, " at %Y-%m-%d %H:%M:%S", &parts);
  say("%c: %s, %s%s%s: %s, %s", 'A' + side, found->paths[side],
      origin.kind[0] != 0 ? origin.kind : "a program", process, when,
      text_counted(info.objects, "object").text, text_size(info.bytes).text);
}

/* Of rows by type: the types and places that grew most, the greatest last. */
static lens_status print_growth(const struct comparison *found) {
  enum { LOOKED_AT = 4 * GROWTH_LINES };
  lens_diff_row rows[LOOKED_AT];
  uint64_t written = 0, total = 0;
  uint32_t grown[GROWTH_LINES], count = 0;
  if (found->by_site || found->by_object) return LENS_OK;
  lens_status status = lens_diff_sites(found->diff, 0, LOOKED_AT, rows, &written, &total);
  for (uint32_t i = 0; status == LENS_OK && i < written && count < GROWTH_LINES; i++) {
    char place[PLACES_BYTES];
    places_text(found, rows[i].site_a, rows[i].site_b, 1, place);
    if (rows[i].bytes_b > rows[i].bytes_a && place[0] != 0) grown[count++] = i;
  }
  while (status == LENS_OK && count-- > 0) {
    const lens_diff_row *row = &rows[grown[count]];
    char place[PLACES_BYTES];
    places_text(found, row->site_a, row->site_b, 1, place);
    say("growth of %s from %s: %s, %s", row->type, place,
        row->count_a == row->count_b ? "as many"
                                     : change_text(row->count_a, row->count_b, text_number).text,
        change_text(row->bytes_a, row->bytes_b, text_size).text);
  }
  return status;
}

static lens_status print_text(const struct session *session, const struct comparison *found) {
  const lens_diff_totals *totals = &found->totals;
  for (int i = 0; i < 2; i++) print_side(found, i);
  print_rows(found);
  lens_status status = print_growth(found);
  if (status != LENS_OK) return status;
  printf("In all");
  if (session->options->type_glob != NULL) printf(" of types %s", session->options->type_glob);
  if (totals->count_a == totals->count_b && totals->bytes_a == totals->bytes_b) {
    printf(": as many objects and bytes");
  } else {
    printf(": %s objects, %s", change_text(totals->count_a, totals->count_b, text_number).text,
           change_text(totals->bytes_a, totals->bytes_b, text_size).text);
  }
  if (totals->same_process != 0) {
    printf(": %s new, %s gone, %s still there", text_number(totals->added).text,
           text_number(totals->gone).text, text_number(totals->kept).text);
  }
  if (totals->resized != 0) printf(" (%s resized)", text_number(totals->resized).text);
  if (totals->reused != 0)
    printf("; %s %s used again", text_number(totals->reused).text,
           totals->reused == 1 ? "address" : "addresses");
  puts(".");
  for (uint32_t i = 0; i < found->exceeded_count; i++)
    say("Limit exceeded: %s.", found->exceeded[i]);
  return LENS_OK;
}

/* What a moment does not know of its own heap. */
static void note_side(struct session *session, const struct comparison *found, int side) {
  lens_moment_info info;
  const char *name = found->paths[side];
  lens_moment_info_get(found->moments[side], &info);
  if (info.dying != 0)
    session_note(session, "%s: %s %s dying; still counted", name,
                 text_counted(info.dying, "object").text, info.dying == 1 ? "was" : "were");
  if (info.damaged_blocks != 0)
    session_note(session, "%s: %s without an object that makes sense", name,
                 text_counted(info.damaged_blocks, "damaged block").text);
  if (info.unreadable_bytes != 0)
    session_note(session, "%s: %s of the heap could not be read and are left out", name,
                 text_size(info.unreadable_bytes).text);
  if (info.exactness == 2)
    session_note(session, "%s: types that are opaque were scanned for what they hold", name);
}

/* What makes the answer less than sure, and limits that are passed. */
static void judge(struct session *session, struct comparison *found) {
  const lens_diff_totals *totals = &found->totals;
  const struct options *options = session->options;
  static const char *const EXACTNESS[] = {"exact", "tolerant", "conservative"};
  lens_moment_origin origins[2];
  session->exactness = EXACTNESS[totals->exactness <= 2 ? totals->exactness : 2];
  for (int i = 0; i < 2; i++) lens_moment_origin_get(found->moments[i], &origins[i]);
  for (int i = 0; i < 2; i++) note_side(session, found, i);
  if (totals->same_process == 0) {
    const bool other = origins[0].process != origins[1].process;
    session_note(session,
                 "%s and %s %s: no object of one is in the other, only types and places are "
                 "compared",
                 found->paths[0], found->paths[1],
                 other ? "are of different processes" : "have no heap in common");
  } else if (totals->same_process == 2) {
    session_note(session,
                 "which process the moments are of is not known: they are taken for one as their "
                 "heaps have the same addresses");
  }
  if (totals->kept_by_address != 0)
    session_note(session,
                 "%s without serials %s known again by address, type, size and value: what died "
                 "and came back alike counts as still there",
                 text_counted(totals->kept_by_address, "object").text,
                 totals->kept_by_address == 1 ? "is" : "are");
  const uint64_t objects =
      totals->count_b > totals->count_a ? totals->count_b - totals->count_a : 0;
  const uint64_t bytes = totals->bytes_b > totals->bytes_a ? totals->bytes_b - totals->bytes_a : 0;
  if (objects > options->growth_objects)
    (void)snprintf(found->exceeded[found->exceeded_count++], sizeof found->exceeded[0],
                   "%s more, at most %s allowed", text_counted(objects, "object").text,
                   text_number(options->growth_objects).text);
  if (bytes > options->growth_bytes) {
    struct number_text more = text_size(bytes), most = text_size(options->growth_bytes);
    const char *unit = "";
    if (strcmp(more.text, most.text) == 0) { /* as far as they are rounded */
      more = text_number(bytes);
      most = text_number(options->growth_bytes);
      unit = " B";
    }
    (void)snprintf(found->exceeded[found->exceeded_count++], sizeof found->exceeded[0],
                   "%s%s more, at most %s%s allowed", more.text, unit, most.text, unit);
  }
  session->found = found->exceeded_count != 0;
}

/* The rows that -limit lets through: as many of the greatest changes are kept. */
static lens_status take_rows(struct session *session, struct comparison *found) {
  const lens_diff_totals *totals = &found->totals;
  uint64_t written = 0;
  found->matched = found->by_object ? totals->object_rows
                   : found->by_site ? totals->site_rows
                                    : totals->type_rows;
  found->shown = rows_room(session, found->matched);
  if (found->by_object) {
    found->objects = malloc((size_t)(found->shown + 1) * sizeof *found->objects);
    if (found->objects == NULL) return LENS_NO_MEMORY;
    lens_status status =
        lens_diff_objects(found->diff, 0, found->shown, found->objects, &written, &found->matched);
    found->shown = written;
    return status;
  }
  found->rows = malloc((size_t)(found->shown + 1) * sizeof *found->rows);
  if (found->rows == NULL) return LENS_NO_MEMORY;
  return (found->by_site ? lens_diff_sites : lens_diff_types)(
      found->diff, 0, found->shown, found->rows, &written, &found->matched);
}

static lens_status compare(struct session *session, struct comparison *found) {
  const struct options *options = session->options;
  lens_moment_info info[2];
  for (int i = 0; i < 2; i++) lens_moment_info_get(found->moments[i], &info[i]);
  uint64_t every = info[0].objects + info[1].objects;
  uint64_t kept = !found->by_object ? 0 : options->limit != 0 ? options->limit : every;
  lens_status status = lens_diff_new(found->moments[0], found->moments[1], options->type_glob,
                                     kept < every ? kept : every, &found->diff);
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_diff_step(found->diff, SLICE_MS, NULL);
  if (status == LENS_OK) status = lens_diff_totals_get(found->diff, &found->totals);
  if (status != LENS_OK) return status;
  if (found->by_object && found->totals.same_process == 0)
    return session_refuse(session,
                          "the two have no heap and so no object in common, as they are of "
                          "different processes; try -by type or -by site",
                          NULL);
  if (found->by_site && info[0].site_count == 0 && info[1].site_count == 0)
    return session_refuse(session,
                          "of no object of either is known who allocated it: nothing tracked them "
                          "(run the program with CAIRN_TRACK=sites in its environment)",
                          NULL);
  return take_rows(session, found);
}

lens_status diff_run(struct session *session) {
  struct comparison found = {.paths = {session->options->core, session->options->other},
                             .by_site = strcmp(session->options->by, "site") == 0,
                             .by_object = strcmp(session->options->by, "object") == 0};
  lens_status status = LENS_OK;
  for (int i = 0; i < 2 && status == LENS_OK; i++)
    status = moment_find(session, found.paths[i], &found.moments[i]);
  if (status == LENS_OK) status = compare(session, &found);
  if (status == LENS_OK) {
    judge(session, &found);
    answer_begin(session);
    if (session->json != NULL) {
      print_json(session, &found);
    } else {
      status = print_text(session, &found);
    }
  }
  free(found.rows);
  free(found.objects);
  lens_diff_free(found.diff);
  for (int i = 0; i < 2; i++) lens_moment_free(found.moments[i]);
  return status;
}

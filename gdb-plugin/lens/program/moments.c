/* snapshot and diff: moments of cores, kept in files and compared.
 *
 * Offline there are no lines: a place is the module and the distance from where it begins in
 * memory, unless the snapshot was taken where lines were known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { SLICE_MS = 50, PLACE_BYTES = 400 };

/* ---- getting moments ---- */

static lens_status refuse(struct session *session, lens_status status, const char *text) {
  (void)snprintf(session->refusal, sizeof session->refusal, "%s", text);
  return status;
}

lens_status moment_take(lens *target, const char *path, lens_moment **out) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_take(target, SLICE_MS, NULL, out);
  if (status != LENS_OK) return status;
  struct stat about;
  bool known = stat(path, &about) == 0 && about.st_mtime > 0;
  const lens_moment_origin origin = {.process = process_of(target),
                                     .time = known ? (uint64_t)about.st_mtime : 0,
                                     .kind = "core",
                                     .label = path};
  status = lens_moment_origin_set(*out, &origin);
  if (status != LENS_OK) lens_moment_free(*out);
  return status;
}

/* Runs a job to its end and frees it. */
static lens_status finish(struct session *session, lens_status status, lens_moment_job *job,
                          lens_moment **out) {
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_job_step(job, SLICE_MS, NULL);
  if (status != LENS_OK && job != NULL) refuse(session, status, lens_moment_job_error(job));
  if (out != NULL && status == LENS_OK) *out = lens_moment_job_result(job);
  lens_moment_job_free(job);
  return status;
}

lens_status moment_find(struct session *session, const char *path, lens_moment **out) {
  if (lens_moment_is_file(path) != 0) {
    lens_moment_job *job = NULL;
    lens_status status = lens_moment_load(path, &job);
    return finish(session, status, job, out);
  }
  lens *target = NULL;
  lens_status status = lens_new_core(path, NULL, &target);
  if (status != LENS_OK) return refuse(session, status, lens_error(NULL));
  status = run_steps(target, load_step);
  if (status == LENS_OK) status = moment_take(target, path, out);
  if (status != LENS_OK) {
    const char *said = lens_error(target);
    (void)snprintf(session->refusal, sizeof session->refusal, "%s: %s", path,
                   said[0] != 0 ? said : lens_status_text(status));
  }
  lens_free(target);
  return status;
}

/* ---- snapshot ---- */

static void json_moment(yajl_gen json, const char *path, const lens_moment *moment) {
  lens_moment_info info;
  lens_moment_origin origin;
  lens_moment_info_get(moment, &info);
  lens_moment_origin_get(moment, &origin);
  yajl_gen_map_open(json);
  json_text(json, "name", path);
  json_number(json, "objects", info.objects);
  json_number(json, "bytes", info.bytes);
  json_text(json, "kind", origin.kind);
  json_number(json, "pid", origin.process);
  json_number(json, "serials", info.serial_count);
  json_number(json, "sites", info.site_count);
}

lens_status snapshot_run(struct session *session) {
  const char *output = session->options->output;
  if (output == NULL) {
    return refuse(session, LENS_BAD_ARGUMENT,
                  "which file? snapshot needs -output FILE, to write to");
  }
  lens_moment *moment = NULL;
  lens_moment_job *job = NULL;
  lens_status status = moment_take(session->target, session->options->core, &moment);
  if (status != LENS_OK) return status;
  status = lens_moment_save(moment, output, &job);
  status = finish(session, status, job, NULL);
  if (status == LENS_OK) {
    lens_moment_info info;
    lens_moment_info_get(moment, &info);
    answer_begin(session);
    if (session->json != NULL) {
      json_moment(session->json, session->options->core, moment);
      json_text(session->json, "file", output);
      yajl_gen_map_close(session->json);
    } else {
      printf("%s objects, %s written to %s; %s\n", text_number(info.objects).text,
             text_size(info.bytes).text, output,
             info.serial_count != 0 ? "with serials."
                                    : "without tracking, objects are known by address and value.");
    }
  }
  lens_moment_free(moment);
  return status;
}

/* ---- diff ---- */

struct comparison {
  const char *paths[2];
  lens_moment *moments[2];
  lens_diff *diff;
  lens_diff_totals totals;
  lens_diff_row *rows;
  lens_diff_object *objects; /* by object: instead of rows */
  uint64_t shown, matched;
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

/* The innermost caller of a site, as the second moment knows it, else the first; false: none is
 * known. */
static bool place_of(const struct comparison *found, uint32_t site_a, uint32_t site_b,
                     lens_moment_place *out) {
  const uint32_t sites[2] = {site_a, site_b};
  bool known = false;
  for (int i = 1; i >= 0 && !(known && out->file[0] != 0); i--) {
    lens_moment_site site;
    lens_moment_place place;
    if (lens_moment_site_get(found->moments[i], sites[i], &site) != LENS_OK ||
        lens_moment_frame_get(found->moments[i], site.first_frame, &place) != LENS_OK)
      continue;
    if (!known || place.file[0] != 0) *out = place;
    known = true;
  }
  return known;
}

static void json_place(yajl_gen json, const struct comparison *found, uint32_t site_a,
                       uint32_t site_b) {
  lens_moment_place place;
  json_name(json, "site");
  if (!place_of(found, site_a, site_b, &place)) {
    yajl_gen_null(json);
    return;
  }
  yajl_gen_map_open(json);
  json_address(json, "addr", place.address);
  if (place.function[0] != 0) json_text(json, "function", place.function);
  if (place.file[0] != 0) {
    json_text(json, "file", place.file);
    json_number(json, "line", place.line);
  }
  if (place.module[0] != 0) {
    json_text(json, "module", place.module);
    json_number(json, "offset", place.offset);
  }
  yajl_gen_map_close(json);
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
  lens_moment_place place;
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
  if (place_of(found, row->site_a, row->site_b, &place))
    json_place(json, found, row->site_a, row->site_b);
  yajl_gen_map_close(json);
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
    if (found->by_site) json_place(json, found, row->site_a, row->site_b);
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
  lens_moment_place place;
  char text[PLACE_BYTES] = "no site";
  if (place_of(found, row->site_a, row->site_b, &place)) place_text(&place, text, sizeof text);
  table_cell(table, text);
}

static void print_changed(struct table *table, const struct comparison *found,
                          const lens_diff_object *row) {
  lens_moment_place place;
  char text[PLACE_BYTES] = "";
  if (place_of(found, row->site_a, row->site_b, &place)) place_text(&place, text, sizeof text);
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
    table_begin(&table, (const char *const[]){"address", ">serial", "change", ">size in A", ">in B",
                                              "type", "remark", "allocated at", NULL});
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

static void print_text(const struct comparison *found) {
  for (int i = 0; i < 2; i++) {
    lens_moment_info info;
    lens_moment_info_get(found->moments[i], &info);
    printf("%c: %s: %s objects, %s\n", 'A' + i, found->paths[i], text_number(info.objects).text,
           text_size(info.bytes).text);
  }
  print_rows(found);
  const lens_diff_totals *totals = &found->totals;
  printf("In all: %s objects, %s", change_text(totals->count_a, totals->count_b, text_number).text,
         change_text(totals->bytes_a, totals->bytes_b, text_size).text);
  if (totals->same_process != 0) {
    printf(": %s new, %s gone, %s still there", text_number(totals->added).text,
           text_number(totals->gone).text, text_number(totals->kept).text);
  }
  puts(".");
}

/* What makes the answer less than sure, and limits that are passed. */
static void judge(struct session *session, const struct comparison *found) {
  static const char *const exactness[] = {"exact", "tolerant", "conservative"};
  const lens_diff_totals *totals = &found->totals;
  const struct options *options = session->options;
  session->exactness = exactness[totals->exactness <= 2 ? totals->exactness : 2];
  if (totals->same_process == 0) {
    session_note(session,
                 "the two are of different processes: no object of one is in the other, "
                 "only types and places are compared");
  } else if (totals->same_process == 2) {
    session_note(session,
                 "which process they are of is not known: they are taken for one as their "
                 "heaps have the same addresses");
  }
  if (totals->kept_by_address != 0) {
    session_note(session,
                 "%" PRIu64
                 " objects without serials are known again by address, type, "
                 "size and value: what died and came back alike counts as still there",
                 totals->kept_by_address);
  }
  uint64_t objects = totals->count_b > totals->count_a ? totals->count_b - totals->count_a : 0;
  uint64_t bytes = totals->bytes_b > totals->bytes_a ? totals->bytes_b - totals->bytes_a : 0;
  if (objects > options->growth_objects)
    session_note(session, "limit exceeded: %" PRIu64 " objects more, at most %" PRIu64 " allowed",
                 objects, options->growth_objects);
  if (bytes > options->growth_bytes)
    session_note(session, "limit exceeded: %" PRIu64 " bytes more, at most %" PRIu64 " allowed",
                 bytes, options->growth_bytes);
  session->found = objects > options->growth_objects || bytes > options->growth_bytes;
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
      print_text(&found);
    }
  }
  free(found.rows);
  free(found.objects);
  lens_diff_free(found.diff);
  for (int i = 0; i < 2; i++) lens_moment_free(found.moments[i]);
  return status;
}

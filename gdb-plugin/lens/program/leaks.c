/* leaks: what is garbage, a row for each set of objects that all of it hangs on.
 *
 * Without a debugger every root is a guess, so what only looks like a reference keeps what it leads
 * to; cycles are found all the same, by their counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "junit.h"
#include "leak_baseline.h"
#include "leaks.h"
#include "units.h"

enum { GROUPED_MAX = 5000 }; /* leaks of which those that are alike are put together */

static void add(struct leak_sums *sums, const lens_leak *leak) {
  sums->leaks++;
  sums->objects += leak->objects;
  sums->bytes += leak->bytes;
  if (leak->kind != LENS_LEAK_CYCLE) return;
  sums->cycles++;
  sums->cycle_objects += leak->objects;
  sums->cycle_bytes += leak->bytes;
}

/* ---- which leaks ---- */

/* The leaks that an object belongs to or hangs on, through others that are held jointly, too. */
static lens_status hung_on(struct session *session, struct leaks_found *found) {
  lens_object object;
  uint32_t index, row;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = lens_snapshot_find(session->target, object.address, &index);
  if (status != LENS_OK) return status;
  status = lens_leak_of(session->target, index, &row);
  if (status == LENS_NOT_FOUND) {
    (void)snprintf(found->answer, sizeof found->answer,
                   "%.64s 0x%" PRIx64 " is no garbage; the command path tells what keeps it.",
                   type_name(session, object.type), object.address);
    return LENS_OK;
  }
  if (status == LENS_OK) status = leak_numbers_of(session, row, &found->hung);
  if (status == LENS_OK && !(found->hung.count == 1 && found->hung.numbers[0] == row)) {
    (void)snprintf(found->answer, sizeof found->answer,
                   "%.64s 0x%" PRIx64
                   " is held jointly: it hangs on %s leaks and goes with the "
                   "last of them.",
                   type_name(session, object.type), object.address,
                   text_number(found->hung.count).text);
  }
  return status;
}

static lens_status describe(const struct session *session, struct leak_row *row) {
  lens_track track;
  lens_status status = lens_snapshot_object(session->target, row->leak.root, &row->root);
  if (status != LENS_OK) return status;
  status = lens_track_at(session->target, row->root.address, &track);
  bool lives =
      status == LENS_OK && (track.place == LENS_PLACE_OBJECT || track.place == LENS_PLACE_DYING);
  if (lives && track.site != 0)
    status = lens_site_get(session->target, track.heap, track.site, &row->site);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE) status = LENS_OK;
  return status;
}

/* The rows: those that are shown, or all where they are sifted or put together. */
static lens_status take_rows(struct session *session, struct leaks_found *found) {
  const struct options *options = session->options;
  uint64_t written = 0;
  lens_status status = found->chosen ? hung_on(session, found) : LENS_OK;
  if (status == LENS_OK)
    status =
        lens_leaks_select(session->target, options->type_glob, 0, NULL, &written, &found->matched);
  if (status != LENS_OK) return status;
  bool sifted = found->chosen || options->suppress != NULL || options->junit != NULL ||
                options->baseline != NULL;
  bool all = sifted || found->matched <= GROUPED_MAX;
  uint64_t room = all ? found->matched : rows_room(session, found->matched);
  lens_leak *leaks = malloc((size_t)(room + 1) * sizeof *leaks);
  found->rows = calloc((size_t)room + 1, sizeof *found->rows);
  status = leaks == NULL || found->rows == NULL
               ? LENS_NO_MEMORY
               : lens_leaks_select(session->target, options->type_glob, room, leaks, &written,
                                   &found->matched);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    if (found->chosen && !leak_numbers_have(&found->hung, leaks[i].number)) continue;
    struct leak_row *row = &found->rows[found->count++];
    row->leak = leaks[i];
    status = describe(session, row);
    if (status == LENS_OK) status = leak_rules_apply(session, &found->rules, row);
  }
  free(leaks);
  if (sifted) found->matched = found->count;
  return status;
}

/* Those that are left before those that are set aside, else in their order. */
static lens_status part(struct leaks_found *found) {
  struct leak_row *rows = calloc((size_t)found->count + 1, sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  uint64_t at = 0;
  for (int aside = 0; aside < 2; aside++) {
    for (uint64_t i = 0; i < found->count; i++) {
      if ((found->rows[i].aside != NULL) != (aside == 1)) continue;
      add(aside == 1 ? &found->aside : &found->sums, &found->rows[i].leak);
      rows[at++] = found->rows[i];
    }
    if (aside == 0) found->left = at;
  }
  free(found->rows);
  found->rows = rows;
  return LENS_OK;
}

static lens_status take_census(const struct session *session, struct leaks_found *found) {
  uint64_t written, total;
  lens_status status = lens_leaks_census(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  found->census = malloc((size_t)(total + 1) * sizeof *found->census);
  if (found->census == NULL) return LENS_NO_MEMORY;
  return lens_leaks_census(session->target, total, found->census, &found->census_count, &total);
}

/* With all of some types chosen the sums are known without all rows. */
static struct leak_sums sum_all(const struct session *session, const struct leaks_found *found) {
  const char *glob = session->options->type_glob;
  struct leak_sums sums = {0};
  for (uint64_t i = 0; i < found->census_count; i++) {
    const lens_leak_census *row = &found->census[i];
    if (glob != NULL && !type_matches(session, row->type, glob)) continue;
    sums.leaks += row->leaks;
    sums.objects += row->objects;
    sums.bytes += row->bytes;
    if (row->kind != LENS_LEAK_CYCLE) continue;
    sums.cycles += row->leaks;
    sums.cycle_objects += row->objects;
    sums.cycle_bytes += row->bytes;
  }
  return sums;
}

/* What is alike, where there are not too many; a JUnit file is made of all. */
static lens_status group(struct session *session, struct leaks_found *found) {
  bool report = session->options->junit != NULL;
  found->grouped = found->sums.leaks <= GROUPED_MAX;
  for (uint64_t i = 0; !found->grouped && i < rows_room(session, found->left); i++) {
    if (leak_place(&found->rows[i]) == 0) continue;
    session_note(session, "leaks from one place are added up only where all are at most %s",
                 text_number(GROUPED_MAX).text);
    break;
  }
  if (!found->grouped && !report) return LENS_OK;
  struct leak_groups made;
  lens_status status =
      leak_groups_make(session, found->rows, (size_t)(report ? found->count : found->left), &made);
  found->groups = made;
  return status;
}

/* What hangs on the rows that are shown, and (`every` leak counts) on several of all leaks or on
 * those that are left. */
static lens_status plant(const struct session *session, struct leaks_found *found, bool every) {
  uint64_t shown = rows_room(session, found->left);
  struct leak_node *nodes = malloc((size_t)(shown + 1) * sizeof *nodes);
  struct leak_numbers left = {malloc((size_t)(found->left + 1) * sizeof *left.numbers), 0};
  lens_status status = nodes == NULL || left.numbers == NULL ? LENS_NO_MEMORY : LENS_OK;
  for (uint64_t i = 0; status == LENS_OK && i < found->left; i++) {
    const struct leak_row *row = &found->rows[i];
    if (i < shown) nodes[i] = (struct leak_node){row->leak, row->root};
    left.numbers[left.count++] = row->leak.number;
  }
  leak_numbers_sort(&left);
  if (status == LENS_OK)
    status = leak_forest_make(session, nodes, shown, every ? NULL : &left, &found->forest);
  free(nodes);
  free(left.numbers);
  return status;
}

static lens_status find(struct session *session, struct leaks_found *found) {
  const struct options *options = session->options;
  lens_status status = options->suppress == NULL
                           ? LENS_OK
                           : leak_rules_read(session, options->suppress, &found->rules);
  if (status == LENS_OK) status = roots_find(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_leaks);
  if (status == LENS_OK) status = lens_leaks_totals_get(session->target, &found->totals);
  if (status == LENS_OK) status = take_census(session, found);
  if (status == LENS_OK) status = take_rows(session, found);
  if (status == LENS_OK && options->baseline != NULL)
    status = leak_baseline_apply(session, options->baseline, found->rows, found->count,
                                 &found->accepted);
  if (status == LENS_OK) status = part(found);
  if (status != LENS_OK) return status;
  bool whole = !found->chosen && found->aside.leaks == 0;
  if (options->tree) status = plant(session, found, whole && options->type_glob == NULL);
  if (status != LENS_OK) return status;
  if (whole) found->sums = sum_all(session, found);
  if (whole && options->type_glob == NULL) {
    found->sums.objects += found->totals.shared_objects;
    found->sums.bytes += found->totals.shared_bytes;
  }
  if (found->aside.leaks != 0 || found->chosen) found->matched = found->sums.leaks;
  bool limited = options->max_objects != UINT64_MAX || options->max_bytes != UINT64_MAX;
  found->within = limited ? found->sums.objects <= options->max_objects &&
                                found->sums.bytes <= options->max_bytes
                          : found->sums.leaks == 0;
  session->found = !found->within;
  return group(session, found);
}

/* ---- JSON ---- */

static lens_status json_row(const struct session *session, struct leaks_found *found, uint64_t at) {
  yajl_gen json = session->json;
  const struct leak_row *row = &found->rows[at];
  const lens_leak *leak = &row->leak;
  const struct leak_node node = {row->leak, row->root};
  lens_status status = LENS_OK;
  uint64_t outside = 0;
  yajl_gen_map_open(json);
  leak_set_json(session, &node);
  json_number(json, "surplus", leak->surplus);
  json_number(json, "root_refs", leak->root_refs);
  bool goes = leak->held == 0;
  json_sums(json, "would_free", NULL, 0, goes ? leak->objects : 0, goes ? leak->bytes : 0);
  if (row->site.frame_count != 0) {
    json_caller(session, "site", row->site.frames[0]);
    json_name(json, "backtrace");
    yajl_gen_array_open(json);
    for (uint32_t i = 0; i < row->site.frame_count && i < LENS_SITE_FRAMES; i++)
      json_caller(session, NULL, row->site.frames[i]);
    yajl_gen_array_close(json);
  }
  if (lens_external_get(session->target, row->root.heap, row->root.address, &outside) == LENS_OK &&
      outside != 0)
    json_number(json, "external_bytes", outside);
  if (session->options->tree) status = leak_forest_tree(session, &found->forest, at);
  yajl_gen_map_close(json);
  return status;
}

static void json_aside(const struct session *session, const struct leaks_found *found) {
  yajl_gen json = session->json;
  json_sums(json, "set_aside", "leaks", found->aside.leaks, found->aside.objects,
            found->aside.bytes);
  json_name(json, "unused_suppressions");
  yajl_gen_array_open(json);
  for (size_t i = 0; i < found->rules.count; i++) {
    const struct leak_rule *rule = &found->rules.rules[i];
    if (rule->used) continue;
    yajl_gen_map_open(json);
    json_text(json, "where", rule->why + strlen("suppressed by "));
    json_text(json, "rule", rule->text);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
}

/* What leaks by the type of its root, whatever the kind. */
struct typed {
  const char *name;
  struct leak_sums sums;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct typed *)a)->name, ((const struct typed *)b)->name);
}

static void json_types(const struct session *session, const struct leaks_found *found) {
  struct typed *rows = calloc((size_t)found->census_count + 1, sizeof *rows);
  yajl_gen json = session->json;
  json_name(json, "types");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; rows != NULL && i < found->census_count; i++) {
    const lens_leak_census *row = &found->census[i];
    rows[i] = (struct typed){type_name(session, row->type),
                             {.leaks = row->leaks,
                              .objects = row->objects,
                              .bytes = row->bytes,
                              .cycles = row->kind == LENS_LEAK_CYCLE ? row->leaks : 0}};
  }
  if (rows != NULL) qsort(rows, (size_t)found->census_count, sizeof *rows, by_name);
  for (uint64_t i = 0; rows != NULL && i < found->census_count; i++) {
    struct leak_sums sums = rows[i].sums;
    for (; i + 1 < found->census_count && by_name(&rows[i], &rows[i + 1]) == 0; i++) {
      sums.leaks += rows[i + 1].sums.leaks;
      sums.objects += rows[i + 1].sums.objects;
      sums.bytes += rows[i + 1].sums.bytes;
      sums.cycles += rows[i + 1].sums.cycles;
    }
    yajl_gen_map_open(json);
    json_text(json, "type", rows[i].name);
    json_number(json, "leaks", sums.leaks);
    json_number(json, "cycles", sums.cycles);
    json_number(json, "lost", sums.leaks - sums.cycles);
    json_number(json, "objects", sums.objects);
    json_number(json, "bytes", sums.bytes);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
  free(rows);
}

static lens_status json_end(const struct session *session, struct leaks_found *found,
                            uint64_t shown) {
  yajl_gen json = session->json;
  lens_status status = LENS_OK;
  const lens_leaks_totals *totals = &found->totals;
  yajl_gen_array_close(json);
  json_listing_end(json, found->sums.leaks, shown);
  json_name(json, "totals");
  yajl_gen_map_open(json);
  json_number(json, "objects", totals->object_count);
  json_number(json, "bytes", totals->bytes);
  json_sums(json, "cycles", "leaks", totals->cycles, totals->cycle_objects, totals->cycle_bytes);
  json_sums(json, "lost", "leaks", totals->lost, totals->lost_objects, totals->lost_bytes);
  json_sums(json, "shared", "sets", totals->joints, totals->shared_objects, totals->shared_bytes);
  json_number(json, "roots", totals->roots);
  json_number(json, "guessed_roots", totals->guessed_roots);
  json_number(json, "stale_words", totals->stale_words);
  yajl_gen_map_close(json);
  json_sums(json, "counted", "leaks", found->sums.leaks, found->sums.objects, found->sums.bytes);
  json_types(session, found);
  json_flag(json, "within_limits", found->within);
  if (found->grouped) leak_groups_json(session, &found->groups);
  if (session->options->tree) status = leak_forest_json(session, &found->forest);
  if (found->aside.leaks != 0 || found->rules.count != 0) json_aside(session, found);
  if (found->answer[0] != 0) json_text(json, "answer", found->answer);
  json_manual_heaps(session);
  yajl_gen_map_close(json);
  return status;
}

static lens_status print_json(const struct session *session, struct leaks_found *found) {
  uint64_t shown = rows_room(session, found->left);
  lens_status status = LENS_OK;
  rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < shown; i++) status = json_row(session, found, i);
  if (status == LENS_OK) status = json_end(session, found, shown);
  return status;
}

lens_status leaks_run(struct session *session) {
  struct leaks_found found = {.chosen = session->options->has_address};
  lens_status status = find(session, &found);
  if (status == LENS_OK && session->options->junit != NULL)
    status = junit_write(session, session->options->junit, &found.groups, !found.within);
  if (status == LENS_OK)
    status = session->json != NULL ? print_json(session, &found) : leaks_text(session, &found);
  leak_forest_free(&found.forest);
  free(found.hung.numbers);
  leak_groups_free(&found.groups);
  free(found.rows);
  free(found.accepted);
  free(found.census);
  leak_rules_free(&found.rules);
  return status;
}

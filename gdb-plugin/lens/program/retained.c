/* retained: what would go if one thing went: an object, the roots of one, or a type's objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

static lens_status retained_row(const struct session *session, const lens_object *object,
                                struct table *table) {
  uint32_t index;
  lens_retained_row row;
  lens_status status = lens_snapshot_find(session->target, object->address, &index);
  if (status == LENS_OK) status = lens_retained_object(session->target, index, &row);
  if (status != LENS_OK) return status;
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_object(session, object);
    json_number(session->json, "retained_bytes", row.bytes);
    json_number(session->json, "retained_objects", row.objects);
    json_flag(session->json, "reached", row.reached != 0);
    yajl_gen_map_close(session->json);
    return LENS_OK;
  }
  char value[96] = "";
  (void)lens_object_text(session->target, object->address, 1, 4, value, sizeof value);
  table_cell(table, text_address(object->address).text);
  table_cell(table, row.reached != 0 ? text_size(row.bytes).text : "garbage");
  table_cell(table, text_number(row.objects).text);
  table_cell(table, type_name(session, object->type));
  table_cell(table, value);
  return LENS_OK;
}

static lens_status by_object(const struct session *session, uint64_t *shown, uint64_t *matched) {
  lens_filter filter = {.type_glob = session->options->type_glob,
                        .refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = session->heap,
                        .sort = LENS_SORT_RETAINED};
  lens_walk_totals totals;
  lens_status status = lens_walk_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, totals.objects);
  lens_object *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_select(session->target, &filter, room, rows, shown, matched);
  struct table table;
  static const char *const titles[] = {"address", ">retained", ">objects", "type", "value", NULL};
  if (status == LENS_OK) rows_begin(session);
  if (status == LENS_OK && session->json == NULL) table_begin(&table, titles);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++)
    status = retained_row(session, &rows[session->json != NULL ? i : *shown - 1 - i], &table);
  if (status == LENS_OK && session->json == NULL) table_print(&table);
  free(rows);
  return status;
}

static lens_status by_type(const struct session *session, uint64_t *shown, uint64_t *matched) {
  lens_status status = run_steps(session->target, lens_retained_types);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, lens_type_count(session->target));
  lens_retained_type *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_types_get(session->target, room, rows, shown, matched);
  struct table table;
  static const char *const titles[] = {">retained", ">objects", ">of the type",
                                       ">own",      "type",     NULL};
  if (status == LENS_OK) rows_begin(session);
  if (status == LENS_OK && session->json == NULL) table_begin(&table, titles);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++) {
    const lens_retained_type *row = &rows[session->json != NULL ? i : *shown - 1 - i];
    if (session->json == NULL) {
      table_cell(&table, text_size(row->bytes).text);
      table_cell(&table, text_number(row->objects).text);
      table_cell(&table, text_number(row->count).text);
      table_cell(&table, text_size(row->own_bytes).text);
      table_cell(&table, type_name(session, row->type));
      continue;
    }
    yajl_gen_map_open(session->json);
    json_text(session->json, "type", type_name(session, row->type));
    json_number(session->json, "count", row->count);
    json_number(session->json, "bytes", row->own_bytes);
    json_number(session->json, "retained_bytes", row->bytes);
    json_number(session->json, "retained_objects", row->objects);
    yajl_gen_map_close(session->json);
  }
  if (status == LENS_OK && session->json == NULL) table_print(&table);
  free(rows);
  return status;
}

/* The roots that hold an object: the first of them as the row's own, the others beside it. */
static lens_status root_row(const struct session *session, const lens_retained_root *row,
                            struct table *table) {
  uint64_t written = 0, count = 0;
  lens_object object;
  lens_root root;
  char name[160], value[96] = "";
  lens_status status = lens_snapshot_object(session->target, row->object, &object);
  if (status == LENS_OK)
    status = lens_roots_of(session->target, row->object, 0, NULL, &written, &count);
  if (status != LENS_OK) return status;
  uint64_t *roots = malloc((size_t)(count + 1) * sizeof *roots);
  if (roots == NULL) return LENS_NO_MEMORY;
  status = lens_roots_of(session->target, row->object, count, roots, &written, &count);
  if (status == LENS_OK && written == 0) status = LENS_NOT_FOUND;
  if (status == LENS_OK) status = lens_root_get(session->target, roots[0], &root);
  if (status == LENS_OK && session->json == NULL) {
    root_name(session, &root, name, sizeof name);
    (void)lens_object_text(session->target, object.address, 1, 4, value, sizeof value);
    table_cell(table, text_size(row->bytes).text);
    table_cell(table, text_number(row->objects).text);
    table_cell(table, root_kind(&root));
    table_cell(table, name);
    table_cell(table, written > 1 ? text_number(written).text : "");
    table_cell(table, text_address(object.address).text);
    table_cell(table, type_name(session, object.type));
    table_cell(table, value);
  } else if (status == LENS_OK) {
    yajl_gen json = session->json;
    yajl_gen_map_open(json);
    json_root(session, &root);
    json_name(json, "object");
    yajl_gen_map_open(json);
    json_object(session, &object);
    yajl_gen_map_close(json);
    json_number(json, "retained_bytes", row->bytes);
    json_number(json, "retained_objects", row->objects);
    json_name(json, "others");
    yajl_gen_array_open(json);
    for (uint64_t i = 1; status == LENS_OK && i < written; i++) {
      status = lens_root_get(session->target, roots[i], &root);
      if (status != LENS_OK) break;
      yajl_gen_map_open(json);
      json_root(session, &root);
      yajl_gen_map_close(json);
    }
    yajl_gen_array_close(json);
    yajl_gen_map_close(json);
  }
  free(roots);
  return status;
}

static lens_status by_root(const struct session *session, uint64_t *shown, uint64_t *matched) {
  lens_status status = lens_retained_roots(session->target, 0, NULL, shown, matched);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, *matched);
  lens_retained_root *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_roots(session->target, room, rows, shown, matched);
  struct table table;
  table_begin(&table, (const char *const[]){">retained", ">objects", "kind", "name", ">slots",
                                            "object", "type", "value", NULL});
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++)
    status = root_row(session, &rows[session->json != NULL ? i : *shown - 1 - i], &table);
  table_print(&table);
  free(rows);
  return status;
}

static void retained_end(const struct session *session, uint64_t matched, uint64_t shown,
                         const lens_retained_totals *totals) {
  yajl_gen json = session->json;
  if (json == NULL) {
    char counted[16];
    (void)snprintf(counted, sizeof counted, "%ss", session->options->by);
    text_cut(shown, matched, counted);
    printf("%s roots lead to %s objects, %s; %s objects, %s, are garbage.\n",
           text_number(totals->roots).text, text_number(totals->objects).text,
           text_size(totals->bytes).text, text_number(totals->lost_objects).text,
           text_size(totals->lost_bytes).text);
    return;
  }
  yajl_gen_array_close(json);
  json_listing_end(json, matched, shown);
  json_text(json, "by", session->options->by);
  json_sums(json, "of_no_single_root", NULL, 0, totals->shared_objects, totals->shared_bytes);
  json_sums(json, "reached", NULL, 0, totals->objects, totals->bytes);
  json_sums(json, "unreached", NULL, 0, totals->lost_objects, totals->lost_bytes);
  yajl_gen_map_close(json);
}

lens_status retained_run(struct session *session) {
  lens_retained_totals totals;
  uint64_t shown = 0, matched = 0;
  lens_status status = roots_guess(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_retained);
  if (status == LENS_OK) status = lens_retained_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  status = session->options->by[0] == 't'   ? by_type(session, &shown, &matched)
           : session->options->by[0] == 'r' ? by_root(session, &shown, &matched)
                                            : by_object(session, &shown, &matched);
  if (status == LENS_OK) retained_end(session, matched, shown, &totals);
  return status;
}

/* types, objects and refcounts: rows over the whole heap. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

static uint64_t limited(const struct session *session, uint64_t count) {
  uint64_t limit = session->options->limit;
  return limit != 0 && limit < count ? limit : count;
}

static void rows_begin(const struct session *session) {
  answer_begin(session);
  if (session->json == NULL) return;
  yajl_gen_map_open(session->json);
  json_name(session->json, "rows");
  yajl_gen_array_open(session->json);
}

static void rows_end(const struct session *session, uint64_t matched, uint64_t shown) {
  yajl_gen_array_close(session->json);
  json_listing_end(session->json, matched, shown);
  yajl_gen_map_close(session->json);
}

/* ---- types ---- */

static void types_json(const struct session *session, const struct type_sum *rows, uint64_t count,
                       uint64_t shown) {
  yajl_gen json = session->json;
  for (uint64_t i = 0; i < shown; i++) {
    yajl_gen_map_open(json);
    json_text(json, "type", rows[i].name);
    json_number(json, "count", rows[i].count);
    json_number(json, "bytes", rows[i].bytes);
    json_number(json, "refcount_min", rows[i].refcount_min);
    json_number(json, "refcount_max", rows[i].refcount_max);
    yajl_gen_map_close(json);
  }
  rows_end(session, count, shown);
}

static void types_text(const struct type_sum *rows, uint64_t count, uint64_t shown) {
  struct table table;
  uint64_t objects = 0, bytes = 0;
  table_begin(&table,
              (const char *const[]){">objects", ">size", ">counts from", ">to", "type", NULL});
  for (uint64_t i = shown; i > 0; i--) {
    const struct type_sum *row = &rows[i - 1];
    table_cell(&table, text_number(row->count).text);
    table_cell(&table, text_size(row->bytes).text);
    table_cell(&table, text_count(row->refcount_min).text);
    table_cell(&table, text_count(row->refcount_max).text);
    table_cell(&table, row->name);
  }
  table_print(&table);
  for (uint64_t i = 0; i < count; i++) {
    objects += rows[i].count;
    bytes += rows[i].bytes;
  }
  text_cut(shown, count, "types");
  printf("%s objects of %s types, %s.\n", text_number(objects).text, text_number(count).text,
         text_size(bytes).text);
}

lens_status types_run(struct session *session) {
  struct type_sum *rows;
  uint64_t count;
  lens_status status = types_by_bytes(session, &rows, &count);
  if (status != LENS_OK) return status;
  rows_begin(session);
  if (session->json != NULL) {
    types_json(session, rows, count, limited(session, count));
  } else {
    types_text(rows, count, limited(session, count));
  }
  free(rows);
  return LENS_OK;
}

/* ---- objects ---- */

static const uint64_t IMMORTAL_FROM = UINT64_C(1) << 31; /* counts from here on say nothing */

static lens_status refuse(struct session *session, const char *why, const char *text) {
  (void)snprintf(session->refusal, sizeof session->refusal, "%s: %s", why, text);
  return LENS_NOT_FOUND;
}

/* A name that was mistyped is not the same as a type without objects. */
static bool is_type_known(const struct session *session, const char *glob) {
  uint64_t count = lens_type_count(session->target);
  for (uint64_t i = 0; i < count; i++) {
    if (fnmatch(glob, type_name(session, (uint32_t)i), 0) == 0) return true;
  }
  return count == 0;
}

static lens_status filter_of(struct session *session, lens_filter *filter) {
  static const struct {
    const char *name;
    uint32_t sort;
  } keys[] = {{"refcount", LENS_SORT_REFCOUNT},
              {"size", LENS_SORT_SIZE},
              {"addr", LENS_SORT_ADDRESS},
              {"type", LENS_SORT_TYPE}};
  const struct options *options = session->options;
  *filter = (lens_filter){.type_glob = options->type_glob,
                          .refcount_min = options->refcount_min,
                          .refcount_max = options->refcount_max,
                          .size_min = options->size_min,
                          .size_max = options->size_max,
                          .heap = LENS_NONE,
                          .sort = UINT32_MAX};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (strcmp(options->sort, keys[i].name) == 0) filter->sort = keys[i].sort;
  }
  if (filter->sort == UINT32_MAX)
    return refuse(session, "-sort takes refcount, size, addr or type", options->sort);
  if (options->type_glob != NULL && !is_type_known(session, options->type_glob))
    return refuse(session, "no type has that name", options->type_glob);
  bool greatest_first = filter->sort == LENS_SORT_REFCOUNT || filter->sort == LENS_SORT_SIZE;
  filter->reverse = greatest_first == options->reverse;
  if (options->heap == UINT64_MAX) return LENS_OK;
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (lens_heap_get(session->target, i, &heap) == LENS_OK && heap.id == options->heap)
      filter->heap = (uint32_t)i;
  }
  if (filter->heap != LENS_NONE) return LENS_OK;
  return refuse(session, "no heap has that number", text_number(options->heap).text);
}

/* The rows whose count lies between bounds, appended. */
static lens_status select_part(const struct session *session, lens_filter filter, uint64_t low,
                               uint64_t high, uint64_t room, lens_object *rows, uint64_t *count,
                               uint64_t *matched) {
  uint64_t written = 0, found = 0;
  if (filter.refcount_min < low) filter.refcount_min = low;
  if (filter.refcount_max > high) filter.refcount_max = high;
  if (filter.refcount_min > filter.refcount_max) return LENS_OK;
  lens_status status =
      lens_select(session->target, &filter, room - *count, rows + *count, &written, &found);
  *count += written;
  *matched += found;
  return status;
}

/* By count, objects that are never freed stand behind all others. */
static lens_status select_rows(struct session *session, uint64_t room, lens_object *rows,
                               uint64_t *count, uint64_t *matched) {
  lens_filter filter;
  *count = *matched = 0;
  lens_status status = filter_of(session, &filter);
  if (status != LENS_OK) return status;
  if (filter.sort != LENS_SORT_REFCOUNT)
    return select_part(session, filter, 0, UINT64_MAX, room, rows, count, matched);
  status = select_part(session, filter, 0, IMMORTAL_FROM - 1, room, rows, count, matched);
  if (status == LENS_OK)
    status = select_part(session, filter, IMMORTAL_FROM, UINT64_MAX, room, rows, count, matched);
  return status;
}

static void objects_json(const struct session *session, const lens_object *rows, uint64_t count,
                         uint64_t matched) {
  for (uint64_t i = 0; i < count; i++) {
    lens_heap heap = {0};
    lens_arena arena = {0};
    lens_heap_get(session->target, rows[i].heap, &heap);
    lens_arena_get(session->target, rows[i].arena, &arena);
    yajl_gen_map_open(session->json);
    json_object(session, &rows[i]);
    json_number(session->json, "heap", heap.id);
    json_address(session->json, "arena", arena.address);
    yajl_gen_map_close(session->json);
  }
  rows_end(session, matched, count);
}

static void objects_text(const struct session *session, const lens_object *rows, uint64_t count,
                         uint64_t matched) {
  bool biggest_last = (strcmp(session->options->sort, "refcount") == 0 ||
                       strcmp(session->options->sort, "size") == 0) &&
                      !session->options->reverse;
  struct table table;
  table_begin(&table, (const char *const[]){"address", ">count", ">size", "type", "value", NULL});
  for (uint64_t i = 0; i < count; i++) {
    const lens_object *row = &rows[biggest_last ? count - 1 - i : i];
    char value[256] = "";
    lens_object_text(session->target, row->address, 1, 4, value, sizeof value);
    table_cell(&table, text_address(row->address).text);
    table_cell(&table, text_count(row->refcount).text);
    table_cell(&table, text_size(row->size_bytes).text);
    table_cell(&table, type_name(session, row->type));
    table_cell(&table, value);
  }
  table_print(&table);
  text_cut(count, matched, "objects");
  if (matched == 0) puts("No object matches.");
}

lens_status objects_run(struct session *session) {
  lens_walk_totals totals;
  lens_status status = lens_walk_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t room = limited(session, totals.objects), count, matched;
  lens_object *rows = malloc((room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = select_rows(session, room, rows, &count, &matched);
  if (status == LENS_OK) {
    rows_begin(session);
    if (session->json != NULL) {
      objects_json(session, rows, count, matched);
    } else {
      objects_text(session, rows, count, matched);
    }
  }
  free(rows);
  return status;
}

/* ---- refcounts ---- */

static void refcounts_json(const struct session *session, const lens_count_census *rows,
                           uint64_t count, uint64_t shown) {
  for (uint64_t i = 0; i < shown; i++) {
    yajl_gen_map_open(session->json);
    json_number(session->json, "refcount", rows[i].refcount);
    json_number(session->json, "count", rows[i].count);
    json_number(session->json, "bytes", rows[i].bytes);
    if (rows[i].immortal != 0) {
      json_name(session->json, "immortal");
      yajl_gen_bool(session->json, 1);
    }
    yajl_gen_map_close(session->json);
  }
  rows_end(session, count, shown);
}

static void refcounts_text(const lens_count_census *rows, uint64_t count, uint64_t shown) {
  struct table table;
  table_begin(&table, (const char *const[]){">count", ">objects", ">size", NULL});
  for (uint64_t i = 0; i < shown; i++) {
    table_cell(&table, text_count(rows[i].refcount).text);
    table_cell(&table, text_number(rows[i].count).text);
    table_cell(&table, text_size(rows[i].bytes).text);
  }
  table_print(&table);
  text_cut(shown, count, "counts");
}

lens_status refcounts_run(struct session *session) {
  uint64_t written, total;
  lens_status status = lens_refcounts(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  lens_count_census *rows = malloc((total + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_refcounts(session->target, total, rows, &written, &total);
  if (status == LENS_OK) {
    rows_begin(session);
    if (session->json != NULL) {
      refcounts_json(session, rows, total, limited(session, written));
    } else {
      refcounts_text(rows, total, limited(session, written));
    }
  }
  free(rows);
  return status;
}

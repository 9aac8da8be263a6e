/* types, objects and refcounts: rows over the whole heap. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

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

static void types_text(const struct type_sum *rows, uint64_t count, uint64_t shown,
                       bool biggest_last) {
  struct table table;
  uint64_t objects = 0, bytes = 0;
  table_begin(&table,
              (const char *const[]){">objects", ">size", ">counts from", ">to", "type", NULL});
  for (uint64_t i = 0; i < shown; i++) {
    const struct type_sum *row = &rows[biggest_last ? shown - 1 - i : i];
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

static int by_count(const void *a, const void *b) {
  const struct type_sum *left = a, *right = b;
  if (left->count != right->count) return left->count > right->count ? -1 : 1;
  return strcmp(left->name, right->name);
}

static int by_refcount(const void *a, const void *b) {
  const struct type_sum *left = a, *right = b;
  if (left->refcount_max != right->refcount_max)
    return left->refcount_max > right->refcount_max ? -1 : 1;
  return strcmp(left->name, right->name);
}

static int by_type(const void *a, const void *b) {
  return strcmp(((const struct type_sum *)a)->name, ((const struct type_sum *)b)->name);
}

/* In the order that was asked for; they come by their bytes. */
static void types_sort(const struct options *options, struct type_sum *rows, uint64_t count) {
  if (strcmp(options->sort, "count") == 0) qsort(rows, count, sizeof *rows, by_count);
  if (strcmp(options->sort, "refcount") == 0) qsort(rows, count, sizeof *rows, by_refcount);
  if (strcmp(options->sort, "type") == 0) qsort(rows, count, sizeof *rows, by_type);
  for (uint64_t i = 0; options->reverse && i < count / 2; i++) {
    struct type_sum row = rows[i];
    rows[i] = rows[count - 1 - i];
    rows[count - 1 - i] = row;
  }
}

lens_status types_run(struct session *session) {
  struct type_sum *rows;
  uint64_t count;
  lens_status status = types_by_bytes(session, &rows, &count);
  if (status != LENS_OK) return status;
  types_sort(session->options, rows, count);
  rows_begin(session);
  if (session->json != NULL) {
    types_json(session, rows, count, rows_room(session, count));
  } else {
    types_text(rows, count, rows_room(session, count),
               (strcmp(session->options->sort, "type") != 0) != session->options->reverse);
  }
  free(rows);
  return LENS_OK;
}

/* ---- objects ---- */

static const uint64_t IMMORTAL_FROM = UINT64_C(1) << 31; /* counts from here on say nothing */

/* One more is the number of what was never counted, such as a small int. */
static const uint64_t SATURATED_MAX = UINT32_MAX - 1;

static void filter_of(const struct session *session, lens_filter *filter) {
  static const struct {
    const char *name;
    uint32_t sort;
  } keys[] = {{"refcount", LENS_SORT_REFCOUNT},
              {"size", LENS_SORT_SIZE},
              {"addr", LENS_SORT_ADDRESS},
              {"type", LENS_SORT_TYPE},
              {"retained", LENS_SORT_RETAINED}};
  const struct options *options = session->options;
  *filter = (lens_filter){.type_glob = options->type_glob,
                          .refcount_min = options->refcounts.low,
                          .refcount_max = options->refcounts.high,
                          .size_min = options->sizes.low,
                          .size_max = options->sizes.high,
                          .heap = session->heap};
  bool is_open = filter->refcount_max == UINT64_MAX && filter->refcount_min > 0;
  if (is_open && filter->refcount_min <= SATURATED_MAX) filter->refcount_max = SATURATED_MAX;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (strcmp(options->sort, keys[i].name) == 0) filter->sort = keys[i].sort;
  }
  bool greatest_first = filter->sort == LENS_SORT_REFCOUNT || filter->sort == LENS_SORT_SIZE ||
                        filter->sort == LENS_SORT_RETAINED;
  filter->reverse = greatest_first == options->reverse;
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
static lens_status select_rows(const struct session *session, uint64_t room, lens_object *rows,
                               uint64_t *count, uint64_t *matched) {
  lens_filter filter;
  *count = *matched = 0;
  filter_of(session, &filter);
  if (filter.sort != LENS_SORT_REFCOUNT)
    return select_part(session, filter, 0, UINT64_MAX, room, rows, count, matched);
  lens_status status =
      select_part(session, filter, 0, IMMORTAL_FROM - 1, room, rows, count, matched);
  if (status == LENS_OK)
    status = select_part(session, filter, IMMORTAL_FROM, UINT64_MAX, room, rows, count, matched);
  return status;
}

static bool is_by_retained(const struct session *session) {
  return strcmp(session->options->sort, "retained") == 0;
}

static void retained_of(const struct session *session, const lens_object *object,
                        lens_retained_row *out) {
  uint32_t index;
  if (lens_snapshot_find(session->target, object->address, &index) == LENS_OK)
    (void)lens_retained_object(session->target, index, out);
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
    if (is_by_retained(session)) {
      lens_retained_row retained = {0};
      retained_of(session, &rows[i], &retained);
      json_number(session->json, "retained_bytes", retained.bytes);
      json_number(session->json, "retained_objects", retained.objects);
    }
    yajl_gen_map_close(session->json);
  }
  rows_end(session, matched, count);
}

static void objects_text(const struct session *session, const lens_object *rows, uint64_t count,
                         uint64_t matched) {
  bool biggest_last = (strcmp(session->options->sort, "refcount") == 0 ||
                       strcmp(session->options->sort, "size") == 0 || is_by_retained(session)) &&
                      !session->options->reverse;
  struct table table;
  table_begin(&table, (const char *const[]){"=address", ">count", ">size",
                                            is_by_retained(session) ? ">retained" : ">", "type",
                                            "value", NULL});
  for (uint64_t i = 0; i < count; i++) {
    const lens_object *row = &rows[biggest_last ? count - 1 - i : i];
    char value[LENS_VALUE_BYTES];
    object_value(session, row->address, value);
    table_cell(&table, text_address(row->address).text);
    table_cell(&table, text_count(row->refcount).text);
    table_cell(&table, text_size(row->size_bytes).text);
    lens_retained_row retained = {0};
    if (is_by_retained(session)) retained_of(session, row, &retained);
    table_cell(&table, !is_by_retained(session) ? ""
                       : retained.reached != 0  ? text_size(retained.bytes).text
                                                : "garbage");
    table_cell(&table, type_name(session, row->type));
    table_cell(&table, value_beside(type_name(session, row->type), value));
  }
  table_print(&table);
  text_cut(count, matched, "objects");
  if (matched == 0) puts("No object matches.");
}

lens_status objects_run(struct session *session) {
  lens_walk_totals totals;
  lens_status status = LENS_OK;
  if (is_by_retained(session)) {
    status = roots_guess(session);
    if (status == LENS_OK) status = run_steps(session->target, lens_retained);
  }
  if (status == LENS_OK) status = lens_walk_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, totals.objects), count, matched;
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
      refcounts_json(session, rows, total, rows_room(session, written));
    } else {
      refcounts_text(rows, total, rows_room(session, written));
    }
  }
  free(rows);
  return status;
}

/* sites: the live objects by the place that allocated them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { PLACE_BYTES = 160 };

struct sites {
  lens_site *rows;
  uint64_t count;
};

/* By the callers, the innermost first; one that has fewer before one that goes on. */
static int by_frames(const void *a, const void *b) {
  const lens_site *left = a, *right = b;
  for (uint32_t i = 0; i < left->frame_count && i < right->frame_count; i++) {
    if (left->frames[i] != right->frames[i]) return left->frames[i] < right->frames[i] ? -1 : 1;
  }
  if (left->frame_count == right->frame_count) return 0;
  return left->frame_count < right->frame_count ? -1 : 1;
}

static int by_bytes(const void *a, const void *b) {
  const lens_site *left = a, *right = b;
  if (left->object_bytes != right->object_bytes)
    return left->object_bytes > right->object_bytes ? -1 : 1;
  return by_frames(a, b);
}

/* The same place in several heaps is one row. */
static void merge(struct sites *sites) {
  if (sites->count < 2) return;
  qsort(sites->rows, sites->count, sizeof *sites->rows, by_frames);
  uint64_t kept = 0;
  for (uint64_t i = 1; i < sites->count; i++) {
    if (by_frames(&sites->rows[kept], &sites->rows[i]) != 0) {
      sites->rows[++kept] = sites->rows[i];
      continue;
    }
    sites->rows[kept].object_count += sites->rows[i].object_count;
    sites->rows[kept].object_bytes += sites->rows[i].object_bytes;
    sites->rows[kept].allocation_count += sites->rows[i].allocation_count;
  }
  sites->count = kept + 1;
  qsort(sites->rows, sites->count, sizeof *sites->rows, by_bytes);
}

/* Counts anew what lives of each site: objects of the types that were asked for. */
static lens_status count_types(const struct session *session, lens_site *rows, uint64_t count,
                               uint64_t heap) {
  const lens_filter filter = {.type_glob = session->options->type_glob,
                              .refcount_max = UINT64_MAX,
                              .size_max = UINT64_MAX,
                              .heap = (uint32_t)heap,
                              .sort = LENS_SORT_ADDRESS};
  uint64_t written = 0, matched = 0;
  for (uint64_t i = 0; i < count; i++) rows[i].object_count = rows[i].object_bytes = 0;
  lens_status status = lens_select(session->target, &filter, 0, NULL, &written, &matched);
  lens_object *objects = status == LENS_OK ? malloc((size_t)(matched + 1) * sizeof *objects) : NULL;
  if (status == LENS_OK && objects == NULL) status = LENS_NO_MEMORY;
  if (status == LENS_OK)
    status = lens_select(session->target, &filter, matched, objects, &written, &matched);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    lens_track track;
    status = lens_track_at(session->target, objects[i].address, &track);
    if (status == LENS_NOT_FOUND) status = LENS_OK;
    if (status != LENS_OK || track.site == 0) continue;
    for (uint64_t k = 0; k < count; k++) { /* sites stand in the order of their numbers */
      uint64_t at = (track.site - 1 + k) % count;
      if (rows[at].number != track.site) continue;
      rows[at].object_count++;
      rows[at].object_bytes += objects[i].size_bytes;
      break;
    }
  }
  free(objects);
  return status;
}

/* The sites of all heaps that something lives of. */
static lens_status read_sites(const struct session *session, struct sites *sites, bool *tracked) {
  for (uint64_t heap = 0; heap < lens_heap_count(session->target); heap++) {
    lens_tracking tracking;
    lens_status status = lens_tracking_get(session->target, heap, &tracking);
    if (status != LENS_OK || (tracking.switches & LENS_TRACK_SITES) == 0) continue;
    *tracked = true;
    uint64_t written, total;
    lens_site *rows = realloc(sites->rows, (sites->count + tracking.site_count + 1) * sizeof *rows);
    if (rows == NULL) return LENS_NO_MEMORY;
    sites->rows = rows;
    status = lens_sites(session->target, heap, 0, tracking.site_count, rows + sites->count,
                        &written, &total);
    if (status != LENS_OK) return status;
    if (session->options->type_glob != NULL)
      status = count_types(session, rows + sites->count, written, heap);
    if (status != LENS_OK) return status;
    uint64_t kept = sites->count;
    for (uint64_t i = 0; i < written; i++) {
      if (rows[sites->count + i].object_count != 0) rows[kept++] = rows[sites->count + i];
    }
    sites->count = kept;
  }
  merge(sites);
  return LENS_OK;
}

static void site_row(const struct session *session, const lens_site *site, struct table *table) {
  char place[PLACE_BYTES];
  uint64_t caller = site->frame_count != 0 ? site->frames[0] : 0;
  if (session->json == NULL) {
    caller_text(session, caller, place, sizeof place);
    table_cell(table, text_number(site->object_count).text);
    table_cell(table, text_size(site->object_bytes).text);
    table_cell(table, text_number(site->allocation_count).text);
    table_cell(table, place);
    return;
  }
  yajl_gen_map_open(session->json);
  json_caller(session, "site", caller);
  json_name(session->json, "backtrace");
  yajl_gen_array_open(session->json);
  for (uint32_t i = 0; i < site->frame_count; i++) json_caller(session, NULL, site->frames[i]);
  yajl_gen_array_close(session->json);
  json_number(session->json, "count", site->object_count);
  json_number(session->json, "bytes", site->object_bytes);
  json_number(session->json, "allocations", site->allocation_count);
  if (session->options->type_glob == NULL)
    json_number(session->json, "freed", site->allocation_count - site->object_count);
  yajl_gen_map_close(session->json);
}

lens_status sites_run(struct session *session) {
  struct sites sites = {0};
  bool tracked = false;
  lens_status status = LENS_OK;
  if (session->options->type_glob != NULL) status = run_steps(session->target, lens_walk);
  if (status == LENS_OK) status = read_sites(session, &sites, &tracked);
  if (status == LENS_OK && !tracked) {
    snprintf(session->refusal, sizeof session->refusal,
             "no heap records who allocates (CAIRN_TRACK=sites does)");
    status = LENS_NOT_FOUND;
  }
  if (status != LENS_OK) {
    free(sites.rows);
    return status;
  }
  uint64_t limit = session->options->limit;
  uint64_t shown = limit == 0 || limit > sites.count ? sites.count : limit;
  struct table table;
  table_begin(&table, (const char *const[]){">objects", ">size", ">ever", "allocated at", NULL});
  rows_begin(session);
  for (uint64_t i = 0; i < shown; i++)
    site_row(session, &sites.rows[session->json != NULL ? i : shown - 1 - i], &table);
  if (session->json != NULL) {
    yajl_gen_array_close(session->json);
    json_listing_end(session->json, sites.count, shown);
    yajl_gen_map_close(session->json);
  } else {
    table_print(&table);
    text_cut(shown, sites.count, "sites");
  }
  free(sites.rows);
  return LENS_OK;
}

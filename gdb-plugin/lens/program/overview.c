/* overview: how much there is. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "table.h"
#include "units.h"

enum { BIGGEST = 8 }; /* types shown */

/* Objects and bytes of one heap, by the census. */
struct heap_sum {
  uint64_t objects, bytes;
};

static struct heap_sum sum_of(const struct session *session, uint64_t heap,
                              const lens_type_census *census, uint64_t count) {
  struct heap_sum sum = {0};
  for (uint64_t i = 0; i < count; i++) {
    lens_type type;
    if (lens_type_get(session->target, census[i].type, &type) != LENS_OK || type.heap != heap)
      continue;
    sum.objects += census[i].count;
    sum.bytes += census[i].bytes;
  }
  return sum;
}

/* A number that is left out where it is 0. */
static void json_some(yajl_gen json, const char *name, uint64_t number) {
  if (number != 0) json_number(json, name, number);
}

/* What the heap may take, takes, and keeps outside. */
static void json_limits(yajl_gen json, const lens_heap *heap) {
  if (heap->shared != 0) json_flag(json, "shared", true);
  json_some(json, "external_bytes", heap->external_bytes);
  json_some(json, "limit_bytes", heap->limit_bytes);
  json_some(json, "soft_limit_bytes", heap->soft_limit_bytes);
  json_some(json, "taken_bytes", heap->taken_bytes);
  if (heap->taken_bytes != 0) json_number(json, "peak_bytes", heap->peak_bytes);
  json_number(json, "collections", heap->collection_count);
  if (heap->manual_collection != 0) json_flag(json, "manual_collection", true);
  if (heap->group == NULL) return;
  json_name(json, "group");
  yajl_gen_map_open(json);
  json_text(json, "name", heap->group);
  json_number(json, "taken_bytes", heap->group_taken_bytes);
  json_number(json, "limit_bytes", heap->group_limit_bytes);
  yajl_gen_map_close(json);
}

static void json_heaps(const struct session *session, const lens_type_census *census,
                       uint64_t count, const lens_walk_totals *totals) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_name(json, "heaps");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (lens_heap_get(session->target, i, &heap) != LENS_OK) continue;
    struct heap_sum sum = sum_of(session, i, census, count);
    yajl_gen_map_open(json);
    json_number(json, "id", heap.id);
    json_text(json, "name", heap.name);
    json_address(json, "addr", heap.address);
    json_number(json, "objects", sum.objects);
    json_number(json, "bytes", sum.bytes);
    json_number(json, "arenas", heap.arena_count);
    json_number(json, "reserved_bytes", heap.reserved_bytes);
    json_number(json, "buffers", heap.buffer_count);
    json_number(json, "used_bytes", heap.used_bytes);
    json_limits(json, &heap);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
  json_number(json, "objects", totals->objects);
  json_number(json, "bytes", totals->object_bytes);
  yajl_gen_map_close(json);
}

static void text_biggest(const struct type_sum *types, uint64_t count) {
  struct table table;
  table_begin(&table, (const char *const[]){">objects", ">size", "type", NULL});
  for (uint64_t i = count < BIGGEST ? count : BIGGEST; i > 0; i--) {
    table_cell(&table, text_number(types[i - 1].count).text);
    table_cell(&table, text_size(types[i - 1].bytes).text);
    table_cell(&table, types[i - 1].name);
  }
  table_print(&table);
  if (count > BIGGEST)
    printf("%d of %s types shown; the command types shows all.\n", BIGGEST,
           text_number(count).text);
  putchar('\n');
}

static void text_heaps(const struct session *session, const lens_type_census *census,
                       uint64_t count) {
  struct table table;
  table_begin(&table, (const char *const[]){"heap", ">objects", ">size", ">buffers", ">used",
                                            ">arenas", ">reserved", "=address", NULL});
  for (uint64_t i = 0; i < lens_heap_count(session->target); i++) {
    lens_heap heap;
    if (lens_heap_get(session->target, i, &heap) != LENS_OK) continue;
    struct heap_sum sum = sum_of(session, i, census, count);
    table_cell(&table, heap.name);
    table_cell(&table, text_number(sum.objects).text);
    table_cell(&table, text_size(sum.bytes).text);
    table_cell(&table, text_number(heap.buffer_count).text);
    table_cell(&table, text_size(heap.used_bytes).text);
    table_cell(&table, text_number(heap.arena_count).text);
    table_cell(&table, text_size(heap.reserved_bytes).text);
    table_cell(&table, text_address(heap.address).text);
  }
  table_print(&table);
}

lens_status overview_run(struct session *session) {
  lens_type_census *census = NULL;
  struct type_sum *types = NULL;
  uint64_t count, type_count;
  lens_walk_totals totals;
  lens_status status = census_of(session, &census, &count);
  if (status == LENS_OK) status = types_by_bytes(session, &types, &type_count);
  if (status == LENS_OK) status = lens_walk_totals_get(session->target, &totals);
  if (status != LENS_OK) goto out;
  answer_begin(session);
  if (session->json != NULL) {
    json_heaps(session, census, count, &totals);
  } else {
    text_biggest(types, type_count);
    text_heaps(session, census, count);
    printf("%s objects of %s and %s buffers of %s in %s %s.\n", text_number(totals.objects).text,
           text_size(totals.object_bytes).text, text_number(totals.buffers).text,
           text_size(totals.buffer_bytes).text, text_number(lens_heap_count(session->target)).text,
           lens_heap_count(session->target) == 1 ? "heap" : "heaps");
    text_manual_heaps(session);
  }
out:
  free(census);
  free(types);
  return status;
}

/* overview and arenas: how much there is, and where. */
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
                                            ">arenas", ">reserved", "address", NULL});
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
  }
out:
  free(census);
  free(types);
  return status;
}

/* ---- arenas ---- */

static void json_arena(const struct session *session, const lens_arena *arena,
                       const lens_heap *heap) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_address(json, "addr", arena->address);
  json_number(json, "heap", heap->id);
  json_number(json, "bytes", arena->bytes);
  json_number(json, "pages", arena->page_count);
  json_number(json, "blocks_used", arena->blocks_used);
  json_number(json, "blocks_free", arena->blocks_free);
  json_number(json, "bytes_used", arena->bytes_used);
  yajl_gen_map_close(json);
}

static void text_arena(struct table *table, const lens_arena *arena, const lens_heap *heap) {
  char share[16];
  snprintf(share, sizeof share, "%.0f %%",
           arena->bytes == 0 ? 0.0 : 100.0 * (double)arena->bytes_used / (double)arena->bytes);
  table_cell(table, text_address(arena->address).text);
  table_cell(table, heap->name);
  table_cell(table, text_size(arena->bytes).text);
  table_cell(table, text_number(arena->page_count).text);
  table_cell(table, text_number(arena->page_free_count).text);
  table_cell(table, text_number(arena->blocks_used).text);
  table_cell(table, text_number(arena->blocks_free).text);
  table_cell(table, text_size(arena->bytes_used).text);
  table_cell(table, share);
}

lens_status arenas_run(struct session *session) {
  yajl_gen json = session->json;
  uint64_t count = lens_arena_count(session->target), limit = session->options->limit, shown = 0;
  struct table table;
  table_begin(&table, (const char *const[]){"arena", "heap", ">size", ">pages", ">free",
                                            ">blocks used", ">free", ">used", ">", NULL});
  answer_begin(session);
  if (json != NULL) {
    yajl_gen_map_open(json);
    json_name(json, "rows");
    yajl_gen_array_open(json);
  }
  for (; shown < count && (limit == 0 || shown < limit); shown++) {
    lens_arena arena;
    lens_heap heap;
    if (lens_arena_get(session->target, shown, &arena) != LENS_OK) break;
    if (lens_heap_get(session->target, arena.heap, &heap) != LENS_OK) break;
    if (json != NULL) {
      json_arena(session, &arena, &heap);
    } else {
      text_arena(&table, &arena, &heap);
    }
  }
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_listing_end(json, count, shown);
    yajl_gen_map_close(json);
  } else {
    table_print(&table);
    text_cut(shown, count, "arenas");
  }
  return LENS_OK;
}

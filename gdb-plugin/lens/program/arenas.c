/* arenas: how full they are; with -pages, each of their pages. */
#include <stdio.h>

#include "command.h"
#include "table.h"
#include "units.h"

static void json_arena(const struct session *session, const lens_arena *arena,
                       const lens_heap *heap) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_address(json, "addr", arena->address);
  json_number(json, "heap", heap->id);
  json_number(json, "bytes", arena->bytes);
  json_number(json, "pages", arena->page_count);
  json_number(json, "pages_free", arena->page_free_count);
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

static lens_status by_arena(const struct session *session) {
  yajl_gen json = session->json;
  uint64_t count = lens_arena_count(session->target), limit = session->options->limit, shown = 0;
  struct table table;
  table_begin(&table, (const char *const[]){"=arena", "heap", ">size", ">pages", ">free",
                                            ">blocks used", ">free", ">used", ">", NULL});
  rows_begin(session);
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
  rows_end(session, count, shown);
  table_print(&table);
  if (json == NULL) text_cut(shown, count, "arenas");
  return LENS_OK;
}

/* ---- pages ---- */

static void page_row(const struct session *session, const lens_arena *arena, const lens_page *page,
                     struct table *table) {
  static const char *const kinds[] = {"free", "meta", "blocks", "large", "large_tail", "damaged"};
  const char *kind = kinds[page->kind <= LENS_PAGE_DAMAGED ? page->kind : LENS_PAGE_DAMAGED];
  uint32_t never =
      page->block_count - (page->fresh < page->block_count ? page->fresh : page->block_count);
  uint32_t unused = page->block_count - page->used_count;
  yajl_gen json = session->json;
  if (json == NULL) {
    bool blocks = page->kind == LENS_PAGE_BLOCKS || page->kind == LENS_PAGE_LARGE;
    table_cell(table, text_address(page->address).text);
    table_cell(table, kind);
    table_cell(table, blocks ? text_size(page->block_bytes).text : "");
    table_cell(table, blocks ? text_number(page->used_count).text : "");
    table_cell(table, blocks ? text_number(unused > never ? unused - never : 0).text : "");
    table_cell(table, blocks ? text_number(never).text : "");
    return;
  }
  lens_heap heap = {0};
  (void)lens_heap_get(session->target, arena->heap, &heap);
  yajl_gen_map_open(json);
  json_address(json, "addr", page->address);
  json_number(json, "heap", heap.id);
  json_address(json, "arena", arena->address);
  json_text(json, "kind", kind);
  json_number(json, "bytes", page->bytes);
  json_number(json, "block_bytes", page->block_bytes);
  json_number(json, "blocks", page->block_count);
  json_number(json, "blocks_used", page->used_count);
  json_number(json, "blocks_free", unused);
  json_number(json, "blocks_fresh", never);
  json_number(json, "bytes_used", page->used_count * page->block_bytes);
  yajl_gen_map_close(json);
}

static lens_status by_page(const struct session *session) {
  uint64_t count = 0, shown = 0, limit = session->options->limit;
  struct table table;
  table_begin(&table, (const char *const[]){"=page", "kind", ">blocks of", ">used", ">freed",
                                            ">never used", NULL});
  rows_begin(session);
  for (uint64_t i = 0; i < lens_arena_count(session->target); i++) {
    lens_arena arena;
    if (lens_arena_get(session->target, i, &arena) != LENS_OK) continue;
    count += arena.page_count;
    for (uint64_t k = 0; k < arena.page_count && (limit == 0 || shown < limit); k++, shown++) {
      lens_page page;
      lens_status status = lens_page_get(session->target, i, k, &page);
      if (status != LENS_OK) return status;
      page_row(session, &arena, &page, &table);
    }
  }
  rows_end(session, count, shown);
  table_print(&table);
  if (session->json == NULL) text_cut(shown, count, "pages");
  return LENS_OK;
}

lens_status arenas_run(struct session *session) {
  return session->options->pages ? by_page(session) : by_arena(session);
}

/* Reading an arena's page table, and checking it page by page.
 *
 * Invariant of what this builds: a page that is not damaged has blocks that lie within it (or,
 * where it is large, one block within its span, whose pages are all its own).
 */
#include "model/load.h"

static uint8_t kind_of(const struct lens_contract *contract, uint64_t value) {
  uint8_t kind = 0;
  while (kind < LENS_PAGE_DAMAGED && contract->page_kinds[kind] != value) kind++;
  return kind;
}

/* What is wrong with a page whose row was decoded; NULL: nothing. */
static const char *page_problem(const lens_arena *arena, uint64_t index,
                                const struct lens_page_model *page) {
  switch (page->kind) {
    case LENS_PAGE_BLOCKS:
      if (page->block_bytes < 8 || page->block_bytes % 8 != 0) return "has blocks of no valid size";
      if (page->block_count == 0 || page->block_count > arena->page_bytes / page->block_bytes) {
        return "has more blocks than fit";
      }
      /* A block that is being handed out is counted before or after it stops being fresh. */
      if (page->fresh > page->block_count || page->used_count > page->fresh + 1) {
        return "has counts that contradict each other";
      }
      return NULL;
    case LENS_PAGE_LARGE:
      if (page->span_pages == 0 || page->span_pages > arena->page_count - index) {
        return "spans pages outside its arena";
      }
      if (page->block_bytes < 8 || page->block_bytes > page->span_pages * arena->page_bytes) {
        return "has a block that is larger than its span";
      }
      return NULL;
    case LENS_PAGE_LARGE_TAIL:
      return page->span_pages == 0 || page->span_pages > index ? "belongs to no large block" : NULL;
    case LENS_PAGE_DAMAGED:
      return "is of an unknown kind";
    default:
      return NULL;
  }
}

static void damage_page(lens *self, const struct lens_arena_model *arena, uint64_t index,
                        const char *problem) {
  arena->pages[index].kind = LENS_PAGE_DAMAGED;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE,
                   arena->shown.address + index * arena->shown.page_bytes,
                   "page %llu of the arena at 0x%llx %s", (unsigned long long)index,
                   (unsigned long long)arena->shown.address, problem);
}

static struct lens_page_model decode_page(const struct lens_contract *contract,
                                          const uint8_t *row) {
  const struct lens_layout_page *layout = &contract->page;
  struct lens_page_model page = {.kind = kind_of(contract, lens_load_place(row, layout->kind)),
                                 .span_pages = (uint32_t)lens_load_place(row, layout->span_pages),
                                 .block_bytes = lens_load_place(row, layout->block_bytes),
                                 .block_count = (uint32_t)lens_load_place(row, layout->block_count),
                                 .fresh = (uint32_t)lens_load_place(row, layout->fresh),
                                 .used_count = (uint32_t)lens_load_place(row, layout->used_count),
                                 .free_list = lens_load_place(row, layout->free_list)};
  if (layout->fresh.width == 0) page.fresh = page.block_count;
  if (layout->used_count.width == 0) page.used_count = page.fresh;
  if (page.kind == LENS_PAGE_LARGE) {
    page.block_count = page.fresh = page.used_count = 1;
  } else if (page.kind != LENS_PAGE_LARGE_TAIL) {
    page.span_pages = 1;
  }
  return page;
}

/* Reads the page table; what can't be read cuts the arena's pages short. */
static lens_status read_rows(lens *self, const struct lens_contract *contract, uint64_t table,
                             uint64_t page_count, struct lens_arena_model *arena) {
  size_t capacity = 0;
  uint64_t stride = contract->page.struct_bytes;
  for (uint64_t i = 0; i < page_count; i++) {
    uint8_t row[LENS_EXTENT_MAX];
    lens_status status = lens_fetch(self, table + i * stride, contract->page.extent, row);
    if (status == LENS_UNREADABLE || self->model.page_total >= LENS_PAGES_MAX) {
      lens_problem_add(
          self, LENS_SOURCE_LOAD, LENS_DAMAGE, arena->shown.address,
          "the arena at 0x%llx has %llu pages; %llu rows of its page table can be read",
          (unsigned long long)arena->shown.address, (unsigned long long)page_count,
          (unsigned long long)i);
      break;
    }
    if (status != LENS_OK) return status;
    struct lens_page_model *pages =
        lens_grow(arena->pages, &capacity, (size_t)i + 1, sizeof *pages);
    if (pages == NULL) return LENS_NO_MEMORY;
    arena->pages = pages;
    pages[i] = decode_page(contract, row);
    arena->shown.page_count = i + 1;
    self->model.page_total++;
  }
  return LENS_OK;
}

/* A large block's pages must all be its own. */
static bool span_is_whole(const struct lens_arena_model *arena, uint64_t first) {
  uint32_t span = arena->pages[first].span_pages;
  for (uint32_t i = 1; i < span; i++) {
    const struct lens_page_model *tail = &arena->pages[first + i];
    if (tail->kind != LENS_PAGE_LARGE_TAIL || tail->span_pages != i) return false;
  }
  return true;
}

/* Checks the pages against each other and sums them up.  `flux`: the heap was changing its page
 * lists, so tail pages may wait for their first page. */
static void check_pages(lens *self, bool flux, struct lens_arena_model *arena) {
  lens_arena *shown = &arena->shown;
  for (uint64_t i = 0; i < shown->page_count; i++) {
    const char *problem = page_problem(shown, i, &arena->pages[i]);
    if (problem != NULL && !(flux && arena->pages[i].kind == LENS_PAGE_LARGE_TAIL)) {
      damage_page(self, arena, i, problem);
    }
  }
  uint64_t tails = 0; /* pages that the large block before still covers */
  for (uint64_t i = 0; i < shown->page_count; i++) {
    struct lens_page_model *page = &arena->pages[i];
    if (page->kind == LENS_PAGE_LARGE) {
      if (span_is_whole(arena, i)) {
        tails = page->span_pages;
        shown->blocks_used++;
        shown->bytes_used += page->block_bytes;
      } else {
        damage_page(self, arena, i, "spans pages that are not its own");
      }
    } else if (page->kind == LENS_PAGE_LARGE_TAIL && tails == 0) {
      if (flux) {
        page->kind = LENS_PAGE_FREE;
      } else {
        damage_page(self, arena, i, "belongs to no large block");
      }
    } else if (page->kind == LENS_PAGE_BLOCKS) {
      if (page->used_count > page->fresh) page->used_count = page->fresh;
      shown->blocks_used += page->used_count;
      shown->blocks_free += page->block_count - page->used_count;
      shown->bytes_used += page->used_count * page->block_bytes;
    }
    if (tails > 0) tails--;
  }
}

lens_status lens_pages_read(lens *self, const struct lens_heap_model *heap, uint64_t table,
                            uint64_t page_count, struct lens_arena_model *arena) {
  lens_status status = read_rows(self, heap->contract, table, page_count, arena);
  if (status == LENS_OK) check_pages(self, heap->flux != LENS_FLUX_NONE, arena);
  return status;
}

/* Blocks that lie ready: free ones that a heap keeps above the lists of its pages, by size class.
 *
 * Pages count such a block as used; nobody holds it.  So when the model is loaded they are taken
 * from the counts of their pages, arenas and heap, which then speak of what is in use alone.
 *
 * Invariant of what this builds: heap.ready holds distinct starts of blocks of the heap's pages,
 * ascending; a page's ready_count is how many of them are its own.
 *
 * What this is not: a check that they are free (check_pages.c).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "model/load.h"

enum { ROWS_MAX = 256 };

static lens_status append(struct lens_heap_model *heap, uint64_t address) {
  uint64_t *ready =
      lens_grow(heap->ready, &heap->ready_capacity, heap->ready_count + 1, sizeof *ready);
  if (ready == NULL) return LENS_NO_MEMORY;
  heap->ready = ready;
  ready[heap->ready_count++] = address;
  return LENS_OK;
}

/* One row, of which `bytes` are in hand.  LENS_CORRUPT: it says that it has more than fit. */
static lens_status read_row(struct lens_heap_model *heap, const uint8_t *bytes) {
  const struct lens_layout_hot *layout = &heap->contract->hot;
  uint64_t count = lens_load_place(bytes, layout->pushed) - lens_load_place(bytes, layout->popped);
  if (count > layout->blocks.width / 8) return LENS_CORRUPT;
  heap->ready_claimed += count;
  lens_status status = LENS_OK;
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = append(heap, lens_load_uint(bytes + layout->blocks.offset + i * 8, 8));
  }
  return status;
}

lens_status lens_ready_read(lens *self, struct lens_heap_model *heap, uint64_t rows,
                            uint64_t row_count) {
  const struct lens_layout_hot *layout = &heap->contract->hot;
  if (rows == 0 || layout->pushed.width == 0 || layout->popped.width == 0 ||
      layout->blocks.width == 0) {
    return LENS_OK;
  }
  lens_status status = row_count > ROWS_MAX ? LENS_CORRUPT : LENS_OK;
  for (uint64_t i = 0; i < row_count && status == LENS_OK; i++) {
    uint8_t bytes[LENS_EXTENT_MAX];
    status = lens_fetch(self, rows + i * layout->struct_bytes, layout->extent, bytes);
    if (status == LENS_OK) status = read_row(heap, bytes);
  }
  if (status != LENS_CORRUPT && status != LENS_UNREADABLE) return status;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, rows,
                   "what heap %" PRIu64 " says of its ready blocks at 0x%" PRIx64 " %s",
                   heap->shown.id, rows,
                   status == LENS_CORRUPT ? "makes no sense" : "can't be read");
  return LENS_OK;
}

/* Takes a ready block from the counts of those that are in use.  False: it is no block of the heap.
 */
static bool settle_block(lens *self, uint32_t heap, uint64_t address) {
  struct lens_block block;
  uint32_t arena = lens_arena_find(self, address);
  if (arena == LENS_NONE || self->model.arenas[arena].shown.heap != heap ||
      !lens_block_find(self, arena, address, &block) || block.start != address || block.fresh) {
    return false;
  }
  lens_arena *shown = &self->model.arenas[arena].shown;
  struct lens_page_model *page = &self->model.arenas[arena].pages[block.page];
  if (page->kind != LENS_PAGE_BLOCKS || page->used_count == 0) return false;
  lens_heap *owner = &self->model.heaps[heap].shown;
  page->ready_count++;
  page->used_count--;
  shown->blocks_used--;
  shown->blocks_free++;
  shown->bytes_used -= page->block_bytes;
  owner->used_bytes -= owner->used_bytes < page->block_bytes ? 0 : page->block_bytes;
  return true;
}

static int compare_addresses(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left < right ? -1 : left > right;
}

void lens_ready_settle(lens *self) {
  for (uint32_t i = 0; i < self->model.heap_count; i++) {
    struct lens_heap_model *heap = &self->model.heaps[i];
    size_t kept = 0;
    if (heap->ready_count > 1) {
      qsort(heap->ready, heap->ready_count, sizeof *heap->ready, compare_addresses);
    }
    for (size_t k = 0; k < heap->ready_count; k++) {
      uint64_t address = heap->ready[k];
      bool twice = kept > 0 && heap->ready[kept - 1] == address;
      if (!twice && settle_block(self, i, address)) {
        heap->ready[kept++] = address;
        continue;
      }
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                       "heap %" PRIu64 " keeps ready at 0x%" PRIx64 " %s", heap->shown.id, address,
                       twice ? "one block twice" : "what is no block of its pages");
    }
    heap->ready_count = kept;
  }
}

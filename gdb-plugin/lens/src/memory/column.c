/* Columns.  See column.h.
 *
 * Growing a mapping moves its page tables, not its bytes.  Both ends are aligned to a huge page:
 * the kernel then moves huge pages whole, and would split them otherwise.
 */
#include "memory/column.h"

#include <string.h>
#include <sys/mman.h>

#include "memory/alloc.h"

static const size_t MAPPED_BYTES = (size_t)1 << 20; /* from here on a column is a mapping */
static const size_t HUGE_BYTES = (size_t)2 << 20;

static bool is_mapped(const struct lens_column *column) { return column->bytes >= MAPPED_BYTES; }

/* A mapping of `bytes`, a multiple of HUGE_BYTES, aligned to it; NULL when out of memory. */
static void *map_aligned(size_t bytes) {
  size_t wide = bytes + HUGE_BYTES;
  char *start =
      mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return NULL;
  size_t before = (HUGE_BYTES - (uintptr_t)start % HUGE_BYTES) % HUGE_BYTES;
  if (before != 0) munmap(start, before);
  munmap(start + before + bytes, HUGE_BYTES - before);
  madvise(start + before, bytes, MADV_HUGEPAGE); /* a wish: small pages do as well, slower */
  return start + before;
}

static bool grow_mapped(struct lens_column *column, size_t bytes) {
  void *items = map_aligned(bytes);
  if (items == NULL) return false;
  if (is_mapped(column)) {
    void *moved = mremap(column->items, column->bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, items);
    if (moved == MAP_FAILED) {
      munmap(items, bytes);
      return false;
    }
  } else if (column->items != NULL) {
    memcpy(items, column->items, column->bytes);
    lens_dealloc(column->items);
  }
  column->items = items;
  column->bytes = bytes;
  return true;
}

static bool grow_small(struct lens_column *column, size_t bytes) {
  void *items = lens_alloc_zeroed(1, bytes);
  if (items == NULL) return false;
  if (column->items != NULL) memcpy(items, column->items, column->bytes);
  lens_dealloc(column->items);
  column->items = items;
  column->bytes = bytes;
  return true;
}

bool lens_column_reserve(struct lens_column *column, uint64_t count, size_t item_bytes) {
  if (count > SIZE_MAX / 4 / item_bytes) return false;
  size_t needed = (size_t)count * item_bytes;
  if (needed <= column->bytes && column->items != NULL) return true;
  size_t wanted = column->bytes * 2;
  if (wanted < needed) wanted = needed;
  if (wanted == 0) wanted = item_bytes;
  if (wanted < MAPPED_BYTES) return grow_small(column, wanted);
  wanted = (wanted + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
  return lens_alloc_allowed() && grow_mapped(column, wanted);
}

void lens_column_free(struct lens_column *column) {
  if (is_mapped(column)) {
    munmap(column->items, column->bytes);
  } else {
    lens_dealloc(column->items);
  }
  column->items = NULL;
  column->bytes = 0;
}

/* Foreign memory: what the program writes that is neither heap, nor the runtime's own, nor a stack.
 *
 * References that C code keeps in malloc'ed structs and globals lie there; a scan of these ranges
 * finds them.
 */
#include <stdlib.h>

#include "analysis.h"

struct ranges {
  struct lens_range *rows;
  size_t count, capacity;
};

static bool add(struct ranges *ranges, uint64_t start, uint64_t bytes) {
  if (bytes == 0 || start + bytes < start) return true;
  struct lens_range *rows =
      lens_grow(ranges->rows, &ranges->capacity, ranges->count + 1, sizeof *rows);
  if (rows == NULL) return false;
  ranges->rows = rows;
  rows[ranges->count++] = (struct lens_range){start, start + bytes};
  return true;
}

static int by_start(const void *a, const void *b) {
  uint64_t left = ((const struct lens_range *)a)->start,
           right = ((const struct lens_range *)b)->start;
  return left < right ? -1 : left > right;
}

/* All that the runtime keeps, sorted by start; ranges may overlap. */
static bool collect_own(const struct lens_model *model, struct ranges *own) {
  bool ok = true;
  for (size_t i = 0; i < model->contract_count && ok; i++) {
    ok = add(own, model->contracts[i]->address, model->contracts[i]->record_bytes);
  }
  for (size_t i = 0; i < model->heap_count && ok; i++) {
    const struct lens_heap_model *heap = &model->heaps[i];
    for (uint32_t k = 0; k < heap->meta_count && ok; k++) {
      ok = add(own, heap->meta[k].start, heap->meta[k].end - heap->meta[k].start);
    }
  }
  for (size_t i = 0; i < model->arena_count && ok; i++) {
    const lens_arena *arena = &model->arenas[i].shown;
    ok = add(own, arena->address, arena->bytes) && add(own, arena->side, arena->side_bytes);
  }
  if (ok && own->count != 0) qsort(own->rows, own->count, sizeof *own->rows, by_start);
  return ok;
}

static void emit(const lens_region *region, uint64_t start, uint64_t end, uint64_t capacity,
                 lens_region *ranges, uint64_t *found) {
  if (start >= end) return;
  if (*found < capacity) {
    ranges[*found] = *region;
    ranges[*found].start = start;
    ranges[*found].end = end;
  }
  ++*found;
}

lens_status lens_foreign_ranges(lens *self, uint64_t capacity, lens_region *ranges,
                                uint64_t *written, uint64_t *total) {
  lens_status status = lens_need_model(self);
  if (status != LENS_OK) return status;
  struct ranges own = {0};
  if (!collect_own(&self->model, &own)) {
    lens_dealloc(own.rows);
    return lens_out_of_memory(self);
  }
  uint64_t found = 0;
  size_t next = 0; /* the first own range that may end behind what was looked at */
  for (size_t i = 0; i < self->region_count; i++) {
    const lens_region *region = &self->regions[i];
    uint64_t at = region->start;
    while (next < own.count && own.rows[next].end <= at) next++;
    bool wanted = (region->flags & LENS_REGION_WRITE) != 0 &&
                  (region->flags & (LENS_REGION_STACK | LENS_REGION_ABSENT)) == 0;
    if (!wanted) continue;
    for (size_t k = next; k < own.count && own.rows[k].start < region->end; k++) {
      emit(region, at, own.rows[k].start, capacity, ranges, &found);
      if (own.rows[k].end > at) at = own.rows[k].end;
    }
    emit(region, at, region->end, capacity, ranges, &found);
  }
  lens_dealloc(own.rows);
  *written = found < capacity ? found : capacity;
  *total = found;
  return LENS_OK;
}

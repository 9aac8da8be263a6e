/* External bytes: what an object keeps outside its heap, from the heap's table of such objects.
 *
 * The table is read when it is asked for, from its start to its end: it is small beside the heap,
 * and where an object's entry would stand is the runtime's secret.
 */
#include "model/load.h"

enum { CHUNK_BYTES = 16 << 10 };

/* The rows of the table, once they are known to lie in its mapping. */
struct rows {
  uint64_t address, count;
  uint32_t stride;
};

static lens_status rows_of(lens *self, const struct lens_heap_model *heap, struct rows *rows) {
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_external_table *layout = &contract->external_table;
  *rows = (struct rows){.stride = contract->external.struct_bytes};
  if (heap->external_table == 0 || layout->entries.width == 0 || layout->capacity.width == 0 ||
      rows->stride == 0 || rows->stride > CHUNK_BYTES) {
    return LENS_OK;
  }
  uint8_t bytes[LENS_EXTENT_MAX];
  lens_status status = lens_fetch(self, heap->external_table, layout->extent, bytes);
  if (status != LENS_OK) return status;
  uint64_t mapped = lens_load_place(bytes, layout->bytes);
  uint64_t count = lens_load_place(bytes, layout->capacity);
  uint64_t address = lens_load_place(bytes, layout->entries);
  uint64_t before = address - heap->external_table; /* of the mapping */
  if (address < heap->external_table || before > mapped ||
      count > (mapped - before) / rows->stride) {
    return LENS_CORRUPT;
  }
  rows->address = address;
  rows->count = count;
  return LENS_OK;
}

lens_status lens_external_get(lens *self, uint64_t heap, uint64_t object, uint64_t *bytes) {
  if (heap >= self->model.heap_count) return LENS_BAD_ARGUMENT;
  const struct lens_heap_model *model = &self->model.heaps[heap];
  const struct lens_layout_external *layout = &model->contract->external;
  struct rows rows;
  lens_status status = rows_of(self, model, &rows);
  uint64_t found = 0;
  uint8_t chunk[CHUNK_BYTES];
  const uint64_t at_once = rows.stride == 0 ? 0 : CHUNK_BYTES / rows.stride;
  for (uint64_t row = 0; status == LENS_OK && found == 0 && row < rows.count; row += at_once) {
    uint64_t count = rows.count - row < at_once ? rows.count - row : at_once;
    status = lens_fetch(self, rows.address + row * rows.stride, count * rows.stride, chunk);
    for (uint64_t i = 0; status == LENS_OK && i < count; i++) {
      const uint8_t *entry = chunk + i * rows.stride;
      if (lens_load_place(entry, layout->object) != object) continue;
      found = lens_load_place(entry, layout->bytes);
      break;
    }
  }
  if (status == LENS_OK) *bytes = found;
  return status;
}

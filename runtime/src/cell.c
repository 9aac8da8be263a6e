/* cell: an object with one owning slot. */
#include "cairn/cell.h"

#include "builtin.h"

struct cairn_cell {
  cairn_object base;
  cairn_object *value;
};

static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct cairn_cell, value)};

const cairn_type_spec cairn_spec_cell = {.name = "cell",
                                         .size_bytes = sizeof(struct cairn_cell),
                                         .slots = slots,
                                         .slot_count = CAIRN_COUNT_OF(slots)};

cairn_object *cairn_cell_new(cairn_heap *heap, cairn_object *value) {
  cairn_assert_may_hold(heap, value);
  cairn_retain_untold(
      value); /* before allocating, which may run code that drops the caller's reference */
  struct cairn_cell *cell = (struct cairn_cell *)cairn_object_new(heap, CAIRN_TYPE_CELL);
  if (cell == NULL) {
    cairn_retain_tell(value, 0, NULL);
    cairn_release(value);
    return NULL;
  }
  cell->value = value;
  cairn_retain_tell(value, 0, cell);
  return &cell->base;
}

cairn_object *cairn_cell_get(const cairn_object *cell) {
  assert(cairn_is_type(cell, CAIRN_TYPE_CELL));
  return ((const struct cairn_cell *)cell)->value;
}

void cairn_cell_set(cairn_object *cell, cairn_object *value) {
  assert(cairn_is_type(cell, CAIRN_TYPE_CELL));
  cairn_assert_may_hold(cairn_object_heap(cell), value);
  cairn_assign_for_(cell, &((struct cairn_cell *)cell)->value, value);
}

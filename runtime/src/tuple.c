/* tuple: references in the object itself.
 *
 * Invariant: each item is retained, then stored; `count` follows when all are there.  Until then
 * the object shows none of them, as their counts are higher than what can be seen. */
#include "cairn/tuple.h"

#include <string.h>

#include "builtin.h"

static const cairn_slot_spec slots[] = {{.name = "items",
                                         .kind = CAIRN_SLOT_STRONG,
                                         .shape = CAIRN_SHAPE_TAIL,
                                         .offset = offsetof(struct cairn_tuple, items),
                                         .count_offset = offsetof(struct cairn_tuple, count),
                                         .count_width = sizeof(((struct cairn_tuple *)0)->count),
                                         .stride = sizeof(cairn_object *)}};

const cairn_type_spec cairn_spec_tuple = {.name = "tuple",
                                          .size_bytes = offsetof(struct cairn_tuple, items),
                                          .tail_item_bytes = sizeof(cairn_object *),
                                          .slots = slots,
                                          .slot_count = CAIRN_COUNT_OF(slots)};

cairn_object *cairn_tuple_new(cairn_heap *heap, size_t count, cairn_object *const *items) {
  if (count > INT32_MAX) return NULL;
  /* Before allocating, which may run code that drops the caller's references. */
  for (size_t i = 0; i < count; i++) {
    cairn_assert_may_hold(heap, items[i]);
    cairn_retain(items[i]);
  }
  struct cairn_tuple *tuple =
      (struct cairn_tuple *)cairn_object_new_tail(heap, CAIRN_TYPE_TUPLE, count);
  if (tuple == NULL) {
    for (size_t i = 0; i < count; i++) cairn_release(items[i]);
    return NULL;
  }
  tuple->nest = cairn_compare_nest(count, items);
  if (count > 0) memcpy(tuple->items, items, count * sizeof(*items));
  CAIRN_ORDER();
  tuple->count = (uint32_t)count;
  return &tuple->base;
}

size_t cairn_tuple_count(const cairn_object *tuple) { return cairn_tuple_of(tuple)->count; }

cairn_object *cairn_tuple_get(const cairn_object *tuple, size_t index) {
  const struct cairn_tuple *self = cairn_tuple_of(tuple);
  return index < self->count ? self->items[index] : NULL;
}

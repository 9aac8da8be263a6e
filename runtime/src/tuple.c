/* tuple: references in the object itself.
 *
 * Invariant: items are shown one by one: each is retained, then stored, then `count` ends behind
 * it. So no more than one reference is on its way, in a register, at any instruction. */
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

/* Of a tuple with more items they are told as they are taken, for nobody: telling them late takes a
 * look at all that follow. */
enum { TOLD_LATE_MAX = 256 };

const cairn_type_spec cairn_spec_tuple = {.name = "tuple",
                                          .size_bytes = offsetof(struct cairn_tuple, items),
                                          .tail_item_bytes = sizeof(cairn_object *),
                                          .slots = slots,
                                          .slot_count = CAIRN_COUNT_OF(slots)};

/* The item, whose reference is counted, comes to stand in the tuple behind those before it. */
static inline void tuple_show(struct cairn_tuple *tuple, size_t index, cairn_object *item) {
  tuple->items[index] = item;
  CAIRN_ORDER();
  tuple->count = (uint32_t)index + 1;
  CAIRN_ORDER_KEEPING(item);
}

/* Tells of item `index`, whose object may stand among those behind it, too. */
static void tell(size_t count, cairn_object *const *items, size_t index, const void *holder) {
  uint32_t untold = 0;
  for (size_t i = index + 1; i < count; i++) untold += items[i] == items[index];
  cairn_retain_tell(items[index], untold, holder);
}

static void take(cairn_object *item, bool tell_late) {
  if (tell_late) {
    cairn_retain_untold(item);
  } else {
    cairn_retain(item);
  }
}

/* As cairn_tuple_new where allocating may run code of the program's, which may drop the caller's
 * references: all items are held meanwhile, and heap.holdings says so. */
static struct cairn_tuple *tuple_new_holding(cairn_heap *heap, size_t count,
                                             cairn_object *const *items) {
  const bool tell_late = count <= TOLD_LATE_MAX;
  cairn_heap_lock(heap);
  struct cairn_holding holding = {.next = heap->holdings, .words = items};
  CAIRN_ORDER();
  heap->holdings = &holding;
  for (size_t i = 0; i < count; i++) {
    cairn_object *item = items[i];
    take(item, tell_late);
    holding.count = i + 1;
    CAIRN_ORDER_KEEPING(item);
  }
  struct cairn_tuple *tuple =
      (struct cairn_tuple *)cairn_object_new_tail(heap, CAIRN_TYPE_TUPLE, count);
  if (tuple != NULL) tuple->nest = cairn_compare_nest(count, items);
  for (size_t i = 0; tuple != NULL && i < count; i++) {
    cairn_object *item = items[i];
    CAIRN_ORDER_KEEPING(item); /* in hand before the holding gives it up */
    holding.first = i + 1;
    CAIRN_ORDER();
    tuple_show(tuple, i, item);
    if (tell_late) tell(count, items, i, tuple);
  }
  for (size_t i = 0; tuple == NULL && tell_late && i < count; i++) tell(count, items, i, NULL);
  for (size_t i = count; tuple == NULL && i-- > 0;) {
    cairn_object *item = items[i];
    CAIRN_ORDER_KEEPING(item);
    holding.count = i;
    CAIRN_ORDER();
    cairn_release(item);
  }
  CAIRN_ORDER();
  heap->holdings = holding.next;
  cairn_heap_unlock(heap);
  return tuple;
}

cairn_object *cairn_tuple_new(cairn_heap *heap, size_t count, cairn_object *const *items) {
  if (count > INT32_MAX) return NULL;
  for (size_t i = 0; i < count; i++) cairn_assert_may_hold(heap, items[i]);
  size_t bytes = sizeof(struct cairn_tuple) + count * sizeof(*items);
  struct cairn_tuple *tuple =
      (struct cairn_tuple *)cairn_object_at_hand(heap, CAIRN_TYPE_TUPLE, bytes);
  if (tuple == NULL) return (cairn_object *)tuple_new_holding(heap, count, items);
  tuple->nest = cairn_compare_nest(count, items);
  for (size_t i = 0; i < count; i++) tuple_show(tuple, i, cairn_retain_for_slot_(items[i], tuple));
  return &tuple->base;
}

size_t cairn_tuple_count(const cairn_object *tuple) { return cairn_tuple_of(tuple)->count; }

cairn_object *cairn_tuple_get(const cairn_object *tuple, size_t index) {
  const struct cairn_tuple *self = cairn_tuple_of(tuple);
  return index < self->count ? self->items[index] : NULL;
}

/* list: references in a buffer that grows.
 *
 * Invariants, at every instruction:
 *  - items[0, count) own; what is behind them is not looked at.
 *  - The list moves to another buffer by one store, after that buffer is filled.
 *  - Elements are shifted while `count` ends before them, so none is seen twice; heap.flux names
 * the list meanwhile, for those behind are held by a slot that cannot be seen.
 */
#include "cairn/list.h"

#include <string.h>

#include "builtin.h"

enum {
  CAPACITY_MIN = 6,  /* these and the header of their buffer fill a block */
  CAPACITY_KEPT = 16 /* an empty list keeps a buffer of so many */
};

static const cairn_slot_spec slots[] = {CAIRN_STRONG_ARRAY(struct cairn_list, items, count)};

const cairn_type_spec cairn_spec_list = {.name = "list",
                                         .size_bytes = sizeof(struct cairn_list),
                                         .slots = slots,
                                         .slot_count = CAIRN_COUNT_OF(slots)};

static struct cairn_list *list_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_LIST));
  return (struct cairn_list *)object;
}

/* Moves the items to `buffer` (NULL when there are none) and frees the old one. */
static void list_move(struct cairn_list *list, cairn_object **buffer, uint32_t capacity) {
  assert(list->count <= capacity);
  cairn_object **old = list->items;
  cairn_heap *heap = cairn_object_heap(&list->base);
  struct cairn_flux_before before = cairn_resize_begin(heap, &list->base);
  if (buffer != NULL && list->count > 0) memcpy(buffer, old, list->count * sizeof(*old));
  CAIRN_ORDER();
  list->items = buffer;
  CAIRN_ORDER();
  list->capacity = capacity;
  if (old != NULL) cairn_buffer_free(old);
  cairn_resize_end(heap, before);
}

/* Gives the list a buffer for `capacity` items or somewhat more, unless code that the allocation
 * runs leaves more in it.  False when out of memory. */
static bool list_resize(struct cairn_list *list, size_t capacity) {
  if (capacity > UINT32_MAX) return false;
  cairn_heap *heap = cairn_object_heap(&list->base);
  cairn_object **buffer =
      (cairn_object **)cairn_buffer_new(heap, capacity * sizeof(cairn_object *));
  if (buffer == NULL) return false;
  size_t usable = cairn_buffer_size(buffer) / sizeof(cairn_object *);
  if (list->count > usable) {
    cairn_buffer_free(buffer);
  } else {
    list_move(list, buffer, (uint32_t)(usable > UINT32_MAX ? UINT32_MAX : usable));
  }
  return true;
}

/* Puts the item, whose reference it takes over, before item `index`; there is room. */
static void list_put(struct cairn_list *list, uint32_t index, cairn_object *item) {
  uint32_t count = list->count;
  assert(index <= count && count < list->capacity);
  cairn_object **place = list->items + index;
  if (index == count) {
    *place = item;
    CAIRN_ORDER();
    list->count = count + 1;
    CAIRN_ORDER_KEEPING(item);
    return;
  }
  cairn_heap *heap = cairn_object_heap(&list->base);
  struct cairn_flux_before before = cairn_resize_begin(heap, &list->base);
  list->count = index;
  CAIRN_ORDER();
  memmove(place + 1, place, (count - index) * sizeof(*place));
  *place = item;
  CAIRN_ORDER();
  list->count = count + 1;
  cairn_resize_end(heap, before);
}

/* Takes the item out; its reference is the caller's. */
static cairn_object *list_take(struct cairn_list *list, uint32_t index) {
  uint32_t count = list->count - 1;
  cairn_object **place = list->items + index;
  cairn_object *item = *place;
  cairn_heap *heap = cairn_object_heap(&list->base);
  struct cairn_flux_before before = cairn_resize_begin(heap, &list->base);
  list->count = index;
  CAIRN_ORDER();
  memmove(place, place + 1, (count - index) * sizeof(*place));
  list->items[count] = NULL;
  CAIRN_ORDER();
  list->count = count;
  cairn_resize_end(heap, before);
  if (count == 0 && list->capacity > CAPACITY_KEPT) list_move(list, NULL, 0);
  return item;
}

/* Inserts into a full list.  Growing may run code that changes the list, and that drops the
 * caller's references to it and to the item: both are held. */
static bool list_insert_growing(struct cairn_list *list, size_t index, cairn_object *item) {
  cairn_assert_may_hold(cairn_object_heap(&list->base), item);
  uint32_t count = cairn_hold(&list->base);
  cairn_retain_for_slot_(item, list);
  bool room = true;
  while (room && list->count == list->capacity) {
    size_t doubled = (size_t)list->capacity * 2;
    room = list_resize(list, doubled < CAPACITY_MIN ? CAPACITY_MIN : doubled);
  }
  if (room) {
    list_put(list, index < list->count ? (uint32_t)index : list->count, item);
  } else {
    cairn_release_for_slot_(item, list);
  }
  cairn_unhold(&list->base, count);
  return room;
}

/* Inserts before item `index`, or at the end when there are not so many. */
static bool list_insert(struct cairn_list *list, size_t index, cairn_object *item) {
  assert(item != NULL);
  cairn_assert_may_hold(cairn_object_heap(&list->base), item);
  if (list->count == list->capacity) return list_insert_growing(list, index, item);
  list_put(list, index < list->count ? (uint32_t)index : list->count,
           cairn_retain_for_slot_(item, list));
  return true;
}

cairn_object *cairn_list_new(cairn_heap *heap, size_t capacity) {
  cairn_object *object = cairn_object_new(heap, CAIRN_TYPE_LIST);
  if (object != NULL && capacity > 0 && !list_resize(list_of(object), capacity)) {
    cairn_clear(&object);
  }
  return object;
}

bool cairn_list_append_growing_(cairn_object *list, cairn_object *item) {
  return list_insert_growing(list_of(list), SIZE_MAX, item);
}

bool cairn_list_give_growing_(cairn_object *list, cairn_object *item) {
  uint32_t count = cairn_refcount(item);
  bool done = list_insert_growing(list_of(list), SIZE_MAX, item);
  cairn_unhold(item, count);
  return done;
}

bool cairn_list_reserve(cairn_object *list, size_t items) {
  struct cairn_list *self = list_of(list);
  if (items <= self->capacity - self->count) return true;
  if (items > UINT32_MAX - self->count) return false;
  uint32_t count = cairn_hold(list);
  bool done = list_resize(self, self->count + items);
  cairn_unhold(list, count);
  return done;
}

bool cairn_list_set(cairn_object *list, size_t index, cairn_object *item) {
  struct cairn_list *self = list_of(list);
  assert(item != NULL);
  cairn_assert_may_hold(cairn_object_heap(list), item);
  if (index >= self->count) return false;
  cairn_assign_for_(self, &self->items[index], item);
  return true;
}

bool cairn_list_insert(cairn_object *list, size_t index, cairn_object *item) {
  struct cairn_list *self = list_of(list);
  return index <= self->count && list_insert(self, index, item);
}

bool cairn_list_remove(cairn_object *list, size_t index) {
  struct cairn_list *self = list_of(list);
  if (index >= self->count) return false;
  cairn_release_for_slot_(list_take(self, (uint32_t)index), self);
  return true;
}

cairn_object *cairn_list_pop(cairn_object *list) {
  struct cairn_list *self = list_of(list);
  return self->count == 0 ? NULL : list_take(self, self->count - 1);
}

bool cairn_list_trim(cairn_object *list) {
  struct cairn_list *self = list_of(list);
  if (self->count == 0) {
    if (self->items != NULL) list_move(self, NULL, 0);
    return true;
  }
  if (self->count == self->capacity) return true;
  uint32_t count = cairn_hold(list);
  bool done = list_resize(self, self->count);
  cairn_unhold(list, count);
  return done;
}

void cairn_list_clear(cairn_object *list) {
  struct cairn_list *self = list_of(list);
  uint32_t count = cairn_hold(list); /* a finalizer may drop the caller's reference */
  for (uint32_t i = self->count; i > 0; i--) {
    if (i <= self->count) cairn_release_for_slot_(list_take(self, i - 1), self);
  }
  cairn_unhold(list, count);
}

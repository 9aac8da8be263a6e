/* weakref: an object with one weak slot. */
#include "cairn/weakref.h"

#include "builtin.h"
#include "tracking.h"

static const cairn_slot_spec slots[] = {CAIRN_WEAK(struct cairn_weakref, target)};

const cairn_type_spec cairn_spec_weakref = {.name = "weakref",
                                            .size_bytes = sizeof(struct cairn_weakref),
                                            .slots = slots,
                                            .slot_count = CAIRN_COUNT_OF(slots)};

cairn_object *cairn_weakref_new(cairn_heap *heap, cairn_object *target) {
  if (target == NULL) return cairn_object_new(heap, CAIRN_TYPE_WEAKREF);
  uint32_t count = cairn_hold(target); /* allocating may run code that drops the caller's */
  cairn_object *object = cairn_object_new(heap, CAIRN_TYPE_WEAKREF);
  if (object != NULL) {
    struct cairn_weakref *weakref = (struct cairn_weakref *)object;
    if (!cairn_weak_set(object, &weakref->target, target)) cairn_clear(&object);
  }
  cairn_unhold(target, count);
  return object;
}

cairn_object *cairn_weakref_get(const cairn_object *weakref) {
  assert(cairn_is_type(weakref, CAIRN_TYPE_WEAKREF));
  return cairn_weak_get_told(&((const struct cairn_weakref *)weakref)->target, CAIRN_CALL());
}

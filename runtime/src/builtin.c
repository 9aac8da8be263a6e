/* The built-in types of a new heap: defining them, and making the objects that exist once.
 *
 * Invariant: type indices are those of enum cairn_builtin_type in every heap, so a function tells
 * a built-in type by the header alone.  none, true, false and the small ints are immortal and
 * held by heap.runtime_slots.
 */
#include "builtin.h"

#include "cairn/scalar.h"
#include "cairn/set.h"
#include "cairn/tuple.h"

enum { SHARED_INT_COUNT = CAIRN_INT_SHARED_MAX - CAIRN_INT_SHARED_MIN + 1 };

static bool types_define(cairn_heap *heap) {
  static const struct {
    uint32_t type, display;
    const cairn_type_spec *spec;
  } builtins[] = {
#define BUILTIN_ROW(NAME, name) {CAIRN_TYPE_##NAME, CAIRN_DISPLAY_##NAME, &cairn_spec_##name},
      CAIRN_BUILTINS(BUILTIN_ROW)};
  for (size_t i = 0; i < CAIRN_COUNT_OF(builtins); i++) {
    cairn_type type =
        cairn_type_define_as(heap, builtins[i].spec, builtins[i].display, CAIRN_TYPE_FLAG_BUILTIN);
    if (type == 0) return false;
    assert(type == builtins[i].type);
  }
  return true;
}

/* A new object that is never freed; NULL when out of memory. */
static cairn_object *immortal_new(cairn_heap *heap, enum cairn_builtin_type type) {
  cairn_object *object = cairn_object_new(heap, (cairn_type)type);
  if (object != NULL) object->header |= CAIRN_COUNT_IMMORTAL;
  return object;
}

static cairn_object *immortal_bool_new(cairn_heap *heap, bool value) {
  cairn_object *object = immortal_new(heap, CAIRN_TYPE_BOOL);
  if (object != NULL) ((struct cairn_bool *)object)->value = value;
  return object;
}

static cairn_object *shared_ints_new(cairn_heap *heap) {
  cairn_object *ints[SHARED_INT_COUNT];
  for (int i = 0; i < SHARED_INT_COUNT; i++) {
    ints[i] = immortal_new(heap, CAIRN_TYPE_INT);
    if (ints[i] == NULL) return NULL;
    ((struct cairn_int *)ints[i])->value = CAIRN_INT_SHARED_MIN + i;
  }
  return cairn_tuple_new(heap, SHARED_INT_COUNT, ints);
}

bool cairn_builtin_types_define(cairn_heap *heap) {
  heap->hash_seed = cairn_hash_seed(heap);
  if (!types_define(heap)) return false;
  cairn_object **slots = heap->runtime_slots;
  slots[CAIRN_RUNTIME_SLOT_NONE_OBJECT] = immortal_new(heap, CAIRN_TYPE_NONE);
  slots[CAIRN_RUNTIME_SLOT_TRUE_OBJECT] = immortal_bool_new(heap, true);
  slots[CAIRN_RUNTIME_SLOT_FALSE_OBJECT] = immortal_bool_new(heap, false);
  slots[CAIRN_RUNTIME_SLOT_SMALL_INTS] = shared_ints_new(heap);
  slots[CAIRN_RUNTIME_SLOT_INTERN] = cairn_set_new(heap);
  for (int slot = CAIRN_RUNTIME_SLOT_INTERN; slot <= CAIRN_RUNTIME_SLOT_FALSE_OBJECT; slot++) {
    if (slots[slot] == NULL) return false;
  }
  return true;
}

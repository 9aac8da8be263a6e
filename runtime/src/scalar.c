/* none, bool, int, float. */
#include "cairn/scalar.h"

#include "builtin.h"

static const cairn_field_spec bool_fields[] = {CAIRN_FIELD(struct cairn_bool, value, BOOL)};
static const cairn_field_spec int_fields[] = {CAIRN_FIELD(struct cairn_int, value, SINT)};
static const cairn_field_spec float_fields[] = {CAIRN_FIELD(struct cairn_float, value, FLOAT)};

const cairn_type_spec cairn_spec_none = {.name = "none", .size_bytes = sizeof(cairn_object)};
const cairn_type_spec cairn_spec_bool = {.name = "bool",
                                         .size_bytes = sizeof(struct cairn_bool),
                                         .fields = bool_fields,
                                         .field_count = CAIRN_COUNT_OF(bool_fields)};
const cairn_type_spec cairn_spec_int = {.name = "int",
                                        .size_bytes = sizeof(struct cairn_int),
                                        .fields = int_fields,
                                        .field_count = CAIRN_COUNT_OF(int_fields)};
const cairn_type_spec cairn_spec_float = {.name = "float",
                                          .size_bytes = sizeof(struct cairn_float),
                                          .fields = float_fields,
                                          .field_count = CAIRN_COUNT_OF(float_fields)};

cairn_object *cairn_none(cairn_heap *heap) {
  return cairn_retain(heap->runtime_slots[CAIRN_RUNTIME_SLOT_NONE_OBJECT]);
}

bool cairn_is_none(const cairn_object *object) { return cairn_is_type(object, CAIRN_TYPE_NONE); }

cairn_object *cairn_bool(cairn_heap *heap, bool value) {
  return cairn_retain(heap->runtime_slots[value ? CAIRN_RUNTIME_SLOT_TRUE_OBJECT
                                                : CAIRN_RUNTIME_SLOT_FALSE_OBJECT]);
}

bool cairn_bool_get(const cairn_object *object, bool *value) {
  if (!cairn_is_type(object, CAIRN_TYPE_BOOL)) return false;
  *value = ((const struct cairn_bool *)object)->value;
  return true;
}

cairn_object *cairn_int_new(cairn_heap *heap, int64_t value) {
  if (value >= CAIRN_INT_SHARED_MIN && value <= CAIRN_INT_SHARED_MAX) {
    const struct cairn_tuple *shared =
        cairn_tuple_of(heap->runtime_slots[CAIRN_RUNTIME_SLOT_SMALL_INTS]);
    return cairn_retain(shared->items[value - CAIRN_INT_SHARED_MIN]);
  }
  cairn_object *object = cairn_object_new(heap, CAIRN_TYPE_INT);
  if (object != NULL) ((struct cairn_int *)object)->value = value;
  return object;
}

bool cairn_int_get(const cairn_object *object, int64_t *value) {
  if (!cairn_is_type(object, CAIRN_TYPE_INT)) return false;
  *value = ((const struct cairn_int *)object)->value;
  return true;
}

cairn_object *cairn_float_new(cairn_heap *heap, double value) {
  cairn_object *object = cairn_object_new(heap, CAIRN_TYPE_FLOAT);
  if (object != NULL) ((struct cairn_float *)object)->value = value;
  return object;
}

bool cairn_float_get(const cairn_object *object, double *value) {
  if (!cairn_is_type(object, CAIRN_TYPE_FLOAT)) return false;
  *value = ((const struct cairn_float *)object)->value;
  return true;
}

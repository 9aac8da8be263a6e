/* Records: types made at run time, with one owning slot a field. */
#include "cairn/record.h"

#include <stdlib.h>
#include <string.h>

#include "builtin.h"

struct cairn_record {
  cairn_object base;
  cairn_object *values[];
};

static const struct cairn_type *record_type(const cairn_object *record) {
  const struct cairn_type *type = cairn_type_of(cairn_object_heap(record), record);
  assert(type->display == CAIRN_DISPLAY_RECORD);
  return type;
}

static bool names_are_good(const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (names[i] == NULL || names[i][0] == '\0') return false;
    for (size_t j = 0; j < i; j++) {
      if (strcmp(names[i], names[j]) == 0) return false;
    }
  }
  return true;
}

cairn_type cairn_record_define(cairn_heap *heap, const char *name, const char *const *field_names,
                               size_t field_count) {
  if (field_count > UINT16_MAX || !names_are_good(field_names, field_count)) return 0;
  cairn_slot_spec *slots = (cairn_slot_spec *)calloc(field_count + 1, sizeof(*slots));
  if (slots == NULL) return 0;
  for (size_t i = 0; i < field_count; i++) {
    size_t offset = offsetof(struct cairn_record, values) + i * sizeof(cairn_object *);
    slots[i] = (cairn_slot_spec){.name = field_names[i],
                                 .kind = CAIRN_SLOT_STRONG,
                                 .shape = CAIRN_SHAPE_SINGLE,
                                 .offset = (uint32_t)offset};
  }
  cairn_type_spec spec = {
      .name = name,
      .size_bytes = offsetof(struct cairn_record, values) + field_count * sizeof(cairn_object *),
      .slots = slots,
      .slot_count = field_count};
  cairn_type type = cairn_type_define_as(heap, &spec, CAIRN_DISPLAY_RECORD, 0);
  free(slots);
  return type;
}

cairn_object *cairn_record_new(cairn_heap *heap, cairn_type type) {
  assert(cairn_type_at(heap, type)->display == CAIRN_DISPLAY_RECORD);
  return cairn_object_new(heap, type);
}

/* The place of a field; NULL when there is none. */
static cairn_object **record_place(const cairn_object *record, size_t field) {
  if (field >= record_type(record)->slot_count) return NULL;
  return &((struct cairn_record *)record)->values[field];
}

static cairn_object **record_place_named(const cairn_object *record, const char *name) {
  const struct cairn_type *type = record_type(record);
  for (uint32_t i = 0; i < type->slot_count; i++) {
    if (strcmp(type->slots[i].name, name) == 0) return record_place(record, i);
  }
  return NULL;
}

static cairn_object *place_get(cairn_object *const *place) { return place == NULL ? NULL : *place; }

static bool place_set(const cairn_object *record, cairn_object **place, cairn_object *value) {
  cairn_assert_may_hold(cairn_object_heap(record), value);
  if (place != NULL) cairn_assign_for_(record, place, value);
  return place != NULL;
}

cairn_object *cairn_record_get(const cairn_object *record, size_t field) {
  return place_get(record_place(record, field));
}

cairn_object *cairn_record_get_named(const cairn_object *record, const char *name) {
  return place_get(record_place_named(record, name));
}

bool cairn_record_set(cairn_object *record, size_t field, cairn_object *value) {
  return place_set(record, record_place(record, field), value);
}

bool cairn_record_set_named(cairn_object *record, const char *name, cairn_object *value) {
  return place_set(record, record_place_named(record, name), value);
}

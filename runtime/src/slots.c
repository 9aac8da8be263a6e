/* Declared slots: element counts, buffers, and the visit of an object's strong references.
 *
 * The walk itself is in slots.h, inline: every death and every phase of the collector runs on it.
 * What this is not: it clears and releases nothing.
 */
#include "slots.h"

#include <string.h>

static uint64_t count_read(const char *at, uint8_t width) {
  switch (width) {
    case 1:
      return *(const uint8_t *)at;
    case 2: {
      uint16_t count;
      memcpy(&count, at, sizeof count);
      return count;
    }
    case 4: {
      uint32_t count;
      memcpy(&count, at, sizeof count);
      return count;
    }
    default: {
      uint64_t count;
      memcpy(&count, at, sizeof count);
      return count;
    }
  }
}

static char *pointer_read(const char *at) {
  char *pointer;
  memcpy(&pointer, at, sizeof pointer);
  return pointer;
}

uint64_t cairn_slot_words(const struct cairn_slot *slot, char *object, char **first) {
  if (slot->shape == CAIRN_SHAPE_TAIL) {
    *first = object + slot->offset;
    return count_read(object + slot->count_offset, slot->count_width);
  }
  assert(slot->shape == CAIRN_SHAPE_ARRAY || slot->shape == CAIRN_SHAPE_TABLE);
  char *buffer = pointer_read(object + slot->offset);
  if (buffer == NULL) return 0;
  bool in_buffer = (slot->flags & CAIRN_SLOT_FLAG_COUNT_IN_BUFFER) != 0;
  *first = buffer + slot->first_offset;
  uint64_t count =
      count_read((in_buffer ? buffer : object) + slot->count_offset, slot->count_width);
  return slot->shape == CAIRN_SHAPE_TABLE && slot->value_offset != 0 ? 2 * count : count;
}

void cairn_slots_free_buffers(const struct cairn_type *type, cairn_object *object) {
  for (uint32_t i = 0; i < type->slot_count; i++) {
    const struct cairn_slot *slot = &type->slots[i];
    if (slot->shape != CAIRN_SHAPE_ARRAY && slot->shape != CAIRN_SHAPE_TABLE) continue;
    if ((slot->flags & CAIRN_SLOT_FLAG_FOREIGN) != 0) continue;
    char *at = (char *)object + slot->offset;
    char *buffer = pointer_read(at);
    if (buffer == NULL) continue;
    /* Several slots may read one buffer of structs: the first one frees it for all. */
    char *none = NULL;
    memcpy(at, &none, sizeof none);
    cairn_buffer_free(buffer);
  }
}

void cairn_slots_visit(const cairn_heap *heap, cairn_object *object, cairn_visit_fn visit,
                       void *context) {
  const struct cairn_type *type = cairn_type_of(heap, object);
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *referent = cairn_word_object(cursor.slot, *word);
    if (referent != NULL) visit(referent, context);
  }
  if (type->traverse != NULL) cairn_type_traverser(type)(object, visit, context);
}

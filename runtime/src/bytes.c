/* bytes: raw data in the object itself.
 *
 * Invariant: `length` is stored after the data. */
#include "cairn/bytes.h"

#include <string.h>

#include "builtin.h"

static const cairn_field_spec fields[] = {
    CAIRN_FIELD(struct cairn_bytes, length, UINT),
    {.name = "data",
     .kind = CAIRN_FIELD_BYTES,
     .offset = offsetof(struct cairn_bytes, data),
     .width = 1,
     .length_offset = offsetof(struct cairn_bytes, length),
     .length_width = sizeof(((struct cairn_bytes *)0)->length)}};

const cairn_type_spec cairn_spec_bytes = {.name = "bytes",
                                          .size_bytes = offsetof(struct cairn_bytes, data),
                                          .tail_item_bytes = 1,
                                          .fields = fields,
                                          .field_count = CAIRN_COUNT_OF(fields)};

cairn_object *cairn_bytes_new(cairn_heap *heap, const void *data, size_t bytes) {
  struct cairn_bytes *object =
      (struct cairn_bytes *)cairn_object_new_tail(heap, CAIRN_TYPE_BYTES, bytes);
  if (object == NULL) return NULL;
  if (bytes > 0) memcpy(object->data, data, bytes);
  CAIRN_ORDER();
  object->length = bytes;
  return &object->base;
}

const void *cairn_bytes_data(const cairn_object *object) { return cairn_bytes_of(object)->data; }

size_t cairn_bytes_size(const cairn_object *object) { return cairn_bytes_of(object)->length; }

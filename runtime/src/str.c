/* str: text in the object itself.
 *
 * Invariant: `length` is stored after the text, so a str that is being made shows no text yet. */
#include "cairn/str.h"

#include <string.h>

#include "builtin.h"

static const cairn_field_spec fields[] = {
    CAIRN_FIELD(struct cairn_str, length, UINT),
    {.name = "text",
     .kind = CAIRN_FIELD_TEXT,
     .offset = offsetof(struct cairn_str, text),
     .width = 1,
     .length_offset = offsetof(struct cairn_str, length),
     .length_width = sizeof(((struct cairn_str *)0)->length)}};

const cairn_type_spec cairn_spec_str = {.name = "str",
                                        .size_bytes = offsetof(struct cairn_str, text),
                                        .tail_item_bytes = 1,
                                        .fields = fields,
                                        .field_count = CAIRN_COUNT_OF(fields)};

/* A str of two texts, one behind the other. */
static cairn_object *str_new(cairn_heap *heap, const char *head, size_t head_bytes,
                             const char *tail, size_t tail_bytes) {
  if (head_bytes > CAIRN_STR_MAX_BYTES || tail_bytes > CAIRN_STR_MAX_BYTES - head_bytes) {
    return NULL;
  }
  size_t bytes = head_bytes + tail_bytes;
  struct cairn_str *str =
      (struct cairn_str *)cairn_object_new_tail(heap, CAIRN_TYPE_STR, bytes + 1);
  if (str == NULL) return NULL;
  if (head_bytes > 0) memcpy(str->text, head, head_bytes);
  if (tail_bytes > 0) memcpy(str->text + head_bytes, tail, tail_bytes);
  CAIRN_ORDER();
  str->length = (uint32_t)bytes;
  return &str->base;
}

cairn_object *cairn_str_new(cairn_heap *heap, const char *utf8, size_t bytes) {
  return str_new(heap, utf8, bytes, NULL, 0);
}

cairn_object *cairn_str_from(cairn_heap *heap, const char *text) {
  return str_new(heap, text, strlen(text), NULL, 0);
}

cairn_object *cairn_str_concat(cairn_heap *heap, const cairn_object *a, const cairn_object *b) {
  const struct cairn_str *head = cairn_str_of(a);
  const struct cairn_str *tail = cairn_str_of(b);
  return str_new(heap, head->text, head->length, tail->text, tail->length);
}

const char *cairn_str_text(const cairn_object *str) { return cairn_str_of(str)->text; }

size_t cairn_str_bytes(const cairn_object *str) { return cairn_str_of(str)->length; }

/* str: text in the object itself.
 *
 * Invariants:
 *  - `length` is stored after the text, so a str that is being made or appended to shows no text
 *    that is not there yet.
 *  - The bytes behind the text are 0 up to the next multiple of 8, so that texts are compared word
 *    by word.
 */
#include "cairn/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "cairn/list.h"

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

/* ---- making --------------------------------------------------------------------------------- */

/* Bytes of a block with room for a text of `length` bytes and what is behind it. */
static size_t block_bytes(size_t length) {
  return offsetof(struct cairn_str, text) + (length / sizeof(uint64_t) + 1) * sizeof(uint64_t);
}

/* The longest text for which the str's block has room. */
static size_t text_room(const struct cairn_str *str) {
  size_t words = (cairn_object_size(&str->base) - offsetof(struct cairn_str, text)) / 8;
  return words * 8 - 1;
}

/* A str without text in a block with room for `room` bytes of it.  NULL when out of memory. */
static struct cairn_str *str_alloc(cairn_heap *heap, size_t room) {
  if (room > CAIRN_STR_MAX_BYTES) return NULL;
  return (struct cairn_str *)cairn_object_alloc(heap, CAIRN_TYPE_STR, block_bytes(room));
}

/* Puts the text at `at`, the str having room.  Texts are short more often than not: their words
 * overlap. */
static inline void put_text(char *at, const char *text, size_t bytes) {
  if (bytes > 16) {
    memcpy(at, text, bytes);
  } else if (bytes >= 8) {
    uint64_t head, tail;
    memcpy(&head, text, sizeof(head));
    memcpy(&tail, text + bytes - sizeof(tail), sizeof(tail));
    memcpy(at, &head, sizeof(head));
    memcpy(at + bytes - sizeof(tail), &tail, sizeof(tail));
  } else if (bytes >= 4) {
    uint32_t head, tail;
    memcpy(&head, text, sizeof(head));
    memcpy(&tail, text + bytes - sizeof(tail), sizeof(tail));
    memcpy(at, &head, sizeof(head));
    memcpy(at + bytes - sizeof(tail), &tail, sizeof(tail));
  } else {
    for (size_t i = 0; i < bytes; i++) at[i] = text[i];
  }
}

/* References of a function's own to its argument, as allocating may run code that drops all others
 * (builtin.h). */
static uint32_t hold(const cairn_object *object) {
  return cairn_hold((cairn_object *)(uintptr_t)object);
}

static void unhold(const cairn_object *object, uint32_t count) {
  cairn_unhold((cairn_object *)(uintptr_t)object, count);
}

/* A str of two texts, one behind the other. */
static cairn_object *str_new(cairn_heap *heap, const char *head, size_t head_bytes,
                             const char *tail, size_t tail_bytes) {
  if (head_bytes > CAIRN_STR_MAX_BYTES || tail_bytes > CAIRN_STR_MAX_BYTES - head_bytes) {
    return NULL;
  }
  struct cairn_str *str = str_alloc(heap, head_bytes + tail_bytes);
  if (str == NULL) return NULL;
  put_text(str->text, head, head_bytes);
  put_text(str->text + head_bytes, tail, tail_bytes);
  CAIRN_ORDER();
  str->length = (uint32_t)(head_bytes + tail_bytes);
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
  uint32_t a_count = hold(a), b_count = hold(b);
  cairn_object *str = str_new(heap, head->text, head->length, tail->text, tail->length);
  unhold(b, b_count);
  unhold(a, a_count);
  return str;
}

cairn_object *cairn_str_format(cairn_heap *heap, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is not seen by it here */
  int bytes = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  struct cairn_str *str = bytes < 0 ? NULL : str_alloc(heap, (size_t)bytes);
  if (str == NULL) return NULL;
  va_start(arguments, format);
  (void)vsnprintf(str->text, (size_t)bytes + 1, format, arguments);
  va_end(arguments);
  CAIRN_ORDER();
  str->length = (uint32_t)bytes;
  return &str->base;
}

cairn_object *cairn_str_slice(cairn_heap *heap, const cairn_object *str, size_t first,
                              size_t bytes) {
  const struct cairn_str *whole = cairn_str_of(str);
  if (first > whole->length) first = whole->length;
  if (bytes > whole->length - first) bytes = whole->length - first;
  uint32_t count = hold(str);
  cairn_object *slice = str_new(heap, whole->text + first, bytes, NULL, 0);
  unhold(str, count);
  return slice;
}

/* ---- joining -------------------------------------------------------------------------------- */

/* The pieces of a list or tuple; none of anything else. */
static cairn_object *const *pieces_of(const cairn_object *sequence, size_t *count) {
  if (cairn_is_type(sequence, CAIRN_TYPE_LIST)) return cairn_list_items(sequence, count);
  *count = cairn_tuple_of(sequence)->count;
  return cairn_tuple_of(sequence)->items;
}

/* The bytes of all pieces and the separators between them.  False when one is no str, or it is too
 * long. */
static bool joined_bytes(const cairn_object *sequence, size_t separator_bytes, size_t *bytes) {
  size_t count;
  cairn_object *const *pieces = pieces_of(sequence, &count);
  uint64_t sum = count > 1 ? (count - 1) * (uint64_t)separator_bytes : 0;
  for (size_t i = 0; i < count; i++) {
    if (!cairn_is_type(pieces[i], CAIRN_TYPE_STR)) return false;
    sum += cairn_str_of(pieces[i])->length;
  }
  *bytes = (size_t)sum;
  return sum <= CAIRN_STR_MAX_BYTES;
}

/* Puts the pieces and what stands between them into the str, which has room. */
static void join_into(struct cairn_str *str, const struct cairn_str *between,
                      const cairn_object *sequence) {
  size_t count;
  cairn_object *const *pieces = pieces_of(sequence, &count);
  char *at = str->text;
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && between != NULL) {
      put_text(at, between->text, between->length);
      at += between->length;
    }
    const struct cairn_str *piece = cairn_str_of(pieces[i]);
    put_text(at, piece->text, piece->length);
    at += piece->length;
  }
  CAIRN_ORDER();
  str->length = (uint32_t)(at - str->text);
}

static struct cairn_str *join(cairn_heap *heap, const struct cairn_str *between,
                              const cairn_object *sequence) {
  size_t between_bytes = between == NULL ? 0 : between->length;
  size_t bytes, bytes_now;
  while (joined_bytes(sequence, between_bytes, &bytes)) {
    struct cairn_str *str = str_alloc(heap, bytes);
    if (str == NULL) return NULL;
    if (joined_bytes(sequence, between_bytes, &bytes_now) && bytes_now == bytes) {
      join_into(str, between, sequence);
      return str;
    }
    cairn_release(&str->base); /* allocating ran code that changed the pieces: once more */
  }
  return NULL;
}

cairn_object *cairn_str_join(cairn_heap *heap, const cairn_object *separator,
                             const cairn_object *sequence) {
  uint32_t sequence_count = hold(sequence);
  if (separator == NULL) {
    struct cairn_str *joined = join(heap, NULL, sequence);
    unhold(sequence, sequence_count);
    return joined == NULL ? NULL : &joined->base;
  }
  uint32_t separator_count = hold(separator);
  struct cairn_str *joined = join(heap, cairn_str_of(separator), sequence);
  unhold(separator, separator_count);
  unhold(sequence, sequence_count);
  return joined == NULL ? NULL : &joined->base;
}

/* ---- appending ------------------------------------------------------------------------------ */

enum { ROOM_MORE = 32 };

/* True for a str that nothing but one reference can tell from a new one. */
static bool is_sole(const cairn_object *object) {
  const uint64_t other = CAIRN_HEADER_SLOW | CAIRN_STATE(INTERNED) | CAIRN_STATE(WEAKLY);
  return (cairn_header_load(object) & (other | CAIRN_COUNT_MASK)) == 1;
}

/* Appends in the block itself, which has room. */
static void append_here(struct cairn_str *str, const char *text, size_t bytes) {
  size_t length = str->length + bytes;
  put_text(str->text + str->length, text, bytes);
  memset(str->text + length, 0, sizeof(uint64_t) - length % sizeof(uint64_t));
  str->hash = 0;
  CAIRN_ORDER();
  str->length = (uint32_t)length;
}

/* Replaces *str by one with the text appended and room for half as much again, and some more. */
static bool append_elsewhere(cairn_object **str, const char *text, size_t bytes) {
  cairn_object *old = *str;
  const struct cairn_str *head = cairn_str_of(old);
  size_t length = head->length + bytes;
  size_t room = length + length / 2 + ROOM_MORE;
  if (room > CAIRN_STR_MAX_BYTES) room = CAIRN_STR_MAX_BYTES;
  uint32_t count = cairn_hold(old);
  struct cairn_str *grown = str_alloc(cairn_object_heap(old), room);
  if (grown != NULL) {
    append_here(grown, head->text, head->length);
    append_here(grown, text, bytes);
    cairn_object *before = *str;
    *str = &grown->base;
    cairn_release(before);
  }
  cairn_unhold(old, count);
  return grown != NULL;
}

bool cairn_str_append_text(cairn_object **str, const char *utf8, size_t bytes) {
  struct cairn_str *self = (struct cairn_str *)cairn_str_of(*str);
  if (bytes > CAIRN_STR_MAX_BYTES - self->length) return false;
  if (bytes == 0) return true;
  if (!is_sole(*str) || bytes > text_room(self) - self->length) {
    return append_elsewhere(str, utf8, bytes);
  }
  append_here(self, utf8, bytes);
  return true;
}

bool cairn_str_append(cairn_object **str, const cairn_object *tail) {
  const struct cairn_str *text = cairn_str_of(tail);
  if (*str == tail) { /* a hold would make two references of the only one */
    return cairn_str_append_text(str, text->text, text->length);
  }
  uint32_t count = hold(tail);
  bool done = cairn_str_append_text(str, text->text, text->length);
  unhold(tail, count);
  return done;
}

/* ---- asking --------------------------------------------------------------------------------- */

const char *cairn_str_text(const cairn_object *str) { return cairn_str_of(str)->text; }

size_t cairn_str_bytes(const cairn_object *str) { return cairn_str_of(str)->length; }

/* One object in hand: its header decoded, its type, the first of its bytes. */
#ifndef LENS_OBJECT_H
#define LENS_OBJECT_H

#include "model.h"

enum { LENS_HELD_BYTES = 512 };

struct lens_held {
  lens_object shown;
  const struct lens_type_model *type; /* NULL: the header names no type that could be read */
  uint64_t block_bytes;
  uint64_t byte_count; /* of `bytes`; at least 8 */
  uint8_t bytes[LENS_HELD_BYTES];
};

/* Takes the live or dying object at exactly `address` in hand.  LENS_NOT_FOUND when there is none,
 * with a text in lens_error that says what is there instead. */
lens_status lens_object_hold(lens *self, uint64_t address, struct lens_held *out);

/* Begins with its references.  `held` must stay where it is. */
void lens_held_slots(const struct lens_held *held, lens *self, struct lens_slots *it);

/* Copies the bytes [offset, offset + bytes) of the object, or LENS_UNREADABLE (outside its block
 * too). */
lens_status lens_held_fetch(const struct lens_held *held, lens *self, uint64_t offset,
                            uint64_t bytes, void *out);

/* ---- texts (write.c) ---- */

/* A text that grows up to the room it has; what does not fit is cut and ends with "…". */
struct lens_writer {
  char *out;
  size_t room; /* the NUL included */
  size_t used;
  bool cut;
};
lens_status lens_writer_begin(struct lens_writer *writer, char *out, size_t bytes);
void lens_write(struct lens_writer *writer, const char *format, ...) LENS_PRINTF(2, 3);

/* Target text in quotes; `total` bytes, of which the first `bytes` are in hand. */
void lens_write_quoted(struct lens_writer *writer, const uint8_t *text, size_t bytes,
                       uint64_t total);
/* Raw bytes, as b"...". */
void lens_write_bytes(struct lens_writer *writer, const uint8_t *data, size_t bytes,
                      uint64_t total);
/* A float as the shortest text that reads back as the same number; `width` 4 or 8. */
void lens_write_float(struct lens_writer *writer, const uint8_t *bytes, uint32_t width);

/* The value of a plain field (fields.c). */
lens_status lens_write_field(lens *self, const struct lens_held *held,
                             const struct lens_plain_field *field, struct lens_writer *writer);

/* The value of the object at `address` (text.c): as lens_object_text. */
lens_status lens_write_value(lens *self, uint64_t address, uint32_t depth, uint32_t width,
                             struct lens_writer *writer);

#endif

/* Writing short texts of target values into a buffer of fixed size.  See object.h. */
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/object.h"

static const char ellipsis[] = "…";

lens_status lens_writer_begin(struct lens_writer *writer, char *out, size_t bytes) {
  if (out == NULL || bytes == 0) return LENS_BAD_ARGUMENT;
  *writer = (struct lens_writer){.out = out, .room = bytes};
  out[0] = 0;
  return LENS_OK;
}

/* Ends the text for good: drops whole characters until the ellipsis fits. */
static void cut(struct lens_writer *writer) {
  writer->cut = true;
  if (writer->room < sizeof ellipsis) return;
  size_t used = writer->used;
  while (used + sizeof ellipsis > writer->room ||
         (used > 0 && ((uint8_t)writer->out[used] & 0xc0) == 0x80)) {
    used--;
  }
  memcpy(writer->out + used, ellipsis, sizeof ellipsis);
  writer->used = used + sizeof ellipsis - 1;
}

static void put(struct lens_writer *writer, const char *text, size_t bytes) {
  if (writer->cut) return;
  size_t room = writer->room - 1 - writer->used;
  size_t taken = bytes;
  if (taken > room) {
    taken = room;
    while (taken > 0 && ((uint8_t)text[taken] & 0xc0) == 0x80) taken--;
  }
  memcpy(writer->out + writer->used, text, taken);
  writer->used += taken;
  writer->out[writer->used] = 0;
  if (taken < bytes) cut(writer);
}

void lens_write(struct lens_writer *writer, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length <= 0) return;
  put(writer, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* The length without a character that the end of the bytes in hand cuts in two. */
static size_t whole_characters(const uint8_t *text, size_t bytes) {
  size_t at = bytes;
  while (at > 0 && bytes - at < 4) {
    uint8_t byte = text[--at];
    if ((byte & 0xc0) == 0x80) continue;
    size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return bytes - at < length ? at : bytes;
  }
  return bytes;
}

void lens_write_quoted(struct lens_writer *writer, const uint8_t *text, size_t bytes,
                       uint64_t total) {
  char shown[4 * LENS_HELD_BYTES + 8];
  if (bytes < total) bytes = whole_characters(text, bytes);
  if (bytes > LENS_HELD_BYTES) bytes = LENS_HELD_BYTES;
  size_t length = lens_text_printable(text, bytes, '"', shown, sizeof shown);
  put(writer, "\"", 1);
  put(writer, shown, length);
  if (bytes < total) put(writer, ellipsis, sizeof ellipsis - 1);
  put(writer, "\"", 1);
}

void lens_write_bytes(struct lens_writer *writer, const uint8_t *data, size_t bytes,
                      uint64_t total) {
  put(writer, "b\"", 2);
  for (size_t i = 0; i < bytes && !writer->cut; i++) {
    bool plain = data[i] >= 0x20 && data[i] < 0x7f && data[i] != '"' && data[i] != '\\';
    if (plain) {
      lens_write(writer, "%c", data[i]);
    } else {
      lens_write(writer, "\\x%02x", (unsigned)data[i]);
    }
  }
  if (bytes < total) put(writer, ellipsis, sizeof ellipsis - 1);
  put(writer, "\"", 1);
}

/* With the fewest digits that read back as the same number. */
static void shortest(double value, uint32_t width, char *text, size_t bytes) {
  for (int digits = width == 4 ? 6 : 15; digits <= 17; digits++) {
    snprintf(text, bytes, "%.*g", digits, value);
    bool same = width == 4 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
    if (same) return;
  }
}

void lens_write_float(struct lens_writer *writer, const uint8_t *bytes, uint32_t width) {
  char text[64];
  double value = 0;
  if (width == 4) {
    float narrow;
    memcpy(&narrow, bytes, sizeof narrow);
    value = (double)narrow;
  } else {
    memcpy(&value, bytes, sizeof value);
  }
  if (isnan(value) || isinf(value)) {
    lens_write(writer, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    return;
  }
  /* The program around the lens may print numbers with a comma. */
  locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  locale_t before = plain == (locale_t)0 ? (locale_t)0 : uselocale(plain);
  shortest(value, width, text, sizeof text);
  if (plain != (locale_t)0) {
    uselocale(before);
    freelocale(plain);
  }
  bool whole = strpbrk(text, ".e") == NULL;
  lens_write(writer, "%s%s", text, whole ? ".0" : "");
}

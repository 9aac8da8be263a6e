/* Target text made printable: valid UTF-8 without controls, whatever the bytes were.
 *
 * A terminal must survive what a corrupt heap holds: controls, invalid sequences and the code
 * points that reorder a line become escapes.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

/* Decodes one code point; returns its length in bytes, 0 when it is no valid UTF-8. */
static size_t decode(const uint8_t *text, size_t bytes, uint32_t *point) {
  uint8_t first = text[0];
  if (first < 0x80) {
    *point = first;
    return 1;
  }
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes < length) return 0;
  uint32_t value = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (text[i] & 0x3fu);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0;
  *point = value;
  return length;
}

static bool is_hostile(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
         point == 0xfeff;
}

/* Writes the shown form of the text's first character into `unit`; returns the bytes it took. */
static size_t show_one(const uint8_t *text, size_t bytes, char quote, char *unit,
                       size_t unit_bytes) {
  uint32_t point = 0;
  size_t length = decode(text, bytes, &point);
  if (length == 0) {
    snprintf(unit, unit_bytes, "\\x%02x", (unsigned)text[0]);
    return 1;
  }
  if (quote != 0 && (point == (uint8_t)quote || point == '\\')) {
    snprintf(unit, unit_bytes, "\\%c", (int)point);
  } else if (point == '\n' || point == '\t' || point == '\r') {
    snprintf(unit, unit_bytes, "\\%c", point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
  } else if (is_hostile(point)) {
    snprintf(unit, unit_bytes, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
  } else {
    memcpy(unit, text, length);
    unit[length] = 0;
  }
  return length;
}

size_t lens_text_printable(const uint8_t *text, size_t bytes, char quote, char *out,
                           size_t out_bytes) {
  static const char ellipsis[] = "…";
  if (out_bytes == 0) return 0;
  size_t used = 0;
  size_t cut = 0; /* the last length behind which the ellipsis still fits */
  while (bytes > 0) {
    char unit[16];
    size_t taken = show_one(text, bytes, quote, unit, sizeof unit);
    size_t length = strlen(unit);
    if (used + length >= out_bytes) {
      used = cut;
      if (sizeof ellipsis <= out_bytes) {
        memcpy(out + used, ellipsis, sizeof ellipsis - 1);
        used += sizeof ellipsis - 1;
      }
      break;
    }
    memcpy(out + used, unit, length);
    used += length;
    if (used + sizeof ellipsis <= out_bytes) cut = used;
    text += taken;
    bytes -= taken;
  }
  out[used] = 0;
  return used;
}

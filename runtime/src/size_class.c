/* Size classes: which block size serves a request, and which block an offset lies in.
 *
 * Invariants:
 *  - class_bytes ascends; each is a multiple of 8, and of 16 from 128 on
 *  - class_of(class_bytes[c]) == c, class_of(class_bytes[c] + 1) == c + 1
 *  - class_bytes is 16 .. 128 by 8, then four per doubling up to 2048, then sizes that pack a page
 *    well (32768 / 13, / 11, / 9, / 8, ...)
 *  - index(c, offset) == offset / class_bytes[c] for every offset within a page
 */
#include "internal.h"

#define CLASS_SIZES(S)                                                                         \
  S(16), S(24), S(32), S(40), S(48), S(56), S(64), S(72), S(80), S(88), S(96), S(104), S(112), \
      S(120), S(128), S(160), S(192), S(224), S(256), S(320), S(384), S(448), S(512), S(640),  \
      S(768), S(896), S(1024), S(1280), S(1536), S(1792), S(2048), S(2512), S(2976), S(3632),  \
      S(4096), S(4672), S(5456), S(6544), S(8192), S(10912), S(16384)

#define CLASS_BYTES(bytes) bytes
static const uint16_t class_bytes[] = {CLASS_SIZES(CLASS_BYTES)};

/* offset * this >> 32 is exact while offset * bytes < 2^32. */
#define CLASS_RECIPROCAL(bytes) (uint32_t)((0xffffffffull + (bytes)) / (bytes))
const uint32_t cairn_size_class_reciprocals[] = {CLASS_SIZES(CLASS_RECIPROCAL)};

_Static_assert(sizeof class_bytes / sizeof class_bytes[0] == CAIRN_SIZE_CLASSES, "one row a class");
_Static_assert((uint64_t)CAIRN_PAGE_BYTES *CAIRN_SMALL_MAX_BYTES < 1ull << 32, "reciprocals exact");

enum {
  LINEAR_CLASSES = 15,
  DOUBLING_MAX = 2048, /* four per doubling up to here */
  DOUBLING_CLASSES = LINEAR_CLASSES + 16
};

uint32_t cairn_size_class_of_larger(size_t bytes) {
  if (bytes <= DOUBLING_MAX) {
    /* bytes - 1 lies in [2^top, 2^(top + 1)): its next two bits say which quarter. */
    uint32_t last = (uint32_t)bytes - 1;
    uint32_t top = 31u - (uint32_t)__builtin_clz(last);
    return LINEAR_CLASSES + (top - 7) * 4 + ((last >> (top - 2)) & 3);
  }
  uint32_t size_class = DOUBLING_CLASSES;
  while (class_bytes[size_class] < bytes) size_class++;
  return size_class;
}

uint32_t cairn_size_class_bytes(uint32_t size_class) {
  assert(size_class < CAIRN_SIZE_CLASSES);
  return class_bytes[size_class];
}

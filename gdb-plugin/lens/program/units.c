/* Numbers as text.  See units.h. */
#include "units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct number_text text_number(uint64_t count) {
  char digits[24];
  struct number_text out;
  size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), used = 0;
  for (size_t i = 0; i < length; i++) {
    if (i != 0 && (length - i) % 3 == 0) out.text[used++] = ',';
    out.text[used++] = digits[i];
  }
  out.text[used] = 0;
  return out;
}

struct number_text text_count(uint64_t refcount) {
  struct number_text immortal = {"immortal"};
  return refcount >> 31 != 0 ? immortal : text_number(refcount);
}

struct number_text text_size(uint64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  struct number_text out;
  if (bytes < 1024) {
    snprintf(out.text, sizeof out.text, "%" PRIu64 " B", bytes);
    return out;
  }
  size_t unit = 0;
  double number = (double)bytes / 1024;
  /* 1023.5 KiB would round to "1024 KiB". */
  while (number >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
    number /= 1024;
    unit++;
  }
  snprintf(out.text, sizeof out.text, "%.*f %s", number >= 99.95 ? 0 : 1, number, units[unit]);
  return out;
}

struct number_text text_address(uint64_t value) {
  struct number_text out;
  snprintf(out.text, sizeof out.text, "0x%" PRIx64, value);
  return out;
}

struct counted_text text_counted(uint64_t count, const char *word) {
  struct counted_text out;
  (void)snprintf(out.text, sizeof out.text, "%s %.32s%s", text_number(count).text, word,
                 count == 1 ? "" : "s");
  return out;
}

struct number_text text_percent(uint64_t part, uint64_t whole) {
  struct number_text out = {"-"};
  if (whole == 0) return out;
  double percent = 100.0 * (double)part / (double)whole;
  bool rounded = part != 0 && part != whole && (percent < 1 || percent > 99);
  if (rounded) {
    (void)snprintf(out.text, sizeof out.text, "%s %%", percent < 1 ? "<1" : ">99");
  } else {
    (void)snprintf(out.text, sizeof out.text, "%.0f %%", percent);
  }
  return out;
}

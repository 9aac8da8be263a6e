/* Seeded damage to an image: what to write, and where it hurts. */
#ifndef TESTS_DAMAGE_H
#define TESTS_DAMAGE_H

#include "../../random.h"
#include "image.h"

/* A number from the environment, for longer runs by hand. */
static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *text = getenv(variable);
  return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/* Extremes, noise, and addresses of the image. */
static uint64_t nasty_value(const struct image *image, uint64_t *seed) {
  static const uint64_t values[] = {0, 1, 7, 0xff, 0xffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
  uint64_t pick = random_next(seed);
  switch (pick % 4) {
    case 0:
      return values[pick / 4 % (sizeof values / sizeof values[0])];
    case 1:
      return random_next(seed);
    case 2: { /* an address of the image */
      const struct image_part *part = &image->parts[random_next(seed) % image->count];
      return part->start + random_next(seed) % part->bytes;
    }
    default:
      return image->parts[random_next(seed) % image->count].start;
  }
}

#endif

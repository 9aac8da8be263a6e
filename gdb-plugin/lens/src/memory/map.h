/* A table from 64-bit keys to 32-bit values, for what is found by number while heaps are compared.
 */
#ifndef LENS_MAP_H
#define LENS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lens_map_row {
  uint64_t key;
  uint32_t value, used;
};
/* All zero is an empty map. */
struct lens_map {
  struct lens_map_row *rows; /* open addressing */
  size_t count, capacity;
};

/* The place of the key's value, which is `fresh` where the key is new; NULL when out of memory. */
uint32_t *lens_map_at(struct lens_map *map, uint64_t key, uint32_t fresh);
/* The value of a key that is there, or NULL. */
const uint32_t *lens_map_find(const struct lens_map *map, uint64_t key);
void lens_map_free(struct lens_map *map);

#endif

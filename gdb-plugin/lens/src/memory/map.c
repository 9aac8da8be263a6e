/* A table from numbers to numbers.  See map.h. */
#include "memory/map.h"

#include "memory/alloc.h"

static struct lens_map_row *place_of(struct lens_map_row *rows, size_t capacity, uint64_t key) {
  size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (capacity - 1);
  while (rows[i].used != 0 && rows[i].key != key) i = (i + 1) & (capacity - 1);
  return &rows[i];
}

static bool grow(struct lens_map *map) {
  size_t capacity = map->capacity == 0 ? 64 : map->capacity * 2;
  struct lens_map_row *rows = lens_alloc_zeroed(capacity, sizeof *rows);
  if (rows == NULL) return false;
  for (size_t i = 0; i < map->capacity; i++) {
    if (map->rows[i].used != 0) *place_of(rows, capacity, map->rows[i].key) = map->rows[i];
  }
  lens_dealloc(map->rows);
  map->rows = rows;
  map->capacity = capacity;
  return true;
}

uint32_t *lens_map_at(struct lens_map *map, uint64_t key, uint32_t fresh) {
  if (map->count >= map->capacity / 2 && !grow(map)) return NULL;
  struct lens_map_row *row = place_of(map->rows, map->capacity, key);
  if (row->used == 0) {
    *row = (struct lens_map_row){.key = key, .value = fresh, .used = 1};
    map->count++;
  }
  return &row->value;
}

const uint32_t *lens_map_find(const struct lens_map *map, uint64_t key) {
  if (map->count == 0) return NULL;
  const struct lens_map_row *row = place_of(map->rows, map->capacity, key);
  return row->used != 0 ? &row->value : NULL;
}

void lens_map_free(struct lens_map *map) {
  lens_dealloc(map->rows);
  *map = (struct lens_map){0};
}

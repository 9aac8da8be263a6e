/* A set of addresses.  See addresses.h. */
#include "memory/addresses.h"

#include <assert.h>

#include "memory/alloc.h"

static size_t place_of(const uint64_t *table, size_t capacity, uint64_t address) {
  size_t i = (size_t)((address * 0x9e3779b97f4a7c15u) >> 20) & (capacity - 1);
  while (table[i] != 0 && table[i] != address) i = (i + 1) & (capacity - 1);
  return i;
}

static lens_status grow(struct lens_addresses *set) {
  size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
  uint64_t *table = lens_alloc_zeroed(capacity, sizeof *table);
  if (table == NULL) return LENS_NO_MEMORY;
  for (size_t i = 0; i < set->capacity; i++) {
    uint64_t address = set->table[i];
    if (address != 0) table[place_of(table, capacity, address)] = address;
  }
  lens_dealloc(set->table);
  set->table = table;
  set->capacity = capacity;
  return LENS_OK;
}

lens_status lens_addresses_add(struct lens_addresses *set, uint64_t address, bool *is_new) {
  assert(address != 0);
  if (set->count >= set->capacity / 2) {
    lens_status status = grow(set);
    if (status != LENS_OK) return status;
  }
  uint64_t *place = &set->table[place_of(set->table, set->capacity, address)];
  *is_new = *place == 0;
  if (*is_new) {
    *place = address;
    set->count++;
  }
  return LENS_OK;
}

void lens_addresses_free(struct lens_addresses *set) {
  lens_dealloc(set->table);
  *set = (struct lens_addresses){0};
}

/* Modules: the files that are mapped, by address. */
#include <string.h>

#include "model.h"

/* The region that holds the address; NULL: none does. */
static const lens_region *region_at(const lens *self, uint64_t address) {
  size_t low = 0, high = self->region_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (self->regions[middle].end <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == self->region_count || address < self->regions[low].start) return NULL;
  return &self->regions[low];
}

lens_status lens_module_at(const lens *self, uint64_t address, const char **path,
                           uint64_t *offset) {
  const lens_region *found = region_at(self, address);
  if (found == NULL || found->name[0] != '/') return LENS_NOT_FOUND;
  uint64_t base = found->start;
  for (size_t i = 0; i < self->region_count && self->regions[i].start < base; i++) {
    if (strcmp(self->regions[i].name, found->name) == 0) base = self->regions[i].start;
  }
  *path = found->name;
  *offset = address - base;
  return LENS_OK;
}

/* Modules: the files that are mapped, by address. */
#include <string.h>

#include "model.h"

lens_status lens_module_at(const lens *self, uint64_t address, const char **path,
                           uint64_t *offset) {
  const lens_region *found = lens_region_at(self, address);
  if (found == NULL || found->name[0] != '/') return LENS_NOT_FOUND;
  uint64_t base = found->start;
  for (size_t i = 0; i < self->region_count && self->regions[i].start < base; i++) {
    if (strcmp(self->regions[i].name, found->name) == 0) base = self->regions[i].start;
  }
  *path = found->name;
  *offset = address - base;
  return LENS_OK;
}

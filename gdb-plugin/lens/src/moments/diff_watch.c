/* Single objects of the later moment: were they there before?  See diff.h. */
#include <string.h>

#include "memory/alloc.h"
#include "moments/diff.h"

lens_status lens_diff_watch(lens_diff *self, const uint64_t *addresses, uint64_t count) {
  struct lens_diff_watch *watch = &self->watch;
  if (self->started || watch->addresses != NULL) return LENS_BAD_ARGUMENT;
  for (uint64_t i = 1; i < count; i++) {
    if (addresses[i] <= addresses[i - 1]) return LENS_BAD_ARGUMENT;
  }
  if (count == 0) return LENS_OK;
  uint64_t *copy = lens_alloc((size_t)count * sizeof *copy);
  uint32_t *fates = lens_alloc_zeroed((size_t)count, sizeof *fates);
  if (copy == NULL || fates == NULL) {
    lens_dealloc(copy);
    lens_dealloc(fates);
    return LENS_NO_MEMORY;
  }
  memcpy(copy, addresses, (size_t)count * sizeof *copy);
  *watch = (struct lens_diff_watch){.addresses = copy, .fates = fates, .count = count};
  return LENS_OK;
}

void lens_diff_watch_row(lens_diff *self, enum lens_watched fate) {
  struct lens_diff_watch *watch = &self->watch;
  uint64_t address = self->b.row.address;
  while (watch->next < watch->count && watch->addresses[watch->next] < address) watch->next++;
  if (watch->next < watch->count && watch->addresses[watch->next] == address)
    watch->fates[watch->next++] = fate;
}

lens_status lens_diff_watched(const lens_diff *self, uint64_t capacity, uint32_t *fates,
                              uint64_t *written, uint64_t *total) {
  if (!self->complete) return LENS_BAD_ARGUMENT;
  uint64_t count = capacity < self->watch.count ? capacity : self->watch.count;
  for (uint64_t i = 0; i < count; i++) fates[i] = self->watch.fates[i];
  *written = count;
  *total = self->watch.count;
  return LENS_OK;
}

/* A lens: its birth, its end, and the target's memory map. */
#include "lens.h"

#include <string.h>

#include "memory/pool.h"
#include "model.h"
#include "model/load.h"
#include "target/corefile.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "integers of the target are loaded as they are");

enum { REGIONS_MAX = 1 << 20 };

static _Thread_local char core_error[512]; /* of the thread's last failed lens_new_core */

uint32_t lens_abi(void) { return LENS_ABI; }

lens_status lens_new(const lens_reader *reader, lens **out) {
  if (reader == NULL || reader->read == NULL || out == NULL) return LENS_BAD_ARGUMENT;
  lens *self = lens_alloc_zeroed(1, sizeof *self);
  if (self == NULL) return LENS_NO_MEMORY;
  self->reader = *reader;
  *out = self;
  return LENS_OK;
}

lens_status lens_new_core(const char *core, const char *executable, lens **out) {
  if (core == NULL || out == NULL) return LENS_BAD_ARGUMENT;
  core_error[0] = 0;
  lens *self = lens_alloc_zeroed(1, sizeof *self);
  if (self == NULL) return LENS_NO_MEMORY;
  lens_status status = lens_core_open(self, core, executable);
  if (status != LENS_OK) {
    memcpy(core_error, self->error, sizeof core_error);
    lens_free(self);
    return status;
  }
  *out = self;
  return LENS_OK;
}

const char *lens_error(const lens *self) { return self == NULL ? core_error : self->error; }

void lens_refresh(lens *self) {
  lens_analysis_free(self->analysis);
  self->analysis = NULL;
  lens_load_free(self);
  lens_model_clear(&self->model);
  lens_cache_clear(&self->cache);
  lens_problems_forget(self, LENS_SOURCE_LOAD);
  lens_problems_forget(self, LENS_SOURCE_WALK);
  lens_problems_forget(self, LENS_SOURCE_CHECK);
  lens_problems_forget(self, LENS_SOURCE_QUERY);
  lens_pool_free(&self->pool);
  self->error[0] = 0;
}

void lens_free(lens *self) {
  if (self == NULL) return;
  lens_refresh(self);
  lens_core_close(self->core);
  lens_log_free(&self->log);
  lens_regions_clear(self);
  lens_dealloc(self->regions);
  lens_dealloc(self);
}

lens_status lens_need_model(lens *self) {
  if (self->model.loaded) return LENS_OK;
  return lens_fail(self, LENS_BAD_ARGUMENT, "the model is not loaded: call lens_model_load first");
}

lens_status lens_root_hint(lens *self, uint64_t address) {
  for (uint32_t i = 0; i < self->hint_count; i++) {
    if (self->hints[i] == address) return LENS_OK;
  }
  if (self->hint_count == LENS_ROOTS_MAX) {
    return lens_fail(self, LENS_BAD_ARGUMENT, "more than %d hints", LENS_ROOTS_MAX);
  }
  self->hints[self->hint_count++] = address;
  return LENS_OK;
}

/* ---- the map: regions by start, without overlaps ---- */

/* Inserts a piece at `index`; its name is in the pool already. */
static lens_status insert(lens *self, size_t index, const lens_region *piece) {
  if (self->region_count >= REGIONS_MAX) {
    return lens_fail(self, LENS_BAD_ARGUMENT, "more than %d regions", REGIONS_MAX);
  }
  lens_region *regions =
      lens_grow(self->regions, &self->region_capacity, self->region_count + 1, sizeof *regions);
  if (regions == NULL) return LENS_NO_MEMORY;
  self->regions = regions;
  memmove(&regions[index + 1], &regions[index], (self->region_count - index) * sizeof *regions);
  regions[index] = *piece;
  self->region_count++;
  return LENS_OK;
}

/* A name as the map keeps it; neighbours mostly have the same one. */
static const char *keep_name(lens *self, const char *name) {
  if (name == NULL || name[0] == 0) return "";
  if (self->region_count > 0) {
    const char *last = self->regions[self->region_count - 1].name;
    if (strcmp(last, name) == 0) return last;
  }
  return lens_pool_text(&self->region_names, name);
}

lens_status lens_region_add(lens *self, const lens_region *region) {
  if (region->end <= region->start) {
    return lens_fail(self, LENS_BAD_ARGUMENT, "a region ends before it starts");
  }
  lens_region piece = *region;
  piece.name = keep_name(self, region->name);
  if (piece.name == NULL) return LENS_NO_MEMORY;
  lens_cache_clear(&self->cache); /* what was unreadable may be readable now */
  /* Where regions overlap, the one that was there first is right. */
  size_t index = self->region_count;
  while (index > 0 && self->regions[index - 1].end > region->start) index--;
  for (uint64_t at = region->start; at < region->end; index++) {
    bool more = index < self->region_count && self->regions[index].start < region->end;
    uint64_t gap_end = more ? self->regions[index].start : region->end;
    uint64_t next = more ? self->regions[index].end : region->end;
    if (gap_end > at) {
      piece.start = at;
      piece.end = gap_end;
      lens_status status = insert(self, index, &piece);
      if (status != LENS_OK) return status;
      index++;
    }
    at = next;
  }
  return LENS_OK;
}

void lens_regions_clear(lens *self) {
  self->region_count = 0;
  lens_pool_free(&self->region_names);
  lens_cache_clear(&self->cache);
}

uint64_t lens_region_count(const lens *self) { return self->region_count; }

lens_status lens_region_get(const lens *self, uint64_t index, lens_region *out) {
  if (index >= self->region_count) return LENS_NOT_FOUND;
  *out = self->regions[index];
  return LENS_OK;
}

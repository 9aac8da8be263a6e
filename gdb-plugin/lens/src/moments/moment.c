/* A moment's tables: made, named, asked and freed.  See moment.h. */
#include "moments/moment.h"

#include <string.h>

#include "model.h"

lens_moment *lens_moment_new(void) {
  lens_moment *self = lens_alloc_zeroed(1, sizeof *self);
  if (self != NULL) self->origin = (lens_moment_origin){0, 0, "", "", ""};
  return self;
}

void lens_moment_free(lens_moment *self) {
  if (self == NULL) return;
  lens_pool_free(&self->pool);
  lens_dealloc(self->heaps);
  lens_dealloc(self->types);
  lens_dealloc(self->frames);
  lens_dealloc(self->sites);
  lens_column_free(&self->rows);
  lens_dealloc(self);
}

enum { TEXT_BYTES_MAX = 4096 };

const char *lens_moment_text(lens_moment *self, const char *text, size_t bytes) {
  if (text == NULL || bytes == 0) return "";
  char shown[TEXT_BYTES_MAX];
  lens_text_printable((const uint8_t *)text, bytes, 0, shown, sizeof shown);
  return lens_pool_text(&self->pool, shown);
}

static const char *copied(lens_moment *self, const char *text) {
  return lens_moment_text(self, text, text == NULL ? 0 : strlen(text));
}

void lens_moment_info_get(const lens_moment *self, lens_moment_info *out) { *out = self->info; }

lens_status lens_moment_origin_set(lens_moment *self, const lens_moment_origin *origin) {
  lens_moment_origin mine = *origin;
  mine.kind = copied(self, origin->kind);
  mine.executable = copied(self, origin->executable);
  mine.label = copied(self, origin->label);
  if (mine.kind == NULL || mine.executable == NULL || mine.label == NULL) return LENS_NO_MEMORY;
  self->origin = mine;
  return LENS_OK;
}

void lens_moment_origin_get(const lens_moment *self, lens_moment_origin *out) {
  *out = self->origin;
}

lens_status lens_moment_frame_get(const lens_moment *self, uint64_t frame, lens_moment_place *out) {
  if (frame >= self->info.frame_count) return LENS_NOT_FOUND;
  *out = self->frames[frame];
  return LENS_OK;
}

lens_status lens_moment_frame_set(lens_moment *self, uint64_t frame,
                                  const lens_moment_place *place) {
  if (frame >= self->info.frame_count) return LENS_NOT_FOUND;
  lens_moment_place mine = *place;
  mine.function = copied(self, place->function);
  mine.file = copied(self, place->file);
  mine.module = copied(self, place->module);
  if (mine.function == NULL || mine.file == NULL || mine.module == NULL) return LENS_NO_MEMORY;
  self->frames[frame] = mine;
  return LENS_OK;
}

lens_status lens_moment_site_get(const lens_moment *self, uint32_t site, lens_moment_site *out) {
  if (site == 0 || site > self->info.site_count) return LENS_NOT_FOUND;
  *out = self->sites[site - 1];
  return LENS_OK;
}

bool lens_moment_site_add(lens_moment *self, uint32_t heap, const uint64_t *frames,
                          uint32_t count) {
  lens_moment_info *info = &self->info;
  lens_moment_site *sites =
      lens_grow(self->sites, &self->site_capacity, info->site_count + 1, sizeof *sites);
  if (sites == NULL) return false;
  self->sites = sites;
  lens_moment_place *rows =
      lens_grow(self->frames, &self->frame_capacity, info->frame_count + count, sizeof *rows);
  if (rows == NULL) return false;
  self->frames = rows;
  sites[info->site_count] = (lens_moment_site){info->frame_count, count, heap};
  for (uint32_t i = 0; i < count; i++) {
    rows[info->frame_count + i] =
        (lens_moment_place){.address = frames[i], .function = "", .file = "", .module = ""};
  }
  info->site_count++;
  info->frame_count += count;
  return true;
}

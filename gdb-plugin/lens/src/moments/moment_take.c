/* Taking a moment: the snapshot's rows, with what tracking and values tell of each, packed.
 *
 * Addresses ascend, so records of tracking and values are read in the order of memory.
 *
 * What this is not: exact about values.  Of ints, floats, strs and bytes, which never change, a
 * hash is taken, so that an address that was used again is noticed where serials are not tracked.
 */
#include <string.h>

#include "analysis.h"
#include "model/load.h"

enum { ROWS_A_CLOCK = 1 << 12, VALUE_BYTES = 64, HELD_BYTES = 128 };

void lens_taking_free(struct lens_taking *taking) {
  lens_moment_free(taking->moment);
  lens_map_free(&taking->sites);
  *taking = (struct lens_taking){0};
}

/* ---- tables ---- */

static lens_status take_tables(lens *self, lens_moment *moment) {
  const struct lens_model *model = &self->model;
  moment->heaps = lens_alloc_zeroed(model->heap_count, sizeof *moment->heaps);
  moment->types = lens_alloc_zeroed(model->type_count + 1, sizeof *moment->types);
  if (moment->heaps == NULL || moment->types == NULL) return LENS_NO_MEMORY;
  for (size_t i = 0; i < model->heap_count; i++) {
    moment->heaps[i] =
        (struct lens_moment_heap){model->heaps[i].shown.address, model->heaps[i].shown.id};
  }
  for (size_t i = 0; i < model->type_count; i++) {
    const lens_type *type = &model->types[i].shown;
    const char *name = model->types[i].known ? type->name : "<damaged>";
    moment->types[i] =
        (struct lens_moment_type){lens_moment_text(moment, name, strlen(name)), type->heap};
    if (moment->types[i].name == NULL) return LENS_NO_MEMORY;
  }
  moment->types[model->type_count] = (struct lens_moment_type){"<damaged>", LENS_NONE};
  moment->info.heap_count = model->heap_count;
  moment->info.type_count = model->type_count + 1;
  return LENS_OK;
}

static lens_status begin(lens *self, struct lens_taking *taking) {
  const lens_walk_totals *totals = &self->analysis->snapshot.totals;
  taking->moment = lens_moment_new();
  if (taking->moment == NULL) return LENS_NO_MEMORY;
  lens_moment_info *info = &taking->moment->info;
  info->dying = totals->dying;
  info->damaged_blocks = totals->damaged_blocks;
  info->unreadable_bytes = totals->unreadable_bytes;
  info->exactness = totals->exactness;
  return take_tables(self, taking->moment);
}

/* ---- sites ---- */

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

/* Which module each caller is in, so that the moment can be read without the target. */
static lens_status name_modules(lens *self, lens_moment *moment, uint64_t first) {
  for (uint64_t i = first; i < moment->info.frame_count; i++) {
    lens_moment_place place = moment->frames[i];
    const char *path;
    if (lens_module_at(self, place.address - 1, &path, &place.offset) != LENS_OK) continue;
    place.offset++; /* of the address itself */
    place.module = base_name(path);
    lens_status status = lens_moment_frame_set(moment, i, &place);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

/* The moment's number of a heap's site; 0 where it can't be read. */
static lens_status site_of(lens *self, struct lens_taking *taking, uint32_t heap, uint32_t number,
                           uint32_t *out) {
  lens_moment *moment = taking->moment;
  uint32_t *known = lens_map_at(&taking->sites, (uint64_t)heap << 32 | number, UINT32_MAX);
  if (known == NULL) return LENS_NO_MEMORY;
  if (*known == UINT32_MAX) {
    lens_site site;
    lens_status status = lens_site_get(self, heap, number, &site);
    bool readable = status == LENS_OK && site.frame_count != 0;
    if (status != LENS_OK && status != LENS_NOT_FOUND && status != LENS_UNREADABLE) return status;
    uint64_t first = moment->info.frame_count;
    if (readable && !lens_moment_site_add(moment, heap, site.frames, site.frame_count))
      return LENS_NO_MEMORY;
    status = name_modules(self, moment, first);
    if (status != LENS_OK) return status;
    *known = readable ? (uint32_t)moment->info.site_count : 0;
  }
  *out = *known;
  return LENS_OK;
}

static lens_status take_track(lens *self, struct lens_taking *taking, struct lens_moment_row *row) {
  const struct lens_arena_model *arena = &self->model.arenas[taking->arena];
  struct lens_block block;
  lens_track track;
  uint64_t next;
  if (arena->track == 0 || !lens_block_find(self, taking->arena, row->address, &block))
    return LENS_OK;
  lens_status status = lens_track_of_block(self, &block, &track, &next);
  if (status == LENS_NOT_FOUND) return LENS_OK;
  if (status != LENS_OK) return status;
  row->serial = track.serial;
  if (track.serial != 0) taking->moment->info.serial_count++;
  if (track.site == 0 || track.serial == 0) return LENS_OK;
  return site_of(self, taking, track.heap, track.site, &row->site);
}

/* ---- values ---- */

static uint32_t hashed(uint32_t hash, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 16777619u; /* FNV-1a */
  return hash;
}

/* The field's bytes within the first `count` of the object; 0: it is none that makes its value. */
static size_t value_bytes(const struct lens_type_model *type, const struct lens_plain_field *field,
                          const uint8_t *bytes, size_t count, uint64_t *length) {
  bool number = type->display == LENS_DISPLAY_INT || type->display == LENS_DISPLAY_FLOAT;
  bool text = field->kind == LENS_FIELD_TEXT || field->kind == LENS_FIELD_BYTES;
  if (number == text || field->offset >= count) return 0;
  *length = field->width;
  if (field->length_width != 0) {
    uint64_t end = (uint64_t)field->length_offset + field->length_width;
    if (!text || field->length_width > 8 || end > count) return 0;
    *length = lens_load_uint(bytes + field->length_offset, field->length_width);
  }
  uint64_t wanted = *length < VALUE_BYTES ? *length : VALUE_BYTES;
  return wanted < count - field->offset ? (size_t)wanted : count - field->offset;
}

/* Of an int, float, str or bytes: a hash of how long the value is and of its first 64 bytes. */
static lens_status take_content(lens *self, const struct lens_type_model *type,
                                struct lens_moment_row *row) {
  bool fixed = type->display == LENS_DISPLAY_INT || type->display == LENS_DISPLAY_FLOAT ||
               type->display == LENS_DISPLAY_STR || type->display == LENS_DISPLAY_BYTES;
  if (!fixed) return LENS_OK;
  uint8_t bytes[HELD_BYTES];
  size_t count = row->block_bytes < sizeof bytes ? (size_t)row->block_bytes : sizeof bytes;
  lens_status status = lens_fetch(self, row->address, count, bytes);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < type->shown.field_count; i++) {
    uint64_t length;
    size_t taken = value_bytes(type, &type->fields[i], bytes, count, &length);
    if (taken == 0) continue;
    uint8_t counted[8];
    memcpy(counted, &length, sizeof counted);
    hash = hashed(hash, counted, sizeof counted);
    hash = hashed(hash, bytes + type->fields[i].offset, taken);
  }
  row->content = hash == 0 ? 1 : hash;
  return LENS_OK;
}

/* ---- rows ---- */

static lens_status take_row(lens *self, struct lens_taking *taking) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint64_t at = taking->row;
  uint32_t type = lens_row_types(snapshot)[at];
  uint64_t block_bytes = lens_row_size(self, (uint32_t)at);
  struct lens_moment_row row = {
      .address = lens_row_addresses(snapshot)[at],
      .block_bytes = block_bytes,
      .extra_bytes = lens_weights_of(self, (uint32_t)at) - block_bytes,
      .type = type == LENS_NONE ? (uint32_t)self->model.type_count : type,
  };
  const struct lens_arena_model *arenas = self->model.arenas;
  while (row.address - arenas[taking->arena].shown.address >= arenas[taking->arena].shown.bytes)
    taking->arena++;
  lens_status status = take_track(self, taking, &row);
  bool damaged = (lens_row_states(snapshot)[at] & LENS_STATE_DAMAGED) != 0;
  if (status == LENS_OK && type != LENS_NONE && !damaged)
    status = take_content(self, &self->model.types[type], &row);
  if (status != LENS_OK) return status;
  if (!lens_moment_row_put(taking->moment, &taking->before, &row)) return LENS_NO_MEMORY;
  taking->moment->info.objects++;
  taking->moment->info.bytes += row.block_bytes + row.extra_bytes;
  taking->row++;
  return LENS_OK;
}

static lens_status take_rows(lens *self, struct lens_taking *taking, const lens_slice *slice,
                             lens_progress *progress) {
  uint64_t objects = self->analysis->snapshot.object_count;
  while (taking->row < objects) {
    lens_status status = take_row(self, taking);
    if (status != LENS_OK) return status;
    if (taking->row % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) {
      lens_progress_set(progress, "keeping the moment", taking->row, objects);
      return LENS_AGAIN;
    }
  }
  return LENS_OK;
}

lens_status lens_moment_take(lens *self, uint32_t slice_ms, lens_progress *progress,
                             lens_moment **out) {
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = lens_walk_in(self, &slice, progress);
  if (status == LENS_OK) status = lens_weights_step(self, &slice, progress);
  if (status == LENS_OK && lens_slice_over(&slice)) return LENS_AGAIN;
  if (status != LENS_OK) return status;
  struct lens_taking *taking = &self->analysis->taking;
  if (taking->moment == NULL) status = begin(self, taking);
  if (status == LENS_OK) status = take_rows(self, taking, &slice, progress);
  if (status == LENS_AGAIN) return status;
  if (status == LENS_OK) {
    *out = taking->moment;
    taking->moment = NULL;
  }
  lens_taking_free(taking);
  return status == LENS_NO_MEMORY ? lens_out_of_memory(self) : status;
}

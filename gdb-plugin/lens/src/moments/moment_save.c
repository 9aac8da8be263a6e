/* Saving a moment.  See moment_file.h.
 *
 * All but the objects' rows is laid out in memory first; then everything is written to a file
 * beside the one that is wanted, which takes its place when all of it is on the disk.  So whatever
 * fails, what was there before stays, and no half of a file is ever seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/alloc.h"
#include "memory/crc32.h"
#include "memory/map.h"
#include "moments/moment_file.h"

enum { PIECE_BYTES = 1 << 20, NAMES_TRIED = 100 };

/* ---- the layout ---- */

struct layout {
  struct lens_column *bytes;
  uint64_t used;
  struct lens_column texts;
  uint64_t text_bytes;
  struct lens_map known; /* hash of a text -> where it stands */
  bool failed;           /* no memory, or no room for texts */
};

static void put(struct layout *layout, const void *data, size_t count) {
  if (layout->failed || !lens_column_reserve(layout->bytes, layout->used + count, 1)) {
    layout->failed = true;
    return;
  }
  memcpy((uint8_t *)layout->bytes->items + layout->used, data, count);
  layout->used += count;
}

static void put_section(struct layout *layout, uint32_t kind, uint32_t row_bytes, uint64_t count) {
  static const uint8_t zeros[8];
  put(layout, zeros, (size_t)(lens_padded(layout->used) - layout->used));
  const struct lens_file_section section = {kind, row_bytes, count};
  put(layout, &section, sizeof section);
}

/* Where the text stands; one that was met before is not repeated. */
static uint32_t text_of(struct layout *layout, const char *text) {
  size_t bytes = strlen(text) + 1;
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ (uint8_t)text[i]) * 1099511628211u;
  uint32_t *known = lens_map_at(&layout->known, hash, UINT32_MAX);
  const char *texts = layout->texts.items;
  if (known != NULL && *known != UINT32_MAX && strcmp(texts + *known, text) == 0) return *known;
  uint64_t at = layout->text_bytes;
  if (known == NULL || at + bytes > UINT32_MAX ||
      !lens_column_reserve(&layout->texts, at + bytes, 1)) {
    layout->failed = true;
    return 0;
  }
  memcpy((char *)layout->texts.items + at, text, bytes);
  layout->text_bytes += bytes;
  if (*known == UINT32_MAX) *known = (uint32_t)at;
  return (uint32_t)at;
}

static void put_info(struct layout *layout, const lens_moment_info *info,
                     const lens_moment_origin *origin) {
  const struct lens_file_info row = {.objects = info->objects,
                                     .bytes = info->bytes,
                                     .process = origin->process,
                                     .time = origin->time,
                                     .dying = info->dying,
                                     .damaged_blocks = info->damaged_blocks,
                                     .unreadable_bytes = info->unreadable_bytes,
                                     .exactness = info->exactness,
                                     .kind = text_of(layout, origin->kind),
                                     .executable = text_of(layout, origin->executable),
                                     .label = text_of(layout, origin->label)};
  put_section(layout, LENS_SECTION_INFO, sizeof row, 1);
  put(layout, &row, sizeof row);
}

static void put_tables(struct layout *layout, const lens_moment *moment) {
  const lens_moment_info *info = &moment->info;
  put_section(layout, LENS_SECTION_HEAPS, sizeof(struct lens_file_heap), info->heap_count);
  for (uint64_t i = 0; i < info->heap_count; i++) {
    const struct lens_file_heap row = {moment->heaps[i].address, moment->heaps[i].id};
    put(layout, &row, sizeof row);
  }
  put_section(layout, LENS_SECTION_TYPES, sizeof(struct lens_file_type), info->type_count);
  for (uint64_t i = 0; i < info->type_count; i++) {
    const struct lens_file_type row = {text_of(layout, moment->types[i].name),
                                       moment->types[i].heap};
    put(layout, &row, sizeof row);
  }
  put_section(layout, LENS_SECTION_FRAMES, sizeof(struct lens_file_frame), info->frame_count);
  for (uint64_t i = 0; i < info->frame_count; i++) {
    const lens_moment_place *place = &moment->frames[i];
    const struct lens_file_frame row = {.address = place->address,
                                        .offset = place->offset,
                                        .function = text_of(layout, place->function),
                                        .file = text_of(layout, place->file),
                                        .module = text_of(layout, place->module),
                                        .line = place->line};
    put(layout, &row, sizeof row);
  }
  put_section(layout, LENS_SECTION_SITES, sizeof(struct lens_file_site), info->site_count);
  for (uint64_t i = 0; i < info->site_count; i++) {
    const lens_moment_site *site = &moment->sites[i];
    const struct lens_file_site row = {site->first_frame, site->frame_count, site->heap};
    put(layout, &row, sizeof row);
  }
}

/* All that stands before the objects' rows; the checksum is still missing. */
static lens_status lay_out(lens_moment_job *self) {
  const lens_moment *moment = self->source;
  struct layout layout = {.bytes = &self->bytes};
  struct lens_file_head head = {.version = LENS_MOMENT_VERSION};
  memcpy(head.magic, LENS_MOMENT_MAGIC, sizeof head.magic);
  put(&layout, &head, sizeof head);
  (void)text_of(&layout, ""); /* stands first */
  put_info(&layout, &moment->info, &moment->origin);
  put_tables(&layout, moment);
  put_section(&layout, LENS_SECTION_TEXTS, 1, layout.text_bytes);
  if (!layout.failed) put(&layout, layout.texts.items, (size_t)layout.text_bytes);
  put_section(&layout, LENS_SECTION_OBJECTS, 1, moment->info.stored_bytes);
  lens_column_free(&layout.texts);
  lens_map_free(&layout.known);
  if (layout.failed) return LENS_NO_MEMORY;
  head.bytes = lens_padded(layout.used + moment->info.stored_bytes);
  memcpy(self->bytes.items, &head, sizeof head);
  self->byte_count = layout.used;
  return LENS_OK;
}

/* ---- the file ---- */

/* The path that a link leads to, so that the link stays one; a copy of the path itself where it
 * leads to nothing yet. */
static char *resolved(const char *path) {
  char real[PATH_MAX];
  const char *chosen = realpath(path, real) != NULL ? real : path;
  size_t bytes = strlen(chosen) + 1;
  char *copy = lens_alloc(bytes);
  if (copy != NULL) memcpy(copy, chosen, bytes);
  return copy;
}

/* Only a snapshot, an empty file or nothing may stand where a snapshot is put. */
static lens_status refuse_others(lens_moment_job *self) {
  struct stat about;
  if (stat(self->path, &about) != 0) {
    if (errno == ENOENT) return LENS_OK;
    return lens_job_fail(self, LENS_IO, "%s: %s", self->path, strerror(errno));
  }
  if (S_ISDIR(about.st_mode))
    return lens_job_fail(self, LENS_IO, "%s is a directory; name a file in it", self->path);
  bool ours = S_ISREG(about.st_mode) && (about.st_size == 0 || lens_moment_is_file(self->path));
  if (!ours) {
    return lens_job_fail(
        self, LENS_IO,
        "%s is there already and is no snapshot: it is left as it is; name another "
        "file, or remove it",
        self->path);
  }
  return LENS_OK;
}

/* Makes the file beside the wanted one. */
static lens_status open_beside(lens_moment_job *self) {
  size_t room = strlen(self->path) + 40;
  self->beside = lens_alloc(room);
  if (self->beside == NULL) return LENS_NO_MEMORY;
  for (int i = 0; i < NAMES_TRIED; i++) {
    (void)snprintf(self->beside, room, "%s.%ld.%d.part", self->path, (long)getpid(), i);
    self->fd = open(self->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (self->fd >= 0) return LENS_OK;
    if (errno != EEXIST) break;
  }
  lens_status status =
      lens_job_fail(self, LENS_IO, "%s can't be written: %s", self->path, strerror(errno));
  lens_dealloc(self->beside); /* not ours, if it is there */
  self->beside = NULL;
  return status;
}

lens_status lens_moment_save(const lens_moment *moment, const char *path, lens_moment_job **out) {
  lens_moment_job *self = lens_moment_job_new(true);
  *out = self;
  if (self == NULL) return LENS_NO_MEMORY;
  self->source = moment;
  self->path = resolved(path);
  lens_status status = self->path == NULL ? LENS_NO_MEMORY : LENS_OK;
  if (status == LENS_OK) status = refuse_others(self);
  if (status == LENS_OK) status = lay_out(self);
  if (status == LENS_OK) status = open_beside(self);
  if (status == LENS_NO_MEMORY) lens_job_fail(self, status, "out of memory");
  return status;
}

static lens_status write_all(lens_moment_job *self, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(self->fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const char *reason = written == 0 ? "nothing is taken" : strerror(errno);
      return lens_job_fail(self, LENS_IO, "%s can't be written: %s", self->path, reason);
    }
    bytes += written;
    count -= (size_t)written;
  }
  return LENS_OK;
}

/* The next piece of the file; its bytes count towards the checksum, those of the head from its
 * middle on. */
static lens_status write_piece(lens_moment_job *self, uint64_t total) {
  static const uint8_t zeros[8];
  uint64_t rows_end = self->byte_count + self->source->info.stored_bytes, at = self->position;
  const uint8_t *bytes = zeros;
  uint64_t count = total - at;
  if (at < self->byte_count) {
    bytes = (const uint8_t *)self->bytes.items + at;
    count = self->byte_count - at;
  } else if (at < rows_end) {
    bytes = (const uint8_t *)self->source->rows.items + (at - self->byte_count);
    count = rows_end - at;
  }
  if (count > PIECE_BYTES) count = PIECE_BYTES;
  lens_status status = write_all(self, bytes, (size_t)count);
  if (status != LENS_OK) return status;
  uint64_t skipped = at == 0 ? LENS_MOMENT_SUMMED_FROM : 0;
  self->checksum = lens_crc32(self->checksum, bytes + skipped, (size_t)(count - skipped));
  self->position += count;
  return LENS_OK;
}

static lens_status finish(lens_moment_job *self) {
  off_t at = offsetof(struct lens_file_head, checksum);
  const uint32_t *sum = &self->checksum;
  bool done = pwrite(self->fd, sum, sizeof *sum, at) == sizeof *sum && fsync(self->fd) == 0;
  int reason = errno;
  if (close(self->fd) != 0 && done) {
    reason = errno;
    done = false;
  }
  self->fd = -1;
  if (done && rename(self->beside, self->path) != 0) {
    reason = errno;
    done = false;
  }
  if (!done)
    return lens_job_fail(self, LENS_IO, "%s can't be written: %s", self->path, strerror(reason));
  lens_dealloc(self->beside);
  self->beside = NULL;
  return LENS_OK;
}

lens_status lens_save_step(lens_moment_job *self, const lens_slice *slice,
                           lens_progress *progress) {
  uint64_t total = lens_padded(self->byte_count + self->source->info.stored_bytes);
  while (self->position < total) {
    lens_status status = write_piece(self, total);
    if (status != LENS_OK) return status;
    if (self->position < total && lens_slice_over(slice)) {
      if (progress != NULL) *progress = (lens_progress){"writing", self->position, total};
      return LENS_AGAIN;
    }
  }
  return finish(self);
}

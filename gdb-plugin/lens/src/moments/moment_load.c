/* Loading a moment: a file from anywhere, so that nothing in it is believed before it is checked.
 *
 * The file is read as a whole; the sections are found, then the tables are made, then all rows are
 * read once.  No table is larger than the file that it comes from.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/alloc.h"
#include "memory/crc32.h"
#include "model.h"
#include "moments/moment_file.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 36) /* four thousand million objects take less */
enum { PIECE_BYTES = 1 << 20, ROWS_A_CLOCK = 1 << 12 };

static lens_status damaged(lens_moment_job *self, const char *what) {
  return lens_job_fail(self, LENS_CORRUPT, "%s is damaged: %s", self->path, what);
}

/* ---- the bytes ---- */

lens_status lens_moment_load(const char *path, lens_moment_job **out) {
  lens_moment_job *self = lens_moment_job_new(false);
  *out = self;
  if (self == NULL) return LENS_NO_MEMORY;
  size_t bytes = strlen(path) + 1;
  self->path = lens_alloc(bytes);
  if (self->path == NULL) return lens_job_fail(self, LENS_NO_MEMORY, "out of memory");
  memcpy(self->path, path, bytes);
  struct stat about;
  self->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (self->fd < 0 || fstat(self->fd, &about) != 0)
    return lens_job_fail(self, LENS_IO, "%s can't be read: %s", path, strerror(errno));
  if (!S_ISREG(about.st_mode)) return lens_job_fail(self, LENS_IO, "%s is no file", path);
  if (about.st_size < LENS_MOMENT_HEAD_BYTES || !lens_moment_is_file(path))
    return lens_job_fail(self, LENS_IO, "%s is no snapshot", path);
  self->byte_count = (uint64_t)about.st_size;
  if (self->byte_count > FILE_BYTES_MAX) return damaged(self, "it is larger than any snapshot");
  return LENS_OK;
}

/* What the first bytes say of the rest. */
static lens_status check_head(lens_moment_job *self) {
  const struct lens_file_head *head = self->bytes.items;
  if (head->version != LENS_MOMENT_VERSION)
    return lens_job_fail(self, LENS_UNSUPPORTED, "%s has version %u; this program reads version %d",
                         self->path, head->version, LENS_MOMENT_VERSION);
  if (head->bytes > self->byte_count) return damaged(self, "its end is missing");
  if (head->bytes < self->byte_count) return damaged(self, "something stands behind its end");
  if (head->bytes % 8 != 0) return damaged(self, "its size is odd");
  return LENS_OK;
}

static lens_status read_piece(lens_moment_job *self) {
  uint64_t wanted = self->byte_count - self->position;
  if (wanted > PIECE_BYTES) wanted = PIECE_BYTES;
  if (!lens_column_reserve(&self->bytes, self->position + wanted, 1)) return LENS_NO_MEMORY;
  uint8_t *at = (uint8_t *)self->bytes.items + self->position;
  ssize_t got = read(self->fd, at, (size_t)wanted);
  if (got < 0 && errno == EINTR) return LENS_OK;
  if (got < 0)
    return lens_job_fail(self, LENS_IO, "%s can't be read: %s", self->path, strerror(errno));
  if (got == 0) return damaged(self, "its end is missing");
  bool first = self->position < LENS_MOMENT_HEAD_BYTES;
  self->position += (uint64_t)got;
  if (first && self->position < LENS_MOMENT_HEAD_BYTES) return damaged(self, "its end is missing");
  uint64_t skipped = first ? LENS_MOMENT_SUMMED_FROM : 0;
  self->checksum = lens_crc32(self->checksum, at + skipped, (size_t)((uint64_t)got - skipped));
  return first ? check_head(self) : LENS_OK;
}

/* ---- the sections ---- */

static lens_status find_sections(lens_moment_job *self) {
  const uint8_t *bytes = self->bytes.items;
  const struct lens_file_head *head = self->bytes.items;
  if (head->checksum != self->checksum) return damaged(self, "its checksum is wrong");
  for (uint64_t at = LENS_MOMENT_HEAD_BYTES; at < self->byte_count;) {
    struct lens_file_section section;
    if (self->byte_count - at < sizeof section) return damaged(self, "a section is cut off");
    memcpy(&section, bytes + at, sizeof section);
    at += sizeof section;
    uint64_t room = self->byte_count - at;
    if (section.row_bytes == 0 || section.count > room / section.row_bytes)
      return damaged(self, "a section reaches behind its end");
    if (section.kind != 0 && section.kind < LENS_SECTIONS) {
      if (self->sections[section.kind].kind != 0) return damaged(self, "a section comes twice");
      self->sections[section.kind] = section;
      self->starts[section.kind] = at;
    }
    at += lens_padded(section.count * section.row_bytes);
  }
  static const uint32_t least[LENS_SECTIONS] = {
      [LENS_SECTION_INFO] = sizeof(struct lens_file_info),
      [LENS_SECTION_TEXTS] = 1,
      [LENS_SECTION_HEAPS] = sizeof(struct lens_file_heap),
      [LENS_SECTION_TYPES] = sizeof(struct lens_file_type),
      [LENS_SECTION_FRAMES] = sizeof(struct lens_file_frame),
      [LENS_SECTION_SITES] = sizeof(struct lens_file_site),
      [LENS_SECTION_OBJECTS] = 1};
  for (uint32_t kind = 1; kind < LENS_SECTIONS; kind++) {
    if (self->sections[kind].kind == 0) return damaged(self, "a section is missing");
    if (self->sections[kind].row_bytes < least[kind]) return damaged(self, "a row is too short");
  }
  if (self->sections[LENS_SECTION_OBJECTS].row_bytes != 1 ||
      self->sections[LENS_SECTION_TEXTS].row_bytes != 1)
    return damaged(self, "texts or objects are no bytes");
  return LENS_OK;
}

/* Copies the first `bytes` of a row, which is at least as long. */
static void take_row(const lens_moment_job *self, uint32_t kind, uint64_t row, void *out,
                     size_t bytes) {
  uint64_t at = self->starts[kind] + row * self->sections[kind].row_bytes;
  memcpy(out, (const uint8_t *)self->bytes.items + at, bytes);
}

/* ---- the tables ---- */

/* A copy of the text at that offset.  Texts end with a NUL: make_texts has looked. */
static lens_status text_at(lens_moment_job *self, uint32_t offset, const char **out) {
  uint64_t count = self->sections[LENS_SECTION_TEXTS].count;
  if (offset >= count) return damaged(self, "a text lies outside");
  const char *text = (const char *)self->bytes.items + self->starts[LENS_SECTION_TEXTS] + offset;
  *out = lens_moment_text(self->result, text, strlen(text));
  return *out == NULL ? LENS_NO_MEMORY : LENS_OK;
}

static lens_status check_texts(lens_moment_job *self) {
  uint64_t count = self->sections[LENS_SECTION_TEXTS].count;
  const uint8_t *texts = (const uint8_t *)self->bytes.items + self->starts[LENS_SECTION_TEXTS];
  if (count == 0 || texts[count - 1] != 0) return damaged(self, "its texts do not end");
  return LENS_OK;
}

static lens_status make_info(lens_moment_job *self) {
  if (self->sections[LENS_SECTION_INFO].count != 1) return damaged(self, "it has no head");
  struct lens_file_info row;
  take_row(self, LENS_SECTION_INFO, 0, &row, sizeof row);
  if (row.exactness > LENS_CONFIDENCE_CONSERVATIVE || row.objects >= LENS_NONE)
    return damaged(self, "its head makes no sense");
  lens_moment_info *info = &self->result->info;
  info->objects = row.objects;
  info->bytes = row.bytes;
  info->dying = row.dying;
  info->damaged_blocks = row.damaged_blocks;
  info->unreadable_bytes = row.unreadable_bytes;
  info->exactness = row.exactness;
  self->result->origin.process = row.process;
  self->result->origin.time = row.time;
  lens_status status = text_at(self, row.kind, &self->result->origin.kind);
  if (status == LENS_OK) status = text_at(self, row.executable, &self->result->origin.executable);
  if (status == LENS_OK) status = text_at(self, row.label, &self->result->origin.label);
  return status;
}

static lens_status make_heaps_and_types(lens_moment_job *self) {
  lens_moment *moment = self->result;
  uint64_t heaps = self->sections[LENS_SECTION_HEAPS].count;
  uint64_t types = self->sections[LENS_SECTION_TYPES].count;
  moment->heaps = lens_alloc_zeroed(heaps, sizeof *moment->heaps);
  moment->types = lens_alloc_zeroed(types, sizeof *moment->types);
  if (moment->heaps == NULL || moment->types == NULL) return LENS_NO_MEMORY;
  for (uint64_t i = 0; i < heaps; i++) {
    struct lens_file_heap row;
    take_row(self, LENS_SECTION_HEAPS, i, &row, sizeof row);
    moment->heaps[i] = (struct lens_moment_heap){row.address, row.id};
  }
  for (uint64_t i = 0; i < types; i++) {
    struct lens_file_type row;
    take_row(self, LENS_SECTION_TYPES, i, &row, sizeof row);
    if (row.heap != LENS_NONE && row.heap >= heaps) return damaged(self, "a type has no heap");
    moment->types[i].heap = row.heap;
    lens_status status = text_at(self, row.name, &moment->types[i].name);
    if (status != LENS_OK) return status;
  }
  moment->info.heap_count = heaps;
  moment->info.type_count = types;
  return LENS_OK;
}

static lens_status make_frames(lens_moment_job *self) {
  lens_moment *moment = self->result;
  uint64_t frames = self->sections[LENS_SECTION_FRAMES].count;
  moment->frames = lens_alloc_zeroed(frames, sizeof *moment->frames);
  if (moment->frames == NULL) return LENS_NO_MEMORY;
  moment->frame_capacity = frames;
  for (uint64_t i = 0; i < frames; i++) {
    struct lens_file_frame row;
    take_row(self, LENS_SECTION_FRAMES, i, &row, sizeof row);
    lens_moment_place *place = &moment->frames[i];
    place->address = row.address;
    place->offset = row.offset;
    place->line = row.line;
    lens_status status = text_at(self, row.function, &place->function);
    if (status == LENS_OK) status = text_at(self, row.file, &place->file);
    if (status == LENS_OK) status = text_at(self, row.module, &place->module);
    if (status != LENS_OK) return status;
  }
  moment->info.frame_count = frames;
  return LENS_OK;
}

static lens_status make_sites(lens_moment_job *self) {
  lens_moment *moment = self->result;
  uint64_t sites = self->sections[LENS_SECTION_SITES].count, frames = moment->info.frame_count;
  moment->sites = lens_alloc_zeroed(sites, sizeof *moment->sites);
  if (moment->sites == NULL) return LENS_NO_MEMORY;
  moment->site_capacity = sites;
  for (uint64_t i = 0; i < sites; i++) {
    struct lens_file_site row;
    take_row(self, LENS_SECTION_SITES, i, &row, sizeof row);
    bool right = row.frame_count > 0 && row.frame_count <= LENS_SITE_FRAMES &&
                 row.first_frame <= frames && row.frame_count <= frames - row.first_frame &&
                 row.heap < moment->info.heap_count;
    if (!right) return damaged(self, "a site makes no sense");
    moment->sites[i] = (lens_moment_site){row.first_frame, row.frame_count, row.heap};
  }
  moment->info.site_count = sites;
  return LENS_OK;
}

static lens_status make_tables(lens_moment_job *self) {
  self->result = lens_moment_new();
  if (self->result == NULL) return LENS_NO_MEMORY;
  lens_status status = check_texts(self);
  if (status == LENS_OK) status = make_info(self);
  if (status == LENS_OK) status = make_heaps_and_types(self);
  if (status == LENS_OK) status = make_frames(self);
  if (status == LENS_OK) status = make_sites(self);
  if (status != LENS_OK) return status;
  uint64_t count = self->sections[LENS_SECTION_OBJECTS].count;
  if (!lens_column_reserve(&self->result->rows, count, 1)) return LENS_NO_MEMORY;
  const uint8_t *rows = (const uint8_t *)self->bytes.items + self->starts[LENS_SECTION_OBJECTS];
  memcpy(self->result->rows.items, rows, (size_t)count);
  self->result->info.stored_bytes = count;
  lens_column_free(&self->bytes);
  lens_moment_reader_begin(&self->reader, self->result);
  return LENS_OK;
}

/* ---- the rows ---- */

static lens_status check_row(lens_moment_job *self, const struct lens_moment_row *row) {
  lens_moment_info *info = &self->result->info;
  if (row->type >= info->type_count || row->site > info->site_count)
    return damaged(self, "an object has no type or site");
  uint64_t bytes = row->block_bytes + row->extra_bytes;
  if (bytes > UINT64_MAX - self->byte_sum) return damaged(self, "its bytes are too many");
  self->byte_sum += bytes;
  self->next_object++;
  info->serial_count += row->serial != 0;
  return LENS_OK;
}

static lens_status check_rows(lens_moment_job *self, const lens_slice *slice,
                              lens_progress *progress) {
  lens_moment_info *info = &self->result->info;
  for (;;) {
    struct lens_moment_row row;
    lens_status status = lens_moment_row_next(&self->reader, &row);
    if (status == LENS_NOT_FOUND) break;
    status = status == LENS_OK ? check_row(self, &row) : damaged(self, "an object makes no sense");
    if (status != LENS_OK) return status;
    if (self->next_object % ROWS_A_CLOCK == 0 && lens_slice_over(slice)) {
      if (progress != NULL)
        *progress = (lens_progress){"checking the snapshot", self->next_object, info->objects};
      return LENS_AGAIN;
    }
  }
  if (self->next_object != info->objects || self->byte_sum != info->bytes)
    return damaged(self, "it does not hold the objects that it says");
  return LENS_OK;
}

lens_status lens_load_step(lens_moment_job *self, const lens_slice *slice,
                           lens_progress *progress) {
  while (self->position < self->byte_count) {
    lens_status status = read_piece(self);
    if (status != LENS_OK) return status;
    if (lens_slice_over(slice)) {
      if (progress != NULL)
        *progress = (lens_progress){"reading the snapshot", self->position, self->byte_count};
      return LENS_AGAIN;
    }
  }
  if (!self->indexed) {
    lens_status status = find_sections(self);
    if (status == LENS_OK) status = make_tables(self);
    if (status != LENS_OK) return status;
    self->indexed = true;
  }
  return check_rows(self, slice, progress);
}

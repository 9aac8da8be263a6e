/* Rows of a moment, packed: each says how it differs from the one before.
 *
 * A byte of flags, then what they announce, numbers as LEB128 (docs/SNAPSHOT.md).  Objects of one
 * page differ in little, so most rows take two or three bytes.
 *
 * Invariant: what row_next accepts, row_put writes again as the same bytes' meaning; nothing is
 * read behind the end, whatever the bytes are.
 */
#include <string.h>

#include "moments/moment.h"

enum {
  FLAG_STEP = 1,    /* as far from the last one as that was from the one before */
  FLAG_SAME = 2,    /* type and block as before */
  FLAG_EXTRA = 4,   /* it owns buffers */
  FLAG_NEXT = 8,    /* the serial after the last one */
  FLAG_SERIAL = 16, /* another serial */
  FLAG_SITE = 32,   /* another site than before */
  FLAG_CONTENT = 64,
  FLAGS_KNOWN = 127
};

static uint8_t *put_number(uint8_t *at, uint64_t number) {
  while (number >= 0x80) {
    *at++ = (uint8_t)(number | 0x80);
    number >>= 7;
  }
  *at++ = (uint8_t)number;
  return at;
}

/* Small differences of both signs as small numbers. */
static uint64_t folded(uint64_t difference) {
  return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}
static uint64_t unfolded(uint64_t number) {
  return number >> 1 ^ (uint64_t) - (int64_t)(number & 1);
}

/* Both sides move on in the same way. */
static void remember(struct lens_moment_before *before, const struct lens_moment_row *row) {
  before->step = row->address - before->row.address;
  if (row->serial != 0) before->serial = row->serial;
  before->row = *row;
}

bool lens_moment_row_put(lens_moment *self, struct lens_moment_before *before,
                         const struct lens_moment_row *row) {
  uint64_t used = self->info.stored_bytes;
  if (!lens_column_reserve(&self->rows, used + LENS_MOMENT_ROW_BYTES, 1)) return false;
  uint8_t *start = (uint8_t *)self->rows.items + used, *at = start + 1, flags = 0;
  uint64_t step = row->address - before->row.address;
  if (step == before->step) {
    flags |= FLAG_STEP;
  } else {
    at = put_number(at, step);
  }
  if (row->type == before->row.type && row->block_bytes == before->row.block_bytes) {
    flags |= FLAG_SAME;
  } else {
    at = put_number(at, row->type);
    at = put_number(at, row->block_bytes);
  }
  if (row->extra_bytes != 0) {
    flags |= FLAG_EXTRA;
    at = put_number(at, row->extra_bytes);
  }
  if (row->serial != 0 && row->serial == before->serial + 1) {
    flags |= FLAG_NEXT;
  } else if (row->serial != 0) {
    flags |= FLAG_SERIAL;
    at = put_number(at, folded(row->serial - before->serial));
  }
  if (row->site != before->row.site) {
    flags |= FLAG_SITE;
    at = put_number(at, row->site);
  }
  if (row->content != 0) {
    flags |= FLAG_CONTENT;
    memcpy(at, &row->content, sizeof row->content);
    at += sizeof row->content;
  }
  *start = flags;
  self->info.stored_bytes += (uint64_t)(at - start);
  remember(before, row);
  return true;
}

/* A number of at most 64 bits; false where there is none. */
static inline bool take_number(struct lens_moment_reader *reader, uint64_t *number) {
  uint64_t value = 0;
  for (uint32_t shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
    uint8_t byte = *reader->at++;
    uint64_t bits = byte & 0x7fu;
    if (shift == 63 && bits > 1) return false;
    value |= bits << shift;
    if (byte < 0x80) {
      *number = value;
      return true;
    }
  }
  return false;
}

static bool take_narrow(struct lens_moment_reader *reader, uint32_t *number) {
  uint64_t wide;
  if (!take_number(reader, &wide) || wide > UINT32_MAX) return false;
  *number = (uint32_t)wide;
  return true;
}

static bool take_content(struct lens_moment_reader *reader, uint32_t *content) {
  if (reader->end - reader->at < (ptrdiff_t)sizeof *content) return false;
  memcpy(content, reader->at, sizeof *content);
  reader->at += sizeof *content;
  return *content != 0;
}

lens_status lens_moment_row_next(struct lens_moment_reader *reader, struct lens_moment_row *row) {
  if (reader->at == reader->end) return LENS_NOT_FOUND;
  uint8_t flags = *reader->at++;
  struct lens_moment_before *before = &reader->before;
  uint64_t step = before->step, number = 0;
  *row = (struct lens_moment_row){
      .block_bytes = before->row.block_bytes, .type = before->row.type, .site = before->row.site};
  if ((flags & ~FLAGS_KNOWN) != 0) return LENS_CORRUPT;
  if ((flags & FLAG_STEP) == 0 && !take_number(reader, &step)) return LENS_CORRUPT;
  row->address = before->row.address + step;
  if (row->address <= before->row.address) return LENS_CORRUPT;
  if ((flags & FLAG_SAME) == 0 &&
      (!take_narrow(reader, &row->type) || !take_number(reader, &row->block_bytes)))
    return LENS_CORRUPT;
  if ((flags & FLAG_EXTRA) != 0 && !take_number(reader, &row->extra_bytes)) return LENS_CORRUPT;
  if ((flags & FLAG_NEXT) != 0) {
    row->serial = before->serial + 1;
  } else if ((flags & FLAG_SERIAL) != 0) {
    if (!take_number(reader, &number)) return LENS_CORRUPT;
    row->serial = before->serial + unfolded(number);
  }
  if ((flags & FLAG_SITE) != 0 && !take_narrow(reader, &row->site)) return LENS_CORRUPT;
  if ((flags & FLAG_CONTENT) != 0 && !take_content(reader, &row->content)) return LENS_CORRUPT;
  /* An object has a block, and the sum of its bytes is a number. */
  if (row->block_bytes == 0 || row->extra_bytes > UINT64_MAX - row->block_bytes)
    return LENS_CORRUPT;
  remember(before, row);
  return LENS_OK;
}

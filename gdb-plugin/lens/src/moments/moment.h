/* A moment, inside: tables of what was there, and the objects as packed rows.
 *
 * Invariants:
 *  - Rows ascend by address; each names a type and a site of the tables (site 0: none).
 *  - What the tables name lies in them; all texts are printable.
 *  - A moment is filled by one of take (from a lens) and load (from a file), and not changed then
 * but for the names of its frames and its origin.
 *
 * What this is not: columns in the clear.  Two moments are compared by reading both from start to
 * end (diff.c), and a row in 1 to 12 bytes costs less to read than one in 40.
 */
#ifndef LENS_MOMENT_H
#define LENS_MOMENT_H

#include "lens.h"
#include "memory/column.h"
#include "memory/map.h"
#include "memory/pool.h"
#include "memory/slice.h"

struct lens_moment_heap {
  uint64_t address, id;
};
struct lens_moment_type {
  const char *name;
  uint32_t heap; /* LENS_NONE: of objects whose type could not be read */
};

struct lens_moment {
  lens_moment_info info;
  lens_moment_origin origin;
  struct lens_pool *pool; /* texts */
  struct lens_moment_heap *heaps;
  struct lens_moment_type *types;
  lens_moment_place *frames;
  lens_moment_site *sites;
  size_t frame_capacity, site_capacity;
  struct lens_column rows; /* bytes: info.stored_bytes of them */
};

struct lens_moment_row {
  uint64_t address, serial;          /* serial 0: none is known */
  uint64_t block_bytes, extra_bytes; /* extra: of buffers that it owns */
  uint32_t type, site, content;      /* content: hash of the value; 0: none was taken */
};

/* What a row is written as differing from. */
struct lens_moment_before {
  struct lens_moment_row row;
  uint64_t step;   /* between the last two addresses */
  uint64_t serial; /* the last that was not 0 */
};

enum { LENS_MOMENT_ROW_BYTES = 64 }; /* the most that one row takes */

/* Appends a row, which lies behind the last one; false when out of memory. */
bool lens_moment_row_put(lens_moment *self, struct lens_moment_before *before,
                         const struct lens_moment_row *row);

/* Reads rows in order.  All zero but for the bytes is the start. */
struct lens_moment_reader {
  const uint8_t *at, *end;
  struct lens_moment_before before;
};
static inline void lens_moment_reader_begin(struct lens_moment_reader *reader,
                                            const lens_moment *moment) {
  const uint8_t *start = moment->rows.items;
  *reader = (struct lens_moment_reader){.at = start, .end = start + moment->info.stored_bytes};
}
/* The next row: LENS_OK, LENS_NOT_FOUND at the end, LENS_CORRUPT for bytes that are no row.  Type
 * and site are not looked up. */
lens_status lens_moment_row_next(struct lens_moment_reader *reader, struct lens_moment_row *row);

lens_moment *lens_moment_new(void);
/* A text of the moment's own, made printable; NULL when out of memory. */
const char *lens_moment_text(lens_moment *self, const char *text, size_t bytes);
/* Appends; false when out of memory. */
bool lens_moment_site_add(lens_moment *self, uint32_t heap, const uint64_t *frames, uint32_t count);

/* ---- taking (moment_take.c) ---- */

/* A moment that is being taken; all zero: none is. */
struct lens_taking {
  lens_moment *moment;
  struct lens_moment_before before;
  struct lens_map sites; /* heap << 32 | number in the heap -> site of the moment */
  uint64_t row;
  uint32_t arena; /* of the last row */
};
void lens_taking_free(struct lens_taking *taking);

#endif

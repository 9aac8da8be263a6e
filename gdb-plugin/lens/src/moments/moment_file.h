/* Files of moments: what saving and loading share.  docs/SNAPSHOT.md states the format.
 *
 * A head of 32 bytes, then sections; each has rows of one size and a count.  Readers skip sections
 * that they do not know, and what a row has beyond what they know.
 */
#ifndef LENS_MOMENT_FILE_H
#define LENS_MOMENT_FILE_H

#include "moments/moment.h"
#include "text/problem.h"

#define LENS_MOMENT_MAGIC "cairnmom"
enum {
  LENS_MOMENT_VERSION = 1,
  LENS_MOMENT_HEAD_BYTES = 32,
  LENS_MOMENT_SUMMED_FROM = 16,  /* the checksum is of all bytes from here on */
  LENS_MOMENT_SECTION_BYTES = 16 /* of what stands before its rows */
};

enum lens_moment_section_kind {
  LENS_SECTION_INFO = 1,
  LENS_SECTION_TEXTS,
  LENS_SECTION_HEAPS,
  LENS_SECTION_TYPES,
  LENS_SECTION_FRAMES,
  LENS_SECTION_SITES,
  LENS_SECTION_OBJECTS,
  LENS_SECTIONS
};

struct lens_file_head {
  uint8_t magic[8];
  uint32_t version, checksum;
  uint64_t bytes; /* of the file */
  uint64_t reserved;
};
struct lens_file_section {
  uint32_t kind, row_bytes;
  uint64_t count; /* rows; behind them zeros up to a multiple of 8 */
};
struct lens_file_info {
  uint64_t objects, bytes, process, time;
  uint64_t dying, damaged_blocks, unreadable_bytes;
  uint32_t exactness;
  uint32_t kind, executable, label; /* offsets in the texts, as all texts */
};
struct lens_file_heap {
  uint64_t address, id;
};
struct lens_file_type {
  uint32_t name, heap;
};
struct lens_file_frame {
  uint64_t address, offset;
  uint32_t function, file, module, line;
};
struct lens_file_site {
  uint64_t first_frame;
  uint32_t frame_count, heap;
};

struct lens_moment_job {
  bool saving;
  bool done;
  char error[512];
  int fd; /* -1: none is open */
  /* Saving. */
  const lens_moment *source;
  char *path, *beside; /* beside: what is written; NULL: there is no such file */
  /* Loading. */
  lens_moment *result;
  struct lens_moment_reader reader;
  uint64_t next_object, byte_sum;
  bool indexed;
  struct lens_file_section sections[LENS_SECTIONS]; /* by kind; kind 0: there is none */
  uint64_t starts[LENS_SECTIONS];                   /* of their rows, in the file */
  /* Both: `bytes` holds what stands before the objects (saving) or the file (loading). */
  struct lens_column bytes;
  uint64_t byte_count, position;
  uint32_t checksum;
};

lens_status lens_save_step(lens_moment_job *self, const lens_slice *slice, lens_progress *progress);
lens_status lens_load_step(lens_moment_job *self, const lens_slice *slice, lens_progress *progress);
lens_moment_job *lens_moment_job_new(bool saving);

/* Stores the reason and returns the status. */
lens_status lens_job_fail(lens_moment_job *self, lens_status status, const char *format, ...)
    LENS_PRINTF(3, 4);

static inline uint64_t lens_padded(uint64_t bytes) { return (bytes + 7) & ~7ull; }

#endif

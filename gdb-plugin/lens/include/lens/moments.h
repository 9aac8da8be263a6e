/* Moments: what was on the heap at one time, kept or in a file; and what grew between two. */
#ifndef LENS_LENS_MOMENTS_H
#define LENS_LENS_MOMENTS_H

#include "lens/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A moment needs no lens and no target any more: the objects with address, serial, type, bytes and
 * site, and the names of types and places.  It takes 1 to 12 bytes an object. */
typedef struct lens_moment lens_moment;

/* Takes the moment of a finished walk (walks first where that was not done); serials and sites
 * where the heaps track them.  The same call until LENS_OK, which stores the moment: the caller's,
 * for lens_moment_free. */
LENS_API lens_status lens_moment_take(lens *self, uint32_t slice_ms, lens_progress *progress,
                                      lens_moment **out);
LENS_API void lens_moment_free(lens_moment *self);

/* Where a moment comes from, as its taker says it.  Texts are copied; NULL is "". */
typedef struct lens_moment_origin {
  uint64_t process; /* its number; 0: not known */
  uint64_t time;    /* seconds since 1970; 0: not known */
  const char *kind; /* "native", "core", "remote" */
  const char *executable;
  const char *label; /* how the user calls it */
} lens_moment_origin;
/* LENS_NO_MEMORY leaves the moment as it was. */
LENS_API lens_status lens_moment_origin_set(lens_moment *self, const lens_moment_origin *origin);

/* Its texts live as long as the moment, or until the next origin_set. */
LENS_API void lens_moment_origin_get(const lens_moment *self, lens_moment_origin *out);

typedef struct lens_moment_info {
  uint64_t objects, bytes; /* bytes: blocks and the buffers that objects own */
  uint64_t heap_count, type_count, site_count, frame_count;
  uint64_t serial_count;                            /* objects that have a serial */
  uint64_t dying, damaged_blocks, unreadable_bytes; /* that the walk met */
  uint64_t stored_bytes;                            /* of the objects' rows as they are kept */
  uint32_t exactness, reserved;                     /* of the walk: enum lens_confidence */
} lens_moment_info;
LENS_API void lens_moment_info_get(const lens_moment *self, lens_moment_info *out);

/* A line of the program.  What is not known is "" or 0. */
typedef struct lens_moment_place {
  uint64_t address; /* behind the call */
  uint64_t offset;  /* from where the module begins in memory */
  const char *function, *file, *module;
  uint32_t line, reserved;
} lens_moment_place;
/* The callers of all sites stand in one row of frames.  `*out` of frame_set is copied;
 * LENS_NO_MEMORY leaves the frame as it was. */
LENS_API lens_status lens_moment_frame_get(const lens_moment *self, uint64_t frame,
                                           lens_moment_place *out);
LENS_API lens_status lens_moment_frame_set(lens_moment *self, uint64_t frame,
                                           const lens_moment_place *place);
typedef struct lens_moment_site {
  uint64_t first_frame;
  uint32_t frame_count, heap; /* heap: a row of the moment's */
} lens_moment_site;
/* Sites are numbered from 1. */
LENS_API lens_status lens_moment_site_get(const lens_moment *self, uint32_t site,
                                          lens_moment_site *out);

/* ---- files (docs/SNAPSHOT.md) ---- */

/* A saving or loading in progress.  LENS_NO_MEMORY, LENS_IO with the reason in the job's error: a
 * job is there to be freed whatever begin returned, NULL only when there was no memory for it. */
typedef struct lens_moment_job lens_moment_job;
/* Writes beside `path` and puts it in place whole when all is written; what was there before stays
 * until then.  Refuses to replace a file that is no snapshot.  `moment` must stay. */
LENS_API lens_status lens_moment_save(const lens_moment *moment, const char *path,
                                      lens_moment_job **out);
/* Everything in the file is checked before it is used: LENS_CORRUPT says what is wrong with it. */
LENS_API lens_status lens_moment_load(const char *path, lens_moment_job **out);
/* LENS_AGAIN until it is done. */
LENS_API lens_status lens_moment_job_step(lens_moment_job *self, uint32_t slice_ms,
                                          lens_progress *progress);
/* The moment that was loaded: the caller's from now on; NULL when there is none. */
LENS_API lens_moment *lens_moment_job_result(lens_moment_job *self);
LENS_API const char *lens_moment_job_error(const lens_moment_job *self);
/* Gives up what is not done: nothing is left behind. */
LENS_API void lens_moment_job_free(lens_moment_job *self);
/* 1: the file begins as a snapshot does. */
LENS_API uint32_t lens_moment_is_file(const char *path);

/* ---- two moments ---- */

/* An object of one moment is the same in the other when it has the same address in the same heap
 * of the same process and
 *   both have a serial, and it is the same: exact; or else
 *   type and block have the same name and size, and where both are an int, float, str or bytes,
 *   their values have the same hash: tolerant, as what died may have come back alike.
 * Moments of different processes have no object in common: only types and sites are compared. */
typedef struct lens_diff lens_diff;
/* `type_glob` NULL: all types.  Keeps at most `object_capacity` rows of objects, those with the
 * greatest change in bytes.  Both moments must stay.  LENS_NO_MEMORY. */
LENS_API lens_status lens_diff_new(const lens_moment *a, const lens_moment *b,
                                   const char *type_glob, uint64_t object_capacity,
                                   lens_diff **out);
/* Asks of objects of B by their addresses, which ascend: what lens_diff_watched then tells.  Before
 * the first step; the addresses are copied.  LENS_NO_MEMORY, LENS_BAD_ARGUMENT. */
LENS_API lens_status lens_diff_watch(lens_diff *self, const uint64_t *addresses, uint64_t count);
/* A step that failed fails again: what can be done is to begin anew. */
LENS_API lens_status lens_diff_step(lens_diff *self, uint32_t slice_ms, lens_progress *progress);
LENS_API void lens_diff_free(lens_diff *self);

/* Of the objects that match. */
typedef struct lens_diff_totals {
  uint64_t count_a, count_b, bytes_a, bytes_b;
  uint64_t kept, added, gone; /* in both, in B alone, in A alone */
  uint64_t reused;            /* addresses that hold another object in B: added and gone too */
  uint64_t resized;           /* kept, with more or fewer bytes */
  uint64_t kept_by_address;   /* of `kept`, without serials */
  uint64_t type_rows, site_rows, object_rows; /* that there are: changed ones */
  uint64_t types_unchanged;
  uint32_t same_process; /* 0: another one, nothing is kept; 1: the same; 2: by its heaps' addresses
                            alone, as no process is named */
  uint32_t exactness;    /* enum lens_confidence: of the walks, and of the identity */
} lens_diff_totals;
LENS_API lens_status lens_diff_totals_get(const lens_diff *self, lens_diff_totals *out);

typedef struct lens_diff_row {
  const char *type; /* lives as long as the moments */
  uint64_t count_a, count_b, bytes_a, bytes_b, kept, added, gone;
  uint32_t site_a, site_b; /* rows by site: one of its sites in A and in B; 0: none there */
} lens_diff_row;
/* Rows that changed, the greatest change in bytes first (then in objects, then by name), from the
 * first-th on: a row a type, or a row a type and place that allocated. */
LENS_API lens_status lens_diff_types(const lens_diff *self, uint64_t first, uint64_t capacity,
                                     lens_diff_row *rows, uint64_t *written, uint64_t *total);
LENS_API lens_status lens_diff_sites(const lens_diff *self, uint64_t first, uint64_t capacity,
                                     lens_diff_row *rows, uint64_t *written, uint64_t *total);
enum lens_change { LENS_CHANGE_ADDED, LENS_CHANGE_GONE, LENS_CHANGE_RESIZED };
typedef struct lens_diff_object {
  uint64_t address, serial, bytes_a, bytes_b; /* bytes 0: it is not there */
  const char *type;
  uint32_t change; /* enum lens_change */
  uint32_t reused; /* 1: another object was, or is, at the address */
  uint32_t site_a, site_b;
} lens_diff_object;
/* The objects that were kept, the greatest change first. */
LENS_API lens_status lens_diff_objects(const lens_diff *self, uint64_t first, uint64_t capacity,
                                       lens_diff_object *rows, uint64_t *written, uint64_t *total);

enum lens_watched {
  LENS_WATCHED_ABSENT, /* no object is there in B */
  LENS_WATCHED_NEW,
  LENS_WATCHED_KEPT,           /* it was in A: its serial says so */
  LENS_WATCHED_KEPT_BY_ADDRESS /* the same without a serial */
};
/* An enum lens_watched for each of the addresses. */
LENS_API lens_status lens_diff_watched(const lens_diff *self, uint64_t capacity, uint32_t *fates,
                                       uint64_t *written, uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif

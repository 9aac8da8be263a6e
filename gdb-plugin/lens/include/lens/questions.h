/* Questions over the snapshot that need no roots: rows, censuses, referrers. */
#ifndef LENS_LENS_QUESTIONS_H
#define LENS_LENS_QUESTIONS_H

#include "lens/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lens_sort {
  LENS_SORT_REFCOUNT,
  LENS_SORT_SIZE,
  LENS_SORT_ADDRESS,
  LENS_SORT_TYPE,
  LENS_SORT_RETAINED /* needs a finished lens_retained; what is not reached retains 0 */
};
typedef struct lens_filter {
  const char *type_glob; /* NULL: all; `*`, `?`, `[...]` as fnmatch */
  uint64_t refcount_min, refcount_max, size_min,
      size_max;     /* inclusive; set max to UINT64_MAX for none */
  uint32_t heap;    /* flat heap index, LENS_NONE: all */
  uint32_t sort;    /* enum lens_sort */
  uint32_t reverse; /* 0: the greatest key is kept when `capacity` cuts; rows come greatest first */
  uint32_t reserved;
} lens_filter;
/* The rows that match, the first `capacity` in the order asked; `matched` counts all.  Ties: by
 * address. */
LENS_API lens_status lens_select(lens *self, const lens_filter *filter, uint64_t capacity,
                                 lens_object *rows, uint64_t *written, uint64_t *matched);

typedef struct lens_type_census {
  uint32_t type, refcount_min, refcount_max, reserved;
  uint64_t count, bytes;
} lens_type_census;
LENS_API lens_status lens_census(lens *self, uint64_t capacity, lens_type_census *rows,
                                 uint64_t *written, uint64_t *total);
typedef struct lens_count_census {
  uint32_t refcount, immortal;
  uint64_t count, bytes;
} lens_count_census;
LENS_API lens_status lens_refcounts(lens *self, uint64_t capacity, lens_count_census *rows,
                                    uint64_t *written, uint64_t *total);

/* Who holds: one row a slot in a live or dying object (all kinds of references).  Uses the index
 * where there is one, else scans. */
typedef struct lens_referrer {
  uint64_t holder;
  lens_ref ref;
  uint32_t holder_dying, reserved;
} lens_referrer;
LENS_API lens_status lens_referrers(lens *self, uint64_t address, uint32_t slice_ms, uint64_t first,
                                    uint64_t capacity, lens_referrer *rows, uint64_t *written,
                                    uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif

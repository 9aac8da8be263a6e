/* Why an object lives: the shortest ways to it from what holds from outside the heap. */
#ifndef LENS_LENS_PATHS_H
#define LENS_LENS_PATHS_H

#include "lens/accounts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lens_way_start {
  LENS_WAY_ROOT,     /* a root that was added */
  LENS_WAY_RUNTIME,  /* the runtime itself holds the first object */
  LENS_WAY_IMMORTAL, /* the first object is never freed */
  LENS_WAY_DYING     /* the first object is dying, and owns what its slots still hold */
};
typedef struct lens_way {
  uint64_t root;    /* LENS_WAY_ROOT: for lens_root_get; else 0 */
  uint64_t objects; /* on the way, both ends included */
  uint32_t start;   /* enum lens_way_start */
  uint32_t first;   /* the first object on the way */
  uint32_t variant; /* 1: a way from the same start stands before it */
  uint32_t reserved;
} lens_way;

enum { LENS_WAYS_MAX = 10000 };

/* Finds the `wanted` (1 .. LENS_WAYS_MAX) shortest ways to an object, by the roots that were added
 * so far: first one of each start, the shortest first, of equal length those that start at the
 * surer root; then, where there are fewer starts, other ways from them.  Over strong and opaque
 * edges; with `soft` also over weak and borrowed ones.  No object stands twice on a way.  Walks and
 * indexes first where that was not done.  The same arguments at each call until LENS_OK.
 * LENS_AGAIN / LENS_OK.  O(objects + edges) at most; stops where enough was found. */
LENS_API lens_status lens_paths(lens *self, uint32_t object, uint64_t wanted, uint32_t soft,
                                uint32_t slice_ms, lens_progress *progress);
typedef struct lens_paths_totals {
  uint64_t ways;     /* that were found */
  uint64_t starts;   /* that lead to it, as far as was looked */
  uint64_t holders;  /* objects that lead to it, as far as was looked, itself included */
  uint32_t complete; /* 1: all that leads to it was looked at */
  uint32_t given_up; /* 1: there may be more variants */
} lens_paths_totals;
/* Of the last finished lens_paths; these until the next one, until roots are added or cleared,
 * lens_refresh or lens_free. */
LENS_API lens_status lens_paths_totals_get(const lens *self, lens_paths_totals *out);
LENS_API lens_status lens_way_get(const lens *self, uint64_t way, lens_way *out);
/* The objects of a way from the first-th on.  O(their number up to there). */
LENS_API lens_status lens_way_objects(const lens *self, uint64_t way, uint64_t first,
                                      uint64_t capacity, uint32_t *objects, uint64_t *written,
                                      uint64_t *total);
/* The first slot by which one object holds another, a strong one where there is one.
 * LENS_NOT_FOUND: there is none.  O(slots of the holder). */
LENS_API lens_status lens_holding_ref(lens *self, uint32_t holder, uint32_t target, lens_ref *out);

#ifdef __cplusplus
}
#endif

#endif

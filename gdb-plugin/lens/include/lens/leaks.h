/* What is garbage: what leaks, and what the collector would free now. */
#ifndef LENS_LENS_LEAKS_H
#define LENS_LENS_LEAKS_H

#include "lens/accounts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- leaks ---- */

/* Garbage: what neither roots nor the runtime nor anything immortal, dying, damaged or in flux
 * leads to, over strong and opaque edges; and what a collection frees (lens_collect), as a root
 * that leads there was not counted: it borrows, or is a stale word.  A leak is a set of garbage
 * objects that hold each other (or one object), and that either nothing else holds, or whose counts
 * say that more hold it than do; the rest of the garbage hangs on leaks.  What hangs on one alone
 * is counted with it.  What hangs on several are rows of their own, each a set of objects that is
 * held jointly, with what hangs on it alone: every object of the garbage is in one row. */
enum lens_leak_kind {
  LENS_LEAK_CYCLE, /* each count is explained by garbage: the collector frees it */
  LENS_LEAK_LOST,  /* `surplus` references are counted that nobody holds */
  LENS_LEAK_JOINT  /* no leak: held by several of the others, and goes with the last of them */
};
typedef struct lens_leak {
  uint32_t number; /* of the row, 0, 1, ... */
  uint32_t kind;   /* enum lens_leak_kind */
  uint32_t root;   /* the object with the greatest surplus; ties and cycles: one of the first type
                      that the program defined, the lowest */
  uint32_t held;   /* 1: other rows hold it too, so it goes only after those */
  uint64_t own_objects, own_bytes; /* of its own set */
  uint64_t objects, bytes; /* with all that hangs on it alone: what goes when it does; own bytes
                              (lens_weights) */
  uint64_t surplus;
  uint64_t root_refs; /* roots that point to its own set without being counted */
} lens_leak;
typedef struct lens_leaks_totals {
  uint64_t object_count, bytes; /* all garbage */
  uint64_t cycles, cycle_objects, cycle_bytes;
  uint64_t lost, lost_objects, lost_bytes;
  uint64_t joints, shared_objects, shared_bytes; /* what hangs on several leaks */
  uint64_t roots, guessed_roots; /* that were added; of them, those that only look like one */
  uint64_t guessed_registers, guessed_words, guessed_foreign; /* of these, by where they are */
  uint64_t stale_words; /* no roots: in blocks that malloc got back (lens_roots_scan) */
} lens_leaks_totals;
/* Finds the leaks, judged by the roots that were added so far.  Walks, indexes and weighs first
 * where that was not done; what lens_reach found before is gone.  LENS_AGAIN / LENS_OK.
 * O(objects + edges), and beside reachability 40 bytes for each object of the garbage. */
LENS_API lens_status lens_leaks(lens *self, uint32_t slice_ms, lens_progress *progress);
/* All of these: of the last finished lens_leaks; until roots are added or cleared, lens_refresh or
 * lens_free. */
LENS_API lens_status lens_leaks_totals_get(const lens *self, lens_leaks_totals *out);
/* The leaks whose root's type matches (NULL: all), most bytes first, ties by the root's address. */
LENS_API lens_status lens_leaks_select(lens *self, const char *type_glob, uint64_t capacity,
                                       lens_leak *rows, uint64_t *written, uint64_t *matched);
/* What is held jointly, most bytes first, ties by the lowest object. */
LENS_API lens_status lens_leaks_joint(lens *self, uint64_t capacity, lens_leak *rows,
                                      uint64_t *written, uint64_t *total);
/* The rows whose objects hold one of the own set of row `number`, by their numbers, ascending; a
 * row of LENS_LEAK_JOINT has two or more.  O(garbage). */
LENS_API lens_status lens_leak_holders(lens *self, uint32_t number, uint64_t capacity,
                                       uint32_t *numbers, uint64_t *written, uint64_t *total);
/* The row that an object belongs to: its number.  LENS_NOT_FOUND: it is no garbage. */
LENS_API lens_status lens_leak_of(const lens *self, uint32_t object, uint32_t *number);
/* A row by its number. */
LENS_API lens_status lens_leak_get(const lens *self, uint32_t number, lens_leak *out);

/* Leaks by kind and type of their roots; rows in the order of types, cycles first. */
typedef struct lens_leak_census {
  uint32_t type, kind; /* flat type; LENS_NONE: none that is known */
  uint64_t leaks, objects, bytes;
} lens_leak_census;
LENS_API lens_status lens_leaks_census(lens *self, uint64_t capacity, lens_leak_census *rows,
                                       uint64_t *written, uint64_t *total);

/* ---- the collector's arithmetic ---- */

/* What a collection would make of an object.
 *
 * The collector looks at its members: live objects of ordinary heaps, of types that can be in
 * cycles, with a count that means something.  internal: the references that members hold;
 * external = count - internal. */
enum lens_collect_verdict {
  LENS_COLLECT_NONE,    /* no member, and it stays */
  LENS_COLLECT_KEPT,    /* external > 0 */
  LENS_COLLECT_REACHED, /* external is 0, but what is kept reaches it */
  LENS_COLLECT_GARBAGE, /* external is 0, and only garbage reaches it: freed */
  LENS_COLLECT_FALLS,   /* freed as only what is freed holds it; `internal` are those references */
  LENS_COLLECT_SWEPT    /* an interned str that only the intern table still holds: freed */
};
typedef struct lens_collected {
  uint64_t object_count;
  uint64_t members, candidates; /* candidates: members whose header says so */
  uint64_t kept, reached, garbage, falls, swept;
  uint64_t freed_objects, freed_bytes; /* garbage, falls and swept; blocks and their buffers */
  uint64_t finalizers; /* freed objects with a finalizer that has not run: what it brings back stays
                        */
  uint64_t opaque;     /* members whose references are taken on suspicion */
  uint64_t busy_heaps; /* heaps that are in mid-collection or mid-release: there a collection would
                          do nothing before that is over */
  uint64_t full_heaps; /* heaps whose members are all objects that may be */
  const uint8_t *verdict;   /* enum lens_collect_verdict, an object each */
  const uint32_t *internal; /* an object each; of members, and of what falls or is swept */
} lens_collected;

/* Works out what cairn_collect would do to `heap` (LENS_NONE: to each heap) or, with `local`, what
 * cairn_collect_candidates would: there the members are what candidates reach, until that is too
 * much.  Exact for heaps without opaque types; finalizers may bring objects back.  Walks and
 * indexes first where that was not done.  LENS_AGAIN / LENS_OK; the same heap and mode at each
 * call until LENS_OK.  O(objects + edges), 10 bytes an object. */
LENS_API lens_status lens_collect(lens *self, uint32_t heap, uint32_t local, uint32_t slice_ms,
                                  lens_progress *progress);
/* Of the last finished lens_collect; valid until the next one, lens_refresh or lens_free. */
LENS_API lens_status lens_collected_get(const lens *self, lens_collected *out);

/* Which rows are wanted, added up. */
enum lens_collect_which {
  LENS_COLLECT_FREED = 1,
  LENS_COLLECT_KEPT_CANDIDATES = 2,
  LENS_COLLECT_KEPT_MEMBERS = 4 /* candidates too */
};
typedef struct lens_collect_row {
  uint32_t object, verdict; /* enum lens_collect_verdict */
  uint64_t refcount, internal;
  int64_t external;
} lens_collect_row;
/* What is freed stands first, the largest first, ties by address; then what is kept, those with the
 * most external references first.  `type_glob` NULL: all types. */
LENS_API lens_status lens_collect_rows(lens *self, uint32_t which, const char *type_glob,
                                       uint64_t capacity, lens_collect_row *rows, uint64_t *written,
                                       uint64_t *matched);

#ifdef __cplusplus
}
#endif

#endif

/* Roots, accounting and reachability. */
#ifndef LENS_LENS_ACCOUNTS_H
#define LENS_LENS_ACCOUNTS_H

#include "lens/snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lens_root_kind {
  LENS_ROOT_ARG,
  LENS_ROOT_LOCAL,
  LENS_ROOT_STATIC,
  LENS_ROOT_GLOBAL,
  LENS_ROOT_TLS,
  LENS_ROOT_REGISTER,
  LENS_ROOT_WORD,
  LENS_ROOT_FOREIGN
};
enum lens_confidence {
  LENS_CONFIDENCE_EXACT,
  LENS_CONFIDENCE_TOLERANT,
  LENS_CONFIDENCE_CONSERVATIVE
};
typedef struct lens_root {
  uint64_t slot_address;               /* the storage; 0: a register */
  uint64_t value;                      /* the word */
  uint32_t object;                     /* snapshot index it resolves to */
  uint32_t kind, confidence, interior; /* interior: the word points behind the object's start */
  uint32_t thread, frame;              /* the caller's numbers, for naming; LENS_NONE: none */
  uint64_t tag;                        /* the caller's, handed back */
  uint32_t
      unmerged; /* 1: surely the place of one variable alone, as in code that is not optimised */
  uint32_t reserved;
} lens_root;
LENS_API void lens_roots_clear(lens *self);
/* Adds a slot that the caller found (a variable, a register).  A slot address that is known already
 * is replaced when the new kind is a named one (arg..tls) and the old was word or foreign; else
 * kept.  Needs a finished walk.  A value that is in no object is ignored. */
LENS_API lens_status lens_root_add(lens *self, const lens_root *root);
/* Scans the aligned words of [start, end) for values that lie in an object's block; adds each as
 * `kind`.  Sliced: `*cursor` starts at `start`; `*added` is how many roots this call added.  Of
 * kind foreign, words in blocks that glibc's malloc gave out and got back are no roots. */
LENS_API lens_status lens_roots_scan(lens *self, uint64_t start, uint64_t end, uint32_t kind,
                                     uint32_t thread, uint32_t slice_ms, uint64_t *cursor,
                                     uint64_t *added);
/* Written regions that are neither arenas, heap metadata nor stacks: what `foreign` scanning must
 * cover. */
LENS_API lens_status lens_foreign_ranges(lens *self, uint64_t capacity, lens_region *ranges,
                                         uint64_t *written, uint64_t *total);
LENS_API uint64_t lens_root_count(const lens *self);
LENS_API lens_status lens_root_get(const lens *self, uint64_t index, lens_root *out);
/* Roots of one object: indices for lens_root_get. */
LENS_API lens_status lens_roots_of(const lens *self, uint32_t object, uint64_t capacity,
                                   uint64_t *roots, uint64_t *written, uint64_t *total);

enum lens_verdict {
  LENS_BALANCED,
  LENS_OVER_RETAINED,
  LENS_UNDER_RETAINED,
  LENS_VERDICT_IMMORTAL,
  LENS_VERDICT_UNKNOWN
};
typedef struct lens_account {
  uint64_t refcount, heap_refs, runtime_refs, root_refs;
  int64_t surplus;
  uint32_t verdict, exactness;
} lens_account;
/* balanced: heap + runtime <= refcount <= heap + runtime + root; surplus > 0 over, < 0 under.
 * Judged by the roots that were added so far.  `heap_refs` counts opaque words too: they may
 * explain a count, but never make it too low.  Needs a finished walk; uses the index where there is
 * one, else scans.  LENS_AGAIN / LENS_OK. */
LENS_API lens_status lens_account_object(lens *self, uint32_t object, uint32_t slice_ms,
                                         lens_account *out);

/* The accounts of all objects at once, columns beside those of lens_columns (walks and indexes
 * first where that was not done).  Valid until the next lens_account_all, lens_root_add,
 * lens_roots_scan, lens_roots_clear, lens_refresh or lens_free. */
typedef struct lens_accounts {
  uint64_t object_count;
  const uint32_t *heap_refs;   /* strong slots: exact */
  const uint32_t *opaque_refs; /* words of opaque objects that look like references; NULL: there is
                                  no opaque type */
  const uint32_t *root_refs;   /* distinct slots outside the heap, of all kinds and confidences */
  const uint32_t *runtime_refs;
  const uint8_t *verdict;                            /* enum lens_verdict */
  uint64_t balanced, over, under, immortal, unknown; /* objects of each verdict */
  uint64_t surplus, deficit;                         /* references too many, too few, summed */
  uint32_t exactness, reserved;
} lens_accounts;
LENS_API lens_status lens_account_all(lens *self, uint32_t slice_ms, lens_progress *progress);
LENS_API lens_status lens_accounts_get(const lens *self, lens_accounts *out);

/* What is reachable over strong and opaque edges (indexes first where that was not done), from the
 * `start_count` objects of `starts` and from what `from` names; the same at each call until
 * LENS_OK. */
enum lens_reach_from {
  LENS_REACH_ROOTS = 1,    /* the roots added so far */
  LENS_REACH_RUNTIME = 2,  /* heap.runtime_slots and objects that the runtime holds */
  LENS_REACH_IMMORTAL = 4, /* objects that are never freed */
  LENS_REACH_UNSURE = 8    /* objects that are dying, damaged or in flux */
};
typedef struct lens_reached {
  uint64_t object_count, bytes; /* reachable */
  const uint64_t *marks;        /* object i: marks[i / 64] >> (i % 64) & 1 */
} lens_reached;
LENS_API lens_status lens_reach(lens *self, const uint32_t *starts, uint64_t start_count,
                                uint32_t from, uint32_t slice_ms, lens_progress *progress);
/* Of the last finished lens_reach; valid until the next one, lens_refresh or lens_free. */
LENS_API lens_status lens_reached_get(const lens *self, lens_reached *out);

#ifdef __cplusplus
}
#endif

#endif

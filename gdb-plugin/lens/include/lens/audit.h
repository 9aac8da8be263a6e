/* The audit: all counts that are not explained, the worst first, and how sure that is. */
#ifndef LENS_LENS_AUDIT_H
#define LENS_LENS_AUDIT_H

#include "lens/accounts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a finding is not certain. */
enum lens_doubt {
  LENS_DOUBT_STAND_IN = 1, /* a register or a place on the stack of optimised code holds it: one
                              such place may stand for several references */
  LENS_DOUBT_FLUX = 2,     /* its heap was stopped while references of it were on their way */
  LENS_DOUBT_OPAQUE = 4,   /* an object of an opaque type may hold it in a form that none can see */
  LENS_DOUBT_UNREADABLE = 8, /* a part of the heaps that can't be read may hold it */
  LENS_DOUBT_ROOTS = 16,   /* not every place outside the heaps was searched: the caller says so */
  LENS_DOUBT_GUESSED = 32, /* balanced only where raw words, which may be stale, own it */
  LENS_DOUBT_STALE = 64    /* a word in a block that malloc seems to have got back leads to it */
};
typedef struct lens_audit_filter {
  const char *type_glob;  /* NULL: all; as in lens_filter */
  uint32_t roots_missing; /* 1: LENS_DOUBT_ROOTS holds */
  uint32_t guessed;       /* 1: balanced objects with LENS_DOUBT_GUESSED are findings too */
} lens_audit_filter;

/* Judges all objects by the roots that were added so far (walks, indexes and accounts first where
 * that was not done).  With another filter than at the call before it begins anew.  LENS_AGAIN /
 * LENS_OK. */
LENS_API lens_status lens_audit(lens *self, const lens_audit_filter *filter, uint32_t slice_ms,
                                lens_progress *progress);

/* Objects of the types that match.  `over` and `under` are those without a doubt. */
typedef struct lens_audit_totals {
  uint64_t balanced, over, under, immortal, unknown;
  uint64_t over_doubtful, under_doubtful;
  uint64_t freed;            /* freed objects that strong slots still hold; counted in `under` */
  uint64_t stray;            /* strong slots that lead to no block at all: the check names them */
  uint64_t guessed;          /* balanced ones with LENS_DOUBT_GUESSED */
  uint64_t surplus, deficit; /* references, of those without a doubt */
  uint64_t findings;         /* rows of lens_findings */
  uint32_t exactness, reserved;
} lens_audit_totals;
LENS_API lens_status lens_audit_totals_get(const lens *self, lens_audit_totals *out);

typedef struct lens_finding {
  uint64_t address;
  uint32_t object;  /* snapshot index; LENS_NONE: it was freed, and slots hold it still */
  uint32_t verdict; /* enum lens_verdict: over- or under-retained; balanced with a guess */
  int64_t surplus;
  uint64_t refcount, heap_refs, runtime_refs, root_refs;
  uint64_t guessed_refs; /* of the roots: raw words and the like, LENS_CONFIDENCE_CONSERVATIVE */
  uint64_t size_bytes;   /* of the block */
  uint32_t type;         /* flat; LENS_NONE: not known any more */
  uint32_t doubts;       /* enum lens_doubt; 0: certain */
} lens_finding;
/* Of the last finished lens_audit, at most `capacity` rows, the worst first: the certain ones
 * before the doubtful, then by the number of references, by bytes, by address.  Valid until roots
 * change, or lens_refresh. */
LENS_API lens_status lens_findings(lens *self, uint64_t capacity, lens_finding *rows,
                                   uint64_t *written, uint64_t *total);

/* The one at an address.  LENS_NOT_FOUND: the last lens_audit found nothing there.  O(log rows). */
LENS_API lens_status lens_finding_at(lens *self, uint64_t address, lens_finding *out);

#ifdef __cplusplus
}
#endif

#endif

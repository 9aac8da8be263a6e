/* Pairing: which release gave back what which allocation or retain had taken, and what is left
 * over.
 *
 * Events tell when and where, not which goes with which.  Objects that were freed, and live ones
 * whose count is explained exactly, are balanced by definition: their events teach which places go
 * together.  docs/TRACKING.md states the rule.
 *
 * The order of calls: lens_pairs_read, then (where functions are known) lens_pair_function_set,
 * lens_pairs_learn, and then questions.
 */
#ifndef LENS_LENS_PAIRS_H
#define LENS_LENS_PAIRS_H

#include "lens/audit.h"
#include "lens/tracking.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads what is left of the events of all heaps.  LENS_AGAIN / LENS_OK; LENS_NOT_FOUND: no heap
 * records events. */
LENS_API lens_status lens_pairs_read(lens *self, uint32_t slice_ms, lens_progress *progress);

/* A place in the program that allocates, retains or releases: a caller, with the callers around it
 * where the program recorded more than one. */
typedef struct lens_pair_site {
  uint64_t caller;     /* a return address; 0: not known */
  uint64_t function;   /* as it was set; 0: not known */
  uint32_t heap, site; /* lens_site_get tells the callers around it; site 0: there are none */
  uint32_t inner;      /* 1, as it was set: what happens here is as lens_event.inner has it */
  uint32_t reserved;
} lens_pair_site;
LENS_API uint64_t lens_pair_site_count(const lens *self);
LENS_API lens_status lens_pair_site_get(const lens *self, uint64_t index, lens_pair_site *out);
/* Says which function a place is in (any number that is the same for the same function; 0: not
 * known), and with `inner` 1 that it is a container's own, inlined into the program. */
LENS_API lens_status lens_pair_function_set(lens *self, uint64_t index, uint64_t function,
                                            uint32_t inner);

/* Learns which places go together; live objects teach where lens_account_all (or lens_audit) is
 * finished.  LENS_AGAIN / LENS_OK. */
LENS_API lens_status lens_pairs_learn(lens *self, uint32_t slice_ms, lens_progress *progress);

/* How sure it is that a place is the one. */
enum lens_sureness {
  LENS_CERTAIN, /* no other place can be: the numbers alone say so */
  LENS_LIKELY,  /* what places do in all other objects leaves nearly no other explanation */
  LENS_POSSIBLE /* others might be it as well; this fits best */
};

typedef struct lens_pairing {
  uint64_t object, serial;
  uint32_t heap, type;
  uint64_t deed_count; /* its events */
  uint64_t lost_refs;  /* references it had before the first of them: their origin is overwritten */
  uint32_t freed;      /* 1: it was freed */
  uint32_t cut;        /* 1: only its last events were paired: there are too many */
  uint32_t gaps;       /* 1: counts jump between its events: some are missing */
  uint32_t unmatched_count; /* rows of lens_unmatched_rows */
} lens_pairing;
/* Pairs the events of one object, by its heap and serial, with what holds it by lens_account_all
 * (which must be finished).  LENS_NOT_FOUND: no event of it is left.  The rows below are of the
 * last one. */
LENS_API lens_status lens_pairing_of(lens *self, uint64_t heap, uint64_t serial, uint32_t slice_ms,
                                     lens_progress *progress, lens_pairing *out);

enum lens_fate {
  LENS_FATE_NONE,      /* neither takes nor gives back: the free itself */
  LENS_FATE_PAIRED,    /* with the event `partner` */
  LENS_FATE_HELD,      /* what was taken is held now */
  LENS_FATE_ROOT,      /* ... or may be, by a root */
  LENS_FATE_GONE,      /* ... went with the object, in garbage that was collected */
  LENS_FATE_LOST,      /* a release of what was taken before the first event that is left */
  LENS_FATE_UNMATCHED, /* a release is missing; of a release, the retain */
  LENS_FATE_CUT        /* too far back: not paired */
};
typedef struct lens_deed {
  uint64_t sequence, partner; /* 0: none */
  uint32_t op, count, thread; /* as in lens_event */
  uint32_t site, inner;       /* site: an index of lens_pair_site_get */
  uint32_t fate;              /* enum lens_fate */
  uint32_t guessed; /* 1: partner and fate are one way of several that fit: another place's take or
                       release may be meant */
  uint32_t known;   /* 1: partner and fate are a fact: the target says for whom it was */
  uint64_t holder;  /* as in lens_event */
} lens_deed;
/* In order, from the first-th on. */
LENS_API lens_status lens_deeds(const lens *self, uint64_t first, uint64_t capacity,
                                lens_deed *rows, uint64_t *written, uint64_t *total);

#define LENS_OTHERS_MAX 4u /* lens_unmatched.others */
/* What is left over at one place. */
typedef struct lens_unmatched {
  uint32_t site;          /* LENS_NONE: not known, it was overwritten; or no place at all */
  uint32_t op;            /* LENS_EVENT_ALLOCATE, _RETAIN, _RELEASE; LENS_EVENT_OTHER: a slot that
                             holds the object without having retained it */
  uint32_t inner;         /* as in lens_event */
  uint32_t sureness;      /* enum lens_sureness; of several, the weakest */
  uint64_t count;         /* references */
  uint64_t objects;       /* that they are of */
  uint64_t partner_count; /* how often it goes with `partner` elsewhere */
  uint32_t partner;       /* LENS_NONE: not known */
  uint32_t other_count;   /* where it is only possible: places that might be it instead, */
  uint32_t others[4];     /* the likeliest first */
  uint32_t other_more;    /* ... and how many more there are */
  uint32_t reserved;
} lens_unmatched;
LENS_API lens_status lens_unmatched_rows(const lens *self, uint64_t capacity, lens_unmatched *rows,
                                         uint64_t *written, uint64_t *total);

/* Pairs the events of all findings of the last lens_audit and sums up by place.  LENS_AGAIN /
 * LENS_OK. */
LENS_API lens_status lens_blame(lens *self, uint32_t slice_ms, lens_progress *progress);
/* Of the last finished lens_blame: the most references first.  `*silent` is how many findings have
 * no event left. */
LENS_API lens_status lens_blame_rows(const lens *self, uint64_t capacity, lens_unmatched *rows,
                                     uint64_t *written, uint64_t *total, uint64_t *silent);
#ifdef __cplusplus
}
#endif

#endif

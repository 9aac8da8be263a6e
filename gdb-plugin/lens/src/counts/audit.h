/* The audit in progress and its findings. */
#ifndef LENS_AUDIT_H
#define LENS_AUDIT_H

#include "memory/best.h"
#include "memory/column.h"
#include "memory/sort.h"
#include "model.h"

enum { LENS_AUDIT_WORST = 1 << 10 };

/* A finding as it is kept: what else is shown of it follows. */
struct lens_audit_row {
  uint64_t address;
  uint32_t object; /* LENS_NONE: freed */
  uint32_t doubts;
  uint32_t slots; /* freed: the strong slots that lead to it */
  uint32_t type;
};

/* The slots of the index's strays, when they are sorted, that lead to one place. */
struct lens_stray_place {
  uint64_t first, end; /* those before `end` were looked at */
  bool in_flux;        /* a holder is */
};

/* let_go.c; NULL: not worked out. */
struct lens_let_go {
  uint32_t *words;  /* by object: words of what has let go that lead to it */
  uint64_t *hidden; /* by flat heap: such words that are not seen any more, at most */
};

struct lens_audit_state {
  bool started, complete;
  bool resizing; /* a heap was stopped while elements of an array were being shifted */
  lens_audit_filter filter;
  char *type_glob;      /* the filter's, or NULL */
  uint8_t *matches;     /* by flat type; the last: objects without a type */
  uint8_t *heap_doubts; /* by flat heap: what holds for its over-retained objects */
  uint8_t *reclaims;    /* by flat heap: garbage may wait there whose counts are too high */
  struct lens_let_go let_go;
  uint64_t *in_flux;       /* a bit an object; NULL: none is */
  struct lens_column rows; /* struct lens_audit_row, by address; the freed ones last */
  struct lens_best *worst; /* the LENS_AUDIT_WORST worst of them, a heap */
  uint64_t worst_count;
  uint64_t row;                  /* the next object to be judged */
  struct lens_sorting sorting;   /* of the strays */
  struct lens_stray_place place; /* the next one to be judged */
  lens_audit_totals totals;
};

void lens_audit_free(struct lens_audit_state *self);

/* Adds a row of a place where no object is any more, where its type is wanted. */
lens_status lens_audit_add_freed(lens *self, struct lens_audit_row *row, uint64_t block_bytes);
/* strays.c: finds those places.  LENS_AGAIN: the slice is over. */
lens_status lens_strays_step(lens *self, const lens_slice *slice);

/* doubts.c: fills heap_doubts, reclaims and in_flux. */
lens_status lens_doubts_find(lens *self);
/* The doubts about an over- or under-retained object. */
lens_status lens_doubts_of(lens *self, uint32_t object, uint32_t verdict, int64_t surplus,
                           uint32_t *doubts);

/* ---- reclaim.c ---- */

/* The heap is freeing garbage. */
bool lens_heap_reclaims(const struct lens_heap_model *heap);
/* Fills reclaims. */
lens_status lens_reclaim_find(lens *self);
/* Whether the live object, which is over-retained, may be garbage that waits to be freed.  LENS_OK,
 * or LENS_CANCELLED and what else a read may end with. */
lens_status lens_reclaim_may_wait(lens *self, uint32_t object, bool *waits);

/* ---- let_go.c ---- */

/* By how much the count of an object may be too high at most if it is garbage that waits. */
lens_status lens_let_go_most(lens *self, uint32_t object, uint64_t *most);
void lens_let_go_free(struct lens_let_go *self);

#endif

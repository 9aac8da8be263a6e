/* What match.c and leftover.c say to each other of the history in hand. */
#ifndef LENS_MATCH_H
#define LENS_MATCH_H

#include "analysis.h"

struct lens_sums {
  uint64_t takers, givers; /* deeds in hand */
  uint64_t lost;           /* references from before them that are not accounted for yet */
  uint64_t refcount;       /* after the last of them */
  uint64_t bare;           /* holders for which nothing was taken */
  bool freed;
  bool gaps; /* counts jump between deeds */
};

/* Fills match.unmatched from the fates of the deeds. */
lens_status lens_leftover(lens *self, const struct lens_sums *sums);

#endif

/* What the files of the cycle collector say to each other.
 *
 * The collector looks at a *set* of objects (its members): all that may be in cycles, or those that
 * candidates reach.  A member that is held from outside the set, or reached from one that is, is
 * kept; the others are garbage.
 *
 *     collect.c  a collection from its start to its end       due.c  when one is worth it
 *     detect.c   gather, subtract, restore, sift              reclaim.c  finalize and free
 *
 * Invariants:
 *  - The side word of an object that is no member is 0; between collections all are 0 (but for
 *    parked deaths, die.c).
 *  - No code of the program runs between a gather and the sift that follows it.
 *  - Headers and slots are read there and never written, but for state.candidate.
 */
#ifndef CAIRN_COLLECT_H
#define CAIRN_COLLECT_H

#include "side.h"
#include "slots.h"

/* side.trial: references to the member that are not explained yet, and its colour. */
#define CAIRN_TRIAL_MEMBER  0x80000000u
#define CAIRN_TRIAL_REACHED 0x40000000u
#define CAIRN_TRIAL_COUNT   0x3fffffffu

/* Garbage, in address order, linked through side.link. */
struct cairn_garbage {
  uint32_t head;           /* a compressed reference; 0: there is none */
  struct cairn_side *last; /* the side word of the last one */
};

/* ---- detect.c -------------------------------------------------------------------------------- */
/* Makes the set: all live objects that may be in cycles; what the candidates reach; or garbage once
 * more, each object of it held.  They return the number of members.  The first two take
 * state.candidate from all objects. */
uint64_t cairn_gather_all(cairn_heap *heap);
uint64_t cairn_gather_candidates(cairn_heap *heap);
void cairn_gather_again(cairn_heap *heap, struct cairn_garbage garbage);
/* Takes the references between members from the trial counts. */
void cairn_subtract(cairn_heap *heap);
/* Marks what has a count left, and what that reaches. */
void cairn_restore(cairn_heap *heap);
/* Ends the set: returns the unmarked; the marked are no members any more, and not held any more. */
struct cairn_garbage cairn_sift(cairn_heap *heap);

/* ---- reclaim.c ------------------------------------------------------------------------------- */
/* Clears weak references to the garbage, finalizes it, and frees what did not come back. */
void cairn_reclaim(cairn_heap *heap, struct cairn_garbage garbage);

/* ---- due.c ----------------------------------------------------------------------------------- */
/* A collection ended that had `member_count` members and freed `freed_count` objects. */
void cairn_collect_account(cairn_heap *heap, bool full, uint64_t member_count,
                           uint64_t freed_count);

#endif

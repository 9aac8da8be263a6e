/* What the files of the cycle collector say to each other.
 *
 * The collector looks at a *set* of objects (its members): all that may be in cycles, or those that
 * candidates reach.  A member that is held from outside the set, or reached from one that is, is
 * kept; the others are garbage.
 *
 *     collect.c  a collection from its start to its end       due.c      when one is worth it
 *     detect.c   finds garbage; of the whole heap: gather.c   members.h  walking the set
 *     restore.c  keeps what is held from outside              trial.h    what side bytes say
 *     reclaim.c  finalizes and frees the garbage              work.h     the work list
 *
 * Everything the collector knows of a member is its side byte; it allocates nothing, and links no
 * objects to each other.  The byte is
 *
 *     0             no member (not any more, once it was found to be kept)
 *     1 + n         a member with n references that are not explained yet, n < 126
 *     WIDE          a member with many; the side word says how many
 *     PENDING + ..  while candidates are followed: the member's children are still to be looked at
 *
 * and when all is explained: 1 is garbage, unless something that is kept leads to it; anything
 * above is kept, and its children are still to be looked at.
 *
 * Invariants:
 *  - Every member lies in a page whose bit is set in arena->gathered.  Between collections no bit
 *    is set and all side bytes are 0.
 *  - No code of the program but `traverse` runs while garbage is sought, and nothing is written
 *    then but side memory, state.candidate, and the hold of what a finalizer brought back.
 */
#ifndef CAIRN_COLLECT_H
#define CAIRN_COLLECT_H

#include "side.h"
#include "slots.h"

enum {
  CAIRN_TRIAL_NONE = 0,
  CAIRN_TRIAL_EXPLAINED = 1,
  CAIRN_TRIAL_REACHED = 2,
  CAIRN_TRIAL_WIDE = 127,
  CAIRN_TRIAL_PENDING = 128
};

/* ---- gather.c -------------------------------------------------------------------------------- */
/* How many objects were looked at, and how many of these are members: the others can't be in a
 * cycle. */
struct cairn_gathered {
  uint64_t looked_count, member_count;
  bool far; /* most references of members lead far away */
};
/* Makes members of all live objects that may be in cycles, and explains their references.  Takes
 * state.candidate from all objects.  `clean`: all side bytes are 0 so far. */
struct cairn_gathered cairn_gather(cairn_heap *heap, bool clean);
/* Explains the references of members to members, whose side bytes say their counts.  True: most
 * references led far away. */
bool cairn_subtract(cairn_heap *heap);

/* ---- detect.c -------------------------------------------------------------------------------- */
/* What a detection found.  The garbage are the members that are left: side byte 1. */
struct cairn_detection {
  uint64_t looked_count, garbage_count; /* objects; what garbage alone holds is not in the latter */
  bool full;                            /* all of the heap was looked at */
};
/* Over all live objects that may be in cycles; over what the candidates reach, or all when that
 * turns out to be much of the heap.  Both take state.candidate from all objects. */
struct cairn_detection cairn_detect_all(cairn_heap *heap);
struct cairn_detection cairn_detect_candidates(cairn_heap *heap);
/* Over garbage once more, each object of it held: what is held by more than that is no garbage any
 * more, and not held any more. */
void cairn_detect_again(cairn_heap *heap);

/* ---- restore.c ------------------------------------------------------------------------------- */
/* Takes the members that are kept out of the set.  Returns how many are left. */
uint64_t cairn_restore(cairn_heap *heap, uint64_t member_count, bool far);

/* ---- far.c ----------------------------------------------------------------------------------- */
/* The same, but for the number, where most references lead far away. */
void cairn_restore_far(cairn_heap *heap);

/* ---- reclaim.c ------------------------------------------------------------------------------- */
/* Clears weak references to the garbage, finalizes it, and frees what did not come back. */
void cairn_reclaim(cairn_heap *heap, uint64_t garbage_count);

/* ---- due.c ----------------------------------------------------------------------------------- */
/* A collection ended that found this and freed so many objects; `full`: it began as a full one. */
void cairn_collect_account(cairn_heap *heap, bool full, const struct cairn_detection *found,
                           uint64_t freed_count);

#endif

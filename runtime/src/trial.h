/* Trial counts: what the side bytes of the collector's members say (collect.h), and how it changes.
 *
 * Invariant: the side word of a block is 0 unless its side byte says WIDE.
 *
 * What this is not: it walks nothing (gather.c, detect.c).
 */
#ifndef CAIRN_TRIAL_H
#define CAIRN_TRIAL_H

#include "members.h"

/* What decides whether an object may be a member: live, of a type that can be in cycles, with a
 * count that means something. */
#define CAIRN_MEMBER_MASK                                                                 \
  (CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER) | CAIRN_STATE(ACYCLIC) | CAIRN_STATE(SHARED) | \
   CAIRN_COUNT_SATURATED)
#define CAIRN_MEMBER CAIRN_STATE(LIVE)

static inline bool cairn_may_be_member(uint64_t header) {
  return (header & CAIRN_MEMBER_MASK) == CAIRN_MEMBER;
}

/* Deaths of the type's objects need more than their memory given back. */
static inline bool cairn_type_is_special(const struct cairn_type *type) {
  const uint32_t flags =
      CAIRN_TYPE_FLAG_FINALIZER | CAIRN_TYPE_FLAG_OPAQUE | CAIRN_TYPE_FLAG_HAS_WEAK;
  return (type->flags & flags) != 0;
}

/* The side byte for so many unexplained references. */
CAIRN_INLINE uint8_t cairn_trial_set(cairn_object *object, uint64_t count) {
  if (count + 1 < CAIRN_TRIAL_WIDE) return (uint8_t)(count + 1);
  *cairn_side_word(object) = count;
  return CAIRN_TRIAL_WIDE;
}

/* One reference to a member with many is explained. */
static __attribute__((noinline)) void cairn_trial_lower_wide(uint8_t *side) {
  uint64_t *word = cairn_side_word_beside(side);
  if (--*word == 0) *side = CAIRN_TRIAL_EXPLAINED;
}

/* One reference to what the side byte belongs to is explained.  A program that forgot to retain
 * leaves too few to explain: then only what reaches the object keeps it. */
CAIRN_INLINE void cairn_trial_lower(uint8_t *side) {
  uint8_t trial = *side;
  if (trial - 2u < CAIRN_TRIAL_WIDE - 2u) {
    *side = (uint8_t)(trial - 1);
  } else if (trial == CAIRN_TRIAL_WIDE) {
    cairn_trial_lower_wide(side);
  }
}

#endif

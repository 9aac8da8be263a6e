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

/* ---- what is kept, when all is explained ------------------------------------------------------
 */

/* In each byte of a word of side bytes the highest bit: the byte says that the member is kept. */
static inline uint64_t cairn_trial_kept_in(const uint8_t *sides) {
  const uint64_t low = 0x7f7f7f7f7f7f7f7full;
  uint64_t some;
  memcpy(&some, sides, sizeof some);
  return ((some & low) + (CAIRN_TRIAL_PENDING - CAIRN_TRIAL_REACHED) * 0x0101010101010101ull) &
         ~low & ~some;
}

static inline bool cairn_trial_is_kept(uint8_t trial) {
  return trial >= CAIRN_TRIAL_REACHED && trial <= CAIRN_TRIAL_WIDE;
}

/* True when a member of the page is kept. */
static inline bool cairn_blocks_have_kept(const struct cairn_blocks *blocks) {
  if (blocks->page->kind != CAIRN_PAGE_BLOCKS) return cairn_trial_is_kept(*blocks->sides);
  uint64_t kept = 0;
  size_t places = cairn_blocks_places(blocks);
  for (size_t i = 0; i < places; i += sizeof kept) kept |= cairn_trial_kept_in(blocks->sides + i);
  return kept != 0;
}

#endif

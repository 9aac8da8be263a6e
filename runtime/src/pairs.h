/* The deaths of trees and linked lists: a cascade over objects of one type with two references
 * each.
 *
 * It takes the same steps as the cascades of die.c, which states their order and their invariants,
 * in fewer instructions, as there is one type and one shape.  With it stand the small parts that
 * both loops are made of.
 *
 * What this is not: complete.  It leaves the walk where anything else is met, to die.c, its only
 * user.
 */
#ifndef CAIRN_PAIRS_H
#define CAIRN_PAIRS_H

#include "hot.h"
#include "slots.h"

/* A header that says PLAIN_LAST under PLAIN_MASK is of a live object whose last reference it is,
 * and whose death takes no more than its type says. */
#define PLAIN_MASK                                                                         \
  (CAIRN_COUNT_MASK | CAIRN_STATE(LIVE) | CAIRN_STATE(DYING) | CAIRN_STATE(BUFFER) |       \
   CAIRN_STATE(HELD) | CAIRN_STATE(WEAKLY) | CAIRN_STATE(EXTERNAL) | CAIRN_STATE(SHARED) | \
   CAIRN_STATE(QUARANTINED) | CAIRN_STATE(TRACED))
#define PLAIN_LAST (CAIRN_STATE(LIVE) | 1)

/* From the header of a live object with a last count to that of a dying one, by exclusive or. */
#define LAST_TO_DYING (CAIRN_STATE(LIVE) | CAIRN_STATE(DYING) | 1)

/* The dying object holds nothing any more and has no buffer: gives its block back. */
static inline void finish_run(cairn_heap *heap, const struct cairn_plan *plan,
                              cairn_object *object) {
  if ((object->header & CAIRN_STATES_NOTED) != 0) cairn_object_forget(heap, object);
  cairn_object_free(heap, plan->target, object);
}

static inline cairn_object *object_at(cairn_word word) { return (cairn_object *)(uintptr_t)word; }

/* The first word of [word, end) that holds a reference, or `end`. */
static inline cairn_word *skip_empty(cairn_word *word, cairn_word *end) {
  while (word != end && *word == 0) word++;
  return word;
}

/* Fetches what will be freed some deaths after `object`.  What died before it was `*freed`: deaths
 * mostly go along addresses, one way or the other, as the objects were made, and the way from
 * parent to child is a chain of loads that the processor can't see the end of. */
static inline void fetch_ahead(const cairn_object *object, const char **freed) {
  enum { NEAR_BYTES = 1024, DEATHS = 16 };
  const char *address = (const char *)object;
  ptrdiff_t step = address - *freed;
  *freed = address;
  if ((size_t)(step + NEAR_BYTES) < 2 * (size_t)NEAR_BYTES) {
    __builtin_prefetch((const void *)((uintptr_t)address + (uintptr_t)(DEATHS * step)), 1);
  }
}

/* Where a walk over objects of one type with two references stands: at `word` of `current`. */
struct pairs {
  cairn_object *current, *parent;
  cairn_word *word;
  const char *freed;
};

static inline cairn_word *pair_of(const struct cairn_plan *plan, const cairn_object *object) {
  return (cairn_word *)(void *)((uintptr_t)object + plan->first);
}

static inline void pair_free(cairn_heap *heap, const struct cairn_plan *plan, struct pairs *at,
                             cairn_object *object) {
  fetch_ahead(object, &at->freed);
  finish_run(heap, plan, object);
}

/* Clears the word that the walk stands at, whose child is of the same type, plain, and not held by
 * others: the same steps as in clear_spans. */
static inline void pair_enter(cairn_heap *heap, const struct cairn_plan *plan, struct pairs *at,
                              cairn_object *child, uint64_t header) {
  cairn_word *words = pair_of(plan, child);
  cairn_word *word = at->word;
  cairn_word other = word == pair_of(plan, at->current) ? word[1] : 0;
  if ((words[0] | words[1]) == 0) {
    *word = 0;
    CAIRN_ORDER();
    pair_free(heap, plan, at, child);
    at->word = word + 1;
    return;
  }
  if (other != 0) {
    __builtin_prefetch(object_at(other), 1);
    at->current->header = (at->current->header & ~CAIRN_COUNT_MASK) | 1;
    CAIRN_ORDER();
    *word = (uint64_t)(uintptr_t)at->parent;
    CAIRN_ORDER();
    child->header = header ^ LAST_TO_DYING;
    at->parent = at->current;
  } else {
    *word = 0;
    CAIRN_ORDER();
    child->header = header ^ LAST_TO_DYING;
    CAIRN_ORDER();
    pair_free(heap, plan, at, at->current);
  }
  at->current = child;
  at->word = words;
}

/* As clear_spans for a type with two references, as long as there is no other: trees and linked
 * lists.  Leaves the walk where another type, an object that others hold, or the end is met. */
static inline void clear_pairs(cairn_heap *heap, const struct cairn_plan *plan, uint64_t type,
                               struct pairs *at) {
  const uint64_t mask = PLAIN_MASK | (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT;
  const uint64_t same = PLAIN_LAST | type;
  for (;;) {
    cairn_word *end = pair_of(plan, at->current) + 2;
    at->word = skip_empty(at->word, end);
    if (at->word != end) {
      cairn_object *child = object_at(*at->word);
      uint64_t header = cairn_header_load(child);
      if ((header & mask) != same) return;
      pair_enter(heap, plan, at, child, header);
      continue;
    }
    cairn_object *parent = at->parent;
    if (parent == NULL || ((parent->header ^ type) & (mask & ~PLAIN_MASK)) != 0) return;
    pair_free(heap, plan, at, at->current);
    at->current = parent;
    at->word = pair_of(plan, parent); /* nothing goes down by the last word and comes back */
    at->parent = object_at(*at->word);
    *at->word++ = 0;
  }
}

#endif

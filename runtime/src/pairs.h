/* The deaths of trees and linked lists: a cascade over objects of one type with two references
 * each.
 *
 * It takes the same steps as the cascades of die.c, which states their order and their invariants,
 * in fewer instructions, as there is one type and one shape.
 *
 * What this is not: complete.  It leaves the walk where anything else is met, to spans.h, its only
 * user.
 */
#ifndef CAIRN_PAIRS_H
#define CAIRN_PAIRS_H

#include "cascade.h"

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
 * others: the same steps as in span_enter. */
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

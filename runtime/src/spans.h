/* The deaths of plain objects whose references are a run or a row of words: the same steps as
 * go_down and go_up of die.c, in registers.
 *
 * What this is not: complete.  It leaves the walk where an object is met whose death takes more, to
 * die.c, its only user.
 */
#ifndef CAIRN_SPANS_H
#define CAIRN_SPANS_H

#include "pairs.h"

/* Where the walk stands: at `word` of the words [first, end) of `current`. */
struct span {
  cairn_object *current, *parent;
  const struct cairn_plan *plan; /* of the current object */
  cairn_word *first, *word, *end;
  const char *freed; /* what died last */
};

/* A type with two references has a shorter way, as far as that goes. */
static inline void span_pairs(cairn_heap *heap, struct span *at) {
  struct pairs pairs = {at->current, at->parent, at->word, at->freed};
  const uint64_t type = (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT & at->current->header;
  clear_pairs(heap, at->plan, type, &pairs);
  at->current = pairs.current;
  at->parent = pairs.parent;
  at->word = pairs.word;
  at->freed = pairs.freed;
  at->first = pair_of(at->plan, at->current);
  at->end = at->first + 2;
}

/* Goes down into the child of the word that the walk stands at: one that is plain and not held by
 * others. */
static inline void span_enter(cairn_heap *heap, struct span *at, cairn_object *child,
                              uint64_t header, const struct cairn_plan *plan) {
  cairn_object *current = at->current;
  cairn_word *word = at->word, *next = skip_empty(word + 1, at->end);
  cairn_word *child_first, *child_end;
  span_of(heap, plan, child, &child_first, &child_end);
  cairn_word *child_word = skip_empty(child_first, child_end);
  if (child_word == child_end && plan->death == CAIRN_DEATH_RUN) {
    /* It holds nothing: from live to free at once. */
    *word = 0;
    CAIRN_ORDER();
    fetch_ahead(child, &at->freed);
    finish(heap, plan, child);
    at->word = next;
    return;
  }
  if (next != at->end) {
    __builtin_prefetch(object_at(*next), 1);
    uint64_t ordinal = (uint64_t)(word - at->first) + 1;
    assert(ordinal <= CAIRN_COUNT_MASK);
    current->header = (current->header & ~CAIRN_COUNT_MASK) | ordinal;
    CAIRN_ORDER();
    *word = (uint64_t)(uintptr_t)at->parent;
    CAIRN_ORDER();
    child->header = header ^ LAST_TO_DYING;
    at->parent = current;
  } else {
    *word = 0;
    CAIRN_ORDER();
    child->header = header ^ LAST_TO_DYING;
    CAIRN_ORDER();
    fetch_ahead(current, &at->freed);
    finish(heap, at->plan, current);
  }
  at->current = child;
  at->plan = plan;
  at->first = child_first;
  at->end = child_end;
  at->word = child_word;
}

/* The current object holds nothing any more: goes up to the parent, behind the word that held it.
 */
static inline void span_leave(cairn_heap *heap, struct span *at) {
  fetch_ahead(at->current, &at->freed);
  finish(heap, at->plan, at->current);
  at->current = at->parent;
  at->plan = plan_of(heap, at->current->header);
  span_of(heap, at->plan, at->current, &at->first, &at->end);
  cairn_word *word = at->first + ((at->current->header & CAIRN_COUNT_MASK) - 1);
  at->parent = object_at(*word);
  *word = 0;
  at->word = skip_empty(word + 1, at->end);
}

/* Goes on, along words, down and up, as long as those who die are plain and not
 * CAIRN_DEATH_GENERAL.  Up to a word that can't simply be cleared, which is returned, with the
 * cascade at the object whose word that is.  NULL: all is cleared. */
static cairn_word *clear_spans(struct cascade *cascade) {
  cairn_heap *heap = cascade->heap;
  struct span at = {.current = cascade->current,
                    .parent = cascade->parent,
                    .plan = cascade->plan,
                    .first = cascade->first,
                    .word = skip_empty(cascade->word, cascade->end),
                    .end = cascade->end,
                    .freed = (const char *)cascade->current};
  for (;;) {
    if (at.plan->death == CAIRN_DEATH_RUN && at.plan->count == 2) span_pairs(heap, &at);
    if (at.word != at.end) {
      cairn_object *child = object_at(*at.word);
      uint64_t header = cairn_header_load(child);
      const struct cairn_plan *plan = plan_of(heap, header);
      if ((header & PLAIN_MASK) == PLAIN_LAST && plan->death >= CAIRN_DEATH_RUN) {
        span_enter(heap, &at, child, header, plan);
      } else if (clear_word(heap, at.current, at.word, child, header)) {
        at.word = skip_empty(at.word + 1, at.end);
      } else {
        break;
      }
    } else if (at.parent != NULL &&
               plan_of(heap, at.parent->header)->death != CAIRN_DEATH_GENERAL) {
      span_leave(heap, &at);
    } else {
      at.word = NULL;
      break;
    }
  }
  cascade->current = at.current;
  cascade->parent = at.parent;
  cascade->plan = at.plan;
  cascade->first = at.first;
  cascade->end = at.end;
  if (at.word != NULL) cascade->word = at.word + 1;
  return at.word;
}

#endif

/* A cascade of deaths: where it stands, and the small steps that die.c, spans.h and pairs.h share.
 * die.c states the order and the invariants.
 */
#ifndef CAIRN_CASCADE_H
#define CAIRN_CASCADE_H

#include "hot.h"
#include "slots.h"
#include "tracking.h"

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
  if (__builtin_expect((size_t)(step + NEAR_BYTES) < 2 * (size_t)NEAR_BYTES, 1)) {
    __builtin_prefetch((const void *)((uintptr_t)address + (uintptr_t)(DEATHS * step)), 1);
  }
}

static inline const struct cairn_plan *plan_of(const cairn_heap *heap, uint64_t header) {
  return &heap->plans[(header >> CAIRN_TYPE_SHIFT) & CAIRN_TYPE_MAX];
}

/* True for the last count of an object that someone may release: a dead object has none, and one
 * that the runtime alone holds must wait for it.  Else the program released once too often. */
static inline bool is_owned(uint64_t header) {
  const uint64_t states = CAIRN_STATE(LIVE) | CAIRN_STATE(HELD);
  return (header & states) == CAIRN_STATE(LIVE) && (header & CAIRN_COUNT_MASK) == 1;
}

/* True when the object's death is nothing but the return of its block.  (One whose header is not
 * plain may be of another heap, and then the plan is none of its.) */
static inline bool is_leaf(const struct cairn_plan *plan, uint64_t header) {
  return (header & PLAIN_MASK) == PLAIN_LAST && plan->death == CAIRN_DEATH_LEAF;
}

/* The dying object holds nothing any more: gives its memory back. */
static inline void finish(cairn_heap *heap, const struct cairn_plan *plan, cairn_object *object) {
  if (plan->death != CAIRN_DEATH_RUN) {
    cairn_slots_free_buffers(cairn_type_of(heap, object), object);
  }
  finish_run(heap, plan, object);
}

/* Where a cascade stands. */
struct cascade {
  cairn_heap *heap;
  cairn_object *current;          /* the dying object whose words are being cleared */
  cairn_object *parent;           /* the dying object to go back to, or NULL */
  const struct cairn_plan *plan;  /* of the current object */
  cairn_word *first, *word, *end; /* its words, the next to clear; not for CAIRN_DEATH_GENERAL */
  struct cairn_cursor cursor;     /* for CAIRN_DEATH_GENERAL */
};

static inline bool is_general(const struct cascade *cascade) {
  return cascade->plan->death == CAIRN_DEATH_GENERAL;
}

/* The words of an object that is not CAIRN_DEATH_GENERAL, [*first, *end). */
static inline void span_of(const cairn_heap *heap, const struct cairn_plan *plan,
                           cairn_object *object, cairn_word **first, cairn_word **end) {
  if (plan->death == CAIRN_DEATH_ROW) {
    char *memory = NULL;
    uint64_t count = cairn_slot_words(cairn_type_of(heap, object)->slots, (char *)object, &memory);
    *first = (cairn_word *)(void *)memory;
    *end = *first + count;
  } else {
    *first = (cairn_word *)(void *)((char *)object + plan->first);
    *end = *first + plan->count;
  }
}

/* True when the header, or a count that other threads change, says that others hold the child. */
static inline bool is_held_by_others(cairn_heap *heap, cairn_object *child, uint64_t header) {
  /* Other threads, or the child is in another heap. */
  if ((header & CAIRN_STATE(SHARED)) != 0) return !cairn_shared_is_last(heap, child);
  return (header & CAIRN_COUNT_MASK) > 1;
}

/* Clears a word of a dying object that holds `child`, unless it is the last reference to one whose
 * death takes more than freeing a block: then false. */
CAIRN_INLINE_API bool clear_word(cairn_heap *heap, const cairn_object *holder, cairn_word *word,
                                 cairn_object *child, uint64_t header) {
  if (cairn_header_drops_(header)) {
    *word = 0;
    CAIRN_ORDER();
    child->header = header - 1;
    return true;
  }
  const struct cairn_plan *plan = plan_of(heap, header);
  if (is_leaf(plan, header)) {
    *word = 0;
    cairn_object_free(heap, plan->target, child);
  } else if (is_held_by_others(heap, child, header)) {
    *word = 0;
    CAIRN_ORDER();
    cairn_release_for_slot_(child, holder);
  } else if ((header & CAIRN_STATE(QUARANTINED)) != 0) {
    *word = 0;
    cairn_release_for_slot_(child, holder); /* reports it */
  } else if (!is_owned(cairn_header_load(child))) {
    assert(false && "an object that something still held was released once too often");
    *word = 0;
  } else {
    if ((header & CAIRN_STATE(TRACED)) != 0) {
      cairn_track_count(child, CAIRN_EVENT_RELEASE, 0, (struct cairn_call){0}, holder);
    }
    return false;
  }
  return true;
}

#endif

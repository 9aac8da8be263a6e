/* Death: what happens when a count reaches 0, without recursion and without allocation.
 *
 * A death is a *cascade*: the object and all that only it held, depth-first in field order.  The
 * way back is kept in the dying objects themselves: when a cascade goes down into a child, the word
 * that held the child takes the link to the parent's own dying parent, and the parent's count bits
 * take the ordinal of that word (+ 1, see object.h).  A parent with no reference left is freed
 * before its last child is entered, so a list of any length dies as a loop.
 *
 * One object's order: weak references to it are cleared; its finalizer runs, once in its life, with
 * the object live and held; weak references that the finalizer made are cleared; one store makes it
 * dying; its own weak slots are forgotten; the words of its strong slots are cleared; its buffers
 * and then its block are freed.
 *
 * Invariants:
 *  - A word is overwritten before the count that it stood for is dropped.
 *  - Only finalizers and the `clear` of opaque types run code of the program; a release in there
 *    starts a nested cascade.  At most DEPTH_MAX of them nest.  A death deeper than that is
 *    *parked*: the object is dying, owns all it owned, and is linked through its side word (side.h)
 *    until the outermost cascade takes it up.
 *  - heap->parked_head is NULL when no cascade runs.
 *
 * What this is not: the allocator (page.c), and the cycle collector, whose garbage dies here.
 */
#include "side.h"
#include "spans.h"

enum { DEPTH_MAX = 32 };

void cairn_object_forget(cairn_heap *heap, cairn_object *object) {
  uint64_t header = object->header;
  if ((header & CAIRN_STATE(CANDIDATE)) != 0) cairn_candidate_forget(heap, object);
  if ((header & CAIRN_STATE(EXTERNAL)) != 0) cairn_external_gone(heap, object);
}

/* Runs the finalizer, with the object live and held.  True when the object is now held by others.
 */
static bool finalize(cairn_heap *heap, cairn_object *object) {
  const uint64_t gone = CAIRN_COUNT_MASK | CAIRN_STATE(DYING);
  const uint64_t come =
      CAIRN_STATE(LIVE) | CAIRN_STATE(HELD) | CAIRN_STATE(FINALIZED) | 1; /* the runtime's own */
  object->header = (object->header & ~gone) | come;
  cairn_type_finalizer(cairn_type_of(heap, object))(object);
  heap->flux = CAIRN_FLUX_RELEASE;
  bool last = (cairn_header_load(object) & CAIRN_STATE(SHARED)) != 0
                  ? cairn_shared_is_last(heap, object)
                  : cairn_refcount(object) == 1;
  if (last) return false;
  cairn_object_unhold(heap, object);
  return true;
}

/* Makes an object dying: one that is live with a last count that nothing stands for any more, or
 * one that was parked.  False when its finalizer brought it back. */
static bool begin(cairn_heap *heap, cairn_object *object) {
  const struct cairn_type *type = cairn_type_of(heap, object);
  if ((object->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_FINALIZER) != 0 &&
      (object->header & CAIRN_STATE(FINALIZED)) == 0) {
    if (finalize(heap, object)) return false;
    if ((object->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, object);
  }
  const uint64_t gone = CAIRN_COUNT_MASK | CAIRN_STATE(LIVE) | CAIRN_STATE(HELD);
  object->header = (object->header & ~gone) | CAIRN_STATE(DYING);
  if ((type->flags & CAIRN_TYPE_FLAG_HAS_WEAK) != 0) cairn_weak_holder_gone(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) {
    cairn_type_clearer(type)(object);
    heap->flux = CAIRN_FLUX_RELEASE;
  }
  return true;
}

static void enter(struct cascade *cascade, cairn_object *object) {
  cascade->current = object;
  cascade->plan = plan_of(cascade->heap, object->header);
  if (is_general(cascade)) {
    cairn_cursor_begin(&cascade->cursor, cairn_type_of(cascade->heap, object), object,
                       CAIRN_SLOT_STRONG);
  } else {
    span_of(cascade->heap, cascade->plan, object, &cascade->first, &cascade->end);
    cascade->word = cascade->first;
  }
}

/* True when the cursor is before a row of a table with values and without tags. */
static inline bool is_at_row(const struct cairn_cursor *cursor) {
  const struct cairn_slot *slot = cursor->slot;
  return cursor->index < cursor->count && slot->shape == CAIRN_SHAPE_TABLE &&
         slot->value_offset != 0 && slot->tag_mask == 0 && (cursor->index & 1) == 0;
}

/* As clear_general, up to the end of the table that the cursor is in: its words in the cursor's
 * order, a row at a time. */
static cairn_word *clear_rows(struct cascade *cascade) {
  struct cairn_cursor *cursor = &cascade->cursor;
  const uint64_t index = cursor->index, left = cursor->count - index;
  const size_t stride = cursor->slot->stride, value_offset = cursor->slot->value_offset;
  char *row = cursor->first + (index >> 1) * stride;
  for (uint64_t passed = 0; passed < left; passed += 2, row += stride) {
    cairn_word *key = (cairn_word *)(void *)row, *word = NULL;
    if (*key == 0) continue; /* an empty row, whatever its value says */
    for (uint64_t i = 1; i <= 2; i++) {
      word = i == 1 ? (cairn_word *)(void *)(row + value_offset) : key;
      cairn_object *child = object_at(*word);
      if (child == NULL) continue;
      if (clear_word(cascade->heap, cascade->current, word, child, cairn_header_load(child)))
        continue;
      cursor->index = index + passed + i;
      cursor->ordinal += passed + i;
      return word;
    }
  }
  cursor->index = cursor->count;
  cursor->ordinal += left;
  return NULL;
}

/* Goes on with a current object that is CAIRN_DEATH_GENERAL, up to a word that can't simply be
 * cleared, which is returned.  NULL: all is cleared. */
static cairn_word *clear_general(struct cascade *cascade) {
  cairn_word *word;
  while ((word = cairn_cursor_next(&cascade->cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cascade->cursor.slot, *word);
    if (child != NULL &&
        !clear_word(cascade->heap, cascade->current, word, child, cairn_header_load(child))) {
      return word;
    }
    if (is_at_row(&cascade->cursor) && (word = clear_rows(cascade)) != NULL) return word;
  }
  return NULL;
}

/* True when a word after the one that the cascade stands at holds a reference. */
static bool holds_more(const struct cascade *cascade) {
  if (!is_general(cascade)) return skip_empty(cascade->word, cascade->end) != cascade->end;
  struct cairn_cursor cursor = cascade->cursor;
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    if (cairn_word_object(cursor.slot, *word) != NULL) return true;
  }
  return false;
}

/* The ordinal of the word that the cascade stands at, + 1. */
static uint64_t ordinal_of(const struct cascade *cascade) {
  return is_general(cascade) ? cascade->cursor.ordinal : (uint64_t)(cascade->word - cascade->first);
}

static cairn_object *held_by(const struct cascade *cascade, cairn_word word) {
  return is_general(cascade) ? cairn_word_object(cascade->cursor.slot, word) : object_at(word);
}

static cairn_word link_to(const struct cascade *cascade, const cairn_object *object) {
  return is_general(cascade) ? cairn_word_of(cascade->cursor.slot, object)
                             : (uint64_t)(uintptr_t)object;
}

/* Goes down into the child at `word`.  False when its finalizer brought it back and there was no
 * other reference in the current object, which is then freed: the cascade must go up. */
static bool go_down(struct cascade *cascade, cairn_word *word) {
  cairn_object *current = cascade->current;
  cairn_object *child = held_by(cascade, *word);
  bool come_back = holds_more(cascade);
  if (come_back) {
    assert(ordinal_of(cascade) <= CAIRN_COUNT_MASK);
    current->header = (current->header & ~CAIRN_COUNT_MASK) | ordinal_of(cascade);
    CAIRN_ORDER();
    *word = link_to(cascade, cascade->parent);
  } else {
    *word = 0;
  }
  CAIRN_ORDER();
  bool dies = begin(cascade->heap, child);
  if (!come_back) {
    finish(cascade->heap, plan_of(cascade->heap, current->header), current);
    if (dies) enter(cascade, child);
    return dies;
  }
  if (dies) {
    cascade->parent = current;
    enter(cascade, child);
  } else {
    *word = 0;
  }
  return true;
}

/* Goes up to the parent, behind the word that held the child.  False: there is none. */
static bool go_up(struct cascade *cascade) {
  if (cascade->parent == NULL) return false;
  enter(cascade, cascade->parent);
  uint64_t ordinal = (cascade->current->header & CAIRN_COUNT_MASK) - 1;
  cairn_word *word = cascade->first + ordinal;
  if (is_general(cascade)) {
    word = cairn_cursor_seek(&cascade->cursor, ordinal);
  } else {
    cascade->word = word + 1;
  }
  cascade->parent = held_by(cascade, *word);
  *word = 0;
  return true;
}

static void cascade_run(cairn_heap *heap, cairn_object *object) {
  uint64_t header = cairn_header_load(object);
  if ((header & PLAIN_MASK) == PLAIN_LAST && plan_of(heap, header)->death != CAIRN_DEATH_GENERAL) {
    object->header = header ^ LAST_TO_DYING;
  } else if (!begin(heap, object)) {
    return;
  }
  struct cascade cascade = {.heap = heap};
  enter(&cascade, object);
  bool more = true;
  while (more) {
    cairn_word *word = is_general(&cascade) ? clear_general(&cascade) : clear_spans(&cascade);
    if (word != NULL) {
      more = go_down(&cascade, word) || go_up(&cascade);
    } else {
      finish(heap, plan_of(heap, cascade.current->header), cascade.current);
      more = go_up(&cascade);
    }
  }
}

static void park(cairn_heap *heap, cairn_object *object) {
  if ((object->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, object);
  const uint64_t gone = CAIRN_COUNT_MASK | CAIRN_STATE(LIVE) | CAIRN_STATE(HELD);
  object->header = (object->header & ~gone) | CAIRN_STATE(DYING);
  cairn_object *next = heap->parked_head;
  *cairn_side_word(object) = (uint64_t)(uintptr_t)next;
  heap->parked_head = object;
}

static cairn_object *unpark(cairn_heap *heap) {
  cairn_object *object = heap->parked_head;
  uint64_t *link = cairn_side_word(object);
  heap->parked_head = (cairn_object *)(uintptr_t)*link;
  *link = 0;
  return object;
}

/* The last reference to the object is gone. */
static void die(cairn_heap *heap, cairn_object *object) {
  if (heap->release_depth == DEPTH_MAX) {
    park(heap, object);
    return;
  }
  uint32_t outer_flux = heap->flux;
  cairn_object *outer_object = heap->flux_object;
  cairn_flux_set(heap, CAIRN_FLUX_RELEASE, NULL);
  heap->release_depth++;
  CAIRN_ORDER();
  cascade_run(heap, object);
  while (heap->release_depth == 1 && heap->parked_head != NULL) cascade_run(heap, unpark(heap));
  CAIRN_ORDER();
  heap->release_depth--;
  cairn_flux_set(heap, outer_flux, outer_object);
}

/* A leaf that the program releases.  The size class comes from the address: nothing that is stored
 * here has to wait for the header, which may still be on its way from memory. */
static inline void free_leaf(cairn_heap *heap, cairn_object *object) {
  struct cairn_hot *row = &heap->hot_rows[*cairn_size_class_at(cairn_arena_of(object), object)];
  __asm__("" : "+r"(row)); /* its address is worked out once */
  cairn_object_free(heap, row, object);
}

static inline void release_slow(cairn_object *object, struct cairn_call call, const void *holder) {
  uint64_t header = cairn_header_load(object);
  if ((header & PLAIN_MASK) == PLAIN_LAST) {
    cairn_heap *heap = cairn_arena_of(object)->heap;
    cairn_heap_check(heap);
    if (plan_of(heap, header)->death == CAIRN_DEATH_LEAF) {
      free_leaf(heap, object);
    } else {
      die(heap, object);
    }
    return;
  }
  cairn_object_release_told(object, call, holder);
}

void cairn_object_release_slow_(cairn_object *object) { release_slow(object, CAIRN_CALL(), NULL); }

void cairn_object_release_for_slot_slow_(cairn_object *object, const void *holder) {
  release_slow(object, CAIRN_CALL(), holder);
}

void cairn_object_die_(cairn_object *object) {
  cairn_heap *heap = cairn_arena_of(object)->heap;
  cairn_heap_check(heap);
  uint64_t header = cairn_header_load(object);
  if (is_leaf(plan_of(heap, header), header)) {
    free_leaf(heap, object);
    return;
  }
  bool owned = is_owned(header);
  assert(owned && "an object was released once too often");
  if (owned) die(heap, object);
}

void cairn_object_unhold(cairn_heap *heap, cairn_object *object) {
  if ((cairn_header_load(object) & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_unhold(heap, object);
    return;
  }
  uint64_t header = object->header & ~CAIRN_STATE(HELD);
  assert(header != object->header);
  if ((header & CAIRN_COUNT_MASK) == 1) {
    die(heap, object);
    return;
  }
  object->header = header - 1;
  if ((header & CAIRN_STATE(TELL)) != 0) cairn_object_candidate_(object);
}

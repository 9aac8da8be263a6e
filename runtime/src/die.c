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
#include "slots.h"

enum { DEPTH_MAX = 32 };

void cairn_object_forget(cairn_heap *heap, cairn_object *object) {
  uint64_t header = object->header;
  if ((header & CAIRN_STATE(CANDIDATE)) != 0) cairn_candidate_forget(heap, object);
  if ((header & CAIRN_STATE(EXTERNAL)) != 0) cairn_external_gone(heap, object);
}

static void object_free(cairn_heap *heap, cairn_object *object) {
  if ((object->header & CAIRN_STATES_NOTED) != 0) cairn_object_forget(heap, object);
  heap->death_count++;
  cairn_block_free(heap, object);
}

/* True for the last count of an object that someone may release: a dead object has none, and one
 * that the runtime alone holds must wait for it.  Else the program released once too often. */
static inline bool is_owned(uint64_t header) {
  const uint64_t states = CAIRN_STATE(LIVE) | CAIRN_STATE(HELD);
  return (header & states) == CAIRN_STATE(LIVE) && (header & CAIRN_COUNT_MASK) == 1;
}

/* True when the object's death is nothing but the return of its block. */
static inline bool is_leaf(const struct cairn_type *type, uint64_t header) {
  return type->slot_count == 0 &&
         (type->flags & (CAIRN_TYPE_FLAG_FINALIZER | CAIRN_TYPE_FLAG_OPAQUE)) == 0 &&
         (header & CAIRN_STATE(WEAKLY)) == 0;
}

/* The dying object holds nothing any more: gives its memory back. */
static void finish(cairn_heap *heap, cairn_object *object) {
  cairn_slots_free_buffers(cairn_type_of(heap, object), object);
  object_free(heap, object);
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

/* Clears words of a dying object up to one that holds the last reference to a child whose death
 * takes more than freeing a block; that word is left as it is and returned.  NULL: all is cleared.
 */
static cairn_word *clear_words(cairn_heap *heap, struct cairn_cursor *cursor) {
  cairn_word *word;
  while ((word = cairn_cursor_next(cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor->slot, *word);
    if (child == NULL) continue;
    uint64_t header = cairn_header_load(child);
    bool more = (header & CAIRN_COUNT_MASK) > 1;
    if ((header & CAIRN_STATE(SHARED)) != 0) { /* other threads, or it is in another heap */
      more = !cairn_shared_is_last(heap, child);
      header = cairn_header_load(child);
    }
    if (more) {
      *word = 0;
      CAIRN_ORDER();
      cairn_release(child);
    } else if (!is_owned(header)) {
      assert(false && "an object that something still held was released once too often");
      *word = 0;
    } else if (is_leaf(cairn_type_of(heap, child), header)) {
      *word = 0;
      CAIRN_ORDER();
      object_free(heap, child);
    } else {
      return word;
    }
  }
  return NULL;
}

/* True when a word after the cursor holds a reference. */
static bool holds_more(struct cairn_cursor cursor) {
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    if (cairn_word_object(cursor.slot, *word) != NULL) return true;
  }
  return false;
}

/* Where a cascade stands. */
struct cascade {
  cairn_heap *heap;
  cairn_object *current; /* the dying object whose words are being cleared */
  cairn_object *parent;  /* the dying object to go back to, or NULL */
  struct cairn_cursor cursor;
};

static void enter(struct cascade *cascade, cairn_object *object) {
  cascade->current = object;
  cairn_cursor_begin(&cascade->cursor, cairn_type_of(cascade->heap, object), object,
                     CAIRN_SLOT_STRONG);
}

/* Goes down into the child at `word`.  False when its finalizer brought it back and there was no
 * other reference in the current object, which is then freed: the cascade must go up. */
static bool go_down(struct cascade *cascade, cairn_word *word) {
  cairn_object *current = cascade->current;
  cairn_object *child = cairn_word_object(cascade->cursor.slot, *word);
  bool come_back = holds_more(cascade->cursor);
  if (come_back) {
    assert(cascade->cursor.ordinal <= CAIRN_COUNT_MASK);
    current->header = (current->header & ~CAIRN_COUNT_MASK) | cascade->cursor.ordinal;
    CAIRN_ORDER();
    *word = cairn_word_of(cascade->cursor.slot, cascade->parent);
  } else {
    *word = 0;
  }
  CAIRN_ORDER();
  bool dies = begin(cascade->heap, child);
  if (!come_back) {
    finish(cascade->heap, current);
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
  cairn_word *word = cairn_cursor_seek(&cascade->cursor, ordinal);
  cascade->parent = cairn_word_object(cascade->cursor.slot, *word);
  *word = 0;
  return true;
}

static void cascade_run(cairn_heap *heap, cairn_object *object) {
  if (!begin(heap, object)) return;
  struct cascade cascade = {.heap = heap, .parent = NULL};
  enter(&cascade, object);
  bool more = true;
  while (more) {
    cairn_word *word = clear_words(heap, &cascade.cursor);
    if (word != NULL) {
      more = go_down(&cascade, word) || go_up(&cascade);
    } else {
      finish(heap, cascade.current);
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
  if (is_leaf(cairn_type_of(heap, object), object->header)) {
    object_free(heap, object);
    return;
  }
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

void cairn_object_die_(cairn_object *object) {
  cairn_heap_check(cairn_arena_of(object)->heap);
  bool owned = is_owned(object->header);
  assert(owned && "an object was released once too often");
  if (owned) die(cairn_arena_of(object)->heap, object);
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
  if ((header & (CAIRN_STATE(ACYCLIC) | CAIRN_STATE(CANDIDATE))) == 0) {
    cairn_object_candidate_(object);
  }
}

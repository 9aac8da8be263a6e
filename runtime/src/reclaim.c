/* Freeing garbage in an order that no finalizer can break.
 *
 * Weak references to all of it are cleared.  Then each object gets a hold of the runtime's (one
 * store: state.held and one more of the count), so that none of it dies while code of the program
 * runs.  Finalizers run once each; when some did, detection runs again over the garbage, without
 * the holds, and what is now held from outside is kept, whole.  Of the rest the slots are cleared
 * by ordinary releases, and then the holds are given up: each object dies alone, holding nothing.
 *
 * Invariants:
 *  - Each object of the garbage is live, held, and linked, until its own hold is given up; the
 *    counts are true all the time.
 *  - An object's side word is 0 before its hold is given up: its block may be reused at once.
 *
 * What this is not: it decides nothing (detect.c).
 */
#include "collect.h"

static cairn_object *next_of(cairn_heap *heap, const cairn_object *object) {
  uint32_t link = cairn_side_of(object)->link;
  return link == 0 ? NULL : cairn_side_object(heap, link);
}

static cairn_object *first_of(cairn_heap *heap, struct cairn_garbage garbage) {
  return garbage.head == 0 ? NULL : cairn_side_object(heap, garbage.head);
}

static void clear_weak(cairn_heap *heap, struct cairn_garbage garbage) {
  for (cairn_object *o = first_of(heap, garbage); o != NULL; o = next_of(heap, o)) {
    if ((o->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, o);
  }
}

static void hold(cairn_heap *heap, struct cairn_garbage garbage) {
  for (cairn_object *o = first_of(heap, garbage); o != NULL; o = next_of(heap, o)) {
    o->header = (o->header + 1) | CAIRN_STATE(HELD);
  }
}

/* True when a finalizer ran. */
static bool finalize(cairn_heap *heap, struct cairn_garbage garbage) {
  bool ran = false;
  for (cairn_object *o = first_of(heap, garbage); o != NULL; o = next_of(heap, o)) {
    const struct cairn_type *type = cairn_type_of(heap, o);
    if ((type->flags & CAIRN_TYPE_FLAG_FINALIZER) == 0) continue;
    if ((o->header & CAIRN_STATE(FINALIZED)) != 0) continue;
    o->header |= CAIRN_STATE(FINALIZED);
    cairn_type_finalizer(type)(o);
    cairn_flux_set(heap, CAIRN_FLUX_RECLAIM, NULL);
    ran = true;
  }
  return ran;
}

static struct cairn_garbage detect_again(cairn_heap *heap, struct cairn_garbage garbage) {
  cairn_gather_again(heap, garbage);
  cairn_subtract(heap);
  cairn_restore(heap);
  return cairn_sift(heap);
}

static void clear_slots(cairn_heap *heap, cairn_object *object) {
  const struct cairn_type *type = cairn_type_of(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) cairn_type_clearer(type)(object);
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor.slot, *word);
    if (child == NULL) continue;
    *word = 0;
    CAIRN_ORDER();
    if ((child->header & CAIRN_STATE(HELD)) != 0) {
      child->header--; /* garbage too: the hold is left, and it needs not become a candidate */
    } else {
      cairn_release(child);
    }
  }
}

void cairn_reclaim(cairn_heap *heap, struct cairn_garbage garbage) {
  clear_weak(heap, garbage);
  hold(heap, garbage);
  if (finalize(heap, garbage)) {
    garbage = detect_again(heap, garbage);
    clear_weak(heap, garbage);
  }
  for (cairn_object *o = first_of(heap, garbage); o != NULL; o = next_of(heap, o)) {
    clear_slots(heap, o);
  }
  while (garbage.head != 0) {
    cairn_object *object = cairn_link_pop(heap, &garbage.head);
    cairn_side_of(object)->trial = 0;
    cairn_object_unhold(heap, object);
  }
}

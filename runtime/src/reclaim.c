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

/* A walk over the garbage; a step reads the link only then, so the object must still be held. */
struct walk {
  const cairn_heap *heap;
  cairn_object *object; /* NULL at the end */
  struct cairn_side *side;
};

static void walk_go(struct walk *walk, uint32_t compressed) {
  walk->object = compressed == 0 ? NULL : cairn_side_object(walk->heap, compressed, &walk->side);
}

static struct walk walk_begin(const cairn_heap *heap, struct cairn_garbage garbage) {
  struct walk walk = {heap, NULL, NULL};
  walk_go(&walk, garbage.head);
  return walk;
}

static void walk_step(struct walk *walk) { walk_go(walk, walk->side->link); }

static void clear_weak(cairn_heap *heap, struct cairn_garbage garbage) {
  for (struct walk w = walk_begin(heap, garbage); w.object != NULL; walk_step(&w)) {
    if ((w.object->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, w.object);
  }
}

static void hold(cairn_heap *heap, struct cairn_garbage garbage) {
  for (struct walk w = walk_begin(heap, garbage); w.object != NULL; walk_step(&w)) {
    w.object->header = (w.object->header + 1) | CAIRN_STATE(HELD);
  }
}

/* True when a finalizer ran. */
static bool finalize(cairn_heap *heap, struct cairn_garbage garbage) {
  bool ran = false;
  for (struct walk w = walk_begin(heap, garbage); w.object != NULL; walk_step(&w)) {
    cairn_object *object = w.object;
    const struct cairn_type *type = cairn_type_of(heap, object);
    if ((type->flags & CAIRN_TYPE_FLAG_FINALIZER) == 0) continue;
    if ((object->header & CAIRN_STATE(FINALIZED)) != 0) continue;
    object->header |= CAIRN_STATE(FINALIZED);
    cairn_type_finalizer(type)(object);
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
  for (struct walk w = walk_begin(heap, garbage); w.object != NULL; walk_step(&w)) {
    clear_slots(heap, w.object);
  }
  while (garbage.head != 0) {
    struct cairn_side *side;
    cairn_object *object = cairn_link_pop(heap, &garbage.head, &side);
    side->trial = 0;
    cairn_object_unhold(heap, object);
  }
}

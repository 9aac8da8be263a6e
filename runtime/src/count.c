/* Counts that are not plain: what retain and release do when CAIRN_HEADER_SLOW says so.
 *
 * Invariant: a saturated count, an immortal's among them, is never written to.
 *
 * What this is not: the fast paths, which are in object.h and inline; and death, with the last
 * release of what is plain (die.c).
 */
#include "tracking.h"

static void retain_slow(cairn_object *object, struct cairn_call call, const void *holder) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_COUNT_SATURATED) != 0) return;
  if ((header & CAIRN_STATE(QUARANTINED)) != 0) {
    cairn_quarantine_misused(cairn_object_heap(object), object, CAIRN_MISUSE_RETAIN, call, holder);
    return;
  }
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_retain(object);
  } else {
    object->header = header + 1;
  }
  if ((header & CAIRN_STATE(TRACED)) != 0) {
    cairn_track_count(object, CAIRN_EVENT_RETAIN, cairn_refcount(object), call, holder);
  }
}

void cairn_object_retain_slow_(cairn_object *object) { retain_slow(object, CAIRN_CALL(), NULL); }

void cairn_object_retain_for_slot_slow_(cairn_object *object, const void *holder) {
  retain_slow(object, CAIRN_CALL(), holder);
}

void cairn_retain_untold_slow(cairn_object *object) {
  uint64_t header = cairn_header_load(object);
  if ((header & (CAIRN_COUNT_SATURATED | CAIRN_STATE(QUARANTINED))) != 0) {
    cairn_retain(object); /* changes nothing, or reports it */
  } else if ((header & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_retain(object);
  } else {
    object->header = header + 1;
  }
}

void cairn_retain_tell_slow(cairn_object *object, uint32_t untold, const void *holder) {
  uint64_t header = cairn_header_load(object);
  uint32_t count = (uint32_t)(header & CAIRN_COUNT_MASK);
  if ((header & CAIRN_COUNT_SATURATED) != 0 || (header & CAIRN_STATE(TRACED)) == 0) return;
  cairn_track_count(object, CAIRN_EVENT_RETAIN, count - untold, (struct cairn_call){0}, holder);
}

cairn_object *cairn_retain_told(cairn_object *object, struct cairn_call call) {
  if (object == NULL) return NULL;
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_HEADER_SLOW) != 0) {
    retain_slow(object, call, NULL);
  } else {
    object->header = header + 1;
  }
  CAIRN_ORDER();
  return object;
}

void cairn_object_release_told(cairn_object *object, struct cairn_call call, const void *holder) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_COUNT_SATURATED) != 0) return;
  if ((header & CAIRN_STATE(QUARANTINED)) != 0) {
    cairn_quarantine_misused(cairn_object_heap(object), object, CAIRN_MISUSE_RELEASE, call, holder);
    return;
  }
  uint32_t count = (uint32_t)(header & CAIRN_COUNT_MASK);
  /* Told before it is done: the object may be gone afterwards. */
  if ((header & CAIRN_STATE(TRACED)) != 0 && count != 0) {
    cairn_track_count(object, CAIRN_EVENT_RELEASE, count - 1, call, holder);
  }
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_release(object);
    return;
  }
  if (count <= 1) {
    cairn_object_die_(object);
    return;
  }
  object->header = header - 1;
  if ((header & CAIRN_STATE(TELL)) != 0) cairn_object_candidate_(object);
}

/* Counts that are not plain: what retain and release do when CAIRN_HEADER_SLOW says so.
 *
 * Invariant: a saturated count, an immortal's among them, is never written to.
 *
 * What this is not: the fast paths, which are in object.h and inline; and death (die.c).
 */
#include "internal.h"

void cairn_object_retain_slow_(cairn_object *object) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_COUNT_SATURATED) != 0) return;
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_retain(object);
    return;
  }
  object->header = header + 1;
}

void cairn_object_release_slow_(cairn_object *object) {
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_COUNT_SATURATED) != 0) return;
  if ((header & CAIRN_STATE(SHARED)) != 0) {
    cairn_shared_release(object);
    return;
  }
  if ((header & CAIRN_COUNT_MASK) <= 1) {
    cairn_object_die_(object);
    return;
  }
  object->header = header - 1;
  if ((header & (CAIRN_STATE(ACYCLIC) | CAIRN_STATE(CANDIDATE))) == 0) {
    cairn_object_candidate_(object);
  }
}

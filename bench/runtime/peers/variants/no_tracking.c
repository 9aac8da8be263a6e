/* In place of the files of tracking: the runtime as if there were none, without its probes too.
 * What remains is a bit in the mask of a test that saturated counts need anyway.  Only to measure
 * what tracking costs while it is off. */
#include "tracking.h"

void cairn_track_allocate(cairn_heap *heap, cairn_object *object) {
  (void)heap;
  (void)object;
}

bool cairn_track_free(cairn_heap *heap, void *block) {
  (void)heap;
  (void)block;
  return false;
}

void cairn_track_collect(cairn_heap *heap, uint32_t op, uint64_t number, uint64_t freed_count) {
  (void)heap;
  (void)op;
  (void)number;
  (void)freed_count;
}

void cairn_track_count(cairn_object *object, uint32_t op, uint32_t count, struct cairn_call call,
                       const void *holder) {
  (void)object;
  (void)op;
  (void)count;
  (void)call;
  (void)holder;
}

bool cairn_track_arena_begin(const cairn_heap *heap, struct cairn_arena *arena) {
  (void)heap;
  (void)arena;
  return true;
}

void cairn_track_arena_end(struct cairn_arena *arena) { (void)arena; }

void cairn_track_pages_forget(struct cairn_arena *arena, uint32_t first, uint32_t count) {
  (void)arena;
  (void)first;
  (void)count;
}

void cairn_track_relieve(cairn_heap *heap) { (void)heap; }

void cairn_track_from_environment(cairn_heap *heap) { (void)heap; }

void cairn_track_stop(cairn_heap *heap) { (void)heap; }

uint64_t cairn_track_serial(const cairn_object *object) {
  (void)object;
  return 0;
}

const char *cairn_quarantine_check(const cairn_heap *heap) {
  (void)heap;
  return NULL;
}

void cairn_quarantine_misused(cairn_heap *heap, const void *block, enum cairn_misuse misuse,
                              struct cairn_call call, const void *holder) {
  (void)heap;
  (void)block;
  (void)misuse;
  (void)call;
  (void)holder;
}

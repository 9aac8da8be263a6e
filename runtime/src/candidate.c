/* Candidates: objects whose count was dropped, but not to 0, since the collector last looked.
 *
 * A cycle becomes garbage only when a reference to one of its members, or to something that leads
 * to one, is given up and others are left: so what the candidates reach is all that may have become
 * garbage.
 *
 * Invariants, where nothing is in flux:
 *  - page->candidate_count is the number of objects in the page whose header has state.candidate;
 *    heap->candidate_count is the sum over all pages.
 *  - A page with candidates has its bit set in arena->with_candidates.
 *  - An object with state.acyclic is never a candidate; any other that is live has state.tell or
 *    state.candidate, never both.
 *
 * What this is not: a list.  The collector finds candidates through the pages that have some.
 */
#include "internal.h"

void cairn_object_candidate_(cairn_object *object) {
  cairn_heap_check(cairn_arena_of(object)->heap);
  object->header = (object->header | CAIRN_STATE(CANDIDATE)) & ~CAIRN_STATE(TELL);
  struct cairn_arena *arena = cairn_arena_of(object);
  size_t index = ((uintptr_t)object - (uintptr_t)arena) >> arena->page_shift;
  cairn_arena_page(arena, index)->candidate_count++;
  arena->with_candidates[index / 64] |= 1ull << index % 64;
  arena->heap->candidate_count++;
}

void cairn_candidate_forget(cairn_heap *heap, cairn_object *object) {
  struct cairn_page *page = cairn_page_of(object);
  assert(page->candidate_count > 0 && heap->candidate_count > 0);
  page->candidate_count--;
  heap->candidate_count--;
}

/* Doubts: what may explain a count that nothing explains.
 *
 * A verdict is certain where every place that could own the object was seen and stands for one
 * reference.  It is not where
 *
 *  - a register, or a place on the stack of optimised code, holds the object: a compiler keeps two
 *    variables of one value in one place;
 *  - the heap was stopped while a buffer's elements were being shifted: some may be in no memory at
 *    all, but in a vector register; or its list of references on their way could not be read to its
 *    end;
 *  - it is garbage that the collector is freeing, whose counts are not lowered one by one
 *    (reclaim.c);
 *  - words in freed blocks of malloc lead to it, enough to explain its count: such blocks are told
 *    by malloc's own books, which are not ours to vouch for;
 *  - an opaque object of the heap may hold it in disguise, or a part of the heap can't be read, for
 *    its memory is missing or its contract does not tell how.
 *
 * What this is not: the verdict itself (account.c).
 */
#include <string.h>

#include "analysis.h"
#include "model/object.h"
#include "turn.h"

enum { WORDS_A_READ = 512 };

static void mark(struct lens_audit_state *audit, uint32_t object) {
  audit->in_flux[object / 64] |= 1ull << (object % 64);
}

/* ---- elements on their way ---- */

/* Marks each object that a word of the block of a buffer names: while elements are shifted, some
 * stand outside the part that is counted. */
static lens_status mark_block(lens *self, uint64_t content) {
  uint32_t arena = lens_arena_find(self, content);
  struct lens_block block;
  if (arena == LENS_NONE || !lens_block_find(self, arena, content, &block)) return LENS_OK;
  const struct lens_directory *directory = &self->analysis->snapshot.directory;
  uint64_t words[WORDS_A_READ], end = block.start + block.bytes;
  for (uint64_t at = block.start; at < end; at += sizeof words) {
    uint64_t bytes = end - at < sizeof words ? end - at : sizeof words;
    lens_status status = lens_turn(self);
    if (status == LENS_OK) status = lens_fetch(self, at, bytes, words);
    if (status == LENS_UNREADABLE) continue;
    if (status != LENS_OK) return status;
    for (uint64_t i = 0; i < bytes / sizeof *words; i++) {
      uint32_t object = lens_directory_exact(directory, words[i]);
      if (object != LENS_NONE) mark(&self->analysis->audit, object);
    }
  }
  return LENS_OK;
}

struct blocks {
  lens *self;
  lens_status status;
};

static void mark_buffer(void *context, uint32_t slot, uint64_t content) {
  (void)slot;
  struct blocks *blocks = context;
  if (blocks->status == LENS_OK) blocks->status = mark_block(blocks->self, content);
}

/* The object that is moving to another buffer, and all that it holds or is about to hold. */
static lens_status mark_moving(lens *self, uint64_t address) {
  struct lens_analysis *analysis = self->analysis;
  uint32_t object = lens_directory_find(&analysis->snapshot.directory, address);
  if (object == LENS_NONE) return LENS_OK;
  mark(&analysis->audit, object);
  const uint64_t *starts = lens_out_starts(&analysis->index);
  for (uint64_t i = starts[object]; i < starts[object + 1]; i++) {
    lens_status turn = lens_turn_at(self, i);
    if (turn != LENS_OK) return turn;
    mark(&analysis->audit, lens_out_targets(&analysis->index)[i]);
  }
  struct lens_held held;
  lens_status status =
      lens_object_hold(self, lens_row_addresses(&analysis->snapshot)[object], &held);
  if (status == LENS_NOT_FOUND || status == LENS_UNREADABLE || held.type == NULL) return LENS_OK;
  if (status != LENS_OK) return status;
  struct blocks blocks = {self, LENS_OK};
  lens_slots_buffers(held.type, held.bytes, held.byte_count, mark_buffer, &blocks);
  return blocks.status;
}

/* ---- by heap ---- */

/* Which heaps have objects whose references can't all be told. */
static lens_status find_opaque(lens *self, uint8_t *doubts) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *types = lens_row_types(snapshot);
  bool any = false;
  for (size_t i = 0; i < self->model.type_count && !any; i++)
    any = self->model.types[i].conservative;
  for (uint64_t i = 0; any && i < snapshot->object_count; i++) {
    lens_status status = lens_turn_at(self, i);
    if (status != LENS_OK) return status;
    if (types[i] == LENS_NONE || !self->model.types[types[i]].conservative) continue;
    doubts[self->model.types[types[i]].shown.heap] |= LENS_DOUBT_OPAQUE;
  }
  return LENS_OK;
}

/* Objects of a shared heap are held from any heap. */
static void share_doubts(const lens *self, uint8_t *doubts) {
  uint32_t any = 0;
  for (size_t i = 0; i < self->model.heap_count; i++) any |= doubts[i];
  any &= LENS_DOUBT_OPAQUE | LENS_DOUBT_FLUX;
  for (size_t i = 0; i < self->model.heap_count; i++) {
    if (self->model.heaps[i].shown.shared != 0) doubts[i] |= (uint8_t)any;
  }
}

/* Whether the contract tells of all that holds a reference; what it lacks might hold some. */
static bool tells_all(const struct lens_contract *contract) {
  const struct lens_layout_slot *slot = &contract->slot;
  const struct lens_place_of needed[] = {
      contract->heap.runtime_slots, slot->flags,        slot->count_width,
      slot->count_offset,           slot->first_offset, slot->stride,
      slot->value_offset,           slot->tag_mask,     slot->tag_value};
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    if (needed[i].width == 0) return false;
  }
  return true;
}

lens_status lens_doubts_find(lens *self) {
  struct lens_analysis *analysis = self->analysis;
  struct lens_audit_state *audit = &analysis->audit;
  const lens_walk_totals *totals = &analysis->snapshot.totals;
  uint32_t everywhere = audit->filter.roots_missing != 0 ? LENS_DOUBT_ROOTS : 0;
  if (totals->damaged_blocks != 0 || totals->unreadable_bytes != 0 || lens_problems_damage(self))
    everywhere |= LENS_DOUBT_UNREADABLE;
  audit->heap_doubts = lens_alloc_zeroed(self->model.heap_count + 1, 1);
  if (audit->heap_doubts == NULL) return lens_out_of_memory(self);
  memset(audit->heap_doubts, (int)everywhere, self->model.heap_count);
  lens_status status = find_opaque(self, audit->heap_doubts);
  if (status != LENS_OK) return status;
  for (size_t i = 0; i < self->model.heap_count; i++) {
    const struct lens_heap_model *heap = &self->model.heaps[i];
    if (!tells_all(heap->contract)) audit->heap_doubts[i] |= LENS_DOUBT_UNREADABLE;
    if (heap->flux == LENS_FLUX_OTHER || heap->holdings_cut)
      audit->heap_doubts[i] |= LENS_DOUBT_FLUX;
    if (heap->flux == LENS_FLUX_RESIZE) audit->resizing = true;
    if (heap->flux == LENS_FLUX_NONE || heap->shown.flux_object == 0) continue;
    if (audit->in_flux == NULL) {
      audit->in_flux =
          lens_alloc_zeroed(analysis->snapshot.object_count / 64 + 1, sizeof *audit->in_flux);
      if (audit->in_flux == NULL) return lens_out_of_memory(self);
    }
    status = mark_moving(self, heap->shown.flux_object);
    if (status != LENS_OK) return status;
  }
  share_doubts(self, audit->heap_doubts);
  return lens_reclaim_find(self);
}

/* ---- by object ---- */

/* True when one place may stand for more references than one. */
static bool may_stand_for_several(const lens_root *root) {
  bool frame = root->kind == LENS_ROOT_ARG || root->kind == LENS_ROOT_LOCAL;
  return (frame && root->unmerged == 0) || root->kind == LENS_ROOT_REGISTER ||
         root->kind == LENS_ROOT_WORD;
}

static uint32_t doubts_of_roots(const struct lens_roots *roots, uint32_t object) {
  if (roots->count == 0) return 0;
  const uint32_t *next = roots->next.items;
  for (uint32_t at = ((const uint32_t *)roots->first_of.items)[object]; at != 0;
       at = next[at - 1]) {
    if (may_stand_for_several(&lens_root_rows(roots)[at - 1])) return LENS_DOUBT_STAND_IN;
  }
  return 0;
}

/* Whether an element that is being shifted may be of this type, and in no memory. */
static bool may_be_shifted(const lens *self, uint32_t type) {
  const struct lens_heap_model *heap = &self->model.heaps[self->model.types[type].shown.heap];
  return heap->flux == LENS_FLUX_RESIZE ||
         (self->analysis->audit.resizing && heap->shown.shared != 0);
}

lens_status lens_doubts_of(lens *self, uint32_t object, uint32_t verdict, int64_t surplus,
                           uint32_t *doubts) {
  const struct lens_audit_state *audit = &self->analysis->audit;
  *doubts = 0;
  if (audit->in_flux != NULL && (audit->in_flux[object / 64] >> (object % 64) & 1) != 0)
    *doubts |= LENS_DOUBT_FLUX;
  uint32_t type = lens_row_types(&self->analysis->snapshot)[object];
  uint32_t heap_doubts =
      type == LENS_NONE ? 0 : audit->heap_doubts[self->model.types[type].shown.heap];
  /* What is not seen can explain a count, it can't make it too low. */
  if (verdict == LENS_UNDER_RETAINED) {
    *doubts |= heap_doubts & LENS_DOUBT_FLUX;
    return LENS_OK;
  }
  *doubts |= heap_doubts | doubts_of_roots(&self->analysis->roots, object);
  if (type != LENS_NONE && may_be_shifted(self, type)) *doubts |= LENS_DOUBT_FLUX;
  if (surplus <= lens_roots_stale_at(&self->analysis->roots, object)) *doubts |= LENS_DOUBT_STALE;
  bool waits = false;
  lens_status status = lens_reclaim_may_wait(self, object, &waits);
  if (waits) *doubts |= LENS_DOUBT_FLUX;
  return status;
}

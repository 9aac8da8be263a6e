/* Finding garbage: trial deletion beside the objects.
 *
 * gather    each member's side word takes its count
 * subtract  each reference from a member to a member is taken from the side word of the latter:
 *           what is left are the references from outside
 * restore   members with some left are marked, and what they reach
 * sift      the unmarked are garbage; the side words of the others are 0 again
 *
 * Members are found again by walking the blocks of the pages that are flagged as having some, so
 * side.link is free for work lists and nothing is ever allocated.
 *
 * Invariant: every member lies in a page with CAIRN_PAGE_FLAG_GATHERED; no page has that flag
 * between a sift and the next gather.
 *
 * What this is not: it frees nothing and runs no code of the program but `traverse`.
 */
#include "collect.h"

/* ---- walking --------------------------------------------------------------------------------- */

typedef void (*object_fn)(cairn_heap *heap, cairn_object *object, void *context);

/* Calls `visit` for the blocks of a page that were ever used. */
static inline void each_block(cairn_heap *heap, struct cairn_arena *arena, struct cairn_page *page,
                              object_fn visit, void *context) {
  char *memory = cairn_page_memory(arena, page);
  for (uint32_t i = 0; i < page->fresh; i++) {
    visit(heap, (cairn_object *)(void *)(memory + i * page->block_bytes), context);
  }
}

static inline bool page_has_blocks(const struct cairn_page *page) {
  return (page->kind == CAIRN_PAGE_BLOCKS || page->kind == CAIRN_PAGE_LARGE) &&
         page->used_count != 0;
}

/* Calls `visit` for each member. */
static inline void each_member(cairn_heap *heap, object_fn visit, void *context) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      struct cairn_page *page = cairn_arena_page(arena, i);
      if ((page->flags & CAIRN_PAGE_FLAG_GATHERED) == 0) continue;
      char *memory = cairn_page_memory(arena, page);
      const struct cairn_side *sides = cairn_side_of((cairn_object *)(void *)memory);
      for (uint32_t block = 0; block < page->fresh; block++) {
        if (sides[block].trial == 0) continue;
        visit(heap, (cairn_object *)(void *)(memory + block * page->block_bytes), context);
      }
    }
  }
}

/* Calls `visit` for each object that a member holds. */
static inline void each_child(cairn_heap *heap, cairn_object *object, cairn_visit_fn visit,
                              void *context) {
  const struct cairn_type *type = cairn_type_of(heap, object);
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  const cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor.slot, *word);
    if (child != NULL) visit(child, context);
  }
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) {
    cairn_type_traverser(type)(object, visit, context);
  }
}

/* ---- gather ------------------------------------------------------------------------------------
 */

/* What may be a member.  A count that the side word can't take counts as held from outside. */
static inline bool may_be_garbage(uint64_t header) {
  const uint64_t shape = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER) | CAIRN_STATE(ACYCLIC);
  return (header & shape) == CAIRN_STATE(LIVE) && (header & CAIRN_COUNT_MASK) < CAIRN_TRIAL_COUNT;
}

static inline void make_member(cairn_object *object, uint64_t count) {
  cairn_side_of(object)->trial = CAIRN_TRIAL_MEMBER | (uint32_t)count;
  cairn_page_of(object)->flags |= CAIRN_PAGE_FLAG_GATHERED;
}

/* Takes state.candidate from the objects of a page, and its share from the counters. */
static void page_forget_candidates(cairn_heap *heap, struct cairn_arena *arena,
                                   struct cairn_page *page, object_fn visit, void *context) {
  uint32_t left = page->candidate_count;
  char *memory = cairn_page_memory(arena, page);
  for (uint32_t i = 0; left > 0 && i < page->fresh; i++) {
    cairn_object *object = (cairn_object *)(void *)(memory + i * page->block_bytes);
    if ((object->header & CAIRN_STATE(CANDIDATE)) == 0) continue;
    object->header &= ~CAIRN_STATE(CANDIDATE);
    left--;
    if (visit != NULL) visit(heap, object, context);
  }
  assert(left == 0);
  heap->candidate_count -= page->candidate_count;
  page->candidate_count = 0;
}

/* Calls page_forget_candidates for each page that has some. */
static void forget_candidates(cairn_heap *heap, object_fn visit, void *context) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      struct cairn_page *page = cairn_arena_page(arena, i);
      if (page_has_blocks(page) && page->candidate_count != 0) {
        page_forget_candidates(heap, arena, page, visit, context);
      }
    }
  }
  assert(heap->candidate_count == 0);
}

static inline void gather_one(cairn_heap *heap, cairn_object *object, void *context) {
  (void)heap;
  if (!may_be_garbage(object->header)) return;
  make_member(object, object->header & CAIRN_COUNT_MASK);
  ++*(uint64_t *)context;
}

uint64_t cairn_gather_all(cairn_heap *heap) {
  uint64_t member_count = 0;
  forget_candidates(heap, NULL, NULL);
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      struct cairn_page *page = cairn_arena_page(arena, i);
      if (page_has_blocks(page)) each_block(heap, arena, page, gather_one, &member_count);
    }
  }
  return member_count;
}

/* The members whose children are not gathered yet. */
struct gathering {
  uint32_t head;
  uint64_t member_count;
};

static inline void gather_reached(cairn_object *object, void *context) {
  struct gathering *gathering = context;
  if (cairn_side_of(object)->trial != 0 || !may_be_garbage(object->header)) return;
  make_member(object, object->header & CAIRN_COUNT_MASK);
  gathering->member_count++;
  cairn_link_push(&gathering->head, object);
}

static void gather_candidate(cairn_heap *heap, cairn_object *object, void *context) {
  (void)heap;
  gather_reached(object, context);
}

uint64_t cairn_gather_candidates(cairn_heap *heap) {
  struct gathering gathering = {0, 0};
  forget_candidates(heap, gather_candidate, &gathering);
  while (gathering.head != 0) {
    each_child(heap, cairn_link_pop(heap, &gathering.head), gather_reached, &gathering);
  }
  return gathering.member_count;
}

void cairn_gather_again(cairn_heap *heap, struct cairn_garbage garbage) {
  while (garbage.head != 0) {
    cairn_object *object = cairn_link_pop(heap, &garbage.head);
    assert((object->header & CAIRN_STATE(HELD)) != 0);
    make_member(object, (object->header & CAIRN_COUNT_MASK) - 1);
  }
}

/* ---- subtract, restore, sift
 * --------------------------------------------------------------------- */

static inline void subtract_reference(cairn_object *child, void *context) {
  (void)context;
  struct cairn_side *side = cairn_side_of(child);
  if (side->trial == 0) return;
  /* A program that forgot to retain leaves too few: then only what reaches the object keeps it. */
  assert((side->trial & CAIRN_TRIAL_COUNT) != 0);
  if ((side->trial & CAIRN_TRIAL_COUNT) != 0) side->trial--;
}

static inline void subtract_references(cairn_heap *heap, cairn_object *object, void *context) {
  each_child(heap, object, subtract_reference, context);
}

void cairn_subtract(cairn_heap *heap) { each_member(heap, subtract_references, NULL); }

static inline void mark(cairn_object *object, void *context) {
  struct cairn_side *side = cairn_side_of(object);
  if ((side->trial & (CAIRN_TRIAL_MEMBER | CAIRN_TRIAL_REACHED)) != CAIRN_TRIAL_MEMBER) return;
  side->trial |= CAIRN_TRIAL_REACHED;
  cairn_link_push(context, object);
}

static inline void restore_one(cairn_heap *heap, cairn_object *object, void *context) {
  if ((cairn_side_of(object)->trial & CAIRN_TRIAL_COUNT) == 0) return;
  uint32_t *head = context;
  mark(object, head);
  while (*head != 0) each_child(heap, cairn_link_pop(heap, head), mark, head);
}

void cairn_restore(cairn_heap *heap) {
  uint32_t head = 0;
  each_member(heap, restore_one, &head);
}

static void sift_one(cairn_heap *heap, cairn_object *object, void *context) {
  struct cairn_garbage *garbage = context;
  struct cairn_side *side = cairn_side_of(object);
  if ((side->trial & CAIRN_TRIAL_REACHED) != 0) {
    side->trial = 0;
    /* Resurrected: something holds it, so giving up the hold is not its death. */
    if ((object->header & CAIRN_STATE(HELD)) != 0) cairn_object_unhold(heap, object);
    return;
  }
  uint32_t compressed = cairn_side_compress(object);
  if (garbage->head == 0) {
    garbage->head = compressed;
  } else {
    cairn_side_of(cairn_side_object(heap, garbage->tail))->link = compressed;
  }
  garbage->tail = compressed;
}

struct cairn_garbage cairn_sift(cairn_heap *heap) {
  struct cairn_garbage garbage = {0, 0};
  each_member(heap, sift_one, &garbage);
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      cairn_arena_page(arena, i)->flags &= ~(uint64_t)CAIRN_PAGE_FLAG_GATHERED;
    }
  }
  return garbage;
}

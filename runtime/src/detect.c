/* Finding garbage: trial deletion beside the objects.
 *
 * gather    each member's side word takes its count
 * subtract  each reference from a member to a member is taken from the side word of the latter:
 *           what is left are the references from outside
 * restore   members with some left are marked, and what they reach
 * sift      the unmarked are garbage; the side words of the others are 0 again
 *
 * Members are found again by walking the side words of the pages that are flagged as having some,
 * in address order, so side.link is free for work lists and nothing is ever allocated.
 *
 * Invariant: every member lies in a page with CAIRN_PAGE_FLAG_GATHERED; no page has that flag
 * between a sift and the next gather.
 *
 * What this is not: it frees nothing and runs no code of the program but `traverse`.
 */
#include "collect.h"

/* ---- walking --------------------------------------------------------------------------------- */

/* One page's blocks and their side words, in step. */
struct blocks {
  cairn_heap *heap;
  struct cairn_page *page;
  char *memory;
  struct cairn_side *sides;
};

static inline struct blocks blocks_of(cairn_heap *heap, struct cairn_arena *arena,
                                      struct cairn_page *page) {
  char *memory = cairn_page_memory(arena, page);
  return (struct blocks){heap, page, memory, cairn_side_of((cairn_object *)(void *)memory)};
}

static inline cairn_object *block_at(const struct blocks *blocks, uint32_t index) {
  return (cairn_object *)(void *)(blocks->memory + index * blocks->page->block_bytes);
}

typedef void (*blocks_fn)(const struct blocks *blocks, void *context);

/* Calls `visit` for each page that has used blocks and, where `flags` is not 0, one of the flags.
 */
static inline void each_page(cairn_heap *heap, uint64_t flags, blocks_fn visit, void *context) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    for (uint32_t i = 1; i < arena->page_count; i++) {
      struct cairn_page *page = cairn_arena_page(arena, i);
      if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
      if (page->used_count == 0 || (flags != 0 && (page->flags & flags) == 0)) continue;
      struct blocks blocks = blocks_of(heap, arena, page);
      visit(&blocks, context);
    }
  }
}

/* Calls `visit` for each object that a member holds. */
static inline void each_child(const cairn_heap *heap, cairn_object *object, cairn_visit_fn visit,
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

/* ---- gather ---------------------------------------------------------------------------------- */

/* What may be a member.  A count that the side word can't take counts as held from outside. */
static inline bool may_be_garbage(uint64_t header) {
  const uint64_t shape = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER) | CAIRN_STATE(ACYCLIC);
  return (header & shape) == CAIRN_STATE(LIVE) && (header & CAIRN_COUNT_MASK) < CAIRN_TRIAL_COUNT;
}

static inline uint32_t trial_of(uint64_t header) {
  return CAIRN_TRIAL_MEMBER | (uint32_t)(header & CAIRN_COUNT_MASK);
}

static inline void gather_page(const struct blocks *blocks, void *context) {
  uint64_t *member_count = context;
  struct cairn_page *page = blocks->page;
  uint64_t count_before = *member_count;
  for (uint32_t i = 0; i < page->fresh; i++) {
    uint64_t header = block_at(blocks, i)->header;
    if (!may_be_garbage(header)) continue;
    blocks->sides[i].trial = trial_of(header);
    ++*member_count;
  }
  if (*member_count != count_before) page->flags |= CAIRN_PAGE_FLAG_GATHERED;
}

/* The members whose children are not gathered yet. */
struct gathering {
  const cairn_heap *heap;
  uint32_t head;
  uint64_t member_count;
};

static inline void gather_one(cairn_object *object, void *context) {
  struct gathering *gathering = context;
  struct cairn_side *side = cairn_side_of(object);
  if (side->trial != 0 || !may_be_garbage(object->header)) return;
  side->trial = trial_of(object->header);
  cairn_page_of(object)->flags |= CAIRN_PAGE_FLAG_GATHERED;
  gathering->member_count++;
  cairn_link_push(&gathering->head, object, side);
}

/* Takes state.candidate from the objects of a page, and gathers them where there is a gathering. */
static void forget_candidates(const struct blocks *blocks, void *context) {
  struct cairn_page *page = blocks->page;
  uint32_t left = page->candidate_count;
  for (uint32_t i = 0; left > 0 && i < page->fresh; i++) {
    cairn_object *object = block_at(blocks, i);
    if ((object->header & CAIRN_STATE(CANDIDATE)) == 0) continue;
    object->header &= ~CAIRN_STATE(CANDIDATE);
    left--;
    if (context != NULL) gather_one(object, context);
  }
  assert(left == 0);
  blocks->heap->candidate_count -= page->candidate_count;
  page->candidate_count = 0;
}

uint64_t cairn_gather_all(cairn_heap *heap) {
  uint64_t member_count = 0;
  each_page(heap, 0, forget_candidates, NULL);
  assert(heap->candidate_count == 0);
  each_page(heap, 0, gather_page, &member_count);
  return member_count;
}

uint64_t cairn_gather_candidates(cairn_heap *heap) {
  struct gathering gathering = {heap, 0, 0};
  each_page(heap, 0, forget_candidates, &gathering);
  assert(heap->candidate_count == 0);
  while (gathering.head != 0) {
    struct cairn_side *side;
    each_child(heap, cairn_link_pop(heap, &gathering.head, &side), gather_one, &gathering);
  }
  return gathering.member_count;
}

void cairn_gather_again(cairn_heap *heap, struct cairn_garbage garbage) {
  while (garbage.head != 0) {
    struct cairn_side *side;
    cairn_object *object = cairn_link_pop(heap, &garbage.head, &side);
    assert((object->header & CAIRN_STATE(HELD)) != 0);
    side->trial = trial_of(object->header) - 1;
    cairn_page_of(object)->flags |= CAIRN_PAGE_FLAG_GATHERED;
  }
}

/* ---- subtract, restore, sift ----------------------------------------------------------------- */

static inline void subtract_reference(cairn_object *child, void *context) {
  (void)context;
  struct cairn_side *side = cairn_side_of(child);
  if (side->trial == 0) return;
  /* A program that forgot to retain leaves too few: then only what reaches the object keeps it. */
  if ((side->trial & CAIRN_TRIAL_COUNT) != 0) side->trial--;
}

static inline void subtract_page(const struct blocks *blocks, void *context) {
  (void)context;
  for (uint32_t i = 0; i < blocks->page->fresh; i++) {
    if (blocks->sides[i].trial == 0) continue;
    each_child(blocks->heap, block_at(blocks, i), subtract_reference, NULL);
  }
}

void cairn_subtract(cairn_heap *heap) {
  each_page(heap, CAIRN_PAGE_FLAG_GATHERED, subtract_page, NULL);
}

/* The walk over the members, and those that it passed before they were reached. */
struct restoring {
  uintptr_t at;
  uint32_t passed;
};

static inline void reach(cairn_object *object, void *context) {
  struct restoring *restoring = context;
  struct cairn_side *side = cairn_side_of(object);
  if ((side->trial & (CAIRN_TRIAL_MEMBER | CAIRN_TRIAL_REACHED)) != CAIRN_TRIAL_MEMBER) return;
  side->trial |= CAIRN_TRIAL_REACHED;
  /* What lies ahead will be come to. */
  if ((uintptr_t)object < restoring->at) cairn_link_push(&restoring->passed, object, side);
}

static inline void restore_page(const struct blocks *blocks, void *context) {
  struct restoring *restoring = context;
  for (uint32_t i = 0; i < blocks->page->fresh; i++) {
    uint32_t trial = blocks->sides[i].trial;
    if (trial == 0 || trial == CAIRN_TRIAL_MEMBER) continue;
    cairn_object *object = block_at(blocks, i);
    blocks->sides[i].trial |= CAIRN_TRIAL_REACHED;
    restoring->at = (uintptr_t)object;
    each_child(blocks->heap, object, reach, restoring);
    while (restoring->passed != 0) {
      struct cairn_side *side;
      cairn_object *passed = cairn_link_pop(blocks->heap, &restoring->passed, &side);
      each_child(blocks->heap, passed, reach, restoring);
    }
  }
}

void cairn_restore(cairn_heap *heap) {
  struct restoring restoring = {0, 0};
  each_page(heap, CAIRN_PAGE_FLAG_GATHERED, restore_page, &restoring);
}

static void sift_page(const struct blocks *blocks, void *context) {
  struct cairn_garbage *garbage = context;
  for (uint32_t i = 0; i < blocks->page->fresh; i++) {
    struct cairn_side *side = &blocks->sides[i];
    if (side->trial == 0) continue;
    cairn_object *object = block_at(blocks, i);
    if ((side->trial & CAIRN_TRIAL_REACHED) != 0) {
      side->trial = 0;
      /* Resurrected: something holds it, so giving up the hold is not its death. */
      if ((object->header & CAIRN_STATE(HELD)) != 0) cairn_object_unhold(blocks->heap, object);
      continue;
    }
    if (garbage->last == NULL) {
      garbage->head = cairn_side_compress(object, side);
    } else {
      garbage->last->link = cairn_side_compress(object, side);
    }
    garbage->last = side;
  }
  blocks->page->flags &= ~(uint64_t)CAIRN_PAGE_FLAG_GATHERED;
}

struct cairn_garbage cairn_sift(cairn_heap *heap) {
  struct cairn_garbage garbage = {0, NULL};
  each_page(heap, CAIRN_PAGE_FLAG_GATHERED, sift_page, &garbage);
  return garbage;
}

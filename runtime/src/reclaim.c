/* Freeing garbage in an order that no finalizer can break, and then in bulk.
 *
 * Where a member's type has a finalizer, weak slots or functions of its own, or weak slots lead to
 * it: weak references to all of the garbage are cleared.  Each object gets a hold of the runtime's
 * (one store: state.held and one more of the count), so that none of it dies while code of the
 * program runs.  Finalizers run once each; when some did, detection runs again over the garbage,
 * without the holds, and what is now held from outside is kept, whole.
 *
 * Then nothing but the garbage itself leads to the garbage, and all of it goes in two walks:
 *
 *   let go   what it holds of others is released; then one store makes the object dying, with a
 *            resume ordinal behind its last word: it owns nothing any more, whatever its words
 *            say; then its buffers are freed
 *   free     a page where nothing else is left is emptied by one store to page.fresh, in others
 *            the blocks are freed one by one
 *
 * Invariants:
 *  - What a slot leads to is live, or dying, until no slot leads to it: no block is freed before
 *    all of the garbage owns nothing.
 *  - A side byte is 0 before its block is freed.
 *  - In the first walk code of the program may run (finalizers of what only garbage held), which
 *    allocates and frees as it likes.  In the second none runs.
 *
 * What this is not: it decides nothing (detect.c, restore.c).
 */
#include "members.h"
#include "observe.h"

typedef void (*object_fn)(cairn_heap *heap, cairn_object *object, void *context);

/* Calls `visit` for each object of the garbage. */
CAIRN_INLINE void each_garbage(cairn_heap *heap, object_fn visit, void *context) {
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(bits));
      for (size_t offset = 0; offset < cairn_blocks_end(&blocks); offset += blocks.stride) {
        if (*cairn_blocks_side(&blocks, offset) == CAIRN_TRIAL_NONE) continue;
        visit(heap, cairn_blocks_object(&blocks, offset), context);
      }
    }
  }
}

/* ---- what the program sees ------------------------------------------------------------------- */

static void clear_weak(cairn_heap *heap, cairn_object *object, void *context) {
  (void)context;
  if ((object->header & CAIRN_STATE(WEAKLY)) != 0) cairn_weak_target_gone(heap, object);
}

static void hold(cairn_heap *heap, cairn_object *object, void *context) {
  (void)heap;
  (void)context;
  object->header = (object->header + 1) | CAIRN_STATE(HELD);
}

static void finalize(cairn_heap *heap, cairn_object *object, void *context) {
  const struct cairn_type *type = cairn_type_of(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_FINALIZER) == 0) return;
  if ((object->header & CAIRN_STATE(FINALIZED)) != 0) return;
  object->header |= CAIRN_STATE(FINALIZED);
  cairn_type_finalizer(type)(object);
  cairn_flux_set(heap, CAIRN_FLUX_RECLAIM, NULL);
  *(bool *)context = true;
}

/* An opaque object gives up what its slots do not say, and forgets what it refers to weakly. */
static void clear_hidden(cairn_heap *heap, cairn_object *object, void *context) {
  (void)context;
  const struct cairn_type *type = cairn_type_of(heap, object);
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) {
    cairn_type_clearer(type)(object);
    cairn_flux_set(heap, CAIRN_FLUX_RECLAIM, NULL);
  }
  if ((type->flags & CAIRN_TYPE_FLAG_HAS_WEAK) != 0) cairn_weak_holder_gone(heap, object);
}

/* True when there is garbage in a page with special members.  Forgets which those were. */
static bool is_special(cairn_heap *heap) {
  bool special = false;
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    while ((arena->special[0] | arena->special[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(arena->special));
      if (!special) special = cairn_blocks_have(&blocks, CAIRN_TRIAL_EXPLAINED);
    }
  }
  return special;
}

/* Afterwards nothing outside the garbage leads to what is left of it, nor ever will. */
static void part_from_program(cairn_heap *heap) {
  bool finalized = false;
  each_garbage(heap, clear_weak, NULL);
  each_garbage(heap, hold, NULL);
  each_garbage(heap, finalize, &finalized);
  if (finalized) {
    cairn_detect_again(heap);
    (void)is_special(heap);
    each_garbage(heap, clear_weak, NULL);
  }
  each_garbage(heap, clear_hidden, NULL);
}

/* ---- let go ---------------------------------------------------------------------------------- */

static inline bool is_garbage(const cairn_object *object) {
  return *cairn_side_byte(object) != CAIRN_TRIAL_NONE;
}

/* Releases what others than garbage are held through the word.  What others hold too was found to
 * be alive just now, so it is no candidate for that. */
CAIRN_INLINE void let_go_word(const cairn_object *holder, cairn_word *word, cairn_object *child) {
  if (is_garbage(child)) return;
  *word = 0;
  CAIRN_ORDER();
  uint64_t header = cairn_header_load(child);
  if ((header & CAIRN_HEADER_SLOW) == 0 && (header & CAIRN_COUNT_MASK) > 1) {
    child->header = header - 1;
  } else {
    cairn_release_for_slot_(child, holder);
  }
}

static void let_go_words(const struct cairn_type *type, cairn_object *object) {
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_object *child = cairn_word_object(cursor.slot, *word);
    if (child != NULL) let_go_word(object, word, child);
  }
}

/* The object owns nothing any more. */
CAIRN_INLINE void let_go(cairn_heap *heap, cairn_object *object) {
  const uint64_t gone = CAIRN_STATE(LIVE) | CAIRN_STATE(HELD) | CAIRN_STATES_NOTED;
  if ((object->header & CAIRN_STATES_NOTED) != 0) cairn_object_forget(heap, object);
  CAIRN_ORDER();
  object->header = (object->header & ~gone) | CAIRN_STATE(DYING) | CAIRN_COUNT_MASK;
  CAIRN_ORDER();
}

/* A word that leads to garbage, most often to some in the same arena, stays as it is. */
CAIRN_INLINE void let_go_near_word(const struct cairn_blocks *blocks, const cairn_object *holder,
                                   cairn_word *word) {
  uintptr_t place = *word - (uintptr_t)blocks->arena;
  const uint8_t *sides = cairn_side_bytes_of(blocks->arena);
  if (place < CAIRN_ARENA_BYTES && sides[place >> CAIRN_SIDE_GRAIN_SHIFT] != CAIRN_TRIAL_NONE) {
    return;
  }
  if (*word != 0) let_go_word(holder, word, (cairn_object *)(uintptr_t)*word);
}

/* From the block at `offset` on: the garbage of the kind, whose run is of `count` words, up to some
 * of another kind, or to `end`. */
CAIRN_INLINE size_t let_go_of_kind(cairn_heap *heap, const struct cairn_blocks *blocks,
                                   const struct cairn_kind *kind, size_t offset, size_t end,
                                   uint32_t count) {
  const uint64_t mask = (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT;
  const uint64_t type = (uint64_t)kind->index << CAIRN_TYPE_SHIFT;
  for (; offset < end; offset += blocks->stride) {
    if (*cairn_blocks_side(blocks, offset) == CAIRN_TRIAL_NONE) continue;
    cairn_object *object = cairn_blocks_object(blocks, offset);
    if ((object->header & mask) != type) break;
    cairn_word *word = cairn_run_words(kind->run, object);
    if (count == 2) {
      let_go_near_word(blocks, object, &word[0]);
      let_go_near_word(blocks, object, &word[1]);
    } else {
      for (uint32_t i = 0; i < count; i++) let_go_near_word(blocks, object, &word[i]);
    }
    let_go(heap, object);
  }
  return offset;
}

/* What is garbage in the page stays where it is meanwhile, and nothing that comes is. */
static void let_go_of_page(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  (void)context;
  struct cairn_kind kind = {.index = 0};
  const size_t end = cairn_blocks_end(&blocks);
  size_t offset = 0;
  while ((offset = cairn_blocks_next_member(&blocks, offset, end)) < end) {
    cairn_object *object = cairn_blocks_object(&blocks, offset);
    cairn_kind_meet(heap, object->header, &kind);
    if (kind.run.count == CAIRN_RUN_NONE) {
      let_go_words(kind.type, object);
      let_go(heap, object);
      cairn_slots_free_buffers(kind.type, object);
      offset += blocks.stride;
    } else if (kind.run.count == 2) {
      offset = let_go_of_kind(heap, &blocks, &kind, offset, end, 2);
    } else {
      offset = let_go_of_kind(heap, &blocks, &kind, offset, end, kind.run.count);
    }
  }
}

/* ---- free ------------------------------------------------------------------------------------ */

static void free_one_by_one(cairn_heap *heap, const struct cairn_blocks *blocks, uint32_t left) {
  for (size_t offset = 0; left > 0; offset += blocks->stride) {
    uint8_t *side = cairn_blocks_side(blocks, offset);
    if (*side == CAIRN_TRIAL_NONE) continue;
    *side = CAIRN_TRIAL_NONE;
    left--;
    cairn_block_free(heap, cairn_blocks_object(blocks, offset));
  }
}

/* All that is in the page goes. */
static void tell_of_page(cairn_heap *heap, const struct cairn_blocks *blocks) {
  size_t offset = 0, end = cairn_blocks_end(blocks);
  for (; (offset = cairn_blocks_next_member(blocks, offset, end)) < end; offset += blocks->stride) {
    (void)cairn_observe_freed(heap, cairn_blocks_object(blocks, offset));
  }
}

/* Frees the garbage of an arena.  The last page may take the arena with it, so all pages are judged
 * before the first is freed, and those come last that nothing else is left in. */
static void free_in_arena(cairn_heap *heap, struct cairn_arena *arena) {
  uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
  uint64_t some[2] = {0, 0}, whole[2] = {0, 0};
  arena->gathered[0] = arena->gathered[1] = 0;
  while ((bits[0] | bits[1]) != 0) {
    uint32_t index = cairn_bits_take_first(bits);
    struct cairn_blocks blocks = cairn_blocks_of(arena, index);
    uint32_t count = cairn_blocks_garbage(&blocks);
    if (count == 0) continue;
    bool is_whole = count == blocks.page->used_count && (heap->slow & CAIRN_SLOW_CLOSED) == 0;
    cairn_bits_set(is_whole ? whole : some, index);
  }
  while ((some[0] | some[1]) != 0) {
    struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(some));
    free_one_by_one(heap, &blocks, cairn_blocks_garbage(&blocks));
  }
  while ((whole[0] | whole[1]) != 0) {
    struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(whole));
    if ((heap->slow & CAIRN_SLOW_OBSERVED) != 0) tell_of_page(heap, &blocks);
    memset(blocks.sides, 0, cairn_blocks_places(&blocks));
    cairn_page_empty(heap, blocks.page);
  }
}

void cairn_reclaim(cairn_heap *heap, uint64_t garbage_count) {
  bool special = is_special(heap);
  if (garbage_count != 0) {
    if (special) part_from_program(heap);
    cairn_each_gathered(heap, let_go_of_page, NULL);
  }
  /* What lies ready would keep a page from being empty. */
  if (garbage_count != 0) cairn_hot_flush(heap);
  struct cairn_arena *next;
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = next) {
    next = arena->next;
    free_in_arena(heap, arena);
  }
}

/* The first two phases of a collection of the whole heap: who is a member, and which references to
 * members are explained by other members.
 *
 * gather    each member's side byte takes its count
 * subtract  each reference from a member to a member is taken from the side byte of the latter:
 *           what is left are the references from outside
 *
 * Both are linear walks.  Gathering passes all headers, in order of address or against it.  An
 * object is left out when all that it holds is no member and lies behind the walk: a chain of such
 * references goes back in the walk with each step, so it ends, and none leads back to the object.
 * So of trees, lists and documents nothing may be left for the later phases to look at.  (Whether
 * an object is left out never changes what is freed: what garbage alone holds goes with it.)  Which
 * way the walk goes depends on what it met the last time: children before their parents, or after.
 *
 * Subtracting reads the members' words and touches of a child nothing but its side byte: at once
 * where that is one of the same arena's, else when it has come into the cache.
 *
 * What this is not: it decides nothing of what it gathered (restore.c), and does not follow
 * candidates (detect.c).
 */
#include "trial.h"

/* In a page where so many objects in turn turned out to be members, the others are taken to be. */
enum { TRIES = 32 };

/* ---- gather ---------------------------------------------------------------------------------- */

struct gathering {
  cairn_heap *heap;
  /* Places are ordered by address ^ flip, so that one comparison tells what is behind. */
  uintptr_t flip;
  uint64_t looked_count, member_count;
};

/* What gathering knows of the type that it met last.  The walk has it in registers. */
struct gathered_kind {
  struct cairn_kind kind;
  uint64_t expected; /* of the header under KIND_MASK, if the object is of the type and ordinary */
  bool special;      /* its objects are */
};
#define KIND_MASK \
  (CAIRN_MEMBER_MASK | CAIRN_STATE(WEAKLY) | (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT)

static inline bool is_member(cairn_word word) {
  return *cairn_side_byte((void *)(uintptr_t)word) != CAIRN_TRIAL_NONE;
}

/* True when what the word holds lies ahead of the walk, which is `at` a place, and may become a
 * member. */
CAIRN_INLINE bool is_ahead(cairn_word word, uintptr_t flip, uintptr_t at) {
  return __builtin_expect((word ^ flip) >= at, 0) &&
         cairn_may_be_member(cairn_header_load((cairn_object *)(uintptr_t)word));
}

/* True when the object holds something that is a member, or may become one when the walk, which is
 * `at` the object, gets there. */
CAIRN_INLINE bool leads_on(struct cairn_run run, cairn_object *object, uintptr_t flip,
                           uintptr_t at) {
  const cairn_word *word = cairn_run_words(run, object);
  for (uint32_t i = 0; i < run.count; i++) {
    if (word[i] != 0 && is_ahead(word[i], flip, at)) return true;
  }
  for (uint32_t i = 0; i < run.count; i++) {
    if (word[i] != 0 && is_member(word[i])) return true;
  }
  return false;
}

/* The same for types whose references are no run. */
static __attribute__((noinline)) bool leads_on_slowly(const struct cairn_type *type,
                                                      cairn_object *object, uintptr_t flip) {
  if ((type->flags & CAIRN_TYPE_FLAG_OPAQUE) != 0) return true;
  uintptr_t at = (uintptr_t)object ^ flip;
  struct cairn_cursor cursor;
  cairn_cursor_begin(&cursor, type, object, CAIRN_SLOT_STRONG);
  const cairn_word *word;
  while ((word = cairn_cursor_next(&cursor)) != NULL) {
    cairn_word child = (uintptr_t)cairn_word_object(cursor.slot, *word);
    if (child != 0 && (is_ahead(child, flip, at) || is_member(child))) return true;
  }
  return false;
}

/* Another type than the last, or an object that is not ordinary.  False: it can't be a member. */
static __attribute__((noinline)) bool meet(const cairn_heap *heap, uint64_t header,
                                           struct gathered_kind *met) {
  if (!cairn_may_be_member(header)) return false;
  cairn_kind_meet(heap, header, &met->kind);
  met->expected = CAIRN_MEMBER | (uint64_t)met->kind.index << CAIRN_TYPE_SHIFT;
  met->special = cairn_type_is_special(met->kind.type);
  return true;
}

/* A walk over one page. */
struct visit {
  const struct cairn_blocks *blocks;
  size_t end, step; /* backwards the offset wraps around behind the first block */
  struct gathered_kind met;
  uint32_t tries;
  uint64_t looked_count, member_count;
  bool special;
};

CAIRN_INLINE void join(const struct cairn_blocks *blocks, size_t offset, uint64_t header) {
  cairn_object *object = cairn_blocks_object(blocks, offset);
  if ((header & CAIRN_STATE(CANDIDATE)) != 0) object->header = cairn_header_untold(header);
  *cairn_blocks_side(blocks, offset) = cairn_trial_set(object, header & CAIRN_COUNT_MASK);
}

/* From `offset` on: all are members, up to one that is of another kind, or to the end. */
static size_t gather_kind(struct visit *visit, size_t offset) {
  const struct cairn_blocks blocks = *visit->blocks;
  const size_t end = visit->end, step = visit->step;
  const uint64_t mask = KIND_MASK, expected = visit->met.expected;
  size_t count = 0;
  for (; offset < end; offset += step, count++) {
    uint64_t header = cairn_blocks_object(&blocks, offset)->header;
    if ((header & mask) != expected) break;
    join(&blocks, offset, header);
  }
  visit->looked_count += count;
  visit->member_count += count;
  return offset;
}

/* The object at `offset`, whatever it is. */
CAIRN_INLINE void gather_object(const struct gathering *gathering, struct visit *visit,
                                size_t offset) {
  cairn_object *object = cairn_blocks_object(visit->blocks, offset);
  struct gathered_kind *met = &visit->met;
  uint64_t header = object->header;
  bool ordinary = !met->special;
  if ((header & KIND_MASK) != met->expected) {
    if (!meet(gathering->heap, header, met)) return;
    ordinary = !met->special && (header & CAIRN_STATE(WEAKLY)) == 0;
  }
  visit->looked_count++;
  if (ordinary && visit->tries != 0) {
    const uintptr_t flip = gathering->flip;
    bool leads = met->kind.run.count == CAIRN_RUN_NONE
                     ? leads_on_slowly(met->kind.type, object, flip)
                     : leads_on(met->kind.run, object, flip, (uintptr_t)object ^ flip);
    if (!leads) {
      visit->tries = TRIES;
      if ((header & CAIRN_STATE(CANDIDATE)) != 0) object->header = cairn_header_untold(header);
      return;
    }
    visit->tries--;
  }
  visit->special |= !ordinary;
  visit->member_count++;
  join(visit->blocks, offset, header);
}

/* Makes the page's objects members that may be. */
static void gather_page(struct gathering *gathering, const struct cairn_blocks *blocks) {
  const size_t stride = blocks->stride, end = cairn_blocks_end(blocks);
  const bool backward = gathering->flip < CAIRN_ARENA_BYTES;
  struct visit visit = {.blocks = blocks,
                        .end = end,
                        .step = backward ? 0 - stride : stride,
                        .met = {.kind.index = 0, .expected = UINT64_MAX},
                        .tries = TRIES};
  for (size_t offset = backward ? end - stride : 0; offset < end; offset += visit.step) {
    if (visit.tries == 0 && !visit.met.special) {
      offset = gather_kind(&visit, offset);
      if (offset >= end) break;
    }
    gather_object(gathering, &visit, offset);
  }
  struct cairn_page *page = blocks->page;
  gathering->heap->candidate_count -= page->candidate_count;
  page->candidate_count = 0;
  gathering->looked_count += visit.looked_count;
  gathering->member_count += visit.member_count;
  uint32_t index = cairn_page_index(blocks->arena, blocks->memory);
  if (visit.member_count != 0) cairn_bits_set(blocks->arena->gathered, index);
  if (visit.special) cairn_bits_set(blocks->arena->special, index);
}

/* Takes back what a walk from candidates left beside the page's blocks. */
static void clear_page(const struct cairn_blocks *blocks) {
  for (size_t offset = 0; offset < cairn_blocks_end(blocks); offset += blocks->stride) {
    uint8_t *side = cairn_blocks_side(blocks, offset);
    if ((*side & ~CAIRN_TRIAL_PENDING) == CAIRN_TRIAL_WIDE) *cairn_side_word_beside(side) = 0;
    *side = CAIRN_TRIAL_NONE;
  }
}

static void gather_arena(struct gathering *gathering, struct cairn_arena *arena, bool clean) {
  const bool backward = gathering->flip < CAIRN_ARENA_BYTES;
  const uint32_t count = arena->page_count;
  arena->gathered[0] = arena->gathered[1] = 0;
  arena->special[0] = arena->special[1] = 0;
  arena->with_candidates[0] = arena->with_candidates[1] = 0;
  for (uint32_t i = 1; i < count; i++) {
    uint32_t index = backward ? count - i : i;
    const struct cairn_page *page = cairn_arena_page(arena, index);
    if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
    if (page->used_count == 0) continue;
    struct cairn_blocks blocks = cairn_blocks_of(arena, index);
    if (!clean) clear_page(&blocks);
    gather_page(gathering, &blocks);
  }
}

/* Systems place mappings downwards, while allocation goes through an arena upwards: so from the
 * highest arena to the lowest is in the order in which most objects were made. */
static void gather_forward(struct gathering *gathering, bool clean) {
  gathering->flip = ~((uintptr_t)CAIRN_ARENA_BYTES - 1);
  struct cairn_arena *arena = gathering->heap->arenas;
  while (arena != NULL && arena->next != NULL) arena = arena->next;
  for (; arena != NULL; arena = arena->previous) gather_arena(gathering, arena, clean);
}

static void gather_backward(struct gathering *gathering, bool clean) {
  gathering->flip = (uintptr_t)CAIRN_ARENA_BYTES - 1;
  struct cairn_arena *arena = gathering->heap->arenas;
  for (; arena != NULL; arena = arena->next) gather_arena(gathering, arena, clean);
}

/* Which way the next walk goes: the one that left more out when it was last gone.  What is known of
 * the other way fades, so that it is tried again in time. */
static void choose_way(cairn_heap *heap, uint64_t looked_count, uint64_t member_count) {
  enum { ALL = 1024, BETTER = 128, FADING = 8 };
  uint32_t *mine = &heap->gather_shares[heap->gather_backward];
  uint32_t *other = &heap->gather_shares[!heap->gather_backward];
  *mine = looked_count == 0 ? 0 : (uint32_t)(member_count * ALL / looked_count);
  *other -= *other / FADING;
  if (*other + BETTER < *mine) heap->gather_backward = !heap->gather_backward;
}

/* ---- subtract -------------------------------------------------------------------------------- */

/* Side bytes that are being fetched: each is lowered when FETCHED more references were seen. */
enum { FETCHED = 32, FAR_TIMES = 3 };
struct fetched {
  uint64_t next;       /* references that were fetched so far; modulo FETCHED the oldest */
  uint64_t near_count; /* references within an arena */
  uintptr_t arena;     /* that the walk is in */
  uint8_t none;        /* stands for no member */
  uint8_t *sides[FETCHED];
};

CAIRN_INLINE void lower_later(struct fetched *fetched, uint64_t *next, uintptr_t object) {
  uint8_t *side = cairn_side_byte((void *)object);
  __builtin_prefetch(side, 1);
  uint8_t *oldest = fetched->sides[*next % FETCHED];
  fetched->sides[(*next)++ % FETCHED] = side;
  cairn_trial_lower(oldest);
}

static void subtract_reference(cairn_object *child, void *context) {
  struct fetched *fetched = context;
  uintptr_t place = (uintptr_t)child - fetched->arena;
  if (place < CAIRN_ARENA_BYTES) {
    cairn_trial_lower(cairn_side_byte(child));
    fetched->near_count++;
  } else {
    lower_later(fetched, &fetched->next, (uintptr_t)child);
  }
}

/* A walk over one page; what changes with each object is in registers. */
struct subtracting {
  struct fetched *fetched;
  uintptr_t arena;
  uint8_t *sides; /* of the arena */
  uint64_t next, near_count;
};

CAIRN_INLINE void subtract_word(struct subtracting *at, cairn_word word) {
  uintptr_t place = word - at->arena;
  if (place < CAIRN_ARENA_BYTES) {
    cairn_trial_lower(&at->sides[place >> CAIRN_SIDE_GRAIN_SHIFT]);
    at->near_count++;
  } else if (word != 0) {
    lower_later(at->fetched, &at->next, word);
  }
}

/* From the block at `offset` on: the members of the kind, whose run is of `count` words, up to one
 * of another kind, or to the end. */
CAIRN_INLINE size_t subtract_kind(struct subtracting *at, const struct cairn_blocks *blocks,
                                  const struct cairn_kind *kind, size_t offset, uint32_t count) {
  const uint64_t mask = (uint64_t)CAIRN_TYPE_MAX << CAIRN_TYPE_SHIFT;
  const uint64_t type = (uint64_t)kind->index << CAIRN_TYPE_SHIFT;
  const size_t end = cairn_blocks_end(blocks), stride = blocks->stride;
  for (; offset < end; offset += stride) {
    if (*cairn_blocks_side(blocks, offset) == CAIRN_TRIAL_NONE) continue;
    cairn_object *object = cairn_blocks_object(blocks, offset);
    if ((object->header & mask) != type) break;
    const cairn_word *word = cairn_run_words(kind->run, object);
    if (count == 2) {
      subtract_word(at, word[0]);
      subtract_word(at, word[1]);
    } else {
      for (uint32_t i = 0; i < count; i++) subtract_word(at, word[i]);
    }
  }
  return offset;
}

static void subtract_page(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  struct fetched *fetched = context;
  struct subtracting at = {.fetched = fetched,
                           .arena = (uintptr_t)blocks.arena,
                           .sides = cairn_side_bytes_of(blocks.arena),
                           .next = fetched->next};
  struct cairn_kind kind = {.index = 0};
  const size_t end = cairn_blocks_end(&blocks);
  fetched->arena = at.arena;
  size_t offset = 0;
  while ((offset = cairn_blocks_next_member(&blocks, offset, end)) < end) {
    cairn_object *object = cairn_blocks_object(&blocks, offset);
    cairn_kind_meet(heap, object->header, &kind);
    if (kind.run.count == CAIRN_RUN_NONE) {
      fetched->next = at.next;
      cairn_each_child(kind.type, object, subtract_reference, fetched);
      at.next = fetched->next;
      offset += blocks.stride;
    } else if (kind.run.count == 2) {
      offset = subtract_kind(&at, &blocks, &kind, offset, 2);
    } else {
      offset = subtract_kind(&at, &blocks, &kind, offset, kind.run.count);
    }
  }
  fetched->next = at.next;
  fetched->near_count += at.near_count;
}

bool cairn_subtract(cairn_heap *heap) {
  struct fetched fetched = {.next = 0, .none = CAIRN_TRIAL_NONE};
  for (uint32_t i = 0; i < FETCHED; i++) fetched.sides[i] = &fetched.none;
  cairn_each_gathered(heap, subtract_page, &fetched);
  for (uint32_t i = 0; i < FETCHED; i++) cairn_trial_lower(fetched.sides[i]);
  return fetched.next > FAR_TIMES * fetched.near_count;
}

struct cairn_gathered cairn_gather(cairn_heap *heap, bool clean) {
  struct gathering gathering = {.heap = heap};
  if (heap->gather_backward) {
    gather_backward(&gathering, clean);
  } else {
    gather_forward(&gathering, clean);
  }
  assert(heap->candidate_count == 0);
  choose_way(heap, gathering.looked_count, gathering.member_count);
  bool far = cairn_subtract(heap);
  return (struct cairn_gathered){gathering.looked_count, gathering.member_count, far};
}

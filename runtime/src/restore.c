/* Keeping what is held from outside the collector's set, and what that reaches.
 *
 * When all references between members are explained, a member whose side byte says that some are
 * left is kept.  It leaves the set (side byte 0), and what it holds is marked as reached, to be
 * kept in turn.  What is left in the end is garbage.
 *
 * Members are taken up in sweeps over their pages, to and fro: first in the order in which most
 * heaps are filled, then backwards.  What a sweep marks ahead of itself it will come to, reading
 * memory in order.  What it marks behind itself it follows at once, through the work list, as long
 * as that is little; jumping about in memory for much of the heap would cost more than one sweep
 * more, so beyond FOLLOW_PART of the members it is left to the next sweep.
 *
 * What this is not: recursive, in need of memory, or dependent on how the heap is linked: each
 * member is looked at once, each page once a sweep.
 */
#include "trial.h"
#include "work.h"

enum { FOLLOW_PART = 64, FOLLOW_MIN = 1024, FEW_MAX = 100 };

struct sweep {
  cairn_heap *heap;
  uint64_t follow_left;  /* members that this sweep may still follow backwards */
  uint64_t behind_count; /* marked, and left to the next sweep */
  /* Places are ordered by address ^ flip, so that one comparison tells what is behind. */
  uintptr_t flip;
  uintptr_t at;  /* where the sweep is, for reach_reference */
  uint32_t room; /* of the work list; 0: nothing is followed any more */
  struct cairn_delay delay;
  struct cairn_work work;
};

/* Allocation goes through a page and an arena upwards, but systems place mappings downwards. */
static const uintptr_t flip_forward = ~((uintptr_t)CAIRN_ARENA_BYTES - 1);
static const uintptr_t flip_backward = (uintptr_t)CAIRN_ARENA_BYTES - 1;

/* `at`: where the sweep is.  Without branches but for a full list: whether a reference is the first
 * that leads to a member, and whether that is behind, is what no processor foresees. */
CAIRN_INLINE void mark(struct sweep *sweep, cairn_object *child, uintptr_t at) {
  uint8_t *side = cairn_side_byte(child);
  uint32_t is_first = *side == CAIRN_TRIAL_EXPLAINED;
  uint8_t elsewhere;
  *(is_first ? side : &elsewhere) = CAIRN_TRIAL_REACHED;
  uint32_t is_behind = is_first & (((uintptr_t)child ^ sweep->flip) <= at);
  uint32_t count = sweep->work.count;
  sweep->work.objects[count] = child;
  if (__builtin_expect(count >= sweep->room, 0)) {
    sweep->behind_count += is_behind;
  } else {
    sweep->work.count = count + is_behind;
  }
}

/* A reference within the page that the sweep is in is marked at once, for the sweep may be there
 * next.  All others are when their side byte has come, at the end of the page at the latest. */
CAIRN_INLINE void reach(struct sweep *sweep, cairn_object *child, uintptr_t at, uint32_t *next) {
  if ((((uintptr_t)child ^ sweep->flip) ^ at) >= CAIRN_PAGE_BYTES) {
    child = cairn_delay_swap(&sweep->delay, next, child);
  }
  mark(sweep, child, at);
}

static void reach_reference(cairn_object *child, void *context) {
  struct sweep *sweep = context;
  reach(sweep, child, sweep->at, &sweep->delay.next);
}

static void mark_delayed(struct sweep *sweep, uintptr_t at) {
  for (uint32_t i = 0; i < CAIRN_DELAY; i++) mark(sweep, sweep->delay.objects[i], at);
  cairn_delay_begin(&sweep->delay, sweep->heap->arenas);
}

/* What is rare: objects that finalizers brought back, and those of other types than a run. */
static __attribute__((noinline)) void keep_slowly(struct sweep *sweep, cairn_object *object,
                                                  uintptr_t at) {
  /* Resurrected: something holds it, so giving up the hold is not its death. */
  if ((object->header & CAIRN_STATE(HELD)) != 0) cairn_object_unhold(sweep->heap, object);
  sweep->at = at;
  cairn_each_child(cairn_type_of(sweep->heap, object), object, reach_reference, sweep);
}

/* The walk's own state is in registers: `kind`, `at`, `next`. */
CAIRN_INLINE void keep(struct sweep *sweep, struct cairn_kind *kind, cairn_object *object,
                       uint8_t *side, uintptr_t at, uint32_t *next) {
  if (*side == CAIRN_TRIAL_WIDE) *cairn_side_word(object) = 0;
  *side = CAIRN_TRIAL_NONE;
  uint64_t header = object->header;
  cairn_kind_meet(sweep->heap, header, kind);
  if (kind->run.count == CAIRN_RUN_NONE || (header & CAIRN_STATE(HELD)) != 0) {
    sweep->delay.next = *next;
    keep_slowly(sweep, object, at);
    *next = sweep->delay.next;
    return;
  }
  const cairn_word *word = cairn_run_words(kind->run, object);
  for (uint32_t i = 0; i < kind->run.count; i++) {
    if (word[i] != 0) reach(sweep, (cairn_object *)(uintptr_t)word[i], at, next);
  }
}

static __attribute__((noinline)) void follow(struct sweep *sweep, uintptr_t at) {
  struct cairn_ahead ahead = {.first = 0, .last = 0};
  struct cairn_kind kind = {.index = 0};
  uint32_t next = sweep->delay.next;
  cairn_object *object;
  while ((object = cairn_work_next(&sweep->work, &ahead)) != NULL) {
    keep(sweep, &kind, object, cairn_side_byte(object), at, &next);
    if (sweep->follow_left > 0 && --sweep->follow_left == 0) sweep->room = 0;
  }
  sweep->delay.next = next;
}

/* About how many members of the page are kept as yet: none, few (so that most words of side bytes
 * have none), or many. */
enum density { KEPT_NONE, KEPT_FEW, KEPT_MANY };
static enum density density_of(const struct cairn_blocks *blocks) {
  if (blocks->page->kind != CAIRN_PAGE_BLOCKS) {
    return cairn_trial_is_kept(*blocks->sides) ? KEPT_MANY : KEPT_NONE;
  }
  uint32_t words = 0;
  size_t places = cairn_blocks_places(blocks);
  for (size_t i = 0; i < places; i += sizeof(uint64_t)) {
    words += cairn_trial_kept_in(blocks->sides + i) != 0;
  }
  if (words == 0) return KEPT_NONE;
  return words <= FEW_MAX ? KEPT_FEW : KEPT_MANY;
}

/* A walk over one page; what changes with each object is in registers. */
struct visit {
  const struct cairn_blocks *blocks;
  bool backward;
  struct cairn_kind kind;
  uint32_t next;
};

CAIRN_INLINE void sweep_block(struct sweep *sweep, struct visit *visit, size_t offset) {
  uint8_t *side = cairn_blocks_side(visit->blocks, offset);
  if (!cairn_trial_is_kept(*side)) return;
  cairn_object *object = cairn_blocks_object(visit->blocks, offset);
  uintptr_t at = (uintptr_t)object ^ sweep->flip;
  keep(sweep, &visit->kind, object, side, at, &visit->next);
  if (sweep->work.count == 0) return;
  sweep->delay.next = visit->next;
  follow(sweep, at);
  visit->next = sweep->delay.next;
}

/* From the block at `offset` on. */
CAIRN_INLINE void sweep_all_blocks(struct sweep *sweep, struct visit *visit, size_t offset) {
  size_t stride = visit->blocks->stride, end = cairn_blocks_end(visit->blocks);
  /* Backwards the offset wraps around behind the first block. */
  while (offset < end) {
    sweep_block(sweep, visit, offset);
    offset = visit->backward ? offset - stride : offset + stride;
  }
}

/* The offset of the block whose place it is. */
static inline size_t block_of_place(const struct cairn_blocks *blocks, size_t place) {
  uint32_t last = (uint32_t)(place << CAIRN_SIDE_GRAIN_SHIFT) + (1 << CAIRN_SIDE_GRAIN_SHIFT) - 1;
  return cairn_size_class_index(blocks->page->size_class, last) * blocks->stride;
}

/* Passes over words of side bytes that have none to keep, until it met too many that have. */
CAIRN_INLINE void sweep_few_blocks(struct sweep *sweep, struct visit *visit) {
  const struct cairn_blocks *blocks = visit->blocks;
  size_t words = cairn_blocks_places(blocks) / sizeof(uint64_t);
  uint32_t left = FEW_MAX;
  for (size_t i = 0; i < words; i++) {
    size_t first = (visit->backward ? words - 1 - i : i) * sizeof(uint64_t);
    uint64_t kept;
    while ((kept = cairn_trial_kept_in(blocks->sides + first)) != 0) {
      int bit = visit->backward ? 63 - __builtin_clzll(kept) : __builtin_ctzll(kept);
      size_t offset = block_of_place(blocks, first + (size_t)bit / 8);
      if (left-- == 0) {
        sweep_all_blocks(sweep, visit, offset);
        return;
      }
      sweep_block(sweep, visit, offset);
    }
  }
}

/* Keeps the members of a page whose side bytes say so, from its first block on or, backwards, from
 * its last.  A page without any is passed: none can come up before the sweep finds another. */
CAIRN_INLINE void sweep_page(struct sweep *sweep, const struct cairn_blocks *blocks,
                             bool backward) {
  enum density density = density_of(blocks);
  if (density == KEPT_NONE) return;
  struct visit visit = {blocks, backward, {.index = 0}, sweep->delay.next};
  if (density == KEPT_FEW) {
    sweep_few_blocks(sweep, &visit);
  } else {
    size_t last = cairn_blocks_end(blocks) - blocks->stride;
    sweep_all_blocks(sweep, &visit, backward ? last : 0);
  }
  sweep->delay.next = visit.next;
  uintptr_t last = (uintptr_t)blocks->memory + (backward ? 0 : cairn_blocks_end(blocks) - 1);
  mark_delayed(sweep, last ^ sweep->flip);
}

static void sweep_forward(struct sweep *sweep) {
  struct cairn_arena *arena = sweep->heap->arenas;
  while (arena->next != NULL) arena = arena->next;
  for (; arena != NULL; arena = arena->previous) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(bits));
      sweep_page(sweep, &blocks, false);
    }
  }
}

static void sweep_backward(struct sweep *sweep) {
  for (struct cairn_arena *arena = sweep->heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_last(bits));
      sweep_page(sweep, &blocks, true);
    }
  }
}

/* Everything is behind now. */
static void sweep_end(struct sweep *sweep) {
  while (sweep->work.count != 0) {
    follow(sweep, UINTPTR_MAX);
    mark_delayed(sweep, UINTPTR_MAX);
  }
}

static void count_garbage(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  (void)heap;
  *(uint64_t *)context += cairn_blocks_garbage(&blocks);
}

static void sweep_to_and_fro(cairn_heap *heap, uint64_t member_count) {
  struct sweep sweep = {.heap = heap, .work.count = 0};
  bool forward = true;
  cairn_delay_begin(&sweep.delay, heap->arenas);
  do {
    sweep.behind_count = 0;
    sweep.follow_left = member_count / FOLLOW_PART + FOLLOW_MIN;
    sweep.room = CAIRN_WORK_ROOM;
    sweep.flip = forward ? flip_forward : flip_backward;
    if (forward) {
      sweep_forward(&sweep);
    } else {
      sweep_backward(&sweep);
    }
    sweep_end(&sweep);
    forward = !forward;
  } while (sweep.behind_count != 0);
}

uint64_t cairn_restore(cairn_heap *heap, uint64_t member_count, bool far) {
  if (far) {
    cairn_restore_far(heap);
  } else {
    sweep_to_and_fro(heap, member_count);
  }
  uint64_t garbage_count = 0;
  cairn_each_gathered(heap, count_garbage, &garbage_count);
  return garbage_count;
}

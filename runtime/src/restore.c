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
#include "work.h"

enum { FOLLOW_PART = 64, FOLLOW_MIN = 1024 };

struct sweep {
  cairn_heap *heap;
  uint64_t kept_count;
  uint64_t follow_left;  /* members that this sweep may still follow backwards */
  uint64_t behind_count; /* marked, and left to the next sweep */
  /* Places are ordered by address ^ flip, so that one comparison tells what is behind. */
  uintptr_t flip, at;
  uint32_t room; /* of the work list; 0: nothing is followed any more */
  struct cairn_delay delay;
  struct cairn_work work;
};

/* Allocation goes through a page and an arena upwards, but systems place mappings downwards. */
static const uintptr_t flip_forward = ~((uintptr_t)CAIRN_ARENA_BYTES - 1);
static const uintptr_t flip_backward = (uintptr_t)CAIRN_ARENA_BYTES - 1;

static inline void mark(struct sweep *sweep, cairn_object *child) {
  uint8_t *side = cairn_side_byte(child);
  if (*side != CAIRN_TRIAL_EXPLAINED) return;
  *side = CAIRN_TRIAL_REACHED;
  if (((uintptr_t)child ^ sweep->flip) > sweep->at) return;
  if (sweep->work.count < sweep->room) {
    sweep->work.objects[sweep->work.count++] = child;
  } else {
    sweep->behind_count++;
  }
}

/* A reference within the page that the sweep is in is marked at once, for the sweep may be there
 * next.  All others are when their side byte has come, at the end of the page at the latest. */
CAIRN_INLINE void reach(struct sweep *sweep, uint32_t *next, cairn_object *child) {
  if ((((uintptr_t)child ^ sweep->flip) ^ sweep->at) >= CAIRN_PAGE_BYTES) {
    child = cairn_delay_swap(&sweep->delay, next, child);
  }
  mark(sweep, child);
}

static void reach_reference(cairn_object *child, void *context) {
  struct sweep *sweep = context;
  reach(sweep, &sweep->delay.next, child);
}

static void mark_delayed(struct sweep *sweep) {
  for (uint32_t i = 0; i < CAIRN_DELAY; i++) mark(sweep, sweep->delay.objects[i]);
  cairn_delay_begin(&sweep->delay, sweep->heap->arenas);
}

CAIRN_INLINE void keep(struct sweep *sweep, struct cairn_kind *kind, cairn_object *object,
                       uint8_t *side) {
  if (*side == CAIRN_TRIAL_WIDE) *cairn_side_word(object) = 0;
  *side = CAIRN_TRIAL_NONE;
  sweep->kept_count++;
  uint64_t header = object->header;
  /* Resurrected: something holds it, so giving up the hold is not its death. */
  if ((header & CAIRN_STATE(HELD)) != 0) cairn_object_unhold(sweep->heap, object);
  cairn_kind_meet(sweep->heap, header, kind);
  if (kind->run.count == CAIRN_RUN_NONE) {
    cairn_each_child(kind->type, object, reach_reference, sweep);
    return;
  }
  uint32_t next = sweep->delay.next;
  const cairn_word *word = cairn_run_words(kind->run, object);
  for (uint32_t i = 0; i < kind->run.count; i++) {
    if (word[i] != 0) reach(sweep, &next, (cairn_object *)(uintptr_t)word[i]);
  }
  sweep->delay.next = next;
}

static void follow(struct sweep *sweep, struct cairn_kind *kind) {
  struct cairn_ahead ahead = {.first = 0, .last = 0};
  cairn_object *object;
  while ((object = cairn_work_next(&sweep->work, &ahead)) != NULL) {
    keep(sweep, kind, object, cairn_side_byte(object));
    if (sweep->follow_left > 0 && --sweep->follow_left == 0) sweep->room = 0;
  }
}

CAIRN_INLINE void sweep_block(struct sweep *sweep, struct cairn_kind *kind,
                              const struct cairn_blocks *blocks, size_t offset) {
  uint8_t *side = cairn_blocks_side(blocks, offset);
  if (*side < CAIRN_TRIAL_REACHED) return;
  cairn_object *object = cairn_blocks_object(blocks, offset);
  sweep->at = (uintptr_t)object ^ sweep->flip;
  keep(sweep, kind, object, side);
  if (sweep->work.count != 0) follow(sweep, kind);
}

/* A page without kept members is passed: none can come up in it before the sweep finds another. */
static bool has_kept(const struct cairn_blocks *blocks) {
  return cairn_blocks_have(blocks, (uint8_t)~CAIRN_TRIAL_EXPLAINED);
}

static void sweep_page_forward(struct sweep *sweep, const struct cairn_blocks *blocks) {
  if (!has_kept(blocks)) return;
  struct cairn_kind kind = {.index = 0};
  size_t end = cairn_blocks_end(blocks);
  for (size_t offset = 0; offset < end; offset += blocks->stride) {
    sweep_block(sweep, &kind, blocks, offset);
  }
  mark_delayed(sweep);
}

static void sweep_page_backward(struct sweep *sweep, const struct cairn_blocks *blocks) {
  if (!has_kept(blocks)) return;
  struct cairn_kind kind = {.index = 0};
  for (size_t offset = cairn_blocks_end(blocks); offset != 0;) {
    offset -= blocks->stride;
    sweep_block(sweep, &kind, blocks, offset);
  }
  mark_delayed(sweep);
}

static void sweep_forward(struct sweep *sweep) {
  struct cairn_arena *arena = sweep->heap->arenas;
  while (arena->next != NULL) arena = arena->next;
  for (; arena != NULL; arena = arena->previous) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(bits));
      sweep_page_forward(sweep, &blocks);
    }
  }
}

static void sweep_backward(struct sweep *sweep) {
  for (struct cairn_arena *arena = sweep->heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_last(bits));
      sweep_page_backward(sweep, &blocks);
    }
  }
}

/* Everything is behind now. */
static void sweep_end(struct sweep *sweep) {
  struct cairn_kind kind = {.index = 0};
  sweep->at = UINTPTR_MAX;
  while (sweep->work.count != 0) {
    follow(sweep, &kind);
    mark_delayed(sweep);
  }
}

uint64_t cairn_restore(cairn_heap *heap, uint64_t member_count) {
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
  return sweep.kept_count;
}

/* Finding garbage: trial deletion beside the objects.
 *
 * gather    each member's side byte takes its count
 * subtract  each reference from a member to a member is taken from the side byte of the latter:
 *           what is left are the references from outside
 * restore   (restore.c) members with some left are kept, and what they reach; the others are
 * garbage
 *
 * Over the whole heap the first two are linear walks.  Gathering headers stream by; subtracting
 * reads the objects' words and touches of a child nothing but its side byte, so a heap in any order
 * costs a cache line a reference at most, and of a region a sixteenth as large as the heap.
 *
 * From candidates both are one walk over what they reach: an object is put on the work list when it
 * is met first, its side byte counts how often it is met until its own turn comes, and only then is
 * its header read, which was prefetched meanwhile.  Where that comes to REACH_PERCENT of the heap
 * the walk is given up for the linear one.
 *
 * What this is not: it frees nothing and runs no code of the program but `traverse`.
 */
#include "work.h"

enum { REACH_PERCENT = 15, REACH_MIN = 10000 };

/* ---- trial counts ---------------------------------------------------------------------------- */

/* What may be a member: live, of a type that can be in cycles, with a count that means something.
 */
static inline bool may_be_garbage(uint64_t header) {
  const uint64_t shape = CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER) | CAIRN_STATE(ACYCLIC) |
                         CAIRN_STATE(SHARED) | CAIRN_COUNT_SATURATED;
  return (header & shape) == CAIRN_STATE(LIVE);
}

/* The side byte for so many unexplained references. */
static inline uint8_t trial_set(cairn_object *object, uint64_t count) {
  if (count + 1 < CAIRN_TRIAL_WIDE) return (uint8_t)(count + 1);
  *cairn_side_word(object) = count;
  return CAIRN_TRIAL_WIDE;
}

/* One reference to a member with many is explained. */
static __attribute__((noinline)) void trial_lower_wide(cairn_object *object) {
  uint64_t *word = cairn_side_word(object);
  if (--*word == 0) *cairn_side_byte(object) = CAIRN_TRIAL_EXPLAINED;
}

/* One reference to the object is explained.  A program that forgot to retain leaves too few to
 * explain: then only what reaches the object keeps it. */
CAIRN_INLINE void trial_lower(cairn_object *object, uint8_t *side, uint8_t trial) {
  if (trial - 2u < CAIRN_TRIAL_WIDE - 2u) {
    *side = (uint8_t)(trial - 1);
  } else if (trial == CAIRN_TRIAL_WIDE) {
    trial_lower_wide(object);
  }
}

/* Deaths of the type's objects need more than their memory given back. */
static inline bool is_special(const struct cairn_type *type, uint64_t header) {
  const uint32_t flags =
      CAIRN_TYPE_FLAG_FINALIZER | CAIRN_TYPE_FLAG_OPAQUE | CAIRN_TYPE_FLAG_HAS_WEAK;
  return (type->flags & flags) != 0 || (header & CAIRN_STATE(WEAKLY)) != 0;
}

/* ---- over the whole heap --------------------------------------------------------------------- */

/* Takes back what a walk from candidates left beside a block. */
static inline void trial_clear(cairn_object *object, uint8_t *side) {
  if ((*side & ~CAIRN_TRIAL_PENDING) == CAIRN_TRIAL_WIDE) *cairn_side_word(object) = 0;
  *side = CAIRN_TRIAL_NONE;
}

/* Makes the page's objects members that may be.  Returns their number.  `clean`: all side bytes are
 * 0 so far. */
static uint64_t gather_page(cairn_heap *heap, const struct cairn_blocks *blocks, bool clean) {
  struct cairn_page *page = blocks->page;
  uint64_t member_count = 0;
  size_t end = cairn_blocks_end(blocks);
  for (size_t offset = 0; offset < end; offset += blocks->stride) {
    cairn_object *object = cairn_blocks_object(blocks, offset);
    uint64_t header = object->header;
    if (!clean) trial_clear(object, cairn_blocks_side(blocks, offset));
    if (may_be_garbage(header)) {
      if ((header & CAIRN_STATE(CANDIDATE)) != 0) {
        object->header = cairn_header_untold(header);
      }
      *cairn_blocks_side(blocks, offset) = trial_set(object, header & CAIRN_COUNT_MASK);
      member_count++;
    }
  }
  heap->candidate_count -= page->candidate_count;
  page->candidate_count = 0;
  return member_count;
}

static uint64_t gather_arena(cairn_heap *heap, struct cairn_arena *arena, bool clean) {
  uint64_t member_count = 0;
  arena->gathered[0] = arena->gathered[1] = 0;
  arena->with_candidates[0] = arena->with_candidates[1] = 0;
  for (uint32_t i = 1; i < arena->page_count; i++) {
    const struct cairn_page *page = cairn_arena_page(arena, i);
    if (page->kind != CAIRN_PAGE_BLOCKS && page->kind != CAIRN_PAGE_LARGE) continue;
    if (page->used_count == 0) continue;
    struct cairn_blocks blocks = cairn_blocks_of(arena, i);
    uint64_t count = gather_page(heap, &blocks, clean);
    if (count != 0) cairn_bits_set(arena->gathered, i);
    member_count += count;
  }
  return member_count;
}

static uint64_t gather_all(cairn_heap *heap, bool clean) {
  uint64_t member_count = 0;
  for (struct cairn_arena *arena = heap->arenas; arena != NULL; arena = arena->next) {
    member_count += gather_arena(heap, arena, clean);
  }
  assert(heap->candidate_count == 0);
  return member_count;
}

static inline void subtract_one(cairn_object *child) {
  uint8_t *side = cairn_side_byte(child);
  trial_lower(child, side, *side);
}

static void subtract_reference(cairn_object *child, void *context) {
  struct cairn_delay *delay = context;
  subtract_one(cairn_delay_swap(delay, &delay->next, child));
}

static void subtract_page(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  struct cairn_delay *delay = context;
  uint32_t next = delay->next;
  struct cairn_kind kind = {.index = 0};
  bool special = false;
  size_t end = cairn_blocks_end(&blocks);
  for (size_t offset = 0; offset < end; offset += blocks.stride) {
    if (*cairn_blocks_side(&blocks, offset) == CAIRN_TRIAL_NONE) continue;
    cairn_object *object = cairn_blocks_object(&blocks, offset);
    uint64_t header = object->header;
    cairn_kind_meet(heap, header, &kind);
    special |= is_special(kind.type, header);
    if (kind.run.count == CAIRN_RUN_NONE) {
      delay->next = next;
      cairn_each_child(kind.type, object, subtract_reference, delay);
      next = delay->next;
      continue;
    }
    const cairn_word *word = cairn_run_words(kind.run, object);
    for (uint32_t i = 0; i < kind.run.count; i++) {
      if (word[i] == 0) continue;
      subtract_one(cairn_delay_swap(delay, &next, (cairn_object *)(uintptr_t)word[i]));
    }
  }
  delay->next = next;
  if (special) {
    cairn_bits_set(blocks.arena->special, cairn_page_index(blocks.arena, blocks.memory));
  }
}

static void subtract_all(cairn_heap *heap) {
  struct cairn_delay delay;
  cairn_delay_begin(&delay, heap->arenas);
  cairn_each_gathered(heap, subtract_page, &delay);
  for (uint32_t i = 0; i < CAIRN_DELAY; i++) subtract_one(delay.objects[i]);
}

static struct cairn_detection detect(cairn_heap *heap, uint64_t member_count, bool full) {
  return (struct cairn_detection){member_count, cairn_restore(heap, member_count), full};
}

struct cairn_detection cairn_detect_all(cairn_heap *heap) {
  uint64_t member_count = gather_all(heap, true);
  subtract_all(heap);
  return detect(heap, member_count, true);
}

/* ---- from candidates ------------------------------------------------------------------------- */

struct following {
  cairn_heap *heap;
  uint64_t member_count;
  uint64_t member_limit; /* more than that: the linear walk is cheaper */
  struct cairn_work work;
};

/* Puts an object on the work list that is met for the first time; with no room there its page is
 * remembered instead. */
static inline void meet(struct following *following, cairn_object *object) {
  if (following->work.count < CAIRN_WORK_ROOM) {
    following->work.objects[following->work.count++] = object;
  } else {
    following->work.overflowed = true;
    cairn_page_gather(object);
  }
}

CAIRN_INLINE void follow_reference(cairn_object *child, void *context) {
  struct following *following = context;
  uint8_t *side = cairn_side_byte(child);
  uint8_t trial = *side;
  if (trial == CAIRN_TRIAL_NONE) {
    if (cairn_arena_of(child)->heap != following->heap) return;
    *side = CAIRN_TRIAL_PENDING + 1;
    meet(following, child);
  } else if (trial < CAIRN_TRIAL_PENDING) {
    trial_lower(child, side, trial);
  } else if (trial < CAIRN_TRIAL_PENDING + CAIRN_TRIAL_WIDE - 1) {
    *side = (uint8_t)(trial + 1);
  } else {
    if (trial != CAIRN_TRIAL_PENDING + CAIRN_TRIAL_WIDE) {
      *side = CAIRN_TRIAL_PENDING + CAIRN_TRIAL_WIDE;
      *cairn_side_word(child) = CAIRN_TRIAL_WIDE - 1;
    }
    ++*cairn_side_word(child);
  }
}

/* An object's turn has come: it becomes a member, less the references that led to it so far. */
static void follow(cairn_object *object, void *context) {
  struct following *following = context;
  uint8_t *side = cairn_side_byte(object);
  uint64_t met = *side - CAIRN_TRIAL_PENDING;
  if (met == CAIRN_TRIAL_WIDE) {
    met = *cairn_side_word(object);
    *cairn_side_word(object) = 0;
  }
  uint64_t header = object->header;
  if (!may_be_garbage(header)) {
    *side = CAIRN_TRIAL_NONE;
    return;
  }
  uint64_t count = header & CAIRN_COUNT_MASK;
  *side = trial_set(object, count > met ? count - met : 0);
  following->member_count++;
  cairn_page_gather(object);
  const struct cairn_type *type = cairn_type_of(following->heap, object);
  if (is_special(type, header)) {
    struct cairn_arena *arena = cairn_arena_of(object);
    cairn_bits_set(arena->special, cairn_page_index(arena, object));
  }
  cairn_each_child(type, object, follow_reference, following);
}

static inline bool is_too_much(const struct following *following) {
  return following->member_count > following->member_limit;
}

/* False: it became too much. */
static bool drain(struct following *following) {
  struct cairn_ahead ahead = {.first = 0, .last = 0};
  cairn_object *object;
  while ((object = cairn_work_next(&following->work, &ahead)) != NULL) {
    follow(object, following);
    if (is_too_much(following)) return false;
  }
  return true;
}

/* Meets the candidates of a page. */
static bool follow_candidates(struct following *following, const struct cairn_blocks *blocks) {
  struct cairn_page *page = blocks->page;
  uint32_t left = page->candidate_count;
  following->heap->candidate_count -= left;
  page->candidate_count = 0;
  for (size_t offset = 0; left > 0; offset += blocks->stride) {
    assert(offset < cairn_blocks_end(blocks));
    cairn_object *object = cairn_blocks_object(blocks, offset);
    if ((object->header & CAIRN_STATE(CANDIDATE)) == 0) continue;
    object->header = cairn_header_untold(object->header);
    left--;
    uint8_t *side = cairn_blocks_side(blocks, offset);
    if (*side != CAIRN_TRIAL_NONE) continue;
    *side = CAIRN_TRIAL_PENDING;
    meet(following, object);
  }
  return drain(following);
}

/* Takes up what the work list had no room for. */
static bool follow_overflowed(struct following *following) {
  following->work.overflowed = false;
  for (struct cairn_arena *arena = following->heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->gathered[0], arena->gathered[1]};
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(bits));
      if (!cairn_blocks_have(&blocks, CAIRN_TRIAL_PENDING)) continue;
      size_t end = cairn_blocks_end(&blocks);
      for (size_t offset = 0; offset < end; offset += blocks.stride) {
        if (*cairn_blocks_side(&blocks, offset) < CAIRN_TRIAL_PENDING) continue;
        follow(cairn_blocks_object(&blocks, offset), following);
        if (!drain(following)) return false;
      }
    }
  }
  return true;
}

static bool follow_all(struct following *following) {
  for (struct cairn_arena *arena = following->heap->arenas; arena != NULL; arena = arena->next) {
    uint64_t bits[2] = {arena->with_candidates[0], arena->with_candidates[1]};
    arena->with_candidates[0] = arena->with_candidates[1] = 0;
    while ((bits[0] | bits[1]) != 0) {
      struct cairn_blocks blocks = cairn_blocks_of(arena, cairn_bits_take_first(bits));
      if (blocks.page->candidate_count == 0) continue;
      if (!follow_candidates(following, &blocks)) {
        cairn_bits_set(arena->with_candidates, cairn_page_index(arena, blocks.memory));
        return false;
      }
    }
  }
  while (following->work.overflowed) {
    if (!follow_overflowed(following)) return false;
  }
  return true;
}

struct cairn_detection cairn_detect_candidates(cairn_heap *heap) {
  uint64_t limit = cairn_counts_of(heap).object_count * REACH_PERCENT / 100;
  struct following following = {
      .heap = heap, .member_limit = limit > REACH_MIN ? limit : REACH_MIN, .work.count = 0};
  if (follow_all(&following)) {
    assert(heap->candidate_count == 0);
    return detect(heap, following.member_count, false);
  }
  uint64_t member_count = gather_all(heap, false);
  subtract_all(heap);
  return detect(heap, member_count, true);
}

/* ---- again ----------------------------------------------------------------------------------- */

static void gather_again_page(cairn_heap *heap, struct cairn_blocks blocks, void *context) {
  (void)heap;
  uint64_t *member_count = context;
  size_t end = cairn_blocks_end(&blocks);
  for (size_t offset = 0; offset < end; offset += blocks.stride) {
    uint8_t *side = cairn_blocks_side(&blocks, offset);
    if (*side == CAIRN_TRIAL_NONE) continue;
    cairn_object *object = cairn_blocks_object(&blocks, offset);
    assert((object->header & CAIRN_STATE(HELD)) != 0);
    *side = trial_set(object, (object->header & CAIRN_COUNT_MASK) - 1);
    ++*member_count;
  }
}

struct cairn_detection cairn_detect_again(cairn_heap *heap) {
  uint64_t member_count = 0;
  cairn_each_gathered(heap, gather_again_page, &member_count);
  subtract_all(heap);
  return detect(heap, member_count, false);
}

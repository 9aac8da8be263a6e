/* Finding garbage: trial deletion beside the objects.
 *
 * gather    each member's side byte takes its count
 * subtract  each reference from a member to a member is taken from the side byte of the latter:
 *           what is left are the references from outside
 * restore   (restore.c) members with some left are kept, and what they reach; the others are
 * garbage
 *
 * Over the whole heap the first two are linear walks (gather.c).
 *
 * From candidates both are one walk over what they reach: an object is put on the work list when it
 * is met first, its side byte counts how often it is met until its own turn comes, and only then is
 * its header read, which was prefetched meanwhile.  Where that comes to REACH_PERCENT of the heap
 * the walk is given up for the linear one.
 *
 * What this is not: it frees nothing and runs no code of the program but `traverse`.
 */
#include "trial.h"
#include "work.h"

enum { REACH_PERCENT = 15, REACH_MIN = 10000 };

/* ---- over the whole heap --------------------------------------------------------------------- */

/* `clean`: all side bytes are 0 so far. */
static struct cairn_detection detect_all(cairn_heap *heap, bool clean) {
  struct cairn_gathered gathered = cairn_gather(heap, clean);
  return (struct cairn_detection){gathered.looked_count,
                                  cairn_restore(heap, gathered.member_count, gathered.far), true};
}

struct cairn_detection cairn_detect_all(cairn_heap *heap) {
  return detect_all(heap, true);
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
    cairn_trial_lower(side);
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
  if (!cairn_may_be_member(header)) {
    *side = CAIRN_TRIAL_NONE;
    return;
  }
  uint64_t count = header & CAIRN_COUNT_MASK;
  *side = cairn_trial_set(object, count > met ? count - met : 0);
  following->member_count++;
  cairn_page_gather(object);
  const struct cairn_type *type = cairn_type_of(following->heap, object);
  if (cairn_type_is_special(type) || (header & CAIRN_STATE(WEAKLY)) != 0) {
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
    uint64_t member_count = following.member_count;
    return (struct cairn_detection){member_count, cairn_restore(heap, member_count, false), false};
  }
  return detect_all(heap, false);
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
    *side = cairn_trial_set(object, (object->header & CAIRN_COUNT_MASK) - 1);
    ++*member_count;
  }
}

void cairn_detect_again(cairn_heap *heap) {
  uint64_t member_count = 0;
  cairn_each_gathered(heap, gather_again_page, &member_count);
  bool far = cairn_subtract(heap);
  (void)cairn_restore(heap, member_count, far);
}

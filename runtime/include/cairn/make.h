/* How an object is made: the few instructions of cairn_object_new, compiled into the program.
 *
 * A type's *plan* says what its new objects look like and where their blocks come from; each size
 * class keeps a row of free blocks ready.  What is made here pops a block, zeroes it and stores its
 * header; whatever else is to be done (an empty row, a large object, a limit, tracking, a shared
 * heap) is the library's: the row is empty then, or the plan names one that always is.
 *
 * What this is not: an interface.  But programs have it compiled in, so it is part of the binary
 * interface all the same: these structs may only get new meanings for what is reserved in them, and
 * a later library goes on keeping them for programs that were compiled with this header.
 */
#ifndef CAIRN_MAKE_H
#define CAIRN_MAKE_H

#include "cairn/object.h"
#include "cairn/type.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CAIRN_HOT_BLOCKS = 61 }; /* kept ready of a size class at most */

/* Free blocks of one size class that lie ready, pushed - popped of them. */
struct cairn_hot {
  uint64_t pushed;                /* blocks that came in so far */
  uint64_t popped;                /* of these, made objects or buffers */
  uint64_t capacity;              /* 0: blocks come and go the slow way */
  void *blocks[CAIRN_HOT_BLOCKS]; /* the next to be handed out stands last */
};

/* What a type comes down to, for making and freeing its objects (plan.c). */
struct cairn_plan {
  uint64_t header;          /* of a new object: a count of 1, live */
  struct cairn_hot *ready;  /* what is made inline takes its blocks there; or it is always empty */
  uint32_t zero_bytes;      /* of a new object, a multiple of 8, header included; not 8 */
  uint16_t first, count;    /* CAIRN_DEATH_RUN: offset of the first word, how many */
  struct cairn_hot *source; /* where the library takes blocks of new objects */
  struct cairn_hot *target; /* where those of dead ones go; tails: the row that is always full */
  uint8_t death;            /* enum cairn_death */
  struct cairn_hot *leaf;
  uint8_t reserved[8]; /* 64 bytes for ever */
};

/* What a heap begins with. */
struct cairn_front {
  struct cairn_plan *plans; /* a row a type; never freed, but replaced by a longer one */
};

enum { CAIRN_MAKE_ZERO_MAX_ = 64 }; /* zero_bytes of what has blocks in `ready` */

/* As cairn_object_new, for any type and heap. */
CAIRN_API cairn_object *cairn_object_new_slow_(cairn_heap *heap, cairn_type type);

#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__) && \
    !defined(CAIRN_OUT_OF_LINE)

/* The function of that name is in the library, too: for calls by address, and for code that is not
 * optimized. */
extern inline __attribute__((gnu_inline, always_inline)) cairn_object *cairn_object_new(
    cairn_heap *heap, cairn_type type) {
  void *front = heap;
  struct cairn_plan *const *plans = &CAIRN_AS(struct cairn_front *, front)->plans;
  const struct cairn_plan *plan = __atomic_load_n(plans, __ATOMIC_ACQUIRE) + type;
  struct cairn_hot *row = plan->ready;
  uint64_t popped = row->popped, count = row->pushed - popped;
  if (CAIRN_UNLIKELY(count == 0)) {
    cairn_object *slow = cairn_object_new_slow_(heap, type);
    CAIRN_NO_JUMP();
    return slow;
  }
  void *block = row->blocks[count - 1];
  row->popped = popped + 1;
  uint32_t zero_bytes = plan->zero_bytes;
  if (zero_bytes != 0) { /* pairs from either end; they overlap where it is less */
    char *first = CAIRN_AS(char *, block), *end = first + zero_bytes;
    __builtin_memset(first, 0, 16);
    __builtin_memset(end - 16, 0, 16);
    if (zero_bytes > 32) {
      __builtin_memset(first + 16, 0, 16);
      __builtin_memset(end - 32, 0, 16);
    }
  }
  cairn_object *object = CAIRN_AS(cairn_object *, block);
  CAIRN_ORDER();
  object->header = plan->header; /* one store makes it live */
  CAIRN_ORDER();
  return object;
}
#endif

#ifdef __cplusplus
}
#endif

#endif

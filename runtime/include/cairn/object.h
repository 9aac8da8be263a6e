/* Objects and their counts: the 8-byte header, retain, release, assign.
 *
 * An object begins with one 64-bit header word.  It is always read and written as one word, so at
 * every instruction the header alone tells a live object from a dead block:
 *
 *     bits  0..31  count   references that are owned; bit 31 set: saturated, never freed
 *     bits 32..49  type    index in the heap's type table
 *     bits 50..63  state   CAIRN_STATE_* below
 *
 * A header of 0 is a free block.  Invariants that every function of the runtime keeps, and that a
 * debugger may rely on at any instruction:
 *
 *  - The count is raised before a slot is filled and dropped after the slot is cleared, so
 *    (strong slots in live and dying objects) <= count.
 *  - A live object's slots hold 0 or a live object (or one that is dying in the same cascade).
 *  - state.dying: the count reached 0 and the slots are being cleared, depth-first in field order.
 *    The count bits then hold the resume ordinal n, which counts the words of strong slots (of a
 *    table's row the value comes before the key, so that a row without a key is empty at every
 *    instruction).  0: no word is entered yet, all still own.  n > 0: the words before
 *    word n - 1 hold no reference, word n - 1 holds the link back to the dying parent or 0 (it is
 *    no reference), the words after it still own.  Beyond the last word: nothing is owned any more.
 *
 * Thread contract: an object belongs to its heap, and a heap to one thread at a time.  The objects
 * of a shared heap (heap.h) are retained, released and read by any thread; their counts are atomic.
 */
#ifndef CAIRN_OBJECT_H
#define CAIRN_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CAIRN_API        __attribute__((visibility("default")))
#define CAIRN_INLINE_API static inline __attribute__((always_inline))
#else
#define CAIRN_API
#define CAIRN_INLINE_API static inline
#endif
/* CAIRN_INLINE_API: what counts references is inlined in debug builds too, so that tracking
 * (track.h) sees the function that calls it. */

/* A condition that hardly ever holds: what happens then is laid out apart. */
#if defined(__GNUC__)
#define CAIRN_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define CAIRN_UNLIKELY(condition) (condition)
#endif

/* A cast that C++ has a newer form of.  Pointers go through void *. */
#ifdef __cplusplus
#define CAIRN_AS(type, value) static_cast<type>(value)
#else
#define CAIRN_AS(type, value) ((type)(value))
#endif

typedef struct cairn_heap cairn_heap;

/* The head of every object.  A native struct of yours embeds it as its first member. */
typedef struct cairn_object {
  uint64_t header;
} cairn_object;

#define CAIRN_COUNT_MASK      0x00000000ffffffffull
#define CAIRN_COUNT_SATURATED 0x0000000080000000ull
#define CAIRN_COUNT_IMMORTAL  0x00000000ffffffffull
#define CAIRN_TYPE_SHIFT      32
#define CAIRN_TYPE_BITS       18
#define CAIRN_TYPE_MAX        ((1u << CAIRN_TYPE_BITS) - 1)

/* The state bits, as F(NAME, name, bit). */
#define CAIRN_STATE_BITS(F)                                                                        \
  F(TELL, tell, 50)               /* the next drop of its count, not to 0, makes it a candidate */ \
  F(EXTERNAL, external, 51)       /* it keeps bytes outside the heap (external_table) */           \
  F(LIVE, live, 52)               /* a live object, or with BUFFER a live buffer */                \
  F(DYING, dying, 53)             /* not live any more; its slots are being cleared */             \
  F(BUFFER, buffer, 54)           /* a block owned by one object; no count, no type */             \
  F(ACYCLIC, acyclic, 55)         /* of a type that can't be part of a cycle */                    \
  F(CANDIDATE, candidate, 56)     /* its count was dropped to nonzero since the last collection */ \
  F(HELD, held, 57)               /* one of the count is the runtime's own hold */                 \
  F(FINALIZED, finalized, 58)     /* its finalizer has run */                                      \
  F(WEAKLY, weakly, 59)           /* weak slots refer to it */                                     \
  F(INTERNED, interned, 60)       /* a member of the heap's intern table */                        \
  F(TRACED, traced, 61)           /* retains and releases of it are recorded */                    \
  F(SHARED, shared, 62)           /* of a shared heap: its count is atomic */                      \
  F(QUARANTINED, quarantined, 63) /* dead, and kept back: not LIVE, nothing else is true of it */

#define CAIRN_STATE_ENUM(NAME, name, bit) CAIRN_STATE_##NAME##_BIT = (bit),
enum { CAIRN_STATE_BITS(CAIRN_STATE_ENUM) CAIRN_STATE_END };
#define CAIRN_STATE(NAME) (1ull << CAIRN_STATE_##NAME##_BIT)

/* Keeps the compiler from moving loads and stores across it.  The invariants above hold at every
 * instruction, so the order of the stores to a count and to a slot is part of the program. */
#if defined(__GNUC__)
#define CAIRN_ORDER() __asm__ __volatile__("" ::: "memory")
#else
#define CAIRN_ORDER() ((void)0)
#endif

/* As CAIRN_ORDER, and until here the pointer is in a register or on the stack: while a reference is
 * on its way to a slot, that is where a debugger finds it.  Behind the store that shows the slot.
 */
#if defined(__GNUC__)
#define CAIRN_ORDER_KEEPING(pointer) __asm__ __volatile__("" : : "r"(pointer) : "memory")
#else
#define CAIRN_ORDER_KEEPING(pointer) ((void)(pointer))
#endif

/* Behind a call that would else be the last thing that a function of the program does: as a jump it
 * would leave no trace of that function, and tracking (track.h) would name its caller.  It is no
 * instruction, and in no way that counts plain objects. */
#if defined(__GNUC__)
#define CAIRN_NO_JUMP() __asm__ __volatile__("")
#else
#define CAIRN_NO_JUMP() ((void)0)
#endif

/* The header says that the count is not a plain one: saturated, traced or shared.  One test tells,
 * so that plain objects pay nothing for the others. */
#define CAIRN_HEADER_SLOW (CAIRN_COUNT_SATURATED | CAIRN_STATE(TRACED) | CAIRN_STATE(SHARED))

/* True when giving up a reference is nothing but a smaller count: it is a plain one, some is left,
 * and the collector need not hear of it.  All of that is one test: 2 less than a count of 0 or 1
 * has the bit that a saturated count has. */
static inline bool cairn_header_drops_(uint64_t header) {
  return ((header | (header - 2)) & (CAIRN_HEADER_SLOW | CAIRN_STATE(TELL))) == 0;
}

/* The header as it is now.  Another thread may be changing it when the object is shared. */
static inline uint64_t cairn_header_load(const cairn_object *object) {
#if defined(__GNUC__)
  return __atomic_load_n(&object->header, __ATOMIC_RELAXED);
#else
  return object->header;
#endif
}

/* Slow paths; call cairn_retain and cairn_release instead. */
CAIRN_API void cairn_object_retain_slow_(cairn_object *object);
CAIRN_API void cairn_object_release_slow_(cairn_object *object);
CAIRN_API void cairn_object_retain_for_slot_slow_(cairn_object *object, const void *holder);
CAIRN_API void cairn_object_release_for_slot_slow_(cairn_object *object, const void *holder);
CAIRN_API void cairn_object_die_(cairn_object *object);
CAIRN_API void cairn_object_candidate_(cairn_object *object);

/* Adds a reference that the caller owns.  NULL is allowed.  Returns `object`.  Never fails.
 * A count that reaches 2^31 saturates: it stays as it is for ever, and the object lives until its
 * heap is destroyed.  O(1). */
CAIRN_INLINE_API cairn_object *cairn_retain(cairn_object *object) {
  if (object != NULL) {
    uint64_t header = cairn_header_load(object);
    if (CAIRN_UNLIKELY((header & CAIRN_HEADER_SLOW) != 0)) {
      cairn_object_retain_slow_(object);
    } else {
      object->header = header + 1;
    }
    CAIRN_ORDER();
  }
  return object;
}

/* Gives up a reference that the caller owns.  NULL is allowed.  When it was the last one the
 * object dies now, and with it all that only it held; this never recurses and never allocates, but
 * runs their finalizers.  O(1), and O(slots) for each object that dies. */
CAIRN_INLINE_API void cairn_release(cairn_object *object) {
  if (object == NULL) return;
  CAIRN_ORDER();
  uint64_t header = cairn_header_load(object);
  if (cairn_header_drops_(header)) {
    object->header = header - 1;
  } else {
    cairn_object_release_slow_(object);
    CAIRN_NO_JUMP();
  }
}

/* As cairn_retain and cairn_release, for a reference that a slot takes or gives up: tracking
 * (track.h) then knows who keeps it.  `holder`: the object whose slot it is, or the slot itself.
 * For functions that fill slots. */
CAIRN_INLINE_API cairn_object *cairn_retain_for_slot_(cairn_object *object, const void *holder) {
  if (object != NULL) {
    uint64_t header = cairn_header_load(object);
    if (CAIRN_UNLIKELY((header & CAIRN_HEADER_SLOW) != 0)) {
      cairn_object_retain_for_slot_slow_(object, holder);
    } else {
      object->header = header + 1;
    }
    CAIRN_ORDER();
  }
  return object;
}

CAIRN_INLINE_API void cairn_release_for_slot_(cairn_object *object, const void *holder) {
  if (object == NULL) return;
  CAIRN_ORDER();
  uint64_t header = cairn_header_load(object);
  if (cairn_header_drops_(header)) {
    object->header = header - 1;
  } else {
    cairn_object_release_for_slot_slow_(object, holder);
    CAIRN_NO_JUMP();
  }
}

/* cairn_assign for a slot of that holder. */
CAIRN_INLINE_API void cairn_assign_for_(const void *holder, cairn_object **slot,
                                        cairn_object *value) {
  cairn_object *old = *slot;
  cairn_retain_for_slot_(value, holder);
  *slot = value;
  cairn_release_for_slot_(old, holder);
}

/* Fills an owning slot: retains `value` (NULL allowed), stores it, releases what was there last.
 * The slot is one that the object's type declares, or a variable of the program's that owns what it
 * holds.  Costs what cairn_release does. */
CAIRN_INLINE_API void cairn_assign(cairn_object **slot, cairn_object *value) {
  cairn_assign_for_(slot, slot, value);
}

/* Clears an owning slot: stores NULL, then releases what was there.  As cairn_assign. */
CAIRN_INLINE_API void cairn_clear(cairn_object **slot) {
  cairn_object *old = *slot;
  *slot = NULL;
  cairn_release_for_slot_(old, slot);
}

/* The number of references owned.  A saturated or immortal object returns at least 2^31.  Of a
 * shared object another thread may be changing it.  O(1). */
static inline uint32_t cairn_refcount(const cairn_object *object) {
  return CAIRN_AS(uint32_t, cairn_header_load(object) & CAIRN_COUNT_MASK);
}

/* True for an object that is never freed (none, true, false, the small ints, a saturated count).
 * O(1). */
static inline bool cairn_is_immortal(const cairn_object *object) {
  return (cairn_header_load(object) & CAIRN_COUNT_SATURATED) != 0;
}

/* The index of the object's type in its heap's type table: CAIRN_TYPE_INT and the like (type.h), or
 * what cairn_type_define or cairn_record_define returned.  O(1). */
static inline uint32_t cairn_type_index(const cairn_object *object) {
  return CAIRN_AS(uint32_t, cairn_header_load(object) >> CAIRN_TYPE_SHIFT) & CAIRN_TYPE_MAX;
}

/* The heap that the object lives in.  O(1). */
CAIRN_API cairn_heap *cairn_object_heap(const cairn_object *object);

/* The name of the object's type; valid as long as the heap.  O(1). */
CAIRN_API const char *cairn_object_type_name(const cairn_object *object);

/* The bytes of the object's block, header included, buffers that it owns not.  O(1). */
CAIRN_API size_t cairn_object_size(const cairn_object *object);

#ifdef __cplusplus
}
#endif

#endif

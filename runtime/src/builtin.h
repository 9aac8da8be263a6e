/* The built-in types: their structs, and what their files say to each other.
 *
 * Each type is a file that states its struct's slots and fields as data (a cairn_type_spec named
 * cairn_spec_<name>) and the functions of its public header.  docs/ARCHITECTURE.md says how to add
 * one.
 *
 * Invariants that all of them keep, at every instruction:
 *  - A count is raised before a slot is filled and dropped after it is cleared.
 *  - An element count is raised after its element is filled and lowered before it is cleared.
 *  - An object is never in two slots for one reference.  Where elements are moved they are first
 *    taken out of sight by their element count, and heap.flux names the container.
 *  - Whatever allocates or releases may run code of the user's, which may change this very object:
 *    its state is read again afterwards, and what is released is released last.
 */
#ifndef CAIRN_BUILTIN_H
#define CAIRN_BUILTIN_H

#include "cairn/compare.h"
#include "cairn/layouts.h"
#include "internal.h"

#define CAIRN_BUILTIN_SPEC(NAME, name) extern const cairn_type_spec cairn_spec_##name;
CAIRN_BUILTINS(CAIRN_BUILTIN_SPEC)

#define CAIRN_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline bool cairn_is_type(const cairn_object *object, enum cairn_builtin_type type) {
  return cairn_is_type_(object, type);
}

/* ---- scalars -------------------------------------------------------------------------------- */

struct cairn_bool {
  cairn_object base;
  bool value;
};

struct cairn_float {
  cairn_object base;
  double value;
};

/* ---- str, bytes ----------------------------------------------------------------------------- */

struct cairn_str {
  cairn_object base;
  uint32_t length; /* bytes, without the NUL */
  uint32_t hash;   /* 0: not computed yet */
  char text[];     /* length bytes, a NUL, and more up to a multiple of 8 */
};

struct cairn_bytes {
  cairn_object base;
  uint64_t length;
  unsigned char data[];
};

static inline const struct cairn_str *cairn_str_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_STR));
  return (const struct cairn_str *)object;
}

/* True for the same `bytes` bytes.  The last words overlap, so that no length needs a loop of its
 * own; texts are short more often than not. */
static inline bool cairn_text_equal(const char *a, const char *b, size_t bytes) {
  uint64_t word_a = 0, word_b = 0;
  if (bytes >= sizeof(word_a)) {
    size_t last = bytes - sizeof(word_a);
    for (size_t i = 0; i < last; i += sizeof(word_a)) {
      memcpy(&word_a, a + i, sizeof(word_a));
      memcpy(&word_b, b + i, sizeof(word_b));
      if (word_a != word_b) return false;
    }
    memcpy(&word_a, a + last, sizeof(word_a));
    memcpy(&word_b, b + last, sizeof(word_b));
    return word_a == word_b;
  }
  if ((bytes & 4) != 0) {
    uint32_t half_a, half_b;
    memcpy(&half_a, a, sizeof(half_a));
    memcpy(&half_b, b, sizeof(half_b));
    if (half_a != half_b) return false;
    memcpy(&half_a, a + bytes - sizeof(half_a), sizeof(half_a));
    memcpy(&half_b, b + bytes - sizeof(half_b), sizeof(half_b));
    return half_a == half_b;
  }
  for (size_t i = 0; i < bytes; i++) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/* True for the same text: word by word, the bytes behind it being all 0. */
static inline bool cairn_str_equal(const struct cairn_str *a, const struct cairn_str *b) {
  if (a->length != b->length) return false;
  const char *text_a = a->text, *text_b = b->text;
  for (size_t i = 0; i <= a->length; i += sizeof(uint64_t)) {
    uint64_t word_a, word_b;
    memcpy(&word_a, text_a + i, sizeof(word_a));
    memcpy(&word_b, text_b + i, sizeof(word_b));
    if (word_a != word_b) return false;
  }
  return true;
}

static inline const struct cairn_bytes *cairn_bytes_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_BYTES));
  return (const struct cairn_bytes *)object;
}

/* ---- weakref -------------------------------------------------------------------------------- */

struct cairn_weakref {
  cairn_object base;
  cairn_object *target; /* a weak slot */
};

/* ---- tuple, list ---------------------------------------------------------------------------- */

struct cairn_tuple {
  cairn_object base;
  uint32_t count;
  uint32_t nest; /* how far a comparison branches, see compare.c */
  cairn_object *items[];
};

static inline const struct cairn_tuple *cairn_tuple_of(const cairn_object *object) {
  assert(cairn_is_type(object, CAIRN_TYPE_TUPLE));
  return (const struct cairn_tuple *)object;
}

/* The nest of a tuple of those items. */
uint32_t cairn_compare_nest(size_t count, cairn_object *const *items);

/* ---- hashes (compare.c) --------------------------------------------------------------------- */

/* The seed of all hashes in this process; `heap` is where it is taken from when there is no better.
 */
uint64_t cairn_hash_seed(const cairn_heap *heap);
/* What tables take for the hash of a key: its high bits, and those of its low half, are spread.
 * cairn_hash is this with all bits mixed. */
uint64_t cairn_hash_key(const cairn_object *key);
/* The same of a str of that text. */
uint64_t cairn_hash_text(uint64_t seed, const char *text, size_t bytes);

/* The hash of a str, of which it keeps 32 bits. */
static inline uint64_t cairn_hash_widen(uint32_t hash) { return hash * 0x9e3779b97f4a7c15ull; }

/* As cairn_hash_key, at hand for the commonest keys of a table (NULL: an empty one). */
static inline uint64_t cairn_table_hash(const struct cairn_table *table, const cairn_object *key) {
  uint32_t type = cairn_type_index(key);
  if (type == CAIRN_TYPE_STR) {
    uint32_t hash = __atomic_load_n(&cairn_str_of(key)->hash, __ATOMIC_RELAXED);
    if (hash != 0) return cairn_hash_widen(hash);
  } else if (type == CAIRN_TYPE_INT && table != NULL) {
    return cairn_hash_int_(table->seed, ((const struct cairn_int *)key)->value);
  }
  return cairn_hash_key(key);
}

/* ---- dict, set: table.c --------------------------------------------------------------------- */

static inline size_t cairn_table_count(const struct cairn_table *table) {
  return table == NULL ? 0 : table->live_count;
}

/* The row of a key, or of a str key of that text; NULL when there is none. */
struct cairn_row *cairn_table_find(const struct cairn_table *table, uint64_t hash,
                                   const cairn_object *key);
struct cairn_row *cairn_table_find_text(const struct cairn_table *table, uint64_t hash,
                                        const char *text, size_t bytes);
/* The row of an int, or of a float of the same value. */
struct cairn_row *cairn_table_find_int(const struct cairn_table *table, int64_t value);

/* Sets the value of a key (NULL in a set).  False when out of memory. */
bool cairn_table_set(struct cairn_mapping *mapping, uint32_t row_words, cairn_object *key,
                     cairn_object *value);

/* The same in a dict, taking over the caller's references. */
bool cairn_table_give(struct cairn_mapping *mapping, cairn_object *key, cairn_object *value);

/* Makes room for that many new keys.  False when out of memory. */
bool cairn_table_reserve(struct cairn_mapping *mapping, uint32_t row_words, size_t more);

/* Makes the row a hole, then releases what it held. */
void cairn_table_remove(struct cairn_mapping *mapping, struct cairn_row *row);
/* The same, but the value's reference is the caller's. */
cairn_object *cairn_table_pop(struct cairn_mapping *mapping, struct cairn_row *row);

/* Removes as many rows as are live now, oldest first. */
void cairn_table_clear(struct cairn_mapping *mapping);

/* True when the next new key makes the table move to another buffer. */
bool cairn_table_is_full(const struct cairn_table *table);

/* ---- what may be held ----------------------------------------------------------------------- */

/* Objects of the heap; in an ordinary heap shared objects too. */
static inline bool cairn_may_hold(const cairn_heap *heap, const cairn_object *value) {
  if (value == NULL) return true;
  const cairn_heap *other = cairn_object_heap(value);
  return other == heap || (other->shared != 0 && heap->shared == 0);
}
#define cairn_assert_may_hold(heap, value) \
  assert(cairn_may_hold(heap, value) && "an object is held that belongs to another heap")

/* ---- holding an argument -------------------------------------------------------------------- */

/* A reference of the function's own to its argument, over calls that may run code of the user's:
 * that code may drop all others.  Returns the count before. */
static inline uint32_t cairn_hold(cairn_object *object) {
  uint32_t count = cairn_refcount(object);
  cairn_retain(object);
  return count;
}

/* Gives it up.  Where no other reference was dropped meanwhile this is no release that the cycle
 * collector has to look into.  The object may be gone afterwards. */
static inline void cairn_unhold(cairn_object *object, uint32_t count_before) {
  CAIRN_ORDER();
  uint64_t header = cairn_header_load(object);
  if ((header & CAIRN_HEADER_SLOW) == 0 && (header & CAIRN_COUNT_MASK) > count_before) {
    object->header = header - 1;
  } else {
    cairn_release(object);
  }
}

/* ---- taking for what is not made yet --------------------------------------------------------- */

/* cairn_retain in two parts, where who keeps the reference is made only after it was taken: what
 * events say of it waits for the second.  NULL is allowed. */
static inline void cairn_retain_untold(cairn_object *object) {
  uint64_t header = object == NULL ? CAIRN_HEADER_SLOW : cairn_header_load(object);
  if (CAIRN_UNLIKELY((header & CAIRN_HEADER_SLOW) != 0)) {
    if (object != NULL) cairn_retain_untold_slow(object);
  } else {
    object->header = header + 1;
  }
}

/* The count that is told is without the `untold` references that are told after this one. */
static inline void cairn_retain_tell(cairn_object *object, uint32_t untold, const void *holder) {
  if (object == NULL || (cairn_header_load(object) & CAIRN_HEADER_SLOW) == 0) return;
  cairn_retain_tell_slow(object, untold, holder);
}

/* ---- flux ----------------------------------------------------------------------------------- */

/* What the heap was in the middle of before a container began to move its elements.  A shared heap
 * is locked meanwhile: it has one flux for all threads. */
struct cairn_flux_before {
  uint32_t flux;
  cairn_object *object;
};

static inline struct cairn_flux_before cairn_resize_begin(cairn_heap *heap, cairn_object *object) {
  cairn_heap_lock(heap);
  struct cairn_flux_before before = {heap->flux, heap->flux_object};
  cairn_flux_set(heap, CAIRN_FLUX_RESIZE, object);
  CAIRN_ORDER();
  return before;
}

static inline void cairn_resize_end(cairn_heap *heap, struct cairn_flux_before before) {
  CAIRN_ORDER();
  cairn_flux_set(heap, before.flux, before.object);
  cairn_heap_unlock(heap);
}

#endif

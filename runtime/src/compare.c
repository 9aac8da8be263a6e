/* Equality and hashes of objects.
 *
 * Invariants: equal objects, of one heap or of several, have equal hashes; nothing here allocates,
 * runs code of the user's, or recurses without a small bound.
 *
 * Tuples can be nested a million deep, so they are compared by a loop with a stack of its own.  It
 * stays small because a tuple's deepest branch comes last and needs no entry.  What remains is the
 * tuple's nest, the Strahler number of its tree:
 *
 *     nest = max(a, 1 + b)   of the two greatest nests a >= b of its items (0 where there is none)
 *
 * A tree of nest n has at least 2^(n-1) leaves: one of NEST_MAX could not be held in memory unless
 * it holds the same tuples over and over, and comparing it would not end.
 */
#include "cairn/compare.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "builtin.h"
#include "cairn/scalar.h"

enum {
  NEST_MAX = 33,
  HASH_NESTED_ITEMS =
      256 /* items of nested tuples that a hash looks at; bounds its recursion too */
};

/* ---- mixing --------------------------------------------------------------------------------- */

/* Constants of SplitMix64 (Steele, Lea and Flood, 2014). */
#define MIX_STEP 0x9e3779b97f4a7c15ull
#define MIX_1    0xbf58476d1ce4e5b9ull
#define MIX_2    0x94d049bb133111ebull

/* The finaliser of SplitMix64: each bit of the input changes half of the output's. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * MIX_1;
  x = (x ^ (x >> 27)) * MIX_2;
  return x ^ (x >> 31);
}

__extension__ typedef unsigned __int128 uint128;

/* The folded multiplication of wyhash (Wang Yi, 2019). */
static uint64_t fold(uint64_t a, uint64_t b) {
  uint128 product = (uint128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const unsigned char *data) {
  uint64_t word;
  memcpy(&word, data, sizeof(word));
  return word;
}

static uint64_t half_at(const unsigned char *data) {
  uint32_t half;
  memcpy(&half, data, sizeof(half));
  return half;
}

/* In the way of wyhash: 16 bytes a step, both halves keyed by something that only the process
 * knows.  The last step's words overlap, so that no length needs a loop of its own. */
static uint64_t hash_data(uint64_t seed, const unsigned char *data, size_t bytes) {
  uint64_t hash = (seed ^ bytes) * MIX_1;
  uint64_t key = seed * MIX_STEP | 1;
  size_t left = bytes;
  for (; left > 16; left -= 16, data += 16) {
    hash = fold(word_at(data) ^ key, word_at(data + 8) ^ hash);
  }
  uint64_t low = 0, high = 0;
  if (left >= 8) {
    low = word_at(data);
    high = word_at(data + left - 8);
  } else if (left >= 4) {
    low = half_at(data);
    high = half_at(data + left - 4);
  } else if (left > 0) {
    low = (uint64_t)data[0] << 16 | (uint64_t)data[left / 2] << 8 | data[left - 1];
  }
  return fold(low ^ key, high ^ hash);
}

/* One for all heaps: a dict finds keys that live in a shared heap, or that another heap hashed. */
uint64_t cairn_hash_seed(const cairn_heap *heap) {
  static uint64_t process_seed; /* 0: not chosen yet */
  uint64_t seed = __atomic_load_n(&process_seed, __ATOMIC_RELAXED);
  if (seed != 0) return seed;
  uint64_t chosen = 0;
  if (getrandom(&chosen, sizeof(chosen), GRND_NONBLOCK) != (ssize_t)sizeof(chosen)) {
    chosen = mix((uintptr_t)heap + MIX_STEP) ^ mix((uint64_t)time(NULL));
  }
  chosen |= 1;
  /* Another thread may have been faster: then its seed is the one. */
  bool first = __atomic_compare_exchange_n(&process_seed, &seed, chosen, false, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
  return first ? chosen : seed;
}

/* ---- hashes --------------------------------------------------------------------------------- */

/* A str keeps 32 bits of its hash; 0 stands for not computed. */
static uint32_t text_hash_short(uint64_t seed, const char *text, size_t bytes) {
  uint64_t data = hash_data(seed, (const unsigned char *)text, bytes);
  uint32_t hash = (uint32_t)(data ^ data >> 32);
  return hash == 0 ? 1 : hash;
}

uint64_t cairn_hash_text(uint64_t seed, const char *text, size_t bytes) {
  return cairn_hash_widen(text_hash_short(seed, text, bytes));
}

static uint64_t hash_str(const cairn_heap *heap, const cairn_object *object) {
  struct cairn_str *str = (struct cairn_str *)cairn_str_of(object);
  /* A cache in an object that several threads may read. */
  uint32_t hash = __atomic_load_n(&str->hash, __ATOMIC_RELAXED);
  if (hash == 0) {
    hash = text_hash_short(heap->hash_seed, str->text, str->length);
    __atomic_store_n(&str->hash, hash, __ATOMIC_RELAXED);
  }
  return cairn_hash_widen(hash);
}

/* The int of the same value.  False where there is none: fractions, big numbers, infinities. */
static bool float_to_int(double value, int64_t *as_int) {
  const double limit = 9223372036854775808.0; /* 2^63 */
  if (!(value >= -limit && value < limit)) return false;
  int64_t truncated = (int64_t)value;
  if (value < (double)truncated || value > (double)truncated) return false;
  *as_int = truncated;
  return true;
}

static uint64_t hash_float(uint64_t seed, double value) {
  int64_t as_int;
  if (float_to_int(value, &as_int)) return cairn_hash_int_(seed, as_int);
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return mix(seed ^ ~bits);
}

static uint64_t hash_object(const cairn_heap *heap, const cairn_object *object, bool is_outermost,
                            uint32_t *nested_items_left);

static uint64_t hash_tuple(const cairn_heap *heap, const struct cairn_tuple *tuple,
                           bool is_outermost, uint32_t *nested_items_left) {
  uint64_t hash = mix(heap->hash_seed ^ tuple->count) + tuple->nest;
  for (uint32_t i = 0; i < tuple->count; i++) {
    if (!is_outermost) {
      if (*nested_items_left == 0) break;
      (*nested_items_left)--;
    }
    uint64_t item = hash_object(heap, tuple->items[i], false, nested_items_left);
    hash = fold(hash ^ MIX_1, item ^ MIX_2);
  }
  return mix(hash);
}

static uint64_t hash_object(const cairn_heap *heap, const cairn_object *object, bool is_outermost,
                            uint32_t *nested_items_left) {
  uint64_t seed = heap->hash_seed;
  switch (cairn_type_index(object)) {
    case CAIRN_TYPE_NONE:
      return mix(seed + MIX_1);
    case CAIRN_TYPE_BOOL:
      return mix(seed + (((const struct cairn_bool *)object)->value ? 2 : 1) * MIX_2);
    case CAIRN_TYPE_INT:
      return cairn_hash_int_(seed, ((const struct cairn_int *)object)->value);
    case CAIRN_TYPE_FLOAT:
      return hash_float(seed, ((const struct cairn_float *)object)->value);
    case CAIRN_TYPE_STR:
      return hash_str(heap, object);
    case CAIRN_TYPE_BYTES: {
      const struct cairn_bytes *bytes = cairn_bytes_of(object);
      return hash_data(~seed, bytes->data, bytes->length) * MIX_STEP;
    }
    case CAIRN_TYPE_TUPLE:
      return hash_tuple(heap, cairn_tuple_of(object), is_outermost, nested_items_left);
    default:
      return mix(seed ^ (uintptr_t)object);
  }
}

uint64_t cairn_hash_key(const cairn_object *object) {
  uint32_t nested_items_left = HASH_NESTED_ITEMS;
  return hash_object(cairn_object_heap(object), object, true, &nested_items_left);
}

uint64_t cairn_hash(const cairn_object *object) {
  return object == NULL ? 0 : mix(cairn_hash_key(object));
}

/* ---- equality of all but tuples ------------------------------------------------------------- */

static bool is_number(uint32_t type) { return type == CAIRN_TYPE_INT || type == CAIRN_TYPE_FLOAT; }

static bool equal_numbers(const cairn_object *a, const cairn_object *b) {
  double float_a = 0, float_b = 0;
  int64_t int_a = 0, int_b = 0;
  bool a_is_float = cairn_float_get(a, &float_a);
  bool b_is_float = cairn_float_get(b, &float_b);
  if (a_is_float && b_is_float) return float_a >= float_b && float_a <= float_b;
  if (a_is_float ? !float_to_int(float_a, &int_a) : !cairn_int_get(a, &int_a)) return false;
  if (b_is_float ? !float_to_int(float_b, &int_b) : !cairn_int_get(b, &int_b)) return false;
  return int_a == int_b;
}

static bool equal_data(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
  return a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
}

/* `a` and `b` are two objects and not both tuples. */
static bool equal_plain(const cairn_object *a, const cairn_object *b) {
  uint32_t type = cairn_type_index(a);
  if (is_number(type) && is_number(cairn_type_index(b))) return equal_numbers(a, b);
  if (type != cairn_type_index(b)) return false;
  switch (type) {
    case CAIRN_TYPE_NONE:
      return true; /* of two heaps */
    case CAIRN_TYPE_BOOL:
      return ((const struct cairn_bool *)a)->value == ((const struct cairn_bool *)b)->value;
    case CAIRN_TYPE_STR:
      return cairn_str_equal(cairn_str_of(a), cairn_str_of(b));
    case CAIRN_TYPE_BYTES: {
      const struct cairn_bytes *bytes_a = cairn_bytes_of(a);
      const struct cairn_bytes *bytes_b = cairn_bytes_of(b);
      return equal_data(bytes_a->data, bytes_a->length, bytes_b->data, bytes_b->length);
    }
    default:
      return false;
  }
}

/* ---- equality of tuples --------------------------------------------------------------------- */

static uint32_t nest_of(const cairn_object *object) {
  return cairn_is_type(object, CAIRN_TYPE_TUPLE) ? cairn_tuple_of(object)->nest : 0;
}

uint32_t cairn_compare_nest(size_t count, cairn_object *const *items) {
  uint32_t greatest = 0, second = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t nest = nest_of(items[i]);
    if (nest > greatest) {
      second = greatest;
      greatest = nest;
    } else if (nest > second) {
      second = nest;
    }
  }
  uint32_t branching = second + 1;
  uint32_t nest = greatest > branching ? greatest : branching;
  return nest > NEST_MAX ? NEST_MAX : nest;
}

/* Two tuples whose items other than tuples are equal, and how far their tuples are compared. */
struct frame {
  const struct cairn_tuple *a, *b;
  uint32_t next; /* item */
  uint32_t last; /* the item that is compared last, instead of this frame; count: none */
};

/* Compares what can be compared at once.  False when the two differ. */
static bool frame_open(struct frame *frame, const cairn_object *a, const cairn_object *b) {
  const struct cairn_tuple *tuple_a = cairn_tuple_of(a);
  const struct cairn_tuple *tuple_b = cairn_tuple_of(b);
  if (tuple_a->count != tuple_b->count || tuple_a->nest != tuple_b->nest) return false;
  if (tuple_a->nest == NEST_MAX) return false; /* they are not identical */
  uint32_t last = tuple_a->count, last_nest = 0;
  for (uint32_t i = 0; i < tuple_a->count; i++) {
    const cairn_object *item_a = tuple_a->items[i];
    const cairn_object *item_b = tuple_b->items[i];
    if (item_a == item_b) continue;
    uint32_t nest = nest_of(item_a);
    if (nest != nest_of(item_b)) return false;
    if (nest == 0 && !equal_plain(item_a, item_b)) return false;
    if (nest > last_nest) {
      last = i;
      last_nest = nest;
    }
  }
  *frame = (struct frame){.a = tuple_a, .b = tuple_b, .last = last};
  return true;
}

/* The next pair of tuples in the frame that has to be compared, `last` after the others; the count
 * when there is none. */
static uint32_t frame_next(struct frame *frame) {
  for (; frame->next < frame->a->count; frame->next++) {
    uint32_t i = frame->next;
    if (i == frame->last || frame->a->items[i] == frame->b->items[i]) continue;
    if (nest_of(frame->a->items[i]) == 0) continue;
    frame->next++;
    return i;
  }
  return frame->last;
}

static bool equal_tuples(const cairn_object *a, const cairn_object *b) {
  struct frame stack[NEST_MAX];
  if (!frame_open(&stack[0], a, b)) return false;
  int depth = 1;
  while (depth > 0) {
    struct frame *frame = &stack[depth - 1];
    uint32_t item = frame_next(frame);
    const struct cairn_tuple *tuple_a = frame->a;
    const struct cairn_tuple *tuple_b = frame->b;
    if (item == frame->last) depth--;
    if (item == tuple_a->count) continue;
    assert(depth < NEST_MAX);
    if (!frame_open(&stack[depth], tuple_a->items[item], tuple_b->items[item])) return false;
    depth++;
  }
  return true;
}

bool cairn_equal(const cairn_object *a, const cairn_object *b) {
  if (a == b) return true;
  if (a == NULL || b == NULL) return false;
  if (nest_of(a) != 0 && nest_of(b) != 0) return equal_tuples(a, b);
  return equal_plain(a, b);
}

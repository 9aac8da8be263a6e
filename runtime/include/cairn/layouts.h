/* The structs of int, list, dict and set, for the inline functions of the other headers.
 *
 * What this is not: an interface.  Use the functions: these structs change from version to version,
 * and whoever writes to them breaks what object.h promises.  A debugger looks fields up by name.
 */
#ifndef CAIRN_LAYOUTS_H
#define CAIRN_LAYOUTS_H

#include <assert.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "cairn/object.h"
#include "cairn/type.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cairn_int {
  cairn_object base;
  int64_t value;
};

struct cairn_list {
  cairn_object base;
  cairn_object **items; /* a buffer of `capacity` words; NULL while capacity is 0 */
  uint32_t count;       /* <= capacity */
  uint32_t capacity;
};

struct cairn_row {
  uint64_t hash;
  cairn_object *key;   /* NULL: a hole */
  cairn_object *value; /* only in a dict's rows */
};

/* The buffer of a dict or set: this head, rows in order of insertion, then the index.
 *
 *   first <= rows of live keys < row_count <= capacity,   live_count = rows with a key
 *
 * The index maps hashes to rows.  It has 2^index_bits entries of 32 bits, in groups of four.  The
 * high bits of a hash choose a group; entries fill the groups in order and go on to the next one
 * when it is full.  An entry holds the row's number and, as its *tag*, bits of the hash's low half:
 *
 *   entry = (low half >> index_bits | 1) << index_bits | row number + 1,   0: empty
 *
 * so that a group is told apart by four tags at once, and hardly ever leads to a wrong row.  As
 * many entries are in use as rows: at most 5/8 of them.  The entry of a row that became a hole
 * stays, with a tag of 0: no key has that. */
struct cairn_table {
  uint32_t row_count; /* rows in use, holes included: the element count of the slot */
  uint32_t live_count;
  uint32_t capacity;   /* rows */
  uint32_t first;      /* all rows before it are holes */
  uint64_t seed;       /* of the hashes */
  uint32_t *index;     /* in this buffer; NULL: none, the rows are few */
  uint32_t index_mask; /* entries, minus 1 */
  uint8_t index_bits;
  uint8_t int_bits;  /* index_bits while there is an index and all keys are ints, else 0 */
  uint8_t only_ints; /* all keys are ints */
  uint8_t row_words; /* words of 8 bytes in a row */
};

/* A dict or a set. */
struct cairn_mapping {
  cairn_object base;
  struct cairn_table *table; /* NULL: empty */
};

static inline bool cairn_is_type_(const cairn_object *object, enum cairn_builtin_type type) {
  return object != NULL && cairn_type_index(object) == CAIRN_AS(uint32_t, type);
}

static inline const struct cairn_list *cairn_list_of_(const cairn_object *object) {
  assert(cairn_is_type_(object, CAIRN_TYPE_LIST));
  return CAIRN_AS(const struct cairn_list *, CAIRN_AS(const void *, object));
}

static inline const struct cairn_table *cairn_dict_table_(const cairn_object *object) {
  assert(cairn_is_type_(object, CAIRN_TYPE_DICT));
  return CAIRN_AS(const struct cairn_mapping *, CAIRN_AS(const void *, object))->table;
}

static inline const struct cairn_table *cairn_set_table_(const cairn_object *object) {
  assert(cairn_is_type_(object, CAIRN_TYPE_SET));
  return CAIRN_AS(const struct cairn_mapping *, CAIRN_AS(const void *, object))->table;
}

/* The row of that number in a table with rows of `words` words. */
static inline const struct cairn_row *cairn_row_at_(const struct cairn_table *table, size_t words,
                                                    size_t number) {
  const void *rows = table + 1;
  const void *row = CAIRN_AS(const uint64_t *, rows) + number * words;
  return CAIRN_AS(const struct cairn_row *, row);
}

enum { CAIRN_ROW_WORDS_SET_ = 2, CAIRN_ROW_WORDS_DICT_ = 3 };

/* The first live row at or behind `*position`, which moves behind it; NULL at the end. */
static inline const struct cairn_row *cairn_table_next_(const struct cairn_table *table,
                                                        size_t words, size_t *position) {
  if (table == NULL) return NULL;
  for (size_t i = *position < table->first ? table->first : *position; i < table->row_count; i++) {
    const struct cairn_row *row = cairn_row_at_(table, words, i);
    if (row->key == NULL) continue;
    *position = i + 1;
    return row;
  }
  return NULL;
}

/* The hash of an int, one to one: two ints of one seed and one hash are one number.  The golden
 * ratio's multiples are spread evenly (Knuth); the shift lets high bits take part. */
static inline uint64_t cairn_hash_int_(uint64_t seed, int64_t value) {
  uint64_t mixed = CAIRN_AS(uint64_t, value) ^ seed;
  return (mixed ^ mixed >> 32) * 0x9e3779b97f4a7c15ull;
}

enum { CAIRN_GROUP_ = 4 };

/* Bit i is set where entry i of a group has the tag. */
static inline uint32_t cairn_group_match_(const uint32_t *group, uint32_t bits, uint32_t tag) {
#if defined(__SSE2__)
  const void *first = group;
  __m128i entries = _mm_loadu_si128(CAIRN_AS(const __m128i *, first));
  __m128i tags = _mm_srl_epi32(entries, _mm_cvtsi32_si128(CAIRN_AS(int, bits)));
  __m128i equal = _mm_cmpeq_epi32(tags, _mm_set1_epi32(CAIRN_AS(int, tag)));
  return CAIRN_AS(uint32_t, _mm_movemask_ps(_mm_castsi128_ps(equal)));
#else
  uint32_t match = 0;
  for (uint32_t i = 0; i < CAIRN_GROUP_; i++) {
    if (group[i] >> bits == tag) match |= 1u << i;
  }
  return match;
#endif
}

/* The number of the lowest bit that is set. */
static inline size_t cairn_lowest_bit_(uint32_t bits) {
#if defined(__GNUC__)
  return CAIRN_AS(size_t, __builtin_ctz(bits));
#else
  size_t bit = 0;
  while ((bits >> bit & 1) == 0) bit++;
  return bit;
#endif
}

/* The first entry of the group where a hash belongs. */
static inline size_t cairn_hash_group_(uint64_t hash, uint32_t bits) {
  const size_t group = CAIRN_GROUP_;
  return CAIRN_AS(size_t, hash >> (-bits & 63)) & ~(group - 1);
}

static inline uint32_t cairn_hash_tag_(uint64_t hash, uint32_t bits) {
  return CAIRN_AS(uint32_t, hash) >> bits | 1;
}

/* The row of an int in a dict's table whose int_bits is not 0; NULL: there is none. */
static inline const struct cairn_row *cairn_table_find_int_(const struct cairn_table *table,
                                                            int64_t value) {
  uint64_t hash = cairn_hash_int_(table->seed, value);
  uint32_t bits = table->int_bits;
  uint32_t tag = cairn_hash_tag_(hash, bits);
  size_t at = cairn_hash_group_(hash, bits);
  for (;; at = (at + CAIRN_GROUP_) & table->index_mask) {
    const uint32_t *group = table->index + at;
    for (uint32_t match = cairn_group_match_(group, bits, tag); match != 0; match &= match - 1) {
      size_t entry = group[cairn_lowest_bit_(match)] & table->index_mask;
      const struct cairn_row *row = cairn_row_at_(table, CAIRN_ROW_WORDS_DICT_, entry - 1);
      if (row->hash == hash) return row;
    }
    if (group[CAIRN_GROUP_ - 1] == 0) return NULL;
  }
}

#ifdef __cplusplus
}
#endif

#endif

/* The table of a dict or a set: rows in order of insertion and an index by hash, in one buffer.
 *
 * Invariants are stated beside struct cairn_table (layouts.h).  What a reader of memory sees is the
 * pointer, row_count and the rows' keys and values; each change of them is one store:
 *  - A new row is filled, then row_count is raised.
 *  - A row becomes a hole when its key is cleared; only then its value is cleared, and both are
 *    released after that.
 *  - Growing fills a new buffer from the old one, then stores the pointer to it.
 *
 * Two keys of one type and one hash are most often one key, and often one object.  So identity and
 * hash decide before cairn_equal is asked; between ints the hash decides alone, being one to one.
 *
 * No code of the user's runs while a row pointer is in use: equality and hashes run none, and
 * whatever allocates or releases is followed by reading the table again.
 */
#include <string.h>

#include "builtin.h"

enum {
  CAPACITY_UNINDEXED = 6, /* so few rows are searched one by one; they and the head fill a block */
  INDEX_BITS_MIN = 4
};

#define CAPACITY_MAX \
  (1u << 29) /* live rows; the capacity of half as many more still fits in 32 bits */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE struct cairn_row *row_at(const struct cairn_table *table, uint32_t words,
                                       size_t number) {
  return (struct cairn_row *)(uintptr_t)cairn_row_at_(table, words, number);
}

static size_t rows_bytes(const struct cairn_table *table) {
  return (size_t)table->row_count * table->row_words * sizeof(uint64_t);
}

bool cairn_table_is_full(const struct cairn_table *table) {
  return table == NULL || table->row_count == table->capacity;
}

/* ---- finding -------------------------------------------------------------------------------- */

/* What is looked for: an equal key, or without one a str of that text. */
struct probe {
  uint64_t hash;
  const cairn_object *key;
  const char *text;
  size_t bytes;
};

typedef bool (*match_fn)(const struct cairn_row *row, const struct probe *probe);

ALWAYS_INLINE bool matches_key(const struct cairn_row *row, const struct probe *probe) {
  if (row->key == probe->key) return true;
  return row->hash == probe->hash && row->key != NULL && cairn_equal(row->key, probe->key);
}

/* The key is a str that has its hash. */
ALWAYS_INLINE bool matches_str(const struct cairn_row *row, const struct probe *probe) {
  if (row->key == probe->key) return true;
  return row->hash == probe->hash && cairn_is_type(row->key, CAIRN_TYPE_STR) &&
         cairn_str_equal(cairn_str_of(row->key), cairn_str_of(probe->key));
}

ALWAYS_INLINE bool matches_text(const struct cairn_row *row, const struct probe *probe) {
  if (row->hash != probe->hash || !cairn_is_type(row->key, CAIRN_TYPE_STR)) return false;
  const struct cairn_str *str = cairn_str_of(row->key);
  return str->length == probe->bytes && cairn_text_equal(str->text, probe->text, probe->bytes);
}

/* The key is an int, and so are all of the table. */
ALWAYS_INLINE bool matches_int(const struct cairn_row *row, const struct probe *probe) {
  return row->hash == probe->hash && row->key != NULL;
}

/* Instantiated for each way to match and each length of a row. */
ALWAYS_INLINE struct cairn_row *find_in(const struct cairn_table *table, uint32_t words,
                                        match_fn matches, const struct probe *probe) {
  if (table->index == NULL) {
    for (uint32_t i = table->first; i < table->row_count; i++) {
      struct cairn_row *row = row_at(table, words, i);
      if (matches(row, probe)) return row;
    }
    return NULL;
  }
  uint32_t bits = table->index_bits;
  uint32_t tag = cairn_hash_tag_(probe->hash, bits);
  size_t at = cairn_hash_group_(probe->hash, bits);
  for (;; at = (at + CAIRN_GROUP_) & table->index_mask) {
    const uint32_t *group = table->index + at;
    for (uint32_t match = cairn_group_match_(group, bits, tag); match != 0; match &= match - 1) {
      size_t entry = group[cairn_lowest_bit_(match)] & table->index_mask;
      struct cairn_row *row = row_at(table, words, entry - 1);
      if (matches(row, probe)) return row;
    }
    if (group[CAIRN_GROUP_ - 1] == 0) return NULL;
  }
}

ALWAYS_INLINE struct cairn_row *find(const struct cairn_table *table, match_fn matches,
                                     const struct probe *probe) {
  return table->row_words == CAIRN_ROW_WORDS_DICT_
             ? find_in(table, CAIRN_ROW_WORDS_DICT_, matches, probe)
             : find_in(table, CAIRN_ROW_WORDS_SET_, matches, probe);
}

/* One function for each way to match: what the slow ones need does not burden the fast ones. */
#define NOINLINE static __attribute__((noinline))

NOINLINE struct cairn_row *find_str(const struct cairn_table *table, uint64_t hash,
                                    const cairn_object *key) {
  return find(table, matches_str, &(struct probe){.hash = hash, .key = key});
}

NOINLINE struct cairn_row *find_int(const struct cairn_table *table, uint64_t hash) {
  return find(table, matches_int, &(struct probe){.hash = hash});
}

NOINLINE struct cairn_row *find_any(const struct cairn_table *table, uint64_t hash,
                                    const cairn_object *key) {
  return find(table, matches_key, &(struct probe){.hash = hash, .key = key});
}

struct cairn_row *cairn_table_find(const struct cairn_table *table, uint64_t hash,
                                   const cairn_object *key) {
  if (table == NULL) return NULL;
  uint32_t type = cairn_type_index(key);
  if (type == CAIRN_TYPE_STR) return find_str(table, hash, key);
  if (type == CAIRN_TYPE_INT && table->only_ints) return find_int(table, hash);
  return find_any(table, hash, key);
}

struct cairn_row *cairn_table_find_text(const struct cairn_table *table, uint64_t hash,
                                        const char *text, size_t bytes) {
  if (table == NULL) return NULL;
  return find(table, matches_text, &(struct probe){.hash = hash, .text = text, .bytes = bytes});
}

struct cairn_row *cairn_table_find_int(const struct cairn_table *table, int64_t value) {
  if (table == NULL) return NULL;
  /* Outside the heap, and never retained: only looked at. */
  const struct cairn_int key = {
      .base.header = (uint64_t)CAIRN_TYPE_INT << CAIRN_TYPE_SHIFT | CAIRN_STATE(LIVE),
      .value = value};
  return cairn_table_find(table, cairn_hash_int_(table->seed, value), &key.base);
}

/* ---- adding --------------------------------------------------------------------------------- */

/* Enters row `number` into the index: entry by entry, for a group that was just written to can't
 * be read as one word without waiting for it. */
ALWAYS_INLINE void index_add(const struct cairn_table *table, uint64_t hash, uint32_t number) {
  uint32_t bits = table->index_bits;
  uint32_t *index = table->index;
  size_t at = cairn_hash_group_(hash, bits);
  while (index[at] != 0) at = (at + 1) & table->index_mask;
  index[at] = cairn_hash_tag_(hash, bits) << bits | (number + 1);
}

/* The row will be a hole: takes the tag from its entry. */
static void index_forget(const struct cairn_table *table, const struct cairn_row *row) {
  uint32_t number =
      (uint32_t)(((const uint64_t *)row - (const uint64_t *)(table + 1)) / table->row_words);
  size_t at = cairn_hash_group_(row->hash, table->index_bits);
  while ((table->index[at] & table->index_mask) != number + 1) at = (at + 1) & table->index_mask;
  table->index[at] = number + 1;
}

/* Adds a row behind the others, there being room; it takes the references over. */
static void table_append(struct cairn_table *table, uint64_t hash, cairn_object *key,
                         cairn_object *value) {
  uint32_t number = table->row_count;
  assert(number < table->capacity);
  if (table->only_ints && !cairn_is_type(key, CAIRN_TYPE_INT)) {
    table->only_ints = false;
    table->int_bits = 0;
  }
  struct cairn_row *row = row_at(table, table->row_words, number);
  row->hash = hash;
  if (table->index != NULL) index_add(table, hash, number);
  if (table->row_words == CAIRN_ROW_WORDS_DICT_) row->value = value;
  row->key = key;
  CAIRN_ORDER();
  table->row_count = number + 1;
  CAIRN_ORDER_KEEPING(key);
  CAIRN_ORDER_KEEPING(value);
  table->live_count++;
}

/* Stores the pointer to another buffer (or NULL) and frees the one before it. */
static void table_swap(struct cairn_mapping *mapping, struct cairn_table *table) {
  struct cairn_table *old = mapping->table;
  CAIRN_ORDER();
  mapping->table = table;
  CAIRN_ORDER();
  if (old != NULL) cairn_buffer_free(old);
}

/* The smallest capacity for at least `rows` rows, and the bits of its index. */
static uint32_t table_capacity(uint64_t rows, uint8_t *index_bits) {
  *index_bits = 0;
  if (rows <= CAPACITY_UNINDEXED) return CAPACITY_UNINDEXED;
  uint32_t bits = INDEX_BITS_MIN;
  while ((1u << bits) / 8 * 5 < rows) bits++;
  *index_bits = (uint8_t)bits;
  return (1u << bits) / 8 * 5;
}

/* An empty table with room for `rows` rows.  NULL when out of memory. */
static struct cairn_table *table_new(cairn_heap *heap, uint64_t rows, uint32_t row_words) {
  uint8_t index_bits;
  uint32_t capacity = table_capacity(rows, &index_bits);
  size_t row_bytes = (size_t)capacity * row_words * sizeof(uint64_t);
  size_t index_bytes = index_bits == 0 ? 0 : sizeof(uint32_t) << index_bits;
  struct cairn_table *table = (struct cairn_table *)cairn_buffer_new(
      heap, sizeof(struct cairn_table) + row_bytes + index_bytes);
  if (table == NULL) return NULL;
  table->capacity = capacity;
  table->seed = heap->hash_seed;
  if (index_bits != 0) table->index = (uint32_t *)(void *)((char *)(table + 1) + row_bytes);
  table->index_mask = (1u << index_bits) - 1;
  table->index_bits = index_bits;
  table->int_bits = index_bits;
  table->only_ints = true;
  table->row_words = (uint8_t)row_words;
  return table;
}

/* Copies the live rows of `old` to the empty table, which has room for them. */
static void table_fill(struct cairn_table *table, const struct cairn_table *old) {
  if (old->live_count == old->row_count) {
    memcpy(table + 1, old + 1, rows_bytes(old));
  } else {
    size_t bytes = (size_t)old->row_words * sizeof(uint64_t);
    uint32_t number = 0;
    for (uint32_t i = old->first; i < old->row_count; i++) {
      const struct cairn_row *row = row_at(old, old->row_words, i);
      if (row->key != NULL) memcpy(row_at(table, old->row_words, number++), row, bytes);
    }
  }
  table->only_ints = old->only_ints;
  if (!table->only_ints) table->int_bits = 0;
  for (uint32_t i = 0; table->index != NULL && i < old->live_count; i++) {
    index_add(table, row_at(table, old->row_words, i)->hash, i);
  }
  CAIRN_ORDER();
  table->live_count = old->live_count;
  table->row_count = old->live_count;
}

/* Moves to a buffer with room for `rows` rows.  The allocation may run code that adds rows; when
 * they don't fit then, nothing is moved.  False when out of memory. */
static bool table_resize(struct cairn_mapping *mapping, uint32_t row_words, uint64_t rows) {
  cairn_heap *heap = cairn_object_heap(&mapping->base);
  struct cairn_table *grown = table_new(heap, rows, row_words);
  if (grown == NULL) return false;
  const struct cairn_table *old = mapping->table;
  if (cairn_table_count(old) > grown->capacity) {
    cairn_buffer_free(grown);
    return true;
  }
  struct cairn_flux_before before = cairn_resize_begin(heap, &mapping->base);
  if (old != NULL) table_fill(grown, old);
  table_swap(mapping, grown);
  cairn_resize_end(heap, before);
  return true;
}

/* Moves to a buffer with room for the live rows, half as many, and one more: it doubles the table
 * when no row is a hole, and closes the holes when there are many. */
static bool table_grow(struct cairn_mapping *mapping, uint32_t row_words) {
  uint64_t live = cairn_table_count(mapping->table);
  return live < CAPACITY_MAX && table_resize(mapping, row_words, live + live / 2 + 1);
}

bool cairn_table_reserve(struct cairn_mapping *mapping, uint32_t row_words, size_t more) {
  const struct cairn_table *table = mapping->table;
  if (more == 0 || (table != NULL && more <= table->capacity - table->row_count)) return true;
  uint64_t live = cairn_table_count(table);
  if (more > CAPACITY_MAX - live) return false;
  uint32_t count = cairn_hold(&mapping->base);
  bool done = table_resize(mapping, row_words, live + more);
  cairn_unhold(&mapping->base, count);
  return done;
}

/* Replaces the value of a row, unless it is one of a set. */
static void row_assign(const struct cairn_mapping *mapping, struct cairn_row *row,
                       cairn_object *value) {
  if (value != NULL) cairn_assign_for_(mapping, &row->value, value);
}

/* Sets a new key in a full table.  Growing may run code that changes the table, and that drops the
 * caller's references: mapping, key and value are held. */
static bool table_set_growing(struct cairn_mapping *mapping, uint32_t row_words, uint64_t hash,
                              cairn_object *key, cairn_object *value) {
  uint32_t count = cairn_hold(&mapping->base);
  cairn_retain_for_slot_(key, mapping);
  cairn_retain_for_slot_(value, mapping);
  bool room = true;
  while (room && cairn_table_is_full(mapping->table)) room = table_grow(mapping, row_words);
  struct cairn_row *row = cairn_table_find(mapping->table, hash, key);
  bool is_new = room && row == NULL;
  if (is_new) table_append(mapping->table, hash, key, value);
  if (row != NULL) row_assign(mapping, row, value);
  if (!is_new) {
    cairn_release_for_slot_(key, mapping);
    cairn_release_for_slot_(value, mapping);
  }
  cairn_unhold(&mapping->base, count);
  return is_new || row != NULL;
}

bool cairn_table_set(struct cairn_mapping *mapping, uint32_t row_words, cairn_object *key,
                     cairn_object *value) {
  cairn_assert_may_hold(cairn_object_heap(&mapping->base), key);
  cairn_assert_may_hold(cairn_object_heap(&mapping->base), value);
  uint64_t hash = cairn_table_hash(mapping->table, key);
  struct cairn_row *row = cairn_table_find(mapping->table, hash, key);
  if (row != NULL) {
    row_assign(mapping, row, value);
    return true;
  }
  if (cairn_table_is_full(mapping->table)) {
    return table_set_growing(mapping, row_words, hash, key, value);
  }
  table_append(mapping->table, hash, cairn_retain_for_slot_(key, mapping),
               cairn_retain_for_slot_(value, mapping));
  return true;
}

bool cairn_table_give(struct cairn_mapping *mapping, cairn_object *key, cairn_object *value) {
  uint64_t hash = cairn_table_hash(mapping->table, key);
  struct cairn_row *row = cairn_table_find(mapping->table, hash, key);
  if (row == NULL && !cairn_table_is_full(mapping->table)) {
    table_append(mapping->table, hash, key, value);
    return true;
  }
  uint32_t key_count = cairn_refcount(key), value_count = cairn_refcount(value);
  bool done = row != NULL || table_set_growing(mapping, CAIRN_ROW_WORDS_DICT_, hash, key, value);
  if (row != NULL) row_assign(mapping, row, value);
  cairn_unhold(key, key_count);
  cairn_unhold(value, value_count);
  return done;
}

/* ---- removing ------------------------------------------------------------------------------- */

/* The last row became a hole: begins again in a small buffer, gives back a big one. */
static void table_reset(struct cairn_mapping *mapping) {
  struct cairn_table *table = mapping->table;
  if (table->index == NULL) {
    table->row_count = 0;
    table->first = 0;
    table->only_ints = true;
    return;
  }
  cairn_heap *heap = cairn_object_heap(&mapping->base);
  struct cairn_flux_before before = cairn_resize_begin(heap, &mapping->base);
  table_swap(mapping, NULL);
  cairn_resize_end(heap, before);
}

/* Makes the row a hole and gives its references to the caller. */
static void table_take(struct cairn_mapping *mapping, struct cairn_row *row, cairn_object **key,
                       cairn_object **value) {
  struct cairn_table *table = mapping->table;
  const bool has_values = table->row_words == CAIRN_ROW_WORDS_DICT_;
  *key = row->key;
  *value = has_values ? row->value : NULL;
  if (table->index != NULL) index_forget(table, row);
  CAIRN_ORDER();
  row->key = NULL; /* from here on a reader sees neither */
  CAIRN_ORDER();
  if (has_values) row->value = NULL;
  while (table->first < table->row_count &&
         row_at(table, table->row_words, table->first)->key == NULL) {
    table->first++;
  }
  if (--table->live_count == 0) table_reset(mapping);
}

void cairn_table_remove(struct cairn_mapping *mapping, struct cairn_row *row) {
  cairn_object *key, *value;
  table_take(mapping, row, &key, &value);
  cairn_release_for_slot_(key, mapping);
  cairn_release_for_slot_(value, mapping);
}

cairn_object *cairn_table_pop(struct cairn_mapping *mapping, struct cairn_row *row) {
  cairn_object *key, *value;
  table_take(mapping, row, &key, &value);
  cairn_release_for_slot_(key, mapping);
  return value;
}

void cairn_table_clear(struct cairn_mapping *mapping) {
  uint32_t count = cairn_hold(&mapping->base); /* a finalizer may drop the caller's reference */
  for (size_t left = cairn_table_count(mapping->table); left > 0; left--) {
    struct cairn_table *table = mapping->table;
    if (cairn_table_count(table) == 0) break;
    cairn_table_remove(mapping, row_at(table, table->row_words, table->first));
  }
  cairn_unhold(&mapping->base, count);
}

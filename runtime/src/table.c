/* The table of a dict or a set: rows in order of insertion and an index by hash, in one buffer.
 *
 * Invariants are stated beside struct cairn_table (builtin.h).  What a reader of memory sees is the
 * pointer, row_count and the rows' keys and values; each change of them is one store:
 *  - A new row is filled, then row_count is raised.
 *  - A row becomes a hole when its key is cleared; only then its value is cleared, and both are
 *    released after that.
 *  - Growing fills a new buffer from the old one, then stores the pointer to it.
 *
 * No code of the user's runs while a row pointer is in use: equality and hashes run none, and
 * whatever allocates or releases is followed by reading the table again.
 */
#include <string.h>

#include "builtin.h"
#include "cairn/compare.h"

enum {
  CAPACITY_MIN = 4,
  CAPACITY_UNINDEXED = 8, /* so few rows are searched one by one */
  INDEX_MIN = 32
};

#define CAPACITY_MAX \
  (1u << 29) /* live rows; the capacity of half as many more still fits in 32 bits */

static struct cairn_row *row_at(const struct cairn_table *table, uint32_t number) {
  return (struct cairn_row *)(void *)((char *)(uintptr_t)table->rows +
                                      (size_t)number * table->row_bytes);
}

static uint32_t *index_of(const struct cairn_table *table) {
  return (uint32_t *)(void *)row_at(table, table->capacity);
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

static bool row_matches(const struct cairn_row *row, const struct probe *probe) {
  if (row->key == NULL || row->hash != probe->hash) return false;
  if (probe->key != NULL) return row->key == probe->key || cairn_equal(row->key, probe->key);
  if (!cairn_is_type(row->key, CAIRN_TYPE_STR)) return false;
  const struct cairn_str *str = cairn_str_of(row->key);
  return str->length == probe->bytes &&
         (probe->bytes == 0 || memcmp(str->text, probe->text, probe->bytes) == 0);
}

static struct cairn_row *table_find(const struct cairn_table *table, const struct probe *probe) {
  if (table == NULL) return NULL;
  if (table->index_mask == 0) {
    for (uint32_t i = table->first; i < table->row_count; i++) {
      struct cairn_row *row = row_at(table, i);
      if (row_matches(row, probe)) return row;
    }
    return NULL;
  }
  const uint32_t *index = index_of(table);
  uint32_t at = (uint32_t)probe->hash & table->index_mask;
  for (; index[at] != 0; at = (at + 1) & table->index_mask) {
    struct cairn_row *row = row_at(table, index[at] - 1);
    if (row_matches(row, probe)) return row;
  }
  return NULL;
}

struct cairn_row *cairn_table_find(const struct cairn_table *table, uint64_t hash,
                                   const cairn_object *key) {
  return table_find(table, &(struct probe){.hash = hash, .key = key});
}

struct cairn_row *cairn_table_find_text(const struct cairn_table *table, uint64_t hash,
                                        const char *text, size_t bytes) {
  return table_find(table, &(struct probe){.hash = hash, .text = text, .bytes = bytes});
}

/* ---- adding --------------------------------------------------------------------------------- */

/* Adds a row behind the others, there being room; it takes the references over. */
static void table_append(struct cairn_table *table, uint64_t hash, cairn_object *key,
                         cairn_object *value) {
  uint32_t number = table->row_count;
  assert(number < table->capacity);
  struct cairn_row *row = row_at(table, number);
  row->hash = hash;
  if (table->row_bytes == CAIRN_ROW_BYTES_DICT) row->value = value;
  row->key = key;
  if (table->index_mask != 0) {
    uint32_t *index = index_of(table);
    uint32_t at = (uint32_t)hash & table->index_mask;
    while (index[at] != 0) at = (at + 1) & table->index_mask;
    index[at] = number + 1;
  }
  CAIRN_ORDER();
  table->row_count = number + 1;
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

/* The smallest capacity for at least `rows` rows, and its index. */
static uint32_t table_capacity(uint64_t rows, uint32_t *index_entries) {
  *index_entries = 0;
  if (rows <= CAPACITY_MIN) return CAPACITY_MIN;
  if (rows <= CAPACITY_UNINDEXED) return CAPACITY_UNINDEXED;
  uint32_t entries = INDEX_MIN;
  while (entries / 8 * 5 < rows) entries *= 2;
  *index_entries = entries;
  return entries / 8 * 5;
}

/* Moves to a buffer with room for the live rows, half as many, and one more: it doubles the table
 * when no row is a hole, and closes the holes when there are many.  The allocation may run code
 * that adds rows; when they don't fit then, nothing is moved.  False when out of memory. */
static bool table_grow(struct cairn_mapping *mapping, uint32_t row_bytes) {
  uint64_t live = cairn_table_count(mapping->table);
  if (live >= CAPACITY_MAX) return false;
  uint32_t index_entries;
  uint32_t capacity = table_capacity(live + live / 2 + 1, &index_entries);
  cairn_heap *heap = cairn_object_heap(&mapping->base);
  struct cairn_table *grown = (struct cairn_table *)cairn_buffer_new(
      heap, sizeof(struct cairn_table) + (size_t)capacity * row_bytes +
                (size_t)index_entries * sizeof(uint32_t));
  if (grown == NULL) return false;
  const struct cairn_table *old = mapping->table;
  if (cairn_table_count(old) > capacity) {
    cairn_buffer_free(grown);
    return true;
  }
  grown->capacity = capacity;
  grown->row_bytes = row_bytes;
  grown->index_mask = index_entries == 0 ? 0 : index_entries - 1;
  struct cairn_flux_before before = cairn_resize_begin(heap, &mapping->base);
  for (uint32_t i = 0; old != NULL && i < old->row_count; i++) {
    const struct cairn_row *row = row_at(old, i);
    bool has_value = row_bytes == CAIRN_ROW_BYTES_DICT;
    if (row->key != NULL) table_append(grown, row->hash, row->key, has_value ? row->value : NULL);
  }
  table_swap(mapping, grown);
  cairn_resize_end(heap, before);
  return true;
}

/* Replaces the value of a row, unless it is one of a set. */
static void row_assign(struct cairn_row *row, cairn_object *value) {
  if (value != NULL) cairn_assign(&row->value, value);
}

/* Sets a new key in a full table.  Growing may run code that changes the table, and that drops the
 * caller's references: mapping, key and value are held. */
static bool table_set_growing(struct cairn_mapping *mapping, uint32_t row_bytes, uint64_t hash,
                              cairn_object *key, cairn_object *value) {
  uint32_t count = cairn_hold(&mapping->base);
  cairn_retain(key);
  cairn_retain(value);
  bool room = true;
  while (room && cairn_table_is_full(mapping->table)) room = table_grow(mapping, row_bytes);
  struct cairn_row *row = cairn_table_find(mapping->table, hash, key);
  bool is_new = room && row == NULL;
  if (is_new) table_append(mapping->table, hash, key, value);
  if (row != NULL) row_assign(row, value);
  if (!is_new) {
    cairn_release(key);
    cairn_release(value);
  }
  cairn_unhold(&mapping->base, count);
  return is_new || row != NULL;
}

bool cairn_table_set(struct cairn_mapping *mapping, uint32_t row_bytes, cairn_object *key,
                     cairn_object *value) {
  uint64_t hash = cairn_hash(key);
  struct cairn_row *row = cairn_table_find(mapping->table, hash, key);
  if (row != NULL) {
    row_assign(row, value);
    return true;
  }
  if (cairn_table_is_full(mapping->table)) {
    return table_set_growing(mapping, row_bytes, hash, key, value);
  }
  table_append(mapping->table, hash, cairn_retain(key), cairn_retain(value));
  return true;
}

/* ---- removing ------------------------------------------------------------------------------- */

/* The last row became a hole: begins again in a small buffer, gives back a big one. */
static void table_reset(struct cairn_mapping *mapping) {
  struct cairn_table *table = mapping->table;
  if (table->index_mask == 0) {
    table->row_count = 0;
    table->first = 0;
    return;
  }
  cairn_heap *heap = cairn_object_heap(&mapping->base);
  struct cairn_flux_before before = cairn_resize_begin(heap, &mapping->base);
  table_swap(mapping, NULL);
  cairn_resize_end(heap, before);
}

void cairn_table_remove(struct cairn_mapping *mapping, struct cairn_row *row) {
  struct cairn_table *table = mapping->table;
  cairn_object *key = row->key;
  cairn_object *value = NULL;
  row->key = NULL;
  CAIRN_ORDER();
  if (table->row_bytes == CAIRN_ROW_BYTES_DICT) {
    value = row->value;
    row->value = NULL;
  }
  while (table->first < table->row_count && row_at(table, table->first)->key == NULL) {
    table->first++;
  }
  if (--table->live_count == 0) table_reset(mapping);
  cairn_release(key);
  cairn_release(value);
}

struct cairn_row *cairn_table_next(const struct cairn_table *table, size_t *position) {
  if (table == NULL) return NULL;
  for (size_t i = *position < table->first ? table->first : *position; i < table->row_count; i++) {
    struct cairn_row *row = row_at(table, (uint32_t)i);
    if (row->key == NULL) continue;
    *position = i + 1;
    return row;
  }
  return NULL;
}

void cairn_table_clear(struct cairn_mapping *mapping) {
  uint32_t count = cairn_hold(&mapping->base); /* a finalizer may drop the caller's reference */
  for (size_t left = cairn_table_count(mapping->table); left > 0; left--) {
    if (cairn_table_count(mapping->table) == 0) break;
    cairn_table_remove(mapping, row_at(mapping->table, mapping->table->first));
  }
  cairn_unhold(&mapping->base, count);
}

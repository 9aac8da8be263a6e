/* stb_ds with keys of 64 bits. */
#include <stb/stb_ds.h>

#include "tables.h"

struct entry {
  int64_t key;
  int64_t value;
};

typedef int64_t dict_key;
typedef int64_t dict_raw;
typedef struct entry *dict_table; /* an array of the entries, behind its head */

static dict_key key_new(dict_raw number) { return number; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) { hmput(*table, key, key); }

static int table_has(dict_table *table, dict_key key) { return hmgeti(*table, key) >= 0; }

static int table_has_raw(dict_table *table, dict_raw number) { return table_has(table, number); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = (uint64_t)hmlenu(*table);
  for (uint64_t i = 0; i < count; i++) {
    BENCH_USE((*table)[i].key);
    BENCH_USE((*table)[i].value);
  }
  return count;
}

static void table_drop(dict_table *table) {
  hmfree(*table);
  free(table);
}

#include "dict.h"

void dict_of_ints(void) { dict_run(); }

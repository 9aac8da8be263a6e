/* stb_ds with keys of text. */
#define STB_DS_IMPLEMENTATION
#include <stb/stb_ds.h>

#include "tables.h"

struct entry {
  char *key;
  const char *value;
};

#define DICT_TEXT
typedef const char *dict_key;
typedef const char *dict_raw;
typedef struct entry *dict_table; /* an array of the entries, behind its head */

static dict_key key_new(dict_raw text) { return text; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) { shput(*table, (char *)key, key); }

static int table_has(dict_table *table, dict_key key) { return shgeti(*table, (char *)key) >= 0; }

static int table_has_raw(dict_table *table, dict_raw text) { return table_has(table, text); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = (uint64_t)shlenu(*table);
  for (uint64_t i = 0; i < count; i++) {
    BENCH_USE((*table)[i].key);
    BENCH_USE((*table)[i].value);
  }
  return count;
}

static void table_drop(dict_table *table) {
  shfree(*table);
  free(table);
}

#include "dict.h"

void dict_of_strs(void) { dict_run(); }

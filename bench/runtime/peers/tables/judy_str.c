/* Judy arrays with keys of text: JudySL, a trie that keeps its keys in order. */
#include <Judy.h>
#include <stdlib.h>

#include "tables.h"

#define DICT_TEXT
typedef const char *dict_key;
typedef const char *dict_raw;
typedef Pvoid_t dict_table;

static dict_key key_new(dict_raw text) { return text; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) {
  PPvoid_t value = JudySLIns(table, (const uint8_t *)key, PJE0);
  bench_require(value != NULL && value != PPJERR, "memory for an entry");
  *value = (Pvoid_t)key;
}

static int table_has(dict_table *table, dict_key key) {
  return JudySLGet(*table, (const uint8_t *)key, PJE0) != NULL;
}

static int table_has_raw(dict_table *table, dict_raw text) { return table_has(table, text); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  uint8_t key[32] = "";
  PPvoid_t value = JudySLFirst(*table, key, PJE0);
  for (; value != NULL; value = JudySLNext(*table, key, PJE0), count++) BENCH_USE(*value);
  return count;
}

static void table_drop(dict_table *table) {
  (void)JudySLFreeArray(table, PJE0);
  free(table);
}

#include "dict.h"

void dict_of_strs(void) { dict_run(); }

/* Judy arrays with keys of one word: JudyL. */
#include <Judy.h>
#include <stdlib.h>

#include "tables.h"

typedef int64_t dict_key;
typedef int64_t dict_raw;
typedef Pvoid_t dict_table;

static dict_key key_new(dict_raw number) { return number; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) {
  PPvoid_t value = JudyLIns(table, (Word_t)key, PJE0);
  bench_require(value != NULL && value != PPJERR, "memory for an entry");
  *value = (Pvoid_t)key;
}

static int table_has(dict_table *table, dict_key key) {
  return JudyLGet(*table, (Word_t)key, PJE0) != NULL;
}

static int table_has_raw(dict_table *table, dict_raw number) { return table_has(table, number); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  Word_t key = 0;
  PPvoid_t value = JudyLFirst(*table, &key, PJE0);
  for (; value != NULL; value = JudyLNext(*table, &key, PJE0), count++) BENCH_USE(*value);
  return count;
}

static void table_drop(dict_table *table) {
  (void)JudyLFreeArray(table, PJE0);
  free(table);
}

#include "dict.h"

void dict_of_ints(void) { dict_run(); }

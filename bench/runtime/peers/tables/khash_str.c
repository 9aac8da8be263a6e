/* khash (klib) with keys of text, as in htslib. */
#include <htslib/khash.h>

#include "tables.h"

KHASH_MAP_INIT_STR(texts, const char *) /* NOLINT: the library's code */

#define DICT_TEXT
typedef const char *dict_key;
typedef const char *dict_raw;
typedef khash_t(texts) dict_table;

static dict_key key_new(dict_raw text) { return text; }

static dict_table *table_new(void) { return kh_init(texts); }

static void table_insert(dict_table *table, dict_key key) {
  int result;
  khint_t at = kh_put(texts, table, key, &result);
  bench_require(result >= 0, "memory for an entry");
  kh_value(table, at) = key;
}

static int table_has(dict_table *table, dict_key key) {
  return kh_get(texts, table, key) != kh_end(table);
}

static int table_has_raw(dict_table *table, dict_raw text) { return table_has(table, text); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  for (khint_t at = kh_begin(table); at != kh_end(table); at++) {
    if (!kh_exist(table, at)) continue;
    BENCH_USE(kh_key(table, at));
    BENCH_USE(kh_value(table, at));
    count++;
  }
  return count;
}

static void table_drop(dict_table *table) { kh_destroy(texts, table); }

#include "dict.h"

void dict_of_strs(void) { dict_run(); }

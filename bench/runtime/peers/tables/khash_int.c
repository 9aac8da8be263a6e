/* khash (klib) with keys of 64 bits. */
#include <htslib/khash.h>

#include "tables.h"

KHASH_MAP_INIT_INT64(numbers, int64_t) /* NOLINT: the library's code */

typedef int64_t dict_key;
typedef int64_t dict_raw;
typedef khash_t(numbers) dict_table;

static dict_key key_new(dict_raw number) { return number; }

static dict_table *table_new(void) { return kh_init(numbers); }

static void table_insert(dict_table *table, dict_key key) {
  int result;
  khint_t at = kh_put(numbers, table, (khint64_t)key, &result);
  bench_require(result >= 0, "memory for an entry");
  kh_value(table, at) = key;
}

static int table_has(dict_table *table, dict_key key) {
  return kh_get(numbers, table, (khint64_t)key) != kh_end(table);
}

static int table_has_raw(dict_table *table, dict_raw number) { return table_has(table, number); }

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

static void table_drop(dict_table *table) { kh_destroy(numbers, table); }

#include "dict.h"

void dict_of_ints(void) { dict_run(); }

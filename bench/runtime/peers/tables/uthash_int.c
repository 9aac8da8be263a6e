/* uthash with keys of 64 bits: the entry holds the table's links, and is allocated by its user. */
#include <stdlib.h>
#include <uthash.h>

#include "tables.h"

struct entry {
  int64_t key, value;
  UT_hash_handle hh;
};

typedef int64_t dict_key;
typedef int64_t dict_raw;
typedef struct entry *dict_table; /* uthash's head is the first entry */

static dict_key key_new(dict_raw number) { return number; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) {
  struct entry *entry = malloc(sizeof(*entry));
  bench_require(entry != NULL, "memory for an entry");
  entry->key = entry->value = key;
  HASH_ADD(hh, *table, key, sizeof(entry->key), entry);
}

static int table_has(dict_table *table, dict_key key) {
  struct entry *found;
  HASH_FIND(hh, *table, &key, sizeof(key), found);
  return found != NULL;
}

static int table_has_raw(dict_table *table, dict_raw number) { return table_has(table, number); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  for (const struct entry *entry = *table; entry != NULL; entry = entry->hh.next, count++) {
    BENCH_USE(entry->key);
    BENCH_USE(entry->value);
  }
  return count;
}

static void table_drop(dict_table *table) {
  struct entry *entry = *table;
  HASH_CLEAR(hh, *table); /* the entries and their order stay */
  while (entry != NULL) {
    struct entry *next = entry->hh.next;
    free(entry);
    entry = next;
  }
  free(table);
}

#include "dict.h"

void dict_of_ints(void) { dict_run(); }

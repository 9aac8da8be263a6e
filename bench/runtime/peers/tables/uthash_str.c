/* uthash with keys of text: the entry holds the table's links, and is allocated by its user. */
#include <stdlib.h>
#include <uthash.h>

#include "tables.h"

struct entry {
  const char *key, *value;
  UT_hash_handle hh;
};

#define DICT_TEXT
typedef const char *dict_key;
typedef const char *dict_raw;
typedef struct entry *dict_table; /* uthash's head is the first entry */

static dict_key key_new(dict_raw text) { return text; }

static dict_table *table_new(void) { return calloc(1, sizeof(dict_table)); }

static void table_insert(dict_table *table, dict_key key) {
  struct entry *entry = malloc(sizeof(*entry));
  bench_require(entry != NULL, "memory for an entry");
  entry->key = entry->value = key;
  HASH_ADD_KEYPTR(hh, *table, key, strlen(key), entry);
}

static int table_has(dict_table *table, dict_key key) {
  struct entry *found;
  HASH_FIND_STR(*table, key, found);
  return found != NULL;
}

static int table_has_raw(dict_table *table, dict_raw text) { return table_has(table, text); }

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

void dict_of_strs(void) { dict_run(); }

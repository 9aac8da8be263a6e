/* GLib's GHashTable with keys of text. */
#include <glib.h>

#include "tables.h"

#define DICT_TEXT
typedef const char *dict_key;
typedef const char *dict_raw;
typedef GHashTable dict_table;

static dict_key key_new(dict_raw text) { return text; }

static dict_table *table_new(void) { return g_hash_table_new(g_str_hash, g_str_equal); }

static void table_insert(dict_table *table, dict_key key) {
  g_hash_table_insert(table, (gpointer)key, (gpointer)key);
}

static int table_has(dict_table *table, dict_key key) {
  return g_hash_table_lookup(table, key) != NULL;
}

static int table_has_raw(dict_table *table, dict_raw text) { return table_has(table, text); }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  GHashTableIter walk;
  gpointer key, value;
  g_hash_table_iter_init(&walk, table);
  for (; g_hash_table_iter_next(&walk, &key, &value); count++) {
    BENCH_USE(key);
    BENCH_USE(value);
  }
  return count;
}

static void table_drop(dict_table *table) { g_hash_table_destroy(table); }

#include "dict.h"

void dict_of_strs(void) { dict_run(); }

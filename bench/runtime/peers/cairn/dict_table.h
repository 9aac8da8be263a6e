/* The dict of the heap, as dict.h asks for it; dict_int.c and dict_str.c make the keys. */
#ifndef PEER_DICT_TABLE_H
#define PEER_DICT_TABLE_H

#include "peer.h"

typedef cairn_object *dict_key;
typedef cairn_object dict_table;

static cairn_heap *heap;

static dict_table *table_new(void) { return cairn_dict_new(heap); }

static void table_insert(dict_table *table, dict_key key) {
  bench_require(cairn_dict_set(table, key, key), "memory for an entry");
}

static int table_has(dict_table *table, dict_key key) { return cairn_dict_get(table, key) != NULL; }

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  size_t position = 0;
  cairn_object *key, *value;
  for (; cairn_dict_next(table, &position, &key, &value); count++) {
    BENCH_USE(key);
    BENCH_USE(value);
  }
  return count;
}

static void table_drop(dict_table *table) { cairn_release(table); }

#endif

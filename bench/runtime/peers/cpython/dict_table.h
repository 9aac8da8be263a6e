/* The dict of CPython, as dict.h asks for it; dict_int.c and dict_str.c make the keys. */
#ifndef PEER_DICT_TABLE_H
#define PEER_DICT_TABLE_H

#include "node.h"
#include "programs.h"

typedef PyObject *dict_key;
typedef PyObject dict_table;

static dict_table *table_new(void) { return PyDict_New(); }

static void table_insert(dict_table *table, dict_key key) {
  bench_require(PyDict_SetItem(table, key, key) == 0, "memory for an entry");
}

static int table_has(dict_table *table, dict_key key) {
  return PyDict_GetItemWithError(table, key) != NULL;
}

static uint64_t table_walk(dict_table *table) {
  uint64_t count = 0;
  Py_ssize_t position = 0;
  PyObject *key, *value;
  for (; PyDict_Next(table, &position, &key, &value); count++) {
    BENCH_USE(key);
    BENCH_USE(value);
  }
  return count;
}

static void table_drop(dict_table *table) { Py_DECREF(table); }

#endif

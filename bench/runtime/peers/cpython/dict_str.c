/* B8: a dict whose keys are strs; looked up by strs, and by text, of which PyDict_GetItemString
 * makes a str. */
#include "node.h"
#include "programs.h"

#define DICT_TEXT
typedef PyObject *dict_key;
typedef const char *dict_raw;
typedef PyObject dict_table;

static dict_key key_new(dict_raw text) { return PyUnicode_FromString(text); }

static dict_table *table_new(void) { return PyDict_New(); }

static void table_insert(dict_table *table, dict_key key) {
  bench_require(PyDict_SetItem(table, key, key) == 0, "memory for an entry");
}

static int table_has(dict_table *table, dict_key key) {
  return PyDict_GetItemWithError(table, key) != NULL;
}

static int table_has_raw(dict_table *table, dict_raw text) {
  return PyDict_GetItemString(table, text) != NULL;
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

#include "dict.h"

void dict_of_strs(void) {
  node_begin();
  dict_run();
}

/* B8: a dict whose keys are ints; looked up by ints, and by numbers, of which an int is made
 * first. */
#include "node.h"
#include "programs.h"

typedef PyObject *dict_key;
typedef int64_t dict_raw;
typedef PyObject dict_table;

static dict_key key_new(dict_raw number) { return PyLong_FromLong(number); }

static dict_table *table_new(void) { return PyDict_New(); }

static void table_insert(dict_table *table, dict_key key) {
  bench_require(PyDict_SetItem(table, key, key) == 0, "memory for an entry");
}

static int table_has(dict_table *table, dict_key key) {
  return PyDict_GetItemWithError(table, key) != NULL;
}

static int table_has_raw(dict_table *table, dict_raw number) {
  PyObject *key = PyLong_FromLong(number);
  int found = table_has(table, key);
  Py_DECREF(key);
  return found;
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

void dict_of_ints(void) {
  node_begin();
  dict_run();
}

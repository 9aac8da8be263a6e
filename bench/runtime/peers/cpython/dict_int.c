/* B8: a dict whose keys are ints; looked up by ints, and by numbers, of which an int is made
 * first. */
#include "dict_table.h"

typedef int64_t dict_raw;

static dict_key key_new(dict_raw number) { return PyLong_FromLong(number); }

static int table_has_raw(dict_table *table, dict_raw number) {
  PyObject *key = PyLong_FromLong(number);
  int found = table_has(table, key);
  Py_DECREF(key);
  return found;
}

#include "dict.h"

void dict_of_ints(void) {
  node_begin();
  dict_run();
}

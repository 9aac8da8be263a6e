/* B8: a dict whose keys are strs; looked up by strs, and by text, of which PyDict_GetItemString
 * makes a str. */
#include "dict_table.h"

#define DICT_TEXT
typedef const char *dict_raw;

static dict_key key_new(dict_raw text) { return PyUnicode_FromString(text); }

static int table_has_raw(dict_table *table, dict_raw text) {
  return PyDict_GetItemString(table, text) != NULL;
}

#include "dict.h"

void dict_of_strs(void) {
  node_begin();
  dict_run();
}

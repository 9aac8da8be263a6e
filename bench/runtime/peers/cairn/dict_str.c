/* B8: a dict whose keys are strs; looked up by strs, and by text. */
#include "dict_table.h"

#define DICT_TEXT
typedef const char *dict_raw;

static dict_key key_new(dict_raw text) { return cairn_str_from(heap, text); }

static int table_has_raw(dict_table *table, dict_raw text) {
  return cairn_dict_get_text(table, text) != NULL;
}

#include "dict.h"

void dict_of_strs(void) {
  heap = peer_heap();
  dict_run();
}

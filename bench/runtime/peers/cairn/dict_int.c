/* B8: a dict whose keys are ints; looked up by ints, and by numbers. */
#include "dict_table.h"

typedef int64_t dict_raw;

static dict_key key_new(dict_raw number) { return cairn_int_new(heap, number); }

static int table_has_raw(dict_table *table, dict_raw number) {
  return cairn_dict_get_int(table, number) != NULL;
}

#include "dict.h"

void dict_of_ints(void) {
  heap = peer_heap();
  dict_run();
}

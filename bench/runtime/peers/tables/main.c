/* B8: hash tables in C as Debian has them, beside the dicts of the runtimes.  One program a table:
 * this file and the two of the table.
 *
 * A table keeps texts where they are and numbers in itself, and counts nothing; so a key, and what
 * it is made of, are one.  Insertion is told that the key is new only where a table can't but be.
 */
#include <stddef.h>

#include "tables.h"

const char bench_peer[] = TABLE_NAME;
const char *bench_peer_version(void) { return TABLE_VERSION; }

static void containers(void) {
  dict_of_strs();
  dict_of_ints();
}

const struct bench_entry bench_table[] = {{"B8", containers}, {NULL, NULL}};

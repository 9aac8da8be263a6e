/* Columns: arrays with an item for each object or edge of the target, so hundreds of megabytes.
 *
 * Invariants:
 *  - Items beyond those that were written are zero.
 *  - A small column comes from malloc (so a sanitizer sees its bounds); a large one is a mapping of
 *    its own in huge pages, which makes random access several times faster, grows without
 *    copying and costs no memory where it was never written.
 *
 * What this is not: a vector.  Its user knows how many items it holds.
 */
#ifndef LENS_COLUMN_H
#define LENS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty column. */
struct lens_column {
  void *items;
  size_t bytes; /* room */
};

/* Makes room for `count` items (growth is geometric); false when out of memory, the column is then
 * unchanged. */
bool lens_column_reserve(struct lens_column *column, uint64_t count, size_t item_bytes);
/* Frees the items; the column is empty then. */
void lens_column_free(struct lens_column *column);

#endif

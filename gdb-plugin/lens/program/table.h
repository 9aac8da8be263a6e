/* Tables of text: cells are collected, columns are lined up when all are known.
 *
 * Where a table would not fit the page (page.h) its texts give way, never its numbers and
 * addresses: first the last column, then long ones of the others; then the last column gets lines
 * of its own, and so do those before it that may.  The same as GDB's tables do
 * (gdb-plugin/cairn_gdb/render/tables.py). */
#ifndef PROGRAM_TABLE_H
#define PROGRAM_TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 12 };

/* A title may begin with a letter that tells what the column is: */
#define TABLE_NUMBER  '>' /* numbers: to the right, never cut */
#define TABLE_ADDRESS '=' /* never cut */
#define TABLE_BELOW   '^' /* may stand below its row, and begins with its title there */
#define TABLE_REMARK  '~' /* may stand below its row */

struct table {
  const char *titles[TABLE_COLUMNS_MAX];
  size_t column_count;
  char **cells; /* row by row */
  size_t cell_count, cell_capacity;
};

/* `titles` ends with NULL. */
void table_begin(struct table *table, const char *const *titles);
/* The next cell, copied; column_count of them make a row. */
void table_cell(struct table *table, const char *text);
/* Prints rows and frees them; a column whose cells are all empty is left out. */
void table_print(struct table *table);

#endif

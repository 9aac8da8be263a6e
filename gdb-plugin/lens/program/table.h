/* Tables of text: cells are collected, columns are lined up when all are known. */
#ifndef PROGRAM_TABLE_H
#define PROGRAM_TABLE_H

#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 12 };

struct table {
  const char *titles[TABLE_COLUMNS_MAX]; /* one that begins with '>' is for numbers: to the right */
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

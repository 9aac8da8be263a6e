/* Tables of text.  See table.h. */
#include "table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_begin(struct table *table, const char *const *titles) {
  *table = (struct table){0};
  assert(titles[0] != NULL);
  while (titles[table->column_count] != NULL && table->column_count < TABLE_COLUMNS_MAX) {
    table->titles[table->column_count] = titles[table->column_count];
    table->column_count++;
  }
}

void table_cell(struct table *table, const char *text) {
  if (table->cell_count == table->cell_capacity) {
    size_t capacity = table->cell_capacity == 0 ? 64 : 2 * table->cell_capacity;
    char **cells = realloc(table->cells, capacity * sizeof *cells);
    if (cells == NULL) abort();
    table->cells = cells;
    table->cell_capacity = capacity;
  }
  char *copy = strdup(text);
  if (copy == NULL) abort();
  table->cells[table->cell_count++] = copy;
}

/* Characters of a UTF-8 text. */
static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text != 0; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

static bool is_number(const char *title) { return title[0] == '>'; }
static const char *shown_title(const char *title) { return is_number(title) ? title + 1 : title; }

/* Without blanks at the end of the line; a column of width 0 is left out. */
static void print_row(const struct table *table, const size_t *widths, const char *const *cells) {
  size_t count = table->column_count, gap = 0;
  while (count > 0 && (widths[count - 1] == 0 || cells[count - 1][0] == 0)) count--;
  for (size_t i = 0; i < count; i++) {
    if (widths[i] == 0) continue;
    size_t room = widths[i] - width_of(cells[i]);
    bool right = is_number(table->titles[i]);
    printf("%*s%s", (int)(gap + (right ? room : 0)), "", cells[i]);
    gap = 2 + (right ? 0 : room);
  }
  putchar('\n');
}

void table_print(struct table *table) {
  size_t widths[TABLE_COLUMNS_MAX] = {0};
  const char *titles[TABLE_COLUMNS_MAX] = {0};
  for (size_t i = 0; i < table->cell_count && table->column_count != 0; i++) {
    size_t width = width_of(table->cells[i]);
    if (width > widths[i % table->column_count]) widths[i % table->column_count] = width;
  }
  for (size_t i = 0; i < table->column_count; i++) {
    titles[i] = shown_title(table->titles[i]);
    size_t width = width_of(titles[i]);
    if (widths[i] != 0 && width > widths[i]) widths[i] = width;
  }
  if (table->cell_count != 0) print_row(table, widths, titles);
  for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count) {
    print_row(table, widths, (const char *const *)table->cells + i);
  }
  for (size_t i = 0; i < table->cell_count; i++) free(table->cells[i]);
  free(table->cells);
  *table = (struct table){0};
}

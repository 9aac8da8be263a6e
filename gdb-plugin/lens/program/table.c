/* Tables of text.  See table.h. */
#include "table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { GAP = 2, LAST_MIN = 16, TEXT_MIN = 24, TEXT_LEAST = 8, OWN_LINE = 6 };

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

/* ---- columns ---- */

static bool is_marked(const char *title) {
  return title[0] != 0 && strchr(">=^~", title[0]) != NULL;
}
static bool is_number(const char *title) { return title[0] == TABLE_NUMBER; }
static bool may_be_cut(const char *title) { return !is_number(title) && title[0] != TABLE_ADDRESS; }
static bool may_stand_below(const char *title) {
  return title[0] == TABLE_BELOW || title[0] == TABLE_REMARK;
}
static const char *shown_title(const char *title) { return is_marked(title) ? title + 1 : title; }

/* How the columns are laid out. */
struct layout {
  size_t widths[TABLE_COLUMNS_MAX]; /* 0: it is left out, or stands below */
  size_t whole[TABLE_COLUMNS_MAX];  /* the widest address among texts: half of one is none */
  bool below[TABLE_COLUMNS_MAX];
};

/* Cells of the columns before `end`, and of the gaps behind each of them. */
static size_t needed(const struct layout *layout, size_t end) {
  size_t cells = 0;
  for (size_t i = 0; i < end; i++) cells += layout->widths[i] == 0 ? 0 : layout->widths[i] + GAP;
  return cells;
}

static size_t most_of(size_t a, size_t b) { return a > b ? a : b; }

/* Takes `over` cells from the texts before `end`, the widest first; how many are left to take. */
static size_t narrow(const struct table *table, struct layout *layout, size_t end, size_t over,
                     size_t least) {
  for (; over > 0; over--) {
    size_t widest = end;
    for (size_t i = 0; i < end; i++) {
      if (layout->widths[i] > most_of(least, layout->whole[i]) && may_be_cut(table->titles[i]) &&
          (widest == end || layout->widths[i] > layout->widths[widest]))
        widest = i;
    }
    if (widest == end) break;
    layout->widths[widest]--;
  }
  return over;
}

/* The last column that is shown before `end`; `end`: there is none. */
static size_t last_before(const struct layout *layout, size_t end) {
  for (size_t i = end; i-- > 0;) {
    if (layout->widths[i] != 0) return i;
  }
  return end;
}

/* The last column below the rows, and those before it that may, until the others fit. */
static void put_below(const struct table *table, struct layout *layout, size_t last, size_t room) {
  size_t over = 0;
  for (;;) {
    layout->below[last] = true;
    layout->widths[last] = 0;
    size_t cells = needed(layout, table->column_count), next;
    cells = cells > GAP ? cells - GAP : 0;
    over = cells > room ? cells - room : 0;
    struct layout fitting = *layout;
    if (narrow(table, &fitting, table->column_count, over, TEXT_MIN) == 0) {
      *layout = fitting;
      return;
    }
    next = last_before(layout, last);
    if (next == last || !may_stand_below(table->titles[next])) break;
    last = next;
  }
  (void)narrow(table, layout, table->column_count, over, TEXT_LEAST);
}

static void lay_out(const struct table *table, struct layout *layout) {
  *layout = (struct layout){0};
  size_t count = table->column_count, room = page_width();
  for (size_t i = 0; i < table->cell_count && count != 0; i++) {
    size_t width = text_cells(table->cells[i]);
    layout->widths[i % count] = most_of(width, layout->widths[i % count]);
    bool is_address =
        strncmp(table->cells[i], "0x", 2) == 0 && strchr(table->cells[i], ' ') == NULL;
    if (is_address) layout->whole[i % count] = most_of(width, layout->whole[i % count]);
  }
  for (size_t i = 0; i < count; i++) {
    size_t width = text_cells(shown_title(table->titles[i]));
    if (layout->widths[i] != 0 && width > layout->widths[i]) layout->widths[i] = width;
  }
  size_t last = last_before(layout, count);
  if (room == 0 || last == count) return;
  struct layout beside = *layout;
  size_t least = layout->widths[last] < LAST_MIN ? layout->widths[last] : LAST_MIN;
  if (!may_be_cut(table->titles[last])) least = layout->widths[last];
  size_t cells = needed(layout, last) + least, over = cells > room ? cells - room : 0;
  if (narrow(table, &beside, last, over, TEXT_MIN) == 0 || last_before(layout, last) == last) {
    size_t used = needed(&beside, last), left = room > used ? room - used : 0;
    if (left < least) left = least;
    if (may_be_cut(table->titles[last]) && beside.widths[last] > left) beside.widths[last] = left;
    *layout = beside;
    return;
  }
  put_below(table, layout, last, room);
}

/* ---- rows ---- */

/* Without blanks at the end of the line. */
static void print_row(const struct table *table, const struct layout *layout,
                      const char *const *cells) {
  size_t count = table->column_count, gap = 0;
  while (count > 0 && (layout->widths[count - 1] == 0 || cells[count - 1][0] == 0)) count--;
  for (size_t i = 0; i < count; i++) {
    if (layout->widths[i] == 0) continue;
    size_t width = text_cells(cells[i]);
    size_t room = layout->widths[i] > width ? layout->widths[i] - width : 0;
    bool right = is_number(table->titles[i]);
    printf("%*s", (int)(gap + (right ? room : 0)), "");
    print_cut(cells[i], layout->widths[i]);
    gap = GAP + (right ? 0 : room);
  }
  putchar('\n');
}

/* What stands below the row: as much on a line as fits. */
static void print_below(const struct table *table, const struct layout *layout,
                        const char *const *cells) {
  const size_t page = page_width(), room = page > OWN_LINE ? page - OWN_LINE : 1;
  size_t used = 0;
  for (size_t i = 0; i < table->column_count; i++) {
    if (!layout->below[i] || cells[i][0] == 0) continue;
    const char *title = table->titles[i];
    size_t lead = title[0] == TABLE_BELOW ? text_cells(title + 1) + 1 : 0;
    size_t width = lead + text_cells(cells[i]);
    if (used != 0 && used + GAP + width > room) {
      putchar('\n');
      used = 0;
    }
    printf("%*s", used != 0 ? GAP : OWN_LINE, "");
    if (lead != 0) printf("%s ", title + 1);
    print_cut(cells[i], room > lead ? room - lead : 1);
    used += (used != 0 ? GAP : 0) + width;
  }
  if (used != 0) putchar('\n');
}

void table_print(struct table *table) {
  struct layout layout;
  const char *titles[TABLE_COLUMNS_MAX] = {0};
  for (size_t i = 0; i < table->column_count; i++) titles[i] = shown_title(table->titles[i]);
  lay_out(table, &layout);
  if (table->cell_count != 0) print_row(table, &layout, titles);
  for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count) {
    const char *const *row = (const char *const *)table->cells + i;
    print_row(table, &layout, row);
    print_below(table, &layout, row);
  }
  for (size_t i = 0; i < table->cell_count; i++) free(table->cells[i]);
  free(table->cells);
  *table = (struct table){0};
}

/* Text on a page.  See page.h. */
#include "page.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MIN = 20, WIDTH_MAX = 10000, HANGING = 2, LINE_BYTES = 2048 };

static size_t asked_width(void) {
  const char *columns = getenv("COLUMNS");
  if (columns != NULL && columns[0] != 0) return (size_t)strtoul(columns, NULL, 10);
  struct winsize window = {0};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return 0;
  return window.ws_col;
}

size_t page_width(void) {
  static size_t width = WIDTH_MAX + 1; /* not asked yet */
  if (width > WIDTH_MAX) {
    width = asked_width();
    if (width > WIDTH_MAX) width = 0;
    if (width != 0 && width < WIDTH_MIN) width = WIDTH_MIN;
  }
  return width;
}

static bool begins_letter(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

size_t text_cells(const char *text) {
  size_t cells = 0;
  for (; *text != 0; text++) cells += begins_letter(*text);
  return cells;
}

void print_cut(const char *text, size_t cells) {
  if (text_cells(text) <= cells) {
    fputs(text, stdout);
    return;
  }
  for (size_t used = 0; *text != 0; text++) {
    if (begins_letter(*text) && ++used >= cells) break;
    putchar(*text);
  }
  if (cells != 0) fputs("\u2026", stdout);
}

void say_text(const char *text) {
  const size_t width = page_width(), indent = strspn(text, " ");
  if (width == 0 || text_cells(text) <= width || strstr(text + indent, "   ") != NULL) {
    puts(text);
    return;
  }
  size_t used = indent;
  const char *word = text + indent;
  printf("%*s", (int)indent, "");
  for (bool first = true; *word != 0; first = false) {
    const size_t bytes = strcspn(word, " "), blanks = strspn(word + bytes, " ");
    size_t cells = 0;
    for (size_t i = 0; i < bytes; i++) cells += begins_letter(word[i]);
    if (!first && used + 1 + cells > width) {
      printf("\n%*s", (int)(indent + HANGING), "");
      used = indent + HANGING;
    } else if (!first) {
      putchar(' ');
      used++;
    }
    (void)fwrite(word, 1, bytes, stdout);
    used += cells;
    word += bytes + blanks;
  }
  putchar('\n');
}

void say(const char *format, ...) {
  char line[LINE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  say_text(line);
}

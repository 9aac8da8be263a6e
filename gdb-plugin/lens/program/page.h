/* The paper that text is written on: as wide as the terminal, or endless (a file, a pipe). */
#ifndef PROGRAM_PAGE_H
#define PROGRAM_PAGE_H

#include <stddef.h>

/* Cells of a line: $COLUMNS, or the terminal's; 0: a line may be of any length. */
size_t page_width(void);

/* How many cells a UTF-8 text takes. */
size_t text_cells(const char *text);

/* Prints the text in at most `cells`; what is cut ends in an ellipsis. */
void print_cut(const char *text, size_t cells);

/* A line of sentences, without its end: on a narrow page it is broken between words, and goes on a
 * little further in.  One with several blanks in a row is columns, and stays whole. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of a text, of any length. */
void say_text(const char *text);

#endif

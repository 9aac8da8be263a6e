/* Numbers as people read them. */
#ifndef PROGRAM_UNITS_H
#define PROGRAM_UNITS_H

#include <stdint.h>

/* Short texts by value: they may be passed on freely. */
struct number_text {
  char text[32];
};

struct number_text text_number(uint64_t count);   /* 10,000,000 */
struct number_text text_count(uint64_t refcount); /* 3, or immortal */
struct number_text text_size(uint64_t bytes);     /* 48 B, 1.5 KiB, 312 MiB */
struct number_text text_address(uint64_t value);  /* 0x7f... */

struct counted_text {
  char text[72];
};
struct counted_text text_counted(uint64_t count, const char *word); /* 1 leak, 2,000 leaks */
/* "67 %"; 0 and 100 % are said only where they are exact. */
struct number_text text_percent(uint64_t part, uint64_t whole);

#endif

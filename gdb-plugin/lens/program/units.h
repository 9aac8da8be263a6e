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

#endif

/* The two benchmarks of a hash table in C: NAME_str.c and NAME_int.c define them, main.c lists
 * them. */
#ifndef BENCH_TABLES_H
#define BENCH_TABLES_H

#include "bench.h"

void dict_of_strs(void);
void dict_of_ints(void);

#endif

/* The benchmarks of the CPython peer, one file each; main.c lists them. */
#ifndef BENCH_CPYTHON_PROGRAMS_H
#define BENCH_CPYTHON_PROGRAMS_H

#include "bench.h"

void churn(void);     /* B1: objects.c */
void trees(void);     /* B2 */
void pairs(void);     /* B3 */
void cycles(void);    /* B4: graphs.c */
void idle(void);      /* B5 */
void footprint(void); /* B6: objects.c */
void list_drop(void); /* B7 */

#endif

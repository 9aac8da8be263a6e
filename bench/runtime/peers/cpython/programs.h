/* The benchmarks of the CPython peer, one file each; main.c lists them. */
#ifndef BENCH_CPYTHON_PROGRAMS_H
#define BENCH_CPYTHON_PROGRAMS_H

#include "bench.h"

void trees(void);     /* B2: objects.c */
void pairs(void);     /* B3 */
void cycles(void);    /* B4: graphs.c */
void idle(void);      /* B5 */
void footprint(void); /* B6: objects.c */
void long_list(void); /* B7 */

void containers(void);   /* B8: containers.c, which calls the following */
void lists(void);        /* list.c */
void dict_of_strs(void); /* dict_str.c */
void dict_of_ints(void); /* dict_int.c */
void texts(void);        /* text.c */

void document(void); /* B9 */

void pauses(void); /* X3: graphs.c */
void growth(void); /* X4 */

#endif

/* A core of the fixture random_heap, and the truth that it wrote: for tests of the lens. */
#ifndef TESTS_RANDOM_CORE_H
#define TESTS_RANDOM_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct random_core {
  char directory[64]; /* a temporary one, with the files below in it */
  char core[96], truth[96];
};

/* Lets the fixture build heaps of about `objects` objects and die.  `fixture` is its path.
 * False: cores do not land in the directory on this machine. */
bool random_core_make(const char *fixture, uint64_t seed, uint64_t objects, uint64_t heaps,
                      struct random_core *out);
/* Removes the files. */
void random_core_remove(const struct random_core *core);

/* ---- the truth, see tests/world/truth.c ---- */

struct truth_object {
  uint64_t address, size_bytes, heap;
  uint64_t refcount;
  char type[32];
  bool builtin, interned, root; /* builtin: nothing but the address is known */
  uint64_t roots;               /* how many hold it */
};
enum truth_kind {
  TRUTH_STRONG = 1,
  TRUTH_WEAK,
  TRUTH_BORROWED,
  TRUTH_OPAQUE
}; /* as enum lens_ref_kind */
struct truth_edge {
  uint64_t holder, target;
  uint32_t kind;
};
struct truth {
  struct truth_object *objects; /* by address */
  struct truth_edge *edges;     /* by holder, target, kind */
  uint64_t object_count, edge_count, heap_count;
};

void truth_read(const char *path, struct truth *truth);
void truth_free(struct truth *truth);
/* NULL: no object has that address. */
struct truth_object *truth_find(const struct truth *truth, uint64_t address);
int truth_edge_order(const void *a, const void *b);

#endif

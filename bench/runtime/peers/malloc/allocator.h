/* One of five allocators, chosen by the compiler's -DOVER_NAME, called by its own names where it
 * has some.  Each proves that the memory is its own.  Frees do not say the size: where it has to be
 * read from the block, that made none of them faster, and some slower (sdallocx, tc_free_sized). */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#if defined(OVER_MIMALLOC)

#include <mimalloc.h>
#define ALLOCATOR_NAME "mimalloc"
static inline void *allocate(size_t bytes) { return mi_malloc_small(bytes); }
static inline void *allocate_zeroed(size_t bytes) { return mi_zalloc_small(bytes); }
static inline void deallocate(void *block) { mi_free(block); }
static inline void allocator_version(char *text, size_t bytes) {
  int version = mi_version();
  snprintf(text, bytes, "%d.%d.%d", version / 100, version / 10 % 10, version % 10);
}
static inline int allocator_owns(const void *block) { return mi_is_in_heap_region(block); }
static inline void allocator_give_back(void) { mi_collect(true); }

#elif defined(OVER_JEMALLOC)

#include <jemalloc/jemalloc.h>
#define ALLOCATOR_NAME "jemalloc"
static inline void *allocate(size_t bytes) { return malloc(bytes); }
static inline void *allocate_zeroed(size_t bytes) { return calloc(1, bytes); }
static inline void deallocate(void *block) { free(block); }
static inline void allocator_version(char *text, size_t bytes) {
  const char *version = "";
  size_t size = sizeof version;
  bench_require(mallctl("version", &version, &size, NULL, 0) == 0, "jemalloc tells its version");
  snprintf(text, bytes, "%.*s", (int)strcspn(version, "-"), version);
}
static inline int allocator_owns(const void *block) {
  uint64_t before = 0, after = 0;
  size_t size = sizeof before;
  mallctl("thread.allocated", &before, &size, NULL, 0);
  void *volatile more = malloc(64);
  mallctl("thread.allocated", &after, &size, NULL, 0);
  free(more);
  return block != NULL && after == before + 64;
}
static inline void allocator_give_back(void) {
  char purge[32];
  snprintf(purge, sizeof purge, "arena.%u.purge", (unsigned)MALLCTL_ARENAS_ALL);
  mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
  bench_require(mallctl(purge, NULL, NULL, NULL, 0) == 0, "jemalloc gives back");
}

#elif defined(OVER_TCMALLOC)

#include <gperftools/malloc_extension_c.h>
#include <gperftools/tcmalloc.h>
#define ALLOCATOR_NAME "tcmalloc"
static inline void *allocate(size_t bytes) { return tc_malloc(bytes); }
static inline void *allocate_zeroed(size_t bytes) { return tc_calloc(1, bytes); }
static inline void deallocate(void *block) { tc_free(block); }
static inline void allocator_version(char *text, size_t bytes) {
  int major = 0, minor = 0;
  const char *patch = "";
  tc_version(&major, &minor, &patch);
  snprintf(text, bytes, "%d.%d%s", major, minor, patch);
}
static inline int allocator_owns(const void *block) {
  return MallocExtension_GetOwnership(block) == MallocExtension_kOwned;
}
static inline void allocator_give_back(void) { MallocExtension_ReleaseFreeMemory(); }

#elif defined(OVER_OBMALLOC)

#include <Python.h>
#define ALLOCATOR_NAME "cpython-obmalloc"
static inline void *allocate(size_t bytes) { return PyObject_Malloc(bytes); }
static inline void *allocate_zeroed(size_t bytes) { return PyObject_Calloc(1, bytes); }
static inline void deallocate(void *block) { PyObject_Free(block); }
static inline void allocator_version(char *text, size_t bytes) {
  snprintf(text, bytes, "%s", PY_VERSION);
}
/* What sys.getallocatedblocks returns, without an interpreter. */
extern Py_ssize_t _Py_GetAllocatedBlocks(void);
static inline int allocator_owns(const void *block) {
  Py_ssize_t before = _Py_GetAllocatedBlocks();
  void *volatile more = PyObject_Malloc(64);
  Py_ssize_t after = _Py_GetAllocatedBlocks();
  PyObject_Free(more);
  return block != NULL && after == before + 1;
}
/* What is empty goes back by itself. */
static inline void allocator_give_back(void) {}

#else

#include <gnu/libc-version.h>
#include <malloc.h>
#define ALLOCATOR_NAME "glibc"
static inline void *allocate(size_t bytes) { return malloc(bytes); }
static inline void *allocate_zeroed(size_t bytes) { return calloc(1, bytes); }
static inline void deallocate(void *block) { free(block); }
static inline void allocator_version(char *text, size_t bytes) {
  snprintf(text, bytes, "%s", gnu_get_libc_version());
}
static inline int allocator_owns(const void *block) {
  size_t before = mallinfo2().uordblks;
  void *volatile more = malloc(100000);
  size_t after = mallinfo2().uordblks;
  free(more);
  return block != NULL && after >= before + 100000;
}
static inline void allocator_give_back(void) { malloc_trim(0); }

#endif

/* A counted node as a C programmer writes it: 24 bytes with its count. */
struct node {
  uint64_t count;
  struct node *left, *right;
};

static inline struct node *node_new(struct node *left, struct node *right) {
  struct node *node = allocate(sizeof *node);
  node->count = 1;
  node->left = left;
  node->right = right;
  return node;
}

static inline void node_retain(struct node *node) { node->count++; }

/* Recursive, as such code is. */
void node_release(struct node *node);

void churn(void);     /* B1 */
void trees(void);     /* B2 */
void long_list(void); /* B7 */
void fragments(void); /* X5: memory.c */
void returns(void);   /* X6 */

#endif

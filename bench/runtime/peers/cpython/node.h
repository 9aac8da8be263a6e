/* An object type with two references as a C extension would define it: allocated by PyObject_GC_New
 * (obmalloc), traversed and cleared by the cycle collector, deallocated under the trashcan, so
 * that a long list is dropped on any stack.
 */
#ifndef BENCH_CPYTHON_NODE_H
#define BENCH_CPYTHON_NODE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct node {
  PyObject_HEAD PyObject *next[2];
} node;

extern PyTypeObject node_type;

/* Starts an interpreter that runs nothing of its own: no site, no signals; the collector off. */
void node_begin(void);

static inline node *node_new(void) {
  node *made = PyObject_GC_New(node, &node_type);
  made->next[0] = NULL;
  made->next[1] = NULL;
  PyObject_GC_Track(made);
  return made;
}

#endif

/* B4 and B5 through CPython's C API: PyGC_Collect over all generations. */
#include "node.h"
#include "programs.h"

typedef node graph_node;

static graph_node *graph_new(void) { return node_new(); }

static graph_node *graph_get(const graph_node *from, int which) {
  return (graph_node *)from->next[which];
}

static void graph_give(graph_node *from, int which, graph_node *target) {
  from->next[which] = (PyObject *)target;
}

static void graph_set(graph_node *from, int which, graph_node *target) {
  Py_XINCREF(target);
  Py_XSETREF(from->next[which], (PyObject *)target);
}

static void graph_drop(graph_node *dropped) { Py_DECREF(dropped); }

/* PyGC_Collect does nothing while the collector is disabled. */
static uint64_t graph_collect(void) {
  PyGC_Enable();
  Py_ssize_t found = PyGC_Collect();
  PyGC_Disable();
  return (uint64_t)found;
}

#include "graph.h"

/* What the interpreter itself has as garbage goes first. */
void cycles(void) {
  node_begin();
  (void)graph_collect();
  graph_b4();
}

void idle(void) {
  node_begin();
  (void)graph_collect();
  graph_b5();
}

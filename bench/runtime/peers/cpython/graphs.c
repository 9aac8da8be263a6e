/* B4, B5, X3 and X4 through CPython's C API: PyGC_Collect over all generations. */
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

static int is_automatic;

/* PyGC_Collect does nothing while the collector is disabled. */
static uint64_t graph_collect(void) {
  PyGC_Enable();
  Py_ssize_t found = PyGC_Collect();
  if (!is_automatic) PyGC_Disable();
  return (uint64_t)found;
}

static void graph_retain(graph_node *retained) { Py_INCREF(retained); }

static void graph_automatic(void) {
  is_automatic = 1;
  PyGC_Enable();
}

#include "graph.h"
#include "growth.h"
#include "pause.h"

/* What the interpreter itself has as garbage goes first. */
static void run(void (*benchmark)(void)) {
  node_begin();
  (void)graph_collect();
  benchmark();
}

void cycles(void) { run(graph_b4); }

void idle(void) { run(graph_b5); }

void pauses(void) { run(pause_run); }

void growth(void) { run(growth_run); }

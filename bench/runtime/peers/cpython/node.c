/* The node type of the CPython programs, see node.h. */
#include "node.h"

#include "bench.h"

static int node_traverse(PyObject *self, visitproc visit, void *arg) {
  node *me = (node *)self;
  Py_VISIT(me->next[0]);
  Py_VISIT(me->next[1]);
  return 0;
}

static int node_clear(PyObject *self) {
  node *me = (node *)self;
  Py_CLEAR(me->next[0]);
  Py_CLEAR(me->next[1]);
  return 0;
}

static void node_dealloc(PyObject *self) {
  node *me = (node *)self;
  PyObject_GC_UnTrack(self);
  Py_TRASHCAN_BEGIN(self, node_dealloc) Py_XDECREF(me->next[0]);
  Py_XDECREF(me->next[1]);
  PyObject_GC_Del(self);
  Py_TRASHCAN_END
}

PyTypeObject node_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench.node",
    .tp_basicsize = sizeof(node),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_dealloc = node_dealloc,
};

void node_begin(void) {
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  config.site_import = 0;
  PyStatus status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  bench_require(!PyStatus_Exception(status), "an interpreter");
  bench_require(PyType_Ready(&node_type) == 0, "a type");
  PyGC_Disable();
}

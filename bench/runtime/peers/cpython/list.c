/* B8: a list of ints.  Items are looked up by PyList_GetItem, which checks type and bounds; where
 * all are visited, by the macros that do not. */
#include "node.h"
#include "programs.h"

typedef PyObject *list_item;
typedef PyObject list_list;

static list_item list_item_new(int64_t value) { return PyLong_FromLong(value); }

static list_list *list_new(void) { return PyList_New(0); }

static void list_append(list_list *list, list_item item) {
  bench_require(PyList_Append(list, item) == 0, "memory for an item");
}

static list_item list_get(const list_list *list, uint64_t index) {
  return PyList_GetItem((PyObject *)list, (Py_ssize_t)index);
}

static uint64_t list_walk(const list_list *list) {
  Py_ssize_t count = PyList_GET_SIZE(list);
  for (Py_ssize_t i = 0; i < count; i++) BENCH_USE(PyList_GET_ITEM(list, i));
  return (uint64_t)count;
}

static void list_drop(list_list *list) { Py_DECREF(list); }

#include "list.h"

void lists(void) {
  node_begin();
  list_run();
}

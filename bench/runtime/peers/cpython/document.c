/* B9: json.loads, called from C with the file's text, the cycle collector on as it is for everyone.
 */
#include "document.h"

#include <stdlib.h>

#include "node.h"
#include "programs.h"

typedef PyObject document_value;

static PyObject *loads;

static document_value *document_load(const char *path) {
  size_t bytes;
  char *utf8 = document_read(path, &bytes);
  PyObject *text = PyUnicode_DecodeUTF8(utf8, (Py_ssize_t)bytes, NULL);
  free(utf8);
  PyObject *document = PyObject_CallOneArg(loads, text);
  bench_require(document != NULL, "a document of JSON");
  Py_DECREF(text);
  return document;
}

static void add_text(struct document_sum *sum, PyObject *text) {
  Py_ssize_t bytes;
  bench_require(PyUnicode_AsUTF8AndSize(text, &bytes) != NULL, "a text");
  sum->text_bytes += (uint64_t)bytes;
}

static void document_sum(struct document_sum *sum, document_value *value) {
  if (PyDict_Check(value)) {
    Py_ssize_t position = 0;
    PyObject *key, *entry;
    sum->containers++;
    while (PyDict_Next(value, &position, &key, &entry)) {
      sum->entries++;
      add_text(sum, key);
      document_sum(sum, entry);
    }
  } else if (PyList_Check(value)) {
    sum->containers++;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); i++) {
      sum->entries++;
      document_sum(sum, PyList_GET_ITEM(value, i));
    }
  } else if (PyUnicode_Check(value)) {
    add_text(sum, value);
  } else if (PyBool_Check(value)) { /* a bool is an int, too */
    sum->bools += value == Py_True ? 2 : 1;
  } else if (PyLong_Check(value)) {
    sum->ints += (uint64_t)PyLong_AsLongLong(value);
  } else if (PyFloat_Check(value)) {
    document_add_float(sum, PyFloat_AS_DOUBLE(value));
  } else {
    sum->nulls++;
  }
}

static void document_drop(document_value *document) { Py_DECREF(document); }

#include "document_run.h"

void document(void) {
  node_begin();
  PyObject *json = PyImport_ImportModule("json");
  loads = json == NULL ? NULL : PyObject_GetAttrString(json, "loads");
  bench_require(loads != NULL, "json.loads");
  PyGC_Enable();
  document_run();
}

/* B8: strs, joined by PyUnicode_Join, and grown in place by PyUnicode_Append, which can where
 * nobody else holds the text. */
#include "node.h"
#include "programs.h"

typedef PyObject text;

static PyObject *pieces;
static PyObject *nothing;

static text *text_new(const char *bytes) { return PyUnicode_FromString(bytes); }

static void text_keep(text *piece) {
  bench_require(PyList_Append(pieces, piece) == 0, "memory for a piece");
}

static text *text_join(void) { return PyUnicode_Join(nothing, pieces); }

static text *text_append(text *whole, text *piece) {
  PyUnicode_Append(&whole, piece);
  return whole;
}

static const char *text_bytes(text *whole, size_t *bytes) {
  Py_ssize_t size;
  const char *utf8 = PyUnicode_AsUTF8AndSize(whole, &size);
  *bytes = (size_t)size;
  return utf8;
}

static void text_drop(text *whole) { Py_DECREF(whole); }

#include "text.h"

void texts(void) {
  node_begin();
  pieces = PyList_New(0);
  nothing = PyUnicode_FromString("");
  text_run();
}

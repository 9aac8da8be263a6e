/* B2, B3, B6 and B7 through CPython's C API, with the node of node.h: what an extension module in
 * C pays for its objects.  The collector is off in B2 and B7, where nothing is garbage in cycles:
 * else it would go over the growing heap again and again. */
#include <stdlib.h>

#include "node.h"
#include "programs.h"

/* ---- B2 -------------------------------------------------------------------------------------- */

typedef node tree_node;
#include "trees.h"

static tree_node *tree_build(uint64_t depth) {
  node *left = NULL, *right = NULL;
  if (depth > 0) {
    left = tree_build(depth - 1);
    right = tree_build(depth - 1);
  }
  node *made = node_new();
  made->next[0] = (PyObject *)left;
  made->next[1] = (PyObject *)right;
  return made;
}

static tree_node *tree_left(const tree_node *from) { return (tree_node *)from->next[0]; }

static tree_node *tree_right(const tree_node *from) { return (tree_node *)from->next[1]; }

static void tree_drop(void) { Py_DECREF(tree_root); }

void trees(void) {
  node_begin();
  trees_run();
}

/* ---- B3 -------------------------------------------------------------------------------------- */

/* The empty statement keeps the compiler from joining the two. */
static void count_up_and_down(PyObject **objects, uint64_t object_count, uint64_t rounds) {
  for (uint64_t round = 0; round < rounds; round++) {
    for (uint64_t i = 0; i < object_count; i++) {
      PyObject *object = objects[i];
      Py_INCREF(object);
      __asm__ __volatile__("" ::: "memory");
      Py_DECREF(object);
    }
  }
}

void pairs(void) {
  uint64_t object_count = bench_number("objects", 1000), repeat = bench_number("repeat", 1);
  uint64_t rounds = bench_number("pairs", 1000000) / object_count, sum = 0;
  PyObject **objects = malloc(object_count * sizeof(*objects));
  bench_require(objects != NULL, "memory");
  node_begin();
  for (uint64_t i = 0; i < object_count; i++) objects[i] = (PyObject *)node_new();
  count_up_and_down(objects, object_count, rounds / 10 + 1);
  double start_ns = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) count_up_and_down(objects, object_count, rounds);
  double spent_ns = bench_now_ns() - start_ns;
  for (uint64_t i = 0; i < object_count; i++) sum += (uint64_t)Py_REFCNT(objects[i]);
  bench_result("ns/pair", spent_ns / (double)(rounds * object_count * repeat), sum);
}

/* ---- B6 -------------------------------------------------------------------------------------- */

/* Each node holds the one before it, and the first one. */
void footprint(void) {
  uint64_t objects = bench_number("objects", 1000000), counted = 0;
  node_begin();
  double before_bytes = bench_resident_bytes();
  node *first = node_new(), *last = first;
  for (uint64_t i = 1; i < objects; i++) {
    node *made = node_new();
    made->next[0] = (PyObject *)last;
    made->next[1] = Py_NewRef((PyObject *)first);
    last = made;
  }
  double held_bytes = bench_resident_bytes() - before_bytes;
  PyGC_Enable();
  bench_require(PyGC_Collect() == 0, "nothing is freed");
  double collected_bytes = bench_resident_bytes() - before_bytes;
  for (const node *at = last; at != NULL; at = (const node *)at->next[0]) counted++;
  bench_result("bytes/object", held_bytes / (double)objects, counted);
  bench_result("bytes/object after a collection", collected_bytes / (double)objects, counted);
}

/* ---- B7 -------------------------------------------------------------------------------------- */

void long_list(void) {
  uint64_t length = bench_number("length", 1000000), repeat = bench_number("repeat", 1);
  double spent_ns = 0;
  node_begin();
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    node *head = NULL;
    for (uint64_t i = 0; i < length; i++) {
      node *made = node_new();
      made->next[0] = (PyObject *)head;
      head = made;
    }
    double start_ns = bench_now_ns();
    Py_DECREF(head);
    if (turn > 0) spent_ns += bench_now_ns() - start_ns;
  }
  bench_result("ns/node", spent_ns / (double)(length * repeat), length);
}

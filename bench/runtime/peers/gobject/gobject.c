/* GObject: instances of a registered class that own two others, released in `dispose` as its
 * documents advise.  Counts are atomic; an instance brings a class pointer, the count and the list
 * of its qdata. */
#include <glib-object.h>
#include <stdio.h>

#include "bench.h"

typedef struct BenchNode BenchNode;
struct BenchNode {
  GObject base;
  BenchNode *left, *right;
};
typedef struct {
  GObjectClass base;
} BenchNodeClass;

GType bench_node_get_type(void);
G_DEFINE_TYPE(BenchNode, bench_node, G_TYPE_OBJECT)

static void bench_node_init(BenchNode *node) { (void)node; }

static void bench_node_dispose(GObject *object) {
  BenchNode *node = (BenchNode *)object;
  g_clear_object(&node->left);
  g_clear_object(&node->right);
  G_OBJECT_CLASS(bench_node_parent_class)->dispose(object);
}

static void bench_node_class_init(BenchNodeClass *class) {
  G_OBJECT_CLASS(class)->dispose = bench_node_dispose;
}

const char bench_peer[] = "gobject";

const char *bench_peer_version(void) {
  static char version[32];
  snprintf(version, sizeof version, "%u.%u.%u", glib_major_version, glib_minor_version,
           glib_micro_version);
  return version;
}

static BenchNode *node_new(BenchNode *left, BenchNode *right) {
  BenchNode *node = g_object_new(bench_node_get_type(), NULL);
  node->left = left;
  node->right = right;
  return node;
}

typedef BenchNode tree_node;
#include "trees.h"

static tree_node *tree_build(uint64_t depth) {
  if (depth == 0) return node_new(NULL, NULL);
  BenchNode *left = tree_build(depth - 1);
  BenchNode *right = tree_build(depth - 1);
  return node_new(left, right);
}

static tree_node *tree_left(const tree_node *node) { return node->left; }

static tree_node *tree_right(const tree_node *node) { return node->right; }

static void tree_drop(void) { g_object_unref(tree_root); }

static void work(BenchNode **objects, uint64_t objects_count, uint64_t rounds) {
  for (uint64_t round = 0; round < rounds; round++) {
    for (uint64_t i = 0; i < objects_count; i++) {
      g_object_ref(objects[i]);
      g_object_unref(objects[i]);
    }
  }
}

static void pairs(void) {
  uint64_t objects_count = bench_number("objects", 1000), repeat = bench_number("repeat", 1);
  uint64_t rounds = bench_number("pairs", 1000000) / objects_count;
  BenchNode **objects = g_new(BenchNode *, objects_count);
  for (uint64_t i = 0; i < objects_count; i++) objects[i] = node_new(NULL, NULL);
  work(objects, objects_count, rounds / 10 + 1);
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) work(objects, objects_count, rounds);
  double spent = bench_now_ns() - start;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < objects_count; i++) {
    sum += objects[i]->base.ref_count;
    g_object_unref(objects[i]);
  }
  g_free(objects);
  bench_result("ns/pair", spent / (double)(rounds * objects_count * repeat), sum);
}

static void long_list(void) {
  uint64_t length = bench_number("length", 1000000), repeat = bench_number("repeat", 1);
  double spent = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    BenchNode *head = NULL;
    for (uint64_t i = 0; i < length; i++) head = node_new(head, NULL);
    double start = bench_now_ns();
    g_object_unref(head);
    if (turn > 0) spent += bench_now_ns() - start;
  }
  bench_result("ns/node", spent / (double)(length * repeat), length);
}

const struct bench_entry bench_table[] = {
    {"B2", trees_run}, {"B3", pairs}, {"B7", long_list}, {NULL, NULL}};

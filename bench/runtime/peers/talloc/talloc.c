/* talloc: no counts; each chunk has a parent, and goes with it.  Trees and lists are built from the
 * root on, since a chunk is made under its parent, and dropped by freeing the root. */
#include <stdio.h>
#include <talloc.h>

#include "bench.h"

struct item {
  uint64_t payload;
};

struct node {
  struct node *left, *right;
};

const char bench_peer[] = "talloc";

const char *bench_peer_version(void) {
  static char version[32];
  snprintf(version, sizeof version, "%d.%d", talloc_version_major(), talloc_version_minor());
  return version;
}

/* 8 bytes of what the others call the size are their header; talloc brings its own. */
static struct item *make(void *context, uint32_t bytes, uint64_t payload) {
  struct item *item = talloc_named_const(context, bytes - 8, "item");
  item->payload = payload;
  return item;
}

static uint64_t replace(void *context, struct item **table,
                        const struct bench_operation *operations, uint64_t count) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    struct item **place = &table[operations[i].place];
    sum += (*place)->payload;
    talloc_free(*place);
    *place = make(context, operations[i].size, i + 1);
  }
  return sum;
}

static void churn(void) {
  uint64_t live = bench_number("live", 1000), repeat = bench_number("repeat", 1);
  uint64_t count = bench_number("operations", 1000000);
  struct bench_operation *operations = bench_operations(live, count);
  void *context = talloc_new(NULL);
  struct item **table = talloc_array(NULL, struct item *, live);
  for (uint64_t i = 0; i < live; i++) table[i] = make(context, operations[i % count].size, 0);
  replace(context, table, operations, count);
  double start = bench_now_ns();
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < repeat; turn++) sum = replace(context, table, operations, count);
  double spent = bench_now_ns() - start;
  talloc_free(context);
  talloc_free(table);
  bench_result("ns/operation", spent / (double)(count * repeat), sum);
}

typedef struct node tree_node;
#include "trees.h"

static struct node *build(struct node *parent, uint64_t depth) {
  struct node *node = (struct node *)talloc_named_const(parent, sizeof *node, "node");
  node->left = depth > 0 ? build(node, depth - 1) : NULL;
  node->right = depth > 0 ? build(node, depth - 1) : NULL;
  return node;
}

static tree_node *tree_build(uint64_t depth) { return build(NULL, depth); }

static tree_node *tree_left(const tree_node *node) { return node->left; }

static tree_node *tree_right(const tree_node *node) { return node->right; }

static void tree_drop(void) { talloc_free(tree_root); }

static void long_list(void) {
  uint64_t length = bench_number("length", 1000000), repeat = bench_number("repeat", 1);
  double spent = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    struct node *head = talloc_zero(NULL, struct node), *last = head;
    for (uint64_t i = 1; i < length; i++) {
      last->left = talloc_zero(last, struct node);
      last = last->left;
    }
    double start = bench_now_ns();
    talloc_free(head);
    if (turn > 0) spent += bench_now_ns() - start;
  }
  bench_result("ns/node", spent / (double)(length * repeat), length);
}

const struct bench_entry bench_table[] = {
    {"B1", churn}, {"B2", trees_run}, {"B7", long_list}, {NULL, NULL}};

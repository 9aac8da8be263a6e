/* The Boehm collector: no counts.  What the others free by a release goes when it collects.
 *
 * B2: building collects as it goes; the drop is a collection after the last reference is forgotten.
 * B6: bytes of an object of two pointers.  Roots are the stack and static data, as usual. */
#include <stdio.h>

#include "peer.h"

#ifdef TUNED
const char bench_peer[] = "boehm-tuned";
#else
const char bench_peer[] = "boehm";
#endif

const char *bench_peer_version(void) {
  static char version[32];
  unsigned packed = GC_get_version();
  snprintf(version, sizeof version, "%u.%u.%u", packed >> 16, (packed >> 8) & 0xff, packed & 0xff);
  return version;
}

static struct node *node_new(struct node *left, struct node *right) {
  struct node *node = GC_NEW(struct node);
  node->left = left;
  node->right = right;
  return node;
}

typedef struct node tree_node;
#include "trees.h"

static tree_node *tree_build(uint64_t depth) {
  if (depth == 0) return node_new(NULL, NULL);
  struct node *left = tree_build(depth - 1);
  struct node *right = tree_build(depth - 1);
  return node_new(left, right);
}

static tree_node *tree_left(const tree_node *node) { return node->left; }

static tree_node *tree_right(const tree_node *node) { return node->right; }

static void tree_drop(void) {
  tree_root = NULL;
  GC_gcollect();
}

void trees(void) {
  peer_begin();
  trees_run();
}

static struct node *volatile root; /* the one reference from outside */

void space(void) {
  peer_begin();
  uint64_t objects = bench_number("objects", 1000000);
  double before = bench_resident_bytes();
  struct node *first = node_new(NULL, NULL), *last = first;
  for (uint64_t i = 1; i < objects; i++) last = node_new(last, first);
  root = last;
  double held = bench_resident_bytes() - before;
  GC_gcollect();
  double collected = bench_resident_bytes() - before;
  uint64_t alive = 0;
  for (const struct node *node = root; node != NULL; node = node->left) alive++;
  bench_result("bytes/object", held / (double)objects, alive);
  bench_result("bytes/object after a collection", collected / (double)objects, alive);
}

const struct bench_entry bench_table[] = {{"B2", trees}, {"B5", live}, {"B6", space}, {NULL, NULL}};

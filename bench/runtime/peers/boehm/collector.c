/* The Boehm collector: no counts.  What the others free by a release goes when it collects.
 *
 * B2: building collects as it goes; the drop is a collection after the last reference is forgotten.
 * B5: one collection of a live heap.  B6: bytes of an object of two pointers, one in each heap.
 * Roots are the stack and static data, as usual; the pointers of objects are found by the collector
 * (it is told which objects have none: here all have some). */
#include <gc.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

/* No header: two words. */
struct node {
  struct node *left, *right;
};

const char bench_peer[] = "boehm";

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

static struct node *build(uint64_t depth) {
  if (depth == 0) return node_new(NULL, NULL);
  struct node *left = build(depth - 1);
  struct node *right = build(depth - 1);
  return node_new(left, right);
}

static uint64_t count(const struct node *node) {
  return node == NULL ? 0 : 1 + count(node->left) + count(node->right);
}

static struct node *volatile root; /* the one reference from outside */

static void trees(void) {
  GC_INIT();
  uint64_t depth = bench_number("depth", 16), repeat = bench_number("repeat", 1);
  double building = 0, dropping = 0;
  uint64_t nodes = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double start = bench_now_ns();
    root = build(depth);
    double built = bench_now_ns();
    nodes = count(root);
    double drop = bench_now_ns();
    root = NULL;
    GC_gcollect();
    double end = bench_now_ns();
    if (turn == 0) continue;
    building += built - start;
    dropping += end - drop;
  }
  double all = (double)(nodes * repeat);
  bench_result("ns/node", (building + dropping) / all, nodes);
  bench_result("ns/node build", building / all, nodes);
  bench_result("ns/node drop", dropping / all, nodes);
}

static struct node *make_ring(uint64_t objects, int shuffled) {
  struct node **ring = GC_MALLOC_UNCOLLECTABLE(objects * sizeof *ring);
  bench_require(ring != NULL, "memory");
  for (uint64_t i = 0; i < objects; i++) ring[i] = GC_NEW(struct node);
  uint64_t state = BENCH_SEED;
  for (uint64_t i = objects - 1; shuffled && i > 0; i--) {
    uint64_t other = bench_random(&state) % (i + 1);
    struct node *node = ring[i];
    ring[i] = ring[other];
    ring[other] = node;
  }
  for (uint64_t i = 0; i < objects; i++) {
    ring[i]->left = ring[(i + 1) % objects];
    ring[i]->right = ring[bench_random(&state) % objects];
  }
  struct node *first = ring[0];
  GC_FREE(ring);
  return first;
}

static uint64_t ring_length(const struct node *first) {
  uint64_t length = 1;
  for (const struct node *node = first->left; node != first; node = node->left) length++;
  return length;
}

static void live(void) {
  GC_INIT();
  const char *shape = bench_text("shape", "tree");
  uint64_t levels = bench_number("levels", 16), objects = bench_number("objects", 1000);
  uint64_t repeat = bench_number("repeat", 1);
  int tree = strcmp(shape, "tree") == 0;
  if (tree) {
    objects = (1ull << levels) - 1;
    root = build(levels - 1);
  } else {
    root = make_ring(objects, strcmp(shape, "shuffled") == 0);
  }
  GC_gcollect();
  double start = bench_now_ns();
  for (uint64_t turn = 0; turn < repeat; turn++) GC_gcollect();
  double spent = bench_now_ns() - start;
  uint64_t alive = tree ? count(root) : ring_length(root);
  bench_require(alive == objects, "all are alive");
  bench_result("ns/live object", spent / (double)(objects * repeat), alive);
}

static void space(void) {
  GC_INIT();
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

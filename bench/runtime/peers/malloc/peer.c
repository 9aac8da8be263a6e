/* Counted objects over an allocator: the table of benchmarks, and the node. */
#include "allocator.h"

const char bench_peer[] = ALLOCATOR_NAME;

const char *bench_peer_version(void) {
  static char version[32];
  if (version[0] == '\0') {
    void *block = allocate(64);
    bench_require(allocator_owns(block), "the memory is of " ALLOCATOR_NAME);
    deallocate(block);
    allocator_version(version, sizeof version);
  }
  return version;
}

const struct bench_entry bench_table[] = {{"B1", churn},     {"B2", trees},   {"B7", long_list},
                                          {"X5", fragments}, {"X6", returns}, {NULL, NULL}};

void node_release(struct node *node) {
  if (node == NULL || --node->count > 0) return;
  node_release(node->left);
  node_release(node->right);
  deallocate(node);
}

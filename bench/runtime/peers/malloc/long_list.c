/* B7: a long list, dropped first by a loop that knows that it is a list, then as any object is:
 * by the release of its head.  On the default stack that ends in a crash. */
#include "allocator.h"

static struct node *build(uint64_t length) {
  struct node *head = NULL;
  for (uint64_t i = 0; i < length; i++) head = node_new(head, NULL);
  return head;
}

static void drop_list(struct node *node) {
  while (node != NULL && --node->count == 0) {
    struct node *next = node->left;
    deallocate(node);
    node = next;
  }
}

static double measure(void (*drop)(struct node *), uint64_t length, uint64_t repeat) {
  double spent = 0;
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    struct node *head = build(length);
    double start = bench_now_ns();
    drop(head);
    if (turn > 0) spent += bench_now_ns() - start;
  }
  return spent / (double)(length * repeat);
}

void long_list(void) {
  uint64_t length = bench_number("length", 1000000), repeat = bench_number("repeat", 1);
  bench_result("ns/node, a loop of its own", measure(drop_list, length, repeat), length);
  bench_result("ns/node", measure(node_release, length, repeat), length);
}

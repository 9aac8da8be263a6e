/* A heap to measure: N native objects of 48 bytes with two references each.
 *
 *   heap N ordered|shuffled|leaky   then it dumps core (abort)
 *   heap N ordered|shuffled|leaky wait   then it says "ready" and waits for its input to end
 *
 * ordered:  object i holds objects i + 1 and i + 2, which are its neighbours in memory.
 * shuffled: `next` leads through all objects in a random order, `other` to any object.
 * Either way the one root, `first`, reaches all of them.
 * leaky:    so for the first half only.  Of the others, in memory between them, four of eight hold
 *           each other two by two, two hold the next one and are held by nothing, and two are held
 *           by those: garbage in many small parts, cycles and lost objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cairn/heap.h"

struct node {
  cairn_object base;
  cairn_object *next, *other;
  uint64_t number;
  double weight;
  uint64_t spare;
};

cairn_object *first; /* the only root */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_below(uint64_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % limit;
}

static cairn_type define(cairn_heap *heap) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, next),
                                          CAIRN_STRONG(struct node, other)};
  static const cairn_field_spec fields[] = {CAIRN_FIELD(struct node, number, UINT),
                                            CAIRN_FIELD(struct node, weight, FLOAT)};
  const cairn_type_spec spec = {.name = "node",
                                .size_bytes = sizeof(struct node),
                                .slots = slots,
                                .slot_count = 2,
                                .fields = fields,
                                .field_count = 2};
  return cairn_type_define(heap, &spec);
}

static bool make(cairn_heap *heap, struct node **nodes, uint64_t count) {
  cairn_type type = define(heap);
  for (uint64_t i = 0; i < count; i++) {
    nodes[i] = (struct node *)cairn_object_new(heap, type);
    if (nodes[i] == NULL) return false;
    nodes[i]->number = i;
    nodes[i]->weight = (double)i / 2;
  }
  return true;
}

static void shuffle(struct node **nodes, uint64_t count) {
  for (uint64_t i = count; i > 1; i--) {
    uint64_t other = random_below(i);
    struct node *node = nodes[i - 1];
    nodes[i - 1] = nodes[other];
    nodes[other] = node;
  }
}

static void link(struct node **nodes, uint64_t count, bool shuffled) {
  for (uint64_t i = 0; i < count; i++) {
    uint64_t other = shuffled ? random_below(count) : (i + 2) % count;
    cairn_assign(&nodes[i]->next, &nodes[(i + 1) % count]->base);
    cairn_assign(&nodes[i]->other, &nodes[other]->base);
  }
}

/* Objects [from, count), which nothing that lives leads to; those that are lost keep a count. */
static void leak(struct node **nodes, uint64_t from, uint64_t count) {
  for (uint64_t i = from; i + 8 <= count; i += 8) {
    for (uint64_t k = i; k < i + 4; k += 2) {
      cairn_assign(&nodes[k]->next, &nodes[k + 1]->base);
      cairn_assign(&nodes[k + 1]->next, &nodes[k]->base);
    }
    for (uint64_t k = i + 4; k < i + 8; k += 2) {
      cairn_retain(&nodes[k]->base);
      cairn_assign(&nodes[k]->next, &nodes[k + 1]->base);
    }
  }
}

int main(int argc, char **argv) {
  uint64_t count = argc >= 3 ? strtoull(argv[1], NULL, 10) : 0;
  if (count == 0) {
    fprintf(stderr, "usage: %s N ordered|shuffled|leaky [wait]\n", argv[0]);
    return 2;
  }
  cairn_heap_options options = {.name = "bench", .manual_collection = true};
  cairn_heap *heap = cairn_heap_new(&options);
  struct node **nodes = malloc(count * sizeof *nodes);
  if (heap == NULL || nodes == NULL || !make(heap, nodes, count)) {
    fprintf(stderr, "%s: out of memory\n", argv[0]);
    free(nodes);
    return 1;
  }
  bool leaky = strcmp(argv[2], "leaky") == 0, shuffled = leaky || strcmp(argv[2], "shuffled") == 0;
  uint64_t live = leaky ? (count + 1) / 2 : count;
  if (shuffled) shuffle(nodes, count);
  link(nodes, live, shuffled);
  if (leaky) leak(nodes, live, count);
  first = cairn_retain(&nodes[0]->base);
  for (uint64_t i = 0; i < count; i++) cairn_release(&nodes[i]->base);
  free(nodes);
  if (argc < 4) abort();
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) continue;
  return 0;
}

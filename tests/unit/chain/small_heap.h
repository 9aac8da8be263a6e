/* Small random heaps of native objects of two types, whose references the test knows; and a lens
 * over them with the roots that the test chose.
 */
#ifndef TESTS_SMALL_HEAP_H
#define TESTS_SMALL_HEAP_H

#include "../../random.h"
#include "cairn/cairn.h"
#include "self.h"

enum { NODES_MAX = 14, ITEMS = 3, SLOTS = 3 };

extern const char cairn_contract_root[];

struct node {
  cairn_object base;
  cairn_object *left, *right;
  cairn_object **items;
  uint32_t count;
  uint32_t number;
};

static uint64_t seed = 4711;
static cairn_heap *heap;
static struct node *nodes[NODES_MAX];
static uint32_t types[NODES_MAX]; /* 0 or 1 */
static uint32_t node_count;
static bool held[NODES_MAX]; /* by the program, in the end */
static bool freed[NODES_MAX];
static lens *self;
static uint32_t rows[NODES_MAX]; /* snapshot index of each node */

/* Of a group of tests: one lens. */
static inline int lens_begin(void **state) {
  (void)state;
  self = self_lens_new();
  return 0;
}

static inline int lens_end(void **state) {
  (void)state;
  lens_free(self);
  return 0;
}

/* ---- heaps ---- */

static inline void note_freed(cairn_object *object) {
  freed[((struct node *)object)->number] = true;
}

static inline cairn_type define(const char *name) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, left),
                                          CAIRN_STRONG_ARRAY(struct node, items, count),
                                          CAIRN_STRONG(struct node, right)};
  const cairn_type_spec spec = {.name = name,
                                .size_bytes = sizeof(struct node),
                                .slots = slots,
                                .slot_count = SLOTS,
                                .finalize = note_freed};
  return cairn_type_define(heap, &spec);
}

/* Slot 0 is `left`, 1 `items`, 2 `right`; the reference at `at` of it, or NULL where there is none.
 */
static inline cairn_object **place(struct node *node, uint32_t slot, uint32_t at) {
  if (slot == 1) return at < ITEMS ? &node->items[at] : NULL;
  if (at != 0) return NULL;
  return slot == 0 ? &node->left : &node->right;
}

static inline uint32_t number_of(const cairn_object *object) {
  return ((const struct node *)object)->number;
}

static inline void make_heap(void) {
  cairn_heap_options options = {.name = "cycles", .manual_collection = true};
  heap = cairn_heap_new(&options);
  assert_non_null(heap);
  const cairn_type both[] = {define("one"), define("two")};
  node_count = (uint32_t)random_below(&seed, NODES_MAX) + 1;
  for (uint32_t i = 0; i < node_count; i++) {
    types[i] = (uint32_t)random_below(&seed, 2);
    nodes[i] = (struct node *)cairn_object_new(heap, both[types[i]]);
    nodes[i]->items = cairn_buffer_new(heap, ITEMS * sizeof(cairn_object *));
    memset(nodes[i]->items, 0, ITEMS * sizeof(cairn_object *));
    nodes[i]->count = ITEMS;
    nodes[i]->number = i;
    freed[i] = false;
    held[i] = random_below(&seed, 4) == 0;
  }
  uint64_t sparse = random_below(&seed, 5) + 2;
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        if (random_below(&seed, sparse) == 0)
          cairn_assign(place(nodes[i], slot, at), &nodes[random_below(&seed, node_count)]->base);
      }
    }
  }
}

/* Calls with each reference between nodes. */
static inline void each_edge(void (*visit)(uint32_t holder, uint32_t slot, uint32_t target,
                                           void *context),
                             void *context) {
  for (uint32_t i = 0; i < node_count; i++) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      for (uint32_t at = 0; place(nodes[i], slot, at) != NULL; at++) {
        const cairn_object *target = *place(nodes[i], slot, at);
        if (target != NULL) visit(i, slot, number_of(target), context);
      }
    }
  }
}

/* A lens that sees the heap, with the nodes that are held as roots. */
static inline void look(void) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < node_count; i++) {
    assert_int_equal(lens_snapshot_find(self, address_of(nodes[i]), &rows[i]), LENS_OK);
    lens_root root = {.slot_address = address_of(&nodes[i]),
                      .value = address_of(nodes[i]),
                      .kind = LENS_ROOT_STATIC};
    if (held[i]) assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
}

static inline uint32_t node_of(uint32_t row) {
  for (uint32_t i = 0; i < node_count; i++) {
    if (rows[i] == row) return i;
  }
  return LENS_NONE;
}

#endif

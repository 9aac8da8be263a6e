/* What the tests of deaths and collections build their heaps from: nodes with two owned slots, a
 * weak and a borrowed one, and a finalizer that each test chooses.
 *
 * Included once a test program; its variables are that program's own.
 */
#ifndef NODES_H
#define NODES_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "cairn/cairn.h"
#include "side.h"

struct node {
  cairn_object base;
  cairn_object *left, *right; /* owned */
  cairn_object *weak;
  cairn_object *borrowed;
  int64_t id;
};

struct nodes {
  cairn_heap *heap;
  cairn_type plain;                  /* struct node */
  cairn_type watched;                /* struct node, whose finalizer is nodes_finalizer */
  uint64_t own_objects, own_buffers; /* what the heap itself has */
};

/* What the finalizer of a watched node does; each test sets it. */
static void (*nodes_finalizer)(struct node *node);

/* The ids of finalized nodes, in order: what nodes_log_finalizer does. */
static int64_t nodes_log[64];
static size_t nodes_log_count;

static inline void nodes_log_finalizer(struct node *node) {
  assert_in_range(nodes_log_count, 0, 63);
  nodes_log[nodes_log_count++] = node->id;
}

static inline void nodes_finalize(cairn_object *object) {
  nodes_finalizer((struct node *)(void *)object);
}

static inline cairn_type nodes_define(cairn_heap *heap, const char *name,
                                      void (*finalize)(cairn_object *)) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, left),
                                   CAIRN_STRONG(struct node, right), CAIRN_WEAK(struct node, weak),
                                   CAIRN_BORROWED(struct node, borrowed)};
  const cairn_field_spec fields[] = {CAIRN_FIELD(struct node, id, SINT)};
  const cairn_type_spec spec = {.name = name,
                                .size_bytes = sizeof(struct node),
                                .slots = slots,
                                .slot_count = 4,
                                .fields = fields,
                                .field_count = 1,
                                .finalize = finalize};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_int_not_equal(type, 0);
  return type;
}

/* A heap that collects only when told to. */
static inline int nodes_setup(void **state) {
  struct nodes *nodes = calloc(1, sizeof *nodes);
  nodes->heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  assert_non_null(nodes->heap);
  nodes->plain = nodes_define(nodes->heap, "node", NULL);
  nodes->watched = nodes_define(nodes->heap, "watched", nodes_finalize);
  nodes->own_objects = cairn_counts_of(nodes->heap).object_count;
  nodes->own_buffers = nodes->heap->buffer_count;
  nodes_finalizer = nodes_log_finalizer;
  nodes_log_count = 0;
  *state = nodes;
  return 0;
}

/* Each test leaves nothing behind. */
static inline int nodes_teardown(void **state) {
  struct nodes *nodes = *state;
  assert_ptr_equal(cairn_heap_validate(nodes->heap), NULL);
  assert_true(cairn_heap_destroy(nodes->heap, NULL));
  free(nodes);
  return 0;
}

static inline struct node *node_new(const struct nodes *nodes, cairn_type type, int64_t id) {
  struct node *node = (struct node *)(void *)cairn_object_new(nodes->heap, type);
  assert_non_null(node);
  node->id = id;
  return node;
}

/* Puts the reference that the caller owns into a slot that is empty. */
static inline void give(cairn_object **slot, struct node *node) {
  assert_null(*slot);
  *slot = &node->base;
}

static inline struct node *as_node(cairn_object *object) { return (struct node *)(void *)object; }

/* What is on the heap beyond its own. */
static inline uint64_t objects_of(const struct nodes *nodes) {
  return cairn_counts_of(nodes->heap).object_count - nodes->own_objects;
}
static inline uint64_t buffers_of(const struct nodes *nodes) {
  return nodes->heap->buffer_count - nodes->own_buffers;
}

static inline bool has_state(const void *object, uint64_t state) {
  return (((const cairn_object *)object)->header & state) != 0;
}

#define assert_valid(nodes) assert_ptr_equal(cairn_heap_validate((nodes)->heap), NULL)

/* The naive truth: how many nodes are reached from those that are marked in `is_reached`; marks
 * them.  A node's id is its place in `graph`; `waiting` has room for all. */
static inline uint64_t nodes_reach(struct node *const *graph, uint32_t count, bool *is_reached,
                                   uint32_t *waiting) {
  uint64_t reached = 0;
  size_t waiting_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (is_reached[i]) waiting[waiting_count++] = i;
  }
  for (; waiting_count > 0; reached++) {
    const struct node *node = graph[waiting[--waiting_count]];
    const cairn_object *const held[] = {node->left, node->right};
    for (size_t i = 0; i < 2; i++) {
      if (held[i] == NULL) continue;
      uint32_t index = (uint32_t)((const struct node *)(const void *)held[i])->id;
      if (is_reached[index]) continue;
      is_reached[index] = true;
      waiting[waiting_count++] = index;
    }
  }
  return reached;
}

#endif

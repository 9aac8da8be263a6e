/* The heap that tests/slices/same.c asks about: a ring through all nodes, garbage, what is lost. */
#ifndef CAIRN_TESTS_SAME_HEAP_H
#define CAIRN_TESTS_SAME_HEAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../random.h"
#include "cairn/cairn.h"

/* TYPES: more than what types retain is worked out for at a time. */
enum {
  NODES = 40000,
  PAIRS = 20000,
  LOST = 20000,
  ALONE = 2000,
  TYPES = 66,
  BUSY = 400,
  EVENTS = 1 << 14
};

struct node {
  cairn_object base;
  cairn_object *next, *other, *hub;
};

static cairn_heap *heap;
static struct node *nodes[NODES], *alone[ALONE];
static cairn_object *hub;
static uint64_t drawn = 1234567;

static struct node *node_new(cairn_type type) {
  struct node *node = (struct node *)cairn_object_new(heap, type);
  assert_non_null(node);
  return node;
}

static void define(cairn_type *types) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct node, next),
                                          CAIRN_STRONG(struct node, other),
                                          CAIRN_STRONG(struct node, hub)};
  for (int i = 0; i < TYPES; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "node %d", i);
    const cairn_type_spec spec = {
        .name = name, .size_bytes = sizeof(struct node), .slots = slots, .slot_count = 3};
    types[i] = cairn_type_define(heap, &spec);
    assert_int_not_equal(types[i], 0);
  }
}

/* A text of its own, which the next one shares. */
static void give_text(struct node *node, uint64_t number) {
  cairn_object *text = cairn_str_format(heap, "text %d", (int)number);
  assert_non_null(text);
  cairn_assign(&node->hub, text);
  cairn_release(text);
}

/* A ring that goes through all nodes in any order, and from each to another one; pairs of garbage,
 * and objects that are lost, some with what hangs on two of them. */
static void make_heap(void) {
  cairn_type types[TYPES];
  heap = cairn_heap_new(&(cairn_heap_options){.name = "same", .manual_collection = true});
  assert_non_null(heap);
  define(types);
  hub = cairn_str_new(heap, "hub", 3);
  for (uint64_t i = 0; i < NODES; i++) {
    nodes[i] = node_new(types[random_below(&drawn, TYPES)]);
    uint64_t k = random_below(&drawn, i + 1);
    struct node *node = nodes[k];
    nodes[k] = nodes[i];
    nodes[i] = node;
  }
  for (uint64_t i = 0; i < NODES; i++) {
    cairn_assign(&nodes[i]->next, &nodes[(i + 1) % NODES]->base);
    cairn_assign(&nodes[i]->other, &nodes[random_below(&drawn, NODES)]->base);
    if (i % 2 == 0) cairn_assign(&nodes[i]->hub, hub);
  }
  for (uint64_t i = 0; i < PAIRS; i++) {
    struct node *one = node_new(types[i % TYPES]), *two = node_new(types[i % 3]);
    cairn_assign(&one->next, &two->base);
    cairn_assign(&two->next, &one->base);
    cairn_release(&one->base);
    cairn_release(&two->base);
  }
  for (uint64_t i = 0; i < ALONE; i++) {
    alone[i] = node_new(types[i % TYPES]);
    give_text(alone[i], i);
  }
  struct node *last = NULL;
  for (uint64_t i = 0; i < LOST; i++) {
    struct node *node = node_new(types[i % TYPES]);
    if (last != NULL && i % 3 == 1) cairn_assign(&node->hub, last->hub);
    if (i % 3 == 0) give_text(node, i);
    last = node;
  }
}

/* Some nodes are taken and given back in many places of the ring, and not always given back. */
static void be_busy(void) {
  const cairn_track_options options = {.events = EVENTS};
  assert_true(cairn_track_start(heap, &options));
  for (uint64_t i = 0; i < EVENTS; i++) {
    cairn_object *object = &nodes[random_below(&drawn, BUSY)]->base;
    (void)cairn_retain(object);
    if (i % 2 == 0) (void)cairn_retain(object);
    if (random_below(&drawn, 50) != 0) cairn_release(object);
    if (i % 2 == 0) cairn_release(object);
  }
}

#endif

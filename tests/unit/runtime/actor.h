/* Actors: objects whose finalizer does what the test tells it to. */
#ifndef ACTOR_H
#define ACTOR_H

#include "builtin_test.h"

/* An object with two owned slots, a weak one, and a finalizer that the test chooses. */
struct actor {
  cairn_object base;
  cairn_object *left, *right;
  cairn_object *weak;
  void (*act)(struct actor *self);
};

static cairn_type actor_type;
static size_t act_count;
static cairn_object *saved; /* a global of the program */

static inline void actor_finalize(cairn_object *object) {
  struct actor *self = (struct actor *)(void *)object;
  act_count++;
  if (self->act != NULL) self->act(self);
}

static inline cairn_type actor_define(cairn_heap *heap, const char *name) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct actor, left),
                                   CAIRN_STRONG(struct actor, right),
                                   CAIRN_WEAK(struct actor, weak)};
  return cairn_type_define(heap, &(cairn_type_spec){.name = name,
                                                    .size_bytes = sizeof(struct actor),
                                                    .slots = slots,
                                                    .slot_count = 3,
                                                    .finalize = actor_finalize});
}

static inline int actor_setup(void **state) {
  act_count = 0;
  saved = NULL;
  heap_setup(state);
  actor_type = actor_define(*state, "actor");
  return actor_type == 0;
}

static inline struct actor *actor_new(cairn_heap *heap, void (*act)(struct actor *self)) {
  struct actor *actor = (struct actor *)(void *)cairn_object_new(heap, actor_type);
  assert_non_null(actor);
  actor->act = act;
  return actor;
}

static inline struct actor *actor_of(cairn_object *object) {
  return (struct actor *)(void *)object;
}

static inline cairn_heap *heap_of(const struct actor *actor) {
  return cairn_object_heap(&actor->base);
}

static inline uint64_t objects_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.object_count;
}

/* Has an actor die alone, then one in a cycle with a second actor.  Whatever the finalizer left to
 * be collected is collected too. */
static inline void both_deaths(cairn_heap *heap, void (*act)(struct actor *self)) {
  cairn_release(&actor_new(heap, act)->base);
  assert_whole(heap);
  cairn_clear(&saved);
  struct actor *one = actor_new(heap, act);
  struct actor *other = actor_new(heap, act);
  one->left = &other->base;
  other->left = cairn_retain(&one->base);
  other->right = cairn_list_new(heap, 3);
  cairn_release(&one->base);
  (void)cairn_collect(heap);
  assert_whole(heap);
  cairn_clear(&saved);
  (void)cairn_collect(heap);
  assert_whole(heap);
}

/* A test with a heap that has actors. */
#define WITH_ACTORS(name) cmocka_unit_test_setup_teardown(name, actor_setup, heap_teardown)

#endif

/* What other reference-counted heaps fell over: finalizers, weak references, resurrection and
 * re-entrancy.  Each test is one such story, told to an object that dies alone and to one that a
 * collection frees; the heap is whole after each. */
#include "actor.h"

enum { MEGABYTE = 1 << 20 };

/* ---- what a finalizer may do ----------------------------------------------------------------- */

static void resurrect(struct actor *self) { cairn_assign(&saved, &self->base); }

static void finalizer_resurrects(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, resurrect);
  assert_int_equal(objects_of(heap), before);
  assert_int_equal(act_count, 3); /* once each, though all came back */
}

static void allocate(struct actor *self) {
  cairn_heap *heap = heap_of(self);
  for (int64_t i = 0; i < 5000; i++) {
    cairn_object *list = cairn_list_new(heap, (size_t)i % 50);
    assert_non_null(list);
    assert_true(cairn_list_append(list, list)); /* garbage, for a collection to find */
    cairn_release(list);
  }
}

static void finalizer_allocates(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, allocate);
  assert_int_equal(objects_of(heap), before);
}

/* Gives up its own slots, and collects, between and after. */
static void release_and_collect(struct actor *self) {
  cairn_clear(&self->left);
  assert_int_equal(cairn_collect(heap_of(self)), 0);
  cairn_clear(&self->right);
  assert_int_equal(cairn_collect_candidates(heap_of(self)), 0);
}

static void finalizer_releases_and_collects(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, release_and_collect);
  assert_int_equal(objects_of(heap), before);
  assert_int_equal(act_count, 3);
}

/* A new type with a finalizer, and an object of it that dies in here. */
static void define(struct actor *self) {
  char name[32];
  (void)snprintf(name, sizeof name, "made by %zu", act_count);
  cairn_type type = actor_define(heap_of(self), name);
  assert_int_not_equal(type, 0);
  cairn_object *object = cairn_object_new(heap_of(self), type);
  assert_non_null(object);
  cairn_release(object);
}

static void finalizer_registers_a_finalizer(void **state) {
  cairn_heap *heap = *state;
  both_deaths(heap, define);
  assert_int_equal(act_count, 6);
  assert_int_not_equal(cairn_type_find(heap, "made by 1"), 0);
}

/* Makes new actors, which make new ones in their turn, for a while. */
static void breed(struct actor *self) {
  if (act_count > 1000) return;
  struct actor *child = actor_new(heap_of(self), breed);
  child->left = cairn_retain(&child->base);
  cairn_release(&child->base);
  cairn_release(&actor_new(heap_of(self), breed)->base);
}

static void finalizers_breed_finalizers(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, breed);
  for (int i = 0; i < 1200 && cairn_collect(heap) != 0; i++) {
  }
  assert_int_equal(objects_of(heap), before);
}

static void break_own_cycle(struct actor *self) {
  cairn_object *other = self->left;
  if (other != NULL) cairn_clear(&actor_of(other)->left); /* what holds this one */
  cairn_clear(&self->left);
}

static void finalizer_throws_its_own_cycle_away(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, break_own_cycle);
  assert_int_equal(objects_of(heap), before);
  assert_int_equal(act_count, 3);
}

static struct actor *watcher;

static void watch_itself(struct actor *self) {
  assert_true(cairn_weak_set(&watcher->base, &watcher->weak, &self->base));
  assert_true(cairn_weak_set(&self->base, &self->weak, &self->base));
}

static void finalizer_sets_weak_references_to_itself(void **state) {
  cairn_heap *heap = *state;
  watcher = actor_new(heap, NULL);
  both_deaths(heap, watch_itself);
  assert_null(watcher->weak);
  cairn_release(&watcher->base);
}

static void raise_limit(struct actor *self) {
  cairn_heap *heap = heap_of(self);
  cairn_heap_limit_set(heap, 64 * MEGABYTE);
  cairn_heap_soft_limit_set(heap, 1);
}

/* It runs in the collection that the limit forces, and what was refused is then given. */
static void finalizer_raises_the_limit(void **state) {
  cairn_heap *heap = *state;
  cairn_heap_limit_set(heap, 12 * MEGABYTE);
  struct actor *actor = actor_new(heap, raise_limit);
  actor->left = cairn_retain(&actor->base);
  cairn_release(&actor->base);
  void *buffer = cairn_buffer_new(heap, 20 * MEGABYTE);
  assert_non_null(buffer);
  cairn_buffer_free(buffer);
  cairn_heap_soft_limit_set(heap, 0);
}

static cairn_heap *victim;

static void destroy_other_heap(struct actor *self) {
  (void)self;
  if (victim != NULL) assert_true(cairn_heap_destroy(victim, NULL));
  victim = NULL;
}

static void finalizer_destroys_another_heap(void **state) {
  cairn_heap *heap = *state;
  for (int in_cycle = 0; in_cycle < 2; in_cycle++) {
    victim = cairn_heap_new(NULL);
    cairn_object *list = cairn_list_new(victim, 10);
    assert_true(cairn_list_append(list, list));
    cairn_release(list);
    struct actor *actor = actor_new(heap, destroy_other_heap);
    if (in_cycle != 0) actor->left = cairn_retain(&actor->base);
    cairn_release(&actor->base);
    (void)cairn_collect(heap);
    assert_null(victim);
    assert_whole(heap);
  }
}

/* All that it tries fails, in the middle of a collection. */
static void run_out_of_memory(struct actor *self) {
  cairn_heap *heap = heap_of(self);
  uint64_t limit = heap->limit_bytes;
  cairn_heap_limit_set(heap, 1);
  assert_null(cairn_list_new(heap, 0));
  assert_null(cairn_str_intern(heap, "in vain", 7));
  assert_null(cairn_buffer_new(heap, 50 * MEGABYTE));
  if (self->right != NULL) assert_false(cairn_list_reserve(self->right, 100000));
  cairn_heap_limit_set(heap, limit);
}

static void out_of_memory_within_a_finalizer(void **state) {
  cairn_heap *heap = *state;
  uint64_t before = objects_of(heap);
  both_deaths(heap, run_out_of_memory);
  assert_int_equal(objects_of(heap), before);
}

/* ---- weak references ------------------------------------------------------------------------- */

static size_t seen_through_weak;

static void look_through_weak(struct actor *self) {
  cairn_object *target = cairn_weak_get(&self->weak);
  if (target != NULL) seen_through_weak++;
  cairn_release(target);
}

/* Members of a dying cycle watch each other, and are watched from outside: no finalizer sees one
 * that is being finalized, and what comes back has no weak references to it. */
static void weak_references_to_members_of_a_dying_cycle(void **state) {
  cairn_heap *heap = *state;
  enum { MEMBERS = 50 };
  struct actor *ring[MEMBERS];
  seen_through_weak = 0;
  cairn_object *outside[MEMBERS];
  for (int i = 0; i < MEMBERS; i++) {
    ring[i] = actor_new(heap, i == 7 ? resurrect : look_through_weak);
    outside[i] = cairn_weakref_new(heap, &ring[i]->base);
  }
  for (int i = 0; i < MEMBERS; i++) {
    ring[i]->left = cairn_retain(&ring[(i + 1) % MEMBERS]->base);
    assert_true(cairn_weak_set(&ring[i]->base, &ring[i]->weak, &ring[(i + 3) % MEMBERS]->base));
  }
  for (int i = 0; i < MEMBERS; i++) cairn_release(&ring[i]->base);
  assert_int_equal(cairn_collect(heap), 0); /* one came back, and holds all */
  assert_int_equal(act_count, MEMBERS);
  assert_int_equal(seen_through_weak, 0);
  assert_ptr_equal(saved, ring[7]);
  for (int i = 0; i < MEMBERS; i++) {
    assert_null(cairn_weakref_get(outside[i]));
    assert_null(ring[i]->weak);
  }
  assert_whole(heap);
  cairn_clear(&saved);
  assert_int_equal(cairn_collect(heap), MEMBERS);
  for (int i = 0; i < MEMBERS; i++) cairn_release(outside[i]);
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* Candidates whose count reaches 0 before the collection that would look at them, also within one,
 * and whose blocks are used again. */
static void candidate_dies_while_it_is_buffered(void **state) {
  cairn_heap *heap = *state;
  uint64_t random = random_seed();
  enum { OBJECTS = 300 };
  static cairn_object *lists[OBJECTS];
  for (int step = 0; step < 60000; step++) {
    size_t at = random_below(&random, OBJECTS);
    if (lists[at] == NULL) {
      lists[at] = cairn_list_new(heap, 1);
    } else if (random_below(&random, 3) == 0) {
      cairn_clear(&lists[at]);
    } else {
      cairn_release(cairn_retain(lists[at])); /* a candidate */
      size_t other = random_below(&random, OBJECTS);
      if (lists[other] != NULL) assert_true(cairn_list_append(lists[at], lists[other]));
    }
    if (step % 500 == 0) (void)cairn_collect_candidates(heap);
    if (step % 1000 == 0) assert_whole(heap);
  }
  for (size_t at = 0; at < OBJECTS; at++) cairn_clear(&lists[at]);
  (void)cairn_collect_candidates(heap);
  assert_whole(heap);
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.candidate_count, 0);
}

/* ---- a million finalizers -------------------------------------------------------------------- */

enum { MANY = 1000000 };

static void a_million_finalizers_in_a_list(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, MANY);
  for (size_t i = 0; i < MANY; i++) {
    struct actor *actor = actor_new(heap, NULL);
    assert_true(cairn_list_append(list, &actor->base));
    cairn_release(&actor->base);
  }
  cairn_release(list);
  assert_int_equal(act_count, MANY);
}

static void a_million_finalizers_in_cycles(void **state) {
  cairn_heap *heap = *state;
  for (size_t i = 0; i < MANY / 2; i++) {
    struct actor *one = actor_new(heap, NULL), *other = actor_new(heap, NULL);
    one->left = &other->base;
    other->right = &one->base; /* each owns the other: garbage from the start */
  }
  (void)cairn_collect(heap);
  assert_int_equal(act_count, MANY);
}

/* Each finalizer releases the next object: a nest that must not be a recursion. */
static void release_next(struct actor *self) { cairn_clear(&self->left); }

static void a_million_finalizers_nested(void **state) {
  cairn_heap *heap = *state;
  struct actor *chain = NULL;
  for (size_t i = 0; i < MANY; i++) {
    struct actor *actor = actor_new(heap, release_next);
    actor->left = chain == NULL ? NULL : &chain->base;
    chain = actor;
  }
  cairn_release(&chain->base);
  assert_int_equal(act_count, MANY);
}

/* ---- near_limit ------------------------------------------------------------------------------ */

static bool collect_and_release(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                                void *context) {
  (void)kind;
  (void)wanted_bytes;
  cairn_object **kept = context;
  (void)cairn_collect(heap);
  cairn_clear(kept);
  (void)cairn_collect(heap);
  cairn_release(cairn_list_new(heap, 5));
  return true;
}

/* In the middle of an append, the callback collects, and releases with finalizers that do too. */
static void near_limit_collects_and_releases(void **state) {
  (void)state;
  cairn_object *kept = NULL;
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.limit_bytes = 24 * MEGABYTE,
                                                          .soft_limit_bytes = 16 * MEGABYTE,
                                                          .near_limit = collect_and_release,
                                                          .near_limit_context = &kept});
  actor_type = actor_define(heap, "actor");
  act_count = 0;
  for (int round = 0; round < 20; round++) {
    kept = cairn_list_new(heap, 0);
    assert_true(kept != NULL && cairn_list_append(kept, kept));
    struct actor *actor = actor_new(heap, release_and_collect);
    assert_true(cairn_list_append(kept, &actor->base));
    cairn_release(&actor->base);
    for (int i = 0; i < 100 && kept != NULL; i++) {
      cairn_object *bytes = cairn_list_new(heap, MEGABYTE / 16);
      cairn_object *into = kept;
      if (bytes == NULL || kept == NULL) {
        cairn_release(bytes);
        break;
      }
      cairn_retain(into);
      (void)cairn_list_append(into, bytes);
      cairn_release(into);
      cairn_release(bytes);
    }
    assert_null(kept);
    assert_whole(heap);
  }
  assert_int_equal(act_count, 20);
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_ACTORS(finalizer_resurrects),
      WITH_ACTORS(finalizer_allocates),
      WITH_ACTORS(finalizer_releases_and_collects),
      WITH_ACTORS(finalizer_registers_a_finalizer),
      WITH_ACTORS(finalizers_breed_finalizers),
      WITH_ACTORS(finalizer_throws_its_own_cycle_away),
      WITH_ACTORS(finalizer_sets_weak_references_to_itself),
      WITH_ACTORS(finalizer_raises_the_limit),
      WITH_ACTORS(finalizer_destroys_another_heap),
      WITH_ACTORS(out_of_memory_within_a_finalizer),
      WITH_ACTORS(weak_references_to_members_of_a_dying_cycle),
      WITH_ACTORS(candidate_dies_while_it_is_buffered),
      WITH_ACTORS(a_million_finalizers_in_a_list),
      WITH_ACTORS(a_million_finalizers_in_cycles),
      WITH_ACTORS(a_million_finalizers_nested),
      cmocka_unit_test(near_limit_collects_and_releases),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

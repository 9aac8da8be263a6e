/* What other reference-counted heaps fell over: finalizers, weak references, resurrection and
 * re-entrancy.  Each test is one such story, told to an object that dies alone and to one that a
 * collection frees; the heap is whole after each. */
#include "builtin_test.h"

enum { MEGABYTE = 1 << 20 };

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

static void actor_finalize(cairn_object *object) {
  struct actor *self = (struct actor *)(void *)object;
  act_count++;
  if (self->act != NULL) self->act(self);
}

static cairn_type actor_define(cairn_heap *heap, const char *name) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct actor, left),
                                   CAIRN_STRONG(struct actor, right),
                                   CAIRN_WEAK(struct actor, weak)};
  return cairn_type_define(heap, &(cairn_type_spec){.name = name,
                                                    .size_bytes = sizeof(struct actor),
                                                    .slots = slots,
                                                    .slot_count = 3,
                                                    .finalize = actor_finalize});
}

static int setup(void **state) {
  act_count = 0;
  saved = NULL;
  heap_setup(state);
  actor_type = actor_define(*state, "actor");
  return actor_type == 0;
}

static struct actor *actor_new(cairn_heap *heap, void (*act)(struct actor *self)) {
  struct actor *actor = (struct actor *)(void *)cairn_object_new(heap, actor_type);
  assert_non_null(actor);
  actor->act = act;
  return actor;
}

static struct actor *actor_of(cairn_object *object) { return (struct actor *)(void *)object; }

static cairn_heap *heap_of(const struct actor *actor) { return cairn_object_heap(&actor->base); }

static uint64_t objects_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.object_count;
}

/* Has an actor die alone, then one in a cycle with a second actor.  Whatever the finalizer left to
 * be collected is collected too. */
static void both_deaths(cairn_heap *heap, void (*act)(struct actor *self)) {
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

/* ---- containers that are being changed ------------------------------------------------------- */

/* What finalizers of keys and values insert into, while it is being changed. */
static cairn_object *changing;
static int64_t next_key;

static void insert_into_changing(struct actor *self) {
  cairn_heap *heap = heap_of(self);
  for (int i = 0; i < 20 && next_key < 5000 && changing != NULL; i++) {
    blocks_fail_after(heap, 0); /* from here on there is memory again */
    cairn_object *key = int_of(heap, 100000 + next_key++);
    cairn_object *value = cairn_list_new(heap, 0);
    assert_true(cairn_dict_set(changing, key, value));
    cairn_release(key);
    cairn_release(value);
  }
}

static void remove_from_changing(struct actor *self) {
  (void)self;
  for (int i = 0; i < 3; i++) {
    size_t position = 0;
    cairn_object *key, *value;
    if (changing == NULL || !cairn_dict_next(changing, &position, &key, &value)) return;
    cairn_retain(key);
    assert_true(cairn_dict_remove(changing, key));
    cairn_release(key);
  }
}

static void clear_changing(struct actor *self) {
  (void)self;
  if (changing != NULL) cairn_dict_clear(changing);
}

/* Fills the dict with actors as values (their finalizers run when the value is replaced, removed
 * or cleared) and as garbage around it (they run when growing collects). */
static void change_dict(cairn_heap *heap, void (*act)(struct actor *self)) {
  changing = cairn_dict_new(heap);
  next_key = 0;
  uint64_t random = random_seed();
  for (int64_t i = 0; i < 3000; i++) {
    cairn_object *key = int_of(heap, 1000 + (int64_t)random_below(&random, 200));
    struct actor *actor = actor_new(heap, act);
    assert_true(cairn_dict_set(changing, key, &actor->base));
    cairn_release(&actor->base);
    if (random_below(&random, 4) == 0) (void)cairn_dict_remove(changing, key);
    if (random_below(&random, 300) == 0) cairn_dict_clear(changing);
    struct actor *garbage = actor_new(heap, act);
    garbage->left = cairn_retain(&garbage->base);
    cairn_release(&garbage->base);
    if (random_below(&random, 8) == 0) { /* the next block, perhaps the dict's, collects */
      blocks_fail_after(heap, 1);
      (void)cairn_dict_set(changing, key, key);
      blocks_fail_after(heap, 0);
    }
    cairn_release(key);
    if (i % 100 == 0) assert_whole(heap);
  }
  cairn_dict_clear(changing);
  cairn_clear(&changing);
  (void)cairn_collect(heap);
}

static void dict_is_inserted_into_while_it_changes(void **state) {
  change_dict(*state, insert_into_changing);
}
static void dict_is_removed_from_while_it_changes(void **state) {
  change_dict(*state, remove_from_changing);
}
static void dict_is_cleared_while_it_changes(void **state) { change_dict(*state, clear_changing); }

/* A list that dies item by item, whose items' finalizers append to it, clear and trim it. */
static void change_list(struct actor *self) {
  if (changing == NULL) return;
  cairn_heap *heap = heap_of(self);
  if (act_count % 3 == 0 && cairn_list_count(changing) < 50) {
    for (int i = 0; i < 10; i++) {
      struct actor *more = actor_new(heap, act_count < 2000 ? change_list : NULL);
      assert_true(cairn_list_append(changing, &more->base));
      cairn_release(&more->base);
    }
  } else if (act_count % 3 == 1) {
    (void)cairn_list_remove(changing, cairn_list_count(changing) / 2);
  } else {
    (void)cairn_list_trim(changing);
  }
}

static void list_is_changed_by_its_dying_items(void **state) {
  cairn_heap *heap = *state;
  changing = cairn_list_new(heap, 0);
  for (int i = 0; i < 100; i++) {
    struct actor *actor = actor_new(heap, change_list);
    assert_true(cairn_list_append(changing, &actor->base));
    cairn_release(&actor->base);
  }
  cairn_list_clear(changing);
  assert_whole(heap);
  while (cairn_list_remove(changing, 0)) {
  }
  cairn_clear(&changing);
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
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, heap_teardown)
  const struct CMUnitTest tests[] = {
      STORY(finalizer_resurrects),
      STORY(finalizer_allocates),
      STORY(finalizer_releases_and_collects),
      STORY(finalizer_registers_a_finalizer),
      STORY(finalizers_breed_finalizers),
      STORY(finalizer_throws_its_own_cycle_away),
      STORY(finalizer_sets_weak_references_to_itself),
      STORY(finalizer_raises_the_limit),
      STORY(finalizer_destroys_another_heap),
      STORY(out_of_memory_within_a_finalizer),
      STORY(weak_references_to_members_of_a_dying_cycle),
      STORY(candidate_dies_while_it_is_buffered),
      STORY(a_million_finalizers_in_a_list),
      STORY(a_million_finalizers_in_cycles),
      STORY(a_million_finalizers_nested),
      STORY(dict_is_inserted_into_while_it_changes),
      STORY(dict_is_removed_from_while_it_changes),
      STORY(dict_is_cleared_while_it_changes),
      STORY(list_is_changed_by_its_dying_items),
      cmocka_unit_test(near_limit_collects_and_releases),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

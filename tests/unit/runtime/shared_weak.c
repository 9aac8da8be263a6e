/* Weak slots of shared objects, and of ordinary heaps that watch shared objects. */
#include <pthread.h>

#include "shared_test.h"

static void test_weak_slot_of_another_heap(void **state) {
  const struct pair *pair = *state;
  struct node *target = make(pair->shared, pair->node, 1);
  cairn_object *weakref = cairn_weakref_new(pair->plain, &target->base);
  assert_int_equal(cairn_refcount(&target->base), 1);
  cairn_object *found = cairn_weakref_get(weakref);
  assert_ptr_equal(found, target);
  cairn_release(found);
  cairn_release(&target->base);
  assert_null(cairn_weakref_get(weakref));
  cairn_release(weakref);
}

static void test_weak_slot_changes_heaps(void **state) {
  const struct pair *pair = *state;
  struct node *holder = make(pair->plain, pair->plain_node, 1);
  struct node *own = make(pair->plain, pair->plain_node, 2);
  struct node *first = make(pair->shared, pair->node, 3);
  struct node *second = make(pair->shared, pair->node, 4);
  struct node *const targets[] = {own, first, second, first, own, second, NULL, first, own};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    cairn_object *target = targets[i] == NULL ? NULL : &targets[i]->base;
    assert_true(cairn_weak_set(&holder->base, &holder->weak, target));
    cairn_object *found = cairn_weak_get(&holder->weak);
    assert_ptr_equal(found, target);
    cairn_release(found);
    assert_int_equal(has_state(own, CAIRN_STATE(WEAKLY)), targets[i] == own);
    assert_int_equal(has_state(first, CAIRN_STATE(WEAKLY)), targets[i] == first);
    assert_int_equal(has_state(second, CAIRN_STATE(WEAKLY)), targets[i] == second);
  }
  cairn_release(&first->base);
  cairn_release(&second->base);
  cairn_release(&holder->base);
  cairn_release(&own->base);
}

static void test_weak_slots_of_a_destroyed_shared_heap(void **state) {
  const struct pair *pair = *state;
  cairn_heap *gone = shared_new("gone");
  cairn_object *text = cairn_str_from(gone, "text");
  cairn_object *weakref = cairn_weakref_new(pair->plain, text);
  cairn_object *immortal = cairn_weakref_new(pair->plain, cairn_none(gone));
  assert_ptr_equal(cairn_weakref_get(immortal), cairn_none(gone));
  assert_false(cairn_heap_destroy(gone, NULL)); /* leaks the text */
  assert_null(cairn_weakref_get(weakref));
  assert_null(cairn_weakref_get(immortal));
  cairn_release(immortal);
  cairn_release(weakref);
}

enum { GETTERS = 2, RACES = 2000 };

struct weak_race {
  pthread_barrier_t start, end;
  cairn_object *target, *weakref; /* shared objects of this round */
};

static void *get_often(void *context) {
  struct weak_race *race = context;
  for (int round = 0; round < RACES; round++) {
    pthread_barrier_wait(&race->start);
    for (int i = 0; i < 20; i++) {
      cairn_object *found = cairn_weakref_get(race->weakref);
      if (found == NULL) break;
      assert_int_equal(((struct node *)(void *)found)->id, 7);
      cairn_release(found);
    }
    pthread_barrier_wait(&race->end);
  }
  return NULL;
}

/* A weak slot gives an object that is whole, or nothing, while the last strong reference goes. */
static void test_weak_get_races_with_death(void **state) {
  const struct pair *pair = *state;
  uint64_t count = count_of(pair->shared);
  struct weak_race race;
  pthread_barrier_init(&race.start, NULL, GETTERS + 1);
  pthread_barrier_init(&race.end, NULL, GETTERS + 1);
  pthread_t threads[GETTERS];
  for (int i = 0; i < GETTERS; i++) pthread_create(&threads[i], NULL, get_often, &race);
  for (int round = 0; round < RACES; round++) {
    race.target = &make(pair->shared, pair->node, 7)->base;
    race.weakref = cairn_weakref_new(pair->shared, race.target);
    pthread_barrier_wait(&race.start);
    for (int i = 0; i < round % 50; i++) CAIRN_ORDER();
    cairn_release(race.target);
    pthread_barrier_wait(&race.end);
    assert_null(cairn_weakref_get(race.weakref));
    cairn_release(race.weakref);
    assert_int_equal(count_of(pair->shared), count);
  }
  for (int i = 0; i < GETTERS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&race.start);
  pthread_barrier_destroy(&race.end);
}

static void test_weak_slot_of_an_immortal(void **state) {
  const struct pair *pair = *state;
  cairn_object *none = cairn_none(pair->shared);
  uint64_t header = none->header;
  cairn_object *weakref = cairn_weakref_new(pair->plain, none);
  assert_int_equal(none->header, header);
  assert_ptr_equal(cairn_weakref_get(weakref), none);
  cairn_release(weakref);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_SHARED(test_weak_slot_of_another_heap),
      WITH_SHARED(test_weak_slot_changes_heaps),
      WITH_SHARED(test_weak_slots_of_a_destroyed_shared_heap),
      WITH_SHARED(test_weak_get_races_with_death),
      WITH_SHARED(test_weak_slot_of_an_immortal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

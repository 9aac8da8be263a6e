/* Threads with a heap each and two shared heaps, all at once: heaps go from thread to thread
 * through a queue, and their objects hold shared ones, which come and go meanwhile.  For the thread
 * sanitizer above all; the counts are right at the end, or something would be left. */
#include <pthread.h>
#include <stdio.h>

#include "../../random.h"
#include "nodes.h"

enum { THREADS = 4, HEAPS = 6, TURNS = 100, STEPS = 150, PUBLISHED = 32 };

/* A heap and what it keeps from one turn to the next. */
struct parcel {
  cairn_heap *heap;
  cairn_object *kept; /* a list */
};

/* What all threads know. */
struct world {
  pthread_mutex_t lock;
  pthread_cond_t waiting;
  struct parcel queue[HEAPS];
  size_t queued, turns_left;
  cairn_heap *shared[2];
  cairn_group *group;                 /* of all heaps */
  cairn_object *published[PUBLISHED]; /* shared objects, under the lock */
  uint64_t seed;
};

/* False: all turns are taken. */
static bool take(struct world *world, struct parcel *parcel) {
  pthread_mutex_lock(&world->lock);
  while (world->queued == 0 && world->turns_left > 0) {
    pthread_cond_wait(&world->waiting, &world->lock);
  }
  bool taken = world->turns_left > 0;
  if (taken) {
    world->turns_left--;
    *parcel = world->queue[--world->queued];
  }
  pthread_cond_broadcast(&world->waiting);
  pthread_mutex_unlock(&world->lock);
  return taken;
}

static void hand_back(struct world *world, struct parcel parcel) {
  cairn_heap_hand_over(parcel.heap);
  pthread_mutex_lock(&world->lock);
  world->queue[world->queued++] = parcel;
  pthread_cond_signal(&world->waiting);
  pthread_mutex_unlock(&world->lock);
}

/* A shared object that another thread may have made; a new reference, or NULL. */
static cairn_object *published(struct world *world, uint64_t *random) {
  pthread_mutex_lock(&world->lock);
  cairn_object *object = cairn_retain(world->published[random_next(random) % PUBLISHED]);
  pthread_mutex_unlock(&world->lock);
  return object;
}

static void publish(struct world *world, cairn_object *object, uint64_t *random) {
  pthread_mutex_lock(&world->lock);
  cairn_object **place = &world->published[random_next(random) % PUBLISHED];
  cairn_object *before = *place;
  *place = object;
  pthread_mutex_unlock(&world->lock);
  cairn_release(before);
}

/* A tuple of strs and of itself once removed, or a copy of what the parcel keeps. */
static cairn_object *make_shared(struct world *world, const struct parcel *parcel,
                                 uint64_t *random) {
  cairn_heap *heap = world->shared[random_next(random) % 2];
  char text[16];
  snprintf(text, sizeof text, "text %d", (int)(random_next(random) % 40));
  cairn_object *str = cairn_str_intern(heap, text, strlen(text));
  cairn_object *list = cairn_list_new(heap, 0);
  for (int i = 0; i < 5; i++) assert_true(cairn_list_append(list, str));
  cairn_object *items[] = {str, list, str};
  cairn_object *tuple = cairn_tuple_new(heap, 3, items);
  cairn_release(list);
  cairn_release(str);
  if (random_next(random) % 4 != 0) return tuple;
  cairn_object *own = cairn_list_new(parcel->heap, 0);
  assert_true(cairn_list_append(own, tuple));
  cairn_release(tuple);
  cairn_object *copy = cairn_share_copy(heap, own);
  assert_non_null(copy);
  cairn_release(own);
  return copy;
}

/* Holds a shared object in a list, a dict, a cycle and by weak references of the parcel's heap. */
static void hold(const struct parcel *parcel, cairn_object *object) {
  cairn_heap *heap = parcel->heap;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *weakref = cairn_weakref_new(heap, object);
  cairn_object *ring = cairn_list_new(heap, 0);
  assert_true(cairn_dict_set(dict, object, object));
  assert_true(cairn_list_append(ring, ring) && cairn_list_append(ring, object));
  assert_true(cairn_list_append(ring, dict) && cairn_list_append(ring, weakref));
  assert_true(cairn_list_append(parcel->kept, weakref));
  assert_true(cairn_list_append(parcel->kept, dict));
  cairn_release(dict);
  cairn_release(weakref);
  cairn_release(ring);
}

/* Looks through the weak references that it keeps, and drops some of what it keeps. */
static void look(const struct parcel *parcel, uint64_t *random) {
  for (size_t i = 0; i < cairn_list_count(parcel->kept); i += 2) {
    cairn_object *target = cairn_weakref_get(cairn_list_get(parcel->kept, i));
    if (target != NULL) assert_true(cairn_refcount(target) >= 2);
    cairn_release(target);
  }
  while (cairn_list_count(parcel->kept) > 40 || random_next(random) % 8 == 0) {
    if (cairn_list_count(parcel->kept) == 0) break;
    assert_true(cairn_list_remove(parcel->kept, random_next(random) % 2 == 0 ? 0 : 1));
    assert_true(cairn_list_remove(parcel->kept, 0));
    break;
  }
}

static void *work(void *context) {
  struct world *world = context;
  uint64_t random = __atomic_add_fetch(&world->seed, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED);
  struct parcel parcel;
  while (take(world, &parcel)) {
    for (int step = 0; step < STEPS; step++) {
      if (random_next(&random) % 3 == 0)
        publish(world, make_shared(world, &parcel, &random), &random);
      cairn_object *object = published(world, &random);
      if (object != NULL) hold(&parcel, object);
      cairn_release(object);
      look(&parcel, &random);
    }
    if (random_next(&random) % 2 == 0) cairn_collect_candidates(parcel.heap);
    cairn_collect(parcel.heap);
    assert_null(cairn_heap_validate(parcel.heap));
    if (random_next(&random) % 4 == 0) cairn_collect(world->shared[0]);
    hand_back(world, parcel);
  }
  return NULL;
}

static void go_round(void) {
  struct world world = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .waiting = PTHREAD_COND_INITIALIZER,
                        .turns_left = TURNS,
                        .group = cairn_group_new("all", 0),
                        .seed = 20261122};
  for (int i = 0; i < 2; i++) {
    world.shared[i] = cairn_heap_new(&(cairn_heap_options){.shared = true, .group = world.group});
    assert_non_null(world.shared[i]);
  }
  for (int i = 0; i < HEAPS; i++) {
    cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.group = world.group});
    hand_back(&world, (struct parcel){heap, cairn_list_new(heap, 0)});
  }
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, work, &world), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(world.queued, HEAPS);
  for (int i = 0; i < PUBLISHED; i++) cairn_release(world.published[i]);
  for (int i = 0; i < HEAPS; i++) {
    cairn_release(world.queue[i].kept);
    assert_true(cairn_heap_destroy(world.queue[i].heap, NULL));
  }
  for (int i = 0; i < 2; i++) {
    assert_null(cairn_heap_validate(world.shared[i]));
    assert_true(cairn_heap_destroy(world.shared[i], NULL));
  }
  cairn_group_stats stats;
  cairn_group_stats_get(world.group, &stats);
  assert_int_equal(stats.taken_bytes, 0);
  assert_true(cairn_group_destroy(world.group));
}

static void test_heaps_go_round(void **state) { go_round(); }

static void test_tracked_heaps_go_round(void **state) {
  setenv("CAIRN_TRACK", "sites,backtrace=2,events=1000,quarantine=64k", 1);
  go_round();
  unsetenv("CAIRN_TRACK");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_heaps_go_round),
                                     cmocka_unit_test(test_tracked_heaps_go_round)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

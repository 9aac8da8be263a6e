/* walk.c: meeting all objects, while they die, are made and are collected. */
#include "builtin_test.h"

static void count_object(cairn_object *object, void *context) {
  (void)object;
  ++*(size_t *)context;
}

static size_t count_all(cairn_heap *heap) {
  size_t count = 0;
  cairn_heap_walk(heap, count_object, &count);
  return count;
}

static void steps_meet_what_the_callback_meets(void **state) {
  cairn_heap *heap = *state;
  cairn_object *list = cairn_list_new(heap, 0);
  for (size_t i = 0; i < 20000; i++) {
    cairn_object *object = i % 3 == 0 ? cairn_list_new(heap, i % 70) : int_of(heap, 5000 + (int)i);
    assert_true(cairn_list_append(list, object));
    cairn_release(object);
  }
  cairn_object *large = cairn_bytes_new(heap, "", 0), *huge = cairn_list_new(heap, 1 << 20);
  cairn_walk walk = {.heap = heap};
  size_t count = 0;
  const cairn_object *previous = NULL, *object;
  while ((object = cairn_walk_next(&walk)) != NULL) {
    assert_true(object > previous);
    previous = object;
    count++;
  }
  assert_null(cairn_walk_next(&walk)); /* and stays there */
  assert_int_equal(count, count_all(heap));
  cairn_release(large);
  cairn_release(huge);
  cairn_release(list);
}

/* Every object of a list that lives all the time is met once; those that die before their turn are
 * not; others come and go, arenas with them. */
static void what_lives_is_met_once(void **state) {
  cairn_heap *heap = *state;
  enum { OBJECTS = 30000 };
  static cairn_object *objects[OBJECTS];
  static unsigned char met[OBJECTS];
  uint64_t random = random_seed();
  memset(met, 0, sizeof met);
  for (int64_t i = 0; i < OBJECTS; i++) {
    objects[i] = i % 2 == 0 ? int_of(heap, 1000000 + i) : cairn_list_new(heap, 60);
  }
  cairn_walk walk = {.heap = heap};
  cairn_object *object;
  uint64_t returned = heap->returned_bytes;
  while ((object = cairn_walk_next(&walk)) != NULL) {
    int64_t value;
    if (cairn_int_get(object, &value) && value >= 1000000) {
      assert_ptr_equal(objects[value - 1000000], object);
      met[value - 1000000]++;
    }
    for (int i = 0; i < 3; i++) {
      size_t at = random_below(&random, OBJECTS / 2) * 2 + 1; /* lists: they die and are made */
      cairn_clear(&objects[at]);
      if (random_below(&random, 3) == 0) objects[at] = cairn_list_new(heap, 10);
    }
    size_t at = random_below(&random, OBJECTS / 20) * 20; /* some ints die, before or after */
    if (objects[at] != NULL) {
      cairn_clear(&objects[at]);
      met[at] = 1;
    }
    if (random_below(&random, 2000) == 0) (void)cairn_collect(heap);
    if (random_below(&random, 2000) == 0) cairn_buffer_free(cairn_buffer_new(heap, 9 << 20));
  }
  for (size_t i = 0; i < OBJECTS; i += 2) assert_int_equal(met[i], 1);
  assert_true(heap->returned_bytes > returned);
  for (size_t i = 0; i < OBJECTS; i++) cairn_clear(&objects[i]);
}

/* The walk kills all that it meets, and what it stands at goes first. */
static void walk_frees_what_it_meets(void **state) {
  cairn_heap *heap = *state;
  size_t before = count_all(heap);
  cairn_object *chain = NULL;
  for (int i = 0; i < 50000; i++) {
    cairn_object *list = cairn_list_new(heap, 30);
    assert_true(cairn_list_append(list, list)); /* alive without the program */
    if (chain != NULL) assert_true(cairn_list_append(list, chain));
    cairn_release(chain);
    chain = list;
  }
  cairn_release(chain);
  cairn_walk walk = {.heap = heap};
  cairn_object *object;
  size_t met = 0;
  while ((object = cairn_walk_next(&walk)) != NULL) {
    if (cairn_type_index(object) != CAIRN_TYPE_LIST) continue;
    met++;
    cairn_retain(object);
    cairn_list_clear(object);
    cairn_release(object);
  }
  assert_in_range(met, 1, 50000);
  (void)cairn_collect(heap);
  assert_int_equal(count_all(heap), before);
}

struct holders {
  const cairn_object *target;
  size_t count;
};

static void is_target(cairn_object *referent, void *context) {
  struct holders *holders = context;
  if (referent == holders->target) holders->count++;
}

static void holders_are_found(void **state) {
  cairn_heap *heap = *state;
  cairn_object *target = cairn_str_from(heap, "target");
  cairn_object *list = cairn_list_new(heap, 0), *dict = cairn_dict_new(heap);
  assert_true(cairn_list_append(list, target) && cairn_list_append(list, target));
  assert_true(cairn_dict_set(dict, target, list));
  struct holders holders = {.target = target};
  cairn_walk walk = {.heap = heap};
  cairn_object *object;
  while ((object = cairn_walk_next(&walk)) != NULL) cairn_object_visit(object, is_target, &holders);
  assert_int_equal(holders.count, 3);
  assert_int_equal(cairn_refcount(target), 4);
  cairn_release(target);
  cairn_release(list);
  cairn_release(dict);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(steps_meet_what_the_callback_meets),
      WITH_HEAP(what_lives_is_met_once),
      WITH_HEAP(walk_frees_what_it_meets),
      WITH_HEAP(holders_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

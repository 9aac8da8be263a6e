/* external.c: bytes outside the heap, by object. */
#include "builtin_test.h"

static uint64_t external_of(const cairn_heap *heap) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.external_bytes;
}

static void bytes_belong_to_their_object(void **state) {
  cairn_heap *heap = *state;
  cairn_object *a = cairn_list_new(heap, 0), *b = cairn_list_new(heap, 0);
  assert_int_equal(cairn_external_bytes(a), 0);
  assert_true(cairn_external_add(a, 1000));
  assert_true(cairn_external_add(b, 200));
  assert_true(cairn_external_add(a, 24));
  assert_int_equal(cairn_external_bytes(a), 1024);
  assert_int_equal(cairn_external_bytes(b), 200);
  assert_int_equal(external_of(heap), 1224);
  assert_true(cairn_external_add(b, -500)); /* no more than it has */
  assert_int_equal(cairn_external_bytes(b), 0);
  assert_int_equal(external_of(heap), 1024);
  assert_true(cairn_external_add(b, -1));
  assert_true(cairn_external_add(b, 0));
  assert_int_equal(b->header & CAIRN_STATE(EXTERNAL), 0);
  assert_true(cairn_external_add(b, INT64_MIN));
  assert_true(cairn_external_add(b, INT64_MAX)); /* cut, so that sums do not overflow */
  assert_int_equal(external_of(heap), INT64_MAX);
  assert_int_equal(cairn_external_bytes(b), (uint64_t)INT64_MAX - 1024);
  assert_whole(heap);
  cairn_release(a);
  cairn_release(b);
  assert_int_equal(external_of(heap), 0);
}

static void death_gives_back_what_is_left(void **state) {
  cairn_heap *heap = *state;
  cairn_object *cycle = cairn_list_new(heap, 0);
  cairn_object *leaf = cairn_str_from(heap, "a leaf");
  assert_true(cairn_list_append(cycle, cycle) && cairn_list_append(cycle, leaf));
  assert_true(cairn_external_add(cycle, 500) && cairn_external_add(leaf, 70));
  cairn_release(leaf);
  cairn_release(cycle);
  assert_int_equal(external_of(heap), 570);
  cairn_collect(heap);
  assert_int_equal(external_of(heap), 0);
  assert_int_equal(heap->external_table->count, 0);
}

static cairn_object *saved;

static void look_and_resurrect(void *context) {
  assert_int_equal(cairn_external_bytes(*(cairn_object **)context), 77); /* still its own */
  saved = cairn_retain(*(cairn_object **)context);
}

static void finalizer_still_has_them(void **state) {
  cairn_heap *heap = *state;
  static cairn_object *object;
  object = hook_new(heap, look_and_resurrect, &object);
  assert_true(cairn_external_add(object, 77));
  cairn_release(object);
  assert_int_equal(cairn_external_bytes(saved), 77);
  cairn_release(saved);
  assert_int_equal(external_of(heap), 0);
}

/* Against an array: many objects, in and out in random order. */
static void many_come_and_go(void **state) {
  cairn_heap *heap = *state;
  enum { OBJECTS = 5000, STEPS = 200000 };
  static cairn_object *objects[OBJECTS];
  static uint64_t bytes[OBJECTS];
  uint64_t random = random_seed(), sum = 0;
  for (int step = 0; step < STEPS; step++) {
    size_t at = random_below(&random, OBJECTS);
    if (objects[at] == NULL) objects[at] = cairn_list_new(heap, 0);
    uint64_t amount = random_below(&random, 100);
    switch (random_below(&random, 4)) {
      case 0:
        sum -= bytes[at];
        bytes[at] = 0;
        cairn_clear(&objects[at]);
        break;
      case 1:
        if (amount > bytes[at]) amount = bytes[at];
        assert_true(cairn_external_add(objects[at], -(int64_t)amount));
        sum -= amount;
        bytes[at] -= amount;
        break;
      default:
        assert_true(cairn_external_add(objects[at], (int64_t)amount));
        sum += amount;
        bytes[at] += amount;
    }
    assert_int_equal(external_of(heap), sum);
    if (objects[at] != NULL) assert_int_equal(cairn_external_bytes(objects[at]), bytes[at]);
    if (step % 5000 == 0) assert_whole(heap);
  }
  for (size_t at = 0; at < OBJECTS; at++) {
    if (objects[at] != NULL) assert_int_equal(cairn_external_bytes(objects[at]), bytes[at]);
    cairn_clear(&objects[at]);
  }
  assert_int_equal(external_of(heap), 0);
  assert_null(heap->external_table); /* a large one that is empty goes back */
}

static void without_memory_nothing_is_noted(void **state) {
  cairn_heap *heap = *state;
  cairn_object *object = cairn_list_new(heap, 0);
  cairn_fault.map_after = 1;
  assert_false(cairn_external_add(object, 5));
  cairn_fault.map_after = 0;
  assert_int_equal(cairn_external_bytes(object), 0);
  assert_int_equal(external_of(heap), 0);
  cairn_heap_limit_set(heap, heap->taken_bytes); /* a limit does not refuse it */
  assert_true(cairn_external_add(object, 5));
  assert_null(cairn_list_new(heap, 0));
  cairn_heap_limit_set(heap, 0);
  cairn_release(object);
}

static void leak_report_has_them(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *leak = cairn_list_new(heap, 0), *gone = cairn_list_new(heap, 0);
  assert_true(cairn_external_add(leak, 12345) && cairn_external_add(gone, 99));
  cairn_release(gone);
  cairn_leak_report report;
  assert_false(cairn_heap_destroy(heap, &report));
  assert_int_equal(report.object_count, 1);
  assert_int_equal(report.external_bytes, 12345);
  assert_int_equal(report.types[0].external_bytes, 12345);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(bytes_belong_to_their_object),    WITH_HEAP(death_gives_back_what_is_left),
      WITH_HEAP(finalizer_still_has_them),        WITH_HEAP(many_come_and_go),
      WITH_HEAP(without_memory_nothing_is_noted), cmocka_unit_test(leak_report_has_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Observing: who listens changes nothing of what a program does, at whatever moment; and what a
 * debugger stored is taken back.
 *
 * The truth is the same program, run with nobody listening: where each object came to lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "builtin_test.h"
#include "cairn/cairn.h"
#include "hot.h"
#include "observe.h"

#if defined(CAIRN_PROBES)

enum { STEPS = 20000, KEPT = 400, RUNS = 12 };

struct thing {
  cairn_object base;
  cairn_object *held, *other;
  unsigned char bytes[72];
};

static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct thing, held),
                                        CAIRN_STRONG(struct thing, other)};

enum listening { NEVER, ALWAYS, SOMETIMES };

/* What a debugger does, between any two steps of the program. */
static void debugger(cairn_heap *heap, enum listening listening, uint64_t *random) {
  if (listening == ALWAYS) cairn_allocate_semaphore = 1;
  if (listening != SOMETIMES) return;
  uint64_t deed = random_below(random, 200);
  if (deed < 4) cairn_allocate_semaphore = (uint16_t)(deed & 1);
  if (deed >= 4 && deed < 8) cairn_free_semaphore = (uint16_t)(deed & 1);
  if (deed == 8 || deed == 10) heap->slow |= CAIRN_SLOW_OBSERVED;
  if (deed == 9 || deed == 10) heap->plans = heap->plans_observed;
}

/* Arenas lie where the system puts them; an object lies at a place in one of a number. */
static uint64_t place_of(const cairn_object *object) {
  const struct cairn_arena *arena = cairn_arena_of(object);
  return (uint64_t)arena->number << 32 | ((uintptr_t)object - (uintptr_t)arena);
}

static cairn_object *make(cairn_heap *heap, const cairn_type *types, uint64_t *random) {
  switch (random_below(random, 7)) {
    case 0:
      return cairn_float_new(heap, 1.5);
    case 1:
      return cairn_list_new(heap, random_below(random, 9));
    case 2:
      return cairn_str_new(heap, "a text that is neither short nor long",
                           5 + random_below(random, 30));
    case 3:
      return cairn_object_new(heap, types[1]);
    case 4: {
      cairn_object *items[3] = {cairn_float_new(heap, 1), NULL, NULL};
      cairn_object *tuple = cairn_tuple_new(heap, 1 + random_below(random, 3), items);
      cairn_release(items[0]);
      return tuple;
    }
    default:
      return cairn_object_new(heap, types[0]);
  }
}

/* A step: an object goes, one comes, things hold each other (in rings too); now and then all cycles
 * are collected, or a type is defined. */
static uint64_t step(cairn_heap *heap, const cairn_type *types, cairn_object **kept,
                     uint64_t *random) {
  cairn_object **slot = &kept[random_below(random, KEPT)];
  cairn_clear(slot);
  *slot = make(heap, types, random);
  assert_non_null(*slot);
  if (cairn_type_index(*slot) == types[0]) {
    cairn_object *target = kept[random_below(random, KEPT)];
    cairn_assign(&((struct thing *)(void *)*slot)->held, target);
    if (target != NULL && cairn_type_index(target) == types[0])
      cairn_assign(&((struct thing *)(void *)target)->other, *slot);
  }
  uint64_t rare = random_below(random, 3000);
  if (rare == 0) (void)cairn_collect(heap);
  if (rare == 1) (void)cairn_collect_candidates(heap);
  if (rare < 8) {
    const cairn_type_spec more = {.name = "more", .size_bytes = sizeof(cairn_object)};
    assert_int_not_equal(cairn_type_define(heap, &more), 0);
  }
  return place_of(*slot);
}

/* A program of a seed; where its objects came to lie. */
static void run(uint64_t seed, enum listening listening, uint64_t *places) {
  cairn_allocate_semaphore = cairn_free_semaphore = 0;
  uint64_t random = seed, other = seed ^ 0x5555;
  cairn_heap *heap = cairn_heap_new(NULL);
  assert_non_null(heap);
  const cairn_type_spec thing = {
      .name = "thing", .size_bytes = sizeof(struct thing), .slots = slots, .slot_count = 2};
  const cairn_type_spec leaf = {.name = "leaf", .size_bytes = 3 * sizeof(cairn_object)};
  const cairn_type types[2] = {cairn_type_define(heap, &thing), cairn_type_define(heap, &leaf)};
  cairn_object *kept[KEPT] = {NULL};
  for (int i = 0; i < STEPS; i++) {
    debugger(heap, listening, &other);
    places[i] = step(heap, types, kept, &random);
    if (i % 1000 == 0) assert_null(cairn_heap_validate(heap));
  }
  assert_null(cairn_heap_validate(heap));
  for (int i = 0; i < KEPT; i++) cairn_clear(&kept[i]);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void nothing_else_changes(void **state) {
  (void)state;
  static uint64_t alone[STEPS], watched[STEPS];
  uint64_t seed = random_seed();
  for (int i = 0; i < RUNS; i++, seed += 2) {
    run(seed, NEVER, alone);
    run(seed, i % 2 == 0 ? ALWAYS : SOMETIMES, watched);
    assert_memory_equal(alone, watched, sizeof alone);
  }
}

static bool is_observed(const cairn_heap *heap) {
  bool slow = (heap->slow & CAIRN_SLOW_OBSERVED) != 0;
  assert_int_equal(slow, heap->plans == heap->plans_observed);
  return slow;
}

/* The next object comes by the slow way, and when nobody listens that is over at once. */
static void what_was_stored_is_taken_back(void **state) {
  (void)state;
  cairn_allocate_semaphore = cairn_free_semaphore = 0;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_release(cairn_float_new(heap, 1));
  for (int stored = 1; stored < 4; stored++) {
    for (int freed = 0; freed < 2; freed++) {
      cairn_object *object = cairn_float_new(heap, 2);
      if ((stored & 1) != 0) heap->slow |= CAIRN_SLOW_OBSERVED;
      if ((stored & 2) != 0) heap->plans = heap->plans_observed;
      if (freed != 0) {
        cairn_clear(&object);
      } else {
        cairn_object *other = cairn_object_new(heap, CAIRN_TYPE_FLOAT);
        cairn_release(other);
      }
      if (stored != 1) assert_false(is_observed(heap)); /* the bit alone is seen on slow ways */
      cairn_release(object);
      heap->slow &= ~(uint32_t)CAIRN_SLOW_OBSERVED;
    }
  }
  cairn_free_semaphore = 1;
  heap->slow |= CAIRN_SLOW_OBSERVED;
  heap->plans = heap->plans_observed;
  cairn_release(cairn_float_new(heap, 3));
  assert_true(is_observed(heap));
  cairn_free_semaphore = 0;
  cairn_release(cairn_float_new(heap, 4));
  assert_false(is_observed(heap));
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* Nobody stored anything: what listens is noticed before long, by allocations and by frees. */
static void listening_is_noticed(void **state) {
  (void)state;
  cairn_allocate_semaphore = cairn_free_semaphore = 0;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *objects[2 * CAIRN_HOT_BLOCKS] = {NULL};
  cairn_allocate_semaphore = 1;
  for (int i = 0; i < 2 * CAIRN_HOT_BLOCKS; i++) objects[i] = cairn_float_new(heap, i);
  assert_true(is_observed(heap));
  cairn_allocate_semaphore = 0;
  cairn_clear(&objects[0]);
  assert_false(is_observed(heap));
  cairn_free_semaphore = 1;
  for (int i = 1; i < 2 * CAIRN_HOT_BLOCKS; i++) cairn_clear(&objects[i]);
  assert_true(is_observed(heap));
  cairn_free_semaphore = 0;
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* The same for objects that differ in size: their making knows no plan. */
static void listening_is_noticed_by_tails(void **state) {
  (void)state;
  cairn_allocate_semaphore = cairn_free_semaphore = 0;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_object *texts[2 * CAIRN_HOT_BLOCKS] = {NULL};
  cairn_allocate_semaphore = 1;
  for (int i = 0; i < 2 * CAIRN_HOT_BLOCKS; i++) texts[i] = cairn_str_new(heap, "text", 4);
  assert_true(is_observed(heap));
  cairn_allocate_semaphore = 0;
  cairn_object *one = cairn_str_new(heap, "text", 4);
  assert_false(is_observed(heap));
  cairn_release(one);
  for (int i = 0; i < 2 * CAIRN_HOT_BLOCKS; i++) cairn_clear(&texts[i]);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* A plan with which no object is made or freed out of sight. */
static void assert_nothing_is_ready(const struct cairn_plan *plan) {
  const struct cairn_hot *rows[] = {plan->ready, plan->source, plan->target};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(cairn_hot_count(rows[i]), 0);
    assert_int_equal(rows[i]->capacity, 0);
  }
  assert_int_not_equal(plan->death, CAIRN_DEATH_LEAF);
}

/* The tables are replaced by longer ones; the heap stays as it was. */
static void types_come_meanwhile(void **state) {
  (void)state;
  cairn_allocate_semaphore = 1;
  cairn_free_semaphore = 0;
  cairn_heap *heap = cairn_heap_new(NULL);
  cairn_release(cairn_float_new(heap, 1));
  assert_true(is_observed(heap));
  for (int i = 0; i < 100; i++) {
    const cairn_type_spec spec = {.name = "more", .size_bytes = sizeof(cairn_object)};
    assert_int_not_equal(cairn_type_define(heap, &spec), 0);
    assert_true(is_observed(heap));
  }
  for (uint32_t type = 0; type < heap->type_count; type++) {
    assert_nothing_is_ready(&heap->plans_observed[type]);
    assert_int_equal(heap->plans_observed[type].header, heap->plans_plain[type].header);
  }
  cairn_allocate_semaphore = 0;
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_else_changes), cmocka_unit_test(what_was_stored_is_taken_back),
      cmocka_unit_test(listening_is_noticed), cmocka_unit_test(listening_is_noticed_by_tails),
      cmocka_unit_test(types_come_meanwhile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
int main(void) { return 0; }
#endif

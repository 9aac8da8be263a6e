/* What the tests of the built-in types share: a heap for each test that must be whole and empty at
 * its end, code that runs in a finalizer, and allocations that fail. */
#ifndef BUILTIN_TEST_H
#define BUILTIN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "../../random.h"
#include "cairn/cairn.h"
#include "internal.h"

#define WITH_HEAP(test) cmocka_unit_test_setup_teardown(test, heap_setup, heap_teardown)

static inline int heap_setup(void **state) {
  *state = cairn_heap_new(NULL);
  assert_non_null(*state);
  return 0;
}

static inline void assert_whole(cairn_heap *heap) {
  const char *problem = cairn_heap_validate(heap);
  if (problem != NULL) fail_msg("the heap is damaged: %s", problem);
}

/* Nothing may be left: each test gives back what it made. */
static inline int heap_teardown(void **state) {
  assert_whole(*state);
  cairn_leak_report report;
  if (!cairn_heap_destroy(*state, &report)) {
    fail_msg("%llu objects are left, of type %s", (unsigned long long)report.object_count,
             report.types[0].type_name);
  }
  return 0;
}

/* An int that the caller owns; it must not fail. */
static inline cairn_object *int_of(cairn_heap *heap, int64_t value) {
  cairn_object *object = cairn_int_new(heap, value);
  assert_non_null(object);
  return object;
}

static inline int64_t value_of(const cairn_object *object) {
  int64_t value = 0;
  assert_true(cairn_int_get(object, &value));
  return value;
}

/* The seed of this run, printed: CAIRN_TEST_SEED repeats it. */
static inline uint64_t random_seed(void) {
  const char *given = getenv("CAIRN_TEST_SEED");
  uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20240229;
  print_message("seed %llu\n", (unsigned long long)seed);
  return seed | 1;
}

/* ---- code in a finalizer -------------------------------------------------------------------- */

/* An object whose finalizer calls `run`. */
struct hook {
  cairn_object base;
  void (*run)(void *context);
  void *context;
};

static inline void hook_finalize(cairn_object *object) {
  struct hook *hook = (struct hook *)object;
  hook->run(hook->context);
}

static inline cairn_object *hook_new(cairn_heap *heap, void (*run)(void *), void *context) {
  cairn_type type = cairn_type_find(heap, "hook");
  if (type == 0) {
    type = cairn_type_define(
        heap, &(cairn_type_spec){
                  .name = "hook", .size_bytes = sizeof(struct hook), .finalize = hook_finalize});
  }
  struct hook *hook = (struct hook *)cairn_object_new(heap, type);
  assert_non_null(hook);
  hook->run = run;
  hook->context = context;
  return &hook->base;
}

/* ---- allocations that fail ------------------------------------------------------------------ */

static inline void blocks_fail_after(cairn_heap *heap, uint64_t blocks) {
  cairn_fault.block_after = blocks;
  cairn_limit_refresh(heap);
}

/* Makes the next allocation of a block fail once: it collects, and that runs `run`, which has to
 * call blocks_fail_after(heap, 0) for the allocation to succeed in the end. */
static inline void run_in_next_allocation(cairn_heap *heap, void (*run)(void *), void *context) {
  cairn_object *list = cairn_list_new(heap, 4);
  cairn_object *hook = hook_new(heap, run, context);
  assert_true(cairn_list_append(list, list));
  assert_true(cairn_list_append(list, hook));
  cairn_release(hook);
  cairn_release(list); /* garbage now, but for the collector to find */
  blocks_fail_after(heap, 1);
}

#endif

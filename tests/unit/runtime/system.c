/* Memory that can't be had: each mapping and each block allocation of a scenario fails once, and
 * the heap is whole afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cairn/cairn.h"
#include "internal.h"

enum { ROUNDS_MAX = 5000 };

static bool put(cairn_heap *heap, cairn_object *dict, int i) {
  char key[24];
  snprintf(key, sizeof key, "key %d", i);
  cairn_object *list = cairn_list_new(heap, 0);
  cairn_object *number = cairn_int_new(heap, 1000 + i);
  cairn_object *text = cairn_str_intern(heap, key, 4 + (size_t)i % 3);
  cairn_object *weak = list == NULL ? NULL : cairn_weakref_new(heap, list);
  bool done = list != NULL && number != NULL && text != NULL && weak != NULL &&
              cairn_list_append(list, number) && cairn_list_append(list, text) &&
              cairn_list_append(list, weak) && cairn_list_append(list, list) &&
              cairn_dict_set_text(dict, key, list);
  cairn_release(list);
  cairn_release(number);
  cairn_release(text);
  cairn_release(weak);
  return done;
}

/* What a program does with a heap: types, containers, cycles, weak references, large blocks.
 * False when anything failed. */
static bool work(cairn_heap *heap) {
  const cairn_slot_spec slots[] = {
      {.name = "held", .kind = CAIRN_SLOT_STRONG, .offset = sizeof(cairn_object)}};
  const cairn_type_spec spec = {
      .name = "native", .size_bytes = 16, .slots = slots, .slot_count = 1};
  const char *names[] = {"x", "y"};
  cairn_type type = cairn_type_define(heap, &spec);
  cairn_type record = cairn_record_define(heap, "point", names, 2);
  if (type == 0 || record == 0) return false;
  cairn_object *dict = cairn_dict_new(heap);
  bool done = dict != NULL;
  for (int i = 0; done && i < 40; i++) done = put(heap, dict, i);
  if (done) {
    cairn_object *native = cairn_object_new(heap, type);
    cairn_object *point = cairn_record_new(heap, record);
    void *large = cairn_buffer_new(heap, 9 << 20);
    done = native != NULL && point != NULL && large != NULL;
    cairn_buffer_free(large);
    cairn_release(native);
    cairn_release(point);
  }
  cairn_release(dict);
  return done;
}

/* One run with the fault armed.  True when nothing failed: the fault lies behind the end. */
static bool run_with_fault(void) {
  cairn_heap *heap = cairn_heap_new(NULL);
  bool done = heap != NULL && work(heap);
  cairn_fault = (struct cairn_fault){0};
  if (heap == NULL) return false;
  cairn_limit_refresh(heap);
  const char *problem = cairn_heap_validate(heap);
  if (problem != NULL) fail_msg("%s", problem);
  /* The heap is still good for the same work. */
  if (!done) assert_true(work(heap));
  assert_null(cairn_heap_validate(heap));
  assert_true(cairn_heap_destroy(heap, NULL));
  return done;
}

static void each_mapping_may_fail(void **state) {
  (void)state;
  uint64_t n = 1;
  for (;; n++) {
    cairn_fault.map_after = n;
    if (run_with_fault()) break;
    assert_true(n < ROUNDS_MAX);
  }
  assert_true(n > 4); /* chunk, side, arena, ... : there was something to fail */
}

static void each_block_may_fail(void **state) {
  (void)state;
  uint64_t n = 1;
  for (;; n++) {
    cairn_fault.block_after = n;
    if (run_with_fault()) break;
    assert_true(n < ROUNDS_MAX);
  }
  assert_true(n > 200); /* the small ints of a new heap alone are more */
}

static void mappings_are_aligned_and_zeroed(void **state) {
  (void)state;
  const size_t alignments[] = {0, 4096, 65536, CAIRN_ARENA_BYTES};
  for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
    char *memory = cairn_system_map(3 << 20, alignments[i]);
    assert_non_null(memory);
    if (alignments[i] != 0) assert_int_equal((uintptr_t)memory % alignments[i], 0);
    for (size_t byte = 0; byte < 3 << 20; byte += 511) assert_int_equal(memory[byte], 0);
    memory[(3 << 20) - 1] = 1;
    cairn_system_unmap(memory, 3 << 20);
  }
  assert_null(cairn_system_map(SIZE_MAX - 4096, CAIRN_ARENA_BYTES));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_mapping_may_fail),
      cmocka_unit_test(each_block_may_fail),
      cmocka_unit_test(mappings_are_aligned_and_zeroed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

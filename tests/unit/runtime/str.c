/* str, and the intern table. */
#include "builtin_test.h"

static size_t interned_count(const cairn_heap *heap) {
  return cairn_set_count(heap->runtime_slots[CAIRN_RUNTIME_SLOT_INTERN]);
}

static void text_comes_back(void **state) {
  cairn_heap *heap = *state;
  cairn_object *empty = cairn_str_new(heap, NULL, 0);
  assert_int_equal(cairn_str_bytes(empty), 0);
  assert_string_equal(cairn_str_text(empty), "");
  cairn_object *nul = cairn_str_new(heap, "a\0b", 3);
  assert_int_equal(cairn_str_bytes(nul), 3);
  assert_memory_equal(cairn_str_text(nul), "a\0b", 4);
  cairn_object *text = cairn_str_from(heap, "Gr\xc3\xbc\xc3\x9f");
  assert_int_equal(cairn_str_bytes(text), 6);
  cairn_object *both = cairn_str_concat(heap, text, nul);
  assert_int_equal(cairn_str_bytes(both), 9);
  assert_memory_equal(cairn_str_text(both),
                      "Gr\xc3\xbc\xc3\x9f"
                      "a\0b",
                      10);
  cairn_object *same = cairn_str_concat(heap, empty, empty);
  assert_int_equal(cairn_str_bytes(same), 0);
  cairn_release(empty);
  cairn_release(nul);
  cairn_release(text);
  cairn_release(both);
  cairn_release(same);
}

static void long_text_is_one_block(void **state) {
  cairn_heap *heap = *state;
  const size_t bytes = 10 << 20;
  char *text = malloc(bytes);
  assert_non_null(text);
  memset(text, 'x', bytes);
  cairn_object *str = cairn_str_new(heap, text, bytes);
  assert_non_null(str);
  assert_int_equal(cairn_str_bytes(str), bytes);
  assert_int_equal(cairn_str_text(str)[bytes], 0);
  assert_in_range(cairn_object_size(str), bytes + 17, bytes + (bytes >> 3));
  assert_whole(heap);
  cairn_release(str);
  /* Not read: a str can't be so long. */
  assert_null(cairn_str_new(heap, text, (size_t)CAIRN_STR_MAX_BYTES + 1));
  free(text);
}

static void interned_strs_are_one(void **state) {
  cairn_heap *heap = *state;
  cairn_object *a = cairn_str_intern(heap, "stone", 5);
  assert_int_equal(cairn_refcount(a), 2); /* the table's and ours */
  assert_ptr_equal(cairn_str_intern(heap, "stone", 5), a);
  assert_int_equal(cairn_refcount(a), 3);
  assert_true((a->header & CAIRN_STATE(INTERNED)) != 0);
  cairn_object *plain = cairn_str_from(heap, "stone");
  assert_ptr_not_equal(plain, a);
  assert_true((plain->header & CAIRN_STATE(INTERNED)) == 0);
  assert_true(cairn_equal(plain, a));
  cairn_object *prefix = cairn_str_intern(heap, "stone", 4);
  assert_ptr_not_equal(prefix, a);
  assert_int_equal(interned_count(heap), 2);
  cairn_release(prefix);
  cairn_release(plain);
  cairn_release(a);
  cairn_release(a);
}

static void unused_interned_strs_go(void **state) {
  cairn_heap *heap = *state;
  cairn_object *kept = cairn_str_intern(heap, "kept", 4);
  cairn_object *weakly = cairn_str_intern(heap, "weakly", 6);
  cairn_object *weakref = cairn_weakref_new(heap, weakly);
  cairn_release(weakly);
  cairn_release(cairn_str_intern(heap, "gone", 4));
  assert_int_equal(interned_count(heap), 3);
  cairn_collect(heap);
  assert_int_equal(interned_count(heap), 1);
  assert_null(cairn_weakref_get(weakref));
  assert_ptr_equal(cairn_str_intern(heap, "kept", 4), kept);
  cairn_release(kept);
  cairn_release(kept);
  cairn_intern_sweep(heap);
  assert_int_equal(interned_count(heap), 0);
  cairn_release(weakref);
}

/* A table that is swept before it grows stays small however many texts pass through. */
static void passing_strs_do_not_grow_the_table(void **state) {
  cairn_heap *heap = *state;
  char text[24];
  for (int i = 0; i < 100000; i++) {
    int bytes = snprintf(text, sizeof(text), "passing %d", i);
    cairn_release(cairn_str_intern(heap, text, (size_t)bytes));
    assert_in_range(interned_count(heap), 1, 64);
  }
}

static void many_interned_strs(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 20000 };
  static cairn_object *strs[COUNT];
  char text[24];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < COUNT; i++) {
      int bytes = snprintf(text, sizeof(text), "%d", i);
      cairn_object *str = cairn_str_intern(heap, text, (size_t)bytes);
      if (round == 1) assert_ptr_equal(str, strs[i]);
      strs[i] = str;
    }
  }
  assert_int_equal(interned_count(heap), COUNT);
  assert_whole(heap);
  for (int i = 0; i < COUNT; i++) {
    cairn_release(strs[i]);
    cairn_release(strs[i]);
  }
}

struct intern_meanwhile {
  cairn_heap *heap;
  cairn_object *str;
};

static void intern_the_same(void *context) {
  struct intern_meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  meanwhile->str = cairn_str_intern(meanwhile->heap, "twice", 5);
}

/* Making the str runs a finalizer that interns the same text: there is still one str. */
static void interning_is_reentrant(void **state) {
  cairn_heap *heap = *state;
  struct intern_meanwhile meanwhile = {.heap = heap};
  run_in_next_allocation(heap, intern_the_same, &meanwhile);
  cairn_object *str = cairn_str_intern(heap, "twice", 5);
  assert_non_null(meanwhile.str);
  assert_ptr_equal(str, meanwhile.str);
  assert_int_equal(cairn_refcount(str), 3);
  cairn_release(str);
  cairn_release(str);
}

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *str = NULL;
  uint64_t blocks = 1;
  for (; str == NULL; blocks++) {
    blocks_fail_after(heap, blocks);
    str = cairn_str_intern(heap, "text", 4);
    blocks_fail_after(heap, 0);
    assert_int_equal(interned_count(heap), str == NULL ? 0 : 1);
    assert_whole(heap);
  }
  assert_in_range(blocks, 3, 5); /* the str and the table's buffer */
  blocks_fail_after(heap, 1);
  assert_null(cairn_str_from(heap, "x"));
  assert_null(cairn_str_concat(heap, str, str));
  assert_ptr_equal(cairn_str_intern(heap, "text", 4), str); /* needs no memory */
  blocks_fail_after(heap, 0);
  cairn_release(str);
  cairn_release(str);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(text_comes_back),
      WITH_HEAP(long_text_is_one_block),
      WITH_HEAP(interned_strs_are_one),
      WITH_HEAP(unused_interned_strs_go),
      WITH_HEAP(passing_strs_do_not_grow_the_table),
      WITH_HEAP(many_interned_strs),
      WITH_HEAP(interning_is_reentrant),
      WITH_HEAP(memory_can_be_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

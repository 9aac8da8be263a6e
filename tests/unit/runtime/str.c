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

/* ---- joining, appending, cutting ------------------------------------------------------------- */

/* The str's text is that, the bytes behind it are 0, and it equals a new str of that text. */
static void assert_text(cairn_object *str, const char *text, size_t bytes) {
  cairn_heap *heap = cairn_object_heap(str);
  assert_int_equal(cairn_str_bytes(str), bytes);
  assert_memory_equal(cairn_str_text(str), text, bytes);
  for (size_t i = bytes; i < bytes / 8 * 8 + 8; i++) assert_int_equal(cairn_str_text(str)[i], 0);
  cairn_object *same = cairn_str_new(heap, text, bytes);
  assert_non_null(same);
  assert_true(cairn_equal(str, same));
  assert_int_equal(cairn_hash(str), cairn_hash(same));
  cairn_release(same);
}

static cairn_object *pieces_new(cairn_heap *heap, size_t count) {
  cairn_object *pieces = cairn_list_new(heap, 0);
  for (size_t i = 0; i < count; i++) {
    cairn_object *piece = cairn_str_new(heap, "abcdefghijklmnopqrstuvwxyz", i % 27);
    assert_true(cairn_list_append(pieces, piece));
    cairn_release(piece);
  }
  return pieces;
}

/* What join makes of them, made by hand. */
static size_t joined_by_hand(const cairn_object *pieces, const char *separator, char *text) {
  char *at = text;
  for (size_t i = 0; i < cairn_list_count(pieces); i++) {
    const cairn_object *piece = cairn_list_get(pieces, i);
    at += sprintf(at, "%s%s", i == 0 ? "" : separator, cairn_str_text(piece));
  }
  return (size_t)(at - text);
}

static void joining(void **state) {
  cairn_heap *heap = *state;
  static char text[40000];
  const char *separators[] = {"", ", ", "a longer separator than most"};
  for (size_t count = 0; count < 200; count = count * 2 + 1) {
    cairn_object *pieces = pieces_new(heap, count);
    size_t item_count;
    cairn_object *const *items = cairn_list_items(pieces, &item_count);
    cairn_object *tuple = cairn_tuple_new(heap, item_count, items);
    for (size_t i = 0; i < 3; i++) {
      cairn_object *separator = i == 0 ? NULL : cairn_str_from(heap, separators[i]);
      size_t bytes = joined_by_hand(pieces, separators[i], text);
      cairn_object *joined = cairn_str_join(heap, separator, pieces);
      cairn_object *of_tuple = cairn_str_join(heap, separator, tuple);
      assert_text(joined, text, bytes);
      assert_text(of_tuple, text, bytes);
      cairn_release(of_tuple);
      cairn_release(joined);
      cairn_release(separator);
    }
    cairn_release(tuple);
    assert_true(cairn_list_append(pieces, cairn_none(heap)));
    assert_null(cairn_str_join(heap, NULL, pieces)); /* one is no str */
    cairn_release(pieces);
  }
}

struct join_meanwhile {
  cairn_heap *heap;
  cairn_object *pieces;
  bool drops;
};

static void change_pieces(void *context) {
  struct join_meanwhile *meanwhile = context;
  blocks_fail_after(meanwhile->heap, 0);
  if (meanwhile->drops) {
    cairn_clear(&meanwhile->pieces);
    return;
  }
  cairn_object *piece = cairn_str_from(meanwhile->heap, "more");
  assert_true(cairn_list_append(meanwhile->pieces, piece));
  cairn_release(piece);
}

/* Allocating runs code that appends a piece, or drops all of them. */
static void joining_reads_the_pieces_again(void **state) {
  cairn_heap *heap = *state;
  struct join_meanwhile meanwhile = {.heap = heap, .pieces = pieces_new(heap, 4)};
  run_in_next_allocation(heap, change_pieces, &meanwhile);
  cairn_object *joined = cairn_str_join(heap, NULL, meanwhile.pieces);
  assert_text(joined, "aababcmore", 10);
  cairn_release(joined);
  meanwhile.drops = true;
  cairn_object *pieces = meanwhile.pieces;
  run_in_next_allocation(heap, change_pieces, &meanwhile);
  joined = cairn_str_join(heap, NULL, pieces);
  assert_null(meanwhile.pieces);
  assert_text(joined, "aababcmore", 10);
  cairn_release(joined);
}

static void appending(void **state) {
  cairn_heap *heap = *state;
  static char text[400000];
  size_t bytes = 0;
  uint64_t random = random_seed();
  cairn_object *str = cairn_str_from(heap, "");
  cairn_object *held = NULL; /* another reference, now and then: that str must not change */
  size_t held_bytes = 0;
  for (int step = 0; step < 3000; step++) {
    char piece[100];
    size_t piece_bytes = random_below(&random, sizeof(piece));
    for (size_t i = 0; i < piece_bytes; i++) piece[i] = (char)random_next(&random);
    if (random_below(&random, 50) == 0) {
      cairn_release(held);
      held = cairn_retain(str);
      held_bytes = bytes;
    }
    if (random_below(&random, 2) == 0) {
      assert_true(cairn_str_append_text(&str, piece, piece_bytes));
    } else {
      cairn_object *tail = cairn_str_new(heap, piece, piece_bytes);
      assert_true(cairn_str_append(&str, tail));
      cairn_release(tail);
    }
    memcpy(text + bytes, piece, piece_bytes);
    bytes += piece_bytes;
    if (random_below(&random, 10) == 0) (void)cairn_hash(str); /* and that of the longer differs */
    if (step % 16 == 0) assert_text(str, text, bytes);
    if (held != NULL) assert_int_equal(cairn_str_bytes(held), held_bytes);
  }
  assert_text(str, text, bytes);
  assert_text(held, text, held_bytes);
  cairn_release(held);
  cairn_release(str);

  str = cairn_str_from(heap, "twice ");
  assert_true(cairn_str_append(&str, str));
  assert_true(cairn_str_append(&str, str));
  assert_text(str, "twice twice twice twice ", 24);
  cairn_release(str);

  cairn_object *interned = cairn_str_intern(heap, "stone", 5);
  cairn_object *longer = cairn_retain(interned);
  assert_true(cairn_str_append_text(&longer, "s", 1));
  assert_text(interned, "stone", 5);
  assert_text(longer, "stones", 6);
  cairn_release(interned);
  cairn_release(longer);
}

/* A million pieces one by one: the room grows with the text. */
static void appending_is_linear(void **state) {
  cairn_heap *heap = *state;
  cairn_object *str = cairn_str_from(heap, "");
  cairn_stats before, after;
  cairn_heap_stats(heap, &before);
  for (int i = 0; i < 1000000; i++) assert_true(cairn_str_append_text(&str, "0123456789", 10));
  cairn_heap_stats(heap, &after);
  assert_int_equal(cairn_str_bytes(str), 10000000);
  assert_in_range(after.allocation_count - before.allocation_count, 10, 60);
  cairn_release(str);
}

static void formatting_and_cutting(void **state) {
  cairn_heap *heap = *state;
  cairn_object *str = cairn_str_format(heap, "%d stones of %s", 12, "granite");
  assert_text(str, "12 stones of granite", 20);
  const struct {
    size_t first, bytes;
    const char *text;
  } slices[] = {{0, 2, "12"},       {3, 6, "stones"}, {13, 7, "granite"},
                {13, 8, "granite"}, {20, 1, ""},      {21, SIZE_MAX, ""},
                {SIZE_MAX, 1, ""},  {0, 0, ""},       {0, 20, "12 stones of granite"}};
  for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
    cairn_object *slice = cairn_str_slice(heap, str, slices[i].first, slices[i].bytes);
    assert_text(slice, slices[i].text, strlen(slices[i].text));
    cairn_release(slice);
  }
  cairn_release(str);
  str = cairn_str_format(heap, "%s", "");
  assert_text(str, "", 0);
  cairn_release(str);
}

static void building_without_memory(void **state) {
  cairn_heap *heap = *state;
  cairn_object *pieces = pieces_new(heap, 10);
  cairn_object *str = cairn_str_from(heap, "whole");
  cairn_object *other = cairn_retain(str);
  blocks_fail_after(heap, 1);
  assert_null(cairn_str_join(heap, str, pieces));
  assert_null(cairn_str_format(heap, "%d", 1));
  assert_null(cairn_str_slice(heap, str, 1, 2));
  assert_false(cairn_str_append_text(&str, "more", 4));
  assert_false(cairn_str_append(&str, str));
  blocks_fail_after(heap, 0);
  assert_ptr_equal(str, other);
  assert_text(str, "whole", 5);
  assert_int_equal(cairn_refcount(str), 2);
  assert_int_equal(cairn_refcount(pieces), 1);
  cairn_release(other);
  cairn_release(str);
  cairn_release(pieces);
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
      WITH_HEAP(joining),
      WITH_HEAP(joining_reads_the_pieces_again),
      WITH_HEAP(appending),
      WITH_HEAP(appending_is_linear),
      WITH_HEAP(formatting_and_cutting),
      WITH_HEAP(building_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

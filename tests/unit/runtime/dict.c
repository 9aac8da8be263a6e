/* dict. */
#include "builtin.h"
#include "dict_ints.h"
#include "mapping_test.h"

static void assert_model(const cairn_object *dict, const struct model *model) {
  assert_int_equal(cairn_dict_count(dict), model->count);
  size_t position = 0;
  cairn_object *key = NULL, *value = NULL;
  for (size_t i = 0; i < model->count; i++) {
    assert_true(cairn_dict_next(dict, &position, &key, &value));
    assert_int_equal(value_of(key), model->keys[i]);
    assert_int_equal(value_of(value), model->values[i]);
  }
  assert_false(cairn_dict_next(dict, &position, &key, &value));
}

static void edges(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *none = cairn_none(heap);
  size_t position = 0;
  assert_int_equal(cairn_dict_count(dict), 0);
  assert_null(cairn_dict_get(dict, none));
  assert_null(cairn_dict_get_text(dict, ""));
  assert_false(cairn_dict_remove(dict, none));
  assert_false(cairn_dict_next(dict, &position, NULL, NULL));
  assert_int_equal(position, 0);
  cairn_dict_clear(dict);
  assert_true(cairn_dict_set(dict, none, none));
  assert_true(cairn_dict_next(dict, &position, NULL, NULL));
  assert_false(cairn_dict_next(dict, &position, NULL, NULL));
  cairn_release(dict);
}

static void counts_are_those_of_the_entries(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *key = int_of(heap, 1000);
  cairn_object *equal = cairn_float_new(heap, 1000);
  cairn_object *value = int_of(heap, 2000);
  assert_true(cairn_dict_set(dict, key, value));
  assert_true(cairn_dict_set(dict, equal, key)); /* an equal key that is there stays */
  assert_int_equal(cairn_refcount(key), 3);
  assert_int_equal(cairn_refcount(equal), 1);
  assert_int_equal(cairn_refcount(value), 1);
  assert_ptr_equal(cairn_dict_get(dict, equal), key);
  assert_true(cairn_dict_remove(dict, equal));
  assert_int_equal(cairn_refcount(key), 1);
  cairn_release(key);
  cairn_release(equal);
  cairn_release(value);
  cairn_release(dict);
}

static void text_keys(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *value = int_of(heap, 1000);
  assert_true(cairn_dict_set_text(dict, "stone", value));
  assert_true(cairn_dict_set_text(dict, "stone", value));
  assert_true(cairn_dict_set_text(dict, "", value));
  assert_int_equal(cairn_dict_count(dict), 2);
  assert_ptr_equal(cairn_dict_get_text(dict, "stone"), value);
  assert_ptr_equal(cairn_dict_get_text(dict, ""), value);
  assert_null(cairn_dict_get_text(dict, "ston"));
  cairn_object *plain = cairn_str_from(heap, "stone");
  assert_ptr_equal(cairn_dict_get(dict, plain), value);
  cairn_object *interned = cairn_str_intern(heap, "stone", 5);
  assert_int_equal(cairn_refcount(interned), 3); /* the table's, the dict's, ours */
  cairn_object *bytes = cairn_bytes_new(heap, "stone", 5);
  assert_null(cairn_dict_get(dict, bytes));
  cairn_release(bytes);
  cairn_release(interned);
  cairn_release(plain);
  cairn_release(value);
  cairn_release(dict);
}

/* Numbers are found with and without objects for them, whatever else is in the dict. */
static void number_keys(void **state) {
  cairn_heap *heap = *state;
  const int64_t counts[] = {0, 3, 6, 7, 10, 11, 1000};
  for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
    for (int mixed = 0; mixed < 2; mixed++) {
      cairn_object *dict = cairn_dict_new(heap);
      if (mixed == 1) assert_true(cairn_dict_set(dict, cairn_none(heap), cairn_none(heap)));
      for (int64_t i = 0; i < counts[c]; i++) {
        cairn_object *value = int_of(heap, i);
        assert_true(cairn_dict_set_int(dict, i * 1000 - 3000, value));
        assert_true(cairn_dict_set_int(dict, i * 1000 - 3000, value));
        cairn_release(value);
      }
      assert_int_equal(cairn_dict_count(dict), counts[c] + mixed);
      for (int64_t i = 0; i < counts[c]; i++) {
        assert_int_equal(value_of(cairn_dict_get_int(dict, i * 1000 - 3000)), i);
        assert_int_equal(value_of(get_int(dict, i * 1000 - 3000)), i);
        assert_null(cairn_dict_get_int(dict, i * 1000 - 2999));
        assert_null(get_int(dict, i * 1000 - 2999));
      }
      /* A float of the same value is the same key, and makes the dict one of all kinds. */
      cairn_object *half = cairn_float_new(heap, 0.5), *three = cairn_float_new(heap, -3000);
      assert_int_equal(cairn_dict_get(dict, three) != NULL, counts[c] > 0);
      assert_true(cairn_dict_set(dict, half, half));
      assert_true(cairn_dict_set(dict, three, three));
      assert_ptr_equal(cairn_dict_get_int(dict, -3000), three);
      assert_ptr_equal(cairn_dict_get(dict, half), half);
      assert_null(cairn_dict_get_int(dict, 0x3fe0000000000000)); /* the bits of 0.5 */
      cairn_release(three);
      cairn_release(half);
      cairn_release(dict);
    }
  }
}

static void popping(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  for (int64_t i = 0; i < 100; i++) set_ints(dict, 1000 + i, 2000 + i);
  for (int64_t i = 0; i < 100; i++) {
    cairn_object *key = int_of(heap, 1000 + i * 7 % 100);
    cairn_object *value = cairn_dict_pop(dict, key);
    assert_int_equal(value_of(value), 2000 + i * 7 % 100);
    assert_int_equal(cairn_refcount(value), 1);
    assert_null(cairn_dict_pop(dict, key));
    cairn_release(value);
    cairn_release(key);
  }
  assert_int_equal(cairn_dict_count(dict), 0);
  cairn_release(dict);
}

/* The references change hands, and are gone when there is no memory. */
static void giving(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *value = int_of(heap, 500);
  int failures = 0;
  for (int64_t i = 1000; i < 1100; i++) {
    cairn_object *key = int_of(heap, i);
    blocks_fail_after(heap, 1);
    bool given = cairn_dict_give(dict, cairn_retain(key), cairn_retain(value));
    blocks_fail_after(heap, 0);
    failures += given ? 0 : 1;
    assert_int_equal(cairn_refcount(key), given ? 2 : 1);
    if (!given) assert_true(cairn_dict_give(dict, cairn_retain(key), cairn_retain(value)));
    assert_int_equal(cairn_refcount(value), 1 + cairn_dict_count(dict));
    /* An equal key that is there stays, and its value goes. */
    assert_true(cairn_dict_give(dict, int_of(heap, i), cairn_retain(value)));
    assert_int_equal(cairn_refcount(key), 2);
    assert_int_equal(cairn_refcount(value), 1 + cairn_dict_count(dict));
    cairn_release(key);
  }
  assert_in_range(failures, 3, 10);
  assert_false(cairn_dict_give(dict, NULL, cairn_retain(value)));
  assert_false(cairn_dict_give(dict, cairn_retain(value), NULL));
  assert_int_equal(cairn_refcount(value), 1 + cairn_dict_count(dict));
  cairn_release(value);
  cairn_release(dict);
}

static void reserving(void **state) {
  cairn_heap *heap = *state;
  const size_t counts[] = {1, 6, 7, 100, 5000};
  for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
    cairn_object *dict = cairn_dict_new(heap);
    assert_true(cairn_dict_set_text(dict, "first", cairn_none(heap)));
    blocks_fail_after(heap, 1);
    assert_int_equal(cairn_dict_reserve(dict, counts[c]), counts[c] < 6);
    blocks_fail_after(heap, 0);
    assert_true(cairn_dict_reserve(dict, counts[c]));
    cairn_object *key = NULL;
    for (size_t i = 0; i < counts[c]; i++) {
      key = int_of(heap, 1000 + (int64_t)i);
      blocks_fail_after(heap, 1); /* no more memory is needed */
      assert_true(cairn_dict_set(dict, key, cairn_none(heap)));
      blocks_fail_after(heap, 0);
      cairn_release(key);
    }
    assert_int_equal(cairn_dict_count(dict), 1 + counts[c]);
    assert_true(cairn_is_none(cairn_dict_get_text(dict, "first")));
    cairn_release(dict);
  }
  cairn_object *dict = cairn_dict_new(heap);
  assert_false(cairn_dict_reserve(dict, SIZE_MAX));
  assert_true(cairn_dict_reserve(dict, 0));
  cairn_release(dict);
}

/* ---- against an array ----------------------------------------------------------------------- */

/* Few keys give many replacements and removals, many keys let the dict grow. */
static void random_operations_on(cairn_heap *heap, uint64_t *random, uint64_t keys, int steps) {
  cairn_object *dict = cairn_dict_new(heap);
  static struct model model;
  model.count = 0;
  for (int step = 0; step < steps; step++) {
    int64_t key = (int64_t)(random_below(random, keys) * 1024) - 5000;
    int64_t value = 1000 + step;
    /* Grows for a while, then shrinks for a while. */
    if (random_below(random, 8) < (step / 2000 % 2 == 0 ? 5u : 2u)) {
      set_ints(dict, key, value);
      model_set(&model, key, value);
    } else {
      assert_int_equal(remove_int(dict, key), model_remove(&model, key));
    }
    key = (int64_t)(random_below(random, keys) * 1024) - 5000;
    size_t at = model_find(&model, key);
    const cairn_object *got = get_int(dict, key);
    assert_int_equal(got != NULL, at < model.count);
    if (got != NULL) assert_int_equal(value_of(got), model.values[at]);
    if (step % 64 == 0) assert_model(dict, &model);
    if (step % 4096 == 0) assert_whole(heap);
    if (random_below(random, 5000) == 0) {
      cairn_dict_clear(dict);
      model.count = 0;
    }
  }
  cairn_release(dict);
}

static void random_operations(void **state) {
  uint64_t random = random_seed();
  const uint64_t keys[] = {1, 3, 8, 9, 20, 100, MODEL_MAX};
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    random_operations_on(*state, &random, keys[i], 8000);
  }
}

static void a_million_entries(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  for (int64_t key = 0; key < 1000000; key++) set_ints(dict, key << 20, key);
  assert_int_equal(cairn_dict_count(dict), 1000000);
  for (int64_t key = 0; key < 1000000; key += 7) {
    assert_int_equal(value_of(get_int(dict, key << 20)), key);
    assert_null(get_int(dict, (key << 20) + 1));
  }
  cairn_release(dict);
}

/* The oldest entry is found at once, however many were removed before it. */
static void the_oldest_entry(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  for (int64_t key = 0; key < 100000; key++) set_ints(dict, key, key);
  for (int64_t key = 0; key < 100000; key++) {
    size_t position = 0;
    cairn_object *oldest = NULL, *value = NULL;
    assert_true(cairn_dict_next(dict, &position, &oldest, &value));
    assert_int_equal(value_of(oldest), key);
    assert_int_equal(value_of(value), key);
    assert_true(cairn_dict_remove(dict, oldest));
  }
  assert_int_equal(cairn_dict_count(dict), 0);
  cairn_release(dict);
}

/* Holes are closed and big buffers go back: a queue stays small. */
static void a_queue_stays_small(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  uint64_t before = stats.used_bytes;
  for (int64_t key = 0; key < 100000; key++) {
    set_ints(dict, key, key);
    if (key >= 50) assert_true(remove_int(dict, key - 50));
  }
  assert_int_equal(cairn_dict_count(dict), 50);
  cairn_heap_stats(heap, &stats);
  assert_in_range(stats.used_bytes - before, 1, 20000);
  cairn_dict_clear(dict);
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.used_bytes, before);
  cairn_release(dict);
}

static void walking_while_removing(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  for (int64_t key = 0; key < 1000; key++) set_ints(dict, key, key);
  size_t position = 0;
  int64_t seen = 0;
  cairn_object *key = NULL, *value = NULL;
  while (cairn_dict_next(dict, &position, &key, &value)) {
    assert_int_equal(value_of(key), seen++);
    if (value_of(key) % 3 != 0) assert_true(cairn_dict_remove(dict, key));
  }
  assert_int_equal(seen, 1000);
  assert_int_equal(cairn_dict_count(dict), 334);
  cairn_release(dict);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void memory_can_be_out(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  cairn_object *value = int_of(heap, 1000);
  int failures = 0;
  for (int64_t key = 1000; key < 1200; key++) {
    cairn_object *key_object = int_of(heap, key);
    size_t count = cairn_dict_count(dict);
    blocks_fail_after(heap, 1);
    bool set = cairn_dict_set(dict, key_object, value);
    assert_int_equal(cairn_dict_get(dict, key_object) != NULL, set);
    blocks_fail_after(heap, 0);
    failures += set ? 0 : 1;
    assert_int_equal(cairn_dict_count(dict), count + (set ? 1 : 0));
    assert_int_equal(cairn_refcount(value), 1 + cairn_dict_count(dict));
    assert_int_equal(cairn_refcount(key_object), set ? 2 : 1);
    assert_whole(heap);
    if (!set) assert_true(cairn_dict_set(dict, key_object, value));
    cairn_release(key_object);
  }
  assert_in_range(failures, 4, 10);
  bool set = false;
  for (uint64_t blocks = 1; !set; blocks++) {
    blocks_fail_after(heap, blocks);
    set = cairn_dict_set_text(dict, "text", value);
    blocks_fail_after(heap, 0);
    assert_int_equal(cairn_dict_get_text(dict, "text") != NULL, set);
    assert_whole(heap);
  }
  set = false;
  for (uint64_t blocks = 1; !set; blocks++) {
    blocks_fail_after(heap, blocks);
    set = cairn_dict_set_int(dict, 987654, value);
    blocks_fail_after(heap, 0);
    assert_int_equal(cairn_dict_get_int(dict, 987654) != NULL, set);
    assert_whole(heap);
  }
  blocks_fail_after(heap, 1);
  assert_null(cairn_dict_new(heap));
  blocks_fail_after(heap, 0);
  cairn_release(value);
  cairn_release(dict);
}

static void cycles_are_collected(void **state) {
  cairn_heap *heap = *state;
  cairn_object *dict = cairn_dict_new(heap);
  assert_true(cairn_dict_set(dict, dict, cairn_none(heap)));
  assert_true(cairn_dict_set_text(dict, "self", dict));
  cairn_release(dict);
  assert_int_equal(cairn_collect(heap), 2); /* and the key, which the intern table dropped */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(edges),
      WITH_HEAP(counts_are_those_of_the_entries),
      WITH_HEAP(text_keys),
      WITH_HEAP(number_keys),
      WITH_HEAP(popping),
      WITH_HEAP(giving),
      WITH_HEAP(reserving),
      WITH_HEAP(random_operations),
      WITH_HEAP(a_million_entries),
      WITH_HEAP(the_oldest_entry),
      WITH_HEAP(a_queue_stays_small),
      WITH_HEAP(walking_while_removing),
      WITH_HEAP(memory_can_be_out),
      WITH_HEAP(cycles_are_collected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Equality and hashes. */
#include <math.h>

#include "builtin.h"
#include "builtin_test.h"

/* ---- scalars, texts, identities ------------------------------------------------------------- */

/* Equal exactly when the classes are; equal ones have equal hashes. */
static void values_are_equal_by_class(void **state) {
  cairn_heap *heap = *state;
  cairn_object *one = cairn_int_new(heap, 1);
  cairn_object *one_float = cairn_float_new(heap, 1);
  cairn_object *list = cairn_list_new(heap, 0);
  const struct {
    int class;
    cairn_object *object;
  } rows[] = {
      {0, cairn_none(heap)},
      {1, cairn_bool(heap, true)},
      {2, cairn_bool(heap, false)},
      {3, cairn_int_new(heap, 0)},
      {3, cairn_float_new(heap, 0.0)},
      {3, cairn_float_new(heap, -0.0)},
      {4, one},
      {4, one_float},
      {5, cairn_int_new(heap, -1)},
      {6, cairn_int_new(heap, INT64_C(1) << 53)},
      {6, cairn_float_new(heap, 9007199254740992.0)},
      {7, cairn_int_new(heap, (INT64_C(1) << 53) + 1)},
      {8, cairn_int_new(heap, INT64_MAX)},
      {9, cairn_float_new(heap, 9223372036854775808.0)},
      {10, cairn_int_new(heap, INT64_MIN)},
      {10, cairn_float_new(heap, -9223372036854775808.0)},
      {11, cairn_float_new(heap, 0.5)},
      {11, cairn_float_new(heap, 0.5)},
      {12, cairn_float_new(heap, INFINITY)},
      {13, cairn_float_new(heap, NAN)},
      {14, cairn_float_new(heap, NAN)},
      {15, cairn_str_from(heap, "")},
      {15, cairn_str_intern(heap, "", 0)},
      {16, cairn_str_from(heap, "text longer than sixteen bytes")},
      {16, cairn_str_intern(heap, "text longer than sixteen bytes", 30)},
      {17, cairn_str_new(heap, "a\0b", 3)},
      {18, cairn_str_new(heap, "a\0c", 3)},
      {19, cairn_bytes_new(heap, "", 0)},
      {20, cairn_bytes_new(heap, "a\0b", 3)},
      {20, cairn_bytes_new(heap, "a\0b", 3)},
      {21, cairn_tuple_new(heap, 0, NULL)},
      {21, cairn_tuple_new(heap, 0, NULL)},
      {22, cairn_tuple_new(heap, 1, &one)},
      {22, cairn_tuple_new(heap, 1, &one_float)},
      {23, cairn_tuple_new(heap, 1, &list)},
      {24, list},
      {25, cairn_list_new(heap, 0)},
      {26, cairn_dict_new(heap)},
      {27, cairn_dict_new(heap)},
      {28, cairn_cell_new(heap, NULL)},
  };
  const size_t count = sizeof(rows) / sizeof(rows[0]);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) {
      bool equal = rows[i].class == rows[j].class;
      if (cairn_equal(rows[i].object, rows[j].object) != equal) fail_msg("rows %zu, %zu", i, j);
      bool same_hash = cairn_hash(rows[i].object) == cairn_hash(rows[j].object);
      if (equal && !same_hash) fail_msg("hashes of rows %zu, %zu", i, j);
    }
    assert_false(cairn_equal(rows[i].object, NULL));
    assert_false(cairn_equal(NULL, rows[i].object));
  }
  assert_true(cairn_equal(NULL, NULL));
  assert_int_equal(cairn_hash(NULL), 0);
  for (size_t i = 0; i < count; i++) cairn_release(rows[i].object);
}

static void objects_of_two_heaps(void **state) {
  cairn_heap *heap = *state;
  cairn_heap *other = cairn_heap_new(NULL);
  assert_true(cairn_equal(cairn_none(heap), cairn_none(other)));
  assert_true(cairn_equal(cairn_bool(heap, true), cairn_bool(other, true)));
  assert_false(cairn_equal(cairn_bool(heap, true), cairn_bool(other, false)));
  assert_true(cairn_equal(cairn_int_new(heap, 7), cairn_int_new(other, 7)));
  /* One seed: what several heaps share is found in the dicts of all. */
  assert_int_equal(cairn_hash(cairn_int_new(heap, 7)), cairn_hash(cairn_int_new(other, 7)));
  cairn_object *str = cairn_str_from(heap, "stone"), *same = cairn_str_from(other, "stone");
  assert_int_equal(cairn_hash(str), cairn_hash(same));
  cairn_release(str);
  cairn_release(same);
  assert_true(cairn_heap_destroy(other, NULL));
}

/* Each length, and each byte of it, counts. */
static void hashes_of_texts_differ(void **state) {
  cairn_heap *heap = *state;
  char text[64];
  memset(text, 'x', sizeof(text));
  cairn_object *set = cairn_set_new(heap);
  for (size_t bytes = 0; bytes <= sizeof(text); bytes++) {
    cairn_object *str = cairn_str_new(heap, text, bytes);
    uint64_t hash = cairn_hash(str);
    for (size_t i = 0; i < bytes; i++) {
      text[i] ^= 1;
      cairn_object *other = cairn_str_new(heap, text, bytes);
      assert_int_not_equal(cairn_hash(other), hash);
      text[i] ^= 1;
      cairn_release(other);
    }
    assert_true(cairn_set_add(set, str));
    cairn_release(str);
  }
  assert_int_equal(cairn_set_count(set), sizeof(text) + 1);
  cairn_release(set);
}

/* A hash is good when a table of it is: near 1 - 1/e of the buckets are in use. */
static void hashes_spread(void **state) {
  cairn_heap *heap = *state;
  enum { BUCKETS = 4096 };
  for (int shift = 0; shift < 48; shift += 8) {
    uint8_t used[BUCKETS] = {0};
    int count = 0;
    for (int64_t i = 0; i < BUCKETS; i++) {
      cairn_object *number = int_of(heap, i << shift);
      uint64_t bucket = cairn_hash(number) % BUCKETS;
      cairn_release(number);
      count += used[bucket] == 0 ? 1 : 0;
      used[bucket] = 1;
    }
    assert_in_range(count, BUCKETS * 60 / 100, BUCKETS * 66 / 100);
  }
}

/* Of the hashes that tables use the high bits choose the place and the low half gives the tag. */
static void hashes_of_tables_spread(void **state) {
  cairn_heap *heap = *state;
  enum { BUCKETS = 4096 };
  for (int shift = 0; shift < 48; shift++) {
    uint8_t used[2][BUCKETS] = {{0}};
    int count[2] = {0};
    for (int64_t i = 0; i < BUCKETS; i++) {
      cairn_object *number = int_of(heap, i << shift);
      uint64_t hash = cairn_hash_key(number);
      cairn_release(number);
      const uint64_t buckets[2] = {hash >> 52, (hash >> 20) % BUCKETS};
      for (int part = 0; part < 2; part++) {
        count[part] += used[part][buckets[part]] == 0 ? 1 : 0;
        used[part][buckets[part]] = 1;
      }
    }
    /* The seed is drawn for each run: of some hundred the worst used 1,226. */
    for (int part = 0; part < 2; part++) assert_in_range(count[part], BUCKETS / 4, BUCKETS);
  }
}

/* ---- tuples --------------------------------------------------------------------------------- */

static cairn_object *tuple_of(cairn_object *first, cairn_object *second) {
  cairn_object *items[] = {first, second};
  cairn_object *tuple = cairn_tuple_new(cairn_object_heap(first), 2, items);
  assert_non_null(tuple);
  cairn_release(first);
  cairn_release(second);
  return tuple;
}

/* Nested a million deep; `left`: in its first item.  The innermost item is `value`. */
static cairn_object *deep_tuple(cairn_heap *heap, int64_t value, bool left) {
  cairn_object *tuple = int_of(heap, value);
  for (int i = 0; i < 1000000; i++) {
    cairn_object *other = int_of(heap, i % 200);
    tuple = left ? tuple_of(tuple, other) : tuple_of(other, tuple);
  }
  return tuple;
}

static void depth_is_no_obstacle(void **state) {
  cairn_heap *heap = *state;
  for (int left = 0; left <= 1; left++) {
    cairn_object *a = deep_tuple(heap, 1000, left != 0);
    cairn_object *b = deep_tuple(heap, 1000, left != 0);
    cairn_object *c = deep_tuple(heap, 1001, left != 0);
    assert_true(cairn_equal(a, b));
    assert_false(cairn_equal(a, c));
    assert_int_equal(cairn_hash(a), cairn_hash(b));
    cairn_release(a);
    cairn_release(b);
    cairn_release(c);
  }
}

/* A random tree; the same random numbers give an equal one.  Leaf number `odd` differs. */
static cairn_object *random_tree(cairn_heap *heap, uint64_t *random, int depth, int *odd) {
  uint64_t count = random_below(random, 5);
  if (depth == 0 || count == 4) {
    int64_t value = (int64_t)random_below(random, 1000);
    if ((*odd)-- == 0) value += 100000;
    return random_below(random, 2) == 0 ? int_of(heap, value)
                                        : cairn_float_new(heap, (double)value);
  }
  cairn_object *items[4] = {NULL};
  for (uint64_t i = 0; i < count; i++) items[i] = random_tree(heap, random, depth - 1, odd);
  cairn_object *tuple = cairn_tuple_new(heap, count, items);
  for (uint64_t i = 0; i < count; i++) cairn_release(items[i]);
  return tuple;
}

static void random_trees(void **state) {
  cairn_heap *heap = *state;
  uint64_t random = random_seed();
  int compared = 0, changed = 0;
  for (int round = 0; round < 2000; round++) {
    uint64_t seed = random_next(&random) | 1;
    uint64_t replay = seed;
    int leaves = INT32_MAX;
    cairn_object *a = random_tree(heap, &seed, 7, &leaves);
    leaves = INT32_MAX - leaves;
    seed = replay;
    int odd = -1;
    cairn_object *b = random_tree(heap, &seed, 7, &odd);
    assert_true(cairn_equal(a, b));
    assert_int_equal(cairn_hash(a), cairn_hash(b));
    compared++;
    if (leaves > 0) {
      odd = (int)random_below(&random, (uint64_t)leaves);
      cairn_object *c = random_tree(heap, &replay, 7, &odd);
      assert_false(cairn_equal(a, c));
      assert_false(cairn_equal(c, b));
      changed++;
      cairn_release(c);
    }
    cairn_release(a);
    cairn_release(b);
  }
  assert_int_equal(compared, 2000);
  assert_in_range(changed, 1000, 2000);
}

/* (t, t) over and over unfolds to 2^levels tuples: at first each is looked at, then none. */
static cairn_object *doubled(cairn_heap *heap, int levels) {
  cairn_object *tuple = cairn_tuple_new(heap, 0, NULL);
  for (int i = 0; i < levels; i++) tuple = tuple_of(cairn_retain(tuple), tuple);
  return tuple;
}

static void comparing_ends(void **state) {
  cairn_heap *heap = *state;
  const int levels[] = {1, 10, 40, 1000};
  for (size_t i = 0; i < 4; i++) {
    cairn_object *a = doubled(heap, levels[i]);
    cairn_object *b = doubled(heap, levels[i]);
    assert_int_equal(cairn_equal(a, b), levels[i] < 32);
    assert_true(cairn_equal(a, a));
    assert_int_equal(cairn_hash(a), cairn_hash(b));
    cairn_release(a);
    cairn_release(b);
  }
}

/* Two deep branches in each tuple: the deepest comes last, whatever its place. */
static cairn_object *comb(cairn_heap *heap, int teeth, int length) {
  cairn_object *spine = cairn_tuple_new(heap, 0, NULL);
  for (int tooth = 0; tooth < teeth; tooth++) {
    cairn_object *branch = cairn_tuple_new(heap, 0, NULL);
    for (int i = 0; i < length; i++) branch = tuple_of(branch, int_of(heap, i));
    spine = tooth % 2 == 0 ? tuple_of(spine, branch) : tuple_of(branch, spine);
  }
  return spine;
}

static void combs_are_compared(void **state) {
  cairn_heap *heap = *state;
  cairn_object *a = comb(heap, 500, 500);
  cairn_object *b = comb(heap, 500, 500);
  cairn_object *c = comb(heap, 500, 501);
  assert_true(cairn_equal(a, b));
  assert_false(cairn_equal(a, c));
  cairn_release(a);
  cairn_release(b);
  cairn_release(c);
}

/* Hashes of wide tuples that hold wide tuples look at so many items at most. */
static void hashing_ends(void **state) {
  cairn_heap *heap = *state;
  enum { WIDTH = 1000 };
  cairn_object *tuple = cairn_tuple_new(heap, 0, NULL);
  for (int level = 0; level < 8; level++) {
    cairn_object *items[WIDTH];
    for (int i = 0; i < WIDTH; i++) items[i] = tuple;
    cairn_object *outer = cairn_tuple_new(heap, WIDTH, items);
    cairn_release(tuple);
    tuple = outer;
  }
  assert_int_equal(cairn_hash(tuple), cairn_hash(tuple));
  cairn_release(tuple);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_HEAP(values_are_equal_by_class),
      WITH_HEAP(objects_of_two_heaps),
      WITH_HEAP(hashes_of_texts_differ),
      WITH_HEAP(hashes_spread),
      WITH_HEAP(hashes_of_tables_spread),
      WITH_HEAP(depth_is_no_obstacle),
      WITH_HEAP(random_trees),
      WITH_HEAP(comparing_ends),
      WITH_HEAP(combs_are_compared),
      WITH_HEAP(hashing_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

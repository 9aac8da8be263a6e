/* References of objects of another runtime's heap: all shapes, tags, dying objects, bad counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"
#include "model.h"

enum { STRONG = 33, WEAK = 34, SINGLE = 40, ARRAY = 41, TAIL = 42, TABLE = 43, OPAQUE = 64 };
enum { PAGE = 1, BUFFERS = 2, BLOCK_BYTES = 96 };

static struct fake fake;

/* Objects are blocks of page 1, buffers of page 2. */
static uint64_t object(uint32_t block) { return fake_block(&fake, PAGE, block); }
static uint64_t buffer(uint32_t block) { return fake_block(&fake, BUFFERS, block); }
static uint64_t address(uint64_t offset) { return fake_base + offset; }

static int begin(void **state) {
  (void)state;
  fake_new(&fake);
  fake_page(&fake, PAGE, 7, BLOCK_BYTES, 40, 1);
  fake_page(&fake, BUFFERS, 7, 128, 32, 1);
  fake_type(&fake, 1, "leaf", 16, 0);
  for (uint32_t i = 20; i < 40; i++) {
    fake_put(&fake, object(i), fake_header(fake_live, 1, 1), 8);
  }
  fake_put(&fake, buffer(0), fake_live | fake_buffer, 8);
  fake_type(&fake, 2, "holder", 64, 0);
  fake_put(&fake, object(0), fake_header(fake_live, 2, 1), 8);
  return 0;
}

/* Checks the targets of block 0, as block numbers of page 1 in order. */
static void assert_refs(const uint32_t *blocks, uint64_t count, const char *problem) {
  lens_ref refs[16];
  uint64_t written;
  uint64_t total;
  lens *self = fake_lens(&fake);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  lens_problems_forget(self, LENS_SOURCE_LOAD);
  assert_int_equal(lens_object_refs(self, address(object(0)), 0, 16, refs, &written, &total),
                   LENS_OK);
  assert_int_equal(total, count);
  for (uint64_t i = 0; i < count; i++) {
    assert_int_equal(refs[i].target, address(object(blocks[i])));
    assert_int_equal(fake_get(&fake, refs[i].slot_address - fake_base, 8) & ~7ull, refs[i].target);
    assert_int_equal(refs[i].target_place, LENS_PLACE_OBJECT);
  }
  lens_problem row;
  assert_int_equal(lens_problem_count(self), problem == NULL ? 0 : 1);
  if (problem != NULL) {
    assert_int_equal(lens_problem_get(self, 0, &row), LENS_OK);
    assert_non_null(strstr(row.text, problem));
  }
  lens_free(self);
}
#define ASSERT_REFS(problem, ...)                                   \
  do {                                                              \
    const uint32_t blocks[] = {__VA_ARGS__};                        \
    assert_refs(blocks, sizeof blocks / sizeof blocks[0], problem); \
  } while (0)

static void refer(uint64_t slot, uint32_t block) {
  fake_put(&fake, slot, address(object(block)), 8);
}

static void singles_and_tags(void **state) {
  (void)state;
  fake_slot(&fake, 2, (struct fake_slot){"next", STRONG, SINGLE, .offset = 8});
  fake_slot(
      &fake, 2,
      (struct fake_slot){"tagged", STRONG, SINGLE, .offset = 16, .tag_mask = 7, .tag_value = 1});
  fake_slot(
      &fake, 2,
      (struct fake_slot){"untagged", STRONG, SINGLE, .offset = 24, .tag_mask = 7, .tag_value = 1});
  fake_slot(&fake, 2, (struct fake_slot){"seen", WEAK, SINGLE, .offset = 32});
  refer(object(0) + 8, 21);
  fake_put(&fake, object(0) + 16, address(object(22)) | 1, 8);
  fake_put(&fake, object(0) + 24, address(object(23)) | 2, 8); /* another tag: an integer, say */
  refer(object(0) + 32, 24);
  ASSERT_REFS(NULL, 21, 22, 24);
}

static void array_tail_and_table(void **state) {
  (void)state;
  fake_slot(&fake, 2,
            (struct fake_slot){"items", STRONG, ARRAY, .offset = 8, .count_width = 2,
                               .count_offset = 16, .stride = 16});
  fake_slot(&fake, 2,
            (struct fake_slot){"rows", STRONG, TABLE, .offset = 24, .count_width = 1,
                               .count_offset = 18, .stride = 24, .value_offset = 16});
  fake_slot(
      &fake, 2,
      (struct fake_slot){"tail", STRONG, TAIL, .offset = 64, .count_width = 4, .count_offset = 20});
  fake_put(&fake, object(0) + 8, address(buffer(0)) + 8, 8);
  fake_put(&fake, object(0) + 16, 3, 2);
  refer(buffer(0) + 8, 25);
  refer(buffer(0) + 8 + 32, 26); /* element 1 is null */
  fake_put(&fake, buffer(1), fake_live | fake_buffer, 8);
  fake_put(&fake, object(0) + 24, address(buffer(1)) + 8, 8);
  fake_put(&fake, object(0) + 18, 3, 1);
  refer(buffer(1) + 8, 27);
  refer(buffer(1) + 8 + 16, 28);
  refer(buffer(1) + 8 + 24 + 16, 29); /* a row without a key is empty */
  refer(buffer(1) + 8 + 48, 30);      /* a key without a value */
  fake_put(&fake, object(0) + 20, 2, 4);
  refer(object(0) + 64, 31);
  refer(object(0) + 72, 32);
  ASSERT_REFS(NULL, 25, 26, 27, 28, 30, 31, 32);
}

static void counts_are_bounded(void **state) {
  (void)state;
  fake_slot(&fake, 2,
            (struct fake_slot){"items", STRONG, ARRAY, .offset = 8, .count_width = 8,
                               .count_offset = 16});
  fake_put(&fake, object(0) + 8, address(buffer(0)) + 8, 8);
  fake_put(&fake, object(0) + 16, UINT64_MAX, 8);
  for (uint32_t i = 0; i < 15; i++) refer(buffer(0) + 8 + i * 8, 21); /* to the block's end */
  refer(buffer(1), 22); /* the next block: never seen as an element */
  const uint32_t all[15] = {21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21};
  assert_refs(all, 15, "claims more elements than fit");
  fake_put(&fake, object(0) + 16, 16, 8);
  assert_refs(all, 15, "claims more elements than fit");
  fake_put(&fake, object(0) + 16, 15, 8);
  assert_refs(all, 15, NULL);
}

static void arrays_lie_in_live_buffers(void **state) {
  (void)state;
  fake_slot(&fake, 2,
            (struct fake_slot){"items", STRONG, ARRAY, .offset = 8, .count_width = 8,
                               .count_offset = 16});
  fake_slot(&fake, 2, (struct fake_slot){"next", STRONG, SINGLE, .offset = 32});
  fake_put(&fake, object(0) + 16, 2, 8);
  refer(object(0) + 32, 33);
  refer(buffer(0) + 8, 21);
  const uint64_t wild[] = {8,
                           UINT64_MAX,
                           fake_base,
                           address(buffer(0)),
                           address(object(21)) + 8,
                           address(buffer(5)) + 8,
                           address(FAKE_ARENA)};
  for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
    fake_put(&fake, object(0) + 8, wild[i], 8);
    ASSERT_REFS("points to no live buffer", 33); /* the slots behind it still count */
  }
}

/* Ordinals: next 0, rows 1 (value) 2 (key), tail 3 4.  The word before the resume ordinal is a
 * link. */
static void dying_objects_own_the_rest(void **state) {
  (void)state;
  fake_slot(&fake, 2, (struct fake_slot){"next", STRONG, SINGLE, .offset = 8});
  fake_slot(&fake, 2, (struct fake_slot){"seen", WEAK, SINGLE, .offset = 56});
  fake_slot(&fake, 2,
            (struct fake_slot){"rows", STRONG, TABLE, .offset = 24, .count_width = 1,
                               .count_offset = 18, .stride = 16, .value_offset = 8});
  fake_slot(
      &fake, 2,
      (struct fake_slot){"tail", STRONG, TAIL, .offset = 64, .count_width = 1, .count_offset = 19});
  fake_put(&fake, object(0) + 24, address(buffer(0)) + 8, 8);
  fake_put(&fake, object(0) + 18, 1, 1);
  fake_put(&fake, object(0) + 19, 2, 1);
  refer(object(0) + 8, 21);
  refer(buffer(0) + 8, 22);  /* the key */
  refer(buffer(0) + 16, 23); /* the value */
  refer(object(0) + 64, 24);
  refer(object(0) + 72, 25);
  const uint32_t wanted[6][6] = {
      {21, 22, 23, 24, 25}, {22, 23, 24, 25}, {22, 24, 25}, {24, 25}, {25}, {0}};
  const uint64_t counts[6] = {5, 4, 3, 2, 1, 0};
  for (uint32_t resume = 0; resume < 6; resume++) {
    fake_put(&fake, object(0), fake_header(fake_dying, 2, resume), 8);
    assert_refs(wanted[resume], counts[resume], NULL);
  }
}

static void opaque_words_are_suspected(void **state) {
  (void)state;
  fake_type(&fake, 3, "opaque", 64, OPAQUE);
  fake_slot(&fake, 3, (struct fake_slot){"declared", STRONG, SINGLE, .offset = 8});
  fake_put(&fake, object(0), fake_header(fake_live, 3, 1), 8);
  refer(object(0) + 8, 21);
  refer(object(0) + 16, 22);
  fake_put(&fake, object(0) + 24, address(object(23)) + 8, 8); /* interior: no reference */
  fake_put(&fake, object(0) + 32, address(object(5)), 8);      /* free */
  fake_put(&fake, object(0) + 40, address(buffer(0)) + 8, 8);  /* a buffer of its own */
  refer(buffer(0) + 24, 24);
  refer(object(0) + 48, 25);
  refer(object(0) + 72, 26); /* behind the type's size: stale */
  ASSERT_REFS(NULL, 21, 22, 24, 25);
}

/* A slot that this lens does not understand makes the object conservative, and is named. */
static void unknown_shapes_turn_conservative(void **state) {
  (void)state;
  fake_slot(&fake, 2, (struct fake_slot){"odd", STRONG, 77, .offset = 8});
  fake_slot(&fake, 2, (struct fake_slot){"next", STRONG, SINGLE, .offset = 16});
  refer(object(0) + 8, 21);
  refer(object(0) + 16, 22);
  ASSERT_REFS(NULL, 22, 21);
}

static void damaged_slots_are_left_out(void **state) {
  (void)state;
  lens *self;
  lens_type type;
  fake_slot(&fake, 2, (struct fake_slot){"outside", STRONG, SINGLE, .offset = 4096});
  fake_slot(&fake, 2, (struct fake_slot){"next", STRONG, SINGLE, .offset = 16});
  self = fake_lens(&fake);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_type_get(self, 2, &type), LENS_OK);
  assert_int_equal(type.damaged, 1);
  assert_int_equal(type.slot_count, 1);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(singles_and_tags, begin),
      cmocka_unit_test_setup(array_tail_and_table, begin),
      cmocka_unit_test_setup(counts_are_bounded, begin),
      cmocka_unit_test_setup(arrays_lie_in_live_buffers, begin),
      cmocka_unit_test_setup(dying_objects_own_the_rest, begin),
      cmocka_unit_test_setup(opaque_words_are_suspected, begin),
      cmocka_unit_test_setup(unknown_shapes_turn_conservative, begin),
      cmocka_unit_test_setup(damaged_slots_are_left_out, begin)};
  return cmocka_run_group_tests_name("lens slots", tests, NULL, NULL);
}

/* Walk, index, accounts and check on another runtime's heap, built by hand: other header bits, no
 * counters, no free lists; with every shape of slot, tags, an opaque type, a dying object, a large
 * one, and damage.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
  PAIR = 1,
  TAGGED,
  DARK,
  MANY,
  PAGE_SMALL = 1,
  PAGE_LARGE = 3,
  SMALL_BYTES = 32,
  SMALLS = 20
};
enum { STRONG = 33, WEAK = 34, SINGLE = 40, ARRAY = 41, TAIL = 42 };

static struct fake fake;

static uint64_t small(uint32_t block) { return fake_base + fake_block(&fake, PAGE_SMALL, block); }
static uint64_t large(void) { return fake_base + fake_block(&fake, PAGE_LARGE, 0); }

static void put_header(uint32_t block, uint64_t header) {
  fake_put(&fake, fake_block(&fake, PAGE_SMALL, block), header, 8);
}

static void put_word(uint32_t block, uint32_t offset, uint64_t word) {
  fake_put(&fake, fake_block(&fake, PAGE_SMALL, block) + offset, word, 8);
}

/*  0 pair -> 1, 2       1 pair -> 0         2 pair, weakly held by itself
 *  3 tagged -> 0        4 dark: words of 0, of a number, of the buffer in 5, which has a word of 1
 *  6 free               7 dying pair: its first word is no reference any more, its second holds 1
 *  large: many -> 0, 0, 1 in its tail; its array slot leads to the buffer in 8, which holds 2 */
static int build(void **state) {
  (void)state;
  fake_new(&fake);
  fake_type(&fake, PAIR, "pair", 32, 0);
  fake_slot(&fake, PAIR,
            (struct fake_slot){.name = "left", .kind = STRONG, .shape = SINGLE, .offset = 8});
  fake_slot(&fake, PAIR,
            (struct fake_slot){.name = "right", .kind = STRONG, .shape = SINGLE, .offset = 16});
  fake_slot(&fake, PAIR,
            (struct fake_slot){.name = "me", .kind = WEAK, .shape = SINGLE, .offset = 24});
  fake_type(&fake, TAGGED, "tagged", 16, 0);
  fake_slot(&fake, TAGGED,
            (struct fake_slot){.name = "what",
                               .kind = STRONG,
                               .shape = SINGLE,
                               .offset = 8,
                               .tag_mask = 7,
                               .tag_value = 1});
  fake_type(&fake, DARK, "dark", 32, 64);
  fake_type(&fake, MANY, "many", 6000, 0);
  fake_slot(&fake, MANY,
            (struct fake_slot){.name = "items",
                               .kind = STRONG,
                               .shape = ARRAY,
                               .offset = 16,
                               .count_width = 4,
                               .count_offset = 12,
                               .stride = 8});
  fake_slot(&fake, MANY,
            (struct fake_slot){.name = "tail",
                               .kind = STRONG,
                               .shape = TAIL,
                               .offset = 6000,
                               .count_width = 4,
                               .count_offset = 8,
                               .stride = 8});
  fake_page(&fake, PAGE_SMALL, 7, SMALL_BYTES, SMALLS, 1);
  fake_page(&fake, PAGE_LARGE, 6, 2 * FAKE_PAGE_BYTES, 1, 2);
  fake_page(&fake, PAGE_LARGE + 1, 5, 0, 0, 1);

  put_header(0, fake_header(fake_live, PAIR, 7));
  put_word(0, 8, small(1));
  put_word(0, 16, small(2));
  put_header(1, fake_header(fake_live, PAIR, 4));
  put_word(1, 8, small(0));
  put_header(2, fake_header(fake_live, PAIR, 2));
  put_word(2, 24, small(2));
  put_header(3, fake_header(fake_live, TAGGED, 1));
  put_word(3, 8, small(0) | 1);
  put_header(4, fake_header(fake_live, DARK, 1));
  put_word(4, 8, small(0));
  put_word(4, 16, 12345);
  put_word(4, 24, small(5) + 8);
  put_header(5, fake_live | fake_buffer);
  put_word(5, 8, small(1));
  put_header(7, fake_header(fake_dying, PAIR, 1));
  put_word(7, 8, small(0));
  put_word(7, 16, small(1));
  put_header(8, fake_live | fake_buffer);
  put_word(8, 8, small(2));
  uint64_t many = fake_block(&fake, PAGE_LARGE, 0);
  fake_put(&fake, many, fake_header(fake_live, MANY, 1), 8);
  fake_put(&fake, many + 8, 3, 4);
  fake_put(&fake, many + 12, 1, 4);
  fake_put(&fake, many + 16, small(8) + 8, 8);
  fake_put(&fake, many + 6000, small(0), 8);
  fake_put(&fake, many + 6008, small(0), 8);
  fake_put(&fake, many + 6016, small(1), 8);
  return 0;
}

static lens *loaded(void) {
  lens *self = fake_lens(&fake);
  assert_non_null(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  return self;
}

static lens_columns columns_of(const lens *self) {
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  return columns;
}

/* Rows: 0 .. 4 are the blocks 0 .. 4, 5 is the dying block 7, 6 is the large one. */
static void objects_of_another_runtime(void **state) {
  (void)state;
  lens *self = loaded();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_columns columns = columns_of(self);
  const uint64_t addresses[] = {small(0), small(1), small(2), small(3),
                                small(4), small(7), large()};
  const uint32_t counts[] = {7, 4, 2, 1, 1, 0, 1};
  assert_int_equal(columns.object_count, 7);
  for (uint32_t i = 0; i < 7; i++) {
    assert_int_equal(columns.address[i], addresses[i]);
    assert_int_equal(columns.refcount[i], counts[i]);
    assert_int_equal(columns.size_bytes[i], i == 6 ? 2 * FAKE_PAGE_BYTES : SMALL_BYTES);
    assert_int_equal(columns.state[i], i == 5 ? LENS_STATE_DYING : 0);
  }
  uint32_t found = 0;
  assert_int_equal(lens_snapshot_find(self, large() + FAKE_PAGE_BYTES + 100, &found), LENS_OK);
  assert_int_equal(found, 6);
  assert_int_equal(lens_snapshot_find(self, small(5) + 8, &found), LENS_NOT_FOUND);
  assert_int_equal(lens_snapshot_find(self, small(6), &found), LENS_NOT_FOUND);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.buffers, 2);
  assert_int_equal(totals.dying, 1);
  assert_int_equal(totals.damaged_blocks, 0);
  assert_int_equal(totals.exactness, LENS_CONFIDENCE_CONSERVATIVE);
  lens_free(self);
}

static void assert_edges(const lens_columns *columns, uint32_t object, uint32_t count,
                         const uint32_t *targets) {
  assert_int_equal(columns->out_start[object + 1] - columns->out_start[object], count);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(columns->out_target[columns->out_start[object] + i], targets[i]);
  }
}

static void edges_of_every_shape(void **state) {
  (void)state;
  lens *self = loaded();
  assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
  lens_columns columns = columns_of(self);
  assert_edges(&columns, 0, 2, (const uint32_t[]){1, 2});
  assert_edges(&columns, 1, 1, (const uint32_t[]){0});
  assert_edges(&columns, 2, 0, NULL);
  assert_edges(&columns, 3, 1, (const uint32_t[]){0});
  assert_edges(&columns, 4, 2, (const uint32_t[]){0, 1});
  assert_edges(&columns, 5, 1, (const uint32_t[]){1});
  assert_edges(&columns, 6, 4, (const uint32_t[]){2, 0, 0, 1});
  assert_int_equal(columns.in_start[1] - columns.in_start[0], 5);
  const uint32_t sources[] = {1, 3, 4, 6, 6};
  assert_memory_equal(columns.in_source + columns.in_start[0], sources, sizeof sources);
  lens_free(self);
}

/* Suspected words may explain a count, and need not. */
static void suspected_words_in_accounts(void **state) {
  (void)state;
  lens *self = loaded();
  lens_accounts accounts;
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_non_null(accounts.opaque_refs);
  const uint32_t heap_refs[] = {4, 3, 2, 0, 0, 0, 0}, opaque_refs[] = {1, 1, 0, 0, 0, 0, 0};
  assert_memory_equal(accounts.heap_refs, heap_refs, sizeof heap_refs);
  assert_memory_equal(accounts.opaque_refs, opaque_refs, sizeof opaque_refs);
  const uint8_t verdicts[] = {LENS_OVER_RETAINED, LENS_BALANCED,      LENS_BALANCED,
                              LENS_OVER_RETAINED, LENS_OVER_RETAINED, LENS_VERDICT_UNKNOWN,
                              LENS_OVER_RETAINED};
  assert_memory_equal(accounts.verdict, verdicts, sizeof verdicts);
  assert_int_equal(accounts.surplus, 2 + 1 + 1 + 1);
  lens_account account;
  assert_int_equal(lens_account_object(self, 0, 0, &account), LENS_OK);
  assert_int_equal(account.heap_refs, 5);
  assert_int_equal(account.surplus, 2);
  assert_int_equal(account.exactness, LENS_CONFIDENCE_CONSERVATIVE);
  lens_free(self);
}

static void referrers_of_every_kind(void **state) {
  (void)state;
  for (int indexed = 0; indexed < 2; indexed++) {
    lens *self = loaded();
    if (indexed != 0) assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
    lens_referrer rows[8];
    uint64_t written = 0, total = 0;
    assert_int_equal(lens_referrers(self, small(1) + 5, 0, 0, 8, rows, &written, &total), LENS_OK);
    assert_int_equal(total, 4);
    const uint64_t holders[] = {small(0), small(4), small(7), large()};
    const uint32_t kinds[] = {LENS_REF_STRONG, LENS_REF_OPAQUE, LENS_REF_STRONG, LENS_REF_STRONG};
    for (uint32_t i = 0; i < 4; i++) {
      assert_int_equal(rows[i].holder, holders[i]);
      assert_int_equal(rows[i].ref.kind, kinds[i]);
      assert_int_equal(rows[i].holder_dying, i == 2);
    }
    assert_int_equal(lens_referrers(self, small(2), 0, 0, 8, rows, &written, &total), LENS_OK);
    assert_int_equal(total, 3);
    assert_int_equal(rows[1].ref.kind, LENS_REF_WEAK);
    /* One by one, also where one object holds twice. */
    assert_int_equal(lens_referrers(self, small(0), 0, 0, 8, rows, &written, &total), LENS_OK);
    assert_int_equal(total, 5);
    assert_int_equal(rows[3].holder, rows[4].holder);
    for (uint64_t i = 0; i < 5; i++) {
      lens_referrer row;
      assert_int_equal(lens_referrers(self, small(0), 0, i, 1, &row, &written, &total), LENS_OK);
      assert_int_equal(written, 1);
      assert_memory_equal(&row, &rows[i], sizeof row);
    }
    assert_int_equal(lens_referrers(self, small(0), 0, 5, 8, rows, &written, &total), LENS_OK);
    assert_int_equal(written, 0);
    lens_free(self);
  }
}

/* A freed block can be asked for: who still points at it? */
static void referrers_of_a_freed_block(void **state) {
  (void)state;
  put_word(0, 16, small(6));
  for (int indexed = 0; indexed < 2; indexed++) {
    lens *self = loaded();
    if (indexed != 0) assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
    lens_referrer row;
    uint64_t written = 0, total = 0;
    assert_int_equal(lens_referrers(self, small(6), 0, 0, 1, &row, &written, &total), LENS_OK);
    assert_int_equal(total, 1);
    assert_int_equal(row.holder, small(0));
    assert_int_equal(row.ref.target_place, LENS_PLACE_FREED);
    lens_free(self);
  }
}

static void a_runtime_without_counters_is_checked(void **state) {
  (void)state;
  lens *self = loaded();
  lens_check_totals totals;
  assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_check_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.objects, 7);
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (problem.severity >= LENS_WARNING) fail_msg("%s", problem.text);
  }
  lens_free(self);
}

/* The runtime's own hold is one of the count. */
static void a_held_object(void **state) {
  (void)state;
  const uint64_t held = 1ull << 50;
  fake_constant(&fake, "state.held", held);
  fake_record(&fake);
  put_header(2, fake_header(fake_live | held, PAIR, 3));
  lens *self = loaded();
  lens_accounts accounts;
  lens_account account;
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_int_equal(accounts.runtime_refs[2], 1);
  assert_int_equal(accounts.runtime_refs[1], 0);
  assert_int_equal(accounts.verdict[2], LENS_BALANCED);
  assert_int_equal(lens_account_object(self, 2, 0, &account), LENS_OK);
  assert_int_equal(account.runtime_refs, 1);
  assert_int_equal(account.verdict, LENS_BALANCED);
  lens_reached reached;
  assert_int_equal(lens_reach(self, NULL, 0, LENS_REACH_RUNTIME, 0, NULL), LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  assert_int_equal(reached.object_count, 1);
  assert_int_equal(reached.marks[0], 1u << 2);
  lens_free(self);
}

/* Where the contract knows no saturated bit, the count alone makes an object immortal. */
static void immortal_by_its_count(void **state) {
  (void)state;
  fake_constant(&fake, "count.immortal", 0xffffff);
  fake_record(&fake);
  put_header(2, fake_header(fake_live, PAIR, 0xffffff));
  lens *self = loaded();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_columns columns = columns_of(self);
  assert_int_equal(columns.state[2], LENS_STATE_IMMORTAL);
  assert_int_equal(columns.state[1], 0);
  lens_free(self);
}

/* Headers that make no sense: rows that say so where there is an object, a count where there is
 * none. */
static void damaged_headers(void **state) {
  (void)state;
  put_header(1, fake_header(fake_live | fake_dying, PAIR, 1));
  put_header(2, fake_header(fake_live, 900, 3));
  put_header(3, fake_header(fake_live, 0, 1));
  put_header(6, 0xff);
  lens *self = loaded();
  assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
  lens_columns columns = columns_of(self);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(columns.object_count, 6);
  assert_int_equal(totals.damaged_blocks, 4);
  assert_int_equal(columns.address[1], small(2));
  assert_int_equal(columns.type[1], LENS_NONE);
  assert_int_equal(columns.state[1], LENS_STATE_DAMAGED);
  assert_int_equal(columns.state[2], LENS_STATE_DAMAGED);
  assert_true(lens_problem_count(self) >= 4);
  lens_type_census rows[8];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_census(self, 8, rows, &written, &total), LENS_OK);
  assert_int_equal(rows[written - 1].type, LENS_NONE);
  assert_int_equal(rows[written - 1].count, 2);
  lens_filter filter = {.refcount_max = UINT64_MAX, .size_max = UINT64_MAX, .heap = LENS_NONE};
  lens_object shown[8];
  assert_int_equal(lens_select(self, &filter, 8, shown, &written, &total), LENS_OK);
  assert_int_equal(total, 6);
  lens_free(self);
}

/* Counts from 4096 on stand beside the table, and are merged. */
static void large_counts(void **state) {
  (void)state;
  const uint32_t counts[] = {5000, 70000, 5000, 4095, 4096};
  for (uint32_t i = 0; i < 5; i++)
    put_header(i, fake_header(fake_live, i == 3 ? TAGGED : i == 4 ? DARK : PAIR, counts[i]));
  lens *self = loaded();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_count_census rows[8];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_refcounts(self, 8, rows, &written, &total), LENS_OK);
  const uint32_t wanted[] = {0, 1, 4095, 4096, 5000, 70000}, objects[] = {1, 1, 1, 1, 2, 1};
  assert_int_equal(total, 6);
  for (uint32_t i = 0; i < 6; i++) {
    assert_int_equal(rows[i].refcount, wanted[i]);
    assert_int_equal(rows[i].count, objects[i]);
  }
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(objects_of_another_runtime, build),
      cmocka_unit_test_setup(edges_of_every_shape, build),
      cmocka_unit_test_setup(suspected_words_in_accounts, build),
      cmocka_unit_test_setup(referrers_of_every_kind, build),
      cmocka_unit_test_setup(referrers_of_a_freed_block, build),
      cmocka_unit_test_setup(a_runtime_without_counters_is_checked, build),
      cmocka_unit_test_setup(a_held_object, build),
      cmocka_unit_test_setup(immortal_by_its_count, build),
      cmocka_unit_test_setup(damaged_headers, build),
      cmocka_unit_test_setup(large_counts, build)};
  return cmocka_run_group_tests_name("lens walk", tests, NULL, NULL);
}

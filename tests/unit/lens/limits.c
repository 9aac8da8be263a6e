/* What the lens can number, and what a hostile arena claims: more objects or roots than there are
 * numbers, an arena larger than the address space of any program, pages without end.  The answer is
 * an error that says so, or what could be read; no memory is taken by a number that was read.
 */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "analysis.h"

enum { PAIR = 1, PAGE = 1, BLOCK_BYTES = 32, BLOCKS = 20 };

static struct fake fake;
static int build(void **state) {
  (void)state;
  fake_new(&fake);
  fake_type(&fake, PAIR, "pair", BLOCK_BYTES, 0);
  fake_page(&fake, PAGE, 7, BLOCK_BYTES, BLOCKS, 1);
  for (uint32_t i = 0; i < BLOCKS; i++)
    fake_put(&fake, fake_block(&fake, PAGE, i), fake_header(fake_live, PAIR, 1), 8);
  return 0;
}

static uint64_t kilobytes(void) {
  struct rusage usage;
  assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
  return (uint64_t)usage.ru_maxrss;
}

static lens *loaded(void) {
  lens *self = fake_lens(&fake);
  assert_non_null(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  return self;
}

/* As if so many had been met in the pages before. */
static void more_objects_than_numbers_are_an_error(void **state) {
  (void)state;
  for (uint64_t before = LENS_NONE - BLOCKS; before < 1ull << 34; before += 1ull << 31) {
    lens *self = loaded();
    struct lens_analysis *analysis = lens_analysis_of(self);
    assert_non_null(analysis);
    analysis->snapshot.object_count = before;
    uint64_t taken = kilobytes();
    assert_int_equal(lens_walk(self, 0, NULL), LENS_UNSUPPORTED);
    assert_non_null(strstr(lens_error(self), "more objects than the lens can read: 4294967294"));
    assert_true(kilobytes() < taken + 1024);
    lens_free(self);
  }
}

static void more_roots_than_numbers_are_an_error(void **state) {
  (void)state;
  uint64_t word = FAKE_NAMES + 0x800, address = fake_base + fake_block(&fake, PAGE, 3);
  fake_put(&fake, word, address, 8);
  lens *self = loaded();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  self->analysis->roots.count = LENS_NONE - 1;
  const lens_root root = {.slot_address = 8, .value = address, .kind = LENS_ROOT_GLOBAL};
  assert_int_equal(lens_root_add(self, &root), LENS_UNSUPPORTED);
  assert_non_null(strstr(lens_error(self), "more roots than the lens can read: 4294967294"));
  uint64_t start = fake_base + word, cursor = 0, added;
  assert_int_equal(lens_roots_scan(self, start, start + 8, LENS_ROOT_WORD, 0, 0, &cursor, &added),
                   LENS_UNSUPPORTED);
  self->analysis->roots.count = 0;
  assert_int_equal(lens_roots_scan(self, start, start + 8, LENS_ROOT_WORD, 0, 0, &cursor, &added),
                   LENS_OK);
  assert_int_equal(added, 1);
  lens_free(self);
}

/* Aligned to 64 kB and, so it says, as large as a program's whole address space. */
static void an_arena_may_claim_any_size(void **state) {
  (void)state;
  const uint64_t claims[] = {1ull << 32, 1ull << 40, 1ull << 45, (1ull << 46) - 8, 1ull << 46};
  for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
    build(NULL);
    fake_put(&fake, FAKE_ARENA, claims[i], 8);
    uint64_t taken = kilobytes();
    lens *self = fake_lens(&fake);
    assert_non_null(self);
    lens_walk_totals totals;
    assert_int_equal(lens_model_load(self, 0), LENS_OK);
    assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
    assert_int_equal(totals.objects, BLOCKS);
    assert_true(kilobytes() < taken + 4096);
    lens_free(self);
  }
}

/* Pages of as many blocks as the fields can say, in an arena of as many pages. */
static void pages_may_claim_any_number(void **state) {
  (void)state;
  fake_put(&fake, FAKE_ARENA, 1ull << 46, 8);
  fake_put(&fake, FAKE_ARENA + 8, 1u << 30, 4);
  fake_put(&fake, FAKE_ARENA + 12, 0xffff, 2);
  for (uint32_t page = 1; page < 8; page++) fake_page(&fake, page, 7, 8, 0xffff, 1);
  uint64_t taken = kilobytes();
  lens *self = fake_lens(&fake);
  assert_non_null(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_UNSUPPORTED);
  assert_non_null(strstr(lens_error(self), "the arenas are too large"));
  assert_true(kilobytes() < taken + 4096);
  lens_free(self);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, build)
  const struct CMUnitTest tests[] = {
      TEST(more_objects_than_numbers_are_an_error), TEST(more_roots_than_numbers_are_an_error),
      TEST(an_arena_may_claim_any_size), TEST(pages_may_claim_any_number)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

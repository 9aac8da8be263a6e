/* The runtime's list of references on their way, as a damaged or hostile heap has it: arrays that
 * are not there, counts without end, lists that lead back or astray.  What can be read is counted,
 * what can't is said, and nothing takes memory or time by a number that was read.
 */
#include <sys/mman.h>

#include "../runtime/nodes.h"
#include "self.h"

enum { OBJECTS = 6, LIST_MAX = 256, WORDS_MAX = 4 << 20 /* both as the lens has them */ };

static struct nodes *nodes;
static struct node *made[OBJECTS];
static cairn_object *words[OBJECTS];

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  for (int i = 0; i < OBJECTS; i++) {
    made[i] = node_new(nodes, nodes->plain, i);
    words[i] = &made[i]->base;
  }
  return 0;
}

static int end(void **state) {
  nodes->heap->holdings = NULL;
  for (int i = 0; i < OBJECTS; i++) cairn_release(&made[i]->base);
  return nodes_teardown(state);
}

static const cairn_object *const *wild(uint64_t address) {
  return (const cairn_object *const *)(uintptr_t)address;
}

/* The lens on the list that begins with `first`.  `held`: how many of the objects it says to be
 * held by the runtime, the first ones; `sure`: nothing was left out. */
static void expect(struct cairn_holding *first, int held, bool sure) {
  nodes->heap->holdings = first;
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_walk_totals walked;
  assert_int_equal(lens_walk_totals_get(self, &walked), LENS_OK);
  assert_int_equal(walked.exactness, sure ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_TOLERANT);
  for (int i = 0; i < OBJECTS; i++) { /* one by one, without an index */
    uint32_t row = LENS_NONE;
    lens_account account;
    assert_int_equal(lens_snapshot_find(self, address_of(made[i]), &row), LENS_OK);
    assert_int_equal(lens_account_object(self, row, 0, &account), LENS_OK);
    assert_int_equal(account.runtime_refs, i < held);
    assert_int_equal(account.exactness, walked.exactness);
  }
  const lens_audit_filter filter = {0};
  lens_finding rows[OBJECTS];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, OBJECTS, rows, &written, &total), LENS_OK);
  assert_int_equal(total, OBJECTS - held); /* nobody else holds them */
  for (uint64_t i = 0; i < written; i++) {
    assert_int_equal(rows[i].surplus, 1);
    assert_int_equal(rows[i].doubts & LENS_DOUBT_FLUX, sure ? 0 : LENS_DOUBT_FLUX);
  }
  lens_problem problem;
  bool said = false;
  for (uint64_t i = 0; lens_problem_get(self, i, &problem) == LENS_OK; i++)
    said |= strstr(problem.text, "references on their way") != NULL;
  assert_int_equal(said, !sure);
  lens_free(self);
}

/* An honest list, of which a part is held no more. */
static void what_is_held(void **state) {
  (void)state;
  struct cairn_holding outer = {.words = words, .count = 2};
  struct cairn_holding inner = {
      .next = &outer, .words = (cairn_object *const *)words, .first = 2, .count = 4};
  expect(NULL, 0, true);
  expect(&outer, 2, true);
  expect(&inner, 4, true);
  struct cairn_holding nothing = {.next = &inner}; /* no array as yet */
  expect(&nothing, 4, true);
}

/* Each stands behind, and before, a holding that is in order: that one counts, if it is reached. */
static void arrays(void **state) {
  (void)state;
  static const struct {
    uint64_t words, first, count;
    bool goes_on; /* the list is read on */
  } hostile[] = {
      {.words = 0x10, .count = 3, .goes_on = true},                  /* nothing there */
      {.words = 0x7ffffffff000, .count = 1 << 20, .goes_on = true},  /* the same, large */
      {.words = 0xdead000000000000, .count = 5, .goes_on = true},    /* no address */
      {.words = UINT64_MAX - 15, .count = 1, .goes_on = true},       /* the last words */
      {.words = UINT64_MAX - 7, .count = 4, .goes_on = false},       /* over the end */
      {.words = 0x10, .count = UINT64_MAX, .goes_on = false},        /* without end */
      {.words = 0x10, .count = (uint64_t)1 << 61, .goes_on = false}, /* 0 bytes, cut to 64 bits */
      {.words = 0x1001, .count = 1, .goes_on = false},               /* odd */
      {.words = 0x1000, .first = 2, .count = 1, .goes_on = false},   /* ends before it begins */
      {.words = 0x10, .first = UINT64_MAX, .count = 0, .goes_on = false},
  };
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    struct cairn_holding bad = {.words = (cairn_object *const *)wild(hostile[i].words),
                                .first = hostile[i].first,
                                .count = hostile[i].count};
    struct cairn_holding good = {.next = &bad, .words = words, .count = 3};
    expect(&good, 3, false);
    good.next = NULL;
    bad.next = &good;
    expect(&bad, hostile[i].goes_on ? 3 : 0, false);
  }
}

/* What follows the objects' words can't be read, or is no pointer at all. */
static void an_array_that_ends_early(void **state) {
  (void)state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(munmap(pages + page, page), 0);
  cairn_object **last = (cairn_object **)(void *)(pages + page) - 2;
  last[0] = words[0];
  last[1] = words[1];
  struct cairn_holding all = {.words = last, .count = 2};
  expect(&all, 2, true);
  struct cairn_holding good = {.words = words, .count = 3};
  struct cairn_holding early = {.next = &good, .words = last + 2, .count = 1};
  expect(&early, 3, false);
  assert_int_equal(munmap(pages, page), 0);
  const uint64_t numbers[] = {0, 1, UINT64_MAX, address_of(words[0]) + 8, 0xdead000000000000};
  struct cairn_holding no_objects = {
      .next = &good, .words = (cairn_object *const *)(const void *)numbers, .count = 5};
  expect(&no_objects, 3, true); /* such words hold nothing; they were all looked at */
}

/* More words than are looked at, all of them there: zeros, and one object in the last. */
static void more_words_than_are_read(void **state) {
  (void)state;
  uint64_t bytes = ((uint64_t)WORDS_MAX + 1) * sizeof(cairn_object *);
  cairn_object **many =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  assert_true(many != MAP_FAILED);
  many[WORDS_MAX - 1] = words[0];
  many[WORDS_MAX] = words[1];
  struct cairn_holding full = {.words = many, .count = WORDS_MAX};
  expect(&full, 1, true);
  full.count++;
  expect(&full, 1, false);
  full.first = 1; /* as many as are read, from the second on */
  expect(&full, 2, true);
  assert_int_equal(munmap(many, bytes), 0);
}

/* One object in all words of a long array, as of a tuple that is being made of it. */
static void one_object_many_times(void **state) {
  (void)state;
  enum { TIMES = 70000 };
  static cairn_object *same[TIMES];
  for (int i = 0; i < TIMES; i++) same[i] = cairn_retain(words[0]);
  struct cairn_holding holding = {.words = same, .count = TIMES};
  nodes->heap->holdings = &holding;
  lens *self = self_lens();
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  lens_accounts all;
  assert_int_equal(lens_accounts_get(self, &all), LENS_OK);
  uint32_t row = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(made[0]), &row), LENS_OK);
  assert_int_equal(all.runtime_refs[row], TIMES);
  assert_int_equal(all.surplus, OBJECTS); /* the test's own */
  lens_free(self);
  nodes->heap->holdings = NULL;
  for (int i = 0; i < TIMES; i++) cairn_release(same[i]);
}

static void lists(void **state) {
  (void)state;
  struct cairn_holding one = {.words = words, .count = 1};
  struct cairn_holding two = {.next = &one, .words = words + 1, .count = 1};
  one.next = &one;
  expect(&two, 2, false);
  one.next = &two;
  expect(&two, 2, false);
  one.next = (struct cairn_holding *)(uintptr_t)0x10;
  expect(&two, 2, false);
  one.next = (struct cairn_holding *)(uintptr_t)(UINT64_MAX - 3);
  expect(&two, 2, false);
  expect((struct cairn_holding *)(uintptr_t)0x1, 0, false);
  static struct cairn_holding chain[LIST_MAX + 1];
  for (int i = 0; i <= LIST_MAX; i++) {
    chain[i] = (struct cairn_holding){.next = i == 0 ? NULL : &chain[i - 1]};
  }
  chain[1].words =
      words; /* the last but one of a list of LIST_MAX, and behind the end of a longer */
  chain[1].count = 3;
  chain[0].words = words + 3;
  chain[0].count = 1;
  expect(&chain[LIST_MAX - 1], 4, true);
  expect(&chain[LIST_MAX], 3, false);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {TEST(what_is_held),
                                     TEST(arrays),
                                     TEST(an_array_that_ends_early),
                                     TEST(more_words_than_are_read),
                                     TEST(one_object_many_times),
                                     TEST(lists)};
  return cmocka_run_group_tests_name("holdings", tests, NULL, NULL);
}

/* Questions over the snapshot: selecting, censuses, roots, accounts, reachability; each against a
 * naive count over the same heap.
 */
#include <stdlib.h>

#include "cairn/cairn.h"
#include "garden.h"
#include "self.h"

enum { ROWS = 8192 };

static cairn_heap *heap;
static cairn_object *all;
static lens *self;
static lens_columns columns;

static int begin(void **state) {
  (void)state;
  cairn_heap_options options = {.name = "questions"};
  heap = cairn_heap_new(&options);
  if (heap == NULL) return 1;
  all = garden_new(heap);
  self = self_lens();
  if (lens_index(self, 0, NULL) != LENS_OK) return 1;
  return lens_columns_get(self, &columns) != LENS_OK;
}

static int end(void **state) {
  (void)state;
  lens_free(self);
  cairn_list_clear(all);
  cairn_release(all);
  return !cairn_heap_destroy(heap, NULL);
}

static const char *type_name(uint32_t type) {
  static lens_type shown;
  assert_int_equal(lens_type_get(self, type, &shown), LENS_OK);
  return shown.name;
}

static lens_filter every(void) {
  return (lens_filter){.refcount_max = UINT64_MAX, .size_max = UINT64_MAX, .heap = LENS_NONE};
}

/* ---- selecting ---- */

static uint64_t key_of(const lens_object *object, uint32_t sort) {
  return sort == LENS_SORT_REFCOUNT ? object->refcount
         : sort == LENS_SORT_SIZE   ? object->size_bytes
                                    : object->address;
}

/* Rows come in order, ties by address, and those that were cut are none of the better ones. */
static void selecting_sorts_and_cuts(void **state) {
  (void)state;
  static lens_object whole[ROWS], cut[ROWS];
  uint64_t written = 0, matched = 0;
  for (uint32_t sort = LENS_SORT_REFCOUNT; sort <= LENS_SORT_ADDRESS; sort++) {
    for (uint32_t reverse = 0; reverse < 2; reverse++) {
      lens_filter filter = every();
      filter.sort = sort;
      filter.reverse = reverse;
      assert_int_equal(lens_select(self, &filter, ROWS, whole, &written, &matched), LENS_OK);
      assert_int_equal(written, columns.object_count);
      assert_int_equal(matched, columns.object_count);
      for (uint64_t i = 1; i < written; i++) {
        uint64_t before = key_of(&whole[i - 1], sort), here = key_of(&whole[i], sort);
        assert_true(reverse != 0 ? before <= here : before >= here);
        if (before == here) assert_true(whole[i - 1].address < whole[i].address);
      }
      for (uint64_t capacity = 0; capacity < 40; capacity += 13) {
        assert_int_equal(lens_select(self, &filter, capacity, cut, &written, &matched), LENS_OK);
        assert_int_equal(written, capacity);
        assert_int_equal(matched, columns.object_count);
        assert_memory_equal(cut, whole, capacity * sizeof *cut);
      }
    }
  }
}

static void selecting_by_type_name(void **state) {
  (void)state;
  static lens_object rows[ROWS];
  uint64_t written = 0, matched = 0;
  lens_filter filter = every();
  filter.sort = LENS_SORT_TYPE;
  filter.reverse = 1;
  assert_int_equal(lens_select(self, &filter, ROWS, rows, &written, &matched), LENS_OK);
  for (uint64_t i = 1; i < written; i++) {
    char before[64];
    snprintf(before, sizeof before, "%s", type_name(rows[i - 1].type));
    assert_true(strcmp(before, type_name(rows[i].type)) <= 0);
  }
}

static void filters_are_what_they_say(void **state) {
  (void)state;
  static lens_object rows[ROWS];
  const struct {
    const char *glob;
    uint64_t refcount_min, refcount_max, size_min, size_max;
  } cases[] = {{"dict", 0, UINT64_MAX, 0, UINT64_MAX},
               {"*t", 0, UINT64_MAX, 0, UINT64_MAX},
               {"[n]ode", 1, 1, 0, UINT64_MAX},
               {NULL, 2, 5, 0, UINT64_MAX},
               {NULL, 0, UINT64_MAX, 33, 100},
               {"?ist", 7, 7, 1, 2},
               {"no such type", 0, 9, 0, 9}};
  uint64_t all_matched = 0;
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    lens_filter filter = every();
    filter.type_glob = cases[c].glob;
    filter.refcount_min = cases[c].refcount_min;
    filter.refcount_max = cases[c].refcount_max;
    filter.size_min = cases[c].size_min;
    filter.size_max = cases[c].size_max;
    uint64_t written = 0, matched = 0, wanted = 0;
    assert_int_equal(lens_select(self, &filter, ROWS, rows, &written, &matched), LENS_OK);
    for (uint64_t i = 0; i < columns.object_count; i++) {
      const char *name = type_name(columns.type[i]);
      size_t length = strlen(name);
      const char *glob = cases[c].glob;
      bool fits =
          glob == NULL || (strcmp(glob, "*t") == 0       ? name[length - 1] == 't'
                           : strcmp(glob, "[n]ode") == 0 ? strcmp(name, "node") == 0
                           : strcmp(glob, "?ist") == 0 ? length == 4 && strcmp(name + 1, "ist") == 0
                                                       : strcmp(name, glob) == 0);
      wanted += fits && columns.refcount[i] >= filter.refcount_min &&
                columns.refcount[i] <= filter.refcount_max &&
                columns.size_bytes[i] >= filter.size_min &&
                columns.size_bytes[i] <= filter.size_max;
    }
    assert_int_equal(matched, wanted);
    assert_int_equal(written, wanted);
    all_matched += wanted;
  }
  assert_true(all_matched > 100);
  lens_filter filter = every();
  filter.heap = 0;
  uint64_t written = 0, matched = 0;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_OK);
  assert_int_equal(matched, columns.object_count);
  filter.heap = 1;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_OK);
  assert_int_equal(matched, 0);
  filter.sort = 99;
  assert_int_equal(lens_select(self, &filter, 0, NULL, &written, &matched), LENS_BAD_ARGUMENT);
}

/* ---- censuses ---- */

static void census_counts_each_type(void **state) {
  (void)state;
  lens_type_census rows[64];
  uint64_t written = 0, total = 0, objects = 0;
  assert_int_equal(lens_census(self, 64, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t t = 0; t < written; t++) {
    lens_type_census wanted = {.type = rows[t].type, .refcount_min = UINT32_MAX};
    for (uint64_t i = 0; i < columns.object_count; i++) {
      if (columns.type[i] != rows[t].type) continue;
      wanted.count++;
      wanted.bytes += columns.size_bytes[i];
      if (columns.refcount[i] < wanted.refcount_min) wanted.refcount_min = columns.refcount[i];
      if (columns.refcount[i] > wanted.refcount_max) wanted.refcount_max = columns.refcount[i];
    }
    assert_memory_equal(&rows[t], &wanted, sizeof wanted);
    objects += wanted.count;
  }
  assert_int_equal(objects, columns.object_count);
  assert_int_equal(lens_census(self, 2, rows, &written, &total), LENS_OK);
  assert_int_equal(written, 2);
  assert_true(total > 2);
}

static void refcounts_count_each_count(void **state) {
  (void)state;
  static lens_count_census rows[ROWS];
  uint64_t written = 0, total = 0, objects = 0, immortals = 0;
  assert_int_equal(lens_refcounts(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t r = 0; r < written; r++) {
    if (r > 0) assert_true(rows[r].refcount > rows[r - 1].refcount);
    uint64_t count = 0, bytes = 0;
    for (uint64_t i = 0; i < columns.object_count; i++) {
      bool immortal = (columns.state[i] & LENS_STATE_IMMORTAL) != 0;
      if (immortal != (rows[r].immortal != 0)) continue;
      if (!immortal && columns.refcount[i] != rows[r].refcount) continue;
      count++;
      bytes += columns.size_bytes[i];
    }
    assert_int_equal(rows[r].count, count);
    assert_int_equal(rows[r].bytes, bytes);
    objects += count;
    immortals += rows[r].immortal;
  }
  assert_int_equal(objects, columns.object_count);
  assert_int_equal(immortals, 1);
}

/* ---- roots ---- */

static uint32_t index_of(const cairn_object *object) {
  uint32_t index = LENS_NONE;
  assert_int_equal(lens_snapshot_find(self, address_of(object), &index), LENS_OK);
  return index;
}

static lens_root variable(const cairn_object *const *slot) {
  return (lens_root){
      .slot_address = address_of(slot), .value = address_of(*slot), .kind = LENS_ROOT_LOCAL};
}

static void a_slot_is_one_root(void **state) {
  (void)state;
  lens_roots_clear(self);
  const cairn_object *words[4] = {all, (const cairn_object *)(const void *)((const char *)all + 8),
                                  NULL, all};
  uint64_t cursor = address_of(words), added = 0;
  assert_int_equal(
      lens_roots_scan(self, cursor, cursor + sizeof words, LENS_ROOT_WORD, 3, 0, &cursor, &added),
      LENS_OK);
  assert_int_equal(added, 3);
  assert_int_equal(cursor, address_of(words) + sizeof words);
  assert_int_equal(lens_root_count(self), 3);
  lens_root named = variable(&words[0]);
  named.tag = 42;
  assert_int_equal(lens_root_add(self, &named), LENS_OK);
  assert_int_equal(lens_root_count(self), 3);
  lens_root word = named;
  word.kind = LENS_ROOT_WORD;
  word.tag = 43;
  assert_int_equal(lens_root_add(self, &word), LENS_OK);
  lens_root reg = {.value = address_of(all), .kind = LENS_ROOT_REGISTER};
  assert_int_equal(lens_root_add(self, &reg), LENS_OK);
  assert_int_equal(lens_root_add(self, &reg), LENS_OK);
  lens_root nothing = {.slot_address = 8, .value = 12345, .kind = LENS_ROOT_LOCAL};
  assert_int_equal(lens_root_add(self, &nothing), LENS_OK);
  assert_int_equal(lens_root_count(self), 5);

  uint64_t roots[8], written = 0, total = 0;
  assert_int_equal(lens_roots_of(self, index_of(all), 8, roots, &written, &total), LENS_OK);
  assert_int_equal(total, 5);
  for (uint64_t i = 0; i < written; i++) assert_int_equal(roots[i], i);
  assert_int_equal(lens_roots_of(self, index_of(all), 2, roots, &written, &total), LENS_OK);
  assert_int_equal(written, 2);
  assert_int_equal(roots[1], 1);
  lens_root found;
  assert_int_equal(lens_root_get(self, 0, &found), LENS_OK);
  assert_int_equal(found.tag, 42);
  assert_int_equal(found.kind, LENS_ROOT_LOCAL);
  assert_int_equal(found.interior, 0);
  assert_int_equal(lens_root_get(self, 1, &found), LENS_OK);
  assert_int_equal(found.interior, 1);
  assert_int_equal(found.thread, 3);
  assert_int_equal(found.confidence, LENS_CONFIDENCE_CONSERVATIVE);
  assert_int_equal(lens_root_get(self, 5, &found), LENS_NOT_FOUND);
  lens_roots_clear(self);
  assert_int_equal(lens_root_count(self), 0);
}

static void an_odd_range_is_scanned_to_its_end(void **state) {
  (void)state;
  lens_roots_clear(self);
  const cairn_object *words[2] = {all, all};
  uint64_t start = address_of(words) + 3, end = address_of(words) + sizeof words - 1;
  uint64_t cursor = start, added = 0;
  assert_int_equal(lens_roots_scan(self, start, end, LENS_ROOT_WORD, 0, 0, &cursor, &added),
                   LENS_OK);
  assert_int_equal(added, 0);
  assert_int_equal(cursor, end);
}

/* A slot whose word was another's: a variable of a type narrower than the word. */
static void a_replaced_root_moves(void **state) {
  (void)state;
  lens_roots_clear(self);
  const cairn_object *first = cairn_list_get(all, 0), *second = cairn_list_get(all, 1);
  const cairn_object *slot = first;
  uint64_t cursor = address_of(&slot), added = 0, written = 0, total = 0, roots[2];
  assert_int_equal(
      lens_roots_scan(self, cursor, cursor + 8, LENS_ROOT_FOREIGN, LENS_NONE, 0, &cursor, &added),
      LENS_OK);
  slot = second;
  lens_root named = variable(&slot);
  assert_int_equal(lens_root_add(self, &named), LENS_OK);
  assert_int_equal(lens_roots_of(self, index_of(first), 2, roots, &written, &total), LENS_OK);
  assert_int_equal(total, 0);
  assert_int_equal(lens_roots_of(self, index_of(second), 2, roots, &written, &total), LENS_OK);
  assert_int_equal(total, 1);
  lens_roots_clear(self);
}

/* Many roots of few objects, added in every order of kinds: no slot twice, none lost. */
static void many_roots(void **state) {
  (void)state;
  enum { SLOTS = 3000 };
  static const cairn_object *slots[SLOTS];
  lens_roots_clear(self);
  for (int i = 0; i < SLOTS; i++) slots[i] = cairn_list_get(all, (size_t)i % 5);
  for (int i = 0; i < SLOTS; i += 3) {
    lens_root named = variable(&slots[i]);
    assert_int_equal(lens_root_add(self, &named), LENS_OK);
  }
  uint64_t cursor = address_of(slots), added = 0;
  assert_int_equal(
      lens_roots_scan(self, cursor, cursor + sizeof slots, LENS_ROOT_WORD, 0, 0, &cursor, &added),
      LENS_OK);
  assert_int_equal(added, SLOTS - SLOTS / 3);
  assert_int_equal(lens_root_count(self), SLOTS);
  for (size_t i = 0; i < 5; i++) {
    static uint64_t roots[SLOTS];
    uint64_t written = 0, total = 0;
    assert_int_equal(
        lens_roots_of(self, index_of(cairn_list_get(all, i)), SLOTS, roots, &written, &total),
        LENS_OK);
    assert_int_equal(total, SLOTS / 5);
    for (uint64_t k = 1; k < written; k++) assert_true(roots[k] > roots[k - 1]);
  }
  lens_roots_clear(self);
}

/* Foreign memory covers this program's globals and malloc, and nothing of the heap. */
static void foreign_is_everything_else(void **state) {
  (void)state;
  static lens_region ranges[512];
  uint64_t written = 0, total = 0;
  void *block = malloc(100);
  assert_int_equal(lens_foreign_ranges(self, 512, ranges, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  bool has_global = false;
  for (uint64_t i = 0; i < written; i++) {
    assert_true(ranges[i].start < ranges[i].end);
    if (i > 0) assert_true(ranges[i - 1].end <= ranges[i].start);
    has_global =
        has_global || (address_of(&all) >= ranges[i].start && address_of(&all) < ranges[i].end);
    assert_false(address_of(&written) >= ranges[i].start && address_of(&written) < ranges[i].end);
    for (uint64_t a = 0; a < lens_arena_count(self); a++) {
      lens_arena arena;
      assert_int_equal(lens_arena_get(self, a, &arena), LENS_OK);
      assert_true(ranges[i].end <= arena.address || ranges[i].start >= arena.address + arena.bytes);
    }
    lens_heap shown;
    assert_int_equal(lens_heap_get(self, 0, &shown), LENS_OK);
    assert_false(shown.address >= ranges[i].start && shown.address < ranges[i].end);
  }
  assert_true(has_global);
  uint64_t few = 0;
  assert_int_equal(lens_foreign_ranges(self, 1, ranges, &few, &total), LENS_OK);
  assert_int_equal(few, 1);
  free(block);
}

/* ---- accounts ---- */

static lens_account account_of(lens *from, const cairn_object *object) {
  lens_account account;
  uint32_t index;
  assert_int_equal(lens_snapshot_find(from, address_of(object), &index), LENS_OK);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_account_object(from, index, 1, &account);
  assert_int_equal(status, LENS_OK);
  return account;
}

/* The only reference from outside is `all`: with it everything balances, without it the list is
 * over-retained by one. */
static void a_healthy_heap_balances(void **state) {
  (void)state;
  lens_roots_clear(self);
  lens_accounts accounts;
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_int_equal(accounts.over, 1);
  assert_int_equal(accounts.surplus, 1);
  assert_int_equal(accounts.under + accounts.deficit + accounts.unknown, 0);
  assert_int_equal(accounts.verdict[index_of(all)], LENS_OVER_RETAINED);
  assert_int_equal(account_of(self, all).surplus, 1);

  const cairn_object *slot = all;
  lens_root named = variable(&slot);
  assert_int_equal(lens_root_add(self, &named), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  assert_int_equal(accounts.over + accounts.under + accounts.unknown, 0);
  assert_int_equal(accounts.balanced + accounts.immortal, columns.object_count);
  assert_true(accounts.immortal > 200);
  assert_null(accounts.opaque_refs);
  assert_int_equal(accounts.root_refs[index_of(all)], 1);
  lens_account account = account_of(self, all);
  assert_int_equal(account.verdict, LENS_BALANCED);
  assert_int_equal(account.root_refs, 1);
  assert_int_equal(account.heap_refs + 1, account.refcount);
  assert_int_equal(account.exactness, LENS_CONFIDENCE_EXACT);
  lens_roots_clear(self);
}

/* A balance that a mere word makes is a guess. */
static void a_word_is_a_guess(void **state) {
  (void)state;
  const cairn_object *slot = all;
  lens *fresh = self_lens(); /* the other one has read this stack before */
  assert_int_equal(lens_walk(fresh, 0, NULL), LENS_OK);
  uint64_t cursor = address_of(&slot), added = 0;
  assert_int_equal(
      lens_roots_scan(fresh, cursor, cursor + 8, LENS_ROOT_WORD, 0, 0, &cursor, &added), LENS_OK);
  assert_int_equal(added, 1);
  lens_account account = account_of(fresh, all);
  assert_int_equal(account.verdict, LENS_BALANCED);
  assert_int_equal(account.exactness, LENS_CONFIDENCE_CONSERVATIVE);
  lens_free(fresh);
}

/* One object's account is the same with the index, without it, and among all. */
static void accounts_agree(void **state) {
  (void)state;
  lens *scanning = self_lens();
  assert_int_equal(lens_walk(scanning, 0, NULL), LENS_OK);
  lens_accounts accounts;
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  for (uint32_t i = 0; i < columns.object_count; i += 3) {
    const cairn_object *object = (const cairn_object *)(uintptr_t)columns.address[i];
    lens_account indexed = account_of(self, object), scanned = account_of(scanning, object);
    assert_memory_equal(&indexed, &scanned, sizeof indexed);
    assert_int_equal(accounts.heap_refs[i], indexed.heap_refs);
    assert_int_equal(accounts.runtime_refs[i], indexed.runtime_refs);
    assert_int_equal(accounts.verdict[i], indexed.verdict);
  }
  lens_free(scanning);
}

/* ---- reachability ---- */

static void follow(uint8_t *marks, uint32_t object, uint64_t *count) {
  if (marks[object] != 0) return;
  marks[object] = 1;
  ++*count;
  for (uint64_t e = columns.out_start[object]; e < columns.out_start[object + 1]; e++) {
    follow(marks, columns.out_target[e], count);
  }
}

static void reach_is_what_can_be_followed(void **state) {
  (void)state;
  uint8_t *marks = malloc(columns.object_count);
  assert_non_null(marks);
  for (uint32_t start = 0; start < columns.object_count; start += 5) {
    memset(marks, 0, columns.object_count);
    uint64_t count = 0, bytes = 0;
    follow(marks, start, &count);
    assert_int_equal(lens_reach(self, &start, 1, 0, 0, NULL), LENS_OK);
    lens_reached reached;
    assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
    for (uint64_t i = 0; i < columns.object_count; i++) {
      assert_int_equal(reached.marks[i / 64] >> (i % 64) & 1, marks[i]);
      if (marks[i] != 0) bytes += columns.size_bytes[i];
    }
    assert_int_equal(reached.object_count, count);
    assert_int_equal(reached.bytes, bytes);
  }
  free(marks);
}

/* From the one variable and the runtime's own everything is reachable; without it the garden is
 * not. */
static void reach_from_roots(void **state) {
  (void)state;
  lens_roots_clear(self);
  lens_reached reached;
  uint32_t from = LENS_REACH_ROOTS | LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL;
  assert_int_equal(lens_reach(self, NULL, 0, from, 0, NULL), LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  assert_true(reached.object_count > 200 && reached.object_count < columns.object_count);
  const cairn_object *slot = all;
  lens_root named = variable(&slot);
  assert_int_equal(lens_root_add(self, &named), LENS_OK);
  assert_int_equal(lens_reach(self, NULL, 0, from, 0, NULL), LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  assert_int_equal(reached.object_count, columns.object_count);
  assert_int_equal(lens_reach(self, NULL, 0, 0, 0, NULL), LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  assert_int_equal(reached.object_count, 0);
  uint32_t wrong = (uint32_t)columns.object_count;
  assert_int_equal(lens_reach(self, &wrong, 1, 0, 0, NULL), LENS_BAD_ARGUMENT);
  lens_roots_clear(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(selecting_sorts_and_cuts),
                                     cmocka_unit_test(selecting_by_type_name),
                                     cmocka_unit_test(filters_are_what_they_say),
                                     cmocka_unit_test(census_counts_each_type),
                                     cmocka_unit_test(refcounts_count_each_count),
                                     cmocka_unit_test(a_slot_is_one_root),
                                     cmocka_unit_test(an_odd_range_is_scanned_to_its_end),
                                     cmocka_unit_test(a_replaced_root_moves),
                                     cmocka_unit_test(many_roots),
                                     cmocka_unit_test(foreign_is_everything_else),
                                     cmocka_unit_test(a_healthy_heap_balances),
                                     cmocka_unit_test(a_word_is_a_guess),
                                     cmocka_unit_test(accounts_agree),
                                     cmocka_unit_test(reach_is_what_can_be_followed),
                                     cmocka_unit_test(reach_from_roots)};
  return cmocka_run_group_tests_name("lens questions", tests, begin, end);
}

/* Questions about roots: which slots are roots, what each object's count is made of, and what can
 * be reached; each against what the heap and the test know. */
#include <stdlib.h>

#include "garden_asked.h"

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
  for (int i = 0; i < SLOTS; i++) slots[i] = cairn_list_get(all, (size_t)i % 5);
  assert_int_equal(asked_look(), LENS_OK);
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
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slot_is_one_root),
      cmocka_unit_test(an_odd_range_is_scanned_to_its_end),
      cmocka_unit_test(a_replaced_root_moves),
      cmocka_unit_test(many_roots),
      cmocka_unit_test(foreign_is_everything_else),
      cmocka_unit_test(a_healthy_heap_balances),
      cmocka_unit_test(a_word_is_a_guess),
      cmocka_unit_test(accounts_agree),
      cmocka_unit_test(reach_is_what_can_be_followed),
      cmocka_unit_test(reach_from_roots),
  };
  return cmocka_run_group_tests_name("roots", tests, asked_begin, asked_end);
}

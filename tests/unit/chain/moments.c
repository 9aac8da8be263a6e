/* What grew between two moments, against a model that keeps an account of each object.
 *
 * Random programs make and free objects of a few types and values; the model numbers each object
 * that was ever made, so that it knows which address holds the same one.  Heaps follow each other
 * in rounds: with tracking identity is exact, without it is what lens/moments.h promises of
 * addresses.
 */
#include <stdlib.h>

#include "../../random.h"
#include "moment_test.h"

enum { ITEMS = 64, ROUNDS = 6000, STEPS = 24, TEXTS = 3 };

/* An object that the model knows. */
struct item {
  cairn_object *object;
  uint64_t address, id, bytes, site;
  const char *type;
  int64_t value; /* of an int or a str; -1: it has none that never changes */
};

struct account {
  struct item items[ITEMS];
  uint32_t count;
};

static struct account now;
static uint64_t made, seed;
static bool tracked;

__attribute__((noinline)) static cairn_object *make_here(uint64_t kind, int64_t value) {
  static const char *const texts[TEXTS] = {"alpha", "gamma", "a text of another size class"};
  cairn_object *object = kind == 0   ? cairn_object_new(heap, left)
                         : kind == 1 ? cairn_object_new(heap, right)
                         : kind == 2 ? cairn_int_new(heap, 1000 + value)
                                     : cairn_str_from(heap, texts[value]);
  CAIRN_ORDER(); /* no tail call */
  return object;
}

__attribute__((noinline)) static cairn_object *make_there(uint64_t kind, int64_t value) {
  cairn_object *object = make_here(kind, value);
  CAIRN_ORDER();
  return object;
}

static void make(void) {
  static const char *const names[] = {"left", "right", "int", "str"};
  uint64_t kind = random_below(&seed, 4);
  int64_t value = (int64_t)random_below(&seed, TEXTS);
  cairn_object *object =
      random_below(&seed, 2) == 0 ? make_here(kind, value) : make_there(kind, value);
  assert_non_null(object);
  struct item *item = &now.items[now.count++];
  uint64_t callers[2] = {0, 0};
  (void)cairn_track_site(object, callers, 2);
  *item = (struct item){.object = object,
                        .address = address_of(object),
                        .id = ++made,
                        .bytes = cairn_object_size(object),
                        .site = callers[0] * 31 + callers[1],
                        .type = names[kind],
                        .value = kind < 2 ? -1 : value};
}

static void drop(void) {
  uint32_t at = (uint32_t)random_below(&seed, now.count);
  cairn_release(now.items[at].object);
  now.items[at] = now.items[--now.count];
}

static void steps(void) {
  for (uint64_t left_over = random_below(&seed, STEPS); left_over > 0; left_over--) {
    bool room = now.count < ITEMS;
    if (now.count == 0 || (room && random_below(&seed, 2) == 0)) {
      make();
    } else {
      drop();
    }
  }
}

/* ---- the naive comparison ---- */

static const struct item *at_address(const struct account *account, uint64_t address) {
  for (uint32_t i = 0; i < account->count; i++) {
    if (account->items[i].address == address) return &account->items[i];
  }
  return NULL;
}

static bool is_same(const struct item *a, const struct item *b) {
  if (tracked) return a->id == b->id;
  return a->bytes == b->bytes && strcmp(a->type, b->type) == 0 && a->value == b->value;
}

/* What must be said of the objects of one type and site; NULL, 0: of all. */
static lens_diff_row expected(const struct account *a, const struct account *b, const char *type,
                              uint64_t site) {
  lens_diff_row row = {.type = type};
  for (uint32_t i = 0; i < a->count; i++) {
    const struct item *item = &a->items[i];
    if ((type != NULL && strcmp(type, item->type) != 0) || (site != 0 && site != item->site))
      continue;
    const struct item *other = at_address(b, item->address);
    row.count_a++;
    row.bytes_a += item->bytes;
    row.gone += other == NULL || !is_same(item, other);
  }
  for (uint32_t i = 0; i < b->count; i++) {
    const struct item *item = &b->items[i];
    if ((type != NULL && strcmp(type, item->type) != 0) || (site != 0 && site != item->site))
      continue;
    const struct item *other = at_address(a, item->address);
    bool kept = other != NULL && is_same(other, item);
    row.count_b++;
    row.bytes_b += item->bytes;
    row.kept += kept;
    row.added += !kept;
  }
  return row;
}

/* Addresses that another object has now. */
static uint64_t reused(const struct account *a, const struct account *b, const char *type) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < a->count; i++) {
    const struct item *item = &a->items[i], *other = at_address(b, item->address);
    if (other == NULL || is_same(item, other)) continue;
    count += type == NULL || strcmp(type, item->type) == 0 || strcmp(type, other->type) == 0;
  }
  return count;
}

static bool is_changed(const lens_diff_row *row) {
  return row->count_a != row->count_b || row->bytes_a != row->bytes_b ||
         row->added + row->gone != 0;
}

static uint64_t change_of(const lens_diff_row *row) {
  return row->bytes_a > row->bytes_b ? row->bytes_a - row->bytes_b : row->bytes_b - row->bytes_a;
}

static void check_types(const lens_diff *diff, const struct account *a, const struct account *b) {
  static const char *const names[] = {"left", "right", "int", "str"};
  lens_diff_row rows[32];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_diff_types(diff, 0, 32, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  uint64_t changed = 0;
  for (size_t i = 0; i < 4; i++) {
    lens_diff_row row = expected(a, b, names[i], 0);
    changed += is_changed(&row);
  }
  assert_int_equal(total, changed);
  for (uint64_t i = 0; i < written; i++) {
    lens_diff_row row = expected(a, b, rows[i].type, 0);
    assert_true(rows[i].count_a >= row.count_a); /* the heap has ints of its own */
    assert_int_equal(rows[i].count_b - rows[i].count_a + row.count_a, row.count_b);
    assert_int_equal(rows[i].bytes_b - rows[i].bytes_a + row.bytes_a, row.bytes_b);
    assert_int_equal(rows[i].added, row.added);
    assert_int_equal(rows[i].gone, row.gone);
    assert_true(i == 0 || change_of(&rows[i - 1]) >= change_of(&rows[i]));
  }
}

/* The site as the model numbers it. */
static uint64_t site_of(const lens_moment *moment, uint32_t number) {
  lens_moment_site site;
  lens_moment_place places[2] = {{.address = 0}, {.address = 0}};
  if (lens_moment_site_get(moment, number, &site) != LENS_OK) return 0;
  for (uint32_t i = 0; i < site.frame_count; i++)
    assert_int_equal(lens_moment_frame_get(moment, site.first_frame + i, &places[i]), LENS_OK);
  return places[0].address * 31 + places[1].address;
}

static void check_sites(const lens_diff *diff, const lens_moment *first, const lens_moment *second,
                        const struct account *a, const struct account *b) {
  lens_diff_row rows[64];
  uint64_t written = 0, total = 0, added = 0;
  assert_int_equal(lens_diff_sites(diff, 0, 64, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  if (!tracked) assert_int_equal(total, 0);
  for (uint64_t i = 0; i < written; i++) {
    uint64_t site =
        rows[i].site_b != 0 ? site_of(second, rows[i].site_b) : site_of(first, rows[i].site_a);
    lens_diff_row row = expected(a, b, rows[i].type, site);
    assert_int_not_equal(site, 0);
    assert_int_equal(rows[i].count_a, row.count_a);
    assert_int_equal(rows[i].count_b, row.count_b);
    assert_int_equal(rows[i].bytes_a, row.bytes_a);
    assert_int_equal(rows[i].bytes_b, row.bytes_b);
    assert_int_equal(rows[i].kept, row.kept);
    assert_int_equal(rows[i].added, row.added);
    assert_int_equal(rows[i].gone, row.gone);
    added += row.added;
  }
  if (tracked) assert_int_equal(added, expected(a, b, NULL, 0).added);
}

static void check_objects(const lens_diff *diff, const struct account *a, const struct account *b) {
  lens_diff_object rows[2 * ITEMS];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_diff_objects(diff, 0, 2 * ITEMS, rows, &written, &total), LENS_OK);
  lens_diff_row all = expected(a, b, NULL, 0);
  assert_int_equal(total, all.added + all.gone);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    bool gone = rows[i].change == LENS_CHANGE_GONE;
    const struct item *item = at_address(gone ? a : b, rows[i].address);
    const struct item *other = at_address(gone ? b : a, rows[i].address);
    assert_non_null(item);
    assert_string_equal(item->type, rows[i].type);
    assert_int_equal(item->bytes, gone ? rows[i].bytes_a : rows[i].bytes_b);
    assert_true(other == NULL || !is_same(item, other));
    assert_int_equal(rows[i].reused, other != NULL);
    if (i > 0) {
      uint64_t before = rows[i - 1].bytes_a + rows[i - 1].bytes_b;
      assert_true(before >= rows[i].bytes_a + rows[i].bytes_b);
    }
  }
}

static void check(const lens_moment *first, const lens_moment *second, const struct account *a,
                  const struct account *b, uint64_t own) {
  lens_diff *diff = compared(first, second, NULL, 2 * ITEMS);
  lens_diff_totals totals;
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  lens_diff_row all = expected(a, b, NULL, 0);
  assert_int_equal(totals.same_process, 1);
  assert_int_equal(totals.count_a, own + all.count_a);
  assert_int_equal(totals.count_b, own + all.count_b);
  assert_int_equal(totals.bytes_b - totals.bytes_a + all.bytes_a, all.bytes_b);
  assert_int_equal(totals.kept, own + all.kept);
  assert_int_equal(totals.added, all.added);
  assert_int_equal(totals.gone, all.gone);
  assert_int_equal(totals.reused, reused(a, b, NULL));
  assert_int_equal(totals.resized, 0);
  assert_int_equal(totals.kept_by_address, tracked ? 0 : totals.kept);
  assert_int_equal(totals.exactness, tracked ? LENS_CONFIDENCE_EXACT : LENS_CONFIDENCE_TOLERANT);
  check_types(diff, a, b);
  check_sites(diff, first, second, a, b);
  check_objects(diff, a, b);
  lens_diff_free(diff);
  /* A filter changes nothing of the type that it leaves. */
  diff = compared(first, second, "r?ght", 0);
  assert_int_equal(lens_diff_totals_get(diff, &totals), LENS_OK);
  all = expected(a, b, "right", 0);
  assert_int_equal(totals.count_a, all.count_a);
  assert_int_equal(totals.count_b, all.count_b);
  assert_int_equal(totals.kept, all.kept);
  assert_int_equal(totals.added, all.added);
  assert_int_equal(totals.gone, all.gone);
  assert_int_equal(totals.reused, reused(a, b, "right"));
  lens_diff_free(diff);
}

static void random_programs(bool with_tracking) {
  tracked = with_tracking;
  heap_begin(tracked);
  now.count = 0;
  lens *self = self_lens();
  lens_moment_info info;
  struct account before = now;
  lens_moment *first = take(self);
  lens_moment_info_get(first, &info);
  uint64_t own = info.objects, reused = 0;
  for (uint64_t round = 1; round <= ROUNDS; round++) {
    seed = round * 0x9e3779b97f4a7c15u;
    steps();
    lens_moment *second = take(self);
    check(first, second, &before, &now, own);
    lens_diff *diff = compared(second, first, NULL, 0);
    lens_diff_totals back;
    assert_int_equal(lens_diff_totals_get(diff, &back), LENS_OK);
    assert_int_equal(back.added, expected(&before, &now, NULL, 0).gone);
    reused += back.reused;
    lens_diff_free(diff);
    lens_moment_free(first);
    first = second;
    before = now;
  }
  assert_true(reused > ROUNDS / 4); /* addresses do come back */
  lens_moment_free(first);
  lens_free(self);
  while (now.count > 0) cairn_release(now.items[--now.count].object);
  assert_true(cairn_heap_destroy(heap, NULL));
}

static void with_serials(void **state) {
  (void)state;
  random_programs(true);
}

static void by_address_and_value(void **state) {
  (void)state;
  random_programs(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(with_serials),
      cmocka_unit_test(by_address_and_value),
  };
  return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}

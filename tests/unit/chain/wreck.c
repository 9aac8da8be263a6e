/* A damaged heap and every question: ten thousand seeded cases in headers, blocks, page tables,
 * types, names, the root record, and bits anywhere.  Each ends within limits of time and memory,
 * with answers or with a named reason; where objects are missing a problem says so, and the others
 * are still shown.
 */
#include <time.h>

#include "../../bounded.h"
#include "damage.h"
#include "garden_image.h"

enum { SHOWN_MAX = 64, MEMORY_MAX_BYTES = 64 << 20 };
#ifdef __SANITIZE_ADDRESS__ /* several times slower; the same cases, fewer of them */
enum { CASES = 3000 };
#else
enum { CASES = 10000 };
#endif

static uint64_t healthy_objects;
/* Where damage of each sort is done. */
static uint64_t objects[8192], object_count;
static uint64_t tables[64], table_count, table_bytes;
static uint64_t types[64], type_count, type_bytes;
static uint64_t names[64];

static lens *model_of_image(lens_status *status) {
  lens *self = image_lens(image);
  assert_non_null(self);
  assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
  *status = lens_model_load(self, 0);
  return self;
}

static void note_places(const lens *self) {
  const struct lens_contract *contract = self->model.contracts[0];
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  healthy_objects = columns.object_count;
  for (uint64_t i = 0; i < columns.object_count && i < 8192; i++)
    objects[object_count++] = columns.address[i];
  for (size_t i = 0; i < self->model.arena_count && i < 64; i++)
    tables[table_count++] = self->model.arenas[i].shown.address;
  table_bytes = self->model.arenas[0].shown.page_count * contract->page.struct_bytes;
  type_bytes = contract->type.struct_bytes;
  for (size_t i = 0; i < self->model.type_count && type_count < 64; i++) {
    if (!self->model.types[i].known) continue;
    types[type_count] = self->model.types[i].shown.address;
    names[type_count] = types[type_count] + contract->type.name.offset;
    type_count++;
  }
}

static int begin(void **state) {
  if (garden_image_begin(state) != 0) return 1;
  lens_status status;
  lens *self = model_of_image(&status);
  if (status != LENS_OK || lens_walk(self, 0, NULL) != LENS_OK) return 1;
  note_places(self);
  lens_free(self);
  (void)bound_memory(MEMORY_MAX_BYTES);
  return 0;
}

/* ---- asking everything ---- */

static void ask_rows(lens *self) {
  static lens_object rows[SHOWN_MAX];
  lens_filter filter = {.refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = LENS_NONE,
                        .sort = LENS_SORT_TYPE};
  uint64_t written = 0, matched = 0;
  assert_int_equal(lens_select(self, &filter, SHOWN_MAX, rows, &written, &matched), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    char text[128];
    lens_ref refs[4];
    lens_field fields[2];
    uint64_t some = 0, total = 0;
    lens_object_text(self, rows[i].address, 2, 3, text, sizeof text);
    lens_object_refs(self, rows[i].address, 0, 4, refs, &some, &total);
    lens_object_fields(self, rows[i].address, 0, 2, fields, &some, &total);
  }
}

static void ask_numbers(lens *self, uint64_t *shown) {
  lens_type_census census[64];
  lens_count_census counts[64];
  lens_walk_totals totals;
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(lens_census(self, 64, census, &written, &total), LENS_OK);
  assert_int_equal(lens_refcounts(self, 64, counts, &written, &total), LENS_OK);
  *shown = totals.objects;
}

static void ask_holders(lens *self, uint64_t seed) {
  lens_referrer holders[8];
  lens_account account;
  uint64_t written = 0, total = 0;
  uint64_t target = objects[seed % object_count];
  uint32_t index = 0;
  lens_referrers(self, target, 0, 0, 8, holders, &written, &total);
  if (lens_snapshot_find(self, target, &index) != LENS_OK) return;
  assert_int_equal(lens_account_object(self, index, 0, &account), LENS_OK);
  assert_int_equal(lens_reach(self, &index, 1, LENS_REACH_RUNTIME, 0, NULL), LENS_OK);
  lens_referrers(self, target, 0, 0, 8, holders, &written, &total);
  assert_int_equal(lens_account_object(self, index, 0, &account), LENS_OK);
}

/* One look at the image as it is now; how many objects it shows. */
static uint64_t look(uint64_t seed) {
  struct timespec start, stop;
  clock_gettime(CLOCK_MONOTONIC, &start);
  lens_status status;
  lens *self = model_of_image(&status);
  uint64_t shown = 0;
  if (status == LENS_OK) {
    ask_numbers(self, &shown);
    ask_rows(self);
    if (seed % 4 == 0) ask_holders(self, seed);
    lens_check_totals totals;
    assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_check_totals_get(self, &totals), LENS_OK);
    if (shown != healthy_objects) assert_true(lens_problem_count(self) > 0);
  } else {
    assert_int_not_equal(status, LENS_NO_MEMORY); /* the limit of begin */
    assert_true(lens_error(self)[0] != 0);
  }
  lens_free(self);
  clock_gettime(CLOCK_MONOTONIC, &stop);
  assert_true(stop.tv_sec - start.tv_sec < 3);
  return shown;
}

/* ---- damaging ---- */

static uint8_t *bytes_at(uint64_t address, uint64_t bytes) {
  for (size_t i = 0; i < image->count; i++) {
    uint64_t offset = address - image->parts[i].start;
    if (offset < image->parts[i].bytes && image->parts[i].bytes - offset >= bytes)
      return image->parts[i].copy + offset;
  }
  return NULL;
}

/* Writes a word, looks, and puts it back. */
static uint64_t look_with(uint64_t address, uint64_t value, uint64_t seed) {
  uint8_t *at = bytes_at(address, 8);
  if (at == NULL) return healthy_objects;
  uint64_t before;
  memcpy(&before, at, sizeof before);
  memcpy(at, &value, sizeof value);
  uint64_t shown = look(seed);
  memcpy(at, &before, sizeof before);
  return shown;
}

static uint64_t word_at(uint64_t address) {
  const uint8_t *at = bytes_at(address, 8);
  return at == NULL ? 0 : lens_load_uint(at, 8);
}

static uint64_t a_place(uint64_t sort, uint64_t *seed) {
  uint64_t pick = random_next(seed);
  switch (sort) {
    case 0: /* a header */
      return objects[pick % object_count];
    case 1: /* a word of an object */
      return objects[pick % object_count] + 8 * (random_next(seed) % 8);
    case 2: /* an arena's head and page table */
      return tables[pick % table_count] + random_next(seed) % (table_bytes + 128) / 8 * 8;
    case 3: /* a type */
      return types[pick % type_count] + random_next(seed) % type_bytes / 8 * 8;
    case 4: /* the address of a type's name */
      return names[pick % type_count];
    case 5: /* the root record: its head and tables */
      return image->parts[0].start + random_next(seed) % (image->parts[0].bytes - 8);
    default: { /* anything that the runtime keeps */
      const struct image_part *part = &image->parts[random_next(seed) % image->count];
      return part->start + random_next(seed) % (part->bytes < 32768 ? part->bytes - 8 : 32768);
    }
  }
}

static void ten_thousand_cases(void **state) {
  (void)state;
  uint64_t seed = number_from("CAIRN_SEED", 20240607), cases = number_from("CAIRN_ROUNDS", CASES);
  print_message("seed %llu\n", (unsigned long long)seed);
  uint64_t unloadable = 0, changed = 0;
  for (uint64_t i = 0; i < cases; i++) {
    uint64_t sort = i % 7, address = a_place(sort, &seed);
    uint64_t value =
        i % 2 == 0 ? nasty_value(image, &seed) : word_at(address) ^ 1ull << random_next(&seed) % 64;
    uint64_t shown = look_with(address, value, seed);
    if (shown == 0) unloadable++;
    if (shown != healthy_objects) changed++;
    /* One header hides its own object at most. */
    if (sort == 0) assert_true(shown + 1 >= healthy_objects);
  }
  /* The damage is real, and most of it leaves most of the heap to be seen. */
  assert_true(changed > cases / 50);
  assert_true(unloadable < cases / 4);
  assert_int_equal(look(0), healthy_objects);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ten_thousand_cases)};
  return cmocka_run_group_tests_name("lens wreck", tests, begin, garden_image_end);
}

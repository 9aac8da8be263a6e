/* The directory against a search over all blocks: arenas of several alignments and page sizes,
 * pages that are dense, holed, large and empty.
 */
#include "model/directory.h"
#include "../../random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ARENAS = 5, PAGES = 12, OBJECTS_MAX = 100000 };

struct object {
  uint64_t address, bytes;
};

static struct lens_arena_model arenas[ARENAS];
static struct lens_model model;
static struct lens_directory directory;
static struct object objects[OBJECTS_MAX];
static uint32_t object_count;

/* Page sizes: powers of two and not. */
static void make_arenas(void) {
  static const uint64_t starts[ARENAS] = {0x10000000, 0x10400000, 0x20010000, 0x7f0000000000,
                                          0x7f0000a00000};
  static const uint64_t page_bytes[ARENAS] = {32768, 32768, 4096, 12288, 1 << 20};
  model =
      (struct lens_model){.arenas = arenas, .arena_count = ARENAS, .page_total = ARENAS * PAGES};
  for (size_t i = 0; i < ARENAS; i++) {
    arenas[i] = (struct lens_arena_model){.shown = {.address = starts[i],
                                                    .page_bytes = page_bytes[i],
                                                    .page_count = PAGES,
                                                    .bytes = PAGES * page_bytes[i]}};
  }
}

static void add_object(uint64_t address, uint64_t bytes) {
  assert_true(object_count < OBJECTS_MAX);
  objects[object_count++] = (struct object){address, bytes};
}

/* A page of blocks of which `share` of 8 are objects. */
static void add_blocks(struct lens_page_row *row, uint64_t start, uint64_t page_bytes,
                       uint64_t block_bytes, uint64_t share, uint64_t *seed) {
  uint32_t blocks = (uint32_t)(page_bytes / block_bytes), first = object_count;
  lens_page_row_begin(row, start, block_bytes, false, first);
  row->block_limit = blocks;
  struct lens_bit_row *bits = NULL;
  if (share < 8) bits = lens_directory_bits(&directory, row, blocks);
  for (uint32_t i = 0; i < blocks; i++) {
    if (share < 8 && random_next(seed) % 8 >= share) continue;
    if (bits != NULL && bits[i / 64].objects == 0) bits[i / 64].before = object_count - first;
    if (bits != NULL) bits[i / 64].objects |= 1ull << (i % 64);
    add_object(start + i * block_bytes, block_bytes);
  }
}

static void fill_arena(size_t arena, uint64_t *seed) {
  uint64_t page_bytes = arenas[arena].shown.page_bytes;
  for (uint64_t page = 0; page < PAGES; page++) {
    struct lens_page_row *row = lens_directory_page(&directory, arena * PAGES + page);
    uint64_t start = arenas[arena].shown.address + page * page_bytes;
    if (page == 1) continue; /* a free page */
    if (page == 4) {         /* three pages of one block */
      lens_page_row_begin(row, start, 3 * page_bytes - 100, true, object_count);
      row->block_limit = 1;
      row[1] = row[2] = *row;
      add_object(start, 3 * page_bytes - 100);
      page += 2;
      continue;
    }
    add_blocks(row, start, page_bytes, 16 + 8 * (random_next(seed) % 60),
               page % 3 == 0 ? 8 : page % 8, seed);
  }
}

static int begin(void **state) {
  (void)state;
  uint64_t seed = 4711;
  make_arenas();
  if (lens_directory_begin(&directory, &model) != LENS_OK) return 1;
  for (size_t i = 0; i < ARENAS; i++) fill_arena(i, &seed);
  return 0;
}

static int end(void **state) {
  (void)state;
  lens_directory_free(&directory);
  return 0;
}

static void each_object_is_found(void **state) {
  (void)state;
  assert_true(object_count > 10000);
  for (uint32_t i = 0; i < object_count; i++) {
    uint64_t start = objects[i].address, last = start + objects[i].bytes - 1;
    assert_int_equal(lens_directory_exact(&directory, start), i);
    assert_int_equal(lens_directory_find(&directory, start), i);
    assert_int_equal(lens_directory_find(&directory, last), i);
    assert_int_equal(lens_directory_find(&directory, start + objects[i].bytes / 2), i);
    assert_int_equal(lens_directory_exact(&directory, start + 8), LENS_NONE);
    assert_int_equal(lens_directory_exact(&directory, last), LENS_NONE);
  }
}

static void nothing_else_is_found(void **state) {
  (void)state;
  uint64_t found = 0;
  uint32_t next = 0;
  for (size_t i = 0; i < ARENAS; i++) {
    const lens_arena *arena = &arenas[i].shown;
    for (uint64_t at = arena->address; at < arena->address + arena->bytes; at += 8) {
      while (next < object_count && objects[next].address + objects[next].bytes <= at) next++;
      bool inside = next < object_count && objects[next].address <= at;
      bool exact = inside && objects[next].address == at;
      assert_int_equal(lens_directory_find(&directory, at), inside ? next : LENS_NONE);
      assert_int_equal(lens_directory_exact(&directory, at), exact ? next : LENS_NONE);
      found += exact;
    }
    const uint64_t outside[] = {arena->address - 1, arena->address - 8,
                                arena->address + arena->bytes,
                                arena->address + arena->bytes + 4096};
    for (size_t k = 0; k < 4; k++)
      assert_int_equal(lens_directory_find(&directory, outside[k]), LENS_NONE);
  }
  assert_int_equal(found, object_count);
  const uint64_t anywhere[] = {0, 8, UINT64_MAX, UINT64_MAX / 2, 0x15000000, 0x7effffffffff};
  for (size_t k = 0; k < 6; k++) {
    assert_int_equal(lens_directory_find(&directory, anywhere[k]), LENS_NONE);
    assert_int_equal(lens_directory_exact(&directory, anywhere[k]), LENS_NONE);
  }
}

static void no_arena_and_bad_arenas(void **state) {
  (void)state;
  struct lens_directory other = {0};
  struct lens_model none = {0};
  assert_int_equal(lens_directory_begin(&other, &none), LENS_OK);
  assert_int_equal(lens_directory_find(&other, 0x10000000), LENS_NONE);
  struct lens_arena_model odd = {
      .shown = {.address = 0x10000008, .page_bytes = 4096, .page_count = 1, .bytes = 4096}};
  struct lens_model fine = {.arenas = &odd, .arena_count = 1, .page_total = 1};
  assert_int_equal(lens_directory_begin(&other, &fine), LENS_UNSUPPORTED);
  lens_directory_free(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_object_is_found),
                                     cmocka_unit_test(nothing_else_is_found),
                                     cmocka_unit_test(no_arena_and_bad_arenas)};
  return cmocka_run_group_tests_name("lens directory", tests, begin, end);
}

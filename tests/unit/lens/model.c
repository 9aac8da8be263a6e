/* The model of a damaged heap: each thing that is wrong is named, the rest is there. */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"

enum { BLOCKS = 7, LARGE = 6, TAIL = 5 };

static struct fake fake;
static lens *self;

static int begin(void **state) {
  (void)state;
  fake_new(&fake);
  fake_page(&fake, 1, BLOCKS, 96, 40, 1);
  fake_page(&fake, 2, LARGE, 2 * FAKE_PAGE_BYTES - 8, 1, 2);
  fake_page(&fake, 3, TAIL, 0, 0, 1);
  fake_type(&fake, 1, "leaf", 16, 0);
  fake_put(&fake, fake_block(&fake, 1, 0), fake_header(fake_live, 1, 1), 8);
  return 0;
}

static void load(void) {
  self = fake_lens(&fake);
  assert_non_null(self);
  lens_status status = lens_model_load(self, 0);
  if (status != LENS_OK) print_error("%s\n", lens_error(self));
  assert_int_equal(status, LENS_OK);
}

static void assert_problem(const char *text, uint64_t offset) {
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (strstr(problem.text, text) == NULL) continue;
    assert_int_equal(problem.address, fake_base + offset);
    return;
  }
  fail_msg("no problem says \"%s\"", text);
}

/* Loads, checks for one problem, and that the leaf at block 0 is found or not. */
static void assert_damage(const char *problem, uint64_t offset, bool leaf_is_there) {
  lens_object leaf;
  load();
  assert_problem(problem, offset);
  assert_int_equal(lens_object_at(self, fake_base + fake_block(&fake, 1, 0), &leaf),
                   leaf_is_there ? LENS_OK : LENS_NOT_FOUND);
  lens_free(self);
}

static void lists_that_come_back(void **state) {
  (void)state;
  fake_put(&fake, FAKE_HEAP + 40, fake_base + FAKE_HEAP, 8);
  assert_damage("list of heaps comes back to itself", FAKE_HEAP, true);
  begin(NULL);
  fake_put(&fake, FAKE_ARENA + 56, fake_base + FAKE_ARENA, 8);
  assert_damage("list of arenas of heap 1 comes back to itself", FAKE_ARENA, true);
}

static void lists_that_leave_memory(void **state) {
  (void)state;
  fake_put(&fake, FAKE_HEAP + 40, fake_base + FAKE_BYTES - 4, 8);
  assert_damage("list of heaps leads to memory that can't be read", FAKE_BYTES - 4, true);
  begin(NULL);
  fake_put(&fake, FAKE_ARENA + 56, fake_base - 8, 8);
  assert_damage("list of arenas of heap 1 leads to memory that can't be read", (uint64_t)-8, true);
}

static void arenas_that_make_no_sense(void **state) {
  (void)state;
  const struct {
    uint64_t offset, value;
    uint32_t width;
    const char *problem;
  } cases[] = {{0, 0, 8, "claims an impossible size"},
               {0, UINT64_MAX, 8, "claims an impossible size"},
               {8, 0, 4, "claims pages that do not fit"},
               {8, 0x7fffffff, 4, "claims pages that do not fit"},
               {12, 0, 2, "claims pages that do not fit"},
               {12, 9, 2, "claims pages that do not fit"},
               {16, 0, 4, "has its page table outside"},
               {16, FAKE_ARENA_BYTES - 8, 4, "has its page table outside"},
               {16, UINT32_MAX, 4, "has its page table outside"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin(NULL);
    fake_put(&fake, FAKE_ARENA + cases[i].offset, cases[i].value, cases[i].width);
    assert_damage(cases[i].problem, FAKE_ARENA, false);
  }
}

/* A second arena behind the six pages of the first. */
static void an_arena_claims_what_lies_behind_it(void **state) {
  (void)state;
  const uint64_t first_bytes = 6 * FAKE_PAGE_BYTES;
  const uint64_t claims[] = {FAKE_ARENA_BYTES, first_bytes + 8, 1ull << 45};
  for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
    begin(NULL);
    uint64_t second = FAKE_ARENA + first_bytes;
    fake_put(&fake, FAKE_ARENA + 12, 6, 2);
    fake_put(&fake, FAKE_ARENA + 56, fake_base + second, 8);
    fake_put(&fake, second, FAKE_PAGE_BYTES, 8);
    fake_put(&fake, second + 8, FAKE_PAGE_BYTES, 4);
    fake_put(&fake, second + 12, 1, 2);
    fake_put(&fake, second + 16, 0x100, 4);
    fake_put(&fake, FAKE_ARENA, claims[i], 8);
    load();
    assert_problem("bytes; its 6 pages have 24576", FAKE_ARENA);
    lens_arena arena;
    assert_int_equal(lens_arena_count(self), 2);
    assert_int_equal(lens_arena_get(self, 0, &arena), LENS_OK);
    assert_int_equal(arena.bytes, first_bytes);
    assert_int_equal(lens_arena_get(self, 1, &arena), LENS_OK);
    assert_int_equal(arena.address, fake_base + second);
    lens_free(self);
  }
}

static void an_arena_is_aligned_as_its_contract_says(void **state) {
  (void)state;
  for (uint64_t alignment = FAKE_PAGE_BYTES; alignment <= 1ull << 48; alignment <<= 1) {
    begin(NULL);
    fake_constant(&fake, "arena.alignment", alignment);
    fake_record(&fake);
    if ((fake_base + FAKE_ARENA) % alignment == 0) {
      load();
      assert_int_equal(lens_arena_count(self), 1);
      lens_free(self);
    } else {
      assert_damage("list of arenas of heap 1 leads to something that is no arena of it",
                    FAKE_ARENA, false);
    }
  }
}

static void overlapping_arenas(void **state) {
  (void)state;
  /* A second arena whose struct lies in a page of the first. */
  uint64_t second = FAKE_ARENA + 5 * FAKE_PAGE_BYTES;
  fake_put(&fake, FAKE_ARENA + 56, fake_base + second, 8);
  fake_put(&fake, second, FAKE_PAGE_BYTES, 8);
  fake_put(&fake, second + 8, FAKE_PAGE_BYTES, 4);
  fake_put(&fake, second + 12, 1, 2);
  fake_put(&fake, second + 16, 0x100, 4);
  assert_damage("lies within the one at", second, true);
}

static void pages_that_make_no_sense(void **state) {
  (void)state;
  const struct {
    uint32_t page;
    uint64_t offset, value;
    uint32_t width;
    const char *problem;
  } cases[] = {{1, 3, 77, 1, "is of an unknown kind"},
               {1, 8, 0, 4, "has blocks of no valid size"},
               {1, 8, 12, 4, "has blocks of no valid size"},
               {1, 12, 0, 2, "has more blocks than fit"},
               {1, 12, 43, 2, "has more blocks than fit"},
               {2, 4, 0, 2, "spans pages outside its arena"},
               {2, 4, 9, 2, "spans pages outside its arena"},
               {2, 8, 2 * FAKE_PAGE_BYTES + 8, 4, "larger than its span"},
               {2, 4, 3, 2, "spans pages that are not its own"},
               {3, 4, 2, 2, "belongs to no large block"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin(NULL);
    fake_put(&fake, fake_page_row(cases[i].page) + cases[i].offset, cases[i].value, cases[i].width);
    load();
    assert_problem(cases[i].problem, FAKE_ARENA + cases[i].page * (uint64_t)FAKE_PAGE_BYTES);
    lens_page page;
    assert_int_equal(lens_page_get(self, 0, cases[i].page, &page), LENS_OK);
    assert_int_equal(page.kind, LENS_PAGE_DAMAGED);
    assert_int_equal(page.block_count, 0);
    assert_int_equal(lens_page_get(self, 0, 4, &page), LENS_OK);
    assert_int_equal(page.kind, LENS_PAGE_FREE); /* the others are as they were */
    lens_free(self);
  }
}

static void types_that_make_no_sense(void **state) {
  (void)state;
  lens_type type;
  lens_object leaf;
  uint64_t leaf_address = fake_base + fake_block(&fake, 1, 0);
  fake_put(&fake, FAKE_TYPES + 8, 16, 8);
  load();
  assert_int_equal(lens_type_get(self, 1, &type), LENS_OK);
  assert_string_equal(type.name, "<type 1>");
  assert_int_equal(type.damaged, 1);
  assert_int_equal(lens_object_at(self, leaf_address, &leaf), LENS_OK);
  assert_int_equal(leaf.type, LENS_NONE);
  assert_true((leaf.state & LENS_STATE_DAMAGED) != 0);
  lens_free(self);
  begin(NULL);
  fake_put(&fake, fake_type_at(1), 3, 4);
  assert_damage("type leaf claims a size of 3 bytes", FAKE_TYPES + 0x100 + 0x400, true);
  begin(NULL);
  fake_put(&fake, fake_type_at(1) + 8, 8, 8); /* a name that can't be read */
  load();
  assert_int_equal(lens_type_get(self, 1, &type), LENS_OK);
  assert_string_equal(type.name, "<type 1>");
  assert_int_equal(type.damaged, 0);
  lens_free(self);
}

/* More types than there is memory for their addresses: those that can be read are used. */
static void a_wild_count_of_types(void **state) {
  (void)state;
  fake_put(&fake, FAKE_HEAP + 10, 0xffff, 2);
  load();
  lens_heap heap;
  lens_type type;
  assert_int_equal(lens_heap_get(self, 0, &heap), LENS_OK);
  assert_in_range(heap.type_count, 2, (FAKE_BYTES - FAKE_TYPES) / 8);
  assert_int_equal(lens_type_get(self, 1, &type), LENS_OK);
  assert_string_equal(type.name, "leaf");
  assert_problem("types; ", FAKE_TYPES);
  lens_free(self);
}

/* ---- places ---- */

static void assert_place(uint64_t offset, uint32_t place, uint64_t base, uint64_t inside) {
  lens_location found;
  assert_int_equal(lens_locate(self, fake_base + offset, &found), LENS_OK);
  assert_int_equal(found.place, place);
  if (base == 0) return;
  assert_int_equal(found.base, fake_base + base);
  assert_int_equal(found.offset, inside);
}

static void places(void **state) {
  (void)state;
  uint64_t page = FAKE_ARENA + FAKE_PAGE_BYTES;
  uint64_t large = FAKE_ARENA + 2 * FAKE_PAGE_BYTES;
  fake_put(&fake, page + 96, fake_header(fake_dying, 1, 0), 8);
  fake_put(&fake, page + 2 * 96, fake_live | fake_buffer, 8);
  fake_put(&fake, page + 3 * 96, fake_live | fake_dying, 8);
  fake_put(&fake, large, fake_header(fake_live, 1, 3), 8);
  load();
  assert_place(0, LENS_PLACE_NOTHING, 0, 0);
  assert_place(FAKE_ARENA - 1, LENS_PLACE_NOTHING, 0, 0);
  assert_place(FAKE_ARENA, LENS_PLACE_ARENA_META, 0, 0);
  assert_place(page, LENS_PLACE_OBJECT, page, 0);
  assert_place(page + 95, LENS_PLACE_OBJECT, page, 95);
  assert_place(page + 96, LENS_PLACE_DYING, page + 96, 0);
  assert_place(page + 2 * 96 + 8, LENS_PLACE_BUFFER, page + 2 * 96, 8);
  assert_place(page + 3 * 96, LENS_PLACE_DAMAGED, page + 3 * 96, 0);
  assert_place(page + 4 * 96 + 5, LENS_PLACE_FREED, page + 4 * 96, 5);
  assert_place(page + 40 * 96, LENS_PLACE_ARENA_META, 0, 0); /* behind the last block */
  assert_place(large + 1, LENS_PLACE_OBJECT, large, 1);
  assert_place(large + 2 * FAKE_PAGE_BYTES - 9, LENS_PLACE_OBJECT, large, 2 * FAKE_PAGE_BYTES - 9);
  assert_place(large + 2 * FAKE_PAGE_BYTES - 8, LENS_PLACE_ARENA_META, 0, 0);
  assert_place(large + 2 * FAKE_PAGE_BYTES, LENS_PLACE_FREE_PAGE, 0, 0);
  assert_place(FAKE_ARENA + FAKE_ARENA_BYTES, LENS_PLACE_NOTHING, 0, 0);
  lens_object object;
  assert_int_equal(lens_object_at(self, fake_base + page + 8, &object), LENS_NOT_FOUND);
  assert_non_null(strstr(lens_error(self), "the middle of an object"));
  assert_int_equal(lens_object_at(self, fake_base + large, &object), LENS_OK);
  assert_int_equal(object.refcount, 3);
  assert_int_equal(object.size_bytes, 2 * FAKE_PAGE_BYTES - 8);
  lens_free(self);
}

static void questions_need_the_model(void **state) {
  (void)state;
  lens_object object;
  self = fake_lens(&fake);
  assert_int_equal(lens_object_at(self, fake_base, &object), LENS_BAD_ARGUMENT);
  assert_non_null(strstr(lens_error(self), "lens_model_load"));
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(lists_that_come_back, begin),
      cmocka_unit_test_setup(lists_that_leave_memory, begin),
      cmocka_unit_test_setup(arenas_that_make_no_sense, begin),
      cmocka_unit_test_setup(an_arena_claims_what_lies_behind_it, begin),
      cmocka_unit_test_setup(an_arena_is_aligned_as_its_contract_says, begin),
      cmocka_unit_test_setup(overlapping_arenas, begin),
      cmocka_unit_test_setup(pages_that_make_no_sense, begin),
      cmocka_unit_test_setup(types_that_make_no_sense, begin),
      cmocka_unit_test_setup(a_wild_count_of_types, begin),
      cmocka_unit_test_setup(places, begin),
      cmocka_unit_test_setup(questions_need_the_model, begin)};
  return cmocka_run_group_tests_name("lens model", tests, NULL, NULL);
}

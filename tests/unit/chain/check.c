/* The check on a real heap: nothing is found where nothing is wrong, and each kind of damage is
 * found, named with its address, and does not hide the rest.
 */
#include "garden.h"
#include "image.h"

struct typed {
  cairn_object base;
  cairn_object *number; /* an int, and nothing else */
};

static cairn_heap *heap;
static cairn_object *all;
static struct typed *typed;
static struct image *image;
static const struct lens_contract *contract; /* of `model` */
static lens *model;

/* Some blocks of a page that is in use otherwise too. */
static void leave_free_blocks(void) {
  cairn_object *gone[6];
  for (size_t i = 0; i < 6; i++) gone[i] = cairn_cell_new(heap, all);
  for (size_t i = 0; i < 6; i++) cairn_release(gone[i]);
}

/* An object whose slot says what it may hold. */
static struct typed *typed_new(void) {
  const cairn_slot_spec slot = {.name = "number",
                                .kind = CAIRN_SLOT_STRONG,
                                .offset = offsetof(struct typed, number),
                                .target = cairn_type_find(heap, "int")};
  const cairn_type_spec spec = {
      .name = "typed", .size_bytes = sizeof(struct typed), .slots = &slot, .slot_count = 1};
  struct typed *made = (struct typed *)cairn_object_new(heap, cairn_type_define(heap, &spec));
  made->number = cairn_int_new(heap, 123456);
  return made;
}

enum { READY_BYTES = 8192 }; /* of a size that nothing else has */

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  all = garden_new(heap);
  typed = typed_new();
  leave_free_blocks();
  cairn_heap_trim(heap); /* nothing lies ready but what comes back now */
  cairn_buffer_free(cairn_buffer_new(heap, READY_BYTES - 8));
  image = image_of_self();
  model = image_lens(image);
  if (model == NULL || lens_root_hint(model, image->parts[0].start) != LENS_OK) return 1;
  if (lens_model_load(model, 0) != LENS_OK) return 1;
  contract = model->model.contracts[0];
  return 0;
}

static int end(void **state) {
  (void)state;
  lens_free(model);
  image_free(image);
  cairn_release(&typed->base);
  cairn_list_clear(all);
  cairn_release(all);
  return !cairn_heap_destroy(heap, NULL);
}

/* The image's copy of the word at an address of the process. */
static uint8_t *word_at(uint64_t address) {
  for (size_t i = 0; i < image->count; i++) {
    uint64_t offset = address - image->parts[i].start;
    if (offset < image->parts[i].bytes) return image->parts[i].copy + offset;
  }
  fail_msg("0x%llx is not in the image", (unsigned long long)address);
  return NULL;
}

static uint64_t get(uint64_t address) { return lens_load_uint(word_at(address), 8); }
static void put(uint64_t address, uint64_t value) {
  memcpy(word_at(address), &value, sizeof value);
}

/* A checked lens over the image. */
static lens *checked(lens_check_totals *totals) {
  lens *self = image_lens(image);
  assert_non_null(self);
  assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  lens_status status = LENS_AGAIN;
  lens_progress progress;
  while (status == LENS_AGAIN) {
    status = lens_check(self, 1, &progress);
    assert_true(progress.done <= progress.total);
  }
  assert_int_equal(status, LENS_OK);
  assert_int_equal(lens_check_totals_get(self, totals), LENS_OK);
  return self;
}

static const char *problem_at(const lens *self, uint64_t address, const char *part) {
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    static lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (problem.address == address && problem.severity >= LENS_WARNING &&
        strstr(problem.text, part) != NULL) {
      return problem.text;
    }
  }
  return NULL;
}

/* Checks with the word at `address` changed: a problem at `where` says `part`. */
static void expect(uint64_t address, uint64_t value, uint64_t where, const char *part) {
  uint64_t before = get(address);
  put(address, value);
  lens_check_totals totals;
  lens *self = checked(&totals);
  put(address, before);
  if (problem_at(self, where, part) == NULL) {
    for (uint64_t i = 0; i < lens_problem_count(self); i++) {
      lens_problem problem;
      lens_problem_get(self, i, &problem);
      print_error("  0x%llx %s\n", (unsigned long long)problem.address, problem.text);
    }
    fail_msg("no problem at 0x%llx says \"%s\"", (unsigned long long)where, part);
  }
  assert_true(totals.problems > 0);
  lens_free(self);
}

static void a_healthy_heap_has_no_problem(void **state) {
  (void)state;
  lens_check_totals totals;
  lens *self = checked(&totals);
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    print_error("%s\n", problem.text);
  }
  assert_int_equal(lens_problem_count(self), 0);
  assert_int_equal(totals.problems, 0);
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  assert_int_equal(totals.objects, stats.object_count);
  assert_int_equal(totals.arenas, stats.arena_count);
  assert_true(totals.pages > 4);
  lens_walk_totals walk;
  assert_int_equal(lens_walk_totals_get(self, &walk), LENS_OK);
  assert_int_equal(walk.orphan_buffers, 0);
  lens_free(self);
}

/* ---- headers ---- */

static void a_count_too_low(void **state) {
  (void)state;
  uint64_t dict = address_of(cairn_tuple_get(cairn_list_get(all, 0), 1));
  uint64_t header = get(dict);
  assert_true((header & contract->header.count_mask) >= 2);
  expect(dict, header - 1, dict, "has the count");
}

/* The audit says for certain that the object has so many references too many. */
static void assert_certain(lens *self, uint64_t object, int64_t surplus) {
  const lens_audit_filter filter = {0};
  lens_finding rows[8]; /* nothing is said of roots: what those hold is listed, too */
  uint64_t written, total, found = 0;
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, 8, rows, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++)
    found += rows[i].address == object && rows[i].surplus == surplus && rows[i].doubts == 0;
  assert_int_equal(found, 1);
}

/* What a check finds makes no later answer less sure. */
static void a_count_stays_certain(void **state) {
  (void)state;
  lens_check_totals totals;
  uint64_t low = address_of(cairn_tuple_get(cairn_list_get(all, 0), 1)), low_header = get(low);
  uint64_t high = address_of(typed->number), high_header = get(high);
  put(low, low_header - 1);
  put(high, high_header + 1);
  lens *self = checked(&totals);
  put(low, low_header);
  put(high, high_header);
  assert_non_null(problem_at(self, low, "has the count"));
  assert_certain(self, low, -1);
  assert_certain(self, high, 1);
  lens_free(self);
}

static void a_header_of_no_type(void **state) {
  (void)state;
  uint64_t dict = address_of(cairn_tuple_get(cairn_list_get(all, 0), 1));
  uint64_t header = get(dict) | contract->header.type_mask << contract->header.type_shift;
  expect(dict, header, dict, "whose type is none");
  expect(dict, get(dict) | contract->header.dying, dict, "which is no object's");
}

static void a_type_too_large_for_its_block(void **state) {
  (void)state;
  uint64_t number = address_of(cairn_tuple_get(cairn_list_get(all, 0), 0)),
           node = get(address_of(cairn_list_get(all, 3)));
  uint64_t type = contract->header.type_mask << contract->header.type_shift;
  expect(number, (get(number) & ~type) | (node & type), number, "does not fit its block");
}

/* ---- slots ---- */

static uint64_t slot_of_cell(void) {
  lens_ref ref;
  uint64_t written = 0, total = 0;
  assert_int_equal(
      lens_object_refs(model, address_of(cairn_list_get(all, 1)), 0, 1, &ref, &written, &total),
      LENS_OK);
  assert_int_equal(total, 1);
  return ref.slot_address;
}

/* An address of the garden's heap that is in that place. */
static uint64_t find_place(uint32_t place) {
  for (uint64_t a = 0; a < lens_arena_count(model); a++) {
    lens_arena arena;
    assert_int_equal(lens_arena_get(model, a, &arena), LENS_OK);
    for (uint64_t at = arena.address; at < arena.address + arena.bytes; at += 16) {
      lens_location location;
      if (lens_locate(model, at, &location) != LENS_OK || location.place != place) continue;
      return location.base != 0 ? location.base : at;
    }
  }
  fail_msg("there is no such place");
  return 0;
}

static void a_slot_that_points_astray(void **state) {
  (void)state;
  uint64_t cell = address_of(cairn_list_get(all, 1)), slot = slot_of_cell(), target = get(slot);
  expect(slot, find_place(LENS_PLACE_FREED), cell, "points at a freed block");
  expect(slot, find_place(LENS_PLACE_FRESH), cell, "points at a block that was never used");
  expect(slot, find_place(LENS_PLACE_BUFFER), cell, "points at a buffer");
  expect(slot, find_place(LENS_PLACE_FREE_PAGE), cell, "points into a free page");
  expect(slot, find_place(LENS_PLACE_ARENA_META), cell, "points into the heap's own memory");
  expect(slot, target + 8, cell, "points into the middle of an object");
  expect(slot, 0x1000, cell, "points outside every heap");
}

/* The program retains what has died: a plain retain does not see that. */
static void a_freed_block_that_was_retained(void **state) {
  (void)state;
  uint64_t freed = find_place(LENS_PLACE_FREED), cell = address_of(cairn_list_get(all, 1));
  expect(freed, 1, freed, "has no type and counts 1: it was freed, and retained since");
  expect(freed, 1 << 16, freed, "and retained since");
  expect(freed, (1 << 16) + 1, freed, "which is no object's");
  expect(freed, CAIRN_COUNT_SATURATED, freed, "which is no object's");
  uint64_t slot = slot_of_cell();
  put(freed, 2);
  expect(slot, freed, cell, "points at a freed block that was retained since");
  put(freed, 0);
}

static void a_slot_that_holds_the_wrong_type(void **state) {
  (void)state;
  uint64_t holder = address_of(typed);
  expect(holder + offsetof(struct typed, number), address_of(cairn_list_get(all, 1)), holder,
         "where only int may be");
}

static void a_buffer_with_two_owners(void **state) {
  (void)state;
  uint64_t first = address_of(cairn_list_get(all, 3)), second = address_of(cairn_list_get(all, 10));
  uint64_t offset = offsetof(struct garden_node, items);
  uint64_t later = first < second ? second : first, earlier = first < second ? first : second;
  uint64_t lost = get(later + offset) - contract->buffer_header_bytes;
  expect(later + offset, get(earlier + offset), later, "which another slot owns");
  expect(later + offset, get(earlier + offset), lost, "belongs to no object");
  expect(later + offset, 0, lost, "belongs to no object");
  expect(later + offset, 0x1000, later, "points to no live buffer");
}

/* ---- pages and heaps ---- */

/* The page table's row of a page with blocks and a free list of at least two. */
static uint64_t page_row(uint64_t *page_address, struct lens_page_model *page) {
  const struct lens_arena_model *arena = &model->model.arenas[0];
  uint64_t table =
      arena->shown.address +
      lens_load_uint(word_at(arena->shown.address + contract->arena.page_table_offset.offset), 4);
  for (uint64_t i = 0; i < arena->shown.page_count; i++) {
    *page = arena->pages[i];
    if (page->kind != LENS_PAGE_BLOCKS || page->fresh - page->used_count < 2) continue;
    *page_address = arena->shown.address + i * arena->shown.page_bytes;
    return table + i * contract->page.struct_bytes;
  }
  fail_msg("no page has free blocks");
  return 0;
}

static void a_page_that_miscounts(void **state) {
  (void)state;
  uint64_t address = 0;
  struct lens_page_model page;
  uint64_t row = page_row(&address, &page), at = row + contract->page.used_count.offset;
  uint64_t rest = get(at) & ~(uint64_t)UINT32_MAX;
  expect(at, rest | (page.used_count - 1), address, "blocks are used");
  expect(at, rest | (page.used_count + 2), address, "blocks are used");
  expect(at, rest | UINT32_MAX, address, "counts that contradict each other");
}

static void a_free_list_gone_wrong(void **state) {
  (void)state;
  uint64_t address = 0;
  struct lens_page_model page;
  uint64_t row = page_row(&address, &page), head = row + contract->page.free_list.offset;
  uint64_t link = page.free_list + contract->free_block.next.offset;
  expect(head, page.free_list + 8, address, "leads into the middle of a block");
  expect(head, 0x10, address, "leads out of the page");
  expect(link, page.free_list, address, "comes back to itself");
  uint64_t used = address;
  while (get(used) == 0) used += page.block_bytes;
  expect(link, used, address, "holds a block that is in use");
  expect(link, address + page.fresh * page.block_bytes, address,
         "holds a block that was never used");
}

static void a_heap_that_miscounts(void **state) {
  (void)state;
  lens_heap shown;
  assert_int_equal(lens_heap_get(model, 0, &shown), LENS_OK);
  const struct lens_layout_heap *layout = &contract->heap;
  uint64_t objects = shown.address + layout->block_count.offset;
  expect(objects, get(objects) + 5, shown.address, "objects; there are");
  uint64_t buffers = shown.address + layout->buffer_count.offset;
  expect(buffers, get(buffers) - 5, shown.address, "buffers; there are");
  uint64_t bytes = shown.address + layout->block_bytes.offset;
  expect(bytes, get(bytes) + 16, shown.address, "bytes in use; there are");
}

/* A row of ready blocks: the only one that is not empty. */
static void a_ready_block_that_is_none(void **state) {
  (void)state;
  const struct lens_heap_model *shown = &model->model.heaps[0];
  const struct lens_layout_hot *hot = &contract->hot;
  assert_true(shown->ready_count > 0);
  uint64_t table = get(shown->shown.address + contract->heap.hot.offset), row = table;
  while (get(row + hot->pushed.offset) == get(row + hot->popped.offset)) row += hot->struct_bytes;
  uint64_t first = row + hot->blocks.offset;
  assert_int_equal(get(row + hot->pushed.offset) - get(row + hot->popped.offset),
                   shown->ready_count);
  expect(first, get(first) + 8, get(first) + 8, "what is no block of its pages");
  expect(first, 0x10, 0x10, "what is no block of its pages");
  expect(first, get(first + 8), get(first + 8), "one block twice");
  expect(get(first), CAIRN_STATE(LIVE) | CAIRN_STATE(BUFFER), get(first), "and is in use");
  expect(row + hot->pushed.offset, UINT64_MAX / 2, table, "makes no sense");
}

/* ---- a block in hand ---- */

/* A block that was taken and is not live yet is a note: no problem. */
static void a_block_in_hand_is_no_problem(void **state) {
  (void)state;
  uint64_t address = 0;
  struct lens_page_model page;
  uint64_t row = page_row(&address, &page), head = row + contract->page.free_list.offset;
  uint64_t before = get(head);
  put(head, get(page.free_list + contract->free_block.next.offset));
  lens_check_totals totals;
  lens *self = checked(&totals);
  put(head, before);
  assert_int_equal(totals.problems, 0);
  assert_int_equal(lens_problem_count(self), 1);
  lens_problem problem;
  assert_int_equal(lens_problem_get(self, 0, &problem), LENS_OK);
  assert_int_equal(problem.severity, LENS_NOTE);
  assert_int_equal(problem.address, address);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_healthy_heap_has_no_problem),
                                     cmocka_unit_test(a_count_too_low),
                                     cmocka_unit_test(a_count_stays_certain),
                                     cmocka_unit_test(a_header_of_no_type),
                                     cmocka_unit_test(a_type_too_large_for_its_block),
                                     cmocka_unit_test(a_slot_that_points_astray),
                                     cmocka_unit_test(a_freed_block_that_was_retained),
                                     cmocka_unit_test(a_slot_that_holds_the_wrong_type),
                                     cmocka_unit_test(a_buffer_with_two_owners),
                                     cmocka_unit_test(a_page_that_miscounts),
                                     cmocka_unit_test(a_free_list_gone_wrong),
                                     cmocka_unit_test(a_heap_that_miscounts),
                                     cmocka_unit_test(a_ready_block_that_is_none),
                                     cmocka_unit_test(a_block_in_hand_is_no_problem)};
  return cmocka_run_group_tests_name("lens check", tests, begin, end);
}

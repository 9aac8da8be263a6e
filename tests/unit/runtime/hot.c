/* Ready blocks and plans: the counters of the rows, the slow way, what a type comes down to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cairn/list.h"
#include "cairn/scalar.h"
#include "hot.h"

enum { BYTES = 48 };

/* One reference and some bytes that are not. */
struct thing {
  cairn_object base;
  cairn_object *held;
  unsigned char bytes[BYTES - 16];
};

static const cairn_slot_spec thing_slots[] = {CAIRN_STRONG(struct thing, held)};

static cairn_type thing_type(cairn_heap *heap, bool uninitialized) {
  const cairn_type_spec spec = {.name = "thing",
                                .size_bytes = sizeof(struct thing),
                                .slots = thing_slots,
                                .slot_count = 1,
                                .uninitialized = uninitialized};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_int_not_equal(type, 0);
  return type;
}

static struct thing *thing_new(cairn_heap *heap, cairn_type type) {
  struct thing *thing = (struct thing *)cairn_object_new(heap, type);
  assert_non_null(thing);
  return thing;
}

static struct cairn_hot *row_of(cairn_heap *heap) {
  return &heap->hot_rows[cairn_size_class_of(sizeof(struct thing))];
}

static int set_up(void **state) {
  *state = cairn_heap_new(NULL);
  return *state == NULL;
}

static int tear_down(void **state) { return !cairn_heap_destroy(*state, NULL); }

/* ---- rows ------------------------------------------------------------------------------------ */

/* However many come and go, the rows' counters and the pages' add up. */
static void counters_add_up(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 1000 };
  static struct thing *things[COUNT];
  cairn_type type = thing_type(heap, false);
  struct cairn_counts before = cairn_counts_of(heap);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < COUNT; i++) things[i] = thing_new(heap, type);
    struct cairn_counts full = cairn_counts_of(heap);
    assert_int_equal(full.object_count, before.object_count + COUNT);
    assert_int_equal(full.used_bytes, before.used_bytes + COUNT * BYTES);
    assert_null(cairn_heap_validate(heap));
    for (int i = 0; i < COUNT; i++) cairn_release(&things[i]->base);
    uint64_t ready = cairn_hot_count(row_of(heap));
    assert_true(ready >= row_of(heap)->capacity / 2 && ready <= row_of(heap)->capacity);
    assert_null(cairn_heap_validate(heap));
  }
  struct cairn_counts after = cairn_counts_of(heap);
  assert_int_equal(after.object_count, before.object_count);
  assert_int_equal(after.used_bytes, before.used_bytes);
  assert_int_equal(after.made_count, before.made_count + 3 * COUNT);
  assert_int_equal(after.death_count, before.death_count + 3 * COUNT);
}

static void what_was_freed_last_comes_first(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = thing_type(heap, false);
  struct thing *a = thing_new(heap, type), *b = thing_new(heap, type);
  cairn_release(&a->base);
  cairn_release(&b->base);
  assert_ptr_equal(thing_new(heap, type), b);
  assert_ptr_equal(thing_new(heap, type), a);
  cairn_release(&a->base);
  cairn_release(&b->base);
}

/* ---- the slow way ---------------------------------------------------------------------------- */

static void nothing_lies_ready_on_the_slow_way(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = thing_type(heap, false);
  cairn_release(&thing_new(heap, type)->base);
  struct cairn_hot *row = row_of(heap);
  assert_true(cairn_hot_count(row) > 0);
  cairn_heap_slow_set(heap, CAIRN_SLOW_SHARED, true);
  assert_null(cairn_heap_validate(heap));
  uint64_t pushed = row->pushed, popped = row->popped, aside = heap->aside_made_count;
  struct thing *thing = thing_new(heap, type);
  assert_int_equal(heap->aside_made_count, aside + 1);
  cairn_release(&thing->base);
  assert_int_equal(cairn_hot_count(row), 0);
  assert_int_equal(row->pushed, pushed);
  assert_int_equal(row->popped, popped);
  cairn_heap_slow_set(heap, CAIRN_SLOW_SHARED, false);
  cairn_release(&thing_new(heap, type)->base);
  assert_true(cairn_hot_count(row) > 0);
}

/* A failure that is armed hits the next allocation, whatever lies ready. */
static void failures_are_not_passed_by(void **state) {
  cairn_heap *heap = *state;
  cairn_type type = thing_type(heap, false);
  cairn_release(&thing_new(heap, type)->base);
  cairn_fault.block_after = 2;
  cairn_fault_arm(heap);
  struct thing *thing = thing_new(heap, type);
  assert_null(cairn_object_new(heap, type));
  cairn_fault.block_after = 0;
  cairn_limit_refresh(heap);
  cairn_release(&thing->base);
  assert_null(cairn_heap_validate(heap));
}

/* What is compiled into programs pops blocks of small types by itself; whatever needs the library
 * finds an empty row: large objects, types with a tail, index 0, and a library that asserts. */
static void what_is_made_inline_comes_from_its_row(void **state) {
  cairn_heap *heap = *state;
#ifdef NDEBUG
  struct cairn_hot *small = row_of(heap);
#else
  struct cairn_hot *small = cairn_hot_none(heap);
#endif
  assert_ptr_equal(cairn_plan_at(heap, thing_type(heap, false))->ready, small);
  cairn_type_spec spec = {.name = "large", .size_bytes = CAIRN_MAKE_ZERO_MAX_ + 8};
  cairn_type large = cairn_type_define(heap, &spec);
  assert_ptr_equal(cairn_plan_at(heap, large)->ready, cairn_hot_none(heap));
  spec.uninitialized = true;
  large = cairn_type_define(heap, &spec);
  assert_true((cairn_plan_at(heap, large)->ready == cairn_plan_at(heap, large)->source) ==
              (small != cairn_hot_none(heap)));
  spec.size_bytes = CAIRN_SMALL_MAX_BYTES + 8;
  large = cairn_type_define(heap, &spec);
  assert_ptr_equal(cairn_plan_at(heap, large)->ready, cairn_hot_none(heap));
  assert_ptr_equal(cairn_plan_at(heap, 0)->ready, cairn_hot_none(heap));
  assert_null(cairn_object_new(heap, 0));
  assert_int_equal(cairn_hot_count(cairn_hot_none(heap)), 0);
  assert_int_equal(sizeof(struct cairn_plan), 64);
  assert_ptr_equal(heap, &heap->plans);
}

/* A program may take the function's address, or be compiled without it. */
static void the_function_is_in_the_library_too(void **state) {
  cairn_heap *heap = *state;
  cairn_object *(*volatile make)(cairn_heap *, cairn_type) = cairn_object_new;
  cairn_object *object = make(heap, thing_type(heap, false));
  assert_non_null(object);
  assert_int_equal(cairn_refcount(object), 1);
  cairn_release(object);
}

/* ---- what a new object holds ----------------------------------------------------------------- */

static void new_objects_are_zero_unless_told_otherwise(void **state) {
  cairn_heap *heap = *state;
  const cairn_type zeroed = thing_type(heap, false), stale = thing_type(heap, true);
  for (int i = 0; i < 2; i++) {
    struct thing *thing = thing_new(heap, zeroed);
    memset(thing->bytes, 0xee, sizeof thing->bytes);
    thing->held = cairn_int_new(heap, 1000);
    void *place = thing;
    cairn_release(&thing->base);
    thing = thing_new(heap, i == 0 ? zeroed : stale);
    assert_ptr_equal(thing, place);
    assert_null(thing->held);
    unsigned char last = thing->bytes[sizeof thing->bytes - 1];
    assert_int_equal(last, i == 0 ? 0 : 0xee);
    cairn_release(&thing->base);
  }
}

/* Each size is zeroed whole, and not a byte behind it is touched. */
static void every_size_is_zeroed(void **state) {
  (void)state;
  for (size_t bytes = 16; bytes <= 600; bytes += 8) {
    uint64_t words[80];
    memset(words, 0xee, sizeof words);
    words[0] = 0;
    cairn_block_zero(words, bytes);
    for (size_t i = 0; i < sizeof words / 8; i++) {
      assert_int_equal(words[i], i < bytes / 8 ? 0 : 0xeeeeeeeeeeeeeeee);
    }
  }
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void finalize(cairn_object *object) { (void)object; }

static enum cairn_death death_of(cairn_heap *heap, const cairn_slot_spec *slots, size_t count,
                                 void (*finalizer)(cairn_object *object)) {
  const cairn_type_spec spec = {.name = "planned",
                                .size_bytes = 64,
                                .slots = slots,
                                .slot_count = count,
                                .finalize = finalizer};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_int_not_equal(type, 0);
  return (enum cairn_death)cairn_plan_at(heap, type)->death;
}

static void a_type_comes_down_to_a_way_to_die(void **state) {
  cairn_heap *heap = *state;
  const cairn_slot_spec one = {.name = "a", .kind = CAIRN_SLOT_STRONG, .offset = 16};
  cairn_slot_spec beside[] = {one, one}, apart[] = {one, one}, tagged[] = {one};
  cairn_slot_spec weak[] = {one}, borrowed[] = {one};
  beside[1].offset = 24;
  apart[1].offset = 32;
  tagged[0].tag_mask = 1;
  weak[0].kind = CAIRN_SLOT_WEAK;
  borrowed[0].kind = CAIRN_SLOT_BORROWED;
  assert_int_equal(death_of(heap, NULL, 0, NULL), CAIRN_DEATH_LEAF);
  assert_int_equal(death_of(heap, NULL, 0, finalize), CAIRN_DEATH_GENERAL);
  assert_int_equal(death_of(heap, borrowed, 1, NULL), CAIRN_DEATH_LEAF);
  assert_int_equal(death_of(heap, beside, 2, NULL), CAIRN_DEATH_RUN);
  assert_int_equal(death_of(heap, beside, 2, finalize), CAIRN_DEATH_GENERAL);
  assert_int_equal(death_of(heap, apart, 2, NULL), CAIRN_DEATH_GENERAL);
  assert_int_equal(death_of(heap, tagged, 1, NULL), CAIRN_DEATH_GENERAL);
  assert_int_equal(death_of(heap, weak, 1, NULL), CAIRN_DEATH_GENERAL);
  assert_int_equal(cairn_plan_at(heap, CAIRN_TYPE_LIST)->death, CAIRN_DEATH_ROW);
  assert_int_equal(cairn_plan_at(heap, CAIRN_TYPE_FLOAT)->death, CAIRN_DEATH_LEAF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(counters_add_up),
      TEST(what_was_freed_last_comes_first),
      TEST(nothing_lies_ready_on_the_slow_way),
      TEST(failures_are_not_passed_by),
      TEST(what_is_made_inline_comes_from_its_row),
      TEST(the_function_is_in_the_library_too),
      TEST(new_objects_are_zero_unless_told_otherwise),
      TEST(every_size_is_zeroed),
      TEST(a_type_comes_down_to_a_way_to_die),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

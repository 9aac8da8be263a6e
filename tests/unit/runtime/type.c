/* Types as data: what is accepted, what is refused, what is copied, which types are acyclic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

static int set_up(void **state) {
  *state = cairn_heap_new(NULL);
  return *state == NULL;
}

static int tear_down(void **state) {
  assert_null(cairn_heap_validate(*state));
  assert_true(cairn_heap_destroy(*state, NULL));
  return 0;
}

struct sample {
  cairn_object base;
  cairn_object *first;
  cairn_object *second;
  cairn_object **items;
  uint32_t item_count;
  char text[20];
  int64_t number;
  const char *label;
};

static cairn_type define(cairn_heap *heap, const cairn_slot_spec *slots, size_t slot_count) {
  const cairn_type_spec spec = {.name = "sample",
                                .size_bytes = sizeof(struct sample),
                                .slots = slots,
                                .slot_count = slot_count};
  return cairn_type_define(heap, &spec);
}

static cairn_type define_field(cairn_heap *heap, cairn_field_spec field) {
  const cairn_type_spec spec = {
      .name = "sample", .size_bytes = sizeof(struct sample), .fields = &field, .field_count = 1};
  return cairn_type_define(heap, &spec);
}

/* ---- copying --------------------------------------------------------------------------------- */

static void everything_is_copied(void **state) {
  cairn_heap *heap = *state;
  char name[] = "sample", slot_name[] = "first", field_name[] = "number";
  cairn_slot_spec slots[] = {
      {.name = slot_name, .kind = CAIRN_SLOT_STRONG, .offset = offsetof(struct sample, first)},
      CAIRN_STRONG_ARRAY(struct sample, items, item_count)};
  cairn_field_spec fields[] = {{.name = field_name,
                                .kind = CAIRN_FIELD_SINT,
                                .offset = offsetof(struct sample, number),
                                .width = 8},
                               CAIRN_FIELD(struct sample, text, TEXT),
                               CAIRN_FIELD(struct sample, label, TEXT_POINTER)};
  cairn_type_spec spec = {.name = name,
                          .size_bytes = sizeof(struct sample),
                          .slots = slots,
                          .slot_count = 2,
                          .fields = fields,
                          .field_count = 3};
  cairn_type type = cairn_type_define(heap, &spec);
  assert_true(type >= CAIRN_TYPE_FIRST_USER);
  memset(name, 'x', 6);
  memset(slot_name, 'x', 5);
  memset(field_name, 'x', 6);
  memset(slots, 0, sizeof slots);
  memset(fields, 0, sizeof fields);

  const struct cairn_type *copy = cairn_type_at(heap, type);
  assert_string_equal(copy->name, "sample");
  assert_int_equal(copy->index, type);
  assert_int_equal(copy->display, CAIRN_DISPLAY_NATIVE);
  assert_int_equal(copy->size_bytes, sizeof(struct sample));
  assert_int_equal(copy->slot_count, 2);
  assert_string_equal(copy->slots[0].name, "first");
  assert_int_equal(copy->slots[0].shape, CAIRN_SHAPE_SINGLE);
  assert_string_equal(copy->slots[1].name, "items");
  assert_int_equal(copy->slots[1].shape, CAIRN_SHAPE_ARRAY);
  assert_int_equal(copy->slots[1].count_width, 4);
  assert_int_equal(copy->slots[1].stride, 8);
  assert_int_equal(copy->field_count, 3);
  assert_string_equal(copy->fields[0].name, "number");
  assert_int_equal(copy->fields[1].width, 20);
  assert_int_equal(copy->fields[2].kind, CAIRN_FIELD_TEXT_POINTER);
}

static void types_are_found_by_name(void **state) {
  cairn_heap *heap = *state;
  assert_int_equal(cairn_type_find(heap, "sample"), 0);
  cairn_type type = define(heap, NULL, 0);
  assert_int_equal(cairn_type_find(heap, "sample"), type);
  assert_string_equal(cairn_type_name(heap, type), "sample");
  assert_string_equal(cairn_type_name(heap, cairn_type_find(heap, "list")), "list");
  assert_null(cairn_type_name(heap, 0));
  assert_null(cairn_type_name(heap, type + 1));
  /* The first of a name is found, also when another module uses the name too. */
  assert_int_not_equal(define(heap, NULL, 0), type);
  assert_int_equal(cairn_type_find(heap, "sample"), type);
}

static void thousands_of_types(void **state) {
  cairn_heap *heap = *state;
  enum { COUNT = 5000 };
  for (int i = 0; i < COUNT; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%d", i);
    const cairn_type_spec spec = {.name = name, .size_bytes = 16};
    assert_int_equal(cairn_type_define(heap, &spec), CAIRN_TYPE_FIRST_USER + i);
  }
  assert_int_equal(cairn_type_find(heap, "t4321"), CAIRN_TYPE_FIRST_USER + 4321);
  assert_true(heap->type_count <= heap->type_capacity);
  assert_null(heap->types[0]);
}

static bool define_near_limit(cairn_heap *heap, enum cairn_limit_kind kind, uint64_t wanted_bytes,
                              void *context) {
  (void)wanted_bytes;
  int *calls = context;
  if (++*calls > 1) return false;
  cairn_heap_limit_set(heap, 0);
  for (int i = 0; i < 100; i++) assert_int_not_equal(define(heap, NULL, 0), 0);
  return true;
}

/* Asking for memory may run code that defines types: none is lost. */
static void types_defined_while_the_table_grows(void **state) {
  (void)state;
  int calls = 0;
  const cairn_heap_options options = {.near_limit = define_near_limit,
                                      .near_limit_context = &calls};
  cairn_heap *heap = cairn_heap_new(&options);
  while (heap->type_count < heap->type_capacity) define(heap, NULL, 0);
  /* The type itself still fits into the chunk, the larger table does not. */
  const struct cairn_chunk *chunk = heap->chunks;
  size_t room = chunk->bytes - chunk->used_bytes;
  assert_non_null(cairn_chunk_alloc(heap, room - 256));
  cairn_heap_limit_set(heap, heap->reserved_bytes + heap->metadata_bytes);
  uint32_t before = heap->type_count;
  cairn_type type = define(heap, NULL, 0);
  assert_int_equal(calls, 1);
  assert_int_equal(type, before + 100);
  assert_true(heap->type_count <= heap->type_capacity);
  for (uint32_t i = 1; i < heap->type_count; i++) assert_int_equal(heap->types[i]->index, i);
  for (chunk = heap->chunks; chunk != NULL; chunk = chunk->next) { /* nothing was overrun */
    for (uint64_t at = chunk->used_bytes; at < chunk->bytes; at++) {
      assert_int_equal(((const char *)chunk)[at], 0);
    }
  }
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* ---- refusing -------------------------------------------------------------------------------- */

#define REFUSED(heap, ...)                             \
  do {                                                 \
    const cairn_slot_spec refused_ = {__VA_ARGS__};    \
    assert_int_equal(define((heap), &refused_, 1), 0); \
  } while (0)

static void single_slots_are_checked(void **state) {
  cairn_heap *heap = *state;
  const uint32_t first = offsetof(struct sample, first);
  REFUSED(heap, .kind = CAIRN_SLOT_STRONG, .offset = first); /* no name */
  REFUSED(heap, .name = "s", .kind = 0, .offset = first);
  REFUSED(heap, .name = "s", .kind = 4, .offset = first);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .shape = 5, .offset = first);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = 0); /* the header */
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first + 4);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = sizeof(struct sample));
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = UINT32_MAX - 7);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first, .flags = 4);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first,
          .flags = CAIRN_SLOT_FLAG_FOREIGN);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first, .target = 9999);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first, .target = CAIRN_TYPE_INT,
          .target_self = true);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first, .tag_mask = 8);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_STRONG, .offset = first, .tag_mask = 1,
          .tag_value = 2);
  REFUSED(heap, .name = "s", .kind = CAIRN_SLOT_WEAK, .offset = first, .tag_mask = 1,
          .tag_value = 1);
}

static void array_slots_are_checked(void **state) {
  cairn_heap *heap = *state;
  const cairn_slot_spec good = CAIRN_STRONG_ARRAY(struct sample, items, item_count);
  cairn_slot_spec slot = good;
  assert_int_not_equal(define(heap, &slot, 1), 0);
#define REFUSED_WITH(change)                     \
  do {                                           \
    slot = good;                                 \
    slot.change;                                 \
    assert_int_equal(define(heap, &slot, 1), 0); \
  } while (0)
  REFUSED_WITH(count_width = 0);
  REFUSED_WITH(count_width = 3);
  REFUSED_WITH(count_width = 16);
  REFUSED_WITH(count_offset = 4);
  REFUSED_WITH(count_offset = sizeof(struct sample) - 2);
  REFUSED_WITH(count_offset += 2);
  REFUSED_WITH(stride = 12);
  REFUSED_WITH(first_offset = 4);
  REFUSED_WITH(value_offset = 8); /* only tables have values */
  REFUSED_WITH(offset = sizeof(struct sample));
  REFUSED_WITH(kind = CAIRN_SLOT_WEAK);
  const cairn_slot_spec table = {.name = "rows",
                                 .kind = CAIRN_SLOT_STRONG,
                                 .shape = CAIRN_SHAPE_TABLE,
                                 .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
                                 .count_width = 8,
                                 .offset = offsetof(struct sample, items),
                                 .first_offset = 16,
                                 .stride = 16,
                                 .value_offset = 8};
  assert_int_not_equal(define(heap, &table, 1), 0);
  slot = table;
  slot.value_offset = 16;
  assert_int_equal(define(heap, &slot, 1), 0);
  slot = table;
  slot.count_width = 5;
  assert_int_equal(define(heap, &slot, 1), 0);
#undef REFUSED_WITH
}

static void tail_slots_are_checked(void **state) {
  cairn_heap *heap = *state;
  const cairn_slot_spec good = {.name = "items",
                                .kind = CAIRN_SLOT_STRONG,
                                .shape = CAIRN_SHAPE_TAIL,
                                .count_width = 4,
                                .offset = 16,
                                .count_offset = 8};
  cairn_type_spec spec = {
      .name = "row", .size_bytes = 16, .tail_item_bytes = 8, .slots = &good, .slot_count = 1};
  assert_int_not_equal(cairn_type_define(heap, &spec), 0);
  spec.tail_item_bytes = 0;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.tail_item_bytes = 4;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.tail_item_bytes = 8;
  cairn_slot_spec slot = good;
  spec.slots = &slot;
  slot.offset = 24;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  slot = good;
  slot.stride = 16;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  slot = good;
  slot.count_offset = 16;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
}

static void slots_must_not_overlap(void **state) {
  cairn_heap *heap = *state;
  const cairn_slot_spec twice[] = {CAIRN_STRONG(struct sample, first),
                                   CAIRN_STRONG(struct sample, second),
                                   CAIRN_BORROWED(struct sample, first)};
  assert_int_equal(define(heap, twice, 3), 0);
  const cairn_slot_spec in_any_order[] = {CAIRN_STRONG(struct sample, second),
                                          CAIRN_STRONG(struct sample, first)};
  assert_int_not_equal(define(heap, in_any_order, 2), 0);
  const cairn_slot_spec columns[] = {{.name = "left",
                                      .kind = CAIRN_SLOT_STRONG,
                                      .shape = CAIRN_SHAPE_ARRAY,
                                      .count_width = 4,
                                      .offset = offsetof(struct sample, items),
                                      .count_offset = offsetof(struct sample, item_count),
                                      .stride = 16},
                                     {.name = "right",
                                      .kind = CAIRN_SLOT_STRONG,
                                      .shape = CAIRN_SHAPE_ARRAY,
                                      .count_width = 4,
                                      .offset = offsetof(struct sample, items),
                                      .count_offset = offsetof(struct sample, item_count),
                                      .first_offset = 8,
                                      .stride = 16}};
  assert_int_not_equal(define(heap, columns, 2), 0);
  const cairn_slot_spec same_array[] = {columns[0], columns[0]};
  assert_int_equal(define(heap, same_array, 2), 0);
}

static void fields_are_checked(void **state) {
  cairn_heap *heap = *state;
  const uint32_t number = offsetof(struct sample, number);
  const cairn_field_spec good = {
      .name = "n", .kind = CAIRN_FIELD_SINT, .offset = number, .width = 8};
  assert_int_not_equal(define_field(heap, good), 0);
  cairn_field_spec field = good;
  field.name = NULL;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.width = 3;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.kind = 10;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.offset = 0;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.offset = sizeof(struct sample) - 4;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.kind = CAIRN_FIELD_FLOAT;
  field.width = 2;
  assert_int_equal(define_field(heap, field), 0);
  field = good;
  field.length_width = 4; /* only text and bytes have a length */
  assert_int_equal(define_field(heap, field), 0);
}

static void types_are_checked(void **state) {
  cairn_heap *heap = *state;
  assert_int_equal(cairn_type_define(heap, NULL), 0);
  cairn_type_spec spec = {.name = NULL, .size_bytes = 16};
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.name = "";
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.name = "t";
  spec.size_bytes = 7;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.size_bytes = (size_t)1 << 40;
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.size_bytes = 16;
  spec.slot_count = 1; /* but no slots */
  assert_int_equal(cairn_type_define(heap, &spec), 0);
  spec.slot_count = 0;
  spec.clear = cairn_object_die_; /* but no traverse */
  assert_int_equal(cairn_type_define(heap, &spec), 0);
}

/* ---- acyclic --------------------------------------------------------------------------------- */

static cairn_type define_holder(cairn_heap *heap, cairn_type target, uint8_t kind) {
  const cairn_slot_spec slot = {
      .name = "held", .kind = kind, .offset = offsetof(struct sample, first), .target = target};
  return define(heap, &slot, 1);
}

static void no_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  (void)object, (void)visit, (void)context;
}
static void no_clear(cairn_object *object) { (void)object; }

static void acyclic_types(void **state) {
  cairn_heap *heap = *state;
  cairn_type leaf = define(heap, NULL, 0);
  cairn_type holds_leaf = define_holder(heap, leaf, CAIRN_SLOT_STRONG);
  cairn_type holds_holder = define_holder(heap, holds_leaf, CAIRN_SLOT_STRONG);
  assert_true(cairn_type_is_acyclic(heap, leaf));
  assert_true(cairn_type_is_acyclic(heap, holds_leaf));
  assert_true(cairn_type_is_acyclic(heap, holds_holder));
  assert_true(cairn_type_is_acyclic(heap, define_holder(heap, 0, CAIRN_SLOT_WEAK)));
  assert_true(cairn_type_is_acyclic(heap, define_holder(heap, 0, CAIRN_SLOT_BORROWED)));

  cairn_type holds_any = define_holder(heap, 0, CAIRN_SLOT_STRONG);
  assert_false(cairn_type_is_acyclic(heap, holds_any));
  assert_false(cairn_type_is_acyclic(heap, define_holder(heap, holds_any, CAIRN_SLOT_STRONG)));
  const cairn_slot_spec self = {.name = "next",
                                .kind = CAIRN_SLOT_STRONG,
                                .offset = offsetof(struct sample, first),
                                .target_self = true};
  cairn_type holds_self = define(heap, &self, 1);
  assert_false(cairn_type_is_acyclic(heap, holds_self));
  assert_int_equal(cairn_type_at(heap, holds_self)->slots[0].target, holds_self);
  assert_false(cairn_type_is_acyclic(heap, define_holder(heap, holds_self, CAIRN_SLOT_STRONG)));

  const cairn_type_spec opaque = {
      .name = "opaque", .size_bytes = 16, .traverse = no_traverse, .clear = no_clear};
  assert_false(cairn_type_is_acyclic(heap, cairn_type_define(heap, &opaque)));
  assert_false(cairn_type_is_acyclic(heap, 0));
  assert_false(cairn_type_is_acyclic(heap, 9999));
  assert_true(cairn_type_is_acyclic(heap, cairn_type_find(heap, "int")));
  assert_true(cairn_type_is_acyclic(heap, cairn_type_find(heap, "str")));
  assert_false(cairn_type_is_acyclic(heap, cairn_type_find(heap, "list")));
}

/* An object carries its type's bit, so that a release need not look at the type. */
static void acyclic_bit_is_in_the_header(void **state) {
  cairn_heap *heap = *state;
  cairn_object *leaf = cairn_object_new(heap, define(heap, NULL, 0));
  cairn_object *node = cairn_object_new(heap, define_holder(heap, 0, CAIRN_SLOT_STRONG));
  assert_true((leaf->header & CAIRN_STATE(ACYCLIC)) != 0);
  assert_true((node->header & CAIRN_STATE(ACYCLIC)) == 0);
  cairn_retain(leaf);
  cairn_release(leaf);
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  assert_int_equal(stats.candidate_count, 0);
  cairn_release(leaf);
  cairn_release(node);
}

static void flags_say_what_a_type_has(void **state) {
  cairn_heap *heap = *state;
  const cairn_slot_spec weak = CAIRN_WEAK(struct sample, first);
  const cairn_type_spec spec = {.name = "all",
                                .size_bytes = sizeof(struct sample),
                                .tail_item_bytes = 1,
                                .slots = &weak,
                                .slot_count = 1,
                                .finalize = no_clear,
                                .traverse = no_traverse,
                                .clear = no_clear};
  cairn_type type = cairn_type_define(heap, &spec);
  const struct cairn_type *copy = cairn_type_at(heap, type);
  assert_int_equal(copy->flags, CAIRN_TYPE_FLAG_OPAQUE | CAIRN_TYPE_FLAG_FINALIZER |
                                    CAIRN_TYPE_FLAG_HAS_WEAK | CAIRN_TYPE_FLAG_TAIL);
  assert_true(cairn_type_finalizer(copy) == no_clear);
  assert_true(cairn_type_traverser(copy) == no_traverse);
  assert_int_equal(cairn_type_at(heap, CAIRN_TYPE_INT)->flags,
                   CAIRN_TYPE_FLAG_ACYCLIC | CAIRN_TYPE_FLAG_BUILTIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(everything_is_copied),
      TEST(types_are_found_by_name),
      TEST(thousands_of_types),
      cmocka_unit_test(types_defined_while_the_table_grows),
      TEST(single_slots_are_checked),
      TEST(array_slots_are_checked),
      TEST(tail_slots_are_checked),
      TEST(slots_must_not_overlap),
      TEST(fields_are_checked),
      TEST(types_are_checked),
      TEST(acyclic_types),
      TEST(acyclic_bit_is_in_the_header),
      TEST(flags_say_what_a_type_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The references of real objects, with their slots as a user reads them, against what was built. */
#include "cairn/cairn.h"
#include "self.h"

static cairn_heap *heap;
static lens *reader;

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  return heap == NULL;
}

static int end(void **state) {
  (void)state;
  return !cairn_heap_destroy(heap, NULL);
}

struct wanted {
  const cairn_object *target;
  uint32_t kind;
  const char *text;
};

static void assert_refs(const cairn_object *object, const struct wanted *wanted, uint64_t count) {
  lens_ref refs[16];
  uint64_t written;
  uint64_t total;
  reader = self_lens();
  assert_int_equal(lens_object_refs(reader, address_of(object), 0, 16, refs, &written, &total),
                   LENS_OK);
  assert_int_equal(written, count);
  assert_int_equal(total, count);
  for (uint64_t i = 0; i < count; i++) {
    char text[64];
    assert_int_equal(refs[i].target, address_of(wanted[i].target));
    assert_int_equal(refs[i].kind, wanted[i].kind);
    assert_int_equal(refs[i].target_place, LENS_PLACE_OBJECT);
    assert_int_equal(lens_ref_text(reader, address_of(object), &refs[i], text, sizeof text),
                     LENS_OK);
    assert_string_equal(text, wanted[i].text);
    uint64_t word; /* what stands in the slot is the reference */
    memcpy(&word, (const void *)(uintptr_t)refs[i].slot_address, sizeof word);
    assert_int_equal(word, refs[i].target);
  }
  assert_int_equal(lens_problem_count(reader), 0);
  lens_free(reader);
}
#define ASSERT_REFS(object, ...)                             \
  do {                                                       \
    const struct wanted rows[] = {__VA_ARGS__};              \
    assert_refs(object, rows, sizeof rows / sizeof rows[0]); \
  } while (0)

static void sequences(void **state) {
  (void)state;
  cairn_object *a = cairn_int_new(heap, 1000);
  cairn_object *b = cairn_str_from(heap, "b");
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(list, a) && cairn_list_append(list, b));
  ASSERT_REFS(list, {a, LENS_REF_STRONG, "[0]"}, {b, LENS_REF_STRONG, "[1]"});
  cairn_object *tuple = cairn_tuple_new(heap, 2, (cairn_object *[]){b, a});
  ASSERT_REFS(tuple, {b, LENS_REF_STRONG, "[0]"}, {a, LENS_REF_STRONG, "[1]"});
  cairn_release(list);
  cairn_release(tuple);
  cairn_release(a);
  cairn_release(b);
}

static void mappings(void **state) {
  (void)state;
  cairn_object *key = cairn_str_from(heap, "user:17");
  cairn_object *gone = cairn_str_from(heap, "gone");
  cairn_object *number = cairn_int_new(heap, 4000);
  cairn_object *dict = cairn_dict_new(heap);
  assert_true(cairn_dict_set(dict, gone, number));
  assert_true(cairn_dict_set(dict, key, number));
  assert_true(cairn_dict_set(dict, number, key));
  assert_true(cairn_dict_remove(dict, gone)); /* leaves a hole */
  ASSERT_REFS(dict, {key, LENS_REF_STRONG, "key \"user:17\""},
              {number, LENS_REF_STRONG, "[\"user:17\"]"}, {number, LENS_REF_STRONG, "key 4000"},
              {key, LENS_REF_STRONG, "[4000]"});
  cairn_object *set = cairn_set_new(heap);
  assert_true(cairn_set_add(set, key));
  ASSERT_REFS(set, {key, LENS_REF_STRONG, "key \"user:17\""});
  cairn_release(dict);
  cairn_release(set);
  cairn_release(key);
  cairn_release(gone);
  cairn_release(number);
}

struct node {
  cairn_object base;
  cairn_object *next;
  cairn_object *seen;
  cairn_object *owner;
  cairn_object **items;
  uint32_t count;
};

static void native_slots_of_all_kinds(void **state) {
  (void)state;
  static const cairn_slot_spec slots[] = {
      CAIRN_STRONG(struct node, next), CAIRN_WEAK(struct node, seen),
      CAIRN_BORROWED(struct node, owner), CAIRN_STRONG_ARRAY(struct node, items, count)};
  const cairn_type_spec spec = {
      .name = "node", .size_bytes = sizeof(struct node), .slots = slots, .slot_count = 4};
  cairn_type type = cairn_type_define(heap, &spec);
  cairn_object *value = cairn_float_new(heap, 1.5);
  struct node *node = (struct node *)cairn_object_new(heap, type);
  assert_non_null(node);
  node->items = cairn_buffer_new(heap, 2 * sizeof *node->items);
  assert_non_null(node->items);
  node->items[1] = cairn_retain(value);
  node->count = 2;
  node->next = cairn_retain(value);
  node->owner = value;
  assert_true(cairn_weak_set(&node->base, &node->seen, value));
  ASSERT_REFS(&node->base, {value, LENS_REF_STRONG, "next"}, {value, LENS_REF_WEAK, "seen"},
              {value, LENS_REF_BORROWED, "owner"}, {value, LENS_REF_STRONG, "items[1]"});
  node->owner = NULL;
  cairn_release(&node->base);
  cairn_release(value);
}

struct opaque {
  cairn_object base;
  int64_t number;
  cairn_object *hidden;
};

static void opaque_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  visit(((struct opaque *)object)->hidden, context);
}

static void opaque_clear(cairn_object *object) { cairn_clear(&((struct opaque *)object)->hidden); }

static void opaque_words(void **state) {
  (void)state;
  const cairn_type_spec spec = {.name = "opaque",
                                .size_bytes = sizeof(struct opaque),
                                .traverse = opaque_traverse,
                                .clear = opaque_clear};
  cairn_type type = cairn_type_define(heap, &spec);
  struct opaque *object = (struct opaque *)cairn_object_new(heap, type);
  assert_non_null(object);
  object->hidden = cairn_int_new(heap, 70000);
  ASSERT_REFS(&object->base, {object->hidden, LENS_REF_OPAQUE, "+0x10"});
  cairn_release(&object->base);
}

/* A window into many references, and those of an object whose bytes are not all in hand. */
static void windows_of_a_large_tuple(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  static cairn_object *items[COUNT];
  for (int i = 0; i < COUNT; i++) items[i] = cairn_int_new(heap, 100000 + i);
  cairn_object *tuple = cairn_tuple_new(heap, COUNT, items);
  lens_ref refs[3];
  uint64_t written;
  uint64_t total;
  reader = self_lens();
  const uint64_t firsts[] = {0, 61, 62, 511, COUNT - 3, COUNT - 1, COUNT};
  for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
    uint64_t first = firsts[i];
    assert_int_equal(lens_object_refs(reader, address_of(tuple), first, 3, refs, &written, &total),
                     LENS_OK);
    assert_int_equal(total, COUNT);
    assert_int_equal(written, COUNT - first < 3 ? COUNT - first : 3);
    for (uint64_t k = 0; k < written; k++) {
      assert_int_equal(refs[k].target, address_of(items[first + k]));
      assert_int_equal(refs[k].element, first + k);
    }
  }
  lens_free(reader);
  cairn_release(tuple);
  for (int i = 0; i < COUNT; i++) cairn_release(items[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sequences), cmocka_unit_test(mappings),
                                     cmocka_unit_test(native_slots_of_all_kinds),
                                     cmocka_unit_test(opaque_words),
                                     cmocka_unit_test(windows_of_a_large_tuple)};
  return cmocka_run_group_tests_name("lens references", tests, begin, end);
}

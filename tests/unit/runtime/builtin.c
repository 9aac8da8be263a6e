/* Built-in types have the same index in every heap, by which a program tells them apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cairn/cairn.h"

static void names_and_indices_agree(void **state) {
  (void)state;
  cairn_heap *heaps[2] = {cairn_heap_new(NULL), cairn_heap_new(NULL)};
  for (size_t i = 0; i < 2; i++) {
    assert_non_null(heaps[i]);
#define CHECK(NAME, name) assert_int_equal(cairn_type_find(heaps[i], #name), CAIRN_TYPE_##NAME);
    CAIRN_BUILTINS(CHECK)
  }
  assert_true(cairn_heap_destroy(heaps[0], NULL));
  assert_true(cairn_heap_destroy(heaps[1], NULL));
}

/* As a program of a user's would: the name of what it was given, "" for a type of its own. */
static const char *dispatched(const cairn_object *object) {
  switch (cairn_type_index(object)) {
#define CASE(NAME, name)  \
  case CAIRN_TYPE_##NAME: \
    return #name;
    CAIRN_BUILTINS(CASE)
    default:
      return "";
  }
}

static void objects_are_told_apart(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(NULL);
  assert_non_null(heap);
  static const char *const fields[] = {"x"};
  cairn_type record = cairn_record_define(heap, "point", fields, 1);
  const struct {
    const char *name;
    cairn_object *object;
  } cases[] = {{"none", cairn_none(heap)},
               {"bool", cairn_bool(heap, true)},
               {"int", cairn_int_new(heap, 1)},
               {"int", cairn_int_new(heap, 1000)},
               {"float", cairn_float_new(heap, 0.5)},
               {"str", cairn_str_from(heap, "text")},
               {"bytes", cairn_bytes_new(heap, "data", 4)},
               {"tuple", cairn_tuple_new(heap, 0, NULL)},
               {"list", cairn_list_new(heap, 0)},
               {"dict", cairn_dict_new(heap)},
               {"set", cairn_set_new(heap)},
               {"weakref", cairn_weakref_new(heap, NULL)},
               {"cell", cairn_cell_new(heap, NULL)},
               {"", cairn_record_new(heap, record)}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_non_null(cases[i].object);
    assert_string_equal(dispatched(cases[i].object), cases[i].name);
    cairn_release(cases[i].object);
  }
  assert_true(cairn_heap_destroy(heap, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_and_indices_agree),
      cmocka_unit_test(objects_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

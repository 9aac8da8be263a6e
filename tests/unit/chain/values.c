/* Values of all built-in types as the lens writes them, read from the heap of this process. */
#include "cairn/cairn.h"
#include "self.h"

static cairn_heap *heap;
static lens *reader;

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(&(cairn_heap_options){.name = "values"});
  return heap == NULL;
}

static int end(void **state) {
  (void)state;
  return !cairn_heap_destroy(heap, NULL);
}

static void assert_text_at(const cairn_object *object, uint32_t depth, uint32_t width,
                           const char *wanted) {
  char text[256];
  reader = self_lens();
  assert_int_equal(lens_object_text(reader, address_of(object), depth, width, text, sizeof text),
                   LENS_OK);
  assert_string_equal(text, wanted);
  assert_int_equal(lens_problem_count(reader), 0);
  lens_free(reader);
}

/* Checks the text of an object and releases it. */
static void assert_text(cairn_object *object, const char *wanted) {
  assert_non_null(object);
  assert_text_at(object, 3, 8, wanted);
  cairn_release(object);
}

static void scalars(void **state) {
  (void)state;
  assert_text(cairn_none(heap), "none");
  assert_text(cairn_bool(heap, true), "true");
  assert_text(cairn_bool(heap, false), "false");
  assert_text(cairn_int_new(heap, 5), "5");
  assert_text(cairn_int_new(heap, INT64_MIN), "-9223372036854775808");
  assert_text(cairn_float_new(heap, 0.1), "0.1");
  assert_text(cairn_float_new(heap, 3), "3.0");
  assert_text(cairn_float_new(heap, 1e300), "1e+300");
  assert_text(cairn_float_new(heap, -1.0 / 3), "-0.3333333333333333");
}

static void strings(void **state) {
  (void)state;
  assert_text(cairn_str_from(heap, "two"), "\"two\"");
  assert_text(cairn_str_from(heap, ""), "\"\"");
  assert_text(cairn_str_from(heap, "a\"b\\c\n\x1b[31m"), "\"a\\\"b\\\\c\\n\\x1b[31m\"");
  assert_text(cairn_str_from(heap, "grün \xf0\x9f\x99\x82"), "\"grün \xf0\x9f\x99\x82\"");
  assert_text(cairn_bytes_new(heap, "a\0\xff", 3), "b\"a\\x00\\xff\"");
}

static void long_string_is_cut(void **state) {
  (void)state;
  char text[5000];
  memset(text, 'x', sizeof text);
  cairn_object *str = cairn_str_new(heap, text, sizeof text);
  reader = self_lens();
  char shown[16];
  assert_int_equal(lens_object_text(reader, address_of(str), 1, 4, shown, sizeof shown), LENS_OK);
  assert_string_equal(shown, "\"xxxxxxxxxxx…");
  char whole[1024];
  assert_int_equal(lens_object_text(reader, address_of(str), 1, 4, whole, sizeof whole), LENS_OK);
  assert_string_equal(whole + strlen(whole) - 5, "x…\"");
  lens_free(reader);
  cairn_release(str);
}

static void add(cairn_object *list, cairn_object *item) {
  assert_true(cairn_list_append(list, item));
  cairn_release(item);
}

static void put(cairn_object *dict, const char *key, cairn_object *value) {
  assert_true(cairn_dict_set_text(dict, key, value));
  cairn_release(value);
}

static void containers(void **state) {
  (void)state;
  cairn_object *dict = cairn_dict_new(heap);
  put(dict, "a", cairn_int_new(heap, 1));
  put(dict, "b", cairn_none(heap));
  assert_text_at(dict, 1, 8, "{\"a\": 1, \"b\": none}");
  assert_text_at(dict, 1, 1, "{\"a\": 1, …}");
  assert_text_at(dict, 0, 8, "<dict 2>");
  cairn_object *list = cairn_list_new(heap, 0);
  add(list, cairn_int_new(heap, 1));
  add(list, cairn_str_from(heap, "two"));
  add(list, dict);
  assert_text_at(list, 1, 8, "[1, \"two\", <dict 2>]");
  assert_text_at(list, 2, 8, "[1, \"two\", {\"a\": 1, \"b\": none}]");
  assert_text_at(list, 1, 2, "[1, \"two\", …]");
  assert_text_at(list, 1, 0, "[…]");
  assert_text_at(list, 0, 8, "<list 3>");
  cairn_object *items[] = {list, list};
  assert_text(cairn_tuple_new(heap, 2, items),
              "([1, \"two\", {\"a\": 1, \"b\": none}], "
              "[1, \"two\", {\"a\": 1, \"b\": none}])");
  assert_text(cairn_tuple_new(heap, 1, (cairn_object *[]){cairn_bool(heap, true)}), "(true,)");
  assert_text(cairn_tuple_new(heap, 0, NULL), "()");
  cairn_release(list);
  assert_text(cairn_list_new(heap, 4), "[]");
  assert_text(cairn_dict_new(heap), "{}");
  assert_text(cairn_set_new(heap), "<set 0>");
  cairn_object *set = cairn_set_new(heap);
  for (int i = 1; i <= 2; i++) {
    cairn_object *item = cairn_int_new(heap, i);
    assert_true(cairn_set_add(set, item));
    cairn_release(item);
  }
  assert_text(set, "{1, 2}");
}

/* Whatever the room, the text is whole characters, and ends with an ellipsis when it was cut. */
static void every_room(void **state) {
  (void)state;
  cairn_object *list = cairn_list_new(heap, 0);
  add(list, cairn_str_from(heap, "€uro"));
  add(list, cairn_float_new(heap, 2.5));
  const char *whole = "[\"€uro\", 2.5]";
  reader = self_lens();
  for (size_t room = 1; room <= 24; room++) {
    char text[32];
    memset(text, '#', sizeof text);
    assert_int_equal(lens_object_text(reader, address_of(list), 1, 8, text, room), LENS_OK);
    size_t length = strnlen(text, room);
    assert_true(length < room);
    assert_int_equal(text[room], '#');
    if (room > strlen(whole)) {
      assert_string_equal(text, whole);
    } else if (room > strlen("…")) {
      assert_string_equal(text + length - strlen("…"), "…");
      assert_memory_equal(text, whole, length - strlen("…"));
    }
    for (size_t i = 0; i + 2 < length; i++) { /* no character was cut in two */
      if ((unsigned char)text[i] >= 0xe0) assert_int_equal((unsigned char)text[i + 2] & 0xc0, 0x80);
    }
  }
  char none[1];
  assert_int_equal(lens_object_text(reader, address_of(list), 1, 8, none, 0), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_object_text(reader, address_of(list) + 8, 1, 8, none, 1), LENS_NOT_FOUND);
  lens_free(reader);
  cairn_release(list);
}

/* Any depth may be asked for; what is written is bounded. */
static void deep_nesting(void **state) {
  (void)state;
  cairn_object *outer = cairn_list_new(heap, 0);
  for (int i = 0; i < 100; i++) {
    cairn_object *next = cairn_list_new(heap, 0);
    add(next, outer);
    outer = next;
  }
  assert_text(outer, "[[[<list 1>]]]");
  outer = cairn_list_new(heap, 0);
  for (int i = 0; i < 100; i++) {
    cairn_object *next = cairn_list_new(heap, 0);
    add(next, outer);
    outer = next;
  }
  assert_text_at(outer, UINT32_MAX, UINT32_MAX, "[[[[[[[[[[[[[[[[<list 1>]]]]]]]]]]]]]]]]");
  cairn_release(outer);
}

static void cycle(void **state) {
  (void)state;
  cairn_object *list = cairn_list_new(heap, 0);
  assert_true(cairn_list_append(list, list));
  assert_text_at(list, 9, 8, "[<list …>]");
  cairn_list_clear(list);
  cairn_release(list);
}

static void holders_of_one(void **state) {
  (void)state;
  cairn_object *cell = cairn_cell_new(heap, NULL);
  assert_text_at(cell, 2, 8, "<cell, empty>");
  cairn_object *str = cairn_str_from(heap, "x");
  cairn_cell_set(cell, str);
  assert_text(cell, "<cell \"x\">");
  cairn_object *weakref = cairn_weakref_new(heap, str);
  assert_text_at(weakref, 2, 8, "<weakref to str \"x\">");
  cairn_release(str);
  assert_text(weakref, "<weakref, gone>");
}

struct session {
  cairn_object base;
  cairn_object *user;
  int32_t port;
  float load;
  char host[8];
  const char *motto;
  char mark;
};

static void native_and_record(void **state) {
  (void)state;
  static const cairn_slot_spec slots[] = {CAIRN_STRONG(struct session, user)};
  static const cairn_field_spec fields[] = {
      CAIRN_FIELD(struct session, port, SINT), CAIRN_FIELD(struct session, load, FLOAT),
      CAIRN_FIELD(struct session, host, TEXT), CAIRN_FIELD(struct session, motto, TEXT_POINTER),
      CAIRN_FIELD(struct session, mark, CHAR)};
  const cairn_type_spec spec = {.name = "session",
                                .size_bytes = sizeof(struct session),
                                .slots = slots,
                                .slot_count = 1,
                                .fields = fields,
                                .field_count = 5};
  cairn_type type = cairn_type_define(heap, &spec);
  struct session *session = (struct session *)cairn_object_new(heap, type);
  assert_non_null(session);
  session->port = -7;
  session->load = 0.1f;
  memcpy(session->host, "hostname", 8);
  session->motto = "per aspera";
  session->mark = '\'';
  session->user = cairn_int_new(heap, 300);
  assert_text_at(&session->base, 1, 8,
                 "<session port=-7 load=0.1 host=\"hostname\" motto=\"per aspera\" mark='\\'' "
                 "user=300>");
  assert_text_at(&session->base, 1, 2, "<session port=-7 load=0.1 …>");
  lens_field rows[8];
  uint64_t written;
  uint64_t total;
  reader = self_lens();
  assert_int_equal(lens_object_fields(reader, address_of(session), 1, 2, rows, &written, &total),
                   LENS_OK);
  assert_int_equal(written, 2);
  assert_int_equal(total, 5);
  assert_string_equal(rows[0].name, "load");
  assert_string_equal(rows[0].kind, "float");
  assert_string_equal(rows[1].text, "\"hostname\"");
  assert_int_equal(rows[1].address, address_of(session->host));
  lens_free(reader);
  cairn_release(&session->base);
  const char *const names[] = {"left", "right"};
  cairn_type pair = cairn_record_define(heap, "pair", names, 2);
  cairn_object *record = cairn_record_new(heap, pair);
  cairn_object *one = cairn_int_new(heap, 1);
  assert_true(cairn_record_set(record, 1, one));
  assert_text(record, "<pair right=1>");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scalars),
                                     cmocka_unit_test(strings),
                                     cmocka_unit_test(long_string_is_cut),
                                     cmocka_unit_test(containers),
                                     cmocka_unit_test(every_room),
                                     cmocka_unit_test(deep_nesting),
                                     cmocka_unit_test(cycle),
                                     cmocka_unit_test(holders_of_one),
                                     cmocka_unit_test(native_and_record)};
  return cmocka_run_group_tests_name("lens values", tests, begin, end);
}

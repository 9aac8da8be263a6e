/* Target text made printable: what a terminal gets is valid UTF-8 without controls, whole
 * characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"

static void assert_shown(const char *text, size_t bytes, char quote, const char *wanted) {
  char out[128];
  size_t length = lens_text_printable((const uint8_t *)text, bytes, quote, out, sizeof out);
  assert_string_equal(out, wanted);
  assert_int_equal(length, strlen(wanted));
}
#define SHOWN(text, wanted) assert_shown(text, sizeof(text) - 1, 0, wanted)

static void plain_text_is_kept(void **state) {
  (void)state;
  SHOWN("", "");
  SHOWN("session", "session");
  SHOWN("grün € \xf0\x9f\x99\x82", "grün € \xf0\x9f\x99\x82");
}

static void hostile_bytes_are_escaped(void **state) {
  (void)state;
  SHOWN("a\x1b[2J", "a\\x1b[2J");
  SHOWN("a\0b\n\t\x7f", "a\\x00b\\n\\t\\x7f");
  SHOWN("\xc2\x9b", "\\x9b");                                   /* a C1 control */
  const char override[] = {(char)0xe2, (char)0x80, (char)0xae}; /* right to left from here on */
  assert_shown(override, sizeof override, 0, "\\u202e");
  SHOWN("\xe0\x80\x80", "\\xe0\\x80\\x80");
  SHOWN("\xc0\x80", "\\xc0\\x80");          /* overlong */
  SHOWN("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
  SHOWN("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
  SHOWN("x\xe2\x82", "x\\xe2\\x82"); /* cut */
}

static void quotes_are_escaped_where_asked(void **state) {
  (void)state;
  assert_shown("a\"b\\", 4, '"', "a\\\"b\\\\");
  assert_shown("a\"b\\", 4, 0, "a\"b\\");
}

/* Whatever the room, the text is NUL-terminated, whole, and ends with an ellipsis when it was cut.
 */
static void every_room(void **state) {
  (void)state;
  const char *text =
      "ab€\x01"
      "cdef";
  size_t bytes = strlen(text);
  char whole[64];
  size_t whole_length = lens_text_printable((const uint8_t *)text, bytes, 0, whole, sizeof whole);
  for (size_t room = 1; room < 24; room++) {
    char out[64];
    memset(out, '#', sizeof out);
    size_t length = lens_text_printable((const uint8_t *)text, bytes, 0, out, room);
    assert_true(length < room);
    assert_int_equal(out[length], 0);
    assert_int_equal(out[room], '#');
    if (whole_length < room) {
      assert_string_equal(out, whole);
    } else if (room > strlen("…")) {
      size_t kept = length - strlen("…");
      assert_memory_equal(out, whole, kept);
      assert_string_equal(out + kept, "…");
    } else {
      assert_int_equal(length, 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_text_is_kept), cmocka_unit_test(hostile_bytes_are_escaped),
      cmocka_unit_test(quotes_are_escaped_where_asked), cmocka_unit_test(every_room)};
  return cmocka_run_group_tests_name("lens printable", tests, NULL, NULL);
}

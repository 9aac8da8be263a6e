/* track_options.c: the words of CAIRN_TRACK. */
#include <stdio.h>

#include "nodes.h"
#include "tracking.h"

static char complaints[256];

static void complain(const char *word, size_t bytes) {
  size_t used = strlen(complaints);
  snprintf(complaints + used, sizeof complaints - used, "[%.*s]", (int)bytes, word);
}

static bool parse(const char *text, cairn_track_options *options) {
  complaints[0] = '\0';
  return cairn_track_options_parse(text, "main", options, complain);
}

static void test_words(void **state) {
  (void)state;
  cairn_track_options options;
  assert_true(parse("sites,events=1k,quarantine=2M,backtrace=4,probes", &options));
  assert_true(options.sites);
  assert_int_equal(options.events, 1024);
  assert_int_equal(options.quarantine_bytes, 2 << 20);
  assert_int_equal(options.backtrace, 4);
  assert_true(options.probes);
  assert_string_equal(complaints, "");
  assert_true(parse("events=4K,quarantine=3m", &options));
  assert_int_equal(options.events, 4096);
  assert_int_equal(options.quarantine_bytes, 3 << 20);
  assert_true(parse("quarantine=1g", &options));
  assert_int_equal(options.quarantine_bytes, 1 << 30);
  assert_true(parse("quarantine=2G,events=5M", &options));
  assert_int_equal(options.quarantine_bytes, 2ull << 30);
  assert_int_equal(options.events, 5 << 20);
  assert_string_equal(complaints, "");
  assert_true(parse("events,,quarantine,", &options));
  assert_int_equal(options.events, 65536);
  assert_int_equal(options.quarantine_bytes, 16 << 20);
  assert_false(options.sites);
  assert_false(options.probes);
  assert_string_equal(complaints, "");
}

static void test_heaps_by_name(void **state) {
  (void)state;
  cairn_track_options options;
  assert_true(parse("sites,heap=main", &options));
  assert_true(parse("heap=other,sites,heap=main", &options));
  assert_false(parse("sites,heap=mai", &options));
  assert_false(parse("sites,heap=main2", &options));
  assert_false(parse("heap=main", &options));
  assert_false(parse("", &options));
  assert_string_equal(complaints, "");
}

static void test_bad_words_are_ignored(void **state) {
  (void)state;
  cairn_track_options options;
  assert_true(
      parse("site,sites=1,events=0,events=-1,events=1x,quarantine=,events=12kk,"
            "events=99999999999999999999999,backtrace,backtrace=9,backtrace=0,heap=,"
            "probes=1,=,events=7",
            &options));
  assert_string_equal(complaints,
                      "[site][sites=1][events=0][events=-1][events=1x][quarantine=][events=12kk]"
                      "[events=99999999999999999999999][backtrace][backtrace=9][backtrace=0]"
                      "[heap=][probes=1][=]");
  assert_int_equal(options.events, 7);
  assert_false(options.sites);
  assert_int_equal(options.quarantine_bytes, 0);
  assert_int_equal(options.backtrace, 0);
  assert_false(parse("nonsense", &options));
}

static void test_the_environment(void **state) {
  (void)state;
  setenv("CAIRN_TRACK", "sites,heap=tracked", 1);
  cairn_heap *tracked = cairn_heap_new(&(cairn_heap_options){.name = "tracked"});
  cairn_heap *other = cairn_heap_new(&(cairn_heap_options){.name = "other"});
  unsetenv("CAIRN_TRACK");
  assert_null(other->tracking);
  assert_int_equal(tracked->tracking->switches, CAIRN_TRACK_SITES);
  cairn_object *text = cairn_str_from(tracked, "a stone");
  assert_int_equal(cairn_track_site(text, NULL, 0), 1);
  cairn_release(text);
  assert_true(cairn_heap_destroy(tracked, NULL));
  assert_true(cairn_heap_destroy(other, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_heaps_by_name),
      cmocka_unit_test(test_bad_words_are_ignored),
      cmocka_unit_test(test_the_environment),
  };
  return cmocka_run_group_tests_name("tracking options", tests, NULL, NULL);
}

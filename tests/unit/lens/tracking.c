/* tracking.c, events.c: another runtime's tables, with other offsets, widths and values, and what
 * is absent from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"

static struct fake fake;

static lens *loaded(void) {
  lens *self = fake_lens(&fake);
  assert_non_null(self);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  return self;
}

static int setup(void **state) {
  (void)state;
  fake_new(&fake);
  fake_page(&fake, 1, 7, 96, 40, 1);
  fake_type(&fake, 1, "thing", 96, 0);
  for (uint32_t i = 0; i < 4; i++) {
    fake_put(&fake, fake_block(&fake, 1, i), fake_header(fake_live, 1, 1), 8);
  }
  return 0;
}

static void test_events_of_other_widths(void **state) {
  (void)state;
  fake_tracking(&fake, 11);
  lens *self = loaded();
  lens_event events[16];
  uint64_t written, total;
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, 16, events, &written, &total), LENS_OK);
  assert_int_equal(total, 8);
  for (uint64_t i = 0; i < written; i++) {
    uint64_t n = 4 + i;
    static const uint32_t ops[] = {LENS_EVENT_ALLOCATE, LENS_EVENT_FREE, LENS_EVENT_RETAIN};
    assert_int_equal(events[i].sequence, n);
    assert_int_equal(events[i].op, ops[n % 3]);
    assert_int_equal(events[i].count, n);
    assert_int_equal(events[i].serial, 100 + n % 2);
    assert_int_equal(events[i].object, fake_base + fake_block(&fake, 1, n % 2));
    assert_int_equal(events[i].caller, 0x400000 + n);
    assert_int_equal(events[i].type, 1);
    assert_int_equal(events[i].thread, 0); /* its contract has none */
  }
  assert_int_equal(lens_events(self, 0, 0, 101, 1, 0, 16, events, &written, &total), LENS_OK);
  assert_int_equal(total, 4);
  assert_int_equal(events[0].sequence, 11);
  assert_int_equal(events[3].sequence, 5);
  lens_free(self);
}

static void test_an_event_that_is_being_written(void **state) {
  (void)state;
  fake_tracking(&fake, 11);
  fake_put(&fake, FAKE_EVENTS + 3 * FAKE_EVENT_ROW + 40, 0, 8);  /* number 12 over number 4 */
  fake_put(&fake, FAKE_EVENTS + 0 * FAKE_EVENT_ROW + 40, 77, 8); /* damage */
  lens *self = loaded();
  lens_event events[16];
  uint64_t written, total;
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, 16, events, &written, &total), LENS_OK);
  assert_int_equal(total, 6);
  assert_int_equal(events[0].sequence, 5);
  lens_free(self);
}

static void test_sites(void **state) {
  (void)state;
  fake_tracking(&fake, 0);
  fake_put(&fake, FAKE_SITES + FAKE_SITE_ROW, 200, 1); /* more frames than there is room for */
  lens *self = loaded();
  lens_site sites[4];
  uint64_t written, total;
  assert_int_equal(lens_sites(self, 0, 0, 4, sites, &written, &total), LENS_OK);
  assert_int_equal(written, 3);
  assert_int_equal(sites[0].frame_count, 1);
  assert_int_equal(sites[1].frame_count, 3);
  assert_int_equal(sites[2].frame_count, 3);
  assert_int_equal(sites[2].frames[2], 0x400000 + 50);
  assert_int_equal(sites[2].object_count, 30);
  lens_free(self);
}

static void test_records_and_quarantine(void **state) {
  (void)state;
  fake_tracking(&fake, 0);
  fake_quarantine(&fake, 0, 1, 2);
  fake_quarantine(&fake, fake_record_at(1, 2), 1, 0);
  lens *self = loaded();
  lens_track rows[4];
  uint64_t written, total;
  assert_int_equal(lens_quarantine(self, 0, 0, 4, rows, &written, &total), LENS_OK);
  assert_int_equal(written, 2);
  assert_int_equal(rows[0].serial, 102);
  assert_int_equal(rows[1].serial, 100);
  assert_int_equal(rows[1].freed_site, 2);
  assert_int_equal(rows[1].place, LENS_PLACE_QUARANTINED);
  lens_track track;
  assert_int_equal(lens_track_at(self, rows[0].base + 40, &track), LENS_OK);
  assert_int_equal(track.serial, 102);
  /* Block 30 has no record, as a page has only 16 of them. */
  assert_int_equal(lens_track_at(self, fake_base + fake_block(&fake, 1, 30), &track),
                   LENS_NOT_FOUND);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.objects, 2);
  assert_int_equal(totals.damaged_blocks, 0);
  lens_free(self);
}

/* Ends where it leads astray, and says so; a header that was written to is told. */
static void test_a_quarantine_that_leads_astray(void **state) {
  (void)state;
  fake_tracking(&fake, 0);
  fake_quarantine(&fake, 0, 1, 2);
  fake_quarantine(&fake, fake_record_at(1, 2), 1, 0);
  fake_put(&fake, fake_record_at(1, 0) + 8, fake_base + 12, 8);
  fake_put(&fake, FAKE_TRACKING + 32, 1000, 4);
  fake_put(&fake, fake_block(&fake, 1, 0), 0xdead, 8);
  lens *self = loaded();
  lens_track rows[4];
  uint64_t written, total, problems = lens_problem_count(self);
  assert_int_equal(lens_quarantine(self, 0, 0, 4, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 2);
  assert_int_equal(rows[1].place, LENS_PLACE_DAMAGED);
  assert_int_equal(lens_problem_count(self), problems + 1);
  lens_problem problem;
  assert_int_equal(lens_problem_get(self, problems, &problem), LENS_OK);
  assert_non_null(strstr(problem.text, "ends after 2 blocks of 1000"));
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_events_of_other_widths, setup),
      cmocka_unit_test_setup(test_an_event_that_is_being_written, setup),
      cmocka_unit_test_setup(test_sites, setup),
      cmocka_unit_test_setup(test_records_and_quarantine, setup),
      cmocka_unit_test_setup(test_a_quarantine_that_leads_astray, setup),
  };
  return cmocka_run_group_tests_name("tracking", tests, NULL, NULL);
}

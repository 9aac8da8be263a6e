/* What a program tracked, as the lens reads it: serials, sites, events, the quarantine; and that a
 * lens is not led astray by damaged tables. */
#include "tracking.h"
#include "../runtime/nodes.h"

#include "model.h"
#include "self.h"

enum { MANY = 1000 };

static void ignore_misuse(cairn_heap *heap, const cairn_misuse_report *report, void *context) {
  (void)heap;
  (void)report;
  (void)context;
}

static void start(struct nodes *nodes, cairn_track_options options) {
  options.misuse = ignore_misuse;
  assert_true(cairn_track_start(nodes->heap, &options));
}

static lens_track track_at(lens *self, const void *address) {
  lens_track track;
  assert_int_equal(lens_track_at(self, address_of(address), &track), LENS_OK);
  return track;
}

static void assert_undamaged(lens *self) {
  assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (problem.severity != LENS_NOTE) fail_msg("0x%" PRIx64 ": %s", problem.address, problem.text);
  }
}

static void test_a_heap_that_is_not_tracked(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  lens *self = self_lens();
  lens_tracking tracking;
  lens_track track;
  lens_site site;
  uint64_t written = 7, total = 7;
  assert_int_equal(lens_tracking_get(self, 0, &tracking), LENS_NOT_FOUND);
  assert_int_equal(lens_track_at(self, address_of(node), &track), LENS_NOT_FOUND);
  assert_int_equal(lens_track_at(self, 16, &track), LENS_NOT_FOUND);
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, 0, NULL, &written, &total), LENS_OK);
  assert_int_equal(total, 0);
  assert_int_equal(lens_sites(self, 0, 0, 0, NULL, &written, &total), LENS_OK);
  assert_int_equal(total, 0);
  assert_int_equal(lens_site_get(self, 0, 1, &site), LENS_NOT_FOUND);
  assert_int_equal(lens_quarantine(self, 0, 0, 0, NULL, &written, &total), LENS_OK);
  assert_int_equal(total, 0);
  assert_int_equal(lens_tracking_get(self, 1, &tracking), LENS_BAD_ARGUMENT);
  lens_free(self);
  cairn_release(&node->base);
}

static void test_serials_and_sites(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true, .backtrace = 2});
  struct node *node = node_new(nodes, nodes->plain, 1);
  uint64_t callers[2];
  assert_int_equal(cairn_track_site(&node->base, callers, 2), 2);
  lens *self = self_lens();
  lens_track track = track_at(self, &node->id); /* any address in it */
  assert_int_equal(track.serial, cairn_track_serial(&node->base));
  assert_int_equal(track.base, address_of(node));
  assert_int_equal(track.place, LENS_PLACE_OBJECT);
  assert_int_equal(track.freed_site, 0);
  lens_type type;
  assert_int_equal(lens_type_get(self, track.type, &type), LENS_OK);
  assert_string_equal(type.name, "node");
  lens_site site, rows[8];
  assert_int_equal(lens_site_get(self, 0, track.site, &site), LENS_OK);
  assert_int_equal(site.frame_count, 2);
  assert_memory_equal(site.frames, callers, sizeof callers);
  assert_int_equal(site.object_count, 1);
  assert_int_equal(site.object_bytes, cairn_object_size(&node->base));
  uint64_t written, total;
  assert_int_equal(lens_sites(self, 0, track.site - 1, 8, rows, &written, &total), LENS_OK);
  assert_true(written >= 1 && total >= track.site);
  assert_memory_equal(&rows[0], &site, sizeof site);
  lens_tracking tracking;
  assert_int_equal(lens_tracking_get(self, 0, &tracking), LENS_OK);
  assert_int_equal(tracking.switches, LENS_TRACK_SITES);
  assert_int_equal(tracking.serial_last, track.serial);
  assert_undamaged(self);
  lens_free(self);
  cairn_release(&node->base);
}

/* Without a quarantine a freed block still says what was in it, until it is used again. */
static void test_a_freed_block(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  struct node *node = node_new(nodes, nodes->plain, 1);
  uint64_t serial = cairn_track_serial(&node->base);
  cairn_release(&node->base);
  lens *self = self_lens();
  lens_track track = track_at(self, node);
  assert_int_equal(track.serial, serial);
  assert_int_equal(track.place, LENS_PLACE_FREED);
  assert_int_not_equal(track.site, 0);
  assert_int_not_equal(track.freed_site, 0);
  assert_int_equal(track.freed_thread, gettid());
  lens_free(self);
}

static void test_events(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 1024});
  struct node *other = node_new(nodes, nodes->plain, 1);
  struct node *node = node_new(nodes, nodes->plain, 2);
  uint64_t serial = cairn_track_serial(&node->base);
  cairn_retain(&other->base);
  cairn_retain(&node->base);
  cairn_release(&node->base);
  cairn_release(&node->base);
  struct node *again = node_new(nodes, nodes->plain, 3);
  assert_ptr_equal(again, node);
  static const uint32_t ops[] = {LENS_EVENT_ALLOCATE, LENS_EVENT_RETAIN, LENS_EVENT_RELEASE,
                                 LENS_EVENT_RELEASE,  LENS_EVENT_FREE,   LENS_EVENT_ALLOCATE};
  static const uint32_t counts[] = {1, 2, 1, 0, 0, 1};
  lens *self = self_lens();
  lens_event events[8];
  uint64_t written, total;
  uint64_t address = address_of(node);
  assert_int_equal(lens_events(self, 0, address, 0, 0, 0, 8, events, &written, &total), LENS_OK);
  assert_int_equal(written, 6);
  assert_int_equal(total, 6);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(events[i].op, ops[i]);
    assert_int_equal(events[i].count, counts[i]);
    assert_int_equal(events[i].object, address);
    assert_int_equal(events[i].serial, i < 5 ? serial : serial + 1);
    assert_int_equal(events[i].thread, gettid());
    assert_int_not_equal(events[i].caller, 0);
    if (i > 0) assert_true(events[i].sequence > events[i - 1].sequence);
  }
  assert_int_equal(lens_events(self, 0, address, serial, 1, 1, 2, events, &written, &total),
                   LENS_OK);
  assert_int_equal(written, 2);
  assert_int_equal(total, 5);
  assert_int_equal(events[0].op, LENS_EVENT_RELEASE);
  assert_int_equal(events[0].count, 0);
  assert_int_equal(events[1].count, 1);
  assert_undamaged(self);
  lens_free(self);
  cairn_release(&again->base);
  cairn_release(&other->base);
  cairn_release(&other->base);
}

/* Rings of all ages, read both ways. */
static void test_the_ring_wraps(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = MANY}); /* 1024 */
  struct node *node = node_new(nodes, nodes->plain, 1);
  static lens_event events[1024];
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 397; i++) cairn_retain(&node->base);
    lens *self = self_lens();
    uint64_t count = tracking->event_count, left = count < 1024 ? count : 1024;
    lens_tracking shown;
    assert_int_equal(lens_tracking_get(self, 0, &shown), LENS_OK);
    assert_int_equal(shown.event_count, count);
    assert_int_equal(shown.event_lost, count - left);
    for (uint32_t newest_first = 0; newest_first < 2; newest_first++) {
      uint64_t written, total;
      assert_int_equal(lens_events(self, 0, 0, 0, newest_first, 0, 1024, events, &written, &total),
                       LENS_OK);
      assert_int_equal(total, left);
      for (uint64_t i = 0; i < left; i++) {
        uint64_t sequence = newest_first ? count - i : count - left + 1 + i;
        assert_int_equal(events[i].sequence, sequence);
        assert_int_equal(events[i].count, sequence);
      }
    }
    lens_free(self);
  }
  while (cairn_refcount(&node->base) > 1) cairn_release(&node->base);
  cairn_release(&node->base);
}

/* An event that is said to be smaller than what it has, or too large to be read in a piece. */
static void test_events_of_a_strange_size(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = MANY});
  struct node *node = node_new(nodes, nodes->plain, 1);
  lens *self = self_lens();
  struct lens_layout_event *layout = &self->model.contracts[0]->event;
  const uint32_t bytes = layout->struct_bytes;
  const struct {
    uint32_t bytes;
    uint64_t total;
  } sizes[] = {{bytes, 1}, {layout->extent - 1, 0}, {0, 0}, {16385, 0}, {1u << 31, 0}, {bytes, 1}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    lens_event event;
    uint64_t written, total = 77;
    layout->struct_bytes = sizes[i].bytes;
    assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, 1, &event, &written, &total), LENS_OK);
    assert_int_equal(total, sizes[i].total);
  }
  lens_free(self);
  cairn_release(&node->base);
}

static void test_the_quarantine(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true, .quarantine_bytes = 1 << 20});
  struct node *all[5];
  for (int i = 0; i < 5; i++) all[i] = node_new(nodes, nodes->plain, i);
  uint64_t serial = cairn_track_serial(&all[0]->base);
  for (int i = 0; i < 5; i++) cairn_release(&all[i]->base);
  lens *self = self_lens();
  lens_track rows[3];
  uint64_t written, total;
  assert_int_equal(lens_quarantine(self, 0, 1, 3, rows, &written, &total), LENS_OK);
  assert_int_equal(written, 3);
  assert_int_equal(total, 5);
  for (uint64_t i = 0; i < 3; i++) {
    assert_int_equal(rows[i].base, address_of(all[i + 1]));
    assert_int_equal(rows[i].serial, serial + i + 1);
    assert_int_equal(rows[i].place, LENS_PLACE_QUARANTINED);
    assert_int_not_equal(rows[i].freed_site, 0);
  }
  lens_location location;
  assert_int_equal(lens_locate(self, address_of(all[2]) + 9, &location), LENS_OK);
  assert_int_equal(location.place, LENS_PLACE_QUARANTINED);
  lens_object object;
  assert_int_equal(lens_object_at(self, address_of(all[2]), &object), LENS_NOT_FOUND);
  assert_undamaged(self);
  cairn_stats stats;
  cairn_heap_stats(nodes->heap, &stats);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.objects, stats.object_count);
  lens_free(self);
}

/* Past the address sanitizer, which would end the test. */
__attribute__((no_sanitize_address, noinline)) static int64_t swap_id(struct node *freed,
                                                                      int64_t id) {
  int64_t before = freed->id;
  freed->id = id;
  return before;
}

static void test_a_write_into_the_quarantine(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.quarantine_bytes = 1 << 20});
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_release(&node->base);
  int64_t poison = swap_id(node, 8);
  lens *self = self_lens();
  assert_int_equal(lens_check(self, 0, NULL), LENS_OK);
  bool found = false;
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (strstr(problem.text, "was written to at +0x28") == NULL) continue;
    assert_int_equal(problem.severity, LENS_DAMAGE);
    assert_int_equal(problem.address, address_of(node));
    found = true;
  }
  assert_true(found);
  lens_free(self);
  swap_id(node, poison);
}

/* Its tables hold the addresses of objects: none of them is a reference. */
static void test_what_is_tracked_holds_nothing(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true, .events = 64, .quarantine_bytes = 1 << 20});
  struct node *node = node_new(nodes, nodes->plain, 1);
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  const struct cairn_arena *arena = cairn_arena_of(node);
  const uint64_t own[] = {address_of(tracking->events), address_of(tracking->sites),
                          address_of(arena->track), address_of(tracking)};
  lens *self = self_lens();
  static lens_region ranges[4096];
  uint64_t written, total;
  assert_int_equal(lens_foreign_ranges(self, 4096, ranges, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    for (size_t k = 0; k < 4; k++) {
      assert_false(own[k] >= ranges[i].start && own[k] < ranges[i].end);
    }
  }
  lens_free(self);
  cairn_release(&node->base);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Asks for everything; nothing may crash or hang, whatever the struct says. */
static void ask_all(const void *address) {
  lens *self = self_lens();
  static lens_event events[2048];
  lens_track rows[16];
  lens_site sites[16];
  lens_track track;
  uint64_t written = 0, total = 0;
  for (uint32_t newest_first = 0; newest_first < 2; newest_first++) {
    assert_int_equal(lens_events(self, 0, 0, 0, newest_first, 0, 2048, events, &written, &total),
                     LENS_OK);
    assert_true(written <= 2048 && written <= total);
  }
  assert_int_equal(lens_sites(self, 0, 0, 16, sites, &written, &total), LENS_OK);
  assert_int_equal(lens_quarantine(self, 0, 0, 16, rows, &written, &total), LENS_OK);
  (void)lens_track_at(self, address_of(address), &track);
  lens_free(self);
}

/* With a pointer to nowhere in the heap itself. */
static void ask_misled(cairn_heap *heap, void *place, const void *address) {
  struct cairn_tracking *tracking = heap->tracking;
  heap->tracking = place;
  ask_all(address);
  heap->tracking = tracking;
}

static void test_damaged_tables(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true, .events = 64, .quarantine_bytes = 1 << 20});
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_release(&node->base);
  node = node_new(nodes, nodes->plain, 2);
  struct cairn_tracking *tracking = nodes->heap->tracking;
  struct cairn_tracking whole = *tracking;
  static const uint64_t bad[] = {0,       1,          3,          64,         1 << 20,
                                 1 << 29, UINT32_MAX, 1ull << 40, UINT64_MAX, UINT64_MAX - 7};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    void *place = (void *)(uintptr_t)bad[i];
    tracking->event_capacity = bad[i];
    ask_all(node);
    *tracking = whole;
    tracking->event_count = bad[i];
    ask_all(node);
    *tracking = whole;
    tracking->events = place;
    ask_all(node);
    *tracking = whole;
    tracking->site_count = (uint32_t)bad[i];
    ask_all(node);
    *tracking = whole;
    tracking->sites = place;
    ask_all(node);
    *tracking = whole;
    tracking->quarantine_count = bad[i];
    ask_all(node);
    tracking->quarantine_first = place;
    ask_all(node);
    *tracking = whole;
    ask_misled(nodes->heap, place, node);
  }
  /* A list that leads back into itself. */
  struct cairn_track_record *record = cairn_track_record_of(tracking->quarantine_first);
  record->next = tracking->quarantine_first;
  tracking->quarantine_count = UINT64_MAX;
  ask_all(node);
  *tracking = whole;
  record->next = NULL;
  cairn_release(&node->base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_heap_that_is_not_tracked, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_serials_and_sites, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_a_freed_block, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_events, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_ring_wraps, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_events_of_a_strange_size, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_quarantine, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_a_write_into_the_quarantine, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_what_is_tracked_holds_nothing, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_damaged_tables, nodes_setup, nodes_teardown),
  };
  return cmocka_run_group_tests_name("tracking from outside", tests, NULL, NULL);
}

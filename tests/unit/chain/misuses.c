/* Uses of freed objects, as the quarantine caught them and as the lens counts them: by type, with
 * the last events, and what no event tells any more. */
#include "../runtime/nodes.h"
#include "exhaust.h"
#include "tracking.h"

enum { ROWS = 4, OF_NODES = 3, OF_FLOATS = 2, MANY = 8192 };

static void ignore_misuse(cairn_heap *heap, const cairn_misuse_report *report, void *context) {
  (void)heap;
  (void)report;
  (void)context;
}

static void start(const struct nodes *nodes, uint64_t events) {
  const cairn_track_options options = {
      .events = events, .quarantine_bytes = 1 << 20, .misuse = ignore_misuse};
  assert_true(cairn_track_start(nodes->heap, &options));
}

/* Three uses of a dead node, then two of a dead float; the serial of the float. */
static uint64_t misuse(const struct nodes *nodes) {
  cairn_object *node = &node_new(nodes, nodes->plain, 1)->base;
  cairn_object *number = cairn_float_new(nodes->heap, 1.5);
  uint64_t serial = cairn_track_serial(number);
  cairn_release(node);
  cairn_release(number);
  for (int i = 0; i < OF_NODES - 1; i++) cairn_release(node);
  (void)cairn_retain(node);
  for (int i = 0; i < OF_FLOATS; i++) cairn_release(number);
  return serial;
}

static void assert_misuses(const char *glob, uint64_t matched, uint64_t others, uint64_t unknown,
                           uint64_t rows, lens_event *events) {
  lens *self = self_lens();
  uint64_t written;
  lens_misuses found;
  assert_int_equal(lens_misuses_get(self, 0, glob, ROWS, events, &written, &found), LENS_OK);
  assert_int_equal(found.matched, matched);
  assert_int_equal(found.others, others);
  assert_int_equal(found.unknown, unknown);
  assert_int_equal(written, rows);
  for (uint64_t i = 0; i < written; i++) assert_int_equal(events[i].caught, 1);
  for (uint64_t i = 1; i < written; i++) assert_true(events[i].sequence < events[i - 1].sequence);
  lens_free(self);
}

static void test_by_type(void **state) {
  struct nodes *nodes = *state;
  lens_event events[ROWS];
  assert_misuses(NULL, 0, 0, 0, 0, events); /* nothing is tracked */
  start(nodes, 64);
  assert_misuses(NULL, 0, 0, 0, 0, events);
  uint64_t serial = misuse(nodes);
  assert_misuses(NULL, OF_NODES + OF_FLOATS, 0, 0, ROWS, events);
  assert_int_equal(events[0].serial, serial);
  assert_int_not_equal(events[ROWS - 1].serial, serial);
  assert_misuses("float", OF_FLOATS, OF_NODES, 0, OF_FLOATS, events);
  assert_int_equal(events[0].serial, serial);
  assert_int_equal(events[0].op, LENS_EVENT_RELEASE);
  assert_misuses("no*", OF_NODES, OF_FLOATS, 0, OF_NODES, events);
  assert_int_equal(events[0].op, LENS_EVENT_RETAIN);
  assert_misuses("list", 0, OF_NODES + OF_FLOATS, 0, 0, events);
  cairn_track_stop(nodes->heap);
}

static void test_of_what_no_event_is_left(void **state) {
  struct nodes *nodes = *state;
  lens_event events[ROWS];
  start(nodes, 2);
  (void)misuse(nodes);
  assert_misuses(NULL, OF_NODES + OF_FLOATS, 0, 0, 2, events);
  assert_misuses("float", OF_FLOATS, 0, OF_NODES, 2, events);
  assert_misuses("node", 0, OF_FLOATS, OF_NODES, 0, events);
  cairn_track_stop(nodes->heap);
}

/* ---- what fails ---- */

static lens_status ask_floats(lens *self) {
  lens_event events[ROWS];
  uint64_t written;
  lens_misuses found;
  lens_status status = lens_misuses_get(self, 0, "float", ROWS, events, &written, &found);
  if (status == LENS_OK) assert_int_equal(found.matched, OF_FLOATS);
  return status;
}

static void assert_some(lens *self) {
  lens_event events[ROWS];
  uint64_t written, total = UINT64_MAX;
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, ROWS, events, &written, &total), LENS_OK);
  assert_in_range(total, OF_NODES + OF_FLOATS, MANY);
}

static void test_what_fails_is_said(void **state) {
  struct nodes *nodes = *state;
  /* More events than lie in a chunk beside what the model reads: they have reads of their own. */
  start(nodes, MANY);
  cairn_object *busy = &node_new(nodes, nodes->plain, 2)->base;
  for (int i = 0; i < MANY / 4; i++) cairn_release(cairn_retain(busy));
  (void)misuse(nodes);
  cairn_release(busy);
  struct image *image = image_of_self();
  assert_true(exhaust_allocations(image, ask_floats, assert_some) > 0);
  assert_true(exhaust_cancel(image, ask_floats, assert_some) > 0);
  image_free(image);
  cairn_track_stop(nodes->heap);
}

/* An event whose type is damaged is of no type that a pattern names. */
static void test_a_heap_or_type_that_is_not_there(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 64);
  (void)misuse(nodes);
  lens *self = self_lens();
  lens_event events[ROWS];
  uint64_t written;
  lens_misuses found;
  assert_int_equal(lens_misuses_get(self, 1, NULL, ROWS, events, &written, &found),
                   LENS_BAD_ARGUMENT);
  assert_int_equal(lens_misuses_get(self, UINT64_MAX, NULL, ROWS, events, &written, &found),
                   LENS_BAD_ARGUMENT);
  assert_int_equal(lens_misuses_get(self, 0, NULL, 1, events, &written, &found), LENS_OK);
  const struct lens_heap_model *heap = &self->model.heaps[0];
  const struct lens_layout_event *layout = &heap->contract->event;
  uint64_t entry = (events[0].sequence - 1) & (heap->tracking.event_capacity - 1);
  uint32_t none = UINT32_MAX;
  memcpy((char *)(uintptr_t)heap->events + entry * layout->struct_bytes + layout->type.offset,
         &none, layout->type.width);
  lens_free(self);
  assert_misuses("float", OF_FLOATS - 1, OF_NODES, 1, OF_FLOATS - 1, events);
  assert_misuses(NULL, OF_NODES + OF_FLOATS, 0, 0, ROWS, events);
  cairn_track_stop(nodes->heap);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {TEST(test_by_type), TEST(test_of_what_no_event_is_left),
                                     TEST(test_what_fails_is_said),
                                     TEST(test_a_heap_or_type_that_is_not_there)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

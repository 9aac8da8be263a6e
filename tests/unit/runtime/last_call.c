/* What a function does last with a counted object is its own, as tracking tells it, in optimised
 * programs too: no jump takes the place of that call (CAIRN_NO_JUMP).
 *
 * Compiled with -O2.  The functions stand in a section of their own, so a return address in it is
 * theirs.
 */
#include "nodes.h"
#include "tracking.h"

#define LAST __attribute__((noinline, section("last_calls")))

LAST static void last_release(cairn_object *object) { cairn_release(object); }
LAST static cairn_object *last_retain(cairn_object *object) { return cairn_retain(object); }
LAST static void last_assign(cairn_object **slot, cairn_object *object) {
  cairn_assign(slot, object);
}
LAST static void last_clear(cairn_object **slot) { cairn_clear(slot); }
LAST static bool last_append(cairn_object *list, cairn_object *object) {
  return cairn_list_append(list, object);
}
LAST static cairn_object *last_new(const struct nodes *nodes) {
  return cairn_object_new(nodes->heap, nodes->plain);
}

extern const char __start_last_calls[], __stop_last_calls[];

static void test_the_caller_is_who_calls_last(void **state) {
  struct nodes *nodes = *state;
  const cairn_track_options options = {.events = 64};
  assert_true(cairn_track_start(nodes->heap, &options));
  struct node *node = node_new(nodes, nodes->plain, 1), *other = node_new(nodes, nodes->plain, 2);
  cairn_object *slot = NULL, *list = cairn_list_new(nodes->heap, 0);
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  uint64_t before = tracking->event_count;
  (void)last_retain(&node->base);
  last_release(&node->base);
  last_assign(&slot, &node->base);  /* a retain, */
  last_assign(&slot, &other->base); /* one more and a release; */
  last_clear(&slot);                /* and a release */
  assert_true(last_append(list, &node->base));
  cairn_object *made = last_new(nodes);
  assert_true(tracking->event_count - before >= 8);
  for (uint64_t i = before; i < tracking->event_count; i++) {
    const struct cairn_event *event = &tracking->events[i & (tracking->event_capacity - 1)];
    assert_in_range(event->caller, (uintptr_t)__start_last_calls, (uintptr_t)__stop_last_calls);
  }
  cairn_release(made);
  cairn_release(list);
  last_release(&node->base); /* the last of all: it dies there */
  const struct cairn_event *freed =
      &tracking->events[(tracking->event_count - 1) & (tracking->event_capacity - 1)];
  assert_int_equal(freed->op, CAIRN_EVENT_FREE);
  assert_in_range(freed->caller, (uintptr_t)__start_last_calls, (uintptr_t)__stop_last_calls);
  cairn_release(&other->base);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
      test_the_caller_is_who_calls_last, nodes_setup, nodes_teardown)};
  return cmocka_run_group_tests_name("last_call", tests, NULL, NULL);
}

/* ring.c: the events of objects, who is said to have made them, where and in which thread. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracked.h"

static void test_events(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 100});
  assert_int_equal(nodes->heap->tracking->event_capacity, 128);
  cairn_object *list = cairn_list_new(nodes->heap, 4);
  cairn_object *text = cairn_str_from(nodes->heap, "a stone");
  assert_true(cairn_list_append(list, text));
  assert_event(nodes, 2, CAIRN_EVENT_ALLOCATE, list, 1);
  assert_event(nodes, 1, CAIRN_EVENT_ALLOCATE, text, 1);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 2);
  const void *here = (const void *)(uintptr_t)test_events;
  assert_true(is_in(event_back(nodes, 0)->caller, here, (const char *)here + 16384));
  uint64_t serial = cairn_track_serial(text);
  cairn_release(text);
  assert_event(nodes, 0, CAIRN_EVENT_RELEASE, text, 1);
  cairn_release(list);
  assert_event(nodes, 3, CAIRN_EVENT_RELEASE, list, 0);
  assert_event(nodes, 2, CAIRN_EVENT_RELEASE, text, 0);
  assert_event(nodes, 1, CAIRN_EVENT_FREE, list, 0);
  assert_event(nodes, 0, CAIRN_EVENT_FREE, text, 0);
  assert_int_equal(event_back(nodes, 0)->serial, serial);
  cairn_collect(nodes->heap);
  assert_event(nodes, 1, CAIRN_EVENT_COLLECT_START, NULL, 0);
  assert_event(nodes, 0, CAIRN_EVENT_COLLECT_END, NULL, 0);
  assert_true(is_in(event_back(nodes, 0)->caller, here, (const char *)here + 16384));
}

/* A container takes on behalf of the program; what the program is given it takes itself. */
static void test_who_takes(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 100});
  cairn_object *text = cairn_str_intern(nodes->heap, "a stone", 7);
  assert_ptr_equal(cairn_str_intern(nodes->heap, "a stone", 7), text);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 3);
  assert_int_equal(event_back(nodes, 0)->inner, 0);
  cairn_object *weakref = cairn_weakref_new(nodes->heap, text);
  assert_ptr_equal(cairn_weakref_get(weakref), text);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 4);
  assert_int_equal(event_back(nodes, 0)->inner, 0);
  struct node *node = node_new(nodes, nodes->plain, 1);
  assert_true(cairn_weak_set(&node->base, &node->weak, text));
  assert_ptr_equal(cairn_weak_get(&node->weak), text);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 5);
  assert_int_equal(event_back(nodes, 0)->inner, 0);
  const void *here = (const void *)(uintptr_t)test_who_takes;
  assert_true(is_in(event_back(nodes, 0)->caller, here, (const char *)here + 16384));
  cairn_object *cell = cairn_cell_new(nodes->heap, text);
  assert_int_equal(event_back(nodes, 1)->op, CAIRN_EVENT_ALLOCATE);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 6);
  assert_int_equal(event_back(nodes, 0)->inner, 1);
  cairn_release(cell);
  /* What is inlined here for a slot is not the program's own either, and is this line's. */
  cairn_object *list = cairn_list_new(nodes->heap, 1);
  assert_true(cairn_list_append(list, text));
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 6);
  assert_int_equal(event_back(nodes, 0)->inner, 1);
  assert_true(is_in(event_back(nodes, 0)->caller, here, (const char *)here + 16384));
  cairn_release(list);
  cairn_assign(&node->left, text);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, text, 6);
  assert_int_equal(event_back(nodes, 0)->inner, 1);
  assert_true(is_in(event_back(nodes, 0)->caller, here, (const char *)here + 16384));
  cairn_assign(&node->left, cairn_none(nodes->heap));
  assert_event(nodes, 0, CAIRN_EVENT_RELEASE, text, 5);
  assert_int_equal(event_back(nodes, 0)->inner, 1);
  cairn_clear(&node->left);
  cairn_release(cairn_retain(text));
  assert_event(nodes, 0, CAIRN_EVENT_RELEASE, text, 5);
  assert_int_equal(event_back(nodes, 0)->inner, 0);
  assert_int_equal(event_back(nodes, 1)->inner, 0);
  for (int i = 0; i < 4; i++) cairn_release(text);
  cairn_release(weakref);
  cairn_release(&node->base);
}

/* Outside, so that its stack ends elsewhere; inside is the list's retain, which is unwound. */
__attribute__((noinline)) static uint64_t callee_stack(const struct nodes *nodes,
                                                       cairn_object *list, cairn_object *text) {
  assert_true(cairn_list_append(list, text));
  uint64_t stack = event_back(nodes, 0)->stack;
  cairn_retain(text);
  assert_int_equal(event_back(nodes, 0)->stack, stack);
  cairn_release(text);
  assert_int_equal(event_back(nodes, 0)->stack, stack);
  return stack;
}

/* All calls of one activation of a function say the same, whether the runtime unwound or not. */
static void test_where_the_stack_ended(void **state) {
  struct nodes *nodes = *state;
  for (uint32_t backtrace = 1; backtrace <= 3; backtrace += 2) {
    start(nodes, (cairn_track_options){.events = 100, .backtrace = backtrace});
    char here;
    cairn_object *text = cairn_str_from(nodes->heap, "a stone");
    uint64_t stack = event_back(nodes, 0)->stack;
    assert_true(stack != 0 && (uint64_t)(uintptr_t)&here - stack < 4096);
    cairn_release(cairn_retain(text));
    assert_int_equal(event_back(nodes, 0)->stack, stack);
    assert_int_equal(event_back(nodes, 1)->stack, stack);
    cairn_object *list = cairn_list_new(nodes->heap, 0);
    assert_int_equal(event_back(nodes, 0)->stack, stack);
    uint64_t inside = callee_stack(nodes, list, text);
    assert_true(inside < stack);
    assert_int_equal(callee_stack(nodes, list, text), inside);
    cairn_release(list);
    assert_event(nodes, 2, CAIRN_EVENT_RELEASE, text, 2); /* for the list, which it held twice */
    assert_event(nodes, 1, CAIRN_EVENT_RELEASE, text, 1);
    assert_event(nodes, 0, CAIRN_EVENT_FREE, list, 0);
    for (uint64_t n = 0; n < 4; n++) assert_int_equal(event_back(nodes, n)->stack, stack);
    cairn_release(text);
    cairn_collect(nodes->heap);
    assert_event(nodes, 0, CAIRN_EVENT_COLLECT_END, NULL, 0);
    assert_int_equal(event_back(nodes, 0)->stack, stack);
    cairn_track_stop(nodes->heap);
  }
}

static void test_the_ring_wraps(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 16});
  struct node *node = node_new(nodes, nodes->plain, 1);
  for (int i = 0; i < 50; i++) cairn_retain(&node->base);
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  assert_int_equal(tracking->event_count, 51);
  for (uint64_t n = 0; n < 16; n++) {
    assert_event(nodes, n, CAIRN_EVENT_RETAIN, node, (uint32_t)(51 - n));
  }
  for (int i = 0; i < 51; i++) cairn_release(&node->base);
}

static void test_old_objects_are_traced_from_now_on(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  start(nodes, (cairn_track_options){.events = 16});
  cairn_retain(&node->base);
  assert_event(nodes, 0, CAIRN_EVENT_RETAIN, node, 2);
  /* Immortal ones are never written to. */
  cairn_object *none = cairn_none(nodes->heap);
  assert_false(has_state(none, CAIRN_STATE(TRACED)));
  cairn_release(none);
  cairn_track_stop(nodes->heap);
  assert_false(has_state(&node->base, CAIRN_STATE(TRACED)));
  assert_int_equal(nodes->heap->slow, 0);
  cairn_release(&node->base);
  cairn_release(&node->base);
}

static struct node *saved;

enum { STOPS = 8, PARKED = 7 }; /* the deepest finalizer that runs, and the death behind it */

static void stop_or_come_back(struct node *node) {
  if (node->id == STOPS) cairn_track_stop(cairn_object_heap(&node->base));
  if (node->id != PARKED) return;
  saved = node;
  cairn_retain(&node->base);
}

/* Deaths nest too deep for one node, which is parked, dying, when tracking stops. */
static void nest(struct node *node) {
  if (node->left != NULL) cairn_clear(&node->left);
  stop_or_come_back(node);
}

static void test_stopped_in_the_middle_of_deaths(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 16});
  nodes_finalizer = nest;
  saved = NULL;
  struct node *list = NULL;
  for (int i = 0; i < 40; i++) {
    struct node *node = node_new(nodes, nodes->watched, i);
    if (list != NULL) give(&node->left, list);
    list = node;
  }
  cairn_release(&list->base);
  assert_non_null(saved);
  assert_int_equal(nodes->heap->slow, 0);
  assert_null(cairn_heap_validate(nodes->heap));
  cairn_retain(&saved->base);
  cairn_release(&saved->base);
  cairn_release(&saved->base);
}

static void *retain_there(void *argument) {
  cairn_retain(argument);
  return (void *)(uintptr_t)gettid();
}

static void test_events_have_their_thread(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 16});
  struct node *node = node_new(nodes, nodes->plain, 1);
  pthread_t thread;
  void *number;
  assert_int_equal(pthread_create(&thread, NULL, retain_there, &node->base), 0);
  assert_int_equal(pthread_join(thread, &number), 0);
  assert_int_equal(event_back(nodes, 0)->op, CAIRN_EVENT_RETAIN);
  assert_int_equal(event_back(nodes, 0)->thread, (uintptr_t)number);
  assert_int_not_equal(event_back(nodes, 0)->thread, gettid());
  cairn_release(&node->base);
  assert_int_equal(event_back(nodes, 0)->thread, gettid());
  cairn_release(&node->base);
}

/* The child of a fork is another thread. */
static void test_a_fork_is_another_thread(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.events = 16});
  struct node *node = node_new(nodes, nodes->plain, 1);
  uint32_t parent = event_back(nodes, 0)->thread;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    cairn_retain(&node->base);
    uint32_t thread = event_back(nodes, 0)->thread;
    _exit(thread == (uint32_t)gettid() && thread != parent ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  cairn_release(&node->base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_events, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_who_takes, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_where_the_stack_ended, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_ring_wraps, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_old_objects_are_traced_from_now_on, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_stopped_in_the_middle_of_deaths, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_events_have_their_thread, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_a_fork_is_another_thread, nodes_setup, nodes_teardown),
  };
  return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}

/* quarantine.c: uses of freed objects are caught, and what is kept back comes back. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nodes.h"
#include "tracking.h"

static cairn_misuse_report caught;
static char caught_text[512], caught_type[32];
static int caught_count;

static void catch_misuse(cairn_heap *heap, const cairn_misuse_report *report, void *context) {
  assert_ptr_equal(context, &caught);
  assert_non_null(heap);
  caught = *report;
  snprintf(caught_text, sizeof caught_text, "%s", report->text);
  snprintf(caught_type, sizeof caught_type, "%s", report->type_name);
  caught_count++;
}

/* What a program must not do, past the address sanitizer: it would end the test. */
__attribute__((no_sanitize_address, noinline)) static unsigned char peek(const void *at) {
  return *(const volatile unsigned char *)at;
}

__attribute__((no_sanitize_address, noinline)) static void poke(void *at, unsigned char byte) {
  *(volatile unsigned char *)at = byte;
}

static void start(struct nodes *nodes, uint64_t bytes) {
  const cairn_track_options options = {.sites = true,
                                       .events = 64,
                                       .quarantine_bytes = bytes,
                                       .misuse = catch_misuse,
                                       .misuse_context = &caught};
  assert_true(cairn_track_start(nodes->heap, &options));
  caught = (cairn_misuse_report){.misuse = CAIRN_MISUSE_RETAIN};
  caught_count = 0;
}

static void test_freed_objects_are_kept(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  uint64_t objects = objects_of(nodes);
  struct node *node = node_new(nodes, nodes->plain, 7);
  uint64_t serial = cairn_track_serial(&node->base);
  cairn_release(&node->base);
  assert_int_equal(objects_of(nodes), objects);
  assert_true(has_state(&node->base, CAIRN_STATE(QUARANTINED)));
  assert_false(has_state(&node->base, CAIRN_STATE(LIVE)));
  assert_int_equal(cairn_type_index(&node->base), nodes->plain);
  const unsigned char *bytes = (const void *)node;
  for (size_t i = 8; i < cairn_object_size(&node->base); i++) {
    assert_int_equal(peek(bytes + i), CAIRN_POISON_BYTE);
  }
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  assert_int_equal(tracking->quarantine_count, 1);
  assert_int_equal(tracking->quarantine_bytes, cairn_object_size(&node->base));
  assert_ptr_equal(tracking->quarantine_first, node);
  const struct cairn_track_record *record = cairn_track_record_of(node);
  assert_int_equal(record->serial, serial);
  assert_int_not_equal(record->freed_site, 0);
  assert_null(cairn_heap_validate(nodes->heap));
  assert_int_equal(caught_count, 0);
}

/* The last event is a use of an object that was dead. */
static void assert_caught_event(const struct nodes *nodes, const void *object, uint32_t op,
                                uint32_t inner) {
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  const struct cairn_event *event =
      &tracking->events[(tracking->event_count - 1) & (tracking->event_capacity - 1)];
  assert_int_equal(event->sequence, tracking->event_count);
  assert_int_equal(event->object, (uintptr_t)object);
  assert_int_equal(event->serial, caught.serial);
  assert_int_equal(event->type, nodes->plain);
  assert_int_equal(event->caller, caught.used_by);
  assert_int_equal(event->op, op);
  assert_int_equal(event->count, 0);
  assert_int_equal(event->inner, inner);
  assert_int_equal(event->caught, 1);
}

static void test_release_and_retain_are_caught(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  struct node *node = node_new(nodes, nodes->plain, 7);
  uint64_t serial = cairn_track_serial(&node->base);
  cairn_release(&node->base);
  cairn_release(&node->base);
  assert_int_equal(caught_count, 1);
  assert_int_equal(caught.misuse, CAIRN_MISUSE_RELEASE);
  assert_ptr_equal(caught.address, node);
  assert_int_equal(caught.serial, serial);
  assert_string_equal(caught_type, "node");
  assert_int_not_equal(caught.allocated_by, 0);
  assert_int_not_equal(caught.freed_by, 0);
  assert_int_not_equal(caught.used_by, caught.freed_by);
  assert_non_null(strstr(caught_text, "released after it was freed by "));
  assert_non_null(strstr(caught_text, "; freed by "));
  assert_non_null(strstr(caught_text, ", allocated by "));
  assert_caught_event(nodes, node, CAIRN_EVENT_RELEASE, 0);
  cairn_retain(&node->base);
  assert_caught_event(nodes, node, CAIRN_EVENT_RETAIN, 0);
  assert_int_equal(caught_count, 2);
  assert_int_equal(caught.misuse, CAIRN_MISUSE_RETAIN);
  assert_int_equal(cairn_refcount(&node->base), 0);
  assert_int_equal(nodes->heap->tracking->misuse_count, 2);
  assert_null(cairn_heap_validate(nodes->heap));
}

/* A slot that still holds a freed object is as good as another release of it. */
static void test_a_dying_holder_is_caught(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  struct node *holder = node_new(nodes, nodes->plain, 1);
  struct node *node = node_new(nodes, nodes->plain, 2);
  holder->left = &node->base; /* without a retain */
  cairn_release(&node->base);
  assert_int_equal(caught_count, 0);
  cairn_release(&holder->base);
  assert_int_equal(caught_count, 1);
  assert_int_equal(caught.misuse, CAIRN_MISUSE_RELEASE);
  assert_ptr_equal(caught.address, node);
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  bool recorded = false;
  for (uint64_t i = 0; i < tracking->event_count; i++) {
    const struct cairn_event *event = &tracking->events[i];
    recorded |= event->caught == 1 && event->inner == 1 && event->serial == caught.serial;
  }
  assert_true(recorded);
}

/* Without a function to call: a line on stderr, and then abort() in a build with assertions. */
static void test_the_default_report(void **state) {
  struct nodes *nodes = *state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const cairn_track_options options = {.sites = true, .quarantine_bytes = 1 << 20};
    if (!cairn_track_start(nodes->heap, &options)) _exit(1);
    struct node *node = node_new(nodes, nodes->plain, 7);
    cairn_release(&node->base);
    signal(SIGABRT, SIG_DFL);
    cairn_release(&node->base);
    _exit(0);
  }
  close(ends[1]);
  char text[512] = "";
  ssize_t bytes = read(ends[0], text, sizeof text - 1);
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(bytes > 0);
  assert_ptr_equal(strstr(text, "cairn: the node at 0x"), text);
  assert_non_null(strstr(text, "was released after it was freed by "));
  assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
#ifndef NDEBUG
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
  assert_int_equal(status, 0);
#endif
}

static void test_writes_are_caught(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  struct node *node = node_new(nodes, nodes->plain, 7);
  cairn_release(&node->base);
  poke(&node->id, 8);
  assert_string_equal(cairn_heap_validate(nodes->heap),
                      "a freed object in quarantine was written to");
  assert_int_equal(caught_count, 0);
  cairn_track_stop(nodes->heap);
  assert_int_equal(caught_count, 1);
  assert_int_equal(caught.misuse, CAIRN_MISUSE_WRITE);
  assert_ptr_equal(caught.address, node);
  assert_null(cairn_heap_validate(nodes->heap));
}

static void test_buffers_are_kept_too(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  char *buffer = cairn_buffer_new(nodes->heap, 100);
  assert_non_null(buffer);
  cairn_buffer_free(buffer);
  assert_int_equal(peek(buffer), CAIRN_POISON_BYTE);
  cairn_buffer_free(buffer);
  assert_int_equal(caught_count, 1);
  assert_int_equal(caught.misuse, CAIRN_MISUSE_RELEASE);
  assert_string_equal(caught_type, "buffer");
  assert_int_equal(caught.serial, 0);
  poke(buffer + 99, 1);
  cairn_track_stop(nodes->heap);
  assert_int_equal(caught_count, 2);
}

static void test_first_in_first_out(void **state) {
  struct nodes *nodes = *state;
  size_t size = 48; /* of a struct node */
  start(nodes, 3 * size);
  struct node *all[5];
  for (int i = 0; i < 5; i++) all[i] = node_new(nodes, nodes->plain, i);
  assert_int_equal(cairn_object_size(&all[0]->base), size);
  for (int i = 0; i < 5; i++) cairn_release(&all[i]->base);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(has_state(&all[i]->base, CAIRN_STATE(QUARANTINED)), i >= 2);
  }
  assert_int_equal(all[0]->base.header, 0);
  assert_int_equal(nodes->heap->tracking->quarantine_count, 3);
  assert_null(cairn_heap_validate(nodes->heap));
  /* A smaller one lets go at once; what is larger than all of it is never kept. */
  start(nodes, size);
  assert_int_equal(nodes->heap->tracking->quarantine_count, 1);
  assert_true(has_state(&all[4]->base, CAIRN_STATE(QUARANTINED)));
  void *large = cairn_buffer_new(nodes->heap, 100000);
  cairn_buffer_free(large);
  assert_int_equal(nodes->heap->tracking->quarantine_count, 1);
  assert_int_equal(caught_count, 0);
}

static void test_the_quarantine_gives_way(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 64 << 20);
  void *buffer = cairn_buffer_new(nodes->heap, 6 << 20);
  assert_non_null(buffer);
  cairn_heap_limit_set(nodes->heap, nodes->heap->reserved_bytes + nodes->heap->metadata_bytes);
  cairn_buffer_free(buffer);
  assert_int_equal(nodes->heap->tracking->quarantine_count, 1);
  buffer = cairn_buffer_new(nodes->heap, 6 << 20);
  assert_non_null(buffer);
  assert_int_equal(nodes->heap->tracking->quarantine_count, 0);
  cairn_buffer_free(buffer);
}

/* Whole structures die into it, finalizers and collections included. */
static void test_structures(void **state) {
  struct nodes *nodes = *state;
  start(nodes, 1 << 20);
  nodes_finalizer = nodes_log_finalizer;
  nodes_log_count = 0;
  struct node *one = node_new(nodes, nodes->watched, 1);
  struct node *two = node_new(nodes, nodes->plain, 2);
  cairn_assign(&one->left, &two->base);
  cairn_assign(&two->left, &one->base);
  cairn_release(&one->base);
  cairn_release(&two->base);
  assert_int_equal(cairn_collect(nodes->heap), 2);
  assert_true(has_state(&one->base, CAIRN_STATE(QUARANTINED)));
  assert_true(has_state(&two->base, CAIRN_STATE(QUARANTINED)));
  assert_int_equal(nodes_log_count, 1);
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  for (int i = 0; i < 100; i++) {
    cairn_object *number = cairn_int_new(nodes->heap, 1000 + i);
    assert_true(cairn_list_append(list, number));
    cairn_release(number);
  }
  cairn_release(list);
  assert_null(cairn_heap_validate(nodes->heap));
  assert_int_equal(caught_count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_freed_objects_are_kept, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_release_and_retain_are_caught, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_a_dying_holder_is_caught, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_default_report, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_writes_are_caught, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_buffers_are_kept_too, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_first_in_first_out, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_quarantine_gives_way, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_structures, nodes_setup, nodes_teardown),
  };
  return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}

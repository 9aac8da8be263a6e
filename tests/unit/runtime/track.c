/* track.c, site.c: what is recorded of objects, and that switching on and off changes nothing
 * else. */
#include <pthread.h>

#include "tracked.h"

/* ---- serials --------------------------------------------------------------------------------- */

static void test_off_is_off(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  assert_null(nodes->heap->tracking);
  assert_int_equal(cairn_track_serial(&node->base), 0);
  assert_int_equal(cairn_track_site(&node->base, NULL, 0), 0);
  assert_false(has_state(&node->base, CAIRN_STATE(TRACED)));
  cairn_track_stop(nodes->heap);
  cairn_release(&node->base);
}

static void test_serials(void **state) {
  struct nodes *nodes = *state;
  struct node *before = node_new(nodes, nodes->plain, 1);
  start(nodes, (cairn_track_options){0});
  uint64_t first = cairn_track_serial(&before->base);
  assert_true(first > 0);
  struct node *one = node_new(nodes, nodes->plain, 2);
  uint64_t serial = cairn_track_serial(&one->base);
  assert_true(serial > first);
  assert_false(has_state(&one->base, CAIRN_STATE(TRACED))); /* nothing asks for its counts */
  cairn_release(&one->base);
  struct node *two = node_new(nodes, nodes->plain, 3);
  assert_ptr_equal(two, one); /* the address is used again, the serial is not */
  assert_int_equal(cairn_track_serial(&two->base), serial + 1);
  /* What is on stays as it was through another start; after a stop all are new. */
  start(nodes, (cairn_track_options){.sites = true});
  assert_int_equal(cairn_track_serial(&two->base), serial + 1);
  cairn_track_stop(nodes->heap);
  assert_int_equal(cairn_track_serial(&two->base), 0);
  start(nodes, (cairn_track_options){0});
  assert_true(cairn_track_serial(&two->base) > serial + 1);
  assert_true(cairn_track_serial(&before->base) > serial + 1);
  cairn_release(&two->base);
  cairn_release(&before->base);
}

/* Blocks of another size at an address have nothing of those that were there before. */
static void test_records_of_returned_pages_are_forgotten(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  enum { COUNT = 4000 };
  static struct node *all[COUNT];
  for (int i = 0; i < COUNT; i++) all[i] = node_new(nodes, nodes->plain, i);
  const struct cairn_arena *arena = cairn_arena_of(all[COUNT / 2]);
  const struct cairn_page *page = cairn_page_of(all[COUNT / 2]);
  size_t index = (size_t)(page - cairn_arena_page((struct cairn_arena *)(uintptr_t)arena, 0));
  const struct cairn_track_record *records = arena->track + index * CAIRN_PAGE_BLOCKS_MAX;
  assert_int_not_equal(records[1].serial, 0);
  for (int i = 0; i < COUNT; i++) cairn_release(&all[i]->base);
  assert_int_equal(page->kind, CAIRN_PAGE_FREE);
  assert_int_equal(records[1].serial, 0);
}

/* ---- sites ----------------------------------------------------------------------------------- */

/* Each is a place of its own; the one behind it ends it. */
__attribute__((noinline)) static struct node *place_direct(const struct nodes *nodes) {
  struct node *node = node_new(nodes, nodes->plain, 1);
  CAIRN_ORDER();
  return node;
}
__attribute__((noinline)) static cairn_object *place_container(cairn_heap *heap) {
  cairn_object *list = cairn_list_new(heap, 0);
  CAIRN_ORDER();
  return list;
}
static cairn_object *made_by_finalizer;
__attribute__((noinline)) static void place_finalizer(struct node *node) {
  made_by_finalizer = cairn_str_from(cairn_object_heap(&node->base), "from a finalizer");
  CAIRN_ORDER();
}

/* The functions above are short: what lies closely behind their start is theirs. */
static void assert_site_near(const cairn_object *object, const void *function) {
  uint64_t callers[CAIRN_TRACK_FRAMES_MAX] = {0};
  assert_true(cairn_track_site(object, callers, CAIRN_TRACK_FRAMES_MAX) >= 1);
  assert_true(is_in(callers[0], function, (const char *)function + 256));
}

static void test_sites(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  nodes_finalizer = place_finalizer;
  cairn_release(&node_new(nodes, nodes->watched, 1)->base);
  cairn_object *list = place_container(nodes->heap);
  assert_site_near(made_by_finalizer, (const void *)(uintptr_t)place_finalizer);
  assert_site_near(list, (const void *)(uintptr_t)place_container);
  /* node_new is inline: its caller, or a copy of it in this program. */
  struct node *node = place_direct(nodes);
  uint64_t caller;
  assert_int_equal(cairn_track_site(&node->base, &caller, 1), 1);
  cairn_release(&node->base);
  cairn_release(list);
  cairn_release(made_by_finalizer);
}

static void test_backtraces(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true, .backtrace = 3});
  cairn_object *list = place_container(nodes->heap);
  uint64_t callers[3];
  assert_int_equal(cairn_track_site(list, callers, 3), 3);
  assert_true(is_in(callers[0], (const void *)(uintptr_t)place_container,
                    (const char *)(uintptr_t)place_container + 256));
  assert_true(is_in(callers[1], (const void *)(uintptr_t)test_backtraces,
                    (const char *)(uintptr_t)test_backtraces + 1024));
  cairn_release(list);
}

static void test_sites_count_what_lives(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  enum { COUNT = 100 };
  cairn_object *lists[COUNT];
  for (int i = 0; i < COUNT; i++) lists[i] = place_container(nodes->heap);
  uint32_t number = cairn_track_record_of(lists[0])->site;
  const struct cairn_site *site = cairn_site_at(nodes->heap->tracking, number);
  assert_int_equal(site->object_count, COUNT);
  assert_int_equal(site->object_bytes, COUNT * cairn_object_size(lists[0]));
  for (int i = 0; i < COUNT - 1; i++) cairn_release(lists[i]);
  assert_int_equal(site->object_count, 1);
  assert_int_equal(site->object_bytes, cairn_object_size(lists[COUNT - 1]));
  assert_int_equal(site->allocation_count, COUNT);
  cairn_release(lists[COUNT - 1]);
}

static void test_the_table_of_sites_grows(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  struct cairn_tracking *tracking = nodes->heap->tracking;
  enum { COUNT = 5000 };
  for (uint32_t i = 1; i <= COUNT; i++) {
    struct cairn_callers callers = {.frames = {i * 64}, .count = 1};
    assert_int_equal(cairn_site_number(tracking, &callers), i);
  }
  for (uint32_t i = 1; i <= COUNT; i++) {
    struct cairn_callers callers = {.frames = {i * 64}, .count = 1};
    assert_int_equal(tracking->sites[cairn_site_number(tracking, &callers) - 1].frames[0], i * 64);
  }
  assert_int_equal(tracking->site_lost, 0);
  /* With no more memory what is known is still found, and the rest is counted as lost. */
  cairn_fault.map_after = 1;
  uint32_t room = tracking->site_capacity - tracking->site_count;
  for (uint32_t i = 0; i < room + 3; i++) {
    struct cairn_callers callers = {.frames = {i * 64 + 1}, .count = 1};
    assert_int_equal(cairn_site_number(tracking, &callers) == 0, i >= room);
  }
  cairn_fault.map_after = 0;
  assert_int_equal(tracking->site_lost, 3);
}

/* ---- shared heaps ---------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 500 };

/* Retains and releases a common object, and makes and drops one of its own. */
static void *use_shared(void *argument) {
  cairn_object *common = argument;
  for (int i = 0; i < ROUNDS; i++) {
    cairn_retain(common);
    cairn_object *own = cairn_str_from(cairn_object_heap(common), "mine");
    cairn_release(own);
    cairn_release(common);
  }
  return NULL;
}

static void test_a_shared_heap(void **state) {
  (void)state;
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.shared = true});
  cairn_object *common = cairn_str_from(heap, "ours");
  const cairn_track_options options = {
      .sites = true, .events = 1 << 16, .quarantine_bytes = 1 << 12};
  assert_true(cairn_track_start(heap, &options));
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, use_shared, common), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
  const struct cairn_tracking *tracking = heap->tracking;
  uint64_t counts[8] = {0}, serial = cairn_track_serial(common), of_common = 0;
  for (uint64_t n = 0; n < tracking->event_count; n++) {
    const struct cairn_event *event = &tracking->events[n];
    assert_int_equal(event->sequence, n + 1);
    assert_in_range(event->op, CAIRN_EVENT_ALLOCATE, CAIRN_EVENT_RELEASE);
    counts[event->op]++;
    if (event->serial == serial) of_common++;
  }
  assert_int_equal(counts[CAIRN_EVENT_ALLOCATE], THREADS * ROUNDS);
  assert_int_equal(counts[CAIRN_EVENT_FREE], THREADS * ROUNDS);
  assert_int_equal(counts[CAIRN_EVENT_RETAIN], THREADS * ROUNDS);
  assert_int_equal(counts[CAIRN_EVENT_RELEASE], 2 * THREADS * ROUNDS);
  assert_int_equal(of_common, 2 * THREADS * ROUNDS);
  assert_int_equal(cairn_refcount(common), 1);
  assert_null(cairn_heap_validate(heap));
  cairn_release(common);
  assert_true(cairn_heap_destroy(heap, NULL));
}

/* ---- no memory ------------------------------------------------------------------------------- */

static void test_each_mapping_fails(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  const cairn_track_options options = {
      .sites = true, .events = 1024, .quarantine_bytes = 1 << 20, .backtrace = 2};
  uint64_t n = 1;
  for (;; n++) {
    cairn_fault.map_after = n;
    bool started = cairn_track_start(nodes->heap, &options);
    cairn_fault.map_after = 0;
    if (started) break;
    assert_int_equal(nodes->heap->slow, 0);
    assert_int_equal(cairn_track_serial(&node->base), 0);
    assert_null(cairn_heap_validate(nodes->heap));
    const struct cairn_tracking *tracking = nodes->heap->tracking;
    if (tracking != NULL) assert_int_equal(tracking->bytes, 0);
    assert_true(n < 20);
  }
  assert_true(n > 3);
  /* Other options that can't be had leave those that are on. */
  cairn_fault.map_after = 1;
  assert_false(cairn_track_start(nodes->heap, &(cairn_track_options){.events = 1 << 20}));
  cairn_fault.map_after = 0;
  assert_int_equal(nodes->heap->tracking->event_capacity, 1024);
  assert_int_equal(nodes->heap->tracking->switches,
                   CAIRN_TRACK_SITES | CAIRN_TRACK_EVENTS | CAIRN_TRACK_QUARANTINE);
  cairn_release(&node->base);
  assert_null(cairn_heap_validate(nodes->heap));
}

/* A new arena needs its records, or there is none. */
static void test_an_arena_without_records(void **state) {
  struct nodes *nodes = *state;
  start(nodes, (cairn_track_options){.sites = true});
  uint64_t arenas = nodes->heap->arena_count;
  for (uint64_t n = 1; n <= 3; n++) {
    cairn_fault.map_after = n;
    assert_null(cairn_buffer_new(nodes->heap, 5 << 20));
    cairn_fault.map_after = 0;
    assert_int_equal(nodes->heap->arena_count, arenas);
    assert_null(cairn_heap_validate(nodes->heap));
  }
  void *buffer = cairn_buffer_new(nodes->heap, 5 << 20);
  assert_non_null(buffer);
  cairn_buffer_free(buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_off_is_off, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_serials, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_records_of_returned_pages_are_forgotten, nodes_setup,
                                      nodes_teardown),
      cmocka_unit_test_setup_teardown(test_sites, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_backtraces, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_sites_count_what_lives, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_the_table_of_sites_grows, nodes_setup, nodes_teardown),
      cmocka_unit_test(test_a_shared_heap),
      cmocka_unit_test_setup_teardown(test_each_mapping_fails, nodes_setup, nodes_teardown),
      cmocka_unit_test_setup_teardown(test_an_arena_without_records, nodes_setup, nodes_teardown),
  };
  return cmocka_run_group_tests_name("tracking", tests, NULL, NULL);
}

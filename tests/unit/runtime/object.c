/* Objects of native types and buffers, through the public interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cairn/cairn.h"

struct session {
  cairn_object base;
  cairn_object *user;
  cairn_object *peer;
  int64_t started_s;
  char host[24];
};

struct batch {
  cairn_object base;
  cairn_object **jobs;
  uint16_t job_count;
};

struct row {
  cairn_object base;
  uint64_t count;
  cairn_object *cells[];
};

struct fixture {
  cairn_heap *heap;
  cairn_type session, batch, row;
  uint64_t object_count;
};

static int set_up(void **state) {
  static struct fixture fixture;
  cairn_heap *heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  const cairn_slot_spec session_slots[] = {CAIRN_STRONG(struct session, user),
                                           CAIRN_STRONG(struct session, peer)};
  const cairn_type_spec session = {.name = "session",
                                   .size_bytes = sizeof(struct session),
                                   .slots = session_slots,
                                   .slot_count = 2};
  const cairn_slot_spec batch_slots[] = {CAIRN_STRONG_ARRAY(struct batch, jobs, job_count)};
  const cairn_type_spec batch = {
      .name = "batch", .size_bytes = sizeof(struct batch), .slots = batch_slots, .slot_count = 1};
  const cairn_slot_spec row_slots[] = {{.name = "cells",
                                        .kind = CAIRN_SLOT_STRONG,
                                        .shape = CAIRN_SHAPE_TAIL,
                                        .count_width = 8,
                                        .offset = offsetof(struct row, cells),
                                        .count_offset = offsetof(struct row, count)}};
  const cairn_type_spec row = {.name = "row",
                               .size_bytes = sizeof(struct row),
                               .tail_item_bytes = sizeof(cairn_object *),
                               .slots = row_slots,
                               .slot_count = 1};
  fixture = (struct fixture){.heap = heap,
                             .session = cairn_type_define(heap, &session),
                             .batch = cairn_type_define(heap, &batch),
                             .row = cairn_type_define(heap, &row)};
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  fixture.object_count = stats.object_count;
  *state = &fixture;
  return fixture.session == 0 || fixture.batch == 0 || fixture.row == 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  assert_null(cairn_heap_validate(f->heap));
  cairn_stats stats;
  cairn_heap_stats(f->heap, &stats);
  assert_int_equal(stats.object_count, f->object_count);
  assert_int_equal(stats.buffer_count, 0);
  assert_true(cairn_heap_destroy(f->heap, NULL));
  return 0;
}

static void new_object_is_zeroed_and_owned(void **state) {
  struct fixture *f = *state;
  /* The second one gets the memory of the first. */
  for (int round = 0; round < 2; round++) {
    struct session *s = (struct session *)cairn_object_new(f->heap, f->session);
    assert_non_null(s);
    assert_int_equal(cairn_refcount(&s->base), 1);
    assert_false(cairn_is_immortal(&s->base));
    assert_int_equal(cairn_type_index(&s->base), f->session);
    assert_string_equal(cairn_object_type_name(&s->base), "session");
    assert_ptr_equal(cairn_object_heap(&s->base), f->heap);
    assert_true(cairn_object_size(&s->base) >= sizeof *s);
    assert_null(s->user);
    assert_null(s->peer);
    assert_int_equal(s->started_s, 0);
    for (size_t i = 0; i < sizeof s->host; i++) assert_int_equal(s->host[i], 0);
    memset(s->host, 'x', sizeof s->host);
    s->started_s = -1;
    cairn_release(&s->base);
  }
}

static void no_type_gives_no_object(void **state) {
  struct fixture *f = *state;
  assert_null(cairn_object_new(f->heap, 0));
  assert_null(cairn_object_new_tail(f->heap, 0, 3));
}

static void slots_own_what_they_hold(void **state) {
  struct fixture *f = *state;
  struct session *s = (struct session *)cairn_object_new(f->heap, f->session);
  cairn_object *user = cairn_object_new(f->heap, f->session);
  cairn_assign(&s->user, user);
  assert_int_equal(cairn_refcount(user), 2);
  cairn_assign(&s->user, user);
  assert_int_equal(cairn_refcount(user), 2);
  cairn_assign(&s->peer, user);
  assert_int_equal(cairn_refcount(user), 3);
  cairn_clear(&s->user);
  assert_null(s->user);
  assert_int_equal(cairn_refcount(user), 2);
  cairn_release(&s->base);
  assert_int_equal(cairn_refcount(user), 1);
  cairn_release(user);
  assert_null(cairn_retain(NULL));
  cairn_release(NULL);
}

static void array_dies_with_its_object(void **state) {
  struct fixture *f = *state;
  struct batch *batch = (struct batch *)cairn_object_new(f->heap, f->batch);
  batch->jobs = cairn_buffer_new(f->heap, 100 * sizeof *batch->jobs);
  assert_non_null(batch->jobs);
  assert_true(cairn_buffer_size(batch->jobs) >= 100 * sizeof *batch->jobs);
  for (uint16_t i = 0; i < 100; i++) {
    batch->jobs[i] = cairn_object_new(f->heap, f->session);
    batch->job_count = (uint16_t)(i + 1);
  }
  assert_null(cairn_heap_validate(f->heap));
  cairn_release(&batch->base);
}

static void tail_is_part_of_the_object(void **state) {
  struct fixture *f = *state;
  const size_t counts[] = {0, 1, 7, 1000, 100000};
  for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
    struct row *row = (struct row *)cairn_object_new_tail(f->heap, f->row, counts[c]);
    assert_non_null(row);
    assert_true(cairn_object_size(&row->base) >= sizeof *row + counts[c] * sizeof row->cells[0]);
    for (size_t i = 0; i < counts[c]; i++) {
      assert_null(row->cells[i]);
      row->cells[i] = cairn_object_new(f->heap, f->session);
      row->count = i + 1;
    }
    cairn_release(&row->base);
  }
  assert_null(cairn_object_new_tail(f->heap, f->row, SIZE_MAX / 8));
  assert_null(cairn_object_new_tail(f->heap, f->row, SIZE_MAX));
}

static void buffers_are_zeroed_and_counted(void **state) {
  struct fixture *f = *state;
  const size_t sizes[] = {0, 1, 8, 100, 5000, 40000, 5 << 20};
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      unsigned char *buffer = cairn_buffer_new(f->heap, sizes[i]);
      assert_non_null(buffer);
      assert_int_equal((uintptr_t)buffer % 8, 0);
      assert_true(cairn_buffer_size(buffer) >= sizes[i]);
      for (size_t b = 0; b < sizes[i]; b++) assert_int_equal(buffer[b], 0);
      memset(buffer, 0xff, cairn_buffer_size(buffer));
      cairn_stats stats;
      cairn_heap_stats(f->heap, &stats);
      assert_int_equal(stats.buffer_count, 1);
      cairn_buffer_free(buffer);
    }
  }
  assert_null(cairn_buffer_new(f->heap, SIZE_MAX));
  assert_null(cairn_buffer_new(f->heap, SIZE_MAX - 8));
  cairn_buffer_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(new_object_is_zeroed_and_owned), TEST(no_type_gives_no_object),
      TEST(slots_own_what_they_hold),       TEST(array_dies_with_its_object),
      TEST(tail_is_part_of_the_object),     TEST(buffers_are_zeroed_and_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

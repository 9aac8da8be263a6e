/* Memory that can't be had, in every public function that may fail.
 *
 * Each is called with the first, the second, ... block or mapping failing, until it succeeds. After
 * each failure the heap is valid, the garden is as it was (what its containers hold, in order, and
 * all counts), nothing is left behind, and the same call succeeds once there is memory.  Before
 * mappings fail, all that the heap has free is taken.
 */
#include "garden_test.h"

enum { FAILURES_MAX = 200 };

/* ---- the rows -------------------------------------------------------------------------------- */

ROW_NEW(cairn_bytes_new, cairn_bytes_new(g->heap, "bytes", 5))
ROW_NEW(cairn_cell_new, cairn_cell_new(g->heap, g->a))
ROW_NEW(cairn_dict_new, cairn_dict_new(g->heap))
ROW(cairn_dict_reserve) { return cairn_dict_reserve(g->dict, 100); }
ROW(cairn_dict_set) { return cairn_dict_set(g->dict, g->number, g->b); }
ROW(cairn_dict_give) {
  return cairn_dict_give(g->dict, cairn_retain(g->number), cairn_retain(g->b));
}
ROW(cairn_dict_set_int) { return cairn_dict_set_int(g->dict, 7654321, g->b); }
ROW(cairn_dict_set_text) { return cairn_dict_set_text(g->dict, "a key of text", g->b); }
ROW(cairn_external_add) { return cairn_external_add(g->list, 1000); }
ROW_NEW(cairn_float_new, cairn_float_new(g->heap, 1.5))
ROW(cairn_group_new) {
  cairn_group *group = cairn_group_new("another", 0);
  return group != NULL && cairn_group_destroy(group);
}
ROW(cairn_heap_new) {
  cairn_heap *heap = cairn_heap_new(&(cairn_heap_options){.group = g->group, .shared = true});
  return heap != NULL && cairn_heap_destroy(heap, NULL);
}
ROW_NEW(cairn_int_new, cairn_int_new(g->heap, 99999))
ROW(cairn_list_append_growing_) { return cairn_list_append(g->list, g->b); }
ROW(cairn_list_give_growing_) { return cairn_list_give(g->list, cairn_retain(g->b)); }
ROW(cairn_list_insert) { return cairn_list_insert(g->list, g->size / 2, g->b); }
ROW_NEW(cairn_list_new, cairn_list_new(g->heap, g->size * 100))
ROW(cairn_list_reserve) { return cairn_list_reserve(g->list, 1000); }
ROW_NEW(cairn_object_new, cairn_object_new(g->heap, g->native_type))
ROW_NEW(cairn_object_new_slow_, cairn_object_new_slow_(g->heap, g->native_type))
ROW_NEW(cairn_object_new_tail, cairn_object_new_tail(g->heap, g->tail_type, 1 + g->size * 1000))
ROW(cairn_record_define) {
  const char *names[] = {"left", "right"};
  return cairn_record_define(g->heap, "pair", names, 2) != 0;
}
ROW_NEW(cairn_record_new, cairn_record_new(g->heap, g->record_type))
ROW(cairn_set_add) { return cairn_set_add(g->set, g->b); }
ROW_NEW(cairn_set_new, cairn_set_new(g->heap))
ROW_NEW(cairn_share_copy, cairn_share_copy(g->heap, g->apart))
ROW(cairn_str_append) {
  cairn_object *tail = g->shared_text; /* which makes it a new str */
  return cairn_str_append(&g->text, tail);
}
ROW(cairn_str_append_text) { return cairn_str_append_text(&g->text, " and grows", 10); }
ROW_NEW(cairn_str_concat, cairn_str_concat(g->heap, g->a, g->b))
ROW_NEW(cairn_str_format, cairn_str_format(g->heap, "%s %d", "formatted", 5))
ROW_NEW(cairn_str_from, cairn_str_from(g->heap, "from"))
ROW_NEW(cairn_str_intern, cairn_str_intern(g->heap, "a new one", 9))
ROW_NEW(cairn_str_join, cairn_str_join(g->heap, g->b, g->tuple))
ROW(cairn_str_new) {
  static char text[30 * 20000];
  g->result = cairn_str_new(g->heap, text, 20000 * g->size);
  return g->result != NULL;
}
ROW_NEW(cairn_str_slice, cairn_str_slice(g->heap, g->a, 2, 4))
ROW(cairn_track_start) {
  const cairn_track_options options = {.sites = true, .events = 100};
  bool started = cairn_track_start(g->heap, &options);
  if (started) cairn_track_stop(g->heap);
  return started;
}
ROW_NEW(cairn_tuple_new, cairn_tuple_new(g->heap, 2, (cairn_object *const[]){g->a, g->b}))
ROW(cairn_type_define) {
  static char name[100 << 10]; /* larger than a chunk has room for */
  memset(name, 'n', sizeof name - 1);
  return cairn_type_define(g->heap, &(cairn_type_spec){.name = name, .size_bytes = 16}) != 0;
}
ROW(cairn_weak_set) {
  struct native *native = (struct native *)(void *)g->native;
  return cairn_weak_set(g->native, &native->weak, g->a);
}
ROW_NEW(cairn_weakref_new, cairn_weakref_new(g->heap, g->a))
ROW(cairn_buffer_new) {
  void *buffer = cairn_buffer_new(g->heap, 1 + g->size * 400000);
  cairn_buffer_free(buffer);
  return buffer != NULL;
}
ROW(cairn_list_trim) { return cairn_list_trim(g->list); }

static const struct row rows[] = {
    CALL(cairn_buffer_new),         CALL(cairn_bytes_new),       CALL(cairn_cell_new),
    CALL(cairn_dict_give),          CALL(cairn_dict_new),        CALL(cairn_dict_reserve),
    CALL(cairn_dict_set),           CALL(cairn_dict_set_int),    CALL(cairn_dict_set_text),
    CALL(cairn_external_add),       CALL(cairn_float_new),       CALL(cairn_group_new),
    CALL(cairn_heap_new),           CALL(cairn_int_new),         CALL(cairn_list_append_growing_),
    CALL(cairn_list_give_growing_), CALL(cairn_list_insert),     CALL(cairn_list_new),
    CALL(cairn_list_reserve),       CALL(cairn_list_trim),       CALL(cairn_object_new),
    CALL(cairn_object_new_slow_),   CALL(cairn_object_new_tail), CALL(cairn_record_define),
    CALL(cairn_record_new),         CALL(cairn_set_add),         CALL(cairn_set_new),
    CALL(cairn_share_copy),         CALL(cairn_str_append),      CALL(cairn_str_append_text),
    CALL(cairn_str_concat),         CALL(cairn_str_format),      CALL(cairn_str_from),
    CALL(cairn_str_intern),         CALL(cairn_str_join),        CALL(cairn_str_new),
    CALL(cairn_str_slice),          CALL(cairn_track_start),     CALL(cairn_tuple_new),
    CALL(cairn_type_define),        CALL(cairn_weak_set),        CALL(cairn_weakref_new),
};

/* ---- failing --------------------------------------------------------------------------------- */

/* Takes all that the heap can give without mapping, in buffers that go with it. */
static void exhaust(const struct garden *g) {
  cairn_fault.map_after = 1;
  for (size_t bytes = CAIRN_SMALL_MAX_BYTES - 8; bytes >= 8; bytes -= 8) {
    while (cairn_buffer_new(g->heap, bytes) != NULL) {
    }
  }
  while (cairn_chunk_try(g->heap, 16) != NULL) {
  }
  cairn_fault.map_after = 0;
}

static void assert_as_before(const struct garden *g, const struct digest *before,
                             const struct row *row, uint64_t n) {
  cairn_collect(g->heap); /* a str may have stayed interned that nobody holds */
  const char *problem = cairn_heap_validate(g->heap);
  if (problem != NULL) {
    fail_msg("%s, failure %llu: %s", row->name, (unsigned long long)n, problem);
  }
  struct digest after = digest_of(g);
  for (size_t i = 0; i < before->count || i < after.count; i++) {
    if (before->count == after.count && before->values[i] == after.values[i]) continue;
    fail_msg("%s, failure %llu: number %zu of the garden was %llx and is %llx", row->name,
             (unsigned long long)n, i, (unsigned long long)before->values[i],
             (unsigned long long)after.values[i]);
  }
}

/* Calls the row with its n-th block or mapping failing.  True when it succeeded. */
static bool fail_at(const struct row *row, size_t size, bool mappings, uint64_t n) {
  struct garden g;
  garden_new(&g, size);
  if (mappings) exhaust(&g);
  struct digest before = digest_of(&g);
  arm(&g, mappings, n);
  bool done = row->call(&g);
  disarm(&g);
  if (!done) {
    assert_null(g.result);
    assert_as_before(&g, &before, row, n);
    if (!row->call(&g)) fail_msg("%s fails with memory too", row->name);
  }
  garden_free(&g);
  return done;
}

static void each_failure(bool mappings) {
  const size_t sizes[] = {0, 1, 3, 4, 7, 8, 14, 16, 28};
  uint64_t failures = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint64_t own = 0;
    for (size_t at = 0; at < sizeof sizes / sizeof sizes[0]; at++) {
      uint64_t n = 1;
      bool heap_new = strcmp(rows[i].name, "cairn_heap_new") == 0;
      while (!fail_at(&rows[i], sizes[at], mappings, n)) {
        n += heap_new && n > 8 ? 40 : 1; /* hundreds of shared ints, one like the other */
        own++;
        assert_true(n < 50 * FAILURES_MAX);
      }
      if (heap_new) break;
    }
    failures += own;
    if (own == 0 && mappings) fail_msg("no mapping of %s ever failed", rows[i].name);
  }
  print_message("%llu failures\n", (unsigned long long)failures);
}

static void each_block_of_each_function(void **state) {
  (void)state;
  each_failure(false);
}

static void each_mapping_of_each_function(void **state) {
  (void)state;
  each_failure(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_block_of_each_function),
      cmocka_unit_test(each_mapping_of_each_function),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

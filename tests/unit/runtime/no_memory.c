/* Public functions that never fail: each does what it is for with no memory to be had at all. */
#include "garden_test.h"

/* ---- the rows -------------------------------------------------------------------------------- */

static void visit(cairn_object *object, void *context) {
  (void)object;
  ++*(size_t *)context;
}
ROW(cairn_bool) { return cairn_bool(g->heap, true) != NULL; }
ROW(cairn_bool_get) {
  bool value;
  return cairn_bool_get(cairn_bool(g->heap, true), &value) && value;
}
ROW(cairn_buffer_free) {
  cairn_buffer_free(NULL);
  return true;
}
ROW(cairn_buffer_size) {
  const void *items = ((struct cairn_list *)(void *)g->list)->items;
  return items == NULL || cairn_buffer_size(items) >= 8 * g->size;
}
ROW(cairn_bytes_data) { return memcmp(cairn_bytes_data(g->bytes), "raw", 3) == 0; }
ROW(cairn_bytes_size) { return cairn_bytes_size(g->bytes) == 3; }
ROW(cairn_cell_get) { return cairn_cell_get(g->cell) == g->a; }
ROW(cairn_cell_set) {
  cairn_cell_set(g->cell, g->b);
  return cairn_cell_get(g->cell) == g->b;
}
ROW(cairn_collect) { return cairn_collect(g->heap) == 0; }
ROW(cairn_collect_candidates) { return cairn_collect_candidates(g->heap) == 0; }
ROW(cairn_collect_exclusive) { return cairn_collect_exclusive(g->heap) == 0; }
ROW(cairn_dict_clear) {
  cairn_dict_clear(g->dict);
  return cairn_dict_count(g->dict) == 0;
}
ROW(cairn_dict_get_int_) { return (cairn_dict_get_int(g->dict, 100000) != NULL) == (g->size > 0); }
ROW(cairn_dict_get_object_) { return cairn_dict_get(g->dict, g->b) == NULL; }
ROW(cairn_dict_get_text) { return cairn_dict_get_text(g->dict, "none") == NULL; }
ROW(cairn_dict_remove) {
  return g->size == 0 || cairn_dict_remove(g->dict, cairn_list_get(g->list, 0));
}
ROW(cairn_dict_pop) {
  if (g->size != 0) g->result = cairn_dict_pop(g->dict, cairn_list_get(g->list, 0));
  return g->size == 0 || g->result != NULL;
}
ROW(cairn_equal) { return cairn_equal(g->tuple, g->tuple) && !cairn_equal(g->a, g->b); }
ROW(cairn_external_bytes) { return cairn_external_bytes(g->a) == 0; }
ROW(cairn_float_get) {
  double value;
  return !cairn_float_get(g->a, &value);
}
ROW(cairn_group_destroy) { return !cairn_group_destroy(g->group); }
ROW(cairn_group_limit_set) {
  cairn_group_limit_set(g->group, 1 << 30);
  return true;
}
ROW(cairn_group_stats_sized) {
  cairn_group_stats stats;
  cairn_group_stats_get(g->group, &stats);
  return stats.heap_count == 1;
}
ROW(cairn_hash) {
  uint64_t hash = cairn_hash(g->tuple);
  return hash == cairn_hash(g->tuple);
}
ROW(cairn_heap_destroy) { /* with a leak: the report has no types then, and says the rest */
  cairn_leak_report report;
  assert_non_null(g->other);
  bool whole = cairn_heap_destroy(g->other, &report);
  g->other = NULL;
  g->apart = NULL;
  return !whole && report.object_count == 2 && report.bytes > 0;
}
ROW(cairn_heap_group_set) {
  return cairn_heap_group_set(g->heap, g->group) && cairn_heap_group_set(g->heap, NULL);
}
ROW(cairn_heap_hand_over) {
  cairn_heap_hand_over(g->heap);
  return true;
}
ROW(cairn_heap_limit_set) {
  cairn_heap_limit_set(g->heap, 0);
  return true;
}
ROW(cairn_heap_soft_limit_set) {
  cairn_heap_soft_limit_set(g->heap, 0);
  return true;
}
ROW(cairn_heap_stats_sized) {
  cairn_stats stats;
  cairn_heap_stats(g->heap, &stats);
  return stats.object_count > WATCHERS;
}
ROW(cairn_heap_trim) {
  (void)cairn_heap_trim(g->heap);
  return true;
}
ROW(cairn_heap_validate) { return cairn_heap_validate(g->heap) == NULL; }
ROW(cairn_heap_walk) {
  size_t count = 0;
  cairn_heap_walk(g->heap, visit, &count);
  return count > WATCHERS;
}
ROW(cairn_walk_next) {
  cairn_walk walk = {.heap = g->heap};
  return cairn_walk_next(&walk) != NULL;
}
ROW(cairn_object_visit) {
  size_t count = 0;
  cairn_object_visit(g->tuple, visit, &count);
  return count == 2;
}
ROW(cairn_int_get) {
  int64_t value;
  return cairn_int_get(g->number, &value);
}
ROW(cairn_is_none) { return cairn_is_none(cairn_none(g->heap)); }
ROW(cairn_list_clear) {
  cairn_list_clear(g->list);
  return cairn_list_count(g->list) == 0;
}
ROW(cairn_list_pop) {
  g->result = cairn_list_pop(g->list);
  return (g->result != NULL) == (g->size > 0);
}
ROW(cairn_list_remove) { return cairn_list_remove(g->list, 0) == (g->size > 0); }
ROW(cairn_list_set) { return cairn_list_set(g->list, 0, g->b) == (g->size > 0); }
ROW(cairn_none) { return cairn_none(g->heap) != NULL; }
ROW(cairn_object_candidate_) {
  cairn_release(cairn_retain(g->list)); /* calls it */
  return true;
}
ROW(cairn_object_die_) {
  cairn_object *native = g->native;
  g->native = NULL;
  cairn_object_die_(native);
  return true;
}
ROW(cairn_object_heap) { return cairn_object_heap(g->a) == g->heap; }
ROW(cairn_object_retain_slow_) { return cairn_retain(cairn_none(g->heap)) != NULL; }
ROW(cairn_object_release_slow_) {
  cairn_release(cairn_none(g->heap));
  return true;
}
ROW(cairn_object_retain_for_slot_slow_) {
  cairn_object *slot = NULL;
  cairn_assign(&slot, cairn_none(g->heap));
  return slot != NULL;
}
ROW(cairn_object_release_for_slot_slow_) {
  cairn_object *slot = cairn_none(g->heap);
  cairn_clear(&slot);
  return slot == NULL;
}
ROW(cairn_object_size) { return cairn_object_size(g->a) >= 8; }
ROW(cairn_object_type_name) { return strcmp(cairn_object_type_name(g->list), "list") == 0; }
ROW(cairn_record_get) { return cairn_record_get(g->record, 0) == g->a; }
ROW(cairn_record_get_named) { return cairn_record_get_named(g->record, "x") == g->a; }
ROW(cairn_record_set) { return cairn_record_set(g->record, 1, g->b); }
ROW(cairn_record_set_named) { return cairn_record_set_named(g->record, "z", g->b); }
ROW(cairn_set_clear) {
  cairn_set_clear(g->set);
  return cairn_set_count(g->set) == 0;
}
ROW(cairn_set_has) { return !cairn_set_has(g->set, g->b); }
ROW(cairn_set_remove) { return !cairn_set_remove(g->set, g->b); }
ROW(cairn_str_bytes) { return cairn_str_bytes(g->b) == 1; }
ROW(cairn_str_text) { return cairn_str_text(g->b)[0] == 'b'; }
ROW(cairn_track_serial) { return cairn_track_serial(g->a) == 0; }
ROW(cairn_track_site) {
  uint64_t callers[4];
  return cairn_track_site(g->a, callers, 4) == 0;
}
ROW(cairn_track_stop) {
  cairn_track_stop(g->heap);
  return true;
}
ROW(cairn_tuple_count) { return cairn_tuple_count(g->tuple) == 2; }
ROW(cairn_tuple_get) { return cairn_tuple_get(g->tuple, 1) == g->b; }
ROW(cairn_type_find) { return cairn_type_find(g->heap, "native") == g->native_type; }
ROW(cairn_type_is_acyclic) { return cairn_type_is_acyclic(g->heap, CAIRN_TYPE_INT); }
ROW(cairn_type_name) { return cairn_type_name(g->heap, g->native_type) != NULL; }
ROW(cairn_weak_get) {
  struct native *native = (struct native *)(void *)g->native;
  return cairn_weak_get(&native->weak) == NULL;
}
ROW(cairn_weakref_get) {
  g->result = cairn_weakref_get(g->weakref);
  return g->result == g->a;
}

static const struct row rows[] = {
    CALL(cairn_bool),
    CALL(cairn_bool_get),
    CALL(cairn_buffer_free),
    CALL(cairn_buffer_size),
    CALL(cairn_bytes_data),
    CALL(cairn_bytes_size),
    CALL(cairn_cell_get),
    CALL(cairn_cell_set),
    CALL(cairn_collect),
    CALL(cairn_collect_candidates),
    CALL(cairn_collect_exclusive),
    CALL(cairn_dict_clear),
    CALL(cairn_dict_get_int_),
    CALL(cairn_dict_get_object_),
    CALL(cairn_dict_get_text),
    CALL(cairn_dict_pop),
    CALL(cairn_dict_remove),
    CALL(cairn_equal),
    CALL(cairn_external_bytes),
    CALL(cairn_float_get),
    CALL(cairn_group_destroy),
    CALL(cairn_group_limit_set),
    CALL(cairn_group_stats_sized),
    CALL(cairn_hash),
    CALL(cairn_heap_destroy),
    CALL(cairn_heap_group_set),
    CALL(cairn_heap_hand_over),
    CALL(cairn_heap_limit_set),
    CALL(cairn_heap_soft_limit_set),
    CALL(cairn_heap_stats_sized),
    CALL(cairn_heap_trim),
    CALL(cairn_heap_validate),
    CALL(cairn_heap_walk),
    CALL(cairn_int_get),
    CALL(cairn_is_none),
    CALL(cairn_list_clear),
    CALL(cairn_list_pop),
    CALL(cairn_list_remove),
    CALL(cairn_list_set),
    CALL(cairn_none),
    CALL(cairn_object_candidate_),
    CALL(cairn_object_die_),
    CALL(cairn_object_heap),
    CALL(cairn_object_release_for_slot_slow_),
    CALL(cairn_object_release_slow_),
    CALL(cairn_object_retain_for_slot_slow_),
    CALL(cairn_object_retain_slow_),
    CALL(cairn_object_size),
    CALL(cairn_object_type_name),
    CALL(cairn_object_visit),
    CALL(cairn_record_get),
    CALL(cairn_record_get_named),
    CALL(cairn_record_set),
    CALL(cairn_record_set_named),
    CALL(cairn_set_clear),
    CALL(cairn_set_has),
    CALL(cairn_set_remove),
    CALL(cairn_str_bytes),
    CALL(cairn_str_text),
    CALL(cairn_track_serial),
    CALL(cairn_track_site),
    CALL(cairn_track_stop),
    CALL(cairn_tuple_count),
    CALL(cairn_tuple_get),
    CALL(cairn_type_find),
    CALL(cairn_type_is_acyclic),
    CALL(cairn_type_name),
    CALL(cairn_walk_next),
    CALL(cairn_weak_get),
    CALL(cairn_weakref_get),
};

static void each_needs_none(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t size = 0; size < 30; size += 7) {
      struct garden g;
      garden_new(&g, size);
      arm(&g, true, 1);
      arm(&g, false, 1);
      bool done = rows[i].call(&g);
      disarm(&g);
      if (!done) fail_msg("%s needs memory", rows[i].name);
      garden_free(&g);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_needs_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

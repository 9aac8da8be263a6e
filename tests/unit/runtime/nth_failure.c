/* Memory that can't be had, in every public function: each has a row below, and tests/abi checks
 * that none is missing.
 *
 * A row that MAY_FAIL is called with the first, the second, ... block or mapping failing, until it
 * succeeds.  After each failure the heap is valid, the garden is as it was (what its containers
 * hold, in order, and all counts), nothing is left behind, and the same call succeeds once there is
 * memory.  A row that NEVER fails is called once with no memory to be had at all.
 *
 * The garden is one object of each kind, its containers with `size` entries, so that some of the
 * sizes are those at which they grow.  Before mappings fail, all that the heap has free is taken.
 */
#include "builtin_test.h"

enum { RECORD_FIELDS = 3, WATCHERS = 63, DIGEST_MAX = 1024, FAILURES_MAX = 200 };

struct native {
  cairn_object base;
  cairn_object *held, *weak;
};
struct tail {
  cairn_object base;
  uint64_t count;
  cairn_object *items[];
};

struct garden {
  cairn_heap *heap, *other; /* `other` for what takes a heap away */
  cairn_group *group;
  cairn_type native_type, tail_type, record_type;
  cairn_object *list, *dict, *set, *record, *native, *cell, *tuple, *weakref, *text, *shared_text;
  cairn_object *bytes;
  cairn_object *watchers;       /* weakrefs that fill the weak table */
  cairn_object *apart;          /* a list in `other` with a str in it */
  cairn_object *a, *b, *number; /* keys and values; number is an int that is not shared */
  size_t size;
  cairn_object *result; /* of a row: released by whoever called it */
};

/* ---- the garden ------------------------------------------------------------------------------ */

static cairn_object *key_of(cairn_heap *heap, size_t i) {
  return int_of(heap, 100000 + (int64_t)i);
}

static void garden_define(struct garden *g) {
  const cairn_slot_spec slots[] = {CAIRN_STRONG(struct native, held),
                                   CAIRN_WEAK(struct native, weak)};
  const cairn_slot_spec tail_slots[] = {{.name = "items",
                                         .kind = CAIRN_SLOT_STRONG,
                                         .shape = CAIRN_SHAPE_TAIL,
                                         .count_width = 8,
                                         .offset = offsetof(struct tail, items),
                                         .count_offset = offsetof(struct tail, count)}};
  g->native_type = cairn_type_define(
      g->heap,
      &(cairn_type_spec){
          .name = "native", .size_bytes = sizeof(struct native), .slots = slots, .slot_count = 2});
  g->tail_type = cairn_type_define(g->heap, &(cairn_type_spec){.name = "tail",
                                                               .size_bytes = sizeof(struct tail),
                                                               .tail_item_bytes = 8,
                                                               .slots = tail_slots,
                                                               .slot_count = 1});
  const char *names[RECORD_FIELDS] = {"x", "y", "z"};
  g->record_type = cairn_record_define(g->heap, "point", names, RECORD_FIELDS);
  assert_true(g->native_type != 0 && g->tail_type != 0 && g->record_type != 0);
}

static void garden_new(struct garden *g, size_t size) {
  *g = (struct garden){.size = size};
  g->group = cairn_group_new("garden", 0);
  g->heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  g->other = cairn_heap_new(&(cairn_heap_options){.group = g->group});
  garden_define(g);
  g->apart = cairn_list_new(g->other, 1);
  cairn_object *str = cairn_str_from(g->other, "apart");
  assert_true(cairn_list_append(g->apart, str));
  cairn_release(str);
  cairn_heap *heap = g->heap;
  g->a = cairn_str_from(heap, "a text of some length");
  g->b = cairn_str_intern(heap, "b", 1);
  g->number = int_of(heap, 1234567);
  g->list = cairn_list_new(heap, 0);
  g->dict = cairn_dict_new(heap);
  g->set = cairn_set_new(heap);
  for (size_t i = 0; i < size; i++) {
    cairn_object *key = key_of(heap, i);
    assert_true(cairn_list_append(g->list, key) && cairn_dict_set(g->dict, key, g->a) &&
                cairn_set_add(g->set, key));
    cairn_release(key);
  }
  assert_true(cairn_list_trim(g->list));
  g->record = cairn_record_new(heap, g->record_type);
  assert_true(cairn_record_set(g->record, 0, g->a));
  g->native = cairn_object_new(heap, g->native_type);
  g->cell = cairn_cell_new(heap, g->a);
  cairn_object *const items[] = {g->a, g->b};
  g->tuple = cairn_tuple_new(heap, 2, items);
  g->weakref = cairn_weakref_new(heap, g->a);
  g->bytes = cairn_bytes_new(heap, "raw", 3);
  g->watchers = cairn_list_new(heap, WATCHERS);
  for (int i = 0; i < WATCHERS; i++) {
    cairn_object *watcher = cairn_weakref_new(heap, g->a);
    assert_true(cairn_list_append(g->watchers, watcher));
    cairn_release(watcher);
  }
  g->text = cairn_str_from(heap, "grows");
  g->shared_text = cairn_retain(g->text);
}

/* All that the garden knows about itself, as numbers. */
struct digest {
  uint64_t values[DIGEST_MAX];
  size_t count;
};

static void put(struct digest *digest, uint64_t value) {
  assert_true(digest->count < DIGEST_MAX);
  digest->values[digest->count++] = value;
}

static void put_object(struct digest *digest, const cairn_object *object) {
  put(digest, (uintptr_t)object);
  if (object == NULL) return;
  put(digest, cairn_refcount(object));
  put(digest, cairn_external_bytes(object));
}

static struct digest digest_of(const struct garden *g) {
  struct digest digest = {.count = 0};
  cairn_stats stats;
  cairn_heap_stats(g->heap, &stats);
  put(&digest, stats.object_count);
  put(&digest, stats.buffer_count);
  put(&digest, stats.type_count);
  put(&digest, stats.used_bytes);
  put(&digest, stats.external_bytes);
  cairn_group_stats group;
  cairn_group_stats_get(g->group, &group);
  put(&digest, group.taken_bytes);
  put(&digest, group.heap_count);
  cairn_object *const all[] = {g->list, g->dict,  g->set,     g->record, g->native,
                               g->cell, g->tuple, g->weakref, g->text,   g->shared_text,
                               g->a,    g->b,     g->number};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) put_object(&digest, all[i]);
  for (size_t i = 0; i < cairn_list_count(g->list); i++) {
    put_object(&digest, cairn_list_get(g->list, i));
  }
  size_t position = 0;
  cairn_object *key, *value;
  while (cairn_dict_next(g->dict, &position, &key, &value)) {
    put_object(&digest, key);
    put_object(&digest, value);
    assert_ptr_equal(cairn_dict_get(g->dict, key), value);
  }
  position = 0;
  while (cairn_set_next(g->set, &position, &key)) put_object(&digest, key);
  for (size_t i = 0; i < RECORD_FIELDS; i++) put_object(&digest, cairn_record_get(g->record, i));
  const struct native *native = (const struct native *)(const void *)g->native;
  put_object(&digest, native->held);
  put_object(&digest, native->weak);
  put_object(&digest, cairn_cell_get(g->cell));
  for (size_t i = 0; i < 2; i++) put_object(&digest, cairn_tuple_get(g->tuple, i));
  const char *text = cairn_str_text(g->text);
  for (size_t i = 0; text[i] != 0; i++) put(&digest, (unsigned char)text[i]);
  return digest;
}

static void garden_free(struct garden *g) {
  assert_whole(g->heap);
  cairn_release(g->result);
  cairn_release(g->watchers);
  cairn_release(g->bytes);
  cairn_object *const all[] = {g->list, g->dict,  g->set,     g->record, g->native,
                               g->cell, g->tuple, g->weakref, g->text,   g->shared_text,
                               g->a,    g->b,     g->number};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) cairn_release(all[i]);
  assert_true(cairn_heap_destroy(g->heap, NULL));
  cairn_release(g->apart);
  if (g->other != NULL) assert_true(cairn_heap_destroy(g->other, NULL));
  if (g->group != NULL) assert_true(cairn_group_destroy(g->group));
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* Calls the function.  False: it said that it failed. */
typedef bool (*row_fn)(struct garden *g);

#define ROW(name) static bool row_##name(struct garden *g)
/* A row whose function returns a new object. */
#define ROW_NEW(name, call)   \
  ROW(name) {                 \
    g->result = (call);       \
    return g->result != NULL; \
  }

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

/* These need nothing. */
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

enum failing { NEVER, MAY_FAIL };
#define CALL(name, failing) \
  { #name, row_##name, failing }
static const struct row {
  const char *name;
  row_fn call;
  enum failing failing;
} rows[] = {
    CALL(cairn_bool, NEVER),
    CALL(cairn_bool_get, NEVER),
    CALL(cairn_buffer_free, NEVER),
    CALL(cairn_buffer_new, MAY_FAIL),
    CALL(cairn_buffer_size, NEVER),
    CALL(cairn_bytes_data, NEVER),
    CALL(cairn_bytes_new, MAY_FAIL),
    CALL(cairn_bytes_size, NEVER),
    CALL(cairn_cell_get, NEVER),
    CALL(cairn_cell_new, MAY_FAIL),
    CALL(cairn_cell_set, NEVER),
    CALL(cairn_collect, NEVER),
    CALL(cairn_collect_candidates, NEVER),
    CALL(cairn_collect_exclusive, NEVER),
    CALL(cairn_dict_clear, NEVER),
    CALL(cairn_dict_get_int_, NEVER),
    CALL(cairn_dict_get_object_, NEVER),
    CALL(cairn_dict_get_text, NEVER),
    CALL(cairn_dict_give, MAY_FAIL),
    CALL(cairn_dict_new, MAY_FAIL),
    CALL(cairn_dict_pop, NEVER),
    CALL(cairn_dict_remove, NEVER),
    CALL(cairn_dict_reserve, MAY_FAIL),
    CALL(cairn_dict_set, MAY_FAIL),
    CALL(cairn_dict_set_int, MAY_FAIL),
    CALL(cairn_dict_set_text, MAY_FAIL),
    CALL(cairn_equal, NEVER),
    CALL(cairn_external_add, MAY_FAIL),
    CALL(cairn_external_bytes, NEVER),
    CALL(cairn_float_get, NEVER),
    CALL(cairn_float_new, MAY_FAIL),
    CALL(cairn_group_destroy, NEVER),
    CALL(cairn_group_limit_set, NEVER),
    CALL(cairn_group_new, MAY_FAIL),
    CALL(cairn_group_stats_sized, NEVER),
    CALL(cairn_hash, NEVER),
    CALL(cairn_heap_destroy, NEVER),
    CALL(cairn_heap_group_set, NEVER),
    CALL(cairn_heap_hand_over, NEVER),
    CALL(cairn_heap_limit_set, NEVER),
    CALL(cairn_heap_new, MAY_FAIL),
    CALL(cairn_heap_soft_limit_set, NEVER),
    CALL(cairn_heap_stats_sized, NEVER),
    CALL(cairn_heap_trim, NEVER),
    CALL(cairn_heap_validate, NEVER),
    CALL(cairn_heap_walk, NEVER),
    CALL(cairn_int_get, NEVER),
    CALL(cairn_int_new, MAY_FAIL),
    CALL(cairn_is_none, NEVER),
    CALL(cairn_list_append_growing_, MAY_FAIL),
    CALL(cairn_list_clear, NEVER),
    CALL(cairn_list_give_growing_, MAY_FAIL),
    CALL(cairn_list_insert, MAY_FAIL),
    CALL(cairn_list_new, MAY_FAIL),
    CALL(cairn_list_pop, NEVER),
    CALL(cairn_list_remove, NEVER),
    CALL(cairn_list_reserve, MAY_FAIL),
    CALL(cairn_list_set, NEVER),
    CALL(cairn_list_trim, MAY_FAIL),
    CALL(cairn_none, NEVER),
    CALL(cairn_object_candidate_, NEVER),
    CALL(cairn_object_die_, NEVER),
    CALL(cairn_object_heap, NEVER),
    CALL(cairn_object_new, MAY_FAIL),
    CALL(cairn_object_new_slow_, MAY_FAIL),
    CALL(cairn_object_new_tail, MAY_FAIL),
    CALL(cairn_object_release_for_slot_slow_, NEVER),
    CALL(cairn_object_release_slow_, NEVER),
    CALL(cairn_object_retain_for_slot_slow_, NEVER),
    CALL(cairn_object_retain_slow_, NEVER),
    CALL(cairn_object_size, NEVER),
    CALL(cairn_object_type_name, NEVER),
    CALL(cairn_object_visit, NEVER),
    CALL(cairn_record_define, MAY_FAIL),
    CALL(cairn_record_get, NEVER),
    CALL(cairn_record_get_named, NEVER),
    CALL(cairn_record_new, MAY_FAIL),
    CALL(cairn_record_set, NEVER),
    CALL(cairn_record_set_named, NEVER),
    CALL(cairn_set_add, MAY_FAIL),
    CALL(cairn_set_clear, NEVER),
    CALL(cairn_set_has, NEVER),
    CALL(cairn_set_new, MAY_FAIL),
    CALL(cairn_set_remove, NEVER),
    CALL(cairn_share_copy, MAY_FAIL),
    CALL(cairn_str_append, MAY_FAIL),
    CALL(cairn_str_append_text, MAY_FAIL),
    CALL(cairn_str_bytes, NEVER),
    CALL(cairn_str_concat, MAY_FAIL),
    CALL(cairn_str_format, MAY_FAIL),
    CALL(cairn_str_from, MAY_FAIL),
    CALL(cairn_str_intern, MAY_FAIL),
    CALL(cairn_str_join, MAY_FAIL),
    CALL(cairn_str_new, MAY_FAIL),
    CALL(cairn_str_slice, MAY_FAIL),
    CALL(cairn_str_text, NEVER),
    CALL(cairn_track_serial, NEVER),
    CALL(cairn_track_site, NEVER),
    CALL(cairn_track_start, MAY_FAIL),
    CALL(cairn_track_stop, NEVER),
    CALL(cairn_tuple_count, NEVER),
    CALL(cairn_tuple_get, NEVER),
    CALL(cairn_tuple_new, MAY_FAIL),
    CALL(cairn_type_define, MAY_FAIL),
    CALL(cairn_type_find, NEVER),
    CALL(cairn_type_is_acyclic, NEVER),
    CALL(cairn_type_name, NEVER),
    CALL(cairn_walk_next, NEVER),
    CALL(cairn_weak_get, NEVER),
    CALL(cairn_weak_set, MAY_FAIL),
    CALL(cairn_weakref_get, NEVER),
    CALL(cairn_weakref_new, MAY_FAIL),
};

/* ---- failing --------------------------------------------------------------------------------- */

static void arm(const struct garden *g, bool mappings, uint64_t n) {
  if (mappings) {
    cairn_fault.map_after = n;
  } else {
    cairn_fault.block_after = n;
    cairn_fault_arm(g->heap);
  }
}

static void disarm(const struct garden *g) {
  cairn_fault = (struct cairn_fault){0};
  cairn_limit_refresh(g->heap);
}

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
    if (rows[i].failing == NEVER) continue;
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

static void others_need_no_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].failing == MAY_FAIL) continue;
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
      cmocka_unit_test(each_block_of_each_function),
      cmocka_unit_test(each_mapping_of_each_function),
      cmocka_unit_test(others_need_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

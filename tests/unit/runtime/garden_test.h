/* What the tests of failing memory share: a garden of objects that public functions are tried on,
 * and the rows, one a function.
 *
 * The garden is one object of each kind, its containers with `size` entries, so that some of the
 * sizes are those at which they grow.  Each public function has a row: in nth_failure.c where it
 * may fail, in no_memory.c where it never does; tests/abi checks that none is missing.
 */
#ifndef GARDEN_TEST_H
#define GARDEN_TEST_H

#include "builtin_test.h"

enum { RECORD_FIELDS = 3, WATCHERS = 63, DIGEST_MAX = 1024 };

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

static inline cairn_object *key_of(cairn_heap *heap, size_t i) {
  return int_of(heap, 100000 + (int64_t)i);
}

static inline void garden_define(struct garden *g) {
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

static inline void garden_new(struct garden *g, size_t size) {
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

static inline void put(struct digest *digest, uint64_t value) {
  assert_true(digest->count < DIGEST_MAX);
  digest->values[digest->count++] = value;
}

static inline void put_object(struct digest *digest, const cairn_object *object) {
  put(digest, (uintptr_t)object);
  if (object == NULL) return;
  put(digest, cairn_refcount(object));
  put(digest, cairn_external_bytes(object));
}

static inline struct digest digest_of(const struct garden *g) {
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

static inline void garden_free(struct garden *g) {
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

#define CALL(name) \
  { #name, row_##name }
struct row {
  const char *name;
  row_fn call;
};

/* ---- failing --------------------------------------------------------------------------------- */

/* The n-th mapping, or else the n-th block, that is asked for from now on can't be had, nor any
 * after it. */
static inline void arm(const struct garden *g, bool mappings, uint64_t n) {
  if (mappings) {
    cairn_fault.map_after = n;
  } else {
    cairn_fault.block_after = n;
    cairn_fault_arm(g->heap);
  }
}

static inline void disarm(const struct garden *g) {
  cairn_fault = (struct cairn_fault){0};
  cairn_limit_refresh(g->heap);
}

#endif

/* The snapshot against the runtime's own walk: every object, its columns, its edges both ways, its
 * holders with and without the index, over a real heap with something of everything.
 */
#include <stdlib.h>

#include "cairn/cairn.h"
#include "garden.h"
#include "self.h"

enum { OBJECTS_MAX = 4096, REFS_MAX = 256 };

static cairn_heap *heap;
static cairn_object *all;

/* What the runtime itself says. */
static struct truth {
  const cairn_object *objects[OBJECTS_MAX];
  uint64_t count;
} truth;

static void truth_add(cairn_object *object, void *context) {
  (void)context;
  assert_true(truth.count < OBJECTS_MAX);
  truth.objects[truth.count++] = object;
}

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  all = garden_new(heap);
  cairn_heap_walk(heap, truth_add, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  cairn_list_clear(all);
  cairn_release(all);
  return !cairn_heap_destroy(heap, NULL);
}

static lens *indexed_lens(void) {
  lens *self = self_lens();
  assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
  return self;
}

static lens_columns columns_of(const lens *self) {
  lens_columns columns;
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  return columns;
}

static void columns_are_the_runtimes(void **state) {
  (void)state;
  lens *self = self_lens();
  assert_int_equal(lens_columns_get(self, &(lens_columns){0}), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_columns columns = columns_of(self);
  assert_int_equal(columns.object_count, truth.count);
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < truth.count; i++) {
    const cairn_object *object = truth.objects[i];
    assert_int_equal(columns.address[i], address_of(object));
    assert_int_equal(columns.refcount[i], cairn_refcount(object));
    assert_int_equal(columns.size_bytes[i], cairn_object_size(object));
    lens_type type;
    assert_int_equal(lens_type_get(self, columns.type[i], &type), LENS_OK);
    assert_string_equal(type.name, cairn_object_type_name(object));
    bool immortal = (columns.state[i] & (LENS_STATE_IMMORTAL | LENS_STATE_SATURATED)) != 0;
    assert_int_equal(immortal, cairn_is_immortal(object));
    bytes += cairn_object_size(object);
  }
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  lens_walk_totals totals;
  assert_int_equal(lens_walk_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.objects, stats.object_count);
  assert_int_equal(totals.buffers, stats.buffer_count);
  assert_int_equal(totals.object_bytes, bytes);
  assert_int_equal(totals.object_bytes + totals.buffer_bytes, stats.used_bytes);
  assert_int_equal(totals.dying + totals.damaged_blocks + totals.unreadable_bytes, 0);
  assert_int_equal(totals.exactness, 0);
  lens_free(self);
}

static void find_knows_every_address(void **state) {
  (void)state;
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i < truth.count; i++) {
    uint64_t address = address_of(truth.objects[i]), size = cairn_object_size(truth.objects[i]);
    uint32_t found = LENS_NONE;
    for (uint64_t at = 0; at<size; at += size> 4096 ? 512 : 1) {
      assert_int_equal(lens_snapshot_find(self, address + at, &found), LENS_OK);
      assert_int_equal(found, i);
    }
    uint64_t behind = address + size;
    bool next = i + 1 < truth.count && address_of(truth.objects[i + 1]) == behind;
    assert_int_equal(lens_snapshot_find(self, behind, &found), next ? LENS_OK : LENS_NOT_FOUND);
    assert_int_equal(found, next ? i + 1 : i);
  }
  uint32_t unchanged = 77;
  assert_int_equal(lens_snapshot_find(self, 0, &unchanged), LENS_NOT_FOUND);
  assert_int_equal(lens_snapshot_find(self, UINT64_MAX, &unchanged), LENS_NOT_FOUND);
  assert_int_equal(lens_snapshot_find(self, address_of(&unchanged), &unchanged), LENS_NOT_FOUND);
  assert_int_equal(unchanged, 77);
  lens_free(self);
}

static int by_value(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

/* The strong references of one object as indices, sorted. */
static uint64_t strong_targets(lens *self, uint64_t address, uint32_t *targets) {
  lens_ref refs[REFS_MAX];
  uint64_t count = 0, first = 0, written = 0, total = 0;
  do {
    assert_int_equal(lens_object_refs(self, address, first, REFS_MAX, refs, &written, &total),
                     LENS_OK);
    for (uint64_t i = 0; i < written; i++) {
      if (refs[i].kind != LENS_REF_STRONG) continue;
      assert_true(count < OBJECTS_MAX);
      assert_int_equal(lens_snapshot_find(self, refs[i].target, &targets[count++]), LENS_OK);
    }
    first += written;
  } while (first < total);
  qsort(targets, count, sizeof *targets, by_value);
  return count;
}

static void edges_are_the_slots(void **state) {
  (void)state;
  lens *self = indexed_lens();
  lens_columns columns = columns_of(self);
  static uint32_t wanted[OBJECTS_MAX], found[OBJECTS_MAX];
  uint64_t edges = 0;
  for (uint64_t i = 0; i < columns.object_count; i++) {
    uint64_t count = strong_targets(self, columns.address[i], wanted);
    assert_int_equal(columns.out_start[i + 1] - columns.out_start[i], count);
    memcpy(found, columns.out_target + columns.out_start[i], count * sizeof *found);
    qsort(found, count, sizeof *found, by_value);
    assert_memory_equal(found, wanted, count * sizeof *found);
    edges += count;
  }
  assert_true(edges > truth.count);
  assert_int_equal(columns.edge_count, edges);
  lens_free(self);
}

/* The edges in are the edges out, turned round; holders ascend. */
static void edges_in_are_edges_out(void **state) {
  (void)state;
  lens *self = indexed_lens();
  lens_columns columns = columns_of(self);
  uint64_t *seen = calloc(columns.object_count, sizeof *seen);
  assert_non_null(seen);
  assert_int_equal(columns.in_start[0], 0);
  for (uint32_t source = 0; source < columns.object_count; source++) {
    for (uint64_t e = columns.out_start[source]; e < columns.out_start[source + 1]; e++) {
      uint32_t target = columns.out_target[e];
      uint64_t at = columns.in_start[target] + seen[target]++;
      assert_true(at < columns.in_start[target + 1]);
      assert_int_equal(columns.in_source[at], source);
    }
  }
  for (uint32_t i = 0; i < columns.object_count; i++) {
    assert_int_equal(columns.in_start[i] + seen[i], columns.in_start[i + 1]);
  }
  assert_int_equal(columns.in_start[columns.object_count], columns.edge_count);
  free(seen);
  lens_free(self);
}

struct held {
  uint64_t holder, slot, kind;
};

static int by_slot(const void *a, const void *b) {
  const struct held *left = a, *right = b;
  if (left->slot != right->slot) return left->slot < right->slot ? -1 : 1;
  return 0;
}

/* All references of the heap to one address, of all kinds, by slot. */
static uint64_t naive_referrers(lens *self, uint64_t target, struct held *out) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < truth.count; i++) {
    lens_ref refs[REFS_MAX];
    uint64_t first = 0, written = 0, total = 0;
    do {
      uint64_t address = address_of(truth.objects[i]);
      assert_int_equal(lens_object_refs(self, address, first, REFS_MAX, refs, &written, &total),
                       LENS_OK);
      for (uint64_t k = 0; k < written; k++) {
        if (refs[k].target != target) continue;
        out[count++] = (struct held){address, refs[k].slot_address, refs[k].kind};
      }
      first += written;
    } while (first < total);
  }
  qsort(out, count, sizeof *out, by_slot);
  return count;
}

/* Asks in pages of three rows, in short slices. */
static uint64_t ask_referrers(lens *self, uint64_t target, struct held *out) {
  lens_referrer rows[3];
  uint64_t count = 0, written = 0, total = 0;
  do {
    lens_status status = LENS_AGAIN;
    while (status == LENS_AGAIN) {
      status = lens_referrers(self, target, 1, count, 3, rows, &written, &total);
    }
    assert_int_equal(status, LENS_OK);
    for (uint64_t i = 0; i < written; i++) {
      assert_int_equal(rows[i].ref.target, target);
      assert_int_equal(rows[i].ref.target_place, LENS_PLACE_OBJECT);
      out[count++] = (struct held){rows[i].holder, rows[i].ref.slot_address, rows[i].ref.kind};
    }
  } while (count < total);
  qsort(out, count, sizeof *out, by_slot);
  return count;
}

static void referrers_are_all_holders(void **state) {
  (void)state;
  lens *scanning = self_lens(), *indexed = indexed_lens();
  static struct held wanted[OBJECTS_MAX], found[OBJECTS_MAX];
  uint64_t weak = 0;
  for (uint64_t i = 0; i < truth.count; i += 7) {
    uint64_t target = address_of(truth.objects[i]);
    uint64_t count = naive_referrers(scanning, target, wanted);
    for (uint64_t k = 0; k < count; k++) weak += wanted[k].kind == LENS_REF_WEAK;
    assert_int_equal(ask_referrers(scanning, target, found), count);
    assert_memory_equal(found, wanted, count * sizeof *wanted);
    assert_int_equal(ask_referrers(indexed, target, found), count);
    assert_memory_equal(found, wanted, count * sizeof *wanted);
  }
  assert_true(weak > 0);
  lens_referrer row;
  uint64_t written = 9, total = 9;
  assert_int_equal(lens_referrers(scanning, 1, 0, 0, 1, &row, &written, &total), LENS_NOT_FOUND);
  assert_int_equal(written, 9);
  lens_free(scanning);
  lens_free(indexed);
}

/* A slice of 1 ms ends early and is taken up again; what comes out is the same. */
static void slices_change_nothing(void **state) {
  (void)state;
  lens *whole = indexed_lens(), *sliced = self_lens();
  lens_progress progress = {0};
  lens_status status = LENS_AGAIN;
  uint64_t last = 0;
  while (status == LENS_AGAIN) {
    status = lens_index(sliced, 1, &progress);
    assert_non_null(progress.phase);
    assert_true(progress.done <= progress.total);
    last = progress.done;
  }
  assert_int_equal(status, LENS_OK);
  assert_int_equal(last, progress.total);
  lens_columns a = columns_of(whole), b = columns_of(sliced);
  assert_int_equal(a.object_count, b.object_count);
  assert_int_equal(a.edge_count, b.edge_count);
  assert_memory_equal(a.out_target, b.out_target, a.edge_count * sizeof *a.out_target);
  assert_memory_equal(a.in_source, b.in_source, a.edge_count * sizeof *a.in_source);
  lens_refresh(sliced);
  assert_int_equal(lens_columns_get(sliced, &b), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_walk(sliced, 0, NULL), LENS_BAD_ARGUMENT);
  lens_free(whole);
  lens_free(sliced);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_are_the_runtimes),  cmocka_unit_test(find_knows_every_address),
      cmocka_unit_test(edges_are_the_slots),       cmocka_unit_test(edges_in_are_edges_out),
      cmocka_unit_test(referrers_are_all_holders), cmocka_unit_test(slices_change_nothing)};
  return cmocka_run_group_tests_name("lens snapshot", tests, begin, end);
}

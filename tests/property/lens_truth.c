/* The lens on cores of random heaps against what the heaps' makers wrote down: all objects, types,
 * counts, sizes, references of every kind, holders, accounts, reachability; as sets, for several
 * seeds.
 *
 *   lens_truth FIXTURE [OBJECTS [SEEDS]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lens.h"
#include "random_core.h"

enum { PART = 256, NO_CORES = 77 };

static const char *fixture;
static uint64_t wanted_objects = 4000, seeds = 6;

static lens *self;
static lens_columns columns;
static struct truth truth;

static lens_status run(lens_status (*step)(lens *, uint32_t, lens_progress *)) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = step(self, 50, NULL);
  return status;
}

/* ---- objects ---- */

static void compare_objects(void) {
  assert_int_equal(columns.object_count, truth.object_count);
  assert_int_equal(lens_heap_count(self), truth.heap_count);
  for (uint32_t i = 0; i < columns.object_count; i++) {
    const struct truth_object *object = &truth.objects[i];
    lens_object found;
    lens_type type;
    assert_int_equal(lens_snapshot_object(self, i, &found), LENS_OK);
    assert_int_equal(found.address, object->address);
    if (object->builtin) continue;
    lens_heap heap;
    assert_int_equal(lens_heap_get(self, found.heap, &heap), LENS_OK);
    assert_int_equal(lens_type_get(self, found.type, &type), LENS_OK);
    assert_string_equal(type.name, object->type);
    assert_int_equal(found.refcount, object->refcount);
    assert_int_equal(found.size_bytes, object->size_bytes);
    assert_int_equal(heap.address, object->heap);
  }
}

/* ---- references ---- */

static uint64_t index_of(uint64_t address) {
  const struct truth_object *object = truth_find(&truth, address);
  assert_non_null(object);
  return (uint64_t)(object - truth.objects);
}

/* All references of one object as edges, appended. */
static uint64_t add_references(uint64_t holder, struct truth_edge *edges, uint64_t count,
                               uint64_t room) {
  lens_ref refs[PART];
  uint64_t first = 0, written = 0, total = 0;
  do {
    assert_int_equal(lens_object_refs(self, holder, first, PART, refs, &written, &total), LENS_OK);
    for (uint64_t i = 0; i < written; i++) {
      assert_true(count < room);
      edges[count++] = (struct truth_edge){holder, refs[i].target, refs[i].kind};
    }
    first += written;
  } while (first < total);
  return count;
}

/* The truth's edges that can be seen: an opaque object keeps its references in a form of its own.
 */
static uint64_t visible_edges(struct truth_edge *edges) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < truth.edge_count; i++) {
    if (truth.edges[i].kind != TRUTH_OPAQUE) edges[count++] = truth.edges[i];
  }
  return count;
}

static void compare_references(void) {
  uint64_t room = truth.edge_count + 1;
  struct truth_edge *wanted = malloc(room * sizeof *wanted), *found = malloc(room * sizeof *found);
  assert_true(wanted != NULL && found != NULL);
  uint64_t count = visible_edges(wanted), found_count = 0;
  for (uint64_t i = 0; i < truth.object_count; i++) {
    if (truth.objects[i].builtin) continue;
    found_count = add_references(truth.objects[i].address, found, found_count, room);
  }
  qsort(found, found_count, sizeof *found, truth_edge_order);
  assert_int_equal(found_count, count);
  for (uint64_t i = 0; i < count; i++) assert_int_equal(truth_edge_order(&wanted[i], &found[i]), 0);

  /* The index has the strong ones, both ways; and those of what the heap made for itself. */
  uint64_t strong = 0;
  for (uint64_t i = 0; i < truth.object_count; i++) {
    for (uint64_t e = columns.out_start[i]; e < columns.out_start[i + 1]; e++) {
      if (truth.objects[i].builtin) continue;
      struct truth_edge edge = {columns.address[i], columns.address[columns.out_target[e]],
                                TRUTH_STRONG};
      assert_non_null(bsearch(&edge, wanted, count, sizeof edge, truth_edge_order));
      strong++;
    }
  }
  for (uint64_t i = 0; i < count; i++) strong -= wanted[i].kind == TRUTH_STRONG;
  assert_int_equal(strong, 0);
  assert_int_equal(columns.out_start[columns.object_count], columns.edge_count);
  assert_int_equal(columns.in_start[columns.object_count], columns.edge_count);
  free(wanted);
  free(found);
}

/* The holders of some objects, with the index and without. */
static void compare_holders(lens *scanning, uint64_t seed) {
  for (uint64_t i = seed % 17; i < truth.object_count; i += truth.object_count / 24 + 1) {
    if (truth.objects[i].builtin) continue;
    uint64_t address = truth.objects[i].address, wanted = truth.objects[i].interned;
    for (uint64_t e = 0; e < truth.edge_count; e++) {
      wanted += truth.edges[e].target == address && truth.edges[e].kind != TRUTH_OPAQUE;
    }
    lens *const both[] = {self, scanning};
    for (int k = 0; k < 2; k++) {
      lens_referrer row;
      uint64_t written = 0, total = 0;
      lens_status status = LENS_AGAIN;
      while (status == LENS_AGAIN)
        status = lens_referrers(both[k], address, 20, 0, 1, &row, &written, &total);
      assert_int_equal(status, LENS_OK);
      assert_int_equal(total, wanted);
    }
  }
}

/* ---- roots, accounts, reachability ---- */

/* Every word outside the heaps: the truth's own tables hold no address in plain. */
static void find_roots(void) {
  lens_region ranges[512];
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_foreign_ranges(self, 512, ranges, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    uint64_t cursor = ranges[i].start, added = 0;
    lens_status status = LENS_AGAIN;
    while (status == LENS_AGAIN) {
      status = lens_roots_scan(self, ranges[i].start, ranges[i].end, LENS_ROOT_FOREIGN, 0, 20,
                               &cursor, &added);
    }
    assert_int_equal(status, LENS_OK);
  }
}

/* A count is what holds the object: slots, the intern table, roots, and what opaque objects hide.
 */
static void compare_accounts(void) {
  lens_accounts accounts;
  assert_int_equal(run(lens_account_all), LENS_OK);
  assert_int_equal(lens_accounts_get(self, &accounts), LENS_OK);
  uint64_t *hidden = calloc(truth.object_count, sizeof *hidden);
  assert_non_null(hidden);
  for (uint64_t e = 0; e < truth.edge_count; e++) {
    if (truth.edges[e].kind == TRUTH_OPAQUE) hidden[index_of(truth.edges[e].target)]++;
  }
  assert_int_equal(accounts.under, 0);
  for (uint64_t i = 0; i < truth.object_count; i++) {
    const struct truth_object *object = &truth.objects[i];
    if (object->builtin) continue;
    assert_int_equal(accounts.heap_refs[i] + accounts.runtime_refs[i] + object->roots + hidden[i],
                     object->refcount);
    assert_true(accounts.root_refs[i] >= object->roots);
    if (hidden[i] == 0) assert_int_equal(accounts.verdict[i], LENS_BALANCED);
  }
  free(hidden);
}

static void compare_reach(void) {
  uint8_t *marks = calloc(truth.object_count, 1);
  uint32_t *queue = malloc((truth.object_count + 1) * sizeof *queue),
           *starts = malloc((truth.object_count + 1) * sizeof *starts);
  assert_true(marks != NULL && queue != NULL && starts != NULL);
  uint64_t tail = 0, start_count = 0;
  for (uint32_t i = 0; i < truth.object_count; i++) {
    if (truth.objects[i].roots != 0) starts[start_count++] = i;
    if (truth.objects[i].roots == 0 && !truth.objects[i].builtin && !truth.objects[i].interned)
      continue;
    marks[i] = 1;
    queue[tail++] = i;
  }
  for (uint64_t head = 0; head < tail; head++) {
    struct truth_edge key = {.holder = truth.objects[queue[head]].address};
    uint64_t low = 0, high = truth.edge_count;
    while (low < high) {
      uint64_t middle = (low + high) / 2;
      if (truth_edge_order(&truth.edges[middle], &key) < 0)
        low = middle + 1;
      else
        high = middle;
    }
    for (; low < truth.edge_count && truth.edges[low].holder == key.holder; low++) {
      if (truth.edges[low].kind != TRUTH_STRONG) continue;
      uint64_t target = index_of(truth.edges[low].target);
      if (marks[target] == 0) queue[tail++] = (uint32_t)target;
      marks[target] = 1;
    }
  }
  lens_reached reached;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status =
        lens_reach(self, starts, start_count, LENS_REACH_RUNTIME | LENS_REACH_IMMORTAL, 20, NULL);
  }
  assert_int_equal(status, LENS_OK);
  assert_int_equal(lens_reached_get(self, &reached), LENS_OK);
  for (uint64_t i = 0; i < truth.object_count; i++)
    assert_int_equal(reached.marks[i / 64] >> (i % 64) & 1, marks[i]);
  assert_int_equal(reached.object_count, tail);
  free(marks);
  free(queue);
  free(starts);
}

static void compare_check(void) {
  lens_check_totals totals;
  assert_int_equal(run(lens_check), LENS_OK);
  assert_int_equal(lens_check_totals_get(self, &totals), LENS_OK);
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (problem.severity >= LENS_WARNING)
      print_error("0x%" PRIx64 ": %s\n", problem.address, problem.text);
  }
  assert_int_equal(totals.problems, 0);
  assert_int_equal(totals.objects, truth.object_count);
}

/* ---- one heap ---- */

static lens_status load_step(lens *target, uint32_t slice_ms, lens_progress *progress) {
  (void)progress;
  return lens_model_load(target, slice_ms);
}

static lens *open_core(const struct random_core *core) {
  lens *opened = NULL;
  lens_status status = lens_new_core(core->core, NULL, &opened);
  if (status != LENS_OK) fail_msg("%s", lens_error(NULL));
  self = opened;
  status = run(load_step);
  if (status != LENS_OK) fail_msg("%s", lens_error(self));
  return opened;
}

static void compare(const struct random_core *core, uint64_t seed) {
  truth_read(core->truth, &truth);
  lens *scanning = open_core(core);
  open_core(core);
  assert_int_equal(run(lens_index), LENS_OK);
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  print_message("seed %" PRIu64 ": %" PRIu64 " objects, %" PRIu64 " edges, %" PRIu64 " heaps\n",
                seed, columns.object_count, columns.edge_count, lens_heap_count(self));
  compare_objects();
  compare_references();
  compare_holders(scanning, seed);
  find_roots();
  compare_accounts();
  compare_reach();
  compare_check();
  lens_free(self);
  lens_free(scanning);
  truth_free(&truth);
}

/* Small ones, and a last one that takes the index several buckets. */
static uint64_t objects_of(uint64_t seed) {
  if (seed == seeds) return wanted_objects * 25;
  return seed % 2 == 0 ? wanted_objects : wanted_objects / 10 + 30;
}

static void random_heaps_are_read_as_they_are(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    struct random_core core;
    if (!random_core_make(fixture, seed, objects_of(seed), seed % 3 + 1, &core)) {
      print_message("cores do not land in the directory on this machine\n");
      exit(NO_CORES);
    }
    compare(&core, seed);
    random_core_remove(&core);
  }
}

int main(int count, char **words) {
  if (count < 2) {
    (void)fprintf(stderr, "usage: %s FIXTURE [OBJECTS [SEEDS]]\n", words[0]);
    return 2;
  }
  fixture = words[1];
  if (count > 2) wanted_objects = strtoull(words[2], NULL, 10);
  if (count > 3) seeds = strtoull(words[3], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_heaps_are_read_as_they_are)};
  return cmocka_run_group_tests_name("lens truth", tests, NULL, NULL);
}

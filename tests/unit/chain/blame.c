/* What the audit's findings lack, summed up by place: against the sums of what is told of each
 * object alone.  Random programs with a bug each, whose rings are large enough, too small, or far
 * too small.
 */
#include "program.h"

#include "self.h"

enum { STEPS = 1200, PROGRAMS = 30, ROWS = 256, FINDINGS = 512, SITES = 128 };

struct sum {
  lens_unmatched row;
  bool others[SITES];
  uint32_t unnamed; /* the most that one object has beside those that it names */
};

static struct sum sums[ROWS];
static uint64_t sum_count, silent_count, silent_before, several, named_counts[SITES];

static void add(const lens_unmatched *row) {
  uint64_t at = 0;
  while (at < sum_count && (sums[at].row.site != row->site || sums[at].row.op != row->op ||
                            sums[at].row.inner != row->inner))
    at++;
  struct sum *sum = &sums[at];
  if (at == sum_count) {
    assert_true(at < ROWS);
    *sum = (struct sum){.row = *row};
    sum->row.count = sum->row.objects = 0;
    sum_count++;
  } else {
    several++;
  }
  sum->row.count += row->count;
  sum->row.objects += row->objects;
  if (row->sureness > sum->row.sureness) sum->row.sureness = row->sureness;
  if (row->other_more > sum->unnamed) sum->unnamed = row->other_more;
  for (uint32_t i = 0; i < row->other_count; i++) {
    assert_true(row->others[i] < SITES);
    sum->others[row->others[i]] = row->others[i] != row->site;
  }
}

static void sum_up(lens *self, const lens_finding *findings, uint64_t count) {
  silent_before += silent_count;
  sum_count = silent_count = 0;
  for (uint64_t i = 0; i < count; i++) {
    lens_track track;
    lens_pairing pairing;
    lens_unmatched rows[16];
    uint64_t written = 0, total = 0;
    lens_status status = lens_track_at(self, findings[i].address, &track);
    if (status == LENS_OK)
      status = lens_pairing_of(self, track.heap, track.serial, 0, NULL, &pairing);
    silent_count += status == LENS_NOT_FOUND;
    if (status == LENS_NOT_FOUND) continue;
    assert_int_equal(status, LENS_OK);
    assert_int_equal(lens_unmatched_rows(self, 16, rows, &written, &total), LENS_OK);
    assert_int_equal(written, total);
    for (uint64_t k = 0; k < written; k++) add(&rows[k]);
  }
}

static void compare(const lens_unmatched *row) {
  uint64_t at = 0;
  while (at < sum_count && (sums[at].row.site != row->site || sums[at].row.op != row->op ||
                            sums[at].row.inner != row->inner))
    at++;
  assert_true(at < sum_count);
  const struct sum *sum = &sums[at];
  assert_int_equal(row->count, sum->row.count);
  assert_int_equal(row->objects, sum->row.objects);
  assert_int_equal(row->sureness, sum->row.sureness);
  uint32_t others = 0;
  for (uint32_t i = 0; i < SITES; i++) others += sum->others[i];
  named_counts[others]++;
  assert_int_equal(row->other_count, others < LENS_OTHERS_MAX ? others : LENS_OTHERS_MAX);
  for (uint32_t i = 0; i < row->other_count; i++) {
    assert_true(sum->others[row->others[i]]);
    for (uint32_t k = 0; k < i; k++) assert_int_not_equal(row->others[i], row->others[k]);
  }
  uint32_t more = others - row->other_count;
  assert_int_equal(row->other_more, more > sum->unnamed ? more : sum->unnamed);
}

/* In this order, by places, operations and who called. */
static int order_of(const lens_unmatched *a, const lens_unmatched *b) {
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  if (a->site != b->site) return a->site < b->site ? -1 : 1;
  return a->op < b->op ? -1 : a->op > b->op;
}

static void look(lens *self, const lens_finding *findings, uint64_t count) {
  static lens_unmatched rows[ROWS];
  uint64_t written, total, silent;
  sum_up(self, findings, count);
  for (int again = 0; again < 2; again++) { /* nothing is counted twice */
    assert_int_equal(lens_blame(self, 0, NULL), LENS_OK);
    assert_int_equal(lens_blame_rows(self, ROWS, rows, &written, &total, &silent), LENS_OK);
    assert_int_equal(written, total);
    assert_int_equal(total, sum_count);
    assert_int_equal(silent, silent_count);
  }
  for (uint64_t i = 0; i < written; i++) compare(&rows[i]);
  for (uint64_t i = 1; i < written; i++) assert_true(order_of(&rows[i - 1], &rows[i]) <= 0);
}

/* Before anything was learned, and after: then other places are to blame. */
static void audit_and_look(void) {
  static lens_finding findings[FINDINGS];
  uint64_t count, total;
  const lens_audit_filter filter = {0};
  lens *self = self_lens();
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, FINDINGS, findings, &count, &total), LENS_OK);
  assert_int_equal(count, total);
  assert_int_equal(lens_pairs_read(self, 0, NULL), LENS_OK);
  look(self, findings, count);
  for (uint64_t i = 0; i < lens_pair_site_count(self); i++)
    assert_int_equal(lens_pair_function_set(self, i, i / 2 + 1, false), LENS_OK);
  assert_int_equal(lens_pairs_learn(self, 0, NULL), LENS_OK);
  look(self, findings, count);
  /* Another audit, another blame. */
  const lens_audit_filter none = {.type_glob = "no such type"};
  uint64_t silent;
  lens_unmatched row;
  assert_int_equal(lens_audit(self, &none, 0, NULL), LENS_OK);
  assert_int_equal(lens_blame_rows(self, 1, &row, &count, &total, &silent), LENS_BAD_ARGUMENT);
  look(self, findings, 0);
  lens_free(self);
}

static void sums_are_those_of_the_objects(void **state) {
  (void)state;
  static struct program program;
  const uint64_t rings[] = {1 << 16, 1 << 11, 64};
  for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
    program_draw(&program, seed);
    program.heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
    assert_non_null(program.heap);
    const cairn_track_options options = {.events = rings[seed % 3]};
    assert_true(cairn_track_start(program.heap, &options));
    program_run(&program, STEPS);
    audit_and_look();
    (void)cairn_heap_destroy(program.heap, NULL);
  }
  print_message("%" PRIu64 " sums of several; places that might be it instead:", several);
  for (int i = 0; i < 12; i++) print_message(" %" PRIu64, named_counts[i]);
  print_message("\n");
  assert_true(several > 100);
  assert_true(silent_before > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_those_of_the_objects)};
  return cmocka_run_group_tests_name("blame", tests, NULL, NULL);
}

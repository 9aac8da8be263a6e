/* The audit and the pairing of events, where memory runs out or is not there: each allocation fails
 * in turn, each read is cancelled, each read finds nothing, each page is missing.  The heap has one
 * bug of each kind, which the test made: references that nobody gave back, a release too many, a
 * freed object that is held.
 */
#include "../runtime/nodes.h"
#include "exhaust.h"

#define PLACE __attribute__((noinline))

enum { HEALTHY = 30, ROWS = 8 };

static struct nodes *nodes;
static struct image *image;
static cairn_object *kept, *tuple; /* what the program holds: roots */
static struct node *lost, *released, *victim, *holder;
static uint64_t lost_serial;

static PLACE void take(cairn_object *object) { (void)cairn_retain(object); }
static PLACE void give_back(cairn_object *object) { cairn_release(object); }

static void keep(struct node *node) {
  assert_true(cairn_list_append(kept, &node->base));
  give_back(&node->base);
}

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  const cairn_track_options options = {
      .sites = true, .backtrace = 2, .events = 1024, .quarantine_bytes = 1 << 16};
  if (!cairn_track_start(nodes->heap, &options)) return 1;
  kept = cairn_list_new(nodes->heap, 0);
  for (int i = 0; i < HEALTHY; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    take(&node->base);
    give_back(&node->base);
    if (i % 2 == 0)
      keep(node);
    else
      give_back(&node->base);
  }
  lost = node_new(nodes, nodes->plain, 100);
  lost_serial = cairn_track_serial(&lost->base);
  take(&lost->base);
  take(&lost->base);
  released = node_new(nodes, nodes->plain, 101);
  tuple = cairn_tuple_new(nodes->heap, 1, (cairn_object *[]){&released->base});
  keep(released);
  give_back(&released->base); /* the bug */
  holder = node_new(nodes, nodes->plain, 102);
  keep(holder);
  victim = node_new(nodes, nodes->plain, 103);
  holder->left = &victim->base; /* without a retain */
  give_back(&victim->base);
  image = image_of_self();
  return 0;
}

static int end(void **state) {
  image_free(image);
  holder->left = NULL;
  take(&released->base);
  for (int i = 0; i < 3; i++) give_back(&lost->base);
  cairn_release(tuple);
  cairn_release(kept);
  return nodes_teardown(state);
}

/* ---- the questions ---- */

static lens_status add_roots(lens *self) {
  lens_roots_clear(self);
  const cairn_object *const held[] = {kept, tuple};
  lens_status status = LENS_OK;
  for (uint64_t i = 0; i < 2 && status == LENS_OK; i++) {
    const lens_root root = {
        .slot_address = 8 + 8 * i, .value = address_of(held[i]), .kind = LENS_ROOT_GLOBAL};
    status = lens_root_add(self, &root);
  }
  return status;
}

static lens_status ask_audit(lens *self) {
  const lens_audit_filter filter = {.type_glob = "*", .guessed = 1};
  lens_finding rows[ROWS];
  uint64_t written, total;
  lens_status status = lens_walk(self, 0, NULL);
  if (status == LENS_OK) status = add_roots(self);
  if (status == LENS_OK) status = lens_audit(self, &filter, 0, NULL);
  return status == LENS_OK ? lens_findings(self, ROWS, rows, &written, &total) : status;
}

static lens_status ask_tracking(lens *self) {
  lens_event events[ROWS];
  lens_site sites[ROWS];
  lens_track track, quarantined[ROWS];
  uint64_t written, total = UINT64_MAX;
  lens_status status =
      lens_events(self, 0, address_of(lost), lost_serial, 0, 0, ROWS, events, &written, &total);
  if (status == LENS_OK) assert_int_not_equal(total, UINT64_MAX); /* no failure is kept back */
  if (status == LENS_OK) status = lens_sites(self, 0, 0, ROWS, sites, &written, &total);
  if (status == LENS_OK) status = lens_track_at(self, address_of(victim), &track);
  return status == LENS_OK ? lens_quarantine(self, 0, 0, ROWS, quarantined, &written, &total)
                           : status;
}

static lens_status ask_pairs(lens *self) {
  lens_pairing pairing;
  lens_deed deeds[ROWS];
  lens_unmatched rows[ROWS];
  uint64_t written, total, silent;
  lens_status status = lens_pairs_read(self, 0, NULL);
  for (uint64_t i = 0; status == LENS_OK && i < lens_pair_site_count(self); i++) {
    lens_pair_site site;
    status = lens_pair_site_get(self, i, &site);
    if (status == LENS_OK) status = lens_pair_function_set(self, i, i / 2 + 1, site.inner);
  }
  if (status == LENS_OK) status = lens_pairs_learn(self, 0, NULL);
  if (status == LENS_OK) status = lens_blame(self, 0, NULL);
  if (status == LENS_OK) status = lens_blame_rows(self, ROWS, rows, &written, &total, &silent);
  if (status == LENS_OK) status = lens_pairing_of(self, 0, lost_serial, 0, NULL, &pairing);
  if (status == LENS_OK) status = lens_deeds(self, 0, ROWS, deeds, &written, &total);
  return status == LENS_OK ? lens_unmatched_rows(self, ROWS, rows, &written, &total) : status;
}

/* Every question once; the first failure ends it.  Asked again, it goes on with the audit that is
 * there: a new one would begin everything anew. */
static lens_status ask(lens *self) {
  lens_audit_totals totals;
  lens_status status = lens_audit_totals_get(self, &totals);
  if (status != LENS_OK) status = ask_audit(self);
  if (status == LENS_OK) status = ask_tracking(self);
  return status == LENS_OK ? ask_pairs(self) : status;
}

/* ---- the truth ---- */

/* References too many of what the program did to an object; 0: its count is right. */
static int64_t true_surplus(uint64_t address) {
  if (address == address_of(lost)) return 3;
  return address == address_of(released) || address == address_of(victim) ? -1 : 0;
}

static void assert_findings(lens *self) {
  lens_audit_totals totals;
  lens_finding rows[ROWS];
  uint64_t written, total;
  assert_int_equal(lens_audit_totals_get(self, &totals), LENS_OK);
  assert_int_equal(totals.over, 1);
  assert_int_equal(totals.under, 2);
  assert_int_equal(totals.freed, 1);
  assert_int_equal(totals.surplus, 3);
  assert_int_equal(totals.deficit, 2);
  assert_int_equal(totals.over_doubtful + totals.under_doubtful + totals.stray, 0);
  assert_int_equal(lens_findings(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 3);
  for (uint64_t i = 0; i < written; i++) {
    assert_int_equal(rows[i].surplus, true_surplus(rows[i].address));
    assert_int_equal(rows[i].doubts, 0);
  }
}

struct left {
  uint64_t allocations, retains, releases;
};

/* By what they are; rows of one kind differ in their callers. */
static struct left sum(const lens_unmatched *rows, uint64_t count) {
  struct left left = {0};
  for (uint64_t i = 0; i < count; i++) {
    left.allocations += rows[i].op == LENS_EVENT_ALLOCATE ? rows[i].count : 0;
    left.retains += rows[i].op == LENS_EVENT_RETAIN ? rows[i].count : 0;
    left.releases += rows[i].op == LENS_EVENT_RELEASE ? rows[i].count : 0;
  }
  return left;
}

/* Of the object that was lost one allocation and two retains; of the other two a release. */
static void assert_answered(lens *self) {
  assert_findings(self);
  lens_unmatched rows[ROWS];
  uint64_t written, total, silent;
  assert_int_equal(lens_unmatched_rows(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) assert_int_equal(rows[i].sureness, LENS_CERTAIN);
  struct left left = sum(rows, written);
  assert_int_equal(left.allocations, 1);
  assert_int_equal(left.retains, 2);
  assert_int_equal(left.releases, 0);
  assert_int_equal(lens_blame_rows(self, ROWS, rows, &written, &total, &silent), LENS_OK);
  assert_int_equal(written, total);
  assert_int_equal(silent, 0);
  left = sum(rows, written);
  assert_int_equal(left.retains, 2);
  assert_true(left.releases >= 1);
}

/* Where a part can't be read: nothing is certain that is not so. */
static void assert_careful(lens *self) {
  lens_finding rows[64];
  uint64_t written, total;
  assert_int_equal(lens_findings(self, 64, rows, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    if (rows[i].doubts == 0) assert_int_equal(rows[i].surplus, true_surplus(rows[i].address));
  }
}

static void each_allocation_fails(void **state) {
  (void)state;
  assert_true(exhaust_allocations(image, ask, assert_answered) > 40);
}

static void each_read_cancels(void **state) {
  (void)state;
  assert_true(exhaust_cancel(image, ask, assert_answered) > 2);
}

static void each_read_finds_nothing(void **state) {
  (void)state;
  assert_true(exhaust_reads(image, ask, assert_careful, assert_answered) > 2);
}

/* What can't be read, objects or their buffers, explains what it might. */
static void audit_with_hole(uint64_t hole) {
  struct image *torn = image_of_self();
  exhaust_cut(torn, hole);
  lens *self = exhaust_lens(torn);
  assert_int_equal(ask_audit(self), LENS_OK);
  assert_careful(self);
  lens_free(self);
  image_free(torn);
}

/* Each page of the kernel's that has blocks in use is not there, for good. */
static void each_page_is_a_hole(void **state) {
  (void)state;
  lens *whole = exhaust_lens(image);
  uint64_t holes = 0;
  for (size_t i = 0; i < whole->model.arena_count; i++) {
    const struct lens_arena_model *arena = &whole->model.arenas[i];
    for (uint64_t k = 0; k < arena->shown.page_count; k++) {
      const struct lens_page_model *page = &arena->pages[k];
      if (page->kind != LENS_PAGE_BLOCKS) continue;
      uint64_t start = arena->shown.address + k * arena->shown.page_bytes;
      uint64_t end = start + (uint64_t)page->fresh * page->block_bytes;
      for (uint64_t hole = start; hole < end; hole += LENS_GRAIN_BYTES, holes++)
        audit_with_hole(hole);
    }
  }
  lens_free(whole);
  assert_true(holes > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_fails), cmocka_unit_test(each_read_cancels),
      cmocka_unit_test(each_read_finds_nothing), cmocka_unit_test(each_page_is_a_hole)};
  return cmocka_run_group_tests_name("lens exhaust audit", tests, begin, end);
}

/* Which findings the audit counts and in which order it tells them: by type, by how sure they are,
 * by references, by bytes, by address; and that another filter on the same lens begins anew.
 *
 * Roots there are none here: what is over-retained is so by all that nobody gave back.
 */
#include "../runtime/nodes.h"
#include "self.h"

enum { ROWS = 16, MANY = 1 << 24 };

static lens *look(void) {
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  return self;
}

static uint64_t audited(lens *self, lens_audit_filter filter, lens_finding *rows,
                        lens_audit_totals *totals) {
  uint64_t written = 0, total = 0;
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_audit_totals_get(self, totals), LENS_OK);
  assert_int_equal(lens_findings(self, ROWS, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  assert_int_equal(total, totals->findings);
  return written;
}

/* ---- by type ---- */

/* The text of a filter is the caller's to change. */
static void assert_filtered(lens *self, const char *type_glob, uint64_t findings, uint64_t first) {
  char text[16] = "";
  lens_finding rows[ROWS];
  lens_audit_totals totals;
  if (type_glob != NULL) memcpy(text, type_glob, strlen(type_glob) + 1);
  const lens_audit_filter filter = {.type_glob = type_glob == NULL ? NULL : text};
  assert_int_equal(audited(self, filter, rows, &totals), findings);
  assert_int_equal(totals.over, findings);
  if (findings != 0) assert_int_equal(rows[0].address, first);
  memset(text, '?', sizeof text - 1);
}

static void a_filter_is_a_new_audit(void **state) {
  struct nodes *nodes = *state;
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_object *number = cairn_float_new(nodes->heap, 1.5);
  lens *self = look();
  uint64_t larger = address_of(node), smaller = address_of(number);
  const struct {
    const char *glob;
    uint64_t findings, first;
  } asked[] = {{NULL, 2, larger},     {"node", 1, larger}, {"float", 1, smaller},
               {"list", 0, 0},        {NULL, 2, larger},   {NULL, 2, larger},
               {"fl*", 1, smaller},   {"no?e", 1, larger}, {"no?e", 1, larger},
               {"float", 1, smaller}, {"*", 2, larger}};
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
    assert_filtered(self, asked[i].glob, asked[i].findings, asked[i].first);
  lens_free(self);
  cairn_release(&node->base);
  cairn_release(number);
}

/* Of a freed object no type is known, so no pattern names it. */
static void what_has_no_type_has_no_name(void **state) {
  struct nodes *nodes = *state;
  struct node *holder = node_new(nodes, nodes->plain, 1), *gone = node_new(nodes, nodes->plain, 2);
  holder->left = &gone->base; /* without a retain */
  cairn_release(&gone->base);
  lens *self = look();
  lens_finding rows[ROWS];
  lens_audit_totals totals;
  (void)audited(self, (lens_audit_filter){0}, rows, &totals);
  assert_int_equal(totals.freed, 1);
  assert_int_equal(totals.findings, 2);
  (void)audited(self, (lens_audit_filter){.type_glob = "*"}, rows, &totals);
  assert_int_equal(totals.freed, 0);
  assert_int_equal(totals.findings, 1);
  assert_int_equal(rows[0].address, address_of(holder));
  lens_free(self);
  holder->left = NULL;
  cairn_release(&holder->base);
}

/* ---- the order ---- */

static void assert_order(lens *self, lens_audit_filter filter, cairn_object *const *expected,
                         uint64_t count) {
  lens_finding rows[ROWS];
  lens_audit_totals totals;
  assert_int_equal(audited(self, filter, rows, &totals), count);
  for (uint64_t i = 0; i < count; i++) assert_int_equal(rows[i].address, address_of(expected[i]));
}

/* More references first, however many; of as many the larger; of as large the lower address. */
static void the_worst_stand_first(void **state) {
  struct nodes *nodes = *state;
  struct node *low = node_new(nodes, nodes->plain, 1), *high = node_new(nodes, nodes->plain, 2);
  cairn_object *number = cairn_float_new(nodes->heap, 1.5);
  cairn_object *many = cairn_float_new(nodes->heap, 2.5);
  struct node *more = node_new(nodes, nodes->plain, 3);
  if (low > high) {
    struct node *kept = low;
    low = high;
    high = kept;
  }
  many->header += 2 * MANY;
  more->base.header += MANY + 1; /* past what the order tells apart: the larger is first */
  lens *self = look();
  cairn_object *const worst[] = {&more->base, many, &low->base, &high->base, number};
  for (uint32_t doubtful = 0; doubtful < 2; doubtful++)
    assert_order(self, (lens_audit_filter){.roots_missing = doubtful}, worst, 5);
  lens_free(self);
  many->header -= 2 * MANY;
  more->base.header -= MANY + 1;
  const cairn_object *all[] = {&low->base, &high->base, number, many, &more->base};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) cairn_release((cairn_object *)all[i]);
}

/* ---- doubts ---- */

/* The sums of what is certain have nothing of what is in doubt. */
static void doubtful_ones_are_counted_apart(void **state) {
  struct nodes *nodes = *state;
  struct node *over = node_new(nodes, nodes->plain, 1), *under = node_new(nodes, nodes->plain, 2);
  over->left = &under->base;
  over->right = &under->base; /* without a retain */
  const struct {
    uint32_t flux, exactness;
    uint64_t certain;
  } heaps[] = {{CAIRN_FLUX_NONE, LENS_CONFIDENCE_EXACT, 1},
               {200, LENS_CONFIDENCE_TOLERANT, 0}}; /* a state that no reader knows */
  for (size_t i = 0; i < sizeof heaps / sizeof heaps[0]; i++) {
    nodes->heap->flux = heaps[i].flux;
    lens *self = look();
    lens_finding rows[ROWS];
    lens_audit_totals totals;
    assert_int_equal(audited(self, (lens_audit_filter){0}, rows, &totals), 2);
    assert_int_equal(totals.exactness, heaps[i].exactness);
    assert_int_equal(totals.over, heaps[i].certain);
    assert_int_equal(totals.under, heaps[i].certain);
    assert_int_equal(totals.surplus, heaps[i].certain);
    assert_int_equal(totals.deficit, heaps[i].certain);
    assert_int_equal(totals.over_doubtful, 1 - heaps[i].certain);
    assert_int_equal(totals.under_doubtful, 1 - heaps[i].certain);
    lens_free(self);
  }
  nodes->heap->flux = CAIRN_FLUX_NONE;
  over->right = NULL;
  cairn_release(&over->base);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_filter_is_a_new_audit), TEST(what_has_no_type_has_no_name),
      TEST(the_worst_stand_first), TEST(doubtful_ones_are_counted_apart)};
  return cmocka_run_group_tests_name("filters and order of the audit", tests, NULL, NULL);
}

/* A list whose elements are moving: counts that are too low are doubted of the list, of what it
 * holds and of what a word of its buffer names, beyond the counted part too; and of nothing else.
 */
#include "../runtime/nodes.h"
#include "self.h"

enum { HELD = 700, ELSEWHERE = 90, ROOM = 1500, ROWS = 1000 };

/* `all` holds everything twice, and each count is set to 1: a reference too few. */
static struct nodes *nodes;
static cairn_object *moving, *still, *all, *beyond;
static uint64_t headers[ROWS];

static cairn_object *short_of_one(int64_t id, cairn_object *list) {
  cairn_object *object =
      list == NULL ? cairn_list_new(nodes->heap, ROOM) : &node_new(nodes, nodes->plain, id)->base;
  assert_non_null(object);
  assert_true(cairn_list_append(all, object) && cairn_list_append(all, object));
  if (list != NULL) assert_true(cairn_list_append(list, object));
  cairn_release(object);
  return object;
}

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  all = cairn_list_new(nodes->heap, 0);
  moving = short_of_one(0, NULL);
  still = short_of_one(0, NULL);
  for (int64_t i = 0; i < HELD; i++) (void)short_of_one(i, moving);
  for (int64_t i = 0; i < ELSEWHERE; i++) (void)short_of_one(i, still);
  beyond = cairn_list_get(still, 7);
  /* An element that was shifted out of the counted part and not yet in again. */
  size_t count;
  cairn_object **items = (cairn_object **)(uintptr_t)cairn_list_items(moving, &count);
  items[ROOM - 1] = beyond;
  for (size_t i = 0; i < cairn_list_count(all); i += 2) {
    cairn_object *object = cairn_list_get(all, i);
    headers[i / 2] = object->header;
    object->header -= cairn_refcount(object) - 1;
  }
  return 0;
}

static int end(void **state) {
  for (size_t i = 0; i < cairn_list_count(all); i += 2)
    cairn_list_get(all, i)->header = headers[i / 2];
  cairn_release(all);
  return nodes_teardown(state);
}

static bool is_in(cairn_object *list, uint64_t address) {
  for (size_t i = 0; i < cairn_list_count(list); i++) {
    if (address_of(cairn_list_get(list, i)) == address) return true;
  }
  return false;
}

static void expect(cairn_object *in_flux) {
  static lens_finding rows[ROWS];
  const lens_audit_filter filter = {0};
  uint64_t written = 0, total = 0;
  nodes->heap->flux = in_flux == NULL ? CAIRN_FLUX_NONE : CAIRN_FLUX_RESIZE;
  nodes->heap->flux_object = in_flux;
  lens *self = self_lens();
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, ROWS, rows, &written, &total), LENS_OK);
  uint64_t under = 0, doubted = 0;
  for (uint64_t i = 0; i < written; i++) {
    if (rows[i].verdict != LENS_UNDER_RETAINED) continue; /* `all`, which no root holds */
    bool moves = in_flux != NULL &&
                 (rows[i].address == address_of(in_flux) || is_in(in_flux, rows[i].address));
    if (in_flux == moving) moves |= rows[i].address == address_of(beyond);
    assert_int_equal(rows[i].doubts, moves ? LENS_DOUBT_FLUX : 0);
    under++;
    doubted += moves;
  }
  assert_int_equal(under, HELD + ELSEWHERE + 2);
  uint64_t expected = in_flux == NULL ? 0 : in_flux == moving ? HELD + 2 : ELSEWHERE + 1;
  assert_int_equal(doubted, expected);
  lens_free(self);
  nodes->heap->flux = CAIRN_FLUX_NONE;
  nodes->heap->flux_object = NULL;
}

static void what_moves_is_doubted(void **state) {
  (void)state;
  expect(NULL);
  expect(moving);
  expect(still);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_moves_is_doubted, begin, end)};
  return cmocka_run_group_tests_name("moving", tests, NULL, NULL);
}

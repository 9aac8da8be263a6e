/* Known pairs: references of which the target says who kept them. */
#include "pairing.h"

static cairn_object *text;
static uint64_t serial;

static void begin(void **state) {
  nodes = *state;
  track(1024);
  text = cairn_str_from(nodes->heap, "a stone");
  serial = cairn_track_serial(text);
}

/* Deed `index` goes with deed `partner`, and that is a fact, or else is not said to be one. */
static void assert_pair(lens *self, uint64_t index, uint64_t partner, bool known) {
  lens_deed deed = deed_at(self, index), other = deed_at(self, partner);
  assert_int_equal(deed.partner, other.sequence);
  assert_int_equal(other.partner, deed.sequence);
  assert_int_equal(deed.fate, LENS_FATE_PAIRED);
  assert_int_equal(deed.known, known);
  assert_int_equal(other.known, known);
  if (known) assert_int_equal(deed.guessed + other.guessed, 0);
}

static void end(lens *self) {
  lens_free(self);
  cairn_release(text);
}

/* Three containers, given back in no order that calls would have: nobody has to guess. */
static void test_each_holder_gives_back_its_own(void **state) {
  begin(state);
  cairn_object *lists[3], *variable = NULL;
  for (int i = 0; i < 3; i++) lists[i] = cairn_list_new(nodes->heap, 1);
  for (int i = 0; i < 3; i++) assert_true(cairn_list_append(lists[i], text)); /* 1 to 3 */
  cairn_assign(&variable, text);                                              /* 4 */
  struct node *node = node_new(nodes, nodes->plain, 1);
  cairn_assign(&node->left, text); /* 5 */
  cairn_release(lists[1]);         /* 6 */
  cairn_clear(&variable);          /* 7 */
  cairn_list_clear(lists[0]);      /* 8 */
  cairn_release(&node->base);      /* 9: the slot dies with its object */
  lens *self = self_lens();
  (void)pair_up(self, text, serial, 1);
  assert_pair(self, 1, 8, true);
  assert_pair(self, 2, 6, true);
  assert_pair(self, 4, 7, true);
  assert_pair(self, 5, 9, true);
  lens_deed held = deed_at(self, 3);
  assert_int_equal(held.fate, LENS_FATE_HELD);
  assert_int_equal(held.known, 1);
  assert_int_equal(held.holder, address_of(lists[2]));
  assert_int_equal(deed_at(self, 0).fate, LENS_FATE_ROOT);
  assert_int_equal(deed_at(self, 0).known, 0);
  cairn_release(lists[0]);
  cairn_release(lists[2]);
  end(self);
}

/* One line stores into a slot of the program's, and another into one of a list; the program forgets
 * its own.  What each did is known, so the lens need not have seen other objects. */
static void test_what_is_left_over_is_the_other(void **state) {
  begin(state);
  cairn_object *list = cairn_list_new(nodes->heap, 1);
  assert_true(cairn_list_append(list, text)); /* 1 */
  cairn_retain(text);                         /* 2: forgotten */
  cairn_release(list);                        /* 3 */
  cairn_retain(text);                         /* 4 */
  cairn_release(text);                        /* 5 */
  lens *self = self_lens();
  (void)pair_up(self, text, serial, 1);
  assert_pair(self, 1, 3, true);
  lens_unmatched rows[4];
  uint64_t written, total;
  assert_int_equal(lens_unmatched_rows(self, 4, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 1);
  assert_int_equal(rows[0].count, 1);
  assert_int_equal(rows[0].inner, 0);
  lens_free(self);
  cairn_release(text);
  cairn_release(text);
}

/* What was popped is the program's, without an event.  Of two places that put it there either may
 * have been popped: neither is called a fact. */
static void test_one_that_went_elsewhere(void **state) {
  begin(state);
  cairn_object *list = cairn_list_new(nodes->heap, 4);
  assert_true(cairn_list_append(list, text)); /* 1 */
  assert_true(cairn_list_insert(list, 0, text));
  cairn_release(cairn_list_pop(list)); /* 3 */
  cairn_list_clear(list);              /* 4 */
  lens *self = self_lens();
  (void)pair_up(self, text, serial, 1);
  for (uint64_t i = 1; i <= 4; i++) {
    assert_int_equal(deed_at(self, i).fate, LENS_FATE_PAIRED);
    assert_int_equal(deed_at(self, i).known, 0);
  }
  lens_free(self);
  /* Of one place it does not matter. */
  cairn_object *other = text;
  begin(state);
  for (int i = 0; i < 2; i++) assert_true(cairn_list_append(list, text)); /* 1, 2 */
  cairn_release(cairn_list_pop(list));                                    /* 3 */
  cairn_list_clear(list);                                                 /* 4 */
  self = self_lens();
  (void)pair_up(self, text, serial, 1);
  assert_pair(self, 2, 4, true);
  assert_pair(self, 1, 3, false);
  cairn_release(list);
  cairn_release(other);
  end(self);
}

/* Popped, released, taken anew and given to the same list: the two events of the list would leave a
 * release before its take.  So they are no facts. */
static void test_one_that_came_back(void **state) {
  begin(state);
  cairn_object *list = cairn_list_new(nodes->heap, 4), *cell = cairn_cell_new(nodes->heap, text);
  assert_true(cairn_list_append(list, text)); /* 2 */
  cairn_release(text);                        /* 3: of 0 */
  cairn_release(cairn_list_pop(list));        /* 4: of 2 */
  cairn_retain(text);                         /* 5 */
  assert_true(cairn_list_give(list, text));
  cairn_list_clear(list); /* 6: of 5 */
  lens *self = self_lens();
  (void)pair_up(self, text, serial, 0);
  for (uint64_t i = 0; i <= 6; i++) {
    lens_deed deed = deed_at(self, i);
    assert_int_equal(deed.known, 0);
    if (deed.op == LENS_EVENT_RELEASE) assert_true(deed.partner < deed.sequence);
  }
  lens_free(self);
  cairn_release(cell);
  cairn_release(list);
}

/* What was taken before the ring's first event is given back by somebody. */
static void test_the_take_is_overwritten(void **state) {
  nodes = *state;
  text = cairn_str_from(nodes->heap, "a stone");
  track(16);
  serial = cairn_track_serial(text);
  cairn_object *list = cairn_list_new(nodes->heap, 1);
  assert_true(cairn_list_append(list, text));
  for (int i = 0; i < 20; i++) cairn_release(cairn_retain(text));
  cairn_list_clear(list);
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, text, serial, 1);
  lens_deed last = deed_at(self, pairing.deed_count - 1);
  assert_int_equal(last.holder, address_of(list));
  assert_int_equal(last.known, 0);
  assert_int_equal(last.fate, LENS_FATE_LOST);
  cairn_release(list);
  end(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, nodes_setup, nodes_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_holder_gives_back_its_own), TEST(what_is_left_over_is_the_other),
      TEST(one_that_went_elsewhere),        TEST(one_that_came_back),
      TEST(the_take_is_overwritten),
  };
  return cmocka_run_group_tests_name("known pairs", tests, NULL, NULL);
}

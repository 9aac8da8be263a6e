/* Pairing: what the lens says of who forgot what, where the program knows it: places that take and
 * give back, called as often as the test says. */
#include "pairing.h"

static PLACE void take(cairn_object *object) { (void)cairn_retain(object); }
static PLACE void give_back(cairn_object *object) { cairn_release(object); }

static lens_unmatched only_row(lens *self) {
  lens_unmatched row;
  uint64_t written, total;
  assert_int_equal(lens_unmatched_rows(self, 1, &row, &written, &total), LENS_OK);
  assert_int_equal(total, 1);
  return row;
}

/* The lines of this file, as return addresses: noted by running them once. */
static uint64_t caller_of(lens *self, uint64_t sequence) {
  lens_event events[512];
  uint64_t written, total;
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, 512, events, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    if (events[i].sequence == sequence) return events[i].caller;
  }
  fail_msg("no event %" PRIu64, sequence);
  return 0;
}

static uint64_t place_of(lens *self, uint32_t site) {
  lens_pair_site place;
  assert_int_equal(lens_pair_site_get(self, site, &place), LENS_OK);
  return place.caller;
}

/* One retain of three is not given back. */
static void test_a_missing_release(void **state) {
  nodes = *state;
  track(1024);
  struct node *healthy[20];
  for (int i = 0; i < 20; i++) {
    healthy[i] = node_new(nodes, nodes->plain, i);
    if (i % 2 == 0) { /* not all: else either take may be the one that is given back first */
      take(&healthy[i]->base);
      give_back(&healthy[i]->base);
    }
    cairn_release(&healthy[i]->base);
  }
  struct node *node = node_new(nodes, nodes->plain, 99); /* event n */
  uint64_t serial = cairn_track_serial(&node->base);
  take(&node->base);
  give_back(&node->base);
  take(&node->base); /* n + 3: nobody gives this one back */
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, serial, 1);
  assert_int_equal(pairing.deed_count, 4);
  assert_int_equal(pairing.lost_refs, 0);
  assert_int_equal(pairing.gaps + pairing.cut + pairing.freed, 0);
  lens_deed deeds[8];
  uint64_t written, total;
  assert_int_equal(lens_deeds(self, 0, 8, deeds, &written, &total), LENS_OK);
  assert_int_equal(written, 4);
  lens_unmatched left = only_row(self);
  assert_int_equal(left.count, 1);
  /* A slot is said to hold one: the allocation or a retain, that is all one to the lens. */
  assert_true(left.op == LENS_EVENT_RETAIN || left.op == LENS_EVENT_ALLOCATE);
  assert_int_equal(place_of(self, left.site),
                   caller_of(self, deeds[left.op == LENS_EVENT_RETAIN ? 1 : 0].sequence));
  assert_int_equal(deeds[2].fate, LENS_FATE_PAIRED);
  /* Nothing holds it: both are left over. */
  (void)pair_up(self, node, serial, 0);
  lens_unmatched rows[4];
  assert_int_equal(lens_unmatched_rows(self, 4, rows, &written, &total), LENS_OK);
  assert_int_equal(total, 2);
  assert_int_equal(rows[0].count + rows[1].count, 2);
  /* Two of three are left over: at least one of the two retains of one place must be. */
  assert_int_equal(rows[0].op, LENS_EVENT_ALLOCATE);
  assert_int_equal(rows[0].sureness, LENS_LIKELY);
  assert_int_equal(rows[1].op, LENS_EVENT_RETAIN);
  assert_int_equal(rows[1].sureness, LENS_CERTAIN);
  lens_free(self);
  cairn_release(&node->base);
  cairn_release(&node->base);
}

static PLACE void give_back_elsewhere(cairn_object *object) { cairn_release(object); }

/* Two take, then two give back, in all objects alike: which goes with which nobody knows, and no
 * pair is told as if one did.  Where in half of them one takes and one gives back, it is known. */
static void test_a_pair_that_is_guessed(void **state) {
  nodes = *state;
  for (int known = 0; known < 2; known++) {
    track(4096);
    struct node *node[40];
    uint64_t serial = 0;
    for (int i = 0; i < 40; i++) {
      node[i] = node_new(nodes, nodes->plain, i);
      serial = cairn_track_serial(&node[i]->base);
      bool alone = known != 0 && i % 2 == 0;
      if (!alone) take(&node[i]->base);
      give_back_elsewhere(&node[i]->base);
      if (!alone) give_back(&node[i]->base);
    }
    lens *self = self_lens();
    (void)pair_up(self, node[39], serial, 0);
    lens_deed released = deed_at(self, 2);
    assert_int_equal(released.op, LENS_EVENT_RELEASE);
    assert_int_equal(released.fate, LENS_FATE_PAIRED);
    assert_int_equal(released.guessed, known == 0);
    lens_free(self);
    cairn_track_stop(nodes->heap);
  }
}

static PLACE void take_within(cairn_object *object) { (void)cairn_retain(object); }

static PLACE void use_within(cairn_object *object, bool forget) {
  take_within(object);
  if (!forget) give_back(object);
  CAIRN_NO_JUMP();
}

static PLACE void use(cairn_object *object, bool more) {
  take(object);
  if (more) use_within(object, true);
  give_back(object);
  CAIRN_NO_JUMP();
}

/* The last take is the one that is left over, though the release comes right behind it: the stack
 * tells that the release is that of the function further out. */
static void test_the_stack_tells(void **state) {
  nodes = *state;
  track(4096);
  struct node *node = NULL;
  for (int i = 0; i <= 40; i++) { /* the last one is not healthy */
    node = node_new(nodes, nodes->plain, i);
    if (i % 2 == 0) use(&node->base, i == 40);
    if (i % 2 != 0) use_within(&node->base, false);
    give_back_elsewhere(&node->base);
  }
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, cairn_track_serial(&node->base), 0);
  assert_int_equal(pairing.deed_count, 5);
  lens_unmatched left = only_row(self);
  assert_int_equal(place_of(self, left.site), caller_of(self, deed_at(self, 2).sequence));
  assert_int_equal(deed_at(self, 3).partner, deed_at(self, 1).sequence);
  lens_free(self);
  cairn_release(&node->base);
}

static void test_only_an_allocation(void **state) {
  nodes = *state;
  track(64);
  struct node *node = node_new(nodes, nodes->plain, 1);
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, cairn_track_serial(&node->base), 0);
  assert_int_equal(pairing.unmatched_count, 1);
  lens_unmatched left = only_row(self);
  assert_int_equal(left.op, LENS_EVENT_ALLOCATE);
  assert_int_equal(left.sureness, LENS_CERTAIN);
  /* Held: nothing is left over. */
  assert_int_equal(pair_up(self, node, cairn_track_serial(&node->base), 1).unmatched_count, 0);
  lens_free(self);
  cairn_release(&node->base);
}

/* Two slots, a count of one. */
static void test_a_release_too_many(void **state) {
  nodes = *state;
  track(1024);
  struct node *node = node_new(nodes, nodes->plain, 1);
  struct node *holder = node_new(nodes, nodes->plain, 2);
  cairn_object *list = cairn_list_new(nodes->heap, 0);
  uint64_t serial = cairn_track_serial(&node->base);
  assert_true(cairn_list_insert(list, 0, &node->base));
  cairn_object *tuple = cairn_tuple_new(nodes->heap, 1, (cairn_object *[]){&node->base});
  cairn_release(&node->base); /* the maker's */
  give_back(&node->base);     /* the bug */
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, serial, 0);
  assert_int_equal(pairing.unmatched_count, 1);
  lens_unmatched left = only_row(self);
  assert_int_equal(left.op, LENS_EVENT_RELEASE);
  assert_int_equal(left.inner, 0);
  assert_int_equal(left.count, 1);
  lens_deed deeds[8];
  uint64_t written, total;
  assert_int_equal(lens_deeds(self, 0, 8, deeds, &written, &total), LENS_OK);
  assert_int_equal(written, 5);
  assert_int_equal(deeds[1].inner, 1);
  assert_int_equal(deeds[1].fate, LENS_FATE_HELD);
  assert_int_equal(deeds[2].fate, LENS_FATE_HELD);
  lens_free(self);
  (void)cairn_retain(&node->base);
  cairn_release(list);
  cairn_release(tuple);
  cairn_release(&holder->base);
}

/* What was overwritten is counted, and nothing is certain then. */
static void ignore_misuse(cairn_heap *heap, const cairn_misuse_report *report, void *context) {
  (void)heap;
  (void)report;
  (void)context;
}

/* Makers release what they made; in one object give_back does so once too often, and the maker
 * finds it dead.  The maker is caught; what is accused is give_back. */
static void test_a_caught_release(void **state) {
  nodes = *state;
  const cairn_track_options options = {
      .events = 1024, .quarantine_bytes = 1 << 20, .misuse = ignore_misuse};
  assert_true(cairn_track_start(nodes->heap, &options));
  const void *victim = NULL;
  uint64_t serial = 0;
  for (int i = 0; i < 30; i++) {
    struct node *node = node_new(nodes, nodes->plain, i);
    take(&node->base);
    if (i == 20) {
      victim = node;
      serial = cairn_track_serial(&node->base);
      give_back(&node->base);
    }
    give_back(&node->base);
    cairn_release(&node->base);
  }
  lens *self = self_lens();
  lens_tracking tracking;
  assert_int_equal(lens_tracking_get(self, 0, &tracking), LENS_OK);
  assert_int_equal(tracking.misuse_count, 1);
  lens_pairing pairing = pair_up(self, victim, serial, 0);
  assert_int_equal(pairing.deed_count, 6); /* allocate, take, two releases, free; caught */
  assert_int_equal(pairing.freed, 1);
  assert_int_equal(pairing.gaps, 0);
  assert_int_equal(pairing.lost_refs, 0);
  lens_unmatched row = only_row(self);
  assert_int_equal(row.op, LENS_EVENT_RELEASE);
  assert_int_equal(row.count, 1);
  assert_int_not_equal(row.sureness, LENS_CERTAIN);
  lens_deed deeds[8];
  uint64_t written, total;
  assert_int_equal(lens_deeds(self, 0, 8, deeds, &written, &total), LENS_OK);
  assert_int_equal(total, 6);
  assert_int_equal(place_of(self, row.site), place_of(self, deeds[2].site));
  lens_free(self);
}

/* The ring kept nothing but that the object was found dead: nobody is accused as if that were
 * certain. */
static void test_a_caught_release_alone(void **state) {
  nodes = *state;
  const cairn_track_options options = {
      .events = 4, .quarantine_bytes = 1 << 20, .misuse = ignore_misuse};
  assert_true(cairn_track_start(nodes->heap, &options));
  struct node *node = node_new(nodes, nodes->plain, 1);
  uint64_t serial = cairn_track_serial(&node->base);
  cairn_release(&node->base);
  for (int i = 0; i < 4; i++) cairn_release(&node_new(nodes, nodes->plain, i)->base);
  cairn_release(&node->base);
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, serial, 0);
  assert_int_equal(pairing.deed_count, 1);
  assert_int_equal(pairing.freed, 1);
  assert_int_equal(pairing.gaps, 1);
  assert_int_equal(only_row(self).sureness, LENS_POSSIBLE);
  lens_free(self);
}

static void test_a_ring_that_wrapped(void **state) {
  nodes = *state;
  track(16);
  struct node *node = node_new(nodes, nodes->plain, 1);
  uint64_t serial = cairn_track_serial(&node->base);
  for (int i = 0; i < 30; i++) take(&node->base);
  give_back(&node->base);
  lens *self = self_lens();
  lens_pairing pairing = pair_up(self, node, serial, 0);
  assert_int_equal(pairing.deed_count, 16);
  assert_int_equal(pairing.lost_refs, 16); /* 31 were taken, 15 of them are left */
  lens_unmatched rows[4];
  uint64_t written, total, count = 0;
  assert_int_equal(lens_unmatched_rows(self, 4, rows, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written; i++) {
    count += rows[i].count;
    assert_int_not_equal(rows[i].sureness, LENS_CERTAIN);
  }
  assert_int_equal(count, 30);
  lens_free(self);
  for (int i = 0; i < 30; i++) cairn_release(&node->base);
}

static void test_no_events(void **state) {
  nodes = *state;
  lens *self = self_lens();
  assert_int_equal(lens_pairs_read(self, 0, NULL), LENS_NOT_FOUND);
  assert_int_equal(lens_pairs_learn(self, 0, NULL), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_blame(self, 0, NULL), LENS_BAD_ARGUMENT);
  lens_pairing pairing;
  assert_int_equal(lens_pairing_of(self, 0, 1, 0, NULL, &pairing), LENS_BAD_ARGUMENT);
  lens_free(self);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nodes_setup, nodes_teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_a_missing_release),   TEST(test_a_pair_that_is_guessed),
      TEST(test_only_an_allocation),  TEST(test_a_release_too_many),
      TEST(test_a_caught_release),    TEST(test_a_caught_release_alone),
      TEST(test_a_ring_that_wrapped), TEST(test_no_events),
      TEST(test_the_stack_tells),
  };
  return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}

/* What the tests of pairing share: the events of objects of this process, paired by the lens. */
#ifndef CAIRN_TESTS_PAIRING_H
#define CAIRN_TESTS_PAIRING_H

#include "../runtime/nodes.h"
#include "self.h"

#define PLACE __attribute__((noinline))

static struct nodes *nodes;

static const void *places[8]; /* that hold objects, outside the heap: only their addresses count */

/* What the lens knows of one object that `held` places hold. */
static inline lens_pairing pair_up(lens *self, const void *object, uint64_t serial, uint64_t held) {
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  lens_roots_clear(self);
  for (uint64_t i = 0; i < held; i++) {
    const lens_root root = {.slot_address = address_of(&places[i]),
                            .value = address_of(object),
                            .kind = LENS_ROOT_GLOBAL};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
  assert_int_equal(lens_account_all(self, 0, NULL), LENS_OK);
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_pairs_read(self, 1, NULL);
  assert_int_equal(status, LENS_OK);
  /* Each place in a function of its own: how close by they are depends on the compiler. */
  lens_pair_site place;
  for (uint64_t i = 0; lens_pair_site_get(self, i, &place) == LENS_OK; i++) {
    assert_int_equal(lens_pair_function_set(self, i, i + 1, place.inner), LENS_OK);
  }
  status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_pairs_learn(self, 1, NULL);
  assert_int_equal(status, LENS_OK);
  lens_pairing pairing;
  assert_int_equal(lens_pairing_of(self, 0, serial, 0, NULL, &pairing), LENS_OK);
  assert_int_equal(pairing.object, address_of(object));
  return pairing;
}

static inline void track(uint64_t events) {
  const cairn_track_options options = {.events = events};
  assert_true(cairn_track_start(nodes->heap, &options));
}

static inline lens_deed deed_at(lens *self, uint64_t index) {
  lens_deed deed;
  uint64_t written, total;
  assert_int_equal(lens_deeds(self, index, 1, &deed, &written, &total), LENS_OK);
  assert_int_equal(written, 1);
  return deed;
}

#endif

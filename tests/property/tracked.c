/* What the lens says of tracked heaps against a ledger: the sites of all objects, the events of
 * each, what is left over of its pairs, and what may be called certain.
 *
 *   property_tracked [HEAPS [SEED]]
 *
 * Small random heaps of this process.  Functions of the program (`places`) make lists, retain and
 * release them, put them into a container and pull them out; now and then one forgets a release or
 * makes one too many.  The ledger is written beside, from what was drawn alone.  Which reference
 * was forgotten nobody can tell from events in general, so certainty is judged by trying: every
 * choice of culprits that leaves each release a retain before it must have the place among them.
 */
#include "../random.h"
#include "../unit/chain/self.h"
#include "cairn/cairn.h"

#include <stdlib.h>

extern const char cairn_contract_root[];

static uint64_t wanted = 5000, first_seed = 1;

enum { PLACES = 6, OBJECTS = 10, EVENTS_MAX = 512, OWNED_MAX = 64, TRIED_MAX = 12, STEPS = 90 };
enum deed { MAKE, TAKE, GIVE, PUT, PULL };

#define PLACE(n)                                                                    \
  __attribute__((noinline)) static cairn_object *place_##n(                         \
      enum deed deed, cairn_heap *heap, cairn_object *object, cairn_object *list) { \
    if (deed == MAKE) object = cairn_list_new(heap, 0);                             \
    if (deed == TAKE) (void)cairn_retain(object);                                   \
    if (deed == GIVE) cairn_release(object);                                        \
    if (deed == PUT) assert_true(cairn_list_append(list, object));                  \
    if (deed == PULL) assert_true(cairn_list_remove(list, 0));                      \
    __asm__ volatile("" : "+r"(object));                                            \
    return object;                                                                  \
  }
PLACE(0)
PLACE(1)
PLACE(2)
PLACE(3)
PLACE(4)
PLACE(5)
static cairn_object *(*const places[])(enum deed, cairn_heap *, cairn_object *, cairn_object *) = {
    place_0, place_1, place_2, place_3, place_4, place_5};

/* ---- the ledger ---- */

struct event {
  uint32_t op, object, count, place;
  bool inner;
};
struct owned {
  cairn_object *pointer;
  uint32_t object;
};
struct ledger {
  uint64_t random;
  cairn_heap *heap;
  cairn_object *container;
  cairn_object *objects[OBJECTS]; /* also of the dead: their addresses */
  uint64_t serials[OBJECTS];
  uint32_t counts[OBJECTS], slots[OBJECTS], object_count, places[OBJECTS];
  struct owned owned[OWNED_MAX];
  uint32_t owned_count, listed[OWNED_MAX], listed_count;
  struct event events[EVENTS_MAX];
  uint32_t event_count;
  uint64_t made[PLACES], capacity; /* of the ring */
  /* Of `events`, by what the ring has: which is the first, and the number of each. */
  uint32_t first_kept;
  uint64_t sequences[EVENTS_MAX];
};

static uint32_t below(struct ledger *ledger, uint32_t bound) {
  return (uint32_t)random_below(&ledger->random, bound);
}

static void note(struct ledger *ledger, uint32_t op, uint32_t object, uint32_t place, bool inner) {
  assert_true(ledger->event_count < EVENTS_MAX);
  if (op == LENS_EVENT_ALLOCATE || op == LENS_EVENT_RETAIN) ledger->counts[object]++;
  if (op == LENS_EVENT_RELEASE) ledger->counts[object]--;
  ledger->events[ledger->event_count++] =
      (struct event){op, object, ledger->counts[object], place, inner};
  if (op == LENS_EVENT_RELEASE && ledger->counts[object] == 0)
    note(ledger, LENS_EVENT_FREE, object, place, false);
}

static void own(struct ledger *ledger, uint32_t object) {
  ledger->owned[ledger->owned_count++] = (struct owned){ledger->objects[object], object};
}

static void make(struct ledger *ledger) {
  uint32_t place = below(ledger, PLACES), object = ledger->object_count++;
  ledger->objects[object] = places[place](MAKE, ledger->heap, NULL, NULL);
  assert_non_null(ledger->objects[object]);
  ledger->serials[object] = cairn_track_serial(ledger->objects[object]);
  ledger->places[object] = place;
  ledger->made[place]++;
  note(ledger, LENS_EVENT_ALLOCATE, object, place, false);
  own(ledger, object);
}

static struct owned disown(struct ledger *ledger, uint32_t at) {
  struct owned found = ledger->owned[at];
  ledger->owned[at] = ledger->owned[--ledger->owned_count];
  ledger->owned[ledger->owned_count] = (struct owned){0};
  return found;
}

static void give(struct ledger *ledger, uint32_t object) {
  uint32_t place = below(ledger, PLACES);
  places[place](GIVE, ledger->heap, ledger->objects[object], NULL);
  note(ledger, LENS_EVENT_RELEASE, object, place, false);
}

static uint32_t owned_of(const struct ledger *ledger, uint32_t object) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < ledger->owned_count; i++) count += ledger->owned[i].object == object;
  return count;
}

static void pull(struct ledger *ledger) {
  uint32_t place = below(ledger, PLACES), object = ledger->listed[0];
  places[place](PULL, ledger->heap, NULL, ledger->container);
  ledger->slots[object]--;
  ledger->listed_count--;
  for (uint32_t i = 0; i < ledger->listed_count; i++) ledger->listed[i] = ledger->listed[i + 1];
  note(ledger, LENS_EVENT_RELEASE, object, place, true);
}

/* One random deed, of those that can be done; `bugs`: one in so many goes wrong, 0: none. */
static void step(struct ledger *ledger, uint32_t bugs) {
  uint32_t what = below(ledger, 10), place = below(ledger, PLACES);
  bool wrong = bugs != 0 && below(ledger, bugs) == 0;
  if (ledger->owned_count == 0 || what == 0) {
    if (ledger->object_count < OBJECTS) make(ledger);
    return;
  }
  uint32_t at = below(ledger, ledger->owned_count), object = ledger->owned[at].object;
  if (what < 4 && ledger->owned_count < OWNED_MAX) {
    places[place](TAKE, ledger->heap, ledger->objects[object], NULL);
    note(ledger, LENS_EVENT_RETAIN, object, place, false);
    own(ledger, object);
  } else if (what < 8) {
    /* Nothing dies of a release too many while somebody goes on to use it. */
    uint32_t others = ledger->slots[object] + owned_of(ledger, object) - 1;
    if (wrong && ledger->slots[object] > 1 && ledger->counts[object] > 2) {
      give(ledger, object); /* too many */
    } else if (wrong) {
      (void)disown(ledger, at); /* forgotten */
    } else if (ledger->counts[object] > 1 || others == 0) {
      (void)disown(ledger, at);
      give(ledger, object);
    }
  } else if (what == 8 && ledger->listed_count < OWNED_MAX) {
    places[place](PUT, ledger->heap, ledger->objects[object], ledger->container);
    ledger->listed[ledger->listed_count++] = object;
    ledger->slots[object]++;
    note(ledger, LENS_EVENT_RETAIN, object, place, true);
  } else if (ledger->listed_count != 0 && ledger->counts[ledger->listed[0]] > 1) {
    pull(ledger);
  }
}

/* In the end one that only slots hold is released until it is dead. */
static void kill_one(struct ledger *ledger) {
  for (uint32_t i = 0; i < ledger->object_count; i++) {
    if (ledger->slots[i] == 0 || ledger->counts[i] == 0 || owned_of(ledger, i) != 0) continue;
    while (ledger->counts[i] != 0) give(ledger, i);
    return;
  }
}

static void draw(struct ledger *ledger, uint64_t seed) {
  *ledger = (struct ledger){.random = seed * 0x9e3779b97f4a7c15u + 1};
  ledger->heap = cairn_heap_new(&(cairn_heap_options){.manual_collection = true});
  assert_non_null(ledger->heap);
  ledger->container = cairn_list_new(ledger->heap, OWNED_MAX);
  assert_non_null(ledger->container);
  ledger->capacity = seed % 5 == 0 ? 32 : 1024;
  const cairn_track_options options = {
      .sites = true, .events = ledger->capacity, .backtrace = 1 + (uint32_t)(seed % 3)};
  assert_true(cairn_track_start(ledger->heap, &options));
  uint32_t bugs = seed % 4 == 0 ? 0 : 3 + below(ledger, 30), steps = 5 + below(ledger, STEPS);
  for (uint32_t i = 0; i < steps; i++) step(ledger, bugs);
  if (bugs != 0 && seed % 3 == 0) kill_one(ledger);
}

/* ---- places and events ---- */

static uint32_t place_of(uint64_t caller) {
  uint32_t found = PLACES;
  for (uint32_t i = 0; i < PLACES; i++) {
    uint64_t start = (uint64_t)(uintptr_t)places[i];
    bool nearer = found == PLACES || start > (uint64_t)(uintptr_t)places[found];
    if (caller > start && nearer) found = i;
  }
  assert_true(found < PLACES && caller - (uint64_t)(uintptr_t)places[found] < 4096);
  return found;
}

static void compare_sites(lens *self, const struct ledger *ledger) {
  uint64_t live[PLACES] = {0}, bytes[PLACES] = {0}, made[PLACES] = {0}, written, total;
  static lens_site sites[PLACES * 64];
  for (uint32_t i = 0; i < ledger->object_count; i++) {
    if (ledger->counts[i] == 0) continue;
    lens_track track;
    lens_site site;
    live[ledger->places[i]]++;
    bytes[ledger->places[i]] += cairn_object_size(ledger->objects[i]);
    assert_int_equal(lens_track_at(self, address_of(ledger->objects[i]), &track), LENS_OK);
    assert_int_equal(track.serial, ledger->serials[i]);
    assert_int_equal(lens_site_get(self, 0, track.site, &site), LENS_OK);
    assert_int_equal(place_of(site.frames[0]), ledger->places[i]);
  }
  assert_int_equal(lens_sites(self, 0, 0, PLACES * 64, sites, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  for (uint64_t i = 0; i < written; i++) {
    uint32_t place = place_of(sites[i].frames[0]);
    live[place] -= sites[i].object_count;
    bytes[place] -= sites[i].object_bytes;
    made[place] += sites[i].allocation_count;
  }
  for (uint32_t place = 0; place < PLACES; place++) {
    assert_int_equal(live[place], 0);
    assert_int_equal(bytes[place], 0);
    assert_int_equal(made[place], ledger->made[place]);
  }
}

/* The ring has the ledger's last events, and some of the container's own, as it takes care of
 * itself while it grows. */
static void compare_events(lens *self, struct ledger *ledger) {
  static lens_event events[EVENTS_MAX];
  uint64_t written, total, others = 0;
  assert_int_equal(lens_events(self, 0, 0, 0, 0, 0, EVENTS_MAX, events, &written, &total), LENS_OK);
  assert_int_equal(total, written);
  for (uint64_t i = 0; i < written; i++)
    others += events[i].object == address_of(ledger->container);
  assert_true(written == ledger->capacity || written - others == ledger->event_count);
  assert_true(written - others <= ledger->event_count && others <= written / 2);
  uint32_t at = ledger->first_kept = ledger->event_count - (uint32_t)(written - others);
  for (uint64_t i = 0; i < written; i++) {
    const lens_event *event = &events[i];
    assert_int_equal(event->sequence, events[0].sequence + i);
    if (event->object == address_of(ledger->container)) continue;
    const struct event *expected = &ledger->events[at];
    ledger->sequences[at++] = event->sequence;
    assert_int_equal(event->op, expected->op);
    assert_int_equal(event->object, address_of(ledger->objects[expected->object]));
    assert_int_equal(event->serial, ledger->serials[expected->object]);
    assert_int_equal(event->count, expected->count);
    assert_int_equal(event->inner, expected->inner);
    assert_int_equal(event->thread, gettid());
    assert_int_equal(place_of(event->caller), expected->place);
  }
}

/* ---- pairs ---- */

struct tally {
  uint64_t objects, over, under, wrapped, certain, must_be, tried, untried, pairs, backwards;
};

/* The program's own deeds on an object (what containers do is in order), in time. */
struct own_deeds {
  bool takes[EVENTS_MAX];
  uint32_t keys[EVENTS_MAX], count, suspects; /* a key: place and operation */
  bool container_takes;
};

static uint32_t key_of(uint32_t op, uint32_t place) { return op * PLACES + place; }

/* The fewest culprits at a place, over all choices of `number` culprits among the takes
 * (`releases`: among the releases) without which no release comes before its take. */
static uint32_t fewest(const struct own_deeds *deeds, uint32_t number, bool releases,
                       uint32_t key) {
  uint32_t best = UINT32_MAX;
  for (uint32_t chosen = 0; chosen < 1u << deeds->suspects; chosen++) {
    if ((uint32_t)__builtin_popcount(chosen) != number) continue;
    uint32_t suspect = 0, at_key = 0, open = 0;
    bool possible = true;
    for (uint32_t i = 0; i < deeds->count && possible; i++) {
      bool guilty = deeds->takes[i] != releases && (chosen >> suspect++ & 1) != 0;
      if (guilty) {
        at_key += deeds->keys[i] == key;
      } else if (deeds->takes[i]) {
        open++;
      } else {
        possible = open-- != 0;
      }
    }
    if (possible && at_key < best) best = at_key;
  }
  return best;
}

static void compare_deeds(lens *self, const struct ledger *ledger, uint32_t object,
                          struct own_deeds *own_deeds, struct tally *tally) {
  static lens_deed deeds[EVENTS_MAX];
  uint64_t written, total, at = 0;
  assert_int_equal(lens_deeds(self, 0, EVENTS_MAX, deeds, &written, &total), LENS_OK);
  for (uint32_t i = ledger->first_kept; i < ledger->event_count; i++) {
    const struct event *event = &ledger->events[i];
    if (event->object != object) continue;
    assert_true(at < written);
    const lens_deed *deed = &deeds[at++];
    assert_int_equal(deed->sequence, ledger->sequences[i]);
    assert_int_equal(deed->op, event->op);
    assert_int_equal(deed->inner, event->inner);
    bool takes = event->op == LENS_EVENT_ALLOCATE || event->op == LENS_EVENT_RETAIN;
    if (deed->partner != 0) {
      const lens_deed *other = NULL;
      for (uint64_t k = 0; k < written; k++)
        other = deeds[k].sequence == deed->partner ? &deeds[k] : other;
      if (other == NULL) {
        fail_msg("event %" PRIu64 " goes with %" PRIu64 ", which is not there", deed->sequence,
                 deed->partner);
        return;
      }
      assert_int_equal(other->partner, deed->sequence);
      assert_int_equal(deed->fate, LENS_FATE_PAIRED);
      assert_int_equal(other->op == LENS_EVENT_RELEASE, takes);
      tally->pairs += takes;
      tally->backwards += takes && deed->sequence > other->sequence;
    } else {
      assert_int_not_equal(deed->fate, LENS_FATE_PAIRED);
    }
    own_deeds->container_takes |= event->inner && takes;
    if (event->inner || event->op == LENS_EVENT_FREE) continue;
    own_deeds->takes[own_deeds->count] = takes;
    own_deeds->keys[own_deeds->count++] = key_of(event->op, event->place);
  }
  assert_int_equal(at, written);
  assert_int_equal(written, total);
}

/* The rows that are left over of an object whose events are all there. */
static void compare_left(lens *self, struct own_deeds *deeds, uint32_t number, bool releases,
                         struct tally *tally) {
  lens_unmatched rows[EVENTS_MAX];
  uint64_t written, total, sum = 0;
  assert_int_equal(lens_unmatched_rows(self, EVENTS_MAX, rows, &written, &total), LENS_OK);
  assert_int_equal(written, total);
  bool one_key = true;
  bool other = releases || deeds->container_takes; /* a slot, or a container, may be to blame */
  uint32_t only = UINT32_MAX;
  for (uint32_t i = 0; i < deeds->count; i++) {
    if (deeds->takes[i] == releases) continue;
    deeds->suspects++;
    one_key &= only == UINT32_MAX || only == deeds->keys[i];
    only = deeds->keys[i];
  }
  bool trying = number != 0 && deeds->suspects <= TRIED_MAX;
  tally->tried += trying;
  tally->untried += number != 0 && !trying;
  for (uint64_t i = 0; i < written; i++) {
    sum += rows[i].count;
    assert_int_equal(rows[i].objects, 1);
    assert_int_equal(rows[i].inner, 0);
    assert_int_equal(rows[i].op == LENS_EVENT_RELEASE, releases);
    lens_pair_site site;
    assert_int_equal(lens_pair_site_get(self, rows[i].site, &site), LENS_OK);
    uint32_t key = key_of(rows[i].op, place_of(site.caller));
    if (rows[i].sureness == LENS_CERTAIN) {
      tally->certain++;
      if (trying) assert_true(fewest(deeds, number, releases, key) >= rows[i].count);
    }
    if (one_key) assert_int_equal(key, only);
    if (one_key && !other) assert_int_equal(rows[i].sureness, LENS_CERTAIN);
  }
  tally->must_be += number != 0 && one_key && !other;
  assert_int_equal(sum, number);
}

static void compare_object(lens *self, const struct ledger *ledger, uint32_t object,
                           struct tally *tally) {
  uint32_t first = ledger->first_kept, kept = 0, lost = 0;
  bool freed = ledger->counts[object] == 0;
  for (uint32_t i = ledger->event_count; i-- > first;) kept += ledger->events[i].object == object;
  for (uint32_t i = 0; i < first; i++) {
    if (ledger->events[i].object == object) lost = ledger->events[i].count;
  }
  lens_pairing pairing;
  lens_status status = lens_pairing_of(self, 0, ledger->serials[object], 0, NULL, &pairing);
  assert_int_equal(status, kept == 0 ? LENS_NOT_FOUND : LENS_OK);
  if (kept == 0) return;
  assert_int_equal(pairing.object, address_of(ledger->objects[object]));
  assert_int_equal(pairing.deed_count, kept);
  assert_int_equal(pairing.freed, freed);
  assert_int_equal(pairing.lost_refs, lost);
  assert_int_equal(pairing.gaps + pairing.cut, 0);
  static struct own_deeds deeds;
  deeds = (struct own_deeds){0};
  compare_deeds(self, ledger, object, &deeds, tally);
  tally->objects++;
  int64_t count = ledger->counts[object], slots = ledger->slots[object],
          owned = owned_of(ledger, object);
  int64_t surplus = count > slots + owned ? count - slots - owned
                    : count < slots       ? count - slots
                                          : 0;
  if (lost != 0) {
    lens_unmatched rows[EVENTS_MAX];
    uint64_t written, total;
    assert_int_equal(lens_unmatched_rows(self, EVENTS_MAX, rows, &written, &total), LENS_OK);
    for (uint64_t i = 0; i < written; i++) assert_int_not_equal(rows[i].sureness, LENS_CERTAIN);
    tally->wrapped++;
    return;
  }
  tally->over += surplus > 0;
  tally->under += surplus < 0;
  compare_left(self, &deeds, (uint32_t)(surplus < 0 ? -surplus : surplus), surplus < 0, tally);
}

/* ---- one heap ---- */

static void look(lens *self, const struct ledger *ledger, bool functions) {
  lens_refresh(self);
  assert_int_equal(lens_root_hint(self, address_of(cairn_contract_root)), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_int_equal(lens_walk(self, 0, NULL), LENS_OK);
  for (uint32_t i = 0; i <= ledger->owned_count; i++) {
    const bool last = i == ledger->owned_count;
    const void *slot = last ? (const void *)&ledger->container : &ledger->owned[i].pointer;
    const lens_root root = {
        .slot_address = address_of(slot),
        .value = address_of(last ? ledger->container : ledger->owned[i].pointer),
        .kind = LENS_ROOT_GLOBAL};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
  const lens_audit_filter filter = {0};
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  if (ledger->event_count == 0) return;
  assert_int_equal(lens_pairs_read(self, 0, NULL), LENS_OK);
  for (uint64_t i = 0; i < lens_pair_site_count(self); i++) {
    lens_pair_site site;
    assert_int_equal(lens_pair_site_get(self, i, &site), LENS_OK);
    uint64_t function = functions ? 1 + place_of(site.caller) : 0;
    assert_int_equal(lens_pair_function_set(self, i, function, site.inner), LENS_OK);
  }
  assert_int_equal(lens_pairs_learn(self, 0, NULL), LENS_OK);
}

static void small_heaps(void **state) {
  (void)state;
  lens *self = self_lens_new();
  struct tally tally = {0};
  static struct ledger ledger;
  for (uint64_t seed = first_seed; seed < first_seed + wanted; seed++) {
    draw(&ledger, seed);
    look(self, &ledger, seed % 2 == 0);
    compare_sites(self, &ledger);
    compare_events(self, &ledger);
    for (uint32_t i = 0; i < ledger.object_count; i++) compare_object(self, &ledger, i, &tally);
    (void)cairn_heap_destroy(ledger.heap, NULL);
  }
  lens_free(self);
  print_message("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " histories, %" PRIu64
                " of which lost their beginning; %" PRIu64 " counts too high, %" PRIu64
                " too low, %" PRIu64 " of all tried; %" PRIu64 " places called certain, %" PRIu64
                " objects where but one can be; %" PRIu64 " pairs, %" PRIu64 " backwards\n",
                first_seed, first_seed + wanted - 1, tally.objects, tally.wrapped, tally.over,
                tally.under, tally.tried, tally.certain, tally.must_be, tally.pairs,
                tally.backwards);
  assert_true(tally.over > wanted / 4 && tally.under > wanted / 100 && tally.wrapped > wanted / 10);
  assert_true(tally.certain > wanted / 20 && tally.tried > 10 * tally.untried);
  assert_true(tally.must_be > wanted / 50);
  assert_int_equal(tally.backwards, 0);
}

int main(int count, char **words) {
  if (count > 1) wanted = strtoull(words[1], NULL, 10);
  if (count > 2) first_seed = strtoull(words[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_heaps)};
  return cmocka_run_group_tests_name("tracked", tests, NULL, NULL);
}

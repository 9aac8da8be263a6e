/* A damaged heap and every analysis: words of objects, buffers, page tables, types, what is
 * tracked, anything.  Each pass ends within limits of time and memory; and damage in one object
 * makes the audit certain of no false thing about others that have nothing to do with it.
 *
 * The heap is tracked and has something of everything, and one bug of each kind.
 */
#include <time.h>

#include "../../bounded.h"
#include "../../fuzz/ask.h"
#include "../runtime/nodes.h"
#include "damage.h"
#include "garden.h"
#include "tracking.h"

enum { OBJECTS_MAX = 4096, FINDINGS = 64, WORDS = 16 };
enum { MEMORY_MAX_BYTES = 64 << 20, SECONDS_MAX = 10 };
#ifdef __SANITIZE_ADDRESS__ /* several times slower */
enum { CASES = 500 };
#else
enum { CASES = 2500 };
#endif

static struct nodes *nodes;
static struct image *image;
static cairn_object *all, *spare; /* the garden's list; one with a count too high */
static struct node *lost, *short_of;

/* The heap as it is undamaged: what holds what, and what the audit then finds. */
static uint64_t addresses[OBJECTS_MAX], found_before[FINDINGS];
static uint64_t starts[OBJECTS_MAX + 1];
static uint32_t *targets;
static uint64_t object_count, found_before_count;
static lens *whole;

/* ---- the heap ---- */

static void make_wrong(void) {
  lost = node_new(nodes, nodes->plain, 1);
  give(&lost->left, node_new(nodes, nodes->plain, 2));
  spare = cairn_list_new(nodes->heap, 0);
  (void)cairn_retain(spare);
  short_of = node_new(nodes, nodes->plain, 3);
  assert_true(cairn_list_append(all, &short_of->base));
  assert_true(cairn_list_append(spare, &short_of->base));
  cairn_release(&short_of->base);
  cairn_release(&short_of->base); /* one too many */
  struct node *ring = node_new(nodes, nodes->plain, 4);
  give(&ring->left, node_new(nodes, nodes->plain, 5));
  as_node(ring->left)->right = &ring->base;
}

static void add_roots(lens *self) {
  const cairn_object *const held[] = {all, spare};
  for (uint64_t i = 0; i < 2; i++) {
    const lens_root root = {
        .slot_address = 8 + 8 * i, .value = address_of(held[i]), .kind = LENS_ROOT_GLOBAL};
    assert_int_equal(lens_root_add(self, &root), LENS_OK);
  }
}

static lens *look(lens_status *status) {
  lens *self = image_lens(image);
  assert_non_null(self);
  assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
  *status = lens_model_load(self, 0);
  if (*status == LENS_OK) *status = lens_walk(self, 0, NULL);
  if (*status == LENS_OK) add_roots(self);
  return self;
}

/* The findings that are certain. */
static uint64_t certain(lens *self, uint64_t *out) {
  static lens_finding rows[OBJECTS_MAX];
  const lens_audit_filter filter = {0};
  uint64_t written = 0, total = 0, count = 0;
  assert_int_equal(lens_audit(self, &filter, 0, NULL), LENS_OK);
  assert_int_equal(lens_findings(self, OBJECTS_MAX, rows, &written, &total), LENS_OK);
  for (uint64_t i = 0; i < written && count < FINDINGS; i++) {
    if (rows[i].doubts == 0) out[count++] = rows[i].address;
  }
  return count;
}

static void note_whole(void) {
  lens_status status;
  lens_columns columns;
  lens *self = look(&status);
  assert_int_equal(status, LENS_OK);
  assert_int_equal(lens_index(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_columns_get(self, &columns), LENS_OK);
  object_count = columns.object_count;
  assert_in_range(object_count, 300, OBJECTS_MAX - 1);
  memcpy(addresses, columns.address, object_count * sizeof *addresses);
  memcpy(starts, columns.out_start, (object_count + 1) * sizeof *starts);
  targets = malloc(columns.edge_count * sizeof *targets);
  assert_non_null(targets);
  memcpy(targets, columns.out_target, columns.edge_count * sizeof *targets);
  found_before_count = certain(self, found_before);
  whole = self;
}

static int begin(void **state) {
  if (nodes_setup(state) != 0) return 1;
  nodes = *state;
  const cairn_track_options options = {
      .sites = true, .backtrace = 2, .events = 4096, .quarantine_bytes = 1 << 14};
  if (!cairn_track_start(nodes->heap, &options)) return 1;
  all = garden_new(nodes->heap);
  make_wrong();
  image = image_of_self();
  note_whole();
  assert_int_equal(found_before_count, 3); /* lost, spare, short_of */
  (void)bound_memory(MEMORY_MAX_BYTES);
  return 0;
}

static int end(void **state) {
  lens_free(whole);
  image_free(image);
  free(targets);
  (void)cairn_retain(&short_of->base);
  cairn_release(&lost->base);
  assert_int_equal(cairn_collect(nodes->heap), 2);
  cairn_list_clear(all);
  cairn_release(all);
  cairn_release(spare);
  cairn_release(spare);
  return nodes_teardown(state);
}

/* ---- damage ---- */

static uint8_t *bytes_at(uint64_t address) {
  for (size_t i = 0; i < image->count; i++) {
    uint64_t offset = address - image->parts[i].start;
    if (offset < image->parts[i].bytes && image->parts[i].bytes - offset >= 8)
      return image->parts[i].copy + offset;
  }
  return NULL;
}

static uint64_t word_at(uint64_t address) {
  const uint8_t *at = bytes_at(address);
  return at == NULL ? 0 : lens_load_uint(at, 8);
}

static uint64_t a_place(uint64_t sort, uint32_t object, uint64_t *seed) {
  uint64_t header = addresses[object], pick = random_next(seed);
  uint64_t word = word_at(header + 8 + 8 * (pick % 3));
  const struct cairn_tracking *tracking = nodes->heap->tracking;
  switch (sort) {
    case 0:
      return header;
    case 1: /* a word of it */
      return header + 8 + 8 * (pick % 4);
    case 2: /* what a word of it leads to: a buffer, or another object */
      return bytes_at(word) == NULL ? header + 16 : word + 8 * (random_next(seed) % 8);
    case 3: /* what is tracked */
      return address_of(tracking) + pick % sizeof *tracking / 8 * 8;
    case 4: /* an event, or a site */
      return pick % 4 == 0 ? address_of(tracking->sites) + pick / 4 % 1024 * 8
                           : address_of(tracking->events) + pick / 4 % 8192 * 8;
    case 5: /* the heap, its types */
      return address_of(nodes->heap) + pick % 8192 / 8 * 8;
    default: { /* anything that the runtime keeps */
      const struct image_part *part = &image->parts[random_next(seed) % image->count];
      return part->start + random_next(seed) % (part->bytes < 65536 ? part->bytes - 8 : 65536);
    }
  }
}

static void concern(bool *concerned, uint64_t address) {
  for (uint64_t i = 0; i < object_count; i++) {
    if (addresses[i] != address) continue;
    concerned[i] = true;
    for (uint64_t e = starts[i]; e < starts[i + 1]; e++) concerned[targets[e]] = true;
  }
}

/* What the words of a block name: its type may be another now. */
static void concern_words(bool *concerned, uint64_t place) {
  lens_location location;
  assert_int_equal(lens_locate(whole, place, &location), LENS_OK);
  for (uint64_t at = 8; at < location.block_bytes && at < 8 * WORDS; at += 8)
    concern(concerned, word_at(location.base + at));
}

/* The object whose block or buffer the place is in. */
static void concern_place(bool *concerned, uint64_t place) {
  lens_location location;
  assert_int_equal(lens_locate(whole, place, &location), LENS_OK);
  concern(concerned, location.base);
  concern_words(concerned, place);
  for (uint64_t i = 0; i < object_count && location.place == LENS_PLACE_BUFFER; i++) {
    for (uint64_t word = 1; word < 8; word++) {
      uint64_t offset = word_at(addresses[i] + 8 * word) - location.base;
      if (offset < location.block_bytes) concern(concerned, addresses[i]);
    }
  }
}

/* ---- looking ---- */

/* Every analysis, to its end. */
static void ask_analyses(lens *self) {
  ask_audit(self);
  ask_tracking(self);
  ask_moment(self);
  ask_graph(self);
  ask_retained(self);
  ask_why(self);
  (void)ask_whole(self, lens_check);
}

static bool is_among(const uint64_t *list, uint64_t count, uint64_t address) {
  for (uint64_t i = 0; i < count; i++) {
    if (list[i] == address) return true;
  }
  return false;
}

/* What the audit is certain of was so before, or has to do with the damage: the word that was
 * written may name something that was freed.  Returns what is not; 0: nothing. */
static uint64_t false_claim(lens *self, const bool *concerned, uint64_t value) {
  uint64_t found[FINDINGS], count = certain(self, found);
  for (uint64_t i = 0; i < count; i++) {
    bool may_be = found[i] == value || is_among(found_before, found_before_count, found[i]);
    for (uint64_t k = 0; k < object_count && !may_be; k++)
      may_be = addresses[k] == found[i] && concerned[k];
    if (!may_be) return found[i];
  }
  return 0;
}

static void one_case(uint64_t number, uint64_t *seed) {
  bool concerned[OBJECTS_MAX] = {false};
  uint64_t sort = number % 7;
  uint32_t object = (uint32_t)(random_next(seed) % object_count);
  uint64_t place = a_place(sort, object, seed);
  uint8_t *at = bytes_at(place);
  if (at == NULL) return;
  concern_place(concerned, place);
  concern_place(concerned, place + 7);
  uint64_t before = lens_load_uint(at, 8);
  uint64_t value =
      number % 2 == 0 ? nasty_value(image, seed) : before ^ 1ull << random_next(seed) % 64;
  memcpy(at, &value, sizeof value);
  concern_words(concerned, place);
  concern(concerned, before);
  concern(concerned, value);
  for (uint64_t i = 0; i < WORDS; i++) /* a buffer of another's */
    concern(concerned, word_at(value + 8 * i));
  struct timespec start, stop;
  clock_gettime(CLOCK_MONOTONIC, &start);
  lens_status status;
  lens *self = look(&status);
  if (status == LENS_OK) {
    uint64_t wrong = false_claim(self, concerned, value);
    if (wrong != 0)
      fail_msg("case %" PRIu64 ": certain of 0x%" PRIx64 " as the word at 0x%" PRIx64
               " is no longer 0x%" PRIx64 " but 0x%" PRIx64,
               number, wrong, place, before, value);
    ask_analyses(self);
  } else {
    assert_int_not_equal(status, LENS_NO_MEMORY); /* the limit of begin */
    assert_true(lens_error(self)[0] != 0);
  }
  lens_free(self);
  clock_gettime(CLOCK_MONOTONIC, &stop);
  assert_true(stop.tv_sec - start.tv_sec < SECONDS_MAX);
  memcpy(at, &before, sizeof before);
}

static void every_analysis_of_a_damaged_heap(void **state) {
  (void)state;
  uint64_t seed = number_from("CAIRN_SEED", 20261122), cases = number_from("CAIRN_ROUNDS", CASES);
  print_message("seed %" PRIu64 "\n", seed);
  for (uint64_t i = 0; i < cases; i++) one_case(i, &seed);
}

/* A weak reference that claims to be a node, which its block has no room for: what it refers to is
 * not held by it. */
static void a_type_that_does_not_fit(void **state) {
  (void)state;
  uint64_t node_type = word_at(address_of(lost)) & ~(uint64_t)UINT32_MAX, cases = 0;
  for (uint64_t i = 0; i < object_count; i++) {
    uint64_t header = word_at(addresses[i]), found[FINDINGS];
    lens_object object;
    lens_type type;
    assert_int_equal(lens_object_at(whole, addresses[i], &object), LENS_OK);
    assert_int_equal(lens_type_get(whole, object.type, &type), LENS_OK);
    if (strcmp(type.name, "weakref") != 0) continue;
    uint64_t value = node_type | (header & UINT32_MAX);
    memcpy(bytes_at(addresses[i]), &value, sizeof value);
    lens_status status;
    lens *self = look(&status);
    assert_int_equal(status, LENS_OK);
    uint64_t count = certain(self, found);
    for (uint64_t k = 0; k < count; k++)
      assert_true(is_among(found_before, found_before_count, found[k]));
    assert_int_equal(lens_object_at(self, addresses[i], &object), LENS_OK);
    assert_int_equal(object.type, LENS_NONE);
    assert_true((object.state & LENS_STATE_DAMAGED) != 0);
    lens_free(self);
    memcpy(bytes_at(addresses[i]), &header, sizeof header);
    cases++;
  }
  assert_int_equal(cases, 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_analysis_of_a_damaged_heap),
                                     cmocka_unit_test(a_type_that_does_not_fit)};
  return cmocka_run_group_tests_name("lens wreck, analyses", tests, begin, end);
}

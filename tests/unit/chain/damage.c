/* Damage: bytes of a real heap and of its contract are overwritten, seeded; the lens answers what
 * it can and lives.  What is asserted is on the sanitizers and on time; a sample of facts follows.
 */
#include "damage.h"
#include "garden_image.h"

static void inspect(void) {
  lens *self = image_lens(image);
  assert_non_null(self);
  assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
  lens_status status = lens_model_load(self, 0);
  if (status == LENS_OK) {
    image_ask(self);
  } else {
    assert_true(lens_error(self)[0] != 0);
  }
  lens_free(self);
}

/* Overwrites a word of a part, looks, and puts it back. */
static void damage_word(const struct image_part *part, uint64_t offset, uint64_t value) {
  uint64_t before;
  memcpy(&before, part->copy + offset, sizeof before);
  memcpy(part->copy + offset, &value, sizeof value);
  inspect();
  memcpy(part->copy + offset, &before, sizeof before);
}

static void damaged_words(void **state) {
  (void)state;
  uint64_t seed = number_from("CAIRN_SEED", 19088745);
  uint64_t rounds = number_from("CAIRN_ROUNDS", 600);
  print_message("seed %" PRIu64 ", %" PRIu64 " rounds\n", seed, rounds);
  for (uint64_t round = 0; round < rounds; round++) {
    const struct image_part *part = &image->parts[random_next(&seed) % image->count];
    /* Most of what matters lies at the start of a part: heap, types, page tables. */
    uint64_t reach = random_next(&seed) % 3 == 0 ? part->bytes : 16384;
    if (reach > part->bytes) reach = part->bytes;
    uint64_t offset = random_next(&seed) % (reach - 8);
    if (random_next(&seed) % 2 == 0) offset &= ~UINT64_C(7);
    damage_word(part, offset, nasty_value(image, &seed));
  }
}

static void cut_parts(void **state) {
  (void)state;
  uint64_t seed = 99;
  for (int round = 0; round < 60; round++) {
    struct image_part *part = &image->parts[random_next(&seed) % image->count];
    uint64_t before = part->bytes;
    part->bytes = random_next(&seed) % before + 1;
    inspect();
    part->bytes = before;
  }
}

static bool has_problem(const lens *self, const char *part) {
  for (uint64_t i = 0; i < lens_problem_count(self); i++) {
    lens_problem problem;
    assert_int_equal(lens_problem_get(self, i, &problem), LENS_OK);
    if (strstr(problem.text, part) != NULL) return true;
  }
  return false;
}

/* A damaged type is named, and the objects of other types are still shown. */
static void damaged_type_is_named(void **state) {
  (void)state;
  lens *before = self_lens();
  uint64_t dict_type = 0;
  for (uint64_t i = 0; i < lens_type_count(before); i++) {
    lens_type type;
    assert_int_equal(lens_type_get(before, i, &type), LENS_OK);
    if (strcmp(type.name, "dict") == 0) dict_type = type.address;
  }
  const struct lens_layout_type *layout = &before->model.contracts[0]->type;
  uint32_t slots_at = layout->slots.offset;
  lens_free(before);
  assert_true(dict_type != 0);
  for (size_t i = 0; i < image->count; i++) {
    struct image_part *part = &image->parts[i];
    if (dict_type < part->start || dict_type - part->start >= part->bytes) continue;
    uint8_t *word = part->copy + (dict_type - part->start) + slots_at;
    uint64_t value;
    memcpy(&value, word, 8);
    memset(word, 0x11, 8);
    lens *self = image_lens(image);
    assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
    assert_int_equal(lens_model_load(self, 0), LENS_OK);
    assert_true(has_problem(self, "slot 0 of type dict can't be read"));
    char text[64];
    cairn_object *tuple = cairn_list_get(all, 0);
    assert_int_equal(lens_object_text(self, address_of(tuple), 1, 8, text, sizeof text), LENS_OK);
    assert_string_equal(text, "(1000, <dict, damaged>)");
    lens_free(self);
    memcpy(word, &value, 8);
    return;
  }
  fail_msg("the type is not in the image");
}

/* A count of types far above what there are is named and costs some hundred reads; the objects are
 * read with the types that are there. */
static void damaged_type_count(void **state) {
  (void)state;
  lens *before = self_lens();
  const struct lens_place_of *place = &before->model.contracts[0]->heap.type_count;
  uint64_t types = lens_type_count(before), at = before->model.heaps[0].shown.address;
  uint32_t offset = place->offset, width = place->width, claimed = 268000;
  assert_int_equal(before->model.heap_count, 1);
  assert_int_equal(width, sizeof claimed);
  lens_free(before);
  for (size_t i = 0; i < image->count; i++) {
    struct image_part *part = &image->parts[i];
    if (at < part->start || at - part->start >= part->bytes) continue;
    uint8_t *word = part->copy + (at - part->start) + offset;
    uint32_t value;
    memcpy(&value, word, sizeof value);
    memcpy(word, &claimed, sizeof claimed);
    lens *self = image_lens(image);
    uint64_t reads = image->reads;
    assert_int_equal(lens_root_hint(self, image->parts[0].start), LENS_OK);
    assert_int_equal(lens_model_load(self, 0), LENS_OK);
    assert_true(image->reads - reads < 3000);
    assert_true(has_problem(self, "heap 1 claims 268000 types; from type "));
    assert_int_equal(lens_type_count(self), types);
    char text[64];
    assert_int_equal(
        lens_object_text(self, address_of(cairn_list_get(all, 0)), 1, 8, text, sizeof text),
        LENS_OK);
    assert_string_equal(text, "(1000, <dict 1>)");
    lens_free(self);
    memcpy(word, &value, sizeof value);
    return;
  }
  fail_msg("the heap is not in the image");
}

/* An arena whose link is damaged: its problem is named, the arenas behind it are found all the
 * same. */
static void lost_arenas_are_found(void **state) {
  (void)state;
  cairn_object *filler = cairn_list_new(heap, 0);
  char text[3000];
  memset(text, 'x', sizeof text);
  for (int i = 0; i < 5000; i++) garden_add(filler, cairn_str_new(heap, text, sizeof text));
  struct image *large = image_of_self();
  lens *whole = self_lens();
  uint64_t arenas = lens_arena_count(whole);
  assert_true(arenas >= 3);
  uint64_t first = whole->model.arenas[0].shown.address;
  uint32_t next_at = whole->model.contracts[0]->arena.next.offset;
  lens_free(whole);
  for (size_t i = 0; i < large->count; i++) {
    if (large->parts[i].start == first) memset(large->parts[i].copy + next_at, 0x5a, 8);
  }
  lens *self = image_lens(large);
  assert_int_equal(lens_root_hint(self, large->parts[0].start), LENS_OK);
  assert_int_equal(lens_model_load(self, 0), LENS_OK);
  assert_true(has_problem(self, "the list of arenas of heap 1 leads to memory"));
  assert_true(has_problem(self, "was found by its magic"));
  assert_int_equal(lens_arena_count(self), arenas);
  lens_free(self);
  image_free(large);
  cairn_release(filler);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_words), cmocka_unit_test(cut_parts),
                                     cmocka_unit_test(damaged_type_is_named),
                                     cmocka_unit_test(damaged_type_count),
                                     cmocka_unit_test(lost_arenas_are_found)};
  return cmocka_run_group_tests_name("lens damage", tests, garden_image_begin, garden_image_end);
}

/* Own bytes against the runtime's own counters: what each owner added to the heap when it was made,
 * its buffers included.  Every used byte belongs to an object, or is said to belong to none.
 */
#include "cairn/cairn.h"
#include "self.h"

enum { OWNERS_MAX = 64, FAR_BYTES = 60000 };

static cairn_heap *heap;

static struct owner {
  cairn_object *object;
  uint64_t bytes;
} owners[OWNERS_MAX];
static unsigned owner_count;

static uint64_t used_bytes(void) {
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  return stats.used_bytes;
}

/* An object that took all bytes since `before`. */
static void add_owner(cairn_object *object, uint64_t before) {
  assert_non_null(object);
  assert_true(owner_count < OWNERS_MAX);
  owners[owner_count++] = (struct owner){object, used_bytes() - before};
}

struct far {
  cairn_object base;
  char room[FAR_BYTES];
  cairn_object **items;
  uint32_t count;
};

struct hidden {
  cairn_object base;
  void *memory;
};

static void visit_nothing(cairn_object *object, cairn_visit_fn visit, void *context) {
  (void)object;
  (void)visit;
  (void)context;
}

static void clear_nothing(cairn_object *object) { (void)object; }

static cairn_type define_far(void) {
  static const cairn_slot_spec slots[] = {CAIRN_STRONG_ARRAY(struct far, items, count)};
  const cairn_type_spec spec = {
      .name = "far", .size_bytes = sizeof(struct far), .slots = slots, .slot_count = 1};
  return cairn_type_define(heap, &spec);
}

static void make_containers(cairn_object *item) {
  for (uint32_t count = 0; count <= 20000; count = count * 7 + 1) {
    uint64_t before = used_bytes();
    cairn_object *list = cairn_list_new(heap, 0), *dict;
    for (uint32_t i = 0; i < count; i++) assert_true(cairn_list_append(list, item));
    add_owner(list, before);
    before = used_bytes();
    dict = cairn_dict_new(heap);
    for (uint32_t i = 0; i < count && i < 200; i++) {
      uint64_t key_before = used_bytes();
      cairn_object *key = cairn_int_new(heap, 100000 + i);
      before += used_bytes() - key_before;
      assert_true(cairn_dict_set(dict, key, item));
      cairn_release(key);
    }
    add_owner(dict, before);
  }
}

static void make_natives(cairn_object *item) {
  uint64_t before = used_bytes();
  struct far *far = (struct far *)cairn_object_new(heap, define_far());
  far->items = cairn_buffer_new(heap, 5 * sizeof *far->items);
  for (uint32_t i = 0; i < 5; i++) far->items[i] = cairn_retain(item);
  far->count = 5;
  add_owner(&far->base, before);

  const cairn_type_spec spec = {.name = "hidden",
                                .size_bytes = sizeof(struct hidden),
                                .traverse = visit_nothing,
                                .clear = clear_nothing};
  cairn_type type = cairn_type_define(heap, &spec);
  before = used_bytes();
  struct hidden *hidden = (struct hidden *)cairn_object_new(heap, type);
  hidden->memory = cairn_buffer_new(heap, 777);
  add_owner(&hidden->base, before);
}

static int begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  cairn_object *item = cairn_float_new(heap, 1.5);
  make_containers(item);
  make_natives(item);
  cairn_release(item);
  return 0;
}

static void free_hidden(cairn_object *object) {
  cairn_buffer_free(((struct hidden *)object)->memory);
}

static int end(void **state) {
  (void)state;
  free_hidden(owners[owner_count - 1].object);
  for (unsigned i = 0; i < owner_count; i++) cairn_release(owners[i].object);
  return !cairn_heap_destroy(heap, NULL);
}

static lens *weighed(uint32_t slice_ms) {
  lens *self = self_lens();
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_weights(self, slice_ms, NULL);
  assert_int_equal(status, LENS_OK);
  return self;
}

static void each_owner_weighs_what_it_took(void **state) {
  (void)state;
  lens *self = weighed(1);
  lens_weights_shown shown;
  assert_int_equal(lens_weights_get(self, &shown), LENS_OK);
  for (unsigned i = 0; i < owner_count; i++) {
    uint32_t index;
    assert_int_equal(lens_snapshot_find(self, address_of(owners[i].object), &index), LENS_OK);
    assert_int_equal(lens_weight_of(self, index), owners[i].bytes);
    assert_int_equal(shown.own_bytes[index], owners[i].bytes);
  }
  lens_free(self);
}

static void nothing_is_weighed_twice_or_lost(void **state) {
  (void)state;
  lens *self = weighed(0);
  lens_weights_shown shown;
  assert_int_equal(lens_weights_get(self, &shown), LENS_OK);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < shown.object_count; i++) sum += lens_weight_of(self, i);
  assert_int_equal(sum, shown.bytes);
  assert_int_equal(shown.bytes + shown.unowned_bytes, used_bytes());
  assert_int_equal(shown.unowned_bytes, 0);
  lens_free(self);

  void *lost = cairn_buffer_new(heap, 3000); /* no object leads to it */
  self = weighed(0);
  assert_int_equal(lens_weights_get(self, &shown), LENS_OK);
  assert_int_equal(shown.bytes, sum);
  assert_int_equal(shown.bytes + shown.unowned_bytes, used_bytes());
  assert_true(shown.unowned_bytes >= 3000);
  lens_free(self);
  cairn_buffer_free(lost);
}

static void two_slots_share_no_buffer(void **state) {
  (void)state;
  uint64_t before = used_bytes();
  cairn_object *one = cairn_list_new(heap, 100), *two = cairn_list_new(heap, 0);
  uint64_t both = used_bytes() - before;
  struct cairn_list *thief = (struct cairn_list *)two, old = *thief;
  thief->items = ((struct cairn_list *)one)->items;
  thief->capacity = ((struct cairn_list *)one)->capacity;
  lens *self = weighed(0);
  uint32_t first, second;
  assert_int_equal(lens_snapshot_find(self, address_of(one), &first), LENS_OK);
  assert_int_equal(lens_snapshot_find(self, address_of(two), &second), LENS_OK);
  assert_int_equal(lens_weight_of(self, first) + lens_weight_of(self, second), both);
  assert_true(lens_weight_of(self, first < second ? first : second) >= 100 * sizeof(void *));
  lens_free(self);
  *thief = old;
  cairn_release(one);
  cairn_release(two);
}

static void questions_out_of_turn(void **state) {
  (void)state;
  lens *self = self_lens();
  lens_weights_shown shown;
  assert_int_equal(lens_weights_get(self, &shown), LENS_BAD_ARGUMENT);
  assert_int_equal(lens_weight_of(self, 0), 0);
  assert_int_equal(lens_weights(self, 0, NULL), LENS_OK);
  assert_int_equal(lens_weight_of(self, LENS_NONE), 0);
  lens_free(self);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_owner_weighs_what_it_took),
                                     cmocka_unit_test(nothing_is_weighed_twice_or_lost),
                                     cmocka_unit_test(two_slots_share_no_buffer),
                                     cmocka_unit_test(questions_out_of_turn)};
  return cmocka_run_group_tests_name("weights", tests, begin, end);
}

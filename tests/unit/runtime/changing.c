/* Containers that are changed by the finalizers of what they drop, in the middle of being changed.
 */
#include "actor.h"

/* What finalizers of keys and values insert into, while it is being changed. */
static cairn_object *changing;
static int64_t next_key;

static void insert_into_changing(struct actor *self) {
  cairn_heap *heap = heap_of(self);
  for (int i = 0; i < 20 && next_key < 5000 && changing != NULL; i++) {
    blocks_fail_after(heap, 0); /* from here on there is memory again */
    cairn_object *key = int_of(heap, 100000 + next_key++);
    cairn_object *value = cairn_list_new(heap, 0);
    assert_true(cairn_dict_set(changing, key, value));
    cairn_release(key);
    cairn_release(value);
  }
}

static void remove_from_changing(struct actor *self) {
  (void)self;
  for (int i = 0; i < 3; i++) {
    size_t position = 0;
    cairn_object *key, *value;
    if (changing == NULL || !cairn_dict_next(changing, &position, &key, &value)) return;
    cairn_retain(key);
    assert_true(cairn_dict_remove(changing, key));
    cairn_release(key);
  }
}

static void clear_changing(struct actor *self) {
  (void)self;
  if (changing != NULL) cairn_dict_clear(changing);
}

/* Fills the dict with actors as values (their finalizers run when the value is replaced, removed
 * or cleared) and as garbage around it (they run when growing collects). */
static void change_dict(cairn_heap *heap, void (*act)(struct actor *self)) {
  changing = cairn_dict_new(heap);
  next_key = 0;
  uint64_t random = random_seed();
  for (int64_t i = 0; i < 3000; i++) {
    cairn_object *key = int_of(heap, 1000 + (int64_t)random_below(&random, 200));
    struct actor *actor = actor_new(heap, act);
    assert_true(cairn_dict_set(changing, key, &actor->base));
    cairn_release(&actor->base);
    if (random_below(&random, 4) == 0) (void)cairn_dict_remove(changing, key);
    if (random_below(&random, 300) == 0) cairn_dict_clear(changing);
    struct actor *garbage = actor_new(heap, act);
    garbage->left = cairn_retain(&garbage->base);
    cairn_release(&garbage->base);
    if (random_below(&random, 8) == 0) { /* the next block, perhaps the dict's, collects */
      blocks_fail_after(heap, 1);
      (void)cairn_dict_set(changing, key, key);
      blocks_fail_after(heap, 0);
    }
    cairn_release(key);
    if (i % 100 == 0) assert_whole(heap);
  }
  cairn_dict_clear(changing);
  cairn_clear(&changing);
  (void)cairn_collect(heap);
}

static void dict_is_inserted_into_while_it_changes(void **state) {
  change_dict(*state, insert_into_changing);
}
static void dict_is_removed_from_while_it_changes(void **state) {
  change_dict(*state, remove_from_changing);
}
static void dict_is_cleared_while_it_changes(void **state) { change_dict(*state, clear_changing); }

/* A list that dies item by item, whose items' finalizers append to it, clear and trim it. */
static void change_list(struct actor *self) {
  if (changing == NULL) return;
  cairn_heap *heap = heap_of(self);
  if (act_count % 3 == 0 && cairn_list_count(changing) < 50) {
    for (int i = 0; i < 10; i++) {
      struct actor *more = actor_new(heap, act_count < 2000 ? change_list : NULL);
      assert_true(cairn_list_append(changing, &more->base));
      cairn_release(&more->base);
    }
  } else if (act_count % 3 == 1) {
    (void)cairn_list_remove(changing, cairn_list_count(changing) / 2);
  } else {
    (void)cairn_list_trim(changing);
  }
}

static void list_is_changed_by_its_dying_items(void **state) {
  cairn_heap *heap = *state;
  changing = cairn_list_new(heap, 0);
  for (int i = 0; i < 100; i++) {
    struct actor *actor = actor_new(heap, change_list);
    assert_true(cairn_list_append(changing, &actor->base));
    cairn_release(&actor->base);
  }
  cairn_list_clear(changing);
  assert_whole(heap);
  while (cairn_list_remove(changing, 0)) {
  }
  cairn_clear(&changing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_ACTORS(dict_is_inserted_into_while_it_changes),
      WITH_ACTORS(dict_is_removed_from_while_it_changes),
      WITH_ACTORS(dict_is_cleared_while_it_changes),
      WITH_ACTORS(list_is_changed_by_its_dying_items),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

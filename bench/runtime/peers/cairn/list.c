/* B8: a list of ints. */
#include "peer.h"

typedef cairn_object *list_item;
typedef cairn_object list_list;

static cairn_heap *heap;

static list_item list_item_new(int64_t value) { return cairn_int_new(heap, value); }

static list_list *list_new(void) { return cairn_list_new(heap, 0); }

static void list_append(list_list *list, list_item item) {
  bench_require(cairn_list_append(list, item), "memory for an item");
}

static list_item list_get(const list_list *list, uint64_t index) {
  return cairn_list_get(list, index);
}

static uint64_t list_walk(const list_list *list) {
  size_t count;
  cairn_object *const *items = cairn_list_items(list, &count);
  for (size_t i = 0; i < count; i++) BENCH_USE(items[i]);
  return count;
}

static void list_drop(list_list *list) { cairn_release(list); }

#include "list.h"

void lists(void) {
  heap = peer_heap();
  list_run();
}

/* B8, lists: append, index and iterate, for every peer in C.
 *
 * A peer defines
 *
 *     typedef ... list_item;                                   a counted object, made beforehand
 *     typedef ... list_list;
 *     static list_item list_item_new(int64_t);
 *     static list_list *list_new(void);                        empty, without a hint of its size
 *     static void list_append(list_list *, list_item);         adds a reference
 *     static list_item list_get(const list_list *, uint64_t);  borrowed; checks type and bounds
 *     static uint64_t list_walk(const list_list *);            visits all; how many there are
 *     static void list_drop(list_list *);
 *
 * What is timed as appending is a list's life: made, filled one by one, dropped.
 */
#ifndef BENCH_LIST_H
#define BENCH_LIST_H

#include <stdlib.h>

#include "bench.h"

static uint64_t list_life(const list_item *items, uint64_t count) {
  list_list *list = list_new();
  for (uint64_t i = 0; i < count; i++) list_append(list, items[i]);
  BENCH_USE(list);
  list_drop(list);
  return count;
}

static uint64_t list_gets(const list_list *list, const uint32_t *places, uint64_t count) {
  uint64_t found = 0;
  for (uint64_t i = 0; i < count; i++) found += list_get(list, places[i]) != NULL;
  return found;
}

/* Each item is an object of its own; places are at random. */
static void list_run(void) {
  uint64_t count = bench_number("list", 1000), random = BENCH_SEED;
  uint64_t rounds = bench_number("operations", 4000000) / count;
  if (rounds == 0) rounds = 1;
  list_item *items = malloc(count * sizeof(*items));
  uint32_t *places = malloc(count * sizeof(*places));
  bench_require(items != NULL && places != NULL, "memory for items");
  list_list *list = list_new();
  for (uint64_t i = 0; i < count; i++) {
    items[i] = list_item_new((int64_t)i + 1000);
    places[i] = (uint32_t)(bench_random(&random) % count);
    list_append(list, items[i]);
  }
  BENCH_TIME("ns/item append", rounds, count, list_life(items, count));
  BENCH_TIME("ns/item index", rounds, count, list_gets(list, places, count));
  BENCH_TIME("ns/item iterate", rounds, count, list_walk(list));
  list_drop(list);
  free(places);
  free(items);
}

#endif

/* B8, dicts: insert, look up and iterate, for every peer in C and for keys of text and of numbers.
 *
 * A peer defines, once with DICT_TEXT and once without (in two files),
 *
 *     typedef ... dict_key;                               what a table is given: made beforehand
 *     typedef ... dict_raw;                               const char * (with NUL) or int64_t
 *     typedef ... dict_table;
 *     static dict_key key_new(dict_raw);                  a raw text stays where it is
 *     static dict_table *table_new(void);
 *     static void table_insert(dict_table *, dict_key);   the key is its own value, too
 *     static int table_has(dict_table *, dict_key);       looks up by a key
 *     static int table_has_raw(dict_table *, dict_raw);   looks up by what a key is made of
 *     static uint64_t table_walk(dict_table *);           visits all entries; how many there are
 *     static void table_drop(dict_table *);
 *
 * and then includes this file and calls dict_run.  A table does not own what its keys are made of:
 * where keys are objects, it holds references; elsewhere, the text stays the program's.
 *
 * The keys are ids of 32 bits, scattered ("user-2654435769"), inserted one by one into a table
 * that nobody told how many will come.  They are looked up in another order, by other objects of
 * the same content.  A miss has a key of the same kind.  What is timed as insertion is a table's
 * life: made, filled, dropped.
 */
#ifndef BENCH_DICT_H
#define BENCH_DICT_H

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#ifdef DICT_TEXT
#define DICT_KEYS "str"
#define DICT_RAW  "text"
#else
#define DICT_KEYS "int"
#define DICT_RAW  "number"
#endif

enum { DICT_TEXT_BYTES = 24 };

struct dict_keys {
  dict_raw *raw; /* of each key */
  dict_key *keys;
  char *texts;
};

/* Another id for each number, without any pattern that a hash could profit from. */
static uint32_t dict_id(uint32_t number) {
  number = (number ^ number >> 16) * 0x85ebca6bu;
  number = (number ^ number >> 13) * 0xc2b2ae35u;
  return number ^ number >> 16;
}

/* The ids of the `count` numbers in `order`, from `first` on, as keys. */
static struct dict_keys dict_keys_new(const uint32_t *order, uint64_t count, uint64_t first) {
  struct dict_keys made = {.raw = malloc(count * sizeof(*made.raw)),
                           .keys = malloc(count * sizeof(*made.keys)),
                           .texts = malloc(count * DICT_TEXT_BYTES)};
  bench_require(made.raw != NULL && made.keys != NULL && made.texts != NULL, "memory for keys");
  for (uint64_t i = 0; i < count; i++) {
    uint32_t id = dict_id((uint32_t)first + order[i] + 1);
#ifdef DICT_TEXT
    char *text = made.texts + i * DICT_TEXT_BYTES;
    (void)snprintf(text, DICT_TEXT_BYTES, "user-%u", id);
    made.raw[i] = text;
#else
    made.raw[i] = (int64_t)id;
#endif
    made.keys[i] = key_new(made.raw[i]);
  }
  return made;
}

static uint32_t *dict_order(uint64_t count, int shuffled) {
  uint64_t random = BENCH_SEED;
  uint32_t *order = malloc(count * sizeof(*order));
  bench_require(order != NULL, "memory for an order");
  for (uint64_t i = 0; i < count; i++) order[i] = (uint32_t)i;
  for (uint64_t i = count - 1; shuffled && i > 0; i--) {
    uint64_t j = bench_random(&random) % (i + 1);
    uint32_t swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  return order;
}

static dict_table *dict_filled(const struct dict_keys *keys, uint64_t count) {
  dict_table *table = table_new();
  for (uint64_t i = 0; i < count; i++) table_insert(table, keys->keys[i]);
  return table;
}

static uint64_t dict_count_found(dict_table *table, const dict_key *keys, uint64_t count) {
  uint64_t found = 0;
  for (uint64_t i = 0; i < count; i++) found += table_has(table, keys[i]) != 0;
  return found;
}

static uint64_t dict_count_found_raw(dict_table *table, const dict_raw *raw, uint64_t count) {
  uint64_t found = 0;
  for (uint64_t i = 0; i < count; i++) found += table_has_raw(table, raw[i]) != 0;
  return found;
}

static uint64_t dict_life(const struct dict_keys *keys, uint64_t count) {
  dict_table *table = dict_filled(keys, count);
  BENCH_USE(table);
  table_drop(table);
  return count;
}

static void dict_run(void) {
  uint64_t count = bench_number("dict", 1000);
  uint64_t rounds = bench_number("operations", 4000000) / count;
  if (rounds == 0) rounds = 1;
  uint32_t *in_order = dict_order(count, 0), *shuffled = dict_order(count, 1);
  struct dict_keys keys = dict_keys_new(in_order, count, 0);
  struct dict_keys hits = dict_keys_new(shuffled, count, 0);
  struct dict_keys misses = dict_keys_new(shuffled, count, count);
  BENCH_TIME("ns/key insert " DICT_KEYS, rounds, count, dict_life(&keys, count));
  dict_table *table = dict_filled(&keys, count);
  BENCH_TIME("ns/key hit " DICT_KEYS, rounds, count, dict_count_found(table, hits.keys, count));
  BENCH_TIME("ns/key miss " DICT_KEYS, rounds, count, dict_count_found(table, misses.keys, count));
  BENCH_TIME("ns/key hit " DICT_RAW, rounds, count, dict_count_found_raw(table, hits.raw, count));
  BENCH_TIME("ns/key miss " DICT_RAW, rounds, count,
             dict_count_found_raw(table, misses.raw, count));
  BENCH_TIME("ns/key iterate " DICT_KEYS, rounds, count, table_walk(table));
  table_drop(table);
}

#endif

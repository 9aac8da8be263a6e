/* X5 and X6: what is held of the system's memory for what is alive, after most of it was dropped.
 *
 * A peer defines
 *
 *     typedef ... memory_block;
 *     static memory_block *memory_new(uint32_t bytes);          16 to 256, a multiple of 8; written
 * to static void memory_drop(memory_block *, uint32_t bytes); static void memory_give_back(void);
 * asks for what can be given back
 *
 * Memory held is what the process has resident, above what it had before it made the first block.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

struct memory_item {
  memory_block *block; /* NULL: dropped */
  uint32_t bytes;
};

struct memory {
  struct memory_item *items;
  uint64_t capacity, count, live_bytes;
  double before_bytes;
};

static struct memory memory_begin(uint64_t capacity) {
  struct memory memory = {.capacity = capacity, .items = malloc(capacity * sizeof(*memory.items))};
  bench_require(memory.items != NULL, "memory for the table");
  memset(memory.items, 1, capacity * sizeof(*memory.items)); /* so that it is resident already */
  memory_drop(memory_new(64), 64);
  memory.before_bytes = bench_resident_bytes();
  return memory;
}

static void memory_add(struct memory *memory, uint32_t bytes) {
  bench_require(memory->count < memory->capacity, "room in the table");
  memory->items[memory->count++] = (struct memory_item){memory_new(bytes), bytes};
  memory->live_bytes += bytes;
}

static void memory_remove(struct memory *memory, uint64_t index) {
  struct memory_item *item = &memory->items[index];
  if (item->block == NULL) return;
  memory_drop(item->block, item->bytes);
  item->block = NULL;
  memory->live_bytes -= item->bytes;
}

static double memory_held_bytes(const struct memory *memory) {
  return bench_resident_bytes() - memory->before_bytes;
}

/* ---- X5 -------------------------------------------------------------------------------------- */

static void memory_report(const struct memory *memory) {
  double live = (double)memory->live_bytes;
  bench_result("bytes/byte alive", memory_held_bytes(memory) / live, memory->live_bytes);
  memory_give_back();
  bench_result("bytes/byte alive, asked to give back", memory_held_bytes(memory) / live,
               memory->live_bytes);
}

/* phase=mixed: blocks of 16 to 256 bytes, of which nine of ten are dropped at random.
 * phase=shifted: blocks of 32 bytes, of which nine of ten are dropped at random, and then as many
 * bytes in blocks of 48. */
static void memory_fragments(void) {
  const char *phase = bench_text("phase", "mixed");
  int mixed = strcmp(phase, "mixed") == 0;
  uint64_t wanted_bytes = bench_number("megabytes", 100) * 1000000, random = BENCH_SEED;
  bench_require(mixed || strcmp(phase, "shifted") == 0, "a phase of X5");
  struct memory memory = memory_begin(wanted_bytes / 16);
  while (memory.live_bytes < wanted_bytes) {
    memory_add(&memory, mixed ? 16 + 8 * (uint32_t)((bench_random(&random) >> 32) % 31) : 32);
  }
  for (uint64_t i = 0, count = memory.count; i < count; i++) {
    if (bench_random(&random) % 10 != 0) memory_remove(&memory, i);
  }
  while (!mixed && memory.live_bytes < wanted_bytes) memory_add(&memory, 48);
  memory_report(&memory);
  for (uint64_t i = 0; i < memory.count; i++) memory_remove(&memory, i);
  free(memory.items);
}

/* ---- X6 -------------------------------------------------------------------------------------- */

/* Blocks of 24 bytes, all dropped in the order in which they were made. */
static void memory_returns(void) {
  uint64_t count = bench_number("objects", 1000000);
  struct memory memory = memory_begin(count);
  for (uint64_t i = 0; i < count; i++) memory_add(&memory, 24);
  double full_bytes = memory_held_bytes(&memory), start_ns = bench_now_ns();
  for (uint64_t i = 0; i < count; i++) memory_remove(&memory, i);
  double spent_ns = bench_now_ns() - start_ns;
  bench_result("ns/object drop", spent_ns / (double)count, count);
  bench_result("% still held", 100 * memory_held_bytes(&memory) / full_bytes, count);
  struct timespec second = {.tv_sec = 1};
  (void)nanosleep(&second, NULL);
  for (int i = 0; i < 1000; i++) memory_drop(memory_new(24), 24);
  bench_result("% still held after a second", 100 * memory_held_bytes(&memory) / full_bytes, count);
  start_ns = bench_now_ns();
  memory_give_back();
  spent_ns = bench_now_ns() - start_ns;
  bench_result("% still held, asked to give back", 100 * memory_held_bytes(&memory) / full_bytes,
               count);
  bench_result("us to give back when asked", spent_ns / 1000, count);
  free(memory.items);
}

#endif

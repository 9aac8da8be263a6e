/* X5 and X6: objects of 31 sizes without references. */
#include <stdio.h>

#include "peer.h"

enum { LARGEST = 256 };

typedef struct memory_block {
  cairn_object base;
  uint64_t bytes;
} memory_block;

static cairn_heap *heap;
static cairn_type types[LARGEST / 8 + 1];

static memory_block *memory_new(uint32_t bytes) {
  memory_block *block = (memory_block *)cairn_object_new(heap, types[bytes / 8]);
  block->bytes = bytes;
  return block;
}

static void memory_drop(memory_block *block, uint32_t bytes) {
  (void)bytes;
  cairn_release(&block->base);
}

static void memory_give_back(void) { (void)cairn_heap_trim(heap); }

#include "memory.h"

static void run(void (*benchmark)(void)) {
  heap = peer_heap();
  for (size_t bytes = sizeof(memory_block); bytes <= LARGEST; bytes += 8) {
    char name[16];
    (void)snprintf(name, sizeof(name), "block%zu", bytes);
    const cairn_type_spec spec = {.name = name, .size_bytes = bytes};
    types[bytes / 8] = cairn_type_define(heap, &spec);
    bench_require(types[bytes / 8] != 0, "a new type");
  }
  benchmark();
  bench_require(cairn_heap_destroy(heap, NULL), "nothing is left");
}

void fragments(void) { run(memory_fragments); }

void returns(void) { run(memory_returns); }

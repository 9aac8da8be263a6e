/* X5 and X6: counted blocks of the allocator. */
#include "allocator.h"

typedef uint64_t memory_block; /* begins with its count */

static memory_block *memory_new(uint32_t bytes) {
  memory_block *block = allocate(bytes);
  block[0] = 1;
  block[1] = bytes;
  return block;
}

static void memory_drop(memory_block *block, uint32_t bytes) {
  (void)bytes;
  if (--*block == 0) deallocate(block);
}

static void memory_give_back(void) { allocator_give_back(); }

#include "memory.h"

void fragments(void) { memory_fragments(); }

void returns(void) { memory_returns(); }

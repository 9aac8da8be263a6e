/* A world whose memory runs out: for tests that see the runtime's own headers (runtime/src). */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include "internal.h"
#include "world.h"

/* From now on there is no memory, from the n-th block or mapping on. */
static inline void world_make_scarce(struct world *world) {
  cairn_fault.block_after = 1 + world_random(world, 3);
  cairn_fault.map_after = 1 + world_random(world, 2);
  cairn_fault_arm(world->heap);
}

/* There is memory again. */
static inline void world_make_plentiful(struct world *world) {
  cairn_fault.block_after = 0;
  cairn_fault.map_after = 0;
  cairn_limit_refresh(world->heap);
}

#endif

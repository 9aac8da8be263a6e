/* Fuzz target: the input is what a program does with a heap, compared with a naive model.
 *
 * The first bytes choose the mode: how many objects, whether finalizers resurrect, whether the heap
 * collects by itself, and how often an allocation fails.  Each byte after them is one decision of a
 * step of tests/world.  Both sides are compared, and the heap is validated, after each step.
 */
#include <stdlib.h>

#include "scarce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MODE_BYTES = 3, STEPS_MAX = 4000 };

static void fail(const char *problem, unsigned step) {
  (void)fprintf(stderr, "step %u: %s\n", step, problem);
  abort();
}

static struct world_options options_of(const uint8_t *data, size_t bytes) {
  bool automatic = (data[0] & 1) != 0;
  bool failing = data[1] != 0;
  return (struct world_options){.seed = 1,
                                .script = data + MODE_BYTES,
                                .script_bytes = bytes - MODE_BYTES,
                                .object_goal = 8 + data[2],
                                .reachable_only = automatic || failing,
                                .automatic = automatic,
                                .keep_interned = failing,
                                .resurrect = !automatic && (data[0] & 2) != 0,
                                .heap_name = "fuzzed"};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  if (bytes < MODE_BYTES) return 0;
  struct world_options options = options_of(data, bytes);
  struct world world;
  if (!world_new(&world, &options)) fail("no world", 0);
  unsigned step = 0, fault_every = data[1];
  for (; world.options.script_bytes != 0 && step < STEPS_MAX; step++) {
    bool fault = fault_every != 0 && step % fault_every == 0;
    if (fault) world_make_scarce(&world);
    world_step(&world);
    if (fault) world_make_plentiful(&world);
    if (world_random(&world, 24) == 0 && !world_collect(&world, world_random(&world, 2) == 0)) {
      fail("a collection freed a wrong number of objects", step);
    }
    const char *problem = world_check(&world);
    if (problem != NULL) fail(problem, step);
  }
  const char *problem = world_end(&world);
  if (problem != NULL) fail(problem, step);
  return 0;
}

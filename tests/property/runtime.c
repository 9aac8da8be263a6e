/* libcairn against a naive model: random steps on both sides, compared as they go.
 *
 *     CAIRN_PROPERTY_SEED    of the first run; the time of day when it is "random"; 1 by default
 *     CAIRN_PROPERTY_STEPS   of each run; 20000 by default
 *
 * A failure prints the mode, the seed and the step: the same three fail again.  At the end it says
 * how many steps there were in all.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scarce.h"

static const struct mode {
  const char *name;
  struct world_options options;
  unsigned check_every;   /* steps from one comparison of everything to the next */
  unsigned collect_every; /* steps from one collection to the next, on average */
  unsigned fault_every;   /* steps between blocks that are refused; 0: none is */
} modes[] = {
    /* All of it after every step, on a heap of some dozens of objects. */
    {"small", {.object_goal = 60, .resurrect = true}, 1, 200, 0},
    {"medium", {.object_goal = 2000, .resurrect = true}, 500, 200, 0},
    {"faults",
     {.object_goal = 300, .resurrect = true, .reachable_only = true, .keep_interned = true},
     20,
     200,
     3},
    {"automatic", {.object_goal = 3000, .reachable_only = true, .automatic = true}, 2000, 200, 0},
    /* Many arenas; as far as the steps reach. */
    {"large", {.object_goal = 300000, .resurrect = true}, 100000, 20000, 0},
};

static uint64_t from_environment(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  if (text == NULL || *text == '\0') return otherwise;
  if (strcmp(text, "random") == 0) return (uint64_t)time(NULL);
  return strtoull(text, NULL, 0);
}

static const char *run(const struct mode *mode, uint64_t seed, uint64_t steps, uint64_t *step) {
  struct world_options options = mode->options;
  options.seed = seed;
  (void)snprintf(options.heap_name, sizeof options.heap_name, "%s", mode->name);
  struct world world;
  if (!world_new(&world, &options)) return "no world";
  const char *problem = NULL;
  for (*step = 0; *step < steps && problem == NULL; ++*step) {
    bool fault = mode->fault_every != 0 && *step % mode->fault_every == 0;
    if (fault) world_make_scarce(&world);
    world_step(&world);
    if (fault) world_make_plentiful(&world);
    if (world_random(&world, mode->collect_every) == 0 &&
        !world_collect(&world, world_random(&world, 2) == 0)) {
      problem = "a collection freed a wrong number of objects";
    }
    if (problem == NULL && *step % mode->check_every == 0) problem = world_check(&world);
  }
  if (problem != NULL) return problem; /* the world is left as it is, for a debugger */
  if (mode->fault_every != 0 && world.refused_count == 0) return "no step was refused memory";
  problem = world_check(&world);
  return problem != NULL ? problem : world_end(&world);
}

int main(void) {
  uint64_t seed = from_environment("CAIRN_PROPERTY_SEED", 1);
  uint64_t steps = from_environment("CAIRN_PROPERTY_STEPS", 20000);
  uint64_t total = 0;
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    for (uint64_t round = 0; round < 3; round++) {
      uint64_t step = 0;
      const char *problem = run(&modes[i], seed + round, steps, &step);
      if (problem != NULL) {
        (void)fprintf(stderr, "FAILED: mode %s, seed %llu, step %llu: %s\n", modes[i].name,
                      (unsigned long long)seed + round, (unsigned long long)step, problem);
        return 1;
      }
      total += steps;
    }
    (void)printf("%s: seeds %llu to %llu, %llu steps each\n", modes[i].name,
                 (unsigned long long)seed, (unsigned long long)seed + 2, (unsigned long long)steps);
  }
  (void)printf("%llu steps in all\n", (unsigned long long)total);
  return 0;
}

/* The steps of a world: what changes both sides.  See world.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../random.h"
#include "world.h"

/* ---- objects and roots ----------------------------------------------------------------------- */

/* As many bytes of the script as the bound has.  A small bound is a choice between steps or
 * objects: one byte each, so that a fuzzer's change of a byte changes one decision. */
static bool script_take(struct world *world, uint64_t bound, uint64_t *out) {
  struct world_options *options = &world->options;
  size_t bytes = bound <= 256 ? 1 : 4;
  if (options->script_bytes < bytes) {
    options->script_bytes = 0;
    return false;
  }
  uint64_t taken = 0;
  memcpy(&taken, options->script, bytes);
  options->script += bytes;
  options->script_bytes -= bytes;
  *out = taken;
  return true;
}

uint64_t world_random(struct world *world, uint64_t bound) {
  uint64_t scripted;
  if (world->options.script != NULL && script_take(world, bound, &scripted)) {
    return scripted % bound;
  }
  /* The product mixes: seeds here are small numbers in a row. */
  return (random_next(&world->random) * 0x2545f4914f6cdd1dull >> 33) % bound;
}

static uintptr_t disguised(const cairn_object *object) { return ~(uintptr_t)object; }

cairn_object *world_object(const struct world *world, uint32_t id) {
  return (cairn_object *)~model_at(&world->model, id)->handle;
}

void world_root_push(struct world *world, cairn_object *object, uint32_t id) {
  if (world->root_count == world->root_capacity) {
    world->root_capacity = world->root_capacity == 0 ? 64 : 2 * world->root_capacity;
    world->roots = realloc(world->roots, world->root_capacity * sizeof(*world->roots));
    world->root_ids = realloc(world->root_ids, world->root_capacity * sizeof *world->root_ids);
    if (world->roots == NULL || world->root_ids == NULL) abort();
  }
  world->roots[world->root_count] = object;
  world->root_ids[world->root_count++] = id;
}

void world_root_take(struct world *world, uint32_t at) {
  uint32_t id = world->root_ids[at];
  cairn_object *object = world->roots[at];
  uint32_t last = --world->root_count;
  world->roots[at] = world->roots[last];
  world->root_ids[at] = world->root_ids[last];
  world->roots[last] = NULL;
  cairn_release(object);
  model_root_drop(&world->model, id);
  world_follow(world);
}

uint32_t world_adopt(struct world *world, enum world_kind kind, cairn_object *object) {
  static const bool acyclic[] = {
#define ACYCLIC(NAME, name, acyclic) acyclic,
      WORLD_KINDS(ACYCLIC)};
  world_follow(world);
  uint32_t id = model_object_new(&world->model, (uint8_t)kind, disguised(object));
  model_at(&world->model, id)->acyclic = acyclic[kind];
  world_root_push(world, object, id);
  return id;
}

void world_follow(struct world *world) {
  cairn_stats stats;
  cairn_heap_stats(world->heap, &stats);
  if (stats.collection_count != world->collection_count) {
    world->collection_count = stats.collection_count;
    (void)model_collect(&world->model);
  }
  struct model_ids *resurrected = &world->model.resurrected;
  for (uint32_t i = 0; i < resurrected->count; i++) {
    world_root_push(world, world_object(world, resurrected->ids[i]), resurrected->ids[i]);
  }
  resurrected->count = 0;
}

/* An object some steps away from a random root. */
static uint32_t pick_reachable(struct world *world) {
  if (world->root_count == 0) return world->shared[0];
  uint32_t id = world->root_ids[world_random(world, world->root_count)];
  for (uint64_t steps = world_random(world, 6); steps > 0; steps--) {
    const struct model_object *object = model_at(&world->model, id);
    if (object->edge_count == 0) break;
    const struct model_edge *edge = &object->edges[world_random(world, object->edge_count)];
    if (edge->kind != MODEL_STRONG || edge->target == 0) break;
    id = edge->target;
  }
  return id;
}

uint32_t world_pick(struct world *world) {
  uint64_t dice = world_random(world, 20);
  if (dice == 0) {
    return world->shared[world_random(world, sizeof world->shared / sizeof world->shared[0])];
  }
  /* What is new is what programs work with most. */
  if (dice < 8 && world->root_count != 0) return world->root_ids[world->root_count - 1];
  if (world->options.reachable_only) return pick_reachable(world);
  return world->model.alive.ids[world_random(world, world->model.alive.count)];
}

/* Tuples are equal by their items, which the model does not compare. */
uint32_t world_pick_key(struct world *world) {
  uint32_t id = world_pick(world);
  return model_at(&world->model, id)->kind == WORLD_TUPLE ? world->shared[0] : id;
}

/* An interned str may outlive its count, and its weak slots with it: the model can't tell. */
uint32_t world_pick_watched(struct world *world) {
  uint32_t id = world_pick(world);
  return model_at(&world->model, id)->interned ? 0 : id;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void make_one(struct world *world) {
  /* none and bool are there; the others are equally likely, containers twice. */
  enum world_kind kind =
      (enum world_kind)(WORLD_INT + (int)world_random(world, WORLD_KIND_COUNT - WORLD_INT));
  if (world_is_scalar(kind) && world_random(world, 2) == 0) {
    kind =
        (enum world_kind)(WORLD_TUPLE + (int)world_random(world, WORLD_KIND_COUNT - WORLD_TUPLE));
  }
  if (kind == WORLD_OPAQUE && world->options.transparent) kind = WORLD_LIST;
  if (!world_object_make(world, kind)) world->refused_count++;
}

static void drop_one_root(struct world *world) {
  if (world->root_count < 2) return;
  uint32_t at = world->root_count - 1;
  if (world_random(world, 2) == 0) at = (uint32_t)world_random(world, world->root_count);
  uint32_t id = world->root_ids[at];
  const struct model_object *shadow = model_at(&world->model, id);
  if (id == world->anchor) return;
  if (shadow->interned && world->options.keep_interned) return;
  /* A growing heap mostly gives up roots of what others hold by now. */
  bool grows = world->model.alive.count < world->options.object_goal;
  if (grows && shadow->count == 1 && world_random(world, 6) != 0) return;
  world_root_take(world, at);
}

static void root_one(struct world *world) {
  uint32_t id = world_pick(world);
  if (model_at(&world->model, id)->immortal) return;
  world_root_push(world, cairn_retain(world_object(world, id)), id);
  model_root_add(&world->model, id);
}

void world_step(struct world *world) {
  world_enter(world);
  bool grow = world->model.alive.count < world->options.object_goal;
  uint64_t dice = world_random(world, 100);
  if (dice < (grow ? 20u : 10u)) {
    make_one(world);
  } else if (dice < 45) {
    drop_one_root(world);
  } else if (dice < 47) {
    root_one(world);
  } else {
    world_change_one(world);
  }
  world_follow(world);
}

/* A collection from candidates becomes one of the whole heap no sooner than this many objects are
 * reached (detect.c). */
enum { PART_MIN = 10000 };

bool world_collect(struct world *world, bool full) {
  world_enter(world);
  uint64_t dormant = world_dormant_count(world), objects = world->model.alive.count;
  uint64_t passing = world->passing_count;
  uint64_t freed = full ? cairn_collect(world->heap) : cairn_collect_candidates(world->heap);
  uint64_t left = world_dormant_count(world);
  uint64_t known = world->model.dormant_count;
  uint64_t deaths = model_collect(&world->model) + world->passing_count - passing;
  dormant += world->model.dormant_count - known;
  world->collection_count++;
  world_follow(world);
  world->model.dormant_count = left;
  /* Dormant strs go with a collection of the whole heap, all of them, and with no other. */
  bool may_be_whole = full || objects > PART_MIN, may_be_part = !full;
  if (!(may_be_whole && left == 0) && !(may_be_part && left == dormant)) return false;
  return freed == deaths + dormant - left;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static uint32_t adopt_shared(struct world *world, enum world_kind kind, cairn_object *object) {
  uint32_t id = model_object_new(&world->model, (uint8_t)kind, disguised(object));
  struct model_object *shadow = model_at(&world->model, id);
  shadow->immortal = true;
  shadow->acyclic = true;
  return id;
}

static void note_builtin(cairn_object *object, void *context) {
  struct world *world = context;
  world->builtins[world->builtin_count++] = disguised(object);
}

bool world_new(struct world *world, const struct world_options *options) {
  *world = (struct world){.options = *options};
  world->random = options->seed * 0x9e3779b97f4a7c15ull + 0x1234567;
  world_enter(world);
  world->heap = cairn_heap_new(
      &(cairn_heap_options){.name = options->heap_name, .manual_collection = !options->automatic});
  if (world->heap == NULL || !world_kinds_define(world)) return false;
  cairn_stats stats;
  cairn_heap_stats(world->heap, &stats);
  world->own_objects = stats.object_count;
  world->builtins = calloc(world->own_objects, sizeof *world->builtins);
  if (world->builtins == NULL) return false;
  cairn_heap_walk(world->heap, note_builtin, world);
  world->shared[0] = adopt_shared(world, WORLD_NONE, cairn_none(world->heap));
  world->shared[1] = adopt_shared(world, WORLD_BOOL, cairn_bool(world->heap, false));
  world->shared[2] = adopt_shared(world, WORLD_BOOL, cairn_bool(world->heap, true));
  for (int64_t i = 3; i < (int64_t)(sizeof world->shared / sizeof world->shared[0]); i++) {
    world->shared[i] = adopt_shared(world, WORLD_INT, cairn_int_new(world->heap, 10 * i - 35));
  }
  if (!world_object_make(world, WORLD_CELL)) return false;
  world->anchor = world->root_ids[0];
  return true;
}

const char *world_end(struct world *world) {
  world_enter(world);
  const char *problem = NULL;
  while (world->root_count != 0) world_root_take(world, world->root_count - 1);
  /* Once more for what finalizers resurrected. */
  for (int i = 0; i < 3 && problem == NULL; i++) {
    if (!world_collect(world, true)) problem = "the last collections freed a wrong number";
    while (world->root_count != 0) world_root_take(world, world->root_count - 1);
  }
  cairn_stats stats;
  cairn_heap_stats(world->heap, &stats);
  if (problem == NULL && stats.object_count != world->own_objects) {
    problem = "objects are left without roots";
  }
  if (!cairn_heap_destroy(world->heap, NULL) && problem == NULL) problem = "leaks are reported";
  for (uint32_t i = 0; i < world->foreign_capacity; i++) free(world->foreign[i]);
  free(world->foreign);
  free(world->builtins);
  free(world->roots);
  free(world->root_ids);
  model_free(&world->model);
  return problem;
}

/* Writing what a world holds, from its model alone: what a reader of the heap must find.
 *
 * One fact a line, fields separated by tabs (the format of the fixtures of tests/gdb, and more):
 *
 *     heap     ADDRESS NAME
 *     builtin  ADDRESS                          an object that the heap made for itself
 *     object   ADDRESS TYPE COUNT SIZE HEAP     SIZE in bytes, of its block; HEAP is its address
 *     edge     HOLDER SLOT TARGET KIND          SLOT as world_place_name; KIND strong, weak,
 *                                               borrowed, or opaque (strong, but undeclared)
 *     interned ADDRESS                          one of its count is the intern table's
 *     garbage  ADDRESS                          no root of the world reaches it
 *     root     KIND NAME ADDRESS                KIND is "foreign": a malloc'ed word
 *
 * Empty places and weak slots whose target is gone are no edges.
 */
#include <inttypes.h>

#include "world.h"

static uintptr_t address(const struct world *world, uint32_t id) {
  return (uintptr_t)world_object(world, id);
}

static const char *kind_name(const struct model_object *holder, const struct model_edge *edge) {
  if (edge->kind == MODEL_WEAK) return "weak";
  if (edge->kind == MODEL_BORROWED) return "borrowed";
  return holder->kind == WORLD_OPAQUE ? "opaque" : "strong";
}

static void write_edges(const struct world *world, uint32_t id, FILE *file) {
  const struct model_object *shadow = model_at(&world->model, id);
  for (uint32_t at = 0; at < shadow->edge_count; at++) {
    uint32_t target = model_edge_target(&world->model, &shadow->edges[at]);
    if (target == 0) continue;
    char name[64];
    world_place_name(world, id, at, name, sizeof name);
    (void)fprintf(file, "edge\t0x%" PRIxPTR "\t%s\t0x%" PRIxPTR "\t%s\n", address(world, id), name,
                  address(world, target), kind_name(shadow, &shadow->edges[at]));
  }
}

void world_write(struct world *world, FILE *file) {
  const struct model *model = &world->model;
  (void)fprintf(file, "heap\t0x%" PRIxPTR "\t%s\n", (uintptr_t)world->heap,
                world->options.heap_name);
  for (uint32_t i = 0; i < world->builtin_count; i++) {
    (void)fprintf(file, "builtin\t0x%" PRIxPTR "\n", ~world->builtins[i]);
  }
  model_mark(&world->model);
  for (uint32_t i = 0; i < model->alive.count; i++) {
    uint32_t id = model->alive.ids[i];
    const struct model_object *shadow = model_at(model, id);
    if (shadow->immortal) continue; /* written as builtin */
    (void)fprintf(file, "object\t0x%" PRIxPTR "\t%s\t%" PRIu32 "\t%zu\t0x%" PRIxPTR "\n",
                  address(world, id), world_kind_name(shadow->kind),
                  shadow->count + (shadow->interned ? 1 : 0),
                  cairn_object_size(world_object(world, id)), (uintptr_t)world->heap);
    if (shadow->interned) (void)fprintf(file, "interned\t0x%" PRIxPTR "\n", address(world, id));
    if (!shadow->reached) (void)fprintf(file, "garbage\t0x%" PRIxPTR "\n", address(world, id));
    write_edges(world, id, file);
  }
  for (uint32_t i = 0; i < world->root_count; i++) {
    (void)fprintf(file, "root\tforeign\troots[%" PRIu32 "]\t0x%" PRIxPTR "\n", i,
                  address(world, world->root_ids[i]));
  }
}

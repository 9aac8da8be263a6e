/* See model.h. */
#include "model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *array, uint32_t *capacity, size_t item_bytes) {
  *capacity = *capacity == 0 ? 4 : *capacity * 2;
  array = realloc(array, *capacity * item_bytes);
  if (array == NULL) abort();
  return array;
}

void model_ids_push(struct model_ids *ids, uint32_t id) {
  if (ids->count == ids->capacity) ids->ids = grown(ids->ids, &ids->capacity, sizeof *ids->ids);
  ids->ids[ids->count++] = id;
}

static uint32_t ids_pop(struct model_ids *ids) { return ids->ids[--ids->count]; }

void model_free(struct model *model) {
  for (uint32_t id = 0; id < model->object_count; id++) free(model->objects[id].edges);
  free(model->objects);
  free(model->alive.ids);
  free(model->unused.ids);
  free(model->dying.ids);
  free(model->reached.ids);
  free(model->resurrected.ids);
  *model = (struct model){0};
}

uint32_t model_object_new(struct model *model, uint8_t kind, uintptr_t handle) {
  uint32_t id;
  if (model->unused.count != 0) {
    id = ids_pop(&model->unused);
  } else {
    if (model->object_count == 0) model->object_count = 1;
    if (model->object_count >= model->object_capacity) {
      model->objects = grown(model->objects, &model->object_capacity, sizeof *model->objects);
      if (model->object_count == 1) model->objects[0] = (struct model_object){0};
    }
    id = model->object_count++;
    model->objects[id] = (struct model_object){0};
  }
  struct model_object *object = model_at(model, id);
  uint32_t epoch = object->epoch + 1; /* weak edges to an earlier object of that number are void */
  *object = (struct model_object){.handle = handle,
                                  .kind = kind,
                                  .alive = true,
                                  .epoch = epoch,
                                  .count = 1,
                                  .root_count = 1,
                                  .alive_at = model->alive.count};
  model_ids_push(&model->alive, id);
  return id;
}

/* ---- counts and deaths ----------------------------------------------------------------------- */

static void hold(struct model *model, uint32_t id) {
  assert(model_at(model, id)->alive);
  model_at(model, id)->count++;
}

static void drop(struct model *model, uint32_t id) {
  struct model_object *object = model_at(model, id);
  if (object->immortal) return;
  assert(object->alive && object->count > 0);
  if (--object->count == 0) model_ids_push(&model->dying, id);
}

/* True when the finalizer brought the object back. */
static bool finalize(struct model *model, uint32_t id) {
  struct model_object *object = model_at(model, id);
  if (!object->finalizer || object->finalized) return false;
  object->finalized = true;
  model->finalizer_count++;
  if (!object->resurrects) return false;
  object->count++;
  object->root_count++;
  model_ids_push(&model->resurrected, id);
  return true;
}

/* The object is gone: its edges no longer count. */
static void bury(struct model *model, uint32_t id) {
  struct model_object *object = model_at(model, id);
  object->alive = false;
  object->epoch++;
  if (object->interned) {
    model->dormant_count++;
  } else {
    model->death_count++;
  }
  uint32_t last = ids_pop(&model->alive);
  if (last != id) {
    model->alive.ids[object->alive_at] = last;
    model_at(model, last)->alive_at = object->alive_at;
  }
  model_ids_push(&model->unused, id);
}

static void drop_edges(struct model *model, uint32_t id) {
  struct model_object *object = model_at(model, id);
  for (uint32_t i = 0; i < object->edge_count; i++) {
    const struct model_edge *edge = &object->edges[i];
    if (edge->kind != MODEL_STRONG || edge->target == 0) continue;
    model->edge_total--;
    if (model_at(model, edge->target)->alive) drop(model, edge->target);
  }
  free(object->edges);
  object->edges = NULL;
  object->edge_count = 0;
  object->edge_capacity = 0;
}

/* Does the deaths that are due. */
static void settle(struct model *model) {
  while (model->dying.count != 0) {
    uint32_t id = ids_pop(&model->dying);
    model_at(model, id)->epoch++; /* weak references go before the finalizer runs */
    if (finalize(model, id)) continue;
    bury(model, id);
    drop_edges(model, id);
  }
}

void model_root_add(struct model *model, uint32_t id) {
  hold(model, id);
  model_at(model, id)->root_count++;
}

void model_root_drop(struct model *model, uint32_t id) {
  model_at(model, id)->root_count--;
  drop(model, id);
  settle(model);
}

/* ---- edges ----------------------------------------------------------------------------------- */

static struct model_edge edge_make(struct model *model, uint8_t kind, uint32_t target) {
  struct model_edge edge = {.kind = kind, .target = target};
  if (target == 0) return edge;
  edge.epoch = model_at(model, target)->epoch;
  if (kind == MODEL_STRONG) {
    hold(model, target);
    model->edge_total++;
  }
  return edge;
}

static void edge_drop(struct model *model, struct model_edge edge) {
  if (edge.kind != MODEL_STRONG || edge.target == 0) return;
  model->edge_total--;
  drop(model, edge.target);
}

void model_edge_insert(struct model *model, uint32_t holder, uint32_t at, uint8_t kind,
                       uint32_t target) {
  struct model_object *object = model_at(model, holder);
  assert(object->alive && at <= object->edge_count);
  if (object->edge_count == object->edge_capacity) {
    object->edges = grown(object->edges, &object->edge_capacity, sizeof *object->edges);
  }
  memmove(&object->edges[at + 1], &object->edges[at],
          (object->edge_count - at) * sizeof *object->edges);
  object->edges[at] = edge_make(model, kind, target);
  object->edge_count++;
}

void model_edge_set(struct model *model, uint32_t holder, uint32_t at, uint32_t target) {
  struct model_edge *edge = &model_at(model, holder)->edges[at];
  assert(at < model_at(model, holder)->edge_count);
  struct model_edge old = *edge;
  *edge = edge_make(model, old.kind, target);
  edge_drop(model, old);
  settle(model);
}

void model_edges_remove(struct model *model, uint32_t holder, uint32_t at, uint32_t count) {
  struct model_object *object = model_at(model, holder);
  assert(at + count <= object->edge_count);
  for (uint32_t i = at; i < at + count; i++) edge_drop(model, object->edges[i]);
  memmove(&object->edges[at], &object->edges[at + count],
          (object->edge_count - at - count) * sizeof *object->edges);
  object->edge_count -= count;
  settle(model);
}

uint32_t model_edge_target(const struct model *model, const struct model_edge *edge) {
  if (edge->target == 0 || edge->kind != MODEL_WEAK) return edge->target;
  const struct model_object *target = model_at(model, edge->target);
  return target->alive && target->epoch == edge->epoch ? edge->target : 0;
}

/* ---- collections ----------------------------------------------------------------------------- */

static void reach(struct model *model, uint32_t id) {
  if (model_at(model, id)->reached) return;
  model_at(model, id)->reached = true;
  model_ids_push(&model->reached, id);
}

/* Marks what the rooted objects reach, beyond what is marked. */
static void spread(struct model *model) {
  for (uint32_t i = 0; i < model->alive.count; i++) {
    uint32_t id = model->alive.ids[i];
    if (model_at(model, id)->root_count > 0) reach(model, id);
  }
  while (model->reached.count != 0) {
    const struct model_object *object = model_at(model, ids_pop(&model->reached));
    for (uint32_t i = 0; i < object->edge_count; i++) {
      const struct model_edge *edge = &object->edges[i];
      if (edge->kind == MODEL_STRONG && edge->target != 0) reach(model, edge->target);
    }
  }
}

void model_mark(struct model *model) {
  for (uint32_t id = 0; id < model->object_count; id++) model->objects[id].reached = false;
  spread(model);
}

uint64_t model_collect(struct model *model) {
  uint64_t deaths_before = model->death_count;
  model_mark(model);
  struct model_ids garbage = {0};
  for (uint32_t i = 0; i < model->alive.count; i++) {
    uint32_t id = model->alive.ids[i];
    struct model_object *object = model_at(model, id);
    if (object->reached || object->immortal) continue;
    model_ids_push(&garbage, id);
    if (!object->acyclic) object->epoch++;
  }
  for (uint32_t i = 0; i < garbage.count; i++) (void)finalize(model, garbage.ids[i]);
  spread(model);
  for (uint32_t i = 0; i < garbage.count; i++) {
    uint32_t id = garbage.ids[i];
    if (!model_at(model, id)->reached) bury(model, id);
  }
  for (uint32_t i = 0; i < garbage.count; i++) {
    if (!model_at(model, garbage.ids[i])->alive) drop_edges(model, garbage.ids[i]);
  }
  settle(model);
  free(garbage.ids);
  return model->death_count - deaths_before;
}

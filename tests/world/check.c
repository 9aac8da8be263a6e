/* Comparing both sides of a world.  See world.h. */
#include <string.h>

#include "world.h"

static char problem[256];

static const char *differs(const struct world *world, uint32_t id, const char *what,
                           uint64_t runtime, uint64_t model) {
  const struct model_object *shadow = model_at(&world->model, id);
  (void)snprintf(problem, sizeof problem, "object %u (%s): %s is %llu, by the model %llu", id,
                 world_kind_name(shadow->kind), what, (unsigned long long)runtime,
                 (unsigned long long)model);
  return problem;
}

/* ---- edges ----------------------------------------------------------------------------------- */

static cairn_object *native_edge(const struct native *native, uint32_t at) {
  switch (at) {
    case NATIVE_LEFT:
      return native->left;
    case NATIVE_RIGHT:
      return native->right;
    case NATIVE_WEAK:
      return native->weak;
    case NATIVE_BORROWED:
      return native->borrowed;
    case NATIVE_TAGGED:
      if ((native->tagged & TAG_MASK) != TAG_REFERENCE) return NULL;
      return (cairn_object *)(uintptr_t)(native->tagged & ~(uint64_t)TAG_MASK);
    default:
      return native->items[at - NATIVE_ITEMS];
  }
}

/* The edge of the object at that position, read through the public functions; not for dict, set. */
static cairn_object *edge_read(enum world_kind kind, const cairn_object *object, uint32_t at) {
  const void *memory = object;
  switch (kind) {
    case WORLD_TUPLE:
      return cairn_tuple_get(object, at);
    case WORLD_LIST:
      return cairn_list_get(object, at);
    case WORLD_CELL:
      return cairn_cell_get(object);
    case WORLD_RECORD:
      return cairn_record_get(object, at);
    case WORLD_WEAKREF: {
      cairn_object *target = cairn_weakref_get(object);
      cairn_release(target); /* it is held elsewhere too, or it would be gone */
      return target;
    }
    case WORLD_NATIVE:
    case WORLD_PHOENIX:
      return native_edge(memory, at);
    case WORLD_TAIL:
      return ((const struct tail *)memory)->items[at];
    case WORLD_FOREIGN:
      return ((const struct foreign *)memory)->items[at];
    case WORLD_TABLE: {
      const struct table_row *row = &((const struct table *)memory)->rows->rows[at / 2];
      return at % 2 == 0 ? row->key : row->value;
    }
    case WORLD_OPAQUE: {
      uint64_t turned = ((const struct opaque *)memory)->turned[at];
      return turned == 0 ? NULL : (cairn_object *)(uintptr_t)~turned;
    }
    default:
      return NULL;
  }
}

static uint64_t edges_count(enum world_kind kind, const cairn_object *object,
                            const struct model_object *shadow) {
  switch (kind) {
    case WORLD_TUPLE:
      return cairn_tuple_count(object);
    case WORLD_LIST:
      return cairn_list_count(object);
    case WORLD_DICT:
      return 2 * cairn_dict_count(object);
    case WORLD_SET:
      return cairn_set_count(object);
    default:
      return shadow->edge_count;
  }
}

static cairn_object *expected(const struct world *world, const struct model_edge *edge) {
  uint32_t target = model_edge_target(&world->model, edge);
  return target == 0 ? NULL : world_object(world, target);
}

static const char *check_rows(const struct world *world, uint32_t id, enum world_kind kind,
                              const cairn_object *object) {
  const struct model_object *shadow = model_at(&world->model, id);
  size_t position = 0;
  cairn_object *key = NULL;
  cairn_object *value = NULL;
  uint32_t at = 0;
  while (kind == WORLD_DICT ? cairn_dict_next(object, &position, &key, &value)
                            : cairn_set_next(object, &position, &key)) {
    if (at >= shadow->edge_count) return differs(world, id, "the number of rows", at, 0);
    const struct model_edge *edge = &shadow->edges[at];
    if (key != expected(world, edge)) return differs(world, id, "the key of edge", at, at);
    if (kind == WORLD_DICT) {
      if (value != expected(world, edge + 1)) return differs(world, id, "the value at", at, at);
      if (cairn_dict_get(object, key) != value) return differs(world, id, "a lookup", at, at);
    } else if (!cairn_set_has(object, key)) {
      return differs(world, id, "a lookup", at, at);
    }
    at += kind == WORLD_DICT ? 2 : 1;
  }
  return at == shadow->edge_count ? NULL : differs(world, id, "rows seen", at, shadow->edge_count);
}

static const char *check_edges(const struct world *world, uint32_t id) {
  const struct model_object *shadow = model_at(&world->model, id);
  enum world_kind kind = shadow->kind;
  const cairn_object *object = world_object(world, id);
  uint64_t count = edges_count(kind, object, shadow);
  if (count != shadow->edge_count) {
    return differs(world, id, "the number of edges", count, shadow->edge_count);
  }
  if (kind == WORLD_DICT || kind == WORLD_SET) return check_rows(world, id, kind, object);
  for (uint32_t at = 0; at < shadow->edge_count; at++) {
    if (edge_read(kind, object, at) != expected(world, &shadow->edges[at])) {
      return differs(world, id, "the edge of position", at, at);
    }
  }
  return NULL;
}

/* ---- objects --------------------------------------------------------------------------------- */

static const char *check_object(const struct world *world, uint32_t id) {
  const struct model_object *shadow = model_at(&world->model, id);
  const cairn_object *object = world_object(world, id);
  const uint64_t flux = CAIRN_STATE(DYING) | CAIRN_STATE(HELD) | CAIRN_STATE(BUFFER);
  uint64_t state = object->header & (flux | CAIRN_STATE(LIVE));
  if (state != CAIRN_STATE(LIVE)) return differs(world, id, "the state", state, 0);
  if (strcmp(cairn_object_type_name(object), world_kind_name(shadow->kind)) != 0) {
    return differs(world, id, "the type", cairn_type_index(object), 0);
  }
  if (cairn_is_immortal(object) != shadow->immortal) {
    return differs(world, id, "immortality", cairn_is_immortal(object), shadow->immortal);
  }
  bool finalized = (object->header & CAIRN_STATE(FINALIZED)) != 0;
  if (finalized != shadow->finalized) {
    return differs(world, id, "finalized", finalized, shadow->finalized);
  }
  uint64_t count = shadow->count + (shadow->interned ? 1u : 0u); /* the intern table's own */
  if (!shadow->immortal && cairn_refcount(object) != count) {
    return differs(world, id, "the count", cairn_refcount(object), count);
  }
  return check_edges(world, id);
}

/* What a walk over the heap meets. */
struct walked {
  uint64_t object_count;
  uint64_t dormant_count; /* interned strs of which the intern table holds the only reference */
};

static void count_one(cairn_object *object, void *context) {
  struct walked *walked = context;
  bool interned = (object->header & CAIRN_STATE(INTERNED)) != 0;
  walked->object_count++;
  walked->dormant_count += interned && cairn_refcount(object) == 1;
}

static struct walked walk(const struct world *world) {
  struct walked walked = {0};
  cairn_heap_walk(world->heap, count_one, &walked);
  return walked;
}

uint64_t world_dormant_count(const struct world *world) { return walk(world).dormant_count; }

const char *world_check(struct world *world) {
  const char *damage = cairn_heap_validate(world->heap);
  if (damage != NULL) return damage;
  for (uint32_t i = 0; i < world->model.alive.count; i++) {
    damage = check_object(world, world->model.alive.ids[i]);
    if (damage != NULL) return damage;
  }
  if (world->finalizer_count != world->model.finalizer_count) {
    return differs(world, 0, "the number of finalizers", world->finalizer_count,
                   world->model.finalizer_count);
  }
  struct walked walked = walk(world);
  if (walked.dormant_count > world->model.dormant_count) {
    return differs(world, 0, "the number of dormant strs", walked.dormant_count,
                   world->model.dormant_count);
  }
  uint64_t shared = sizeof world->shared / sizeof world->shared[0];
  uint64_t objects = world->own_objects + world->model.alive.count - shared + walked.dormant_count;
  if (walked.object_count != objects) {
    return differs(world, 0, "the number of objects walked", walked.object_count, objects);
  }
  cairn_stats stats;
  cairn_heap_stats(world->heap, &stats);
  if (stats.object_count != objects) {
    return differs(world, 0, "the number of objects", stats.object_count, objects);
  }
  return NULL;
}

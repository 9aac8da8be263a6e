/* Changing one object, on both sides: an entry, an item, a slot.  See world.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* What both sides are asked to do: a holder and its model. */
struct change {
  struct world *world;
  struct model *model;
  uint32_t id;
  struct model_object *shadow;
  cairn_object *object;
};

static uint32_t pick_or_none(struct world *world) {
  return world_random(world, 4) == 0 ? 0 : world_pick(world);
}

static cairn_object *object_or_null(const struct world *world, uint32_t id) {
  return id == 0 ? NULL : world_object(world, id);
}

static void refused(struct change *change) {
  change->world->refused_count++;
  world_follow(change->world);
}

static void change_list(struct change *change) {
  struct world *world = change->world;
  uint32_t count = change->shadow->edge_count;
  uint32_t at = count == 0 ? 0 : (uint32_t)world_random(world, count);
  uint64_t dice = world_random(world, 100);
  if (dice < 60 || count == 0) {
    uint32_t target = world_pick(world);
    bool append = dice < 40 || count == 0;
    if (append) at = count;
    cairn_object *item = world_object(world, target);
    bool done = append ? cairn_list_append(change->object, item)
                       : cairn_list_insert(change->object, at, item);
    if (!done) {
      refused(change);
      return;
    }
    world_follow(world);
    model_edge_insert(change->model, change->id, at, MODEL_STRONG, target);
  } else if (dice < 72) {
    uint32_t target = world_pick(world);
    if (!cairn_list_set(change->object, at, world_object(world, target))) abort();
    model_edge_set(change->model, change->id, at, target);
  } else if (dice < 85) {
    if (!cairn_list_remove(change->object, at)) abort();
    model_edges_remove(change->model, change->id, at, 1);
  } else if (dice < 97) {
    cairn_release(cairn_list_pop(change->object));
    model_edges_remove(change->model, change->id, count - 1, 1);
  } else {
    cairn_list_clear(change->object);
    model_edges_remove(change->model, change->id, 0, count);
  }
}

/* The edge that holds the key, or edge_count. */
static uint32_t key_find(const struct model_object *shadow, uint32_t key, uint32_t stride) {
  uint32_t at = 0;
  while (at < shadow->edge_count && shadow->edges[at].target != key) at += stride;
  return at;
}

static void change_dict(struct change *change) {
  struct world *world = change->world;
  uint32_t count = change->shadow->edge_count / 2;
  uint64_t dice = world_random(world, 100);
  if (dice < 70 || count == 0) {
    uint32_t key = world_pick_key(world);
    uint32_t value = world_pick(world);
    if (!cairn_dict_set(change->object, world_object(world, key), world_object(world, value))) {
      refused(change);
      return;
    }
    world_follow(world);
    uint32_t at = key_find(change->shadow, key, 2);
    if (at < change->shadow->edge_count) {
      model_edge_set(change->model, change->id, at + 1, value);
    } else {
      model_edge_append(change->model, change->id, MODEL_STRONG, key);
      model_edge_append(change->model, change->id, MODEL_STRONG, value);
    }
  } else if (dice < 97) {
    uint32_t at = 2 * (uint32_t)world_random(world, count);
    cairn_object *key = world_object(world, change->shadow->edges[at].target);
    if (!cairn_dict_remove(change->object, key)) abort();
    model_edges_remove(change->model, change->id, at, 2);
  } else {
    cairn_dict_clear(change->object);
    model_edges_remove(change->model, change->id, 0, 2 * count);
  }
}

static void change_set(struct change *change) {
  struct world *world = change->world;
  uint32_t count = change->shadow->edge_count;
  uint64_t dice = world_random(world, 100);
  if (dice < 70 || count == 0) {
    uint32_t key = world_pick_key(world);
    if (!cairn_set_add(change->object, world_object(world, key))) {
      refused(change);
      return;
    }
    world_follow(world);
    if (key_find(change->shadow, key, 1) == change->shadow->edge_count) {
      model_edge_append(change->model, change->id, MODEL_STRONG, key);
    }
  } else if (dice < 97) {
    uint32_t at = (uint32_t)world_random(world, count);
    cairn_object *key = world_object(world, change->shadow->edges[at].target);
    if (!cairn_set_remove(change->object, key)) abort();
    model_edges_remove(change->model, change->id, at, 1);
  } else {
    cairn_set_clear(change->object);
    model_edges_remove(change->model, change->id, 0, count);
  }
}

/* A word with a tag, or a number in its place. */
static void change_tagged(struct change *change, uint32_t target) {
  struct native *native = (struct native *)(void *)change->object;
  uint64_t old = native->tagged;
  uint64_t word = change->world->random << 3 | TAG_NUMBER;
  if (target != 0) {
    word = (uint64_t)(uintptr_t)cairn_retain(world_object(change->world, target)) | TAG_REFERENCE;
  }
  native->tagged = word;
  if ((old & TAG_MASK) == TAG_REFERENCE) {
    cairn_release((cairn_object *)(uintptr_t)(old & ~(uint64_t)TAG_MASK));
  }
}

static void change_native(struct change *change) {
  struct world *world = change->world;
  struct native *native = (struct native *)(void *)change->object;
  uint32_t at = (uint32_t)world_random(world, change->shadow->edge_count);
  uint32_t target = pick_or_none(world);
  cairn_object *value = object_or_null(world, target);
  switch (at) {
    case NATIVE_LEFT:
      cairn_assign(&native->left, value);
      break;
    case NATIVE_RIGHT:
      cairn_assign(&native->right, value);
      break;
    case NATIVE_WEAK:
      target = world_pick_watched(world);
      value = object_or_null(world, target);
      if (!cairn_weak_set(change->object, &native->weak, value)) {
        refused(change);
        return;
      }
      break;
    case NATIVE_BORROWED:
      target = target == 0 ? 0 : world->anchor;
      native->borrowed = object_or_null(world, target);
      break;
    case NATIVE_TAGGED:
      change_tagged(change, target);
      break;
    default:
      cairn_assign(&native->items[at - NATIVE_ITEMS], value);
      break;
  }
  world_follow(world);
  model_edge_set(change->model, change->id, at, target);
}

static void change_opaque(struct change *change, uint32_t at, cairn_object *value) {
  uint64_t *turned = &((struct opaque *)(void *)change->object)->turned[at];
  cairn_object *old = *turned == 0 ? NULL : (cairn_object *)(uintptr_t) ~*turned;
  *turned = value == NULL ? 0 : ~(uint64_t)(uintptr_t)cairn_retain(value);
  cairn_release(old);
}

/* Objects whose edges are places that are there from birth on. */
static void change_place(struct change *change) {
  struct world *world = change->world;
  uint32_t at = (uint32_t)world_random(world, change->shadow->edge_count);
  uint32_t target = pick_or_none(world);
  cairn_object *value = object_or_null(world, target);
  switch (change->shadow->kind) {
    case WORLD_CELL:
      cairn_cell_set(change->object, value);
      break;
    case WORLD_RECORD:
      if (!cairn_record_set(change->object, at, value)) abort();
      break;
    case WORLD_TAIL:
      cairn_assign(&((struct tail *)(void *)change->object)->items[at], value);
      break;
    case WORLD_FOREIGN:
      cairn_assign(&((struct foreign *)(void *)change->object)->items[at], value);
      break;
    case WORLD_OPAQUE:
      change_opaque(change, at, value);
      break;
    default:
      abort();
  }
  model_edge_set(change->model, change->id, at, target);
}

/* Fills a row, changes its value, or empties it. */
static void change_table(struct change *change) {
  struct world *world = change->world;
  uint32_t row = (uint32_t)world_random(world, change->shadow->edge_count / 2);
  struct table_row *words = &((struct table *)(void *)change->object)->rows->rows[row];
  uint32_t key = change->shadow->edges[2 * row].target;
  uint32_t value = world_pick(world);
  if (key != 0 && world_random(world, 2) == 0) {
    key = 0;
    value = 0;
  } else if (key == 0) {
    key = world_pick(world);
  }
  cairn_assign(&words->value, object_or_null(world, value));
  model_edge_set(change->model, change->id, 2 * row + 1, value);
  cairn_assign(&words->key, object_or_null(world, key));
  model_edge_set(change->model, change->id, 2 * row, key);
}

void world_change_one(struct world *world) {
  uint32_t id = world_pick(world);
  struct change change = {.world = world,
                          .model = &world->model,
                          .id = id,
                          .shadow = model_at(&world->model, id),
                          .object = world_object(world, id)};
  /* The holder must outlive the step: a step may drop what alone holds it. */
  bool immortal = change.shadow->immortal;
  cairn_retain(change.object);
  if (!immortal) model_root_add(&world->model, id);
  enum world_kind kind = change.shadow->kind;
  if (kind == WORLD_LIST) {
    change_list(&change);
  } else if (kind == WORLD_DICT) {
    change_dict(&change);
  } else if (kind == WORLD_SET) {
    change_set(&change);
  } else if (change.shadow->edge_count == 0 || kind == WORLD_TUPLE || kind == WORLD_WEAKREF) {
    world->serial++; /* nothing can be changed */
  } else if (kind == WORLD_NATIVE || kind == WORLD_PHOENIX) {
    change_native(&change);
  } else if (kind == WORLD_TABLE) {
    change_table(&change);
  } else {
    change_place(&change);
  }
  cairn_release(change.object);
  if (!immortal) model_root_drop(&world->model, id);
}

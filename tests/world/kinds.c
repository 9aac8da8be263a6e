/* The types of a world, and how its objects are made.  See world.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static const struct {
  const char *name;
  bool acyclic;
} kinds[] = {
#define KIND_ROW(NAME, name, acyclic) {name, acyclic},
    WORLD_KINDS(KIND_ROW)};

const char *world_kind_name(enum world_kind kind) { return kinds[kind].name; }

bool world_is_scalar(enum world_kind kind) { return kind <= WORLD_BYTES; }

/* ---- types ----------------------------------------------------------------------------------- */

/* The world that a finalizer runs in: one thread, one step at a time. */
static struct world *finalizing;

void world_enter(struct world *world) { finalizing = world; }

/* The model decides whether it comes back; the new reference becomes a root (world_follow). */
static void phoenix_finalize(cairn_object *object) {
  const struct native *native = (const struct native *)(const void *)object;
  const struct model_object *shadow = model_at(&finalizing->model, native->id);
  finalizing->finalizer_count++;
  /* Some mischief: memory that comes and goes, and a collection that must not begin. */
  cairn_object *list = cairn_list_new(finalizing->heap, 3);
  if (list != NULL) {
    (void)cairn_list_append(list, object);
    (void)cairn_list_append(list, list);
    cairn_list_clear(list);
    cairn_release(list);
    finalizing->passing_count++;
  }
  (void)cairn_collect(finalizing->heap);
  if (shadow->resurrects) cairn_retain(object);
}

static cairn_object *turned_object(uint64_t turned) {
  return (cairn_object *)(uintptr_t)(turned == 0 ? 0 : ~turned);
}

static void opaque_traverse(cairn_object *object, cairn_visit_fn visit, void *context) {
  const struct opaque *opaque = (const struct opaque *)(const void *)object;
  for (size_t i = 0; i < OPAQUE_EDGES; i++) {
    if (opaque->turned[i] != 0) visit(turned_object(opaque->turned[i]), context);
  }
}

static void opaque_clear(cairn_object *object) {
  struct opaque *opaque = (struct opaque *)(void *)object;
  for (size_t i = 0; i < OPAQUE_EDGES; i++) {
    cairn_object *old = turned_object(opaque->turned[i]);
    opaque->turned[i] = 0;
    cairn_release(old);
  }
}

static const cairn_slot_spec native_slots[] = {
    CAIRN_STRONG(struct native, left),
    CAIRN_STRONG(struct native, right),
    CAIRN_WEAK(struct native, weak),
    CAIRN_BORROWED(struct native, borrowed),
    {.name = "tagged",
     .kind = CAIRN_SLOT_STRONG,
     .offset = offsetof(struct native, tagged),
     .tag_mask = TAG_MASK,
     .tag_value = TAG_REFERENCE},
    CAIRN_STRONG_ARRAY(struct native, items, item_count)};
static const cairn_field_spec native_fields[] = {CAIRN_FIELD(struct native, id, UINT)};
static const cairn_slot_spec tail_slots[] = {{.name = "items",
                                              .kind = CAIRN_SLOT_STRONG,
                                              .shape = CAIRN_SHAPE_TAIL,
                                              .count_width = 8,
                                              .offset = offsetof(struct tail, items),
                                              .count_offset = offsetof(struct tail, count)}};
static const cairn_slot_spec foreign_slots[] = {{.name = "items",
                                                 .kind = CAIRN_SLOT_STRONG,
                                                 .shape = CAIRN_SHAPE_ARRAY,
                                                 .flags = CAIRN_SLOT_FLAG_FOREIGN,
                                                 .count_width = 4,
                                                 .offset = offsetof(struct foreign, items),
                                                 .count_offset = offsetof(struct foreign, count)}};
static const cairn_slot_spec table_slots[] = {{.name = "rows",
                                               .kind = CAIRN_SLOT_STRONG,
                                               .shape = CAIRN_SHAPE_TABLE,
                                               .flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER,
                                               .count_width = 8,
                                               .offset = offsetof(struct table, rows),
                                               .count_offset = offsetof(struct table_rows, count),
                                               .first_offset = offsetof(struct table_rows, rows),
                                               .stride = sizeof(struct table_row),
                                               .value_offset = offsetof(struct table_row, value)}};

static const cairn_type_spec specs[] = {[WORLD_NATIVE] = {.name = "native",
                                                          .size_bytes = sizeof(struct native),
                                                          .slots = native_slots,
                                                          .slot_count = 6,
                                                          .fields = native_fields,
                                                          .field_count = 1},
                                        [WORLD_PHOENIX] = {.name = "phoenix",
                                                           .size_bytes = sizeof(struct native),
                                                           .slots = native_slots,
                                                           .slot_count = 6,
                                                           .fields = native_fields,
                                                           .field_count = 1,
                                                           .finalize = phoenix_finalize},
                                        [WORLD_TAIL] = {.name = "tail",
                                                        .size_bytes = sizeof(struct tail),
                                                        .tail_item_bytes = sizeof(cairn_object *),
                                                        .slots = tail_slots,
                                                        .slot_count = 1},
                                        [WORLD_FOREIGN] = {.name = "foreign",
                                                           .size_bytes = sizeof(struct foreign),
                                                           .slots = foreign_slots,
                                                           .slot_count = 1},
                                        [WORLD_TABLE] = {.name = "table",
                                                         .size_bytes = sizeof(struct table),
                                                         .slots = table_slots,
                                                         .slot_count = 1},
                                        [WORLD_OPAQUE] = {.name = "opaque",
                                                          .size_bytes = sizeof(struct opaque),
                                                          .traverse = opaque_traverse,
                                                          .clear = opaque_clear}};

bool world_kinds_define(struct world *world) {
  static const char *const field_names[RECORD_FIELDS] = {"x", "y", "z"};
  world->types[WORLD_RECORD] =
      cairn_record_define(world->heap, kinds[WORLD_RECORD].name, field_names, RECORD_FIELDS);
  if (world->types[WORLD_RECORD] == 0) return false;
  for (int kind = WORLD_NATIVE; kind < WORLD_KIND_COUNT; kind++) {
    world->types[kind] = cairn_type_define(world->heap, &specs[kind]);
    if (world->types[kind] == 0) return false;
  }
  return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* Mostly small, sometimes larger than a page, rarely larger than an arena. */
static size_t random_bytes(struct world *world) {
  uint64_t dice = world_random(world, 4000);
  if (dice == 0 && world->options.object_goal > 1000) return (5 << 20) + world_random(world, 99);
  if (dice < 40) return 4000 + world_random(world, 100000);
  return 16 + world_random(world, 80);
}

static cairn_object *scalar_make(struct world *world, enum world_kind kind) {
  char text[64];
  uint64_t serial = ++world->serial;
  cairn_object *made = NULL;
  switch (kind) {
    case WORLD_INT:
      return cairn_int_new(world->heap, (int64_t)serial + 1000);
    case WORLD_FLOAT:
      return cairn_float_new(world->heap, (double)serial + 0.5);
    case WORLD_INTERNED: {
      int length = snprintf(text, sizeof text, "interned %llu", (unsigned long long)serial);
      return cairn_str_intern(world->heap, text, (size_t)length);
    }
    default: {
      size_t bytes = random_bytes(world);
      char *data = calloc(bytes, 1);
      if (data == NULL) abort();
      memset(data, 'x', bytes);
      (void)snprintf(data, 16, "%llu", (unsigned long long)serial);
      made = kind == WORLD_STR ? cairn_str_new(world->heap, data, bytes)
                               : cairn_bytes_new(world->heap, data, bytes);
      free(data);
      return made;
    }
  }
}

static bool scalar_adopt(struct world *world, enum world_kind kind) {
  cairn_object *object = scalar_make(world, kind);
  if (object == NULL) return false;
  uint32_t id = world_adopt(world, kind, object);
  model_at(&world->model, id)->interned = kind == WORLD_INTERNED;
  return true;
}

/* Edges that a new object has from its birth on. */
static void edges_append(struct world *world, uint32_t id, uint8_t kind, const uint32_t *targets,
                         size_t count) {
  for (size_t i = 0; i < count; i++) model_edge_append(&world->model, id, kind, targets[i]);
}

static bool tuple_adopt(struct world *world) {
  uint32_t targets[8];
  cairn_object *items[8];
  size_t count = world_random(world, 8);
  for (size_t i = 0; i < count; i++) {
    targets[i] = world_pick(world);
    items[i] = world_object(world, targets[i]);
  }
  cairn_object *object = cairn_tuple_new(world->heap, count, items);
  if (object == NULL) return false;
  edges_append(world, world_adopt(world, WORLD_TUPLE, object), MODEL_STRONG, targets, count);
  return true;
}

static bool cell_adopt(struct world *world, enum world_kind kind) {
  uint32_t target = 0;
  if (world_random(world, 4) != 0) {
    target = kind == WORLD_CELL ? world_pick(world) : world_pick_watched(world);
  }
  cairn_object *value = target == 0 ? NULL : world_object(world, target);
  cairn_object *object = kind == WORLD_CELL ? cairn_cell_new(world->heap, value)
                                            : cairn_weakref_new(world->heap, value);
  if (object == NULL) return false;
  edges_append(world, world_adopt(world, kind, object),
               kind == WORLD_CELL ? MODEL_STRONG : MODEL_WEAK, &target, 1);
  return true;
}

static void native_adopt(struct world *world, enum world_kind kind, cairn_object *object) {
  static const uint32_t none[16];
  uint32_t id = world_adopt(world, kind, object);
  edges_append(world, id, MODEL_STRONG, none, 2);
  edges_append(world, id, MODEL_WEAK, none, 1);
  edges_append(world, id, MODEL_BORROWED, none, 1);
  edges_append(world, id, MODEL_STRONG, none, 1);
  struct native *native = (struct native *)(void *)object;
  native->id = id;
  model_at(&world->model, id)->finalizer = kind == WORLD_PHOENIX;
  model_at(&world->model, id)->resurrects =
      kind == WORLD_PHOENIX && world->options.resurrect && world_random(world, 3) == 0;
  size_t count = world_random(world, 8);
  if (count == 0) return;
  native->items = cairn_buffer_new(world->heap, count * sizeof *native->items);
  if (native->items == NULL) return;
  native->item_count = (uint16_t)count;
  edges_append(world, id, MODEL_STRONG, none, count);
}

/* The array of a FOREIGN object; it outlives the object until its number is used again. */
static cairn_object **foreign_array(struct world *world, uint32_t id, size_t count) {
  if (id >= world->foreign_capacity) {
    uint32_t capacity = 2 * id + 64;
    world->foreign = realloc(world->foreign, capacity * sizeof *world->foreign);
    if (world->foreign == NULL) abort();
    memset(&world->foreign[world->foreign_capacity], 0,
           (capacity - world->foreign_capacity) * sizeof *world->foreign);
    world->foreign_capacity = capacity;
  }
  free(world->foreign[id]);
  world->foreign[id] = calloc(count + 1, sizeof(cairn_object *));
  if (world->foreign[id] == NULL) abort();
  return world->foreign[id];
}

static bool rows_adopt(struct world *world, enum world_kind kind) {
  static const uint32_t none[16];
  size_t count = world_random(world, 8);
  cairn_object *object = kind == WORLD_TAIL
                             ? cairn_object_new_tail(world->heap, world->types[kind], count)
                             : cairn_object_new(world->heap, world->types[kind]);
  if (object == NULL) return false;
  uint32_t id = world_adopt(world, kind, object);
  if (kind == WORLD_TAIL) {
    ((struct tail *)(void *)object)->count = count;
  } else if (kind == WORLD_FOREIGN) {
    struct foreign *foreign = (struct foreign *)(void *)object;
    foreign->items = foreign_array(world, id, count);
    foreign->count = (uint32_t)count;
  } else {
    struct table *table = (struct table *)(void *)object;
    size_t bytes = sizeof(struct table_rows) + count * sizeof(struct table_row);
    struct table_rows *rows = cairn_buffer_new(world->heap, bytes);
    if (rows == NULL) return true;
    rows->count = count;
    table->rows = rows;
    count *= 2;
  }
  edges_append(world, id, MODEL_STRONG, none, count);
  return true;
}

bool world_object_make(struct world *world, enum world_kind kind) {
  if (world_is_scalar(kind)) return scalar_adopt(world, kind);
  static const uint32_t none[OPAQUE_EDGES + RECORD_FIELDS];
  cairn_object *object;
  switch (kind) {
    case WORLD_TUPLE:
      return tuple_adopt(world);
    case WORLD_CELL:
    case WORLD_WEAKREF:
      return cell_adopt(world, kind);
    case WORLD_TAIL:
    case WORLD_FOREIGN:
    case WORLD_TABLE:
      return rows_adopt(world, kind);
    case WORLD_LIST:
      object =
          cairn_list_new(world->heap, world_random(world, 50) == 0 ? world_random(world, 5000) : 0);
      break;
    case WORLD_DICT:
      object = cairn_dict_new(world->heap);
      break;
    case WORLD_SET:
      object = cairn_set_new(world->heap);
      break;
    case WORLD_RECORD:
      object = cairn_record_new(world->heap, world->types[kind]);
      break;
    default:
      object = cairn_object_new(world->heap, world->types[kind]);
      break;
  }
  if (object == NULL) return false;
  if (kind == WORLD_NATIVE || kind == WORLD_PHOENIX) {
    native_adopt(world, kind, object);
    return true;
  }
  uint32_t id = world_adopt(world, kind, object);
  if (kind == WORLD_RECORD) edges_append(world, id, MODEL_STRONG, none, RECORD_FIELDS);
  if (kind == WORLD_OPAQUE) edges_append(world, id, MODEL_STRONG, none, OPAQUE_EDGES);
  return true;
}

/* ---- places ---------------------------------------------------------------------------------- */

void world_place_name(const struct world *world, uint32_t id, uint32_t at, char *name,
                      size_t bytes) {
  static const char *const native_names[] = {"left", "right", "weak", "borrowed", "tagged"};
  static const char *const field_names[RECORD_FIELDS] = {"x", "y", "z"};
  switch (model_at(&world->model, id)->kind) {
    case WORLD_NATIVE:
    case WORLD_PHOENIX:
      if (at < NATIVE_ITEMS) {
        (void)snprintf(name, bytes, "%s", native_names[at]);
      } else {
        (void)snprintf(name, bytes, "items[%u]", at - NATIVE_ITEMS);
      }
      break;
    case WORLD_RECORD:
      (void)snprintf(name, bytes, "%s", field_names[at]);
      break;
    case WORLD_CELL:
      (void)snprintf(name, bytes, "value");
      break;
    case WORLD_WEAKREF:
      (void)snprintf(name, bytes, "target");
      break;
    case WORLD_DICT:
      (void)snprintf(name, bytes, "entries.%s", at % 2 == 0 ? "key" : "value");
      break;
    case WORLD_SET:
      (void)snprintf(name, bytes, "entries.key");
      break;
    case WORLD_TABLE:
      (void)snprintf(name, bytes, "rows[%u].%s", at / 2, at % 2 == 0 ? "key" : "value");
      break;
    case WORLD_OPAQUE:
      (void)snprintf(name, bytes, "?");
      break;
    default:
      (void)snprintf(name, bytes, "items[%u]", at);
      break;
  }
}

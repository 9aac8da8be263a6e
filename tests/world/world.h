/* A world: a heap of libcairn and a naive model that go through the same random steps.
 *
 * Objects of all built-in types and of native ones with every kind and shape of slot.  The world
 * does each step on both sides through the public functions only; world_check compares them,
 * world_write says what there is from the model alone.
 *
 *     steps.c  a random step, roots            change.c  changing one object
 *     kinds.c  types, making objects, what an edge's place is called
 *     check.c  comparing both sides            truth.c   writing the model
 *
 * References of the world itself (roots) stand in one malloc'ed array.  Pointers to objects are
 * kept disguised everywhere else, so that a scan of the process's memory finds the roots only.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdio.h>

#include "cairn/cairn.h"
#include "model.h"

/* The kinds of objects, as K(NAME, name of the type, acyclic). */
#define WORLD_KINDS(K)                                                         \
  K(NONE, "none", true)                                                        \
  K(BOOL, "bool", true)                                                        \
  K(INT, "int", true)                                                          \
  K(FLOAT, "float", true)                                                      \
  K(STR, "str", true)                                                          \
  K(INTERNED, "str", true)                                                     \
  K(BYTES, "bytes", true)                                                      \
  K(TUPLE, "tuple", false)                                                     \
  K(LIST, "list", false)                                                       \
  K(DICT, "dict", false)                                                       \
  K(SET, "set", false)                                                         \
  K(WEAKREF, "weakref", true)                                                  \
  K(CELL, "cell", false)                                                       \
  K(RECORD, "point", false)                                                    \
  K(NATIVE, "native", false)   /* struct native */                             \
  K(PHOENIX, "phoenix", false) /* struct native, with a finalizer */           \
  K(TAIL, "tail", false)       /* struct tail */                               \
  K(FOREIGN, "foreign", false) /* struct foreign: an array outside the heap */ \
  K(TABLE, "table", false)     /* struct table */                              \
  K(OPAQUE, "opaque", false)   /* struct opaque: references that no slot tells */

#define WORLD_KIND_ENUM(NAME, name, acyclic) WORLD_##NAME,
enum world_kind { WORLD_KINDS(WORLD_KIND_ENUM) WORLD_KIND_COUNT };

/* Edges of NATIVE and PHOENIX, by position; then the elements of `items`. */
enum { NATIVE_LEFT, NATIVE_RIGHT, NATIVE_WEAK, NATIVE_BORROWED, NATIVE_TAGGED, NATIVE_ITEMS };
struct native {
  cairn_object base;
  cairn_object *left, *right;
  cairn_object *weak;
  cairn_object *borrowed;
  uint64_t tagged; /* low bits 3: a reference; 1: a number; 0: empty */
  cairn_object **items;
  uint16_t item_count;
  uint32_t id;
};
struct tail {
  cairn_object base;
  uint64_t count;
  cairn_object *items[];
};
struct foreign {
  cairn_object base;
  cairn_object **items; /* malloc'ed */
  uint32_t count;
};
struct table {
  cairn_object base;
  struct table_rows {
    uint64_t count;
    struct table_row {
      cairn_object *key; /* NULL: the row is empty */
      uint64_t hash;
      cairn_object *value;
    } rows[];
  } * rows;
};
enum { OPAQUE_EDGES = 2, RECORD_FIELDS = 3, TAG_MASK = 7, TAG_REFERENCE = 3, TAG_NUMBER = 1 };
struct opaque {
  cairn_object base;
  uint64_t turned[OPAQUE_EDGES]; /* addresses, not in the clear */
};

struct world_options {
  uint64_t seed;
  const uint8_t *script; /* decides before the seed does, until it is used up; NULL: none */
  size_t script_bytes;
  uint32_t object_goal; /* steps make objects below it and give roots up above it */
  bool reachable_only;  /* steps touch what roots reach only: collections may come at any time */
  bool automatic;       /* the heap collects by itself */
  bool keep_interned;   /* interned strs keep a root */
  bool resurrect;       /* some finalizers make roots */
  bool transparent;     /* no opaque objects: a reader can see every reference */
  char heap_name[32];
};

struct world {
  struct world_options options;
  cairn_heap *heap;
  struct model model;
  cairn_type types[WORLD_KIND_COUNT];
  uint64_t random;
  uint64_t serial; /* makes values unique */
  cairn_object **roots;
  uint32_t *root_ids; /* of the objects in the model */
  uint32_t root_count, root_capacity;
  uint32_t shared[24]; /* immortal objects: none, true, false, small ints */
  uint32_t anchor;     /* a rooted object that borrowed slots refer to */
  void **foreign;      /* arrays by object number; NULL: none */
  uint32_t foreign_capacity;
  uint64_t own_objects; /* that the heap made for itself */
  uintptr_t *builtins;  /* their addresses, disguised */
  uint32_t builtin_count;
  uint64_t finalizer_count; /* that libcairn ran */
  uint64_t passing_count;   /* objects that finalizers made and dropped */
  uint64_t collection_count;
  uint64_t refused_count; /* steps that found no memory */
};

bool world_new(struct world *world, const struct world_options *options);
/* Gives up all roots, collects, and destroys the heap.  NULL, or what is wrong. */
const char *world_end(struct world *world);

/* One random step on both sides. */
void world_step(struct world *world);
/* A collection on both sides.  False: they freed different numbers of objects. */
bool world_collect(struct world *world, bool full);
/* NULL when both sides agree on every object, count, edge and number, else what is wrong (static
 * text, good until the next call). */
const char *world_check(struct world *world);
/* Writes the model, see truth.c. */
void world_write(struct world *world, FILE *file);

/* ---- between the files of the world ---------------------------------------------------------- */

/* 0 .. bound - 1: of the script while there is some left, of the seed then. */
uint64_t world_random(struct world *world, uint64_t bound);
cairn_object *world_object(const struct world *world, uint32_t id);
uint32_t world_pick(struct world *world);         /* any object that may be touched */
uint32_t world_pick_key(struct world *world);     /* one that may be a key: no tuple */
uint32_t world_pick_watched(struct world *world); /* a target for weak slots: no interned str */
/* Changes a random object that may be touched. */
void world_change_one(struct world *world);
bool world_is_scalar(enum world_kind kind);
/* How many strs are there that only the intern table holds: O(objects). */
uint64_t world_dormant_count(const struct world *world);

/* Takes over a new object, whose reference becomes a root. */
uint32_t world_adopt(struct world *world, enum world_kind kind, cairn_object *object);
void world_root_push(struct world *world, cairn_object *object, uint32_t id);
void world_root_take(struct world *world, uint32_t at);
/* Does the collections that libcairn did, and makes roots of what finalizers resurrected.  Called
 * between the two sides of a step: a collection comes before what the step changes. */
void world_follow(struct world *world);

/* From here on finalizers run in this world. */
void world_enter(struct world *world);
bool world_kinds_define(struct world *world);
bool world_object_make(struct world *world, enum world_kind kind);
const char *world_kind_name(enum world_kind kind);
/* What the edge at that position is called: "left", "items[3]", "entries.key". */
void world_place_name(const struct world *world, uint32_t id, uint32_t at, char *name,
                      size_t bytes);

#endif

/* A naive model of a reference-counted heap: what libcairn promises, in the simplest code.
 *
 * An object is a number from 1 on, its edges are a list, its count is the number of strong edges
 * and roots that hold it.  Deaths and collections are done from the definition: by counting down,
 * and by what roots reach.  Knows nothing of libcairn.
 *
 * Edges of an object keep their order.  A weak edge holds its target's epoch: the epoch moves on
 * when weak references to the object are cleared, so that nobody has to find them.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_edge_kind { MODEL_STRONG = 1, MODEL_WEAK = 2, MODEL_BORROWED = 3 };

struct model_edge {
  uint32_t target; /* 0: the place is empty */
  uint32_t epoch;  /* weak: of the target when the edge was made */
  uint8_t kind;
};

struct model_object {
  uintptr_t handle; /* the user's */
  struct model_edge *edges;
  uint32_t edge_count, edge_capacity;
  uint32_t count, root_count;
  uint32_t epoch;
  uint32_t alive_at; /* its place in model.alive */
  uint8_t kind;      /* the user's */
  bool alive;
  bool immortal;   /* never dies and is not counted */
  bool acyclic;    /* a collection does not look at it: it dies with its last holder */
  bool finalizer;  /* has one ... */
  bool finalized;  /* ... that ran ... */
  bool resurrects; /* ... and that makes a root */
  bool interned;   /* outlives its count, until the intern table is swept */
  bool reached;    /* scratch */
};

/* A growing array of numbers. */
struct model_ids {
  uint32_t *ids;
  uint32_t count, capacity;
};

struct model {
  struct model_object *objects; /* by number; [0] is unused */
  uint32_t object_count, object_capacity;
  struct model_ids alive, unused;
  struct model_ids dying, reached; /* work lists, empty between calls */
  struct model_ids resurrected;    /* roots that finalizers made: the user takes them out */
  uint64_t edge_total;             /* strong ones that are not empty */
  uint64_t finalizer_count;        /* finalizers that ran */
  uint64_t dormant_count;          /* interned ones that only the intern table may still hold */
  uint64_t death_count;
};

void model_free(struct model *model);

/* A new object without edges and with one root. */
uint32_t model_object_new(struct model *model, uint8_t kind, uintptr_t handle);
static inline struct model_object *model_at(const struct model *model, uint32_t id) {
  return &model->objects[id];
}

void model_root_add(struct model *model, uint32_t id);
void model_root_drop(struct model *model, uint32_t id);

/* Edges of `holder` by position.  Making one adds to its target's count, then what was there is
 * dropped, which may be a death. */
void model_edge_insert(struct model *model, uint32_t holder, uint32_t at, uint8_t kind,
                       uint32_t target);
void model_edge_set(struct model *model, uint32_t holder, uint32_t at, uint32_t target);
void model_edges_remove(struct model *model, uint32_t holder, uint32_t at, uint32_t count);
static inline void model_edge_append(struct model *model, uint32_t holder, uint8_t kind,
                                     uint32_t target) {
  model_edge_insert(model, holder, model_at(model, holder)->edge_count, kind, target);
}
/* What the edge leads to now: 0 when it is empty or a weak one whose target is gone. */
uint32_t model_edge_target(const struct model *model, const struct model_edge *edge);

/* A full collection: what no root reaches goes, unless a finalizer brings it back.  Returns the
 * number of objects that went, without dormant ones. */
uint64_t model_collect(struct model *model);
/* Sets `reached` in each object that roots reach. */
void model_mark(struct model *model);

void model_ids_push(struct model_ids *ids, uint32_t id);

#endif

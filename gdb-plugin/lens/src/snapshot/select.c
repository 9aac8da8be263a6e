/* Selecting: the objects that match a filter, the first `capacity` of them in the order asked. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "model/type_glob.h"
#include "turn.h"

/* What a filter says of each type, found out once. */
struct type_filter {
  uint8_t *matches;   /* by flat type; the last: objects without a type */
  uint32_t *name_key; /* by flat type: the rank of its name */
};

struct named_type {
  const char *name;
  uint32_t type;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct named_type *)a)->name, ((const struct named_type *)b)->name);
}

static bool rank_names(const struct lens_model *model, uint32_t *ranks) {
  struct named_type *types = lens_alloc(model->type_count * sizeof *types);
  if (types == NULL) return false;
  for (size_t i = 0; i < model->type_count; i++) {
    types[i] =
        (struct named_type){model->types[i].known ? model->types[i].shown.name : "", (uint32_t)i};
  }
  if (model->type_count != 0) qsort(types, model->type_count, sizeof *types, by_name);
  uint32_t rank = 0;
  for (size_t i = 0; i < model->type_count; i++) {
    if (i != 0 && strcmp(types[i].name, types[i - 1].name) != 0) rank++;
    ranks[types[i].type] = rank;
  }
  ranks[model->type_count] = 0;
  lens_dealloc(types);
  return true;
}

static void type_filter_free(struct type_filter *types) {
  lens_dealloc(types->matches);
  lens_dealloc(types->name_key);
}

/* An object has a type, and a type a heap: the filter's heap is one more test of the type. */
static bool type_filter_make(const struct lens_model *model, const lens_filter *filter,
                             struct type_filter *types) {
  types->matches = lens_type_glob(model, filter->type_glob);
  types->name_key = lens_alloc_zeroed(model->type_count + 1, sizeof(uint32_t));
  if (types->matches == NULL || types->name_key == NULL ||
      (filter->sort == LENS_SORT_TYPE && !rank_names(model, types->name_key))) {
    type_filter_free(types);
    return false;
  }
  if (filter->heap == LENS_NONE) return true;
  for (size_t i = 0; i < model->type_count; i++) {
    if (model->types[i].shown.heap != filter->heap) types->matches[i] = 0;
  }
  types->matches[model->type_count] = 0;
  return true;
}

static uint64_t key_of(const lens *self, const lens_filter *filter, const struct type_filter *types,
                       uint32_t object, uint64_t size_bytes) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t type = lens_row_types(snapshot)[object];
  uint64_t key = 0;
  switch (filter->sort) {
    case LENS_SORT_REFCOUNT:
      key = lens_row_refcounts(snapshot)[object];
      break;
    case LENS_SORT_SIZE:
      key = size_bytes;
      break;
    case LENS_SORT_ADDRESS:
      key = lens_row_addresses(snapshot)[object];
      break;
    case LENS_SORT_RETAINED:
      key = lens_retained_bytes(&self->analysis->retained, object);
      break;
    default:
      key = types->name_key[type == LENS_NONE ? self->model.type_count : type];
      break;
  }
  return filter->reverse != 0 ? ~key : key;
}

/* Fills the heap; *held: how many rows it holds. */
static lens_status collect(lens *self, const lens_filter *filter, const struct type_filter *types,
                           struct lens_best *rows, uint64_t capacity, uint64_t *held,
                           uint64_t *matched) {
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint32_t *type = lens_row_types(snapshot), *refcount = lens_row_refcounts(snapshot);
  const uint32_t *sizes = lens_row_sizes(snapshot);
  uint64_t count = 0, found = 0;
  lens_status status = LENS_OK;
  for (uint32_t i = 0; i < snapshot->object_count; i++) {
    status = lens_turn_at(self, i);
    if (status != LENS_OK) break;
    if (!types->matches[type[i] == LENS_NONE ? self->model.type_count : type[i]]) continue;
    if (refcount[i] < filter->refcount_min || refcount[i] > filter->refcount_max) continue;
    uint64_t size = sizes[i] != UINT32_MAX ? sizes[i] : lens_row_size(self, i);
    if (size < filter->size_min || size > filter->size_max) continue;
    found++;
    struct lens_best row = {key_of(self, filter, types, i, size), i};
    count = lens_best_offer(rows, count, capacity, row);
  }
  *matched = found;
  *held = count;
  return status;
}

lens_status lens_select(lens *self, const lens_filter *filter, uint64_t capacity, lens_object *rows,
                        uint64_t *written, uint64_t *matched) {
  lens_status status = lens_need_snapshot(self);
  if (status != LENS_OK) return status;
  if (filter->sort > LENS_SORT_RETAINED)
    return lens_fail(self, LENS_BAD_ARGUMENT, "no such order: %u", filter->sort);
  if (filter->sort == LENS_SORT_RETAINED && self->analysis->retained.phase != LENS_RETAINED_DONE)
    return lens_fail(self, LENS_BAD_ARGUMENT, "call lens_retained first");
  uint64_t objects = self->analysis->snapshot.object_count;
  if (capacity > objects) capacity = objects;

  struct type_filter types;
  if (!type_filter_make(&self->model, filter, &types)) return lens_out_of_memory(self);
  struct lens_best *candidates = lens_alloc(capacity * sizeof *candidates);
  if (candidates == NULL) {
    type_filter_free(&types);
    return lens_out_of_memory(self);
  }
  uint64_t found = 0, count = 0;
  status = collect(self, filter, &types, candidates, capacity, &count, &found);
  if (status == LENS_OK) status = lens_turn_sort(self, candidates, count);
  for (uint64_t i = 0; i < count && status == LENS_OK; i++) {
    status = lens_turn_at(self, i);
    if (status == LENS_OK) status = lens_snapshot_object(self, candidates[i].row, &rows[i]);
  }
  lens_dealloc(candidates);
  type_filter_free(&types);
  if (status != LENS_OK) return status;
  *written = count;
  *matched = found;
  return LENS_OK;
}

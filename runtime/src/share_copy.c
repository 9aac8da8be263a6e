/* Deep copies of built-in values and records into another heap.
 *
 * First pass, depth-first with a stack of its own: each object gets its copy when it is met, and a
 * tuple, list, record or cell is filled when all that it holds was met.  Second pass: dicts and
 * sets, whose keys are hashed and so must be whole, and weak references.
 *
 * Invariants:
 *  - The map owns one reference to each copy until the end: then the copies hold each other.
 *  - Nothing of the program runs but near_limit.
 *
 * What this is not: a copy of native structs, whose plain fields may mean anything.
 */
#include <stdlib.h>

#include "builtin.h"
#include "cairn/cairn.h"
#include "slots.h"

/* One object that was met and its copy. */
struct copied {
  cairn_object *from; /* NULL: a free place */
  cairn_object *to;
};

/* An object on the way down, and its next reference. */
struct frame {
  struct copied pair;
  struct cairn_cursor cursor;
};

struct copying {
  cairn_heap *heap;
  struct copied *map; /* by address of `from`, linear probing */
  size_t map_capacity, map_count;
  struct frame *stack;
  size_t stack_capacity, depth;
  const struct cairn_type *record_from; /* the record type that was translated last */
  cairn_type record_to;
};

/* ---- the map --------------------------------------------------------------------------------- */

static struct copied *map_place(const struct copying *copying, const cairn_object *from) {
  size_t mask = copying->map_capacity - 1;
  size_t at = (size_t)(((uintptr_t)from >> 3) * 0x9e3779b97f4a7c15ull >> 20) & mask;
  while (copying->map[at].from != NULL && copying->map[at].from != from) at = (at + 1) & mask;
  return &copying->map[at];
}

static bool map_grow(struct copying *copying) {
  if (2 * copying->map_count < copying->map_capacity) return true;
  struct copying grown = *copying;
  grown.map_capacity = copying->map_capacity == 0 ? 64 : 2 * copying->map_capacity;
  grown.map = calloc(grown.map_capacity, sizeof *grown.map);
  if (grown.map == NULL) return false;
  for (size_t i = 0; i < copying->map_capacity; i++) {
    const struct copied *pair = &copying->map[i];
    if (pair->from != NULL) *map_place(&grown, pair->from) = *pair;
  }
  free(copying->map);
  *copying = grown;
  return true;
}

/* What stands for the object in the other heap, if it was met; borrowed. */
static cairn_object *copy_of(const struct copying *copying, cairn_object *from) {
  if (from == NULL || cairn_object_heap(from) == copying->heap) return from;
  return map_place(copying, from)->to;
}

/* ---- record types ---------------------------------------------------------------------------- */

static bool same_record(const struct cairn_type *a, const struct cairn_type *b) {
  if (a->display != b->display || a->slot_count != b->slot_count) return false;
  if (strcmp(a->name, b->name) != 0) return false;
  for (uint32_t i = 0; i < a->slot_count; i++) {
    if (strcmp(a->slots[i].name, b->slots[i].name) != 0) return false;
  }
  return true;
}

static cairn_type record_find(cairn_heap *heap, const struct cairn_type *from) {
  for (uint32_t i = 1; i < cairn_type_count(heap); i++) {
    if (same_record(from, cairn_type_at(heap, i))) return i;
  }
  return 0;
}

static cairn_type record_define(cairn_heap *heap, const struct cairn_type *from) {
  const char **names = malloc((from->slot_count + 1) * sizeof *names);
  if (names == NULL) return 0;
  for (uint32_t i = 0; i < from->slot_count; i++) names[i] = from->slots[i].name;
  cairn_type type = cairn_record_define(heap, from->name, names, from->slot_count);
  free(names);
  return type;
}

/* The record type of the other heap; 0: out of memory. */
static cairn_type record_type(struct copying *copying, const struct cairn_type *from) {
  if (copying->record_from == from) return copying->record_to;
  cairn_heap_lock(copying->heap);
  cairn_type to = record_find(copying->heap, from);
  if (to == 0) to = record_define(copying->heap, from);
  cairn_heap_unlock(copying->heap);
  copying->record_from = to == 0 ? NULL : from;
  copying->record_to = to;
  return to;
}

/* ---- one object ------------------------------------------------------------------------------ */

static cairn_object *copy_str(cairn_heap *heap, const cairn_object *from) {
  const char *text = cairn_str_text(from);
  size_t bytes = cairn_str_bytes(from);
  bool interned = (cairn_header_load(from) & CAIRN_STATE(INTERNED)) != 0;
  return interned ? cairn_str_intern(heap, text, bytes) : cairn_str_new(heap, text, bytes);
}

/* A tuple that shows none of its items yet. */
static cairn_object *copy_tuple(cairn_heap *heap, const struct cairn_tuple *from) {
  struct cairn_tuple *to =
      (struct cairn_tuple *)cairn_object_new_tail(heap, CAIRN_TYPE_TUPLE, from->count);
  if (to == NULL) return NULL;
  to->nest = from->nest;
  return &to->base;
}

static cairn_object *copy_record(struct copying *copying, const cairn_object *from) {
  const struct cairn_type *type = cairn_type_of(cairn_object_heap(from), from);
  if (type->display != CAIRN_DISPLAY_RECORD) return NULL;
  cairn_type to = record_type(copying, type);
  return to == 0 ? NULL : cairn_record_new(copying->heap, to);
}

/* A new copy that holds nothing yet; NULL: out of memory, or not to be copied. */
static cairn_object *copy_alone(struct copying *copying, const cairn_object *from) {
  cairn_heap *heap = copying->heap;
  switch (cairn_type_index(from)) {
    case CAIRN_TYPE_NONE:
      return cairn_none(heap);
    case CAIRN_TYPE_BOOL:
      return cairn_bool(heap, ((const struct cairn_bool *)from)->value);
    case CAIRN_TYPE_INT:
      return cairn_int_new(heap, ((const struct cairn_int *)from)->value);
    case CAIRN_TYPE_FLOAT:
      return cairn_float_new(heap, ((const struct cairn_float *)from)->value);
    case CAIRN_TYPE_STR:
      return copy_str(heap, from);
    case CAIRN_TYPE_BYTES:
      return cairn_bytes_new(heap, cairn_bytes_of(from)->data, cairn_bytes_of(from)->length);
    case CAIRN_TYPE_TUPLE:
      return copy_tuple(heap, cairn_tuple_of(from));
    case CAIRN_TYPE_LIST:
      return cairn_list_new(heap, cairn_list_count(from));
    case CAIRN_TYPE_DICT:
      return cairn_dict_new(heap);
    case CAIRN_TYPE_SET:
      return cairn_set_new(heap);
    case CAIRN_TYPE_WEAKREF:
      return cairn_weakref_new(heap, NULL);
    case CAIRN_TYPE_CELL:
      return cairn_cell_new(heap, NULL);
    default:
      return copy_record(copying, from);
  }
}

/* ---- the first pass -------------------------------------------------------------------------- */

static bool push(struct copying *copying, struct copied pair) {
  if (copying->depth == copying->stack_capacity) {
    size_t capacity = copying->stack_capacity == 0 ? 64 : 2 * copying->stack_capacity;
    struct frame *stack = realloc(copying->stack, capacity * sizeof *stack);
    if (stack == NULL) return false;
    copying->stack = stack;
    copying->stack_capacity = capacity;
  }
  struct frame *frame = &copying->stack[copying->depth++];
  frame->pair = pair;
  cairn_cursor_begin(&frame->cursor, cairn_type_of(cairn_object_heap(pair.from), pair.from),
                     pair.from, CAIRN_SLOT_STRONG);
  return true;
}

/* Makes the copy of an object where there is none yet, and goes into it. */
static bool meet(struct copying *copying, cairn_object *from) {
  if (from == NULL || cairn_object_heap(from) == copying->heap) return true;
  if (!map_grow(copying)) return false;
  struct copied *place = map_place(copying, from);
  if (place->from != NULL) return true;
  cairn_object *to = copy_alone(copying, from);
  if (to == NULL) return false;
  *place = (struct copied){from, to};
  copying->map_count++;
  return cairn_type_of(cairn_object_heap(from), from)->slot_count == 0 || push(copying, *place);
}

/* No other thread knows of the copy yet. */
static void fill_tuple(const struct copying *copying, const struct copied *pair) {
  const struct cairn_tuple *from = cairn_tuple_of(pair->from);
  struct cairn_tuple *to = (struct cairn_tuple *)pair->to;
  for (uint32_t i = 0; i < from->count; i++) {
    to->items[i] = cairn_retain_for_slot_(copy_of(copying, from->items[i]), to);
    CAIRN_ORDER();
    to->count = i + 1; /* each shows at once: nothing else says who holds it */
  }
}

/* Gives the copy what the object holds, of which all copies exist. */
static bool fill(const struct copying *copying, const struct copied *pair) {
  switch (cairn_type_index(pair->from)) {
    case CAIRN_TYPE_TUPLE:
      fill_tuple(copying, pair);
      return true;
    case CAIRN_TYPE_LIST:
      for (size_t i = 0; i < cairn_list_count(pair->from); i++) {
        cairn_object *item = copy_of(copying, cairn_list_get(pair->from, i));
        if (!cairn_list_append(pair->to, item)) return false;
      }
      return true;
    case CAIRN_TYPE_CELL:
      cairn_cell_set(pair->to, copy_of(copying, cairn_cell_get(pair->from)));
      return true;
    case CAIRN_TYPE_DICT:
    case CAIRN_TYPE_SET:
    case CAIRN_TYPE_WEAKREF:
      return true; /* in the second pass */
    default: {
      uint32_t fields = cairn_type_of(cairn_object_heap(pair->from), pair->from)->slot_count;
      for (uint32_t i = 0; i < fields; i++) {
        cairn_record_set(pair->to, i, copy_of(copying, cairn_record_get(pair->from, i)));
      }
      return true;
    }
  }
}

static bool copy_all(struct copying *copying, cairn_object *object) {
  bool good = meet(copying, object);
  while (good && copying->depth > 0) {
    struct frame *frame = &copying->stack[copying->depth - 1];
    const cairn_word *word = cairn_cursor_next(&frame->cursor);
    if (word != NULL) {
      good = meet(copying, cairn_word_object(frame->cursor.slot, *word));
    } else {
      good = fill(copying, &frame->pair);
      copying->depth--;
    }
  }
  return good;
}

/* ---- the second pass ------------------------------------------------------------------------- */

static bool fill_mapping(const struct copying *copying, const struct copied *pair) {
  size_t position = 0;
  cairn_object *key, *value;
  if (cairn_is_type(pair->from, CAIRN_TYPE_DICT)) {
    while (cairn_dict_next(pair->from, &position, &key, &value)) {
      if (!cairn_dict_set(pair->to, copy_of(copying, key), copy_of(copying, value))) return false;
    }
  } else {
    while (cairn_set_next(pair->from, &position, &key)) {
      if (!cairn_set_add(pair->to, copy_of(copying, key))) return false;
    }
  }
  return true;
}

static bool fill_weakref(const struct copying *copying, const struct copied *pair) {
  cairn_object *target = cairn_weakref_get(pair->from);
  cairn_object *copy = copy_of(copying, target);
  bool done = cairn_weak_set(pair->to, &((struct cairn_weakref *)pair->to)->target, copy);
  cairn_release(target);
  return done;
}

static bool fill_late(const struct copying *copying) {
  bool good = true;
  for (size_t i = 0; good && i < copying->map_capacity; i++) {
    const struct copied *pair = &copying->map[i];
    uint32_t type = pair->from == NULL ? 0 : cairn_type_index(pair->from);
    if (type == CAIRN_TYPE_DICT || type == CAIRN_TYPE_SET) good = fill_mapping(copying, pair);
    if (type == CAIRN_TYPE_WEAKREF) good = fill_weakref(copying, pair);
  }
  return good;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Empties what can be changed: each cycle of built-in values and records goes through one of these.
 */
static void empty(cairn_object *copy) {
  switch (cairn_type_index(copy)) {
    case CAIRN_TYPE_LIST:
      cairn_list_clear(copy);
      break;
    case CAIRN_TYPE_DICT:
      cairn_dict_clear(copy);
      break;
    case CAIRN_TYPE_SET:
      cairn_set_clear(copy);
      break;
    case CAIRN_TYPE_CELL:
      cairn_cell_set(copy, NULL);
      break;
    default: {
      const struct cairn_type *type = cairn_type_of(cairn_object_heap(copy), copy);
      if (type->display != CAIRN_DISPLAY_RECORD) break;
      for (uint32_t i = 0; i < type->slot_count; i++) cairn_record_set(copy, i, NULL);
    }
  }
}

cairn_object *cairn_share_copy(cairn_heap *heap, cairn_object *object) {
  assert(object != NULL);
  cairn_heap_check(heap);
  struct copying copying = {.heap = heap};
  bool good = copy_all(&copying, object) && fill_late(&copying);
  cairn_object *copy = good ? cairn_retain(copy_of(&copying, object)) : NULL;
  for (size_t i = 0; !good && i < copying.map_capacity; i++) {
    if (copying.map[i].to != NULL) empty(copying.map[i].to);
  }
  for (size_t i = 0; i < copying.map_capacity; i++) cairn_release(copying.map[i].to);
  free(copying.map);
  free(copying.stack);
  return copy;
}

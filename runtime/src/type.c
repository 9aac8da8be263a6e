/* Types as data: copying a checked description into the heap's metadata.
 *
 * Invariants:
 *  - heap->types[1 .. type_count) are complete and never change or move; a reader that sees
 *    type_count sees them all, because the array is stored before the count
 *  - a type with its slots, fields and names is one piece of one chunk
 *  - types[i]->index == i; a slot's target is a type that existed before, or the type itself
 *  - flag `acyclic`: every chain of strong slots from an instance ends, and meets no slot that may
 *    hold anything.  As targets come first, that is: every strong slot names an acyclic target
 *
 * What this is not: the check of a description (type_check.c).
 */
#include <string.h>

#include "hot.h"
#include "observe.h"
#include "type_check.h"

enum { FIRST_CAPACITY = 32 };

/* Room for one more row of heap->types and heap->plans.  Asking for memory may run code of the
 * user's that defines types too, so the question is asked again afterwards. */
static bool types_reserve(cairn_heap *heap) {
  while (heap->type_count >= heap->type_capacity) {
    uint32_t capacity = heap->type_capacity == 0 ? FIRST_CAPACITY : heap->type_capacity * 2;
    struct cairn_type **types = cairn_chunk_alloc(heap, capacity * sizeof *types);
    struct cairn_plan *plain = cairn_chunk_alloc(heap, capacity * sizeof *plain);
    struct cairn_plan *observed = cairn_chunk_alloc(heap, capacity * sizeof *observed);
    if (types == NULL || plain == NULL || observed == NULL) return false;
    if (heap->type_capacity >= capacity) continue;
    if (heap->type_count == 0) {
      /* Index 0 is no type. */
      plain[0].ready = plain[0].source = plain[0].target = cairn_hot_none(heap);
      observed[0] = plain[0];
    } else {
      memcpy(types, heap->types, heap->type_count * sizeof *types);
      memcpy(plain, heap->plans_plain, heap->type_count * sizeof *plain);
      memcpy(observed, heap->plans_observed, heap->type_count * sizeof *observed);
    }
    CAIRN_ORDER();
    cairn_observe_plans(heap, plain, observed);
    __atomic_store_n(&heap->types, types, __ATOMIC_RELEASE);
    heap->type_capacity = capacity;
    CAIRN_ORDER();
    if (heap->type_count == 0) { /* index 0 is no type */
      __atomic_store_n(&heap->type_count, 1, __ATOMIC_RELEASE);
    }
  }
  return heap->type_count <= CAIRN_TYPE_MAX;
}

static bool spec_is_acyclic(const cairn_heap *heap, const cairn_type_spec *spec) {
  if (spec->traverse != NULL) return false;
  for (size_t i = 0; i < spec->slot_count; i++) {
    const cairn_slot_spec *slot = &spec->slots[i];
    if (slot->kind != CAIRN_SLOT_STRONG) continue;
    if (slot->target_self || slot->target == 0) return false;
    if ((heap->types[slot->target]->flags & CAIRN_TYPE_FLAG_ACYCLIC) == 0) return false;
  }
  return true;
}

static uint32_t spec_flags(const cairn_heap *heap, const cairn_type_spec *spec) {
  uint32_t flags = 0;
  if (spec_is_acyclic(heap, spec)) flags |= CAIRN_TYPE_FLAG_ACYCLIC;
  if (spec->traverse != NULL) flags |= CAIRN_TYPE_FLAG_OPAQUE;
  if (spec->finalize != NULL) flags |= CAIRN_TYPE_FLAG_FINALIZER;
  if (spec->tail_item_bytes != 0) flags |= CAIRN_TYPE_FLAG_TAIL;
  for (size_t i = 0; i < spec->slot_count; i++) {
    if (spec->slots[i].kind == CAIRN_SLOT_WEAK) flags |= CAIRN_TYPE_FLAG_HAS_WEAK;
  }
  return flags;
}

static struct cairn_run spec_run(const cairn_type_spec *spec) {
  const struct cairn_run none = {0, CAIRN_RUN_NONE};
  struct cairn_run run = {0, 0};
  if (spec->traverse != NULL) return none;
  for (size_t i = 0; i < spec->slot_count; i++) {
    const cairn_slot_spec *slot = &spec->slots[i];
    if (slot->kind != CAIRN_SLOT_STRONG) continue;
    if (slot->shape != 0 && slot->shape != CAIRN_SHAPE_SINGLE) return none;
    if (slot->tag_mask != 0) return none;
    if (run.count == 0) run.offset = slot->offset;
    if (slot->offset != run.offset + run.count * sizeof(uint64_t)) return none;
    run.count++;
  }
  return run;
}

/* Copies a text to `*at`, which moves behind it. */
static char *text_put(char **at, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = *at;
  memcpy(copy, text, bytes);
  *at += bytes;
  return copy;
}

static void slot_fill(struct cairn_slot *slot, const cairn_slot_spec *spec, cairn_type self,
                      char **names) {
  slot->name = text_put(names, spec->name);
  slot->kind = spec->kind;
  slot->shape = spec->shape == 0 ? (uint8_t)CAIRN_SHAPE_SINGLE : spec->shape;
  slot->flags = spec->flags;
  slot->count_width = spec->count_width;
  slot->offset = spec->offset;
  slot->count_offset = spec->count_offset;
  slot->first_offset = spec->first_offset;
  slot->stride = spec->stride == 0 ? 8 : spec->stride;
  slot->value_offset = spec->value_offset;
  slot->target = spec->target_self ? self : spec->target;
  slot->tag_mask = spec->tag_mask;
  slot->tag_value = spec->tag_value;
}

static void field_fill(struct cairn_field *field, const cairn_field_spec *spec, char **names) {
  field->name = text_put(names, spec->name);
  field->kind = spec->kind;
  field->length_width = spec->length_width;
  field->offset = spec->offset;
  field->width = spec->width;
  field->length_offset = spec->length_offset;
}

static size_t names_bytes(const cairn_type_spec *spec) {
  size_t bytes = strlen(spec->name) + 1;
  for (size_t i = 0; i < spec->slot_count; i++) bytes += strlen(spec->slots[i].name) + 1;
  for (size_t i = 0; i < spec->field_count; i++) bytes += strlen(spec->fields[i].name) + 1;
  return bytes;
}

static size_t type_bytes(const cairn_type_spec *spec) {
  return sizeof(struct cairn_type) + spec->slot_count * sizeof(struct cairn_slot) +
         spec->field_count * sizeof(struct cairn_field) + names_bytes(spec);
}

/* Lays a type out in type_bytes(spec) at `at`: the struct, its slots, its fields, all names. */
static struct cairn_type *type_fill(char *at, const cairn_type_spec *spec, cairn_type index) {
  struct cairn_type *type = (struct cairn_type *)(void *)at;
  type->slots = (struct cairn_slot *)(void *)(type + 1);
  type->slot_count = (uint32_t)spec->slot_count;
  type->fields = (struct cairn_field *)(void *)(type->slots + spec->slot_count);
  type->field_count = (uint32_t)spec->field_count;
  char *names = (char *)(type->fields + spec->field_count);
  type->name = text_put(&names, spec->name);
  for (size_t i = 0; i < spec->slot_count; i++) {
    slot_fill(&type->slots[i], &spec->slots[i], index, &names);
  }
  for (size_t i = 0; i < spec->field_count; i++) {
    field_fill(&type->fields[i], &spec->fields[i], &names);
  }
  type->index = index;
  type->size_bytes = spec->size_bytes;
  type->tail_item_bytes = spec->tail_item_bytes;
  /* A description keeps code as addresses. */
  memcpy(&type->finalize, &spec->finalize, sizeof type->finalize);
  memcpy(&type->traverse, &spec->traverse, sizeof type->traverse);
  memcpy(&type->clear, &spec->clear, sizeof type->clear);
  return type;
}

static cairn_type type_define(cairn_heap *heap, const cairn_type_spec *spec, uint32_t display,
                              uint32_t flags) {
  if (!cairn_type_spec_valid(heap, spec)) return 0;
  char *memory = cairn_chunk_alloc(heap, type_bytes(spec));
  if (memory == NULL || !types_reserve(heap)) return 0;
  cairn_type index = heap->type_count;
  struct cairn_type *type = type_fill(memory, spec, index);
  type->display = display;
  type->flags = flags | spec_flags(heap, spec);
  type->strong_run = spec_run(spec);
  CAIRN_ORDER();
  heap->types[index] = type;
  heap->plans_plain[index] = cairn_plan_of(heap, type, spec->uninitialized);
  heap->plans_observed[index] = cairn_plan_observed(heap, &heap->plans_plain[index]);
  CAIRN_ORDER();
  __atomic_store_n(&heap->type_count, index + 1, __ATOMIC_RELEASE);
  return index;
}

cairn_type cairn_type_define_as(cairn_heap *heap, const cairn_type_spec *spec, uint32_t display,
                                uint32_t flags) {
  cairn_heap_check(heap);
  cairn_heap_lock(heap);
  cairn_type type = type_define(heap, spec, display, flags);
  cairn_heap_unlock(heap);
  return type;
}

cairn_type cairn_type_define(cairn_heap *heap, const cairn_type_spec *spec) {
  return cairn_type_define_as(heap, spec, CAIRN_DISPLAY_NATIVE, 0);
}

cairn_type cairn_type_find(const cairn_heap *heap, const char *name) {
  cairn_heap_check(heap);
  uint32_t type_count = cairn_type_count(heap);
  for (uint32_t i = 1; i < type_count; i++) {
    if (strcmp(cairn_type_at(heap, i)->name, name) == 0) return i;
  }
  return 0;
}

const char *cairn_type_name(const cairn_heap *heap, cairn_type type) {
  return type == 0 || type >= cairn_type_count(heap) ? NULL : cairn_type_at(heap, type)->name;
}

bool cairn_type_is_acyclic(const cairn_heap *heap, cairn_type type) {
  if (type == 0 || type >= cairn_type_count(heap)) return false;
  return (cairn_type_at(heap, type)->flags & CAIRN_TYPE_FLAG_ACYCLIC) != 0;
}

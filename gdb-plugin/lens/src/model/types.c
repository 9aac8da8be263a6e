/* Reading types: the slots and fields that a type declares, checked and decoded.
 *
 * A slot that makes no sense is left out and makes the type damaged; a slot of a kind or shape that
 * this lens does not know makes it conservative.  Either way the rest of the type is used.
 *
 * A count of types is no more than a word of the target: where hundreds of types in a row make no
 * sense the table has ended before them, and what is left of the claim is not read.
 */
#include <stdio.h>
#include <string.h>

#include "memory/pool.h"
#include "model/load.h"

enum { TYPE_BYTES_MAX = 1 << 30, NAME_BYTES_MAX = 256, SENSELESS_MAX = 512 };

static const char *const display_names[LENS_DISPLAYS] = {
    "native", "none", "bool", "int", "float",   "str",  "bytes",
    "tuple",  "list", "dict", "set", "weakref", "cell", "record"};

/* The NUL-terminated name at `address`, printable; `fallback` where there is none to read. */
static lens_status read_name(lens *self, uint64_t address, const char *fallback,
                             const char **name) {
  uint8_t bytes[NAME_BYTES_MAX];
  char shown[NAME_BYTES_MAX];
  uint64_t got = 0;
  if (address != 0) {
    lens_status status = lens_fetch_prefix(self, address, sizeof bytes, bytes, &got);
    if (status != LENS_OK) return status;
  }
  size_t length = strnlen((const char *)bytes, (size_t)got);
  bool found = length > 0 && length < sizeof bytes;
  if (found) lens_text_printable(bytes, length, 0, shown, sizeof shown);
  *name = lens_pool_text(&self->pool, found ? shown : fallback);
  return *name == NULL ? LENS_NO_MEMORY : LENS_OK;
}

/* The index of a value among `count` of the contract's, or `count`. */
static uint8_t index_of(const uint64_t *values, uint8_t count, uint64_t value) {
  uint8_t i = 0;
  while (i < count && values[i] != value) i++;
  return i;
}

/* ---- slots ---- */

/* What is wrong with a decoded slot; NULL: nothing. */
static const char *slot_problem(const struct lens_slot *slot, uint64_t type_bytes) {
  if (slot->offset < 8 || slot->offset > type_bytes) return "lies outside the object";
  if (slot->shape != LENS_SHAPE_TAIL && type_bytes - slot->offset < 8) {
    return "lies outside the object";
  }
  if ((slot->tag_value & ~slot->tag_mask) != 0) return "has a tag outside its mask";
  if (slot->shape == LENS_SHAPE_SINGLE) return NULL;
  if (slot->stride < 8) return "has elements that overlap";
  if (!lens_width_is_integer(slot->count_width)) return "has an element count of no known width";
  if (!slot->count_in_buffer &&
      (slot->count_offset > type_bytes || type_bytes - slot->count_offset < slot->count_width)) {
    return "has its element count outside the object";
  }
  if (slot->shape == LENS_SHAPE_TABLE && slot->value_offset != 0 &&
      (slot->value_offset < 8 || slot->value_offset > slot->stride ||
       slot->stride - slot->value_offset < 8)) {
    return "has values outside its rows";
  }
  return NULL;
}

/* Decodes a row.  False: the kind or shape is unknown. */
static bool decode_slot(const struct lens_heap_model *heap, const uint8_t *row,
                        struct lens_slot *slot) {
  static const uint8_t kinds[LENS_SLOT_KINDS] = {LENS_REF_STRONG, LENS_REF_WEAK, LENS_REF_BORROWED};
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_slot *layout = &contract->slot;
  uint8_t kind =
      index_of(contract->slot_kinds, LENS_SLOT_KINDS, lens_load_place(row, layout->kind));
  uint8_t shape = index_of(contract->shapes, LENS_SHAPES, lens_load_place(row, layout->shape));
  uint64_t flags = lens_load_place(row, layout->flags);
  uint64_t target = lens_load_place(row, layout->target);
  if (kind == LENS_SLOT_KINDS || shape == LENS_SHAPES) return false;
  *slot = (struct lens_slot){.offset = (uint32_t)lens_load_place(row, layout->offset),
                             .count_offset = (uint32_t)lens_load_place(row, layout->count_offset),
                             .first_offset = (uint32_t)lens_load_place(row, layout->first_offset),
                             .stride = (uint32_t)lens_load_place(row, layout->stride),
                             .value_offset = (uint32_t)lens_load_place(row, layout->value_offset),
                             .target = target != 0 && target < heap->type_count
                                           ? heap->first_type + (uint32_t)target
                                           : LENS_NONE,
                             .tag_mask = lens_load_place(row, layout->tag_mask),
                             .tag_value = lens_load_place(row, layout->tag_value),
                             .kind = kinds[kind],
                             .shape = shape,
                             .count_width = (uint8_t)lens_load_place(row, layout->count_width),
                             .count_in_buffer = (flags & contract->slot_flag_count_in_buffer) != 0,
                             .foreign = (flags & contract->slot_flag_foreign) != 0};
  if (slot->stride == 0) slot->stride = 8;
  return true;
}

static lens_status read_slots(lens *self, const struct lens_heap_model *heap, uint64_t address,
                              uint32_t count, struct lens_type_model *type) {
  const struct lens_layout_slot *layout = &heap->contract->slot;
  struct lens_slot *slots = lens_pool_alloc(&self->pool, count * sizeof *slots);
  if (slots == NULL) return LENS_NO_MEMORY;
  type->slots = slots;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t row[LENS_EXTENT_MAX];
    struct lens_slot *slot = &slots[type->shown.slot_count];
    lens_status status =
        lens_fetch(self, address + (uint64_t)i * layout->struct_bytes, layout->extent, row);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    const char *problem = NULL;
    if (status == LENS_UNREADABLE) {
      problem = "can't be read";
    } else if (!decode_slot(heap, row, slot)) {
      type->conservative = true;
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_NOTE, address,
                       "slot %u of type %s is of an unknown kind: its objects are scanned", i,
                       type->shown.name);
      continue;
    } else {
      problem = slot_problem(slot, type->shown.size_bytes);
    }
    if (problem != NULL) {
      type->conservative = true;
      type->shown.damaged = 1;
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address, "slot %u of type %s %s", i,
                       type->shown.name, problem);
      if (status == LENS_UNREADABLE) break;
      continue;
    }
    char fallback[32];
    snprintf(fallback, sizeof fallback, "slot %u", i);
    status = read_name(self, lens_load_place(row, layout->name), fallback, &slot->name);
    if (status != LENS_OK) return status;
    type->shown.slot_count++;
  }
  return LENS_OK;
}

/* ---- fields ---- */

static lens_status read_fields(lens *self, const struct lens_heap_model *heap, uint64_t address,
                               uint32_t count, struct lens_type_model *type) {
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_field *layout = &contract->field;
  struct lens_plain_field *fields = lens_pool_alloc(&self->pool, count * sizeof *fields);
  if (fields == NULL) return LENS_NO_MEMORY;
  type->fields = fields;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t row[LENS_EXTENT_MAX];
    char fallback[32];
    lens_status status =
        lens_fetch(self, address + (uint64_t)i * layout->struct_bytes, layout->extent, row);
    if (status != LENS_OK && status != LENS_UNREADABLE) return status;
    struct lens_plain_field *field = &fields[type->shown.field_count];
    uint64_t kind = status == LENS_OK ? lens_load_place(row, layout->kind) : 0;
    *field =
        (struct lens_plain_field){.kind = index_of(contract->field_kinds, LENS_FIELD_KINDS, kind)};
    if (status == LENS_OK) {
      field->offset = (uint32_t)lens_load_place(row, layout->offset);
      field->width = (uint32_t)lens_load_place(row, layout->width);
      field->length_width = (uint8_t)lens_load_place(row, layout->length_width);
      field->length_offset = (uint32_t)lens_load_place(row, layout->length_offset);
    }
    uint64_t bytes = type->shown.size_bytes;
    bool has_length = field->length_width != 0;
    bool fits =
        field->offset >= 8 && field->offset <= bytes && field->width != 0 &&
        (has_length ? lens_width_is_integer(field->length_width) && field->length_offset <= bytes &&
                          bytes - field->length_offset >= field->length_width
                    : field->width <= bytes - field->offset);
    if (status == LENS_UNREADABLE || (field->kind != LENS_FIELD_KINDS && !fits)) {
      type->shown.damaged = 1;
      lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address,
                       "field %u of type %s can't be read or lies outside the object", i,
                       type->shown.name);
      if (status == LENS_UNREADABLE) break;
      continue;
    }
    if (field->kind == LENS_FIELD_KINDS) continue; /* of a kind that came later */
    snprintf(fallback, sizeof fallback, "field %u", i);
    status = read_name(self, lens_load_place(row, layout->name), fallback, &field->name);
    if (status != LENS_OK) return status;
    type->shown.field_count++;
  }
  return LENS_OK;
}

/* ---- types ---- */

/* Cuts a count that the target claims to what the lens reads. */
static uint32_t bounded(lens *self, struct lens_type_model *type, uint64_t claimed,
                        const char *what) {
  struct lens_model *model = &self->model;
  if (claimed <= LENS_SLOTS_MAX && model->slot_total + claimed <= LENS_SLOTS_TOTAL) {
    model->slot_total += claimed;
    return (uint32_t)claimed;
  }
  type->shown.damaged = 1;
  type->conservative = true;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, type->shown.address,
                   "type %s claims %llu %s", type->shown.name, (unsigned long long)claimed, what);
  return 0;
}

static bool size_makes_sense(uint64_t bytes) { return bytes >= 8 && bytes <= TYPE_BYTES_MAX; }

static bool is_simple(const struct lens_type_model *type) {
  for (uint32_t i = 0; i < type->shown.slot_count; i++) {
    const struct lens_slot *slot = &type->slots[i];
    if (slot->shape != LENS_SHAPE_SINGLE || slot->kind != LENS_REF_STRONG || slot->tag_mask != 0) {
      return false;
    }
  }
  return !type->conservative;
}

/* Decodes the struct of a type whose bytes are in hand. */
static lens_status decode(lens *self, const struct lens_heap_model *heap, const uint8_t *bytes,
                          struct lens_type_model *type) {
  const struct lens_contract *contract = heap->contract;
  const struct lens_layout_type *layout = &contract->type;
  lens_type *shown = &type->shown;
  lens_status status =
      read_name(self, lens_load_place(bytes, layout->name), shown->name, &shown->name);
  if (status != LENS_OK) return status;
  uint64_t flags = lens_load_place(bytes, layout->flags);
  type->known = true;
  type->tail_item_bytes = lens_load_place(bytes, layout->tail_item_bytes);
  type->display =
      index_of(contract->displays, LENS_DISPLAYS, lens_load_place(bytes, layout->display));
  if (layout->display.width == 0 || type->display == LENS_DISPLAYS)
    type->display = LENS_DISPLAY_NATIVE;
  shown->display = display_names[type->display];
  shown->size_bytes = lens_load_place(bytes, layout->size_bytes);
  shown->opaque = (flags & contract->type_flag_opaque) != 0;
  shown->acyclic = (flags & contract->type_flag_acyclic) != 0;
  shown->builtin = (flags & contract->type_flag_builtin) != 0;
  type->finalizer = (flags & contract->type_flag_finalizer) != 0;
  type->conservative = shown->opaque != 0;
  if (!size_makes_sense(shown->size_bytes)) {
    shown->damaged = 1;
    type->conservative = true;
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, shown->address,
                     "type %s claims a size of %llu bytes", shown->name,
                     (unsigned long long)shown->size_bytes);
    return LENS_OK;
  }
  uint32_t slots = bounded(self, type, lens_load_place(bytes, layout->slot_count), "slots");
  uint32_t fields =
      contract->field.kind.width == 0
          ? 0
          : bounded(self, type, lens_load_place(bytes, layout->field_count), "fields");
  if (slots > 0)
    status = read_slots(self, heap, lens_load_place(bytes, layout->slots), slots, type);
  if (status == LENS_OK && fields > 0) {
    status = read_fields(self, heap, lens_load_place(bytes, layout->fields), fields, type);
  }
  type->simple = is_simple(type);
  return status;
}

static lens_status read_type(lens *self, struct lens_load *load, const struct lens_heap_model *heap,
                             uint64_t address, struct lens_type_model *type) {
  uint8_t bytes[LENS_EXTENT_MAX];
  bool is_new = false;
  const char *wrong = NULL;
  lens_status status = LENS_OK;
  type->shown.address = address;
  if (address != 0) status = lens_addresses_add(&load->seen_types, address, &is_new);
  if (status != LENS_OK) return status;
  if (address == 0) {
    wrong = "has no address";
  } else if (!is_new) {
    wrong = "has the address of another type";
  } else {
    status = lens_fetch(self, address, heap->contract->type.extent, bytes);
    if (status == LENS_UNREADABLE) wrong = "can't be read";
    if (status != LENS_OK && wrong == NULL) return status;
  }
  if (wrong == NULL) return decode(self, heap, bytes, type);
  type->shown.damaged = 1;
  type->conservative = true;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, address, "type %u of heap %llu %s",
                   type->shown.index, (unsigned long long)heap->shown.id, wrong);
  return LENS_OK;
}

/* Only `count` of the types that the heap claims are types: no slot names one of the others, and no
 * more are read. */
static void cut_types(struct lens_model *model, struct lens_heap_step *step, uint32_t count) {
  struct lens_heap_model *heap = &model->heaps[step->heap];
  step->next_type = step->type_count;
  model->type_count = heap->first_type + count;
  heap->type_count = heap->shown.type_count = count;
  for (uint32_t i = 0; i < count; i++) {
    const struct lens_type_model *type = &model->types[heap->first_type + i];
    for (uint32_t k = 0; k < type->shown.slot_count; k++) {
      if (type->slots[k].target >= heap->first_type + count) type->slots[k].target = LENS_NONE;
    }
  }
}

lens_status lens_type_read(lens *self, struct lens_load *load) {
  struct lens_model *model = &self->model;
  struct lens_heap_step *step = &load->step;
  struct lens_heap_model *heap = &model->heaps[step->heap];
  uint32_t index = step->next_type;
  uint8_t word[8] = {0};
  lens_status status = LENS_OK;
  if (index == 0) heap->type_count = step->type_count; /* what targets of slots may name */
  if (index > 0) status = lens_fetch(self, step->types + (uint64_t)index * 8, sizeof word, word);
  if (status != LENS_OK && status != LENS_UNREADABLE) return status;
  if (status == LENS_UNREADABLE || model->type_count >= LENS_TYPES_MAX) {
    lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, step->types,
                     "heap %llu claims %u types; %u of them can be read",
                     (unsigned long long)heap->shown.id, step->type_count, index);
    cut_types(model, step, index);
    return LENS_OK;
  }
  struct lens_type_model *types =
      lens_grow(model->types, &model->type_capacity, model->type_count + 1, sizeof *types);
  if (types == NULL) return LENS_NO_MEMORY;
  model->types = types;
  struct lens_type_model *type = &types[model->type_count];
  char name[32];
  snprintf(name, sizeof name, index == 0 ? "<no type>" : "<type %u>", index);
  *type = (struct lens_type_model){.shown = {.name = lens_pool_text(&self->pool, name),
                                             .display = display_names[LENS_DISPLAY_NATIVE],
                                             .heap = step->heap,
                                             .index = index}};
  if (type->shown.name == NULL) return LENS_NO_MEMORY;
  if (index > 0) status = read_type(self, load, heap, lens_load_uint(word, 8), type);
  if (status != LENS_OK) return status;
  model->type_count++;
  step->next_type++;
  heap->shown.type_count = step->next_type;
  bool sense = index == 0 || (type->known && size_makes_sense(type->shown.size_bytes));
  step->senseless = sense ? 0 : step->senseless + 1;
  if (step->senseless < SENSELESS_MAX) return LENS_OK;
  uint32_t count = step->next_type - step->senseless;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, step->types,
                   "heap %llu claims %u types; from type %u on %u in a row make no sense",
                   (unsigned long long)heap->shown.id, step->type_count, count, step->senseless);
  cut_types(model, step, count);
  return LENS_OK;
}

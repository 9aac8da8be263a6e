/* Checking a type's description before it is believed.
 *
 * The collector, the release cascade and every debugger follow a type's slots blindly in their hot
 * loops, so what they rely on is proven here, once:
 *  - each word, pointer, count and tail lies within the instance, aligned to its width;
 *  - no two slots describe the same word (it would be released twice);
 *  - kinds, shapes and flags are known, and go together.
 *
 * What this is not: it can't know what a program stores.  An element count that is larger than its
 * buffer is the program's bug.
 */
#include "type_check.h"

enum {
  WORD_BYTES = 8,
  ROOT_BYTES = sizeof(cairn_object),
  SLOTS_MAX = 1 << 16,
  SIZE_MAX_BYTES = INT32_MAX
};

/* Bits that an address of an object may have: a tag must keep clear of them. */
#define ADDRESS_BITS 0x0000fffffffffff8ull

/* [offset, offset + bytes) lies in the instance, behind its header. */
static bool inside(const cairn_type_spec *spec, uint64_t offset, uint64_t bytes) {
  return offset >= ROOT_BYTES && bytes <= spec->size_bytes && offset <= spec->size_bytes - bytes;
}

static bool is_integer_width(uint32_t width) {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

static bool is_aligned(uint64_t offset, uint64_t alignment) { return offset % alignment == 0; }

static bool is_integer_field(const cairn_type_spec *spec, uint64_t offset, uint32_t width) {
  return is_integer_width(width) && is_aligned(offset, width) && inside(spec, offset, width);
}

static uint32_t slot_shape(const cairn_slot_spec *slot) {
  return slot->shape == 0 ? (uint32_t)CAIRN_SHAPE_SINGLE : slot->shape;
}

static uint32_t slot_stride(const cairn_slot_spec *slot) {
  return slot->stride == 0 ? (uint32_t)WORD_BYTES : slot->stride;
}

/* The pointer to an array or table, and how its elements lie. */
static bool array_valid(const cairn_type_spec *spec, const cairn_slot_spec *slot) {
  uint32_t stride = slot_stride(slot);
  if (!inside(spec, slot->offset, WORD_BYTES)) return false;
  if (!is_aligned(slot->first_offset, WORD_BYTES) || !is_aligned(stride, WORD_BYTES)) return false;
  if ((slot->flags & CAIRN_SLOT_FLAG_COUNT_IN_BUFFER) != 0) {
    if (!is_integer_width(slot->count_width)) return false;
    if (!is_aligned(slot->count_offset, slot->count_width)) return false;
  } else if (!is_integer_field(spec, slot->count_offset, slot->count_width)) {
    return false;
  }
  if (slot_shape(slot) != CAIRN_SHAPE_TABLE) return slot->value_offset == 0;
  return is_aligned(slot->value_offset, WORD_BYTES) && slot->value_offset <= stride - WORD_BYTES;
}

static bool tail_valid(const cairn_type_spec *spec, const cairn_slot_spec *slot) {
  uint64_t end = (uint64_t)slot->offset + WORD_BYTES;
  return slot->offset >= ROOT_BYTES && slot_stride(slot) <= spec->tail_item_bytes &&
         is_aligned(slot_stride(slot), WORD_BYTES) &&
         end <= spec->size_bytes + spec->tail_item_bytes &&
         is_integer_field(spec, slot->count_offset, slot->count_width) && slot->flags == 0 &&
         slot->value_offset == 0;
}

static bool target_valid(const cairn_heap *heap, const cairn_slot_spec *slot) {
  if (slot->target_self) return slot->target == 0;
  return slot->target == 0 || slot->target < heap->type_count;
}

static bool slot_valid(const cairn_heap *heap, const cairn_type_spec *spec,
                       const cairn_slot_spec *slot) {
  const unsigned known_flags = CAIRN_SLOT_FLAG_COUNT_IN_BUFFER | CAIRN_SLOT_FLAG_FOREIGN;
  if (slot->name == NULL || slot->kind < CAIRN_SLOT_STRONG || slot->kind > CAIRN_SLOT_BORROWED) {
    return false;
  }
  if ((slot->flags & ~known_flags) != 0 || !is_aligned(slot->offset, WORD_BYTES)) return false;
  if ((slot->tag_mask & ADDRESS_BITS) != 0 || (slot->tag_value & ~slot->tag_mask) != 0)
    return false;
  if (!target_valid(heap, slot)) return false;
  uint32_t shape = slot_shape(slot);
  if (slot->kind == CAIRN_SLOT_WEAK) {
    /* The weak table knows a slot by its address: it must not move, and holds a plain address. */
    if (slot->tag_mask != 0 || (shape != CAIRN_SHAPE_SINGLE && shape != CAIRN_SHAPE_TAIL)) {
      return false;
    }
  }
  switch (shape) {
    case CAIRN_SHAPE_SINGLE:
      return slot->flags == 0 && inside(spec, slot->offset, WORD_BYTES);
    case CAIRN_SHAPE_ARRAY:
    case CAIRN_SHAPE_TABLE:
      return array_valid(spec, slot);
    case CAIRN_SHAPE_TAIL:
      return tail_valid(spec, slot);
    default:
      return false;
  }
}

/* Two slots with a word at the same offset of the instance.  Tails may interleave; arrays are told
 * apart by their pointers, but several columns of one table may share it. */
static bool slots_clash(const cairn_slot_spec *a, const cairn_slot_spec *b) {
  if (a->offset != b->offset) return false;
  bool a_is_array = slot_shape(a) == CAIRN_SHAPE_ARRAY || slot_shape(a) == CAIRN_SHAPE_TABLE;
  bool b_is_array = slot_shape(b) == CAIRN_SHAPE_ARRAY || slot_shape(b) == CAIRN_SHAPE_TABLE;
  return !(a_is_array && b_is_array && a->first_offset != b->first_offset);
}

static bool slots_distinct(const cairn_type_spec *spec) {
  bool ascending = true;
  for (size_t i = 1; i < spec->slot_count && ascending; i++) {
    ascending = spec->slots[i - 1].offset < spec->slots[i].offset;
  }
  if (ascending) return true;
  for (size_t i = 1; i < spec->slot_count; i++) {
    for (size_t j = 0; j < i; j++) {
      if (slots_clash(&spec->slots[i], &spec->slots[j])) return false;
    }
  }
  return true;
}

static bool width_valid(const cairn_field_spec *field) {
  switch (field->kind) {
    case CAIRN_FIELD_UINT:
    case CAIRN_FIELD_SINT:
    case CAIRN_FIELD_BOOL:
    case CAIRN_FIELD_CHAR:
      return is_integer_width(field->width);
    case CAIRN_FIELD_FLOAT:
      return field->width == 4 || field->width == 8;
    case CAIRN_FIELD_TEXT_POINTER:
    case CAIRN_FIELD_ADDRESS:
      return field->width == WORD_BYTES;
    case CAIRN_FIELD_TEXT:
    case CAIRN_FIELD_BYTES:
      return field->width > 0;
    default:
      return false;
  }
}

static bool field_valid(const cairn_type_spec *spec, const cairn_field_spec *field) {
  if (field->name == NULL || !width_valid(field)) return false;
  if (field->length_width == 0) return inside(spec, field->offset, field->width);
  /* As long as its length field says: in place, or in the tail. */
  bool takes_length = field->kind == CAIRN_FIELD_TEXT || field->kind == CAIRN_FIELD_BYTES;
  return takes_length && field->offset >= ROOT_BYTES && field->offset <= spec->size_bytes &&
         is_integer_field(spec, field->length_offset, field->length_width);
}

bool cairn_type_spec_valid(const cairn_heap *heap, const cairn_type_spec *spec) {
  if (spec == NULL || spec->name == NULL || spec->name[0] == '\0') return false;
  if (spec->size_bytes < ROOT_BYTES || spec->size_bytes > SIZE_MAX_BYTES) return false;
  if (spec->tail_item_bytes > SIZE_MAX_BYTES) return false;
  if ((spec->traverse == NULL) != (spec->clear == NULL)) return false;
  if (spec->slot_count > SLOTS_MAX || (spec->slot_count > 0 && spec->slots == NULL)) return false;
  if (spec->field_count > SLOTS_MAX || (spec->field_count > 0 && spec->fields == NULL))
    return false;
  for (size_t i = 0; i < spec->slot_count; i++) {
    if (!slot_valid(heap, spec, &spec->slots[i])) return false;
  }
  for (size_t i = 0; i < spec->field_count; i++) {
    if (!field_valid(spec, &spec->fields[i])) return false;
  }
  return slots_distinct(spec);
}

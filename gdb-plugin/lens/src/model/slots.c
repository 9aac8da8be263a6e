/* Enumerating the references of one object.  See lens_slots in model.h.
 *
 * Invariants:
 *  - An element count is believed only as far as the block, the buffer or the region reaches.
 *  - Nothing is allocated; arrays are read in pieces of at most a page.
 *  - Ordinals follow the runtime's rule: they count the words of strong slots, whatever they hold,
 *    and of a table's row the value comes before the key.
 */
#include <string.h>

#include "model.h"

/* ---- reading words ---- */

/* The 8-byte word at `address`, which lies before `limit`.  What is read ahead ends there too. */
static lens_status read_word(struct lens_slots *it, uint64_t address, uint64_t limit,
                             uint64_t *word) {
  uint64_t in_object = address - it->address;
  if (in_object < it->byte_count && it->byte_count - in_object >= 8) {
    *word = lens_load_uint(it->bytes + in_object, 8);
    return LENS_OK;
  }
  uint64_t in_piece = address - it->piece_start;
  if (in_piece >= it->piece_bytes || it->piece_bytes - in_piece < 8) {
    uint64_t wanted = limit - address < sizeof it->piece ? limit - address : sizeof it->piece;
    it->piece_start = address;
    it->piece_bytes = 0;
    lens_status status = lens_fetch_prefix(it->self, address, wanted, it->piece, &it->piece_bytes);
    if (status != LENS_OK) {
      it->piece_bytes = 0;
      return status;
    }
    if (it->piece_bytes < 8) return LENS_UNREADABLE;
    in_piece = 0;
  }
  *word = lens_load_uint(it->piece + in_piece, 8);
  return LENS_OK;
}

static const struct lens_slot *slot_of(const struct lens_slots *it) {
  return &it->type->slots[it->slot];
}

static void log_slot(struct lens_slots *it, const char *problem) {
  it->partial = true;
  lens_problem_add(it->self, it->source, LENS_DAMAGE, it->address, "slot %s of the %s at 0x%llx %s",
                   slot_of(it)->name, it->type->shown.name, (unsigned long long)it->address,
                   problem);
}

/* ---- entering a slot ---- */

/* The end of the region that holds `address`: how far memory of the program may reach. */
static uint64_t foreign_end(const lens *self, uint64_t address) {
  if (self->region_count == 0) return UINT64_MAX;
  const lens_region *region = lens_region_at(self, address);
  return region == NULL ? address : region->end;
}

/* Where the memory that an array's pointer leads to ends; `address` itself when it is none that the
 * slot may point to. */
static lens_status array_end(struct lens_slots *it, uint64_t address, uint64_t *end) {
  lens *self = it->self;
  uint32_t arena = lens_arena_find(self, address);
  struct lens_block block;
  *end = address;
  if (arena == LENS_NONE) {
    if (slot_of(it)->foreign) *end = foreign_end(self, address);
    return LENS_OK;
  }
  uint32_t heap = self->model.arenas[arena].shown.heap;
  if (heap != it->type->shown.heap || !lens_block_find(self, arena, address, &block) ||
      block.fresh) {
    return LENS_OK;
  }
  uint64_t content = block.start + self->model.heaps[heap].contract->buffer_header_bytes;
  if (address < content) return LENS_OK;
  uint64_t header = 0;
  lens_status status = read_word(it, block.start, block.start + block.bytes, &header);
  if (status == LENS_UNREADABLE) return LENS_OK;
  if (status != LENS_OK) return status;
  struct lens_head head;
  lens_head_decode(self, heap, header, &head);
  if (head.place == LENS_PLACE_BUFFER) *end = block.start + block.bytes;
  return LENS_OK;
}

/* The unsigned integer of the slot's element count. */
static lens_status read_count(struct lens_slots *it, uint64_t end, uint64_t *count) {
  const struct lens_slot *slot = slot_of(it);
  uint8_t bytes[8];
  if (slot->count_in_buffer) {
    if (slot->count_offset > end - it->array ||
        end - it->array - slot->count_offset < slot->count_width) {
      return LENS_UNREADABLE;
    }
  } else if (slot->count_offset + (uint64_t)slot->count_width <= it->byte_count) {
    *count = lens_load_uint(it->bytes + slot->count_offset, slot->count_width);
    return LENS_OK;
  }
  uint64_t address = (slot->count_in_buffer ? it->array : it->address) + slot->count_offset;
  uint64_t in_piece = address - it->piece_start;
  if (in_piece < it->piece_bytes && it->piece_bytes - in_piece >= slot->count_width) {
    *count = lens_load_uint(it->piece + in_piece, slot->count_width);
    return LENS_OK;
  }
  lens_status status = lens_fetch(it->self, address, slot->count_width, bytes);
  if (status == LENS_OK) *count = lens_load_uint(bytes, slot->count_width);
  return status;
}

/* Sets base and count of a row of elements that must end before `end`. */
static lens_status enter_elements(struct lens_slots *it, uint64_t start, uint64_t end) {
  const struct lens_slot *slot = slot_of(it);
  uint64_t count = 0;
  lens_status status = read_count(it, end, &count);
  if (status == LENS_UNREADABLE) log_slot(it, "has an element count that can't be read");
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  uint64_t offset = slot->shape == LENS_SHAPE_TAIL ? slot->offset : slot->first_offset;
  uint64_t last_word = slot->shape == LENS_SHAPE_TABLE ? (uint64_t)slot->value_offset + 8 : 8;
  uint64_t room = offset <= end - start ? end - start - offset : 0;
  uint64_t fitting = room < last_word ? 0 : (room - last_word) / slot->stride + 1;
  if (count > fitting) {
    log_slot(it, "claims more elements than fit");
    count = fitting;
  }
  it->base = start + offset;
  it->count = count;
  return LENS_OK;
}

/* Makes the current slot's elements known.  A slot that is damaged has none. */
static lens_status enter(struct lens_slots *it) {
  const struct lens_slot *slot = slot_of(it);
  it->entered = true;
  it->element = it->count = 0;
  it->part = 0;
  it->array = 0;
  if (slot->shape == LENS_SHAPE_SINGLE || slot->shape == LENS_SHAPE_TAIL) {
    uint64_t needed = slot->shape == LENS_SHAPE_SINGLE ? slot->offset + 8ull : slot->offset;
    if (needed > it->block_bytes) {
      log_slot(it, "lies outside its block");
      return LENS_OK;
    }
    if (slot->shape == LENS_SHAPE_TAIL) {
      return enter_elements(it, it->address, it->address + it->block_bytes);
    }
    it->base = it->address + slot->offset;
    it->count = 1;
    return LENS_OK;
  }
  uint64_t array = 0;
  if (slot->offset + 8ull > it->block_bytes) {
    log_slot(it, "lies outside its block");
    return LENS_OK;
  }
  lens_status status =
      read_word(it, it->address + slot->offset, it->address + it->block_bytes, &array);
  if (status == LENS_UNREADABLE) log_slot(it, "can't be read");
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  if (array == 0) return LENS_OK;
  uint64_t end = array;
  status = array_end(it, array, &end);
  if (status != LENS_OK) return status;
  if (end == array) {
    log_slot(it, "points to no live buffer");
    return LENS_OK;
  }
  it->array = array;
  return enter_elements(it, array, end);
}

/* ---- declared slots ---- */

static uint64_t words_a_row(const struct lens_slot *slot) {
  return slot->shape == LENS_SHAPE_TABLE && slot->value_offset != 0 ? 2 : 1;
}

/* Leaves the current slot for the next one. */
static void leave(struct lens_slots *it) {
  const struct lens_slot *slot = slot_of(it);
  if (slot->kind == LENS_REF_STRONG) it->first_ordinal += it->count * words_a_row(slot);
  it->slot++;
  it->entered = false;
}

/* Some of the elements can't be read: goes on behind the hole, or ends the slot. */
static void skip_hole(struct lens_slots *it, uint64_t address, uint64_t end) {
  const struct lens_slot *slot = slot_of(it);
  log_slot(it, "has elements that can't be read");
  uint64_t behind = (address | (LENS_GRAIN_BYTES - 1)) + 1;
  if (slot->foreign || behind >= end || behind < address) {
    it->element = it->count;
  } else {
    it->element = (behind - it->base + slot->stride - 1) / slot->stride;
  }
  it->part = 0;
}

/* The reference of a word, or 0. */
static uint64_t reference_of(const struct lens_slot *slot, uint64_t word) {
  return (word & slot->tag_mask) == slot->tag_value ? word & ~slot->tag_mask : 0;
}

/* The next word of the slot that is entered.  False: it is used up. */
static bool next_of_slot(struct lens_slots *it, struct lens_place_ref *out) {
  const struct lens_slot *slot = slot_of(it);
  bool rows_of_two = words_a_row(slot) == 2;
  uint64_t last_word = rows_of_two ? slot->value_offset + 8ull : 8;
  while (it->element < it->count) {
    uint64_t end = it->base + (it->count - 1) * slot->stride + last_word;
    uint64_t element = it->element;
    uint32_t part = it->part;
    uint64_t address = it->base + element * slot->stride + (part == 0 ? 0 : slot->value_offset);
    uint64_t word = 0;
    it->status = read_word(it, address, end, &word);
    if (it->status == LENS_UNREADABLE) {
      it->status = LENS_OK;
      skip_hole(it, address, end);
      continue;
    }
    if (it->status != LENS_OK) return false;
    uint64_t ordinal = it->first_ordinal;
    if (rows_of_two) {
      ordinal += 2 * element + (part == 0 ? 1 : 0);
      bool empty_row = part == 0 && word == 0 && !it->stale;
      it->part = part == 0 && !empty_row ? 1 : 0;
      if (it->part == 0) it->element++;
    } else {
      ordinal += element;
      it->element++;
    }
    uint64_t target = reference_of(slot, word);
    if (target == 0 || (slot->kind == LENS_REF_STRONG && ordinal < it->resume)) continue;
    *out = (struct lens_place_ref){.slot_address = address,
                                   .target = target,
                                   .element = element,
                                   .slot = it->slot,
                                   .part = part,
                                   .kind = slot->kind};
    return true;
  }
  return false;
}

/* ---- conservative words ---- */

/* What a word of a conservative type may be: LENS_PLACE_OBJECT for exactly the start of an object
 * (dying ones too), LENS_PLACE_BUFFER for exactly the content of a live buffer. */
static lens_status classify(lens *self, uint64_t word, uint32_t *place, struct lens_block *block) {
  *place = LENS_PLACE_NOTHING;
  uint32_t arena = lens_arena_find(self, word);
  if (arena == LENS_NONE || !lens_block_find(self, arena, word, block) || block->fresh) {
    return LENS_OK;
  }
  uint32_t heap = self->model.arenas[arena].shown.heap;
  uint64_t header_bytes = self->model.heaps[heap].contract->buffer_header_bytes;
  if (word != block->start && word != block->start + header_bytes) return LENS_OK;
  uint8_t bytes[8];
  lens_status status = lens_fetch(self, block->start, sizeof bytes, bytes);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  struct lens_head head;
  lens_head_decode(self, heap, lens_load_uint(bytes, 8), &head);
  bool is_object = head.place == LENS_PLACE_OBJECT || head.place == LENS_PLACE_DYING;
  if (is_object && word == block->start) *place = LENS_PLACE_OBJECT;
  if (head.place == LENS_PLACE_BUFFER && word != block->start) *place = LENS_PLACE_BUFFER;
  return LENS_OK;
}

/* Whether a declared slot accounts for the word at `offset` of the object. */
static bool is_declared(const struct lens_type_model *type, uint64_t offset) {
  for (uint32_t i = 0; type != NULL && i < type->shown.slot_count; i++) {
    const struct lens_slot *slot = &type->slots[i];
    if (slot->shape == LENS_SHAPE_TAIL ? offset >= slot->offset : offset == slot->offset) {
      return true;
    }
  }
  return false;
}

/* Where the object's words end: stale bytes behind a type of fixed size are no part of it. */
static uint64_t object_end(const struct lens_slots *it) {
  const struct lens_type_model *type = it->type;
  if (type == NULL || !type->known || type->shown.damaged != 0 || type->tail_item_bytes != 0 ||
      type->shown.size_bytes > it->block_bytes) {
    return it->address + it->block_bytes;
  }
  return it->address + type->shown.size_bytes;
}

/* The words are [base + 8 * element, base + 8 * count) of the object, or of a buffer of it. */
static void enter_words(struct lens_slots *it, uint64_t start, uint64_t end) {
  it->entered = true;
  it->base = start;
  it->element = 0;
  it->count = end > start ? (end - start) / 8 : 0;
}

/* Steps over a hole in the words; they are scanned grain by grain. */
static void skip_words(struct lens_slots *it, uint64_t address) {
  it->partial = true;
  uint64_t behind = (address | (LENS_GRAIN_BYTES - 1)) + 1;
  uint64_t element = (behind - it->base) / 8;
  it->element = behind > address && element < it->count ? element : it->count;
}

/* The next suspicious word.  False: there is none, or a failure. */
static bool next_of_words(struct lens_slots *it, struct lens_place_ref *out) {
  if (!it->entered) enter_words(it, it->address + 8, object_end(it));
  for (;;) {
    if (it->element >= it->count) {
      if (it->outer == 0) return false;
      uint64_t outer = it->outer;
      it->outer = 0;
      enter_words(it, outer, object_end(it));
      continue;
    }
    uint64_t address = it->base + it->element * 8;
    uint64_t word = 0;
    it->status = read_word(it, address, it->base + it->count * 8, &word);
    if (it->status == LENS_UNREADABLE) {
      it->status = LENS_OK;
      skip_words(it, address);
      continue;
    }
    if (it->status != LENS_OK) return false;
    it->element++;
    bool in_object = address - it->address < it->block_bytes;
    if (word == 0 || (in_object && is_declared(it->type, address - it->address))) continue;
    uint32_t place = LENS_PLACE_NOTHING;
    struct lens_block block;
    it->status = classify(it->self, word, &place, &block);
    if (it->status != LENS_OK) return false;
    if (place == LENS_PLACE_BUFFER && in_object) {
      it->outer = address + 8;
      enter_words(it, word, block.start + block.bytes);
    } else if (place == LENS_PLACE_OBJECT) {
      *out = (struct lens_place_ref){
          .slot_address = address, .target = word, .slot = LENS_NONE, .kind = LENS_REF_OPAQUE};
      return true;
    }
  }
}

/* ---- the whole ---- */

void lens_slots_begin(struct lens_slots *it, lens *self, const struct lens_type_model *type,
                      uint64_t address, uint64_t block_bytes, const uint8_t *bytes,
                      uint64_t byte_count) {
  it->self = self;
  it->type = type;
  it->address = address;
  it->bytes = bytes;
  it->byte_count = byte_count;
  it->block_bytes = block_bytes;
  it->source = LENS_SOURCE_QUERY;
  it->status = LENS_OK;
  it->partial = false;
  it->stale = false;
  it->slot = 0;
  it->entered = false;
  it->first_ordinal = 0;
  it->resume = 0;
  it->outer = 0;
  it->piece_start = 0;
  it->piece_bytes = 0;
  if (type == NULL || byte_count < 8) return;
  const struct lens_heap_model *heap = &self->model.heaps[type->shown.heap];
  const struct lens_header_layout *layout = &heap->contract->header;
  uint64_t header = lens_load_uint(bytes, 8);
  if ((header & layout->dying) != 0) it->resume = header & layout->count_mask;
}

bool lens_slots_next(struct lens_slots *it, struct lens_place_ref *out) {
  uint32_t slot_count = it->type == NULL ? 0 : it->type->shown.slot_count;
  while (it->slot < slot_count) {
    if (!it->entered) it->status = enter(it);
    if (it->status != LENS_OK) return false;
    if (next_of_slot(it, out)) return true;
    if (it->status != LENS_OK) return false;
    leave(it);
  }
  bool scanned = it->type == NULL || it->type->conservative;
  return scanned && next_of_words(it, out);
}

void lens_slots_buffers(const struct lens_type_model *type, const uint8_t *bytes,
                        uint64_t byte_count, lens_buffer_visit_fn visit, void *context) {
  for (uint32_t i = 0; i < type->shown.slot_count; i++) {
    const struct lens_slot *slot = &type->slots[i];
    if (slot->shape != LENS_SHAPE_ARRAY && slot->shape != LENS_SHAPE_TABLE) continue;
    if (slot->offset + 8ull > byte_count) continue;
    uint64_t content = lens_load_uint(bytes + slot->offset, 8);
    if (content != 0) visit(context, i, content);
  }
}

/* Walking the words of an object's declared slots, one kind at a time, in field order.
 *
 * A *word* is the memory that may hold one reference; an *ordinal* counts the words of one kind in
 * one object, from 0, in field order.  A table's row has two words, the value before the key, so
 * that a walk that clears what it passes never leaves a value in a row whose key is 0.
 *
 * Invariants:
 *  - A cursor reads element counts and array pointers when it enters a slot: they must not change
 *    while it is inside.  The words themselves may.
 *  - Ordinals depend on counts and array pointers only, never on what the words hold: clearing a
 *    word does not move another one.
 *
 * What this is not: a way into opaque types (cairn_slots_visit knows them), and no check: the
 * declared counts are believed.
 */
#ifndef CAIRN_SLOTS_H
#define CAIRN_SLOTS_H

#include "internal.h"

/* The program declares its slots with pointer types of its own. */
typedef uint64_t __attribute__((may_alias)) cairn_word;

/* A walk over the words of one kind.  Entered: [index, count) of the slot's words are to come. */
struct cairn_cursor {
  char *object;
  const struct cairn_slot *slot; /* of the word that was returned last */
  const struct cairn_slot *next; /* the slot to enter when this one is used up */
  const struct cairn_slot *end;
  char *first; /* element 0's word, of a table row 0's key word */
  uint64_t index, count;
  uint64_t ordinal; /* of the word that comes next */
  uint8_t kind;     /* enum cairn_slot_kind */
};

/* The object that a word of the slot holds, or NULL. */
static inline cairn_object *cairn_word_object(const struct cairn_slot *slot, cairn_word word) {
  if ((word & slot->tag_mask) != slot->tag_value) return NULL;
  return (cairn_object *)(uintptr_t)(word & ~slot->tag_mask);
}

/* The word that holds `object`, 0 for NULL. */
static inline cairn_word cairn_word_of(const struct cairn_slot *slot, const cairn_object *object) {
  return object == NULL ? 0 : (uint64_t)(uintptr_t)object | slot->tag_value;
}

/* How many words the slot has in the object, and where element 0's word is. */
uint64_t cairn_slot_words(const struct cairn_slot *slot, char *object, char **first);

static inline void cairn_cursor_begin(struct cairn_cursor *cursor, const struct cairn_type *type,
                                      cairn_object *object, uint8_t kind) {
  cursor->object = (char *)object;
  cursor->slot = NULL;
  cursor->next = type->slots;
  cursor->end = type->slots + type->slot_count;
  cursor->first = NULL;
  cursor->index = 0;
  cursor->count = 0;
  cursor->ordinal = 0;
  cursor->kind = kind;
}

/* The index-th word of the slot that the cursor is inside. */
static inline cairn_word *cairn_cursor_word(const struct cairn_cursor *cursor, uint64_t index) {
  const struct cairn_slot *slot = cursor->slot;
  uint64_t offset;
  if (slot->shape != CAIRN_SHAPE_TABLE || slot->value_offset == 0) {
    offset = index * slot->stride;
  } else {
    offset = (index >> 1) * slot->stride + ((index & 1) == 0 ? slot->value_offset : 0);
  }
  return (cairn_word *)(void *)(cursor->first + offset);
}

/* Enters the next slot of the cursor's kind.  False: there is none. */
static inline bool cairn_cursor_enter(struct cairn_cursor *cursor) {
  while (cursor->next != cursor->end) {
    const struct cairn_slot *slot = cursor->next++;
    if (slot->kind != cursor->kind) continue;
    cursor->slot = slot;
    cursor->index = 0;
    if (slot->shape == CAIRN_SHAPE_SINGLE) {
      cursor->first = cursor->object + slot->offset;
      cursor->count = 1;
    } else {
      cursor->count = cairn_slot_words(slot, cursor->object, &cursor->first);
    }
    return true;
  }
  return false;
}

/* True for the value of a row without a key: the row is empty, whatever its value word says. */
static inline bool cairn_cursor_in_empty_row(const struct cairn_cursor *cursor, uint64_t index) {
  const struct cairn_slot *slot = cursor->slot;
  return slot->shape == CAIRN_SHAPE_TABLE && slot->value_offset != 0 && (index & 1) == 0 &&
         *cairn_cursor_word(cursor, index + 1) == 0;
}

/* The next word, or NULL at the end; cursor->slot is then its slot and cursor->ordinal - 1 its
 * ordinal. */
static inline cairn_word *cairn_cursor_next(struct cairn_cursor *cursor) {
  for (;;) {
    while (cursor->index == cursor->count) {
      if (!cairn_cursor_enter(cursor)) return NULL;
    }
    uint64_t index = cursor->index++;
    cursor->ordinal++;
    if (!cairn_cursor_in_empty_row(cursor, index)) return cairn_cursor_word(cursor, index);
  }
}

/* Goes to a word by its ordinal: returns it and leaves the cursor behind it.  The word exists. */
static inline cairn_word *cairn_cursor_seek(struct cairn_cursor *cursor, uint64_t ordinal) {
  uint64_t left = ordinal;
  bool entered = cairn_cursor_enter(cursor);
  while (entered && left >= cursor->count) {
    left -= cursor->count;
    entered = cairn_cursor_enter(cursor);
  }
  assert(entered);
  cursor->index = left + 1;
  cursor->ordinal = ordinal + 1;
  return cairn_cursor_word(cursor, left);
}

/* Frees the buffers that the object's array and table slots own and stores NULL to their pointers.
 * The words in them must hold no reference any more. */
void cairn_slots_free_buffers(const struct cairn_type *type, cairn_object *object);

#endif

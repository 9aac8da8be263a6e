/* Plans: what a type's description comes down to, worked out once, for making and freeing objects.
 *
 * Invariant: a plan says nothing that the description does not; where that is more than a plan can
 * say, it says CAIRN_DEATH_GENERAL, or no size class.
 *
 * What this is not: part of the contract.  Readers go by the description.
 */
#include "hot.h"

/* True for an untagged word that owns a reference. */
static bool is_plain(const struct cairn_slot *slot) {
  return slot->kind == CAIRN_SLOT_STRONG && slot->tag_mask == 0 && slot->tag_value == 0;
}

/* What dying takes; for CAIRN_DEATH_RUN the words too. */
static void plan_death(struct cairn_plan *plan, const struct cairn_type *type) {
  const uint32_t flags =
      CAIRN_TYPE_FLAG_FINALIZER | CAIRN_TYPE_FLAG_OPAQUE | CAIRN_TYPE_FLAG_HAS_WEAK;
  plan->death = CAIRN_DEATH_GENERAL;
  if ((type->flags & flags) != 0 || type->size_bytes > UINT16_MAX) return;
  uint32_t count = 0;
  for (uint32_t i = 0; i < type->slot_count; i++) {
    const struct cairn_slot *slot = &type->slots[i];
    bool single = slot->shape == CAIRN_SHAPE_SINGLE;
    if (single && slot->kind == CAIRN_SLOT_BORROWED) continue;
    if (!is_plain(slot)) return;
    if (!single) {
      bool row = slot->shape != CAIRN_SHAPE_TABLE && slot->stride == sizeof(cairn_object *);
      if (row && type->slot_count == 1) plan->death = CAIRN_DEATH_ROW;
      return;
    }
    if (count == 0) plan->first = (uint16_t)slot->offset;
    if (slot->offset != plan->first + count * sizeof(cairn_object *)) return;
    count++;
  }
  plan->count = (uint16_t)count;
  plan->death = count == 0 ? CAIRN_DEATH_LEAF : CAIRN_DEATH_RUN;
}

/* Where the last word or count of a slot in the object itself ends. */
static uint64_t slots_end(const struct cairn_type *type) {
  uint64_t end = sizeof(cairn_object);
  for (uint32_t i = 0; i < type->slot_count; i++) {
    const struct cairn_slot *slot = &type->slots[i];
    bool counted =
        slot->shape != CAIRN_SHAPE_SINGLE && (slot->flags & CAIRN_SLOT_FLAG_COUNT_IN_BUFFER) == 0;
    uint64_t word_end = slot->offset + (slot->shape == CAIRN_SHAPE_TAIL ? 0 : sizeof(char *));
    uint64_t count_end = counted ? slot->count_offset + slot->count_width : 0;
    if (word_end > end) end = word_end;
    if (count_end > end) end = count_end;
  }
  return end;
}

/* `bytes`, as cairn_block_zero takes them; 0: the header is all. */
static uint32_t whole_words(uint64_t bytes) {
  if (bytes == sizeof(cairn_object)) return 0;
  if (bytes < CAIRN_BLOCK_MIN_BYTES) return CAIRN_BLOCK_MIN_BYTES;
  return (uint32_t)(bytes + 7) & ~7u;
}

struct cairn_plan cairn_plan_of(cairn_heap *heap, const struct cairn_type *type,
                                bool uninitialized) {
  struct cairn_hot *none = cairn_hot_none(heap);
  struct cairn_plan plan = {.header = 1 | (uint64_t)type->index << CAIRN_TYPE_SHIFT |
                                      CAIRN_STATE(LIVE) | heap->object_states,
                            .ready = none,
                            .source = none,
                            .target = none};
  if ((type->flags & CAIRN_TYPE_FLAG_ACYCLIC) != 0) plan.header |= CAIRN_STATE(ACYCLIC);
  if ((plan.header & CAIRN_STATE(ACYCLIC)) == 0) plan.header |= CAIRN_STATE(TELL);
  if (type->size_bytes <= CAIRN_SMALL_MAX_BYTES) {
    plan.zero_bytes = whole_words(uninitialized ? slots_end(type) : type->size_bytes);
    plan.source = &heap->hot_rows[cairn_size_class_of(type->size_bytes)];
    if (type->tail_item_bytes == 0) plan.target = plan.source;
#ifdef NDEBUG /* else the library checks who it is that asks (owner.c) */
    if (plan.zero_bytes <= CAIRN_MAKE_ZERO_MAX_) plan.ready = plan.source;
#endif
  }
  plan_death(&plan, type);
  return plan;
}

struct cairn_plan cairn_plan_observed(cairn_heap *heap, const struct cairn_plan *plain) {
  struct cairn_plan plan = *plain;
  plan.ready = plan.source = plan.target = cairn_hot_none(heap);
  if (plan.death == CAIRN_DEATH_LEAF) plan.death = CAIRN_DEATH_RUN; /* of no words: by `target` */
  return plan;
}

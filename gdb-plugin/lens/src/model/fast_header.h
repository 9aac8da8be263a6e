/* The common headers, told apart with a mask: for loops over all blocks.
 *
 * What these do not know (dying, saturated, damaged) is left to lens_head_decode.
 */
#ifndef LENS_FAST_HEADER_H
#define LENS_FAST_HEADER_H

#include "model.h"

struct lens_fast_header {
  uint64_t kind_mask; /* what is `plain` under it is a live object that is not saturated */
  uint64_t plain;
  uint64_t state_mask; /* bits that make a state */
  uint64_t live, buffer_mask, buffer, count_mask, type_mask;
  uint32_t type_shift, type_count, first_type;
};

static inline struct lens_fast_header lens_fast_header_of(const struct lens_heap_model *heap) {
  const struct lens_header_layout *header = &heap->contract->header;
  return (struct lens_fast_header){
      .kind_mask =
          header->live | header->dying | header->buffer | header->saturated | header->quarantined,
      .state_mask = header->candidate | header->held | header->finalized | header->weakly |
                    header->interned | header->shared,
      /* Where a count alone makes an object immortal, none is plain. */
      .plain = header->saturated == 0 && header->immortal != 0 ? UINT64_MAX : header->live,
      .live = header->live,
      .buffer_mask = header->live | header->dying | header->buffer | header->quarantined |
                     header->count_mask | header->type_mask << header->type_shift,
      .buffer = header->live | header->buffer,
      .count_mask = header->count_mask,
      .type_mask = header->type_mask,
      .type_shift = header->type_shift,
      .type_count = heap->type_count,
      .first_type = heap->first_type,
  };
}

/* The states of a live object that is not saturated. */
static inline uint32_t lens_fast_state(const struct lens_header_layout *layout, uint64_t header) {
  uint32_t state = 0;
  if ((header & layout->candidate) != 0) state |= LENS_STATE_CANDIDATE;
  if ((header & layout->held) != 0) state |= LENS_STATE_HELD;
  if ((header & layout->finalized) != 0) state |= LENS_STATE_FINALIZED;
  if ((header & layout->weakly) != 0) state |= LENS_STATE_WEAKLY;
  if ((header & layout->interned) != 0) state |= LENS_STATE_INTERNED;
  if ((header & layout->shared) != 0) state |= LENS_STATE_SHARED;
  return state;
}

#endif
